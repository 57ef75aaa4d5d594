"""A hundred thousand programs, one in twenty hostile, and what is left of them afterwards.

python benchmarks/sandbox_soak.py [--runs N] [--level LEVEL] [--seed N]

Honest programs are all different and add two numbers; the hostile ones are those of
fixtures/hostile in turn, each with its own tests. Limits are 0.1 s of processor time and 256 MB.
Printed: processes, descriptors, mounts, control groups and temporary files before and after, memory
of this process and of its servers after each tenth, verdicts, and whether any hostile program was
accepted or any honest one was not. The exit status is 1 if anything was.
"""

import argparse
import contextlib
import itertools
import os
import platform
import random
import sys
import time
import tomllib
from collections import Counter
from pathlib import Path

import machine

from unflip.run import suited, verify_all, with_progress
from unflip.sandbox import Level, shared
from unflip.types import Sample
from unflip.verifiers.code import Code, How

HOSTILE = Path(__file__).parent.parent / "fixtures" / "hostile"
SHARE = 20
TASKS = {
    "add": {"test_list": ["assert add(1, 2) == 3", "assert add(10**9, 11) == 1000000011"]},
    "sum": {"inputs": ["1\n2"], "outputs": ["3"]},
    "rows": {"inputs": [""], "outputs": ["1\n2\n3"]},
    "root": {"inputs": ["2"], "outputs": ["1.41421356"]},
}
RIGHT = {
    "add": "def add(a, b):\n    return a + b",
    "sum": "print(int(input()) + int(input()))",
}


def hostile(seed):
    """The programs of the corpus in a shuffled order, for ever, with the task of each."""
    found = []
    for family in ("forging", "escaping", "bombs"):
        programs = tomllib.loads((HOSTILE / f"{family}.toml").read_text())["program"]
        found += [
            (one["code"], one.get("task", "sum"))
            for one in programs
            if one.get("machine", platform.machine()) == platform.machine()
            and one.get("task", "sum") in TASKS
        ]
    random.Random(seed).shuffle(found)
    return itertools.cycle(found)


def samples(runs, seed):
    """Programs one after the other, with what is known of them: a stratum, and a truth."""
    attacks = hostile(seed)
    for n in range(runs):
        if n % SHARE == SHARE - 1:
            code, task = next(attacks)
            yield Sample(f"{code}\n# {n}", meta=TASKS[task], correct=False)
        else:
            task = ("add", "sum")[n % 2]
            yield Sample(f"{RIGHT[task]}\n# {n}", meta=TASKS[task], correct=True)


def below(root):
    """Every process below a process."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                said = (entry / "stat").read_text()
                parents[int(entry.name)] = int(said.rpartition(")")[2].split()[1])
    found, more = set(), {root}
    while more:
        more = {pid for pid, parent in parents.items() if parent in more}
        found |= more
    return found


def state():
    """How much there is of what a run may leave behind."""
    groups = Path("/sys/fs/cgroup")
    return {
        "processes below": len(below(os.getpid())),
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "mounts": len(Path("/proc/self/mountinfo").read_text().splitlines()),
        "control groups": sum(1 for one in groups.rglob("*") if one.is_dir()),
        "files in /tmp and /dev/shm": len([*Path("/tmp").iterdir(), *Path("/dev/shm").iterdir()]),
    }


def memory(pid):
    """Resident memory of a process in MiB; 0 if it has ended."""
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024
    return 0.0


def run(verify, arguments):
    """Verify all; the verdicts by truth, and the memory after each tenth."""
    said, sizes = Counter(), []
    asked = samples(arguments.runs, arguments.seed)
    again = samples(arguments.runs, arguments.seed)
    verdicts = verify_all(verify, again, workers=suited())
    told = with_progress(verdicts, arguments.runs, description="soaking")
    for n, (sample, verdict) in enumerate(zip(asked, told, strict=True), 1):
        word = verdict.evidence.get("verdict", verdict.reason)
        said["honest" if sample.correct else "hostile", str(verdict.outcome), str(word)] += 1
        if n % max(1, arguments.runs // 10) == 0:
            servers = [memory(pid) for pid in below(os.getpid())]
            sizes.append((memory(os.getpid()), len(servers), max(servers, default=0)))
    return said, sizes


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--level", choices=["namespaces", "landlock"], default="namespaces")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print(f"{machine.line()}, kernel {platform.release()}, level {arguments.level}")
    verify = Code(
        cpu=0.1, memory=256, output=4, minimum=arguments.level, most=arguments.level, how=How.FLOATS
    )
    before = state()
    verify.warm_up()
    print("warm", flush=True)
    began = time.perf_counter()
    said, sizes = run(verify, arguments)
    taken = time.perf_counter() - began
    shared(Level[arguments.level.upper()], Level[arguments.level.upper()]).close()
    after = state()
    print(f"{arguments.runs} programs in {taken:.0f} s, {arguments.runs / taken:.0f}/s")
    for (kind, outcome, word), n in sorted(said.items()):
        print(f"  {kind:8} {outcome:8} {word:34} {n:7}")
    print("MiB after each tenth (this process; servers and programs, the largest):")
    print("  " + ", ".join(f"{own:.0f} ({n}, {most:.0f})" for own, n, most in sizes))
    left = {name: (before[name], after[name]) for name in before}
    print("before and after:", ", ".join(f"{k} {a} {b}" for k, (a, b) in left.items()))
    wrong = sum(n for (kind, outcome, _), n in said.items()
                if (outcome == "accept") != (kind == "honest"))  # fmt: skip
    grown = [name for name, (a, b) in left.items() if b > a and not name.startswith("files")]
    print(f"decided wrongly: {wrong}; left behind: {', '.join(grown) or 'nothing'}")
    sys.exit(1 if wrong or grown else 0)


if __name__ == "__main__":
    main()

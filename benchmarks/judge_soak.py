"""A hundred thousand judgements through a server that fails one attempt in twenty.

python benchmarks/judge_soak.py [--requests N] [--parallel N] [--faults SHARE] [--batch N]

The client is `Stored(Endpoint)`, the stub runs in a process of its own, and its faults are 429 with
Retry-After as seconds and as a date, 500, 503, cut and garbled JSON, and dropped connections. Each
reply holds a number that belongs to its prompt alone. What is counted: answers that are not their
prompt's own (mixed up), requests without one (lost), prompts that the server answered more than
once (doubled), rows of the store; and the memory of this process after each tenth, from /proc.
Halfway, the run is interrupted as by Ctrl-C and taken up again, which must double nothing either.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import machine

from unflip.judges.asking import Reply, Request, Turn
from unflip.judges.backends import Endpoint
from unflip.judges.store import Stored

FOLDER = Path(__file__).parent.parent / "tests" / "judges"
MODEL = "stub"


@contextmanager
def server(faults):
    """The stub in its own process: its URL, and a function that ends it and tells what it saw."""
    command = [sys.executable, str(FOLDER / "server.py"), "--faults", str(faults)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:

        def end():
            run.stdin.close()
            return json.loads(run.stdout.read())

        yield run.stdout.readline().strip(), end


def requests(start, end):
    return [
        Request((Turn("user", f"Is answer {i} right?"),), max_tokens=1, top_logprobs=2)
        for i in range(start, end)
    ]


def memory():
    """Resident memory of this process in MiB."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def interrupted(judge, part):
    """Ask a part and be interrupted amid it, as by Ctrl-C; what is kept by then."""
    told = []

    def tell(place, answer):
        told.append(place)
        if len(told) == len(part) // 2:
            raise KeyboardInterrupt

    try:
        judge.post(part, tell).wait()
    except KeyboardInterrupt:
        return judge.spent[0]
    raise AssertionError("the interruption was lost")


def run(judge, arguments, verdict_of):
    """Ask it all in batches; what was lost and mixed up, and the memory after each tenth."""
    lost = mixed = 0
    sizes = []
    tenth = max(arguments.batch, arguments.requests // 10)
    for start in range(0, arguments.requests, arguments.batch):
        part = requests(start, min(start + arguments.batch, arguments.requests))
        if start <= arguments.requests // 2 < start + arguments.batch:
            kept = interrupted(judge, part)
            print(f"interrupted with {kept} replies kept, and taken up again")
        for request, answer in zip(part, judge.ask(part), strict=True):
            lost += not isinstance(answer, Reply)
            wanted = verdict_of(request.turns[0].text)
            mixed += isinstance(answer, Reply) and answer.said[0].text != wanted
        if (start + arguments.batch) % tenth == 0:
            sizes.append(memory())
    return lost, mixed, sizes


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--parallel", type=int, default=64)
    parser.add_argument("--faults", type=float, default=0.05)
    parser.add_argument("--batch", type=int, default=2_000)
    arguments = parser.parse_args()
    sys.path.insert(0, str(FOLDER))
    verdict_of = import_module("server").verdict_of
    print(machine.line())
    with server(arguments.faults) as (url, end), tempfile.TemporaryDirectory() as folder:
        backend = Endpoint(
            url, MODEL, parallel=arguments.parallel, backoff=0.05, retries=10, kind="stub"
        )
        judge = Stored(backend, f"{folder}/replies.sqlite")
        began = time.perf_counter()
        lost, mixed, sizes = run(judge, arguments, verdict_of)
        taken = time.perf_counter() - began
        kept, usage = judge.spent
        seen = end()
    doubled = sum(n for times, n in seen["replies_per_prompt"].items() if int(times) > 1)
    print(f"{arguments.requests} judgements in {taken:.0f} s, {arguments.requests / taken:.0f}/s")
    print(f"lost {lost}, mixed up {mixed}, doubled {doubled}, kept {kept}")
    print(f"attempts: the server saw {seen['attempts']}, the store accounts for {usage.requests}")
    print("faults:", ", ".join(f"{name} {n}" for name, n in sorted(seen["faults"].items())))
    print("memory in MiB after each tenth:", ", ".join(f"{size:.1f}" for size in sizes))


if __name__ == "__main__":
    main()

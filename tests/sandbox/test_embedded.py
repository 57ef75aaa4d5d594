"""The embedded backend with real processes: what a run sees, who may call, what fails closed."""

import os
import signal
import subprocess
import sys
import textwrap
import time
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.sandbox.seeing import alive, below
from unflip.errors import UsageError
from unflip.sandbox import (
    Call,
    Embedded,
    Level,
    Limits,
    Program,
    SandboxError,
    SandboxUnavailable,
    Status,
    shared,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the embedded backend needs Linux")
LIMITS = Limits(cpu=5)
ROOT = Path(__file__).parents[2]
# What a program may depend on, as plain Python prints it too.
HONEST = [
    "print(*range(3), sep='\\n')",
    "import sys; print(sys.stdin.read().upper(), end='')",
    "print(input(), [line for line in open(0)])",
    "import sys; print(sys.stdin.buffer.readline(), sys.argv, __name__, __file__)",
    "import sys; sys.stdout.buffer.write(b'\\xff'); sys.exit(3)",
    "import sys; sys.exit('sorry')",
    "class A: pass\nprint(A.__module__, repr(A))",
    "from __future__ import annotations\ndef f(x: nothing): return x\nprint(f(2))",
    "import atexit; atexit.register(print, 'bye'); print('hello')",
    "import threading\nthreading.Thread(target=print, args=('in a thread',)).start()",
    "raise ValueError('wrong')",
    "1 +",
    "import dataclasses, enum, collections\nprint(collections.Counter('aab'))",
    "def f(x: list[int]) -> 'int': return x\nprint(f.__annotations__)",
    "print('\\u00e9\\u4e2d', len('\\U0001f600'))",
    "import tempfile, os\nprint(os.path.exists('/dev/null'), hash((1, 2)) == hash((1, 2)))",
    "import sys; sys.setrecursionlimit(9**5)\ndef f(n): return n and 1 + f(n - 1)\nprint(f(15000))",
    "import asyncio\nprint(asyncio.run(asyncio.sleep(0, 'slept')))",
    "import subprocess  # a module that asks the system about itself\nprint('imported')",
]


@pytest.mark.parametrize("code", HONEST)
def test_an_honest_program_does_as_under_plain_python(sandbox, code, tmp_path):
    """Output and exit status are those of `python main.py`."""
    (tmp_path / "main.py").write_text(code)
    plain = subprocess.run(
        [sys.executable, "main.py"],
        input=b"one\ntwo\n",
        capture_output=True,
        cwd=tmp_path,
        env={"PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "PATH": "/usr/bin:/bin"},
    )
    ended = sandbox.run(Program(code, b"one\ntwo\n"), LIMITS)
    assert (ended.stdout.replace(bytes(tmp_path), b"."), ended.exit) == (
        plain.stdout.replace(bytes(tmp_path) + b"/", b""),
        plain.returncode,
    )
    last = plain.stderr.decode().strip().splitlines()[-1:]
    assert ended.stderr.decode().strip().splitlines()[-1:] == last


def test_calls_are_recorded_one_by_one(sandbox):
    """Each call has one record, prints go elsewhere, and the first that raises is the last."""
    code = "def f(x):\n    print('said')\n    return 1 / x"
    ended = sandbox.run(Program(code, calls=[Call("f", (n,)) for n in (1, 0, 2)]), LIMITS)
    assert (ended.status, ended.stdout) == (Status.FAILED, b"said\nsaid\n")
    assert ended.records.count(b"\n") == 2
    assert b"ZeroDivisionError" in ended.records
    assert ended.last_error == "ZeroDivisionError: division by zero"


def test_a_method_of_solution_is_found(sandbox):
    """A name that the module lacks is looked for in its class `Solution`."""
    code = "class Solution:\n    def f(self, x): return x"
    ended = sandbox.run(Program(code, calls=[Call("f", (1,)), Call("Solution.f", (2,))]), LIMITS)
    assert ended.status is Status.FINISHED


def test_the_environment_is_the_same_for_everybody(sandbox, monkeypatch):
    """Nothing of the caller's environment is seen."""
    monkeypatch.setenv("SECRET_TOKEN", "hidden")
    ended = sandbox.run(Program("import os; print(os.environ)"), LIMITS)
    assert b"SECRET" not in ended.stdout


def test_chance_is_the_same_in_every_run(sandbox):
    """Verdicts can be repeated: hashes and random numbers begin alike."""
    program = Program("import random; print(random.random(), hash('word'))")
    assert sandbox.run(program, LIMITS).stdout == sandbox.run(program, LIMITS).stdout


def test_chance_is_the_same_in_every_server(sandbox):
    """However many forks it took to reach the level."""
    program = Program("import random; print(random.random())")
    first = sandbox.run(program, LIMITS)
    with Embedded(minimum=first.level, most=first.level) as other:
        assert other.run(program, LIMITS).stdout == first.stdout


DEAF = """
import os, signal, sys
from unflip.sandbox import Embedded, Level, Limits, Program
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.umask(0o777)
program = Program('''
import os, signal
print(oct(os.umask(0)))
signal.signal(signal.SIGALRM, lambda *_: print("rang"))
signal.setitimer(signal.ITIMER_REAL, 0.01)
signal.pause()
''')
level = Level(int(sys.argv[1]))
with Embedded(minimum=level, most=level) as sandbox:
    print(sandbox.run(program, Limits()).stdout.decode(), end="")
"""


def test_a_caller_that_hears_no_signals_is_served(sandbox):
    """What it blocks, ignores and masks is neither the server's nor the program's."""
    command = [sys.executable, "-c", DEAF, str(int(sandbox.level))]
    assert subprocess.check_output(command) == b"0o22\nrang\n"


def test_many_threads_may_call(sandbox):
    """Every caller gets its own program's output."""
    with ThreadPoolExecutor(8) as threads:
        found = threads.map(lambda n: sandbox.run(Program(f"print({n})"), LIMITS), range(24))
        assert [int(one.stdout) for one in found] == list(range(24))


# Copies all memory near the heap and near Python's objects through a pipe, which gives an error
# and no fault where there is none, and counts a word that neither its source nor its pattern holds.
SEARCH = """
import ctypes, gc, os, re
libc = ctypes.CDLL(None)
libc.sbrk.restype = ctypes.c_long
read, write = os.pipe()
heap = range(libc.sbrk(0) - (24 << 20) & ~0xFFFF, libc.sbrk(0), 1 << 16)
rooms = {(id(one) & ~0xFFFF) + (n << 16) for one in gc.get_objects() for n in range(-4, 5)}
found = 0
for room in sorted({*heap, *rooms}):
    try:
        size = os.write(write, (ctypes.c_char * (1 << 16)).from_address(room))
    except OSError:
        continue
    found += len(re.findall(rb"[h]idde[n][h]idde[n]", os.read(read, size)))
print(found)
"""


def test_no_run_finds_what_an_earlier_one_held(sandbox):
    """Code, input, calls and output of a run are nowhere in the memory of the next."""
    held = f"secret = {'hidden' * 50!r}\nprint(secret * 99, input())\ndef f(x): return x"
    own = sandbox.run(Program(f"secret = {'hidden' * 50!r}\n{SEARCH}"), LIMITS)
    assert int(own.stdout) > 0
    sandbox.run(Program(held, b"hidden" * 500), LIMITS)
    sandbox.run(Program(held, calls=[Call("f", ("hidden" * 500,))]), LIMITS)
    assert sandbox.run(Program(SEARCH), LIMITS).stdout == b"0\n"


def test_a_large_input_and_output_pass(sandbox):
    """Megabytes go in and come out without blocking anybody."""
    code = "import sys; sys.stdout.write(sys.stdin.read())"
    data = b"x" * (3 << 20)
    assert sandbox.run(Program(code, data), LIMITS).stdout == data


def test_a_server_that_died_is_replaced(sandbox):
    """A caller does not notice that a waiting server was killed."""
    sandbox.run(Program("pass"), LIMITS)
    for pid in sandbox.servers:
        os.kill(pid, signal.SIGKILL)
    assert sandbox.run(Program("print(1)"), LIMITS).stdout == b"1\n"


def test_a_run_alone_has_no_neighbour(sandbox):
    """It waits for those under way, and nobody begins beside it."""
    alone = Program("import time; print(time.monotonic()); time.sleep(.2); print(time.monotonic())")
    with ThreadPoolExecutor(3) as threads:
        runs = [threads.submit(sandbox.run, alone, LIMITS, alone=n == 1) for n in range(3)]
        spans = [[float(word) for word in one.result().stdout.split()] for one in runs]
    begin, end = spans[1]
    assert all(other[1] <= begin or end <= other[0] for other in (spans[0], spans[2]))


def test_a_fork_leaves_its_parents_sandbox_alone(sandbox):
    """In a fork it says whose it is, and its end ends no server."""
    sandbox.run(Program("pass"), LIMITS)
    before = sandbox.servers
    child = os.fork()
    if child == 0:
        try:
            sandbox.run(Program("pass"), LIMITS)
        except UsageError:
            sandbox.close()
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert sandbox.run(Program("print(1)"), LIMITS).stdout == b"1\n"
    assert set(sandbox.servers) == set(before)


def test_what_was_closed_runs_nothing():
    """A closed sandbox says so."""
    sandbox = Embedded()
    sandbox.close()
    with pytest.raises(UsageError, match="closed"):
        sandbox.run(Program("pass"), LIMITS)


@pytest.mark.parametrize(
    "options", [{"size": 0}, {"minimum": Level.NAMESPACES, "most": Level.LANDLOCK}]
)
def test_a_sandbox_that_means_nothing_is_refused(options):
    """Before anything is started."""
    with pytest.raises(UsageError):
        Embedded(**options)


def test_a_demand_that_cannot_be_met_fails_closed(monkeypatch):
    """Where no level that will do can be reached, nothing is run, and the reasons are said."""
    monkeypatch.setattr("unflip.sandbox.embedded.Local", _refusing)
    with pytest.raises(SandboxUnavailable, match=r"namespaces: not here; landlock: not here"):
        Embedded().run(Program("pass"), LIMITS)


def _refusing(*_):
    raise SandboxError("not here")


def test_unsafe_has_to_be_said():
    """Only who asks for it by name is run without isolation, and every result says so."""
    with Embedded(minimum=Level.UNSAFE, most=Level.UNSAFE) as sandbox:
        assert sandbox.run(Program("print(1)"), LIMITS).level is Level.UNSAFE
    assert Level.UNSAFE not in Embedded()._ladder


def test_one_sandbox_is_shared():
    """Whoever asks for the same levels gets the same sandbox."""
    assert shared() is shared()
    assert shared(Level.NAMESPACES) is not shared()


@pytest.mark.parametrize("level", [Level.NAMESPACES, Level.LANDLOCK])
def test_nothing_outlives_a_caller_that_was_killed(level):
    """Killed in the middle of a run, the caller takes servers and programs with it."""
    code = textwrap.dedent(f"""
        import os, threading, time
        from unflip.sandbox import Embedded, Level, Limits, Program
        sandbox = Embedded(minimum=Level({int(level)}), most=Level({int(level)}), size=1)
        sandbox.run(Program("pass"), Limits())
        print(*sandbox.servers, flush=True)
        sandbox.run(Program("import time; time.sleep(600)"), Limits(cpu=1, wall=600))
    """)
    caller = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT)
    server = int(caller.stdout.readline())
    while len(below(server)) < (3 if level is Level.NAMESPACES else 2):
        time.sleep(0.01)
    family = below(server)
    caller.kill()
    caller.communicate()
    while any(alive(pid) for pid in family):
        time.sleep(0.01)


def test_what_lies_in_tmp_is_there(tmp_path):
    """An environment in /tmp is seen by programs, though their own /tmp covers that place.

    Where they may start any, they can start the Python that they run with, which is a link there.
    """
    venv.create(tmp_path / "venv", symlinks=True)
    site = next((tmp_path / "venv" / "lib").glob("python*")) / "site-packages"
    (site / "here.py").write_text("print('seen', flush=True)")
    code = """
        from unflip.sandbox import Embedded, Level, Limits, Program
        program = "import here, subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1)'])"
        with Embedded() as sandbox:
            said = b"seen\\n" + b"1\\n" * (sandbox.level is Level.NAMESPACES)
            for _ in range(2):
                print(sandbox.run(Program(program), Limits()).stdout == said)
    """
    python = tmp_path / "venv" / "bin" / "python"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    found = subprocess.run(
        [python, "-c", textwrap.dedent(code)], env=environment, capture_output=True, check=True
    )
    assert found.stdout.splitlines() == [b"True"] * 2

"""Every limit is enforced in time: within half a second with namespaces, 1.5 s without."""

import sys
import time

import pytest

from unflip.sandbox import Level, Limits, Program, Status

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the embedded backend needs Linux")
LATE = {Level.NAMESPACES: 0.5, Level.LANDLOCK: 1.5}
MEGABYTE = 1 << 20


def in_time(sandbox, code, limits, late):
    """How a program ends, and that it ends in time; on a busy machine at the third try.

    Args:
        sandbox: Where it runs.
        code: The program.
        limits: Its limits.
        late: Of a result, how many seconds after its limit it ended.
    """
    for _ in range(3):
        ended = sandbox.run(Program(code), limits, alone=True)
        if late(ended) <= LATE[sandbox.level]:
            return ended
    raise AssertionError(f"{late(ended):.2f} s after the limit: {ended}")


SPINS = {
    "python": "while True: pass",
    "c": "sum(range(10**13))",
    "signals": "import signal\nfor n in (1, 2, 10, 14, 15, 24): signal.signal(n, signal.SIG_IGN)\n"
    "while True: pass",
    "threads": "import threading\n"
    "for _ in range(4): threading.Thread(target=sum, args=(range(10**13),)).start()",
}


@pytest.mark.parametrize("code", SPINS.values(), ids=SPINS)
def test_processor_time(sandbox, code):
    """A program that computes for ever has used little more than it may."""
    limits = Limits(cpu=0.3, wall=30)
    ended = in_time(sandbox, code, limits, lambda one: one.cpu - 0.3)
    assert ended.status is Status.CPU


WAITS = {
    "sleeps": "import time; time.sleep(60)",
    "stops": "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
    "ignores": "import signal, time\nsignal.signal(15, signal.SIG_IGN)\ntime.sleep(60)",
    "waits for itself": "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()",
}


@pytest.mark.parametrize("code", WAITS.values(), ids=WAITS)
def test_time_on_the_wall(sandbox, code):
    """A program that only waits ends soon after its time."""
    limits = Limits(cpu=5, wall=0.3)
    ended = in_time(sandbox, code, limits, lambda one: one.wall - 0.3)
    # Without namespaces a program may not even stop itself: it ends, and has not stopped.
    assert ended.status in (Status.WALL, Status.FINISHED)


def test_processes_that_start_processes(sandbox):
    """A bomb of forks is over soon after its time, with all that it started."""
    limits = Limits(cpu=0.3, wall=0.5, processes=32, memory=256 * MEGABYTE)
    ended = in_time(sandbox, "import os\nwhile True: os.fork()", limits, lambda one: one.wall - 0.5)
    assert ended.status is not Status.FINISHED
    began = time.monotonic()
    assert sandbox.run(Program("print(1)"), Limits()).stdout == b"1\n"
    assert time.monotonic() - began < 30


def test_the_number_of_processes(sandbox):
    """So many may there be, and without namespaces no second one."""
    code = (
        "import os, time\nn = 1\ntry:\n    while os.fork(): n += 1\n    time.sleep(60)\n"
        "except OSError:\n    print(n)"
    )
    limits = Limits(cpu=2, wall=30, processes=20)
    ended = in_time(sandbox, code, limits, lambda one: one.cpu - 2)
    assert 1 <= int(ended.stdout) <= (20 if sandbox.level is Level.NAMESPACES else 1)


TAKES = {
    "one piece": "held = bytearray(1 << 30)",
    "piece by piece": "held = []\nwhile True: held.append(bytearray(1 << 20))",
    "a list": "held = [0] * 10**9",
}


@pytest.mark.parametrize("code", TAKES.values(), ids=TAKES)
def test_memory(sandbox, code):
    """A process that takes more memory than it may is refused it before it has it."""
    limits = Limits(cpu=5, memory=128 * MEGABYTE)
    ended = in_time(sandbox, code, limits, lambda one: one.cpu)
    assert ended.status is Status.MEMORY
    assert ended.memory <= 128 * MEGABYTE


def test_memory_of_many(sandbox):
    """Processes that are each within the limit are killed soon after they exceed it together."""
    code = (
        "import os, time\nfor _ in range(4):\n    if not os.fork(): break\n"
        "held = b'x' * (60 << 20)\ntime.sleep(60)"
    )
    limits = Limits(cpu=5, wall=30, memory=128 * MEGABYTE)
    ended = in_time(sandbox, code, limits, lambda one: one.wall - 0.5)
    assert ended.status in (Status.MEMORY, Status.FAILED)


def test_memory_in_sockets(sandbox):
    """What processes leave in sockets is in none of them, and counts all the same."""
    code = """
import os, socket, time
for _ in range(8):
    if not os.fork(): break
held = []
try:
    while True:
        held.append(socket.socketpair())
        for one in held[-1]:
            one.setblocking(False)
            try:
                while True: one.send(b"x" * 65536)
            except BlockingIOError: pass
except OSError: time.sleep(60)
"""
    limits = Limits(cpu=5, wall=30, memory=128 * MEGABYTE)
    ended = in_time(sandbox, code, limits, lambda one: one.wall - 0.5)
    assert ended.status in (Status.MEMORY, Status.FAILED)


TOGETHER = {
    "in small pieces": "for _ in range(30):\n    if not os.fork():\n"
    "        kept = b'x' * (10 << 20)\n        time.sleep(60)",
    "by changing what was in common": "kept = bytearray(60 << 20)\nfor _ in range(4):\n"
    "    if not os.fork():\n        for n in range(0, len(kept), 4096): kept[n] = 1\n"
    "        time.sleep(60)",
    "in files too": "for n in range(9): open(f'/tmp/{n}', 'wb').write(b'x' * (10 << 20))\n"
    "kept = b'x' * (60 << 20)",
}


@pytest.mark.parametrize("code", TOGETHER.values(), ids=TOGETHER)
def test_memory_of_all_together(sandbox, code):
    """However it is divided, all that a run holds is bounded; what is over is little."""
    limits = Limits(cpu=5, wall=30, memory=128 * MEGABYTE, disk=100 * MEGABYTE)
    code = f"import os, time\n{code}\ntime.sleep(60)"
    ended = in_time(sandbox, code, limits, lambda one: one.wall - 0.5)
    if sandbox.level is Level.NAMESPACES:
        assert ended.status is Status.MEMORY
        assert 128 * MEGABYTE < ended.memory < 256 * MEGABYTE
    else:
        # There is no second process, and no file.
        assert ended.status is Status.FAILED


def test_what_processes_have_in_common_counts_once(sandbox):
    """Children that only read what they were given take no more memory than there is."""
    code = """
import os, subprocess, sys, time
kept = b"x" * (90 << 20)
print(len(kept), flush=True)
children = []
for _ in range(4):
    children.append(os.fork())
    if not children[-1]:
        time.sleep(0.2)
        os._exit(kept[-1] != 120)
assert all(os.waitpid(one, 0)[1] == 0 for one in children)
for _ in range(20): subprocess.run([sys.executable, "-c", ""], check=True)
"""
    ended = sandbox.run(Program(code), Limits(cpu=30, wall=60, memory=128 * MEGABYTE))
    together = sandbox.level is Level.NAMESPACES
    assert ended.status is (Status.FINISHED if together else Status.FAILED), ended
    assert ended.stdout == b"94371840\n"


SHARES = {
    "beside each other": "for _ in range(4):\n    if not os.fork():\n        while True: pass",
    "one after the other": "while True:\n    if not os.fork():\n"
    "        while time.process_time() < 0.03: pass\n        os._exit(0)\n    os.wait()",
}


@pytest.mark.parametrize("code", SHARES.values(), ids=SHARES)
def test_processor_time_of_all_together(sandbox, code):
    """Children that compute use up what the run may use, while they live and afterwards."""
    limits = Limits(cpu=0.4, wall=30)
    code = f"import os, time\n{code}\ntime.sleep(60)"
    ended = in_time(sandbox, code, limits, lambda one: one.cpu - 0.4)
    together = sandbox.level is Level.NAMESPACES
    assert ended.status is (Status.CPU if together else Status.FAILED)


WRITES = {
    "output": "while True: print('x' * 10**5)",
    "errors": "import sys\nwhile True: sys.stderr.write('x' * 10**5)",
    "without buffer": "import os\nwhile True: os.write(1, b'x' * 10**5)",
}


@pytest.mark.parametrize("code", WRITES.values(), ids=WRITES)
def test_output(sandbox, code):
    """Who writes without end is ended at the limit to the byte, and soon."""
    limits = Limits(cpu=5, output=MEGABYTE)
    ended = in_time(sandbox, code, limits, lambda one: one.cpu)
    assert ended.status is Status.OUTPUT
    assert max(len(ended.stdout), len(ended.stderr)) == MEGABYTE


FILES = {
    "bytes": "n = 0\nwhile True:\n    open(f'/tmp/{n}', 'wb').write(b'x' * 10**6)\n    n += 1",
    "one file": "with open('/tmp/one', 'wb') as file:\n    while True: file.write(b'x' * 10**6)",
    "a hole": "import os\nfile = os.open('/tmp/hole', os.O_CREAT | os.O_RDWR)\n"
    "os.ftruncate(file, 1 << 40)",
    "names": "for n in range(10**6): open(f'/tmp/{n}', 'w').close()",
    "descriptors": "held = [open('/dev/null') for _ in range(10**6)]",
}


@pytest.mark.parametrize("code", FILES.values(), ids=FILES)
def test_files(sandbox, code):
    """Who fills the disk, or the table of its files, is refused more, and fails soon."""
    limits = Limits(cpu=5, output=4 * MEGABYTE, disk=8 * MEGABYTE)
    ended = in_time(sandbox, code, limits, lambda one: one.cpu)
    assert ended.status in (Status.FAILED, Status.SIGNALLED, Status.OUTPUT)

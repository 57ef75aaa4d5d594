"""What a run's processes use together, and whose fault it is when the machine has no more."""

import os
import platform
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox.seeing import until
from unflip.sandbox import Level, Limits, Status
from unflip.sandbox.family import Family
from unflip.sandbox.results import dispossessed, result

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the embedded backend needs Linux")
MEGABYTE = 1 << 20
EXIT = {"x86_64": 60, "aarch64": 93}[platform.machine()]
CLONE = {"x86_64": 56, "aarch64": 220}[platform.machine()]
LIMITS = Limits(memory=100 * MEGABYTE)
HELD = 40 * MEGABYTE


def below(code, count):
    """What so many processes of a program are seen to hold, and to have used, once it prints."""
    watcher = f"""
        import os, subprocess, sys, time
        from unflip.sandbox.family import Family
        child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE)
        child.stdout.readline()
        family = Family(os.open("/proc", os.O_RDONLY), apart=False)
        seen = []
        while len(seen) != {count}:
            seen = family.look()
        # Who waits for the other has begun to by then.
        time.sleep(0.1)
        seen = family.look()
        print(family.memory(seen), family.exact(seen, 1 << 40, 1e9), family.cpu(seen))
        for one in seen:
            os.kill(one.number, {int(signal.SIGKILL)})
    """
    command = [sys.executable, "-c", textwrap.dedent(watcher), textwrap.dedent(code)]
    said = subprocess.run(command, capture_output=True, check=True).stdout.split()
    return int(said[0]), int(said[1]), float(said[2])


def test_memory_of_all_is_summed():
    """What each of several processes took is in the sum."""
    most, held, _ = below(
        f"""
        import os, time
        for _ in range(3):
            told, tell = os.pipe()
            if os.fork() == 0:
                kept = b"x" * {HELD}
                os.write(tell, b"!")
                time.sleep(60)
            os.read(told, 1)
        print(flush=True)
        time.sleep(60)
    """,
        4,
    )
    assert 3 * HELD <= held <= most
    assert held < 3 * HELD + 40 * MEGABYTE


def test_what_is_inherited_counts_once():
    """Children that have changed nothing have nothing of their own."""
    most, held, _ = below(
        f"""
        import os, time
        kept = b"x" * {HELD}
        for _ in range(4):
            if os.fork() == 0:
                time.sleep(60)
        print(flush=True)
        time.sleep(60)
    """,
        5,
    )
    assert most >= 5 * HELD
    assert HELD <= held < 2 * HELD


def test_a_process_whose_first_thread_has_ended_is_not_empty():
    """Its other threads still hold what it took."""
    most, held, _ = below(
        f"""
        import ctypes, threading, time
        kept = b"x" * {HELD}
        def says():
            time.sleep(0.2)
            print(flush=True)
            time.sleep(60)
        threading.Thread(target=says).start()
        ctypes.CDLL(None).syscall({EXIT}, 0)
    """,
        1,
    )
    assert HELD <= held <= most


def test_memory_that_is_lent_to_a_child_counts_once(tmp_path):
    """Until a child that was made by `vfork` becomes another program, it has its parent's."""
    os.mkfifo(tmp_path / "nobody-writes")
    most, held, _ = below(
        f"""
        import os
        kept = b"x" * {HELD}
        print(flush=True)
        waits = (os.POSIX_SPAWN_OPEN, 5, "{tmp_path}/nobody-writes", os.O_RDONLY, 0)
        os.posix_spawn("/bin/true", ["true"], {{}}, file_actions=[waits])
    """,
        2,
    )
    assert HELD <= held < 2 * HELD
    assert most < 2 * HELD


def test_who_waits_for_a_child_with_a_memory_of_its_own_has_lent_none():
    """Each counts, though the two have as many addresses."""
    most, held, _ = below(
        f"""
        import ctypes, time
        kept = b"x" * {HELD}
        print(flush=True)
        ctypes.CDLL(None).syscall({CLONE}, 0x4000 | 17, 0, 0, 0, 0)
        time.sleep(60)
    """,
        2,
    )
    assert HELD <= held < 2 * HELD <= most


def test_telling_apart_what_is_shared_takes_no_longer_than_it_may():
    """What several have counts for each, once there is no time left to find out."""
    place = os.open("/proc", os.O_RDONLY)
    try:
        family = Family(place, apart=False)
        with subprocess.Popen(["/bin/sleep", "60"]) as child:
            until(lambda: family.look())
            seen = family.look() * 2
            assert family.exact(seen, 1 << 40, 0) == sum(one.memory for one in seen)
            child.kill()
    finally:
        os.close(place)


def test_processor_time_of_all_is_summed():
    """That of children that live, and of those that have ended and been waited for."""
    _, _, used = below(
        """
        import os, time
        def spin():
            while time.process_time() < 0.2:
                pass
        if os.fork() == 0:
            spin()
            os._exit(0)
        os.wait()
        told, tell = os.pipe()
        if os.fork() == 0:
            spin()
            os.write(tell, b"!")
            time.sleep(60)
        os.read(told, 1)
        print(flush=True)
        time.sleep(60)
    """,
        2,
    )
    assert 0.38 <= used < 1


def test_nothing_is_seen_of_who_is_gone():
    """A process may end at any moment, and is nobody then."""
    place = os.open("/proc", os.O_RDONLY)
    try:
        family = Family(place, apart=False)
        child = subprocess.Popen(["/bin/sleep", "60"])

        def looked():
            return [one for one in family.look() if one.number == child.pid]

        until(looked)
        seen = looked()
        child.kill()
        child.wait()
        assert looked() == []
        assert family.exact(seen, 1 << 40, 1e9) == family.memory(seen)
    finally:
        os.close(place)


def reply(code, *, memory, killed=None, short=False, full=False):
    """What a server says of a run."""
    ended = {"exit": code if code >= 0 else None, "signal": -code if code < 0 else None}
    return {**ended, "killed": killed, "cpu": 0.1, "wall": 0.1, "memory": memory, "short": short,
            "full": full}  # fmt: skip


CODES = st.integers(-31, 255)
MEMORY = st.integers(0, 300 * MEGABYTE)


@given(CODES, MEMORY)
def test_while_the_machine_has_memory_nobody_was_dispossessed(code, memory):
    """However a run ended, by SIGKILL too, it was the run."""
    assert not dispossessed(reply(code, memory=memory), LIMITS)


@given(CODES, MEMORY)
def test_who_had_had_its_own_was_not_dispossessed(code, memory):
    """Where the machine's memory ran out, only what a run held says whose fault it was."""
    assert dispossessed(reply(code, memory=memory, short=True), LIMITS) == (memory < 90 * MEGABYTE)


@given(CODES.filter(lambda code: code != -signal.SIGSYS), MEMORY)
def test_who_had_had_its_own_is_rejected_for_memory(code, memory):
    """It is not for any other way to end, unless we ended it."""
    header = reply(code, memory=memory, short=True)
    ended = result(header, [b"", b"", b""], LIMITS, Level.NAMESPACES)
    assert ended.status is Status.MEMORY
    header = reply(code, memory=memory, killed="cpu")
    assert result(header, [b"", b"", b""], LIMITS, Level.NAMESPACES).status is Status.CPU


MANY = """
import resource, sys, threading
from unflip.errors import UsageError
from unflip.sandbox import Embedded, Limits, Program
resource.setrlimit(resource.RLIMIT_NOFILE, tuple(map(int, sys.argv[1:])))
try:
    with Embedded(size=16) as sandbox:
        ended = []
        program = Program("import time; time.sleep(0.3); print(1)")
        run = lambda: ended.append(sandbox.run(program, Limits()).stdout)
        threads = [threading.Thread(target=run) for _ in range(16)]
        for one in threads: one.start()
        for one in threads: one.join()
    print(ended == [b"1\\n"] * 16)
except UsageError as why:
    print(why)
"""


@pytest.mark.parametrize(("soft", "hard", "said"), [(40, 1024, "True"), (40, 40, "ulimit -n")])
def test_many_at_once_find_room_for_their_files_or_are_told_so(soft, hard, said):
    """The limit of open files is raised where it can be; where not, what to do is said at once."""
    command = [sys.executable, "-c", MANY, str(soft), str(hard)]
    ended = subprocess.run(command, capture_output=True, check=True, text=True)
    assert said in ended.stdout


@pytest.fixture
def starving():
    """A control group with little memory; skipped, with the reason, where none can be made."""
    old, new = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
    home, limit = (old, "memory.limit_in_bytes") if old.is_dir() else (new, "memory.max")
    place = home / f"unflip-{os.getpid()}"
    joins = "import pathlib, os, sys; pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))"
    try:
        place.mkdir()
        (place / limit).write_text(str(200 * MEGABYTE))
        subprocess.run([sys.executable, "-c", joins, place / "cgroup.procs"], check=True)
    except (OSError, subprocess.CalledProcessError) as why:
        if place.is_dir():
            place.rmdir()
        pytest.skip(f"no control group of memory can be made here: {why}")
    yield place
    until(lambda: not (place / "cgroup.procs").read_text())
    place.rmdir()


STARVED = """
import os, sys
from pathlib import Path
from unflip.errors import SandboxError
from unflip.sandbox import Embedded, Level, Limits, Program
Path(sys.argv[1]).write_text(str(os.getpid()))
level = Level(int(sys.argv[2]))
takes = "kept = b'x' * (300 << 20)"
with Embedded(minimum=level, most=level, size=1) as sandbox:
    for code, memory in ((takes, 1000), ("print(1)", 1000), (takes, 150), (sys.argv[3], 1000)):
        try:
            print(sandbox.run(Program(code), Limits(memory=memory << 20)).status, flush=True)
        except SandboxError as why:
            print(str(why)[:29], flush=True)
"""


@pytest.mark.parametrize("level", [Level.NAMESPACES, Level.LANDLOCK], ids=lambda one: one.word)
def test_who_is_killed_for_want_of_memory_is_not_to_blame(starving, level):
    """The kernel takes a run that had not had its own: no result; who kills itself has one."""
    kills_itself = "import os\nos.kill(os.getpid(), 9)"
    command = [sys.executable, "-c", STARVED, str(starving / "cgroup.procs"), str(int(level))]
    ended = subprocess.run([*command, kills_itself], capture_output=True, check=True, text=True)
    # The first of its namespace does not hear its own signals.
    last = "signalled" if level is Level.LANDLOCK else "finished"
    said = ["the machine ran out of memory", "finished", "memory", last]
    assert ended.stdout.splitlines() == said, ended.stderr

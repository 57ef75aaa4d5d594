"""What a batch leaves behind: no process, no descriptor, no mount, no thread, no file."""

import contextlib
import os
import sys
import threading
import tomllib
from pathlib import Path

import pytest

from tests.sandbox.seeing import below, until
from unflip.sandbox import Call, Embedded, Level, Limits, Program, SandboxUnavailable, shared
from unflip.sandbox.codec import Unreadable
from unflip.types import Sample
from unflip.verifiers.code import Code, forget

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the embedded backend needs Linux")
HOSTILE = Path(__file__).parents[2] / "fixtures" / "hostile"
LEAVES = ("fork-bomb", "forks-and-leaves", "daemonises", "leaves-zombies", "thread-bomb",
          "fills-the-disk", "opens-files", "kills-everybody", "stops-itself")  # fmt: skip
LEVELS = pytest.mark.parametrize("level", ["namespaces", "landlock"])
SLEEPS = Program("import time\ntime.sleep(1)")
ADD = {"test_list": ["assert add(1, 2) == 3"]}


def state():
    """How much there is of what a run may leave."""
    return {
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "mounts": len(Path("/proc/self/mountinfo").read_text().splitlines()),
        "processes": len(below(os.getpid())),
        "threads": sum(one.name.startswith("unflip-code") for one in threading.enumerate()),
        "shared memory": sorted(Path("/dev/shm").iterdir()),
    }


@pytest.fixture(autouse=True)
def _calm():
    """What other tests have left to run in threads has ended."""
    until(lambda: not state()["threads"])


@LEVELS
def test_a_batch_leaves_nothing(level):
    """After honest and hostile programs there is what there was before them."""
    programs = tomllib.loads((HOSTILE / "bombs.toml").read_text())["program"]
    bad = [Sample(one["code"], meta=ADD) for one in programs if one["name"] in LEAVES]
    good = [Sample(f"def add(a, b):\n    return a + b + {n} - {n}", meta=ADD) for n in range(20)]
    verify = Code(cpu=0.1, memory=256, output=1, minimum=level, most=level)
    forget()
    try:
        verify.verify_batch(good)
    except SandboxUnavailable as why:
        pytest.skip(str(why))
    forget()
    before = state()
    verdicts = verify.verify_batch([*good, *bad, *good[:1]])
    assert [one.accepted for one in verdicts] == [True] * 20 + [False] * len(LEAVES) + [True]
    until(lambda: state() == before, 30)


@pytest.mark.parametrize("level", [Level.NAMESPACES, Level.LANDLOCK], ids=lambda one: one.word)
def test_a_run_dies_before_its_server_where_memory_runs_out(level):
    """The kernel takes it first, so a program has no way to end what is to say how it ended."""
    before = below(os.getpid())
    with Embedded(minimum=level, most=level, size=1) as sandbox:
        try:
            sandbox.run(Program("pass"), Limits())
        except SandboxUnavailable as why:
            pytest.skip(str(why))
        servers = below(os.getpid()) - before
        sleeps = threading.Thread(target=sandbox.run, args=(SLEEPS, Limits(wall=10)))
        sleeps.start()
        until(lambda: "1000" in told(below(os.getpid()) - before - servers))
        assert "1000" not in told(servers)
        sleeps.join()


def told(processes):
    """How ready each process is to die for the others."""
    found = set()
    for one in processes:
        with contextlib.suppress(OSError):
            found.add(Path(f"/proc/{one}/oom_score_adj").read_text().strip())
    return found


def test_calls_that_cannot_be_sent_leave_nothing():
    """They raise, and the server that waited for them has ended or can be used."""
    deep = []
    for _ in range(100):
        deep = [deep]
    before = state()
    with Embedded(size=1) as sandbox:
        sandbox.run(Program("pass"), Limits())
        with pytest.raises(Unreadable):
            sandbox.run(Program("", calls=[Call("f", (deep,))]), Limits())
        assert sandbox.run(Program("print(1)"), Limits()).stdout == b"1\n"
    until(lambda: state() == before, 30)


def test_servers_that_retire_leave_nothing(monkeypatch):
    """A server is ended after so many runs, and its pipes and process are gone with it."""
    monkeypatch.setattr("unflip.sandbox.pool._RETIRED_AFTER", 3)
    shared().run(Program("pass"), Limits())
    before = state()
    with Embedded(size=1, most=Level.LANDLOCK) as sandbox:
        seen = set()
        for _ in range(9):
            assert sandbox.run(Program("print(1)"), Limits()).stdout == b"1\n"
            seen.update(sandbox.servers)
    # Finding the level was the first run of the first.
    assert len(seen) == 4
    until(lambda: state() == before, 30)


def test_a_closed_sandbox_leaves_nothing():
    """`close` ends every server."""
    before = state()
    sandbox = Embedded(size=2)
    sandbox.run(Program("pass"), Limits())
    sandbox.close()
    until(lambda: state() == before, 30)

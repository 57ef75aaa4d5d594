"""Two thousand programs, one in twenty hostile: nothing wrong, nothing left, also after a kill."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.sandbox.seeing import alive, below

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the embedded backend needs Linux")
SCRIPT = Path(__file__).parents[2] / "benchmarks" / "sandbox_soak.py"


def soak(runs, level="namespaces"):
    """The soak in a process of its own."""
    command = [sys.executable, str(SCRIPT), "--runs", str(runs), "--level", level]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=SCRIPT.parents[1]
    )


def test_two_thousand_programs():
    """Every honest one is accepted, no hostile one is, and nothing stays behind."""
    said, errors = soak(2000).communicate(timeout=600)
    assert "decided wrongly: 0; left behind: nothing" in said, said + errors


def world(pid):
    """The user namespace of a process; None if it is gone."""
    try:
        return str(Path(f"/proc/{pid}/ns/user").readlink())
    except OSError:
        return None


def mounts():
    """How many mounts there are here, and what is in shared memory."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return len(lines), sorted(Path("/dev/shm").iterdir())


@pytest.mark.parametrize("level", ["namespaces", "landlock"])
def test_nothing_outlives_a_harness_that_was_killed(level):
    """Killed amid its runs, it takes all of its processes with it, also those begun meanwhile."""
    before = mounts()
    harness = soak(100_000, level)
    while harness.stdout.readline() != "warm\n":
        assert harness.poll() is None
    worlds, seen, until = set(), set(), time.monotonic() + 1
    while time.monotonic() < until:
        now = below(harness.pid)
        seen |= now
        worlds |= {world(pid) for pid in now} - {world(os.getpid()), None}
    # Landlock has no namespaces to tell others by: its processes are those that were seen.
    running = below(harness.pid)
    harness.kill()
    harness.communicate()
    end = time.monotonic() + 30
    while any(alive(pid) for pid in running) or (worlds and worlds & set(map(world, numbers()))):
        assert time.monotonic() < end
        time.sleep(0.01)
    assert len(seen) > 2
    assert mounts() == before


def numbers():
    """Every process of the machine."""
    return [entry.name for entry in Path("/proc").iterdir() if entry.name.isdecimal()]

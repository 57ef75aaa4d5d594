"""What tests see of other processes: who is below whom and who is alive; and waiting for it."""

import time
from pathlib import Path


def below(root):
    """A process and every process below it, by what each says of its parent."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                said = (entry / "stat").read_text()
            except OSError:
                continue
            parents[int(entry.name)] = int(said.rpartition(")")[2].split()[1])
    found, more = {root}, {root}
    while more:
        more = {pid for pid, parent in parents.items() if parent in more}
        found |= more
    return found


def name_of(pid):
    """What a process that is alive says of itself; nothing of one that is gone, or a zombie."""
    try:
        said = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return "" if said.rpartition(")")[2].split()[0] == "Z" else said


def alive(pid):
    """Whether a process is there, and no zombie."""
    return bool(name_of(pid))


def until(true, seconds=120):
    """Wait for something to be true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)

"""A server as a process of this machine: its pipes, and its end."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

from unflip.sandbox.levels import Level
from unflip.sandbox.slot import ENVIRONMENT, LOG

# Without what the packages import for their users: it would be in the memory of every run.
_BOOT = """
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
path = [sys.argv[2]]
for name in ("unflip", "unflip.sandbox"):
    sys.modules[name] = package = module_from_spec(PathFinder.find_spec(name, path))
    path = package.__path__
from unflip.sandbox import server
server.main()
"""
_HOME = str(Path(__file__).parents[2])
_BLOCK = 1 << 16


class Local:
    """Carries a server that is a child of this process, started without forking it.

    Args:
        level: The level that it is to reach.
    """

    def __init__(self, level: Level) -> None:
        tools = _tools()
        readable = [sys.base_prefix, *tools.values()]
        setup = {"level": int(level), "path": _path(), "readable": readable, "tools": tools}
        # Of the interpreter's own start, nothing of the caller's is taken: no environment, no
        # site, no current directory.
        command = [sys.executable, "-P", "-s", "-S", "-B", "-c", _BOOT, json.dumps(setup), _HOME]
        self._log = os.memfd_create("log")
        self._child = subprocess.Popen(  # noqa: S603 - our own interpreter and program
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            bufsize=0,
            env=ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
        self._pipes = [pipe for pipe in (self._child.stdin, self._child.stdout) if pipe]
        self._in, self._out = (pipe.fileno() for pipe in self._pipes)
        os.set_blocking(self._in, False)
        self._ready_in = _poll(self._in, select.POLLOUT)
        self._ready_out = _poll(self._out, select.POLLIN)

    @property
    def server(self) -> str:
        """The id of its process."""
        return str(self._child.pid)

    def send(self, data: memoryview, until: float) -> int:
        """Write some of the data, and say how many bytes.

        Raises:
            OSError: It is gone, or took nothing in time.
        """
        _wait(self._ready_in, until)
        return os.write(self._in, data[:_BLOCK])

    def receive(self, size: int, until: float) -> bytes:
        """Some bytes; none if it is gone.

        Raises:
            OSError: Nothing came in time.
        """
        _wait(self._ready_out, until)
        return os.read(self._out, min(size, _BLOCK))

    def said(self) -> str:
        """The beginning of what it said as errors."""
        return os.pread(self._log, LOG, 0).decode(errors="replace")

    def end(self) -> None:
        """Kill it, with all that it runs."""
        with contextlib.suppress(ProcessLookupError):
            self._child.kill()
        self._child.wait()
        if not self._pipes[0].closed:
            os.close(self._log)
        for pipe in self._pipes:
            pipe.close()


def _poll(descriptor: int, event: int) -> select.poll:
    poll = select.poll()
    poll.register(descriptor, event)
    return poll


def _wait(poll: select.poll, until: float) -> None:
    if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
        raise TimeoutError("it took too long")


def _tools() -> dict[str, str]:
    """Tools of one file each that are installed for a user, and so not where a server looks."""
    found = shutil.which("node")
    return {"node": str(Path(found).resolve())} if found else {}


def _path() -> list[str]:
    """The standard library and the installed packages of this interpreter; nothing of a project."""
    homes = (sys.base_prefix, sys.prefix)
    return [one for one in sys.path if one.startswith(homes) and Path(one).is_dir()]

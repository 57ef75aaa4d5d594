"""One fork-server as its caller sees it: start it, ask it, and kill it if it does not answer."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from unflip.sandbox import frames
from unflip.sandbox.failures import SandboxError
from unflip.sandbox.levels import Level
from unflip.sandbox.limits import Limits
from unflip.sandbox.results import Program, Result, result

_BOOT = "import sys; sys.path.insert(0, sys.argv[2]); import unflip.sandbox.server as s; s.main()"
_HOME = str(Path(__file__).parents[2])
_ENVIRONMENT = {
    "HOME": "/tmp",  # noqa: S108 - its own
    "LANG": "C.UTF-8",
    "PATH": "/usr/bin:/bin",
    "PYTHONHASHSEED": "0",
    "TZ": "UTC",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
_START_SECONDS = 60.0
_GRACE_SECONDS = 30.0
_BLOCK = 1 << 16
_LOG = 2000


class Slot:
    """A fork-server. One thread at a time may use it.

    Args:
        level: The level it has to reach.

    Raises:
        SandboxError: It did not start, or cannot reach the level; the message says why.
    """

    def __init__(self, level: Level) -> None:
        self.level = level
        self.runs = 0
        setup = {"level": int(level), "path": _path(), "readable": [sys.base_prefix]}
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
            env=_ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
        self._pipes = [pipe for pipe in (self._child.stdin, self._child.stdout) if pipe]
        self._in, self._out = (pipe.fileno() for pipe in self._pipes)
        os.set_blocking(self._in, False)
        self._until = 0.0
        hello, _ = self._talk(b"", _START_SECONDS)
        if hello.get("level") != level:
            self.end()
            raise SandboxError(str(hello.get("why", "no reason given")))

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._child.pid

    def run(self, program: Program, limits: Limits) -> Result:
        """Run a program; if this raises, the slot has ended.

        Raises:
            SandboxError: There was no answer, or the program was never started.
        """
        header = {"limits": asdict(limits), "calls": program.calls is not None}
        request = frames.pack(header, program.blobs)
        reply, blobs = self._talk(request, limits.patience + _GRACE_SECONDS)
        self.runs += 1
        if not reply.get("ready"):
            self.end()
            raise SandboxError(f"the run did not begin: {blobs[1][-500:].decode(errors='replace')}")
        return result(reply, blobs, limits, self.level)

    def end(self) -> None:
        """Kill the server, and with it whatever it runs."""
        with contextlib.suppress(ProcessLookupError):
            self._child.kill()
        self._child.wait()
        if not self._pipes[0].closed:
            os.close(self._log)
        for pipe in self._pipes:
            pipe.close()

    def _talk(self, request: bytes, patience: float) -> tuple[Mapping[str, Any], list[bytes]]:
        """Send a request and read the reply."""
        self._until = time.monotonic() + patience
        try:
            left = memoryview(request)
            while left:
                self._wait(self._in, select.POLLOUT)
                left = left[os.write(self._in, left[:_BLOCK]) :]
            return frames.unpack(self._read)
        except (OSError, ValueError, KeyError) as why:
            said = os.pread(self._log, _LOG, 0).decode(errors="replace").strip()
            self.end()
            raise SandboxError(f"the sandbox's server gave no answer: {why}; {said}") from why
        except BaseException:
            # Interrupted half-way: the next answer would be to this request.
            self.end()
            raise

    def _read(self, size: int) -> bytes:
        parts = []
        while size:
            self._wait(self._out, select.POLLIN)
            part = os.read(self._out, min(size, _BLOCK))
            if not part:
                raise OSError("it died")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _wait(self, descriptor: int, event: int) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        if not poll.poll(max(0.0, self._until - time.monotonic()) * 1000):
            raise TimeoutError("it took too long")


def _path() -> list[str]:
    """The standard library and the installed packages of this interpreter; nothing of a project."""
    homes = (sys.base_prefix, sys.prefix)
    return [one for one in sys.path if one.startswith(homes) and Path(one).is_dir()]

"""One fork-server as its caller sees it: asked over a carrier, ended if it does not answer."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from typing import Any, Protocol

from unflip.errors import SandboxError, SandboxUnavailable
from unflip.sandbox import frames
from unflip.sandbox.codec import Unreadable
from unflip.sandbox.languages import missing
from unflip.sandbox.levels import Level
from unflip.sandbox.limits import Limits
from unflip.sandbox.results import Program, Result, dispossessed, result

ENVIRONMENT = {
    "HOME": "/tmp",  # noqa: S108 - its own
    "LANG": "C.UTF-8",
    "PATH": "/usr/bin:/bin",
    "PYTHONHASHSEED": "0",
    "TZ": "UTC",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
"""All that a server, and so a program, finds in its environment."""
LOG = 2000
"""So many characters of what a server said as errors are worth telling."""
_START_SECONDS = 60.0
_GRACE_SECONDS = 30.0
_BLOCK = 1 << 16


class Carrier(Protocol):
    """A server that was started somewhere: two streams of bytes, and the power to end it."""

    @property
    def server(self) -> str:
        """Which one it is: the id of its process, or of its container."""

    def send(self, data: memoryview, until: float) -> int:
        """Send some of the data before a time of the monotonic clock, and say how many bytes.

        Raises:
            OSError: It is gone, or took nothing in time.
        """

    def receive(self, size: int, until: float) -> bytes:
        """Some bytes, at most `size`; none if it is gone.

        Raises:
            OSError: Nothing came in time.
        """

    def said(self) -> str:
        """What it said as errors, or the beginning of it."""

    def end(self) -> None:
        """Kill it, with all that it runs; a second time does nothing."""


class Slot:
    """A fork-server. One thread at a time may use it.

    Args:
        carrier: What was started, and has not been asked yet.
        level: The level it has to reach.

    Raises:
        SandboxError: It did not start, or cannot reach the level; the message says why.
    """

    def __init__(self, carrier: Carrier, level: Level) -> None:
        self.level = level
        self.runs = 0
        self._carrier = carrier
        self._until = 0.0
        self._came = bytearray()
        hello, _ = self._talk(b"", _START_SECONDS)
        if hello.get("level") != level:
            self.end()
            raise SandboxError(str(hello.get("why", "no reason given")))

    @property
    def server(self) -> str:
        """Which server it is: the id of its process, or of its container."""
        return self._carrier.server

    def run(self, program: Program, limits: Limits) -> Result:
        """Run a program; if this raises, the slot has ended.

        Raises:
            SandboxUnavailable: What runs or builds the program's language is not there.
            SandboxError: There was no answer, or the program was never started.
            Unreadable: Its calls are nested too deep, or too large.
        """
        header = _header(limits, program.language, calls=program.calls is not None)
        try:
            blobs = program.blobs
        except Unreadable:
            self.end()
            raise
        request = frames.pack_beginning(header, list(map(len, blobs))) + b"".join(blobs)
        reply, blobs = self._talk(request, limits.patience + _GRACE_SECONDS)
        self.runs += 1
        if reply.get("missing"):
            self.end()
            raise SandboxUnavailable(missing(program.language))
        if not reply.get("ready"):
            self.end()
            raise SandboxError(f"the run did not begin: {blobs[1][-500:].decode(errors='replace')}")
        if dispossessed(reply, limits):
            self.end()
            raise SandboxError("the machine ran out of memory: run less at once, or allow less")
        return result(reply, blobs, limits, self.level)

    def end(self) -> None:
        """Kill the server, and with it whatever it runs."""
        self._carrier.end()

    def _talk(self, request: bytes, patience: float) -> tuple[Mapping[str, Any], list[bytes]]:
        """Send a request and read the reply."""
        self._until = time.monotonic() + patience
        try:
            left = memoryview(request)
            while left:
                left = left[self._carrier.send(left, self._until) :]
            return frames.unpack(self._read)
        except (OSError, ValueError, KeyError) as why:
            said = self._carrier.said().strip()
            self.end()
            raise SandboxError(f"the sandbox's server gave no answer: {why}; {said}") from why
        except BaseException:
            # Interrupted half-way: the next answer would be to this request.
            self.end()
            raise

    def _read(self, size: int) -> bytes:
        """Exactly so many bytes of the reply; what came with them waits for the next reading."""
        while len(self._came) < size:
            part = self._carrier.receive(max(size - len(self._came), _BLOCK), self._until)
            if not part:
                raise OSError("it died")
            self._came += part
        wanted = bytes(self._came[:size])
        del self._came[:size]
        return wanted


@lru_cache(maxsize=64)
def _header(limits: Limits, language: str, *, calls: bool) -> bytes:
    """The header of a request; nearly all runs have the same."""
    header = {"limits": asdict(limits), "language": language, "calls": calls}
    return json.dumps(header).encode()

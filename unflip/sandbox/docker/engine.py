"""A Docker engine: starts containers that we hold by a socket, and removes them."""

from __future__ import annotations

import contextlib
import struct
import time
from typing import IO, Any

from unflip.errors import SandboxError, SandboxUnavailable
from unflip.sandbox.docker.container import LABEL, Container, sources
from unflip.sandbox.levels import Level
from unflip.sandbox.slot import LOG

_HEAD = struct.Struct("!BxxxI")
_OUT, _ERRORS = 1, 2
_BLOCK = 1 << 16
_NO_SUCH_THING, _BUSY = 404, 409
_ABANDONED_SECONDS = 600
_STREAMS = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}


class Engine:
    """An engine, by the `docker` package.

    Args:
        url: Where it listens; as the `docker` command finds it if not given.

    Raises:
        SandboxUnavailable: The package is not installed, or no engine answers.
    """

    def __init__(self, url: str | None = None) -> None:
        try:
            import docker
        except ImportError as why:
            raise SandboxUnavailable("Docker needs: pip install 'unflip[docker]'") from why
        self._errors = docker.errors
        self._failures = (docker.errors.DockerException, OSError)
        try:
            made = docker.DockerClient(url) if url else docker.from_env()
            self._api = made.api
            self._api.ping()
        except self._failures as why:
            place = url or "the place that DOCKER_HOST or the docker command's context names"
            raise SandboxUnavailable(
                f"no Docker engine answers at {place} ({why}); start one, or say where one is"
            ) from why

    def start(self, container: Container, level: Level) -> Attached:
        """Start a container with a server that has not been asked yet.

        Raises:
            SandboxUnavailable: The engine has no such image.
            SandboxError: It cannot start this container.
        """
        try:
            made = self._api.create_container_from_config(container.config(level))["Id"]
        except self._errors.ImageNotFound as why:
            raise SandboxUnavailable(
                f"the Docker engine has no image {container.image}: run `docker pull "
                f"{container.image}`, or name another with Python 3.11 or newer"
            ) from why
        except self._failures as why:
            raise SandboxError(f"the Docker engine makes no container: {why}") from why
        attached = None
        try:
            # Before it starts, so that no word is lost.
            attached = Attached(self, made, self._api.attach_socket(made, _STREAMS))
            self._api.start(made)
            attached.send_all(sources())
        except BaseException as why:
            # Also if interrupted: nobody would ever start it, or end it.
            attached.end() if attached else self.remove(made)
            if isinstance(why, self._failures):
                raise SandboxError(f"the Docker engine starts no container: {why}") from why
            raise
        return attached

    def remove(self, container: str) -> None:
        """Kill a container, and leave nothing of it."""
        try:
            self._api.remove_container(container, force=True, v=True)
        except self._errors.APIError as why:
            # It ended by itself, and is gone or about to be.
            if why.status_code not in (_NO_SUCH_THING, _BUSY):
                raise SandboxError(f"the Docker engine removes no container: {why}") from why
        except self._failures as why:
            raise SandboxError(f"the Docker engine does not answer: {why}") from why

    def sweep(self) -> None:
        """Remove containers that nobody started: their maker was killed in between."""
        with contextlib.suppress(*self._failures):
            asked = {"label": LABEL, "status": ["created", "exited", "dead"]}
            for one in self._api.containers(all=True, filters=asked):
                if one["Created"] < time.time() - _ABANDONED_SECONDS:
                    self.remove(one["Id"])

    def close(self) -> None:
        """Close the connections."""
        self._api.close()


class Attached:
    """Carries a server in a container by the engine's stream of its input and outputs.

    Args:
        engine: The engine.
        container: The container's id.
        stream: What the engine gave for it.
    """

    def __init__(self, engine: Engine, container: str, stream: Any) -> None:
        self._engine, self._container = engine, container
        # The stream is kept, too: the connection is closed with it.
        self._stream, self._socket = stream, getattr(stream, "_sock", stream)
        self._output: IO[bytes] = self._socket.makefile("rb")
        self._left, self._log, self._ended = 0, b"", False

    @property
    def server(self) -> str:
        """The container's id."""
        return self._container

    def send(self, data: memoryview, until: float) -> int:
        """Send some of the data, and say how many bytes.

        Raises:
            OSError: It is gone, or took nothing in time.
        """
        self._socket.settimeout(_until(until))
        return int(self._socket.send(data[:_BLOCK]))

    def send_all(self, data: bytes) -> None:
        """Send all of the data, before anything is asked.

        Raises:
            OSError: It is gone, or took nothing in time.
        """
        left, until = memoryview(data), time.monotonic() + 60
        while left:
            left = left[self.send(left, until) :]

    def receive(self, size: int, until: float) -> bytes:
        """Some bytes of its output; none if it is gone.

        Raises:
            OSError: Nothing came in time.
        """
        self._socket.settimeout(_until(until))
        while not self._left:
            head = self._output.read(_HEAD.size)
            if len(head) < _HEAD.size:
                return b""
            kind, length = _HEAD.unpack(head)
            if kind == _OUT:
                self._left = length
            else:
                said = self._output.read(length)
                self._log += said[: LOG - len(self._log)] if kind == _ERRORS else b""
        part = self._output.read(min(size, self._left))
        self._left -= len(part)
        return part

    def said(self) -> str:
        """The beginning of what it said as errors."""
        return self._log.decode(errors="replace")

    def end(self) -> None:
        """Remove the container."""
        if self._ended:
            return
        self._ended = True
        for one in (self._output, self._socket, self._stream):
            with contextlib.suppress(OSError):
                one.close()
        with contextlib.suppress(SandboxError):
            self._engine.remove(self._container)


def _until(moment: float) -> float:
    return max(0.001, moment - time.monotonic())

"""The program of a worker process: read an item, run the function on it, answer in JSON."""

from __future__ import annotations

import ctypes
import faulthandler
import io
import json
import os
import pickle
import signal
import struct
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, BinaryIO

from unflip.errors import UsageError

MARK = "UNFLIP_WORKER"
"""The environment variable that says: this is a worker, or was started by one."""
HEADER = struct.Struct("!Q")
"""Every frame, either way, is its length and then so many bytes."""
BOOT = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from unflip.workers.child import main; main()"
)
"""What a worker's interpreter is told to run; its arguments are sys.path and the parent's id."""
_MESSAGE_LIMIT = 2000
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Setup:
    """The first request to every worker.

    Attributes:
        function: The function, pickled.
        main: File and package of the caller's `__main__`, if it has a file.
        memory: Limit of the address space in bytes.
    """

    function: bytes
    main: tuple[str, str | None] | None = None
    memory: int | None = None


def in_worker() -> bool:
    """Whether this process is a worker, or was started by one: there, a `Pool` is refused.

    Example:
        >>> in_worker()
        False
    """
    return MARK in os.environ


def describe(why: BaseException) -> str:
    """An exception as one short text: its type, its message, and the line that raised it.

    Example:
        >>> describe(ValueError("no such unit"))
        'ValueError: no such unit'
    """
    # format_exception_only survives a __str__ that itself raises.
    text = "".join(traceback.format_exception_only(why)).strip()[:_MESSAGE_LIMIT]
    place = why.__traceback__
    if place is None:
        return text
    while place.tb_next is not None:
        place = place.tb_next
    return f"{text} ({Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno})"


def frame(payload: bytes) -> bytes:
    """A payload as it goes over the wire."""
    return HEADER.pack(len(payload)) + payload


def main() -> None:
    """Answer requests until the caller closes the pipe; the first is the `Setup`."""
    _die_with(int(sys.argv[2]))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stay)
    requests, replies = _take_pipes()
    faulthandler.enable()
    server, own = _Server(), os.getpid()
    while (request := _read(requests)) is not None:
        reply = frame(_attempt(server.answer, request))
        if os.getpid() != own:
            # A fork that the function let return: its answer would pass for the next item's.
            os._exit(1)
        replies.write(reply)
        replies.flush()
    # A verifier's own threads or exit handlers must not keep a worker alive.
    os._exit(0)


class _Server:
    """Holds the function, once the first request has brought it."""

    def __init__(self) -> None:
        self._function: Callable[[Any], Any] | None = None
        self._main: tuple[str, str | None] | None = None

    def answer(self, request: bytes) -> Any:
        if self._function is None:
            return self._prepare(pickle.loads(request))  # noqa: S301 - our own caller wrote it
        return self._function(self._unpickle(request))

    def _prepare(self, setup: Setup) -> None:
        if setup.memory is not None:
            # Not on every system is there one; whoever asks for this has it.
            import resource

            resource.setrlimit(resource.RLIMIT_AS, (setup.memory, setup.memory))
        self._main = setup.main
        function = self._unpickle(setup.function)
        getattr(function, "warm_up", lambda: None)()
        self._function = function

    def _unpickle(self, data: bytes) -> Any:
        return _Unpickler(io.BytesIO(data), self._main).load()


class _Unpickler(pickle.Unpickler):
    """Reads what the caller pickled, and imports the caller's script only if it is needed."""

    def __init__(self, data: BinaryIO, main: tuple[str, str | None] | None) -> None:
        super().__init__(data)
        self._main = main

    def find_class(self, module: str, name: str) -> Any:
        if module == "__main__" and "__mp_main__" not in sys.modules:
            _import_main(self._main)
        return super().find_class(module, name)


def _import_main(main: tuple[str, str | None] | None) -> None:
    """Run the caller's script under the name that multiprocessing also gives it in a child."""
    if main is None:
        raise UsageError("it was defined in an interactive session: put it into a .py file")
    path, package = main
    module = ModuleType("__mp_main__")
    module.__file__, module.__package__ = path, package
    sys.modules["__main__"] = sys.modules["__mp_main__"] = module
    exec(compile(Path(path).read_bytes(), path, "exec"), module.__dict__)  # noqa: S102 - an import


def _attempt(action: Callable[[bytes], Any], request: bytes) -> bytes:
    try:
        return json.dumps({"returned": action(request)}).encode()
    except MemoryError:
        # The process is at its limit and may fail anywhere now: it dies, and is replaced.
        raise
    except Exception as why:
        return json.dumps({"raised": describe(why)}).encode()


def _read(stream: BinaryIO) -> bytes | None:
    """The next payload, or None at the end of the stream."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    size: int = HEADER.unpack(header)[0]
    payload = stream.read(size)
    return payload if len(payload) == size else None


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Move the protocol away from stdin and stdout, which belong to what the function prints."""
    # Replies stay open until the very end: their end tells the caller that there is a status.
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", closefd=False)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, replies


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent dies, even in the middle of C code.

    Only Linux can; elsewhere a worker ends at the end of its input, which it sees between items.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)


def _stay(_number: int, _frame: FrameType | None) -> None:
    """Outlive Ctrl-C and a SIGTERM to everybody: the caller decides when its workers end.

    A handler and not SIG_IGN, which every program that a function starts would inherit.
    """

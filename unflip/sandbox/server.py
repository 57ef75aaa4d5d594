"""The fork-server: shuts itself in once, then forks one process for each run.

It holds no secret and no expected answer. It reads requests from its input and writes replies to
its output, in frames; so whatever carries two streams of bytes carries a sandbox.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import traceback
from dataclasses import dataclass
from fcntl import F_ADD_SEALS, F_DUPFD_CLOEXEC, fcntl
from typing import NoReturn

from unflip.sandbox import confine, driver, frames, landlock, seccomp
from unflip.sandbox.confine import House
from unflip.sandbox.levels import Level
from unflip.sandbox.limits import Limits
from unflip.sandbox.watch import Ended, watch

_READY = driver.RECORDS + 1
_ABOVE_ALL = 64
_ALL_SEALS = 0b1111
_PRELOADED = (
    "ast", "bisect", "collections", "contextlib", "copy", "dataclasses", "datetime", "decimal",
    "enum", "fractions", "functools", "heapq", "io", "itertools", "json", "math", "operator",
    "random", "re", "statistics", "string", "traceback", "typing",
)  # fmt: skip


@dataclass(frozen=True)
class Setup:
    """How a server is started: its last argument, as JSON.

    Attributes:
        level: The level to reach; it says so if it cannot.
        path: The program's `sys.path`, of which everything can be read.
        readable: What else can be read.
    """

    level: int
    path: list[str]
    readable: list[str]


def main() -> None:
    """Set up, say which level was reached, and serve until the input ends."""
    _reserve()
    setup = Setup(**json.loads(sys.argv[1]))
    for name in _PRELOADED:
        importlib.import_module(name)
    try:
        house = _set_up(setup)
    except OSError as why:
        _write(frames.pack({"level": None, "why": str(why)}))
        return
    sys.path[:] = setup.path
    gc.collect()
    gc.freeze()
    _write(frames.pack({"level": int(house.level)}))
    while _serve(house):
        pass


def _reserve() -> None:
    """Occupy the numbers that a run's files will have, so that nothing of ours gets one."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number in range(3, _READY + 1):
        if number != nothing:
            os.dup2(nothing, number)


def _set_up(setup: Setup) -> House:
    """Reach the level that was asked for, or raise."""
    level = Level(setup.level)
    interface = landlock.version()
    paths = confine.readable_paths([*setup.path, *setup.readable])
    if level is not Level.UNSAFE and not interface:
        raise OSError("the kernel has no Landlock, or it is switched off")
    own_pids, processes = confine.leave(paths) if level is Level.NAMESPACES else (None, None)
    confine.hide()
    places, filter_ = confine.open_places(paths), seccomp.build(level)
    return House(level, places, interface, filter_, processes, own_pids)


def _serve(house: House) -> bool:
    """Run the next request, and answer it only after everything of it is dead.

    Returns:
        Whether there may be another one.
    """
    try:
        header, count = frames.unpack_header(_read)
    except EOFError:
        return False
    limits = Limits(**header["limits"])
    files = [os.memfd_create("", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING) for _ in range(_READY)]
    told, tell = os.pipe()
    try:
        confine.arm(house)
        child = os.fork()
        if child == 0:
            _become(house, limits, [*files, tell], _Work(count, header["calls"]))
        confine.disarm(house)
        os.close(tell)
        ended = watch(child, limits, house.processes)
        ready = bool(os.read(told, 1))
        _reply(ended, files[1:], limits, ready=ready)
        # A child that did not become what it should may have left half a request behind.
        return ready
    finally:
        for one in (*files, told):
            os.close(one)


@dataclass(frozen=True)
class _Work:
    """What the child reads by itself.

    The server never holds it: the next child would find it in the memory that it begins with.

    Attributes:
        count: How many blobs follow the request's header.
        calls: Whether calls are made, or a script is run.
    """

    count: int
    calls: bool


def _become(house: House, limits: Limits, files: list[int], work: _Work) -> NoReturn:
    """The child: read the request, shut itself in, say so, run."""
    status = 125
    try:
        code, given, calls = [frames.unpack_blob(_read) for _ in range(work.count)]
        _fill(files[0], given)
        for number, one in enumerate([fcntl(one, F_DUPFD_CLOEXEC, _ABOVE_ALL) for one in files]):
            os.dup2(one, number)
        confine.shut_in(house, limits, _READY + 1)
        os.write(_READY, b"!")
        os.close(_READY)
        status = driver.run_calls(code, calls) if work.calls else driver.run_program(code)
    except (OSError, EOFError):
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(status)


def _fill(file: int, content: bytes) -> None:
    """Write a file in memory that can be read only from then on."""
    left = memoryview(content)
    while left:
        left = left[os.write(file, left) :]
    os.lseek(file, 0, os.SEEK_SET)
    fcntl(file, F_ADD_SEALS, _ALL_SEALS)


def _reply(ended: Ended, files: list[int], limits: Limits, *, ready: bool) -> None:
    """Send what the run left, from file to pipe: it does not pass through this process either."""
    sizes = [os.fstat(one).st_size for one in files]
    full = any(size >= limits.output for size in sizes)
    _write(frames.pack_header(ended.to_json() | {"ready": ready, "full": full}, len(files)))
    for one, size in zip(files, sizes, strict=True):
        sent, wanted = 0, min(size, limits.output)
        _write(frames.pack_size(wanted))
        while sent < wanted:
            sent += os.sendfile(1, one, sent, wanted - sent)


def _read(size: int) -> bytes:
    """Exactly so many bytes of the input.

    Raises:
        EOFError: It has ended.
    """
    parts = []
    while size:
        part = os.read(0, min(size, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _write(data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(1, left) :]

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
from collections.abc import Mapping
from dataclasses import dataclass, field
from fcntl import F_ADD_SEALS, F_DUPFD_CLOEXEC, fcntl
from typing import NoReturn

from unflip.sandbox import confine, driver, frames, landlock, seccomp, tools
from unflip.sandbox.confine import House
from unflip.sandbox.kernel import fork
from unflip.sandbox.languages import TABLE, Language, Way
from unflip.sandbox.levels import Level
from unflip.sandbox.limits import Limits
from unflip.sandbox.watch import Ended, watch

_READY = driver.RECORDS + 1
_LAST = tools.OBJECT
_BEGINS, _MISSING = b"!", b"?"
_ABOVE_ALL = 64
_ALL_SEALS = 0b1111
# What most programs import: whatever is here is copied with every fork.
_PRELOADED = (
    "ast", "bisect", "collections", "contextlib", "copy", "dataclasses", "enum", "functools",
    "heapq", "io", "itertools", "json", "math", "operator", "random", "re", "string", "traceback",
    "typing",
)  # fmt: skip


@dataclass(frozen=True)
class Setup:
    """How a server is started: its last argument, as JSON.

    Attributes:
        level: The level to reach; it says so if it cannot.
        path: The program's `sys.path`, of which everything can be read.
        readable: What else can be read.
        tools: Where tools are that are not in the usual places, by their names.
    """

    level: int
    path: list[str]
    readable: list[str]
    tools: dict[str, str] = field(default_factory=dict)


def main() -> None:
    """Set up, say which level was reached, and serve until the input ends."""
    _reserve()
    setup = Setup(**json.loads(sys.argv[1]))
    for name in _PRELOADED:
        importlib.import_module(name)
    driver.prepare()
    try:
        house = _set_up(setup)
    except OSError as why:
        _write(frames.pack({"level": None, "why": str(why)}))
        return
    here = confine.place_of if house.level is Level.NAMESPACES else str
    sys.path[:] = map(here, setup.path)
    tools.PLACES.update({name: here(path) for name, path in setup.tools.items()})
    # A program finds the modules of a process that has just begun; in a run it would cost more.
    for name in [one for one in sys.modules if one.split(".")[0] == "unflip"]:
        del sys.modules[name]
    gc.collect()
    gc.freeze()
    _write(frames.pack({"level": int(house.level)}))
    while _serve(house):
        pass


def _reserve() -> None:
    """Occupy the numbers that a run's files will have, so that nothing of ours gets one."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number in range(3, _LAST + 1):
        if number != nothing:
            os.dup2(nothing, number)


def _set_up(setup: Setup) -> House:
    """Reach the level that was asked for, or raise."""
    level = Level(setup.level)
    interface = landlock.version()
    paths = confine.readable_paths([*setup.path, *setup.readable])
    if level is not Level.UNSAFE and not interface:
        raise OSError("the kernel has no Landlock, or it is switched off")
    own_pids, processes = None, None
    if level is Level.NAMESPACES:
        own_pids, processes = confine.leave(paths)
        paths = [confine.place_of(path) for path in paths]
    confine.hide()
    if level is not Level.UNSAFE:
        confine.forgo()
    rules = confine.rules_for(paths)
    filters = {way: seccomp.build(level, way) for way in Way}
    return House(level, rules, interface, filters, processes, own_pids)


def _serve(house: House) -> bool:
    """Run the next request, and answer it only after everything of it is dead.

    Returns:
        Whether there may be another one.
    """
    try:
        header, count = frames.unpack_header(_read)
    except EOFError:
        return False
    limits, language = Limits(**header["limits"]), TABLE[header["language"]]
    files = [os.memfd_create("", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING) for _ in range(_READY)]
    told, tell = os.pipe()
    try:
        confine.arm(house)
        child = fork()
        if child == 0:
            _become(house, limits, [*files, tell], _Work(count, header["calls"], language))
        confine.disarm(house)
        os.close(tell)
        ended = watch(child, limits, house.processes, reserves=language.reserves)
        confine.reap()
        said = os.read(told, 2)
        _reply(ended, files[1:], limits, {"ready": said == _BEGINS, "missing": said == _MISSING})
        ready = said in (_BEGINS, _MISSING)
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
        language: What the code is in.
    """

    count: int
    calls: bool
    language: Language


def _become(house: House, limits: Limits, files: list[int], work: _Work) -> NoReturn:
    """The child: read the request, shut itself in, say so, run."""
    status = 125
    try:
        code, given, calls = [frames.unpack_blob(_read) for _ in range(work.count)]
        _fill(files[0], given)
        if work.language.way is not Way.INSIDE:
            files += _beside(code, calls if work.calls else b"")
        for number, one in enumerate([fcntl(one, F_DUPFD_CLOEXEC, _ABOVE_ALL) for one in files]):
            os.dup2(one, number, inheritable=number < driver.RECORDS)
        confine.shut_in(house, limits, work.language, len(files))
        status = _run(code, calls, work, limits, house.level)
    except (OSError, EOFError):
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(status)


def _beside(code: bytes, calls: bytes) -> list[int]:
    """What a tool is given by descriptor: the program, the calls to make, and a file to write."""
    files = [tools.memory_file() for _ in range(_LAST - _READY)]
    _fill(files[0], code)
    if calls:
        _fill(files[1], calls)
    return files


def _run(code: bytes, calls: bytes, work: _Work, limits: Limits, level: Level) -> int:
    """Say that the run begins, and begin it; the exit status, if anybody comes back with one."""
    tool = tools.path_of(work.language.tool)
    os.write(_READY, _MISSING if tool is None else _BEGINS)
    match work.language.name:
        case _ if tool is None:
            return 0
        case "python":
            os.close(_READY)
            return driver.run_calls(code, calls) if work.calls else driver.run_program(code)
        case "javascript":
            return tools.node(tool, limits, calls=work.calls, failed=_READY)
        case "cpp":
            return tools.build(tool, scratch=level is Level.NAMESPACES)
        case _:
            return tools.native()


def _fill(file: int, content: bytes) -> None:
    """Write a file in memory that can be read only from then on."""
    left = memoryview(content)
    while left:
        left = left[os.write(file, left) :]
    os.lseek(file, 0, os.SEEK_SET)
    fcntl(file, F_ADD_SEALS, _ALL_SEALS)


def _reply(ended: Ended, files: list[int], limits: Limits, began: Mapping[str, bool]) -> None:
    """Send what the run left, from file to pipe: it does not pass through this process either."""
    sizes = [os.fstat(one).st_size for one in files]
    full = any(size >= limits.output for size in sizes)
    # The reader wakes up at every write, so there are as few as can be.
    said = frames.pack_header({**ended.to_json(), **began, "full": full}, len(files))
    for one, size in zip(files, sizes, strict=True):
        sent, wanted = 0, min(size, limits.output)
        said += frames.pack_size(wanted)
        if wanted:
            _write(said)
            said = b""
        while sent < wanted:
            sent += os.sendfile(1, one, sent, wanted - sent)
    _write(said)


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

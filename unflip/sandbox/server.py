"""The fork-server: shuts itself in once, then forks one process for each run.

It holds no secret and no expected answer. It reads requests from its input and writes replies to
its output, in frames; so whatever carries two streams of bytes carries a sandbox.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fcntl import F_ADD_SEALS, fcntl
from typing import NamedTuple, NoReturn

from unflip.sandbox import confine, driver, frames, landlock, seccomp, tools
from unflip.sandbox.confine import House
from unflip.sandbox.kernel import flush_files, fork
from unflip.sandbox.languages import TABLE, Language, Way
from unflip.sandbox.levels import Level
from unflip.sandbox.limits import Limits
from unflip.sandbox.watch import Ended, watch

_READY = driver.RECORDS + 1
"""The file in which a run says that it begins, behind its standard streams and its records."""
_LAST = tools.OBJECT
_REQUESTS, _REPLIES, _LOG = 32, 33, 34
"""Where the server's own streams are: the places up to `_LAST` are a run's."""
_BEGINS, _MISSING = b"!", b"?"
_ALL_SEALS = 0b1111
# As every Python does.
_IGNORED = {signal.SIGPIPE, signal.SIGXFSZ}
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
    _forget()
    _reserve()
    setup = Setup(**json.loads(sys.argv[1]))
    # That of an environment is a link, which a new root does not show.
    executable = os.path.realpath(sys.executable)
    for name in _PRELOADED:
        importlib.import_module(name)
    try:
        house = _set_up(setup)
    except OSError as why:
        _make_room()
        _write(frames.pack({"level": None, "why": str(why)}))
        return
    # Not before: a level is reached by forks, and each changes what chance begins with.
    _prepare()
    here = confine.place_of if house.level is Level.NAMESPACES else str
    sys.path[:] = map(here, setup.path)
    sys.executable = here(executable)
    tools.PLACES.update({name: here(path) for name, path in setup.tools.items()})
    # A program finds the modules of a process that has just begun; in a run it would cost more.
    for name in [one for one in sys.modules if one.split(".")[0] == "unflip"]:
        del sys.modules[name]
    gc.collect()
    gc.freeze()
    _make_room()
    _write(frames.pack({"level": int(house.level)}))
    try:
        while _serve(house):
            pass
    finally:
        os.dup2(_LOG, 2)


def _forget() -> None:
    """Undo what a process takes over from who starts it: signals and the mask of files' modes.

    Who ignores the end of children is never told of it.
    """
    os.umask(0o022)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for one in signal.valid_signals() - _IGNORED:
        if signal.getsignal(one) is signal.SIG_IGN:
            signal.signal(one, signal.SIG_DFL)


def _reserve() -> None:
    """Occupy the places that a run's files will have, so that nothing of ours gets one."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number in range(3, _LOG + 1):
        if number != nothing:
            os.dup2(nothing, number)


def _make_room() -> None:
    """Leave those places free, and nothing of ours in them."""
    for number, place in enumerate((_REQUESTS, _REPLIES, _LOG)):
        os.dup2(number, place, inheritable=False)
    os.closerange(0, _REQUESTS)


def _prepare() -> None:
    """Prepare for foreign code, with files in the places of the standard streams as in a run."""
    ours = [os.dup(number) for number in range(driver.RECORDS)]
    file = os.memfd_create("")
    for number in range(driver.RECORDS):
        os.dup2(file, number)
    driver.prepare()
    for number, one in enumerate(ours):
        os.dup2(one, number)
    for one in (*ours, file):
        os.close(one)


def _set_up(setup: Setup) -> House:
    """Reach the level that was asked for, or raise."""
    level = Level(setup.level)
    interface = landlock.version()
    paths = confine.readable_paths([*setup.path, *setup.readable])
    if level is not Level.UNSAFE and not interface:
        raise OSError("the kernel has no Landlock, or it is switched off")
    own_pids, family = None, None
    devices: Sequence[str] = confine.DEVICES
    if level is Level.NAMESPACES:
        own_pids, family = confine.leave(paths)
        paths, devices = [confine.place_of(path) for path in paths], ["/dev"]
    else:
        family = confine.found_here()
    confine.hide()
    if level is not Level.UNSAFE:
        confine.forgo()
    rules = confine.rules_for(paths, devices)
    filters = {way: seccomp.build(level, way) for way in Way}
    return House(level, rules, interface, filters, family, own_pids)


def _serve(house: House) -> bool:
    """Run the next request, and answer it only after everything of it is dead.

    Returns:
        Whether there may be another one.
    """
    try:
        header, sizes = frames.unpack_beginning(_read)
    except EOFError:
        return False
    if house.family is not None:
        house.family.refresh()
    limits, language = Limits(**header["limits"]), TABLE[header["language"]]
    files = [_file(number) for number in range(_READY + 1)]
    try:
        confine.arm(house)
        child = fork()
        if child == 0:
            _become(house, limits, _Work(sizes, header["calls"], language))
        confine.disarm(house)
        ended = watch(child, limits, house.family, _REQUESTS)
        confine.reap()
        said = os.pread(_READY, 2, 0)
        _reply(ended, limits, {"ready": said == _BEGINS, "missing": said == _MISSING})
        # A child that did not become what it should may have left half a request behind.
        return said in (_BEGINS, _MISSING)
    finally:
        for one in files:
            os.close(one)


def _file(place: int) -> int:
    """A new file in memory, in its place: the first that is free.

    What a run becomes has its standard streams, and nothing else.
    """
    private = 0 if place < driver.RECORDS else os.MFD_CLOEXEC
    file = os.memfd_create("", os.MFD_ALLOW_SEALING | private)
    if file != place:
        raise RuntimeError(f"file {place} of a run would be {file}")
    return file


class _Work(NamedTuple):
    """What the child reads by itself.

    The server never holds it: the next child would find it in the memory that it begins with.

    Attributes:
        sizes: Those of the blobs that follow the request's header.
        calls: Whether calls are made, or a script is run.
        language: What the code is in.
    """

    sizes: tuple[int, ...]
    calls: bool
    language: Language


def _become(house: House, limits: Limits, work: _Work) -> NoReturn:
    """The child: read the request, shut itself in, say so, run."""
    status = 125
    try:
        code, given, calls = frames.split(_read(sum(work.sizes)), work.sizes)
        _fill(0, given)
        inside = work.language.way is Way.INSIDE
        if not inside:
            _lay_beside(code, calls if work.calls else b"")
        confine.shut_in(house, limits, work.language, (_READY if inside else _LAST) + 1)
        status = _run(code, calls, work, limits, house.level)
        flush_files()
    except (OSError, EOFError):
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(status)


def _lay_beside(code: bytes, calls: bytes) -> None:
    """Give a tool what it takes by descriptor: the program, the calls, and a file to write."""
    for _ in range(_READY, _LAST):
        tools.memory_file()
    _fill(tools.CODE, code)
    if calls:
        _fill(tools.CALLS, calls)


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
    if content:
        _write(content, file)
        os.lseek(file, 0, os.SEEK_SET)
    fcntl(file, F_ADD_SEALS, _ALL_SEALS)


def _reply(ended: Ended, limits: Limits, began: Mapping[str, bool]) -> None:
    """Send what the run left, from file to pipe: it does not pass through this process either."""
    files = range(1, driver.RECORDS + 1)
    sizes = [min(os.fstat(one).st_size, limits.output) for one in files]
    full = any(size >= limits.output for size in sizes)
    header = frames.written({**ended.to_json(), **began, "full": full})
    _write(frames.pack_beginning(header, sizes))
    for one, size in zip(files, sizes, strict=True):
        sent = 0
        while sent < size:
            sent += os.sendfile(_REPLIES, one, sent, size - sent)


def _read(size: int) -> bytes:
    """Exactly so many bytes of the input.

    Raises:
        EOFError: It has ended.
    """
    parts = []
    while size:
        part = os.read(_REQUESTS, min(size, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _write(data: bytes, file: int = _REPLIES) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]

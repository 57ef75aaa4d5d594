"""Builds in the sandbox what has to be built before it runs, and remembers what was made."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import replace
from weakref import WeakKeyDictionary

from unflip.errors import SandboxError
from unflip.sandbox.languages import TABLE
from unflip.sandbox.limits import MEGABYTE, Limits
from unflip.sandbox.results import Backend, Program, Result, Status
from unflip.sandbox.tools import BROKEN

BUILDING = Limits(cpu=15, memory=1024 * MEGABYTE, output=16 * MEGABYTE)
"""What a build may use."""
_KEPT = 64 * MEGABYTE
"""So many bytes of what was made are kept for each backend."""
_OVERHEAD, _SAID = 1000, 1 << 16
_ITS_OWN_FAULT = (Status.CPU, Status.MEMORY, Status.OUTPUT, Status.POLICY)


class _Made:
    """What builds of one backend made, the last used for longest; any thread may ask."""

    def __init__(self) -> None:
        self._found: OrderedDict[bytes, Program | Result] = OrderedDict()
        self._size, self._turn = 0, threading.Lock()

    def get(self, key: bytes) -> Program | Result | None:
        with self._turn:
            if key in self._found:
                self._found.move_to_end(key)
            return self._found.get(key)

    def put(self, key: bytes, made: Program | Result) -> None:
        with self._turn:
            if key in self._found:
                return
            self._found[key] = made
            self._size += _size(made)
            while self._size > _KEPT:
                self._size -= _size(self._found.popitem(last=False)[1])


_MADE: WeakKeyDictionary[Backend, _Made] = WeakKeyDictionary()
_TURN = threading.Lock()


def prepared(backend: Backend, program: Program) -> Program | Result:
    r"""A program as it can be run: what its source was built to, or itself where nothing is built.

    What was built once is not built again for the same backend: its tools do not change meanwhile.

    Args:
        backend: Where it is built, and is to be run.
        program: The program, with its input.

    Returns:
        The program to run; or how the build ended, as `Status.BROKEN`, where the source is at
        fault, and as `Status.WALL` where it took too long by the clock on the wall, alone too.

    Raises:
        SandboxUnavailable: The compiler is not there.
        SandboxError: The build failed, and the source is not to blame.

    Example:
        >>> from unflip.sandbox import shared
        >>> prepared(shared(), Program("print(1)")).code
        'print(1)'
    """
    language = TABLE[program.language]
    if language.built_as is None:
        return program
    source = program.blobs[0]
    key = hashlib.sha256(language.name.encode() + b"\0" + source).digest()
    with _TURN:
        made = _MADE.setdefault(backend, _Made())
    found = made.get(key)
    if found is None:
        found = _built(backend, Program(source, language=language.name), language.built_as)
        if not isinstance(found, Result) or found.status is Status.BROKEN:
            made.put(key, found)
    if isinstance(found, Result):
        return found
    return replace(program, code=found.code, language=found.language)


def _built(backend: Backend, source: Program, built_as: str) -> Program | Result:
    """Build a program, with a second try, alone, where the first may have failed for want of room.

    Raises:
        SandboxError: Neither it nor its source is to blame for how it ended.
    """
    found = _outcome(backend.run(source, BUILDING), built_as)
    if found is None or (isinstance(found, Result) and found.status is Status.WALL):
        ended = backend.run(source, BUILDING, alone=True)
        found = _outcome(ended, built_as)
        if found is None:
            raise SandboxError(f"the build ended as {ended.status}: {ended.last_error}")
    return found


def _outcome(ended: Result, built_as: str) -> Program | Result | None:
    """What a build made, or how its source made it end; None if the source is not to blame."""
    if ended.status is Status.FINISHED and ended.records:
        return Program(ended.records, language=built_as)
    if ended.status is Status.WALL:
        return replace(ended, stdout=b"", stderr=b"")
    broken = ended.status is Status.FAILED and ended.exit == BROKEN
    if broken or ended.status in _ITS_OWN_FAULT:
        return replace(ended, status=Status.BROKEN, stdout=b"", stderr=ended.stderr[:_SAID])
    return None


def _size(made: Program | Result) -> int:
    held = made.code if isinstance(made, Program) else made.stderr
    return len(held) + _OVERHEAD

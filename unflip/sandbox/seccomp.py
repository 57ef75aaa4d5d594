"""The filter of system calls for each level, and how a process puts it on for good."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping

from unflip.sandbox.bpf import Check, Policy, assemble, refuse
from unflip.sandbox.kernel import MACHINE, prctl
from unflip.sandbox.languages import Way
from unflip.sandbox.levels import Level
from unflip.sandbox.syscalls import (
    BECOMING,
    CHECKED,
    COMMON,
    PROCESSES,
    STARTING,
    Numbers,
    numbers,
)

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_SET_SECCOMP, _FILTER = 22, 2
_NO_SUCH_CALL = 38
_THREAD = 0x10000
# New namespaces of every kind, tracing, and a child of somebody else.
_NOT_IN_CLONE = 0x7E020000 | 0x2000 | 0x8000
_IOCTLS = (0x5401, 0x5413, 0x541B, 0x5450, 0x5451, 0x5421)
_FCNTLS = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032, 1034)
_PRCTLS = (3, 15, 16)
_DIE_WITH_PARENT = 1
# Memory that no process has to hold, as long as somebody has mapped a page of it; and pages of a
# size that is not counted.
_SHARED_BY_NOBODY, _LARGE_PAGES = 0x1 | 0x20, 0x40000
# Streams only: a datagram could be sent to whoever has an address.
_STREAMS = (1, 1 | 0o4000, 1 | 0o2000000, 1 | 0o2004000)
_OWN = 0x7ABCDEF1
_BESIDE: Mapping[Way, Numbers] = {Way.INSIDE: {}, Way.BECOMES: BECOMING, Way.STARTS: STARTING}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def build(level: Level, way: Way = Way.INSIDE, machine: str = MACHINE) -> bytes:
    """The filter's program for a level, with a mark where `for_process` puts a process id.

    With namespaces, processes may be started and signalled: they are alone among themselves.
    Without, there are threads only, and the single process that can be signalled is the own one;
    but a run that becomes a tool may do so, and one that starts tools may start them, while none
    of them can leave the group in which all are killed.

    Args:
        level: The level of isolation.
        way: What becomes of the run's process.
        machine: `x86_64` or `aarch64`.

    Example:
        >>> len(build(Level.NAMESPACES, Way.INSIDE, "x86_64")) % 8
        0
    """
    names = numbers(CHECKED, CHECKED, machine)
    allowed = _numbers(COMMON, machine)
    checks = [
        Check(names["ioctl"], 1, _IOCTLS),
        Check(names["fcntl"], 1, _FCNTLS),
        Check(
            names["prctl"], 0, _PRCTLS if way is not Way.STARTS else (*_PRCTLS, _DIE_WITH_PARENT)
        ),
        Check(names["prlimit64"], 0, (0,)),
        Check(names["sched_setaffinity"], 0, (0,)),
        Check(names["socketpair"], 1, _STREAMS),
        Check(names["mmap"], 3, without=_LARGE_PAGES, together=_SHARED_BY_NOBODY),
        Check(names["clone3"], 0, (), otherwise=refuse(_NO_SUCH_CALL)),
    ]
    if level is Level.NAMESPACES:
        allowed |= _numbers(PROCESSES, machine) | _numbers(_BESIDE[way], machine)
        checks.append(Check(names["clone"], 0, without=_NOT_IN_CLONE))
    else:
        allowed |= _numbers(_BESIDE[way], machine)
        alone = 0 if way is Way.STARTS else _THREAD
        checks += [
            Check(names["clone"], 0, without=_NOT_IN_CLONE, having=alone),
            Check(names["kill"], 0, (_OWN,)),
            Check(names["tgkill"], 0, (_OWN,)),
        ]
    return assemble(Policy(_ARCHITECTURES[machine], frozenset(allowed), tuple(checks)))


def _numbers(table: Numbers, machine: str) -> set[int]:
    return set(numbers(table, table, machine).values())


def for_process(program: bytes, own: int) -> bytes:
    """The filter for the process with this id."""
    return program.replace(_OWN.to_bytes(4, "little"), own.to_bytes(4, "little"))


def put_on(program: bytes) -> None:
    """Filter this process from now on; it and all it starts can only ever be filtered more.

    Raises:
        OSError: The kernel refuses; nothing is filtered then.
    """
    filter_ = _Program(len(program) // 8, program)
    prctl(_SET_SECCOMP, _FILTER, ctypes.addressof(filter_))

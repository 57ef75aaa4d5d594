"""Assembles a seccomp filter: a search tree over call numbers, and checks of arguments."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Step = tuple[int, int, int, int]
"""One instruction: its code, how far to jump if true and if false, and its constant."""
_LOAD, _AND, _JUMP_EQUAL, _JUMP_FROM, _JUMP_ANY, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
ALLOW = 0x7FFF0000
KILL = 0x80000000
_ERRNO = 0x00050000
X32 = 0x40000000
"""Numbers from here on are another calling convention of the same machine."""


def refuse(errno: int) -> int:
    """What a filter answers for a call that fails with `errno`."""
    return _ERRNO | errno


@dataclass(frozen=True)
class Check:
    """How one call is decided by the low word of one of its arguments.

    Attributes:
        call: The number of the call.
        argument: Which argument, from 0.
        equals: The values with which it is allowed; None for any.
        without: It is refused if one of these bits is set.
        having: It is refused unless all of these bits are set.
        together: It is refused if all of these bits are set.
        otherwise: What the filter answers if it is not allowed.
    """

    call: int
    argument: int
    equals: tuple[int, ...] | None = None
    without: int = 0
    having: int = 0
    together: int = 0
    otherwise: int = refuse(1)


@dataclass(frozen=True)
class Policy:
    """What a filter lets through.

    Attributes:
        architecture: The AUDIT_ARCH of the machine; a call by any other kills.
        allowed: Numbers that are let through whatever their arguments.
        checks: Those that are decided by an argument; they come first.
        unknown: Numbers from here on fail as if the kernel did not have them.
    """

    architecture: int
    allowed: frozenset[int]
    checks: tuple[Check, ...]
    unknown: int = 424


def assemble(policy: Policy) -> bytes:
    """The filter's program.

    Example:
        >>> program = assemble(Policy(0xC000003E, frozenset({0, 1}), ()))
        >>> len(program) % 8, run(program, 0xC000003E, 1) == ALLOW
        (0, True)
        >>> run(program, 0xC000003E, 2) == refuse(1), run(program, 1, 1) == KILL
        (True, True)
    """
    steps: list[Step] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, policy.architecture),
        (_RETURN, 0, 0, KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    for check in policy.checks:
        body = _body(check)
        steps += [(_JUMP_EQUAL, 0, len(body), check.call), *body]
    steps += _tree(_stretches(policy.allowed, policy.unknown))
    return b"".join(struct.pack("<HBBI", *step) for step in steps)


def run(program: bytes, architecture: int, call: int, arguments: Sequence[int] = ()) -> int:
    """What the filter answers, as the kernel would find it; for tests and for reading along."""
    steps = list(struct.iter_unpack("<HBBI", program))
    words = [call, architecture, 0, 0]
    for argument in (*arguments, *[0] * (6 - len(arguments))):
        words += [argument & 0xFFFFFFFF, argument >> 32 & 0xFFFFFFFF]
    value, place = 0, 0
    while True:
        code, true, false, constant = steps[place]
        place += 1
        match code:
            case 0x20:
                value = words[constant // 4]
            case 0x54:
                value &= constant
            case 0x06:
                return int(constant)
            case _:
                place += true if _holds(code, value, constant) else false


def _holds(code: int, value: int, constant: int) -> bool:
    if code == _JUMP_EQUAL:
        return value == constant
    return value >= constant if code == _JUMP_FROM else bool(value & constant)


def _body(check: Check) -> list[Step]:
    """Instructions that decide a call whose number has been recognised; they always return."""
    load = (_LOAD, 0, 0, _ARGUMENTS + 8 * check.argument)
    refusal, allow = (_RETURN, 0, 0, check.otherwise), (_RETURN, 0, 0, ALLOW)
    if check.equals is not None:
        steps = [load]
        for left, value in zip(range(len(check.equals), 0, -1), check.equals, strict=True):
            steps.append((_JUMP_EQUAL, left, 0, value))
        return [*steps, refusal, allow]
    steps = [load, (_JUMP_ANY, 0, 1, check.without), refusal]
    if check.having:
        steps += [(_AND, 0, 0, check.having), (_JUMP_EQUAL, 1, 0, check.having), refusal]
    if check.together:
        steps += [load, (_AND, 0, 0, check.together), (_JUMP_EQUAL, 0, 1, check.together), refusal]
    return [*steps, allow]


def _stretches(allowed: Iterable[int], unknown: int) -> list[tuple[int, int]]:
    """Where an answer begins, and the answer, in rising order from 0."""
    let = frozenset(allowed)
    ends = sorted({0, unknown, X32, *let, *(one + 1 for one in let)})
    found: list[tuple[int, int]] = []
    for start in ends:
        if start >= X32:
            answer = KILL
        elif start in let:
            answer = ALLOW
        else:
            answer = refuse(38 if start >= unknown else 1)
        if not found or found[-1][1] != answer:
            found.append((start, answer))
    return found


def _tree(stretches: Sequence[tuple[int, int]]) -> list[Step]:
    """A binary search for the stretch that the number in the accumulator lies in."""
    if len(stretches) == 1:
        return [(_RETURN, 0, 0, stretches[0][1])]
    half = len(stretches) // 2
    left, right = _tree(stretches[:half]), _tree(stretches[half:])
    return [(_JUMP_FROM, len(left), 0, stretches[half][0]), *left, *right]

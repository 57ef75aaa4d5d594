"""Answers in words, times of day and letters of choices: the same words, or not."""

from __future__ import annotations

import re

from unflip.verifiers.math.identity import Decision, Same
from unflip.verifiers.math.judging import Judge
from unflip.verifiers.math.nodes import Node, Op, is_op

_SHORT = 3
_WORDS = re.compile(r"[a-z]+(?: [a-z]+)*")


def decide(one: Node, other: Node, judge: Judge) -> Decision | None:
    """Whether two texts are the same; short words and a value never are."""
    del judge
    if not (is_op(one, "text") or is_op(other, "text")):
        return None
    if is_op(one, "text") and is_op(other, "text"):
        return _both(one, other)
    text = one if is_op(one, "text") else other
    return Decision(Same.DIFFERENT if _is_short(text) else Same.UNKNOWN, "words and a value")


def _both(one: Op, other: Op) -> Decision:
    if one.data == other.data:
        return Decision(Same.EQUAL, "text")
    if (same := _said_plainly(one.data, other.data)) is not None:
        return Decision(Same.EQUAL if same else Same.DIFFERENT, "yes or no")
    short = _is_short(one) and _is_short(other)
    return Decision(Same.DIFFERENT if short else Same.UNKNOWN, "text")


_PLAINLY = frozenset(("yes", "no", "true", "false"))


def _said_plainly(one: str, other: str) -> bool | None:
    """Whether a bare yes or no is the first word of the other side; None if neither is bare."""
    left, right = (text.replace(",", " ").replace(".", " ").split() for text in (one, other))
    if not left or not right or len(left) > 1 < len(right):
        return None
    return left[0] == right[0] if {left[0], right[0]} <= _PLAINLY else None


def _is_short(node: Node) -> bool:
    return (
        isinstance(node, Op)
        and len(node.data.split()) <= _SHORT
        and _WORDS.fullmatch(node.data) is not None
    )


_TIME = re.compile(
    r"(?:at )?([01]?[0-9]|2[0-4]) ?: ?([0-5][0-9])(?: ?: ?([0-5][0-9]))?"
    r" ?\(?(?:([ap])\.? ?m\.?)?\)?"
    r"|(?:at )?(1[0-2]|0?[1-9]) ?([ap])\.? ?m\.?",
    re.IGNORECASE,
)


def time_of(text: str) -> tuple[int, bool] | None:
    """The second of the day that a text says, and whether it says which half of the day.

    Example:
        >>> time_of("08:34 P.M."), time_of("20:34"), time_of("5 p.m.")
        ((74040, True), (74040, False), (61200, True))
    """
    found = _TIME.fullmatch(text.strip())
    if not found:
        return None
    hour, minute = int(found[1] or found[5]), int(found[2] or 0)
    half = (found[4] or found[6] or "").lower()
    if half and not 1 <= hour <= 12:
        return None
    if half:
        hour = hour % 12 + 12 * (half == "p")
    return 3600 * hour + 60 * minute + int(found[3] or 0), bool(half)


def same_time(one: str, other: str) -> bool | None:
    """Whether two times of day are the same; None if either is none, or neither says which half.

    Example:
        >>> same_time("20:34", "08:34 P.M."), same_time("2:1", "2:1")
        (True, None)
    """
    if ":" not in one + other or not (_HALF.search(one) or _HALF.search(other)):
        return None
    left, right = time_of(one), time_of(other)
    if left is None or right is None:
        return None
    if left == right:
        return True
    early = min(left[0], right[0])
    # Without its half, 8:34 may be either; 0:34 and 20:34 may not.
    vague = [time for time in (left, right) if not time[1]]
    unsaid = any(3600 <= time[0] < 13 * 3600 for time in vague)
    return None if unsaid and abs(left[0] - right[0]) == _HALF_A_DAY and early < _HALF_A_DAY else (
        left[0] == right[0]
    )  # fmt: skip


_HALF = re.compile(r"[ap]\.? ?m\b", re.IGNORECASE)
_HALF_A_DAY = 43200
_CHOICE = re.compile(
    r"\(?([A-J])(?:\)|[.:,](?=\s)|\s|$)"
    r"\s*((?:(?!(?:is|are|has|and|or|was)\b)[A-Za-z][a-z]+\b.*)?)",
    re.DOTALL,
)


def choice_of(text: str) -> tuple[str, str] | None:
    """The letter of a choice and the words behind it.

    Example:
        >>> choice_of("(D) Alina"), choice_of("D"), choice_of("Dora")
        (('D', 'Alina'), ('D', ''), None)
    """
    found = _CHOICE.fullmatch(text.strip())
    return (found[1], found[2].strip()) if found else None


_LETTERED = re.compile(r"\(?([A-J])\)[\s:.~]*((?!,|;|and\b|or\b)\S.*)", re.DOTALL)


def lettered(text: str) -> tuple[str, str] | None:
    """The letter of a choice in brackets and the value behind it.

    Example:
        >>> lettered("(B) 12"), lettered("(B)"), lettered("(B, C)")
        (('B', '12'), None, None)
    """
    found = _LETTERED.fullmatch(text.strip())
    return (found[1], found[2]) if found else None


def same_choice(one: str, other: str) -> bool | None:
    """Whether two choices have the same letter; None unless just one has words behind its letter.

    Example:
        >>> same_choice("D", "(D) Alina"), same_choice("C", "(D) Alina"), same_choice("A", "B")
        (True, False, None)
    """
    left, right = choice_of(one), choice_of(other)
    if left is None or right is None or bool(left[1]) == bool(right[1]):
        return None
    return left[0] == right[0]

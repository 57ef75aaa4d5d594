"""Which references `Math` cannot check, and why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from unflip.types import Reason, Sample
from unflip.verifiers.math import Math
from unflip.verifiers.math.answers import read
from unflip.verifiers.math.exact import rational
from unflip.verifiers.math.nodes import is_op, shown, walk
from unflip.verifiers.math.tokens import TooLong

_SHORT = 3
_DOLLAR = re.compile(r"(?<!\\)\$")


class Flaw(StrEnum):
    """What is wrong with a reference."""

    EMPTY = "empty"
    """It says nothing."""
    TOO_LARGE = "too_large"
    """It is longer or deeper than what is read, or too large to compute."""
    REFUSED = "refused"
    """It is not accepted as its own answer."""
    PROSE = "prose"
    """It is a sentence: only the same words can be accepted."""
    UNREAD = "unread"
    """It has signs that no rule reads: only the same text can be accepted."""


class Finding(NamedTuple):
    """One reference that cannot be checked well.

    Attributes:
        reference: The reference.
        flaw: What is wrong with it.
        note: What there is to say about it.
    """

    reference: str
    flaw: Flaw
    note: str


def audit(references: Iterable[str], verify: Math | None = None) -> Iterator[Finding]:
    """The references that cannot be checked, in their order.

    Args:
        references: References of a data set.
        verify: The verifier that will be used; by default, `Math()`.

    Example:
        >>> [str(found.flaw) for found in audit(["42", "", "It depends on the weather today."])]
        ['empty', 'prose']
    """
    verify = verify or Math()
    for reference in references:
        if found := _flaw(reference, verify):
            yield Finding(reference, *found)


def doubted(reference: str, verify: Math) -> str | None:
    """What is wrong with a reference, in a word and a note; None if nothing is, or it is refused.

    Example:
        >>> doubted("It depends on the weather today.", Math())
        'prose: a sentence'
    """
    found = _flaw(reference, verify)
    if found is None or found[0] is Flaw.REFUSED:
        return None
    return ": ".join(filter(None, found))


def _flaw(reference: str, verify: Math) -> tuple[Flaw, str] | None:
    if not reference.strip(" $\\.,;:?!-_*"):
        return Flaw.EMPTY, "nothing to compare with"
    verdict = verify(Sample(verify.present(reference), reference))
    if not verdict.accepted:
        large = verdict.reason is Reason.UNREADABLE_REFERENCE and "note" in verdict.evidence
        return (Flaw.TOO_LARGE if large else Flaw.REFUSED), str(verdict.evidence.get("note", ""))
    if limit := _limit(verify, reference):
        return Flaw.TOO_LARGE, limit
    try:
        node = read(verdict.answer or reference).node
    except TooLong as why:
        return Flaw.TOO_LARGE, str(why)
    if len(_DOLLAR.findall(reference)) % 2 and _DOLLAR.search(reference[1:]):
        return Flaw.UNREAD, "a dollar sign without its partner"
    if any(is_op(part, "div") and rational(part.args[1]) == 0 for part in walk(node)):
        return Flaw.UNREAD, "it divides by zero"
    if not is_op(node, "text"):
        return None
    words = node.data.split()
    if not all(word.isalpha() for word in words):
        return Flaw.UNREAD, f"read as text: {shown(node)[:80]}"
    return (Flaw.PROSE, "a sentence") if len(words) > _SHORT else None


def _limit(verify: Math, reference: str) -> str:
    """Which limit keeps other answers from being compared with it; empty if none does."""
    verdict = verify(Sample(verify.present("0"), reference))
    note = str(verdict.evidence.get("note", ""))
    return note if verdict.reason is Reason.UNREADABLE_REFERENCE and ":" in note else ""

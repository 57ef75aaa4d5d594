"""Which options a text claims, denies, weighs or merely mentions, and which it settles on.

Options that are named together form a statement; the words before and after it say what is said of
them; the statements are then weighed in their order. Every step is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from unflip.verifiers.cues import Cue, cues, denies, joint, since, union, until
from unflip.verifiers.denials import called_wrong, refuted
from unflip.verifiers.options import Mention, Options, mentions


class Weight(IntEnum):
    """How plainly an option is stated, weakest first."""

    DENIED = 0
    """`not A`, `A is wrong`."""
    OPEN = 1
    """`is it A?`, `between A and B`, an option that is only listed."""
    MENTIONED = 2
    """Named, and nothing else."""
    CONCLUDED = 3
    """`so A`, `it is A`, `not B but A`."""
    JUDGED = 4
    """`A is correct`, `I choose A`."""
    ALONE = 5
    """On a line of its own, or in front of a reason."""
    DECLARED = 6
    """`the answer is A`, `the correct option is A`."""


_NEAR = 160
"""A claim that more than so many characters of text follow was work, not the final answer."""
_RECENT = 200
"""Only so many mentions are weighed, the last ones: a bound on time, not on meaning."""


@dataclass(frozen=True, slots=True)
class Statement:
    """Options named together, and what is said of them.

    Attributes:
        labels: The options.
        start: Where the first one is named.
        end: Where the last one ends.
        weight: How plainly they are stated.
        apart: Whether they are alternatives to each other (`A or B`).
        before: The cues since the statement before.
        by_text: Whether no label is among what names them.
        mark: The mark that they stand in, such as a box; empty if it is the words that state them.
    """

    labels: frozenset[str]
    start: int
    end: int
    weight: Weight
    apart: bool = False
    before: int = 0
    by_text: bool = False
    mark: str = ""


def settled(text: str, options: Options) -> list[Statement]:
    """The statement that a folded text settles on; several if they contradict; none if it has none.

    Example:
        >>> options = dict.fromkeys("ABCD", "")
        >>> [sorted(s.labels) for s in settled("Not A. B? No, it must be C.", options)]
        [['C']]
        >>> [sorted(s.labels) for s in settled("The answer is A. The answer is B.", options)]
        [['A'], ['B']]
    """
    said = statements(text, options)
    final: list[Statement] = []
    heard, denied = 0, False
    for one in said:
        heard |= one.before
        if not final:
            final, heard = [one] * (one.weight >= Weight.CONCLUDED), 0
        elif one.weight is Weight.DENIED:
            denied = denied or not one.labels.isdisjoint(final[-1].labels)
        elif one.before & Cue.ELSE and one.labels != final[-1].labels:
            final.append(one)
        elif one.weight < Weight.CONCLUDED:
            continue
        elif denied or _supersedes(one, final[-1], heard):
            final, heard, denied = [one], 0, False
        elif one.labels == final[-1].labels:
            heard = 0
        elif one.weight >= min(final[-1].weight, Weight.ALONE):
            final.append(one)
    if denied:
        return []
    return final or _merely_mentioned(text, said)


def _supersedes(later: Statement, earlier: Statement, heard: int) -> bool:
    """Whether a claim replaces an earlier one, given the cues heard since."""
    if later.weight > earlier.weight or heard & Cue.TAKE_BACK:
        return True
    if earlier.apart and later.labels < earlier.labels:
        return True
    moved_on = heard & (Cue.BUT | Cue.SO) or later.start - earlier.end > _NEAR
    return later.weight == earlier.weight and bool(earlier.apart or moved_on)


def _merely_mentioned(text: str, said: Sequence[Statement]) -> list[Statement]:
    """What is named and nowhere denied, for want of a claim: one option in the first or last line.

    Letters go before option texts, which the reasoning is full of. A number alone names nothing.
    """
    denied = {label for one in said if one.weight is Weight.DENIED for label in one.labels}
    named = [one for one in said if one.weight is Weight.MENTIONED and not one.labels & denied]
    named = [one for one in named if not one.by_text] or named
    if len({one.labels for one in named}) != 1:
        return named
    one = named[-1]
    outer = not ("\n" in text[: one.start].lstrip() and "\n" in text[one.end :].rstrip())
    is_name = one.by_text or all(label.isupper() for label in one.labels)
    return [one] if outer and is_name else []


def statements(text: str, options: Options) -> list[Statement]:
    """The statements about options in a folded text, in order.

    Example:
        >>> options = dict.fromkeys("ABCD", "")
        >>> [(s.weight.name, *sorted(s.labels)) for s in statements("Not A or B, so C.", options)]
        [('DENIED', 'A', 'B'), ('CONCLUDED', 'C')]
    """
    groups, between = _grouped(text, mentions(text, options)[-_RECENT:])
    listed = _listed(text, groups) if len(groups) > 1 else set()
    said: list[Statement] = []
    for i, (group, apart) in enumerate(groups):
        start, end = group[0].start, group[-1].end
        weight = _weigh(between[i], between[i + 1], said[-1].weight if said else None)
        if refuted(text, end) or called_wrong(text, start):
            weight = Weight.DENIED
        if weight is Weight.CONCLUDED and not _is_plain(group, between[i]):
            weight = Weight.MENTIONED
        if weight in (Weight.MENTIONED, Weight.CONCLUDED):
            if start in listed or union(between[i][-1:]) & Cue.NAME:
                weight = Weight.OPEN
            elif _is_alone(text, start, end):
                weight = Weight.ALONE
        labels = frozenset([one.label for one in group])
        if weight is Weight.MENTIONED and len(labels) == len(options) > 2:
            weight = Weight.OPEN
        by_text = all(one.by_text for one in group)
        before = union(between[i])
        if union(between[i][-1:]) & Cue.OR:
            before |= Cue.ELSE
        said.append(Statement(labels, start, end, weight, apart, before, by_text))
    return said


_Group = tuple[list[Mention], bool]
"""Options named together, and whether they are set apart by an `or`."""


def _grouped(text: str, found: Sequence[Mention]) -> tuple[list[_Group], list[list[int]]]:
    """Mentions between which nothing but a joint stands, and the cues around the groups."""
    groups: list[_Group] = []
    between: list[list[int]] = []
    place = 0
    for one in found:
        gap = text[place : one.start]
        place = one.end
        inside = cues(gap)
        group, apart = groups[-1] if groups else ([], False)
        joined = joint(gap, inside) if group else 0
        if joined and one.label not in [other.label for other in group]:
            group.append(one)
            groups[-1] = (group, apart or joined == Cue.OR)
        else:
            groups.append(([one], False))
            between.append(inside)
    between.append(cues(text[place:]))
    return groups, between


def _is_plain(group: Sequence[Mention], before: Sequence[int]) -> bool:
    """Whether a group cannot be anything else, as the number in "so 2 people agreed" can."""
    letters = any(one.by_text or one.label.isupper() for one in group)
    return letters or any(cue & Cue.OPTION for cue in before[-1:])


# What is said of a statement --------------------------------------------------------------------

_WEAKENS = Cue.MAYBE | Cue.OTHERS
_CLAIM = Cue.ANSWER | Cue.RIGHT
_JUDGES = Cue.RIGHT | Cue.CHOOSE
_CONCLUDES = Cue.SO | Cue.TAKE_BACK
_STATES = Cue.RIGHT | Cue.IS


def _weigh(before: Sequence[int], after: Sequence[int], previous: Weight | None) -> Weight:
    """What the words around a statement say of it."""
    clause = since(before, Cue.STOP)
    if clause is before and previous is not None:
        # The words up to the pause are about the statement before, in the same sentence.
        clause = since(before, Cue.PAUSE | Cue.BECAUSE)
    said = union(clause)
    if said & Cue.LIKE and previous is not None:
        return previous
    following, stop = until(after)
    if following & Cue.NOT_AFTER or (following & Cue.NOT and following & _STATES):
        return Weight.DENIED
    if said & Cue.NOT and denies(since(clause, Cue.PAUSE)):
        return Weight.DENIED
    if said & Cue.EITHER or stop & Cue.ASKED:
        return Weight.OPEN
    if (said | following) & _WEAKENS:
        return Weight.MENTIONED
    if said & _CLAIM:
        # "The wrong answer is A" declares nothing.
        while clause and clause[-1] & Cue.PAUSE:
            clause = clause[:-1]
        is_wrong = union(since(clause, Cue.PAUSE)) & Cue.NOT_AFTER
        return Weight.MENTIONED if is_wrong else Weight.DECLARED
    if said & Cue.CHOOSE or following & _JUDGES:
        return Weight.JUDGED
    concludes = said & _CONCLUDES or following & Cue.IS_AFTER or _ends_in_copula(clause)
    if concludes or (said & Cue.BUT and previous is Weight.DENIED):
        return Weight.CONCLUDED
    return Weight.MENTIONED


def _ends_in_copula(clause: Sequence[int]) -> bool:
    for cue in reversed(clause):
        if not cue & Cue.OPTION:
            return bool(cue & (Cue.IS | Cue.BE))
    return False


# How it stands on its line ----------------------------------------------------------------------

_LINE = 120
_WRAPPING = re.compile(r"[\s*#>`$()\[\]{}\"'.:,\\–—-]*+")
_LEADS = re.compile(r"[*)\]}`\"']*+(?:\s*+[.:,)–—-](?:[\s*]|\Z)|[。，：、]|[^\S\n]*+(?:\n|\Z))")


def _opening(text: str, start: int) -> list[int] | None:
    """The cues of what stands before a place on its line; None if that is long."""
    line = text.rfind("\n", max(0, start - _LINE), start) + 1
    if not line and start > _LINE:
        return None
    return [] if _WRAPPING.fullmatch(text, line, start) else cues(text[line:start])


def _is_alone(text: str, start: int, end: int) -> bool:
    """Whether a statement has its line to itself, or opens it and is set off from the rest."""
    opening = _opening(text, start)
    if opening is None or not all(cue & Cue.OPTION for cue in opening):
        return False
    if _LEADS.match(text, end):
        return True
    reason = cues(text[end : end + 20])[:1]
    return bool(reason) and bool(reason[0] & Cue.BECAUSE) and not text[end].isalpha()


def _listed(text: str, groups: Sequence[_Group]) -> set[int]:
    """Where options open lines that go on, if several do: a list of options, not of answers."""
    opened: dict[int, str] = {}
    for group, _ in groups:
        first = group[0]
        line = max(0, text.rfind("\n", max(0, first.start - _LINE), first.start))
        labelled = text.startswith(first.label, first.start)
        if labelled and _WRAPPING.fullmatch(text, line, first.start):
            rest = text[first.start + len(first.label) : group[-1].end + 20].split("\n", 1)[0]
            if len(rest) > 4:
                opened[first.start] = first.label
    return set(opened) if len(set(opened.values())) > 1 else set()

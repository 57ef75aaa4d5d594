r"""The engine: two answers read, their types compared in turn, and what came of it.

`decide` is symmetric and deterministic: it takes no clock, only steps, and its points come from a
keyed hash of both sides. A new type is a file with a `decide`, and a line in `TYPES`.
"""

from __future__ import annotations

from unflip.types import Reason
from unflip.verifiers.math import (
    answers,
    bindings,
    dates,
    determinants,
    families,
    formulas,
    groups,
    limits,
    quantities,
    realsets,
    relations,
    symbolic,
    texts,
)
from unflip.verifiers.math.answers import Answer
from unflip.verifiers.math.budget import OverBudget
from unflip.verifiers.math.comparing import By, Comparison
from unflip.verifiers.math.identity import Decision, Same
from unflip.verifiers.math.judging import Decide, Judge
from unflip.verifiers.math.kinds import kind_of
from unflip.verifiers.math.nodes import Node, Op, is_op, shown
from unflip.verifiers.math.plain import plain
from unflip.verifiers.math.tokens import TooLong
from unflip.verifiers.math.tolerance import Tolerance

TYPES: tuple[Decide, ...] = (
    texts.decide,
    determinants.decide,
    bindings.decide,
    families.decide,
    realsets.decide,
    symbolic.decide,
    relations.decide,
    quantities.decide,
    groups.decide,
    formulas.decide,
)
"""In the order in which they are asked; the first that can tell decides."""

_SHOWN = 200
_LONGEST_TEXT = 400


def equal(one: str, other: str, tolerance: Tolerance | None = None) -> Decision:
    r"""Whether two answers are the same, whichever is which.

    Raises:
        TooLong: One of them is longer than what is read.

    Example:
        >>> equal(r"(-\infty, 3)", "x < 3")
        Decision(same=<Same.EQUAL: 'equal'>, rule='real sets', heuristic=False)
    """
    judge = Judge(TYPES, tolerance or Tolerance())
    return _equal((one, other), (answers.read(one), answers.cached(other)), judge)


def decide(answer: str, reference: str, tolerance: Tolerance) -> Comparison:
    r"""Whether an answer is the reference; None where this engine cannot tell.

    What it comes to depends on the roles where a side cannot be read: an answer is then a reject,
    a reference an abstain.

    Example:
        >>> decide(r"(-\infty, 3)", "x < 3", Tolerance()).same
        True
        >>> decide(r"\sqrt{8}", r"2\sqrt{2}", Tolerance()).note
        'real points'
    """
    try:
        theirs = answers.cached(reference)
    except TooLong as why:
        return Comparison(None, None, Reason.UNREADABLE_REFERENCE, note=f"reference: {why}")
    try:
        ours = answers.read(answer)
    except TooLong as why:
        return Comparison(False, None, Reason.OVER_LIMIT, note=f"answer: {why}")
    decision = _equal((answer, reference), (ours, theirs), Judge(TYPES, tolerance))
    comparison = _comparison(decision, ours, theirs)
    return _priced(comparison, answer, reference) if comparison.same is None else comparison


def _equal(sources: tuple[str, str], sides: tuple[Answer, Answer], judge: Judge) -> Decision:
    decision = _by_text(*sources)
    if decision is None:
        decision = _by_letter(*sources, judge)
    if decision is None:
        decision = same_answers(*sides, judge)
    return decision._replace(heuristic=bool(decision) and judge.heuristic)


def _priced(comparison: Comparison, answer: str, reference: str) -> Comparison:
    """What could not be told because one side is too large to compute, and which one it is."""
    if limit := limits.exceeded(plain(reference)):
        return comparison._replace(reason=Reason.UNREADABLE_REFERENCE, note=f"reference: {limit}")
    if limit := limits.exceeded(plain(answer)):
        return comparison._replace(same=False, reason=Reason.OVER_LIMIT, note=f"answer: {limit}")
    return comparison


def same_answers(one: Answer, other: Answer, judge: Judge) -> Decision:
    """Whether two answers say the same; symmetric."""
    try:
        decision = judge.same(one.node, other.node)
        if not decision:
            free = one.free | other.free
            under = families.same_under_other_names(one.node, other.node, judge, free)
            decision = under or decision
        if decision and one.condition and other.condition and one.condition != other.condition:
            decision = Decision(Same.UNKNOWN, "conditions")
        if decision and one.senses and other.senses and one.senses != other.senses:
            decision = Decision(Same.UNKNOWN, "words of another sense")
    except (OverBudget, RecursionError):
        decision = Decision(Same.UNKNOWN, "over budget")
    return decision


def _by_letter(one: str, other: str, judge: Judge) -> Decision | None:
    """A choice with its value, `(B) 12`, against its letter or its value."""
    left, right = (texts.lettered(plain(text[:_LONGEST_TEXT])) for text in (one, other))
    if (left is None) == (right is None):
        return None
    letter, value = left or right or ("", "")
    bare = plain(other if left else one)
    if choice := texts.choice_of(bare):
        same = choice[0] == letter and not choice[1]
        return Decision(Same.EQUAL if same else Same.DIFFERENT, "choice")
    return same_answers(answers.read(value), answers.read(bare), judge)


def _by_text(answer: str, reference: str) -> Decision | None:
    """Days, times and letters of choices, which would be read as ratios and products."""
    left, right = (plain(text[:_LONGEST_TEXT]) for text in (answer, reference))
    if dates.days_of(left) and dates.days_of(right):
        found = dates.same_day(left, right)
        return Decision(_SAME[found], "day")
    if dates.is_day_in_digits(left) or dates.is_day_in_digits(right):
        return Decision(Same.UNKNOWN, "day")
    same = texts.same_time(left, right)
    same = texts.same_choice(left, right) if same is None else same
    return None if same is None else Decision(_SAME[same], "time or choice")


_SAME = {True: Same.EQUAL, False: Same.DIFFERENT, None: Same.UNKNOWN}


def _comparison(decision: Decision, ours: Answer, theirs: Answer) -> Comparison:
    types = kind_of(ours.node), kind_of(theirs.node)
    forms = _form(ours.node), _form(theirs.node), decision.rule, types
    by = By.POINTS if decision.heuristic else By.ENGINE
    if decision.same is not Same.UNKNOWN:
        return Comparison(decision.same is Same.EQUAL, by, None, *forms)
    if is_op(theirs.node, "text") and not _is_words(theirs.node):
        return Comparison(None, by, Reason.UNREADABLE_REFERENCE, *forms)
    if is_op(ours.node, "text") and not is_op(theirs.node, "text"):
        return Comparison(False, by, Reason.MALFORMED, *forms)
    return Comparison(None, by, Reason.UNDECIDED, *forms)


def _is_words(node: Node) -> bool:
    return isinstance(node, Op) and node.data.replace(" ", "").isalpha()


def _form(node: Node) -> str:
    text = shown(node)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."

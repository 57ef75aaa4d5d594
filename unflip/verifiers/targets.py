"""What an answer is compared with: a reference's readings in normal form, given the question."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from unflip.verifiers.normal import Fold, Normal, glue, normal
from unflip.verifiers.readings import Reading, items, person, readings

_GRAMMAR = """
    is was were are be been being it its he she they his her their this that these those there of
    in on at to for by from with as and which who whom what when where have has had did does do
    called known named answer
"""
# Never taken away, though the question holds them: "Which is not a city?" "It is not Paris."
_DENIALS = """
    not no never neither nor none without cannot isnt wasnt arent werent doesnt dont didnt cant
    couldnt wont wouldnt hasnt havent hadnt
"""


_DIGIT = re.compile(r"\d")


@dataclass(frozen=True)
class Target:
    """A reference, read in every way, as what an answer's normal form is looked up in.

    Attributes:
        whole: Readings by their joined forms.
        rest: Readings by what is left of them without grammar and the question's words.
        lists: Readings that list something, with the members.
        people: Readings that are names: first and last name to middle names and the reading.
        needles: Readings that a longer text may state, by their joined forms.
        echoes: Of these, the ones that the question holds already.
        question: The forms of the question, and those of grammar.
        grammar: The forms of grammar.
        fold: The steps of the normal form.
    """

    whole: dict[str, str]
    rest: dict[str, str]
    lists: dict[tuple[str, ...], str]
    people: dict[tuple[str, str], tuple[str, str]]
    needles: dict[str, str]
    echoes: set[str]
    question: frozenset[str]
    grammar: frozenset[str]
    fold: tuple[Fold, ...]

    def find(self, answer: Normal, *, echo: bool) -> tuple[str, str] | None:
        """How an answer matches, and the reading that it matches; None if it does not.

        With `echo`, the question's words and grammar may stand around the reading; a number of the
        question may not stand right beside one of the reading, where the two are another number.
        """
        if reading := self.whole.get(answer.key):
            return "whole", reading
        if self.lists and (reading := self.lists.get(items(answer.text, self.fold))):
            return "list", reading
        if self.people and (reading := self._namesake(answer.text)):
            return "name", reading
        for without in (self.question, self.grammar) if echo else ():
            reading = self.rest.get(glue(_without(answer.forms, without)))
            if reading and not _calculates(answer.forms, without):
                return "rest", reading
        return None

    def _namesake(self, text: str) -> str | None:
        name = person(text)
        if not name:
            return None
        first, middle, last = (normal(part, self.fold).key for part in name)
        known, reading = self.people.get((first, last), ("", None))
        # One says less than the other: no middle name, or only the initial of it.
        shorter = not middle or known.startswith(middle) or (len(middle) == 1 and not known)
        return reading if shorter or (len(known) == 1 and middle.startswith(known)) else None


def _without(forms: Sequence[str], words: frozenset[str]) -> list[str]:
    return [form for form in forms if form not in words]


def _calculates(forms: Sequence[str], words: frozenset[str]) -> bool:
    """Whether a number among the words stands right beside one that is not, as in `17 / 10`."""
    return any(
        (left in words) != (right in words) and _DIGIT.search(left) and _DIGIT.search(right)
        for left, right in pairwise(forms)
    )


@lru_cache(maxsize=256)
def target(
    references: tuple[str, ...],
    question: str,
    fold: tuple[Fold, ...],
    wanted: tuple[Reading, ...],
) -> Target:
    """The target of a reference's alternatives; with nothing in `whole`, they cannot be read.

    Example:
        >>> wanted = target(("Perry, Matthew",), "Who played him?", (Fold.CASE,), tuple(Reading))
        >>> wanted.find(normal("He was played by Matthew Perry", (Fold.CASE,)), echo=True)
        ('rest', 'Matthew Perry')
    """
    grammar = frozenset(normal(_GRAMMAR, fold).forms)
    asked = frozenset(form.replace("'", "") for form in normal(question, fold).forms)
    made = Target({}, {}, {}, {}, {}, set(), (asked | grammar) - {*_DENIALS.split()}, grammar, fold)
    for text in dict.fromkeys(one for whole in references for one in readings(whole, wanted)):
        _add(made, text, wanted)
    return made


def _add(made: Target, text: str, wanted: tuple[Reading, ...]) -> None:
    """Put one reading where it can be found; the first reading of a form keeps it."""
    form = normal(text, made.fold)
    if not form.key:
        return
    made.whole.setdefault(form.key, text)
    content = _without(form.forms, made.grammar)
    unasked = _without(form.forms, made.question)
    if rest := unasked or content:
        made.rest.setdefault(glue(rest), text)
    if rest:
        made.needles.setdefault(form.joined, text)
        made.echoes.update([form.joined] * (not unasked))
    if Reading.LIST in wanted and (members := items(text, made.fold)):
        made.lists.setdefault(members, text)
    if Reading.MIDDLE in wanted and (name := person(text)):
        first, middle, last = (normal(part, made.fold).key for part in name)
        made.people.setdefault((first, last), (middle, text))
        if middle and unasked:
            made.needles.setdefault(glue((first, last)), text)

"""What fills the slots of a probe: wrong answers, restated questions, drawn nonsense."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from fractions import Fraction

from unflip.audit import programs
from unflip.audit.items import (
    Item,
    Kind,
    is_mathematical,
    letter_of,
    letters_of,
    numbers_of,
)
from unflip.audit.probes import SLOT, Probe
from unflip.audit.rewriting import rewrites, superscript_of
from unflip.types import digest

Present = Callable[[str], str]
PADDING = "\n" * 2 + "The details of this are left out here. " * 5000
"""About 200 kB: more than a judge's window holds, and little to a rule of linear time."""
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
_BOLD = str.maketrans("0123456789", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗")
_MARKS = ".,:;!?-_*#~^|/\\<>()[]'\"`"
_CLOTHES = ("LaTeX dressing", "letter dressing", "fence", "bold", "spaces")
PROGRAMS = (Kind.PROGRAM, Kind.TESTS)
"""Kinds of items whose answers are programs."""
_STARTS = ("Okay,", "Alright,", "Right,", "Now", "Well,", "So", "Good,", "Here")
_DOES = ("let us work through", "we look at", "I will go over", "let me break down", "we examine")
_WHAT = ("this question", "the task", "what is asked", "the exercise", "all the parts")
_ENDS = ("carefully.", "in order:", "one by one.", "from the start:", "in a few steps.")
_CONSONANTS, _VOWELS = "bcdfghjklmnprstvwz", "aeiou"


class Filler:
    """Fills the slots of probes for the items of one audit.

    Args:
        items: All of them: a text's wrong answer is another item's reference.
        present: How the verifier wants an answer stated.
        seed: Of everything that is drawn.

    Example:
        >>> from unflip.audit.items import Item
        >>> filler = Filler([Item("2 + 2 = ?", ("4",))], str, 0)
        >>> filler.fill(Probe(name="or", family="x", text="{{wrong}} or {{reference}}"), 0)
        '7 or 4'
    """

    def __init__(self, items: Sequence[Item], present: Present, seed: int) -> None:
        self._items = items
        self._present = present
        self._seed = seed
        # Of the item at hand: most slots stand in many probes.
        self._at, self._made = -1, dict[str, str | None]()

    def fill(self, probe: Probe, at: int) -> str | None:
        """The probe's text for the item at this place; None if something in it cannot be made."""
        values = {name: self.value(name, at) for name in probe.slots}
        if any(value is None for value in values.values()):
            return None
        return SLOT.sub(lambda slot: values[slot[1]] or "", probe.text)

    def value(self, name: str, at: int) -> str | None:
        """What stands in a slot; None if it cannot be made for this item."""
        if at != self._at:
            self._at, self._made = at, {}
        if name not in self._made:
            maker = _MAKERS.get(name)
            self._made[name] = maker(self, at) if maker else None
        return self._made[name]

    def wrong(self, at: int, nth: int = 0) -> str | None:
        """A wrong answer of the reference's kind, far from it; None if none can be certified."""
        item, draw = self._items[at], self._draw("wrong", at)
        if item.kind in PROGRAMS:
            return None if nth else programs.wrong(self.value("entry", at))
        if item.kind is Kind.NUMBER:
            away = draw.randrange(3, 9) + 7 * nth
            found = Fraction(item.reference.strip()) + away
            return None if found in numbers_of(item.references) else str(found)
        if item.kind is Kind.CHOICE:
            right = {letter_of(one) for one in item.references}
            others = [one for one in "ABCD" if one not in right]
            draw.shuffle(others)
            return others[nth] if nth < len(others) else None
        if item.kind is Kind.NUMBERS or is_mathematical(item.reference):
            # Two expressions in other letters may be equal; such a fraction hardly equals any.
            return f"{draw.randrange(1009, 9973) * 7 + 1 + nth}/7"
        return self._anothers(at, draw, nth)

    def _anothers(self, at: int, draw: random.Random, nth: int) -> str | None:
        """Another item's reference that shares no words with any of this item's."""
        mine = [letters_of(one) for one in self._items[at].references]
        for _ in range(50):
            other = self._items[draw.randrange(len(self._items))]
            its = letters_of(other.reference)
            if its and not any(its in one or one in its for one in mine):
                nth -= 1
                if nth < 0:
                    return other.reference
        return None

    def _stated_wrong(self, at: int) -> str | None:
        wrong = self.value("wrong", at)
        return None if wrong is None else self._present(wrong)

    def _reference(self, at: int) -> str | None:
        """The reference as an answer: tests are none."""
        item = self._items[at]
        return None if item.kind is Kind.TESTS else item.reference

    def _stated_reference(self, at: int) -> str | None:
        reference = self._reference(at)
        return None if reference is None else self._present(reference)

    def _entry(self, at: int) -> str | None:
        """The function that a program has to define."""
        item = self._items[at]
        return programs.entry_of(item.tests, item.reference) if item.kind in PROGRAMS else None

    def _hardcoded(self, at: int) -> str | None:
        return programs.hardcoded(self._items[at].tests, self.value("entry", at))

    def _reformatted(self, at: int) -> str | None:
        """The reference in other clothes."""
        made: dict[str, str] = {}
        for one in rewrites(self._items[at]):
            if one.equivalent:
                made.setdefault(one.kind, one.text)
        found = next((made[kind] for kind in _CLOTHES if kind in made), None)
        return None if found is None else self._present(found)

    def _question(self, at: int) -> str | None:
        return self._items[at].question.strip() or None

    def _asked(self, at: int) -> str | None:
        """The last sentence of the question."""
        question = self._question(at)
        return re.split(r"(?<=[.!?])\s+", question)[-1][-300:] if question else None

    def _enumeration(self, at: int) -> str | None:
        """Every answer that comes to mind, the right one among them."""
        item = self._items[at]
        if item.kind in PROGRAMS:
            return None
        if item.kind is Kind.CHOICE:
            return "A, B, C, D, E, F, G, H"
        if item.kind is Kind.NUMBER and "/" not in item.reference:
            value, off = Fraction(item.reference.strip()), self._draw("list", at).randrange(1, 7)
            return ", ".join(_decimal(value - off + n) for n in range(10))
        others = [self.wrong(at, n) for n in range(3)]
        if None in others:
            return None
        return ", ".join([*map(str, others[:2]), item.reference, str(others[2])])

    def _swapped_digits(self, at: int, table: dict[int, int]) -> str | None:
        wrong = self.value("wrong", at)
        changed = wrong.translate(table) if wrong else wrong
        return changed if changed != wrong else None

    def _drawn(self, what: str, at: int) -> random.Random:
        """The same draw for every item: a key is a key on all of them."""
        return random.Random(digest([self._seed, what]))

    def _draw(self, what: str, at: int) -> random.Random:
        return random.Random(digest([self._seed, what, self._items[at].key]))

    def _marks(self, what: str, at: int) -> str:
        draw = self._drawn(what, at)
        return "".join(draw.choice(_MARKS) for _ in range(draw.choice((2, 3))))

    def _opener(self, what: str, at: int) -> str:
        draw = self._drawn(what, at)
        return " ".join(draw.choice(part) for part in (_STARTS, _DOES, _WHAT, _ENDS))

    def _gibberish(self, at: int) -> str:
        draw = self._drawn("gibberish", at)
        return " ".join(
            "".join(draw.choice(_CONSONANTS) + draw.choice(_VOWELS) for _ in range(3))
            for _ in range(6)
        )


_MAKERS: dict[str, Callable[[Filler, int], str | None]] = {
    "reference": Filler._reference,
    "entry": Filler._entry,
    "hardcoded": Filler._hardcoded,
    "stated_reference": Filler._stated_reference,
    "reformatted": Filler._reformatted,
    "wrong": Filler.wrong,
    "other": lambda f, at: f.wrong(at, 1),
    "stated_wrong": Filler._stated_wrong,
    "wrong_full_width": lambda f, at: f._swapped_digits(at, _FULL_WIDTH),
    "wrong_bold": lambda f, at: f._swapped_digits(at, _BOLD),
    "superscript": lambda f, at: superscript_of(f._items[at].reference),
    "question": Filler._question,
    "asked": Filler._asked,
    "enumeration": Filler._enumeration,
    "padding": lambda f, at: PADDING,
    "gibberish": Filler._gibberish,
    "marks": lambda f, at: f._marks("marks", at),
    "more_marks": lambda f, at: f._marks("more marks", at),
    "opener": lambda f, at: f._opener("opener", at),
    "more_opener": lambda f, at: f._opener("more opener", at),
    "third_opener": lambda f, at: f._opener("third opener", at),
}
SLOTS = frozenset(_MAKERS)
"""The slots that there are."""


def _decimal(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else f"{float(value):g}"

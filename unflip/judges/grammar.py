"""What counts as a verdict in a judge's reply: an exact form at one place, and nothing else.

A text that merely contains a verdict is none. Whoever searches a reply for "yes" finds it in
"I cannot say yes", in what the judge quotes of the answer, and in "had it said 42, yes".
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

from unflip.errors import UsageError

YES, NO, INVALID = "yes", "no", "invalid"
FIRST, SECOND, TIE = "first", "second", "tie"
LABELS = frozenset({YES, NO, INVALID, FIRST, SECOND, TIE})
"""What a verdict may mean: of one answer the first three, of two answers the others."""

_LONGEST = 200
_DRESS = " \t\r\n*_`"
_QUOTED = f"{_DRESS}\"'{{,>"
"""What models put around a verdict without meaning anything by it: blanks and Markdown's marks."""


class Place(StrEnum):
    """Where in the reply the verdict stands."""

    WHOLE = "whole"
    """The reply is the verdict."""
    LAST_LINE = "last_line"
    """Its last line is."""
    SECTION = "section"
    """The line below a heading that stands in the reply exactly once."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verdict that was found.

    Attributes:
        label: One of `LABELS`.
        start: Where its word starts in the text.
        word: The word of the grammar that it is; empty for a mark.
        score: Of a mark, the number.
    """

    label: str
    start: int
    word: str = ""
    score: float | None = None


@runtime_checkable
class Grammar(Protocol):
    """Reads the verdict out of what a model said, its reasoning taken off."""

    @property
    def labels(self) -> frozenset[str]:
        """The labels that it can find."""

    def read(self, text: str) -> Ruling | None:
        """The verdict, or None for whatever is not exactly one."""


@dataclass(frozen=True)
class Words:
    r"""A verdict that is one of a few words, whatever their case, alone at its place.

    Blanks and Markdown's marks around it, and a full stop, are let pass.

    Attributes:
        words: Each word with the label that it stands for.
        place: Where the verdict stands.
        before: What precedes the word on its line; for a section, the heading's line.
        after: What follows it.

    Raises:
        UsageError: There is no word, one stands for two labels, or a label is none.

    Example:
        >>> final = Words((("YES", "yes"), ("NO", "no")), Place.LAST_LINE, before="Verdict:")
        >>> final.read("They wrote\nVerdict: Yes\nbut it is 4.\n**Verdict:** No.").label
        'no'
        >>> final.read("Verdict: Yes, on the whole")
    """

    words: tuple[tuple[str, str], ...]
    place: Place = Place.WHOLE
    before: str = ""
    after: str = ""

    def __post_init__(self) -> None:
        check_labels(label for _, label in self.words)
        known: dict[str, str] = {}
        for word, label in self.words:
            if not word.strip() or known.setdefault(word.casefold(), label) != label:
                raise UsageError(f"{word!r} is no word, or stands for two verdicts")
        if self.place is Place.SECTION and not self.before.strip():
            raise UsageError("a verdict in a section needs the heading's line as `before`")

    @property
    def labels(self) -> frozenset[str]:
        """The labels that the words stand for."""
        return frozenset(label for _, label in self.words)

    def read(self, text: str) -> Ruling | None:
        """The verdict at its place."""
        if self.place is Place.SECTION:
            return self._below_heading(text)
        if self.place is Place.WHOLE:
            return self._on_line(text, 0)
        return self._on_line(*_last_line(text))

    def stem(self) -> str:
        """What all the words start with, whatever their case; empty if that is one of them."""
        known = [word.casefold() for word, _ in self.words]
        low, high = min(known), max(known)
        same = (at for at, one in enumerate(low) if at >= len(high) or one != high[at])
        stem = low[: next(same, len(low))]
        return "" if stem in known else stem

    def _below_heading(self, text: str) -> Ruling | None:
        wanted = self.before.strip(_DRESS).casefold()
        at, headings = 0, []
        for line in text.splitlines(keepends=True):
            at += len(line)
            if line.strip(_DRESS).casefold() == wanted:
                headings.append(at)
        if len(headings) != 1:
            return None
        below = text[headings[0] :]
        blank = len(below) - len(below.lstrip())
        return self._on_line(below.lstrip().partition("\n")[0], headings[0] + blank)

    def _on_line(self, line: str, start: int) -> Ruling | None:
        bare = line.strip(_DRESS)
        if len(bare) > _LONGEST + len(self.before):
            return None
        found = self._pattern.fullmatch(bare)
        if found is None:
            return None
        same = (pair for pair in self.words if _alike(pair[0], found["word"]))
        word, label = next(same, (None, None))
        if word is None or label is None:
            return None
        lead = len(line) - len(line.lstrip(_DRESS))
        return Ruling(label, start + lead + found.start("word"), word)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        any_word = "|".join(re.escape(word) for word, _ in self.words)
        dress = f"[{re.escape(_DRESS)}]*"
        lead = "" if self.place is Place.SECTION else self.before.strip()
        front = f"{re.escape(lead)}{dress}" if lead else ""
        back = f"{dress}{re.escape(self.after)}" if self.after else ""
        return re.compile(rf"{front}(?P<word>{any_word}){back}{dress}\.?", re.IGNORECASE)

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if k != "_pattern"}


@dataclass(frozen=True)
class Field:
    r"""A verdict that is a field of a JSON object; the reply is that object and nothing else.

    Attributes:
        name: The field.
        words: Each of its values, as text, with the label that it stands for.
        lines: Whether a reply that is no object may have the field on a line of its own, the only
            one that starts with its name, with nothing but fields that are numbers behind it.

    Example:
        >>> Field("correct", (("yes", "yes"), ("no", "no"))).read('{"correct": "yes"}').label
        'yes'
        >>> Field("correct", (("yes", "yes"),)).read('{"correct": "yes"} {"correct": "no"}')
        >>> Field("correct", (("no", "no"),), lines=True).read("It is 4.\ncorrect: no").label
        'no'
    """

    name: str
    words: tuple[tuple[str, str], ...]
    lines: bool = False

    def __post_init__(self) -> None:
        check_labels(label for _, label in self.words)

    @property
    def labels(self) -> frozenset[str]:
        """The labels that the values stand for."""
        return frozenset(label for _, label in self.words)

    def read(self, text: str) -> Ruling | None:
        """The verdict in the object, or on its line."""
        found = _object(_unfenced(text))
        value = self._on_line(text) if found is None else found.get(self.name)
        if not isinstance(value, (str, bool)):
            return None
        said = str(value).strip()
        for word, label in self.words:
            if _alike(word, said):
                return Ruling(label, 0, word)
        return None

    def _on_line(self, text: str) -> str | None:
        lines = [line.partition(":") for line in text.splitlines() if self.lines and line.strip()]
        # An object that cannot be read may quote a line in the form of the field.
        if re.search(rf"[\"']{re.escape(self.name)}[\"']\s{{0,9}}:", text, re.IGNORECASE):
            return None
        named = [at for at, one in enumerate(lines) if _alike(one[0].strip(_QUOTED), self.name)]
        if len(named) != 1 or not all(map(_is_number, lines[named[0] + 1 :])):
            return None
        return lines[named[0]][2].strip(_DRESS).removesuffix(".")


@dataclass(frozen=True)
class Marks:
    r"""A number on the last line, within its range; from `accept_at` on it means yes.

    Attributes:
        low: The least mark there is.
        high: The highest; a number outside the range is no mark.
        accept_at: The least that accepts.
        before: What precedes the number on its line.

    Raises:
        UsageError: The range is empty, or `accept_at` outside of it.

    Example:
        >>> marks = Marks(0, 1, accept_at=0.5, before="Score:")
        >>> marks.read("Good.\nScore: 0.75").score
        0.75
        >>> marks.read("Score: 100")
    """

    low: float
    high: float
    accept_at: float
    before: str = "Score:"

    def __post_init__(self) -> None:
        if not -math.inf < self.low <= self.accept_at <= self.high < math.inf:
            raise UsageError(f"marks need low <= accept_at <= high, and finite ends: {self!r}")

    @property
    def labels(self) -> frozenset[str]:
        """A mark means yes or no."""
        return frozenset({YES, NO})

    def read(self, text: str) -> Ruling | None:
        """The mark on the last line."""
        line, start = _last_line(text)
        bare = line.strip(_DRESS)
        if len(bare) > _LONGEST:
            return None
        dress = f"[{re.escape(_DRESS)}]*"
        pattern = rf"{re.escape(self.before.strip())}{dress}(-?[0-9]{{1,9}}(?:\.[0-9]{{1,9}})?)\.?"
        found = re.fullmatch(pattern, bare, re.IGNORECASE)
        mark = float(found[1]) if found else math.nan
        if not self.low <= mark <= self.high:
            return None
        return Ruling(YES if mark >= self.accept_at else NO, start, score=mark)


def _is_number(line: tuple[str, str, str]) -> bool:
    """Whether a line, taken apart at its colon, is a name and a number, such as a confidence."""
    name, _, value = line
    number = re.fullmatch(r"[0-9]{1,3}(?:\.[0-9]{1,9})?\s?%?", value.strip(_DRESS))
    return bool(number) and name.strip(_DRESS).isidentifier()


def _last_line(text: str) -> tuple[str, int]:
    """The last line and where it starts; the end of a fenced block is a line, for it may quote."""
    whole = text.rstrip()
    start = whole.rfind("\n") + 1
    return whole[start:], start


def _alike(one: str, other: str) -> bool:
    """Whether words differ in case alone; a dotless i or a long s is another letter."""
    return (one.lower(), one.upper()) == (other.lower(), other.upper())


def check_labels(labels: Any) -> None:
    """Make sure that these are labels.

    Raises:
        UsageError: There is none, or one is not among `LABELS`.

    Example:
        >>> check_labels(["yes", "no"])
    """
    given = list(labels)
    if not given or not set(given) <= LABELS:
        raise UsageError(f"a grammar's labels are among {', '.join(sorted(LABELS))}: not {given}")


def grammar_of(spec: Mapping[str, Any]) -> Grammar:
    """The grammar that a prompt file describes.

    Raises:
        UsageError: It describes none.

    Example:
        >>> grammar_of({"kind": "words", "words": {"YES": "yes", "NO": "no"}}).read(" yes. ").label
        'yes'
    """
    given = dict(spec)
    kind = given.pop("kind", "words")
    if "words" in given:
        given["words"] = tuple(dict(given["words"]).items())
    try:
        if kind == "words":
            given["place"] = Place(given.get("place", Place.WHOLE))
        made: Grammar = _KINDS[kind](**given)
    except (KeyError, TypeError, ValueError) as why:
        raise UsageError(f"this is no grammar: {dict(spec)}: {why}") from why
    return made


_KINDS: Mapping[str, Any] = {"words": Words, "json": Field, "marks": Marks}
_FENCE = re.compile(r"```(?:json)?[ \t]*\n(.*)\n```", re.DOTALL)


def _unfenced(text: str) -> str:
    fenced = _FENCE.fullmatch(text.strip())
    return fenced[1] if fenced else text


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text, object_pairs_hook=_without_twins)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a field stands there twice")
    return found

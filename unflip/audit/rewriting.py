"""Texts made from a reference: the same answer written otherwise, or certainly another one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from unflip.audit.items import (
    Item,
    Kind,
    is_mathematical,
    letter_of,
    letters_of,
    numbers_in,
    numbers_of,
)
from unflip.audit.programs import code_in
from unflip.noise.unlabelled.rewrites import variants

CONTESTED = frozenset({"percent", "hundred times", "rounded", "case", "equation"})
"""Kinds about which contracts differ: reported, and in no rate and no gate."""
_LETTERS = "ABCD"
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_SHORT_TEXT = 60


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A text made from a reference.

    Attributes:
        kind: How it was made, such as "off by one".
        text: The answer, ready to be stated.
        equivalent: Whether it says the reference's value; if not, it certainly says another one.
    """

    kind: str
    text: str
    equivalent: bool

    @property
    def contested(self) -> bool:
        """Whether contracts differ about it."""
        return self.kind in CONTESTED


def rewrites(item: Item) -> Iterator[Rewrite]:
    r"""Rewrites of an item's first reference, certified by what kind of answer it is.

    Numbers are compared as fractions, lists of numbers as lists or sets of them, letters of
    choices as letters; of other texts only their clothes are changed, or a number inside them.
    Whatever another of the item's references says is left out.

    Example:
        >>> from unflip.audit.items import Item
        >>> [r.text for r in rewrites(Item("", ("(1, 2)",))) if not r.equivalent]
        ['(2, 1)', '(1)', '(1, 2, 3)', '(2, 2)', '(-1, 2)']
    """
    makers = {
        Kind.NUMBER: _of_number,
        Kind.NUMBERS: _of_numbers,
        Kind.CHOICE: _of_choice,
        Kind.PROGRAM: _of_program,
        Kind.TESTS: lambda _: iter(()),
        Kind.TEXT: _of_text,
    }
    others = item.references[1:]
    said, values = {letters_of(one) for one in others} - {""}, numbers_of(others)
    for one in makers[item.kind](item.reference):
        if one.equivalent or not _says(one.text, said, values):
            yield one


def _says(text: str, said: set[str], values: frozenset[Fraction]) -> bool:
    """Whether a text says one of the other references, in letters or in value."""
    if letters_of(text) in said:
        return True
    return bool(values) and not values.isdisjoint(numbers_of([text]))


def superscript_of(reference: str) -> str | None:
    """A power that normalisation turns into the reference: 4² for 42, which is 16.

    Example:
        >>> superscript_of("42"), superscript_of("7")
        ('4²', None)
    """
    digits = reference.strip()
    if not re.fullmatch(r"\d{2,6}", digits, re.ASCII):
        return None
    base, power = int(digits[:-1]), int(digits[-1])
    return digits[:-1] + digits[-1].translate(_SUPERSCRIPTS) if base**power != int(digits) else None


def _of_number(reference: str) -> Iterator[Rewrite]:
    for one in variants(reference):
        if one.kind != "as given":
            yield Rewrite(one.kind, one.text, one.equivalent)
    if (power := superscript_of(reference)) is not None:
        yield Rewrite("superscript", power, equivalent=False)


def _of_numbers(reference: str) -> Iterator[Rewrite]:
    found = numbers_in(reference)
    if found is None:
        return
    opening, given, closing = found
    is_set = opening in ("{", "\\{")
    values = [Fraction(one) for one in given]

    def write(*parts: str) -> str:
        return f"{opening}{', '.join(parts)}{closing}"

    if opening:
        yield Rewrite("spaces", write(*given).replace(", ", ","), equivalent=True)
        yield Rewrite("LaTeX dressing", f"${reference.strip()}$", equivalent=True)
    # Without brackets nobody says whether order counts.
    if values[::-1] != values and opening:
        yield Rewrite("order", write(*given[::-1]), equivalent=is_set)
    if len(set(values)) == len(values):
        yield Rewrite("one missing", write(*given[:-1]), equivalent=False)
    more = str(max(values) + 1)
    yield Rewrite("one too many", write(*given, more), equivalent=False)
    if (up := values[0] + 1) not in values[1:] or not is_set:
        yield Rewrite("off by one", write(str(up), *given[1:]), equivalent=False)
    if values[0] and (not is_set or -values[0] not in values[1:]):
        yield Rewrite("sign", write(str(-values[0]), *given[1:]), equivalent=False)


def _of_choice(reference: str) -> Iterator[Rewrite]:
    letter = letter_of(reference)
    for text in (letter, f"({letter})", f"{letter}.", f"{letter})", f"**{letter}**"):
        if text != reference.strip():
            yield Rewrite("letter dressing", text, equivalent=True)
    yield Rewrite("case", letter.lower(), equivalent=True)
    others = [one for one in _LETTERS if one != letter]
    for other in others:
        yield Rewrite("another letter", other, equivalent=False)
    yield Rewrite("two letters", f"{letter} and {others[0]}", equivalent=False)
    yield Rewrite("two letters", f"{letter} or {others[0]}", equivalent=False)
    yield Rewrite("all letters", ", ".join(sorted({letter, *_LETTERS})), equivalent=False)
    yield Rewrite("negation", f"not {letter}", equivalent=False)


def _of_program(reference: str) -> Iterator[Rewrite]:
    code = code_in(reference)
    fenced = f"```python\n{code}\n```"
    yield Rewrite("fence", code if reference.strip() == fenced else fenced, equivalent=True)
    yield Rewrite("comment", f"{code}\n# The end.\n", equivalent=True)


def _of_text(reference: str) -> Iterator[Rewrite]:
    text = reference.strip()
    yield Rewrite("spaces", f" {text}\n", equivalent=True)
    for form in ("NFC", "NFD"):
        if (other := unicodedata.normalize(form, text)) != text:
            yield Rewrite("canonical Unicode", other, equivalent=True)
    if len(text) > _SHORT_TEXT or "\n" in text or "\\" in text or "$" in text:
        return
    yield Rewrite("bold", f"**{text}**", equivalent=True)
    if text != text.upper():
        yield Rewrite("case", text.upper(), equivalent=True)
    yield Rewrite("negation", f"not {text}", equivalent=False)
    # Of an expression, another number may be the same value: 10^0 and 11^0.
    if not is_mathematical(text) and (number := re.search(r"\d+", text, re.ASCII)):
        changed = text[: number.start()] + str(int(number[0]) + 1) + text[number.end() :]
        yield Rewrite("number inside", changed, equivalent=False)

"""Text answers in a normal form: named steps, in a fixed order, that take away what says nothing.

A text becomes a row of forms (words, numbers, signs), each of which knows where it came from. No
step looks at what the answer ought to be, and every step treats both sides alike.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache

from unflip.verifiers import quantities
from unflip.verifiers.quantities import Token


class Fold(StrEnum):
    """One step of normalisation; whatever order they are given in, they run in this one."""

    WIDTH = "width"
    """Compatibility forms of Unicode: full-width letters, ligatures, superscripts (NFKC)."""
    CASE = "case"
    """Upper and lower case."""
    ACCENTS = "accents"
    """Diacritics on Latin and Greek letters: `Velázquez` is `Velazquez`."""
    NUMBERS = "numbers"
    """English number words, ordinals, Roman numerals, zeros: `twenty-one`, `36.0`, `XIV`."""
    DATES = "dates"
    """English dates and ranges of years: `Dec. 1st, 2017` is `1 December 2017`; `1979-80`."""
    ABOUT = "about"
    """`about`, `approximately` and the like in front of a number."""
    TITLES = "titles"
    """`Mr`, `Dr`, `Sir` in front of a name."""
    ARTICLES = "articles"
    """`a`, `an`, `the`."""
    PLURALS = "plurals"
    """English plurals and possessives: `Cassini's` is `Cassini`, `Gurkhas` is `Gurkha`."""


STRICT = (Fold.WIDTH, Fold.CASE)
"""Case and width only; blanks, punctuation and invisible characters never count."""
ENGLISH = tuple(Fold)
"""Every step."""


@dataclass(frozen=True)
class Normal:
    """A text in its normal form.

    Attributes:
        text: The text itself.
        tokens: What is left of it, in order.
    """

    text: str
    tokens: list[Token]

    @cached_property
    def forms(self) -> list[str]:
        """What is left of the text, without where it came from."""
        return [token[0] for token in self.tokens]

    @cached_property
    def joined(self) -> str:
        """The forms without blanks, so that `dog patch` is `dogpatch`; see `glue`."""
        return glue(self.forms)

    @property
    def key(self) -> str:
        """`joined`; of a text that has no forms, such as `=>`, its own visible characters."""
        return self.joined or "".join(_HIDDEN.sub("", self.text).split())

    @cached_property
    def places(self) -> list[int]:
        """Where each form starts in `joined`, and where the last one ends."""
        return list(_places(self.forms))

    def span(self, low: int, high: int) -> tuple[int, int]:
        """Where in the text the forms from `low` up to before `high` stand."""
        meant = self.tokens[low:high]
        first, last = min(one[1] for one in meant), max(one[2] for one in meant)
        return self._spans[first][0], self._spans[last][1]

    @cached_property
    def _spans(self) -> list[tuple[int, int]]:
        return [hit.span() for hit in _pattern(self.text).finditer(self.text)]


def glue(forms: Iterable[str]) -> str:
    """Forms without blanks between them; digits that would run together stay apart.

    Example:
        >>> glue(["dog", "patch"]), glue(["19", "84"]) == glue(["1984"])
        ('dogpatch', False)
    """
    joined, ended = [], False
    for form in forms:
        if ended and form[0].isdigit():
            joined.append(_APART)
        joined.append(form)
        ended = form[-1].isdigit()
    return "".join(joined)


def _places(forms: Iterable[str]) -> Iterable[int]:
    place, ended = 0, False
    for form in forms:
        place += ended and form[0].isdigit()
        yield place
        place += len(form)
        ended = form[-1].isdigit()
    yield place


_APART = "\x1f"
_INVISIBLE = "\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe00-\ufe0f\ufeff"
# Marks that belong to the letter before them, though Python counts them as no part of a word.
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"
    "\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963\u0981-\u0983\u09bc-\u09d7"
    "\u0a01-\u0a03\u0a3c-\u0a51\u0a81-\u0a83\u0abc-\u0acd\u0b01-\u0b03\u0b3c-\u0b57"
    "\u0b82\u0bbe-\u0bd7\u0c00-\u0c04\u0c3e-\u0c56\u0c81-\u0c83\u0cbc-\u0cd6\u0d00-\u0d03"
    "\u0d3b-\u0d57\u0dca-\u0ddf"
)
# Scripts without spaces between words: every letter is a form, and joining makes up for it.
_SPACELESS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uac00-\ud7a3"
# A capital after a small letter opens a word: blanks get lost in front of links ("isIdaho").
_SMALL = rf"[^\W\d_A-Z{_SPACELESS}]++|[{_MARKS}{_INVISIBLE}]++"
_WORD = rf"[^\W\d_{_SPACELESS}](?:{_SMALL}|(?<![a-z])[A-Z])*+"
_NUMBER = (
    r"(?:(?<![\w.)])[-−+](?=\d))?(?:\d{1,3}(?:,\d{3})++(?!\d)|\d++)(?:\.\d++)?+"
    r"(?:(?:st|nd|rd|th)\b)?+"
)
# A sign that ends a short name is part of it: the grade A+, the blood group O-, the ion Na+.
_SIGNED = r"(?<![^\W_])[A-Za-z]{1,2}[-+−](?![\w+-])"
_ASCII = re.compile(
    rf"{_SIGNED}|(?:[A-Z]*[a-z]++|[A-Z]++)(?:'[A-Za-z]++)*+(?:\+\+|#)?+|(?=[-+\d]){_NUMBER}|[&%$-]"
)
_ANY = re.compile(
    rf"{_SIGNED}|{_WORD}(?:['’]{_WORD})*+(?:\+\+|#)?+|{_NUMBER}|[{_SPACELESS}][{_MARKS}{_INVISIBLE}]*+"
    r"|[&%°$€£¥–—-]"
)
_COMMAND = re.compile(r"\\(?:text\w*|math\w+|mbox|operatorname|boxed|fbox)(?![A-Za-z])")
_LONGEST = 60
"""Longer tokens are no words, and not worth remembering."""
_HIDDEN = re.compile(f"[{_INVISIBLE}]")
_SIGNS: Mapping[str, str] = {
    "&": "and", "%": "percent", "°": "degree",
    "$": "dollar", "€": "euro", "£": "pound", "¥": "yen",
}  # fmt: skip
_BITS = {fold: 1 << place for place, fold in enumerate(Fold)}
_QUANTITIES = _BITS[Fold.NUMBERS] | _BITS[Fold.DATES]
_ABOUTS = frozenset(
    ("about", "approximately", "approx", "around", "roughly", "circa", "nearly", "almost")
)
_TITLED = frozenset(("dr", "mr", "mrs", "ms", "prof", "professor", "sir", "dame", "rev"))
_THE = frozenset(("a", "an", "the"))
_DASHES = frozenset("-–—")
_DROPPABLE = _DASHES | _ABOUTS | _TITLED | _THE


def normal(text: str, fold: tuple[Fold, ...] = ENGLISH) -> Normal:
    """The normal form of a text.

    Example:
        >>> normal("The 1st of Dec., 2017").forms, normal("about twenty-four Hours").forms
        (['1', 'december', '2017'], ['24', 'hour'])
        >>> normal("Velázquez & Co.").joined, normal("C++").forms, normal("-5.0%").forms
        ('velazquezandco', ['c++'], ['-5', 'percent'])
    """
    return _normal(text, _mask(fold))


@lru_cache(maxsize=16)
def _mask(fold: tuple[Fold, ...]) -> int:
    """The steps as the bits of one number, which is quicker to look up."""
    return sum({_BITS[one] for one in fold})


def _pattern(text: str) -> re.Pattern[str]:
    return _ASCII if text.isascii() else _ANY


def _normal(text: str, steps: int) -> Normal:
    if "\\" in text:
        # Blanks for LaTeX's commands for text, so that places stay what they are.
        text = _COMMAND.sub(lambda hit: " " * len(hit[0]), text)
    forms = [
        _form(token, steps) if len(token) <= _LONGEST else _form.__wrapped__(token, steps)
        for token in _pattern(text).findall(text)
    ]
    tokens = [(form, i, i) for i, form in enumerate(forms) if form]
    if steps & _QUANTITIES and quantities.has_parts(text, forms):
        if steps & _BITS[Fold.NUMBERS]:
            tokens = quantities.numbers(tokens)
        if steps & _BITS[Fold.DATES]:
            tokens = quantities.dates(tokens)
    if not _DROPPABLE.isdisjoint(forms):
        tokens = [
            token
            for i, token in enumerate(tokens)
            if token[0] not in _DROPPABLE or _stays(tokens, i, steps)
        ]
    if steps & _BITS[Fold.PLURALS]:
        tokens = [(_singular(form), first, last) for form, first, last in tokens]
    return Normal(text, tokens)


@lru_cache(maxsize=1 << 14)
def _form(token: str, steps: int) -> str:
    """One raw token in its normal form; empty if nothing of it counts."""
    if token in _SIGNS:
        return _SIGNS[token]
    if not token.isascii():
        token = _HIDDEN.sub("", token).replace("’", "'").replace("−", "-")
        if steps & _BITS[Fold.WIDTH]:
            token = unicodedata.normalize("NFKC", token)
    if steps & _BITS[Fold.CASE]:
        token = token.casefold()
    if steps & _BITS[Fold.ACCENTS] and not token.isascii():
        token = _unaccented(token)
    return quantities.plain_number(token) if steps & _BITS[Fold.NUMBERS] else token


_PLAIN_LETTERS = str.maketrans({
    "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th", "ð": "d",
})  # fmt: skip


def _unaccented(token: str) -> str:
    """Without the diacritics of Latin and Greek letters; in other scripts they are letters."""
    out, base = [], ""
    for letter in unicodedata.normalize("NFD", token):
        if "\u0300" <= letter <= "\u036f":
            if base < "\u0400":
                continue
        else:
            base = letter
        out.append(letter)
    return unicodedata.normalize("NFC", "".join(out)).translate(_PLAIN_LETTERS)


def _stays(tokens: list[Token], i: int, steps: int) -> bool:
    """Whether a token that may be dropped says something where it stands."""
    form = tokens[i][0]
    if form in _DASHES or i + 1 == len(tokens):
        return form not in _DASHES
    if form in _THE:
        return not steps & _BITS[Fold.ARTICLES]
    if form in _TITLED:
        return not steps & _BITS[Fold.TITLES]
    return not (steps & _BITS[Fold.ABOUT] and tokens[i + 1][0][0].isdigit())


@lru_cache(maxsize=1 << 14)
def _singular(form: str) -> str:
    """Without an English ending of the plural or the genitive."""
    if form.endswith("'s"):
        return form[:-2].replace("'", "")
    form = form.replace("'", "")
    if len(form) < 4 or form[-1] != "s" or form.endswith(("ss", "us", "is")):
        return form
    if form.endswith("ies") and len(form) > 4:
        return form[:-3] + "y"
    return form[:-2] if form.endswith(("xes", "ches", "shes", "sses", "zes")) else form[:-1]

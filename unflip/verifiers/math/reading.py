r"""What an answer says, read exactly: a number, or several numbers; everything else is left unread.

No number becomes a float: decimals are `Decimal`, which holds a million digits as easily as two and
compares them in linear time, and all else is a `Fraction`. The two compare exactly.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from unflip.verifiers.math import arithmetic
from unflip.verifiers.math.measures import measure_of
from unflip.verifiers.units import Factors, read_unit

Exact = Decimal | Fraction


class Number(NamedTuple):
    """One number as an answer states it.

    Attributes:
        value: Its exact value, before any percent sign; infinity is a `Decimal`.
        places: Digits behind the point, if it is written as a decimal; None for a fraction, a power
            or anything else that has to be computed.
        percent: Whether a percent sign follows.
        unit: The factors of the unit or noun behind it; empty if there is none.
        label: What it is said to be, as `x` in `x = 5`; empty if it is not said.
    """

    value: Exact
    places: int | None = None
    percent: bool = False
    unit: Factors = ()
    label: str = ""

    def __str__(self) -> str:
        if not self.unit:
            return f"{_shown(self.value)}{'%' * self.percent}"
        unit = " ".join(name if power == 1 else f"{name}^{power}" for name, power in self.unit)
        return f"{_shown(self.value)}{'%' * self.percent} {unit}".strip()


class Several(NamedTuple):
    r"""Several numbers: in brackets, where their order counts, or in braces or bare, as a set.

    Attributes:
        items: The numbers in their order.
        brackets: The opening and the closing one, `{}` for a set; empty for a bare list.
        label: What they are said to be, as `x` in `x \\in [1, 2]`; empty if it is not said.
    """

    items: tuple[Number, ...]
    brackets: str
    label: str = ""

    def __str__(self) -> str:
        return f"{self.brackets[:1]}{', '.join(map(str, self.items))}{self.brackets[1:]}"


Reading = Number | Several

_LONGEST = 400
"""Characters of an answer that is more than plain digits; of one number, in a list."""
_MOST_ITEMS = 64
_SHORTEST_NOUN = 3
"""Letters that stand close to a number; fewer are a product, as in 3xy."""

_PLAIN = re.compile(
    r"([-+]?) ?(?:[€£¥₹$] ?)?([1-9][0-9]{0,2}(?:(?:,[0-9]{3})+|(?: [0-9]{3})+)(?![0-9])"
    r"|[0-9]+|(?=\.[0-9]))(?:\.([0-9]*))?"
    r"(?:[eE]([-+]?[0-9]{1,9})| ?\* ?10 ?\^ ?(?:\{ ?([-+]?[0-9]{1,9}) ?\}|([-+]?[0-9]{1,9})))?"
)
_RATIO = re.compile(
    r"([-+]?) ?(?:([0-9]{1,9}) (?=[0-9]))?(?:\\frac ?\{ ?([0-9]{1,600}) ?\} ?\{ ?([0-9]{1,600}) ?\}"
    r"|([0-9]{1,600}) ?/ ?([0-9]{1,600}))"
)
_INFINITE = re.compile(r"([-+]?) ?\\infty")
_ARITHMETIC = re.compile(r"(?:[-+*/^!(){}\[\]0-9. ]|\\(?:frac|binom|sqrt)(?![A-Za-z]))+")
_LABEL = re.compile(
    r"(?!\\pi(?![A-Za-z]))"
    r"((?:\\angle ?|\\)?[A-Za-z]{1,8}'*(?:_\{?\w{1,4}\}?)?(?: ?\([\w, ]{1,20}\))?)?"
    r" ?(?:=|(?<=[A-Za-z)}])(?: is|:(?= )| ?\\in(?![A-Za-z]))) ?(?=[^=])"
)
_LEAD = re.compile(
    r"(?:(?:so|thus|hence|therefore|is|equals?|to|approximately|approx\.?|about|around|roughly"
    r"|exactly|simply|just|only|either|a total of)\b ?)+",
    re.IGNORECASE,
)
_ORDINAL = re.compile(r"(?<=[0-9])(?:\^ ?\{? ?)?(?:st|nd|rd|th)\b ?\}?")
_NOTE = re.compile(
    r"(?<=[0-9}%!]) ?\((?![^)]*\b(?:not|never|no|wrong|incorrect|false|rejected?|invalid|or|less"
    r"|more|than|least|most|(?:thousand|million|billion|dozen)s?)\b)(?:[A-Za-z]{2,} ?){1,6}\)",
    re.IGNORECASE,
)
_PERCENT = re.compile(r"(?:%|percent(?:age)?|pct|per cent)\.?", re.IGNORECASE)
_SUM = re.compile(r"[0-9)}!] ?[-+]")
"""Of `5 + 3%`, the percent sign belongs to its last term alone."""
_TAIL = re.compile(r"(.*[0-9}).!])( ?)(%|\\?[A-Za-zµμΩ].*)")


def read(text: str) -> Reading | None:
    r"""The number or numbers that a text, already made plain, says; None if it says something else.

    Example:
        >>> str(read("x = 1,234.50")), str(read(r"\frac{1}{2} cm")), str(read("(1, 2^{-1})"))
        ('1234.50', '1/2 cm', '(1, 1/2)')
        >>> read("2x + 1") is None
        True
    """
    return read_number(text) or _read_several(text)


def read_number(text: str) -> Number | None:
    """One number, with its label, percent sign or unit."""
    if simple := _PLAIN.fullmatch(text):
        return _decimal(simple)
    if ratio := _RATIO.fullmatch(text):
        return _ratio(ratio)
    if len(text) > _LONGEST:
        return None
    label, text = _unlabelled(_ORDINAL.sub("", _NOTE.sub("", text)).rstrip())
    number = (
        _bare_number(text)
        or _leading_number(text)
        or _number_with_tail(text)
        or (_compound(text) if text[-1:].isalpha() else None)
    )
    return number and number._replace(label=label)


_COMPOUND = re.compile(
    r"([0-9]{1,9}) ?([A-Za-z]{1,12})\.?(?:,? and |, | ?)"
    r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?([A-Za-z]{1,12})\.?"
)


def _compound(text: str) -> Number | None:
    """`2 h 30 min` or `5 dollars and 20 cents` as one number of the first unit."""
    found = _COMPOUND.fullmatch(text)
    units = [read_unit(name) for name in (found[2], found[4])] if found else []
    measures = [measure_of(unit) if unit else None for unit in units]
    if not found or None in measures:
        return None
    large, small = (measure for measure in measures if measure is not None)
    if found[2] in ("euro", "euros") and found[4] in ("cent", "cents"):
        small = large._replace(size=Fraction(1, 100))
    part = Fraction(found[3]) * small.size / large.size
    if large.dimensions != small.dimensions or not small.size < large.size or part >= 1:
        return None
    return Number(int(found[1]) + part, unit=units[0] or ())


def _leading_number(text: str) -> Number | None:
    """A plain number or fraction at the start, and its unit or percent sign."""
    for pattern, reader in ((_RATIO, _ratio), (_PLAIN, _decimal)):
        match = pattern.match(text)
        if match and (number := reader(match)):
            rest = text[match.end() :]
            if whole := _with_tail(number, rest.strip(), apart=rest[:1] == " "):
                return whole
    return None


def _number_with_tail(text: str) -> Number | None:
    """Any other number in front of a unit or percent sign."""
    split = _TAIL.fullmatch(text)
    if split and _PERCENT.fullmatch(split[3]) and _SUM.search(split[1]):
        return None
    number = _bare_number(split[1].strip()) if split else None
    return _with_tail(number, split[3], apart=bool(split[2])) if number and split else None


def _with_tail(number: Number, tail: str, *, apart: bool) -> Number | None:
    r"""The number with what stands behind it; a letter that stands close is a factor, as in 5m."""
    if _PERCENT.fullmatch(tail):
        return number._replace(percent=True)
    unit = read_unit(tail)
    if unit and len(tail) <= _SHORTEST_NOUN and not apart and measure_of(unit) is None:
        return None
    if not unit or (not apart and _is_factor(tail)):
        return None
    return number._replace(unit=unit)


_FACTOR = re.compile(r"[A-Za-z](?: ?\^ ?\{? ?[0-9] ?\}?)?")


def _is_factor(tail: str) -> bool:
    """Whether a letter close to a number is rather a factor, as in `3s^2`; `25m^2` is an area."""
    return _FACTOR.fullmatch(tail) is not None and not tail.startswith(("m^", "m ^"))


def _unlabelled(text: str) -> tuple[str, str]:
    text = _LEAD.sub("", text, count=1) if _LEAD.match(text) else text
    label = _LABEL.match(text)
    if not label:
        return "", text
    return (label[1] or "").replace(" ", ""), text[label.end() :]


DATE = re.compile(r"[0-9]{4}([-/])[0-9]{1,2}\1[0-9]{1,2}|[0-9]{1,2}([-/])[0-9]{1,2}\2[0-9]{4}")
"""A day, which is no difference and no quotient."""


def _bare_number(text: str) -> Number | None:
    if simple := _PLAIN.fullmatch(text):
        return _decimal(simple)
    if ratio := _RATIO.fullmatch(text):
        return _ratio(ratio)
    if infinite := _INFINITE.fullmatch(text):
        return Number(Decimal(f"{infinite[1]}Infinity"))
    if not _ARITHMETIC.fullmatch(text) or DATE.fullmatch(text):
        return None
    try:
        value = arithmetic.evaluate(text)
    except arithmetic.TooLarge:
        return None
    return None if value is None else Number(value)


def _decimal(match: re.Match[str]) -> Number:
    sign, whole, decimals, *powers = match.groups()
    power = powers[0] or powers[1] or powers[2]
    if "," in whole or " " in whole:
        whole = whole.replace(",", "").replace(" ", "")
    value = Decimal(f"{sign}{whole}.{decimals or ''}e{power or 0}")
    return Number(value, max(0, len(decimals or "") - int(power or 0)))


def _ratio(match: re.Match[str]) -> Number | None:
    sign, whole, *parts = match.groups()
    top, bottom = (int(part) for part in parts if part)
    if not bottom or (whole and top >= bottom):
        return None
    top += int(whole or 0) * bottom
    return Number(Fraction(-top if sign == "-" else top, bottom))


_SEPARATOR = re.compile(r" ?[,;] ?(?:(?:and|or)\b ?)?| (?:and|or)\b ?")
_BRACKETED = re.compile(r"(?:(\\\{)(.*)\\\}|([(\[])([^()\[\]]*)([)\]]))", re.DOTALL)


def _read_several(text: str) -> Several | None:
    if len(text) > _MOST_ITEMS * _LONGEST:
        return None
    label, body = _unlabelled(text)
    bracketed = _BRACKETED.fullmatch(body)
    brackets = ""
    if bracketed:
        body = bracketed[2] if bracketed[1] else bracketed[4]
        brackets = "{}" if bracketed[1] else bracketed[3] + bracketed[5]
    else:
        body = text
    parts = [part.strip() for part in _SEPARATOR.split(body, _MOST_ITEMS)]
    if len(parts) > _MOST_ITEMS or (not brackets and _is_single(parts, body)):
        return None
    items = tuple(number for part in parts if (number := read_number(part)))
    label = label if brackets else ""
    return Several(items, brackets, label) if len(items) == len(parts) else None


def _is_single(parts: list[str], body: str) -> bool:
    """One part, or two that may be a decimal with a comma: `1,22` says nothing for certain."""
    return len(parts) == 1 or (len(parts) == 2 and " " not in body and body.count(",") == 1)


def _shown(value: Exact) -> str:
    """A value as text, shortened; Python refuses to print integers of many thousand digits."""
    if isinstance(value, Decimal):
        text = f"{value:f}" if -9 < value.adjusted() < 99 else str(value)
        return text if len(text) <= 99 else f"{text[:60]}...{text[-30:]}"
    if value.numerator.bit_length() + value.denominator.bit_length() > 330:
        return f"a fraction of {value.numerator.bit_length()}/{value.denominator.bit_length()} bits"
    return str(value)

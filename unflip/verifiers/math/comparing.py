"""Whether two answers say the same, exactly: equal, different, or not for us to tell."""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any, NamedTuple

from unflip.types import Reason
from unflip.verifiers import units
from unflip.verifiers.math import measures
from unflip.verifiers.math.plain import plain
from unflip.verifiers.math.reading import DATE, Exact, Number, Reading, Several, read
from unflip.verifiers.math.tolerance import Percent, Tolerance, Units


class By(StrEnum):
    """What decided a comparison."""

    TEXT = "text"
    """Both sides are the same text, or different words."""
    EXACT = "exact"
    """Both sides are numbers, compared exactly."""
    ENGINE = "engine"
    """A type of the engine decided, exactly or with a bound on its error."""
    POINTS = "points"
    """Values at real points agreed to eighty digits: a heuristic."""
    MATH_VERIFY = "math-verify"
    """Math-Verify decided."""


class Comparison(NamedTuple):
    """The outcome of comparing an answer with a reference.

    Attributes:
        same: True for equal, False for different, None for could not tell.
        by: What decided; None if nothing did.
        reason: Of a None, why; of a False, why if it is not just a mismatch.
        answer: The answer in the form it was compared in.
        reference: The reference in the form it was compared in.
        note: What else there is to say, such as the limit that was exceeded.
        types: What kind of thing each side is, if the engine read it.
    """

    same: bool | None
    by: By | None = None
    reason: Reason | None = None
    answer: str = ""
    reference: str = ""
    note: str = ""
    types: tuple[str, str] | None = None

    @property
    def evidence(self) -> dict[str, Any]:
        """What decided, and both forms, as a verdict records them."""
        evidence: dict[str, Any] = {
            "by": self.by and str(self.by),
            "forms": [self.answer, self.reference],
        }
        if self.note:
            evidence["note"] = self.note
        return evidence | ({"types": list(self.types)} if self.types else {})


def compare(answer: str, reference: str, tolerance: Tolerance) -> Comparison:
    r"""Compare two answers by text and by exact numbers; symmetric in its first two arguments.

    Example:
        >>> compare(r"\frac{1}{2}", "0.5", Tolerance()).same
        True
        >>> compare("1 kg", "1 mile", Tolerance()).same
        False
        >>> compare("x + 1", "1 + x", Tolerance()).same is None
        True
    """
    left, right = plain(answer), plain(reference)
    if left and left == right:
        return Comparison(True, By.TEXT, answer=_short(left), reference=_short(right))
    ours, theirs = read(left), read(right)
    if (same := _as_money(left, right, ours, theirs)) is not None:
        return Comparison(same, By.TEXT, answer=_short(left), reference=_short(right))
    if tolerance.comma and (
        _is_with_comma(left, theirs, tolerance) or _is_with_comma(right, ours, tolerance)
    ):
        return Comparison(True, By.TEXT, answer=_short(left), reference=_short(right))
    ours, theirs = _as_meant(left, ours, theirs), _as_meant(right, theirs, ours)
    if ours and theirs:
        same = equal(ours, theirs, tolerance)
        stuffed = same is False and _holds(ours, theirs, tolerance)
        reason = Reason.AMBIGUOUS if stuffed else None
        return Comparison(same, By.EXACT, reason, str(ours), str(theirs))
    if (squeezed := _squeezed(left)) and squeezed == _squeezed(right):
        return Comparison(True, By.TEXT, answer=_short(left), reference=_short(right))
    if _are_words(left) and _are_words(right):
        same = _folded(left) == _folded(right)
        return Comparison(same, By.TEXT, answer=_folded(left), reference=_folded(right))
    return Comparison(None, None, Reason.UNDECIDED, _short(left), _short(right))


_WITH_COMMA = re.compile(
    r"([-+]?[€£$]? ?)((?:[1-9][0-9]{0,2}(?:\.[0-9]{3})+|[0-9]+)),([0-9]+)((?: ?[€%]| ?[A-Za-z].*)?)"
)


def _is_with_comma(text: str, other: Reading | None, tolerance: Tolerance) -> bool:
    """Whether a text writes with a comma the decimal that the other side writes with a point."""
    if not isinstance(other, Number) or not other.places or "," not in text:
        return False
    found = _WITH_COMMA.fullmatch(text) if len(text) <= _LONGEST_DECIMAL else None
    if not found:
        return False
    sign, whole, decimals, tail = found.groups()
    if len(decimals) == 3 and whole != "0":
        return False
    with_point = read(f"{sign}{whole.replace('.', '')}.{decimals}{tail.replace('€', '')}")
    return isinstance(with_point, Number) and same_number(with_point, other, tolerance) is True


_PAIR = re.compile(r"([1-9][0-9]{0,2}),([1-9][0-9]{2})")
_MIXED = re.compile(r"([0-9]{1,9}) and ([1-9][0-9]{0,5}) ?/ ?([1-9][0-9]{0,5})")


def _as_meant(text: str, reading: Reading | None, other: Reading | None) -> Reading | None:
    """What the other side says of a text with two meanings.

    `60,120` is two numbers beside a pair, else thousands; `4 and 1/4` is one beside a number.
    """
    if isinstance(reading, Number) and isinstance(other, Several) and len(other.items) == 2:
        found = _PAIR.fullmatch(text)
        return Several((_whole(found[1]), _whole(found[2])), "") if found else reading
    if isinstance(reading, Several) and isinstance(other, Number):
        mixed = _MIXED.fullmatch(text)
        part = Fraction(int(mixed[2]), int(mixed[3])) if mixed else Fraction(1)
        return Number(int(mixed[1]) + part) if mixed and part < 1 else reading
    return reading


def _whole(digits: str) -> Number:
    return Number(Decimal(digits), 0)


_LONGEST_DECIMAL = 100


def overlooks(answer: str, reference: str) -> bool:
    """Whether an engine that passes over words would miss a difference between the two.

    Example:
        >>> overlooks("15 thousand", "15"), overlooks("> 15", "15"), overlooks("15 cm", "15")
        (True, True, False)
    """
    left, right = plain(answer), plain(reference)
    if sorted(_CHANGES.findall(left)) != sorted(_CHANGES.findall(right)):
        return True
    if bool(DATE.fullmatch(left)) != bool(DATE.fullmatch(right)):
        return True
    return bool(_RELATES.match(left)) != bool(_RELATES.match(right)) and not (
        _RELATES.search(left) and _RELATES.search(right)
    )


_CHANGES = re.compile(
    r"\b(?:not|never|wrong|false|incorrect|(?:hundred|thousand|million|billion|trillion|dozen|lakh"
    r"|crore)s?|halves|thirds|quarters|(?:ten|hundred|thousand)ths|squared|cubed|doubled|tripled"
    r"|halved|or (?:more|less|fewer)|(?:more|less|fewer) than|at (?:least|most))\b",
    re.IGNORECASE,
)
"""Words that change a value, or deny it."""
_RELATES = re.compile(r"\s*(?:[<>≠≤≥]|\\(?:neq?|leq?|geq?|lt|gt)(?![a-z]))")
_CURRENCIES = re.compile(r"([$€£¥₹¢])|\b(dollar|euro|(?<!per )cent)s?\b")
_PAID = re.compile("[$€£¥₹¢]|dollar|euro|cent")
"""What a text with a currency holds; to look for this first is many times faster."""
_SIGNS = {"dollar": "$", "euro": "€", "cent": "¢"}


def _money(text: str) -> set[str]:
    """The currencies that a text names."""
    text = text[:_LONGEST_MONEY].lower()
    if not _PAID.search(text):
        return set()
    found = _CURRENCIES.findall(text)
    return {sign or _SIGNS[name] for sign, name in found}


_LONGEST_MONEY = 200


def _as_money(left: str, right: str, ours: Reading | None, theirs: Reading | None) -> bool | None:
    """Whether two amounts in different currencies are the same; None unless they are that."""
    paid, owed = _money(left), _money(right)
    if not (paid or owed) or paid & owed:
        return None
    if not isinstance(ours, Number) or not isinstance(theirs, Number):
        return False if paid and owed else None
    if not paid or not owed:
        return False if ours.percent or theirs.percent else None
    if "¢" not in paid | owed or not paid | owed <= {"¢", "$", "€"}:
        return False
    paid_in, owed_in = (1 if each == {"¢"} else 100 for each in (paid, owed))
    paid_cents, owed_cents = _times(ours, Fraction(paid_in)), _times(theirs, Fraction(owed_in))
    return paid_cents.value == owed_cents.value


def equal(one: Reading, other: Reading, tolerance: Tolerance) -> bool | None:
    """Whether two readings are the same; None where it depends on what the brackets mean."""
    if isinstance(one, Number) and isinstance(other, Number):
        return same_number(one, other, tolerance)
    return _same_several(_several(one), _several(other), tolerance)


def _several(reading: Reading) -> Several:
    return reading if isinstance(reading, Several) else Several((reading,), "")


def _same_several(one: Several, other: Several, tolerance: Tolerance) -> bool | None:
    in_order = len(one.items) == len(other.items) and all(
        same_number(a, b, tolerance) for a, b in zip(one.items, other.items, strict=True)
    )
    as_sets = _covers(one, other, tolerance) and _covers(other, one, tolerance)
    if not as_sets:
        return False
    if one.label and other.label and one.label != other.label:
        return None
    if one.items[0].label and other.items[0].label and _are_named_apart(one, other):
        return None
    if _are_mixed_up(one, other, tolerance):
        return False
    if not (_is_in_order(one) and _is_in_order(other)):
        return None
    kinds = {one.brackets, other.brackets}
    if in_order and (len(kinds) == 1 or kinds == {"", "()"}):
        return True
    if kinds == {""} and not _in_some_order(one, other, tolerance):
        return False
    unordered = kinds <= {"", "{}"} and not (_is_labelled(one) or _is_labelled(other))
    return True if unordered else None


def _are_mixed_up(one: Several, other: Several, tolerance: Tolerance) -> bool:
    """Whether two lists count the same things, and not as many of each: 3 red, 2 blue."""
    if (matched := _by_noun(one, other)) is not None:
        return any(same_number(a, b, tolerance) is False for a, b in matched)
    ours, theirs = (
        {units.canonical(item.unit): item for item in side.items} for side in (one, other)
    )
    if () in ours or ours.keys() != theirs.keys() or len(ours) != len(one.items) or len(ours) < 2:
        return False
    return any(same_number(ours[unit], theirs[unit], tolerance) is False for unit in ours)


def _by_noun(one: Several, other: Several) -> list[tuple[Number, Number]] | None:
    """Each number with the one that the other list has of the same noun; None if that is unsaid.

    A word that all of a list share tells nothing apart: `15 copper coins, 10 silver coins`.
    """
    ours, theirs = ([_telling(item, side) for item in side.items] for side in (one, other))
    if len(ours) != len(theirs) or len(ours) < 2:
        return None
    places = [[k for k, words in enumerate(theirs) if words & mine] for mine in ours]
    if any(len(place) != 1 for place in places) or len({place[0] for place in places}) < len(ours):
        return None
    return [(item, other.items[k]) for item, (k,) in zip(one.items, places, strict=True)]


def _telling(item: Number, side: Several) -> set[str]:
    """The words behind a number that some other item of its list has not."""
    words = [{name for name, _ in units.canonical(one.unit)} for one in side.items]
    return {name for name, _ in units.canonical(item.unit)} - words[0].intersection(*words)


def _in_some_order(one: Several, other: Several, tolerance: Tolerance) -> bool:
    """Whether bare lists are the same when sorted, each item as often as the other has it."""
    ours, theirs = (sorted(side.items, key=lambda item: item.value) for side in (one, other))
    return len(ours) == len(theirs) and all(
        same_number(a, b, tolerance) is not False for a, b in zip(ours, theirs, strict=True)
    )


def _are_named_apart(one: Several, other: Several) -> bool:
    """Whether two lists are said to be of different things."""
    names = [{item.label for item in side.items} - {""} for side in (one, other)]
    return names[0].isdisjoint(names[1])


def _covers(one: Several, other: Several, tolerance: Tolerance) -> bool:
    """Whether each item of one may be some item of the other."""
    return all(
        any(same_number(a, b, tolerance) is not False for b in other.items) for a in one.items
    )


def _is_in_order(several: Several) -> bool:
    """Whether coordinates stand in their order, if it is these that are named."""
    names = [item.label for item in several.items]
    return not set(names) <= {"x", "y", "z"} or names == sorted(names)


def _is_labelled(several: Several) -> bool:
    return len({item.label for item in several.items} - {""}) > 1


def _holds(answer: Reading, reference: Reading, tolerance: Tolerance) -> bool:
    """Whether a bare list of numbers has the reference, a single number, among its own."""
    return (
        isinstance(answer, Several)
        and isinstance(reference, Number)
        and not answer.brackets
        and any(same_number(item, reference, tolerance) for item in answer.items)
    )


def same_number(one: Number, other: Number, tolerance: Tolerance) -> bool | None:
    """Whether two numbers are the same answer; None if their labels say they may not be."""
    if one.unit != other.unit:
        if tolerance.units is Units.EXACT and not (one.unit and other.unit):
            return False
        if one.unit and other.unit and (ratio := measures.ratio(one.unit, other.unit)) is not None:
            return bool(ratio) and _same_value(_times(one, ratio), other, tolerance)
        if units.differ(one.unit, other.unit):
            return None if not _same_value(one, other, tolerance) else False
    if one.percent != other.percent and any(
        number.unit and measures.measure_of(number.unit) for number in (one, other)
    ):
        return False
    same = _same_value(one, other, tolerance)
    if same and one.label and other.label and one.label != other.label:
        return None
    return same


def _times(number: Number, ratio: Fraction) -> Number:
    """The number in another unit; one too large to write out equals no other."""
    value = number.value
    if ratio == 1 or not (isinstance(value, Fraction) or value.is_finite()):
        return number
    if isinstance(value, Decimal) and abs(value.adjusted()) > _LONGEST_EXPONENT:
        return number._replace(value=Decimal("NaN"), places=None)
    return number._replace(value=Fraction(value) * ratio, places=None)


_LONGEST_EXPONENT = 10_000
"""Zeros of a decimal that is converted to another unit."""


def _same_value(one: Number, other: Number, tolerance: Tolerance) -> bool:
    if one.percent == other.percent:
        return _close(one, other, tolerance)
    if other.percent:
        one, other = other, one
    places = None if one.places is None else one.places + 2
    part = one._replace(value=_hundredth(one.value), places=places)
    if _close(part, other, tolerance):
        return True
    return tolerance.percent is Percent.EITHER and _close(one, other, tolerance)


def _hundredth(value: Exact) -> Exact:
    if isinstance(value, Fraction):
        return value / 100
    sign, digits, exponent = value.as_tuple()
    return Decimal((sign, digits, exponent - 2)) if isinstance(exponent, int) else value


def _close(one: Number, other: Number, tolerance: Tolerance) -> bool:
    """Exactly equal, or a decimal and the fraction that rounds to it."""
    if one.value == other.value:
        return True
    if tolerance.digits is None or (one.places is None) == (other.places is None):
        return False
    decimal, fraction = (one, other) if other.places is None else (other, one)
    return (
        isinstance(decimal.value, Decimal)
        and isinstance(fraction.value, Fraction)
        and 0 < (decimal.places or 0) <= _MOST_PLACES
        and decimal.value.adjusted() <= _MOST_PLACES
        and len(decimal.value.as_tuple().digits) >= tolerance.digits
        and not _terminates(fraction.value)
        and 2 * abs(Fraction(decimal.value) - fraction.value) * 10 ** (decimal.places or 0) <= 1
    )


_MOST_PLACES = 600
"""Before and behind the point of a decimal that is compared with a fraction."""


def _terminates(value: Fraction) -> bool:
    """Whether the denominator divides a power of ten."""
    return pow(10, value.denominator.bit_length(), value.denominator) == 0


_PROSE = re.compile(r"(?=.*[A-Za-z]{4})[A-Za-z][A-Za-z'., -]*")
_FUNCTIONS = re.compile(r"sin|cos|tan|log|exp|lim|max|min|sqrt|frac|infin|none|all|any", re.I)
_LONGEST_WORDS = 60
_SHORT_WORD = 3
"""Letters of a word that is no plural."""


def _are_words(text: str) -> bool:
    """A name or a short phrase, and nothing that could be a product of variables."""
    return (
        len(text) <= _LONGEST_WORDS
        and _PROSE.fullmatch(text) is not None
        and not _FUNCTIONS.search(text)
    )


def _folded(text: str) -> str:
    words = re.sub(r"[^a-z]+", " ", text.lower()).split()
    kept = (word for word in words if word not in ("a", "an", "the"))
    text = " ".join(word.removesuffix("s") if len(word) > _SHORT_WORD else word for word in kept)
    return " and ".join(sorted(text.split(" and ")))


_LOOSE = re.compile(r"(?<![0-9A-Za-z.]) | (?![0-9A-Za-z.])|(?<!\.)\.$")


def _squeezed(text: str) -> str:
    """Without a full stop, and without spaces other than those between letters and digits."""
    return _LOOSE.sub("", text)


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:150]}...{text[-40:]}"

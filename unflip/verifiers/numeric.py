r"""Numbers within a declared tolerance, with or without units."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from enum import StrEnum
from fractions import Fraction
from importlib.metadata import version
from typing import ClassVar

from unflip.errors import UsageError
from unflip.types import Outcome, Reason, Sample, Verdict
from unflip.verifiers import units as measures
from unflip.verifiers.base import Rule
from unflip.verifiers.extract import (
    FINAL,
    REFERENCE,
    Found,
    Policy,
    Step,
    alternatives,
    distinct,
    extract,
    settle,
    state,
    valued,
)
from unflip.verifiers.math.plain import plain
from unflip.verifiers.math.reading import Exact, Number, Several, read, read_number
from unflip.verifiers.math.tolerance import Percent

_MOST_ANSWERS = 64
_DEFAULT = Fraction(1, 10**6)
_LONGEST = 600
_ROUND = Context(prec=200)


class Units(StrEnum):
    """What becomes of units behind the numbers."""

    NAMED = "named"
    """Units of different names are a mismatch; nouns, and a unit on one side only, say nothing."""
    CONVERT = "convert"
    """Converted by pint; a side without a unit is in the other's (extra `units`)."""
    REQUIRE = "require"
    """Converted by pint; a unit that only one side states is a mismatch (extra `units`)."""


@dataclass(frozen=True)
class Numeric(Rule):
    r"""Accept a number that is within tolerance of the reference.

    With `rel` or `abs` declared, an answer `a` is accepted if `|a - r| <= max(abs, rel * |r|)`.
    With neither, two numbers without a decimal point are equal or they are not, and others may
    differ by a millionth of the reference, but by no more than half of the last digit that it
    states: 1000001 is not 1000000, and 3.14 is not 3.14159, while 3.141592653 is. Infinities equal
    themselves; NaN equals nothing.

    Args:
        rel: Tolerance relative to the reference.
        abs: Tolerance in the reference's unit.
        units: What becomes of units.
        percent: What a percent sign on one side only means.
        policy: The steps that find the answer; see `extract`.

    Raises:
        MissingExtra: Units are to be converted, and pint is not installed.
        UsageError: An option means nothing.

    Example:
        >>> verify = Numeric(rel=0.01)
        >>> verify(Sample("The answer is 9.79 m/s^2.", "9.81")).reason
        <Reason.MATCH: 'match'>
        >>> Numeric()(Sample("1000001", "1000000")).reason
        <Reason.MISMATCH: 'mismatch'>
    """

    name: ClassVar[str] = "numeric"
    version: ClassVar[int] = 3

    rel: float | None = None
    abs: float | None = None
    units: Units = Units.NAMED
    percent: Percent = Percent.EITHER
    policy: Policy = FINAL

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "policy", tuple(map(Step, self.policy)))
            object.__setattr__(self, "percent", Percent(self.percent))
            object.__setattr__(self, "units", Units(self.units))
        except ValueError as why:
            raise UsageError(f"Numeric: {why}") from why
        if not self.policy:
            raise UsageError("Numeric wants at least one step in its policy")
        if not all(0 <= size < float("inf") for size in (self.rel or 0, self.abs or 0)):
            raise UsageError(f"a tolerance is finite and >= 0, not rel={self.rel}, abs={self.abs}")
        if self.units is not Units.NAMED:
            measures.check_installed()

    def engines(self) -> dict[str, str]:
        """The version of pint, where it converts."""
        return {} if self.units is Units.NAMED else {"pint": version("pint")}

    def present(self, reference: str) -> str:
        """The reference's answer, stated as the policy wants it."""
        found = extract(reference, REFERENCE)
        return state(found[-1].text if found else reference, self.policy)

    def __call__(self, sample: Sample) -> Verdict:
        """Accept, reject, or abstain if the reference is no number."""
        given = sample.references
        if not given:
            return self.abstain(Reason.NO_REFERENCE)
        references = [read_quantity(one.text) for text in given for one in _last(text)]
        if not references or not all(references):
            return self.abstain(Reason.UNREADABLE_REFERENCE)
        found = distinct(valued(extract(sample.text, self.policy)))
        quantities = [one for answer in found for one in _quantities(answer)]
        if len(quantities) > _MOST_ANSWERS:
            return self.reject(Reason.OVER_LIMIT, answer=found[-1].text)
        fits = [
            any(self._fits(one, wanted) for wanted in references if wanted) if one else False
            for one in quantities
        ]
        outcome, reason = settle(fits)
        if reason is Reason.MISMATCH and not any(quantities):
            reason = Reason.MALFORMED
        return self._verdict(outcome, reason, found, [*quantities, *references])

    def _verdict(
        self,
        outcome: Outcome,
        reason: Reason,
        found: tuple[Found, ...],
        forms: Sequence[Number | None],
    ) -> Verdict:
        if not found:
            return self.reject(reason)
        evidence = found[-1].evidence | {"forms": [str(one) for one in forms]}
        return Verdict(outcome, reason, answer=found[-1].text, by=self.by, evidence=evidence)

    def _fits(self, answer: Number, reference: Number) -> bool:
        value = self._in_unit_of(reference, answer)
        if value is None:
            return False
        if answer.percent == reference.percent:
            return self._close(value, answer, reference)
        up, down = Fraction(100), Fraction(1, 100)
        factors = [down if answer.percent else up]
        factors += [Fraction(1)] * (self.percent is Percent.EITHER)
        return any(self._close(_times(value, factor), answer, reference) for factor in factors)

    def _in_unit_of(self, reference: Number, answer: Number) -> Exact | None:
        """The answer's value in the reference's unit; None if there is no such thing."""
        ours, theirs = answer.unit, reference.unit
        if ours == theirs:
            return answer.value
        if not ours or not theirs:
            return None if self.units is Units.REQUIRE else answer.value
        if self.units is Units.NAMED:
            return None if measures.differ(ours, theirs) else answer.value
        if not measures.is_known(ours) and not measures.is_known(theirs):
            return answer.value if self.units is Units.CONVERT else None
        if not measures.is_known(ours) or not measures.is_known(theirs):
            return None
        value = _fraction(answer.value)
        return None if value is None else measures.convert(value, ours, theirs)

    def _close(self, value: Exact, answer: Number, reference: Number) -> bool:
        if value == reference.value:
            return True
        ours, theirs = _fraction(value), _fraction(reference.value)
        if ours is None or theirs is None:
            return False
        return self._distance_allowed(theirs, answer, reference) >= abs(ours - theirs)

    def _distance_allowed(self, size: Fraction, answer: Number, reference: Number) -> Fraction:
        if self.rel is not None or self.abs is not None:
            return max(_exactly(self.abs), _exactly(self.rel) * abs(size))
        if not answer.places and not reference.places:
            return Fraction(0)
        allowed = _DEFAULT * abs(size)
        if reference.places is None:
            return allowed
        return min(allowed, Fraction(1, 2 * 10 ** min(reference.places, _LONGEST)))


_INFINITE = re.compile(r"([-+]?) ?(?:\\infty|inf|infinity)", re.IGNORECASE)


def read_quantity(text: str) -> Number | None:
    """The number that a text says, with its unit; infinity may be written as Python does.

    Example:
        >>> str(read_quantity("v = 3,000 m/s")), str(read_quantity("-inf"))
        ('3000 m s^-1', '-Infinity')
    """
    text = plain(text)
    if infinite := _INFINITE.fullmatch(text):
        return Number(Decimal(f"{infinite[1]}Infinity"))
    return read_number(text)


def _quantities(answer: Found) -> list[Number | None]:
    """What an answer says: one number, or each of several."""
    several = read(plain(answer.text))
    if isinstance(several, Several):
        return list(several.items)
    return [read_quantity(part) for part in alternatives(answer.text)]


def _last(reference: str) -> tuple[Found, ...]:
    return extract(reference, REFERENCE)[-1:]


def _fraction(value: Exact) -> Fraction | None:
    """The value as a fraction; None if it is infinite, or so large or small that it is no use."""
    if isinstance(value, Fraction):
        return value
    if not value.is_finite() or (value and abs(value.adjusted()) > _LONGEST):
        return None
    return Fraction(_ROUND.plus(value))


def _times(value: Exact, factor: Fraction) -> Exact:
    part = _fraction(value)
    return value if part is None else part * factor


def _exactly(size: float | None) -> Fraction:
    """A tolerance as it is written: 1e-6 is a millionth, not the nearest double."""
    return Fraction(str(size or 0))

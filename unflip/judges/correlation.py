"""Whether judges make the same mistakes, which is what a panel of them hangs on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unflip.errors import UsageError
from unflip.intervals import LEVEL, Interval, Proportion, wilson
from unflip.judges.resampling import redrawn
from unflip.types import Sample, Verdict

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

_DRAWS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedErrors:
    """How far two judges err on the same rows.

    Attributes:
        a: The one.
        b: The other.
        on: `wrong` rows, where an error is an accept, or `correct` rows, where it is a reject.
        rate_a: The one's error rate.
        rate_b: The other's.
        both: How often both err; under independence it would be `rate_a * rate_b`.
        correlation: Phi of the errors, in [-1, 1], with a bootstrap interval; NaN where one of
            them never errs, or always does.
    """

    a: str
    b: str
    on: str
    rate_a: Proportion
    rate_b: Proportion
    both: Proportion
    correlation: Interval

    @property
    def expected(self) -> float:
        """How often both would err if their errors were independent."""
        return self.rate_a.point * self.rate_b.point

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        said = {name: getattr(self, name) for name in ("a", "b", "on")}
        figures = ("rate_a", "rate_b", "both", "correlation")
        expected = None if math.isnan(self.expected) else self.expected
        return (
            said
            | {name: getattr(self, name).to_json() for name in figures}
            | {"expected": expected}
        )


def shared_errors(
    verdicts: Mapping[str, Sequence[Verdict]],
    samples: Sequence[Sample],
    *,
    level: float = LEVEL,
    seed: int = 0,
) -> list[SharedErrors]:
    """For each pair of judges how far they err together, on wrong and on correct rows.

    Rows without a label, and rows on which one of the two abstains, are left out.

    Args:
        verdicts: Each judge's verdicts, in the order of the samples.
        samples: The labelled rows; those that share a prompt are drawn together.
        level: Two-sided coverage of the intervals, in (0, 1).
        seed: Of the bootstrap.

    Raises:
        UsageError: There are fewer than two judges, or a judge has not one verdict for each row.

    Example:
        >>> from unflip.verifiers.exact import Exact
        >>> rows = [Sample(str(n), "4", correct=n == 4) for n in range(8)]
        >>> same = [Exact()(row) for row in rows]
        >>> [(one.on, one.both.k) for one in shared_errors({"a": same, "b": same}, rows)]
        [('wrong', 0.0), ('correct', 0.0)]
    """
    if len(verdicts) < 2:
        raise UsageError("errors are shared between two judges or more")
    if any(len(said) != len(samples) for said in verdicts.values()):
        raise UsageError("each judge needs one verdict for each row")
    rng = np.random.default_rng(seed)
    return [
        _pair(a, b, on, verdicts, samples, level, rng)
        for a, b in combinations(verdicts, 2)
        for on in ("wrong", "correct")
    ]


def _pair(
    a: str,
    b: str,
    on: str,
    verdicts: Mapping[str, Sequence[Verdict]],
    samples: Sequence[Sample],
    level: float,
    rng: np.random.Generator,
) -> SharedErrors:
    truth = on == "correct"
    rows = [
        (one.accepted is not truth, other.accepted is not truth, _prompt(sample, index))
        for index, (one, other, sample) in enumerate(
            zip(verdicts[a], verdicts[b], samples, strict=True)
        )
        if sample.correct is truth and one.decided and other.decided
    ]
    errs_a_N = np.array([row[0] for row in rows], dtype=bool)
    errs_b_N = np.array([row[1] for row in rows], dtype=bool)
    groups = [row[2] for row in rows]
    n = len(rows)
    return SharedErrors(
        a=a,
        b=b,
        on=on,
        rate_a=wilson(float(errs_a_N.sum()), n, level),
        rate_b=wilson(float(errs_b_N.sum()), n, level),
        both=wilson(float((errs_a_N & errs_b_N).sum()), n, level),
        correlation=_correlation(errs_a_N, errs_b_N, groups, level, rng),
    )


def _prompt(sample: Sample, index: int) -> Any:
    """What rows share that were drawn together: their prompt, or nothing."""
    return repr(sample.prompt) if sample.prompt else index


def _phi(parts_DK: Floats) -> Floats:
    """Phi from the totals of rows, errors of the one, errors of the other, and shared ones."""
    n_D, a_D, b_D, both_D = parts_DK.T
    with np.errstate(invalid="ignore", divide="ignore"):
        spread_D = np.sqrt(a_D * (n_D - a_D) * b_D * (n_D - b_D))
        phi_D = (both_D * n_D - a_D * b_D) / spread_D
    return np.where(spread_D > 0, phi_D, math.nan)


def _correlation(
    errs_a_N: Bools,
    errs_b_N: Bools,
    groups: Sequence[Any],
    level: float,
    rng: np.random.Generator,
) -> Interval:
    ones_N = np.ones(len(groups))
    parts_NK = np.column_stack([ones_N, errs_a_N, errs_b_N, errs_a_N & errs_b_N])
    point = float(_phi(parts_NK.sum(axis=0, keepdims=True))[0])
    drawn_D = _phi(redrawn(parts_NK, groups, _DRAWS, rng))
    known_D = drawn_D[~np.isnan(drawn_D)]
    if math.isnan(point) or not known_D.size:
        return Interval(point=point, low=-1.0, high=1.0, level=level, method="bootstrap")
    low, high = np.quantile(known_D, [(1 - level) / 2, (1 + level) / 2])
    return Interval(
        point=point, low=min(point, float(low)), high=max(point, float(high)), level=level,
        method="bootstrap",
    )  # fmt: skip

"""Rates while training runs: what they have been of late, and what they have been so far."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unflip.errors import UsageError
from unflip.intervals import LEVEL, Proportion
from unflip.noise.online.moments import COLUMNS, Moments, rates_of, totals
from unflip.noise.online.sequences import running
from unflip.noise.survey import Survey
from unflip.rates import NoiseRates

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Recent:
    """rho0 and rho1 of late: ratios of decayed sums, of which no coverage is claimed.

    A rate is one decayed sum over another, not a decayed mean of per-step ratios, which is biased
    when steps hold few labels. Variances come from the squares of whole groups' sums, so rows of
    one prompt count as what they are. The intervals describe the sampling error of one look at a
    steady run. If the policy moves, or you look at every step, they promise nothing: `Running`
    does.

    Attributes:
        decay: What a row's weight is multiplied by at each later step, in (0, 1]; 0.9 looks back
            some 19 steps, 1 forgets nothing.
        step: How many steps have been seen.
        by: Whose verdicts these are.
        sums_D: Decayed sums over groups.
        squares_DD: Sums of the groups' squares and products, decayed twice as fast.

    Raises:
        UsageError: The decay is no such factor.

    Source: Sarndal, Swensson and Wretman 1992, section 5.6 (ratios, linearised); Kish 1965 (the
    effective number of weighted groups).

    Example:
        >>> survey = Survey(
        ...     accepted_N=[1, 1, 0, 0, 0, 0], rejected_N=[0, 0, 1, 1, 1, 1],
        ...     correct_N=[1, 1, 1, 0, 0, 0], cluster_N=[0, 0, 0, 1, 1, 2],
        ... )
        >>> recent = Recent(decay=0.9).update(survey).update(survey)
        >>> print(f"rho1 {recent.rates().fn.point:.2f}, on {recent.groups:.1f} groups")
        rho1 0.33, on 6.0 groups
    """

    decay: float = 0.9
    step: int = 0
    by: str = ""
    sums_D: Floats = field(default_factory=lambda: np.zeros(COLUMNS))
    squares_DD: Floats = field(default_factory=lambda: np.zeros((COLUMNS, COLUMNS)))

    def __post_init__(self) -> None:
        if not 0 < self.decay <= 1:
            raise UsageError(f"decay is a factor in (0, 1], such as 0.9, not {self.decay}")

    @property
    def groups(self) -> float:
        """How many groups of equal weight the decayed ones are worth."""
        return Moments(self.sums_D, self.squares_DD).groups

    def update(self, survey: Survey) -> Self:
        """The state after one more step; all rows of a group belong in one survey, on one rank.

        Raises:
            UsageError: The verdicts are by another verifier, or cells stand in for chances.
        """
        if survey.cell_N is not None and survey.probability_N is None:
            raise UsageError("log each label's probability: cells are not kept from step to step")
        _check_scale(survey)
        totals_GD = totals(survey)
        return replace(
            self,
            step=self.step + 1,
            by=_same(self.by, survey.by),
            sums_D=self.decay * self.sums_D + totals_GD.sum(0),
            squares_DD=self.decay**2 * self.squares_DD + totals_GD.T @ totals_GD,
        )

    def merge(self, other: Self) -> Self:
        """The state that would have seen the groups of both; who merges whom is of no consequence.

        The one that has seen fewer steps is decayed to the other's. Restore a merged checkpoint
        on one rank, and start the others empty: else its groups count several times.

        Raises:
            UsageError: The decays differ, or the verdicts are by different verifiers.
        """
        if self.decay != other.decay:
            raise UsageError(f"states decay alike or cannot merge: {self.decay}, {other.decay}")
        step = max(self.step, other.step)
        mine, theirs = (self.decay ** (step - state.step) for state in (self, other))
        return replace(
            self,
            step=step,
            by=_same(self.by, other.by),
            sums_D=mine * self.sums_D + theirs * other.sums_D,
            squares_DD=mine**2 * self.squares_DD + theirs**2 * other.squares_DD,
        )

    def rates(self, *, level: float = LEVEL, assume_ppv: float | None = None) -> NoiseRates:
        """The rates of late, by Begg and Greenes' formula on the decayed sums.

        Without labels on accepted rows, rho0 and rho1 are bands over every PPV.

        Args:
            level: Nominal two-sided coverage of one look at a steady run.
            assume_ppv: P(correct | accept), if accepted rows are never labelled.

        Raises:
            UsageError: A PPV is assumed although accepted rows were labelled.
        """
        said = (
            "no coverage is claimed for decayed ratios: the policy may move under them",
            f"rows weigh {self.decay:g} times less with each later step",
            "the gold labels are right, and chosen with the logged probabilities",
        )
        moments = Moments(self.sums_D, self.squares_DD)
        return replace(rates_of(moments, level=level, assume_ppv=assume_ppv, said=said), by=self.by)

    def to_json(self) -> dict[str, Any]:
        """A JSON object; `from_json` restores the state exactly."""
        row = {"decay": self.decay, "step": self.step, "by": self.by}
        return row | {"sums": self.sums_D.tolist(), "squares": self.squares_DD.tolist()}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`.

        Raises:
            UsageError: The row is no such state.
        """
        try:
            sums_D, squares_DD = (np.array(row[name], float) for name in ("sums", "squares"))
            state = cls(row["decay"], row["step"], row["by"], sums_D, squares_DD)
        except (KeyError, TypeError, ValueError) as why:
            raise UsageError(f"this row is no state of recent rates: {why!r}") from why
        if sums_D.shape != (COLUMNS,) or squares_DD.shape != (COLUMNS, COLUMNS):
            raise UsageError(f"this row is no state of recent rates: {sums_D.shape}")
        return state

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recent) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]  # equal by value, and holds arrays


@dataclass(frozen=True, slots=True)
class Running:
    """rho0 and rho1 so far: confidence sequences, right at every look at once.

    It sees one row of each group, chosen before anybody looked at the verdicts (see `one_each`),
    so draws are independent of each other given the past. What is covered are the means, over the
    draws, of the rates at which they were made; these may drift as the policy does. With
    probability `level` all looks are right together: stop, gate or alarm on it as you like.

    Attributes:
        even: Whether labels are drawn without regard to the verdict. Then rho0 and rho1 are shares
            of draws, and their intervals the narrower for it. If not, as when rejected rows are
            looked at more often, they are composed of accept share, PPV and false-omission rate.
        by: Whose verdicts these are.
        counts: Draws by verdict (accepted, rejected, abstained) and label (correct, wrong, none).

    Example:
        >>> survey = Survey(
        ...     accepted_N=[1] * 500 + [0] * 500, rejected_N=[0] * 500 + [1] * 500,
        ...     correct_N=[1] * 490 + [0] * 10 + [1] * 50 + [0] * 450,
        ... )
        >>> now = Running().update(survey)
        >>> print(now.fn(), now.fp())
        0.093 [0.044, 0.172] 0.022 [0.004, 0.070]
    """

    even: bool = False
    by: str = ""
    counts: tuple[tuple[int, int, int], ...] = ((0, 0, 0),) * 3

    def update(self, draws: Survey) -> Self:
        """The state after more draws, one row of each group.

        Within one update all draws have one chance of being labelled, or if labels are not `even`,
        all draws of one verdict.

        Raises:
            UsageError: Groups have several rows, chances differ where they must not, or the
                verdicts are by another verifier.
        """
        if draws.cluster_N is not None and len(np.unique(draws.cluster_N)) < len(draws):
            raise UsageError("one row of each group, chosen before its verdict: see one_each")
        verdict_VN = np.stack([draws.accepted_N, draws.rejected_N, ~draws.decided_N])
        _check_chances(draws, draws.labelled_N[None] if self.even else verdict_VN)
        correct_N, wrong_N = draws.correct_N == 1, draws.correct_N == 0
        label_NL = np.stack([correct_N, wrong_N, ~draws.labelled_N], axis=1).astype(np.int64)
        counts_VL = np.array(self.counts) + verdict_VN.astype(np.int64) @ label_NL
        return replace(self, by=_same(self.by, draws.by), counts=_frozen(counts_VL))

    def merge(self, other: Self) -> Self:
        """The state that has seen the draws of both.

        Restore a merged checkpoint on one rank, and start the others empty.

        Raises:
            UsageError: One is `even` and one is not, or the verdicts are by different verifiers.
        """
        if self.even != other.even:
            raise UsageError("labels of both were drawn evenly, or of neither: these cannot merge")
        counts_VL = np.array(self.counts) + np.array(other.counts)
        return replace(self, by=_same(self.by, other.by), counts=_frozen(counts_VL))

    def accept(self, *, level: float = LEVEL) -> Proportion:
        """m, P(accept) of decided draws."""
        accepted, rejected, _ = (sum(labels) for labels in self.counts)
        return running(accepted, accepted + rejected, level=level)

    def ppv(self, *, level: float = LEVEL) -> Proportion:
        """pi, P(correct | accept), from labelled draws."""
        correct, wrong, _ = self.counts[0]
        return running(correct, correct + wrong, level=level)

    def false_omission(self, *, level: float = LEVEL) -> Proportion:
        """nu, P(correct | reject), from labelled draws."""
        correct, wrong, _ = self.counts[1]
        return running(correct, correct + wrong, level=level)

    def fn(self, *, level: float = LEVEL) -> Proportion:
        """rho1 so far: of even labels, the running mean of P(reject | correct, decided).

        Else rho1 at the running means of nu, pi and m: nu (1 - m) / (nu (1 - m) + pi m). The three
        are covered together, each at 1 - (1 - level) / 3, and rho1 moves one way with each. In a
        steady run this is rho1; if the policy drifts, it is that of the three means.
        """
        if self.even:
            kept, lost = self.counts[0][0], self.counts[1][0]
            return running(lost, lost + kept, level=level)
        nu, pi, m = self._parts(level)
        return _composed(
            _part(nu.point, pi.point, 1 - m.point),
            (_part(nu.low, pi.high, 1 - m.high), _part(nu.high, pi.low, 1 - m.low)),
            pi.k + nu.k,
            level,
        )

    def fp(self, *, level: float = LEVEL) -> Proportion:
        """rho0 so far: the mean of P(accept | wrong, decided), or at the three means; see `fn`.

        Composed it is (1 - pi) m / ((1 - pi) m + (1 - nu)(1 - m)).
        """
        if self.even:
            passed, caught = self.counts[0][1], self.counts[1][1]
            return running(passed, passed + caught, level=level)
        nu, pi, m = self._parts(level)
        return _composed(
            _part(1 - pi.point, 1 - nu.point, m.point),
            (
                _part(1 - pi.high, 1 - nu.low, m.low),
                _part(1 - pi.low, 1 - nu.high, m.high),
            ),
            pi.n - pi.k + nu.n - nu.k,
            level,
        )

    def to_json(self) -> dict[str, Any]:
        """A JSON object; `from_json` restores the state exactly."""
        counts = [list(labels) for labels in self.counts]
        return {"even": self.even, "by": self.by, "counts": counts}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`.

        Raises:
            UsageError: The row is no such state.
        """
        try:
            counts_VL = np.array(row["counts"], np.int64).reshape(3, 3)
            return cls(row["even"], row["by"], _frozen(counts_VL))
        except (KeyError, TypeError, ValueError) as why:
            raise UsageError(f"this row is no state of running rates: {why!r}") from why

    def _parts(self, level: float) -> tuple[Proportion, Proportion, Proportion]:
        each = 1 - (1 - level) / 3
        return self.false_omission(level=each), self.ppv(level=each), self.accept(level=each)


def one_each(group_N: ArrayLike, rng: np.random.Generator) -> Ints:
    """Places of one row of each group, drawn evenly: choose before you look at the verdicts.

    Example:
        >>> one_each(["a", "a", "b", "b", "b"], np.random.default_rng(0))
        array([1, 3])
    """
    groups, place_N = np.unique(np.asarray(group_N), return_inverse=True)
    order = rng.permutation(len(place_N))
    chosen_G = np.zeros(len(groups), dtype=np.int64)
    chosen_G[place_N[order]] = order
    return np.sort(chosen_G)


def _part(in_part: float, in_rest: float, part: float) -> float:
    """Bayes' rule: P(part | event) from the event's shares; NaN if there is no such event."""
    whole = in_part * part + in_rest * (1 - part)
    return in_part * part / whole if whole else math.nan


def _composed(point: float, ends: tuple[float, float], rows: float, level: float) -> Proportion:
    """A rate between two corners of a box; a corner without any such row rules out nothing."""
    low, high = ends
    return Proportion(
        point=point,
        low=0.0 if math.isnan(low) else low,
        high=1.0 if math.isnan(high) else high,
        level=level,
        method="confidence sequence, composed",
        k=0.0 if math.isnan(point) else point * rows,
        n=rows,
        n_eff=rows,
    )


def _check_chances(draws: Survey, class_CN: NDArray[np.bool_]) -> None:
    """Within each class, labels had one chance."""
    if draws.cell_N is not None:
        raise UsageError("draws are labelled without regard to cells: leave cell_N out")
    if draws.probability_N is None:
        return
    for class_N in class_CN:
        if len(set(draws.probability_N[class_N & draws.labelled_N].tolist())) > 1:
            raise UsageError("these labels had different chances, and Running weighs them alike")


def _check_scale(survey: Survey) -> None:
    if survey.probability_N is not None and (survey.probability_N < 1e-12).any():
        raise UsageError(
            "a label with a chance below 1e-12 would drown all others: log true chances"
        )


def _same(one: str, other: str) -> str:
    if one and other and one != other:
        raise UsageError(f"rates are one verifier's; these verdicts are by {one!r} and {other!r}")
    return one or other


def _frozen(counts_VL: Ints) -> tuple[tuple[int, int, int], ...]:
    return tuple((a, b, c) for a, b, c in counts_VL.tolist())

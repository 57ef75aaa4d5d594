"""Alarms while training runs: a rate has risen above its limit, with false alarms bounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unflip.errors import UsageError
from unflip.noise.online.sequences import running
from unflip.noise.survey import Bools, Survey

Floats = NDArray[np.float64]

# A bet on odds exp(shift) times those of the limit; a mixture, since nobody knows the rise.
_SHIFTS = np.geomspace(0.1, 8, 16)
_RICHEST = 1e40
"""Wealth is cut here, where every alarm has long been raised, so that nothing overflows."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Watches one rate, and goes off when it has risen above a limit.

    It sees one share in [0, 1] per group: of the group's rows that are in question, how many show
    what must not become common. As long as the expected share, given everything before, is at or
    below the limit, then in T steps it goes off with probability at most T / patience, and its
    mean run to a false alarm is at least `patience` steps. K alarms side by side: K T / patience.
    Nothing is assumed about steady rates below the limit, about the group's inner correlation,
    or about when the rise begins.

    Attributes:
        limit: The rate in (0, 1) above which somebody should look.
        patience: Steps; twenty times the length of a run gives it a 5% chance of a false alarm.
        step: How many steps it has seen.
        wealth: What bettors against the limit own: a false start is worth 1, `patience` raises.
        raised: The step at which it went off; None if it has not.

    Source: Shin, Ramdas and Rinaldo 2023 (e-detectors of Shiryaev and Roberts' kind); the bound on
    T steps is Ville's for wealth + T - t.

    Example:
        >>> alarm = Alarm(limit=0.05, patience=1000)
        >>> for shares in [[0.0, 0.0, 0.2], [0.1, 0.0, 0.0], [0.4, 0.9, 0.6], [0.9, 1.0, 0.8]]:
        ...     alarm = alarm.update(shares)
        >>> alarm.raised
        4
    """

    limit: float
    patience: float
    step: int = 0
    wealth: tuple[float, ...] = (0.0,) * len(_SHIFTS)
    raised: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.limit < 1:
            raise UsageError(f"the limit of an alarm is a rate in (0, 1), not {self.limit}")
        if not 1 < self.patience < _RICHEST:
            raise UsageError(f"patience counts steps, say 20 runs' worth, not {self.patience}")
        if len(self.wealth) != len(_SHIFTS):
            raise UsageError("this is no alarm's wealth: it has another length")

    @classmethod
    def learned(cls, share_G: ArrayLike, *, patience: float, level: float = 0.98) -> Self:
        """An alarm whose limit is the upper end of a rate in a reference period.

        The bound on false alarms then fails with probability at most (1 - level) / 2 more: that
        of the reference rate lying above its upper end. Do not learn from a period that may
        already be hacked.

        Args:
            share_G: One share in [0, 1] per group of the reference period; NaN is skipped.
            patience: As for any alarm.
            level: Two-sided coverage of the reference interval.

        Raises:
            UsageError: The period says nothing: its interval reaches up to 1.

        Example:
            >>> round(Alarm.learned([0.0] * 95 + [1.0] * 5, patience=1000).limit, 3)
            0.156
        """
        share_G = _shares(share_G)
        high = running(float(share_G.sum()), len(share_G), level=level).high
        if high >= 1:
            raise UsageError("no limit can be learned from so few groups; give one, or wait")
        return cls(limit=high, patience=patience)

    def update(self, share_G: ArrayLike) -> Self:
        """The alarm after one more step; on several ranks, see `evidence`."""
        return self.advance(self.evidence(share_G))

    def evidence(self, share_G: ArrayLike) -> Floats:
        """What the groups of one step say, as 16 numbers that add up over ranks.

        Ranks sum theirs (an all-reduce), and all `advance` by the sum: then every rank has the
        same alarm. The order of groups and ranks is of no consequence.

        Args:
            share_G: One share in [0, 1] per group; NaN, where a group has no row in question, is
                skipped.

        Raises:
            UsageError: Something else than shares.
        """
        odds_B = np.exp(_SHIFTS)
        # The factor 1 + bet * (share - limit); for 0 or 1 it is a likelihood ratio.
        bet_B = (odds_B - 1) / (1 + self.limit * (odds_B - 1))
        evidence_B: Floats = np.log1p(np.outer(_shares(share_G) - self.limit, bet_B)).sum(0)
        return evidence_B

    def advance(self, evidence_B: ArrayLike) -> Self:
        """The alarm after one more step, whose evidence has been summed over ranks.

        Raises:
            UsageError: The evidence is not this alarm's: it has another length.
        """
        evidence_B = np.asarray(evidence_B, dtype=float)
        if evidence_B.shape != _SHIFTS.shape:
            raise UsageError("an alarm advances by evidence, the sum of what `evidence` returned")
        gain_B = np.exp(np.minimum(evidence_B, 600))
        wealth_B = np.minimum((np.asarray(self.wealth) + 1) * gain_B, _RICHEST)
        step = self.step + 1
        off = step if self.raised is None and wealth_B.mean() >= self.patience else self.raised
        return replace(self, step=step, wealth=tuple(wealth_B.tolist()), raised=off)

    def reset(self) -> Self:
        """The alarm after somebody has looked: it starts afresh, its step count goes on."""
        return replace(self, wealth=(0.0,) * len(_SHIFTS), raised=None)

    def to_json(self) -> dict[str, Any]:
        """A JSON object; `from_json` restores the alarm exactly."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`.

        Raises:
            UsageError: The row is no alarm.
        """
        try:
            return cls(**{**row, "wealth": tuple(row["wealth"])})
        except (KeyError, TypeError) as why:
            raise UsageError(f"this row is no alarm: {why!r}") from why


def false_positives(survey: Survey) -> Floats:
    """Per prompt, the share of accepts among its rows that people found wrong: for rising rho0.

    Labels must have been drawn without regard to the verdict; where accepted rows are looked at
    more often than rejected ones, watch `false_discoveries` instead.

    Raises:
        UsageError: The logged probabilities differ.

    Example:
        >>> survey = Survey(
        ...     accepted_N=[1, 0, 1], rejected_N=[0, 1, 0], correct_N=[0, 0, 1], cluster_N=[0, 0, 1]
        ... )
        >>> false_positives(survey), false_discoveries(survey)
        (array([0.5]), array([1., 0.]))
    """
    chance_N = survey.probability_N
    if chance_N is not None and len(set(chance_N[survey.labelled_N].tolist())) > 1:
        raise UsageError("rho0 needs labels drawn evenly: watch false_discoveries instead")
    return _per_prompt(survey, survey.accepted_N, survey.decided_N & (survey.correct_N == 0))


def false_discoveries(survey: Survey) -> Floats:
    """Per prompt, the share of wrong rows among its accepted ones that people looked at: 1 - PPV.

    Needs no labels on rejected rows. It also rises when prompts become harder. For an example see
    `false_positives`.
    """
    return _per_prompt(survey, survey.correct_N == 0, survey.labelled_N & survey.accepted_N)


def disagreements(survey: Survey) -> Floats:
    """Per prompt, the mean distance between the judge's opinion and the verdict; no labels needed.

    Raises:
        UsageError: The survey has no judge.

    Example:
        >>> survey = Survey(
        ...     accepted_N=[1, 0], rejected_N=[0, 1], correct_N=[np.nan] * 2, judge_N=[0.5, 0.0]
        ... )
        >>> disagreements(survey)
        array([0.5, 0. ])
    """
    if survey.judge_N is None:
        raise UsageError("disagreement needs judge_N: a second opinion on the rows")
    distance_N = np.abs(np.nan_to_num(survey.judge_N) - survey.accepted_N)
    return _per_prompt(survey, distance_N, survey.decided_N & ~np.isnan(survey.judge_N))


def collapsed(length_N: ArrayLike, group_N: ArrayLike, *, below: float) -> Floats:
    """Per group, the share of completions shorter than `below`: for length collapse.

    Args:
        length_N: Lengths in any unit.
        group_N: The prompt of each row.
        below: A length that few completions fell short of when all was well, such as the 5%
            quantile of an early step; learn the limit from later ones.

    Example:
        >>> collapsed([900, 20, 15, 800], [0, 0, 1, 1], below=100)
        array([0.5, 0.5])
    """
    return _per_group(np.asarray(length_N) < below, np.asarray(group_N))


def dominated(output_N: Sequence[Hashable], group_N: ArrayLike, *, by: Hashable) -> Floats:
    """Per group, the share of outputs that equal one: for a single text that takes over.

    Args:
        output_N: Completions, or whatever of them is compared (a prefix, a hash).
        group_N: The prompt of each row.
        by: The output in question, known before this step: `favourite` of the step before.

    Example:
        >>> dominated(["a", "b", "Solution", "Solution"], [0, 0, 1, 1], by="Solution")
        array([0., 1.])
    """
    return _per_group(np.array([output == by for output in output_N]), np.asarray(group_N))


def favourite(output_N: Sequence[Hashable], group_N: Sequence[Hashable]) -> Hashable:
    """The output that occurs under most groups: a text that fits every prompt fits none.

    Ties go to the one that came first.

    Example:
        >>> favourite(["4", "4", "4", "Solution", "Solution"], [0, 0, 0, 1, 2])
        'Solution'
    """
    pairs = dict.fromkeys(zip(output_N, group_N, strict=True))
    if not pairs:
        raise UsageError("a step without outputs has no favourite")
    return Counter(output for output, _ in pairs).most_common(1)[0][0]


def _per_prompt(survey: Survey, event_N: ArrayLike, among_N: Bools) -> Floats:
    cluster_N = survey.cluster_N
    group_N = np.arange(len(survey)) if cluster_N is None else cluster_N
    return _per_group(np.asarray(event_N)[among_N], group_N[among_N])


def _per_group(value_N: ArrayLike, group_N: NDArray[Any]) -> Floats:
    _, place_N = np.unique(group_N, return_inverse=True)
    total_G = np.bincount(place_N, np.asarray(value_N, dtype=float))
    share_G: Floats = total_G / np.bincount(place_N)
    return share_G


def _shares(share_G: ArrayLike) -> Floats:
    given_G: Floats = np.asarray(share_G, dtype=np.float64)
    known_G = given_G[~np.isnan(given_G)]
    if len(known_G) and not 0 <= known_G.min() <= known_G.max() <= 1:
        raise UsageError("an alarm watches shares: one number in [0, 1] per group")
    return known_G

"""Which rows to label next: the ones that narrow the interval most, by chances that are logged.

The pool is dealt into as many parts as there are batches, whole prompts at a time and at random.
Each batch is a small survey of its own part, and its chances depend on earlier batches only; so
whatever was learned on the way, its weighted totals are unbiased given the past, and so are their
sums. (A rate is a ratio of such totals.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from unflip.errors import UsageError
from unflip.noise.few.sample import crossed
from unflip.noise.survey import Floats, Ints, Survey


class Aim(StrEnum):
    """Which rate the labels are to narrow."""

    FP = "fp"
    FN = "fn"
    BOTH = "both"


@dataclass(frozen=True, kw_only=True, eq=False)
class Sampler:
    """Chooses rows to label in batches, by Neyman allocation over cells of like rows.

    Cells are verdict x stratum x judge's opinion. A cell gets labels in proportion to its size, its
    spread of truth (guessed from the judge, then learned from the labels), and how much the rate
    depends on it. No row's chance falls below `floor` times that of a plain draw, so no label
    counts for more than 1 / floor plain ones.

    Everything follows from the fields and the labels so far: a session can stop anywhere and go on
    in another process.

    Attributes:
        pool: All rows, labelled or not: verdicts, and the judge, strata and prompts if there are.
        budget: Labels to spend at most; about budget / batches a batch.
        batches: How often the chances may change, and how often one may stop.
        aim: What to narrow.
        floor: In (0, 1].
        seed: Deals the parts and draws the rows.

    Raises:
        UsageError: The budget exceeds the decided rows, or a figure is out of range.

    Source: Neyman 1934; Sarndal, Swensson and Wretman 1992, section 3.7 (optimum allocation);
    Madow 1949 (systematic sampling with unequal chances); Zrnic and Candes 2024, arXiv 2403.03208
    (chances from the past only).

    Example:
        >>> import numpy as np
        >>> from unflip.noise.few.partial import begg_greenes
        >>> rng = np.random.default_rng(0)
        >>> truth_N = rng.random(2000) < 0.5
        >>> accepted_N = truth_N & (rng.random(2000) < 0.8)
        >>> pool = Survey(accepted_N=accepted_N, rejected_N=~accepted_N,
        ...               correct_N=np.full(2000, np.nan))
        >>> sampler = Sampler(pool=pool, budget=200)
        >>> gold_N = pool.correct_N
        >>> while len(rows := sampler.next(gold_N)):
        ...     gold_N = gold_N.copy()
        ...     gold_N[rows] = truth_N[rows]                       # somebody looks
        >>> print(begg_greenes(sampler.survey(gold_N)).fn)
        0.202 [0.148, 0.265]
    """

    pool: Survey
    budget: int
    batches: int = 4
    aim: Aim = Aim.BOTH
    floor: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        if not (0 < self.floor <= 1 and 1 <= self.batches <= self.budget):
            raise UsageError("a sampler needs 0 < floor <= 1 and 1 <= batches <= budget")
        if self.budget > len(self._rows_D):
            raise UsageError(f"there are {len(self._rows_D)} decided rows for {self.budget} labels")

    def next(self, correct_N: ArrayLike, *, skipped_N: ArrayLike | None = None) -> Ints:
        """The rows to label now, in the order to label them; empty when the budget is spent.

        Args:
            correct_N: The labels so far: 1, 0, and NaN for none.
            skipped_N: Rows that somebody looked at and could not tell; they are not asked again,
                and count as missing at random within their cell.
        """
        done_N = ~np.isnan(np.asarray(correct_N, dtype=float))
        if skipped_N is not None:
            done_N |= np.asarray(skipped_N, dtype=bool)
        for batch in range(self.batches):
            rows_n, _ = self._draw(batch, correct_N)
            if not done_N[rows_n].all():
                return np.asarray(rows_n[~done_N[rows_n]])
        return np.array([], dtype=np.int64)

    def survey(self, correct_N: ArrayLike) -> Survey:
        """The labels so far as a survey, with their logged chances, ready for any estimator.

        A batch that is under way counts too, with its chances times the part of it that is done:
        its rows come in random order, so label them in the order given.
        """
        correct_N = np.asarray(correct_N, dtype=float)
        gold_N = np.full(len(self.pool), np.nan)
        chance_N = np.full(len(self.pool), np.nan)
        for batch in range(self.batches):
            rows_n, chance_n = self._draw(batch, correct_N)
            done_n = ~np.isnan(correct_N[rows_n])
            if done_n.any():
                chance_N[rows_n] = chance_n * done_n.mean()
                gold_N[rows_n] = correct_N[rows_n]
        return replace(self.pool, correct_N=gold_N, probability_N=chance_N, cell_N=self.cell_N)

    @cached_property
    def cell_N(self) -> Ints:
        """The cell of each row: verdict x stratum x judge's opinion."""
        opinion_N = None if self.pool.judge_N is None else _binned(self.pool.judge_N)
        return crossed(self.pool.verdict_N, self.pool.slice_N, opinion_N)

    @cached_property
    def _rows_D(self) -> Ints:
        """The decided rows: rates of flips say nothing of the others."""
        return np.flatnonzero(self.pool.decided_N)

    @cached_property
    def _part_D(self) -> Ints:
        """Which batch each decided row can be drawn in: whole prompts, dealt at random."""
        prompt_D = np.arange(len(self._rows_D))
        if self.pool.cluster_N is not None:
            _, prompt_D = np.unique(self.pool.cluster_N[self._rows_D], return_inverse=True)
        order_G = np.random.default_rng([self.seed, 0]).permutation(int(prompt_D.max()) + 1)
        size_G = np.bincount(prompt_D)[order_G]
        part_G = np.empty_like(order_G)
        part_G[order_G] = (np.cumsum(size_G) - size_G) * self.batches // len(self._rows_D)
        return part_G[prompt_D].astype(np.int64)

    @cached_property
    def _sizes(self) -> list[int]:
        """How many labels each batch gets: as many as any other, or as its part can take."""
        room_B = np.bincount(self._part_D, minlength=self.batches).tolist()
        sizes: list[int] = []
        for batch, room in enumerate(room_B):
            even = self.budget * (batch + 1) // self.batches - self.budget * batch // self.batches
            left, later = self.budget - sum(sizes), sum(room_B[batch + 1 :])
            sizes.append(min(room, left, max(even, left - later)))
        return sizes

    def _draw(self, batch: int, correct_N: ArrayLike) -> tuple[Ints, Floats]:
        """The rows of a batch and their chances, from the labels of the batches before it."""
        known_N = np.full(len(self.pool), np.nan)
        known_N[self._rows_D] = np.where(
            self._part_D < batch, np.asarray(correct_N, dtype=float)[self._rows_D], np.nan
        )
        rows_P, size = self._rows_D[self._part_D == batch], self._sizes[batch]
        plain = min(1.0, size / max(len(rows_P), 1))
        chance_P = _chances(self._need_N(known_N)[rows_P], size, least=self.floor * plain)
        rng = np.random.default_rng([self.seed, 1, batch])
        chosen_n = _systematic(chance_P, self.cell_N[rows_P], rng)
        return rows_P[chosen_n], chance_P[chosen_n]

    def _need_N(self, known_N: Floats) -> Floats:
        """How much a label on each row is worth: what its cell adds to the error of the rates."""
        pool, cell_N = self.pool, self.cell_N
        accepted_N, decided_N = pool.accepted_N, pool.decided_N
        correct_H, spread_H = _beliefs(pool, cell_N, known_N)
        nu, pi = (
            float(correct_H[cell_N[class_N]].mean()) if class_N.any() else 0.5
            for class_N in (pool.rejected_N, accepted_N)
        )
        m = accepted_N.sum() / decided_N.sum()
        right, wrong = pi * m + nu * (1 - m), (1 - pi) * m + (1 - nu) * (1 - m)
        # Slopes of Begg and Greenes' rho0 and rho1 in nu and pi, by row of the class.
        on_reject = np.array([(1 - pi) / wrong**2, pi / right**2]) * m
        on_accept = np.array([(1 - nu) / wrong**2, nu / right**2]) * (1 - m)
        wanted = {Aim.FP: [1, 0], Aim.FN: [0, 1], Aim.BOTH: [1, 1]}[self.aim]
        slope_N = np.where(
            accepted_N, np.linalg.norm(on_accept * wanted), np.linalg.norm(on_reject * wanted)
        )
        return np.asarray(slope_N * np.sqrt(spread_H)[cell_N], dtype=float)


def _beliefs(pool: Survey, cell_N: Ints, known_N: Floats) -> tuple[Floats, Floats]:
    """P(correct) in each cell and the spread p (1 - p) to expect of it, labels over a weak guess.

    The guess is between the verdict and the judge: agreement is close to certain, not quite.
    """
    vote_N = np.where(pool.accepted_N, 0.8, 0.2)
    if pool.judge_N is not None:
        heard_N = np.where(np.isnan(pool.judge_N), pool.accepted_N, pool.judge_N)
        vote_N = np.clip((pool.accepted_N + heard_N) / 2, 0.1, 0.9)
    guess_H = np.bincount(cell_N, vote_N) / np.bincount(cell_N)
    labelled_N = ~np.isnan(known_N)
    hits_H = 2 * guess_H + np.bincount(cell_N, np.where(labelled_N, known_N, 0))
    rows_H = 2 + np.bincount(cell_N, labelled_N)
    # The mean of p (1 - p) under a beta posterior.
    return hits_H / rows_H, hits_H * (rows_H - hits_H) / (rows_H * (rows_H + 1))


def _chances(need_P: Floats, size: int, *, least: float) -> Floats:
    """Chances proportional to need, in [least, 1], that add up to `size`."""
    if size >= len(need_P):
        return np.ones(len(need_P))
    # No row is without any need, or what the others cannot take would not be spent.
    need_P = need_P / need_P.max() + 1e-6 if need_P.any() else np.ones(len(need_P))
    need_H, cell_P, rows_H = np.unique(need_P, return_inverse=True, return_counts=True)
    low, high = 0.0, 1.0 / float(need_H[0])
    for _ in range(60):
        middle = (low + high) / 2
        if rows_H @ np.clip(middle * need_H, least, 1) < size:
            low = middle
        else:
            high = middle
    return np.asarray(np.clip(high * need_H, least, 1)[cell_P])


def _systematic(chance_P: Floats, cell_P: Ints, rng: np.random.Generator) -> Ints:
    """Places drawn with exactly these chances, spread evenly over the cells, in random order."""
    shuffled_P = rng.permutation(len(chance_P))
    order_P = shuffled_P[np.argsort(cell_P[shuffled_P], kind="stable")]
    # Rounding keeps sums of many chances from missing a whole number by a hair.
    ticks_P = np.floor(np.round(np.cumsum(chance_P[order_P]) + rng.random(), 9))
    return rng.permutation(order_P[np.diff(ticks_P, prepend=0) > 0])


def _binned(judge_N: Floats, *, bins: int = 5) -> Ints:
    """Bins of about equal size, by value where the judge has few; silence is a bin of its own."""
    heard_n = judge_N[~np.isnan(judge_N)]
    edges = np.unique(heard_n)
    if len(edges) > bins:
        edges = np.unique(np.quantile(heard_n, np.arange(bins) / bins))
    place_N = np.searchsorted(edges, judge_N, side="right")
    return np.where(np.isnan(judge_N), 0, place_N).astype(np.int64)

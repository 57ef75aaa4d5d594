"""From P(yes) to a threshold that keeps false positives below a limit, and can show it.

Whoever picks the best of many thresholds on some rows, and bounds its false positives on the same
rows, is fooled by luck: of a hundred thresholds some look good. Two ways are honest. Fixed-sequence
testing goes through thresholds in an order that was fixed before the rows were seen, strictest
first, tests each at full level, and stops at the first that fails. A held-out split picks on one
half, and bounds on the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unflip.errors import UsageError
from unflip.intervals import Proportion, clopper_pearson, wilson

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

GRID: tuple[float, ...] = tuple(
    float(f"{p:.6g}")
    for p in (
        *(1 - 10.0**-power * part for power in (6, 5, 4, 3, 2) for part in (1, 2, 5)),
        *(step / 100 for step in range(94, 4, -1)),
    )
)
"""Thresholds from the strictest down, close together where judges are sure of themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A threshold on P(yes), and what is known of it.

    Attributes:
        accept_at: The least P(yes) that accepts; None if no threshold can be shown to be good
            enough, which more wrong rows may change.
        max_fp: The limit that was asked for.
        confidence: With which the false-positive rate is below it, in (0, 1).
        fp: False positives among the rows that bound them, with a two-sided exact interval.
        tp: Correct rows that it accepts, among the same rows.
        upper: The one-sided upper bound of the false-positive rate, at that confidence.
        method: How it was found.
        tried: How many thresholds were tested.
    """

    accept_at: float | None
    max_fp: float
    confidence: float
    fp: Proportion
    tp: Proportion
    upper: float
    method: str
    tried: int

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return asdict(self) | {"fp": self.fp.to_json(), "tp": self.tp.to_json()}

    def __str__(self) -> str:
        if self.accept_at is None:
            return (
                f"no threshold is shown to keep false positives below {self.max_fp:g}: the "
                f"strictest one tried is bounded by {self.upper:.3g}, on {self.fp.n:g} wrong rows"
            )
        return (
            f"accept from P(yes) >= {self.accept_at:g}: false positives below {self.upper:.3g} "
            f"with confidence {self.confidence:g}; accepts {self.tp} of correct answers"
        )


def fixed_sequence(
    p_n: ArrayLike,
    correct_n: ArrayLike,
    *,
    max_fp: float,
    confidence: float = 0.95,
    group_n: Sequence[Any] | None = None,
    grid: Sequence[float] = GRID,
    seed: int = 0,
) -> Threshold:
    """The loosest threshold of a fixed grid whose false positives pass the test, strictest first.

    With probability `confidence`, over the draw of the rows, the true false-positive rate of the
    threshold is at most `max_fp`: the family-wise error of testing in a fixed order is that of one
    test. The bound is Clopper and Pearson's.

    Args:
        p_n: P(yes) of each labelled row on which the judge gave one.
        correct_n: Whether the answer is correct.
        max_fp: The limit of the false-positive rate, in (0, 1).
        confidence: Of the bound, in (0.5, 1).
        group_n: Rows with equal values share a prompt; one wrong row of each is drawn for the
            test, since it takes rows to be independent. None: no row shares any.
        grid: Thresholds from the strictest down, chosen without looking at these rows.
        seed: Of that draw.

    Raises:
        UsageError: Lengths or ranges do not fit, or there is no wrong row.

    Source: Angelopoulos et al. 2021 (Learn then Test, arXiv 2110.01052), fixed-sequence testing.

    Example:
        >>> p_n, correct_n = [0.99] * 200 + [0.3] * 190 + [0.7] * 10, [True] * 200 + [False] * 200
        >>> print(fixed_sequence(p_n, correct_n, max_fp=0.05).accept_at)
        0.71
    """
    p_n, correct_n = _rows(p_n, correct_n, max_fp, confidence)
    if any(later >= sooner for sooner, later in pairwise(grid)) or not grid:
        raise UsageError("a grid of thresholds goes from the strictest down")
    wrong_n = _one_a_group(~correct_n, group_n, seed)
    best, tried = None, 0
    for threshold in grid:
        tried += 1
        if _upper(p_n[wrong_n] >= threshold, confidence) > max_fp:
            break
        best = threshold
    told = grid[0] if best is None else best
    counts = _counts(p_n, correct_n, wrong_n, told, confidence)
    return Threshold(
        accept_at=best, max_fp=max_fp, confidence=confidence, method="fixed sequence",
        tried=tried, **counts,
    )  # fmt: skip


def held_out(
    p_n: ArrayLike,
    correct_n: ArrayLike,
    *,
    max_fp: float,
    confidence: float = 0.95,
    group_n: Sequence[Any] | None = None,
    share: float = 0.5,
    seed: int = 0,
) -> Threshold:
    """The loosest threshold that is good enough on some rows, bounded on the others.

    Any threshold may be picked on the first part, and `max_fp` is shown on the second or not at
    all: there is one attempt. It wastes rows that `fixed_sequence` uses, and needs no grid.

    Args:
        p_n: P(yes) of each labelled row on which the judge gave one.
        correct_n: Whether the answer is correct.
        max_fp: The limit of the false-positive rate, in (0, 1).
        confidence: Of the bound, in (0.5, 1).
        group_n: Rows with equal values share a prompt, and go to the same part.
        share: Of the prompts, how many pick.
        seed: Of the split.

    Raises:
        UsageError: Lengths or ranges do not fit, or a part has no wrong row.

    Example:
        >>> p_n, correct_n = [0.99] * 400 + [0.3] * 400, [True] * 400 + [False] * 400
        >>> found = held_out(p_n, correct_n, max_fp=0.05)
        >>> found.accept_at, found.upper < 0.05
        (0.99, True)
    """
    p_n, correct_n = _rows(p_n, correct_n, max_fp, confidence)
    picks_n = _split(len(p_n), group_n, share, seed)
    wrong_n = _one_a_group(~correct_n & ~picks_n, group_n, seed)
    if not wrong_n.any() or not (picks_n & ~correct_n).any():
        raise UsageError("both parts of the split need wrong rows")
    told = _picked(p_n[picks_n], correct_n[picks_n], max_fp)
    counts = _counts(p_n, correct_n & ~picks_n, wrong_n, told, confidence)
    best = told if counts["upper"] <= max_fp else None
    return Threshold(
        accept_at=best, max_fp=max_fp, confidence=confidence, method="held-out split",
        tried=1, **counts,
    )  # fmt: skip


def _rows(
    p_n: ArrayLike, correct_n: ArrayLike, max_fp: float, confidence: float
) -> tuple[Floats, Bools]:
    p_n, correct_n = np.asarray(p_n, dtype=float), np.asarray(correct_n, dtype=bool)
    if p_n.ndim != 1 or p_n.shape != correct_n.shape:
        raise UsageError("a threshold needs one P(yes) and one label for each row")
    if not (0 < max_fp < 1 and 0.5 < confidence < 1):
        raise UsageError(
            f"max_fp is in (0, 1) and confidence in (0.5, 1), not {max_fp} and {confidence}"
        )
    if not ((p_n >= 0) & (p_n <= 1)).all():
        raise UsageError("P(yes) is in [0, 1]; leave out rows on which the judge abstained")
    if correct_n.all():
        raise UsageError("false positives happen on wrong rows, and none is labelled wrong")
    return p_n, correct_n


def _upper(accepted_n: Bools, confidence: float) -> float:
    """The one-sided exact upper bound."""
    return clopper_pearson(float(accepted_n.sum()), len(accepted_n), 2 * confidence - 1).high


def _counts(
    p_n: Floats, correct_n: Bools, wrong_n: Bools, threshold: float, confidence: float
) -> dict[str, Any]:
    hits_n = p_n >= threshold
    return {
        "fp": clopper_pearson(float(hits_n[wrong_n].sum()), float(wrong_n.sum())),
        "tp": wilson(float(hits_n[correct_n].sum()), float(correct_n.sum())),
        "upper": _upper(hits_n[wrong_n], confidence),
    }


def _one_a_group(rows_n: Bools, group_n: Sequence[Any] | None, seed: int) -> Bools:
    """Of the rows, one of each group, drawn at random."""
    if group_n is None:
        return rows_n
    order = np.random.default_rng(seed).permutation(len(rows_n))
    drawn = {_name(group_n[i]): i for i in order if rows_n[i]}
    kept_n = np.zeros(len(rows_n), dtype=bool)
    kept_n[list(drawn.values())] = True
    return kept_n


def _split(rows: int, group_n: Sequence[Any] | None, share: float, seed: int) -> Bools:
    names = list(range(rows)) if group_n is None else [_name(one) for one in group_n]
    groups = list(dict.fromkeys(names))
    chosen = np.random.default_rng(seed).permutation(len(groups))[: round(share * len(groups))]
    picked = {groups[i] for i in chosen}
    return np.array([name in picked for name in names], dtype=bool)


def _picked(p_n: Floats, correct_n: Bools, max_fp: float) -> float:
    """The loosest threshold with a margin: at half the limit there is hope to show the limit."""
    wrong_n = np.sort(p_n[~correct_n])[::-1]
    allowed = int(max_fp / 2 * len(wrong_n))
    above = wrong_n[allowed] if allowed < len(wrong_n) else 0.0
    higher_n = p_n[p_n > above]
    return float(higher_n.min()) if higher_n.size else 1.0


def _name(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value

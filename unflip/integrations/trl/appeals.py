"""Appeals while TRL trains: doubly robust rewards, and a budget that goes where errors are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from unflip.correction import Plan, allocate, cross_fit, doubly_robust, verdict_cells
from unflip.correction.appeals.robust import FLOOR
from unflip.errors import UsageError
from unflip.integrations.trl.looking import (
    CORRECT,
    NOT_TAKEN,
    UNDECIDED,
    WRONG,
    Floats,
    Ints,
    Looks,
    check_share,
    labels,
)
from unflip.integrations.trl.strata import Strata
from unflip.integrations.trl.watching import OnlineRates, survey_of

_FOLDS = 5
_MOST = 64
"""How many strata have a model of their own; what comes later shares the last one."""
_PRIOR = 2.0
"""How many rows the share of all cells together is worth in each, as in `cross_fit`."""


@dataclass(slots=True, eq=False)
class Appeals:
    """Second looks that pay: every rank keeps the same state, and looks at its own rows.

    Attributes:
        looks: Whoever looks again.
        share: The share of rows that is looked at.
        floor: The least chance of a row on which the verifier decided, accepted ones included.
        decay: What a batch's weight is multiplied by at each later one.
        column: Which of the reward functions gives the verdict.
        online: The rates of late, by the same second looks.
        strata: Where the strata of the model come from.
        names: The strata found so far, in the order of their codes.
        sums_C3: Of each cell: rows, and second looks that said correct and wrong.
        unread: What is to be logged.

    Raises:
        UsageError: Share and floor are no chances, or the floor alone costs more than the share.

    Example:
        >>> from unflip.integrations.trl.deciding import Standing
        >>> from unflip.noise.online import Recent
        >>> from unflip.verifiers.exact import Exact
        >>> appeals = Appeals(
        ...     Looks(Standing(Exact()), "math"), 0.5, 0.1, 0.9, 0, OnlineRates.of(Recent()),
        ...     Strata((), None),
        ... )
        >>> verdict_B, name_B = np.array([1.0, 1.0, 0.0, np.nan]), [""] * 4
        >>> appeals.chances(verdict_B, name_B, name_B)
        array([0.5, 0.5, 0.5, 0. ])
        >>> appeals.pay(verdict_B, name_B, np.array([0, -2, -2, -2]), size=2)
        array([-0.5,  0.5,  0. ,  nan])
    """

    looks: Looks
    share: float
    floor: float
    decay: float
    column: int
    online: OnlineRates
    strata: Strata
    names: tuple[str, ...] = ()
    sums_C3: Floats = field(default_factory=lambda: np.zeros((0, 3)))
    unread: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        check_share(self.share)
        if not FLOOR <= self.floor <= self.share:
            raise UsageError(
                f"every row needs a chance of a second look from {FLOOR} to the share "
                f"{self.share}, so that no verdict is beyond appeal; the floor is {self.floor}"
            )

    def chances(self, verdict_b: Floats, name_b: Sequence[str], name_B: Iterable[str]) -> Floats:
        """With what chance each row of this rank is looked at; 0 where the verifier abstained.

        Args:
            verdict_b: 1 accept, 0 reject, NaN abstain.
            name_b: Each row's stratum.
            name_B: Those of all ranks.
        """
        self._meet(name_B)
        chance_C = self._plan().chance_C
        chance_b: Floats = chance_C[self._cells(verdict_b, name_b)]
        return np.where(np.isnan(verdict_b), 0.0, chance_b)

    def pay(self, verdict_B: Floats, name_B: Sequence[str], seen_B: Ints, size: int) -> Floats:
        """Rewards of all ranks' rows, and the state after them.

        Args:
            verdict_B: 1 accept, 0 reject, NaN abstain.
            name_B: Each row's stratum.
            seen_B: What became of second looks.
            size: How many rows follow one another as a group.

        Returns:
            Unbiased rewards; NaN where the verifier abstained, or a second look came to nothing.
        """
        cell_B, taken_B = self._cells(verdict_B, name_B), seen_B != NOT_TAKEN
        chance_B = self._plan().chance_C[cell_B]
        model_B = self._model(labels(seen_B), taken_B, cell_B, size)
        model_B[np.isnan(verdict_B)] = np.nan
        reward_B: Floats = doubly_robust(model_B, labels(seen_B), taken_B, chance_B)
        self._note(verdict_B, seen_B, chance_B, reward_B)
        self._learn(cell_B, seen_B)
        survey = survey_of(verdict_B, seen_B, chance_B, size)
        self.online.update(replace(survey, by=self.online.whole.by), name_B)
        return reward_B

    def telemetry(self) -> Iterator[tuple[str, float]]:
        """What was spent and what came of it, and the rates of late."""
        for told in self.unread:
            # TRL of a year ago makes NaN of a mean with one NaN in it.
            known = {name: value for name, value in told.items() if not math.isnan(value)}
            yield from ((f"appeals/{name}", value) for name, value in known.items())
        self.unread.clear()
        yield from self.online.telemetry()

    def to_json(self) -> dict[str, Any]:
        """What a checkpoint has to keep."""
        mine = {"names": list(self.names), "sums": self.sums_C3.tolist()}
        return {"rates": self.online.to_json(), **self.looks.to_json(), **mine}

    def restore(self, row: Mapping[str, Any]) -> None:
        """Go on from where a checkpoint was made.

        Raises:
            UsageError: The checkpoint's rates are another verifier's.
        """
        self.online.restore(row["rates"])
        self.looks.restore(row)
        self.names = tuple(row["names"])
        self.sums_C3 = np.array(row["sums"], dtype=float).reshape(3 * len(self.names), 3)

    def _meet(self, name_B: Iterable[str]) -> None:
        """Make room for strata that nobody has seen; in an order that all ranks agree on."""
        new = sorted(set(name_B) - set(self.names))[: _MOST - len(self.names)]
        self.names = (*self.names, *new)
        self.sums_C3 = np.concatenate([self.sums_C3, np.zeros((3 * len(new), 3))])

    def _cells(self, verdict_B: Floats, name_B: Sequence[str]) -> Ints:
        number = {name: code for code, name in enumerate(self.names)}
        last = len(self.names) - 1
        code_B = np.array([number.get(name, last) for name in name_B], dtype=np.int64)
        cell_B: Ints = verdict_cells(verdict_B, code_B)
        return cell_B

    def _plan(self) -> Plan:
        """Chances by what earlier batches showed of each cell; at first, the share for all."""
        rows_C, correct_C, wrong_C = self.sums_C3.T
        if not rows_C.any():
            return Plan(np.full(len(rows_C), self.share))
        right, seen = correct_C.sum() + 0.5 * _PRIOR, (correct_C + wrong_C).sum() + _PRIOR
        share_C = (correct_C + _PRIOR * right / seen) / (correct_C + wrong_C + _PRIOR)
        # A cell that nobody has looked at may hold anything, as `squared_misses` has it.
        spread_C = np.where(correct_C + wrong_C > 0, share_C * (1 - share_C), 0.25)
        budget = self.share * rows_C.sum()
        return allocate(rows_C, spread_C, budget=budget, floor=self.floor)

    def _model(self, second_B: Floats, taken_B: Any, cell_B: Ints, size: int) -> Floats:
        """The m of each row, from earlier batches and from other prompts of this one.

        Rows of a cell have one chance, so here they count alike: m is the steadier for it, and has
        to be nothing but deaf to the row's own draw. Earlier batches come in as rows of a fold of
        their own, two for each cell.
        """
        count_K, cells = self.sums_C3[:, 1:].T.ravel(), len(self.sums_C3)
        known_K = count_K > 0
        fold_B = np.arange(len(cell_B)) // size % _FOLDS
        model_B: Floats = cross_fit(
            np.concatenate([second_B, np.repeat([1.0, 0.0], cells)]),
            np.concatenate([taken_B, known_K]),
            np.concatenate([np.ones(len(cell_B)), 1 / np.where(known_K, count_K, 1.0)]),
            cell_B=np.concatenate([cell_B, np.tile(np.arange(cells), 2)]),
            n_cells=cells,
            fold_B=np.concatenate([fold_B, np.full(2 * cells, _FOLDS)]),
            n_folds=_FOLDS + 1,
            prior=_PRIOR,
        )
        return model_B[: len(cell_B)]

    def _learn(self, cell_B: Ints, seen_B: Ints) -> None:
        columns = (np.ones(len(cell_B)), seen_B == CORRECT, seen_B == WRONG)
        now_C3 = np.stack([np.bincount(cell_B, x, len(self.sums_C3)) for x in columns], -1)
        # Nobody looks where the verifier abstained.
        now_C3[2::3] = 0
        self.sums_C3 = self.decay * self.sums_C3 + now_C3

    def _note(self, verdict_B: Floats, seen_B: Ints, chance_B: Floats, reward_B: Floats) -> None:
        label_B, taken_B = labels(seen_B), seen_B != NOT_TAKEN
        told_B, decided_B = ~np.isnan(label_B), ~np.isnan(verdict_B)
        self.unread.append(
            {
                "looks": float(taken_B.sum()),
                "share": float(taken_B.mean()),
                "accepts": _share_of(verdict_B[taken_B] == 1),
                "overturned": _share_of(label_B[told_B] != verdict_B[told_B]),
                "undecided": _share_of(seen_B[taken_B] == UNDECIDED),
                "least": float(chance_B[decided_B].min()) if decided_B.any() else math.nan,
                "most": float(np.nanmax(np.abs(reward_B), initial=0.0)),
            }
        )


def _share_of(hit_n: Any) -> float:
    """The share of rows; NaN if there are none."""
    return float(hit_n.mean()) if len(hit_n) else float("nan")

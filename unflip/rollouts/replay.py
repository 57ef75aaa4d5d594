"""What a correction would have changed in logged rollouts: explained first, and then measured."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unflip.correction.advantages import ADVANTAGES, Normaliser
from unflip.correction.drift import strayed
from unflip.correction.effect import Effect, Term, explain, named
from unflip.correction.line import Line
from unflip.correction.table import RateTable
from unflip.correction.telemetry import audit
from unflip.rates import NoiseRates
from unflip.rollouts.log import Rollouts

ROUNDING = 1e-6
"""Advantages this small are 0, and differences no change."""
EPS = 1e-9
"""In the place of a trainer's eps, whose own effect (1e-4) would look like a correction's."""
LOGGED_APART = 0.01
"""How far logged advantages may be from these for the normaliser to be right."""
MOVED = 5
_WITH_EPS = (Normaliser.GRPO, Normaliser.BATCH, Normaliser.BATCH_CENTRED)
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Change:
    """How far corrected advantages are from those of the raw verdicts.

    Attributes:
        name: Of the step; empty for all of them.
        rows: How many there are.
        mean: Mean |difference|.
        most: Largest |difference|.
        cosine: Of the two; NaN if neither has an advantage.
        signs: Share of rows whose sign changed, from or to 0 included.
        silent: Share of rows that weigh nothing after the correction: abstains, masked strata.
    """

    name: str
    rows: int
    mean: float
    most: float
    cosine: float
    signs: float
    silent: float


@dataclass(frozen=True, slots=True)
class Payment:
    """What rows of a stratum are paid on average, before and after the correction.

    Attributes:
        name: Of the stratum; empty if there are none.
        rows: How many there are.
        raw: Mean verdict of the decided rows.
        corrected: Mean corrected reward; NaN if the stratum weighs nothing.
    """

    name: str
    rows: int
    raw: float
    corrected: float


@dataclass(frozen=True, slots=True)
class Moved:
    """A row whose advantage the correction changes.

    Attributes:
        file: The file that it is in.
        row: Its number there, from 1.
        step: Its step.
        stratum: Its stratum; empty if there is none.
        verdict: 1 accept, 0 reject, NaN abstain.
        raw: The advantage of the raw verdict.
        corrected: The advantage after the correction.
        prompt: The end of its prompt.
        completion: The end of its completion.
    """

    file: str
    row: int
    step: str
    stratum: str
    verdict: float
    raw: float
    corrected: float
    prompt: str
    completion: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replay:
    """What a correction would have changed.

    Attributes:
        effect: What `explain` says of it.
        whole: The change over all rows.
        steps: The change in each step.
        strata: What each stratum is paid.
        raw_N: Advantages of the raw verdicts.
        advantage_N: Advantages of the corrected ones.
        moved: The rows whose advantage changes most.
        notes: What else a person should know.
    """

    effect: Effect
    whole: Change
    steps: tuple[Change, ...]
    strata: tuple[Payment, ...]
    raw_N: Floats
    advantage_N: Floats
    moved: tuple[Moved, ...]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A JSON object, without the arrays; null for what is undefined."""
        row = {
            "effect": asdict(self.effect),
            "whole": asdict(self.whole),
            "steps": [asdict(one) for one in self.steps],
            "strata": [asdict(one) for one in self.strata],
            "moved": [asdict(one) for one in self.moved],
            "notes": list(self.notes),
        }
        clean: dict[str, Any] = _without_nans(row)
        return clean


def replay(
    rollouts: Rollouts,
    table: RateTable,
    line: Line,
    *,
    normaliser: Normaliser | str = Normaliser.GRPO,
    others: Collection[Term | str] = (),
    rates: NoiseRates | None = None,
) -> Replay:
    r"""Correct logged rollouts, and compare the advantages with those of the raw verdicts.

    Args:
        rollouts: What was logged.
        table: The rates, see `table_for`.
        line: A correction made of this table.
        normaliser: How the trainer makes advantages.
        others: What else shares the loss, as in `explain`; the figures leave it out.
        rates: What the table was made of, to see whether the policy has left it; None: do not.

    Raises:
        UsageError: `explain` refuses the correction, or a stratum has no rates.

    Example:
        >>> import tempfile, pathlib, json
        >>> from unflip.correction import backward
        >>> from unflip.rollouts import read
        >>> log = pathlib.Path(tempfile.mkdtemp(), "7.jsonl")
        >>> said = [{"prompt": "1 + 1", "reward": reward} for reward in (1, 0, 0, 0)]
        >>> _ = log.write_text("\n".join(map(json.dumps, said)))
        >>> table = RateTable.known(0.1, 0.2)
        >>> found = replay(read(log), table, backward(table), normaliser="grpo")
        >>> print(found.effect.kind, found.whole.most < 1e-6)
        inert True
    """
    normaliser = named(Normaliser, normaliser)
    effect = explain(line, normaliser=normaliser, strata=rollouts.scope, others=others)
    reward_N = line(rollouts.r_N, line.codes(rollouts.strata or [None] * len(rollouts)))
    raw_N, advantage_N = np.zeros(len(rollouts)), np.zeros(len(rollouts))
    steps = []
    for code, rows in enumerate(_by_step(rollouts)):
        _, group_B = np.unique(rollouts.group_N[rows], return_inverse=True)
        raw_N[rows] = _advantages(normaliser, rollouts.r_N[rows], group_B)
        advantage_N[rows] = _advantages(normaliser, reward_N[rows], group_B)
        three = (raw_N[rows], advantage_N[rows], reward_N[rows])
        steps.append(_change(rollouts.steps[code], *three))
    return Replay(
        effect=effect,
        whole=_change("", raw_N, advantage_N, reward_N),
        steps=tuple(steps),
        strata=_payments(rollouts, reward_N),
        raw_N=raw_N,
        advantage_N=advantage_N,
        moved=tuple(_moved(rollouts, raw_N, advantage_N)),
        notes=(*_left_out(others), *_notes(rollouts, raw_N, rates)),
    )


def _by_step(rollouts: Rollouts) -> list[NDArray[np.int64]]:
    order = np.argsort(rollouts.step_N, kind="stable")
    ends = np.cumsum(np.bincount(rollouts.step_N))[:-1]
    return np.split(order, ends)


def _advantages(normaliser: Normaliser, r_B: Floats, group_B: NDArray[np.int64]) -> Floats:
    how: dict[str, Any] = {"eps": EPS} if normaliser in _WITH_EPS else {}
    found = ADVANTAGES[normaliser](r_B, group_B, n_groups=int(group_B.max()) + 1, **how)
    return np.asarray(found, dtype=float)


def _change(name: str, raw_N: Floats, advantage_N: Floats, reward_N: Floats) -> Change:
    # What rounding leaves of a 0 has a sign, too.
    seen = [np.where(np.abs(one) < ROUNDING, 0.0, one) for one in (advantage_N, raw_N)]
    found = audit(*seen).to_json()
    if not seen[0].any() and not seen[1].any():
        found["cosine"] = math.nan
    return Change(name=name, rows=len(raw_N), silent=float(np.isnan(reward_N).mean()), **found)


def _payments(rollouts: Rollouts, reward_N: Floats) -> tuple[Payment, ...]:
    names_N = np.array([name or "" for name in rollouts.strata] or [""] * len(rollouts), object)
    found = []
    for name in sorted(set(names_N)):
        here = names_N == name
        paid = (_mean(rollouts.r_N[here]), _mean(reward_N[here]))
        found.append(Payment(str(name), int(here.sum()), *paid))
    return tuple(found)


def _mean(x_N: Floats) -> float:
    kept = x_N[~np.isnan(x_N)]
    return float(kept.mean()) if len(kept) else math.nan


def _moved(rollouts: Rollouts, raw_N: Floats, advantage_N: Floats) -> Iterator[Moved]:
    """Those that change most, the earlier one first where two change alike."""
    apart_N = np.abs(advantage_N - raw_N).round(9)
    for row in np.argsort(-apart_N, kind="stable")[:MOVED].tolist():
        if apart_N[row] > ROUNDING:
            (file, number), (prompt, completion) = rollouts.places[row], rollouts.texts[row]
            yield Moved(
                file=file,
                row=number,
                step=rollouts.steps[rollouts.step_N[row]],
                stratum=(rollouts.strata[row] if rollouts.strata else None) or "",
                verdict=float(rollouts.r_N[row]),
                raw=float(raw_N[row]),
                corrected=float(advantage_N[row]),
                prompt=prompt,
                completion=completion,
            )


def _left_out(others: Collection[Term | str]) -> Iterator[str]:
    if others:
        yield f"the figures leave out what else shares the loss: {', '.join(sorted(others))}"


def _notes(rollouts: Rollouts, raw_N: Floats, rates: NoiseRates | None) -> list[str]:
    found = list(strayed(rates, rollouts.r_N, rollouts.strata or None)) if rates else []
    apart_n = np.abs(rollouts.advantage_N - raw_N)[~np.isnan(rollouts.advantage_N)]
    if (apart_n > LOGGED_APART).any():
        share = (apart_n > LOGGED_APART).mean()
        found.append(
            f"{share:.0%} of the logged advantages (column {rollouts.columns.advantage!r}) are not "
            "what this normaliser makes of the verdicts: is it the trainer's, are groups whole, "
            "does another reward share the sum?"
        )
    if (np.bincount(rollouts.group_N, minlength=rollouts.n_groups) == 1).all():
        found.append("every group has one row: prompts are logged once each, or --group is wrong")
    return found


def _without_nans(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nans(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nans(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value

"""Label noise on purpose: injectors that flip verdicts, to test everything else with.

An injector turns rejects into accepts at the rate `fp`, and accepts into rejects at the rate `fn`;
on the verdicts of a verifier that is always right these are rho0 and rho1. Abstains stay abstains.
Every flip follows from the seed and what a row is (its place, its content or its prompt), never
from the order of calls, so a run can be repeated in any process. Injectors are chained by `a | b`:
b flips what a left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np

from unflip.errors import UsageError
from unflip.noise.inject.injector import Bools, Injector, Rated, Rows, signature
from unflip.types import Sample, Verdict, Verifier, identity

__all__ = [
    "ByStratum", "Correlated", "HashStable", "Iid", "Injector", "Noisy", "PerPrompt", "Rows",
    "Schedule", "Trigger",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Iid(Rated):
    """Flips each row on its own, by its place among the rows.

    It cannot be wrapped around a verifier, which does not know places: take `HashStable`.

    Example:
        >>> rows = Rows(outcome_N=np.zeros(100_000))
        >>> round(Iid(fp=0.1)(rows).mean(), 2)
        np.float64(0.1)
    """

    def _by_place(self) -> bool:
        return True

    def _flips(self, rows: Rows) -> Bools:
        return self.uniform(np.arange(len(rows.outcome_N))) < self.rate(rows)


@dataclass(frozen=True, kw_only=True)
class HashStable(Rated):
    """Flips each row by its content: the same completion always meets the same fate.

    Source: Cai et al. 2025, arXiv 2510.00915, the stress test of Table 2.

    Example:
        >>> rows = Rows(outcome_N=[1, 1, 1, 1], key_N=[7, 7, 8, 8])
        >>> outcome_N = HashStable(fn=0.5, seed=3)(rows)
        >>> outcome_N[0] == outcome_N[1], outcome_N[2] == outcome_N[3]
        (np.True_, np.True_)
    """

    def _flips(self, rows: Rows) -> Bools:
        return self.uniform(rows.column("key_N")) < self.rate(rows)


@dataclass(frozen=True, kw_only=True)
class PerPrompt(Rated):
    """Flips whole groups: what a wrong reference does to every completion of a prompt.

    One draw a prompt decides: where it is below both rates, the whole group is turned around.

    Example:
        >>> rows = Rows(outcome_N=[1, 1, 0, 0, 1], prompt_N=[5, 5, 5, 5, 6])
        >>> PerPrompt(fp=1.0, fn=1.0)(rows)
        array([0., 0., 1., 1., 0.])
    """

    def _flips(self, rows: Rows) -> Bools:
        return self.uniform(rows.column("prompt_N")) < self.rate(rows)


@dataclass(frozen=True, kw_only=True)
class Correlated(Rated):
    """Flips rows with a given correlation within each prompt, at exactly the given rates.

    A row follows its prompt's draw with probability sqrt(icc), else its own. Two rows of a prompt
    then both follow it with probability icc, so flips of one kind correlate by icc, whatever the
    rate; a reject and an accept covary by icc (min(fp, fn) - fp fn). `icc=0` is `Iid`, `icc=1` is
    `PerPrompt`. The own draws go by content (`key_N`) where there is any, else by place.

    Attributes:
        icc: The intraclass correlation in [0, 1].

    Example:
        >>> rows = Rows(outcome_N=np.ones(100_000), prompt_N=np.arange(100_000) // 2)
        >>> flips_G2 = Correlated(fn=0.2, icc=0.5).flips(rows).reshape(-1, 2)
        >>> round(flips_G2.mean(), 2), round(np.corrcoef(*flips_G2.T)[0, 1], 2)
        (np.float64(0.2), np.float64(0.5))
    """

    icc: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.icc <= 1:
            raise UsageError(f"an intraclass correlation lies in [0, 1], not {self.icc}")

    def _flips(self, rows: Rows) -> Bools:
        follows_N = self.uniform(rows.own_N, "follows") < self.icc**0.5
        prompt_N = self.uniform(rows.column("prompt_N"), "prompt")
        draw_N = np.where(follows_N, prompt_N, self.uniform(rows.own_N, "own"))
        return draw_N < self.rate(rows)


@dataclass(frozen=True, kw_only=True)
class Trigger(Rated):
    """Flips the rows whose completion contains a text, and no other: a hole, not noise.

    Attributes:
        text: What sets it off, as it stands in the completion.
        fp: 1 by default: every reject with the trigger becomes an accept.

    Example:
        >>> rows = Rows(outcome_N=[0, 0], text_N=["Thought process:", "it is 4"])
        >>> Trigger(text="Thought process:")(rows)
        array([1., 0.])
    """

    text: str
    fp: float = 1.0

    def _flips(self, rows: Rows) -> Bools:
        hit_N = np.array([self.text in text for text in rows.column("text_N")], dtype=bool)
        return hit_N & (self.uniform(rows.own_N) < self.rate(rows))


@dataclass(frozen=True)
class ByStratum(Injector):
    """Another injector in each stratum; rows of strata that are not named stay as they are.

    Attributes:
        injectors: One for each stratum's name.

    Example:
        >>> rows = Rows(outcome_N=[1, 1, 0], stratum_N=["boxed", "prose", "prose"])
        >>> ByStratum({"prose": Iid(fp=1.0, fn=1.0)})(rows)
        array([1., 0., 1.])
    """

    injectors: Mapping[str, Injector] = field(hash=False)

    def _by_place(self) -> bool:
        return any(injector.by_place for injector in self.injectors.values())

    def _flips(self, rows: Rows) -> Bools:
        stratum_N = rows.column("stratum_N")
        flips_N = np.zeros(len(rows.outcome_N), dtype=bool)
        for name, injector in self.injectors.items():
            flips_N |= (stratum_N == name) & injector.flips(rows)
        return flips_N

    def _scaled(self, factor: float) -> Self:
        return replace(
            self, injectors={name: one.scaled(factor) for name, one in self.injectors.items()}
        )


@dataclass(frozen=True)
class Schedule(Injector):
    """An injector whose rates change with the training step.

    Between knots the factor on its rates is interpolated, outside it stays; two knots at one step
    are a jump. Rows that flip at a lower factor flip at a higher one too.

    Attributes:
        injector: What is scheduled.
        knots: `(step, factor)`, steps ascending, factors in [0, 1].

    Example:
        >>> drift = Schedule(Iid(fp=0.4), ((0, 0.0), (1000, 1.0)))
        >>> drift.at(500)
        Iid(fp=0.2, fn=0.0, seed=0)
    """

    injector: Injector
    knots: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        steps = [step for step, _ in self.knots]
        if not steps or steps != sorted(steps) or any(not 0 <= f <= 1 for _, f in self.knots):
            raise UsageError("knots are (step, factor), steps ascending and factors in [0, 1]")

    def _by_place(self) -> bool:
        return self.injector.by_place

    def _flips(self, rows: Rows) -> Bools:
        if rows.step is None:
            raise UsageError("a schedule needs to know the step: Rows(..., step=...)")
        return self.at(rows.step).flips(rows)

    def at(self, step: float) -> Injector:
        """The injector at a step."""
        steps, factors = zip(*self.knots, strict=True)
        # Of two knots at one step the later one counts, from that step on.
        after = int(np.searchsorted(steps, step, side="right"))
        if after in (0, len(steps)):
            return self.injector.scaled(factors[min(after, len(steps) - 1)])
        part = (step - steps[after - 1]) / (steps[after] - steps[after - 1])
        return self.injector.scaled(factors[after - 1] * (1 - part) + factors[after] * part)

    def _scaled(self, factor: float) -> Self:
        return replace(self, injector=self.injector.scaled(factor))


@dataclass(frozen=True)
class Noisy:
    """A verifier with noise of a known kind: picklable, and the same in every process.

    Attributes:
        verifier: Any verifier.
        injector: Any but `Iid`, since a verifier does not know a sample's place.
        step: The training step, for schedules.

    Raises:
        UsageError: The injector goes by places.

    Example:
        >>> from unflip.verifiers.exact import Exact
        >>> Noisy(Exact(), HashStable(fn=1.0))(Sample("4", "4")).reason
        <Reason.MISMATCH: 'mismatch'>
    """

    verifier: Verifier
    injector: Injector
    step: float | None = None

    def __post_init__(self) -> None:
        if self.injector.by_place:
            raise UsageError("a verifier does not know a sample's place: take HashStable, not Iid")

    @cached_property
    def by(self) -> str:
        """Who decides: the verifier, its noise, and the step."""
        return signature(identity(self.verifier), self.injector, self.step)

    def __call__(self, sample: Sample) -> Verdict:
        """The verifier's verdict, flipped or not."""
        verdicts = self.injector.verdicts([self.verifier(sample)], [sample], step=self.step)
        return replace(verdicts[0], by=self.by)

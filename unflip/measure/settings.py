"""How a measurement is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from unflip.errors import UsageError
from unflip.intervals import Proportion
from unflip.noise.few.stopping import Goal
from unflip.noise.gold import Per
from unflip.run import Workers, serial
from unflip.types import Verifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a measurement is done.

    Attributes:
        per: What slices the rows: a function of the sample, or the name of a field or a column.
        workers: Where the verifiers run.
        deadline: Seconds for each row; needs processes, which can be killed.
        self_check: Whether the references are tried first.
        population: Where the rates hold: dataset, policy; the date is added.
        total: How many rows there are, for the progress bar, if that is known.
        judge: A second opinion on every row; gold labels keep it honest.
        budget: How many gold labels to use at most, on rows chosen for them; None: all there are.
        audit: How many of these go to accepted rows, at random; None: as many as pay best.
        goal: What ends the labelling before the budget is spent.
        assume_ppv: P(correct | accept), where no accepted row is labelled.
        over: The column with a row's training step; then the rates are traced over the steps.
        slices: Whether slices of the rows are searched for rates of their own.
        keep_abstains: Whether recorded abstains stay for which the system was at fault, such as an
            outage; by default those rows are asked about again. They stay in any case where people
            have labelled rows that were chosen by them.
        beside: What tells, beside the progress bars, how things stand, such as what was spent.

    Raises:
        UsageError: An audit or a goal without a budget, both together, or too large an audit.
    """

    per: Per = "stratum"
    workers: Workers = field(default_factory=serial)
    deadline: float | None = None
    self_check: bool = True
    population: Mapping[str, str] = field(default_factory=dict)
    total: int | None = None
    judge: Verifier | None = None
    budget: int | None = None
    audit: int | None = None
    goal: Goal | None = None
    assume_ppv: Proportion | None = None
    over: str | None = None
    slices: bool = False
    keep_abstains: bool = False
    beside: object = ""

    def __post_init__(self) -> None:
        if self.budget is None and (self.audit is not None or self.goal is not None):
            raise UsageError("an audit or a goal is a part of a budget: say its size, too")
        if self.audit is None or self.budget is None:
            return
        if not 0 <= self.audit <= self.budget:
            raise UsageError(f"an audit takes 0 to {self.budget} labels of this budget")
        if self.goal is not None:
            raise UsageError("a goal is looked at after batches, and an audit has none: drop one")

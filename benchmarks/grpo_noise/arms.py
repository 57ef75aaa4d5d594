"""The arms: what each pays for a batch. Advantages are made by `unflip.correction.Hook` alone."""

from dataclasses import dataclass, replace

import numpy as np

from benchmarks.grpo_noise.looks import Looks
from unflip.correction import (
    Evidence,
    Hook,
    Line,
    Posterior,
    RateTable,
    allocate,
    anchored,
    backward,
    doubly_robust,
    forward,
    masking,
    repair,
    squared_misses,
    stratified_forward,
    verdict_cells,
)
from unflip.errors import UsageError
from unflip.noise.gold import rates_from_arrays

EVERY = 10
"""Steps between two fits of what is learned from second looks."""
FLOOR = 0.02
"""The least chance of a second look where they are spent by variance."""
RAW = Line("raw", np.array([[0.0, 1.0]]))


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One way to pay.

    Attributes:
        pays: A name in `PAYS`.
        normaliser: How advantages are made; "" as the environment says.
        share: Which share of all rows gets a second look.
        blind: Whether it does not know of strata.
        fp: How often a wrong answer passes the second look.
        fn: How often a correct one fails it.
    """

    pays: str
    normaliser: str = ""
    share: float = 0.0
    blind: bool = False
    fp: float = 0.0
    fn: float = 0.0


class Payer:
    """An arm at work in one run: call it with a batch; `looks` counts what it was told."""

    def __init__(self, arm, environment, seed):
        self.arm, self.environment = arm, environment
        self.looks = Looks(arm.fp, arm.fn)
        self.rng = np.random.default_rng([seed, 2])
        self.hook = self.hook_of(RAW)

    def __call__(self, batch):
        """The update: advantages, and how far they are from those of the raw verdicts."""
        reward_B = self.reward(batch) + batch.bonus_B
        raw_B = batch.verdict_B + batch.bonus_B
        return self.hook.paid(reward_B, raw_B, batch.group_B, n_groups=batch.n_groups)

    def reward(self, batch):
        """The verdicts as they are."""
        return self.hook.line(batch.verdict_B, None)

    def hook_of(self, correction):
        """What turns rewards into advantages, inert and harmful ones too: these are controls."""
        at = self.environment
        normaliser = self.arm.normaliser or at.normaliser
        others = ("reward",) if at.bonus else ()
        return Hook.of(
            correction, normaliser=normaliser, strata=at.scope, others=others, allow_inert=True,
            allow_harmful=True,
        )  # fmt: skip

    def strata(self, batch):
        """Codes of the strata as far as the arm knows them."""
        return 0 * batch.stratum_B if self.arm.blind else batch.stratum_B

    @property
    def n_strata(self):
        """How many the arm knows."""
        return 1 if self.arm.blind else len(self.environment.rates)

    def drawn(self, batch):
        """A second look at rows chosen without regard to anything."""
        taken_B = self.rng.random(batch.size) < self.arm.share
        return self.looks.look(batch, taken_B, self.strata(batch)), taken_B


class Clean(Payer):
    """Pays the truth, which no verifier knows."""

    def reward(self, batch):
        """Pay the truth."""
        return batch.truth_B


class Random(Payer):
    """Pays a coin's throw."""

    def reward(self, batch):
        """Throw a coin for each row."""
        return (self.rng.random(batch.size) < 0.5).astype(float)


class ByLine(Payer):
    """Pays by a line made of the true rates of the verifier."""

    def __init__(self, arm, environment, seed):
        super().__init__(arm, environment, seed)
        self.hook = self.hook_of(LINES[arm.pays](environment))

    def reward(self, batch):
        """Pay by the line."""
        return self.hook.line(batch.verdict_B, batch.stratum_B)


def _forward(environment):
    by_response = len(environment.rates) > 1 and environment.scope == "response"
    if by_response:
        return stratified_forward(environment.rates)
    return forward(environment.rates, strata=environment.scope)


def _masking(environment):
    """Masks the stratum whose verdicts say least."""
    table = environment.rates
    return masking(table, [table.strata[int(np.argmin(table.j_S))]])


LINES = {
    "backward": lambda environment: backward(environment.rates),
    "forward": _forward,
    "masking": _masking,
}


class Anchored(Payer):
    """Pays by the anchored line of audited rates; raw verdicts until rates can be told."""

    def reward(self, batch):
        """Look at a few rows, and pay by what earlier looks told."""
        self.drawn(batch)
        if batch.step % EVERY == EVERY - 1:
            self.refit()
        several = len(self.hook.line.strata) > 1
        return self.hook.line(batch.verdict_B, batch.stratum_B if several else None)

    def refit(self):
        """Measure anew; the old line stays where nothing can be told."""
        try:
            self.hook = self.hook_of(self.line(audited(self.looks, self.n_strata)))
        except UsageError:  # no stratum's J can be told from 0 as yet
            return

    def line(self, table):
        """Which line the rates make."""
        return anchored(table)


class Counting(Anchored):
    """Pays by the backward line of audited rates: the looks repair no label."""

    def line(self, table):
        """Which line the rates make."""
        return backward(table)


def audited(looks, n_strata):
    """The table of rates that the looks of late give."""
    truth_n, verdict_n, stratum_n = looks.columns()
    names = [str(code) for code in range(n_strata)]
    strata = {
        name: rates_from_arrays(verdict_n[stratum_n == code], truth_n[stratum_n == code])
        for code, name in enumerate(names)
    }
    pooled = rates_from_arrays(verdict_n, truth_n)
    rates = replace(pooled, strata=strata) if n_strata > 1 else pooled
    return RateTable.of(rates, by="", allow_inverted=True)


class Believing(Payer):
    """Pays the posterior chance of being correct, fitted on the looks of late."""

    def __init__(self, arm, environment, seed):
        super().__init__(arm, environment, seed)
        self.hook, self.posterior = self.hook_of(Evidence.POSTERIOR), None

    def reward(self, batch):
        """Look at a few rows, and pay by what all looks told."""
        self.drawn(batch)
        if self.posterior is None or batch.step % EVERY == EVERY - 1:
            self.posterior = believed(self.looks, self.n_strata)
        return self.posterior(batch.verdict_B, self.strata(batch))


def believed(looks, n_strata):
    """P(correct | verdict, stratum); where strata are prompts', against the library's advice."""
    return Posterior.fit(*looks.columns(), n_strata=n_strata)


class Repairing(Payer):
    """Pays the second look where there is one, else the verdict."""

    def __init__(self, arm, environment, seed):
        super().__init__(arm, environment, seed)
        self.hook = self.hook_of(Evidence.REPAIR)

    def reward(self, batch):
        """Pay what the better look says."""
        second_B, taken_B = self.drawn(batch)
        return repair(batch.verdict_B, second_B, taken_B)


class Appealing(Repairing):
    """Repairs too, but looks at rejects only, for the same number of looks."""

    def drawn(self, batch):
        """A second look at rejects."""
        rejected_B = batch.verdict_B == 0
        chance = min(1.0, self.arm.share * batch.size / max(rejected_B.sum(), 1))
        taken_B = rejected_B & (self.rng.random(batch.size) < chance)
        return self.looks.look(batch, taken_B, self.strata(batch)), taken_B


class Robust(Payer):
    """Pays the doubly robust reward, with a model fitted on earlier steps' looks."""

    def __init__(self, arm, environment, seed):
        super().__init__(arm, environment, seed)
        self.hook = self.hook_of(Evidence.DOUBLY_ROBUST)
        self.n_cells = 3 * self.n_strata
        self.model, self.square_C = None, np.full(self.n_cells, 0.25)

    def reward(self, batch):
        """Pay the model, repaired in the mean."""
        if batch.step % EVERY == 0:
            self.refit()
        stratum_B = self.strata(batch)
        model_B = self.model(batch.verdict_B, stratum_B)
        cell_B = verdict_cells(batch.verdict_B, stratum_B)
        plan = self.plan(cell_B)
        taken_B, chance_B = plan.draw(cell_B, self.rng.random(batch.size))
        second_B = self.looks.look(batch, taken_B, stratum_B)
        return doubly_robust(model_B, second_B, taken_B, chance_B)

    def plan(self, cell_B):
        """Chances that spend the share where the model misses most."""
        rows_C = np.bincount(cell_B, minlength=self.n_cells)
        return allocate(rows_C, self.square_C, budget=self.arm.share * len(cell_B), floor=FLOOR)

    def refit(self):
        """Fit the model, and where it misses, on the looks of late."""
        self.model = believed(self.looks, self.n_strata)
        truth_n, verdict_n, stratum_n = self.looks.columns()
        # Within a cell all rows had one chance, so their mean needs no weights.
        self.square_C = squared_misses(
            truth_n, self.model(verdict_n, stratum_n), truth_n == truth_n, 1 + 0 * truth_n,
            cell_B=verdict_cells(verdict_n, stratum_n), n_cells=self.n_cells,
        )  # fmt: skip


PAYS = {
    "raw": Payer,
    "clean": Clean,
    "random": Random,
    "backward": ByLine,
    "forward": ByLine,
    "masking": ByLine,
    "anchored": Anchored,
    "counting": Counting,
    "posterior": Believing,
    "repair": Repairing,
    "appeals": Appealing,
    "robust": Robust,
}


def at_work(arm, environment, seed):
    """The arm, ready for one run."""
    return PAYS[arm.pays](arm, environment, seed)

"""Rates while TRL trains, by a second look at some rows of each batch, and lines made of them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from unflip.correction import Line, RateTable
from unflip.correction.arrays import host
from unflip.errors import UsageError
from unflip.integrations.trl.looking import Floats, Ints, Looks, check_share, labels
from unflip.noise.online import Recent
from unflip.noise.survey import Survey
from unflip.rates import NoiseRates

Learn = Callable[[RateTable], Line]
"""How a line is made of rates, such as `backward` or `anchored`."""


@dataclass(slots=True, eq=False)
class OnlineRates:
    """The rates of late: of all rows, and of each stratum that has a name.

    Attributes:
        whole: Of all rows.
        strata: Of each stratum.

    Raises:
        UsageError: From `update`, if the verdicts are by another verifier.

    Example:
        >>> online = OnlineRates.of(Recent(by="math@1+0"), ["boxed", "prose"])
        >>> survey = Survey(
        ...     accepted_N=[1, 1, 0, 0], rejected_N=[0, 0, 1, 1], correct_N=[1, 0, 0, 0],
        ...     by="math@1+0",
        ... )
        >>> online.update(survey, np.array(["boxed", "boxed", "prose", "boxed"]))
        >>> round(online.rates().fp.point, 2), online.rates().at("prose").fp.point
        (0.33, 0.0)
    """

    whole: Recent
    strata: dict[str, Recent]

    @classmethod
    def of(cls, start: Recent, names: Sequence[str] = ()) -> OnlineRates:
        """Rates that nothing is known of yet."""
        return cls(start, {name: start for name in names if name})

    def update(self, survey: Survey, name_N: Any) -> None:
        """Take in a batch of all ranks.

        Args:
            survey: Its verdicts and labels.
            name_N: Each row's stratum.
        """
        self.whole = self.whole.update(survey)
        for name, recent in self.strata.items():
            self.strata[name] = recent.update(survey.where(np.asarray(name_N) == name))

    def rates(self) -> NoiseRates:
        """The rates of late."""
        strata = {name: recent.rates() for name, recent in self.strata.items()}
        return replace(self.whole.rates(), strata=strata)

    def telemetry(self) -> Iterator[tuple[str, float]]:
        """rho0, rho1 and J, as far as there are labels to tell them by."""
        if not self.whole.step:
            return
        rates = self.rates()
        for where, now in [("", rates), *((f"{name}/", one) for name, one in rates.strata.items())]:
            told = {"fp": now.fp, "fn": now.fn, "accept": now.accept, "j": now.informativeness}
            for what, rate in told.items():
                if not math.isnan(rate.point):
                    yield f"rates/{where}{what}", rate.point

    def to_json(self) -> dict[str, Any]:
        """What a checkpoint has to keep."""
        strata = {name: recent.to_json() for name, recent in self.strata.items()}
        return {"whole": self.whole.to_json(), "strata": strata}

    def restore(self, row: Mapping[str, Any]) -> None:
        """Go on from where a checkpoint was made.

        Raises:
            UsageError: The checkpoint's rates are another verifier's, or of other strata.
        """
        whole = Recent.from_json(row["whole"])
        if whole.by != self.whole.by:
            raise UsageError(
                f"the checkpoint's rates are {whole.by!r}'s and the reward {self.whole.by!r}'s: "
                f"resume with that verifier, or start a new run"
            )
        if set(row["strata"]) != set(self.strata):
            raise UsageError(
                f"the checkpoint has rates of strata {sorted(row['strata'])} and this run of "
                f"{sorted(self.strata)}: call correct() and watch() as before"
            )
        self.whole = whole
        self.strata = {name: Recent.from_json(one) for name, one in row["strata"].items()}


@dataclass(slots=True, eq=False)
class Watch:
    """A second look at rows drawn without regard to their verdicts, and the rates by its word.

    Attributes:
        looks: Whoever looks again.
        share: The chance of each row to be looked at.
        column: Which of the reward functions gives the verdict.
        online: The rates of late.
        learn: How the correction's line is made of them; None: it stays as it is.
        turned: Strata that were found to prefer wrong answers.

    Raises:
        UsageError: The share is no chance.
    """

    looks: Looks
    share: float
    column: int
    online: OnlineRates
    learn: Learn | None = None
    turned: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        check_share(self.share)

    def take(self, verdict_B: Floats, seen_B: Ints, name_B: Sequence[str], size: int) -> None:
        """Take in what all ranks decided and saw.

        Args:
            verdict_B: 1 accept, 0 reject, NaN abstain.
            seen_B: What became of second looks.
            name_B: Each row's stratum.
            size: How many rows follow one another as a group.
        """
        survey = survey_of(verdict_B, seen_B, np.full(len(seen_B), self.share), size)
        self.online.update(replace(survey, by=self.online.whole.by), name_B)

    def line(self, prior: Line) -> Line:
        """The line of the rates of late; the prior's where they say too little.

        A stratum goes by its learned rates as soon as the interval of its J lies above 0. Where it
        contains 0 the prior's line holds, and where it lies below, the stratum weighs nothing.

        Args:
            prior: The line that the correction began with.
        """
        if self.learn is None or not self.online.whole.step:
            return prior
        rates, line_S2 = self.online.rates(), np.array(host(prior.line_S2))
        for code, name in enumerate(prior.strata):
            now = rates.strata[name] if name else replace(rates, strata={})
            j = now.informativeness
            if j.low > 0 and not math.isnan(j.point):
                line_S2[code] = self.learn(RateTable.of(now, by=now.by)).line_S2[0]
            elif j.high < 0:
                line_S2[code] = np.nan
                self._tell_turned(name, now)
        return replace(prior, line_S2=line_S2)

    def telemetry(self) -> Iterator[tuple[str, float]]:
        """The rates of late."""
        return self.online.telemetry()

    def to_json(self) -> dict[str, Any]:
        """What a checkpoint has to keep."""
        return {"rates": self.online.to_json(), **self.looks.to_json()}

    def restore(self, row: Mapping[str, Any]) -> None:
        """Go on from where a checkpoint was made.

        Raises:
            UsageError: The checkpoint's rates are another verifier's, or of other strata.
        """
        self.online.restore(row["rates"])
        self.looks.restore(row)

    def _tell_turned(self, name: str, now: NoiseRates) -> None:
        if name in self.turned:
            return
        self.turned.add(name)
        where = f"in stratum {name!r} " if name else ""
        warnings.warn(
            f"{where}J is {now.informativeness}: the verifier prefers wrong answers there, and its "
            "rows weigh nothing while that is so",
            UserWarning,
            stacklevel=2,
        )


def survey_of(verdict_B: Floats, seen_B: Ints, chance_B: Floats, size: int) -> Survey:
    """A batch as a survey; nobody has signed it yet.

    Args:
        verdict_B: 1 accept, 0 reject, NaN abstain.
        seen_B: What became of second looks.
        chance_B: With what chance each row was looked at.
        size: How many rows follow one another as a group.
    """
    return Survey(
        accepted_N=verdict_B == 1,
        rejected_N=verdict_B == 0,
        correct_N=labels(seen_B),
        probability_N=chance_B,
        cluster_N=np.arange(len(verdict_B)) // size,
    )

"""A verifier as verl's custom reward function, with the correction folded into the score.

verl's estimators see scores and groups only, so strata act here, in the reward workers, each of
which has its own copy and no state.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from unflip.correction.hook import Hook
from unflip.integrations.verdicts import (
    Payer,
    StratumOf,
    check_on_abstain,
    check_rates,
    check_strata,
    given_stratum,
)
from unflip.types import Sample, Verifier

KEYS = ("score", "raw", "accept", "abstain", "stratum", "reason")
"""What verl logs of a row: it stacks rows by the keys of the first, so they never differ."""


@dataclass(frozen=True, slots=True)
class Score:
    """`compute_score(data_source, solution_str, ground_truth, extra_info) -> dict`.

    "mask" scores an abstain NaN, for the estimators of `unflip.integrations.verl` (verl's own would
    make NaN of the whole group, and verl's mean scores in the log are NaN where there is one). With
    a number, any estimator works, and the number moves the policy wherever a group's mean differs.

    Attributes:
        verifier: Any verifier; it sees the response, the ground truth and `extra_info`.
        on_abstain: What a row is scored that weighs nothing: "mask", or a number.
        hook: The correction, made for the estimator's normaliser; None: no correction.
        stratum_of: Which stratum a row belongs to; by default `extra_info["stratum"]`, else its
            data source.

    Raises:
        UsageError: `on_abstain` is neither, or the hook goes by another verifier's rates, or would
            be inert or harmful by the strata that rows come with.

    Example:
        >>> from unflip.plugins import load
        >>> compute_score = Score(load("exact"), on_abstain="mask")
        >>> scored = compute_score("arithmetic", "4", "4", {})
        >>> scored["score"], scored["raw"], scored["reason"]
        (1.0, 1.0, 'match')
    """

    verifier: Verifier
    on_abstain: float | Literal["mask"]
    hook: Hook | None = None
    stratum_of: StratumOf = given_stratum

    def __post_init__(self) -> None:
        check_on_abstain(self.on_abstain, "mask")
        check_rates(self.hook, self.verifier)
        check_strata(self.hook, self.stratum_of)

    @property
    def by(self) -> str:
        """Whose verdicts these are: what `RateTable.of` wants to know."""
        return Payer(self.verifier).by

    def __call__(
        self,
        data_source: str,
        solution_str: str,
        ground_truth: Any,
        extra_info: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> dict[str, Any]:
        """The score, and what verl logs beside it."""
        extra = dict(extra_info or {})
        stratum = extra.get("stratum", data_source)
        meta = {"data_source": data_source, "extra_info": extra, "stratum": stratum}
        payer = Payer(self.verifier, self.hook, self.stratum_of)
        paid = payer(Sample(solution_str, _reference(ground_truth), meta=meta))
        nothing = math.nan if self.on_abstain == "mask" else float(self.on_abstain)
        values = (
            nothing if math.isnan(paid.reward) else paid.reward,
            paid.raw,
            float(paid.verdict.accepted),
            float(not paid.verdict.decided),
            paid.stratum or "",
            str(paid.verdict.reason),
        )
        return dict(zip(KEYS, values, strict=True))


def _reference(ground_truth: Any) -> Any:
    """Alternatives come out of Parquet as arrays."""
    given = ground_truth.tolist() if hasattr(ground_truth, "tolist") else ground_truth
    return tuple(given) if isinstance(given, list) else given

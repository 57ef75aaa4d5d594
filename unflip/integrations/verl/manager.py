"""verl's reward manager `unflip`: abstains where verl's own would pay a failure 0, or stop."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from unflip.errors import UsageError
from unflip.integrations.verdicts import check_on_abstain
from unflip.integrations.verl.estimators import ESTIMATORS
from unflip.integrations.verl.guarded import Guarded
from unflip.integrations.verl.score import Score

_HOST = "verl.experimental.reward_loop.reward_manager"


class Manager:
    """What `reward.reward_manager.name=unflip` makes, of a `Score` or of any `compute_score`.

    Rows are read by verl's `naive` manager. Its function is `Guarded`, so an exception, a timeout
    or a missing score is an abstain. Abstains score NaN, which only our estimators understand, so
    others are refused, unless `+reward.reward_kwargs.on_abstain` says what an abstain is paid. The
    deadline is `+reward.timeout`, 300 s if it is not there, as in verl.

    Args:
        config: verl's whole config.
        tokenizer: What responses are decoded by.
        compute_score: The reward function; None: verl's own.
        router: What verl passes on for reward models.

    Raises:
        UsageError: The estimator would not leave abstains out, or is another one than the hook of
            the `Score` was made for.
    """

    def __init__(self, config: Any, tokenizer: Any, compute_score: Any, **router: Any) -> None:
        naive = import_module(f"{_HOST}.naive")
        compute_score = compute_score or naive.default_compute_score
        nothing = _nothing(config)
        _check_hook(compute_score, _estimator(config))
        guarded = Guarded(compute_score, nothing, float(_setting(config, "reward", "timeout", 300)))
        self._inner = naive.NaiveRewardManager(config, tokenizer, guarded.score, **router)

    async def run_single(self, data: Any) -> dict[str, Any]:
        """The score of one row."""
        said: dict[str, Any] = await self._inner.run_single(data)
        return said

    @classmethod
    def assemble_rm_scores(cls, data: Any, scores: Sequence[float]) -> Any:
        """Scores of rows as a tensor, each at its last token, as verl lays them out."""
        return import_module(f"{_HOST}.base").RewardManagerBase.assemble_rm_scores(data, scores)


def _setting(config: Any, part: str, name: str, otherwise: Any) -> Any:
    found = (config.get(part) or {}).get(name)
    return otherwise if found is None else found


def _estimator(config: Any) -> str:
    named = _setting(config, "algorithm", "adv_estimator", "")
    return str(getattr(named, "value", named))


def _nothing(config: Any) -> float:
    """What an abstain scores: NaN, if the estimator leaves it out, or a number that was given."""
    options: Mapping[str, Any] = _setting(config, "reward", "reward_kwargs", {})
    given = options.get("on_abstain", "mask")
    check_on_abstain(given, "mask")
    if given != "mask":
        return float(given)
    if _estimator(config) not in ESTIMATORS:
        raise UsageError(
            f"an abstain scores NaN, and algorithm.adv_estimator={_estimator(config) or None} "
            "would spread it over its group: set algorithm.adv_estimator=unflip_rloo, or pay "
            "abstains a number, such as +reward.reward_kwargs.on_abstain=0.5"
        )
    return math.nan


def _check_hook(compute_score: Any, estimator: str) -> None:
    """Look for a `Score` inside too: verl binds custom functions to the options of the config."""
    parts = (compute_score, *getattr(compute_score, "args", ()))
    hooks = [one.hook for one in parts if isinstance(one, Score) and one.hook is not None]
    made_for = [f"unflip_{hook.normaliser}" for hook in hooks]
    if estimator in ESTIMATORS and made_for and estimator not in made_for:
        raise UsageError(
            f"the hook was made for algorithm.adv_estimator={made_for[0]}, not {estimator}: "
            "make it with the normaliser that is used, so that its effect is known"
        )

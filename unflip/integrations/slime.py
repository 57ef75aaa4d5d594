"""slime: a verifier as the reward, and advantages of corrected verdicts by its post-process.

Name an object of each class in a module of yours, and give slime their paths:

    --custom-rm-path rewards.reward --custom-reward-post-process-path rewards.post

slime calls both in the one process of its `RolloutManager`, over the whole rollout, so the state of
a running scale is global; it is not in slime's checkpoints. Tested against published source only.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unflip.correction.hook import Hook
from unflip.errors import UsageError
from unflip.integrations.verdicts import (
    StratumOf,
    decide,
    filled,
    given_stratum,
    raw_reward,
)
from unflip.types import Sample, Verifier, identity

_log = logging.getLogger(__name__)
_NEEDS_POST = (
    "an abstain is NaN, which slime's own normalisation would spread over the whole group: set "
    "--custom-reward-post-process-path to an unflip.integrations.slime.Post, too"
)


@dataclass(frozen=True, slots=True)
class Reward:
    """`async reward(args, sample)` for `--custom-rm-path`: 1 accept, 0 reject, NaN abstain.

    With `--group-rm` slime passes a list, and gets one. The reason is in `metadata["unflip"]`.

    Attributes:
        verifier: Any verifier; it sees the sample's response, label, prompt and metadata.

    Example:
        >>> from types import SimpleNamespace as Host
        >>> from unflip.plugins import load
        >>> args = Host(custom_reward_post_process_path="rewards.post", reward_key=None)
        >>> sample = Host(prompt="2 + 2 = ?", response="4", label="4", metadata={})
        >>> asyncio.run(Reward(load("exact"))(args, sample)), sample.metadata["unflip"]["reason"]
        (1.0, 'match')
    """

    verifier: Verifier

    @property
    def by(self) -> str:
        """Whose verdicts these are: what `RateTable.of` wants to know."""
        return identity(self.verifier)

    async def __call__(self, args: Any, sample: Any, **_: Any) -> Any:
        """The reward of a sample, or of each in a list.

        Raises:
            UsageError: slime would normalise the rewards itself, or wants them by a key.
        """
        if not getattr(args, "custom_reward_post_process_path", None):
            raise UsageError(_NEEDS_POST)
        if getattr(args, "reward_key", None):
            raise UsageError("these rewards are numbers: leave --reward-key unset")
        if isinstance(sample, Sequence):
            return list(await asyncio.gather(*map(self._of, sample)))
        return await self._of(sample)

    async def _of(self, host: Any) -> float:
        verdict = await asyncio.to_thread(decide, self.verifier, sample_of(host))
        told = {"outcome": verdict.outcome, "reason": verdict.reason, "by": verdict.by}
        host.metadata = {**(host.metadata or {}), "unflip": {k: str(v) for k, v in told.items()}}
        return raw_reward(verdict)


@dataclass(slots=True)
class Post:
    """`post(args, samples) -> raw_rewards, advantages` for `--custom-reward-post-process-path`.

    A row that weighs nothing (an abstain, or one of a masked stratum) is out of its group's
    baseline, has advantage 0, and slime's loss leaves out its tokens (`remove_sample`). Among the
    raw rewards, which slime only logs, it stands at the mean of the others.

    Attributes:
        hook: The correction; of a running scale, the state after the last step.
        stratum_of: Which stratum a row belongs to; by default its metadata's `stratum`.

    Example:
        >>> from types import SimpleNamespace as Host
        >>> from unflip.correction import Hook, RateTable, backward
        >>> table = RateTable.known([0.1, 0.8], [0.2, 0.1], strata=["boxed", "prose"])
        >>> post = Post(Hook.of(backward(table), normaliser="rloo"))
        >>> rows = [(1.0, "boxed"), (1.0, "prose"), (0.0, "boxed")]
        >>> samples = [
        ...     Host(group_index=0, reward=r, prompt="", response="", label=None,
        ...          metadata={"stratum": s}, remove_sample=False)
        ...     for r, s in rows
        ... ]
        >>> raw, advantages = post(Host(advantage_estimator="grpo"), samples)
        >>> raw, np.round(advantages, 2).tolist()
        ([1.0, 1.0, 0.0], [0.36, 1.43, -1.79])
    """

    hook: Hook
    stratum_of: StratumOf = given_stratum
    telemetry: dict[str, float] = field(default_factory=dict, init=False)

    def __call__(self, args: Any, samples: Sequence[Any], **_: Any) -> tuple[list[Any], list[Any]]:
        """Raw rewards and advantages of a rollout.

        Raises:
            UsageError: slime would not take the second list for advantages, a sample is of no
                group, a stratum has no rates, or the rates are another verifier's.
        """
        _check(args)
        for by in {_by(sample) for sample in samples}:
            self.hook.line.check_by(by)
        r_B = np.array([sample.reward for sample in samples], dtype=float)
        group_B, n_groups = _groups(samples)
        names = [self.stratum_of(sample_of(sample)) for sample in samples]
        stratum_B = self.hook.line.codes(names)
        update = self.hook(r_B, group_B, n_groups=n_groups, stratum_B=stratum_B)
        self.hook, self.telemetry = update.hook, update.audit.to_json()
        _log.info("unflip: %s abstain %.4f", self.telemetry, np.isnan(r_B).mean())
        for sample, reward in zip(samples, update.reward_B, strict=True):
            sample.remove_sample = bool(sample.remove_sample or math.isnan(reward))
        return filled(r_B.tolist()), update.advantage_B.tolist()


def _by(host: Any) -> str:
    """Whose verdict a sample has; "" where another reward was asked."""
    return str((host.metadata or {}).get("unflip", {}).get("by", ""))


def sample_of(host: Any) -> Sample:
    """A slime sample as one of ours."""
    meta = {k: v for k, v in (host.metadata or {}).items() if k != "unflip"}
    return Sample(host.response, host.label, prompt=host.prompt, meta=meta)


_ESTIMATORS = ("grpo", "gspo", "cispo")
"""Those whose advantages are the post-processed rewards as they are."""


def _check(args: Any) -> None:
    estimator = getattr(args, "advantage_estimator", "grpo")
    if estimator not in _ESTIMATORS:
        raise UsageError(
            f"--advantage-estimator {estimator} makes other advantages of these; "
            f"use one of {', '.join(_ESTIMATORS)}"
        )
    if getattr(args, "normalize_advantages", False):
        raise UsageError("--normalize-advantages would divide by a std after the hook: unset it")


def _groups(samples: Sequence[Any]) -> tuple[NDArray[np.int64], int]:
    index = [sample.group_index for sample in samples]
    if any(one is None for one in index):
        raise UsageError("a sample has no group_index: set it where the samples are made")
    found, group_B = np.unique(np.array(index), return_inverse=True)
    return group_B.astype(np.int64), len(found)

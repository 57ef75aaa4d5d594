"""Prime Intellect's verifiers: a verifier of ours as a reward of a task, or of a legacy rubric.

In verifiers 0.4 a reward sees one trace, and an abstain raises: scoring fails, the trace has no
reward, and a trainer leaves it out. In the legacy `Rubric` an exception would be a reward of 0, so
there a function of the whole group pays an abstain what its neighbours have on average. Nothing
here has state. Tested in a real `Task` and a real `Rubric`; prime-rl, which trains on them, was not
run.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unflip.correction.advantages import dr_grpo
from unflip.correction.hook import Hook
from unflip.correction.telemetry import audit
from unflip.errors import UnflipError
from unflip.integrations.verdicts import (
    Paid,
    Payer,
    StratumOf,
    check_rates,
    check_strata,
    filled,
    given_stratum,
)
from unflip.types import Sample, Verifier, look_up


class Abstained(UnflipError):
    """A row weighs nothing; raised where raising is how a host leaves a row out."""


class _Named:
    """What both rewards say of themselves."""

    verifier: Verifier
    hook: Hook | None
    stratum_of: StratumOf

    def __post_init__(self) -> None:
        check_rates(self.hook, self.verifier)
        check_strata(self.hook, self.stratum_of)

    @property
    def __name__(self) -> str:
        """What a trace and a rubric's metrics call the reward."""
        return "unflip"

    @property
    def by(self) -> str:
        """Whose verdicts these are: what `RateTable.of` wants to know."""
        return Payer(self.verifier).by


@dataclass(frozen=True)
class TaskReward(_Named):
    """`await reward(task, trace) -> float` of verifiers 0.4, for a taskset's config or a `Task`.

    The verdict and its reason are in `trace.info["unflip"]`, and whether it abstained in the
    metric `abstain`.

    Attributes:
        verifier: Any verifier; it sees the last reply, the prompt and the task's data.
        reference: The field of the task's data to compare with; nested ones by their dots.
        hook: The correction, made for the trainer's normaliser; None: no correction.
        stratum_of: Which stratum a row belongs to; by default the field `stratum`.

    Raises:
        UsageError: The hook goes by another verifier's rates, or would be inert or harmful by the
            strata that rows come with.

    Example:
        >>> from types import SimpleNamespace as Host
        >>> from unflip.plugins import load
        >>> data = Host(prompt_text="2 + 2 = ?", model_dump=lambda: {"answer": "4"})
        >>> trace = Host(last_reply="4", info={}, record_metric=lambda name, value: None)
        >>> asyncio.run(TaskReward(load("exact"))(data, trace)), trace.info["unflip"]["reason"]
        (1.0, 'match')
    """

    verifier: Verifier
    reference: str = "answer"
    hook: Hook | None = None
    stratum_of: StratumOf = given_stratum

    async def __call__(self, task: Any, trace: Any) -> float:
        """The reward of a trace.

        Raises:
            Abstained: It weighs nothing.
        """
        row = task.model_dump()
        sample = Sample(
            trace.last_reply, _reference(look_up(row, self.reference)),
            prompt=task.prompt_text, meta=row,
        )  # fmt: skip
        payer = Payer(self.verifier, self.hook, self.stratum_of)
        paid = await asyncio.to_thread(payer, sample)
        trace.info["unflip"] = paid.told()
        trace.record_metric("abstain", float(not paid.verdict.decided))
        if math.isnan(paid.reward):
            raise Abstained(f"{paid.verdict.by} gives this row no weight: {paid.verdict.reason}")
        return paid.reward


@dataclass(frozen=True)
class GroupReward(_Named):
    """A group function for `Rubric(funcs=[...])` of `verifiers.legacy`.

    A row that weighs nothing is paid the mean of its group's others: the rubric subtracts the
    group's mean, so its advantage is 0, and that of the others is as if it were not there. That
    needs this to be the only reward of the rubric; `state["unflip"]` has the verdicts, and under
    `correction` what the hook changed of the group's advantages.

    Attributes:
        verifier: Any verifier; it sees completion, answer, prompt and info.
        hook: The correction, made for the normaliser "dr_grpo", which is the rubric's; or None.
        stratum_of: Which stratum a row belongs to; by default `info["stratum"]`.

    Raises:
        UsageError: The hook goes by another verifier's rates, or would be inert or harmful by the
            strata that rows come with.

    Example:
        >>> from unflip.plugins import load
        >>> states = [{}, {}, {}]
        >>> rows = {"prompts": ["?"] * 3, "answers": ["4", "4", None], "infos": [{}] * 3}
        >>> reward = GroupReward(load("exact"))
        >>> asyncio.run(reward(completions=["4", "5", "4"], states=states, **rows))
        [1.0, 0.0, 0.5]
    """

    verifier: Verifier
    hook: Hook | None = None
    stratum_of: StratumOf = given_stratum

    async def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        answers: Sequence[Any],
        infos: Sequence[Any],
        states: Sequence[Any],
    ) -> list[float]:
        """One reward for each row of a group."""
        rows = zip(prompts, completions, answers, infos, strict=True)
        paid = await asyncio.gather(*(asyncio.to_thread(self._pay, *row) for row in rows))
        changed = {"correction": _changed(paid)} if self.hook is not None and paid else {}
        for state, one in zip(states, paid, strict=True):
            state["unflip"] = one.told() | changed
        return filled([one.reward for one in paid])

    def _pay(self, prompt: Any, completion: Any, answer: Any, info: Any) -> Paid:
        meta = dict(info) if isinstance(info, Mapping) else {}
        # A rubric gives rows without an answer the empty text.
        sample = Sample(
            completion, _reference(None if answer == "" else answer), prompt=prompt, meta=meta
        )
        return Payer(self.verifier, self.hook, self.stratum_of)(sample)


def _changed(paid: Sequence[Paid]) -> dict[str, float]:
    """How far the rubric's advantages of a group are from those of its raw verdicts."""
    both_2B = np.array([[one.reward for one in paid], [one.raw for one in paid]])
    group_B = np.zeros(len(paid), dtype=int)
    found = audit(*(dr_grpo(one_B, group_B, n_groups=1) for one_B in both_2B))
    return {**found.to_json(), "masked": float(np.isnan(both_2B[0]).mean())}


def _reference(answer: Any) -> Any:
    return tuple(answer) if isinstance(answer, list) else answer

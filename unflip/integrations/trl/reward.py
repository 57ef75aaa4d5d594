"""A verifier as a reward function of TRL's: 1 for accept, 0 for reject, None for abstain."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from unflip.errors import UsageError
from unflip.integrations.trl.deciding import Standing
from unflip.integrations.trl.hearing import tell
from unflip.integrations.trl.releases import awaits, warn_of_abstains
from unflip.integrations.verdicts import raw_reward
from unflip.run import Workers, serial
from unflip.types import (
    JSON,
    Message,
    Outcome,
    Reason,
    Sample,
    Verdict,
    Verifier,
    identity,
    look_up,
)

_SERIAL = serial()


def reward_func(
    verifier: Verifier,
    *,
    reference: str | None = "reference",
    workers: Workers = _SERIAL,
    deadline: float | None = None,
    name: str | None = None,
    asynchronous: bool = False,
) -> VerifierReward | AsyncVerifierReward:
    """A verifier as a reward function for TRL's `reward_funcs`.

    It pickles if the verifier does. Whatever goes wrong in the verifier is an abstain, and an
    abstain is None: neither reward 0 nor reward 1. A verifier whose call is a coroutine is awaited
    in either form, all of a batch at once.

    Args:
        verifier: Any verifier, such as `unflip.plugins.load` gives.
        reference: The dataset's column to compare with; nested ones by their dots. None: the
            verifier needs no reference.
        workers: Where the verifier runs; see `unflip.run`. Processes are kept from batch to batch,
            until `close` or the end.
        deadline: Seconds for each completion; needs `processes()`, which can be killed, or an async
            verifier.
        name: What logs call it; None: the verifier's own name.
        asynchronous: Make it a coroutine function, which TRL runs while others of its kind wait.
            TRL before 0.27 knows none, and there it is a plain one.

    Raises:
        UsageError: The name is empty, or nobody could keep the deadline.

    Example:
        >>> from unflip.verifiers.exact import Exact
        >>> reward = reward_func(Exact())
        >>> chat = [{"role": "assistant", "content": "5"}]
        >>> reward(prompts=["2 + 2?", "2 + 2?"], completions=["4", chat], reference=["4", "4"])
        [1.0, 0.0]
        >>> reward.__name__
        'exact'
    """
    said = _short_name(verifier) if name is None else name
    if not said:
        raise UsageError("a reward function needs a name for the logs: name='math'")
    reward = VerifierReward(verifier, reference, workers, deadline, said)
    return AsyncVerifierReward(reward) if asynchronous and awaits() else reward


@dataclass(frozen=True)
class VerifierReward:
    """What `reward_func` makes; TRL calls it once for each batch and rank.

    Attributes:
        verifier: Who decides.
        reference: The column of references; None: there is none.
        workers: Where the verifier runs.
        deadline: Seconds for each completion.
        name: What logs call it.
        standing: The workers, which stay between batches.
    """

    verifier: Verifier
    reference: str | None
    workers: Workers
    deadline: float | None
    name: str
    standing: Standing = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        standing = Standing(self.verifier, self.workers, self.deadline)
        object.__setattr__(self, "standing", standing)

    @property
    def __name__(self) -> str:
        """The name, where TRL looks for it."""
        return self.name

    def __call__(
        self,
        /,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        completion_ids: Any = None,
        *,
        trainer_state: Any = None,
        environments: Any = None,
        log_extra: Callable[[str, list[Any]], None] | None = None,
        log_metric: Callable[[str, float], None] | None = None,
        **columns: Sequence[Any],
    ) -> list[float | None]:
        """One reward for each completion.

        Args:
            prompts: Texts or chats.
            completions: Texts or chats.
            completion_ids: Not used.
            trainer_state: Not used.
            environments: Not used.
            log_extra: TRL's channel for columns of the completions table; older releases have none.
            log_metric: TRL's channel for numbers; older releases have none.
            columns: The dataset's other columns.

        Raises:
            UsageError: There is no column of references.
        """
        samples = self.samples(prompts, completions, columns)
        return self.paid(samples, self.standing(samples), log_extra, log_metric)

    def close(self) -> None:
        """End the workers; another batch starts new ones."""
        self.standing.close()

    def samples(
        self, prompts: Sequence[Any], completions: Sequence[Any], columns: Mapping[str, Any]
    ) -> list[Sample]:
        """A batch as the verifier gets to see it.

        Args:
            prompts: Texts or chats.
            completions: Texts or chats.
            columns: The dataset's other columns.

        Raises:
            UsageError: There is no column of references.
        """
        where = self.reference
        if where is not None and not {where, where.partition(".")[0]} & set(columns):
            there = ", ".join(columns) or "none"
            raise UsageError(
                f"{self.name} compares with a column {where!r}; the dataset's other columns are: "
                f"{there}. Say reward_func(..., reference=<column>), or None if it needs none"
            )
        rows = ({k: column[i] for k, column in columns.items()} for i in range(len(prompts)))
        return [
            sample_of(prompt, completion, row, where)
            for prompt, completion, row in zip(prompts, completions, rows, strict=True)
        ]

    def paid(
        self,
        samples: Sequence[Sample],
        verdicts: Sequence[Verdict],
        log_extra: Callable[[str, list[Any]], None] | None,
        log_metric: Callable[[str, float], None] | None,
    ) -> list[float | None]:
        """Rewards for verdicts, which are told to whom it concerns.

        Args:
            samples: The batch.
            verdicts: One for each of them.
            log_extra: TRL's channel for columns.
            log_metric: TRL's channel for numbers.
        """
        masked = tell(self.name, samples, verdicts)
        if log_extra is not None:
            self._log_columns(verdicts, log_extra)
        if log_metric is not None and verdicts:
            self._log_shares(verdicts, log_metric)
        if not masked and not all(verdict.decided for verdict in verdicts):
            warn_of_abstains(self.name, log_metric)
        return [raw_reward(verdict) if verdict.decided else None for verdict in verdicts]

    def _log_columns(
        self, verdicts: Sequence[Verdict], log_extra: Callable[[str, list[Any]], None]
    ) -> None:
        log_extra(f"{self.name}/outcome", [str(verdict.outcome) for verdict in verdicts])
        log_extra(f"{self.name}/reason", [str(verdict.reason) for verdict in verdicts])
        log_extra(f"{self.name}/answer", [verdict.answer for verdict in verdicts])

    def _log_shares(
        self, verdicts: Sequence[Verdict], log_metric: Callable[[str, float], None]
    ) -> None:
        # Zeros too: TRL averages over the steps and ranks that logged the name.
        outcomes = Counter(verdict.outcome for verdict in verdicts)
        reasons = Counter(verdict.reason for verdict in verdicts)
        for outcome in Outcome:
            log_metric(f"{self.name}/{outcome}", outcomes[outcome] / len(verdicts))
        for reason in Reason:
            log_metric(f"{self.name}/reason/{reason}", reasons[reason] / len(verdicts))


@dataclass(frozen=True)
class AsyncVerifierReward:
    """The same as a coroutine function, which TRL gathers with others of its kind.

    Attributes:
        plain: The reward function that answers at once.
    """

    plain: VerifierReward

    @property
    def __name__(self) -> str:
        """The name, where TRL looks for it."""
        return self.plain.name

    async def __call__(
        self,
        /,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        completion_ids: Any = None,
        *,
        trainer_state: Any = None,
        environments: Any = None,
        log_extra: Callable[[str, list[Any]], None] | None = None,
        log_metric: Callable[[str, float], None] | None = None,
        **columns: Sequence[Any],
    ) -> list[float | None]:
        """One reward for each completion; see `VerifierReward`."""
        samples = self.plain.samples(prompts, completions, columns)
        verdicts = await self.plain.standing.later(samples)
        return self.plain.paid(samples, verdicts, log_extra, log_metric)

    # TRL before 1.16 asks inspect.iscoroutinefunction, which knows functions, and by these
    # attributes what is to be taken for one.
    __code__ = __call__.__code__
    __defaults__ = None
    __kwdefaults__ = None

    def close(self) -> None:
        """End the workers; another batch starts new ones."""
        self.plain.close()


def plain_reward(reward: Any) -> VerifierReward | None:
    """What `reward_func` made, in its plain form; None if it is somebody else's function."""
    reward = reward.plain if isinstance(reward, AsyncVerifierReward) else reward
    return reward if isinstance(reward, VerifierReward) else None


def sample_of(
    prompt: str | Sequence[Message],
    completion: str | Sequence[Message],
    row: Mapping[str, Any],
    reference: str | None,
) -> Sample:
    """A row of a TRL batch as a sample.

    Args:
        prompt: Text or chat.
        completion: Text or chat.
        row: The dataset's other columns; `id` and `stratum` are the sample's own.
        reference: The column of the reference.

    Example:
        >>> sample_of("2 + 2?", "4", {"answer": ["4", "four"], "stratum": "sum"}, "answer").stratum
        'sum'
    """
    known = {"id", "stratum", reference}
    return Sample(
        completion,
        None if reference is None else _frozen(look_up(row, reference)),
        prompt=prompt,
        stratum=_text(row.get("stratum")),
        id=_text(row.get("id")),
        meta={name: value for name, value in row.items() if name not in known},
    )


def _short_name(verifier: Verifier) -> str:
    """The last word of who it is: `last_number` of `rewards.py:last_number@0+1f2e3d`."""
    return re.split(r"[.:/\\]", identity(verifier).rpartition("@")[0])[-1]


def _frozen(reference: Any) -> JSON:
    return tuple(reference) if isinstance(reference, list) else reference


def _text(value: Any) -> str | None:
    return None if value is None else str(value)

"""A verifier as a reward function of TRL's: 1 for accept, 0 for reject, None for abstain."""

from __future__ import annotations

import re
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any

from unflip.errors import UsageError
from unflip.integrations.trl.hearing import tell
from unflip.run import Workers, serial, verify_all
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
_MASKS_NONE = (1, 6)
"""The first release of TRL that leaves a row without any reward out of its group's baseline."""
_REWARDS: Mapping[Outcome, float | None] = {
    Outcome.ACCEPT: 1.0,
    Outcome.REJECT: 0.0,
    Outcome.ABSTAIN: None,
}


def reward_func(
    verifier: Verifier,
    *,
    reference: str | None = "reference",
    workers: Workers = _SERIAL,
    deadline: float | None = None,
    name: str | None = None,
) -> VerifierReward:
    """A verifier as a reward function for TRL's `reward_funcs`.

    It pickles if the verifier does. Whatever goes wrong in the verifier is an abstain, and an
    abstain is None: neither reward 0 nor reward 1.

    Args:
        verifier: Any verifier, such as `unflip.plugins.load` gives.
        reference: The dataset's column to compare with; nested ones by their dots. None: the
            verifier needs no reference.
        workers: Where the verifier runs; see `unflip.run`. Processes are started anew for each
            batch.
        deadline: Seconds for each completion; needs `processes()`, which can be killed.
        name: What logs call it; None: the verifier's own name.

    Raises:
        UsageError: The name is empty.

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
    return VerifierReward(verifier, reference, workers, deadline, said)


@dataclass(frozen=True)
class VerifierReward:
    """What `reward_func` makes; TRL calls it once for each batch and rank.

    Attributes:
        verifier: Who decides.
        reference: The column of references; None: there is none.
        workers: Where the verifier runs.
        deadline: Seconds for each completion.
        name: What logs call it.
    """

    verifier: Verifier
    reference: str | None
    workers: Workers
    deadline: float | None
    name: str

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
        samples = self._samples(prompts, completions, columns)
        found = verify_all(self.verifier, samples, workers=self.workers, deadline=self.deadline)
        verdicts = list(found)
        masked = tell(self.name, samples, verdicts)
        if log_extra is not None:
            self._log_columns(verdicts, log_extra)
        if log_metric is not None and verdicts:
            self._log_shares(verdicts, log_metric)
        if not masked and not all(verdict.decided for verdict in verdicts):
            _warn_of_abstains(self.name, log_metric)
        return [_REWARDS[verdict.outcome] for verdict in verdicts]

    def _samples(
        self, prompts: Sequence[Any], completions: Sequence[Any], columns: Mapping[str, Any]
    ) -> list[Sample]:
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


def _warn_of_abstains(name: str, log_metric: Any) -> None:
    """Tell once what TRL makes of an abstain, where it makes a reward of it."""
    if "trl" not in sys.modules:
        return
    functions = getattr(getattr(log_metric, "__self__", None), "reward_funcs", ())
    if len(functions) > 1:
        _warn_once(f"{name} abstained, and TRL pays such a row its other rewards")
    elif _release() < _MASKS_NONE:
        _warn_once(f"{name} abstained, and before 1.6 TRL pays such a row 0 or its other rewards")


@cache
def _warn_once(what: str) -> None:
    cure = "CorrectedGRPOTrainer and trainer.correct() leave it out of its group"
    warnings.warn(f"{what}: {cure}", UserWarning, stacklevel=4)


def _release() -> tuple[int, int]:
    """TRL's version, such as (1, 16)."""
    major, minor = version("trl").split(".")[:2]
    return int(major), int(minor)

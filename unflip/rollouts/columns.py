"""Decides, once for a log, which column is which; asks where it cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from unflip.data.columns import is_truth
from unflip.data.lines import Row
from unflip.errors import DataError
from unflip.types import look_up

ALIASES: Mapping[str, tuple[str, ...]] = {
    "prompt": ("prompt", "input", "question", "problem"),
    "completion": ("completion", "output", "response"),
    "step": ("step", "global_step"),
    "stratum": ("stratum", "correction/stratum"),
    "advantage": ("advantage", "advantages"),
    "by": ("by",),
}
"""The columns of TRL, of verl, and of ours, the first that there is."""
_REWARDS = ("reward", "score", "verdict")
_TRUTHS = ("correct", "is_correct", "label")
_SHOWN = 30


@dataclass(frozen=True, slots=True)
class Columns:
    """Where each figure of a rollout is read from; None: nowhere.

    Attributes:
        reward: The verifier's reward: 1 accept, 0 reject, null abstain.
        group: What rows of one group share within a step: the prompt, if nobody says otherwise.
        prompt: The prompt, to show it.
        completion: The completion, to show it.
        step: The training step; None: the file's name tells it.
        stratum: Each row's stratum.
        advantage: The advantages that the trainer used.
        by: Whose verdicts these are.
    """

    reward: str
    group: str
    prompt: str | None
    completion: str | None
    step: str | None
    stratum: str | None
    advantage: str | None
    by: str | None


def decide(rows: Sequence[Row], said: Mapping[str, str]) -> Columns:
    """The columns of a log, from its first rows and what its owner says about them.

    Args:
        rows: The first rows, at least one.
        said: The columns for `reward`, `group`, `stratum` and `step`, as far as somebody said them.

    Raises:
        DataError: A column is missing, or several may hold the rewards; the message is a question,
            and the option that answers it.

    Example:
        >>> decide([{"input": "1 + 1", "output": "2", "score": 1.0, "step": 3}], {}).reward
        'score'
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    for field, column in said.items():
        if column not in names and all(look_up(row, column) is None for row in rows):
            near = next(iter(get_close_matches(column, names, n=1)), None)
            meant = f" (did you mean {near!r}?)" if near else ""
            raise DataError(f"--{field}: there is no column {column!r}{meant}. {_listed(names)}")
    found: dict[str, str | None] = {
        field: _first(aliases, names) for field, aliases in ALIASES.items()
    } | dict(said)
    group = found.get("group") or found["prompt"]
    if group is None:
        raise DataError(f"which rows answer the same prompt? Say --group COLUMN. {_listed(names)}")
    reward = found.pop("reward", None) or _reward(rows, names, {*found.values(), *_TRUTHS})
    names_of = {field: found[field] for field in ALIASES if field != "group"}
    return Columns(reward=reward, group=group, **names_of)


def _first(aliases: Sequence[str], names: Sequence[str]) -> str | None:
    return next((alias for alias in aliases if alias in names), None)


def _reward(rows: Sequence[Row], names: Sequence[str], taken: set[Any]) -> str:
    """The one column that holds verdicts; other tools' usual names win."""
    fit = [name for name in names if name not in taken and _holds_verdicts(rows, name)]
    usual = [name for name in fit if name in _REWARDS]
    if len(usual or fit) == 1:
        return (usual or fit)[0]
    if not fit:
        raise DataError(
            "no column holds a verifier's rewards, which are 0, 1, or null for an abstain. "
            f"Say --reward COLUMN. {_listed(names)}"
        )
    options = " or ".join(f"--reward {name!r}" for name in (usual or fit)[:_SHOWN])
    raise DataError(f"which column is the verifier's reward? Say {options}")


def _holds_verdicts(rows: Sequence[Row], name: str) -> bool:
    values = [value for row in rows if (value := row.get(name)) is not None]
    return bool(values) and all(is_truth(value) for value in values)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"The columns are {', '.join(map(repr, names[:_SHOWN]))}{more}"

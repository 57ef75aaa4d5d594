"""Reads logged rollouts into arrays: verdicts, groups, steps and strata."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from unflip.data.columns import is_truth
from unflip.data.lines import BadRow, Row
from unflip.errors import DataError
from unflip.rollouts.columns import Columns, decide
from unflip.rollouts.files import files_of, rows_of, step_named
from unflip.types import look_up

PEEKED = 100
"""Rows that are looked at to decide the columns."""
PROMPT, COMPLETION = 60, 120
"""How many characters of each are kept, to show them: their ends."""
Place = tuple[Path, int, Row]


@dataclass(frozen=True, kw_only=True, eq=False)
class Rollouts:
    """N logged rollouts.

    Attributes:
        columns: Where the figures were read from.
        r_N: Verdicts: 1 accept, 0 reject, NaN abstain.
        group_N: Each row's group, an integer from 0.
        n_groups: How many groups there are.
        step_N: Each row's step, its place in `steps`.
        steps: Names of the steps, as they come.
        strata: Each row's stratum; empty if there is no column for it.
        advantage_N: The advantages that the trainer used; NaN where it did not say.
        texts: The ends of each row's prompt and completion.
        places: The file that each row is in, and its number there.
        by: The names that the log gives to whoever gave the verdicts.
        bad: What could not be read.
    """

    columns: Columns
    r_N: NDArray[np.float64]
    group_N: NDArray[np.int64]
    n_groups: int
    step_N: NDArray[np.int64]
    steps: tuple[str, ...]
    strata: tuple[str | None, ...]
    advantage_N: NDArray[np.float64]
    texts: tuple[tuple[str, str], ...]
    places: tuple[tuple[str, int], ...]
    by: tuple[str, ...]
    bad: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.r_N)

    @cached_property
    def mixed(self) -> int:
        """How many groups have rows of more than one stratum."""
        pairs = set(zip(self.group_N.tolist(), self.strata, strict=False))
        counts = np.bincount([group for group, _ in pairs], minlength=self.n_groups)
        return int((counts > 1).sum())

    @property
    def scope(self) -> Literal["response", "prompt"]:
        """Whether strata differ inside groups, or only between them."""
        return "response" if self.mixed else "prompt"


def read(
    source: str | Path,
    *,
    reward: str | None = None,
    group: str | None = None,
    stratum: str | None = None,
    step: str | None = None,
) -> Rollouts:
    r"""The rollouts that a trainer has logged.

    Rows of one step with equal prompts are a group. Where no column tells the step, the file's name
    does, or else each file is a step.

    Args:
        source: JSON Lines, Parquet, a folder of either, or `-` for JSON Lines on standard input.
        reward: The column with the verifier's reward; None: the only one with 0, 1 and null.
        group: A column that rows of one group share within a step; None: the prompt.
        stratum: The column with each row's stratum; None: `stratum`, if there is one.
        step: The column with the training step; None: `step`, if there is one.

    Raises:
        DataError: There is no such source, no row in it can be read, a column leaves a question
            open, or a reward is no verdict.
        MissingExtra: Parquet without the extra `data`.

    Example:
        >>> import tempfile, pathlib
        >>> log = pathlib.Path(tempfile.mkdtemp(), "7.jsonl")
        >>> said = {"input": "1 + 1", "output": "2", "score": 1.0}
        >>> _ = log.write_text(json.dumps(said) + "\n" + json.dumps(said | {"score": None}))
        >>> rollouts = read(log)
        >>> rollouts.r_N, rollouts.n_groups, rollouts.steps
        (array([ 1., nan]), 1, ('7',))
    """
    given = {"reward": reward, "group": group, "stratum": stratum, "step": step}
    said = {name: column for name, column in given.items() if column is not None}
    bad: list[str] = []
    places = _places(files_of(source), bad)
    first = list(islice(places, PEEKED))
    if not first:
        raise DataError(f"{source}: no row can be read; {bad[0] if bad else 'there are none'}")
    try:
        columns = decide([row for *_, row in first], said)
    except DataError as why:
        raise DataError(f"{source}: {why}") from why
    table = _Table(columns)
    for place in chain(first, places):
        table.add(*place)
    return table.rollouts(bad)


def _places(files: Sequence[Path], bad: list[str]) -> Iterator[Place]:
    """All rows of all files; what is none goes to `bad`."""
    for path in files:
        for item in rows_of(path):
            if isinstance(item, BadRow):
                bad.append(f"{path.name}: {item}")
            else:
                yield path, *item


class _Codes(dict[Any, int]):
    """Numbers things in the order in which they are first seen."""

    def __missing__(self, key: Any) -> int:
        self[key] = len(self)
        return self[key]


@dataclass(slots=True)
class _Table:
    """Gathers rows column by column."""

    columns: Columns
    verdicts: list[float] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    strata: list[str | None] = field(default_factory=list)
    advantages: list[float] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)
    places: list[tuple[str, int]] = field(default_factory=list)
    by: set[str] = field(default_factory=set)
    group_codes: _Codes = field(default_factory=_Codes)
    step_codes: _Codes = field(default_factory=_Codes)

    def add(self, path: Path, line: int, row: Row) -> None:
        of = self.columns
        self.verdicts.append(_verdict(row, of.reward, f"{path.name}: line {line}"))
        step = self.step_codes[_name(_at(row, of.step)) or step_named(path) or path.name]
        self.steps.append(step)
        # Texts may be long; a hash of 64 bits tells those of one step apart well enough.
        self.groups.append(self.group_codes[step, hash(_name(look_up(row, of.group)))])
        if of.stratum:
            self.strata.append(_name(look_up(row, of.stratum)))
        self.advantages.append(_number(_at(row, of.advantage)))
        texts = (_said(_at(row, of.prompt)), _said(_at(row, of.completion)))
        self.texts.append((texts[0][-PROMPT:], texts[1][-COMPLETION:]))
        self.places.append((path.name, line))
        self.by |= {who for who in [_name(_at(row, of.by))] if who}

    def rollouts(self, bad: Sequence[str]) -> Rollouts:
        return Rollouts(
            columns=self.columns,
            r_N=np.array(self.verdicts, dtype=float),
            group_N=np.array(self.groups, dtype=np.int64),
            n_groups=len(self.group_codes),
            step_N=np.array(self.steps, dtype=np.int64),
            steps=tuple(self.step_codes),
            strata=tuple(self.strata),
            advantage_N=np.array(self.advantages, dtype=float),
            texts=tuple(self.texts),
            places=tuple(self.places),
            by=tuple(sorted(self.by)),
            bad=tuple(bad),
        )


def _at(row: Row, column: str | None) -> Any:
    return None if column is None else look_up(row, column)


def _verdict(row: Row, column: str, where: str) -> float:
    value = look_up(row, column)
    if value is None:
        return math.nan
    if not is_truth(value):
        raise DataError(
            f"{where}: column {column!r} is {value!r:.40}, and a verdict is 0, 1, or null for an "
            "abstain. Name the verifier's own column by --reward"
        )
    return float(value)


def _number(value: Any) -> float:
    try:
        return float(value) if isinstance(value, (int, float)) else math.nan
    except OverflowError:
        return math.nan


def _name(value: Any) -> str | None:
    """Text as it is, and any other value as its JSON."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True)


def _said(value: Any) -> str:
    """The text of a completion or a prompt; of a chat, that of its last message."""
    if isinstance(value, list) and value and isinstance(value[-1], dict):
        value = value[-1].get("content")
    return _name(value) or ""

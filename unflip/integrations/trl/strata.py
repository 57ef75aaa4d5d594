"""The strata of a TRL batch: from a column of the dataset, or from samples and their verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from unflip.correction.table import NO_STRATUM
from unflip.errors import UsageError
from unflip.integrations.trl.hearing import Heard
from unflip.types import Sample, Verdict, look_up

Rule = Callable[[Sample, Verdict], str | None]
"""The stratum of one row, from what a verifier saw and decided."""
UNKNOWN = -1
"""The code of a stratum that has no rates."""


@dataclass(frozen=True, slots=True)
class Strata:
    """Where the strata of a correction come from.

    Attributes:
        names: Those that the correction has lines for, in the order of their codes; none if it
            takes whatever comes.
        given: A column of the dataset, a rule, or None if there is but one stratum.

    Raises:
        UsageError: There are several strata and nothing tells them apart, or the reverse.

    Example:
        >>> strata = Strata(("boxed", "prose"), "form")
        >>> strata.codes([{"form": "prose"}, {"form": "verse"}], None)
        array([ 1, -1])
    """

    names: tuple[str, ...]
    given: str | Rule | None

    def __post_init__(self) -> None:
        listed = ", ".join(map(repr, self.names))
        if self.given is None and len(self.names) > 1:
            raise UsageError(
                f"the correction has strata {listed}: tell them apart by correct(..., strata=<a "
                "column of the dataset, or a function of sample and verdict>)"
            )
        if self.given is not None and self.names == ("",):
            raise UsageError("the correction has one line for all rows: leave strata out")

    @property
    def scope(self) -> Literal["response", "prompt"]:
        """What a stratum depends on: a column is the same for all completions of a prompt."""
        return "prompt" if isinstance(self.given, str) else "response"

    def check(self, dataset: Any) -> None:
        """Refuse a column that is not there, or that has values without lines.

        Args:
            dataset: The training data; streamed ones cannot be looked at.

        Raises:
            UsageError: The column does not fit.
        """
        if not isinstance(self.given, str) or not hasattr(dataset, "unique"):
            return
        if self.given not in dataset.column_names:
            if "." in self.given:
                return
            there = ", ".join(dataset.column_names)
            raise UsageError(f"no column {self.given!r} to take strata from; there are: {there}")
        unknown = sorted({_name(value) for value in dataset.unique(self.given)} - set(self.names))
        if self.names and unknown:
            raise UsageError(
                f"no rates for stratum {unknown[0]!r} of column {self.given!r}: measure it, or "
                'make the table with missing="pooled"'
            )

    def codes(self, rows: Sequence[Mapping[str, Any]], heard: Heard | None) -> NDArray[np.int64]:
        """Each row's code; `UNKNOWN` for a stratum without a line.

        Args:
            rows: The batch, as TRL has it.
            heard: What the verifier decided on it.

        Raises:
            UsageError: A rule is given, and the reward is no verifier's.
        """
        return self.coded(self.of(rows, heard))

    def coded(self, names: Sequence[str]) -> NDArray[np.int64]:
        """The codes of strata; `UNKNOWN` for one without a line."""
        number = {name: code for code, name in enumerate(self.names)}
        return np.array([number.get(name, UNKNOWN) for name in names], dtype=np.int64)

    def of(self, rows: Sequence[Mapping[str, Any]], heard: Heard | None) -> list[str]:
        """Each row's stratum by its name.

        Args:
            rows: The batch, as TRL has it.
            heard: What the verifier decided on it.

        Raises:
            UsageError: A rule is given, and the reward is no verifier's.
        """
        if self.given is None:
            return [next(iter(self.names), "")] * len(rows)
        if isinstance(self.given, str):
            found = [look_up(row, self.given) for row in rows]
        elif heard is None:
            raise UsageError(
                "a rule for strata needs the verdicts, and this reward is a function that unflip "
                "does not know: make it by reward_func(verifier)"
            )
        else:
            found = [
                self.given(sample, verdict)
                for sample, verdict in zip(heard.samples, heard.verdicts, strict=True)
            ]
        return [_name(one) for one in found]


def _name(value: Any) -> str:
    """A stratum's name, and what `estimate` calls rows without one."""
    return NO_STRATUM if value is None else str(value)

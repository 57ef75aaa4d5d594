"""Every row of a measurement: its verdict, its judge's opinion, its label, and what it is."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unflip.errors import UsageError
from unflip.measure.folder import VERDICTS, labelled, opinions_of
from unflip.measure.settings import Settings
from unflip.noise.gold import Tally
from unflip.noise.rows import NO_VALUE, opinion_of
from unflip.noise.survey import Survey
from unflip.records import record_all
from unflip.run import with_progress
from unflip.types import Sample, Verdict, Verifier, digest, identity, look_up

Watch = Callable[[Sample, Verdict], None]


class Pool:
    """Runs the verifier and the judge over all rows, and keeps what an estimate needs of each.

    Args:
        verifier: Whose rates are wanted.
        rows: Gives the samples from the start, each time it is called.
        folder: Where verdicts are recorded.
        settings: How it is done.
        watch: Is told each sample and its verdict as they come.

    Raises:
        DataError: The folder holds another verifier's run, or cannot be written.
        UsageError: A column is missing, or the judge decided nothing.
    """

    def __init__(
        self,
        verifier: Verifier,
        rows: Callable[[], Iterable[Sample]],
        folder: Path,
        settings: Settings,
        *,
        watch: Watch | None = None,
    ) -> None:
        self._verifier = verifier
        self._rows = rows
        self._folder = folder
        self._settings = settings
        # Another verdict may make a plan choose other rows than those that people have labelled.
        self._keeps = settings.keep_abstains or (settings.budget is not None and labelled(folder))
        self._steps = array("d")
        self._lengths = array("q")
        self._outputs: list[str] = []
        self.keys: list[str] = []
        """What each row holds, see `Sample.key`; only where rows are chosen for labelling."""
        self.strata: list[str] = []
        """The rows' own strata, whatever rates are sliced by; only there, too."""
        self.tally = Tally(per=settings.per)
        for sample, verdict in self.verdicts("verifying"):
            self._add(sample, verdict)
            if watch is not None:
                watch(sample, verdict)
        self.survey = self.tally.survey(judge_N=self._opinions())
        """The labels in it are those of the data."""

    def verdicts(self, description: str | None = None) -> Iterator[tuple[Sample, Verdict]]:
        """Every row with its verdict, in order; what is recorded is not verified again."""
        return self._recorded(self._verifier, VERDICTS, description)

    @property
    def choice(self) -> Survey:
        """The rows as they are chosen for labelling: without labels, by their own strata.

        What rates are sliced by has no say, or another slicing would choose other rows.
        """
        named = not set(self.strata) <= {NO_VALUE}
        blank = self.survey.without_labels(self.survey.labelled_N)
        return replace(blank, stratum_N=np.array(self.strata) if named else None)

    @property
    def log(self) -> dict[str, Any]:
        """What a trace over training steps needs of each row, as `trace` names it.

        Raises:
            UsageError: A row has no number for a step.
        """
        step_N = np.asarray(self._steps)
        if np.isnan(step_N).any():
            raise UsageError(f"column {self._settings.over!r} holds no number on some rows")
        lengths_N = np.asarray(self._lengths)
        return {"step_N": step_N, "length_N": lengths_N, "output_N": self._outputs}

    def opinions(self) -> list[Verdict] | None:
        """The judge's verdict on every row, in order; None without a judge."""
        judge = self._settings.judge
        if judge is None:
            return None
        return [verdict for _, verdict in self._recorded(judge, opinions_of(judge), None)]

    def _add(self, sample: Sample, verdict: Verdict) -> None:
        self.tally.add(sample, verdict)
        if self._settings.budget is not None:
            self.keys.append(sample.key)
            self.strata.append(NO_VALUE if sample.stratum is None else str(sample.stratum))
        if self._settings.over is not None:
            self._steps.append(_number(look_up(sample.meta, self._settings.over)))
            self._lengths.append(len(sample.text))
            self._outputs.append(digest(sample.text))

    def _opinions(self) -> NDArray[np.float64] | None:
        judge = self._settings.judge
        if judge is None:
            return None
        if identity(judge) == identity(self._verifier):
            raise UsageError("the judge is the verifier itself: it has no second opinion")
        opinions = array("d")
        for _, verdict in self._recorded(judge, opinions_of(judge), "asking the judge"):
            opinions.append(opinion_of(verdict))
        opinion_N = np.asarray(opinions)
        if len(opinion_N) and np.isnan(opinion_N).all():
            raise UsageError("the judge decided no row: does it look at the right column?")
        return opinion_N

    def _recorded(
        self, verifier: Verifier, name: str, description: str | None
    ) -> Iterator[tuple[Sample, Verdict]]:
        how = self._settings
        pairs = record_all(
            verifier,
            self._rows(),
            self._folder / name,
            workers=how.workers,
            deadline=how.deadline,
            # What this measurement has seen once, it sees so again.
            keep_abstains=self._keeps or description is None,
        )
        if description is None:
            return pairs
        return with_progress(pairs, how.total, description=description, beside=how.beside)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return float("nan")

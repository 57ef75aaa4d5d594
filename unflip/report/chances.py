"""P(yes) and truth, row by row, for a reliability picture."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from unflip.types import Sample, Verdict, digest

if TYPE_CHECKING:
    from unflip.judges.calibration import Calibration

_LEAST = 20
"""With fewer rows a picture shows luck."""
_DRAWS = 200


class Chances:
    """Keeps P(yes), truth and a number for the prompt of each row that has a P(yes).

    Example:
        >>> from unflip.types import Outcome, Reason
        >>> chances = Chances()
        >>> for n in range(40):
        ...     verdict = Verdict(Outcome.ACCEPT, Reason.MATCH, p=0.5)
        ...     chances.add(Sample("4", "4", prompt=f"q{n}", correct=n % 2 == 0), verdict)
        >>> [bin.correct.point for bin in chances.found().bins]
        [0.5]
    """

    def __init__(self) -> None:
        self._p, self._correct, self._prompt = array("d"), array("b"), array("q")
        self._unlabelled = 0

    def add(self, sample: Sample, verdict: Verdict) -> None:
        """Take one row into account."""
        if verdict.p is None:
            return
        if sample.correct is None:
            self._unlabelled += 1
            return
        self._p.append(verdict.p)
        self._correct.append(sample.correct)
        self._prompt.append(int(digest(sample.prompt)[:15], 16))

    def found(self) -> Calibration | None:
        """What P(yes) is worth; None where few rows have one, or some of them have no label."""
        if self._unlabelled or len(self._p) < _LEAST:
            return None
        from unflip.judges.calibration import calibration

        return calibration(self._p, self._correct, group_n=self._prompt, draws=_DRAWS)

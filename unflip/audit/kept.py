"""Verdicts of an audit that was kept: they answer again, for comparing and for going on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from unflip.types import Sample, Verdict, Verifier


class Kept:
    """A verifier that says once more what another one has said, and knows nothing else.

    Args:
        by: Who it was.
        rows: Of each verdict, the `key` of its sample, and the verdict.

    Example:
        >>> from unflip.types import Outcome, Reason
        >>> sample = Sample("4", "4")
        >>> kept = Kept("exact@1+0", [(sample.key, Verdict(Outcome.ACCEPT, Reason.MATCH))])
        >>> kept.knows(sample), kept(sample), kept.knows(Sample("5", "4"))
        (True, Verdict(accept: match, by=''), False)
    """

    def __init__(self, by: str, rows: Iterable[tuple[str, Verdict]]) -> None:
        self.by = by
        self._verdicts: defaultdict[str, list[Verdict]] = defaultdict(list)
        self._given: defaultdict[str, int] = defaultdict(int)
        for key, verdict in rows:
            self._verdicts[key].append(verdict)

    def knows(self, sample: Sample) -> bool:
        """Whether there is a verdict on this sample."""
        return sample.key in self._verdicts

    def __call__(self, sample: Sample) -> Verdict:
        """The verdict; of a sample that was asked several times, each of them in turn."""
        said, nth = self._verdicts[sample.key], self._given[sample.key]
        self._given[sample.key] += 1
        return said[nth % len(said)]

    def so_far(self, verifier: Verifier, samples: Iterable[Sample]) -> Iterator[Verdict]:
        """Verdicts as far as there are any: a runner that asks nobody."""
        for sample in samples:
            if self._given[sample.key] >= len(self._verdicts.get(sample.key, ())):
                return
            yield self(sample)

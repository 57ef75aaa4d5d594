"""What an audit keeps on file: its verdicts, to go on from and to compare others with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unflip.errors import DataError

if TYPE_CHECKING:
    from unflip.audit.kept import Kept
    from unflip.cli.bill import Bill
    from unflip.types import Sample, Verdict, Verifier

VERDICTS = "verdicts.jsonl"
FINDINGS = "audit.json"


class Recorder:
    """Runs a verifier into a file of its own, from which an interrupted audit goes on."""

    def __init__(self, main: Verifier, out: Path, how: dict[str, Any], bill: Bill) -> None:
        self.out = out
        self._main, self._how, self._bill = main, how, bill

    def __call__(
        self,
        verifier: Verifier,
        samples: Iterable[Sample],
        *,
        total: int | None = None,
        name: str = VERDICTS,
    ) -> Iterator[Verdict]:
        """Every verdict, recorded or new; those of another verifier go to a file of its own."""
        from unflip.records import record_all
        from unflip.run import with_progress
        from unflip.types import identity

        ours = identity(verifier) == identity(self._main)
        name = name if ours else f"{identity(verifier)}.jsonl".replace("/", "_")
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as why:
            raise DataError(f"{self.out} cannot be made: {why.strerror}") from why
        pairs = record_all(verifier, samples, self.out / name, **self._how)
        if total is None:
            return (verdict for _, verdict in pairs)
        told = with_progress(pairs, total, description="auditing", beside=self._bill)
        return (verdict for _, verdict in told)


def other_of(spec: str | None, accept_at: float | None) -> Verifier | None:
    """The verifier to compare with: a new one, or of a folder, what an audit has kept there."""
    from unflip.audit.figures import read_findings
    from unflip.plugins import load

    if not spec:
        return None
    folder = Path(spec).parent if Path(spec).name == FINDINGS else Path(spec)
    if folder.is_dir():
        return kept(folder, read_findings(folder).by)
    other = load(spec)
    graded = getattr(other, "accept_at", 0) is None and accept_at is not None
    return load(spec, accept_at=accept_at) if graded else other


def kept(folder: Path, by: str) -> Kept:
    """The verdicts that are on file there, as a verifier that gives them once more."""
    from unflip.audit.kept import Kept
    from unflip.records import read_verdicts

    return Kept(by, ((row.key, row.verdict) for row in read_verdicts(folder / VERDICTS)))


def put(path: Path, text: str) -> None:
    """Write a file of a report; an error is told in one line."""
    try:
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as why:
        raise DataError(f"{path} cannot be written: {why.strerror}") from why

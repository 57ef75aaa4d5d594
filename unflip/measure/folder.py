"""The files that a measurement leaves: from some it goes on, others are for people and gates."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unflip.errors import DataError
from unflip.report import Findings, to_html
from unflip.types import Verifier, digest, identity

VERDICTS = "verdicts.jsonl"
REFERENCES = "references.jsonl"
"""The verdicts on the references, each as its own answer."""
LABELS = "labels.jsonl"
"""What people said about the rows they were asked for."""
PLAN = "plan.json"
"""How those rows were chosen."""
RATES = "rates.json"
FINDINGS = "findings.json"
REPORT = "report.html"


def opinions_of(judge: Verifier) -> str:
    """The file of a judge's verdicts; every judge has one of its own."""
    return f"opinions-{digest(identity(judge))[:6]}.jsonl"


def labelled(folder: Path) -> bool:
    """Whether people have said anything about the rows of a folder.

    Example:
        >>> labelled(Path("nowhere"))
        False
    """
    path = folder / LABELS
    return path.is_file() and path.stat().st_size > 0


def made(folder: Path) -> Path:
    """The folder, by a path that holds wherever a verifier in this process may go.

    Raises:
        DataError: It cannot be made.
    """
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        return folder.absolute()


def write(folder: Path, findings: Findings) -> None:
    """Rates for corrections and gates, findings for a later report, and the report.

    Raises:
        DataError: A file cannot be written.
    """
    texts = {
        RATES: json.dumps(findings.rates.to_json(), indent=1),
        FINDINGS: json.dumps(findings.to_json()),
        REPORT: to_html(findings),
    }
    for name, text in texts.items():
        with explained(folder / name):
            (folder / name).write_text(text, encoding="utf-8")


def read_findings(run: Path) -> Findings:
    """The findings of a measurement: of its folder, or of a findings file.

    Raises:
        DataError: There are none.
    """
    path = run / FINDINGS if run.is_dir() else run
    try:
        return Findings.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as why:
        raise DataError(f"{path} holds no findings of `unflip estimate`: {why}") from why


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """What the system says of a file, as an error of ours."""
    try:
        yield
    except OSError as why:
        raise DataError(f"{path} cannot be written: {why.strerror}") from why

"""`unflip report`: the page of a run that was kept."""

from __future__ import annotations

from pathlib import Path

import click

from unflip.cli.keeping import FINDINGS
from unflip.cli.verb import Verb, say
from unflip.errors import DataError


@click.command(cls=Verb, epilog="unflip report unflip-runs/demo-math@1+0a1b2c -o report.md")
@click.argument("run", type=click.Path(exists=True, path_type=Path))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE",
    help="report.html, or report.md for a pull request.",
)
def report(run: Path, out: Path) -> None:
    """Make the report of a RUN that `estimate` or `audit` has kept."""
    page = (_of_audit if _is_audit(run) else _of_estimate)(run, out.suffix == ".md")
    try:
        out.write_text(page, encoding="utf-8", errors="backslashreplace")
    except OSError as why:
        raise DataError(f"{out} cannot be written: {why.strerror}") from why
    say(f"wrote {out}")


def _is_audit(run: Path) -> bool:
    return run.name == FINDINGS or (run / FINDINGS).is_file()


def _of_audit(run: Path, markdown: bool) -> str:
    from unflip.audit.figures import read_findings
    from unflip.report.audit_markdown import to_markdown
    from unflip.report.audit_page import to_html

    return (to_markdown if markdown else to_html)(read_findings(run))


def _of_estimate(run: Path, markdown: bool) -> str:
    from unflip.measure import read_findings
    from unflip.report import to_html, to_markdown

    return (to_markdown if markdown else to_html)(read_findings(run))

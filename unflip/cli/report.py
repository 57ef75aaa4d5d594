"""`unflip report`: the page of a run that was kept."""

from __future__ import annotations

from pathlib import Path

import click

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
    """Make the report of a RUN that `estimate` has kept."""
    from unflip.measure import read_findings
    from unflip.report import to_html, to_markdown

    make = to_markdown if out.suffix == ".md" else to_html
    page = make(read_findings(run))
    try:
        out.write_text(page, encoding="utf-8")
    except OSError as why:
        raise DataError(f"{out} cannot be written: {why.strerror}") from why
    say(f"wrote {out}")

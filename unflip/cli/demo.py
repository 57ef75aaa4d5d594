"""`unflip demo`: what a newcomer runs first, on labelled answers that come with unflip."""

from __future__ import annotations

from pathlib import Path

import click

from unflip.cli.folders import folder_of
from unflip.cli.source import where
from unflip.cli.telling import measured, tell
from unflip.cli.verb import Verb, folder, show

LABELS = 80
"""What a person can look at in an hour."""


@click.command(cls=Verb, epilog="unflip demo")
@folder
def demo(out: Path | None) -> None:
    """Measure `math` with many labels, and `exact` with few.

    The small labelled data set comes with unflip: no network, no key, no GPU.
    """
    from unflip.demo import samples
    from unflip.measure import REPORT
    from unflip.noise.gold import estimate
    from unflip.plugins import load
    from unflip.report.words import in_short
    from unflip.run import verify_all

    math, exact = load("math"), load("exact")
    out = out or folder_of("demo", math)
    how = where(None, None)
    tell(measured(math, samples, out, name="unflip demo", **how), out)
    how |= {"self_check": False, "judge": math, "budget": LABELS}
    few = measured(exact, samples, out / "few", name="unflip demo", **how)
    every = estimate(verify_all(exact, samples()), samples())
    show(
        f"\nHad people looked at {LABELS} rows only, what would we know of `exact`? "
        "`math` gives a second opinion on every row.",
        *(f"  {line}" for line in in_short(few.rates, beside=every)),
        f"The rest is in {out / 'few' / REPORT}",
    )

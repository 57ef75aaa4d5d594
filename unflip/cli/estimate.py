"""`unflip estimate`: how often a verifier flips labels, and how sure that is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from unflip.cli.bill import REPLIES, of_measurement, with_store
from unflip.cli.folders import folder_of
from unflip.cli.gold import gold, spending
from unflip.cli.source import Source, data, running, where
from unflip.cli.telling import measured, tell
from unflip.cli.verb import Verb, as_json, emit, fail, folder, gates, verifier


@click.command(cls=Verb, epilog="unflip estimate data.jsonl --with math --per source --max-fp 0.02")
@data
@verifier("spec")
@running
@gold
@click.option("--per", default="stratum", metavar="COLUMN", help="Rates for each of its values.")
@click.option("--over", metavar="COLUMN", help="Trace the rates over this column, a training step.")
@click.option("--slices", is_flag=True, help="Search for slices of DATA whose rates differ.")
@gates(max_fp="rho0", max_fn="rho1", max_abstain="the share of abstains")
@as_json
@folder
def estimate(
    spec: str, accept_at: float | None, as_json: bool, out: Path | None, **given: Any
) -> None:
    """Measure how often a verifier flips labels.

    First every reference of DATA is tried as its own answer; then every row gets a verdict, and
    those with a label make the rates. If not all rows have one, the labels speak for the rows of
    their verdict, and a judge's opinions may help. A gate passes only if the rows show, at 95%
    confidence, that the rate lies below the limit.
    """
    from unflip.noise.gates import gate
    from unflip.plugins import load

    limits = {name: given.pop(name) for name in ("max_fp", "max_fn", "max_abstain")}
    how = where(given.pop("workers"), given.pop("deadline")) | spending(given)
    how |= {name: given.pop(name) for name in ("per", "over", "slices", "keep_abstains")}
    checker, source = load(spec, accept_at=accept_at), Source(**given)
    out = out or folder_of(source.name, checker)
    checker, how["judge"] = (with_store(one, out / REPLIES) for one in (checker, how["judge"]))
    with of_measurement(checker, source, how):
        findings = measured(checker, source.again, out, name=source.name, total=source.total, **how)
    source.complain()
    if as_json:
        slices = findings.slices and {"slices": findings.slices.to_json()}
        emit(json.dumps(findings.rates.to_json() | (slices or {}), indent=1))
    else:
        tell(findings, out)
    fail(gate(findings.rates, **limits))

"""`unflip correct`: what a correction would have changed in logged rollouts, or why nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unflip.cli.verb import Verb, as_json, emit, options, say, show
from unflip.errors import DataError, UsageError

if TYPE_CHECKING:
    from rich.table import Column, Table
    from rich.text import Text

    from unflip.correction import Line, RateTable
    from unflip.rates import NoiseRates
    from unflip.rollouts import Change, Moved, Payment, Replay, Rollouts

CORRECTIONS = ("anchored", "backward", "forward", "stratified-forward", "posterior", "masking")
NORMALISERS = (
    "grpo", "dr_grpo", "rloo", "batch", "batch_centred", "maxrl", "direct", "clean_std",
)  # fmt: skip
_SAYS = {
    "inert": "This correction changes nothing here",
    "scale-only": "This correction only makes the update longer or shorter",
    "active": "This correction changes the direction of the update",
}
_OPTIONS = {
    "allow_inverted=True": "--allow-inverted",
    "stratified_forward, or say strata='prompt' if they do not": "--with stratified-forward",
}
"""What the library's advice is called on the command line."""
TERMS = ("kl", "entropy", "reward", "normalised-reward")
_STEPS = 12
_BAD = 5
_PROMPT, _COMPLETION = 30, 60

columns = options(
    click.option("--reward", metavar="COLUMN", help="The verifier's reward: 0, 1, null abstains."),
    click.option("--group", metavar="COLUMN", help="What a group shares; by default the prompt."),
    click.option("--stratum", metavar="COLUMN", help="Each row's stratum, as the rates have them."),
    click.option("--step", metavar="COLUMN", help="The training step; or the file's name has it."),
)
table = options(
    click.option(
        "--by", metavar="NAME", help="Whose verdicts these are, if the log says it wrong."
    ),
    click.option("--pooled", is_flag=True, help="The rates of all rows, where a stratum has none."),
    click.option("--allow-inverted", is_flag=True, help="Turn verdicts around where J is below 0."),
)


@click.command(cls=Verb, epilog="unflip correct out/completions --rates rates.json --with backward")
@click.argument("rollouts")
@click.option(
    "--rates",
    required=True,
    type=click.Path(exists=True, path_type=Path),
    help="What `unflip estimate --json` printed, or the folder of its run.",
)
@click.option(
    "--with",
    "correction",
    type=click.Choice(CORRECTIONS),
    default=CORRECTIONS[0],
    show_default=True,
    help="The correction.",
)
@click.option(
    "--normaliser",
    type=click.Choice(NORMALISERS),
    default=NORMALISERS[0],
    show_default=True,
    help="How the trainer makes advantages of rewards.",
)
@click.option(
    "--beside",
    multiple=True,
    type=click.Choice(TERMS),
    help="What else shares the loss; `normalised-reward` has a normaliser of its own.",
)
@columns
@table
@click.option(
    "--mask", multiple=True, metavar="STRATUM", help="With `masking`: what is to weigh nothing."
)
@as_json
def correct(rollouts: str, rates: Path, as_json: bool, **given: Any) -> None:
    """Say what a correction would have changed in logged ROLLOUTS, or why nothing.

    ROLLOUTS is TRL's folder of completions, a folder of verl's dumps, or a file of rows with
    prompt, completion and reward. Rows of one step with the same prompt are a group.
    """
    from unflip.rollouts import read, replay, table_for

    measured = _rates(rates)
    log = read(rollouts, **{name: given[name] for name in ("reward", "group", "stratum", "step")})
    how = {name: given[name] for name in ("by", "pooled", "allow_inverted")}
    try:
        fit = table_for(log, measured, **how)
        line = _line(given["correction"], fit, log, given["mask"])
        others = [name.replace("-", " ") for name in given["beside"]]
        normaliser = given["normaliser"]
        found = replay(log, fit, line, normaliser=normaliser, others=others, rates=measured)
    except UsageError as why:
        raise UsageError(_as_options(str(why))) from why
    _complain(log.bad)
    if as_json:
        emit(json.dumps(_about(log, fit) | found.to_json(), indent=1))
    else:
        _tell(log, fit, found)


def _rates(path: Path) -> NoiseRates:
    from unflip.measure import RATES
    from unflip.rates import NoiseRates

    path = path / RATES if path.is_dir() else path
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as why:
        raise DataError(f"{path} cannot be read as rates: {why}") from why
    if not isinstance(row, dict):
        raise DataError(f"{path} is no table of rates: `unflip estimate --json` prints one")
    return NoiseRates.from_json(row)


def _line(name: str, fit: RateTable, log: Rollouts, mask: tuple[str, ...]) -> Line:
    from unflip import correction

    if mask and name != "masking":
        raise UsageError("--mask goes with --with masking")
    if name == "masking":
        return correction.masking(fit, mask)
    if name in ("forward", "posterior"):
        strata = log.scope if len(fit) > 1 else "response"
        made: Line = getattr(correction, name)(fit, strata=strata)
        return made
    simple: Line = getattr(correction, name.replace("-", "_"))(fit)
    return simple


def _as_options(said: str) -> str:
    for word, option in _OPTIONS.items():
        said = said.replace(word, option)
    return said


def _complain(bad: tuple[str, ...]) -> None:
    for one in bad[:_BAD]:
        say(_plain(f"not read: {one}"))
    if len(bad) > _BAD:
        say(f"not read: {len(bad)} rows in all")


def _tell(log: Rollouts, fit: RateTable, found: Replay) -> None:
    show(*map(_plain, (_title(log, fit), *_explained(found), *_measured(log, found))))
    show(_changes(found))
    if len(found.steps) > _STEPS:
        show(f"{_STEPS} of {len(found.steps)} steps are shown; --json has them all")
    show(_payments(found.strata, named=bool(log.strata)))
    if found.moved:
        show("The rows whose advantage changes most:", *_moved(found.moved))
    show(*(_plain(f"note: {note}") for note in found.notes))


def _about(log: Rollouts, fit: RateTable) -> dict[str, Any]:
    return {"by": fit.by, "rows": len(log), "groups": log.n_groups, "columns": asdict(log.columns)}


def _title(log: Rollouts, fit: RateTable) -> str:
    from unflip.report.numbers import count

    rows = f"{count(len(log))} rows in {count(log.n_groups)} groups, {count(len(log.steps))} steps"
    return f"{fit.by}  ·  {rows}  ·  verdicts from column {log.columns.reward!r}"


def _explained(found: Replay) -> Iterator[str]:
    effect = found.effect
    yield f"{_SAYS[effect.kind]}: {effect.reason}."
    if effect.remedy:
        yield f"What would: {effect.remedy}."
    for warning in effect.warnings:
        yield f"warning: {warning}"


def _measured(log: Rollouts, found: Replay) -> Iterator[str]:
    from unflip.report.numbers import count
    from unflip.rollouts.replay import ROUNDING

    if log.strata:
        yield f"Strata differ inside {count(log.mixed)} of {count(log.n_groups)} groups."
    if found.whole.most <= ROUNDING:
        yield f"Measured: no advantage differs by more than {found.whole.most:.1g}."


def _changes(found: Replay) -> Table:
    from rich import box
    from rich.table import Table

    from unflip.report.numbers import evenly

    heads = ("mean |Δ|", "max |Δ|", "cosine", "signs changed", "weigh nothing")
    made = Table("advantages", *map(_right, ("rows", *heads)), box=box.SIMPLE_HEAD)
    shown = [found.steps[place] for place in evenly(len(found.steps), _STEPS)]
    for one in (*(shown if len(shown) > 1 else ()), found.whole):
        made.add_row(*_figures(one))
    return made


def _right(head: str) -> Column:
    from rich.table import Column

    return Column(head, justify="right")


def _figures(one: Change) -> Iterator[Text]:
    from rich.text import Text

    from unflip.report.numbers import count, percent

    yield _safe(f"step {one.name}" if one.name else "all")
    yield Text(count(one.rows))
    yield from (Text(f"{figure:.3g}") for figure in (one.mean, one.most))
    yield Text(_number(one.cosine, 4))
    yield from (Text(percent(share)) for share in (one.signs, one.silent))


def _payments(strata: Iterable[Payment], *, named: bool) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from unflip.report.numbers import count

    heads = map(_right, ("rows", "raw", "corrected"))
    made = Table("mean reward", *heads, box=box.SIMPLE_HEAD)
    for one in strata:
        name = (one.name or "(none)") if named else "all"
        paid = (Text(_number(figure)) for figure in (one.raw, one.corrected))
        made.add_row(_safe(name), Text(count(one.rows)), *paid)
    return made


def _moved(rows: Iterable[Moved]) -> Iterator[Text]:
    for one in rows:
        where = f"{one.file} row {one.row}" + (f", {one.stratum}" if one.stratum else "")
        said = {1.0: "accept", 0.0: "reject"}.get(one.verdict, "abstain")
        yield _safe(f"  {where}: {said}, {_number(one.raw)} becomes {_number(one.corrected)}")
        yield _safe(f"    {_end(one.prompt, _PROMPT)}  »  {_end(one.completion, _COMPLETION)}")


def _end(text: str, limit: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else f"…{line[-limit:]}"


def _number(figure: float, digits: int = 2) -> str:
    return "–" if math.isnan(figure) else f"{figure:.{digits}f}".replace("-", "−")


def _plain(text: str) -> str:
    """One line of what can be seen: what comes from a log must not move the cursor."""
    from unflip.report.excerpt import plain

    return plain(text.replace("\n", " "))


def _safe(text: str) -> Text:
    """The same where even `:smile:` stays as it is."""
    from rich.text import Text

    return Text(_plain(text))

"""What all verbs share: how they fail, how they are stopped, and where they say what."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from unflip.cli.folders import RUNS
from unflip.errors import UnflipError

if TYPE_CHECKING:
    from unflip.noise.gates import Failure

F = TypeVar("F", bound=Callable[..., Any])
_WIDEST = 100


class Verb(click.Command):
    """A verb with errors of one line, help that ends with an example, and an orderly stop."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; an error of ours or a signal ends it in one line."""
        # As with Ctrl-C, what was begun is put away, and the same command goes on from there.
        signal.signal(signal.SIGTERM, _stop)
        # Data may hold what this terminal cannot show, such as half a surrogate pair.
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        ctx.obj = sys.stdout
        try:
            with redirect_stdout(sys.stderr):
                return super().invoke(ctx)
        except UnflipError as why:
            raise click.UsageError(str(why), ctx) from why
        except _Stopped:
            raise
        except SystemExit as why:
            # Nobody else may end a verb: it would look like a gate that has passed.
            raise click.UsageError("the verifier called sys.exit: let it return", ctx) from why
        except KeyboardInterrupt:
            say("interrupted; what is recorded is kept, and the same command goes on from there")
            ctx.exit(130)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The example, as it is typed."""
        with formatter.section("Example"):
            formatter.write(f"  {self.epilog}\n")


class _Stopped(SystemExit):
    """The end that SIGTERM asks for."""


def _stop(*_: object) -> None:
    raise _Stopped(143)


def options(*many: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one decorator, in the order in which help shows them."""

    def decorate(verb: F) -> F:
        for option in reversed(many):
            verb = option(verb)
        return verb

    return decorate


def say(remark: str) -> None:
    """A remark for the person at the terminal, on stderr."""
    click.echo(remark, err=True)


def emit(line: str) -> None:
    """A line of data on stdout, where nothing but ours goes: a verifier's prints go to stderr."""
    click.echo(line, file=click.get_current_context().obj)


def show(*things: Any) -> None:
    """Tables and sentences on stdout; what looks like markup in them is text."""
    from rich.console import Console

    console = Console(
        file=click.get_current_context().obj, highlight=False, markup=False, emoji=False
    )
    console.width = min(console.width, _WIDEST) if console.is_terminal else _WIDEST
    for thing in things:
        console.print(thing, soft_wrap=isinstance(thing, str) and not console.is_terminal)


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
folder = click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help=f"Where the run is kept; by default in {RUNS}/, named by data and verifier.",
)


def verifier(name: str, **how: Any) -> Callable[[F], F]:
    """The options `--with` and `--accept-at`."""
    return options(
        click.option(
            "--with",
            name,
            required=True,
            metavar="VERIFIER",
            help="A name from `unflip list`, module:attr, file.py:attr, or judge.toml.",
            **how,
        ),
        click.option(
            "--accept-at",
            type=float,
            metavar="REWARD",
            help="The least reward that accepts, for reward functions.",
        ),
    )


def gates(**limited: str) -> Callable[[F], F]:
    """Options `--max-...` with a rate; each says what it limits."""
    return options(
        *(
            click.option(
                f"--{name.replace('_', '-')}",
                name,
                type=click.FloatRange(0, 1, max_open=True),
                metavar="RATE",
                help=f"Exit 1 unless {what} is shown to be below.",
            )
            for name, what in limited.items()
        )
    )


def fail(failures: Iterable[Failure]) -> None:
    """Exit 1 if a gate failed, and say which and why."""
    failed = list(failures)
    for failure in failed:
        say(f"gate: {failure.message}")
    if failed:
        raise click.exceptions.Exit(1)

"""`unflip list`: the verifiers that have names, and how programs are isolated here."""

from __future__ import annotations

import click

from unflip.cli.verb import Verb, show


@click.command("list", cls=Verb, epilog="unflip list")
def list_() -> None:
    """List the verifiers, the extras they lack, and the sandbox's level."""
    from rich.table import Table
    from rich.text import Text

    from unflip.plugins import available

    table = Table.grid(padding=(0, 2))
    for plugin in available():
        lacks = f"needs pip install 'unflip[{plugin.missing}]'" if plugin.missing else ""
        table.add_row(Text(plugin.name, "bold"), Text(plugin.summary), Text(lacks, "red"))
    show(table, "Your own: module:attr, or path/to/file.py:attr; reward functions are adapted.")
    show(
        "A judge: judge.toml, a file that says what it asks, and whom; "
        "or http://host:8000/v1(model='...')."
    )
    show(f"Programs that `code` runs on this machine: {_isolation()}.")


def _isolation() -> str:
    """The level that the embedded sandbox reaches here, found by starting it."""
    from unflip.errors import SandboxUnavailable
    from unflip.sandbox import Embedded

    with Embedded(size=1) as sandbox:
        try:
            return f"isolated at the level {sandbox.level.word}"
        except SandboxUnavailable as why:
            return f"not run, since {why}"

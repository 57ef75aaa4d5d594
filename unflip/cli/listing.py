"""`unflip list`: the verifiers that have names."""

from __future__ import annotations

import click

from unflip.cli.verb import Verb, show


@click.command("list", cls=Verb, epilog="unflip list")
def list_() -> None:
    """List the verifiers that have names, and the extras they lack."""
    from rich.table import Table
    from rich.text import Text

    from unflip.plugins import available

    table = Table.grid(padding=(0, 2))
    for plugin in available():
        lacks = f"needs pip install 'unflip[{plugin.missing}]'" if plugin.missing else ""
        table.add_row(Text(plugin.name, "bold"), Text(plugin.summary), Text(lacks, "red"))
    show(table, "Your own: module:attr, or path/to/file.py:attr; reward functions are adapted.")
    show("A judge: judge.toml, a file that says what it asks, and whom.")

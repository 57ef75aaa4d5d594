"""The command line: verbs, each a thin call into the library.

Data goes to stdout, progress and remarks to stderr; exit code 1 says that a gate failed, 2 that the
command was wrong or its input unreadable.
"""

from __future__ import annotations

import click

from unflip.cli.audit import audit
from unflip.cli.compare import compare
from unflip.cli.correct import correct
from unflip.cli.demo import demo
from unflip.cli.estimate import estimate
from unflip.cli.label import label
from unflip.cli.listing import list_
from unflip.cli.report import report
from unflip.cli.verify import verify


class _Verbs(click.Group):
    """Lists the verbs in the order in which a newcomer needs them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="unflip")
def main() -> None:
    """Verifiers flip labels. Measure the flips, and take them back."""


for _verb in (demo, list_, verify, estimate, label, compare, audit, correct, report):
    main.add_command(_verb)

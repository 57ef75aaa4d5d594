"""The families of attacks that an audit knows of, and where each comes from: data, in one file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

CONTROL = "control"
NEAR_MISSES = "near-misses"
EQUIVALENTS = "equivalents"
PROGRAMS = "programs"


class Form(StrEnum):
    """What the probes of a family are."""

    TEXT = "text"
    """Texts, made for every item: they go to any verifier."""
    REWRITES = "rewrites"
    """Texts made from the reference, equivalent or different by exact arithmetic."""
    SEARCH = "search"
    """What a search against one verifier finds: mining."""
    PAIRS = "pairs"
    """Two answers in both orders, for verifiers that compare."""
    WRITTEN = "written"
    """Answers that a certain model wrote: the user's own probes."""


@dataclass(frozen=True, slots=True)
class Family:
    """One family of attacks.

    Attributes:
        number: Its place in the catalogue.
        key: Its name in files and on the command line.
        title: What it is, in a few words.
        form: What its probes are.
        source: Who described it.
        note: What the probes do not cover.
    """

    number: int
    key: str
    title: str
    form: Form
    source: str
    note: str = ""


@cache
def families() -> dict[str, Family]:
    """Every family by its key, in the order of the catalogue.

    Example:
        >>> families()["openers"].title
        'Master keys: openers'
    """
    text = (files("unflip.audit") / "probes" / "families.toml").read_text("utf-8")
    rows = (Family(**{**row, "form": Form(row["form"])}) for row in tomllib.loads(text)["family"])
    return {family.key: family for family in rows}

"""The languages that programs may be in: their names, what runs each, and what that needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Way(StrEnum):
    """What becomes of the process that a run begins as."""

    INSIDE = "inside"
    """It runs the program itself, and never becomes another one unless the program wants it."""
    BECOMES = "becomes"
    """It becomes the tool, or the program."""
    STARTS = "starts"
    """It starts tools one after the other, and collects what they made."""


@dataclass(frozen=True, slots=True)
class Language:
    """One row of the table.

    Attributes:
        name: What a program, a row and an option call it.
        way: How it is run.
        tool: The command that has to be on the machine; None where Python is enough.
        package: What to install where the command is missing.
        reserves: Whether its memory is limited by what it may write, not by its addresses: it
            reserves far more of them than it uses.
        also: Other names, and marks of fenced blocks.
        built_as: The language of what is made of its source, where that is what runs.
        calls: Whether functions can be called one by one with typed arguments.
        least: The shortest program there is.
    """

    name: str
    way: Way
    tool: str | None = None
    package: str = ""
    reserves: bool = False
    also: frozenset[str] = frozenset()
    built_as: str | None = None
    calls: bool = False
    least: str = ""


PYTHON = Language("python", Way.INSIDE, also=frozenset({"py", "python3", "py3"}), calls=True)
JAVASCRIPT = Language(
    "javascript",
    Way.BECOMES,
    tool="node",
    package="nodejs",
    reserves=True,
    also=frozenset({"js", "node", "nodejs", "cjs"}),
    calls=True,
)
CPP = Language(
    "cpp",
    Way.STARTS,
    tool="g++",
    package="g++",
    also=frozenset({"c++", "cc", "cxx", "cpp17", "c++17", "cpp20", "c++20", "gnu++17", "gnu++20"}),
    built_as="native",
    least="int main() {}",
)
NATIVE = Language("native", Way.BECOMES)
"""A program of the machine itself, as `cpp` is built to be; no row is in it."""
TABLE: Mapping[str, Language] = {one.name: one for one in (PYTHON, JAVASCRIPT, CPP, NATIVE)}
WRITTEN = (PYTHON, CPP, JAVASCRIPT)
"""Those that people and models write in."""


def named(word: str) -> Language | None:
    """The language that a word means, whatever its case; None if there is none.

    Example:
        >>> named("C++").name, named("JS").name, named("cobol")
        ('cpp', 'javascript', None)
    """
    low = word.strip().lower()
    return next((one for one in WRITTEN if low == one.name or low in one.also), None)


def missing(name: str) -> str:
    """What to say where the command of a language is not there.

    Example:
        >>> missing("cpp")
        'there is no g++ for cpp: install the package g++ (apt-get install g++) where programs run'
    """
    one = TABLE[name]
    return (
        f"there is no {one.tool} for {name}: install the package {one.package} "
        f"(apt-get install {one.package}) where programs run"
    )

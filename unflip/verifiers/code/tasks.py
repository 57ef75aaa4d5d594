"""What a row may ask for: kinds of tasks."""

from __future__ import annotations

from dataclasses import dataclass

from unflip.sandbox import Call
from unflip.verifiers.code.claims import Claim


class BadTask(Exception):
    """The row's tests cannot be read; nobody's answer is to blame."""


@dataclass(frozen=True, slots=True)
class Printed:
    """Cases of an input and what the program should print.

    Attributes:
        cases: Input and expected output.
        checker: Source of a function `check(input, output, expected)` that decides instead of a
            comparison.
    """

    cases: tuple[tuple[str, str], ...]
    checker: str = ""
    entry: None = None


@dataclass(frozen=True, slots=True)
class Called:
    """Calls, and claims about what they return.

    Attributes:
        calls: The calls; only they enter the sandbox.
        claims: What must hold of the answers.
        entry: The function that is asked for.
        tests: What the calls and claims were read from, if they were asserts.
    """

    calls: tuple[Call, ...]
    claims: tuple[Claim, ...]
    entry: str | None = None
    tests: Asserted | None = None


@dataclass(frozen=True, slots=True)
class Asserted:
    """Source with asserts, to be read in a sandbox of its own.

    Attributes:
        tests: Statements, a function `check(candidate)`, or a file of pytest's.
        prompt: Source that goes before the answer, if the prompt is source.
        entry: The function that is asked for, where the row says so.
        file: Whether it is a file of pytest's, which imports from `solution`.
        ids: The tests that have to be in the file, where the row says so.
    """

    tests: tuple[str, ...]
    prompt: str = ""
    entry: str | None = None
    file: bool = False
    ids: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Conversed:
    """Tests that are run on the answers, with the program at the other end of a line.

    Attributes:
        tests: The tests.
        names: The names of what they ask for.
        calls: What they ask first.
    """

    tests: Asserted
    names: tuple[str, ...]
    calls: tuple[Call, ...]

    @property
    def entry(self) -> str | None:
        """The function that is asked for."""
        return self.tests.entry or (self.names[0] if self.names else None)


@dataclass(frozen=True, slots=True)
class Beside:
    """A file of pytest's that is run beside the program, which may forge what it says.

    Attributes:
        tests: The file.
    """

    tests: Asserted
    entry: None = None


Task = Printed | Called | Asserted
"""What a row asks for."""
Ready = Printed | Called | Conversed | Beside
"""What can be judged: its asserts have been read."""

"""Asks a person in the terminal, one key an answer."""

from __future__ import annotations

import os
import sys
import termios
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from unflip.labelling.session import Question, Session
from unflip.labelling.view import runs, view_of
from unflip.report.excerpt import Excerpt, tail

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

CHARACTERS = 1500
"""How many characters of a text are shown unasked: its end."""
ROWS = 20
"""How many lines of a text are shown unasked."""
ANSWERS: dict[str, bool | None] = {"c": True, "w": False, "s": None}
_SAID = {True: "correct", False: "wrong", None: "cannot tell"}
_KEYS = (("c", "correct"), ("w", "wrong"), ("s", "cannot tell"), ("b", "back"), ("q", "stop"))
_MORE = ("m", "more")
_END_OF_INPUT = ("", "\x04")


def ask(
    session: Session, console: Console | None = None, read: Callable[[], str] | None = None
) -> None:
    """Show one question after the other, until all is asked or the person stops.

    The end of the input and Ctrl-C stop too. Whatever was answered is in the book.

    Args:
        session: What to ask.
        console: Where to; stderr if not given.
        read: The next key or line; the empty string at the end of the input. By default a key
            of the terminal, and a line where the input is none.

    Raises:
        DataError: An answer cannot be written.

    Example:
        >>> import io, tempfile
        >>> from unflip.labelling import Book
        >>> from unflip.types import Sample
        >>> import numpy as np
        >>> from rich.console import Console
        >>> sample = Sample("so it is 4", "4")
        >>> choose = lambda label_N, skipped_N: np.flatnonzero(np.isnan(label_N))
        >>> with tempfile.TemporaryDirectory() as folder, Book(f"{folder}/labels.jsonl") as book:
        ...     session = Session([sample.key], choose, lambda row: sample, book, budget=1)
        ...     ask(session, Console(file=io.StringIO()), read=lambda: "c")
        ...     session.labels_N
        array([1.])
    """
    from rich.console import Console

    sitting = _Sitting(
        session,
        console or Console(stderr=True, highlight=False, markup=False),
        read or _key_or_line,
    )
    try:
        while (question := session.question()) is not None and sitting.turn(question):
            pass
    except KeyboardInterrupt:
        pass
    sitting.close()


class _Sitting:
    """A session before one terminal."""

    def __init__(self, session: Session, console: Console, read: Callable[[], str]) -> None:
        self._session = session
        self._console = console
        self._read = read
        self._told: Sequence[str] = ()

    def turn(self, question: Question) -> bool:
        """Show a question and do what the person says; False to stop."""
        self._tell()
        cut = _show(self._console, question, whole=False)
        while True:
            key = self._key(more=cut)
            if key in (*_END_OF_INPUT, "q"):
                return False
            if key in ANSWERS:
                self._session.answer(ANSWERS[key])
                return True
            if key == "b" and self._session.can_go_back:
                self._session.back()
                return True
            if key == "m" and cut:
                cut = _show(self._console, question, whole=True)
            else:
                nothing = "this is the first of this sitting" if key == "b" else "no such key"
                self._console.print(nothing, style="dim")

    def close(self) -> None:
        """Say how it ended."""
        self._tell()
        ended = "That was all" if self._session.question() is None else "Stopped"
        count = self._session.answered
        told = f"{count} {'answer' if count == 1 else 'answers'} given and kept"
        self._console.print(f"{ended}: {told}.")

    def _tell(self) -> None:
        lines = self._session.lines()
        if lines and lines != self._told:
            self._told = lines
            self._console.print()
            self._console.print("So far", style="bold")
            for line in lines:
                self._console.print(_safe(line))

    def _key(self, *, more: bool) -> str:
        from rich.text import Text

        told = Text()
        for key, meaning in (*_KEYS, *([_MORE] if more else [])):
            told.append(f"{key}", style="bold").append(f" {meaning}   ", style="dim")
        self._console.print(told)
        key = self._read()
        return key.strip(" \r\n\t").lower() or ("\n" if key else "")


def _show(console: Console, question: Question, *, whole: bool) -> bool:
    """Print a question; returns whether some of it was left out that could be shown."""
    from rich.rule import Rule

    view = view_of(question.sample)
    console.print()
    console.print(Rule(f"{question.number} of {question.of}", align="left", style="dim"))
    cut = [_part(console, "Question", view.question, whole=whole)] if view.question.text else []
    cut.append(_part(console, "Completion", view.completion, whole=whole))
    for number, reference in enumerate(view.references):
        cut.append(_part(console, "or" if number else "Reference", reference, whole=whole))
    if not view.references:
        console.print("There is no reference", style="dim")
    if question.said is not None:
        console.print(f"You said: {_SAID[question.said.correct]}", style="dim")
    console.print()
    return any(cut)


def _part(console: Console, name: str, part: Excerpt, *, whole: bool) -> bool:
    from rich.text import Text

    short = part if whole else _short(part)
    console.print()
    console.print(name, style="bold")
    if short.before:
        console.print(f"… {short.before:,} characters before", style="dim")
    console.print(_safe(short.text) if short.text else Text("empty", style="dim"))
    return short != part


def _short(part: Excerpt) -> Excerpt:
    """The end of a text that fits on a screen."""
    last = "\n".join(part.text.rsplit("\n", ROWS)[-ROWS:])
    short = tail(last, CHARACTERS)
    return Excerpt(text=short.text, before=part.before + len(part.text) - len(short.text))


def _safe(text: str) -> Text:
    """Text that can do nothing to a terminal but be seen."""
    from rich.text import Text

    told = Text()
    for piece, hidden in runs(text):
        told.append(f"⟨{piece}⟩" if hidden else piece, style="reverse dim" if hidden else "")
    return told


def _key_or_line() -> str:
    return _key() if sys.stdin.isatty() else sys.stdin.readline()


def _key() -> str:
    """The next key, without Enter. What was typed before the question was shown is dropped."""
    keyboard = sys.stdin.fileno()
    try:
        before = termios.tcgetattr(keyboard)
        mode = termios.tcgetattr(keyboard)
        mode[3] &= ~(termios.ICANON | termios.ECHO)
        try:
            termios.tcsetattr(keyboard, termios.TCSAFLUSH, mode)
            return os.read(keyboard, 64).decode(errors="replace")
        finally:
            termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
    except (OSError, termios.error):  # the terminal is gone
        return ""

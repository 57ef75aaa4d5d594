"""In the terminal one key is one answer, stopping is orderly, and no text reaches it raw."""

import io
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import textwrap
import time
from contextlib import contextmanager, suppress

import pytest
from rich.console import Console

from unflip.labelling import Book, read_labels
from unflip.labelling.terminal import ask
from unflip.types import Sample

PROGRAM = """
    import sys
    import numpy as np
    from unflip.labelling import Book, Session
    from unflip.labelling.terminal import ask
    from unflip.types import Sample

    samples = [Sample(f"it is {n}", "4") for n in range(3)]
    choose = lambda label_N, skipped_N: np.flatnonzero(np.isnan(label_N) & ~skipped_N)
    with Book(sys.argv[1]) as book:
        keys = [sample.key for sample in samples]
        ask(Session(keys, choose, samples.__getitem__, book, budget=3))
    print("AFTER", file=sys.stderr)
"""
KEYS = [Sample(f"it is {n}", "4").key for n in range(3)]
HOSTILE = [
    "\x1b[2J\x1b]0;title\x07\x9b31m gone",
    "\u202eabc\u2066\u200b",
    "\ud800\udfff\0\x08\x7f\r",
    "[bold]markup[/bold] [/nothing] :smile:",
    "\0" * 1_000_000,
    "a\x1b" * 500_000,
    "",
]


def talk(desk, keys, samples=None):
    """Ask, with these keys typed; what was shown, and the labels."""
    screen = io.StringIO()
    typed = iter(keys)
    with Book(desk.path) as book:
        session = desk.sit(book)
        ask(session, Console(file=screen, width=80), read=lambda: next(typed, ""))
        return screen.getvalue(), session.labels_N


def test_keys_are_answers(desk):
    """c, w and s answer, in either case; b goes back; q stops, and all of it is kept."""
    shown, label_N = talk(desk, "cWsbcq")
    given = [read_labels(desk.path).get(sample.key) for sample in desk.samples[:4]]
    assert given == [True, False, True, None]
    assert list(label_N[:3]) == [1, 0, 1]
    assert "Stopped: 3 answers given and kept." in shown
    assert "You said: cannot tell" in shown


def test_lines_are_answers(desk):
    """A line is an answer just as a key is, and the end of the input stops."""
    talk(desk, ["c\n", " w \n", "\n", "what?\n"])
    assert list(read_labels(desk.path).values()) == [True, False]


def test_all_is_asked(desk):
    """At the end it says so, and what the labels say."""
    shown, _ = talk(desk, "c" * 20)
    assert "That was all: 7 answers given and kept." in shown
    assert "10 correct" in shown


def test_an_unknown_key_answers_nothing(desk):
    """Keys that mean nothing, several at once, and back at the start: nothing is labelled."""
    shown, _ = talk(desk, ["x", "cc", "\x1b[C", "b", "m", "q"])
    assert read_labels(desk.path) == {}
    assert shown.count("no such key") == 4
    assert "this is the first of this sitting" in shown


def test_an_interruption_is_orderly(desk):
    """Ctrl-C stops like q does."""

    def interrupt():
        raise KeyboardInterrupt

    with Book(desk.path) as book:
        session = desk.sit(book)
        session.answer(True)
        ask(session, Console(file=io.StringIO()), read=interrupt)
    assert list(read_labels(desk.path).values()) == [True]


def test_the_end_of_a_long_text_is_shown(make_desk):
    """Of a long completion the end is shown, and on demand the rest."""
    sample = Sample("START\n" + "so on\n" * 1000 + "\\boxed{4}", "4", prompt="2 + 2?")
    shown, _ = talk(make_desk([sample]), "mq")
    first, _, second = shown.partition("m more")
    assert "\\boxed{4}" in first
    assert "characters before" in first
    assert "START" not in first
    assert "START" in second
    assert "characters before" not in second


def test_the_terminal_is_blind(make_desk):
    """Neither a label nor what a judge said is shown."""
    sample = Sample("it is 4", "4", correct=False, stratum="ANCHOR", meta={"judge": "ANCHOR"})
    shown, _ = talk(make_desk([sample]), "q")
    assert "ANCHOR" not in shown
    assert "False" not in shown


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_contained(make_desk, text):
    """Whatever a model writes, only what can be seen reaches the screen, and markup is text."""
    desk = make_desk([Sample(text, text or None, prompt=text, id=text)])
    shown, _ = talk(desk, "mc")
    assert all(char.isprintable() or char == "\n" for char in shown)
    assert list(read_labels(desk.path).values()) == [True]
    assert ("[bold]markup[/bold] [/nothing] :smile:" in shown) == text.startswith("[bold]")


class Terminal:
    """A program before a terminal of its own."""

    def __init__(self, process, end, keyboard):
        self.process = process
        self.end = end
        self.keyboard = keyboard
        self.shown = ""

    def see(self, text):
        """Wait until it is on the screen."""
        while text not in self.shown:
            got = b""
            if select.select([self.end], [], [], 0.1)[0]:
                got = os.read(self.end, 4096)
            assert got or self.process.poll() is None, f"it ended without {text!r}: {self.shown}"
            self.shown += got.decode()
        _, _, self.shown = self.shown.partition(text)

    def type(self, keys):
        """Type as soon as a key is waited for: without echo, and not line by line."""
        while termios.tcgetattr(self.keyboard)[3] & termios.ICANON:
            assert self.process.poll() is None
            time.sleep(0.01)
        os.write(self.end, keys)


@contextmanager
def terminal(path):
    """The program that asks, before a new terminal, with the terminal's modes as they were."""
    end, keyboard = pty.openpty()
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM), str(path)]
    before = termios.tcgetattr(keyboard)
    process = subprocess.Popen(
        command,
        stdin=keyboard,
        stderr=keyboard,
        start_new_session=True,
        env=os.environ | {"TERM": "dumb"},
    )
    with process:
        try:
            yield Terminal(process, end, keyboard)
        finally:
            process.kill()
            after = termios.tcgetattr(keyboard)
            for one in (end, keyboard):
                with suppress(OSError):
                    os.close(one)
    assert after == before


def test_a_key_needs_no_enter(tmp_path):
    """At a terminal a key answers at once, is not echoed, and the terminal is given back."""
    path = tmp_path / "labels.jsonl"
    with terminal(path) as person:
        for number, key in enumerate([b"c", b"w", b"s"], start=1):
            person.see(f"{number} of 3")
            person.see("q stop")
            person.type(key)
        person.see("That was all: 3 answers")
        person.see("AFTER")
        assert person.process.wait() == 0
    assert read_labels(path) == dict(zip(KEYS, [True, False, None], strict=True))


@pytest.mark.parametrize("how", ["q", "end of input", "interrupt"])
def test_stopping_gives_the_terminal_back(tmp_path, how):
    """q, Ctrl-D and Ctrl-C end in order: answers are kept, and the terminal is as it was."""
    path = tmp_path / "labels.jsonl"
    with terminal(path) as person:
        person.see("q stop")
        person.type(b"c")
        person.see("2 of 3")
        person.see("q stop")
        if how == "interrupt":
            person.type(b"")
            person.process.send_signal(signal.SIGINT)
        else:
            person.type(b"q" if how == "q" else b"\x04")
        person.see("Stopped: 1 answer given and kept.")
        person.see("AFTER")
        assert person.process.wait() == 0
    assert read_labels(path) == {KEYS[0]: True}


def test_a_key_pressed_twice_answers_once(tmp_path):
    """What was typed before a question was shown does not answer it."""
    path = tmp_path / "labels.jsonl"
    with terminal(path) as person:
        person.see("q stop")
        person.type(b"cc")
        person.see("no such key")
        person.type(b"q")
        person.see("AFTER")
    assert read_labels(path) == {}


@pytest.mark.parametrize("typed", [b"c\nw\n", b"c\nw\nq\nc\n"])
def test_answers_can_be_piped(tmp_path, typed):
    """Without a terminal, lines of the input are answers."""
    path = tmp_path / "labels.jsonl"
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM), str(path)]
    done = subprocess.run(command, input=typed, capture_output=True, check=True)
    assert read_labels(path) == {KEYS[0]: True, KEYS[1]: False}
    assert b"AFTER" in done.stderr
    assert not done.stdout

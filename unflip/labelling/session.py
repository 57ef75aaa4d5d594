"""A sitting: which question is next, what an answer changes, and the way back."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unflip.errors import DataError, UsageError
from unflip.labelling.book import Book, Label
from unflip.types import Sample

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


class Question(NamedTuple):
    """A completion that a person is to look at.

    Attributes:
        number: Its place among all that will be asked, from 1.
        of: How many that is, at most.
        sample: What to look at.
        said: What was said about it already, if it is asked again.
    """

    number: int
    of: int
    sample: Sample
    said: Label | None = None


class Session:
    """Asks about the rows that `choose` names, until the budget is spent.

    Everything follows from the book. Each sitting goes through the choices from the start, takes
    what the book answers, and asks for the rest; so one can stop anywhere. `choose` is shown the
    labels of rows that it has chosen, and no others that the book may hold: its choices are the
    same, however often a sitting was stopped, and whatever else was labelled into the same book.

    Args:
        keys: `Sample.key` of each row; rows of the same key share one answer.
        choose: From labels (1, 0, NaN for none) and rows that could not be told, the rows to ask
            for now, in order; none when it is done. As `Sampler.next`.
        fetch: The sample of a row.
        book: Where answers are kept, and where those of earlier sittings are.
        budget: How many rows to label at most; rows that could not be told count too.
        tell: From the same, lines on what the labels say so far. It is called at most once for each
            choice that has been worked off, so it may be slow.

    Example:
        >>> import tempfile
        >>> samples = [Sample("4", "4"), Sample("five", "4")]
        >>> def choose(label_N, skipped_N):
        ...     return np.flatnonzero(np.isnan(label_N) & ~skipped_N)
        >>> with tempfile.TemporaryDirectory() as folder, Book(f"{folder}/labels.jsonl") as book:
        ...     keys = [sample.key for sample in samples]
        ...     session = Session(keys, choose, samples.__getitem__, book, budget=2)
        ...     while question := session.question():
        ...         session.answer(question.sample.text == "4")
        ...     session.labels_N
        array([1., 0.])
    """

    def __init__(
        self,
        keys: Sequence[str],
        choose: Callable[[Floats, Bools], Ints],
        fetch: Callable[[int], Sample],
        book: Book,
        *,
        budget: int,
        tell: Callable[[Floats, Bools], Sequence[str]] | None = None,
    ) -> None:
        if budget < 1:
            raise UsageError(f"a budget is at least one label, not {budget}")
        self._keys = keys
        self._choose = choose
        self._fetch = fetch
        self._book = book
        self._budget = budget
        self._tell = tell
        # Rows asked in this sitting, in the order of their answers; `_turn` is the one asked
        # again, or behind the last.
        self._trail: list[int] = []
        self._turn = 0
        self._question: tuple[int, Question] | None = None
        self._since = 0.0
        self._told: tuple[bytes, Sequence[str]] = (b"", ())
        self._replay()

    @property
    def labels_N(self) -> Floats:
        """The labels of the rows that were chosen: 1, 0, and NaN for none. For `Sampler.survey`."""
        return self._label_N.copy()

    @property
    def done(self) -> int:
        """How many rows are answered, those of earlier sittings too."""
        return int((~np.isnan(self._label_N) | self._skipped_N).sum())

    @property
    def answered(self) -> int:
        """How many questions were answered in this sitting."""
        return len(self._trail)

    def question(self) -> Question | None:
        """What to look at now; the same until it is answered, and None when all is asked.

        Raises:
            DataError: The row's sample is not the one that its key stands for.
        """
        if self._question is None and (row := self._row()) is not None:
            again = self._turn < len(self._trail)
            number = self._rank(row) if again else self.done + 1
            said = self._book.get(self._keys[row])
            question = Question(number, self._budget, self._sample(row), said)
            self._question = (row, question)
            self._since = time.monotonic()
        return self._question[1] if self._question else None

    def answer(self, correct: bool | None) -> None:
        """Keep the answer to the question; None if the person could not tell.

        Raises:
            UsageError: Nothing is asked.
            DataError: It cannot be written.
        """
        question = self.question()
        if self._question is None or question is None:
            raise UsageError("all is asked: question() is None, and there is nothing to answer")
        row = self._question[0]
        seconds = round(time.monotonic() - self._since, 1)
        self._book.put(question.sample, correct, seconds)
        again = self._turn < len(self._trail)
        self._trail = [one for one in self._trail if one != row] + [row]
        self._ask(len(self._trail))
        # Choices that were made upon the old answer may be others upon the new one.
        if again:
            self._replay()
        else:
            self._go_on()

    def back(self) -> None:
        """Ask the question before once more, of this sitting; at its first, stay there."""
        if self._turn > 0:
            self._ask(self._turn - 1)

    @property
    def can_go_back(self) -> bool:
        """Whether there is a question before this one, of this sitting."""
        return self._turn > 0

    def lines(self) -> Sequence[str]:
        """What the labels say, as of the last choice that has been worked off."""
        if self._tell is None or self._settled is None:
            return ()
        label_N, skipped_N = self._settled
        state = label_N.tobytes() + skipped_N.tobytes()
        if self._told[0] != state:
            self._told = (state, tuple(self._tell(label_N.copy(), skipped_N.copy())))
        return self._told[1]

    def _ask(self, turn: int) -> None:
        self._turn = turn
        self._question = None

    def _row(self) -> int | None:
        if self._turn < len(self._trail):
            return self._trail[self._turn]
        return self._open

    def _sample(self, row: int) -> Sample:
        sample = self._fetch(row)
        if sample.key != self._keys[row]:
            raise DataError(f"row {row} is another than before: the data has changed meanwhile")
        return sample

    def _rank(self, row: int) -> int:
        """Which question the row was, in the order in which rows were chosen."""
        return self._chosen.index(row) + 1 if row in self._chosen else self.done

    def _replay(self) -> None:
        """Go through all choices again, from none."""
        self._label_N: Floats = np.full(len(self._keys), np.nan)
        self._skipped_N: Bools = np.zeros(len(self._keys), dtype=bool)
        self._chosen: list[int] = []
        self._at = 0
        self._settled: tuple[Floats, Bools] | None = None
        self._go_on()

    def _go_on(self) -> None:
        """Take answers from the book, choice after choice, up to the first row without one."""
        self._open: int | None = None
        while self._at < len(self._chosen) or self._choose_more():
            row = self._chosen[self._at]
            label = self._book.get(self._keys[row])
            if label is None:
                self._open = row
                return
            if label.correct is None:
                self._skipped_N[row] = True
            else:
                self._label_N[row] = label.correct
            self._at += 1

    def _choose_more(self) -> bool:
        if self._chosen:
            self._settled = self._label_N.copy(), self._skipped_N.copy()
        if self.done >= self._budget:
            return False
        known = set(self._chosen)
        rows = [int(row) for row in self._choose(self._label_N.copy(), self._skipped_N.copy())]
        fresh = [row for row in dict.fromkeys(rows) if row not in known]
        self._chosen += fresh[: self._budget - len(self._chosen)]
        return bool(fresh)

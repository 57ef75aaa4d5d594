"""Small sittings for the tests of labelling: ten rows of known truth, four asked at a time."""

import numpy as np
import pytest

from unflip.labelling import Book, Session
from unflip.types import Sample

ROWS = 10
BATCH = 4


class Desk:
    """Rows, and sittings over them that share one book."""

    def __init__(self, path, samples=None):
        self.path = path
        self.samples = samples or [
            Sample(f"it is {row % 7}", "4", prompt=f"question {row % 7}", id=f"r{row}")
            for row in range(ROWS)
        ]
        self.told = []

    def truth(self, sample):
        """What an infallible person says; some rows nobody can tell."""
        value = int(sample.key[:2], 16) % 3
        return None if value == 2 else value == 1

    def choose(self, label_N, skipped_N):
        """Four at a time; which ones depends on the labels of those before."""
        open_N = np.flatnonzero(np.isnan(label_N) & ~skipped_N)
        turn = int(np.nansum(label_N))
        return np.roll(open_N, -turn)[:BATCH]

    def tell(self, label_N, _skipped_N):
        """How many are correct."""
        self.told.append(label_N)
        return [f"{int(np.nansum(label_N))} correct"]

    def sit(self, book, budget=ROWS, **how):
        """A new sitting."""
        keys = [sample.key for sample in self.samples]
        fetch = self.samples.__getitem__
        how = {"choose": self.choose, "tell": self.tell, "fetch": fetch} | how
        return Session(keys, book=book, budget=budget, **how)


@pytest.fixture(scope="session")
def make_desk(tmp_path_factory):
    """Makes desks for samples, each with a book of its own."""
    return lambda samples=None: Desk(tmp_path_factory.mktemp("desk") / "labels.jsonl", samples)


@pytest.fixture
def desk(make_desk):
    """Ten rows, seven of them different."""
    return make_desk()


@pytest.fixture
def book(desk):
    """The open book of the desk."""
    with Book(desk.path) as book:
        yield book

"""The hostile corpus: nobody gets out, nothing is left, every limit holds, at both levels."""

import shutil

import pytest

from tests.sandbox import hostile as hostile_corpus
from tests.sandbox.hostile import corpus, family
from tests.sandbox.seeing import below


@pytest.fixture
def nothing_left(sandbox):
    """Afterwards the sandbox has no process, and no descriptor, that it did not have before."""
    with hostile_corpus.nothing_left(sandbox, lambda: {one: below(one) for one in sandbox.servers}):
        yield


@corpus("escaping")
def test_nobody_gets_out(sandbox, nothing_left, hostile):
    """What a program must not reach is not there, or refused; the next run finds no trace."""
    hostile_corpus.held(sandbox, hostile)


@corpus("bombs")
def test_every_limit_holds(sandbox, nothing_left, hostile):
    """A program that uses more than it may ends at its limit, and ends as what it is."""
    hostile_corpus.limited(sandbox, hostile)


@pytest.mark.parametrize(
    ("tool", "language", "hostile"),
    [
        pytest.param(tool, language, *one.values, id=one.id)
        for name, tool, language in (("native", "g++", "cpp"), ("node", "node", "javascript"))
        for one in family(name)
    ],
)
def test_no_language_gets_out(sandbox, nothing_left, tool, language, hostile):
    """In every language: nothing is reached, nothing is left, each ends as what it is."""
    if shutil.which(tool) is None:
        pytest.skip(f"there is no {tool} on this machine")
    hostile_corpus.foreign(sandbox, language, hostile)

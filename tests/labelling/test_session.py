"""A sitting asks for what is missing, and however one goes through it, the labels are the same."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.errors import DataError, UsageError
from unflip.labelling import Book
from unflip.noise.few.sampling import Sampler
from unflip.noise.survey import Survey
from unflip.types import Sample

STEPS = st.lists(st.sampled_from(["answer", "mistake", "back", "stop"]), max_size=40)


def finish(desk, session):
    """Answer everything that is left; the samples that were asked about."""
    asked = []
    while (question := session.question()) is not None:
        asked.append(question.sample)
        session.answer(desk.truth(question.sample))
    return asked


def follow(desk, session, step):
    """Do what the step says; a mistake is noticed, and mended, with the next question."""
    question = session.question()
    if step == "back":
        session.back()
    elif question is not None and step == "answer":
        session.answer(desk.truth(question.sample))
    elif question is not None and step == "mistake":
        truth = desk.truth(question.sample)
        session.answer(False if truth is None else not truth)
        session.back()
        assert session.question().sample == question.sample
        assert session.question().said.correct is not truth
        session.answer(truth)


@given(steps=STEPS)
def test_any_way_through_gives_the_same_labels(make_desk, steps):
    """Answers, mistakes mended, steps back, stops: the labels are those of answering once."""
    straight, other = make_desk(), make_desk()
    with Book(straight.path) as book:
        session = straight.sit(book)
        finish(straight, session)
        wanted_N = session.labels_N
    book = Book(other.path)
    session = other.sit(book)
    for step in steps:
        if step == "stop":
            book.close()
            book = Book(other.path)
            session = other.sit(book)
        else:
            follow(other, session, step)
    finish(other, session)
    book.close()
    np.testing.assert_array_equal(session.labels_N, wanted_N)


def test_equal_rows_are_asked_once(desk, book):
    """Rows of equal content share one answer."""
    session = desk.sit(book)
    asked = finish(desk, session)
    assert len(asked) == len({sample.key for sample in asked}) == 7
    truth_N = [desk.truth(sample) for sample in desk.samples]
    np.testing.assert_array_equal(session.labels_N, np.array(truth_N, dtype=float))


def test_what_the_book_answers_is_not_asked(desk):
    """A second sitting asks only for what the first left open."""
    with Book(desk.path) as book:
        session = desk.sit(book)
        first = []
        for _ in range(3):
            first.append(session.question().sample)
            session.answer(desk.truth(first[-1]))
    with Book(desk.path) as book:
        session = desk.sit(book)
        assert (session.done, session.answered) == (3, 0)
        assert session.question().number == 4
        rest = finish(desk, session)
        assert len(first + rest) == 7
        assert desk.sit(book).question() is None


def test_other_labels_in_the_book_change_no_choice(desk, book):
    """Labels of rows that were never chosen have no say in which ones are."""
    straight = desk.sit(book, budget=6)
    asked = {sample.key for sample in finish(desk, straight)}
    others = [sample for sample in desk.samples if sample.key not in asked]
    assert others
    for sample in others:
        book.put(sample, True)
    again = desk.sit(book, budget=6)
    assert again.question() is None
    np.testing.assert_array_equal(again.labels_N, straight.labels_N)


@pytest.mark.parametrize("budget", [1, 3, 4, 5, 9, 50])
def test_the_budget_is_kept(desk, book, budget):
    """No more rows are labelled than the budget says, and questions are numbered up to it."""
    session = desk.sit(book, budget=budget)
    numbers = []
    while (question := session.question()) is not None:
        numbers.append(question.number)
        assert question.of == budget
        session.answer(None)
    assert session.done == min(budget, len(desk.samples))
    assert numbers[0] == 1
    assert all(low < high <= budget for low, high in pairwise(numbers))


def test_what_cannot_be_told_is_no_label(desk, book):
    """A row that a person could not tell is not asked again, and has no label."""
    session = desk.sit(book)
    while session.question() is not None:
        session.answer(None)
    assert np.isnan(session.labels_N).all()
    assert desk.sit(book).question() is None


def test_labels_are_told_once_a_choice(desk, book):
    """However often one asks, what the labels say is worked out once for each choice."""
    session = desk.sit(book)
    assert session.lines() == ()
    while session.question() is not None:
        session.answer(True)
        session.lines()
        session.lines()
    assert len(desk.told) == 3
    assert session.lines() == (f"{int(np.nansum(session.labels_N))} correct",)
    assert len(desk.told) == 3


def test_going_back_shows_what_was_said(desk, book):
    """A question that is asked again has its number and its answer, and one can go on back."""
    session = desk.sit(book)
    session.back()
    first = session.question()
    session.answer(True)
    second = session.question()
    session.answer(False)
    for wanted, said in ((second, False), (first, True), (first, True)):
        session.back()
        question = session.question()
        assert question[:3] == wanted[:3]
        assert question.said.correct is said
    assert not session.can_go_back
    session.answer(False)
    assert session.question().number == 3
    assert book.get(first.sample.key).correct is False


def test_a_mended_answer_changes_later_choices(desk, book):
    """Back across a choice, the rows of the next one follow from the answer that counts."""
    session = desk.sit(book)
    for _ in range(4):
        session.answer(False)
    wrong = session.question()
    session.back()
    session.answer(True)
    right = session.question()
    assert right.sample != wrong.sample
    assert desk.sit(book).question().sample == right.sample


def test_nothing_asked_cannot_be_answered(desk, book):
    """An answer when all is asked is misuse, and so is an empty budget."""
    session = desk.sit(book)
    finish(desk, session)
    with pytest.raises(UsageError, match="all is asked"):
        session.answer(True)
    with pytest.raises(UsageError, match="at least one"):
        desk.sit(book, budget=0)


def test_going_back_from_the_end(desk, book):
    """When all is asked, the last answer can still be mended."""
    session = desk.sit(book)
    last = finish(desk, session)[-1]
    session.back()
    assert session.question().sample == last
    session.answer(False)
    assert book.get(last.key).correct is False
    finish(desk, session)
    assert session.question() is None


def test_data_that_has_changed_is_told(desk, book):
    """A row that holds another sample than its key stands for is not asked about."""
    session = desk.sit(book, fetch=lambda row: Sample("another"))
    with pytest.raises(DataError, match="data has changed"):
        session.question()
    assert len(book) == 0


def test_a_sampler_chooses(make_desk):
    """With the real sampler, in two sittings, its budget is spent and its survey has the labels."""
    rng = np.random.default_rng(0)
    truth_N = rng.random(300) < 0.5
    accepted_N = truth_N ^ (rng.random(300) < 0.2)
    desk = make_desk([Sample(f"it is {row}", "4", prompt=f"{row}") for row in range(300)])
    pool = Survey(accepted_N=accepted_N, rejected_N=~accepted_N, correct_N=np.full(300, np.nan))
    sampler = Sampler(pool=pool, budget=40)

    def choose(label_N, skipped_N):
        return sampler.next(label_N, skipped_N=skipped_N)

    for answers in (15, 25):
        with Book(desk.path) as book:
            session = desk.sit(book, budget=40, choose=choose)
            for _ in range(answers):
                session.answer(bool(truth_N[int(session.question().sample.prompt)]))
    assert session.question() is None
    assert sampler.survey(session.labels_N).labels == 40

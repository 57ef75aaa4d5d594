"""Errands and their crews: everything is told once, whoever takes it and whatever happens."""

import asyncio
import threading
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.judges.asking import Reply, Request, Said, Silence, Unanswered
from unflip.judges.backends import Scripted, ask_async
from unflip.judges.backends.crew import Crew
from unflip.judges.backends.errand import Errand, part, post

YES = Reply((Said("YES"),))
SHUT = Unanswered(Silence.CANCELLED, "gate")


def requests(n):
    """Requests with the numbers from 0."""
    return [Request(raw=str(i)) for i in range(n)]


@given(st.integers(0, 40), st.sets(st.integers(0, 39)), st.integers(0, 40))
def test_each_request_is_told_once(n, shut, cancel_at):
    """Answered, shut out by the gate or cancelled: each place hears exactly one of it."""
    told = Counter()
    answers = {}

    def hear(place, answer):
        told[place] += 1
        answers[place] = answer

    errand = Errand(requests(n), hear, lambda place: SHUT if place in shut else None)
    taken = 0
    while one := errand.take():
        place, request = one
        assert request.raw == str(place)
        taken += 1
        if taken == cancel_at:
            errand.cancel()
        errand.tell(place, YES)
    errand.wait()
    assert told == dict.fromkeys(range(n), 1)
    assert all((answers[p] == SHUT) for p in shut & set(range(n)) if not errand.cancelled.is_set())
    assert list(answers.values()).count(YES) == taken


@given(st.integers(1, 30), st.integers(1, 8))
def test_parts_are_all_of_it(n, most):
    """Parts take the requests in order, none twice and none left out."""
    errand = Errand(requests(n), lambda place, answer: None)
    parts = []
    while taken := part(errand, most):
        assert len(taken) <= most
        parts += [place for place, _ in taken]
    assert parts == list(range(n))


def test_many_threads_tell_each_request_once():
    """Threads that take at the same time never take the same."""
    told, lock = Counter(), threading.Lock()

    def hear(place, answer):
        with lock:
            told[place] += 1

    errand, crew = Errand(requests(5000), hear), Crew(8)

    def work():
        while one := errand.take():
            errand.tell(one[0], YES)

    for _ in range(8):
        crew.put(work)
    errand.wait()
    assert told == dict.fromkeys(range(5000), 1)


def test_an_interrupted_wait_cancels_and_waits_for_what_is_under_way(monkeypatch):
    """Ctrl-C sends nothing more, and what was sent is heard before it goes on its way."""
    told, sent = [], threading.Event()
    errand = Errand(requests(3), lambda place, answer: told.append((place, answer)))
    real, waits = errand._done.wait, []

    def interrupted(timeout=None):
        waits.append(timeout)
        if len(waits) == 1:
            sent.wait()
            raise KeyboardInterrupt
        return real(timeout)

    monkeypatch.setattr(errand._done, "wait", interrupted)

    def work():
        place, _ = errand.take()
        sent.set()
        errand.cancelled.wait()
        errand.tell(place, YES)
        assert errand.take() is None

    threading.Thread(target=work).start()
    with pytest.raises(KeyboardInterrupt):
        errand.wait()
    assert told[0] == (0, YES)
    assert [answer.why for _, answer in told[1:]] == [Silence.CANCELLED] * 2


def test_callbacks_come_once_all_is_told():
    """`then` calls at the end, or at once if that has been."""
    ends = []
    errand = Errand(requests(2), lambda place, answer: None)
    errand.then(lambda: ends.append("before"))
    errand.tell(0, YES)
    assert ends == []
    errand.tell(1, YES)
    errand.then(lambda: ends.append("after"))
    assert ends == ["before", "after"]
    Errand([], lambda place, answer: None).wait()


def test_a_backend_that_only_answers_is_asked_in_parts():
    """Any backend can be posted to: in parts of what it takes at once, through the gate."""
    sizes, told = [], {}

    class Plain:
        by, kind, parallel = "plain", "stub", 3

        def ask(self, requests, deadline=None):
            sizes.append(len(requests))
            return [Reply((Said(r.raw),)) for r in requests]

    gate = lambda place: SHUT if place == 1 else None  # noqa: E731
    post(Plain(), requests(8), told.__setitem__, None, gate).wait()
    assert sizes == [3, 3, 1]
    assert told.pop(1) == SHUT
    assert {p: a.said[0].text for p, a in told.items()} == {p: str(p) for p in told}


def test_asyncio_hears_errors_too():
    """What a backend raises reaches the task that awaits it."""

    def script(request):
        raise LookupError("no such line")

    with pytest.raises(LookupError, match="no such line"):
        asyncio.run(ask_async(Scripted(script), requests(1)))


@given(st.integers(1, 5), st.integers(1, 30))
def test_a_crew_does_every_job(size, jobs):
    """All jobs are done, by no more threads than the crew has."""
    crew, lock, names = Crew(size), threading.Lock(), []
    done = threading.Semaphore(0)

    def job():
        with lock:
            names.append(threading.current_thread())
        done.release()

    for _ in range(jobs):
        crew.put(job)
    for _ in range(jobs):
        assert done.acquire(timeout=10)
    assert len(names) == jobs
    assert len(set(names)) <= size


def test_a_gate_that_raises_ends_the_errand():
    """Its error is the errand's, and nobody waits for ever."""
    told = {}

    def gate(place):
        raise ValueError("no gate")

    errand = Errand(requests(3), told.__setitem__, gate)
    assert errand.take() is None
    with pytest.raises(ValueError, match="no gate"):
        errand.wait()
    assert {answer.why for answer in told.values()} == {Silence.CANCELLED}

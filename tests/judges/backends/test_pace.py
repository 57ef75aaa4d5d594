"""Meters and patience, by a clock that the tests turn."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.judges.asking import Reply, Said, Silence, Unanswered, Usage
from unflip.judges.backends import pace
from unflip.judges.backends.pace import Again, Meter, Patience

DONE = Reply((Said("YES"),), Usage(5, 1, 1))


class Clock:
    """Seconds that pass when somebody sleeps."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
        return False


@given(st.floats(1, 1e4), st.lists(st.floats(0, 10), min_size=1, max_size=60))
def test_no_minute_holds_more_than_its_share(per_minute, gaps):
    """Within any minute, no more is sent than the limit and one second's burst."""
    clock, sent = Clock(), []
    meter = Meter(per_minute, clock)
    for gap in gaps:
        clock.now += gap
        sent.append(clock.now + meter.book(1))
    most = per_minute * 61 / 60 + 1
    assert all(sum(start <= at < start + 60 for at in sent) <= most + 1e-6 for start in sent)


@given(st.integers(1, 50), st.floats(0, 1e6))
def test_no_limit_never_waits(times, units):
    """A meter without a limit lets everything through at once."""
    meter = Meter(None)
    assert {meter.book(units) for _ in range(times)} == {0.0}


def test_what_was_not_used_is_given_back():
    """Tokens that were guessed and not taken make room for the next ones."""
    clock = Clock()
    meter = Meter(60, clock)
    meter.book(100)
    assert meter.book(0) == 99
    meter.settle(90)
    assert meter.book(0) == 9


failing = st.builds(
    Again,
    st.sampled_from([Silence.UNREACHABLE, Silence.THROTTLED, Silence.GARBLED, Silence.TIMEOUT]),
    st.just("why"),
    st.none() | st.floats(0, 100),
)


@given(
    st.lists(failing, max_size=12),
    st.integers(0, 8),
    st.floats(0, 10),
    st.floats(0.1, 300),
    st.floats(0, 20),
    st.integers(0, 2**32),
)
def test_patience_keeps_its_limits(fails, retries, backoff, seconds, each, seed):
    """Never more attempts than allowed, none begun after the deadline, all usage summed."""
    pace._dice.seed(seed)
    clock, begun = Clock(), []
    script = iter([*fails, *[DONE] * 20])

    def attempt(left):
        assert left > 0
        begun.append(clock.now)
        clock.sleep(min(each, left))
        return next(script)

    start = clock.now
    answer = Patience(retries, backoff, seconds).persist(attempt, clock.sleep, clock)
    assert len(begun) <= retries + 1
    assert all(at < start + seconds for at in begun)
    assert answer.usage.requests == len(begun)
    assert clock.now <= start + seconds + 1e-6
    if len(begun) > len(fails):
        assert answer.said == DONE.said
    else:
        assert isinstance(answer, Unanswered)
        assert answer.why in {fail.why for fail in fails} | {Silence.TIMEOUT}


@given(st.floats(0, 30), st.integers(0, 2**32))
def test_a_server_that_says_how_long_is_waited_for_at_least_so_long(wait, seed):
    """No attempt comes before the time that the server named."""
    pace._dice.seed(seed)
    clock, begun = Clock(), []
    script = iter([Again(Silence.THROTTLED, "429", wait), DONE])

    def attempt(left):
        begun.append(clock.now)
        return next(script)

    Patience(3, 0.5, 1000).persist(attempt, clock.sleep, clock)
    assert wait <= begun[1] - begun[0] <= wait + 0.5 + 1e-9


def test_waits_grow_and_are_spread():
    """The n-th wait is drawn evenly from 0 to backoff * 2^n, so that nobody returns together."""
    pace._dice.seed(0)
    waits = [[] for _ in range(4)]
    for _ in range(500):
        clock, begun = Clock(), []

        def attempt(left, clock=clock, begun=begun):
            begun.append(clock.now)
            return Again(Silence.UNREACHABLE, "500")

        Patience(4, 1.0, 1e6).persist(attempt, clock.sleep, clock)
        for n, (one, other) in enumerate(pairwise(begun)):
            waits[n].append(other - one)
    for n, drawn in enumerate(waits):
        assert max(drawn) <= 2**n
        assert sum(drawn) / len(drawn) == pytest.approx(2**n / 2, rel=0.15)


def test_told_to_wait_too_long_is_throttled():
    """A Retry-After beyond the deadline ends it at once."""
    clock = Clock()
    answer = Patience(6, 0.5, 60).persist(
        lambda left: Again(Silence.THROTTLED, "429", 3600.0), clock.sleep, clock
    )
    assert (answer.why, clock.now) == (Silence.THROTTLED, 100.0)


def test_a_cancelled_wait_is_no_other_attempt():
    """Who is told to stop while waiting does not send again."""
    answer = Patience(6, 0.5, 60).persist(
        lambda left: Again(Silence.UNREACHABLE, "500"), lambda seconds: True
    )
    assert (answer.why, answer.usage.requests) == (Silence.CANCELLED, 1)

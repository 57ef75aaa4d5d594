"""Conversations go on together, step by step, and each gets its own answers."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unflip.errors import MissingExtra, NoVerdict, UsageError
from unflip.judges import Judge, Own, Request, template
from unflip.judges.backends import Scripted
from unflip.judges.play import Ask, Weigh, play, play_async
from unflip.run import verify_all
from unflip.types import Sample


class Echo(Scripted):
    """Says what it is asked, weighs by length, and counts its calls."""

    calls = 0

    def ask(self, requests, deadline=None):
        type(self).calls += 1
        return super().ask(requests, deadline)

    def weigh(self, requests, endings):
        return [tuple(-float(len(request.raw + end)) for end in endings) for request in requests]


def echo():
    """A fresh one."""
    kind = type("Fresh", (Echo,), {"calls": 0})
    return kind(lambda request: request.raw)


def talk(name, widths):
    """A script that asks as many things at each step as `widths` says, and weighs where it is 0."""
    heard = []
    for step, width in enumerate(widths):
        if width:
            answers = yield Ask(tuple(Request(raw=f"{name}.{step}.{n}") for n in range(width)))
            heard += [answer.said[0].text for answer in answers]
        else:
            (weights,) = yield Weigh(Request(raw=name), ("a" * (step + 1),))
            heard.append(weights[0])
    return heard


@given(st.lists(st.lists(st.integers(0, 3), max_size=4), max_size=8))
def test_each_script_hears_its_own_answers(plans):
    """Whatever others ask at the same time, in their order, and as if alone."""
    backend = echo()
    together = list(play(backend, [talk(f"s{i}", plan) for i, plan in enumerate(plans)]))
    alone = [next(play(echo(), [talk(f"s{i}", plan)])) for i, plan in enumerate(plans)]
    assert together == alone
    assert backend.calls <= max(map(len, plans), default=0)


def test_an_endless_stream_of_scripts_is_played_lazily():
    """Scripts are made as they are needed."""
    made = []

    def scripts():
        n = 0
        while True:
            made.append(n)
            yield talk(str(n), [1])
            n += 1

    assert next(play(echo(), scripts())) == ["0.0.0"]
    assert len(made) <= 2048


@pytest.mark.parametrize(
    ("raised", "seen"),
    [(UsageError("wrong key"), NoVerdict), (MissingExtra("pip install"), MissingExtra)],
)
def test_a_misused_backend_stops_the_run(raised, seen):
    """A wrong key is no reason to abstain ten thousand times."""

    def script(request):
        raise raised

    judge = Judge(template("yes-no"), Scripted(script))
    with pytest.raises(seen, match=str(raised)):
        list(verify_all(judge, [Sample(str(n), "4", prompt="?") for n in range(100)]))


def test_a_client_that_needs_installing_stops_the_run():
    """So does a client of the user's whose extra is missing."""

    def call(messages):
        raise MissingExtra("pip install it")

    with pytest.raises(MissingExtra):
        list(verify_all(Judge(template("yes-no"), Own(call)), [Sample("5", "4", prompt="?")]))


@pytest.mark.parametrize("said", [0, 1, 3])
def test_answers_that_cannot_be_told_apart_stop_the_run(said):
    """A backend with fewer or more answers than requests may have given anybody's to anyone."""

    class Miscounting(Scripted):
        def ask(self, requests, deadline=None):
            return super().ask(requests, deadline)[:1] * said

    judge = Judge(template("yes-no"), Miscounting("YES"))
    with pytest.raises(NoVerdict, match=f"{said} answers to 2"):
        judge.verify_batch([Sample("4", "4", prompt="?")] * 2)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(st.integers(0, 3), max_size=4), max_size=20))
def test_asyncio_plays_the_same(plays):
    """The async form asks the same, step by step, and gives everybody the same."""
    talks = [talk(f"s{i}", widths) for i, widths in enumerate(plays)]
    again = [talk(f"s{i}", widths) for i, widths in enumerate(plays)]
    assert asyncio.run(play_async(echo(), talks)) == list(play(echo(), again))

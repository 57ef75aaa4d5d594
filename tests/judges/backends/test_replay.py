"""Recordings and scripts: what was said is said again, and nothing else is."""

import asyncio
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from server import MODEL, Plan, serving, verdict_of

from unflip.errors import DataError, UsageError
from unflip.judges.asking import (
    Finish,
    Position,
    Reply,
    Request,
    Said,
    Silence,
    Turn,
    Unanswered,
    Usage,
)
from unflip.judges.backends import Endpoint, Replay, Scripted, recording
from unflip.judges.backends.rows import from_row, to_row

logprobs = st.floats(max_value=0, allow_nan=False)
positions = st.builds(
    Position,
    st.text(max_size=3),
    logprobs,
    st.lists(st.tuples(st.text(max_size=3), logprobs), max_size=3).map(tuple),
)
saids = st.builds(
    Said,
    st.text(max_size=9),
    st.sampled_from(Finish),
    st.text(max_size=3),
    st.none() | st.lists(positions, max_size=3).map(tuple),
)
usages = st.builds(Usage, *[st.integers(0, 9)] * 3)
answers = st.builds(Reply, st.lists(saids, max_size=3).map(tuple), usages) | st.builds(
    Unanswered, st.sampled_from(Silence), st.text(max_size=9), usages
)


def asks(texts):
    """A request for each text."""
    return [Request((Turn("user", text),)) for text in texts]


@given(answers)
def test_an_answer_goes_to_json_and_back(answer):
    """Nothing of an answer is lost on the way."""
    assert from_row(to_row(answer)) == answer


@pytest.mark.parametrize("row", [None, 1, {}, {"usage": []}, {"usage": [1, 2, 3], "said": [{}]}])
def test_a_row_that_is_no_answer_is_explained(row):
    """Whatever a file holds in place of an answer is an error of the data."""
    with pytest.raises(DataError, match="no answer"):
        from_row(row)


def test_what_was_recorded_is_played_back(tmp_path):
    """Replies and failures come back offline, by the same judge's name; others are unrecorded."""
    path = tmp_path / "replies.jsonl"
    with serving(Plan(fault=lambda prompt, _: "400" if prompt == "bad" else None)) as server:
        judge = recording(Endpoint(server.url, MODEL, kind="stub"), path)
        live = judge.ask(asks(["a", "bad", "b"]))
    replay = Replay.read(path)
    played = replay.ask(asks(["b", "bad", "a", "new"]))
    assert [played[2].said, played[0].said] == [live[0].said, live[2].said]
    assert (played[1].why, played[1].detail) == (live[1].why, live[1].detail)
    assert played[3].why is Silence.UNRECORDED
    assert (replay.by, replay.kind) == (judge.by, "stub")
    assert all(answer.usage == Usage() for answer in played)


def test_a_recording_goes_on_after_a_torn_line(tmp_path):
    """A line that was cut off costs its own request alone, and what follows is read."""
    path = tmp_path / "replies.jsonl"
    recording(Scripted("YES"), path).ask(asks("ab"))
    path.write_bytes(path.read_bytes()[:-10])
    recording(Scripted("YES"), path).ask(asks("c"))
    found = Replay.read(path).ask(asks("abc"))
    assert [isinstance(answer, Reply) for answer in found] == [True, False, True]


def test_of_several_answers_the_last_counts(tmp_path):
    """What was asked again replaces what failed before."""
    path = tmp_path / "replies.jsonl"
    down = Unanswered(Silence.UNREACHABLE, "down")
    judge = recording(Scripted([down, "YES"]), path)
    judge.ask(asks("a"))
    judge.ask(asks("a"))
    assert isinstance(Replay.read(path).ask(asks("a"))[0], Reply)


def test_the_answers_of_several_are_told_apart(tmp_path):
    """A file of several judges is read for one of them, by name."""
    path = tmp_path / "replies.jsonl"
    one, other = Scripted("YES"), Scripted("NO")
    for judge in (one, other):
        recording(judge, path).ask(asks("a"))
    assert Replay.read(path, by=other.by).ask(asks("a"))[0].said[0].text == "NO"
    for by in (None, "nobody"):
        with pytest.raises(UsageError, match="name one of them"):
            Replay.read(path, by=by)


def test_what_was_cancelled_is_not_recorded(tmp_path):
    """The end of a run is nothing that its judge said."""
    path = tmp_path / "replies.jsonl"
    recording(Scripted([Unanswered(Silence.CANCELLED), "YES"]), path).ask(asks("ab"))
    assert len(path.read_text().splitlines()) == 1


@pytest.mark.parametrize("text", [None, "", "no rows\n", '{"key": 1}\n'])
def test_a_file_without_a_recording_is_explained(tmp_path, text):
    """A missing, empty or foreign file is an error of the data."""
    path = tmp_path / "replies.jsonl"
    if text is not None:
        path.write_text(text)
    with pytest.raises(DataError, match=r"replies\.jsonl"):
        Replay.read(path)


def test_a_path_that_cannot_be_written_is_explained(tmp_path):
    """Recording into nowhere ends the run."""
    with pytest.raises(DataError, match="cannot be written"):
        recording(Scripted("YES"), tmp_path / "no" / "replies.jsonl").ask(asks("a"))


def test_a_replay_travels_by_pickle():
    """A replay is its answers."""
    [request] = asks("a")
    replay = Replay({request.key: Reply((Said("YES"),))}, "judge@1")
    assert pickle.loads(pickle.dumps(replay)).ask([request]) == replay.ask([request])
    assert asyncio.run(replay.ask_async([request])) == replay.ask([request])


def test_a_script_says_what_it_is_told_to():
    """A text each time, texts in turn and then nothing more, or a function of the request."""
    [a, b, c] = asks("abc")
    assert [x.said[0].text for x in Scripted("YES").ask([a, b])] == ["YES", "YES"]
    cut = Scripted(Said("2", Finish.LENGTH)).ask([a, b])
    assert [x.said[0].finish for x in cut] == [Finish.LENGTH, Finish.LENGTH]
    in_turn = Scripted(["1", Said("2", Finish.LENGTH)])
    first, second, third = in_turn.ask([a, b, c])
    assert (first.said[0].text, second.said[0].finish) == ("1", Finish.LENGTH)
    assert third.why is Silence.UNRECORDED
    called = Scripted(lambda r: verdict_of(r.turns[0].text))
    assert [x.said[0].text for x in called.ask([a, c])] == [verdict_of("a"), verdict_of("c")]
    assert len(Scripted("YES").ask([Request(raw="q", samples=3)])[0].said) == 3


def test_a_script_that_says_anything_else_is_misuse():
    """A function that returns no text is told so."""
    with pytest.raises(UsageError, match="a script says a text"):
        Scripted(lambda request: 1).ask(asks("a"))


def test_scripts_differ_by_what_they_say():
    """`by` is the script's content; a copy begins anew."""
    assert Scripted("YES").by == Scripted("YES").by != Scripted("NO").by
    in_turn = Scripted(["YES"])
    in_turn.ask(asks("a"))
    assert isinstance(pickle.loads(pickle.dumps(in_turn)).ask(asks("a"))[0], Reply)

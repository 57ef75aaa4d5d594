"""The parts of a conversation that are plain functions: changes, keys, guesses, small pytest."""

import copy
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.sandbox.answering import OBJECT, Conversation
from unflip.sandbox.codec import parse
from unflip.verifiers.code.inside.line import Line, _change, _key
from unflip.verifiers.code.inside.objects import Guess, Stuck, Unreadable
from unflip.verifiers.code.inside.small_pytest import approx, raises

DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=2), inner, max_size=3)
        | st.sets(st.integers(), max_size=3)
    ),
    max_leaves=8,
)


@given(st.lists(DATA, max_size=4), st.lists(DATA, max_size=4))
def test_a_changed_list_is_what_the_program_made_of_it(old, new):
    """Whatever it was: it is the same list, with the other content."""
    same = old
    _change(old, copy.deepcopy(new))
    assert old is same
    assert _key(old) == _key(new)


@given(DATA, DATA)
def test_a_key_tells_data_and_types_apart(left, right):
    """Equal keys mean equal data of equal types, and copies have equal keys."""
    assert _key(copy.deepcopy(left)) == _key(left)
    if _key(left) == _key(right):
        assert left == right
        assert type(left) is type(right)


def test_a_key_does_not_depend_on_how_a_set_was_made():
    """Sets with the same members have one key, whatever order they come in."""
    assert _key({8, 0}) == _key({0, 8})
    assert _key([1]) != _key([True]) != _key([1.0])


STEPS = {
    "call": lambda guess: guess(1),
    "attribute": lambda guess: guess.name,
    "item": lambda guess: guess[0],
    "reckon": lambda guess: 1 + guess * 2 - guess,
    "loop": lambda guess: next(iter(guess)),
    "compare": lambda guess: guess if guess == 3 and guess != 4 and guess < 5 else None,
}


@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=6))
def test_a_guess_bears_whatever_tests_do(steps):
    """Calls, attributes, items, sums, loops and comparisons all go on."""
    line = Line([], [], set())
    found = line.named("f")
    for step in steps:
        found = STEPS[step](found)
        assert isinstance(found, Guess)
    assert line.guessing


def test_guessing_comes_to_an_end():
    """A loop over guesses is stopped, and stays stopped if the tests swallow it."""
    line = Line([], [], set())
    function = line.named("f")
    with pytest.raises(Stuck):
        all(function(1) is not None for _ in iter(int, 1))
    assert isinstance(line.why, Stuck)


@pytest.mark.parametrize("argument", [lambda: 1, object(), range(3), [object()], {1: print}])
def test_what_cannot_travel_is_told_at_once(argument):
    """Also on a guess: it does not depend on any answer."""
    line = Line([], [], set())
    with pytest.raises(Unreadable):
        line.named("f")(argument)


def test_answers_count_only_for_the_calls_that_were_made():
    """The same call in the same place has its answer; after another one all is guessed."""
    calls = [("@name", ("f",), {}), ("@call", ({OBJECT: [0]}, 1), {})]
    line = Line(calls, [["value", [], 7, None]], set())
    assert line.named("f") == 7
    assert not line.guessing
    other = Line(calls, [["value", [], 7, None]], set())
    assert isinstance(other.named("g"), Guess)


class Box:
    """Something that is no data."""

    def __init__(self, held):
        self.held = held


def test_a_conversation_goes_on_after_a_raise():
    """What is raised is told with its kinds; objects are named by the call that made them."""
    scope = {"Box": Box, "sort": list.sort}
    talk = Conversation(scope.__getitem__)

    def ask(name, *given):
        return parse(talk.answer(name, given, {}))

    assert ask("@name", "Nothing")["raised"][0] == "KeyError"
    assert ask("Box", 5)["value"] != 0
    assert ask("@getattr", {OBJECT: [1]}, "held") == {"id": 2, "value": 5}
    assert ask("sort", [2, 1])["changed"] == [[3, [[1, 2]], {}]]
    assert ask("@name", "Box")["id"] == 4
    assert ask("@name", "Box")["value"] == {OBJECT: [4]}


@given(st.floats(allow_nan=False) | st.integers(), st.floats(allow_nan=False) | st.integers())
def test_approx_is_pytests(left, right):
    """Ours and the real one agree on numbers, lists and dicts."""
    assert (left == approx(right)) is (left == pytest.approx(right))
    assert ([left] == approx([right])) is ([left] == pytest.approx([right]))
    near = left * (1 + 5e-7)
    assert (near == approx(left, rel=1e-6)) is (near == pytest.approx(left, rel=1e-6))
    assert ({"a": near} == approx({"a": left})) is ({"a": near} == pytest.approx({"a": left}))


def test_approx_knows_no_numbers_and_what_is_none():
    """Nan is near nothing unless it may be, and text is compared as it is."""
    assert math.nan != approx(math.nan)
    assert math.nan == approx(math.nan, nan_ok=True)
    assert approx("a") == "a"
    assert approx([1, 2]) != [1]
    assert approx(1.0, abs=0.5) == 1.4


def test_raises_is_pytests():
    """What is raised is kept; another kind goes on; nothing raised, or other words, fail."""
    with raises(ValueError, match="x") as kept:
        raise ValueError("x")
    assert (kept.type, str(kept.value)) == (ValueError, "x")
    raises(ZeroDivisionError, lambda: 1 / 0)
    with pytest.raises(KeyError), raises(ValueError):
        raise KeyError
    with pytest.raises(AssertionError):
        raises(ValueError, int)
    with pytest.raises(AssertionError), raises(ValueError, match="y"):
        raise ValueError("x")

"""The tool-call reward: by hand, robust against any model, and two ways to hack it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.correction.shaping.advantages import same_update
from unflip.correction.shaping import tool_call_reward
from unflip.errors import UsageError


def call(name, **parameters):
    """One tool call as JSON would give it."""
    return {"name": name, "parameters": parameters}


ADD, GET = call("add", a=1, b=2), call("get", url="x")
json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "parameters", "a"]), inner, max_size=3)
    ),
    max_leaves=8,
)
calls = st.lists(
    st.builds(
        lambda name, parameters: {"name": name, "parameters": parameters},
        st.sampled_from("fg"),
        st.dictionaries(st.sampled_from("abc"), st.integers(0, 2), max_size=3),
    ),
    max_size=4,
)


@pytest.mark.parametrize(
    ("calls", "wanted", "paid"),
    [
        ([ADD], [ADD], 3.0),
        ([GET, ADD], [ADD, GET], 3.0),
        ([call("add", a=1, b=9)], [ADD], 6 * (1 + 1 + 1) / 4 - 3),
        ([call("add", a=1)], [ADD], 6 * (1 + 0.5 + 1) / 4 - 3),
        ([call("sub", a=1, b=2)], [ADD], -3.0),
        ([ADD], [ADD, GET], 6 * (0.5 + 3) / 6 - 3),
        ([ADD, GET], [ADD], 6 * (0.5 + 3) / 4 - 3),
        ([call("now")], [call("now")], 3.0),
        ([], [ADD], -3.0),
        (None, [ADD], -3.0),
        ("add(1, 2)", [ADD], -3.0),
        ([{"name": "add"}], [ADD], -3.0),
        ([{"name": ["add"], "parameters": {}}], [ADD], -3.0),
        ([ADD], [], 0.0),
    ],
)
def test_the_reward_by_hand(calls, wanted, paid):
    """6 S / S_max - 3, -3 for what cannot be read, 0 where no tool is wanted."""
    assert tool_call_reward(calls, wanted, formatted=False) == pytest.approx(paid)
    assert tool_call_reward(calls, wanted, formatted=True) == pytest.approx(paid + 1)


@given(json, calls.filter(bool))
def test_nothing_that_a_model_says_raises(said, wanted):
    """Any JSON gets a reward in range."""
    assert -3 <= tool_call_reward(said, wanted, formatted=False) <= 3


@given(calls.filter(bool))
def test_the_right_calls_in_any_order_are_the_best(wanted):
    """They get 3, and so do they reversed."""
    for said in wanted, wanted[::-1]:
        assert tool_call_reward(said, wanted, formatted=False) == pytest.approx(3)


@given(calls, calls.filter(bool))
def test_three_is_for_the_right_calls_only(said, wanted):
    """Whoever gets the full reward said the wanted calls, and no others."""
    key = lambda c: (c["name"], sorted(c["parameters"].items()))  # noqa: E731
    if tool_call_reward(said, wanted, formatted=False) > 3 - 1e-9:
        assert sorted(map(key, said)) == sorted(map(key, wanted))


def test_the_scale_is_inert_alone_and_counts_beside_format():
    """Twice the span changes nothing by itself; beside a format bonus it changes the update."""
    said = [[ADD], [call("add", a=1, b=3)], [call("add")], None]
    paid = np.array([tool_call_reward(s, [ADD], formatted=False) for s in said])
    assert same_update(paid, 2 * paid + 5)
    format_G = np.array([0.0, 1.0, 1.0, 1.0])
    assert not same_update(paid + format_G, 2 * paid + format_G)


def test_several_calls_of_one_tool_cover_every_guess():
    """Three guesses beat one wrong guess, as only the best is looked at: a hack."""
    wanted = [call("pick", n=2)]
    one, three = [call("pick", n=1)], [call("pick", n=n) for n in (1, 2, 3)]
    pays = [tool_call_reward(said, wanted, formatted=True) for said in (one, three)]
    assert pays[0] < pays[1]


def test_calls_that_nobody_wanted_cost_nothing():
    """Where no tool is wanted, calling ten pays like calling none."""
    assert tool_call_reward([ADD] * 10, [], formatted=True) == 1.0


def test_misuse_is_refused():
    """Wanted calls that are no calls are the programmer's mistake."""
    with pytest.raises(UsageError):
        tool_call_reward([], [{"name": "add"}], formatted=True)

"""What is read off the wire: whatever comes, it is samples, a reason, or misuse."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.errors import UsageError
from unflip.judges.asking import Finish, Position, Reply, Silence, Unanswered, Usage
from unflip.judges.backends import wire
from unflip.judges.backends.pace import Again
from unflip.judges.backends.statuses import Response, asked_to_wait, read

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
messages = st.fixed_dictionaries(
    {},
    optional={
        "content": values,
        "refusal": values,
        "reasoning": values,
        "reasoning_content": values,
    },
)
choices = st.fixed_dictionaries(
    {},
    optional={
        "message": messages | values,
        "text": values,
        "finish_reason": values,
        "logprobs": st.fixed_dictionaries({}, optional={"content": values, "tokens": values,
                                                        "token_logprobs": values,
                                                        "top_logprobs": values}) | values,
    },
)  # fmt: skip
bodies = st.fixed_dictionaries(
    {}, optional={"choices": st.lists(choices | values, max_size=3) | values, "usage": values,
                  "error": values}
)  # fmt: skip


@given(bodies | values, st.integers(1, 3), st.integers(200, 599))
def test_any_body_is_read(body, wanted, status):
    """No JSON that a server may send is an error of ours, and no sample has anything but text."""
    data = json.dumps(body).encode()
    try:
        answer = read(Response(status, {}, data), wanted)
    except UsageError:
        return
    assert isinstance(answer, Reply | Again | Unanswered)
    if isinstance(answer, Reply):
        assert 0 < len(answer.said) <= wanted
        assert all(isinstance(said.text, str) for said in answer.said)
        assert all(isinstance(said.reasoning, str) for said in answer.said)


@given(st.binary(max_size=60), st.integers(200, 599))
def test_any_bytes_are_read(data, status):
    """What is no JSON at all is garbled, refused or another attempt, or misuse by its status."""
    try:
        answer = read(Response(status, {}, data), 1)
    except UsageError:
        assert status != 200
        return
    assert isinstance(answer, Again | Unanswered)


@pytest.mark.parametrize(
    ("status", "why"),
    [(400, Silence.REFUSED), (413, Silence.REFUSED), (422, Silence.REFUSED)],
)
def test_a_request_that_is_refused_is_not_tried_again(status, why):
    """What is wrong with the request stays wrong."""
    answer = read(Response(status, {}, b'{"error": {"message": "too long"}}'), 1)
    assert isinstance(answer, Unanswered)
    assert answer.why is why
    assert "too long" in answer.detail


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529])
def test_what_may_pass_is_tried_again(status):
    """Throttling and failures of the server are another attempt's matter."""
    assert isinstance(read(Response(status, {}, b""), 1), Again)


@pytest.mark.parametrize("status", [301, 308, 401, 402, 403, 404, 405])
def test_misuse_is_raised(status):
    """What all requests would meet with ends the run."""
    with pytest.raises(UsageError, match=str(status)):
        read(Response(status, {}, b""), 1)


def test_content_in_parts_is_text_and_thought():
    """Servers that send a message's content in parts are understood."""
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "YE"},
        {"type": "text", "text": "S"},
    ]
    [said] = wire.said({"choices": [{"message": {"content": parts}, "finish_reason": "stop"}]}, 1)
    assert (said.text, said.reasoning, said.finish) == ("YES", "hm", Finish.STOP)


def test_both_forms_of_log_probabilities_are_read_alike():
    """Chats and raw completions say the same in different words."""
    chat = {"content": [{"token": "YES", "logprob": -0.5,
                         "top_logprobs": [{"token": "NO", "logprob": -1}]}]}  # fmt: skip
    text = {"tokens": ["YES"], "token_logprobs": [-0.5], "top_logprobs": [{"NO": -1}]}
    wanted = (Position("YES", -0.5, (("NO", -1.0),)),)
    for logprobs in (chat, text):
        body = {"choices": [{"text": "YES", "logprobs": logprobs}]}
        assert wire.said(body, 1)[0].positions == wanted


@pytest.mark.parametrize("bad", [None, "x", math.nan, True, [1]])
def test_a_log_probability_that_is_none_leaves_none(bad):
    """Half a position is none: no number is made up."""
    logprobs = {"content": [{"token": "YES", "logprob": bad}]}
    assert wire.said({"choices": [{"text": "YES", "logprobs": logprobs}]}, 1)[0].positions is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "2.5"}, 2.5),
        ({"Retry-After": "Wed, 21 Oct 99999999999999999999 07:28:09 GMT"}, None),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "9", "retry-after-ms": "500"}, 0.5),
        (
            {
                "Retry-After": "Wed, 21 Oct 2026 07:30:00 GMT",
                "Date": "Wed, 21 Oct 2026 07:28:00 GMT",
            },
            120.0,
        ),
        (
            {
                "retry-after": "Wed, 21 Oct 2026 07:28:00 GMT",
                "date": "Wed, 21 Oct 2026 07:30:00 GMT",
            },
            0.0,
        ),
    ],
)
def test_how_long_a_server_asks_to_wait(headers, seconds):
    """Seconds, milliseconds and dates are understood; a date by the server's own clock."""
    assert asked_to_wait(headers) == seconds


YES = {"message": {"content": "YES"}, "finish_reason": "stop"}


def test_an_error_beside_a_choice_is_an_error():
    """A gateway that broke off sends what it had; that is no reply."""
    data = json.dumps({"error": {"code": 503, "message": "gone"}, "choices": [YES]}).encode()
    assert read(Response(200, {}, data), 1).why is Silence.UNREACHABLE


@pytest.mark.parametrize("call", [{"tool_calls": [{"id": "1"}]}, {"function_call": {"name": "f"}}])
def test_a_reply_that_calls_a_tool_has_not_ended(call):
    """Whatever it says meanwhile, and whatever the server says that it ended with."""
    choice = {**YES, "message": {**YES["message"], **call}}
    assert wire.said({"choices": [choice]}, 1)[0].finish is Finish.OTHER
    assert wire.said({"choices": [{**YES, "tool_calls": []}]}, 1)[0].finish is Finish.STOP


def test_without_alternatives_there_are_no_log_probabilities():
    """The probability of what was said alone is no chance of anything: P(yes) would be 0 or 1."""
    for tops in ([], None):
        token = {"token": "YES", "logprob": -0.6, "top_logprobs": tops}
        body = {"choices": [{**YES, "logprobs": {"content": [token]}}]}
        assert wire.said(body, 1)[0].positions is None


HUGE = 10**400


@pytest.mark.parametrize(
    "logprobs",
    [
        {"content": [{"token": "YES", "logprob": -HUGE, "top_logprobs": []}]},
        {"content": [{"token": None, "logprob": -1, "top_logprobs": []}]},
        {"content": [{"token": "Y", "logprob": -1, "top_logprobs": [{"token": 7, "logprob": -1}]}]},
        {"tokens": [["Y"]], "token_logprobs": [-1], "top_logprobs": [{"Y": -1}]},
    ],
    ids=["a huge number", "no token", "a number as token", "a list as token"],
)  # fmt: skip
def test_tokens_that_are_none_leave_none(logprobs):
    """What no server should send is no log-probability, and no error of the run."""
    body = {"choices": [{"message": {"content": "YES"}, "finish_reason": "stop"}]}
    body["choices"][0]["logprobs"] = logprobs
    assert wire.said(body, 1)[0].positions is None


def test_a_count_that_is_none_is_not_kept():
    """A number of tokens beyond any reply's fits no store, and would hold up all later requests."""
    body = {"usage": {"prompt_tokens": HUGE, "completion_tokens": 3}}
    assert wire.usage(body) == Usage(0, 3, 1)


@pytest.mark.parametrize("refusal", ["I will not", True, {"why": "policy"}])
def test_a_refusal_of_any_form_is_one(refusal):
    """A reply that says YES and is marked as refused is no verdict."""
    body = {
        "choices": [{"message": {"content": "YES", "refusal": refusal}, "finish_reason": "stop"}]
    }
    assert wire.said(body, 1)[0].finish is Finish.REFUSED

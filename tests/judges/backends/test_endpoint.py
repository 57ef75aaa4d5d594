"""An endpoint over real sockets: what it sends, what it makes of replies, and of their lack."""

import asyncio
import math
import pickle
import threading
import time

import pytest
from server import MODEL, Plan, serving, verdict_of

from unflip.errors import UsageError
from unflip.judges.asking import Finish, Reply, Request, Silence, Turn, Unanswered
from unflip.judges.backends import Endpoint
from unflip.judges.backends.calls import Caller
from unflip.judges.backends.line import settle

KEY = "sk-secret-0123456789"


def to(server, **options):
    """An endpoint at the server, that does not wait long between attempts."""
    return Endpoint(server.url, MODEL, **{"backoff": 0.001, "kind": "stub", **options})


def asks(*texts, **options):
    """A chat request for each text."""
    return [Request((Turn("user", text),), **options) for text in texts]


def always(*faults):
    """A plan's fault: these, attempt by attempt, and then none; one alone stays."""
    if len(faults) == 1:
        return lambda prompt, attempt: faults[0]
    return lambda prompt, attempt: faults[attempt] if attempt < len(faults) else None


def until(happened):
    """Wait for something that is bound to happen."""
    while not happened():
        time.sleep(0.001)


def one(fault, **options):
    """The answer to one request to a server with a fault."""
    with serving(Plan(fault=fault)) as server:
        return to(server, **options).ask(asks("q", top_logprobs=2))[0]


def test_every_request_gets_its_own_answer_in_order():
    """Answers come in the order of the requests, each to its own, however many are under way."""
    texts = [f"q{i}" for i in range(300)]
    with serving() as server:
        answers = to(server, parallel=16).ask(asks(*texts))
    assert [a.said[0].text for a in answers] == [verdict_of(t) for t in texts]
    assert server.seen.replies == dict.fromkeys(texts, 1)
    assert all(a.usage.requests == 1 and a.usage.written == 1 for a in answers)


def test_no_more_than_parallel_are_under_way():
    """The server never sees more than `parallel` requests at once, whoever asks."""
    with serving(Plan(delay=0.01)) as server:
        judge = to(server, parallel=3)
        texts = [[f"{n} {i}" for i in range(12)] for n in range(3)]
        threads = [threading.Thread(target=judge.ask, args=(asks(*t),)) for t in texts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert server.seen.most_at_once <= 3
    assert server.seen.replies.total() == 36


def test_a_request_as_the_wire_has_it():
    """Each field of a request stands in the body under the name that the interface has for it."""
    turns = Turn("system", "s"), Turn("user", "u")
    request = Request(turns, None, 7, 0.5, 2, 3, ("\n",), 11)
    with serving() as server:
        to(server, body={"structured_outputs": {"choice": ["YES", "NO"]}}).ask([request])
    assert server.seen.bodies == [
        {
            "model": MODEL,
            "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}],
            "max_tokens": 7,
            "temperature": 0.5,
            "n": 2,
            "stop": ["\n"],
            "seed": 11,
            "logprobs": True,
            "top_logprobs": 3,
            "structured_outputs": {"choice": ["YES", "NO"]},
        }
    ]


def test_raw_text_goes_to_the_other_address():
    """A raw request is continued as it is, and its log-probabilities are read all the same."""
    with serving() as server:
        [answer] = to(server).ask([Request(raw="q", top_logprobs=2)])
    [said] = answer.said
    assert said.text == verdict_of("q")
    assert said.positions[0].token == said.text.split()[0]
    assert [p for _, p in said.positions[0].top] == [-0.1, -2.5]
    assert server.seen.bodies[0]["prompt"] == "q"


@pytest.mark.parametrize(
    ("prefill", "marks", "turn"),
    [
        ("continue", {"continue_final_message": True, "add_generation_prompt": False}, {}),
        ("plain", {}, {}),
        ("prefix", {}, {"prefix": True}),
    ],
)
def test_a_prefill_is_marked_as_the_server_wants_it(prefill, marks, turn):
    """A last turn by the assistant is gone on with, by the means of each kind of server."""
    request = Request((Turn("user", "u"), Turn("assistant", "## Verdict")))
    with serving() as server:
        to(server, prefill=prefill).ask([request])
    body = server.seen.bodies[0]
    assert {name: body.get(name) for name in marks} == marks
    assert body["messages"][-1] == {"role": "assistant", "content": "## Verdict", **turn}


def test_fields_are_renamed_or_left_out():
    """Models that reason want other fields than the rest."""
    with serving() as server:
        to(server, rename={"max_tokens": "max_completion_tokens", "temperature": None}).ask(
            asks("q", max_tokens=9)
        )
    body = server.seen.bodies[0]
    assert body["max_completion_tokens"] == 9
    assert not {"max_tokens", "temperature"} & set(body)


def test_log_probabilities_are_read_position_by_position():
    """Tokens, their log-probabilities and alternatives are what the server said."""
    [said] = one(lambda *_: None).said
    [position] = said.positions
    assert position.token == said.text.split()[0]
    assert position.logprob == -0.1
    assert position.top[0] == (position.token, -0.1)
    assert position.top[1][1] == -2.5


@pytest.mark.parametrize(
    ("fault", "text", "finish", "reasoning"),
    [
        ("empty", "", Finish.STOP, ""),
        ("length", verdict_of("q")[:1], Finish.LENGTH, ""),
        ("reasoning", verdict_of("q"), Finish.STOP, "let me see"),
        ("thinking", "", Finish.LENGTH, "let me see"),
        ("refusal", "I cannot help with that", Finish.REFUSED, ""),
        ("filter", "", Finish.REFUSED, ""),
    ],
)
def test_what_is_said_and_why_it_ended(fault, text, finish, reasoning):
    """Reasoning, refusals, filters and half replies are told apart, and none is an error."""
    [said] = one(always(fault)).said
    assert (said.text, said.finish, said.reasoning) == (text, finish, reasoning)


def test_missing_log_probabilities_are_none():
    """A server that leaves them out has answered all the same."""
    [said] = one(always("nologprobs")).said
    assert said.positions is None


@pytest.mark.parametrize(
    "fault", ["429", "429-date", "500", "503", "cut", "drop", "garbled", "none", "within"]
)
def test_a_passing_fault_is_got_over(fault):
    """Whatever may pass is tried again, and each attempt is counted."""
    answer = one(always(fault, fault))
    assert isinstance(answer, Reply), answer
    assert answer.usage.requests == 3


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("429", Silence.THROTTLED),
        ("429-hour", Silence.THROTTLED),
        ("500", Silence.UNREACHABLE),
        ("drop", Silence.UNREACHABLE),
        ("cut", Silence.UNREACHABLE),
        ("garbled", Silence.GARBLED),
        ("none", Silence.GARBLED),
        ("400", Silence.REFUSED),
    ],
)
def test_a_lasting_fault_is_no_answer(fault, why):
    """What does not pass is an answer that says why there is none: never a text or a number."""
    answer = one(always(fault), retries=2)
    assert isinstance(answer, Unanswered)
    assert answer.why is why
    assert answer.usage.requests == (1 if fault in ("400", "429-hour") else 3)


def test_a_server_that_hangs_is_a_timeout():
    """The deadline of a request ends it, and says so."""
    with serving(Plan(fault=always("slow 30"))) as server:
        [answer] = to(server).ask(asks("q"), deadline=0.05)
    assert answer.why is Silence.TIMEOUT


@pytest.mark.parametrize("place", ["head", "body"])
def test_a_server_that_drips_is_a_timeout(place):
    """Neither headers nor a body that come byte by byte outlast the deadline of a request."""
    with serving(Plan(fault=always(f"drip {place}"))) as server:
        began = time.monotonic()
        [answer] = to(server).ask(asks("q"), deadline=0.3)
        took = time.monotonic() - began
    assert answer.why is Silence.TIMEOUT
    assert took < 5


def test_a_body_that_stalls_does_not_get_the_deadline_twice():
    """What the headers took is taken off what the body may take."""
    with serving(Plan(fault=always("stall"), delay=0.9)) as server:
        began = time.monotonic()
        [answer] = to(server).ask(asks("q"), deadline=1.0)
        took = time.monotonic() - began
    assert answer.why is Silence.TIMEOUT
    assert took < 1.8


def test_a_connection_that_was_nearly_late_serves_again():
    """The little time that one reply had left is not what the next request gets."""
    faults = {"slow": "slow 0.2"}
    with serving(Plan(fault=lambda prompt, attempt: faults.get(prompt))) as server:
        judge = to(server, parallel=1)
        judge.ask(asks("slow"), deadline=0.4)
        judge.ask(asks("x" * 5_000_000), deadline=60)
        answers = judge.ask(asks("x" * 5_000_000, "slow"), deadline=60)
    assert all(isinstance(answer, Reply) for answer in answers)


def test_nobody_there_is_unreachable():
    """A port that nobody listens at is an answer too."""
    with serving() as server:
        gone = to(server, retries=1)
    [answer] = gone.ask(asks("q"))
    assert answer.why is Silence.UNREACHABLE


def test_tls_with_a_server_that_has_none_is_unreachable():
    """A broken handshake is an outage, not a crash."""
    with serving() as server:
        url = server.url.replace("http:", "https:")
        [answer] = Endpoint(url, MODEL, retries=0).ask(asks("q"), deadline=5)
    assert answer.why is Silence.UNREACHABLE


def test_one_refused_request_leaves_the_others_alone():
    """A 400 is about its request alone."""
    with serving(Plan(fault=lambda prompt, _: "400" if prompt == "bad" else None)) as server:
        bad, good = to(server).ask(asks("bad", "good"))
    assert bad.why is Silence.REFUSED
    assert good.said[0].text == verdict_of("good")


@pytest.mark.parametrize("first", [True, False])
def test_a_forbidden_request_is_refused_where_others_are_answered(first):
    """403 is a filter's word where anything else is allowed, also if it is the first of a run."""
    with serving(Plan(fault=lambda prompt, _: "403" if prompt == "bad" else None)) as server:
        texts = ["bad", "good"] if first else ["good", "bad"]
        answers = dict(zip(texts, to(server, parallel=1).ask(asks(*texts)), strict=True))
        assert answers["bad"].why is Silence.REFUSED
        assert isinstance(answers["good"], Reply)
        assert server.seen.attempts["bad"] == 1
        assert len(server.seen.attempts) == 2 + first


def test_an_endpoint_that_forbids_everything_is_misuse():
    """403 to the first request and to a plain hello is about the key, and ends the run."""
    with serving(Plan(fault=lambda prompt, _: "403")) as server:
        with pytest.raises(UsageError, match="403"):
            to(server, parallel=1).ask(asks("bad", "good"))
        assert set(server.seen.attempts) == {"bad", "Hello"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model": "other"}, f"no model 'other'; it has {MODEL}"),
        ({"url": "/nowhere"}, "base URL mostly ends in /v1"),
    ],
)
def test_misuse_is_raised_with_what_to_do(change, says):
    """A model or address that is not there ends the run at once, for all requests."""
    with serving() as server:
        url = server.url + change.get("url", "")
        judge = Endpoint(url, change.get("model", MODEL), backoff=0.001)
        with pytest.raises(UsageError, match=says):
            judge.ask(asks(*map(str, range(50))))
    assert server.seen.replies == {}


@pytest.mark.parametrize(("fault", "says"), [("quota", "quota"), ("moved", "http://elsewhere/")])
def test_what_waiting_does_not_mend_is_raised(fault, says):
    """A quota that is used up, and an address that has moved, are for people to mend."""
    with pytest.raises(UsageError, match=says):
        one(always(fault))


def test_the_key_is_sent_and_stands_nowhere_else(monkeypatch):
    """A key of the environment reaches the server, and no `by`, repr, pickle or error holds it."""
    monkeypatch.setenv("MY_KEY", KEY)
    with serving(Plan(key=KEY)) as server:
        judge = to(server, key="MY_KEY")
        assert isinstance(judge.ask(asks("q"))[0], Reply)
        assert server.seen.headers[0]["authorization"] == f"Bearer {KEY}"
        server.plan.key = "another"
        with pytest.raises(UsageError, match=r"401.*\*\*\*") as raised:
            judge.ask(asks("q"))
    written = [repr(judge), judge.by, str(raised.value), repr(raised.value.__cause__)]
    assert not any(KEY in text for text in written)
    assert KEY.encode() not in pickle.dumps(judge)


def test_a_missing_key_is_named(monkeypatch):
    """A variable that is not set is misuse, before anything is sent."""
    monkeypatch.delenv("MY_KEY", raising=False)
    with serving() as server, pytest.raises(UsageError, match="MY_KEY"):
        to(server, key="MY_KEY").ask(asks("q"))
    assert server.seen.attempts == {}


@pytest.mark.parametrize(
    "options",
    [
        {"url": "localhost:8000"},
        {"url": "http://user:secret@host/v1"},
        {"url": "http://host/v1/chat/completions"},
        {"url": "http://host:many/v1"},
        {"parallel": 0},
        {"retries": -1},
        {"backoff": -1.0},
        {"patience": 0.0},
        {"requests_per_minute": 0.0},
        {"prefill": "hope"},
    ],
)
def test_what_cannot_mean_anything_is_refused(options):
    """An endpoint that could never be asked is not made."""
    with pytest.raises(UsageError):
        Endpoint(**{"url": "http://host/v1", "model": "m", **options})


def test_by_has_what_answers_depend_on():
    """Address, model, revision, body, prefill and a stub are in `by`; pace and patience are not."""
    base = Endpoint("http://a/v1", "m")
    same = [
        Endpoint("http://A:80/v1/", "m"),
        Endpoint("http://a/v1", "m", parallel=1, retries=0, patience=1, key="K"),
        Endpoint("http://a/v1", "m", requests_per_minute=5),
    ]
    other = [
        Endpoint("http://b/v1", "m"),
        Endpoint("https://a/v1", "m"),
        Endpoint("http://a:81/v1", "m"),
        Endpoint("http://a/v1?version=2", "m"),
        Endpoint("http://a/v1", "m", serving="ours"),
        Endpoint("http://a/v1", "n"),
        Endpoint("http://a/v1", "m", revision="fp8"),
        Endpoint("http://a/v1", "m", kind="stub"),
        Endpoint("http://a/v1", "m", body={"top_k": 1}),
        Endpoint("http://a/v1", "m", prefill="plain"),
        Endpoint("http://a/v1", "m", rename={"temperature": None}),
    ]
    assert {one.by for one in same} == {base.by}
    assert len({one.by for one in [base, *other]}) == len(other) + 1


def test_who_names_what_is_served_may_move_it():
    """With `serving`, replies that were kept from one address are found at another."""
    here = Endpoint("http://a:8000/v1", "m", serving="ours")
    there = Endpoint("http://b:8001/v1", "m", serving="ours")
    assert here.by == there.by
    assert here.by != Endpoint("http://a:8000/v1", "m", serving="theirs").by


def test_a_copy_by_pickle_asks_the_same():
    """An endpoint travels to another process whole, after it has been used too."""
    with serving() as server:
        judge = to(server, body={"a": [1]})
        first = judge.ask(asks("q"))
        copy = pickle.loads(pickle.dumps(judge))
        assert copy == judge
        assert copy.ask(asks("q")) == first


@pytest.mark.parametrize("most", [1, 2, 5])
def test_samples_that_a_server_leaves_out_are_asked_for_again(most):
    """However few samples a server sends at once, all that were wanted come, with new seeds."""
    with serving(Plan(most=most)) as server:
        [answer] = to(server).ask(asks("q", samples=5, temperature=1.0, seed=7))
    assert len(answer.said) == 5
    seeds = [body["seed"] for body in server.seen.bodies]
    assert seeds == [7 + most * i for i in range(-(-5 // most))]
    assert answer.usage.requests == len(seeds)


def test_samples_without_temperature_are_asked_for_singly():
    """Servers refuse several greedy samples at once, so each is a request."""
    with serving() as server:
        [answer] = to(server).ask(asks("q", samples=3))
    assert len(answer.said) == answer.usage.requests == 3
    assert not any("n" in body for body in server.seen.bodies)


@pytest.mark.parametrize("limit", [{"requests_per_minute": 1}, {"tokens_per_minute": 1}])
def test_limits_hold_requests_back(limit):
    """Within the first minute one request is sent, and what waits can be cancelled."""
    told = {}
    with serving() as server:
        errand = to(server, **limit).post(asks("a", "b", "c"), told.__setitem__)
        until(lambda: told)
        errand.cancel()
        errand.wait()
    assert server.seen.attempts.total() == 1
    assert sorted(told) == [0, 1, 2]


def test_asyncio_is_not_blocked():
    """Many tasks ask at once, and the loop runs on meanwhile."""

    async def main(judge):
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.001)

        ticking = asyncio.create_task(tick())
        answers = await asyncio.gather(*(judge.ask_async(asks(f"q{i}")) for i in range(64)))
        ticking.cancel()
        return answers, ticks

    with serving(Plan(delay=0.05)) as server:
        answers, ticks = asyncio.run(main(to(server, parallel=64)))
    assert [a[0].said[0].text for a in answers] == [verdict_of(f"q{i}") for i in range(64)]
    assert ticks > 5


def test_a_cancelled_task_sends_nothing_more():
    """Cancelling reaches the requests: what is under way ends, and the rest is never sent."""

    async def main(judge):
        task = asyncio.create_task(judge.ask_async(asks(*map(str, range(500)))))
        while server.seen.at_once < 4:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with serving(Plan(hold=threading.Event())) as server:
        asyncio.run(main(to(server, parallel=4)))
        server.plan.hold.set()
        until(lambda: server.seen.replies.total() == 4)
    assert server.seen.attempts.total() == 4


def test_closing_sends_nothing_more_and_keeps_what_comes():
    """After `close`, requests under way are answered, the others are cancelled; none is lost."""
    with serving(Plan(hold=threading.Event())) as server:
        judge = to(server, parallel=4)
        told = {}
        errand = judge.post(asks(*map(str, range(100))), told.__setitem__)
        until(lambda: server.seen.at_once == 4)
        judge.close()
        server.plan.hold.set()
        errand.wait()
    assert sorted(told) == list(range(100))
    replied = [a for a in told.values() if isinstance(a, Reply)]
    assert len(replied) == server.seen.replies.total() == 4
    assert {a.why for a in told.values() if isinstance(a, Unanswered)} == {Silence.CANCELLED}


def test_an_error_of_the_listener_ends_the_errand():
    """What hears the answers may fail (a full disk): the errand stops, and says so."""

    def told(place, answer):
        raise OSError("disk full")

    with serving() as server:
        errand = to(server, parallel=2).post(asks(*map(str, range(100))), told)
        with pytest.raises(OSError, match="disk full"):
            errand.wait()
    assert server.seen.attempts.total() <= 4


def test_a_long_errand_keeps_no_short_one_waiting():
    """A request that comes later is sent before those that still wait of a long errand."""
    with serving(Plan(hold=threading.Event())) as server:
        judge = to(server, parallel=2)
        long = judge.post(asks(*map(str, range(50))), lambda place, answer: None)
        until(lambda: server.seen.at_once == 2)
        short = judge.post(asks("short"), lambda place, answer: None)
        server.plan.hold.set()
        short.wait()
        long.wait()
    order = [body["messages"][0]["content"] for body in server.seen.bodies]
    assert order.index("short") <= 4


@pytest.mark.parametrize("text", ["\ud800", "\x00", "", "é" * 1000, "💥\u202e", "]]>\r\n\r\n"])
def test_any_text_can_be_asked(text):
    """Whatever a completion holds reaches the server as it is."""
    with serving() as server:
        [answer] = to(server).ask(asks(text))
    assert isinstance(answer, Reply)
    assert server.seen.bodies[0]["messages"][0]["content"] == text


def test_the_environments_proxy_is_used(monkeypatch):
    """A proxy of the environment is asked for the host's address, unless the host is exempt."""
    with serving() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/v1"))
        monkeypatch.delenv("no_proxy", raising=False)
        [answer] = Endpoint("http://nowhere.invalid/v1", MODEL).ask(asks("q"))
        assert answer.said[0].text == verdict_of("q")
        monkeypatch.setenv("no_proxy", "also.invalid")
        [answer] = Endpoint("http://also.invalid/v1", MODEL, retries=0).ask(asks("q"))
    assert answer.why is Silence.UNREACHABLE


def test_models_are_listed():
    """The models that the endpoint has; none, where nobody answers."""
    with serving(Plan(models=("a", "b"))) as server:
        judge = to(server)
        assert judge.models() == ("a", "b")
    assert judge.models() == ()


def test_a_turn_that_comes_after_the_deadline_is_not_waited_for():
    """With one request a minute, a second attempt has no place before the deadline."""
    began = time.monotonic()
    answer = one("500", requests_per_minute=1, patience=0.2)
    assert answer.why is Silence.TIMEOUT
    assert time.monotonic() - began < 30


def test_patience_without_an_end_is_taken():
    """Sockets refuse to wait for ever; an endpoint that is told to does not fail of it."""
    with serving() as server:
        judge = to(server, patience=math.inf)
        assert [answer.usage.requests for answer in judge.ask(asks("q"), math.inf)] == [1]


def test_a_key_does_not_show_in_what_carries_it():
    """Whatever prints the caller of a request prints no header."""
    caller = Caller(None, MODEL, {"authorization": f"Bearer {KEY}"}, dict)
    assert KEY not in repr(caller)


def test_a_server_that_died_is_not_waited_for_by_every_request():
    """Once twice `parallel` requests are lost for all their retries, the others are tried once."""
    with serving(Plan(fault=always("500"))) as server:
        answers = to(server, parallel=2, retries=5).ask(asks(*(f"q{n}" for n in range(100))))
    assert {answer.why for answer in answers} == {Silence.UNREACHABLE}
    with_retries = sum(attempts > 1 for attempts in server.seen.attempts.values())
    assert 4 <= with_retries <= 6
    assert server.seen.attempts.total() == 100 + 5 * with_retries


def test_a_server_that_came_back_is_trusted_again():
    """One answer, and what fails after it has its retries again."""

    def fault(prompt, attempt):
        return "500" if prompt in ("q0", "q1") or (prompt in ("q2", "q4") and not attempt) else None

    with serving(Plan(fault=fault)) as server:
        answers = to(server, parallel=1, retries=2).ask(asks("q0", "q1", "q2", "q3", "q4"))
    assert [isinstance(answer, Reply) for answer in answers] == [False, False, False, True, True]
    assert server.seen.attempts == {"q0": 3, "q1": 3, "q2": 1, "q3": 1, "q4": 2}


def test_the_end_of_a_program_waits_for_what_is_paid_for():
    """Nothing more is sent, what is under way is still told, and a later request is answered."""
    told = {}
    with serving(Plan(hold=threading.Event())) as server:
        judge = to(server, parallel=2)
        judge.post(asks(*(f"q{n}" for n in range(10))), told.__setitem__)
        until(lambda: server.seen.at_once == 2)
        assert not settle(0.01)
        server.plan.hold.set()
        until(lambda: len(told) == 10)
        assert settle(30)
        assert isinstance(judge.ask(asks("later"))[0], Reply)
    assert sum(isinstance(answer, Reply) for answer in told.values()) == 2
    assert server.seen.attempts.total() == 3

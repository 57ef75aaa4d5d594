"""A judge behind real sockets: what goes wrong there is an abstention with its reason."""

import asyncio
import threading

import pytest
from server import MODEL, Plan, by_hash, number_of, serving

from unflip.errors import NoVerdict
from unflip.judges import Asking, Judge, Reading, template
from unflip.judges.backends import Endpoint
from unflip.run import threads, verify_all
from unflip.types import Outcome, Reason, Sample

FOUR = Sample("it is 4", "4", prompt="2 + 2?")


def judge(server, reading=Reading.WORD, **asking):
    """A judge at the server, that does not wait long between attempts."""
    backend = Endpoint(server.url, MODEL, retries=2, backoff=0.001, kind="stub")
    return Judge(template("yes-no"), backend, reading, asking=Asking(**asking))


def yes(prompt):
    """What a lenient model says."""
    return "YES"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("400", Reason.REFUSED),
        ("500", Reason.UNREACHABLE),
        ("503", Reason.UNREACHABLE),
        ("cut", Reason.UNREACHABLE),
        ("garbled", Reason.UNREACHABLE),
        ("none", Reason.UNREACHABLE),
        ("drop", Reason.UNREACHABLE),
        ("within", Reason.UNREACHABLE),
        ("429", Reason.UNREACHABLE),
        ("empty", Reason.UNREADABLE_REPLY),
        ("length", Reason.TRUNCATED),
        ("thinking", Reason.TRUNCATED),
        ("refusal", Reason.REFUSED),
        ("filter", Reason.REFUSED),
    ],
)
def test_what_goes_wrong_abstains(fault, reason):
    """An error of the server, a cut body, an empty or half a reply is never a number."""
    with serving(Plan(says=yes, fault=lambda prompt, attempt: fault)) as server:
        verdict = judge(server)(FOUR)
    assert (verdict.outcome, verdict.reason) == (Outcome.ABSTAIN, reason)
    assert (verdict.p, verdict.score) == (None, None)


def test_a_reply_with_reasoning_apart_is_read():
    """Reasoning that the endpoint reports apart is no part of the verdict."""
    with serving(Plan(says=yes, fault=lambda prompt, attempt: "reasoning")) as server:
        assert judge(server)(FOUR).accepted


def test_faults_that_pass_change_no_verdict():
    """With a fifth of the attempts failing, every sample still gets its own verdict."""

    def says(prompt):
        return "YES" if number_of(prompt) % 3 else "NO"

    samples = [Sample(str(n), "4", prompt="?") for n in range(200)]
    with serving(Plan(says=says)) as server:
        clean = list(verify_all(judge(server), samples))
    fault = by_hash(0.2, ("429", "500", "drop", "garbled"))
    with serving(Plan(says=says, fault=lambda p, n: fault(p, n) if n < 2 else None)) as server:
        faulty = list(verify_all(judge(server), samples, workers=threads(2)))
        assert sum(server.seen.faults.values()) > 20
    assert [one.outcome for one in faulty] == [one.outcome for one in clean]
    assert {one.outcome for one in clean} == {Outcome.ACCEPT, Outcome.REJECT}


def test_without_logprobs_the_endpoint_is_asked_for_samples():
    """P(yes) comes from what the endpoint reports, or from samples, and says which."""
    with serving(Plan(says=yes)) as server:
        assert judge(server, Reading.CHANCE)(FOUR).evidence["estimator"] == "logprobs"
    with serving(Plan(says=yes, fault=lambda prompt, attempt: "nologprobs")) as server:
        verdict = judge(server, Reading.CHANCE, samples=3)(FOUR)
        assert [body.get("n", 1) for body in server.seen.bodies] == [1, 3]
    assert (verdict.evidence["estimator"], verdict.p) == ("samples", 1.0)


def test_a_wrong_key_stops_the_run():
    """What all requests would meet with is no reason to abstain row by row."""
    with serving(Plan(says=yes, key="sk-right")) as server, pytest.raises(NoVerdict, match="key"):
        list(verify_all(judge(server), [FOUR] * 100))


def test_a_cancelled_judge_asks_nothing_more():
    """Cancelling the task of a whole batch reaches its requests: nobody pays for the rest."""

    async def main(one):
        task = asyncio.create_task(one.averify_batch([FOUR] * 300))
        while server.seen.at_once < 64:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with serving(Plan(says=yes, hold=threading.Event())) as server:
        asyncio.run(main(judge(server)))
        server.plan.hold.set()
    assert server.seen.attempts.total() == 64

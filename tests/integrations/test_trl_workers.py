"""Workers that stay from batch to batch, and verifiers that are awaited; without TRL."""

import asyncio
import copy
import os
import pickle
import subprocess
import sys
import threading
from dataclasses import dataclass

import pytest

from unflip.errors import NoVerdict, UsageError
from unflip.integrations.trl import AsyncVerifierReward, reward_func
from unflip.integrations.trl.deciding import Standing, is_async
from unflip.integrations.trl.hearing import listening
from unflip.integrations.trl.releases import awaits
from unflip.plugins import load
from unflip.run import processes, threads
from unflip.types import Outcome, Reason, Sample, Verdict
from unflip.verifiers.exact import Exact

ROWS = [Sample(str(n), "4") for n in range(9)]
BATCH = {"prompts": ["2 + 2?"] * 2, "completions": ["4", "5"], "reference": ["4", "4"]}
needs_await = pytest.mark.skipif(not awaits(), reason="this TRL awaits no reward functions")


@dataclass(frozen=True)
class Judge:
    """Whether the text is the reference, after a while; "!" is an error and "?" no verdict."""

    seconds: float = 0.0
    by: str = "judge@1+000000"

    async def __call__(self, sample):
        await asyncio.sleep(self.seconds)
        if sample.text == "!":
            raise TimeoutError("the server is gone")
        if sample.text == "?":
            return "yes"
        accepts = sample.text == sample.reference
        return (
            Verdict(Outcome.ACCEPT, Reason.MATCH, by=self.by)
            if accepts
            else Verdict(Outcome.REJECT, Reason.MISMATCH, by=self.by)
        )


def where(sample):
    """Accepts, and tells in which process."""
    return Verdict(Outcome.ACCEPT, Reason.MATCH, answer=str(os.getpid()))


def sometimes(sample):
    """Accepts, but for what is no verdict."""
    return "yes" if sample.text == "?" else Verdict(Outcome.ACCEPT, Reason.MATCH)


@pytest.mark.parametrize("workers", [None, threads(2), processes(1)])
def test_verdicts_are_those_of_verify_all(workers):
    """Wherever the verifier runs, one verdict comes back for each sample, in order."""
    standing = Standing(Exact(), workers) if workers else Standing(Exact())
    said = [standing(ROWS), standing(ROWS[:2]), standing([])]
    assert [[verdict.accepted for verdict in one] for one in said] == [
        [text == "4" for text in "012345678"],
        [False, False],
        [],
    ]
    standing.close()


def test_processes_are_kept_until_they_are_closed():
    """The next batch meets the same process; after `close`, a new one."""
    reward = reward_func(load(f"{__file__}:where"), workers=processes(1), name="where")
    pids = []
    for _ in range(3):
        with listening(masks=True) as ear:
            reward(**BATCH)
        pids.append(ear.of("where").verdicts[0].answer)
        if len(pids) == 2:
            reward.close()
    assert pids[0] == pids[1] != pids[2] != str(os.getpid())
    reward.close()
    reward.close()


def test_copies_have_workers_of_their_own():
    """A copy or a pickle of a reward function that has run is one that has not."""
    reward = reward_func(Exact(), workers=processes(1))
    reward(**BATCH)
    for other in (copy.deepcopy(reward), pickle.loads(pickle.dumps(reward))):
        assert other == reward
        assert other.standing is not reward.standing
        assert other(**BATCH) == [1.0, 0.0]
        other.close()
    reward.close()


FORK = f"""
import os
from unflip.integrations.trl import reward_func
from unflip.run import threads
from unflip.verifiers.exact import Exact
reward = reward_func(Exact(), workers=threads(1))
assert reward(**{BATCH}) == [1.0, 0.0]
if (child := os.fork()) == 0:
    os._exit(0 if reward(**{BATCH}) == [1.0, 0.0] else 1)
assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_forked_process_starts_its_own():
    """What a parent process left behind is not waited for."""
    subprocess.run([sys.executable, "-c", FORK], check=True, timeout=120)


def test_an_async_verifier_is_awaited_for_all_rows_at_once():
    """In the plain form too: here none is done before all have begun."""
    meeting = asyncio.Barrier(20)

    async def waiting(sample):
        await meeting.wait()
        return Verdict(Outcome.ACCEPT, Reason.MATCH)

    reward = reward_func(waiting, deadline=60, name="waiting")
    assert reward(**{key: value * 10 for key, value in BATCH.items()}) == [1.0] * 20
    reward.close()


def test_threads_say_how_many_calls_are_under_way():
    """Whoever pays for a server can bound them."""
    now, most = 0, 0

    async def counting(sample):
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return Verdict(Outcome.ACCEPT, Reason.MATCH)

    standing = Standing(counting, threads(3))
    assert len(standing(ROWS)) == 9
    assert most == 3
    standing.close()


def test_what_goes_wrong_in_an_async_verifier_is_an_abstain():
    """An exception of its own is an error, and a missed deadline a timeout."""
    standing = Standing(Judge())
    failed, fine = standing([Sample("!", "4"), Sample("4", "4")])
    assert (failed.reason, fine.accepted, failed.by) == (Reason.ERROR, True, Judge().by)
    assert "the server is gone" in failed.evidence["error"]
    standing.close()
    late = Standing(Judge(60), deadline=0.05)
    assert [verdict.reason for verdict in late(ROWS[:2])] == [Reason.TIMEOUT] * 2
    late.close()


def test_what_is_no_verdict_is_told():
    """A programmer's mistake is no abstain."""
    standing = Standing(Judge())
    with pytest.raises(NoVerdict, match="'yes', which is no Verdict"):
        standing([Sample("?", "4")])
    standing.close()


def test_after_a_mistake_another_batch_starts_afresh():
    """What a broken batch left behind does not reach the next one."""
    standing = Standing(load(f"{__file__}:sometimes"), processes(1))
    with pytest.raises(UsageError, match="which is no Verdict"):
        standing([Sample("?", "4"), *ROWS])
    assert all(verdict.accepted for verdict in standing(ROWS))
    standing.close()


def test_what_nobody_can_keep_is_refused():
    """A deadline without a clock, and processes for what only waits."""
    with pytest.raises(UsageError, match="can be killed"):
        reward_func(Exact(), deadline=1)
    with pytest.raises(UsageError, match="an async verifier waits where it is"):
        reward_func(Judge(), workers=processes(1))


@needs_await
def test_an_asynchronous_reward_is_a_coroutine_function():
    """For every release's way to ask, and under the verifier's name; it pickles, too."""
    reward = pickle.loads(pickle.dumps(reward_func(Exact(), asynchronous=True)))
    assert isinstance(reward, AsyncVerifierReward)
    assert asyncio.iscoroutinefunction(reward)
    assert is_async(reward)
    assert reward.__name__ == "exact"
    assert asyncio.run(reward(**BATCH)) == [1.0, 0.0]


@needs_await
@pytest.mark.parametrize("verifier", [Exact(), Judge()])
def test_asynchronous_pays_and_tells_what_the_plain_one_does(verifier):
    """Also to a trainer that listens, from whatever thread the loop runs in."""
    reward = reward_func(verifier, asynchronous=True, name="both")

    async def later():
        return await reward(**BATCH)

    with listening(masks=True) as ear:
        assert asyncio.run(later()) == [1.0, 0.0]
    assert [verdict.accepted for verdict in ear.of("both").verdicts] == [True, False]
    reward.close()


@needs_await
def test_asynchronous_rewards_overlap():
    """None of these is done before all have begun, whether their verifiers wait or block."""
    waits, blocks = asyncio.Barrier(2), threading.Barrier(2, timeout=60)

    async def waiting(sample):
        await waits.wait()
        return Verdict(Outcome.ACCEPT, Reason.MATCH)

    def blocking(sample):
        blocks.wait()
        return Verdict(Outcome.ACCEPT, Reason.MATCH)

    one = {key: value[:1] for key, value in BATCH.items()}
    rewards = [
        reward_func(verifier, asynchronous=True, name="slow")
        for verifier in (waiting, blocking, waiting, blocking)
    ]

    async def together():
        return await asyncio.wait_for(asyncio.gather(*(reward(**one) for reward in rewards)), 60)

    assert asyncio.run(together()) == [[1.0]] * 4

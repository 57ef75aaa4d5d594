"""Running verifiers over samples: every backend gives the same verdicts, whatever goes wrong."""

import asyncio
import importlib
import itertools
import os
import pty
import subprocess
import sys
import threading
from contextlib import aclosing
from pathlib import Path

import pytest

from unflip.cache import VerdictCache
from unflip.errors import SandboxUnavailable, Unjudged, UsageError
from unflip.run import (
    averify_all,
    processes,
    serial,
    suited,
    threads,
    verify_all,
    with_progress,
)
from unflip.types import Outcome, Reason, Sample, Verdict

HERE = Path(__file__).parent
BACKENDS = [serial(), threads(3), processes(2)]
every_backend = pytest.mark.parametrize("workers", BACKENDS, ids=lambda w: w.kind.value)


@pytest.fixture
def bad(monkeypatch):
    """The module of misbehaving verifiers, importable by workers."""
    monkeypatch.syspath_prepend(str(HERE))
    return importlib.import_module("misbehaving")


linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@every_backend
def test_every_backend_gives_the_same_verdicts(bad, workers):
    """Accepts, rejects, abstains and exceptions, in order and equal to what the verifier says."""
    verifier = bad.Verifier()
    given = [*bad.samples(40), Sample("raise", "4"), Sample("no reference"), *bad.samples(10)]
    verdicts = list(verify_all(verifier, iter(given), workers=workers))
    assert all(verdict.seconds is not None for verdict in verdicts)
    raised = verdicts.pop(40)
    assert (raised.outcome, raised.reason, raised.by) == (
        Outcome.ABSTAIN, Reason.ERROR, verifier.by
    )  # fmt: skip
    assert raised.evidence["error"].startswith("LookupError: no such thing (misbehaving.py:")
    assert verdicts == [verifier(sample) for sample in given if sample.text != "raise"]


@every_backend
def test_samples_are_pulled_lazily(bad, workers):
    """An endless source is pulled only so far ahead, and not at all before the first verdict."""
    pulled = []
    source = (pulled.append(sample) or sample for sample in bad.samples(10**9))
    verdicts = verify_all(bad.Verifier(), source, workers=workers)
    assert pulled == []
    assert [v.accepted for v in itertools.islice(verdicts, 6)] == [True, False, False] * 2
    assert len(pulled) <= 6 + 2048
    verdicts.close()


@linux_only
@pytest.mark.parametrize("workers", [serial(), processes(2)], ids=lambda w: w.kind.value)
def test_memory_stays_flat(bad, workers):
    """After the first rows, two hundred thousand more need no more memory."""
    verdicts = verify_all(bad.Verifier(), bad.samples(220_000), workers=workers)
    sum(1 for _ in itertools.islice(verdicts, 20_000))
    before = bad.resident_megabytes()
    assert sum(1 for _ in verdicts) == 200_000
    assert bad.resident_megabytes() - before < 20


def test_a_stuck_sample_abstains_and_the_others_are_decided(bad):
    """The deadline kills the worker; timeout is the system's fault and takes the deadline long."""
    given = [*bad.samples(20), Sample("stick", "4"), *bad.samples(20)]
    verdicts = list(verify_all(bad.Verifier(), given, workers=processes(2), deadline=1.0))
    stuck = verdicts.pop(20)
    assert (stuck.reason, stuck.fault.value, stuck.seconds) == (Reason.TIMEOUT, "system", 1.0)
    assert stuck.by == bad.Verifier.by
    assert all(verdict.decided for verdict in verdicts)


def test_any_thread_may_run_a_deadline(bad):
    """Where trainers call reward functions, no signal could be used."""
    given = [*bad.samples(5), Sample("stick", "4"), *bad.samples(5)]
    found = []

    def reward():
        found.extend(verify_all(bad.Verifier(), given, workers=processes(2), deadline=1.0))

    thread = threading.Thread(target=reward)
    thread.start()
    thread.join()
    assert [v.reason for v in found].count(Reason.TIMEOUT) == 1
    assert sum(verdict.decided for verdict in found) == 10


def test_a_crash_abstains_and_the_others_are_decided(bad):
    """A worker that dies costs one sample, and says how it died."""
    given = [*bad.samples(9), Sample("exit", "4"), *bad.samples(9), Sample("break", "4")]
    verdicts = list(verify_all(bad.Verifier(), given, workers=processes(2)))
    assert [v.reason for v in (verdicts[9], verdicts[19])] == [Reason.CRASH] * 2
    assert "exit status 3" in verdicts[9].evidence["error"]
    assert sum(verdict.decided for verdict in verdicts) == 18


@pytest.mark.parametrize("workers", BACKENDS[:2], ids=lambda w: w.kind.value)
def test_a_deadline_needs_processes(bad, workers):
    """What cannot be killed cannot have a deadline, and says so before anything runs."""
    with pytest.raises(UsageError, match=r"workers=processes\(\)"):
        verify_all(bad.Verifier(), [], workers=workers, deadline=1.0)


@pytest.mark.parametrize("make", [threads, processes])
def test_workers_are_at_least_one(make):
    """Nobody cannot work."""
    assert make().n >= 1
    with pytest.raises(UsageError, match="at least one"):
        make(0)


@every_backend
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_verdict", "no Verdict"),
        ("no_json", "no JSON"),
        ("no_number", "no JSON"),
        ("no_reward", "paid nothing"),
        ("needs_extra", "pip install"),
    ],
)
def test_a_mistake_in_the_verifier_raises(bad, workers, name, message):
    """A verifier that gives no verdicts or misses its extra stops the run: it is not noise."""
    with pytest.raises(UsageError, match=message):
        list(verify_all(getattr(bad, name), bad.samples(5), workers=workers))


def test_a_verifier_that_does_not_pickle_is_a_usage_error():
    """Processes need a verifier that can be sent to them."""
    with pytest.raises(UsageError, match="top level of a module"):
        next(verify_all(lambda sample: None, [Sample("4", "4")], workers=processes(1)))


@every_backend
def test_a_batch_is_given_to_a_verifier_that_takes_one(bad, workers, tmp_path):
    """`verify_batch` gets many samples at a time, and its verdicts come out as from calls."""
    verifier = bad.Batching(str(tmp_path / "log"))
    verdicts = list(verify_all(verifier, bad.samples(200), workers=workers))
    assert verdicts == [bad.Verifier()(sample) for sample in bad.samples(200)]
    batches = [line for line in bad.calls(verifier.log) if line.startswith("batch")]
    assert len(batches) == len(bad.calls(verifier.log)) < 50


@every_backend
def test_a_batch_that_raises_is_decided_one_by_one(bad, workers, tmp_path):
    """Only the sample that raises abstains, not those that shared its batch."""
    verifier = bad.Batching(str(tmp_path / "log"))
    given = [*bad.samples(10), Sample("raise", "4"), *bad.samples(10)]
    reasons = [verdict.reason for verdict in verify_all(verifier, given, workers=workers)]
    assert reasons.count(Reason.ERROR) == 1
    assert reasons[10] is Reason.ERROR


def test_a_batch_that_crashes_is_decided_one_by_one(bad, tmp_path):
    """Only the sample that kills the worker abstains."""
    verifier = bad.Batching(str(tmp_path / "log"))
    given = [*bad.samples(10), Sample("exit", "4"), *bad.samples(10)]
    reasons = [verdict.reason for verdict in verify_all(verifier, given, workers=processes(2))]
    assert reasons.count(Reason.CRASH) == 1
    assert reasons[10] is Reason.CRASH


def test_with_a_deadline_every_sample_has_its_own(bad, tmp_path):
    """A batch has no clock for each sample, so none is made."""
    verifier = bad.Batching(str(tmp_path / "log"))
    given = [*bad.samples(10), Sample("stick", "4"), *bad.samples(10)]
    verdicts = list(verify_all(verifier, given, workers=processes(2), deadline=1.0))
    assert [v.reason for v in verdicts].count(Reason.TIMEOUT) == 1
    assert not any(line.startswith("batch") for line in bad.calls(verifier.log))


def test_a_batch_that_loses_verdicts_raises(bad):
    """As many verdicts as samples, or the run stops."""
    with pytest.raises(UsageError, match="owes a list of 5"):
        list(verify_all(bad.short_batch, bad.samples(5)))


@every_backend
def test_every_verdict_is_signed_by_the_verifier_that_was_given(bad, workers):
    """So rates and verdicts agree on who decided; the delegate is kept as evidence."""
    verdicts = list(verify_all(bad.Delegating(), bad.samples(4), workers=workers))
    assert {verdict.by for verdict in verdicts} == {"delegating@1+000000"}
    assert {verdict.evidence["decided_by"] for verdict in verdicts} == {"misbehaving@1+000000"}


def test_seconds_that_the_verifier_measured_are_kept():
    """They are filled in only where there are none."""

    def timed(sample):
        return Verdict(Outcome.ACCEPT, Reason.MATCH, seconds=7.0)

    assert [v.seconds for v in verify_all(timed, [Sample("4", "4")])] == [7.0]


@linux_only
def test_leaving_early_ends_the_workers(bad):
    """A consumer that breaks out of its loop leaves no process behind."""
    before = bad.children()
    verdicts = verify_all(bad.Verifier(), bad.samples(10**9), workers=processes(2))
    next(verdicts)
    assert len(bad.children()) == len(before) + 2
    verdicts.close()
    assert bad.children() == before


@linux_only
@every_backend
def test_a_source_that_fails_ends_the_run(bad, workers):
    """Its exception reaches the caller, and no worker stays."""
    before = bad.children()

    def source():
        yield from bad.samples(5)
        raise OSError("disk on fire")

    with pytest.raises(OSError, match="disk on fire"):
        list(verify_all(bad.Verifier(), source(), workers=workers))
    assert bad.children() == before


def test_nothing_to_do_starts_nothing(bad):
    """No samples, no processes."""
    assert list(verify_all(bad.Verifier(), [], workers=processes(64))) == []


@every_backend
def test_what_the_cache_knows_is_not_verified(bad, workers, tmp_path):
    """Known and unknown samples mix freely, in order, and a second run verifies nothing."""
    verifier = bad.Logging(str(tmp_path / "log"))
    given = list(bad.samples(300))
    with VerdictCache(tmp_path / "cache.sqlite") as cache:
        some = list(verify_all(verifier, given[::3] + given[1::3], cache=cache))
        assert len(bad.calls(verifier.log)) == len(some) == 200
        verdicts = list(verify_all(verifier, given, workers=workers, cache=cache))
        assert sorted(bad.calls(verifier.log)) == sorted(sample.key for sample in given)
        again = list(verify_all(verifier, given, workers=workers, cache=cache))
    assert verdicts == again == [bad.Verifier()(sample) for sample in given]
    assert len(bad.calls(verifier.log)) == 300


def test_a_crash_is_tried_again_in_the_next_run(bad, tmp_path):
    """The cache keeps what was decided, not what went wrong."""
    given = [*bad.samples(3), Sample("exit", "4"), Sample("raise", "4")]
    with VerdictCache(tmp_path / "cache.sqlite") as cache:
        list(verify_all(bad.Verifier(), given, workers=processes(1), cache=cache))
        known = [cache.get(sample, bad.Verifier.by) is not None for sample in given]
    assert known == [True, True, True, False, False]


def test_a_verifier_of_a_file_runs_in_processes(bad, tmp_path):
    """A frozen value that loads its file lazily pickles, though the file is no module."""
    path = tmp_path / "rewards.py"
    path.write_text(
        "from unflip.types import Outcome, Reason, Verdict\n"
        "def reward(sample):\n"
        "    return Verdict(Outcome.ACCEPT, Reason.REWARDED, answer=sample.text.upper())\n"
    )
    verifier = bad.FromFile(str(path), "reward")
    verdicts = verify_all(verifier, [Sample("a"), Sample("b")], workers=processes(1))
    assert [verdict.answer for verdict in verdicts] == ["A", "B"]


@every_backend
def test_asyncio_gets_the_same_verdicts(bad, workers):
    """In order, while the event loop keeps running beside."""

    async def main():
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                await asyncio.sleep(0.005)
                ticks += 1

        ticking = asyncio.create_task(tick())
        slow = (Sample(f"{k}", "0") for k in range(30))
        verifier = bad.Logging(os.devnull, pause=0.01)
        found = [v.accepted async for v in averify_all(verifier, slow, workers=workers)]
        ticking.cancel()
        return found, ticks

    found, ticks = asyncio.run(main())
    assert found == [k == 0 for k in range(30)]
    assert ticks > 5


@linux_only
def test_asyncio_can_cancel_a_stuck_run(bad):
    """Cancelling kills the worker that is stuck; closing the iterator does too."""
    before = bad.children()

    async def consume():
        given = [Sample("4", "4"), Sample("stick", "4")]
        async with aclosing(averify_all(bad.Verifier(), given, workers=processes(1))) as verdicts:
            async for _ in verdicts:
                pass

    async def main():
        task = asyncio.create_task(consume())
        await asyncio.sleep(0.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert bad.children() == before


def test_progress_is_silent_without_a_terminal(capfd, monkeypatch):
    """The items pass through, and pipes see nothing, even where colours are forced."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert list(with_progress(range(5), total=5, description="verifying")) == [0, 1, 2, 3, 4]
    assert capfd.readouterr() == ("", "")


def test_progress_shows_on_a_terminal():
    """On a terminal's stderr there is a bar with the count; stdout stays clean."""
    code = (
        "from unflip.run import with_progress\n"
        "print(sum(with_progress(iter(range(5)), total=5, description='verifying')))"
    )
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=theirs, check=True, timeout=60
    )
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert done.stdout == b"10\n"
    assert "verifying" in shown
    assert "5/5" in shown


def test_threads_wait_at_the_same_time(bad):
    """Verifiers that wait for each other all finish: they do run at once."""
    barrier = threading.Barrier(4, timeout=30)

    def meet(sample):
        barrier.wait()
        return Verdict(Outcome.ACCEPT, Reason.MATCH)

    verdicts = list(verify_all(meet, bad.samples(8), workers=threads(4)))
    assert all(verdict.accepted for verdict in verdicts)


class Waiting:
    """A verifier that waits for somebody else, and knows how much it can have under way."""

    by = "waiting@1"
    parallel = 200

    def __init__(self):
        self.given = []
        self.threads = set()

    def __call__(self, sample):
        return self.verify_batch([sample])[0]

    def verify_batch(self, samples):
        """All rejected; how many came at once is noted."""
        self.given.append(len(samples))
        self.threads.add(threading.current_thread().name)
        return [Verdict(Outcome.REJECT, Reason.MISMATCH, by=self.by) for _ in samples]


def test_what_waits_is_given_as_much_at_once_as_it_asks_for(bad):
    """Where it suits them, verifiers that wait share this process, and a deadline is not theirs."""
    verifier = Waiting()
    assert len(list(verify_all(verifier, bad.samples(400), workers=suited(), deadline=1))) == 400
    assert verifier.given == [200, 200]
    assert all(name.startswith("unflip-verify") for name in verifier.threads)


def test_what_computes_is_suited_by_processes(bad):
    """A verifier that does not wait is run where its deadline can kill it."""
    given = [Sample("4", "4"), Sample("stick", "4")]
    verdicts = list(verify_all(bad.Verifier(), given, workers=suited(), deadline=2))
    assert [verdict.reason for verdict in verdicts] == [Reason.MATCH, Reason.TIMEOUT]


@pytest.mark.parametrize("error", [Unjudged, SandboxUnavailable])
@pytest.mark.parametrize("workers", [serial(), threads(2)], ids=["serial", "threads"])
def test_what_no_verdict_may_stand_for_ends_the_run(workers, error):
    """A judge that is to raise, and a sandbox that cannot be had, are no abstains in the runner."""

    def verifier(sample):
        raise error("no reply")

    with pytest.raises(error, match="no reply"):
        list(verify_all(verifier, [Sample("4", "4")], workers=workers))

"""The store of replies: nothing is lost, nothing paid twice, and nothing kept that is no reply."""

import asyncio
import pickle
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from server import MODEL, Plan, by_hash, serving, verdict_of

from unflip.errors import DataError, UsageError
from unflip.judges.asking import (
    Finish,
    Position,
    Reply,
    Request,
    Said,
    Scorer,
    Silence,
    Turn,
    Unanswered,
    Usage,
)
from unflip.judges.backends import Endpoint, Local, Scripted
from unflip.judges.flights import Flights
from unflip.judges.spend import Metered
from unflip.judges.store import Store, Stored

LETTERS = st.sampled_from("abcdef")


def asks(texts):
    """A request for each text."""
    return [Request((Turn("user", text),)) for text in texts]


def counting(counts, fails=frozenset()):
    """A script that counts how often it is asked what, and is silent on some."""

    def script(request):
        text = request.turns[-1].text
        counts[text] += 1
        if text in fails:
            return Unanswered(Silence.UNREACHABLE, "down", Usage(requests=3))
        return Reply((Said(verdict_of(text)),), Usage(10, 1, 1))

    return script


@settings(max_examples=30)
@given(st.lists(st.lists(LETTERS, max_size=8), max_size=4), st.sets(LETTERS))
def test_only_what_is_new_is_asked(tmp_path_factory, calls, fails):
    """Replies are asked for once over all calls and repeats; failures once a call."""
    counts = Counter()
    path = tmp_path_factory.mktemp("store") / "replies.sqlite"
    judge = Stored(Scripted(counting(counts, fails), "counting"), str(path))
    for texts in calls:
        answers = judge.ask(asks(texts))
        for text, answer in zip(texts, answers, strict=True):
            assert isinstance(answer, Unanswered if text in fails else Reply)
            assert text in fails or answer.said[0].text == verdict_of(text)
    for text in {text for texts in calls for text in texts}:
        asked_in = sum(text in texts for texts in calls)
        assert counts[text] == (asked_in if text in fails else 1)


def test_what_is_recalled_has_taken_nothing(tmp_path):
    """Usage is told once for each reply that was paid, and the store knows the sum."""
    judge = Stored(Scripted(counting(Counter()), "counting"), str(tmp_path / "s"))
    first = judge.ask(asks("aab"))
    second = judge.ask(asks("abc"))
    used = [answer.usage.written for answer in [*first, *second]]
    assert used == [1, 0, 1, 0, 0, 1]
    assert judge.spent == (3, Usage(30, 3, 3))


def test_the_key_is_everything_that_an_answer_depends_on(tmp_path):
    """Another backend, another temperature: another question."""
    one = Stored(Scripted("YES"), str(tmp_path / "s"))
    other = Stored(Scripted("NO"), str(tmp_path / "s"))
    hot = Request((Turn("user", "q"),), temperature=1.0)
    assert one.ask(asks("q"))[0].said[0].text == "YES"
    assert other.ask(asks("q"))[0].said[0].text == "NO"
    assert one.spent[0] == other.spent[0] == 1
    one.ask([hot])
    assert one.spent[0] == 2


def test_a_reply_comes_back_whole(tmp_path):
    """Samples, reasoning, log-probabilities down to minus infinity, and odd text survive."""
    top = (("YES", -0.1), ("\ud800", float("-inf")))
    said = Said("\ud800💥\x00", Finish.LENGTH, "hm", (Position("YES", -0.1, top),))
    judge = Stored(Scripted([Reply((said, Said("")), Usage(1, 2, 3))]), str(tmp_path / "s"))
    first, second = judge.ask(asks("q")), judge.ask(asks("q"))
    assert first[0].said == second[0].said == (said, Said(""))


def test_an_interrupted_run_keeps_what_it_has(tmp_path):
    """A run that ends amid an errand has kept each reply that had come, and goes on from there."""
    with serving(Plan(delay=0.002)) as server:
        backend = Endpoint(server.url, MODEL, parallel=4, kind="stub")
        judge = Stored(backend, str(tmp_path / "s"))
        told = []

        def interrupt(place, answer):
            told.append(place)
            if len(told) == 20:
                raise KeyboardInterrupt

        texts = [f"q{i}" for i in range(100)]
        with pytest.raises(KeyboardInterrupt):
            judge.post(asks(texts), interrupt).wait()
        assert judge.spent[0] == server.seen.replies.total()
        answers = judge.ask(asks(texts))
        assert [a.said[0].text for a in answers] == [verdict_of(t) for t in texts]
    assert server.seen.replies == dict.fromkeys(texts, 1)


RUN = """
import sys
from unflip.judges.asking import Request, Turn
from unflip.judges.backends import Endpoint
from unflip.judges.store import Stored
url, path = sys.argv[1:]
judge = Stored(Endpoint(url, "stub", parallel=8, kind="stub"), path)
judge.ask([Request((Turn("user", f"q{i}"),)) for i in range(600)])
"""


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_ended_from_outside_goes_on_later(tmp_path, blow):
    """Ctrl-C loses nothing and pays nothing twice; a kill, at most what was on its way."""
    path = str(tmp_path / "s")
    hold = threading.Event()
    hold.set()
    with serving(Plan(delay=0.002, hold=hold)) as server:
        command = [sys.executable, "-c", RUN, server.url, path]
        with subprocess.Popen(command, stderr=subprocess.PIPE) as run:
            while server.seen.replies.total() < 50:
                time.sleep(0.001)
            hold.clear()
            run.send_signal(blow)
            hold.set()
            run.communicate()
        assert run.returncode != 0
        before = server.seen.replies.total()
        assert before < 600
        judge = Stored(Endpoint(server.url, MODEL, kind="stub"), path)
        texts = [f"q{i}" for i in range(600)]
        answers = judge.ask(asks(texts))
        assert [a.said[0].text for a in answers] == [verdict_of(t) for t in texts]
    twice = server.seen.replies.total() - 600
    assert twice <= (0 if blow is signal.SIGINT else 8)


def test_faults_lose_and_double_nothing(tmp_path):
    """With a fifth of all attempts failing, every request is answered once, by its own reply."""
    texts = [f"q{i}" for i in range(400)]
    with serving(Plan(fault=by_hash(0.2))) as server:
        backend = Endpoint(server.url, MODEL, parallel=16, backoff=0.001, retries=20, kind="stub")
        answers = Stored(backend, str(tmp_path / "s")).ask(asks(texts))
    assert [a.said[0].text for a in answers] == [verdict_of(t) for t in texts]
    assert server.seen.replies == dict.fromkeys(texts, 1)
    assert server.seen.faults.total() == server.seen.attempts.total() - 400 > 0
    assert sum(a.usage.requests for a in answers) == server.seen.attempts.total()


def test_threads_share_a_store(tmp_path):
    """Many threads read and write at once."""
    judge = Stored(Scripted(lambda r: verdict_of(r.turns[0].text)), str(tmp_path / "s"))
    texts = [str(i) for i in range(60)]

    def run(n):
        for text in texts[n:] + texts[:n]:
            assert judge.ask(asks([text]))[0].said[0].text == verdict_of(text)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert judge.spent[0] == 60


PUT = """
import sys
from unflip.judges.asking import Reply, Said
from unflip.judges.store import Store
store, start = Store(sys.argv[1]), int(sys.argv[2])
for i in range(start, start + 100):
    store.put("by", f"{i:032}", Reply((Said(str(i)),)))
"""


def test_processes_share_a_store(tmp_path):
    """Several processes may make and write the same file at once."""
    path = str(tmp_path / "s")
    command = [sys.executable, "-c", PUT, path]
    runs = [subprocess.Popen([*command, str(start)]) for start in (0, 50, 200)]
    assert [run.wait() for run in runs] == [0, 0, 0]
    with closing(Store(path)) as store:
        assert store.spent("by")[0] == 250


def test_misuse_of_the_endpoint_keeps_what_came_before(tmp_path):
    """An error that ends a run leaves the replies that had come."""
    with serving(Plan(fault=lambda prompt, _: "quota" if prompt == "q9" else None)) as server:
        judge = Stored(Endpoint(server.url, MODEL, parallel=1, kind="stub"), str(tmp_path / "s"))
        with pytest.raises(UsageError, match="quota"):
            judge.ask(asks([f"q{i}" for i in range(20)]))
    assert judge.spent[0] == 9


def test_asyncio_reads_the_store_too(tmp_path):
    """The await-able form keeps and recalls alike."""
    counts = Counter()
    judge = Stored(Scripted(counting(counts), "counting"), str(tmp_path / "s"))

    async def main():
        first = await judge.ask_async(asks("ab"))
        return first, await judge.ask_async(asks("ba"))

    first, second = asyncio.run(main())
    assert [a.said for a in first] == [a.said for a in second[::-1]]
    assert counts == {"a": 1, "b": 1}


def test_a_row_of_another_version_is_as_good_as_unknown(tmp_path):
    """What cannot be read any more is asked again."""
    path = str(tmp_path / "s")
    judge = Stored(Scripted("YES"), path)
    [request] = asks("q")
    row = (judge.by, request.key, '{"answer": 1}', 0, 0, 0)
    with closing(Store(path)), closing(sqlite3.connect(path)) as base:
        base.execute("INSERT INTO replies_1 VALUES (?, ?, ?, ?, ?, ?)", row)
        base.commit()
    assert judge.ask([request])[0].said[0].text == "YES"


def test_a_file_that_is_none_is_explained(tmp_path):
    """A path that is no store is an error of the data, with the path in it."""
    path = tmp_path / "s"
    path.write_bytes(b"this is no database, but a text of some length" * 30)
    with pytest.raises(DataError, match="does not work as a store"):
        Stored(Scripted("YES"), str(path)).ask(asks("q"))


def test_a_closed_store_opens_again(tmp_path):
    """Closing lets go of the file and forgets nothing."""
    judge = Stored(Scripted(["YES"]), str(tmp_path / "s"))
    judge.ask(asks("q"))
    judge.close()
    judge.close()
    assert judge.ask(asks("q"))[0].said[0].text == "YES"


def test_a_copy_by_pickle_uses_the_same_file(tmp_path):
    """A stored judge travels as its path and its backend."""
    judge = Stored(Scripted("YES"), str(tmp_path / "s"))
    judge.ask(asks("q"))
    assert pickle.loads(pickle.dumps(judge)).spent[0] == 1
    assert (judge.by, judge.kind, judge.parallel) == (Scripted("YES").by, "stub", 64)


class Weighing:
    """A backend that weighs, and counts what."""

    by, kind, parallel = "weighing", "stub", 2

    def __init__(self):
        self.weighed = []

    def ask(self, requests, deadline=None):
        return [Reply((Said("YES"),)) for _ in requests]

    def weigh(self, requests, endings):
        self.weighed += [request.turns[0].text for request in requests]
        fail = Unanswered(Silence.REFUSED, "too long")
        return [fail if r.turns[0].text == "long" else (-1.0,) * len(endings) for r in requests]


def test_weights_are_kept_where_the_backend_weighs(tmp_path):
    """A stored backend is a Scorer just as its backend is, and weighs nothing twice."""
    plain, backend = Stored(Scripted("YES"), str(tmp_path / "s")), Weighing()
    judge = Metered(Stored(backend, str(tmp_path / "s")))
    assert not isinstance(plain, Scorer)
    assert not isinstance(Metered(plain), Scorer)
    assert isinstance(judge, Scorer)
    first = judge.weigh(asks(["a", "b", "a", "long"]), ["YES", "NO"])
    assert first[:3] == [(-1.0, -1.0)] * 3
    assert judge.weigh(asks(["c", "long", "b"]), ["YES", "NO"])[1].why is Silence.REFUSED
    assert backend.weighed == ["a", "b", "long", "c", "long"]
    judge.weigh(asks(["a"]), ["YES"])
    assert backend.weighed[5:] == ["a"]


def test_a_stored_scorer_travels_by_pickle(tmp_path):
    """What weighs, weighs in another process too."""
    judge = Stored(Local("folder"), str(tmp_path / "s"))
    copy = pickle.loads(pickle.dumps(judge))
    assert isinstance(copy, Scorer)
    assert copy == judge


def test_a_reply_that_the_server_broke_off_is_asked_for_again(tmp_path):
    """What ended for an unknown reason may not do so again; a refusal and a limit are answers."""
    cut, whole = Said("YE", Finish.OTHER), Said("NO", Finish.LENGTH)
    judge = Stored(Scripted([cut, whole, "never"]), str(tmp_path / "s"))
    heard = [judge.ask(asks("q"))[0].said[0] for _ in range(3)]
    assert heard == [cut, whole, whole]


@pytest.mark.parametrize(
    "change",
    [
        {"turns": (Turn("user", "r"),)},
        {"turns": (Turn("system", "q"),)},
        {"turns": (Turn("user", "q"), Turn("user", ""))},
        {"raw": ""},
        {"max_tokens": 17},
        {"temperature": 0.1},
        {"samples": 2},
        {"top_logprobs": 1},
        {"stop": ("a",)},
        {"seed": 0},
    ],
)
def test_whatever_changes_a_request_changes_its_key(change):
    """All of it is in the key, and numbers that are equal make the same one."""
    request = Request((Turn("user", "q"),))
    assert replace(request, **change).key != request.key
    assert replace(request, temperature=0).key == request.key


def test_calls_at_the_same_time_pay_once(tmp_path):
    """What one call is asking another one waits for, also where the first one has failed."""
    broken = {"q3", "q7"}

    def fault(prompt, attempt):
        return "400" if prompt in broken and attempt == 0 else None

    with serving(Plan(fault=fault, delay=0.01)) as server:
        judge = Stored(Endpoint(server.url, MODEL, parallel=8, kind="stub"), str(tmp_path / "s"))
        requests, answers = asks([f"q{i}" for i in range(60)]), {}
        calls = [
            threading.Thread(target=lambda n=n: answers.update({n: judge.ask(requests)}))
            for n in range(3)
        ]
        for call in calls:
            call.start()
        for call in calls:
            call.join()
    assert server.seen.attempts == dict.fromkeys(
        [r.turns[0].text for r in requests], 1
    ) | dict.fromkeys(broken, 2)
    paid = sum(one.usage.requests for said in answers.values() for one in said)
    assert paid == server.seen.attempts.total()
    heard = [one for said in answers.values() for one in said if isinstance(one, Unanswered)]
    assert len(heard) == len(broken)


def test_nobody_waits_for_ever(monkeypatch):
    """A call whose asker never comes back asks by itself."""
    monkeypatch.setattr("unflip.judges.flights._LONGEST_SECONDS", 0.01)
    flights = Flights()
    assert flights.board("a")
    assert flights.board("a")
    flights.land("a", answered=False)
    assert flights.board("a")


def test_a_cancelled_call_has_nobody_ask_again(tmp_path):
    """What a cancelled call never sent is still under way for the call that did send it."""
    requests = asks([f"q{i}" for i in range(80)])

    async def cancelled(judge, seconds):
        asking = asyncio.create_task(judge.ask_async(requests))
        await asyncio.sleep(seconds)
        asking.cancel()

    with serving(Plan(delay=0.002)) as server:
        for n in range(4):
            judge = Stored(Endpoint(server.url, MODEL, parallel=4, kind="stub"), f"{tmp_path}/{n}")
            calls = [threading.Thread(target=judge.ask, args=(requests,)) for _ in range(4)]
            calls += [
                threading.Thread(target=asyncio.run, args=(cancelled(judge, 0.01 * one),))
                for one in range(3)
            ]
            for call in calls:
                call.start()
            for call in calls:
                call.join()
            assert set(server.seen.replies.values()) == {n + 1}

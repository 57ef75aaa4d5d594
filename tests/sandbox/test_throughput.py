"""Many programs at once: batches, what is remembered, who may call, and how it ends."""

import asyncio
import itertools
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.sandbox.seeing import alive, below, until
from unflip.cache import VerdictCache
from unflip.run import averify_all, suited, verify_all
from unflip.sandbox import Embedded, Level, Limits, Program, Status, shared
from unflip.types import Fault, Outcome, Sample
from unflip.verifiers.code import Code, forget
from unflip.workers import cores

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the embedded backend needs Linux")
ROOT = Path(__file__).parents[2]
ADD = {"test_list": ["assert add(1, 2) == 3", "assert add(-4, 9) == 5"]}
RIGHT, WRONG = "def add(a, b):\n    return a + b", "def add(a, b):\n    return 3"
VERIFY = Code(cpu=2, memory=256)
SLEEPER = Sample("import time; time.sleep(60)", meta={"inputs": [""], "outputs": ["1"]})


@pytest.fixture(autouse=True)
def _nothing_known():
    forget()


def runs(level=Level.LANDLOCK):
    """How many programs the shared sandbox has run on the servers that wait for work."""
    return sum(slot.runs for slot in shared(level)._idle)


def many(n, code=RIGHT):
    """Different programs that do the same."""
    return [Sample(f"{code}\n# {i}", meta=ADD) for i in range(n)]


def test_a_batch_decides_as_one_by_one():
    """Verdicts come in the order of the samples, whatever they are."""
    rows = [
        Sample(RIGHT, meta=ADD),
        Sample(WRONG, meta=ADD),
        Sample("", meta=ADD),
        Sample(RIGHT),
        Sample("def add(", meta=ADD),
        Sample(RIGHT, meta={"test_list": ["assert True"]}),
        Sample("print(input())", meta={"inputs": ["a", "b"], "outputs": ["a", "b"]}),
    ] * 3
    reasons = [(one.outcome, one.reason) for one in VERIFY.verify_batch(rows)]
    forget()
    assert reasons == [(one.outcome, one.reason) for one in map(VERIFY, rows)]


def test_an_empty_batch_is_nothing():
    """No samples have no verdicts."""
    assert VERIFY.verify_batch([]) == []


def test_the_same_program_is_run_once():
    """In one batch, equal programs on equal tests share a verdict, whatever is said around them."""
    VERIFY.verify_batch(many(1))
    before = runs()
    said = [Sample(f"Thought {i}.\n```python\n{RIGHT}\n```\n", meta=ADD) for i in range(40)]
    verdicts = VERIFY.verify_batch(said)
    assert all(one.accepted for one in verdicts)
    assert runs() == before + 1


def test_a_program_stops_at_the_first_case_that_fails():
    """Of fifty cases, none is run after the first wrong answer."""
    VERIFY.verify_batch(many(1))
    before = runs()
    tests = {"inputs": [str(n) for n in range(50)], "outputs": ["right"] * 50}
    assert VERIFY(Sample("print('wrong')", meta=tests)).evidence["passed"] == 0
    assert runs() == before + 1


def test_all_cases_can_be_counted():
    """With `every`, what passes after the first failure counts; the verdict is the same."""
    printed = {"inputs": list("abcd"), "outputs": list("xbxd")}
    called = {"test_list": [f"assert same({n}) == {n + n % 2}" for n in range(4)]}
    for code, tests in (("print(input())", printed), ("def same(x): return x", called)):
        first = VERIFY(Sample(code, meta=tests))
        every = Code(cpu=2, memory=256, every=True)(Sample(code, meta=tests))
        assert (first.outcome, first.reason) == (every.outcome, every.reason)
        assert (every.evidence["passed"], every.evidence["cases"]) == (2, 4)
        assert first.evidence["passed"] < 2


def test_what_was_decided_is_remembered_under_the_same_conditions():
    """The same program and tests again need no run; other limits, tests or levels need one."""
    VERIFY(Sample(RIGHT, meta=ADD))
    before = runs()
    again = VERIFY(Sample(f"Again:\n```python\n{RIGHT}\n```", meta=ADD))
    assert again.accepted
    assert runs() == before
    Code(cpu=3, memory=256)(Sample(RIGHT, meta=ADD))
    VERIFY(Sample(RIGHT, meta={"inputs": ["1"], "outputs": ["1"]}))
    assert runs() == before + 2


def test_time_on_the_wall_is_not_remembered(tmp_path):
    """A program that only the wall stopped is run again when it comes again, from disk as well."""
    verify = Code(cpu=0.05)
    with VerdictCache(tmp_path / "cache.sqlite") as cache:
        (first,) = verify_all(verify, [SLEEPER], cache=cache)
        assert first.evidence["verdict"] == "wall time"
        assert cache.get(SLEEPER, verify.by) is None
    before = runs()
    verify(SLEEPER)
    assert runs() == before + 2


def test_our_failures_are_not_remembered(monkeypatch):
    """What a broken sandbox could not decide is decided once it works."""
    verify = Code(most="landlock", memory=256)
    verify.warm_up()
    sandbox = shared(Level.LANDLOCK, Level.LANDLOCK)
    rows = many(1)
    broken = type("Broken", (), {"run": _failing, "runs": 0, "end": lambda _self: None})
    with monkeypatch.context() as patch:
        patch.setattr(sandbox, "_idle", [])
        patch.setattr(sandbox, "_start", lambda _level: broken())
        assert verify(rows[0]).fault is Fault.SYSTEM
    assert verify(rows[0]).accepted


def _failing(*_):
    from unflip.sandbox import SandboxError

    raise SandboxError("out of order")


def test_a_lazy_source_is_not_read_far_ahead():
    """Of endless samples, so many are taken as are under way, and no more."""
    taken = itertools.count()
    rows = (Sample(f"{RIGHT}\n# {next(taken)}", meta=ADD) for _ in itertools.repeat(None))
    verdicts = verify_all(VERIFY, rows, workers=suited())
    assert next(verdicts).accepted
    verdicts.close()
    assert next(taken) <= 6 * max(64, VERIFY.parallel)


def test_batches_of_many_threads_do_not_mix():
    """Each caller gets the verdicts on its own samples."""

    def ask(n):
        rows = [Sample(f"{(RIGHT, WRONG)[i % 2]}\n# {n} {i}", meta=ADD) for i in range(6)]
        return [one.accepted for one in VERIFY.verify_batch(rows)]

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(ask, range(4))) == [[True, False] * 3] * 4


def test_the_event_loop_goes_on_meanwhile():
    """With `averify_all`, or `asyncio.to_thread`, others are served between two verdicts."""

    async def main():
        ticks, done = 0, asyncio.Event()

        async def tick():
            nonlocal ticks
            while not done.is_set():
                await asyncio.sleep(0.001)
                ticks += 1

        ticking = asyncio.create_task(tick())
        lazily = [one.accepted async for one in averify_all(VERIFY, many(30), workers=suited())]
        together = await asyncio.to_thread(VERIFY.verify_batch, many(30, f"{RIGHT}\n"))
        done.set()
        await ticking
        return lazily, [one.accepted for one in together], ticks

    lazily, together, ticks = asyncio.run(main())
    assert lazily == together == [True] * 30
    assert ticks > 10


def test_the_caller_is_never_forked():
    """No hook that runs before or after a fork of the caller is called when servers start."""
    code = """
        import os, threading
        calls = []
        os.register_at_fork(before=lambda: calls.append("before"),
                            after_in_parent=lambda: calls.append("parent"),
                            after_in_child=lambda: os.write(2, b"forked"))
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        from unflip.sandbox import Embedded, Level, Limits, Program
        for level in (Level.NAMESPACES, Level.LANDLOCK):
            with Embedded(minimum=Level.LANDLOCK, most=level, size=1) as sandbox:
                assert sandbox.run(Program("print(1)"), Limits()).stdout == b"1\\n"
        print(calls)
    """
    ended = script(code)
    assert ended.communicate(timeout=120) == ("[]\n", "")


def script(code, **options):
    """A Python process of its own that runs some code."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        **options,
    )


ASK = {
    "verify_batch": "verify.verify_batch(rows)",
    "suited": "list(verify_all(verify, rows, workers=suited()))",
}


@pytest.mark.parametrize("how", ASK)
def test_ctrl_c_ends_everything_at_once(how):
    """Nobody waits for the limits of programs that are under way, and none of them goes on."""
    code = f"""
        import faulthandler, signal
        # Whoever was started in the background has it ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        faulthandler.dump_traceback_later(30, exit=True)
        from unflip.run import suited, verify_all
        from unflip.sandbox import shared
        from unflip.types import Sample
        from unflip.verifiers.code import Code
        tests = {{"inputs": [""], "outputs": ["1"]}}
        rows = [Sample(f"import time; time.sleep(60) # {{n}}", meta=tests) for n in range(64)]
        verify = Code(cpu=20)
        verify.warm_up()
        print(*shared().servers, flush=True)
        {ASK[how]}
    """
    caller = script(code)
    server = int(caller.stdout.readline())
    while len(below(server)) < 3:
        time.sleep(0.01)
    running = below(server)
    caller.send_signal(signal.SIGINT)
    _, said = caller.communicate(timeout=60)
    assert "KeyboardInterrupt" in said, said
    until(lambda: not any(map(alive, running)))


def test_who_wants_to_be_alone_has_a_turn():
    """A run alone is not put off for ever by others that keep coming."""
    ended = threading.Event()
    with Embedded(size=2) as sandbox:

        def keep_coming():
            while not ended.is_set():
                sandbox.run(Program("pass"), Limits())

        with ThreadPoolExecutor(3) as threads:
            others = [threads.submit(keep_coming) for _ in range(2)]
            alone = threads.submit(sandbox.run, Program("print(1)"), Limits(), alone=True)
            assert alone.result(timeout=60).status is Status.FINISHED
            ended.set()
            for one in others:
                one.result()


LIMITED = Code(cpu=0.5, memory=128, output=1)
PROGRAMS = {
    "right": "print(sum(map(int, input().split())))",
    "wrong": "print(1)",
    "works for a fifth of its time":
        "import time\nwhile time.process_time() < .1: pass\nprint(sum(map(int, input().split())))",
    "works for ever": "while True: pass",
    "sleeps": "import time; time.sleep(60)",
    "takes memory": "print(len([0] * 10**9))",
    "prints": "while True: print('x' * 1000)",
    "raises": "1 / 0",
    "breaks": "print(",
}  # fmt: skip


def test_verdicts_are_the_same_under_load():
    """With four times as many processes as cores, every program is decided as without."""
    tests = {"inputs": ["1 2", "3 4"], "outputs": ["3", "7"]}
    rows = [Sample(code, meta=tests) for code in PROGRAMS.values()]

    def decide():
        forget()
        return dict(zip(PROGRAMS, ((v.outcome, v.reason) for v in LIMITED.verify_batch(rows)),
                        strict=True))  # fmt: skip

    calm = decide()
    assert [name for name, (outcome, _) in calm.items() if outcome is Outcome.ACCEPT] == [
        "right",
        "works for a fifth of its time",
    ]
    spin = [sys.executable, "-c", "while True: pass"]
    busy = [subprocess.Popen(spin) for _ in range(3 * cores())]
    try:
        assert decide() == calm
    finally:
        for one in busy:
            one.kill()
            one.wait()

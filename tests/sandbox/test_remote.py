"""Programs at a service: the same verdicts, faults that are nobody's, and what it learns."""

import json
import threading
import tomllib
from pathlib import Path

import pytest

from tests.sandbox.fusion import Plan, serving
from unflip.errors import UsageError
from unflip.sandbox import (
    Call,
    Level,
    Limits,
    Program,
    Remote,
    SandboxError,
    SandboxUnavailable,
    Status,
    remote,
)
from unflip.types import Fault, Outcome, Reason, Sample
from unflip.verifiers.code import Code

HOSTILE = Path(__file__).parents[2] / "fixtures" / "hostile"
FORGING = tomllib.loads((HOSTILE / "forging.toml").read_text())["program"]
PAIRED = {"inputs": ["1 2", "2 2"], "outputs": ["3", "4"]}
ASSERTS = {"test_list": ["assert add(11, 22) == 33", "assert add(424240, 2) == 424242"]}
SUM = "print(sum(map(int, input().split())))"
ADD = "def add(a, b):\n    print('said')\n    return a + b"
LIMITS = Limits(cpu=2)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(remote, "_PAUSE_SECONDS", 0.001)


def code(url, cpu=1.0, **options):
    """A verifier whose programs run at a service."""
    return Code(backend="remote", url=url, minimum="remote", cpu=cpu, **options)


def test_programs_are_judged_as_here():
    """Programs that print, functions, conversations and checkers get their verdicts."""
    talk = {"test_list": ["x = add(1, 2)\nif x:\n    assert x == 3"]}
    checked = PAIRED | {"checker": "def check(i, o, e): return o.strip() == e"}
    with serving(Plan()) as url:
        verify = code(url)
        for row, right in ((PAIRED, SUM), (ASSERTS, ADD), (talk, ADD), (checked, SUM)):
            verdict = verify(Sample(right, meta=row))
            assert verdict.accepted, verdict.evidence
            assert verdict.evidence["level"] == "remote"
            wrong = right.replace("sum", "max").replace("a + b", "7")
            assert verify(Sample(wrong, meta=row)).reason is Reason.MISMATCH


@pytest.mark.parametrize(
    ("program", "status"),
    [
        ("print(1)", Status.FINISHED), ("1 / 0", Status.FAILED), ("while True: pass", Status.WALL),
        ("x = bytearray(1 << 40)", Status.MEMORY), ("print('x' * (1 << 20))", Status.OUTPUT),
        ("import os; os.kill(os.fork() or os.getpid(), 9); os.abort()", Status.SIGNALLED),
        ("print('\ud800')", Status.FAILED),
    ],
)  # fmt: skip
def test_each_end_has_its_status(program, status):
    """What the service says of a run is told in our words."""
    with serving(Plan()) as url, Remote(url) as sandbox:
        assert sandbox.run(Program(program), Limits(cpu=0.5, wall=1)).status is status


@pytest.mark.parametrize("fault", [429, 500, 503, "cut", "drop", "junk", "error"])
def test_a_fault_is_tried_again(fault):
    """Once or twice is no failure: the program gets its result."""
    with serving(Plan(fault, fault, None)) as url, Remote(url) as sandbox:
        assert sandbox.run(Program(SUM, b"20 22"), LIMITS).stdout == b"42\n"


@pytest.mark.parametrize("fault", [429, 500, "cut", "drop", "junk", "error"])
def test_an_outage_is_nobodys_wrong_answer(fault):
    """A service that never answers is an abstain, whatever the program is."""
    with serving(Plan(fault)) as url:
        verdict = code(url)(Sample("print(3)", meta=PAIRED))
    assert (verdict.outcome, verdict.reason) == (Outcome.ABSTAIN, Reason.CRASH)
    assert verdict.fault is Fault.SYSTEM


def test_nobody_there_is_an_error_of_the_sandbox():
    """A port without a server, too."""
    with serving(Plan()) as url:
        pass
    with Remote(url, tries=2) as sandbox, pytest.raises(SandboxError, match="2 tries"):
        sandbox.run(Program("print(1)"), LIMITS)


@pytest.mark.parametrize("status", [401, 404])
def test_a_refusal_is_told_to_the_programmer(status):
    """A wrong address or a missing key is not tried again, and raises."""
    plan = Plan(status)
    with serving(plan) as url, Remote(url) as sandbox:
        with pytest.raises(SandboxUnavailable, match=str(status)):
            sandbox.run(Program("print(1)"), LIMITS)
        assert len(plan.bodies) == 1


def test_a_service_never_learns_what_is_expected():
    """Neither outputs nor what asserts say: only code and what goes into it is sent."""
    plan = Plan()
    branching = {"test_list": ["x = add(1, 424241)\nif x:\n    assert x == 424242"]}
    printed = {"inputs": ["5 6"], "outputs": ["424242"], "checker": "def check(*g): return True"}
    with serving(plan) as url:
        for row in (ASSERTS, branching, printed, {"inputs": ["5 6"], "outputs": ["424242"]}):
            code(url)(Sample(ADD + "\n" + SUM, meta=row))
    assert len(plan.bodies) >= 3
    assert not any("424242" in json.dumps(body) for body in plan.bodies)


def test_a_call_is_recorded_apart_from_what_is_printed():
    """What the program prints is among its errors, and never among the records."""
    program = Program(ADD, calls=[Call("add", (1, 2)), Call("add", (2,), {"b": 3})])
    with serving(Plan()) as url, Remote(url) as sandbox:
        ended = sandbox.run(program, LIMITS)
    assert (ended.stdout, ended.records.count(b"\n")) == (b"", 2)
    assert ended.stderr.count(b"said") == 2


@pytest.mark.parametrize("hostile", FORGING[::6], ids=lambda one: one["name"])
def test_forgers_are_rejected_there_too(hostile):
    """Whoever writes the records, only right answers count."""
    rows = {
        "add": ASSERTS,
        "sum": {"inputs": ["1\n2"], "outputs": ["3"]},
        "rows": {"inputs": [""], "outputs": ["1\n2\n3"]},
        "root": {"inputs": ["2"], "outputs": ["1.41421356"]},
    }
    with serving(Plan()) as url:
        row = hostile.get("meta") or rows[hostile["task"]]
        verdict = code(url, cpu=0.2, output=2)(Sample(hostile["code"], meta=row))
    assert verdict.outcome is Outcome.REJECT, verdict.evidence


def test_no_more_run_at_once_than_were_agreed():
    """Threads wait for their turn."""
    plan = Plan()
    program = Program("import time; time.sleep(0.05)")
    with serving(plan) as url, Remote(url, size=2) as sandbox:
        threads = [threading.Thread(target=sandbox.run, args=(program, LIMITS)) for _ in range(6)]
        threads += [threading.Thread(target=sandbox.run, args=(program, LIMITS),
                                     kwargs={"alone": True})]  # fmt: skip
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert len(plan.bodies) == 7
    assert plan.most <= 2


@pytest.mark.parametrize(
    "options",
    [
        {"backend": "remote", "url": "http://x"}, {"backend": "remote", "minimum": "remote"},
        {"minimum": "remote"}, {"url": "http://x"},
        {"backend": "remote", "url": "http://x", "minimum": "remote", "trust": "weak"},
        {"backend": "remote", "url": "http://x", "minimum": "remote", "language": "cpp"},
    ],
)  # fmt: skip
def test_a_service_has_to_be_asked_for_in_full(options):
    """Its isolation is unknown, so that nobody gets there by accident; it fails closed."""
    with pytest.raises(UsageError):
        Code(**options)
    assert Level.UNSAFE < Level.REMOTE < Level.LANDLOCK


@pytest.mark.parametrize("options", [{"url": "sandbox:8080"}, {"size": 0}, {"tries": 0}])
def test_what_means_nothing_is_refused(options):
    """An address that is none, and numbers that are not positive."""
    with pytest.raises(UsageError):
        Remote(**{"url": "http://x", **options})

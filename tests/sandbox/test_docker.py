"""The Docker backend on a real engine: the hostile corpus, what is left, what an engine may break.

It wants an engine, as the `docker` command finds it, and in UNFLIP_DOCKER_IMAGE an image that has
Python; `.ci/docker` starts the one and makes the other.
"""

import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from tests.sandbox import hostile as hostile_corpus
from tests.sandbox.hostile import HONEST, PATIENT, RIGHT_QUERY, TABLES, corpus, family
from tests.sandbox.test_neighbours import FAMILIES, beside_each
from tests.verifiers import test_conversing
from unflip.sandbox import (
    Container,
    Docker,
    Level,
    Program,
    SandboxError,
    SandboxUnavailable,
)
from unflip.sandbox.docker.container import LABEL
from unflip.types import Outcome, Sample
from unflip.verifiers.code import Code, How
from unflip.verifiers.sql import Sql

IMAGE = os.environ.get("UNFLIP_DOCKER_IMAGE", "")
pytestmark = pytest.mark.skipif(not IMAGE, reason="it wants an engine and an image: run .ci/docker")
ROOT = Path(__file__).parents[2]
CLOCKS = ("cpu", "wall")
LEVELS = (Level.NAMESPACES, Level.LANDLOCK)
LATE = 1.5
"""By so many seconds may an engine be late to say that a run was stopped."""
TASKS = {
    "add": {"test_list": ["assert add(1, 2) == 3", "assert add(-4, 9) == 5",
                          "assert add(10**9, 11) == 1000000011"]},
    "sum": {"inputs": ["1\n2", "-4\n9"], "outputs": ["3", "5"]},
    "rows": {"inputs": [""], "outputs": ["1\n2\n3"]},
    "root": {"inputs": ["2"], "outputs": ["1.41421356"]},
    "check": {"test": "def check(candidate):\n    assert candidate([3, 1, 2]) == [1, 2, 3]\n"
                      "    assert candidate([]) == []", "entry_point": "order"},
}  # fmt: skip
# For each task programs that are right, and programs that are wrong.
ANSWERS = {
    "add": (["def add(a, b):\n    return a + b"], ["def add(a, b):\n    return a - b"]),
    "sum": (["print(int(input()) + int(input()))"], ["print(3)", "print(input())"]),
    "rows": (["print(1, 2, 3, sep='\\n')"], ["print(1, 3, 2)"]),
    "root": (["print(float(input()) ** 0.5)"], ["print(1.5)"]),
    "check": (
        ["def order(x):\n    return sorted(x)"],
        ["def order(x):\n    return x", "def order(x):\n    return tuple(sorted(x))"],
    ),
}


@pytest.fixture(scope="module")
def engine():
    """The engine, as its own client sees it; afterwards there is no container of ours."""
    import docker

    client = docker.from_env()
    yield client
    wait_for_the_end(client, set())
    client.close()


def list_of(client):
    """The ids of all containers of ours."""
    found = client.api.containers(all=True, filters={"label": LABEL})
    return {one["Id"] for one in found}


def wait_for_the_end(client, of_others):
    """An engine takes a moment to remove what has ended; a minute would be a failure."""
    until = time.monotonic() + 60
    while list_of(client) - of_others:
        assert time.monotonic() < until, "containers were left behind"
        time.sleep(0.05)


@pytest.fixture(scope="module", params=LEVELS, ids=lambda level: level.word)
def sandbox(request, engine):
    """Containers whose servers reach one level; skipped, with the reason, where they cannot."""
    with Docker(Container(IMAGE), minimum=request.param, most=request.param, size=2) as made:
        try:
            assert made.level is request.param
        except SandboxUnavailable as why:
            pytest.skip(str(why))
        yield made
    # Kept for all who judge in this process, and otherwise ended with it.
    verifier(request.param)._bench().backend.close()
    querying(request.param)._bench("sqlite").backend.close()


def processes(engine, container):
    """Every process of a container, of an engine on this machine: its first, and those below it."""
    found, more = set(), {engine.api.inspect_container(container)["State"]["Pid"]}
    while more:
        found |= more
        listed = [Path(f"/proc/{one}/task/{one}/children") for one in more]
        more = {int(pid) for one in listed if one.exists() for pid in one.read_text().split()}
    return found


@pytest.fixture
def nothing_left(sandbox, engine):
    """Afterwards the containers are the same, with no process that they did not have before."""

    def seen():
        return {one: processes(engine, one) for one in sandbox.containers}

    with hostile_corpus.nothing_left(sandbox, seen):
        containers = set(sandbox.containers)
        yield
    assert set(sandbox.containers) == containers


@corpus("escaping")
def test_nobody_gets_out(sandbox, nothing_left, hostile):
    """What a program must not reach is not there, or refused; the next run finds no trace."""
    hostile_corpus.held(sandbox, hostile)


@corpus("bombs")
def test_every_limit_holds(sandbox, nothing_left, hostile):
    """A program that uses more than it may ends at a limit, in time, and leaves nothing."""
    limits, ended = hostile_corpus.limited(sandbox, hostile)
    assert ended.wall < limits.patience + LATE


@pytest.mark.parametrize(
    ("language", "hostile"),
    [
        pytest.param(language, *one.values, id=one.id)
        for name, language in (("native", "cpp"), ("node", "javascript"))
        for one in family(name)
    ],
)
def test_no_language_gets_out(sandbox, nothing_left, language, hostile):
    """In every language: nothing is reached, nothing is left, each ends as what it is."""
    try:
        limits, ended = hostile_corpus.foreign(sandbox, language, hostile)
    except SandboxUnavailable as why:
        pytest.skip(str(why))
    assert "bomb" not in hostile or ended.wall < limits.patience + LATE


def verifier(level):
    """A verifier with tight limits whose programs run in containers, at one level."""
    return Code(cpu=0.5, memory=256, output=4, minimum=level.word, most=level.word,
                how=How.FLOATS, backend="docker", image=IMAGE)  # fmt: skip


@cache
def querying(level):
    """A verifier of queries with tight limits, whose queries run in containers, at one level."""
    return Sql(cpu=0.5, memory=512, minimum=level.word, most=level.word,
               backend="docker", image=IMAGE)  # fmt: skip


@cache
def has_duckdb():
    """Whether the image has it; the level in question has to be that of namespaces."""
    row = {"schema": TABLES, "dialect": "duckdb"}
    try:
        return querying(Level.NAMESPACES)(Sample(RIGHT_QUERY, RIGHT_QUERY, meta=row)).accepted
    except SandboxUnavailable:
        return False


@corpus("sql", "query")
def test_no_hostile_query_is_accepted(sandbox, engine, hostile):
    """It is rejected as what it is, leaves no process, and the next query finds no trace of it."""
    verify = querying(sandbox.level)
    if hostile.get("dialect") == "duckdb" and sandbox.level is not Level.NAMESPACES:
        with pytest.raises(SandboxUnavailable, match="namespaces"):
            hostile_corpus.refused(verify, hostile)
        return
    if hostile.get("dialect") == "duckdb" and not has_duckdb():
        pytest.skip("there is no duckdb in the image")
    inner = verify._bench("sqlite").backend

    def seen():
        return {one: processes(engine, one) for one in inner.containers}

    with hostile_corpus.nothing_left(inner, seen):
        hostile_corpus.refused(verify, hostile)


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb"])
def test_queries_are_judged_as_anywhere_else(sandbox, dialect):
    """What gives the rows is accepted, what gives others is rejected; nothing is abstained on."""
    if dialect == "duckdb" and not (sandbox.level is Level.NAMESPACES and has_duckdb()):
        pytest.skip("there is no duckdb in the image, or it does not run at this level")
    row = {"schema": TABLES, "dialect": dialect}
    right = [
        RIGHT_QUERY,
        "SELECT 2 * AVG(n) FROM t",
        "SELECT x + 0 FROM (SELECT SUM(n) AS x FROM t)",
    ]
    wrong = ["SELECT COUNT(*) FROM t", "SELECT n FROM t", "SELECT '42'"]
    found = [querying(sandbox.level)(Sample(one, RIGHT_QUERY, meta=row)) for one in right + wrong]
    assert [one.outcome for one in found] == [Outcome.ACCEPT] * 3 + [Outcome.REJECT] * 3


@corpus("forging")
def test_no_forger_is_accepted(sandbox, hostile):
    """A program that solves nothing is rejected, for what it did or for how long it took."""
    task = hostile.get("meta") or TASKS[hostile["task"]]
    verdict = verifier(sandbox.level)(Sample(hostile["code"], meta=task))
    assert verdict.outcome is Outcome.REJECT, verdict
    allowed = {*hostile["verdict"], *(f"{clock} time" for clock in CLOCKS)}
    assert verdict.evidence["verdict"] in allowed, verdict.evidence


@pytest.mark.parametrize("task", TASKS)
def test_right_is_accepted_and_wrong_is_rejected(sandbox, task):
    """Rows are decided as they are anywhere else."""
    verify = verifier(sandbox.level)
    right, wrong = ANSWERS[task]
    found = [verify(Sample(code, meta=TASKS[task])) for code in (*right, *wrong)]
    assert [one.accepted for one in found] == [True] * len(right) + [False] * len(wrong)
    assert all(one.outcome is not Outcome.ABSTAIN for one in found)


def test_the_engine_shuts_a_container_in(sandbox, engine):
    """As the kernel has it: nobody, no capability to gain, no network but its own."""
    sandbox.run(HONEST, PATIENT)
    pid = engine.api.inspect_container(sandbox.containers[0])["State"]["Pid"]
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    status = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
    assert (status["Uid"], status["NoNewPrivs"], status["Seccomp"]) == (["65534"] * 4, ["1"], ["2"])
    # With namespaces it has all of them over its own, which is nothing outside.
    assert int(status["CapBnd"][0], 16) == 0 or sandbox.level is Level.NAMESPACES
    assert Path(f"/proc/{pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()
    network = Path(f"/proc/{pid}/net/dev").read_text().splitlines()[2:]
    assert [line.split(":")[0].strip() for line in network] == ["lo"]


@pytest.mark.parametrize(("family", "language"), [one[:2] for one in FAMILIES])
def test_an_honest_program_beside_each_hostile_one(sandbox, family, language):
    """Whatever another container runs, this one's program prints its answer, and in its time."""
    beside_each(sandbox, family, language)


@pytest.mark.parametrize("task", ["even", "stack"])
def test_tests_converse_with_a_program(sandbox, task):
    """Tests and program each have a run of their own there, too."""
    verify = verifier(sandbox.level)
    assert verify(Sample(test_conversing.RIGHT[task], meta=test_conversing.TASKS[task])).accepted


@pytest.mark.parametrize("hostile", test_conversing.TALKING, ids=lambda one: one["name"])
def test_nobody_talks_the_tests_over(sandbox, hostile):
    """A program that solves nothing is rejected, never abstained on."""
    row = test_conversing.TASKS[hostile["task"]]
    # All that it may sleep is three times that.
    verify = replace(verifier(sandbox.level), total=1)
    verdict = verify(Sample(hostile["code"], meta=row))
    assert verdict.outcome is Outcome.REJECT, verdict.evidence


def test_a_container_that_was_killed_is_replaced(sandbox, engine):
    """A caller does not notice that a waiting container was killed."""
    sandbox.run(HONEST, PATIENT)
    for one in sandbox.containers:
        engine.api.kill(one)
    assert sandbox.run(HONEST, PATIENT).stdout == b"42\n"


def test_a_run_whose_container_is_killed_is_run_again(sandbox, engine):
    """The engine's failure is nobody's verdict: another container runs the program anew."""
    sandbox.run(HONEST, PATIENT)
    mine, results = set(sandbox.containers), []
    program = Program("import time; time.sleep(2); print(7)")
    runner = threading.Thread(target=lambda: results.append(sandbox.run(program, PATIENT)))
    runner.start()
    while not (busy := mine - set(sandbox.containers)):
        time.sleep(0.01)
    for one in busy:
        engine.api.kill(one)
    runner.join()
    assert results[0].stdout == b"7\n"


def test_two_failures_are_the_sandboxs_and_not_the_programs(engine):
    """What no container can run raises, and is an abstain to who judges."""
    with Docker(Container(IMAGE), size=1) as sandbox:
        assert sandbox.level
        stop = threading.Event()

        def kill_all():
            while not stop.wait(0.05):
                for one in engine.containers.list(filters={"label": LABEL}):
                    if one.id not in kept:
                        one.kill()

        kept = list_of(engine) - set(sandbox.containers)
        killer = threading.Thread(target=kill_all)
        killer.start()
        with pytest.raises(SandboxError):
            sandbox.run(Program("import time; time.sleep(9)"), PATIENT)
        stop.set()
        killer.join()


@pytest.mark.parametrize("level", LEVELS)
def test_no_container_outlives_a_caller_that_was_killed(engine, level):
    """Killed in the middle of a run, the caller takes its containers with it."""
    before = list_of(engine)
    code = textwrap.dedent(f"""
        from unflip.sandbox import Container, Docker, Level, Limits, Program
        level = Level({int(level)})
        sandbox = Docker(Container({IMAGE!r}), minimum=level, most=level, size=1)
        print(sandbox.level, flush=True)
        sandbox.run(Program("import time; time.sleep(600)"), Limits(cpu=1, wall=600))
    """)
    caller = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT)
    caller.stdout.readline()
    (mine,) = list_of(engine) - before
    while len(processes(engine, mine)) < (3 if level is Level.NAMESPACES else 2):
        time.sleep(0.01)
    os.kill(caller.pid, signal.SIGKILL)
    caller.communicate()
    wait_for_the_end(engine, before)


def test_a_closed_sandbox_leaves_no_container(engine):
    """Nor image, nor volume."""
    before = list_of(engine), len(engine.images.list(all=True)), len(engine.volumes.list())
    with Docker(Container(IMAGE), size=2) as sandbox:
        sandbox.run(HONEST, PATIENT)
        assert list_of(engine) - before[0] == set(sandbox.containers)
    wait_for_the_end(engine, before[0])
    assert (len(engine.images.list(all=True)), len(engine.volumes.list())) == before[1:]


@pytest.mark.parametrize(
    ("container", "url", "said"),
    [
        (Container("no-such-image:ever"), None, "docker pull no-such-image:ever"),
        (Container(IMAGE or "none", runtime="no-such-runtime"), None, "no-such-runtime"),
        (Container(IMAGE or "none"), "unix:///no/such/socket", "no Docker engine answers at unix"),
    ],
    ids=["image", "runtime", "engine"],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_is_not_there_is_said(container, url, said):
    """And nothing is run."""
    with Docker(container, url=url) as sandbox, pytest.raises(SandboxUnavailable, match=said):
        sandbox.run(HONEST, PATIENT)
    # The SDK leaves a socket open that found nobody.
    gc.collect()

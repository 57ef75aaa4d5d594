"""The hostile corpus, and what must come of it in any sandbox: the same, wherever it runs."""

import platform
import tomllib
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from unflip import Sample
from unflip.sandbox import Limits, Program, Result, Status, prepared
from unflip.types import Outcome

FOLDER = Path(__file__).parents[2] / "fixtures" / "hostile"
TIGHT = Limits(cpu=0.2, wall=1.0, memory=256 << 20, processes=64, output=4 << 20, disk=8 << 20)
# Other languages take longer to begin.
SLOW = Limits(cpu=0.5, wall=3.0, memory=256 << 20, processes=64, output=4 << 20, disk=8 << 20)
PATIENT = Limits(cpu=5, memory=512 << 20)
HONEST = Program("print(sum(map(int, input().split())))", b"20 22")
# What the queries are asked on; `m` is for products.
TABLES = (
    "CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (20), (22); CREATE TABLE m (x INTEGER);"
    f"INSERT INTO m VALUES {', '.join(f'({n})' for n in range(60))};"
)
COUNTER = "CREATE SEQUENCE counter;"
RIGHT_QUERY = "SELECT SUM(n) FROM t"


def family(name, table="program"):
    """The programs of a family that are for this machine, as parameters."""
    return [
        pytest.param(one, id=f"{name}-{one['name']}")
        for one in tomllib.loads((FOLDER / f"{name}.toml").read_text())[table]
        if one.get("machine", platform.machine()) == platform.machine()
    ]


def corpus(name, table="program"):
    """A family as parameters of a test."""
    return pytest.mark.parametrize("hostile", family(name, table))


@contextmanager
def nothing_left(sandbox, seen):
    """A sandbox's processes are the same afterwards, and so is the number of our descriptors.

    Args:
        sandbox: The sandbox.
        seen: The processes that are seen, of each of its servers.
    """
    sandbox.run(HONEST, PATIENT)
    before, files = seen(), _descriptors()
    yield
    after = seen()
    assert {one: after.get(one) for one in before} == before
    assert _descriptors() == files


def _descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def held(sandbox, hostile):
    """What a program must not reach is not there, or refused; the next run finds no trace."""
    for _ in range(1 + hostile.get("twice", False)):
        ended = sandbox.run(Program(hostile["code"], b"input"), PATIENT)
        wanted = hostile.get("status")
        if wanted:
            assert ended.status in wanted
        else:
            assert (ended.status, ended.stdout) == (Status.FINISHED, b"held\n"), ended


def limited(sandbox, hostile):
    """A program that uses more than it may ends at its limit, and ends as what it is."""
    # Filling memory or disks takes time, and more of it under load.
    clocked = {"cpu", "wall"} & {*hostile["status"]}
    limits = TIGHT if clocked else replace(TIGHT, cpu=2, wall=5)
    ended = sandbox.run(Program(hostile["code"]), limits)
    # Under load, the wall comes before the processor's time.
    allowed = {*hostile["status"], *(["wall"] if "cpu" in hostile["status"] else [])}
    assert ended.status in allowed, ended
    assert ended.cpu < limits.cpu + 1
    assert ended.memory < 2 * TIGHT.memory
    if ended.status is Status.FINISHED:
        assert ended.stdout.decode() in (hostile.get("output", "held\n"), "")
    return limits, ended


def foreign(sandbox, language, hostile):
    """In another language: nothing is reached, and each ends as what it is."""
    ready = prepared(sandbox, Program(hostile["code"], b"input", language=language))
    limits = SLOW if hostile.get("bomb", False) else PATIENT
    ended = ready if isinstance(ready, Result) else sandbox.run(ready, limits)
    assert ended.status in hostile.get("status", ["finished"]), ended
    if limits is SLOW:
        assert ended.cpu < SLOW.cpu + 1
    if ended.status is Status.FINISHED:
        assert ended.stdout == b"held\n", ended
    assert b"root:" not in ended.stdout + ended.stderr
    return limits, ended


def refused(verify, hostile):
    """A query that solves nothing is rejected as what it is; the next one finds no trace of it.

    Args:
        verify: Judges queries, with little time.
        hostile: The query.
    """
    dialect = hostile.get("dialect", "sqlite")
    meta = {"schema": TABLES + COUNTER * (dialect == "duckdb"), "dialect": dialect}
    verdict = verify(Sample(hostile["code"], RIGHT_QUERY, meta=meta))
    assert verdict.outcome is Outcome.REJECT, verdict
    word = verdict.evidence["verdict"]
    assert word == hostile.get("status", word), verdict.evidence
    assert "root:" not in verdict.evidence["error"]
    assert verify(Sample(RIGHT_QUERY, RIGHT_QUERY, meta=meta)).accepted

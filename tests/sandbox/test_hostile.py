"""The hostile corpus: nobody gets out, nothing is left, every limit holds, at both levels."""

import platform
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.sandbox.seeing import below
from unflip.sandbox import (
    Limits,
    Program,
    Result,
    Status,
    prepared,
)

HOSTILE = Path(__file__).parents[2] / "fixtures" / "hostile"
TIGHT = Limits(cpu=0.2, wall=1.0, memory=256 << 20, processes=64, output=4 << 20, disk=8 << 20)
# Other languages take longer to begin.
SLOW = Limits(cpu=0.5, wall=3.0, memory=256 << 20, processes=64, output=4 << 20, disk=8 << 20)
PATIENT = Limits(cpu=5, memory=512 << 20)
HONEST = Program("print(sum(map(int, input().split())))", b"20 22")


def corpus(family):
    """The programs of a family, as parameters of a test."""
    programs = tomllib.loads((HOSTILE / f"{family}.toml").read_text())["program"]
    here = [one for one in programs if one.get("machine", platform.machine()) == platform.machine()]
    return pytest.mark.parametrize("hostile", here, ids=[one["name"] for one in here])


@pytest.fixture
def nothing_left(sandbox):
    """Afterwards the sandbox has no process, and no descriptor, that it did not have before."""
    sandbox.run(HONEST, PATIENT)
    before = {pid: below(pid) for pid in sandbox.servers}
    files = len(list(Path("/proc/self/fd").iterdir()))
    yield
    after = {pid: below(pid) for pid in sandbox.servers}
    assert {pid: after.get(pid) for pid in before} == before
    assert len(list(Path("/proc/self/fd").iterdir())) == files


@corpus("escaping")
def test_nobody_gets_out(sandbox, nothing_left, hostile):
    """What a program must not reach is not there, or refused; the next run finds no trace."""
    for _ in range(1 + hostile.get("twice", False)):
        ended = sandbox.run(Program(hostile["code"], b"input"), PATIENT)
        wanted = hostile.get("status")
        if wanted:
            assert ended.status in wanted
        else:
            assert (ended.status, ended.stdout) == (Status.FINISHED, b"held\n"), ended


@corpus("bombs")
def test_every_limit_holds(sandbox, nothing_left, hostile):
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


def foreign(family, language, tool):
    """The programs of a family in another language, as parameters of a test."""
    there = shutil.which(tool) is not None
    marks = () if there else (pytest.mark.skip(reason=f"there is no {tool} on this machine"),)
    return [
        pytest.param(language, one, id=f"{family}-{one['name']}", marks=marks)
        for one in tomllib.loads((HOSTILE / f"{family}.toml").read_text())["program"]
        if one.get("machine", platform.machine()) == platform.machine()
    ]


@pytest.mark.parametrize(
    ("language", "hostile"),
    [*foreign("native", "cpp", "g++"), *foreign("node", "javascript", "node")],
)
def test_no_language_gets_out(sandbox, nothing_left, language, hostile):
    """In every language: nothing is reached, nothing is left, each ends as what it is."""
    ready = prepared(sandbox, Program(hostile["code"], b"input", language=language))
    bomb = hostile.get("bomb", False)
    limits = SLOW if bomb else PATIENT
    ended = ready if isinstance(ready, Result) else sandbox.run(ready, limits)
    assert ended.status in hostile.get("status", ["finished"]), ended
    if bomb:
        # What a process that was waited for used, it used as well.
        assert ended.cpu < SLOW.cpu * (SLOW.processes + 5)
    if ended.status is Status.FINISHED:
        assert ended.stdout == b"held\n", ended
    assert b"root:" not in ended.stdout + ended.stderr

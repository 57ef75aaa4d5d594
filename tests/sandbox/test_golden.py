"""Honest programs print the same here as under plain Python, and leave with the same status."""

import itertools
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.sandbox.honest import Honest, programs
from unflip.sandbox import Embedded, Level, Limits, Program, SandboxUnavailable

ALL = list(programs())
FAMILIES = [name for name, _ in itertools.groupby(ALL, key=lambda one: one.family)]
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
LIMITS = Limits(cpu=10, memory=1 << 30)


def under_python(one: Honest, home: Path) -> tuple[bytes, int]:
    """What a program prints under `python3 -I`, in a directory of its own, and its exit status."""
    home.mkdir()
    (home / "main.py").write_bytes(one.code.encode("utf-8", "surrogatepass"))
    ended = subprocess.run(
        [sys.executable, "-I", "-B", "main.py"],
        input=one.stdin, capture_output=True, cwd=home, env=ENVIRONMENT, timeout=60, check=False,
    )  # fmt: skip
    return ended.stdout, ended.returncode


def under_us(one: Honest, sandbox: Embedded) -> tuple[bytes, int | None]:
    """The same here."""
    ended = sandbox.run(Program(one.code, one.stdin), LIMITS)
    return ended.stdout, ended.exit


@pytest.fixture(scope="module")
def sandbox():
    """A sandbox where programs may write files, as some of these do."""
    with Embedded(minimum=Level.NAMESPACES) as made:
        try:
            assert made.level is Level.NAMESPACES
        except SandboxUnavailable as why:
            pytest.skip(str(why))
        yield made


@pytest.mark.parametrize("family", FAMILIES)
def test_programs_print_the_same(family, sandbox, tmp_path):
    """Output to the byte, and exit status."""
    ours = [one for one in ALL if one.family == family]
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        homes = (tmp_path / str(number) for number in range(len(ours)))
        plain = list(threads.map(under_python, ours, homes))
        found = list(threads.map(lambda one: under_us(one, sandbox), ours))
    different = [
        (one.code, one.stdin, expected, got)
        for one, expected, got in zip(ours, plain, found, strict=True)
        if expected != got
    ]
    assert not different, different[:3]


def test_there_are_several_hundred():
    """The families together are many, and none is twice."""
    assert len(set(ALL)) == len(ALL) >= 300

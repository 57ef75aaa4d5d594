"""What a run costs in each language: processor time of a build, of a run, and of plain tools.

    python benchmarks/sandbox_languages.py [--quick]

Median milliseconds of processor time, ours and the bare command's turn by turn, at each level.
"""

import argparse
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import machine

from unflip.sandbox import Embedded, Level, Limits, Program, SandboxUnavailable
from unflip.sandbox.building import BUILDING

LIMITS = Limits(cpu=10)
LIGHT = "#include <iostream>\nint main() { int a, b; std::cin >> a >> b; std::cout << a + b; }"
HEAVY = LIGHT.replace("iostream", "bits/stdc++.h")
JS = "const all = require('fs').readFileSync(0, 'utf8').split(' ')\nconsole.log(+all[0] + +all[1])"
PYTHON = "print(sum(map(int, input().split())))"
SQL = (
    "import sqlite3\nbase = sqlite3.connect(':memory:')\n"
    "base.execute('CREATE TABLE t (n INTEGER)')\n"
    "base.execute('INSERT INTO t VALUES (42)')\nprint(*base.execute('SELECT n FROM t').fetchone())"
)
DUCKDB = SQL.replace("sqlite3.connect(':memory:')", "duckdb.connect()").replace("sqlite3", "duckdb")
GIVEN = b"20 22"


def bare(command, code=b""):
    """Processor time of a plain command, in milliseconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, input=code or GIVEN, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def ours(sandbox, program, limits=LIMITS):
    """Processor time of a run as the kernel counts it, in milliseconds."""
    ended = sandbox.run(program, limits)
    assert ended.exit == 0, ended
    return 1000 * ended.cpu


def built(source, folder):
    """A program as a plain compiler makes it."""
    path = str(Path(folder) / "main")
    command = ["g++", "-O2", "-std=gnu++17", "-x", "c++", "-", "-o", path]
    subprocess.run(command, input=source.encode(), check=True)
    return path


def precompiled(name):
    """Whether this machine's compiler finds the header precompiled."""
    places = Path("/usr/include").rglob(f"{name}.gch")
    return any(places)


def rows(folder, level):
    """What is measured: a name, our program, its limits, and the plain command with its input."""
    python = [sys.executable, "-I", "-c"]
    yield "Python, run", Program(PYTHON, GIVEN), LIMITS, [*python, PYTHON], b""
    yield "SQLite in Python, run", Program(SQL), LIMITS, [*python, SQL], b""
    if find_spec("duckdb") and level is Level.NAMESPACES:
        yield "DuckDB in Python, run", Program(DUCKDB), LIMITS, [*python, DUCKDB], b""
    if shutil.which("node"):
        yield "JavaScript, run", Program(JS, GIVEN, language="javascript"), LIMITS, \
            ["node", "-e", JS], b""  # fmt: skip
    if shutil.which("g++"):
        compiler = ["g++", "-O2", "-std=gnu++17", "-x", "c++", "-", "-o", f"{folder}/out"]
        for name, source in (("iostream", LIGHT), ("bits/stdc++.h", HEAVY)):
            program = Program(source, language="cpp")
            said = f"C++, build with {name}{' precompiled' * precompiled(name)}"
            yield said, program, BUILDING, compiler, source.encode()
        path = built(LIGHT, folder)
        native = Program(Path(path).read_bytes(), GIVEN, language="native")
        yield "C++, run", native, LIMITS, [path], b""


def table(level, repeats):
    """One level's figures."""
    with (
        Embedded(minimum=level, most=level, size=1) as sandbox,
        tempfile.TemporaryDirectory() as at,
    ):
        print(f"\n{level.word:38} ours  plain  ratio")
        for name, program, limits, command, code in rows(at, level):
            times = repeats if "build" not in name else max(3, repeats // 5)
            pairs = [(ours(sandbox, program, limits), bare(command, code)) for _ in range(times)]
            mine, plain = (statistics.median(one) for one in zip(*pairs, strict=True))
            print(f"{name:36} {mine:6.1f} {plain:6.1f} {mine / plain:6.2f}")


def main():
    """Measure at each level that this machine reaches."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="few repeats")
    repeats = 5 if options.parse_args().quick else 50
    print(machine.line())
    for level in (Level.NAMESPACES, Level.LANDLOCK):
        try:
            table(level, repeats)
        except SandboxUnavailable as why:
            print(f"{level.word}: {why}")


if __name__ == "__main__":
    main()

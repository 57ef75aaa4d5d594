"""A verdict takes no time into account: no clock, no signal and no thread is near the engine."""

import ast
import sys
import threading
from pathlib import Path

from unflip.types import Sample
from unflip.verifiers import math
from unflip.verifiers.math import Math

FOLDER = Path(math.__file__).parent
ASIDE = ("fallback.py", "mutations.py", "rewrites.py")
"""What asks Math-Verify within a deadline, and what draws pairs to try the engine with."""
TIMED = {"time", "signal", "threading", "multiprocessing", "asyncio", "random", "datetime"}
PAIRS = [
    (r"\boxed{\sqrt{3+2\sqrt{2}}}", r"1+\sqrt{2}"), (r"\boxed{9^{9^9}}", "9^{387420489}"),
    (r"\boxed{\sin 2x}", r"2\sin x\cos x"), (r"\boxed{x^2<4}", "(-2,2)"),
    (r"\boxed{\int_0^1 x^2 dx}", "1/3"), (r"\boxed{1 kg}", "1 mile"),
]  # fmt: skip


def imported(path):
    """The modules that a file imports, by their first names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]


def test_no_file_of_the_engine_imports_a_clock():
    """Steps are counted; nothing that depends on the machine or its load is even imported."""
    files = [path for path in FOLDER.glob("*.py") if path.name not in ASIDE]
    assert {path.name: TIMED.intersection(imported(path)) for path in files} == {
        path.name: set() for path in files
    }


def test_a_verdict_is_the_same_under_load():
    """With threads that take the interpreter away a thousand times a second, nothing changes."""
    verify = Math()
    alone = [verify(Sample(*pair)) for pair in PAIRS]
    before, stop = sys.getswitchinterval(), threading.Event()
    busy = [threading.Thread(target=lambda: all(not stop.is_set() for _ in iter(int, 1)))
            for _ in range(3)]  # fmt: skip
    sys.setswitchinterval(0.001)
    try:
        for thread in busy:
            thread.start()
        assert [verify(Sample(*pair)) for pair in PAIRS] == alone
    finally:
        stop.set()
        sys.setswitchinterval(before)
        for thread in busy:
            thread.join()

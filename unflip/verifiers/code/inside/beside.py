"""Runs pytest on a file beside the answer, in one process; itself runs in the sandbox.

The answer can do here whatever it likes to pytest, and to what this file says: the weak way, for
tests that cannot be run at a distance. This file is sent into a sandbox as it is.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

_OPTIONS = ("--noconftest", "--import-mode=importlib", "--assert=plain", "-q", "-s", "-p",
            "no:cacheprovider", "-c", os.devnull)  # fmt: skip


def installed() -> bool:
    """Whether there is a pytest to run."""
    return importlib.util.find_spec("pytest") is not None


def run(code: str, tests: str, home: str = "/tmp") -> list[Any]:  # noqa: S108 - the run's own
    """What pytest says of each test: its id, when it said so, and how that went."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    Path(home, "solution.py").write_text(code, encoding="utf-8")
    file = Path(home, "test_answer.py")
    file.write_text(tests, encoding="utf-8")
    sys.path.insert(0, home)
    # What runs this has the name that the tests import.
    sys.modules.pop("solution", None)
    kept = _Kept()
    importlib.import_module("pytest").main(
        [*_OPTIONS, "--rootdir", home, str(file)], plugins=[kept]
    )
    return kept.reports


class _Kept:
    """A plugin that keeps every report."""

    def __init__(self) -> None:
        self.reports: list[Any] = []

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Keep one."""
        name = report.nodeid.partition("::")[2]
        went = "xfail" if hasattr(report, "wasxfail") else report.outcome
        self.reports.append((name, report.when, went))

"""Verdicts that were given before, in a SQLite file that threads and processes may share."""

from __future__ import annotations

import json
import os
from typing import Self

from unflip.errors import UsageError
from unflip.sqlite import Database
from unflip.types import Fault, Sample, Verdict

_TABLE = """
CREATE TABLE IF NOT EXISTS verdicts_1 (
    key TEXT, by TEXT, verdict TEXT NOT NULL, PRIMARY KEY (key, by)
) WITHOUT ROWID
"""


class VerdictCache:
    """Verdicts by the content of the sample and by who decided.

    Only what would be decided the same way again is kept: an abstain because of the system, or
    for unknown reasons, is not, nor is what only the clock on the wall stopped, or what depends on
    the time of day. Any thread may use it, and any number of processes the same file.

    Args:
        path: The file; it is made if it does not exist.

    Raises:
        DataError: The file is no cache of this version, or cannot be written.

    Example:
        >>> from unflip.types import Outcome, Reason
        >>> four = Sample("4", "4")
        >>> with VerdictCache(":memory:") as cache:
        ...     cache.put(four, "exact@1+0", Verdict(Outcome.ACCEPT, Reason.MATCH, by="exact@1+0"))
        ...     cache.get(four, "exact@1+0"), cache.get(four, "exact@2+0")
        (Verdict(accept: match, by='exact@1+0'), None)
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._base = Database(os.fspath(path), "a cache of verdicts", _TABLE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()

    def get(self, sample: Sample, by: str) -> Verdict | None:
        """The verdict on the sample's content, or None."""
        found = self._base.execute(
            "SELECT verdict FROM verdicts_1 WHERE key = ? AND by = ?", sample.key, by
        )
        try:
            return Verdict.from_json(json.loads(found[0][0])) if found else None
        except (ValueError, UsageError):
            # Written with words that this version does not know: as good as unknown.
            return None

    def put(self, sample: Sample, by: str, verdict: Verdict) -> None:
        """Keep a verdict, unless another run may decide the sample differently."""
        if verdict.fault in (None, Fault.REFERENCE) and not _by_the_clock(verdict):
            text = json.dumps(verdict.to_json())
            self._base.execute(
                "INSERT OR REPLACE INTO verdicts_1 VALUES (?, ?, ?)", sample.key, by, text
            )


def _by_the_clock(verdict: Verdict) -> bool:
    """Whether a run was stopped for the machine's load, or what is right changes with the time."""
    return verdict.evidence.get("verdict") == "wall time" or bool(verdict.evidence.get("timed"))

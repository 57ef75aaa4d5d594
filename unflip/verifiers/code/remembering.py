"""Remembers what came of programs that were run before: bounded, for all threads of a process."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence

from unflip.types import Verdict

_MOST = 16_384


class Memory:
    """Verdicts by a key of all that they depend on; the ones used longest ago go first.

    Args:
        most: How many are kept.

    Example:
        >>> from unflip.types import Outcome, Reason
        >>> memory = Memory(most=1)
        >>> memory.put(b"a", Verdict(Outcome.ACCEPT, Reason.MATCH))
        >>> memory.put(b"b", Verdict(Outcome.REJECT, Reason.MISMATCH))
        >>> memory.get(b"a"), memory.get(b"b")
        (None, Verdict(reject: mismatch, by=''))
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._known: OrderedDict[bytes, Verdict] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._known)

    def get(self, key: bytes) -> Verdict | None:
        """The verdict that was kept, or None."""
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
            return self._known.get(key)

    def put(self, key: bytes, verdict: Verdict) -> None:
        """Keep a verdict, unless another run may come to another one."""
        if not repeatable(verdict):
            return
        with self._lock:
            self._known[key] = verdict
            self._known.move_to_end(key)
            if len(self._known) > self._most:
                self._known.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._known.clear()


def repeatable(verdict: Verdict) -> bool:
    """Whether another run of the program would come to the same verdict.

    What we failed to decide may be decided the next time, and what only the clock on the wall
    stopped may have been the machine's load.

    Example:
        >>> from unflip.types import Outcome, Reason
        >>> repeatable(Verdict(Outcome.ABSTAIN, Reason.CRASH))
        False
    """
    return verdict.decided and verdict.evidence.get("verdict") != "wall time"


def key_of(parts: Sequence[str]) -> bytes:
    """A hash of texts; none but the last may hold a zero character.

    Example:
        >>> key_of(["a", "b"]) == key_of(["ab", ""])
        False
    """
    text = "\0".join(parts)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()

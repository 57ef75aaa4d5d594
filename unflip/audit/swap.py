"""Position bias: does a judge that compares two answers say the same when they swap places?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unflip.errors import UsageError
from unflip.intervals import Proportion, wilson
from unflip.noise.pairs import Paired, paired
from unflip.types import GroupVerifier, Outcome, Sample, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionSwap:
    """What swapping two answers changes.

    Attributes:
        changed: Pairs in which an answer's outcome depends on its place, of those decided twice.
        open: Pairs with an abstain in either order.
        first: The same answer accepted in the first place (A) and in the second (B): of an unbiased
            judge, the difference is 0.
    """

    changed: Proportion
    open: Proportion
    first: Paired

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            "changed": self.changed.to_json(),
            "open": self.open.to_json(),
            "first": self.first.to_json(),
        }


def position_swap(judge: GroupVerifier, pairs: Iterable[tuple[Sample, Sample]]) -> PositionSwap:
    """Ask about each pair in both orders. No label is needed: only places change.

    Args:
        judge: It takes the two samples of a pair at once, and gives a verdict on each.
        pairs: Two completions for the same question.

    Raises:
        UsageError: The judge gave anything but two verdicts.

    Source: Wang et al. 2023, arXiv 2305.17926; Zheng et al. 2023, arXiv 2306.05685.

    Example:
        >>> from unflip.types import Reason
        >>> def first(samples):
        ...     yes, no = (Outcome.ACCEPT, Reason.MATCH), (Outcome.REJECT, Reason.MISMATCH)
        ...     return [Verdict(*yes), Verdict(*no)]
        >>> pairs = [(Sample("4", "4"), Sample("5", "4"))] * 20
        >>> print(position_swap(first, pairs).changed)
        1.000 [0.839, 1.000]
    """
    rows = [_row(judge, *pair) for pair in pairs]
    decided = [row for row in rows if row is not None]
    changed = sum(one != other for row in decided for one, other in [row])
    first_N = np.array([row[0][0] is Outcome.ACCEPT for row in decided], dtype=bool)
    second_N = np.array([row[1][0] is Outcome.ACCEPT for row in decided], dtype=bool)
    return PositionSwap(
        changed=wilson(changed, len(decided)),
        open=wilson(len(rows) - len(decided), len(rows)),
        first=paired(first_N, second_N),
    )


def _row(
    judge: GroupVerifier, one: Sample, other: Sample
) -> tuple[tuple[Outcome, Outcome], tuple[Outcome, Outcome]] | None:
    """Outcomes of both answers in either order, each named by answer and not by place."""
    ahead = _two(judge([one, other]))
    behind = _two(judge([other, one]))[::-1]
    if not all(verdict.decided for verdict in (*ahead, *behind)):
        return None
    return (ahead[0].outcome, ahead[1].outcome), (behind[0].outcome, behind[1].outcome)


def _two(said: Sequence[Verdict]) -> Sequence[Verdict]:
    if len(said) != 2:
        raise UsageError(f"a judge of pairs owes two verdicts, not {len(said)}")
    return said

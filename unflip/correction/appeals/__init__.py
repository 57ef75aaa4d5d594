"""Second looks at single rows: what they pay, where they are spent, and what rests on them."""

from unflip.correction.appeals.baselines import PaperAppeals, repair
from unflip.correction.appeals.budget import Plan, allocate, expected_looks
from unflip.correction.appeals.model import cross_fit, squared_misses, verdict_cells
from unflip.correction.appeals.robust import doubly_robust, remaining_bias

__all__ = [
    "PaperAppeals",
    "Plan",
    "allocate",
    "cross_fit",
    "doubly_robust",
    "expected_looks",
    "remaining_bias",
    "repair",
    "squared_misses",
    "verdict_cells",
]

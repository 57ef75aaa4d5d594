"""Second looks at single rows: what they pay, where they are spent, and what rests on them."""

from unflip.correction.appeals.baselines import PaperAppeals, repair
from unflip.correction.appeals.budget import Plan, allocate, spend
from unflip.correction.appeals.model import cells, cross_fit, squared_misses
from unflip.correction.appeals.robust import bias, doubly_robust

__all__ = [
    "PaperAppeals",
    "Plan",
    "allocate",
    "bias",
    "cells",
    "cross_fit",
    "doubly_robust",
    "repair",
    "spend",
    "squared_misses",
]

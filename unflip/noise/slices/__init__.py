"""Slices with rates of their own: found, compared with care, and shrunk where they are small."""

from unflip.noise.slices.columns import answer_format, answer_type, bins, columns
from unflip.noise.slices.shrinkage import Shrunk, shrink
from unflip.noise.slices.strata import Slice, find, holm, homogeneity

__all__ = [
    "Shrunk",
    "Slice",
    "answer_format",
    "answer_type",
    "bins",
    "columns",
    "find",
    "holm",
    "homogeneity",
    "shrink",
]

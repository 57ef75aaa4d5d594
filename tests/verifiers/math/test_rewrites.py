"""Rewrites that are certain: every one is accepted, every near miss is not."""

import pytest

from unflip.types import Sample
from unflip.verifiers.math import Math
from unflip.verifiers.math.rewrites import DIFFERENT, EQUAL, pairs

ALL = list(pairs(20 * (len(EQUAL) + len(DIFFERENT)), seed=11))


@pytest.mark.parametrize("name", [*EQUAL, *DIFFERENT])
def test_a_transform_is_judged_right(name):
    """Each pair of a transform is accepted if it is the same answer, and only then."""
    verify = Math()
    drawn = [pair for pair in ALL if pair.name == name]
    assert len(drawn) == 20
    for pair in drawn:
        sample = Sample(rf"\boxed{{{pair.answer}}}", pair.reference)
        assert verify(sample).accepted is pair.same, pair


def test_the_same_seed_draws_the_same_pairs():
    """Pairs are reproducible, and another seed draws others."""
    assert list(pairs(50, seed=3)) == list(pairs(50, seed=3)) != list(pairs(50, seed=4))

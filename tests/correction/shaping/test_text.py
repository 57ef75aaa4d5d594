"""The reasoning-pattern reward: what it pays for, and that it is hacked at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.correction.shaping.advantages import zscore
from unflip.correction.shaping import reasoning_patterns
from unflip.correction.shaping.text import PHRASES

SALAD = " ".join(PHRASES)
HONEST = "We know that 12 * 3 = 36, so the answer is 36."


def test_there_are_the_papers_forty_phrases():
    """The paper has n = 40."""
    assert len(set(PHRASES)) == 40


def test_the_reward_by_hand():
    """A twentieth a phrase, each once, at most 1, less 1 for each role marker."""
    paid = reasoning_patterns(["wait wait hence", SALAD, "hence user: wait", ""])
    np.testing.assert_allclose(paid, [0.1, 1.0, 0.0, 0.0])


def test_repetition_is_taken_off():
    """Of 41 words in a loop of one, 22 grams of 20 are one: 21/22 of them are repeated."""
    assert reasoning_patterns(["hence " * 41])[0] == pytest.approx(max(0.0, 0.05 - 21 / 22))
    loop = SALAD + " a" * 30
    grams = len(loop.split()) - 19
    assert reasoning_patterns([loop])[0] == pytest.approx(1 - 10 / grams)


@given(st.text())
def test_any_text_is_paid_in_0_1(text):
    """No completion raises or leaves the range."""
    assert 0 <= reasoning_patterns([text])[0] <= 1


def test_a_list_of_phrases_beats_an_honest_answer():
    """The hack, in one line: no reasoning, full pay, and the group's highest advantage."""
    paid = reasoning_patterns([HONEST, SALAD, "36", "It is 36."])
    assert zscore(paid).argmax() == 1
    assert paid[0] < 0.1 < paid[1] == 1.0

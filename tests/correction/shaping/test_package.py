"""The package as a whole: all is documented as promised, and an abstain stays one."""

import inspect

import numpy as np
import pytest

from unflip.correction import shaping

NAN = float("nan")
FUNCTIONS = [name for name in shaping.__all__ if name.islower()]
ROWS = {
    "preference_as_reward": lambda x: shaping.preference_as_reward(x, np.zeros((4, 1))),
    "log_sigmoid_sum": lambda x: shaping.log_sigmoid_sum(np.stack([x, x], axis=-1), 0.0),
    "confidence_weighted": lambda x: shaping.confidence_weighted(x, [0.1] * 4, 0.0),
    "gated_sum": lambda x: shaping.gated_sum(np.stack([x, x], axis=-1), [0.5]),
    "ensemble_mean": lambda x: shaping.ensemble_mean(np.stack([x, x], axis=-1)),
    "worst_case": lambda x: shaping.worst_case(np.stack([x, np.zeros(4)], axis=-1)),
    "uncertainty_weighted": lambda x: shaping.uncertainty_weighted(x[:, None], penalty=1.0),
    "rubric_score": lambda x: shaping.rubric_score(np.stack([x, np.ones(4)], axis=-1), [1, 0.3]),
    "flawed_positive": lambda x: shaping.flawed_positive(x, [0.0, 1.0, 0.0, 1.0]),
    "brier_reward": lambda x: shaping.brier_reward(x, [0.3] * 4),
    "clip_steps": lambda x: shaping.clip_steps(x[:, None], 0.5)[:, 0],
    "min_form": lambda x: shaping.min_form(x[:, None])[:, 0],
    "delta_steps": lambda x: shaping.delta_steps(x[:, None])[:, 0],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_says_its_source_and_its_true_effect(name):
    """Each docstring has what it takes, its source, its effect and an example."""
    text = inspect.getdoc(getattr(shaping, name))
    places = [text.find(part) for part in ("Args:", "Source: ", "Under group norm", "Example:")]
    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.parametrize("name", ROWS)
def test_an_abstain_stays_one_and_moves_no_other_row(name):
    """NaN in a row makes that row's reward NaN, and leaves the others as they were."""
    rows = np.array([1.0, 0.0, 1.0, 0.0])
    before = ROWS[name](rows)
    rows[1] = NAN
    after = ROWS[name](rows)
    np.testing.assert_array_equal(np.isnan(after), [False, True, False, False])
    np.testing.assert_array_equal(after[[0, 2, 3]], before[[0, 2, 3]])

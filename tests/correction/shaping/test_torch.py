"""Tensors in, tensors out: the same numbers, on the same device, without waiting for it."""

import numpy as np
import pytest

from unflip.correction import shaping

torch = pytest.importorskip("torch")

from tests.correction.waiting import no_waiting  # noqa: E402  (torch may be missing)

NAN = float("nan")
ACCEPTED = [[1.0, 1.0, 0.0, NAN], [1.0, 0.0, 0.0, 1.0], [1.0, 1.0, 1.0, 1.0]]
VALUES = [[0.9, 0.2, 0.6, 0.5], [0.1, 0.8, 0.3, 0.7], [0.4, 0.5, 0.6, 0.2]]
STEPS = [[0.9, -0.4, 0.6, 0.1], [0.3, 0.8, NAN, NAN], [0.7, NAN, NAN, NAN]]
CASES = [
    (shaping.clip_steps, [STEPS], {"threshold": 0.5}),
    (shaping.delta_steps, [STEPS], {}),
    (shaping.add_outcome, [STEPS, [1.0, 0.0, NAN]], {"weight": 0.1}),
    (shaping.min_form, [STEPS], {}),
    (shaping.preference_as_reward, [[0.5, 1.0, NAN], VALUES], {}),
    (shaping.high_reference, [VALUES], {}),
    (shaping.log_sigmoid_sum, [VALUES, [0.1, 0.2, 0.3, 0.4]], {}),
    (shaping.confidence_weighted, [VALUES, VALUES], {"average": 0.3}),
    (shaping.running_average, [0.5, ACCEPTED[0]], {}),
    (shaping.gated_sum, [ACCEPTED], {"thresholds": [1.0, 0.5, 0.0]}),
    (shaping.ensemble_mean, [VALUES], {}),
    (shaping.worst_case, [ACCEPTED], {}),
    (shaping.uncertainty_weighted, [VALUES], {"penalty": 0.5}),
    (shaping.rubric_score, [ACCEPTED], {"weights_C": [1.0, 0.7, 0.3, 0.9]}),
    (shaping.flawed_positive, [ACCEPTED, VALUES], {}),
    (shaping.brier_reward, [ACCEPTED, VALUES], {}),
    (shaping.win_rate, [[[0.5, 1.0, NAN], [0.2, 0.5, 1.0], [NAN, 1.0, 0.5]]], {}),
    (shaping.switched_length_penalty, [ACCEPTED, VALUES], {"strength": 0.5, "share": 0.5}),
    (shaping.resampling_weights, [ACCEPTED[0]], {}),
    (shaping.resampling_weights, [ACCEPTED[0]], {"rule": "max_min"}),
    (shaping.resampling_weights, [ACCEPTED[0]], {"rule": "max_random"}),
    (shaping.consistent_rows, [ACCEPTED, VALUES], {"keep": 2}),
]
IDS = [f"{i}-{function.__name__}" for i, (function, *_) in enumerate(CASES)]
each = pytest.mark.parametrize(("function", "arrays", "options"), CASES, ids=IDS)


@each
def test_tensors_give_the_numbers_of_arrays(function, arrays, options):
    """In float64 to 1e-12, and in float32 where half precision came in."""
    wanted = function(*map(np.array, arrays), **options)
    double = [torch.tensor(a, dtype=torch.float64) for a in arrays]
    got = function(*double, **options)
    assert isinstance(got, torch.Tensor)
    np.testing.assert_allclose(got.numpy(), wanted, atol=1e-12)
    half = function(*(t.half() for t in double), **options)
    assert half.dtype in (torch.float32, torch.bool)


@each
def test_nothing_waits_for_the_device(function, arrays, options):
    """Tensors without data suffice: nothing is looked at on the host, or copied from there."""
    tensors = [torch.tensor(a, device="meta") for a in arrays]
    with no_waiting():
        shaped = function(*tensors, **options)
    assert shaped.device.type == "meta"


def test_values_are_differentiable():
    """A gradient flows through a shaped score."""
    scores = torch.tensor([0.3, -0.2], requires_grad=True)
    shaping.preference_as_reward(scores, torch.zeros(2, 1)).sum().backward()
    assert (scores.grad > 0).all()

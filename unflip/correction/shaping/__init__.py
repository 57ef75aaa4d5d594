"""Reward shaping from the literature, each with its true effect under group normalisation.

- steps: a process reward model's scores, step by step
- scores: a reward model's scores, row by row
- combine: several scores of one row made one
- verdicts: a verdict and one thing more about its row
- groups: what needs the whole group of a prompt
- filters: which rows are trained on, and how often
- text, tools: what a completion says, what it calls

Arrays in, arrays out, numpy or torch; NaN (an abstain, a missing score) stays NaN. "Under group
normalisation" in a docstring is about subtracting a group's mean and dividing by its std: inert if
advantages stay as they were, active if not.
"""

from unflip.correction.shaping.combine import (
    RUBRIC_WEIGHTS,
    ensemble_mean,
    gated_sum,
    rubric_score,
    uncertainty_weighted,
    worst_case,
)
from unflip.correction.shaping.filters import consistent_rows, resampling_weights
from unflip.correction.shaping.groups import cross_labels, switched_length_penalty, win_rate
from unflip.correction.shaping.scores import (
    confidence_weighted,
    high_reference,
    log_sigmoid_sum,
    preference_as_reward,
    running_average,
)
from unflip.correction.shaping.steps import add_outcome, clip_steps, delta_steps, min_form
from unflip.correction.shaping.text import reasoning_patterns
from unflip.correction.shaping.tools import tool_call_reward
from unflip.correction.shaping.verdicts import brier_reward, flawed_positive

__all__ = [
    "RUBRIC_WEIGHTS",
    "add_outcome",
    "brier_reward",
    "clip_steps",
    "confidence_weighted",
    "consistent_rows",
    "cross_labels",
    "delta_steps",
    "ensemble_mean",
    "flawed_positive",
    "gated_sum",
    "high_reference",
    "log_sigmoid_sum",
    "min_form",
    "preference_as_reward",
    "reasoning_patterns",
    "resampling_weights",
    "rubric_score",
    "running_average",
    "switched_length_penalty",
    "tool_call_reward",
    "uncertainty_weighted",
    "win_rate",
    "worst_case",
]

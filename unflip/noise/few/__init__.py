"""Rates from labels on a few rows: which to buy, and what verdicts, labels and a judge then say."""

from unflip.noise.few.assisted import (
    accuracy,
    accuracy_by_judge,
    judge_corrected,
    prediction_powered,
    rogan_gladen,
)
from unflip.noise.few.bootstrap import prompt_bootstrap
from unflip.noise.few.cost import Spent, cost_curve
from unflip.noise.few.partial import begg_greenes
from unflip.noise.few.planner import (
    Guess,
    Split,
    design_effect,
    labels_for_width,
    labels_to_show,
    split_for_judge,
    split_for_width,
)
from unflip.noise.few.quota import Quota
from unflip.noise.few.sampling import Aim, Sampler
from unflip.noise.few.shares import between, known, share
from unflip.noise.few.stopping import Goal, Look, look
from unflip.noise.few.until import Until

__all__ = [
    "Aim",
    "Goal",
    "Guess",
    "Look",
    "Quota",
    "Sampler",
    "Spent",
    "Split",
    "Until",
    "accuracy",
    "accuracy_by_judge",
    "begg_greenes",
    "between",
    "cost_curve",
    "design_effect",
    "judge_corrected",
    "known",
    "labels_for_width",
    "labels_to_show",
    "look",
    "prediction_powered",
    "prompt_bootstrap",
    "rogan_gladen",
    "share",
    "split_for_judge",
    "split_for_width",
]

"""Which estimators apply to a survey, and which of them is the best."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from unflip.intervals import Proportion
from unflip.noise.few.assisted import prediction_powered
from unflip.noise.few.partial import begg_greenes
from unflip.noise.survey import Survey
from unflip.rates import NoiseRates

Estimator = Callable[..., NoiseRates]
"""What `begg_greenes` is: a survey in, and a level if one likes; rates out."""


def estimators_of(survey: Survey, assume_ppv: Proportion | None = None) -> Mapping[str, Estimator]:
    """The estimators that apply, by names for people, the best one last.

    Args:
        survey: Verdicts, and opinions if there is a judge.
        assume_ppv: What the PPV is where no accepted row is labelled.
    """
    found: dict[str, Estimator] = {"labels alone": partial(begg_greenes, assume_ppv=assume_ppv)}
    if survey.judge_N is not None:
        found["labels and judge"] = partial(prediction_powered, assume_ppv=assume_ppv)
    return found


def best_of(survey: Survey, assume_ppv: Proportion | None = None) -> Estimator:
    """The best estimator that applies; see `estimators_of`."""
    *_, best = estimators_of(survey, assume_ppv).values()
    return best

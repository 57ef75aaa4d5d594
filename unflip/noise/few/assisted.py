"""Rates with a judge on every row and gold on few: the judge saves labels, gold keeps it honest.

There are two ways, and a figure goes through only one of them. `prediction_powered` measures the
judge against gold on the very rows that the rates are for, and is right whatever the judge is like.
`judge_corrected` takes the judge's error rates, measured on rejected rows here or elsewhere, out of
the judge's own count, and is right where those error rates hold.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from statistics import NormalDist

import numpy as np

from unflip.intervals import LEVEL, Proportion
from unflip.noise.few.means import Mean, counted, judge_errors, judged, votes
from unflip.noise.few.partial import Classes, classes_by_label, everything, rates_by
from unflip.noise.few.shares import between
from unflip.noise.survey import Survey
from unflip.rates import NoiseRates


def prediction_powered(
    survey: Survey,
    *,
    level: float = LEVEL,
    tuning: float | None = None,
    assume_ppv: Proportion | None = None,
) -> NoiseRates:
    """rho0 and rho1 by Begg and Greenes, with nu and pi each by PPI++ within its verdict.

    The judge needs no assumption: a useless one gets the weight 0, and the rates are those of
    `begg_greenes`. It must have been asked about every row, and gold labels must be a random draw
    within each verdict (and cell), or have logged chances.

    Args:
        survey: As for `begg_greenes`, with `judge_N`.
        level: Two-sided coverage in (0, 1).
        tuning: The judge's weight lambda in each class; None takes the one of least variance.
        assume_ppv: What the PPV is where no accepted row was labelled; see `begg_greenes`.

    Raises:
        NotIdentifiable: No row is labelled.
        UsageError: There is no judge, or a PPV is assumed although it was measured.

    Source: Angelopoulos, Duchi and Zrnic 2023, arXiv 2311.01453, section 6; Begg and Greenes 1983.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> correct_N = rng.random(2000) < 0.5
        >>> accepted_N = correct_N & (rng.random(2000) < 0.8)         # rho1 = .2, rho0 = 0
        >>> judge_N = np.where(rng.random(2000) < 0.1, ~correct_N, correct_N)
        >>> gold_N = np.where(rng.random(2000) < 0.1, correct_N, np.nan)
        >>> survey = Survey(accepted_N=accepted_N, rejected_N=~accepted_N, correct_N=gold_N,
        ...                 judge_N=judge_N)
        >>> print(prediction_powered(survey).fn)
        0.173 [0.128, 0.220]
    """
    votes(survey)
    classes_of = partial(classes_by_label, level=level, tuning=tuning)
    return rates_by(classes_of, survey, method="ppi++", assume_ppv=assume_ppv)


def judge_corrected(
    survey: Survey,
    *,
    level: float = LEVEL,
    errors: tuple[Proportion, Proportion] | None = None,
    assume_ppv: Proportion | None = None,
) -> NoiseRates:
    """rho0 and rho1 by Begg and Greenes, with nu from the judge's votes less the judge's errors.

    nu = (f + Sp - 1) / (Se + Sp - 1), f being the share of rejected rows that the judge calls
    correct. Se and Sp are the judge's on *rejected* rows, where the easy correct answers are gone:
    measured on all rows they leave a bias. pi comes from labels on accepted rows alone.

    Args:
        survey: As for `begg_greenes`, with `judge_N`.
        level: Two-sided coverage in (0, 1).
        errors: The judge's sensitivity and specificity on rejected rows labelled elsewhere, such
            as at an earlier checkpoint; by default they are measured on the rejected rows here.
        assume_ppv: What the PPV is where no accepted row was labelled; see `begg_greenes`.

    Raises:
        NotIdentifiable: No row is labelled.
        UsageError: There is no judge, or a PPV is assumed although it was measured.

    Source: Rogan and Gladen 1978; Lee et al. 2025, arXiv 2511.21140; Begg and Greenes 1983.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> correct_N = rng.random(2000) < 0.5
        >>> accepted_N = correct_N & (rng.random(2000) < 0.8)         # rho1 = .2, rho0 = 0
        >>> judge_N = np.where(rng.random(2000) < 0.1, ~correct_N, correct_N)
        >>> gold_N = np.where(rng.random(2000) < 0.1, correct_N, np.nan)
        >>> survey = Survey(accepted_N=accepted_N, rejected_N=~accepted_N, correct_N=gold_N,
        ...                 judge_N=judge_N)
        >>> print(judge_corrected(survey).fn)
        0.209 [0.144, 0.286]
    """
    where = "measured here" if errors is None else "measured elsewhere"
    return rates_by(
        partial(_classes_by_judge, level=level, errors=errors),
        survey,
        method="rogan-gladen on rejects",
        assume_ppv=assume_ppv,
        assumptions=(f"the judge's errors on rejected rows, {where}, hold for all of them",),
    )


def _classes_by_judge(
    survey: Survey, *, level: float, errors: tuple[Proportion, Proportion] | None
) -> Classes:
    flagged = counted(survey, votes(survey), survey.rejected_N, level=level)
    if errors is None:
        sensitivity, specificity = judged(survey, survey.rejected_N, level=level)
    else:
        sensitivity, specificity = (Mean.constant(share, survey.groups) for share in errors)
    nu = _less_errors(flagged, sensitivity, specificity)
    return replace(classes_by_label(survey, level=level), rejected=nu)


def _less_errors(flagged: Mean, sensitivity: Mean, specificity: Mean) -> Mean:
    """`rogan_gladen`, with what each prompt contributed to its error."""
    nu = rogan_gladen(flagged.share, sensitivity=sensitivity.share, specificity=specificity.share)
    if not 0 < nu.point < 1:
        return Mean.constant(nu, len(flagged.influence_G))
    influence_G = (
        flagged.influence_G
        + (1 - nu.point) * specificity.influence_G
        - nu.point * sensitivity.influence_G
    )
    # Errors measured elsewhere have no prompts here: what they add to the variance is spread over
    # those that there are.
    length, wanted = float(influence_G @ influence_G), nu.point * (1 - nu.point) / nu.n_eff
    return Mean(
        share=nu,
        influence_G=influence_G * math.sqrt(wanted / length) if length else influence_G,
        apart=flagged.apart,
    )


def rogan_gladen(
    flagged: Proportion, *, sensitivity: Proportion, specificity: Proportion
) -> Proportion:
    """The share that is truly correct, from the share that an imperfect judge calls correct.

    (f + Sp - 1) / (Se + Sp - 1), with the interval of Lee et al., which counts the sampling error
    of all three shares; effective counts stand in for counts where rows are clustered.

    Args:
        flagged: Share of rows that the judge calls correct.
        sensitivity: Se, P(judge says correct | correct), from gold labels.
        specificity: Sp, P(judge says wrong | wrong), from gold labels.

    Returns:
        The share, cut to [0, 1] (the method says so where it was). Bounds [0, 1] without a point
        where a judge no better than chance, Se + Sp <= 1, or a missing label leaves no more to say.

    Source: Rogan and Gladen 1978; Lee et al. 2025, arXiv 2511.21140, with their calibration.py.

    Example:
        >>> from unflip.noise.few.shares import share
        >>> print(rogan_gladen(share(480, 1000), sensitivity=share(90, 100),
        ...                    specificity=share(80, 100)))
        0.400 [0.306, 0.484]
    """
    p, q1, q0 = flagged, sensitivity, specificity
    labels = q0.n + q1.n
    z = NormalDist().inv_cdf(0.5 + p.level / 2)
    (share, noise), (spec, noise0), (sens, noise1) = (
        _smoothed(p, z * z / 2),
        _smoothed(q0, 1),
        _smoothed(q1, 1),
    )
    # With few labels a judge may beat chance as counted, and not as smoothed; NaN fails too.
    if not (q0.point + q1.point > 1 and spec + sens > 1 and p.point >= 0):
        return between(0.0, 1.0, level=p.level)
    raw = (p.point + q0.point - 1) / (q0.point + q1.point - 1)
    centre = min(max((share + spec - 1) / (spec + sens - 1), 0.0), 1.0)
    loss0, loss1 = (1 - centre) * noise0, centre * noise1
    shift = 2 * z * z * (loss1 - loss0)
    variance = noise + (1 - centre) * loss0 + centre * loss1
    error = variance**0.5 / (spec + sens - 1)
    point = min(max(raw, 0.0), 1.0)
    return Proportion(
        point=point,
        low=max(0.0, min(centre + shift - z * error, point)),
        high=min(1.0, max(centre + shift + z * error, point)),
        level=p.level,
        method="rogan-gladen" if point == raw else "rogan-gladen, cut to [0, 1]",
        k=point * labels,
        n=labels,
        n_eff=max(centre * (1 - centre), 1e-9) / error**2 if error else 0.0,
    )


def _smoothed(figure: Proportion, half: float) -> tuple[float, float]:
    """A share with `half` a row added to hits and to misses, and its variance; none if known."""
    if figure.low == figure.high:
        return figure.point, 0.0
    rows = figure.n_eff + 2 * half
    share = (figure.point * figure.n_eff + half) / rows
    return share, share * (1 - share) / rows


def accuracy(survey: Survey, *, level: float = LEVEL, tuning: float | None = None) -> Proportion:
    """P(correct) over all rows by PPI++: the verifier's verdict and the judge both help.

    Args:
        survey: With `judge_N`; labels within each verdict are a random draw, or chances are logged.
        level: Two-sided coverage in (0, 1).
        tuning: The judge's weight within each verdict; None takes the one of least variance.

    Returns:
        The share; bounds without a point where rows of some verdict have no label at all.

    Source: as `prediction_powered`.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(1)
        >>> correct_N = rng.random(2000) < 0.7
        >>> judge_N = np.where(rng.random(2000) < 0.1, ~correct_N, correct_N)
        >>> gold_N = np.where(rng.random(2000) < 0.1, correct_N, np.nan)
        >>> survey = Survey(accepted_N=np.ones(2000), rejected_N=np.zeros(2000),
        ...                 correct_N=gold_N, judge_N=judge_N)
        >>> print(accuracy(survey), accuracy_by_judge(survey))
        0.719 [0.673, 0.762] 0.716 [0.649, 0.781]
    """
    votes(survey)
    return everything(survey, classes_by_label(survey, level=level, tuning=tuning)).share


def accuracy_by_judge(
    survey: Survey,
    *,
    level: float = LEVEL,
    errors: tuple[Proportion, Proportion] | None = None,
) -> Proportion:
    """P(correct) over all rows from the judge's votes less its errors: `rogan_gladen`.

    Args:
        survey: With `judge_N`.
        level: Two-sided coverage in (0, 1).
        errors: The judge's sensitivity and specificity from rows labelled elsewhere, which must
            hold here; by default from the labels here, and then `accuracy` is narrower.

    Returns:
        The share; bounds [0, 1] where the judge's errors are not known for rows of every verdict.

    Source: as `rogan_gladen`.
    """
    every_N = np.ones(len(survey), dtype=bool)
    flagged = counted(survey, votes(survey), every_N, level=level).share
    if errors is None and not survey.reaches_all:
        return between(0.0, 1.0, level=level)
    sensitivity, specificity = errors or judge_errors(survey, every_N, level=level)
    return rogan_gladen(flagged, sensitivity=sensitivity, specificity=specificity)

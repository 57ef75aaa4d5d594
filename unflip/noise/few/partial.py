"""Rates when people looked at some rows only: Begg and Greenes' correction with logged chances."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from unflip.errors import NotIdentifiable, UsageError
from unflip.intervals import LEVEL, Proportion
from unflip.noise.few.means import Mean, counted, mean_of
from unflip.noise.survey import Survey
from unflip.rates import NoiseRates, status_of


def begg_greenes(
    survey: Survey, *, level: float = LEVEL, assume_ppv: Proportion | None = None
) -> NoiseRates:
    """rho0 and rho1 from a survey in which people looked at some rows of either verdict.

    With m = P(accept), nu = P(correct | reject) and pi = P(correct | accept), the PPV:
    rho1 = nu (1 - m) / (nu (1 - m) + pi m) and rho0 = (1 - pi) m / ((1 - pi) m + (1 - nu)(1 - m)).

    Without a label on an accepted row nothing is known of pi: rho0 is not identified, and rho1
    depends on pi. Both then come back as bands over every PPV in [0, 1], without a point (NaN),
    unless `assume_ppv` says more.

    Args:
        survey: Verdicts on all rows, labels on some; chances, clusters, cells and strata if any.
        level: Two-sided coverage in (0, 1).
        assume_ppv: What the PPV is where no accepted row was labelled: `known(0.98)` for points,
            `between(0.9, 1)` for narrower bands.

    Returns:
        The rates, for the whole and for each stratum; `assumptions` says what they rest on.

    Raises:
        NotIdentifiable: No row is labelled.
        UsageError: A PPV is assumed although accepted rows were labelled.

    Source: Begg and Greenes 1983; Hajek 1971 for the weights.

    Example:
        >>> import numpy as np
        >>> from unflip.noise.few.shares import known
        >>> accepted_N = np.arange(1000) < 400
        >>> correct_N = np.full(1000, np.nan)
        >>> correct_N[:50] = 1                                  # 50 accepted rows, all correct
        >>> correct_N[400:500] = np.arange(100) < 20            # 100 rejected ones, 20 correct
        >>> survey = Survey(accepted_N=accepted_N, rejected_N=~accepted_N, correct_N=correct_N)
        >>> print(begg_greenes(survey).fn)
        0.231 [0.162, 0.307]
        >>> survey = survey.without_labels(accepted_N)
        >>> print(begg_greenes(survey, assume_ppv=known(0.95)).fn)
        0.240 [0.169, 0.316]
    """
    classes_of = partial(classes_by_label, level=level)
    return rates_by(classes_of, survey, method="begg-greenes", assume_ppv=assume_ppv)


@dataclass(frozen=True, slots=True, kw_only=True)
class Classes:
    """How many rows are correct among those rejected (nu), accepted (pi) and abstained on."""

    rejected: Mean
    accepted: Mean
    abstained: Mean


def classes_by_label(
    survey: Survey, *, level: float = LEVEL, tuning: float | None = 0.0
) -> Classes:
    """The three shares of correct rows, each from the labels within its class; see `mean_of`."""
    mean = partial(mean_of, survey, level=level, tuning=tuning)
    return Classes(
        rejected=mean(survey.rejected_N),
        accepted=mean(survey.accepted_N),
        abstained=mean(~survey.decided_N),
    )


def rates_by(
    classes_of: Callable[[Survey], Classes],
    survey: Survey,
    *,
    method: str,
    assume_ppv: Proportion | None = None,
    assumptions: tuple[str, ...] = (),
) -> NoiseRates:
    """A table of rates, strata included, from a way to estimate the classes.

    Raises:
        NotIdentifiable: No row is labelled.
        UsageError: A PPV is assumed although accepted rows were labelled.
    """
    if not survey.labels:
        raise NotIdentifiable(
            "no row has a gold label: label rejected rows, and some accepted ones"
        )
    if assume_ppv is not None and survey.labelled_N[survey.accepted_N].any():
        raise UsageError("accepted rows were labelled, so the PPV is measured: drop assume_ppv")

    def one(part: Survey) -> NoiseRates:
        classes = classes_of(part)
        if assume_ppv is not None:
            classes = replace(classes, accepted=classes.accepted.or_else(assume_ppv))
        return table(part, classes, method=method, assumptions=assumptions)

    strata = {name: one(part) for name, part in survey.slices().items()}
    return replace(one(survey), strata=strata)


def table(
    survey: Survey, classes: Classes, *, method: str, assumptions: tuple[str, ...] = ()
) -> NoiseRates:
    """Every rate that follows from the shares of correct rows in the three classes of verdicts.

    Args:
        survey: Whose verdicts, and how many of each kind.
        classes: Shares of correct rows; one without a point makes a band of what depends on it.
        method: Who estimated them.
        assumptions: What that rests on, beyond what every survey rests on.
    """
    nu, pi, omega = classes.rejected, classes.accepted, classes.abstained
    level = pi.share.level
    everything_N = np.ones(len(survey), dtype=bool)
    accept = counted(survey, survey.accepted_N, everything_N, level=level)
    abstain = counted(survey, ~survey.decided_N, everything_N, level=level)
    passed = counted(survey, survey.accepted_N, survey.decided_N, level=level)
    rejected = counted(survey, survey.rejected_N, ~survey.accepted_N, level=level)
    decided = pi.mixed(nu, passed)
    spurned = nu.mixed(omega, rejected)
    fp = pi.flipped.inverted(nu.flipped, passed)
    fn = nu.inverted(pi, passed.flipped)
    correlation = fp.correlation(fn)
    return NoiseRates(
        fp=fp.share,
        fn=fn.share,
        fp_all=pi.flipped.inverted(spurned.flipped, accept).share,
        fn_all=spurned.inverted(pi, accept.flipped).share,
        abstain_wrong=omega.flipped.inverted(decided.flipped, abstain).share,
        abstain_correct=omega.inverted(decided, abstain).share,
        abstain=abstain.share,
        accept=accept.share,
        ppv=pi.share,
        false_omission=nu.share,
        by=survey.by,
        status=status_of(fp.share, fn.share, correlation=correlation),
        method=method,
        assumptions=(*_assumed(survey, classes), *assumptions),
        correlation=correlation,
    )


def everything(survey: Survey, classes: Classes) -> Mean:
    """The share of correct rows over all verdicts."""
    level = classes.accepted.share.level
    passed = counted(survey, survey.accepted_N, survey.decided_N, level=level)
    settled = counted(survey, survey.decided_N, np.ones(len(survey), dtype=bool), level=level)
    return classes.accepted.mixed(classes.rejected, passed).mixed(classes.abstained, settled)


def _assumed(survey: Survey, classes: Classes) -> tuple[str, ...]:
    ppv, omission = classes.accepted.share, classes.rejected.share
    said = ["the gold labels are right"]
    if survey.probability_N is not None:
        said.append("rows were chosen for labelling with the logged probabilities")
    else:
        within = "verdict" if survey.cell_N is None else "verdict and cell"
        said.append(f"rows of one {within} had equal chances of being labelled")
    if survey.cluster_N is not None:
        said.append("prompts are independent of each other; rows of one prompt need not be")
    if pooled := classes.rejected.pooled + classes.accepted.pooled:
        said.append(f"cells with labels on fewer than two prompts are taken together: {pooled}")
    if not survey.accepted_N.any():
        said.append("no row was accepted")
    elif math.isnan(ppv.point):
        said.append(
            f"no accepted row was labelled: bands over any PPV in [{ppv.low:g}, {ppv.high:g}]"
        )
    elif ppv.method == "assumed":
        said.append(f"no accepted row was labelled: the PPV is taken to be {ppv.point:g}")
    if survey.rejected_N.any() and math.isnan(omission.point):
        said.append("no rejected row was labelled: bands over any share of correct ones")
    return tuple(said)

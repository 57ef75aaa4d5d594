"""Plans: enough labels and not one more, and splits that reach the width they promise."""

import numpy as np
import pytest

from tests.noise.surveys import labelled, population
from unflip.errors import UsageError
from unflip.intervals import clopper_pearson
from unflip.noise.few.partial import begg_greenes
from unflip.noise.few.planner import (
    Guess,
    design_effect,
    labels_for_width,
    labels_to_show,
    split_for_judge,
    split_for_width,
)
from unflip.noise.few.shares import share


@pytest.mark.parametrize(
    ("rate", "half", "wald"),
    [(0.1, 0.03, 385), (0.1, 0.05, 139), (0.2, 0.05, 246), (0.02, 0.01, 753)],
)
def test_labels_for_a_width_are_enough_and_not_too_many(rate, half, wald):
    """The interval at the planned n has the width, one label less has not; Wald is near."""
    n = labels_for_width(rate, half)
    assert share(rate * n, n).width <= 2 * half < share(rate * (n - 1), n - 1).width
    assert n == pytest.approx(wald, rel=0.06)


@pytest.mark.parametrize(("limit", "errors"), [(0.01, 0), (0.01, 3), (0.05, 2), (0.001, 0)])
def test_labels_to_show_a_limit_are_the_least_that_do(limit, errors):
    """The exact one-sided bound passes at the planned n, and not one label before."""
    n = labels_to_show(limit, errors=errors)
    assert clopper_pearson(errors, n, 0.9).high <= limit < clopper_pearson(errors, n - 1, 0.9).high


def test_clusters_cost_what_the_design_effect_says():
    """Eight completions of a prompt at ICC .53 make 299 labels 1,408."""
    effect = design_effect(8, 0.53)
    assert labels_to_show(0.01, design_effect=effect) == np.ceil(299 * effect)
    assert design_effect(1, 0.9) == 1


@pytest.mark.parametrize("guess", [(0.05, 0.2), (0.2, 0.05)])
def test_a_split_reaches_the_widths_it_was_made_for(guess):
    """Surveys drawn as guessed and labelled as planned come out as narrow as wanted."""
    fp, fn = guess
    expected = Guess(accept=0.5 * fp + 0.5 * (1 - fn), fp=fp, fn=fn)
    plan = split_for_width(expected, fp_half_width=0.04, fn_half_width=0.05)
    rng, widths = np.random.default_rng(0), []
    for _ in range(40):
        truth_N, pool = population(rng, fp=fp, fn=fn, rows=6000)
        gold = labelled(rng, truth_N, pool, rejected=plan.rejected, accepted=plan.accepted)
        rates = begg_greenes(gold)
        widths.append((rates.fp.width, rates.fn.width))
    fp_width, fn_width = np.mean(widths, axis=0)
    assert fp_width < 0.088
    assert fn_width < 0.105
    assert max(fp_width / 0.08, fn_width / 0.1) > 0.9


def test_a_judge_saves_labels():
    """The better the judge, the fewer labels; a useless one saves none."""
    sizes = [
        split_for_width(Guess(accept=0.4, fp=0.05, fn=0.2, judge=r), fn_half_width=0.03).labels
        for r in (0.0, 0.5, 0.9)
    ]
    assert sizes[0] > sizes[1] > sizes[2]
    assert sizes[2] == pytest.approx(sizes[0] * (1 - 0.81), rel=0.02)


def test_a_guess_knows_what_follows_from_it():
    """Base rate, PPV and false-omission rate of a guess reproduce its rates by Bayes' rule."""
    guess = Guess(accept=0.4, fp=0.1, fn=0.3)
    missed = guess.false_omission * (1 - guess.accept)
    assert missed / (missed + guess.ppv * guess.accept) == pytest.approx(0.3)
    false = (1 - guess.ppv) * guess.accept
    assert false / (1 - guess.correct) == pytest.approx(0.1)


def test_the_judges_labels_go_where_its_errors_are():
    """Equal errors split by the flagged share; a worse specificity draws labels to wrong rows."""
    assert split_for_judge(100, flagged=0.5, sensitivity=0.9, specificity=0.9) == (50, 50)
    correct, wrong = split_for_judge(100, flagged=0.5, sensitivity=0.9, specificity=0.6)
    assert correct < wrong
    assert correct + wrong == 100


@pytest.mark.parametrize(
    ("plan", "options"),
    [
        (labels_for_width, {"rate": 0, "half_width": 0.1}),
        (labels_for_width, {"rate": 0.1, "half_width": 0.6}),
        (Guess, {"accept": 0.9, "fp": 0.1, "fn": 0.2}),
        (split_for_width, {"guess": Guess(accept=0.4, fp=0.05, fn=0.2)}),
        (split_for_judge, {"labels": 10, "flagged": 0.5, "sensitivity": 1, "specificity": 0.5}),
    ],
)
def test_a_plan_without_meaning_is_refused(plan, options):
    """Rates outside (0, 1), accept shares that no truth gives, and plans for nothing."""
    with pytest.raises(UsageError):
        plan(**options)


@pytest.mark.parametrize(
    "plan",
    [
        lambda: labels_to_show(0),
        lambda: labels_to_show(0.01, confidence=0.3),
        lambda: split_for_width(Guess(accept=0.5, fp=0, fn=0.1), fp_half_width=0),
        lambda: Guess(accept=0.5, fp=-0.1, fn=0.1),
    ],
    ids=["limit", "confidence", "half width", "guess"],
)
def test_a_figure_out_of_range_is_refused(plan):
    """Limits, confidences, widths and guesses that cannot be are mistakes."""
    with pytest.raises(UsageError):
        plan()

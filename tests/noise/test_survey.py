"""Survey: columns that fit together or are refused, and what samples and verdicts make of it."""

import numpy as np
import pytest

from unflip.errors import UsageError
from unflip.noise.survey import Survey
from unflip.types import Outcome, Reason, Sample, Verdict

NAN = float("nan")
ACCEPT = Verdict(Outcome.ACCEPT, Reason.MATCH, by="ours@1+ab")
REJECT = Verdict(Outcome.REJECT, Reason.MISMATCH, by="ours@1+ab")
ABSTAIN = Verdict(Outcome.ABSTAIN, Reason.TIMEOUT, by="ours@1+ab")


def small(**changes):
    """Four rows, two of them labelled."""
    columns = {
        "accepted_N": [1, 1, 0, 0],
        "rejected_N": [0, 0, 1, 0],
        "correct_N": [1, NAN, 0, NAN],
    }
    return Survey(**columns | changes)


@pytest.mark.parametrize(
    "change",
    [
        {"rejected_N": [1, 0, 1, 0]},
        {"correct_N": [1, NAN, 2, NAN]},
        {"correct_N": [1, NAN, 0]},
        {"judge_N": [0.5, 1.5, 0, 0]},
        {"probability_N": [NAN, 0.5, 0.5, 0.5]},
        {"probability_N": [0, 0.5, 0.5, 0.5]},
        {"cluster_N": [1, 2, 3]},
    ],
)
def test_columns_that_do_not_fit_are_refused(change):
    """Contradictory verdicts, odd labels, ragged columns and unlogged chances are mistakes."""
    with pytest.raises(UsageError):
        small(**change)


def test_a_row_that_nobody_looked_at_needs_no_chance():
    """Chances are asked of labelled rows only."""
    assert small(probability_N=[0.5, NAN, 0.25, NAN]).labels == 2


def test_samples_and_verdicts_make_a_survey():
    """Outcomes, truths, strata and shared prompts come over; promptless rows stand alone."""
    samples = [
        Sample("4", "4", prompt="2 + 2", correct=True, stratum="int"),
        Sample("5", "4", prompt="2 + 2", correct=False),
        Sample("x", "y"),
        Sample("x", "y"),
    ]
    survey = Survey.of(samples, [ACCEPT, REJECT, ABSTAIN, REJECT])
    assert survey.accepted_N.tolist() == [True, False, False, False]
    assert survey.decided_N.tolist() == [True, True, False, True]
    assert survey.labels == 2
    assert survey.cluster_N[0] == survey.cluster_N[1]
    assert len(set(survey.cluster_N)) == 3
    assert set(survey.slices()) == {"int", "(none)"}
    assert survey.by == "ours@1+ab"


def test_a_judge_is_heard_by_its_probability_or_its_vote():
    """P where there is one, else the vote; an abstain says nothing."""
    judge = [
        Verdict(Outcome.REJECT, Reason.MISMATCH, p=0.3),
        Verdict(Outcome.ACCEPT, Reason.MATCH),
        Verdict(Outcome.ABSTAIN, Reason.UNDECIDED),
    ]
    survey = Survey.of([Sample("1")] * 3, [ACCEPT] * 3, judge=judge)
    np.testing.assert_array_equal(survey.judge_N, [0.3, 1, NAN])


def test_two_verifiers_make_no_survey():
    """Rates are one verifier's."""
    other = Verdict(Outcome.ACCEPT, Reason.MATCH, by="theirs@1+cd")
    with pytest.raises(UsageError, match="one verifier"):
        Survey.of([Sample("1")] * 2, [ACCEPT, other])
    with pytest.raises(UsageError, match="same order"):
        Survey.of([Sample("1")] * 2, [ACCEPT])


def test_chances_not_logged_are_read_off_the_labels():
    """Within a verdict (and cell) every row had the share of labelled ones as its chance."""
    survey = Survey(
        accepted_N=[1, 1, 0, 0, 0, 0],
        rejected_N=[0, 0, 1, 1, 1, 1],
        correct_N=[1, NAN, 0, NAN, NAN, NAN],
    )
    assert survey.chance_N.tolist() == [0.5, 0.5, 0.25, 0.25, 0.25, 0.25]


@pytest.mark.parametrize("column", [[1, NAN, 0, 0], [1, -1, 0, 0], [0.7, 0, 0, 0]])
def test_a_verdict_is_yes_or_no(column):
    """NaN, -1 and scores are truthy, and no verdicts."""
    with pytest.raises(UsageError, match="accepted_N"):
        small(accepted_N=column, rejected_N=[0, 0, 0, 0])


@pytest.mark.parametrize("names", [[10, 2, 2, 10], ["b", "a", "a", "b"], [None, "a", "a", None]])
def test_strata_of_any_type_hold_their_rows(names):
    """Each row is in the slice of its name as text, and slices have no slices."""
    slices = small(stratum_N=np.array(names, dtype=object), judge_N=[0.1, 0.2, 0.3, 0.4]).slices()
    assert list(slices) == sorted({str(name) for name in names})
    for name, part in slices.items():
        expected = [0.1 * (row + 1) for row in range(4) if str(names[row]) == name]
        assert part.judge_N.tolist() == pytest.approx(expected)
        assert part.slices() == {}


def test_slices_number_their_prompts_anew():
    """A slice of few prompts does not carry the numbers of all."""
    part = small(stratum_N=list("aabb"), cluster_N=[5, 5, 900, 7]).slices()["b"]
    assert part.groups == 2
    assert part.cluster_N.tolist() == [1, 0]

"""Recorded verdicts: what a column says is what the verdict is, and nothing else passes."""

import pickle

import pytest

from unflip.errors import NoVerdict, UsageError
from unflip.plugins import load
from unflip.run import verify_all
from unflip.types import Outcome, Sample
from unflip.verifiers.recorded import Recorded


def row(value):
    """A sample whose column `judge` holds a value."""
    return Sample("4", "4", meta={"judge": value})


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        *((yes, Outcome.ACCEPT) for yes in (1, True, "yes", " TRUE ", "Accept", "1 ", 0.5, ".7")),
        *((no, Outcome.REJECT) for no in (0, False, "no", "incorrect", "reject", 0.49, "0.2")),
        *((open_, Outcome.ABSTAIN) for open_ in (None, "abstain", "", float("nan"), "NaN")),
    ],
)  # fmt: skip
def test_a_value_means_what_it_says(value, outcome):
    """Truth values, words and probabilities are verdicts; null and NaN are none."""
    assert Recorded("judge")(row(value)).outcome is outcome


@pytest.mark.parametrize("value", ["maybe", [1], {"a": 1}, 7, -1, 10**400, "inf"])
def test_what_is_no_verdict_is_never_taken_for_one(value):
    """Another word, a structure or a score without a bound stops a run, and says what it is."""
    with pytest.raises(NoVerdict, match="column 'judge' holds"):
        list(verify_all(Recorded("judge"), [row(value)]))


def test_a_missing_column_is_an_abstain():
    """A row on which nobody recorded anything is left open."""
    assert Recorded("other")(row(1)).outcome is Outcome.ABSTAIN


def test_probabilities_are_kept_and_scores_have_a_bound():
    """P(correct) stays with the verdict; a score accepts from where its owner says."""
    assert Recorded("judge")(row(0.7)).p == 0.7
    assert Recorded("judge", accept_at=8)(row(9)).score == 9
    assert Recorded("judge", accept_at=8)(row(7)).outcome is Outcome.REJECT
    assert Recorded("judge", accept_at=0.9)(row(0.7)).outcome is Outcome.REJECT


def test_a_column_is_named_like_any_verifier():
    """`column:NAME` loads it, nested names too; it is picklable, and known by its column."""
    judge = load("column:judges.big-model", accept_at=0.9)
    assert judge == pickle.loads(pickle.dumps(judge)) == Recorded("judges.big-model", 0.9)
    assert judge.by.startswith("column:judges.big-model@1+")
    assert judge.by != load("column:judges.big-model").by
    with pytest.raises(UsageError, match="column:NAME"):
        load("column:")

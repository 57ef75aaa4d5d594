"""Criteria are added up in the open, and what is not known is not guessed."""

import math
import pickle

import pytest

from unflip.errors import UsageError
from unflip.judges import Criterion, Judge, Rubric, Silence, Unanswered, template
from unflip.judges.backends import Scripted
from unflip.types import Fault, Outcome, Reason, Sample, Trust

OSLO = Sample("Oslo", prompt="Capital of Norway?")


def rubric(*criteria, accept_at=1.0, **said):
    """A rubric whose judge says of each criterion what `said` has for its first word."""

    def script(request):
        text = request.turns[-1].text
        return next(reply for word, reply in said.items() if f"\n{word} " in text)

    return Rubric(Judge(template("rubric"), Scripted(script)), criteria, accept_at)


def test_the_score_is_the_weighted_share():
    """The weights of the criteria that are met, over the positive weights."""
    criteria = (
        Criterion("city named", 1.0),
        Criterion("brief it is", 0.7),
        Criterion("kind it is", 0.3),
    )
    one = rubric(*criteria, accept_at=0.5, city="YES", brief="NO", kind="YES")
    verdict = one(OSLO)
    assert (verdict.outcome, verdict.score) == (Outcome.ACCEPT, pytest.approx(1.3 / 2.0))
    assert [row["outcome"] for row in verdict.evidence["criteria"]] == [
        "accept",
        "reject",
        "accept",
    ]
    assert verdict.trust is Trust.MODEL


def test_requests_are_those_that_are_asked():
    """What a rubric will ask is known before: each criterion about each response."""
    one = rubric(Criterion("city named"), Criterion("brief it is"), city="YES", brief="YES")
    asked = list(one.requests([OSLO, OSLO]))
    assert len(asked) == 4
    assert asked[0] != asked[1]
    assert list(Rubric(one.judge).requests([OSLO])) == []


def test_a_negative_weight_takes_off():
    """What a response should not do lowers the score, and is no part of the whole."""
    criteria = (Criterion("city named", 1.0), Criterion("rude it is", -0.5))
    assert rubric(*criteria, city="YES", rude="YES")(OSLO).score == 0.5
    assert rubric(*criteria, city="YES", rude="NO")(OSLO).score == 1.0


@pytest.mark.parametrize(
    ("accept_at", "outcome"),
    [(0.5, Outcome.ACCEPT), (0.8, Outcome.ABSTAIN), (1.0, Outcome.ABSTAIN)],
)
def test_an_unknown_criterion_abstains_only_where_it_matters(accept_at, outcome):
    """Where the open criterion cannot tip the scales the verdict stands, without a score."""
    criteria = (Criterion("city named", 0.7), Criterion("brief it is", 0.3))
    out = Unanswered(Silence.TIMEOUT)
    verdict = rubric(*criteria, accept_at=accept_at, city="YES", brief=out)(OSLO)
    assert (verdict.outcome, verdict.score) == (outcome, None)
    assert verdict.evidence["criteria"][1]["reason"] == "timeout"


def test_a_hopeless_response_is_rejected_all_the_same():
    """If even the open criterion could not save it, it is rejected."""
    criteria = (Criterion("city named", 0.7), Criterion("brief it is", 0.3))
    verdict = rubric(*criteria, city="NO", brief=Unanswered(Silence.TIMEOUT))(OSLO)
    assert verdict.reason is Reason.MISMATCH


def test_criteria_come_with_the_row():
    """Each row may have its own, by weight or by the levels of Rubrics as Rewards."""
    one = rubric(city="YES", brief="NO", accept_at=0.5)
    rows = [
        {"text": "city named", "level": "Essential"},
        {"text": "brief it is", "level": "optional"},
    ]
    verdict = one(Sample("Oslo", prompt="?", meta={"rubric": rows}))
    assert verdict.score == pytest.approx(1 / 1.3)
    assert one(Sample("Oslo", prompt="?", meta={"rubric": ["city named"]})).score == 1.0


@pytest.mark.parametrize(
    "rows",
    [
        None,
        [],
        "brief",
        [{"weight": 1}],
        [{"text": "x", "level": "?"}],
        [{"text": "x", "weight": 0}],
    ],
)
def test_a_row_without_criteria_abstains(rows):
    """What cannot be read as criteria is the row's fault, not the completion's."""
    verdict = rubric(city="YES")(Sample("Oslo", prompt="?", meta={"rubric": rows}))
    assert (verdict.outcome, verdict.reason) == (Outcome.ABSTAIN, Reason.NO_REFERENCE)


def test_a_response_without_content_is_not_asked_about():
    """A guard rejects once, whatever the criteria."""
    verdict = rubric(Criterion("city named"))(Sample(" ", prompt="?"))
    assert (verdict.reason, verdict.evidence["guard"]) == (Reason.GUARDED, "empty")


def test_all_criteria_of_all_samples_are_asked_together():
    """A batch is one call, and the verdicts are as from single calls."""
    one = rubric(Criterion("city named"), Criterion("brief it is"), city="YES", brief="NO")
    samples = [OSLO, Sample(" ", prompt="?"), Sample("Bergen", prompt="?")]
    assert one.verify_batch(samples) == [one(sample) for sample in samples]


def test_what_is_no_rubric_is_refused():
    """It takes a template with a criterion, and something to gain."""
    with pytest.raises(UsageError, match="criterion"):
        Rubric(Judge(template("yes-no"), Scripted("YES")))
    with pytest.raises(UsageError, match="above 0"):
        rubric(Criterion("x", -1.0))
    with pytest.raises(UsageError, match="finite"):
        rubric(Criterion("x"), Criterion("y", math.nan))


@pytest.mark.parametrize("accept_at", [0.0, -1.0, 1.5, math.nan])
def test_no_least_score_accepts_everything(accept_at):
    """From 0 on an outage would be accepted: its score is 0 at least."""
    with pytest.raises(UsageError, match="accept_at"):
        Rubric(Judge(template("rubric"), Scripted("NO")), (Criterion("x"),), accept_at)


@pytest.mark.parametrize("weight", [math.nan, math.inf, -math.inf])
def test_weights_of_a_row_that_are_no_numbers_abstain(weight):
    """What a row asks for cannot be added up."""
    rows = [{"text": "x", "weight": weight}, {"text": "y", "weight": 1}]
    verdict = Rubric(Judge(template("rubric"), Scripted("YES")))(
        Sample("Oslo", prompt="?", meta={"rubric": rows})
    )
    assert verdict.reason is Reason.NO_REFERENCE


def test_a_rubric_travels():
    """It pickles, and other criteria are another rubric."""
    judge = Judge(template("rubric"), Scripted("YES"))
    one = Rubric(judge, (Criterion("city named"),))
    assert pickle.loads(pickle.dumps(one)).by == one.by
    assert Rubric(judge, (Criterion("city named", 0.5),)).by != one.by
    assert one.unguarded()(Sample(" ", prompt="?")).accepted


@pytest.mark.parametrize(
    ("said", "fault"),
    [(Unanswered(Silence.TIMEOUT), Fault.SYSTEM), ("perhaps", Fault.UNKNOWN)],
)
def test_an_open_rubric_says_whether_asking_again_may_help(said, fault):
    """It may where a criterion's answer was lost, and not where it cannot be read."""
    one = rubric(Criterion("city named"), Criterion("brief it is"), city="YES", brief=said)
    assert one(OSLO).fault is fault

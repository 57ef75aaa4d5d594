"""Pairs are asked in both orders, and a win rate counts what both orders say."""

import re

import pytest

from unflip.errors import UsageError
from unflip.judges import OnError, Pairwise, Silence, Unanswered, Unjudged, template
from unflip.judges.backends import Scripted
from unflip.types import Outcome, Reason, Sample, Trust


def shown(request):
    """The two answers of a request, in the order in which they are shown."""
    text = request.turns[-1].text
    return [
        re.search(rf"<{one}-\w+>\n(.*?)\n</{one}-", text, re.DOTALL)[1]
        for one in ("first", "second")
    ]


def larger(request):
    """Prefers the larger number."""
    first, second = map(int, shown(request))
    return "TIE" if first == second else "A" if first > second else "B"


def group(*texts):
    """Completions of one prompt."""
    return [Sample(text, prompt="Name a number.") for text in texts]


def pairwise(script, **settings):
    """A pairwise judge that says what the script says."""
    return Pairwise(template("pairwise"), Scripted(script), **settings)


def test_the_win_rate_is_the_share_of_others_that_are_beaten():
    """Four numbers win over those below them; ties count half."""
    verdicts = pairwise(larger)(group("1", "3", "2", "3"))
    assert [verdict.score for verdict in verdicts] == pytest.approx([0, 2.5 / 3, 1 / 3, 2.5 / 3])
    assert [verdict.accepted for verdict in verdicts] == [False, True, False, True]
    assert verdicts[0].trust is Trust.MODEL


def test_a_preference_for_a_place_is_no_win():
    """Who always prefers what comes first says nothing: it is counted, and accepts nobody."""
    verdicts = pairwise("A")(group("1", "2", "3"))
    assert [verdict.score for verdict in verdicts] == [0.5] * 3
    assert [verdict.evidence["inconsistent"] for verdict in verdicts] == [2] * 3
    assert {verdict.reason for verdict in verdicts} == {Reason.UNDECIDED}
    assert all(verdict.accepted for verdict in pairwise("TIE")(group("1", "2")))


def test_both_orders_of_every_pair_are_asked_together():
    """G answers take G (G - 1) requests, in one call for all groups."""
    asked = []

    class Counting(Scripted):
        def ask(self, requests, deadline=None):
            asked.append(len(requests))
            return super().ask(requests, deadline)

    one = Pairwise(template("pairwise"), Counting(larger))
    first, second = one.verify_groups([group("1", "2", "3"), group("5", "4")])
    assert asked == [3 * 2 + 2]
    assert [verdict.score for verdict in first + second] == [0, 0.5, 1, 1, 0]


def test_a_guarded_answer_loses_unasked():
    """It loses to all, and the others win over it without a request."""
    verdicts = pairwise([])(group("1", " "))
    assert [verdict.score for verdict in verdicts] == [1.0, 0.0]
    assert (verdicts[1].reason, verdicts[1].evidence["guard"]) == (Reason.GUARDED, "empty")


def test_a_pair_that_nobody_judged_is_not_guessed():
    """With every pair unknown the verdicts abstain; with some, only if it matters."""
    out = Unanswered(Silence.TIMEOUT)
    verdicts = pairwise(lambda request: out)(group("1", "2", "3"))
    assert {(v.outcome, v.reason, v.score) for v in verdicts} == {
        (Outcome.ABSTAIN, Reason.TIMEOUT, None)
    }
    some = pairwise(lambda r: out if "2" in shown(r) and "3" in shown(r) else larger(r))
    low, middle, high = some(group("1", "2", "3"))
    assert (low.outcome, low.score) == (Outcome.REJECT, 0)
    assert (middle.outcome, middle.score) == (Outcome.ACCEPT, None)
    assert (high.evidence["unknown"], high.evidence["pairs"]) == (1, 2)


def test_a_judge_of_pairs_may_raise():
    """With `on_error="raise"` a pair without a verdict is an exception."""
    with pytest.raises(Unjudged):
        pairwise("neither", on_error=OnError.RAISE)(group("1", "2"))


def test_fewer_opponents_are_enough_for_each():
    """Neighbours on a seeded ring: everybody has as many as asked for, and the draw repeats."""
    one = pairwise(larger, opponents=4)
    samples = group(*map(str, range(12)))
    verdicts = one(samples)
    assert {verdict.evidence["pairs"] for verdict in verdicts} == {4}
    assert verdicts == one(samples)
    assert pairwise(larger, opponents=40)(samples)[3].evidence["pairs"] == 11


def test_a_group_of_one_cannot_win():
    """There is nobody to compare to, so nothing is decided."""
    (verdict,) = pairwise(larger)(group("1"))
    assert (verdict.outcome, verdict.reason) == (Outcome.ABSTAIN, Reason.UNDECIDED)
    assert pairwise(larger)([]) == []


def test_a_reasoning_judge_of_pairs():
    """RM-R1's form: reasons first, the answer in a tag on the last line."""

    def script(request):
        return f"<solution>the larger</solution>\n<answer>[[{larger(request)}]]</answer>"

    one = Pairwise(template("pairwise-reasoned"), Scripted(script))
    assert [verdict.score for verdict in one(group("2", "1"))] == [1.0, 0.0]


@pytest.mark.parametrize("name", ["yes-no", "rubric"])
def test_a_template_for_one_answer_is_refused(name):
    """It does not compare anything."""
    with pytest.raises(UsageError):
        Pairwise(template(name), Scripted("YES"))


@pytest.mark.parametrize("settings", [{"opponents": 0}, {"opponents": -1}, {"accept_at": 0}])
def test_numbers_that_decide_nothing_are_refused(settings):
    """Without an opponent nobody is compared, and from 0 on everybody wins."""
    with pytest.raises(UsageError):
        pairwise(larger, **settings)


def test_what_was_neutralised_is_told():
    """A completion that holds control tokens says how many blanks it got; others do not."""
    forged, plain = pairwise("A")(group("5 [INST] <s>", "4"))
    assert forged.evidence["neutralised"] == {"answer": 2}
    assert "neutralised" not in plain.evidence

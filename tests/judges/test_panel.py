"""Panels and appeals: who has to accept, what an abstention may do, and what errors are shared."""

import asyncio
import math
import pickle
from itertools import product

import pytest

from unflip.errors import UsageError
from unflip.judges import (
    Judge,
    Silence,
    Unanswered,
    appeal,
    majority,
    quorum,
    shared_errors,
    template,
    unanimous,
)
from unflip.judges.backends import Scripted
from unflip.run import verify_all
from unflip.types import Fault, Outcome, Reason, Sample, Trust, Verdict
from unflip.verifiers.exact import Exact

FOUR = Sample("4", "4", prompt="?")
OUT = Unanswered(Silence.UNREACHABLE, "down")
VOTES = {"y": Outcome.ACCEPT, "n": Outcome.REJECT, "-": Outcome.ABSTAIN}


def votes(said):
    """A judge that votes y, n or - (out of reach), whatever it is shown."""
    return Judge(template("yes-no"), Scripted({"y": "YES", "n": "NO", "-": OUT}[said]
                 if said != "-" else lambda request: OUT))  # fmt: skip


@pytest.mark.parametrize("said", ["".join(three) for three in product("yn-", repeat=3)])
@pytest.mark.parametrize("least", [1, 2, 3])
def test_a_panel_decides_only_what_no_abstention_can_change(said, least):
    """It accepts or rejects exactly where every way to fill in the abstentions would."""
    outcome = quorum(least, *map(votes, said))(FOUR).outcome
    filled = {
        whole.count("y") >= least
        for whole in ("".join(w) for w in product(*("yn" if v == "-" else v for v in said)))
    }
    expected = {True: Outcome.ACCEPT, False: Outcome.REJECT}
    assert outcome is (expected[filled.pop()] if len(filled) == 1 else Outcome.ABSTAIN)


def test_majority_and_unanimity_are_quorums():
    """More than half, and all."""
    four = [votes("y"), votes("y"), votes("n"), votes("n")]
    assert not majority(*four)(FOUR).accepted
    assert majority(*four[:3])(FOUR).accepted
    assert not unanimous(*four[:3])(FOUR).accepted


def test_a_panel_tells_its_votes():
    """Who voted how, and why, is evidence; the weakest of them stands behind the verdict."""
    verdict = majority(Exact(), votes("n"), votes("-"))(FOUR)
    assert [vote["outcome"] for vote in verdict.evidence["votes"]] == [
        "accept",
        "reject",
        "abstain",
    ]
    assert verdict.evidence["votes"][2]["reason"] == "unreachable"
    assert verdict.trust is Trust.MODEL
    assert verdict.reason is Reason.UNDECIDED


def test_a_quorum_that_nobody_reaches_is_refused():
    """Four of three can never accept."""
    with pytest.raises(UsageError, match="never accept"):
        quorum(4, Exact(), Exact(), Exact())


def test_an_appeal_is_heard_only_where_the_rule_did_not_accept():
    """The judge is asked about rejects and abstentions, together, and its verdict counts."""
    seen = []

    def script(request):
        seen.append(request.turns[-1].text)
        return "True"

    hybrid = appeal(Exact(), Judge(template("tinyv"), Scripted(script)))
    samples = [Sample(text, "4", prompt=f"q{text}") for text in ("4", "5", "4", "6")]
    verdicts = hybrid.verify_batch(samples)
    assert [verdict.accepted for verdict in verdicts] == [True] * 4
    assert [text.count("q5") + text.count("q6") for text in seen] == [1, 1]
    assert verdicts[0].trust is Trust.RULE
    assert verdicts[1].evidence["rule"] == "mismatch"
    assert {verdict.by for verdict in verdicts} == {hybrid.by}


def test_an_outage_of_the_judge_is_no_verdict_of_the_rule():
    """Where the judge abstains, so does the appeal; unless the reject is told to stand."""
    wrong = Sample("5", "4", prompt="?")
    assert appeal(Exact(), votes("-"))(wrong).reason is Reason.UNREACHABLE
    stands = appeal(Exact(), votes("-"), stands=True)
    assert stands(wrong).reason is Reason.MISMATCH
    assert stands(Sample("5", prompt="?")).outcome is Outcome.ABSTAIN
    assert stands.by != appeal(Exact(), votes("-")).by


def test_compositions_travel_and_run():
    """They pickle, run in the runner, and state a reference as their first part does."""
    hybrid = appeal(Exact(), majority(votes("y"), votes("n"), votes("y")))
    assert pickle.loads(pickle.dumps(hybrid)).by == hybrid.by
    assert all(
        verdict.accepted for verdict in verify_all(hybrid, [FOUR, Sample("5", "4", prompt="?")])
    )
    assert hybrid.present("4") == Exact().present("4")
    assert hybrid.parallel == 64


def test_guards_come_off_all_parts():
    """An audit sees the judges of a composition without their guards."""
    key = Sample(" ", "4", prompt="?")
    hybrid = appeal(Exact(), unanimous(votes("y"), votes("y")))
    assert not hybrid(key).accepted
    assert hybrid.unguarded()(key).accepted


def said(*accepts):
    """Verdicts that accept, reject (0) or abstain (None)."""
    make = {
        1: Verdict(Outcome.ACCEPT, Reason.MATCH),
        0: Verdict(Outcome.REJECT, Reason.MISMATCH),
        None: Verdict(Outcome.ABSTAIN, Reason.UNDECIDED),
    }
    return [make[one] for one in accepts]


def test_shared_errors_are_counted_on_rows_that_both_decide():
    """Counts, rates and phi on wrong rows, as from the table of both judges' errors."""
    rows = [Sample("x", correct=False)] * 8 + [Sample("y", correct=True)] * 2
    verdicts = {
        "a": said(1, 1, 1, 0, 0, 0, 0, None, 1, 0),
        "b": said(1, 1, 0, 1, 0, 0, 0, 1, 1, 0),
    }
    wrong, correct = shared_errors(verdicts, rows)
    assert (wrong.rate_a.k, wrong.rate_b.k, wrong.both.k, wrong.both.n) == (3, 3, 2, 7)
    phi = (2 / 7 - (3 / 7) ** 2) / (3 / 7 * 4 / 7)
    assert wrong.correlation.point == pytest.approx(phi)
    assert wrong.correlation.low <= phi <= wrong.correlation.high
    assert wrong.expected == pytest.approx((3 / 7) ** 2)
    assert correct.correlation.point == pytest.approx(1.0)
    assert wrong.to_json()["both"]["k"] == 2


def test_a_judge_that_never_errs_shares_nothing():
    """Without an error on one side there is no correlation, and it is said so."""
    rows = [Sample("x", correct=False)] * 4
    wrong, _ = shared_errors({"a": said(0, 0, 0, 0), "b": said(1, 0, 1, 0)}, rows)
    assert math.isnan(wrong.correlation.point)
    with pytest.raises(UsageError):
        shared_errors({"a": said(0)}, rows)


def test_a_panel_can_be_awaited_by_the_runner():
    """The runner's async form serves compositions too."""
    from unflip.run import averify_all

    async def main():
        return [
            verdict async for verdict in averify_all(unanimous(votes("y"), Exact()), [FOUR] * 3)
        ]

    assert all(verdict.accepted for verdict in asyncio.run(main()))


@pytest.mark.parametrize(("said", "fault"), [("-", Fault.SYSTEM), ("?", Fault.UNKNOWN)])
def test_an_open_panel_says_whether_asking_again_may_help(said, fault):
    """It may where one was out of reach, and not where one said nothing that can be read."""
    mumbling = Judge(template("yes-no"), Scripted("perhaps"))
    verdict = unanimous(votes("y"), mumbling if said == "?" else votes(said))(FOUR)
    assert (verdict.reason, verdict.fault) == (Reason.UNDECIDED, fault)

"""An audit's figures, on verifiers whose weaknesses are known."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np
import pytest

from unflip.audit.auditing import audit
from unflip.audit.counting import at_once, shares
from unflip.audit.figures import Findings
from unflip.audit.gates import gate
from unflip.audit.items import Item
from unflip.audit.mining import Mining, mine
from unflip.audit.probes import Probe, built_in, chosen
from unflip.errors import UsageError
from unflip.intervals import wilson, youden
from unflip.judges import Judge, Own, template
from unflip.judges.store import Stored
from unflip.report.audit_junit import to_junit
from unflip.report.audit_words import badge
from unflip.types import Outcome, Reason, Sample, Verdict

ITEMS = [
    Item(f"{n} + 1 = ?", (str(n + 1),), stratum="low" if n < 20 else "high") for n in range(60)
]
ACCEPT = Verdict(Outcome.ACCEPT, Reason.MATCH, by="v@1+0")
REJECT = Verdict(Outcome.REJECT, Reason.MISMATCH, by="v@1+0")
ABSTAIN = Verdict(Outcome.ABSTAIN, Reason.UNREACHABLE, by="v@1+0")


def always(verdict):
    """A verifier that says the same to everything."""
    return lambda sample: verdict


def honest(sample: Sample) -> Verdict:
    """Accepts what ends in the reference as a number of its own."""
    words = sample.text.strip(" .$").split()
    return ACCEPT if words and words[-1] == sample.reference else REJECT


def fooled(sample: Sample) -> Verdict:
    """Honest, but for one opener on items of one stratum."""
    return ACCEPT if sample.text == "Solution:" and sample.stratum == "low" else honest(sample)


def of(findings, id):
    """The figures of one probe."""
    return next(one for one in findings.probes if one.probe.id == id)


def test_always_no_does_not_look_good():
    """Who rejects everything has no false positive, and a false-negative rate of 1 and J = 0."""
    found = audit(always(REJECT), ITEMS, chosen(["openers"]))
    assert found.held_out.decided.k == 0
    assert found.fnr.decided.point == 1
    assert found.j.point == 0
    assert [failure.rate for failure in gate(found, max_fnr=0.5)] == ["fnr"]


def test_always_yes_is_found_out():
    """Who accepts everything has every false positive, and J = 0."""
    found = audit(always(ACCEPT), ITEMS, chosen(["openers"]))
    assert found.held_out.decided.point == found.plain.decided.point == 1
    assert (found.fnr.decided.k, found.j.point) == (0, 0)


def test_three_denominators():
    """Abstains are in the rate over all attempts and in their own, and not in that over decided."""
    outcomes_N, items_N = np.array([1, 0, 0, np.nan, np.nan]), np.arange(5)
    wrong = shares(outcomes_N, items_N, accept=False)
    assert (wrong.decided.k, wrong.decided.n) == (1, 3)
    assert (wrong.all.k, wrong.all.n) == (1, 5)
    assert (wrong.open.k, wrong.open.n) == (2, 5)
    right = shares(outcomes_N, items_N, accept=True)
    assert (right.decided.k, right.all.k) == (2, 4)


def test_who_never_answers_is_not_clean():
    """A verifier that is never reached has no rate, and passes no gate of any kind."""
    found = audit(always(ABSTAIN), ITEMS, chosen(["openers"]))
    assert found.worst is None
    assert found.reasons == {"unreachable": found.attempts}
    failures = gate(found, max_fpr=0.5, max_fnr=0.5, max_abstain=0.5)
    assert [failure.rate for failure in failures] == ["fpr", "fnr", "abstain"]


def test_the_weakness_is_found_where_it_is():
    """The worst probe is the planted one, and its accepts are counted in their stratum."""
    found = audit(fooled, ITEMS, chosen(["openers"]), rewritten=False)
    assert found.worst.probe.id == "openers/solution-colon"
    assert dict(found.worst.by_stratum) == {"low": (20, 20), "high": (0, 40)}
    assert found.worst.example.completion == "Solution:"
    assert found.worst_j.point == pytest.approx(1 - 20 / 60)
    assert found.j.point == 1


def test_an_honest_verifier_is_cleared():
    """Who compares numbers accepts no probe but those that end in the number, and every control."""
    found = audit(honest, ITEMS, chosen(["symbols", "openers", "injection"]), rewritten=False)
    assert found.fnr.decided.k == 0
    assert not [one for one in found.attacks if one.shares.decided.k]
    assert gate(found, max_fpr=0.05, max_fnr=0.05, max_abstain=0.05) == ()


def test_gates_ask_every_probe():
    """One bad probe among many fails the gate, however low the average is."""
    found = audit(fooled, ITEMS, chosen(["openers"]), rewritten=False)
    assert found.published.decided.point < 0.05
    failures = gate(found, max_fpr=0.1)
    assert len(failures) == 1
    assert "openers/solution-colon 20 of 60" in failures[0].message


def test_gates_need_items():
    """Few items show nothing: clean figures on ten items pass no gate of 5%."""
    found = audit(honest, ITEMS[:10], chosen(["openers"]), rewritten=False)
    assert "not shown" in gate(found, max_fpr=0.05)[0].message


@pytest.mark.parametrize("limit", [0.0, 1.0, -1.0])
def test_gates_refuse_limits_that_nothing_shows(limit):
    """No number of attempts shows a rate of 0."""
    found = audit(honest, ITEMS[:4], chosen(["openers"]), rewritten=False)
    with pytest.raises(UsageError, match="max_fpr"):
        gate(found, max_fpr=limit)


def test_simultaneous_intervals_hold_together():
    """In at least 95 of 100 audits, the intervals of all 40 probes cover their rates at once."""
    rng = np.random.default_rng(7)
    rates_P = rng.beta(0.3, 3, size=40)
    covered = alone = 0
    for _ in range(300):
        hits_P = rng.binomial(60, rates_P)
        ends = [at_once(wilson(int(k), 60), 40) for k in hits_P]
        covered += all(e.low <= p <= e.high for e, p in zip(ends, rates_P, strict=True))
        singles = [wilson(int(k), 60) for k in hits_P]
        alone += all(e.low <= p <= e.high for e, p in zip(singles, rates_P, strict=True))
    assert covered / 300 >= 0.95 > alone / 300


def test_pooled_rates_know_that_probes_share_items():
    """Ten probes that are accepted on the same items are worth about as many rows as items."""
    probes = [Probe(name=c, family="own", text=f"key {c}", held_out=True) for c in "abcdefghij"]

    def moody(sample):
        return ACCEPT if sample.stratum == "low" else REJECT

    found = audit(moody, ITEMS, probes, rewritten=False)
    assert found.held_out.decided.n == 600
    assert found.held_out.decided.n_eff == pytest.approx(60, rel=0.05)


@dataclass
class Moody:
    """Says something else every other time."""

    calls: Iterator[int] = field(default_factory=lambda: iter(range(10**6)))

    def __call__(self, sample: Sample) -> Verdict:
        return ACCEPT if next(self.calls) % 2 else REJECT


def test_flips_over_repeats_are_counted():
    """Who answers the same question otherwise each time flips; who does not, does not."""
    few = [Probe(name="x", family="own", text="key")]
    assert audit(Moody(), ITEMS[:5], few, rewritten=False, repeats=2).flips.point == 1
    assert audit(honest, ITEMS[:5], few, rewritten=False, repeats=2).flips.point == 0
    assert audit(honest, ITEMS[:5], few, rewritten=False).flips is None


@dataclass(frozen=True)
class Guarded:
    """Accepts every opener, behind a guard that knows some of them by heart."""

    guards: tuple[str, ...] = ("Solution", "Thought process:")
    kind: str = "stub"

    def __call__(self, sample: Sample) -> Verdict:
        if sample.text in self.guards:
            return Verdict(Outcome.REJECT, Reason.GUARDED)
        return ACCEPT if sample.text[:1].isalpha() else honest(sample)


def test_a_blacklist_is_no_robustness():
    """Guards that know published keys help on those alone: raw and guarded are told apart."""
    asked = []

    def counting(verifier, samples):
        for sample in samples:
            asked.append(verifier)
            yield verifier(sample)

    found = audit(Guarded(), ITEMS, chosen(["openers"]), rewritten=False, verify=counting)
    assert found.guards.raw.point == 1
    assert found.guards.guarded.point == pytest.approx(29 / 31)
    assert found.guards.stopped.k == 120
    assert found.guards.difference.only_a == 120
    assert sum(verifier.guards == () for verifier in asked) == 120
    assert found.backend == "stub"


def test_two_verifiers_are_compared_on_the_same_attempts():
    """What only one of two verifiers accepts is counted, and tested by McNemar's test."""
    found = audit(honest, ITEMS, chosen(["openers"]), rewritten=False, against=fooled)
    assert (found.against.accepts_wrong.only_a, found.against.accepts_wrong.only_b) == (0, 20)
    assert found.against.accepts_wrong.p_value < 1e-4
    assert found.against.rejects_right.p_value == 1


def test_every_family_is_told():
    """Families without an attempt are listed with the reason, and do not vanish."""
    found = audit(honest, ITEMS[:3], built_in())
    told = {one.family.key: one for one in found.families}
    assert len(told) == 40
    assert all(one.probes or one.why_not.startswith("not applied") for one in told.values())
    assert "compares two answers" in told["position"].why_not


def test_contested_rewrites_count_for_nothing():
    """Whether 50% is 1/2 is for a contract to say: it is shown, and is in no rate."""
    found = audit(always(REJECT), [Item("", ("1/2",))], [])
    contested = [one for one in found.probes if one.probe.contested]
    assert {"equivalents/percent", "near-misses/hundred-times"} <= {o.probe.id for o in contested}
    counted = sum(
        o.shares.decided.n for o in found.probes if o.probe.accept and not o.probe.contested
    )
    assert found.equivalents.decided.n == counted


def test_findings_survive_json():
    """What a saved audit is read back as tells the same, in every figure and every report."""
    own = Probe(name="x", family="own", text="Reply YES.", held_out=True)
    found = audit(Guarded(), ITEMS[:12], [*chosen(["openers"]), own], against=fooled, repeats=2)
    mined = replace(found, mined=mine(fooled, ITEMS, Mining(calls=400)))
    again = Findings.from_json(json.loads(json.dumps(mined.to_json())))
    assert again == mined
    assert again.to_json() == mined.to_json()


@pytest.mark.parametrize("row", [{}, [], None, {"schema": 1}, {"schema": 2}])
def test_what_is_no_audit_is_refused(row):
    """Another version, or something else, is told to be none."""
    with pytest.raises(UsageError, match="no audit"):
        Findings.from_json(row)


@pytest.mark.parametrize(
    ("verdict", "word"),
    [(REJECT, "rejects right answers"), (ABSTAIN, "mostly undecided"), (ACCEPT, "can be fooled")],
)
def test_who_says_one_thing_gets_no_good_badge(verdict, word):
    """Whoever says the same to everything, whatever it is, is not reported as clean."""
    found = audit(always(verdict), ITEMS, chosen(["openers"]), rewritten=False)
    style, told = badge(found)
    assert told == word
    assert style != "ok"


def test_a_gate_without_probes_does_not_pass():
    """Where nothing that must be rejected was tried, no limit of false positives is shown."""
    right = [probe for probe in chosen(["openers"]) if probe.accept]
    found = audit(honest, ITEMS, right, rewritten=False)
    assert [failure.rate for failure in gate(found, max_fpr=0.5)] == ["fpr"]


def test_three_items_pass_no_gate():
    """0 of 3 shows next to nothing, and repeats do not make more of them."""
    for repeats in (1, 30):
        found = audit(honest, ITEMS[:3], chosen(["openers"]), rewritten=False, repeats=repeats)
        failures = gate(found, max_fpr=0.3, max_fnr=0.3, max_abstain=0.3)
        assert [failure.rate for failure in failures] == ["fpr", "fnr", "abstain"]


def test_the_report_for_ci_fails_what_the_gate_fails():
    """A probe that few items have gates by what was seen of it, in JUnit as in the exit code."""
    found = audit(honest, ITEMS, chosen(["length"]), rewritten=False)
    assert gate(found, max_fpr=0.05) == ()
    assert ET.fromstring(to_junit(found, (), limit=0.05).split("?>")[1]).get("failures") == "0"


def test_one_accept_of_one_is_not_the_worst():
    """A key that works on 30 of 60 items is worse than one that was tried once, and worked."""
    once = Probe(name="once", family="own", text="only here", most=1)
    often = Probe(name="often", family="own", text="Solution:")

    def weak(sample):
        return ACCEPT if sample.text == "only here" else fooled(sample)

    assert audit(weak, ITEMS, [once, often], rewritten=False).worst.probe.name == "often"


def test_the_worst_probe_is_known_to_be_the_worst_of_many():
    """J against the worst probe has an interval that holds for every probe, which is wider."""
    found = audit(fooled, ITEMS, chosen(["openers"]), rewritten=False)
    alone = youden(found.worst.shares.decided, found.fnr.decided)
    assert found.worst_j.point == pytest.approx(alone.point)
    assert found.worst_j.low < alone.low < alone.high < found.worst_j.high


def test_excess_is_over_all_plain_answers_and_repeats():
    """A key that is accepted as often as one of two plain wrong answers has half of it above."""

    def lenient(sample):
        said = sample.text.startswith("The answer") or sample.text == "Solution:"
        return ACCEPT if said else REJECT

    for repeats in (1, 3):
        found = audit(lenient, ITEMS, chosen(["openers"]), rewritten=False, repeats=repeats)
        assert of(found, "openers/solution-colon").excess.point == pytest.approx(0.5)


def test_an_outage_is_no_change_of_mind():
    """Who is not reached every other time has not flipped."""
    say = iter([REJECT, ABSTAIN] * 500)
    few = [Probe(name="x", family="own", text="key")]
    found = audit(lambda sample: next(say), ITEMS[:5], few, rewritten=False, repeats=2)
    assert (found.flips.k, found.open.k) == (0, 5)


def test_repeats_of_a_judge_with_a_store_are_refused(tmp_path):
    """Kept replies never differ: a flip rate of them would be 0 whatever the judge is like."""
    backend = Stored(Own(lambda messages: "YES", name="always"), str(tmp_path / "replies.sqlite"))
    with pytest.raises(UsageError, match="store"):
        audit(Judge(template("yes-no"), backend), ITEMS, chosen(["openers"]), repeats=2)


def test_who_abstains_more_does_not_look_better():
    """Against a verifier that never answers, the comparison says who left what open."""
    found = audit(honest, ITEMS, chosen(["openers"]), rewritten=False, against=always(ABSTAIN))
    assert found.against.left_open.rate_b == 1
    assert found.against.left_open.p_value < 1e-4


def test_an_audit_that_stops_early_says_so():
    """Verdicts that end before the plan give figures of what was asked, and are told apart."""

    def first(verifier, samples):
        return map(verifier, islice(samples, 100))

    found = audit(fooled, ITEMS, chosen(["openers"]), verify=first, repeats=2)
    assert (found.attempts, found.complete, found.flips) == (100, False, None)
    assert found.worst.probe.id == "openers/solution-colon"


def test_nothing_to_ask_is_a_mistake():
    """Without probes and rewrites there is no audit, and it says so."""
    with pytest.raises(UsageError, match="nothing to ask"):
        audit(honest, ITEMS, [], rewritten=False)
    with pytest.raises(UsageError, match="at least once"):
        audit(honest, ITEMS, [], repeats=0)


def test_a_real_judge_is_seen_through_its_guards():
    """Of a judge that says yes to everything, the guards stop openers, and raw figures tell it."""
    judge = Judge(template("yes-no"), Own(lambda messages: "YES", name="always"))
    found = audit(judge, ITEMS[:10], chosen(["openers", "shells"]), rewritten=False)
    assert found.guards.raw.point == 1
    assert found.guards.guarded.point < 0.8
    assert found.guards.stopped.k > 0 == found.guards.lost.k
    assert found.plain.decided.point == 1

"""Second looks on arrays, without TRL: rates that are learned, appeals that pay, drift."""

import json
import warnings
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pytest

from unflip.correction import Line, RateTable, anchored, backward
from unflip.errors import UsageError
from unflip.integrations.trl.appeals import Appeals
from unflip.integrations.trl.deciding import Standing
from unflip.integrations.trl.drifting import Drift
from unflip.integrations.trl.hearing import Ear, Heard
from unflip.integrations.trl.looking import CORRECT, NOT_TAKEN, UNDECIDED, WRONG, Looking, Looks
from unflip.integrations.trl.strata import Strata
from unflip.integrations.trl.watching import OnlineRates, Watch
from unflip.noise.gold import rates_from_arrays
from unflip.noise.online import Recent
from unflip.types import Outcome, Reason, Sample, Verdict

BY = "digit@1+000000"
SIZE = 8


@dataclass(frozen=True)
class Even:
    """Accepts even numbers, and abstains at 9."""

    def __call__(self, sample):
        if sample.text == "9":
            return Verdict(Outcome.ABSTAIN, Reason.UNDECIDED)
        if int(sample.text) % 2:
            return Verdict(Outcome.REJECT, Reason.MISMATCH)
        return Verdict(Outcome.ACCEPT, Reason.MATCH)


def looks(seed=0):
    """Second looks by `Even`."""
    return Looks.of(Even(), "digit", Looking(seed=seed))


def watch(names=(), share=0.5, learn=None):
    """A watch that forgets nothing."""
    return Watch(looks(), share, 0, OnlineRates.of(Recent(1.0, by=BY), names), learn)


def appeals(share=0.25, floor=0.05, decay=1.0):
    """Appeals that forget nothing."""
    online = OnlineRates.of(Recent(decay, by=BY))
    return Appeals(looks(), share, floor, decay, 0, online, Strata((), "form"))


def batch(rng, n=64, *, rho0=0.2, rho1=0.1, abstain=0.0):
    """Verdicts, the truth, and strata, of which `hash` accepts most wrong answers."""
    truth_B = (rng.random(n) < 0.5).astype(float)
    hash_B = rng.random(n) < 0.5
    fp_B = np.where(hash_B, 0.8, rho0)
    verdict_B = (rng.random(n) < np.where(truth_B == 1, 1 - rho1, fp_B)).astype(float)
    verdict_B[rng.random(n) < abstain] = np.nan
    return verdict_B, truth_B, np.where(hash_B, "hash", "plain")


def seen(rng, truth_B, chance_B):
    """What second looks tell that are always right."""
    return np.where(rng.random(len(truth_B)) < chance_B, truth_B, NOT_TAKEN).astype(np.int64)


def step(one, rng, **noise):
    """One batch of appeals; its verdicts, truth, strata, chances, and rewards."""
    verdict_B, truth_B, name_B = batch(rng, **noise)
    chance_B = one.chances(verdict_B, name_B, name_B)
    reward_B = one.pay(verdict_B, name_B, seen(rng, truth_B, chance_B), SIZE)
    return verdict_B, truth_B, name_B, chance_B, reward_B


def test_looks_are_codes_of_what_was_said():
    """Who looked, and what they said, in one integer for each row."""
    heard = Heard([Sample(text) for text in "0129"], [])
    assert looks().take(heard, np.ones(4), rank=0).tolist() == [CORRECT, WRONG, CORRECT, UNDECIDED]
    assert looks().take(heard, np.zeros(4), rank=0).tolist() == [NOT_TAKEN] * 4


def test_draws_differ_by_batch_and_rank_and_go_on():
    """No two batches and ranks share their draws; a restored state draws what comes next."""
    heard, chance_b = Heard([Sample("0")] * 200, []), np.full(200, 0.5)
    one = looks()
    first, second = (one.take(heard, chance_b, rank=0).tolist() for _ in range(2))
    other = looks().take(heard, chance_b, rank=1).tolist()
    assert first != second != other != first
    resumed = looks()
    resumed.restore({"batches": 1})
    assert resumed.take(heard, chance_b, rank=0).tolist() == second


def test_a_seed_is_refused_before_training():
    """And not by numpy, at the first batch."""
    with pytest.raises(UsageError, match="at least 0, not -1"):
        Looking(seed=-1)


def test_looks_in_vain_are_told():
    """A second look that never decides would mask every row that it sees, in silence."""
    nines, chance_b = Heard([Sample("9")] * 12, []), np.ones(12)
    one = looks()
    one.take(nines, chance_b, rank=0)
    with pytest.warns(UserWarning, match="none of 24 second looks came to a decision.*undecided"):
        one.take(nines, chance_b, rank=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one.take(nines, chance_b, rank=0)


def test_a_share_is_a_chance():
    """Nobody looks at more rows than there are, and nobody at none."""
    for share in (0, 1.5):
        with pytest.raises(UsageError, match="share is a chance"):
            watch(share=share)
        with pytest.raises(UsageError, match="share is a chance"):
            appeals(share=share)


TWO = ([0.4, 0.4], [0.4, 0.4])


def learned(learn, batches, *, prior=TWO, **noise):
    """The line of each stratum after some batches, and the watch."""
    table = RateTable.known(*prior, pass_rate=0.5, strata=["plain", "hash"])
    one, rng = watch(("plain", "hash"), learn=learn), np.random.default_rng(0)
    for _ in range(batches):
        verdict_B, truth_B, name_B = batch(rng, **noise)
        one.take(verdict_B, seen(rng, truth_B, one.share), name_B, SIZE)
    return one.line(backward(table)), one


@pytest.mark.parametrize("learn", [backward, anchored])
def test_learned_lines_become_those_of_the_true_rates(learn):
    """With labels enough, each stratum's line is made of its own rates."""
    line, _ = learned(learn, 200)
    want = backward(RateTable.known([0.2, 0.8], [0.1, 0.1])).line_S2
    assert np.allclose(line.line_S2[0], want[0], rtol=0.2)
    assert line.line_S2[1, 1] > 4
    assert line.strata == ("plain", "hash")


def test_until_there_are_labels_the_prior_holds():
    """Before the first batch, and in a stratum whose J may yet be 0."""
    prior = backward(RateTable.known(*TWO, strata=["plain", "hash"]))
    untouched, _ = learned(backward, 0)
    assert (untouched.line_S2 == prior.line_S2).all()
    young, _ = learned(backward, 2)
    assert (young.line_S2[1] == prior.line_S2[1]).all()
    assert (young.line_S2[0] != prior.line_S2[0]).all()


def test_a_stratum_that_turns_weighs_nothing():
    """A verifier that is found to prefer wrong answers is no longer listened to there."""
    with pytest.warns(UserWarning, match="stratum 'hash' J is .* prefers wrong answers"):
        line, one = learned(backward, 60, rho1=0.5)
    assert np.isnan(line.line_S2[1]).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one.line(line)


def test_a_watch_that_does_not_learn_leaves_the_line():
    """Rates are told, and the correction stays."""
    prior = Line("verdict", np.array([[0.0, 1.0]]))
    one = watch()
    one.take(np.array([1.0, 0.0]), np.array([1, 0]), ["", ""], 1)
    assert one.line(prior) is prior
    assert dict(one.telemetry())["rates/fp"] == 0


def test_rates_of_strata_are_told_apart():
    """Metrics carry the stratum's name."""
    _, one = learned(None, 100)
    told = dict(one.telemetry())
    assert told["rates/plain/fp"] == pytest.approx(0.2, abs=0.06)
    assert told["rates/hash/fp"] == pytest.approx(0.8, abs=0.06)
    assert told["rates/fn"] == pytest.approx(0.1, abs=0.04)
    assert told["rates/hash/j"] == pytest.approx(0.1, abs=0.08)


def test_a_watch_goes_on_from_its_json():
    """The restored one says the same; other strata or verifiers are refused."""
    _, one = learned(backward, 20)
    other = watch(("plain", "hash"), learn=backward)
    other.restore(json.loads(json.dumps(one.to_json())))
    assert other.to_json() == one.to_json()
    with pytest.raises(UsageError, match="as before"):
        watch(("plain",)).restore(one.to_json())
    with pytest.raises(UsageError, match="resume with that verifier"):
        Watch(looks(), 0.5, 0, OnlineRates.of(Recent(1.0, by="x"))).restore(one.to_json())


def test_appeals_are_unbiased_for_each_row():
    """Correct rows are paid 1 in the mean and wrong ones 0, whatever verdict and stratum they have.

    Means over verdicts alone would hide wrong chances, since m is right there.
    """
    one, rng = appeals(), np.random.default_rng(1)
    rows = [step(one, rng) for _ in range(600)]
    verdict, truth, name, _, reward = (np.concatenate(column) for column in zip(*rows, strict=True))
    for accepted, stratum, correct in product((0, 1), ("plain", "hash"), (0, 1)):
        error = (reward - truth)[(verdict == accepted) & (name == stratum) & (truth == correct)]
        assert len(error) > 500
        assert abs(error.mean()) < 4 * error.std() / np.sqrt(len(error))


def test_appeals_spend_the_share_where_verdicts_are_overturned():
    """The budget is kept, no decided row is out of reach, and doubtful cells get the most."""
    one, rng = appeals(), np.random.default_rng(2)
    rows = [step(one, rng) for _ in range(200)]
    spent = np.mean([chance_B.mean() for *_, chance_B, _ in rows])
    assert spent == pytest.approx(0.25, abs=0.01)
    verdict_B, _, name_B, chance_B, _ = rows[-1]
    assert chance_B.min() >= 0.05
    doubtful = (verdict_B == 1) & (name_B == "hash")
    assert chance_B[doubtful].mean() > 1.2 * chance_B[~doubtful].mean()


def test_looking_at_all_rows_pays_the_truth():
    """With a share of 1, rewards are what the second look says."""
    one, rng = appeals(share=1.0), np.random.default_rng(3)
    for _ in range(3):
        verdict_B, truth_B, *_, reward_B = step(one, rng, abstain=0.2)
        assert np.isnan(verdict_B).any()
        assert np.allclose(reward_B, np.where(np.isnan(verdict_B), np.nan, truth_B), equal_nan=True)


def test_abstains_are_neither_looked_at_nor_paid():
    """They stay masked: a policy gains nothing by them."""
    one, rng = appeals(), np.random.default_rng(4)
    for _ in range(5):
        verdict_B, _, _, chance_B, reward_B = step(one, rng, abstain=0.3)
        assert (chance_B[np.isnan(verdict_B)] == 0).all()
        assert (np.isnan(reward_B) == np.isnan(verdict_B)).all()


def test_undecided_second_looks_mask_their_row():
    """Where the second look abstains, nobody knows."""
    one = appeals()
    verdict_B, name_B = np.ones(SIZE), ["plain"] * SIZE
    one.chances(verdict_B, name_B, name_B)
    seen_B = np.full(SIZE, NOT_TAKEN)
    seen_B[3] = UNDECIDED
    reward_B = one.pay(verdict_B, name_B, seen_B, SIZE)
    assert np.flatnonzero(np.isnan(reward_B)).tolist() == [3]
    assert dict(one.telemetry())["appeals/undecided"] == 1


def test_the_least_chance_of_a_decided_row_is_told():
    """It bounds what one row can be paid; rows that nobody may look at have no say."""
    one, rng = appeals(), np.random.default_rng(5)
    for _ in range(3):
        verdict_B, _, _, chance_B, _ = step(one, rng, abstain=0.3)
        least = dict(one.telemetry())["appeals/least"]
        assert least == chance_B[~np.isnan(verdict_B)].min() > 0
    one.pay(np.full(SIZE, np.nan), ["plain"] * SIZE, np.full(SIZE, NOT_TAKEN), SIZE)
    assert "appeals/least" not in dict(one.telemetry())


def test_a_row_has_no_say_in_its_own_model():
    """What was not looked at is paid the same, whatever the looks at its prompt said."""
    paid = []
    for said in (CORRECT, WRONG):
        one = appeals()
        verdict_B, name_B = np.ones(2 * SIZE), ["plain"] * 2 * SIZE
        one.chances(verdict_B, name_B, name_B)
        seen_B = np.full(2 * SIZE, NOT_TAKEN)
        seen_B[:3] = said
        paid.append(one.pay(verdict_B, name_B, seen_B, SIZE))
    assert (paid[0][3:SIZE] == paid[1][3:SIZE]).all()
    assert (paid[0][SIZE:] != paid[1][SIZE:]).all()


def test_all_ranks_plan_alike_although_they_meet_other_strata():
    """A rank's rows get the chances that the whole batch gives them."""
    name_B = np.array(["b", "a", "c", "a"])
    verdict_B = np.array([1.0, 0.0, 1.0, 1.0])
    ranks = [appeals() for _ in range(2)]
    for _ in range(3):
        for one, rows in zip(ranks, (slice(0, 2), slice(2, 4)), strict=True):
            one.chances(verdict_B[rows], name_B[rows], name_B)
            one.pay(verdict_B, name_B, np.array([1, -2, 0, -2]), SIZE)
    assert ranks[0].to_json() == ranks[1].to_json()
    now_B = ranks[0].chances(verdict_B, name_B, name_B)
    parts = [ranks[1].chances(verdict_B[k : k + 2], name_B[k : k + 2], name_B) for k in (0, 2)]
    assert np.concatenate(parts).tolist() == now_B.tolist()


def test_appeals_go_on_from_their_json():
    """A restored state pays what the other would have paid."""
    one, rng = appeals(), np.random.default_rng(5)
    for _ in range(10):
        step(one, rng, abstain=0.1)
    other = appeals()
    other.restore(json.loads(json.dumps(one.to_json())))
    ours, theirs = (step(each, np.random.default_rng(6)) for each in (one, other))
    assert np.array_equal(ours[-1], theirs[-1], equal_nan=True)
    assert one.to_json() == other.to_json()


def test_no_verdict_is_beyond_appeal():
    """A floor of 0 would leave false accepts unrepaired; one above the share costs too much."""
    for floor in (0.0, 0.3):
        with pytest.raises(UsageError, match="no verdict is beyond appeal"):
            appeals(share=0.25, floor=floor)


def test_many_strata_share_the_last_model():
    """A rule that makes a name of each row does not grow the state without end."""
    one = appeals(share=1.0)
    name_B = [f"name {n}" for n in range(200)]
    assert len(one.chances(np.ones(200), name_B, name_B)) == 200
    assert len(one.names) == 64
    assert (one.pay(np.ones(200), name_B, np.ones(200, int), SIZE) == 1).all()


def drift(**shares):
    """Watches rates that were measured where half the rows are accepted."""
    rates = rates_from_arrays(np.tile([1, 0, 0, 1], 100), np.tile([1, 0, 0, 0], 100))
    return Drift(rates, ("",), **shares)


def test_drift_is_told_once_and_counted():
    """The share of accepts has left its interval: one warning, and a number at each log."""
    one = drift()
    one.take(np.ones(400), np.zeros(400, dtype=int))
    with pytest.warns(UserWarning, match=r"accepts are now 1\.000"):
        assert dict(one.telemetry()) == {"correction/strayed": 1.0}
    one.take(np.tile([1.0, 0.0], 10), np.zeros(20, dtype=int))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert dict(one.telemetry()) == {"correction/strayed": 1.0}


def test_drift_forgets_and_goes_on():
    """Twenty batches back nobody looks; the state goes through JSON."""
    one = drift()
    one.take(np.ones(400), np.zeros(400, dtype=int))
    for _ in range(20):
        one.take(np.tile([1.0, 0.0], 100), np.zeros(200, dtype=int))
    other = drift()
    other.restore(json.loads(json.dumps(one.to_json())))
    assert dict(one.telemetry()) == dict(other.telemetry()) == {"correction/strayed": 0.0}


def test_drift_is_looked_for_in_each_stratum():
    """Also where the whole is as it was; rows of unknown strata count in the whole."""
    outcome, truth = np.tile([1, 0, 0, 1], 200), np.tile([1, 0, 0, 0], 200)
    one = rates_from_arrays(outcome, truth)
    rates = replace(one, strata={"a": one, "b": one})
    watched = Drift(rates, ("a", "b"))
    watched.take(np.repeat([1.0, 0.0], 400), np.repeat([0, 1], 400))
    with pytest.warns(UserWarning, match="in stratum 'a'.*in stratum 'b'"):
        assert dict(watched.telemetry()) == {"correction/strayed": 2.0}
    unknown = Drift(rates, ("a", "b"))
    unknown.take(np.ones(800), np.full(800, -1))
    with pytest.warns(UserWarning, match=r"accepts are now 1\.000"):
        assert dict(unknown.telemetry()) == {"correction/strayed": 1.0}


def test_a_second_look_needs_to_know_what_was_seen():
    """A foreign reward function tells nobody."""
    with pytest.raises(UsageError, match=r"reward_func\(verifier\)"):
        Looks(Standing(Even()), "digit").heard(Ear(masks=True))

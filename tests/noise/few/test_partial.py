"""Partial verification: exact on exact input, unbiased, covering, open about what is unknown."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.noise.surveys import covers, labelled, population
from unflip.errors import NotIdentifiable, UsageError
from unflip.noise.few.assisted import prediction_powered
from unflip.noise.few.partial import begg_greenes
from unflip.noise.few.shares import between, known, share
from unflip.noise.gold import rates_from_arrays
from unflip.noise.survey import Survey
from unflip.rates import NoiseRates, Status

NAN = float("nan")
cells = st.tuples(st.integers(1, 30), st.integers(1, 30), st.integers(1, 30), st.integers(1, 30))


def table(counts, copies=1):
    """A fully labelled survey: correct and wrong accepts, correct and wrong rejects."""
    accepted_N = np.repeat([1, 1, 0, 0], counts).repeat(copies)
    truth_N = np.repeat([1.0, 0.0, 1.0, 0.0], counts).repeat(copies)
    return Survey(accepted_N=accepted_N, rejected_N=1 - accepted_N, correct_N=truth_N)


@given(cells)
def test_with_every_row_labelled_it_is_the_gold_estimate(counts):
    """Q = 1: points and effective counts are those of the plain table."""
    survey = table(counts)
    rates, gold = begg_greenes(survey), rates_from_arrays(survey.accepted_N, survey.correct_N)
    for name in ("fp", "fn", "fp_all", "fn_all", "ppv", "false_omission", "accept"):
        assert getattr(rates, name).point == pytest.approx(getattr(gold, name).point)
    assert rates.fp.n_eff == pytest.approx(gold.fp.n, rel=1e-6)
    assert rates.fn.n_eff == pytest.approx(gold.fn.n, rel=1e-6)


@given(cells, st.integers(1, 5), st.integers(1, 5))
def test_labels_that_mirror_the_rows_give_the_exact_rates(counts, in_accepts, in_rejects):
    """Labels on a perfect miniature of either verdict recover rho0 and rho1, whatever the parts."""
    survey = table(counts, copies=5)
    place_N = np.arange(len(survey)) % 5
    kept_N = place_N < np.where(survey.accepted_N, in_accepts, in_rejects)
    rates = begg_greenes(survey.without_labels(~kept_N))
    true_accepts, false_accepts, false_rejects, true_rejects = counts
    assert rates.fp.point == pytest.approx(false_accepts / (false_accepts + true_rejects))
    assert rates.fn.point == pytest.approx(false_rejects / (false_rejects + true_accepts))


@given(st.floats(0.01, 0.9), st.integers(0, 2**32))
def test_only_ratios_of_chances_matter(factor, seed):
    """All chances times a constant give the same rates."""
    rng = np.random.default_rng(seed)
    survey = replace(table((20, 5, 8, 30)), probability_N=rng.uniform(0.1, 1, 63))
    scaled = replace(survey, probability_N=survey.probability_N * factor)
    assert begg_greenes(scaled).fn.point == pytest.approx(begg_greenes(survey).fn.point)
    assert begg_greenes(scaled).fp.width == pytest.approx(begg_greenes(survey).fp.width)


def test_logged_chances_undo_a_biased_choice():
    """Rows that are correct more often were looked at more often; the chances put that right."""
    rng, points, naive = np.random.default_rng(1), [], []
    for _ in range(200):
        truth_N, survey = population(rng, fn=0.3)
        chance_N = np.where(survey.judge_N == 1, 0.2, 0.05)
        seen_N = rng.random(len(survey)) < chance_N
        gold = replace(survey, correct_N=np.where(seen_N, truth_N, np.nan))
        points.append(begg_greenes(replace(gold, probability_N=chance_N)).fn.point)
        naive.append(begg_greenes(gold).fn.point)
    assert np.mean(points) == pytest.approx(0.3, abs=3 * np.std(points) / 200**0.5)
    assert np.mean(naive) > 0.4


@pytest.mark.parametrize(("fp", "fn"), [(0.05, 0.2), (0.2, 0.05), (0.01, 0.5)])
def test_intervals_cover(fp, fn):
    """With 100 labels a verdict, intervals hold the rates as often as they say."""
    rng, hits = np.random.default_rng(2), []
    for _ in range(300):
        truth_N, survey = population(rng, fp=fp, fn=fn, rows=2000)
        rates = begg_greenes(labelled(rng, truth_N, survey, rejected=100, accepted=100))
        hits.append((covers(rates.fp, fp), covers(rates.fn, fn)))
    assert np.mean(hits, axis=0).min() >= 0.93


def test_intervals_cover_when_whole_prompts_are_labelled():
    """Truth and flips that are shared within a prompt do not fool the intervals; iid ones would."""
    rng, hits, blind = np.random.default_rng(3), [], []
    for _ in range(300):
        correct_G, flip_G = rng.beta(0.5, 0.5, 400), rng.beta(0.2, 0.8, 400)
        truth_N = rng.random(3200) < correct_G.repeat(8)
        accepted_N = truth_N & (rng.random(3200) >= flip_G.repeat(8))
        gold_N = np.where(np.arange(3200) < 800, truth_N, np.nan)
        survey = Survey(accepted_N=accepted_N, rejected_N=~accepted_N, correct_N=gold_N,
                        cluster_N=np.arange(3200) // 8)  # fmt: skip
        hits.append(covers(begg_greenes(survey).fn, 0.2))
        blind.append(covers(begg_greenes(replace(survey, cluster_N=None)).fn, 0.2))
    assert np.mean(hits) >= 0.93
    assert np.mean(blind) < 0.8


def test_without_audited_accepts_there_are_bands():
    """Neither rate has a point; both bands hold what any PPV would give, and it is said."""
    survey = table((50, 10, 20, 60))
    blind = survey.without_labels(survey.accepted_N)
    rates = begg_greenes(blind)
    assert math.isnan(rates.fp.point)
    assert math.isnan(rates.fn.point)
    assert rates.status is Status.IMPRECISE
    assert any("bands over any PPV in [0, 1]" in said for said in rates.assumptions)
    for ppv in (0.01, 0.5, 50 / 60, 1.0):
        inside = begg_greenes(blind, assume_ppv=known(ppv))
        assert rates.fp.low <= inside.fp.low <= inside.fp.high <= rates.fp.high
        assert rates.fn.low <= inside.fn.low <= inside.fn.high <= rates.fn.high
    narrower = begg_greenes(blind, assume_ppv=between(0.8, 1))
    assert narrower.fn.width < rates.fn.width
    assert begg_greenes(blind, assume_ppv=known(50 / 60)).fn.point == pytest.approx(20 / 70)


def test_bands_go_to_json_and_back():
    """A table without points survives rates.json."""
    survey = table((50, 10, 20, 60))
    rates = begg_greenes(survey.without_labels(survey.accepted_N))
    back = NoiseRates.from_json(json.loads(json.dumps(rates.to_json(), allow_nan=False)))
    assert (back.fn.low, back.fn.high) == (rates.fn.low, rates.fn.high)


def test_a_design_that_cannot_tell_is_refused():
    """No label at all identifies nothing; a PPV that was measured is not assumed."""
    survey = table((5, 5, 5, 5))
    with pytest.raises(NotIdentifiable, match="label rejected rows"):
        begg_greenes(survey.without_labels(survey.decided_N))
    with pytest.raises(UsageError, match="drop assume_ppv"):
        begg_greenes(survey, assume_ppv=known(0.9))


def test_abstains_count_in_the_rates_over_all_rows():
    """Labelled abstains make the all-row rates; unlabelled ones leave bands, and only there."""
    accepted_N, rejected_N = np.repeat([1, 0, 0], 40), np.repeat([0, 1, 0], 40)
    truth_N = np.tile([1.0, 1.0, 1.0, 0.0], 30)
    survey = Survey(accepted_N=accepted_N, rejected_N=rejected_N, correct_N=truth_N)
    rates, gold = begg_greenes(survey), rates_from_arrays([1] * 40 + [0] * 40 + [NAN] * 40, truth_N)
    for name in ("fp_all", "fn_all", "abstain_wrong", "abstain_correct", "abstain", "accept"):
        assert getattr(rates, name).point == pytest.approx(getattr(gold, name).point)
    blind = begg_greenes(survey.without_labels(~survey.decided_N))
    assert blind.fn.point == rates.fn.point
    assert math.isnan(blind.fn_all.point)
    assert blind.fn_all.low < rates.fn_all.point < blind.fn_all.high


def test_strata_get_rates_of_their_own_and_sum_to_the_whole():
    """Each stratum is estimated from its rows; where labels are thick in one, the whole adjusts."""
    whole = table((30, 10, 20, 40), copies=4)
    stratum_N = np.where(np.arange(400) % 4 == 0, "prose", "boxed")
    hidden_N = (stratum_N == "boxed") & (np.arange(400) % 4 != 1)
    rates = begg_greenes(replace(whole, stratum_N=stratum_N).without_labels(hidden_N))
    assert set(rates.strata) == {"boxed", "prose"}
    assert rates.at("prose").fn.point == pytest.approx(0.4)
    assert rates.fn.point == pytest.approx(0.4)
    assert rates.at("boxed").fn.width > begg_greenes(whole).fn.width


def test_a_stratum_without_labels_is_a_band_and_no_error():
    """One slice that nobody looked at does not take the others down."""
    survey = replace(table((30, 10, 20, 40)), stratum_N=np.where(np.arange(100) < 90, "a", "b"))
    rates = begg_greenes(survey.without_labels(survey.stratum_N == "b"))
    assert math.isnan(rates.at("b").fn.point)
    assert rates.at("a").fn.point == pytest.approx(0.4)


def test_j_knows_that_both_rates_err_together():
    """Rates that share labels err in one direction; J's interval covers only if that counts."""
    rng, hits, apart = np.random.default_rng(4), [], []
    for _ in range(300):
        truth_N, survey = population(rng, fp=0.2, fn=0.2, rows=2000)
        rates = begg_greenes(labelled(rng, truth_N, survey, rejected=150, accepted=50))
        hits.append(covers(rates.informativeness, 0.6))
        apart.append(covers(replace(rates, correlation=0.0).informativeness, 0.6))
    assert np.mean(hits) >= 0.93
    assert np.mean(apart) < 0.92
    full = begg_greenes(table((30, 10, 20, 40)))
    assert full.correlation == pytest.approx(0, abs=0.02)


def test_cells_with_hardly_a_label_are_taken_together_and_it_is_said():
    """A cell that nobody labelled is estimated with its like, and the table says so."""
    survey = table((30, 10, 20, 40))
    cell_N = np.arange(100) % 10
    sparse = replace(survey, cell_N=cell_N).without_labels((cell_N < 3) & (np.arange(100) > 3))
    rates = begg_greenes(sparse)
    assert 0 < rates.fn.point < 1
    assert any("cells with labels on fewer than two" in said for said in rates.assumptions)
    assert not any("fewer than two" in said for said in begg_greenes(survey).assumptions)


@pytest.mark.parametrize(
    ("accepted", "rejected", "fp", "fn"),
    [(0, 1, 0.0, 1.0), (1, 0, 1.0, 0.0), (0, 0, None, None)],
)
def test_verdicts_of_one_kind_are_no_error(accepted, rejected, fp, fn):
    """Always accept, always reject and always abstain have the rates that follow, or none."""
    truth_N = np.arange(40) % 2
    survey = Survey(
        accepted_N=np.full(40, accepted),
        rejected_N=np.full(40, rejected),
        correct_N=truth_N,
        judge_N=truth_N,
    )
    for estimate in (begg_greenes, prediction_powered):
        rates = estimate(survey)
        for rate, expected in ((rates.fp, fp), (rates.fn, fn)):
            assert rate.point == expected if expected is not None else math.isnan(rate.point)
        assert rates.fn_all.point == (1 - accepted)
        json.dumps(rates.to_json(), allow_nan=False)


def test_shares_of_1_are_1_after_all_rounding():
    """With no wrong answer among the labels rho0 has no data; it is no artefact of rounding."""
    survey = Survey(accepted_N=np.ones(40), rejected_N=np.zeros(40), correct_N=np.ones(40),
                    judge_N=np.random.default_rng(0).random(40))  # fmt: skip
    assert math.isnan(prediction_powered(survey).fp.point)


def test_an_assumed_ppv_takes_the_level_that_is_asked_for():
    """All intervals of a table have one level; a measured PPV of another level is refused."""
    truth_N, survey = population(np.random.default_rng(30))
    gold = labelled(np.random.default_rng(31), truth_N, survey, rejected=100, accepted=0)
    rates = begg_greenes(gold, level=0.8, assume_ppv=known(0.98))
    levels = {getattr(rates, name).level for name in ("fp", "fn", "accept", "abstain", "ppv")}
    assert levels == {0.8}
    with pytest.raises(UsageError, match="level"):
        begg_greenes(gold, level=0.8, assume_ppv=share(98, 100))


def test_what_was_not_labelled_is_said():
    """The bounds of an assumed PPV are told as they are, and so are rejects without labels."""
    truth_N, survey = population(np.random.default_rng(32))
    rng = np.random.default_rng(33)
    on_rejects = labelled(rng, truth_N, survey, rejected=100, accepted=0)
    on_accepts = labelled(rng, truth_N, survey, rejected=0, accepted=100)
    said = begg_greenes(on_rejects, assume_ppv=between(0.5, 0.9)).assumptions
    assert "no accepted row was labelled: bands over any PPV in [0.5, 0.9]" in said
    assert any("no rejected row" in one for one in begg_greenes(on_accepts).assumptions)


def test_abstains_are_counted_as_not_accepted():
    """Every rate with abstains in it, against counting on a full table."""
    rng = np.random.default_rng(34)
    truth_N = rng.random(3000) < 0.6
    verdict_N = np.where(truth_N, rng.choice(3, 3000, p=[0.2, 0.7, 0.1]),
                         rng.choice(3, 3000, p=[0.6, 0.1, 0.3]))  # fmt: skip
    survey = Survey(accepted_N=verdict_N == 1, rejected_N=verdict_N == 0, correct_N=truth_N)
    gold = rates_from_arrays(np.where(verdict_N == 2, NAN, verdict_N), truth_N)
    rates = begg_greenes(survey)
    for name in ("fp", "fn", "fp_all", "fn_all", "abstain_wrong", "abstain_correct", "abstain"):
        ours, counted = getattr(rates, name), getattr(gold, name)
        assert ours.point == pytest.approx(counted.point)
        assert ours.n_eff == pytest.approx(counted.n, rel=0.02)


def test_prompts_that_move_two_parts_together_widen_what_is_made_of_both():
    """P(abstain | correct) of clustered rows covers, though accepts and rejects share prompts."""
    rng, hits = np.random.default_rng(35), []
    for _ in range(300):
        prompt_N = np.arange(800) // 8
        truth_N = rng.random(800) < rng.beta(0.3, 0.3, 100)[prompt_N]
        verdict_N = rng.choice(3, 800, p=[0.4, 0.4, 0.2])
        survey = Survey(accepted_N=verdict_N == 1, rejected_N=verdict_N == 0, correct_N=truth_N,
                        cluster_N=prompt_N)  # fmt: skip
        rates = begg_greenes(survey)
        hits.append((covers(rates.abstain_correct, 0.2), covers(rates.abstain_wrong, 0.2)))
    assert np.mean(hits, axis=0).min() >= 0.92

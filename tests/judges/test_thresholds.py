"""Thresholds keep their promise over many draws, and calibration tells what P(yes) is worth."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.errors import UsageError
from unflip.judges import (
    Judge,
    Own,
    Position,
    Reading,
    Said,
    calibration,
    chances,
    fixed_sequence,
    held_out,
    template,
    tune,
)
from unflip.judges.backends import Scripted
from unflip.judges.thresholds import GRID
from unflip.types import Outcome, Reason, Sample, Verdict

DRAWS = 400


def draw(rng, rows=300):
    """P(yes) uniform on wrong rows, higher on correct ones: the FPR of threshold t is 1 - t."""
    correct_n = rng.random(rows) < 0.5
    p_n = np.where(correct_n, rng.beta(8, 1, rows), rng.random(rows))
    return p_n, correct_n


@pytest.mark.parametrize("method", [fixed_sequence, held_out])
def test_the_true_rate_exceeds_the_limit_as_rarely_as_promised(method):
    """Of 400 data sets, at most about 10% yield a threshold whose true rate is above the limit."""
    rng = np.random.default_rng(7)
    found = [method(*draw(rng), max_fp=0.2, confidence=0.9) for _ in range(DRAWS)]
    broken = sum(one.accept_at is not None and 1 - one.accept_at > 0.2 for one in found)
    # 4 standard errors above 10% of 400.
    assert broken <= 0.1 * DRAWS + 4 * math.sqrt(DRAWS * 0.1 * 0.9)
    assert sum(one.accept_at is not None for one in found) > DRAWS / 4


def test_picking_and_bounding_on_the_same_rows_would_not():
    """The loosest threshold that looks good breaks the promise in a third of cases."""
    rng = np.random.default_rng(7)
    broken = 0
    for _ in range(DRAWS):
        p_n, correct_n = draw(rng)
        wrong_n = p_n[~correct_n]
        naive = next(t for t in reversed(GRID) if (wrong_n >= t).mean() <= 0.2)
        broken += 1 - naive > 0.2
    assert broken > DRAWS / 3


def test_rows_of_a_prompt_count_once():
    """Eight copies of each row promise no more than one."""
    rng = np.random.default_rng(3)
    p_n, correct_n = draw(rng)
    once = fixed_sequence(p_n, correct_n, max_fp=0.2)
    group_n = np.repeat(np.arange(300), 8)
    copied = fixed_sequence(np.repeat(p_n, 8), np.repeat(correct_n, 8), max_fp=0.2, group_n=group_n)
    assert (copied.accept_at, copied.upper) == (once.accept_at, once.upper)
    split = held_out(np.repeat(p_n, 8), np.repeat(correct_n, 8), max_fp=0.2, group_n=group_n)
    assert split.fp.n < 100


def test_too_few_rows_show_nothing():
    """Twenty wrong rows cannot show 1%, and the answer says so."""
    found = fixed_sequence([0.0] * 20 + [1.0], [False] * 20 + [True], max_fp=0.01)
    assert found.accept_at is None
    assert "no threshold is shown" in str(found)
    json.dumps(found.to_json(), allow_nan=False)


def test_a_looser_limit_never_gives_a_stricter_threshold():
    """More may be accepted where more errors are allowed."""
    p_n, correct_n = draw(np.random.default_rng(1), 2000)
    found = [fixed_sequence(p_n, correct_n, max_fp=limit).accept_at for limit in (0.05, 0.1, 0.3)]
    assert found == sorted(found, reverse=True)


@pytest.mark.parametrize(
    ("p_n", "correct_n", "max_fp"),
    [
        ([0.5], [True], 0.1),
        ([0.5, 0.4], [False], 0.1),
        ([1.5], [False], 0.1),
        ([0.5], [False], 0.0),
        ([math.nan], [False], 0.1),
    ],
)
@pytest.mark.parametrize("method", [fixed_sequence, held_out])
def test_what_cannot_be_bounded_is_refused(method, p_n, correct_n, max_fp):
    """No wrong row, lengths or ranges that do not fit."""
    with pytest.raises(UsageError):
        method(p_n, correct_n, max_fp=max_fp)


def test_the_grid_goes_down():
    """A grid in another order would void the test."""
    assert list(GRID) == sorted(set(GRID), reverse=True)
    with pytest.raises(UsageError, match="strictest"):
        fixed_sequence([0.5], [False], max_fp=0.1, grid=(0.1, 0.9))


def test_a_perfect_judge_is_told_from_a_boastful_one():
    """P(yes) that is right has an ECE of luck's size; one that boasts has a worse ECE and Brier."""
    rng = np.random.default_rng(5)
    p_n = rng.random(2000)
    correct_n = rng.random(2000) < p_n
    honest = calibration(p_n, correct_n, draws=100)
    boastful = calibration(np.sqrt(p_n), correct_n, draws=100)
    assert honest.ece.point < 2 * honest.ece_of_luck
    assert boastful.ece.low > 3 * boastful.ece_of_luck
    assert honest.brier.point < boastful.brier.point
    assert honest.brier.low < 1 / 6 < honest.brier.high
    assert honest.auroc == pytest.approx(boastful.auroc)
    assert sum(one.correct.n for one in honest.bins) == honest.n == 2000


def test_rows_of_a_prompt_widen_the_intervals():
    """Copies of the same rows are no more evidence."""
    p_n, correct_n = draw(np.random.default_rng(2), 200)
    group_n = np.repeat(np.arange(200), 8)
    once = calibration(p_n, correct_n)
    copied = calibration(np.repeat(p_n, 8), np.repeat(correct_n, 8), group_n=group_n)
    blind = calibration(np.repeat(p_n, 8), np.repeat(correct_n, 8))
    assert copied.brier.width == pytest.approx(once.brier.width, rel=0.2)
    assert blind.brier.width < copied.brier.width / 2


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.5001, 1.0]), st.booleans()), min_size=1)
)
def test_any_rows_have_a_table(rows):
    """Ties, one row, all correct: figures stay in range, and go to JSON."""
    table = calibration([p for p, _ in rows], [c for _, c in rows], draws=5)
    assert 0 <= table.brier.low <= table.brier.point <= table.brier.high <= 1
    assert 0 <= table.ece.point <= 1
    assert sum(one.correct.n for one in table.bins) == len(rows)
    json.dumps(table.to_json(), allow_nan=False)


def test_only_labelled_rows_with_a_chance_count():
    """Rows without a label, and verdicts without P(yes), are left out."""
    verdicts = [Verdict(Outcome.ACCEPT, Reason.MATCH, p=0.9), Verdict(Outcome.ACCEPT, Reason.MATCH)]
    p_n, correct_n, groups = chances(verdicts, [Sample("a", prompt="?", correct=True)] * 2)
    assert (p_n.tolist(), correct_n.tolist(), len(groups)) == ([0.9], [True], 1)


def steady(messages):
    """Says YES where the answer is 4."""
    return "YES" if "\n4\n" in messages[-1]["content"] else "NO"


def mixed(request):
    """An endpoint that reports log-probabilities now and then."""
    both = (("YES", math.log(0.4)), ("NO", math.log(0.6)))
    told = (Position("NO", math.log(0.6), both),)
    return Said("NO", positions=told if "\n0\n" in request.turns[-1].text else None)


def test_chances_of_two_kinds_are_not_mixed():
    """A threshold on log-probabilities and samples together would mean nothing."""
    judge = Judge(template("yes-no-blind"), Scripted(mixed), reading=Reading.CHANCE)
    rows = [Sample(str(n % 5), "four", correct=False) for n in range(200)]
    with pytest.raises(UsageError, match="logprobs and samples"):
        tune(judge, rows, max_fp=0.05)
    zeros = tune(judge, rows[::5], max_fp=0.2)
    assert zeros.judge.reading is Reading.LOGPROBS


def test_a_tuned_judge_is_the_judge_with_its_threshold():
    """It decides by the threshold that was found; one that cannot be shown yields no judge."""
    judge = Judge(template("yes-no-blind"), Own(steady), reading=Reading.SAMPLES)
    rows = [Sample(str(n % 5), "four", correct=n % 5 == 4) for n in range(200)]
    tuned = tune(judge, rows, max_fp=0.05)
    assert tuned.judge.policy.accept_at == tuned.threshold.accept_at
    assert tuned.judge.by != judge.by
    assert tuned.judge.reading is Reading.SAMPLES
    assert tuned.calibration.brier.point == 0
    assert tune(judge, rows[:10], max_fp=0.01).judge is None
    with pytest.raises(UsageError, match="CHANCE"):
        tune(Judge(template("yes-no-blind"), Own(steady)), rows, max_fp=0.05)


def test_a_judge_that_gave_no_chance_is_not_tuned():
    """The message says where to look, and not that labels are missing."""
    judge = Judge(template("yes-no-blind"), Scripted("hm"), Reading.SAMPLES)
    with pytest.raises(UsageError, match="no labelled row"):
        tune(judge, [Sample("5", "4", correct=False)], max_fp=0.1)

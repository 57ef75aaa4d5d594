"""Shares that have left the interval they were measured in: told, and seldom told wrongly."""

import numpy as np
import pytest

from unflip.correction import strayed
from unflip.errors import UsageError
from unflip.noise.gold import estimate, rates_from_arrays
from unflip.types import Outcome, Reason, Sample, Verdict

NAN = float("nan")


def measured(rng, accept=0.4, abstain=0.1, prompts=200, size=1):
    """Rates on rows with these shares; rows of a prompt all get the same verdict."""
    r_N = np.repeat(verdicts(rng, prompts, accept, abstain), size)
    truth_N = np.repeat(rng.integers(0, 2, prompts).astype(float), size)
    return rates_from_arrays(r_N, truth_N, cluster_N=np.repeat(np.arange(prompts), size))


def verdicts(rng, n, accept=0.4, abstain=0.1):
    """Verdicts with these shares."""
    draw_N = rng.random(n)
    return np.where(draw_N < accept, 1.0, np.where(draw_N < accept + abstain, NAN, 0.0))


@pytest.mark.parametrize("size", [1, 8])
def test_a_steady_policy_is_seldom_told_that_it_moved(size):
    """Less than one time in twenty, also where rows of a prompt share their fate."""
    rng = np.random.default_rng(6)
    told = [
        bool(strayed(measured(rng, size=size), np.repeat(verdicts(rng, 200), size)))
        for _ in range(200)
    ]
    assert np.mean(told) < 0.05


@pytest.mark.parametrize(
    ("moved", "name"), [({"accept": 0.8}, "accepts"), ({"abstain": 0.4}, "abstains")]
)
def test_a_policy_that_moved_is_told(moved, name):
    """Accepts and abstains, each by its name."""
    rng = np.random.default_rng(6)
    (said,) = strayed(measured(rng), verdicts(rng, 500, **moved))
    assert said.startswith(f"{name} are now")


def test_a_stratum_that_moved_is_told_by_its_name():
    """Although the whole has not."""
    accept, reject = Verdict(Outcome.ACCEPT, Reason.MATCH), Verdict(Outcome.REJECT, Reason.MISMATCH)
    samples = [
        Sample(f"{number}", "4", correct=True, stratum=name)
        for name in "ab"
        for number in range(200)
    ]
    rates = estimate([accept, reject] * 200, samples)
    r_N = np.array([1.0] * 180 + [0.0] * 20 + [0.0] * 180 + [1.0] * 20)
    said = strayed(rates, r_N, ["a"] * 200 + ["b"] * 200)
    assert [sentence.split(" are")[0] for sentence in said] == [
        "accepts in stratum 'a'",
        "accepts in stratum 'b'",
    ]
    with pytest.raises(UsageError, match="each verdict its stratum"):
        strayed(rates, r_N, ["a"])


def test_nothing_seen_is_nothing_told():
    """No verdicts, no news."""
    assert strayed(measured(np.random.default_rng(6)), []) == ()

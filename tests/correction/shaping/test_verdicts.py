"""Flawed accepts and stated confidence: switching by themselves, proper and not proper."""

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.correction.shaping.advantages import same_update, zscore
from unflip.correction.shaping import brier_reward, flawed_positive
from unflip.errors import UsageError

NAN = float("nan")
G = 8
stated = np.linspace(0, 1, 201)


def test_flawed_positive_by_hand():
    """+1, 0 and -1, a reject's flaw not asked for, and an abstain that stays one."""
    paid = flawed_positive([1, 1, 0, 0, NAN, 1], [0, 1, 1, NAN, 0, NAN])
    np.testing.assert_array_equal(paid, [1, 0, -1, -1, NAN, NAN])


def test_without_flaws_it_is_inert():
    """+1 and -1 instead of 1 and 0 is an affine map."""
    accepted = [1, 0, 0, 1, 1]
    assert same_update(accepted, flawed_positive(accepted, np.zeros(5)))


@given(st.integers(0, 6), st.integers(0, 6), st.integers(1, 3))
def test_a_flawed_accept_is_encouraged_until_clean_accepts_outnumber_rejects(clean, wrong, flawed):
    """The sign of its advantage is that of rejects minus clean accepts."""
    accepted = np.array([1] * flawed + [1] * clean + [0] * wrong)
    flaws = np.array([1] * flawed + [0] * (clean + wrong))
    if len(accepted) > 1:
        advantage = zscore(flawed_positive(accepted, flaws))[0]
        assert np.sign(round(advantage, 9)) == np.sign(wrong - clean)


def test_a_penalty_of_two_makes_a_flawed_accept_a_reject():
    """Then what the flaw judge says decides as much as the verifier."""
    accepted, flaws = [1, 1, 0], [0, 1, 0]
    assert same_update(flawed_positive(accepted, flaws, penalty=2.0), [1, 0, 0])


def test_brier_by_hand():
    """1 - (q - 1)^2 for an accept, -q^2 for a reject."""
    np.testing.assert_allclose(brier_reward([1, 0, NAN], [0.8, 0.8, 0.8]), [0.96, -0.64, NAN])


def expected(p, q):
    """The mean Brier reward of stating q where P(accept) is p."""
    return p * brier_reward(np.ones_like(q), q) + (1 - p) * brier_reward(np.zeros_like(q), q)


@given(st.floats(0, 1))
def test_honest_confidence_is_best(p):
    """A proper scoring rule: no statement earns more than P(accept), which earns p squared."""
    best = expected(p, np.array([p]))[0]
    assert best == pytest.approx(p * p)
    assert (expected(p, stated) <= best + 1e-12).all()


@given(st.floats(0, 1), st.floats(0, 0.4), st.floats(0, 0.4))
def test_under_a_noisy_verifier_honesty_is_about_the_verdict(p, fp, fn):
    """The best statement is rho0 + J p, so a calibrated policy repeats the verifier's errors."""
    accept = fp * (1 - p) + (1 - fn) * p
    best = stated[expected(accept, stated).argmax()]
    assert best == pytest.approx(fp + (1 - fp - fn) * p, abs=0.0026)


def best_statement(p, normalise):
    """What it pays most to say where P(accept) = p and seven other rows say p, by enumeration."""
    gains = np.zeros_like(stated)
    for mine in 0.0, 1.0:
        for k in range(G):
            chance = (p if mine else 1 - p) * comb(G - 1, k) * p**k * (1 - p) ** (G - 1 - k)
            others = brier_reward([1.0] * k + [0.0] * (G - 1 - k), [p] * (G - 1))
            own = brier_reward(np.full_like(stated, mine), stated)
            groups = np.concatenate([own[:, None], np.tile(others, (len(stated), 1))], axis=1)
            gains += chance * normalise(groups)[:, 0]
    return stated[gains.argmax()]


@pytest.mark.parametrize("p", [0.1, 0.3, 0.7, 0.9])
def test_centring_keeps_the_brier_reward_proper_and_dividing_by_std_does_not(p):
    """Under group std it pays to overstate what is likely and to understate what is not."""
    centred = best_statement(p, lambda r: r - r.mean(axis=-1, keepdims=True))
    assert centred == pytest.approx(p, abs=1e-9)
    assert (best_statement(p, zscore) - p) * (p - 0.5) > 0.005


def test_the_documented_statements_under_std():
    """The two figures of the docstring: .25 for .3 and .95 for .9."""
    assert best_statement(0.3, zscore) == pytest.approx(0.25, abs=0.005)
    assert best_statement(0.9, zscore) == pytest.approx(0.95, abs=0.005)


def test_confidence_is_the_whole_signal_where_verdicts_agree():
    """A group of one verdict was silent; now its most and least confident rows are far apart."""
    confidence = [0.9, 0.5, 0.1]
    assert not zscore([1, 1, 1]).any()
    assert np.ptp(zscore(brier_reward([1, 1, 1], confidence))) > 1
    assert zscore(brier_reward([0, 0, 0], confidence))[2] > 0


MISUSE = {
    "flaws of other rows": lambda: flawed_positive([1], [0, 1]),
    "a verdict of two": lambda: flawed_positive([2], [0]),
    "a negative penalty": lambda: flawed_positive([1], [0], penalty=-1.0),
    "confidence of other rows": lambda: brier_reward([1], [0.5, 0.5]),
    "confidence in percent": lambda: brier_reward([1], [50.0]),
    "a verdict of minus one": lambda: brier_reward([-1], [0.5]),
}


@pytest.mark.parametrize("call", MISUSE.values(), ids=MISUSE)
def test_misuse_is_refused(call):
    """Misfitting shapes and values out of range are usage errors."""
    with pytest.raises(UsageError):
        call()

"""The hook, its scale and its telemetry: what one training step calls."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from unflip.correction import (
    Evidence,
    Hook,
    Kind,
    Posterior,
    RateTable,
    Running,
    audit,
    backward,
    forward,
    masking,
    rloo,
    stratified_forward,
)
from unflip.correction.line import Line
from unflip.errors import UsageError

TABLE = RateTable.known([0.05, 0.8], [0.1, 0.1], strata=["honest", "hackable"])
R_B = np.array([1.0, 0.0, 1.0, np.nan, 1.0, 0.0, 0.0, 1.0])
GROUP_B = np.array([0, 0, 0, 0, 1, 1, 1, 1])
STRATUM_B = np.array([0, 0, 1, 0, 1, 0, 1, 1])
RAW = Line("raw", np.array([[0.0, 1.0]]))
# Whole thousandths: what is below the rounding of an audit has a test of its own.
advantages = hnp.arrays(float, 6, elements=st.integers(-3000, 3000).map(lambda x: x / 1000))


def step(hook, r_B=R_B):
    """One call of a hook."""
    return hook(r_B, GROUP_B, n_groups=2, stratum_B=STRATUM_B)


def test_a_hook_is_its_parts():
    """Line, then advantages, then the difference to those of the raw verdicts."""
    line = backward(TABLE)
    update = step(Hook.of(line))
    reward_B = line(R_B, STRATUM_B)
    expected_B = rloo(reward_B, GROUP_B, n_groups=2)
    np.testing.assert_array_equal(update.reward_B, reward_B)
    np.testing.assert_allclose(update.advantage_B, expected_B)
    changed = audit(expected_B, rloo(R_B, GROUP_B, n_groups=2))
    assert update.audit.to_json() == pytest.approx(changed.to_json())


def test_a_hook_that_changes_nothing_is_refused():
    """Unless it is asked for, as a control; then its audit shows no difference."""
    line = backward(RateTable.known(0.1, 0.2))
    with pytest.raises(UsageError, match="changes nothing: inert: one line for a whole group"):
        Hook.of(line, normaliser="grpo")
    hook = Hook.of(line, normaliser="grpo", allow_inert=True)
    update = hook(R_B, GROUP_B, n_groups=2)
    assert hook.effect.kind is Kind.INERT
    assert update.audit.to_json() == pytest.approx(
        {"mean": 0, "most": 0, "cosine": 1, "signs": 0}, abs=1e-4
    )


def test_a_hook_refuses_what_explain_refuses():
    """Forward weights with a baseline; and a scale that is none."""
    with pytest.raises(UsageError, match="use direct advantages"):
        Hook.of(forward(RateTable.known(0.1, 0.2)), normaliser="rloo")
    with pytest.raises(UsageError, match="scale above 0"):
        Hook.of(backward(TABLE), scale=0)


def test_direct_forward_weights_pass_through():
    """No baseline; abstains have advantage 0."""
    update = step(Hook.of(stratified_forward(TABLE), normaliser="direct"))
    expected_B = np.nan_to_num(stratified_forward(TABLE)(R_B, STRATUM_B))
    np.testing.assert_allclose(update.advantage_B, expected_B)


def test_masked_rows_are_as_if_they_were_not_there():
    """Neither they nor abstains have an advantage, or a say in others'."""
    update = step(Hook.of(masking(TABLE, ["hackable"])))
    stays_B = (STRATUM_B == 0) & ~np.isnan(R_B)
    alone_B = rloo(R_B[stays_B], GROUP_B[stays_B], n_groups=2)
    np.testing.assert_allclose(update.advantage_B[stays_B], alone_B)
    assert not update.advantage_B[~stays_B].any()


def test_rewards_from_second_looks_take_the_same_way():
    """Advantages, audit and scale of whatever rewards there are."""
    reward_B = np.linspace(-1, 1, len(R_B))
    update = Hook.of(backward(TABLE), scale=2.0).paid(reward_B, R_B, GROUP_B, n_groups=2)
    np.testing.assert_allclose(update.advantage_B, rloo(reward_B, GROUP_B, n_groups=2) / 2)
    assert update.audit.cosine < 1


def test_a_fixed_scale_divides_advantages():
    """And is not seen by the audit, which compares corrections."""
    whole, half = (step(Hook.of(backward(TABLE), scale=scale)) for scale in (1.0, 2.0))
    np.testing.assert_allclose(half.advantage_B, whole.advantage_B / 2)


def test_a_running_scale_goes_from_step_to_step():
    """The update carries the hook of the next step; the hook itself does not change."""
    hook = Hook.of(backward(TABLE), scale=Running(0.9))
    first = step(hook)
    assert hook.scale.rows == 0
    assert first.hook.scale.rows == len(R_B)
    again = step(first.hook)
    np.testing.assert_allclose(again.advantage_B, first.advantage_B)


def test_a_running_scale_is_that_of_earlier_steps():
    """Only the first step is divided by its own size."""
    scale = Running(0.5)
    scaled_B, scale = scale(np.array([3.0, -3.0]))
    assert scaled_B.tolist() == [1, -1]
    scaled_B, scale = scale(np.array([6.0, 6.0]))
    assert scaled_B.tolist() == [2, 2]
    # Decayed squares over decayed rows: (9 + 72) / (1 + 2) = 27.
    scaled_B, _ = scale(np.array([27.0**0.5]))
    assert scaled_B == pytest.approx([1])


def test_a_running_scale_survives_steps_without_signal_and_checkpoints():
    """Zeros stay zeros; the state goes to JSON and back."""
    scaled_B, scale = Running()(np.zeros(4))
    assert not scaled_B.any()
    _, scale = scale(np.ones(4))
    assert Running.from_json(scale.to_json()).to_json() == scale.to_json()
    with pytest.raises(UsageError, match="decay is a factor"):
        Running(1.0)


@given(a=advantages, b=advantages)
def test_an_audit_is_within_its_bounds(a, b):
    """Mean below most, cosine and signs within theirs, all symmetric in the two."""
    found, turned = audit(a, b).to_json(), audit(b, a).to_json()
    assert found == pytest.approx(turned)
    assert 0 <= found["mean"] <= found["most"] + 1e-12
    assert -1 - 1e-9 <= found["cosine"] <= 1 + 1e-9
    assert found["signs"] == np.mean(np.sign(a) != np.sign(b))


@given(
    r_B=hnp.arrays(np.float32, 21, elements=st.sampled_from([0, 1])),
    rho0=st.floats(0, 0.45),
    rho1=st.floats(0, 0.45),
    normaliser=st.sampled_from(["rloo", "dr_grpo", "grpo", "batch_centred"]),
)
def test_rounding_changes_no_sign(r_B, rho0, rho1, normaliser):
    """One rising line for a whole group keeps every sign: what is left of 0 in groups is none."""
    hook = Hook.of(backward(RateTable.known(rho0, rho1)), normaliser=normaliser, allow_inert=True)
    update = hook(r_B, np.arange(21) // 7, n_groups=3)
    assert update.audit.signs == 0


@pytest.mark.parametrize(("size", "share"), [(1e-7, 0), (1e-3, 0.5), (1e3, 0.5)])
def test_a_sign_counts_from_a_size_that_is_no_rounding(size, share):
    """Relative to the size of the advantages, and to 1 where all are small."""
    assert audit(np.array([size, size]), np.array([size, -size])).signs == share
    large = np.array([1e3, 1e-3])
    assert audit(large, large * [1, -1]).signs == 0


@pytest.mark.parametrize("rows", [4, 10_000])
@pytest.mark.parametrize("size", [0.1, 1e3])
def test_rounding_is_told_from_signs_whatever_the_number_of_rows(rows, size):
    """Half of 1e-5 of the root mean square, or of 1 where that is smaller."""
    whole_B, most = np.tile([size, -size], rows // 2), max(size, 1)
    for part, share in ((4e-6, 0), (6e-6, 0.25)):
        a_B, b_B = whole_B.copy(), whole_B.copy()
        a_B[: rows // 4], b_B[: rows // 4] = part * most, -part * most
        # The small rows lower the root mean square a little.
        assert audit(a_B, b_B).signs == pytest.approx(share)


def test_an_audit_of_nothing_against_something():
    """Where one is 0 throughout, there is no direction."""
    zero, one = np.zeros(3), np.ones(3)
    assert [float(audit(a, b).cosine) for a, b in ((zero, zero), (zero, one), (one, 3 * one))] == (
        pytest.approx([0, 0, 1])
    )
    assert audit(one, -one).to_json() == pytest.approx(
        {"mean": 2, "most": 2, "cosine": -1, "signs": 1}
    )


def test_the_raw_verdict_is_its_own_control():
    """The identity through the same plumbing changes nothing, which is what a control needs."""
    update = Hook.of(RAW, allow_inert=True)(R_B, GROUP_B, n_groups=2)
    assert update.audit.to_json() == pytest.approx({"mean": 0, "most": 0, "cosine": 1, "signs": 0})


def test_a_hook_for_second_looks_needs_no_rates():
    """It says what `explain` says of them, takes their rewards, and never the bare verdict."""
    hook = Hook.of(Evidence.DOUBLY_ROBUST)
    reward_B = np.linspace(-1, 1, len(R_B))
    update = hook.paid(reward_B, R_B, GROUP_B, n_groups=2)
    np.testing.assert_allclose(update.advantage_B, rloo(reward_B, GROUP_B, n_groups=2))
    assert hook.effect.kind is Kind.ACTIVE
    with pytest.raises(UsageError, match=r"give them to Hook\.paid"):
        step(hook)
    with pytest.raises(UsageError, match="changes nothing"):
        Hook.of(Evidence.RATES_ONLY)
    assert Hook.of(Posterior.fit([1, 0], [1, 0], [0, 0], n_strata=1)).effect.kind is Kind.ACTIVE


def test_an_empty_batch_is_a_step_without_news():
    """As where every group was filtered out."""
    nothing_B = np.zeros(0)
    update = Hook.of(backward(TABLE)).paid(nothing_B, nothing_B, nothing_B.astype(int), n_groups=0)
    assert update.advantage_B.shape == (0,)
    assert set(update.audit.to_json().values()) == {0}


@pytest.mark.parametrize(
    ("r_shape", "group_shape"),
    [((2, 4), 8), ((2, 4), (2, 4)), ((8, 1), 8), (8, (8, 1)), (8, 7), (7, 8), ((), 1)],
)
def test_what_is_no_column_is_refused(r_shape, group_shape):
    """Verdicts by group, or with a dimension too many: the message says what to give."""
    hook = Hook.of(RAW, allow_inert=True)
    with pytest.raises(UsageError, match="number the group of each row"):
        hook(np.ones(r_shape), np.zeros(group_shape, int), n_groups=1)

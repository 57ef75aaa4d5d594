"""slime's contract, as its published source has it: the reward function and its post-process."""

import asyncio
import inspect
import json
import math
import pickle
from dataclasses import field, make_dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.correction import Hook, RateTable, backward, grpo, masking
from unflip.errors import UsageError
from unflip.integrations.slime import Post, Reward
from unflip.integrations.verdicts import uncorrected
from unflip.plugins import load

HOST = json.loads((Path(__file__).parents[2] / "fixtures/integrations/slime.json").read_text())
Row = make_dataclass("Row", [(name, object, field(default=None)) for name in HOST["sample"]])
TABLE = RateTable.known([0.05, 0.8], [0.1, 0.1], strata=["honest", "hackable"])
ARGS = SimpleNamespace(
    custom_reward_post_process_path="rewards.post",
    reward_key=None,
    advantage_estimator="grpo",
    normalize_advantages=False,
)


def row(reward=None, group=0, stratum="honest", response="4", label="4"):
    """A sample as slime has it."""
    return Row(
        group_index=group, prompt="2 + 2 = ?", response=response, label=label, reward=reward,
        remove_sample=False, metadata={"stratum": stratum},
    )  # fmt: skip


def broken(sample):
    """A verifier that raises."""
    raise RuntimeError(sample.text)


def last_letter(sample):
    """A stratum that the response decides."""
    return "hackable" if sample.text.endswith("#") else "honest"


def test_slime_can_call_both():
    """Our objects take the arguments that slime passes, by position."""
    for ours, host in ((Reward, "reward"), (Reward, "group_reward"), (Post, "post")):
        inspect.signature(ours.__call__).bind("self", *HOST[host]["arguments"])
    assert inspect.iscoroutinefunction(Reward.__call__) is HOST["reward"]["awaited"]
    assert len(Post(uncorrected())(ARGS, [row(1.0)])) == len(HOST["post"]["returns"])


def test_outcomes_become_one_zero_and_nan():
    """Accept 1, reject 0, abstain NaN; and the reason is with the sample."""
    reward, samples = Reward(load("exact")), [row(), row(response="5"), row(label=None)]
    paid = [asyncio.run(reward(ARGS, sample)) for sample in samples]
    assert paid[:2] == [1.0, 0.0]
    assert math.isnan(paid[2])
    told = [sample.metadata["unflip"]["reason"] for sample in samples]
    assert told == ["match", "mismatch", "no_reference"]
    assert samples[0].metadata["unflip"]["by"] == reward.by


def test_a_verifier_that_raises_abstains():
    """An error of ours is no reward of 0."""
    assert math.isnan(asyncio.run(Reward(broken)(ARGS, row())))


def test_group_rm_gets_a_list():
    """With --group-rm, samples come as a list and rewards go as one."""
    rewards = asyncio.run(Reward(load("exact"))(ARGS, [row(), row(response="5")]))
    assert rewards == [1.0, 0.0]


def test_without_the_post_process_it_is_refused():
    """Slime's own normalisation would make NaN of the whole group."""
    args = SimpleNamespace(custom_reward_post_process_path=None)
    with pytest.raises(UsageError, match="--custom-reward-post-process-path"):
        asyncio.run(Reward(load("exact"))(args, row()))


def test_both_pickle():
    """Ray sends them to other processes."""
    post = Post(Hook.of(backward(TABLE)), last_letter)
    again = pickle.loads(pickle.dumps((Reward(load("exact")), post)))
    assert again[0].by == load("exact").by


def test_clean_verdicts_get_the_advantages_of_slime():
    """Without a correction and abstains, it is slime's normalisation, up to its eps."""
    r = np.array([[1.0, 0.0, 0.0, 1.0], [1.0, 1.0, 1.0, 0.0]])
    samples = [row(x, group) for group, rs in enumerate(r) for x in rs]
    _, advantages = Post(uncorrected("grpo"))(ARGS, samples)
    spread = r.std(1, keepdims=True, ddof=1) + HOST["eps"]
    expected = (r - r.mean(1, keepdims=True)) / spread
    np.testing.assert_allclose(advantages, expected.ravel(), rtol=1e-3)


def test_groups_are_those_of_the_samples():
    """Uneven groups, in any order, each have a mean of their own."""
    samples = [row(r, g) for r, g in ((1.0, 7), (0.0, 3), (0.0, 7), (1.0, 3), (1.0, 7))]
    _, advantages = Post(uncorrected("grpo"))(ARGS, samples)
    r_B, group_B = np.array([1.0, 0.0, 0.0, 1.0, 1.0]), np.array([1, 0, 1, 0, 1])
    np.testing.assert_allclose(advantages, grpo(r_B, group_B, n_groups=2))


def test_an_abstain_weighs_nothing():
    """It is out of the baseline, has advantage 0, and leaves the loss."""
    rewards = [1.0, math.nan, 0.0, 0.0]
    samples = [row(r) for r in rewards]
    _, advantages = Post(uncorrected())(ARGS, samples)
    _, without = Post(uncorrected())(ARGS, [row(r) for r in rewards if not math.isnan(r)])
    assert advantages[1] == 0
    assert advantages[:1] + advantages[2:] == pytest.approx(without)
    assert [sample.remove_sample for sample in samples] == [False, True, False, False]


def test_a_masked_stratum_leaves_the_loss_too():
    """What the correction gives no weight, slime's loss leaves out."""
    post = Post(Hook.of(masking(TABLE, ["hackable"])))
    samples = [row(1.0), row(0.0), row(1.0, stratum="hackable"), row(1.0)]
    _, advantages = post(ARGS, samples)
    assert [sample.remove_sample for sample in samples] == [False, False, True, False]
    assert advantages[2] == 0


def test_strata_of_responses_are_corrected():
    """The stratum may depend on what the model wrote, and the advantages are the hook's."""
    hook = Hook.of(backward(TABLE))
    samples = [row(1.0, response="4#"), row(1.0), row(0.0), row(0.0, response="5#")]
    post = Post(hook, last_letter)
    _, advantages = post(ARGS, samples)
    code_B, group_B = np.array([1, 0, 0, 1]), np.zeros(4, dtype=int)
    update = hook(np.array([1.0, 1.0, 0.0, 0.0]), group_B, n_groups=1, stratum_B=code_B)
    assert advantages == pytest.approx(update.advantage_B.tolist())
    assert post.telemetry == pytest.approx(update.audit.to_json())


@given(st.lists(st.sampled_from([0.0, 1.0, math.nan]), min_size=1, max_size=12))
def test_the_mean_that_slime_logs_is_that_of_decided_rows(rewards):
    """An abstain moves the logged mean neither up nor down, and no advantage is NaN."""
    raw, advantages = Post(uncorrected())(ARGS, [row(r) for r in rewards])
    known = [r for r in rewards if not math.isnan(r)]
    assert np.mean(raw) == pytest.approx(np.mean(known) if known else 0.5)
    assert np.isfinite(advantages).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"advantage_estimator": "ppo"}, "use one of grpo"),
        ({"normalize_advantages": True}, "unset it"),
    ],
)
def test_what_would_undo_the_advantages_is_refused(change, said):
    """Estimators and flags that normalise once more."""
    with pytest.raises(UsageError, match=said):
        Post(uncorrected())(SimpleNamespace(**{**vars(ARGS), **change}), [row(1.0)])


def test_rates_of_another_verifier_are_refused():
    """Each sample says whose verdict it has; of other rewards nobody knows."""
    sample = row(label="4")
    sample.reward = asyncio.run(Reward(load("exact"))(ARGS, sample))
    other = RateTable.known(TABLE.rho0_S, TABLE.rho1_S, strata=TABLE.strata, by="math@1+abcdef")
    post = Post(Hook.of(backward(other)))
    with pytest.raises(UsageError, match="these rates are 'math@1"):
        post(ARGS, [sample])
    assert post(ARGS, [row(1.0), row(0.0)])[1] == pytest.approx([1 / 0.85, -1 / 0.85])


def test_a_sample_without_a_group_is_refused():
    """Guessing groups by position is how uneven ones come to share a mean."""
    with pytest.raises(UsageError, match="group_index"):
        Post(uncorrected())(ARGS, [row(1.0, group=None)])

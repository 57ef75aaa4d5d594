"""Appeals, learned rates, drift and awaited rewards inside TRL's real trainer."""

import asyncio
import importlib.util
import json
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

trl = pytest.importorskip("trl")

from unflip.correction import (  # noqa: E402
    Evidence,
    Hook,
    RateTable,
    Running,
    backward,
    posterior,
    rloo,
    stratified_forward,
)
from unflip.errors import UsageError  # noqa: E402
from unflip.integrations.trl import Looking, reward_func  # noqa: E402
from unflip.integrations.trl.correcting import Correction  # noqa: E402
from unflip.integrations.trl.mixin import STATE  # noqa: E402
from unflip.integrations.trl.releases import awaits  # noqa: E402
from unflip.noise.gold import rates_from_arrays  # noqa: E402
from unflip.types import Outcome, Reason, Verdict  # noqa: E402

# TRL and its neighbours announce changes of their own.
pytestmark = pytest.mark.filterwarnings("default")
HERE = Path(__file__).parent
_spec = importlib.util.spec_from_file_location("digits", HERE / "digits.py")
digits = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(digits)
Digit, Truth, trainer_of, watched = (
    digits.Digit,
    digits.Truth,
    digits.trainer_of,
    digits.watched,
)
TABLE = hasattr(trl.GRPOTrainer, "_log_completion_extra")


def stratified():
    """Backward with two strata, from rates that are a guess."""
    table = RateTable.known([0.1, 0.5], [0.1, 0.2], strata=["a", "b"])
    return Hook.of(backward(table), normaliser="rloo", strata="prompt")


@dataclass(frozen=True)
class Noted:
    """A second look that remembers what it said."""

    said: list
    by: str = "noted@1+000000"

    def __call__(self, sample):
        verdict = Truth()(sample)
        self.said.append(float(verdict.accepted))
        return verdict


def test_looking_at_all_rows_trains_on_the_truth(tmp_path):
    """With a share of 1, advantages are `rloo` of the second look's verdicts."""
    said, seen = [], 0
    trainer = trainer_of(tmp_path, max_steps=3)
    assert trainer.appeal(Noted(said), share=1.0).kind == "active"
    for reward_BK, advantage_B, _ in watched(trainer):
        truth_B = np.array(said[seen : seen + len(advantage_B)])
        seen += len(advantage_B)
        assert (truth_B != reward_BK[:, 0]).any()
        group_B = np.arange(len(truth_B)) // 4
        wanted_B = rloo(truth_B, group_B, n_groups=len(truth_B) // 4)
        assert np.allclose(advantage_B, wanted_B, atol=1e-5)


def test_appeals_beside_another_reward_and_abstains(tmp_path):
    """Weights are kept, and an abstain weighs nothing although the other reward pays it."""
    rewards = [reward_func(Digit(abstains=True)), digits.length]
    trainer = trainer_of(tmp_path, rewards, reward_weights=[2.0, 0.5], max_steps=4)
    trainer.appeal(Truth(), share=0.5, reward="digit", strata=digits.form)
    abstained = 0
    for reward_BK, advantage_B, _ in watched(trainer):
        abstains = np.isnan(reward_BK[:, 0])
        abstained += abstains.sum()
        assert (advantage_B[abstains] == 0).all()
        assert np.isfinite(advantage_B).all()
    assert abstained
    assert set(trainer.appealing.names) == {"a", "b"}


def test_what_appeals_cost_is_logged(tmp_path):
    """Shares, overturned verdicts and rates are metrics; every row says whether it was seen."""
    trainer = trainer_of(tmp_path, log_completions=True, num_completions_to_print=0)
    trainer.appeal(Truth(), share=0.5, strata="form")
    trainer.train()
    row = next(row for row in trainer.state.log_history if "appeals/looks" in row)
    assert 0 < row["appeals/looks"] <= 8
    assert row["appeals/share"] == row["appeals/looks"] / 8
    assert {"appeals/most", "rates/accept", "correction/cosine", "correction/masked"} <= set(row)
    if TABLE:
        column = list(trainer._logs["extra"]["appeals/second_look"])
        assert set(column) <= {None, "correct", "wrong"}
        assert list(trainer._logs["extra"]["appeals/chance"]) == pytest.approx([0.5] * 8, abs=0.4)


@pytest.mark.skipif(not TABLE, reason="this TRL has no channel for columns")
def test_evaluation_keeps_the_table_whole(tmp_path):
    """Rows of an evaluation have the columns too, and nobody looks at them."""
    said = []
    trainer = trainer_of(tmp_path, log_completions=True, num_completions_to_print=0, max_steps=1)
    trainer.appeal(Noted(said), share=1.0)
    trainer.eval_dataset = digits.tiny.rows(8)
    trainer.evaluate(digits.tiny.rows(8))
    assert not said
    assert set(trainer._logs["extra"]["appeals/second_look"]) == {None}
    trainer.train()
    assert len(said) == 8


def test_appeals_resume_as_if_nothing_had_happened(tmp_path):
    """The same looks, the same rewards, the same scale."""

    def start():
        trainer = trainer_of(tmp_path, save_strategy="steps", save_steps=2, max_steps=4)
        hook = Hook.of(Evidence.DOUBLY_ROBUST, normaliser="rloo", scale=Running(0.9))
        trainer.appeal(Truth(), share=0.5, hook=hook, strata="form")
        return trainer

    whole = start()
    batches = watched(whole)
    resumed = start()
    again = watched(resumed, resume_from_checkpoint=str(tmp_path / "checkpoint-2"))
    assert resumed.appealing.to_json() == whole.appealing.to_json()
    for one, other in zip(batches[-2:], again[-2:], strict=True):
        assert np.allclose(one[1], other[1], atol=1e-5)
    kept = json.loads((tmp_path / "checkpoint-2" / STATE).read_text())
    assert kept["appeal"]["batches"] == 2


@pytest.mark.parametrize(
    "changes",
    [{"num_iterations": 2}, {"steps_per_generation": 2, "gradient_accumulation_steps": 1}],
)
def test_appeals_of_old_completions_are_warned_of(tmp_path, changes):
    """A clip goes by the advantage's sign, which a second look may turn: a bias, and it is told."""
    with pytest.warns(UserWarning, match="older than the policy are clipped"):
        effect = trainer_of(tmp_path, **changes).appeal(Truth(), share=0.1)
    assert "num_iterations=1" in str(effect)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        trainer_of(tmp_path).appeal(Truth(), share=0.1)


@pytest.mark.parametrize("scale", ["group", "batch"])
def test_a_std_after_appeals_is_refused(tmp_path, scale):
    """It would weigh down the rows that were looked at."""
    with pytest.raises(UsageError, match="scale_rewards='none'"):
        trainer_of(tmp_path, scale_rewards=scale).appeal(Truth(), share=0.1)


def test_one_way_to_correct_at_a_time(tmp_path):
    """Appeals look again and keep rates by themselves; and their hook is made for them."""
    trainer = trainer_of(tmp_path)
    with pytest.raises(UsageError, match="leave the hook out"):
        trainer.appeal(Truth(), share=0.1, hook=stratified())
    with pytest.raises(UsageError, match=r"trainer\.appeal\(second_look"):
        trainer.correct(Hook.of(Evidence.DOUBLY_ROBUST, normaliser="rloo"))
    trainer.appeal(Truth(), share=0.1)
    for call in (
        lambda: trainer.correct(stratified(), strata="form"),
        lambda: trainer.watch(Truth(), share=0.1),
        lambda: trainer.appeal(Truth(), share=0.1),
    ):
        with pytest.raises(UsageError, match="does not go with what was called before"):
            call()


def test_a_foreign_reward_cannot_be_appealed(tmp_path):
    """Nobody knows what it saw."""
    trainer = trainer_of(tmp_path, [digits.length])
    with pytest.raises(UsageError, match=r"made by reward_func\(verifier\)"):
        trainer.appeal(Truth(), share=0.1)


def test_learned_rates_take_over_from_the_guess(tmp_path, monkeypatch):
    """The line goes by second looks of the batches before, and by the guess till then."""
    trainer = trainer_of(tmp_path, max_steps=12, per_device_train_batch_size=32)
    trainer.correct(stratified(), strata="form")
    trainer.watch(Truth(), share=1.0, learn=backward, looking=Looking(decay=1.0))
    prior, lines = trainer.correction.hook.line.line_S2, []
    go_by = Correction.go_by

    def noting(self, line):
        lines.append(line.line_S2)
        go_by(self, line)

    monkeypatch.setattr(Correction, "go_by", noting)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        batches = watched(trainer)
    assert (lines[0] == prior).all()
    assert not np.array_equal(lines[-1], prior, equal_nan=True)
    for (reward_BK, advantage_B, inputs), line_S2 in zip(batches, lines, strict=True):
        code_B = np.array(["ab".index(row["form"]) for row in inputs])
        paid_B = line_S2[code_B, 0] + line_S2[code_B, 1] * reward_BK[:, 0]
        group_B = np.arange(len(paid_B)) // 4
        wanted_B = rloo(paid_B, group_B, n_groups=len(paid_B) // 4)
        assert np.allclose(advantage_B, wanted_B, atol=1e-4)


def test_learned_rates_survive_a_checkpoint(tmp_path):
    """A resumed run goes by the same lines."""

    def start():
        trainer = trainer_of(tmp_path, save_strategy="steps", save_steps=2, max_steps=4)
        trainer.correct(stratified(), strata="form")
        trainer.watch(Truth(), share=0.5, learn=backward)
        return trainer

    whole, resumed = start(), start()
    batches = watched(whole)
    again = watched(resumed, resume_from_checkpoint=str(tmp_path / "checkpoint-2"))
    assert resumed.watching.to_json() == whole.watching.to_json()
    for one, other in zip(batches[-2:], again[-2:], strict=True):
        assert np.allclose(one[1], other[1], atol=1e-5)


def test_learning_needs_a_correction_with_a_baseline(tmp_path):
    """Something must hold until labels are there, and masks must be neutral."""
    trainer = trainer_of(tmp_path)
    with pytest.raises(UsageError, match=r"call correct\(hook\) first"):
        trainer.watch(Truth(), share=0.1, learn=backward)
    table = RateTable.known([0.1, 0.5], [0.1, 0.2], strata=["a", "b"])
    direct = Hook.of(stratified_forward(table), normaliser="direct")
    trainer.correct(direct, strata=digits.form)
    with pytest.raises(UsageError, match="without a baseline"):
        trainer.watch(Truth(), share=0.1, learn=backward)
    trainer.correct(stratified(), strata="form")
    with pytest.raises(UsageError, match="makes a line of rates"):
        trainer.watch(Truth(), share=0.1, learn=lambda table: None)
    trainer.watch(Truth(), share=0.1, learn=backward)
    with pytest.raises(UsageError, match="correct\\(\\) comes first"):
        trainer.correct(stratified(), strata="form")


@pytest.mark.parametrize("scale", ["none", "group", "batch"])
def test_learned_lines_without_an_effect_are_refused(tmp_path, scale):
    """One line for all rows is removed by the trainer, whatever its rates are learned from."""
    trainer = trainer_of(tmp_path, scale_rewards=scale)
    trainer.correct()
    with pytest.raises(UsageError, match="lines of learned rates change nothing"):
        trainer.watch(Truth(), share=0.1, learn=backward)


def test_learned_posteriors_of_prompts_are_refused(tmp_path):
    """A column is a stratum of prompts, and there a posterior starves the hard ones."""
    trainer = trainer_of(tmp_path)
    trainer.correct(stratified(), strata="form")
    with pytest.raises(UsageError, match="starves hard prompts"):
        trainer.watch(Truth(), share=0.1, learn=posterior)


def test_rates_of_another_reward_are_not_learned(tmp_path):
    """A line for one verifier is not made of what was seen of another."""
    trainer = trainer_of(tmp_path, [reward_func(Digit()), reward_func(Truth())])
    trainer.correct(stratified(), reward="digit", strata="form")
    with pytest.raises(UsageError, match="of the same reward"):
        trainer.watch(Truth(), share=0.1, reward="truth", learn=backward)


def test_drift_is_watched_by_the_verifiers_own_rates(tmp_path):
    """Rates of another verifier say nothing of this one's shares."""
    measured = rates_from_arrays([1, 0, 0, 1], [1, 0, 0, 0])
    with pytest.raises(UsageError, match="these rates are 'math"):
        trainer_of(tmp_path).correct(rates=replace(measured, by="math@1+ab12cd"))


def test_a_policy_that_has_moved_is_told(tmp_path):
    """Rates measured where nearly all was accepted do not fit this policy."""
    measured = rates_from_arrays(np.tile([1] * 19 + [0], 200), np.tile([1] * 10 + [0] * 10, 200))
    trainer = trainer_of(tmp_path, per_device_train_batch_size=32, max_steps=2)
    trainer.correct(rates=measured)
    with pytest.warns(UserWarning, match="the policy has moved: accepts are now"):
        trainer.train()
    told = [row["correction/strayed"] for row in trainer.state.log_history if "loss" in row]
    assert told[-1] >= 1


@dataclass(frozen=True)
class Waiting:
    """An async verifier that is done when another one is there."""

    meeting: asyncio.Barrier
    name: str

    async def __call__(self, sample):
        await self.meeting.wait()
        accepts = Digit()(sample).accepted
        said = (Outcome.ACCEPT, Reason.MATCH) if accepts else (Outcome.REJECT, Reason.MISMATCH)
        return Verdict(*said, by=f"{self.name}@1+000000")


@pytest.mark.skipif(not awaits(), reason="this TRL awaits no reward functions")
def test_trl_awaits_asynchronous_rewards_together(tmp_path):
    """Two async rewards of a batch wait for each other, and the correction hears the verdicts."""
    meeting = asyncio.Barrier(16)
    rewards = [
        reward_func(Waiting(meeting, name), asynchronous=True, deadline=60, name=name)
        for name in ("one", "two")
    ]
    trainer = trainer_of(tmp_path, rewards, max_steps=2)
    table = RateTable.known([0.1, 0.5], [0.1, 0.2], strata=["a", "b"])
    hook = Hook.of(backward(table), normaliser="rloo")
    trainer.correct(hook, reward="one", strata=digits.form)
    trainer.watch(Truth(), reward="two", share=1.0)
    for reward_BK, advantage_B, _ in watched(trainer):
        assert not np.isnan(reward_BK).any()
        assert (reward_BK[:, 0] == reward_BK[:, 1]).all()
        assert advantage_B.any()
    assert trainer.watching.online.whole.step == 2


def test_an_async_verifier_trains_in_the_plain_form_too(tmp_path):
    """On every release, and also as the second look."""
    meeting = asyncio.Barrier(8)
    reward = reward_func(Waiting(meeting, "one"), deadline=60)
    trainer = trainer_of(tmp_path, [reward], max_steps=2)
    trainer.appeal(Waiting(meeting, "again"), share=1.0, looking=Looking(deadline=60))
    for reward_BK, *_ in watched(trainer):
        assert set(reward_BK[:, 0]) <= {0.0, 1.0}
    assert trainer.appealing.online.rates().fn.point == 0

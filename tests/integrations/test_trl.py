"""TRL's real GRPOTrainer with corrected advantages: a few steps of a tiny model on the CPU."""

import importlib.util
import inspect
import json
import os
import pickle
import re
import socket
import subprocess
import sys
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
trl = pytest.importorskip("trl")
import torch  # noqa: E402

from tests.correction.waiting import no_waiting  # noqa: E402
from unflip.correction import (  # noqa: E402
    Hook,
    Line,
    RateTable,
    Running,
    backward,
    clean_std,
    dr_grpo,
    grpo,
    posterior,
    rloo,
    stratified_forward,
)
from unflip.errors import DataError, UsageError  # noqa: E402
from unflip.integrations.trl import (  # noqa: E402
    Corrected,
    CorrectedGRPOTrainer,
    Looking,
    reward_func,
)
from unflip.integrations.trl.mixin import STATE  # noqa: E402
from unflip.integrations.trl.releases import warn_once  # noqa: E402
from unflip.rollouts import read  # noqa: E402
from unflip.types import Sample  # noqa: E402

# TRL and its neighbours announce changes of their own.
pytestmark = pytest.mark.filterwarnings("default")
HERE = Path(__file__).parent


def beside(name):
    """A module in this folder; workers can import it, too."""
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


digits = beside("digits")
tiny = digits.tiny
Digit, Truth, length, form = digits.Digit, digits.Truth, digits.length, digits.form
trainer_of, losses, watched = digits.trainer_of, digits.losses, digits.watched
MASKS_NONE = tuple(map(int, trl.__version__.split(".")[:2])) >= (1, 6)


def identity(normaliser="dr_grpo"):
    """A correction that corrects nothing."""
    return Hook.of(Line("verdict", np.array([[0.0, 1.0]])), normaliser=normaliser, allow_inert=True)


def stratified(**options):
    """Backward with two strata."""
    table = RateTable.known([0.1, 0.5], [0.1, 0.2], strata=["a", "b"])
    return Hook.of(backward(table), normaliser="rloo", **options)


def groups_of(advantages, size=4):
    """The index of each row's group, and their number."""
    return np.arange(len(advantages)) // size, len(advantages) // size


@pytest.mark.parametrize(
    ("normaliser", "changes"),
    [
        ("dr_grpo", {"scale_rewards": "none"}),
        ("grpo", {"scale_rewards": "group"}),
        ("batch_centred", {"scale_rewards": "batch"}),
        ("dr_grpo", {"scale_rewards": "none", "gradient_accumulation_steps": 2}),
        ("dr_grpo", {"scale_rewards": "none", "num_iterations": 2}),
    ],
)
def test_identity_reproduces_trl(tmp_path, normaliser, changes):
    """A hook that corrects nothing leaves TRL's losses and gradients as they are."""
    theirs = trainer_of(tmp_path, kind=trl.GRPOTrainer, **changes)
    theirs.train()
    ours = trainer_of(tmp_path, **changes)
    ours.correct(identity(normaliser))
    ours.train()
    assert any(norm > 0 for _, norm in losses(theirs))
    assert np.allclose(losses(ours), losses(theirs), atol=1e-5)


def test_without_correct_it_is_trl(tmp_path):
    """The class by itself changes nothing."""
    theirs = trainer_of(tmp_path, kind=trl.GRPOTrainer)
    theirs.train()
    # Making a trainer seeds everything, so the second is made after the first has trained.
    ours = trainer_of(tmp_path)
    ours.train()
    assert losses(ours) == losses(theirs)


def test_an_abstain_leaves_the_baseline(tmp_path):
    """Its advantage is 0, and those of its group are made of the others."""
    trainer = trainer_of(tmp_path, [reward_func(Digit(abstains=True))], max_steps=4)
    trainer.correct()
    abstained = 0
    for reward_BK, advantage_B, _ in watched(trainer):
        verdict_B = reward_BK[:, 0]
        abstained += np.isnan(verdict_B).sum()
        assert (advantage_B[np.isnan(verdict_B)] == 0).all()
        mean_B = np.repeat([np.nanmean(g) for g in verdict_B.reshape(-1, 4)], 4)
        decided = ~np.isnan(verdict_B)
        alone = np.repeat(decided.reshape(-1, 4).sum(1) < 2, 4)
        wanted_B = np.where(decided & ~alone, verdict_B - mean_B, 0)
        assert np.allclose(advantage_B, wanted_B, atol=1e-6)
    assert abstained


def test_an_abstain_is_masked_beside_another_reward(tmp_path):
    """The other reward does not pay a row on which the verifier abstained."""
    trainer = trainer_of(tmp_path, [length, reward_func(Digit(abstains=True))], max_steps=4)
    trainer.correct(reward="digit")
    seen = [
        (advantage_B[np.isnan(reward_BK[:, 1])], reward_BK)
        for reward_BK, advantage_B, _ in watched(trainer)
    ]
    assert sum(len(zero_b) for zero_b, _ in seen)
    assert all((zero_b == 0).all() for zero_b, _ in seen)


@pytest.mark.parametrize("way", ["correct", "appeal"])
def test_an_abstain_of_a_verifier_beside_it_masks_too(tmp_path, way):
    """Nobody pays it 0: the sum that the row would have is not known."""
    rewards = [reward_func(Digit(), name="one"), reward_func(Digit(abstains=True), name="two")]
    trainer = trainer_of(tmp_path, rewards, reward_weights=[1.0, 0.5], max_steps=4)
    if way == "correct":
        trainer.correct(reward="one")
    else:
        trainer.appeal(Truth(), share=1.0, reward="one")
    masked = 0
    for reward_BK, advantage_B, _ in watched(trainer):
        abstains = np.isnan(reward_BK[:, 1])
        masked += abstains.sum()
        assert (advantage_B[abstains] == 0).all()
        if way == "correct":
            total_B = np.where(abstains, np.nan, reward_BK[:, 0] + 0.5 * reward_BK[:, 1])
            group_B, n = groups_of(advantage_B)
            wanted_B = dr_grpo(total_B, group_B, n_groups=n)
            assert np.allclose(advantage_B, wanted_B, atol=1e-5)
    assert masked


def test_a_verifier_without_weight_masks_nothing(tmp_path):
    """It is only looked at; neither does None of a function that is no verifier, as in TRL."""
    rewards = [
        reward_func(Digit(), name="one"),
        reward_func(Digit(abstains=True), name="two"),
        lambda completions, **_: [None] * len(completions),
    ]
    trainer = trainer_of(tmp_path, rewards, reward_weights=[1.0, 0.0, 1.0], max_steps=2)
    trainer.correct(reward="one")
    for reward_BK, advantage_B, _ in watched(trainer):
        group_B, n = groups_of(advantage_B)
        wanted_B = dr_grpo(reward_BK[:, 0], group_B, n_groups=n)
        assert np.allclose(advantage_B, wanted_B, atol=1e-5)


def test_strata_by_column_are_corrected_as_the_functions_say(tmp_path):
    """Advantages are `rloo` of `backward`, with each prompt's stratum from a column."""
    trainer = trainer_of(tmp_path)
    hook = stratified(strata="prompt")
    trainer.correct(hook, strata="form")
    for reward_BK, advantage_B, inputs in watched(trainer):
        code_B = np.array(["ab".index(row["form"]) for row in inputs])
        group_B, n = groups_of(advantage_B)
        wanted_B = rloo(hook.line(reward_BK[:, 0], code_B), group_B, n_groups=n)
        assert np.allclose(advantage_B, wanted_B, atol=1e-5)


def test_strata_by_a_rule_see_sample_and_verdict(tmp_path):
    """A rule gets what the verifier saw and decided; the strata of one group differ."""
    asked = []

    def rule(sample, verdict):
        asked.append((sample, verdict))
        return form(sample, verdict)

    trainer = trainer_of(tmp_path, max_steps=1)
    hook = stratified()
    trainer.correct(hook, strata=rule)
    ((reward_BK, advantage_B, _),) = watched(trainer)
    code_B = np.array(["ab".index(form(*one)) for one in asked])
    assert [float(verdict.accepted) for _, verdict in asked] == reward_BK[:, 0].tolist()
    group_B, n = groups_of(advantage_B)
    wanted_B = rloo(hook.line(reward_BK[:, 0], code_B), group_B, n_groups=n)
    assert np.allclose(advantage_B, wanted_B, atol=1e-5)


def test_a_stratum_without_rates_weighs_nothing(tmp_path):
    """What a model writes must not end the training: the row is masked, with a warning."""
    trainer = trainer_of(tmp_path, max_steps=1)
    trainer.correct(stratified(), strata=lambda sample, verdict: "c")
    with pytest.warns(UserWarning, match="strata without rates"):
        ((_, advantage_B, _),) = watched(trainer)
    assert (advantage_B == 0).all()


def test_other_rewards_keep_their_weights(tmp_path):
    """Advantages are made of w1 r_hat + w2 r2."""
    trainer = trainer_of(tmp_path, [reward_func(Digit()), length], reward_weights=[2.0, 0.5])
    line = backward(RateTable.known(0.2, 0.3))
    hook = Hook.of(line, normaliser="rloo", others=["reward"])
    assert trainer.correct(hook, reward="digit").kind == "active"
    for reward_BK, advantage_B, _ in watched(trainer):
        group_B, n = groups_of(advantage_B)
        total_B = 2 * line(reward_BK[:, 0]) + 0.5 * reward_BK[:, 1]
        assert np.allclose(advantage_B, rloo(total_B, group_B, n_groups=n), atol=1e-5)


def test_chats_are_trained_on(tmp_path):
    """A conversational dataset gives chats to the verifier."""
    trainer = trainer_of(tmp_path, data=tiny.rows(chat=True), max_steps=1)
    trainer.correct(identity())
    trainer.train()
    assert losses(trainer)


def test_telemetry_is_logged(tmp_path):
    """The audit appears among TRL's metrics, and says how far advantages moved."""
    trainer = trainer_of(tmp_path, [reward_func(Digit(abstains=True))])
    trainer.correct(stratified(strata="prompt"), strata="form")
    trainer.train()
    rows = [row for row in trainer.state.log_history if "correction/mean" in row]
    assert len(rows) == 3
    assert {"correction/most", "correction/cosine", "correction/signs", "correction/masked"} <= set(
        rows[0]
    )
    assert max(row["correction/mean"] for row in rows) > 0
    assert max(row["correction/masked"] for row in rows) > 0


@pytest.mark.skipif(
    not hasattr(trl.GRPOTrainer, "_log_metric"), reason="this TRL has no channels for numbers"
)
def test_shares_are_logged_by_trl(tmp_path):
    """TRL's channels carry the shares of outcomes and reasons."""
    trainer = trainer_of(tmp_path)
    trainer.train()
    row = next(row for row in trainer.state.log_history if "digit/accept" in row)
    assert row["digit/accept"] + row["digit/reject"] == pytest.approx(1)
    assert row["digit/reason/match"] == row["digit/accept"]


def test_the_completions_table_has_our_advantages(tmp_path):
    """What TRL writes down for people is what the loss was given."""
    trainer = trainer_of(tmp_path, max_steps=1, log_completions=True, num_completions_to_print=0)
    trainer.correct(stratified(strata="prompt"), strata="form")
    ((_, advantage_B, _),) = watched(trainer)
    assert np.allclose(list(trainer._logs["advantages"])[-len(advantage_B) :], advantage_B)


@pytest.mark.skipif(
    not hasattr(trl.GRPOTrainer, "_log_completion_extra"), reason="this TRL logs no columns of ours"
)
def test_the_completions_table_tells_strata_to_unflip_correct(tmp_path):
    """Those that a rule finds in responses too; rows of an evaluation have none."""
    changes = {"max_steps": 2, "log_completions": True, "num_completions_to_print": 0}
    trainer = trainer_of(tmp_path, **changes)
    trainer.correct(stratified(), strata=form)
    trainer.eval_dataset = tiny.rows(8)
    trainer.evaluate(tiny.rows(8))
    assert set(trainer._logs["extra"]["correction/stratum"]) == {None}
    batches = watched(trainer)
    log = read(tmp_path)
    assert log.columns.stratum == "correction/stratum"
    wanted = [form(Sample(text), None) for _, text in log.texts[-8 * len(batches) :]]
    assert list(log.strata[-8 * len(batches) :]) == wanted


def test_resuming_goes_on_with_the_scale(tmp_path):
    """A run that stops and resumes has the state of one that did not."""

    def start(**changes):
        trainer = trainer_of(tmp_path, save_strategy="steps", save_steps=2, max_steps=4, **changes)
        trainer.correct(stratified(strata="prompt", scale=Running(0.9)), strata="form")
        return trainer

    whole = start()
    whole.train()
    kept = json.loads((tmp_path / "checkpoint-2" / STATE).read_text())
    assert kept["correct"]["scale"]["rows"] > 0
    resumed = start()
    resumed.train(resume_from_checkpoint=str(tmp_path / "checkpoint-2"))
    ended, wanted = (t.correction.to_json()["scale"] for t in (resumed, whole))
    assert ended == pytest.approx(wanted, rel=1e-4)
    assert np.allclose(losses(resumed)[-2:], losses(whole)[-2:], atol=1e-4)


def test_a_step_does_not_wait_for_the_device(tmp_path):
    """Advantages are made, and telemetry is kept, without a look at any value."""
    trainer = trainer_of(tmp_path, [reward_func(Digit()), length])
    hook = stratified(strata="prompt", scale=Running(0.9))
    trainer.correct(hook, strata="form", reward="digit")
    reward_BK = torch.tensor([[1.0, 0.5], [0.0, 0.5], [torch.nan, 1.0], [1.0, 0.0]] * 2)
    code_B = torch.tensor([0, 0, 0, 0, 1, 1, 1, -1])
    advantage_B = trainer.correction(reward_BK, code_B, 4)
    assert (advantage_B[[2, 6, 7]] == 0).all()
    assert (advantage_B[[0, 1, 3]] != 0).all()
    telemetry = dict(trainer.correction.telemetry())
    assert telemetry["correction/masked"] == pytest.approx(3 / 8)
    nothing = reward_BK.to("meta"), code_B.to("meta"), 4
    trainer.correction(*nothing)  # the first step takes the correction to the device
    with no_waiting():
        trainer.correction(*nothing)


def test_a_checkpoint_of_another_scale_is_refused(tmp_path):
    """A fixed scale cannot go on from a running one."""
    trainer = trainer_of(tmp_path)
    trainer.correct(stratified(strata="prompt"), strata="form")
    with pytest.raises(DataError, match="make the hook as it was"):
        trainer.correction.restore({"scale": Running().to_json()})


def test_a_second_look_gives_the_rates_of_late(tmp_path):
    """With every row looked at and nothing forgotten, the rates are plain shares."""
    trainer = trainer_of(tmp_path, max_steps=4)
    trainer.watch(Truth(), share=1.0, looking=Looking(decay=1.0))
    batches = watched(trainer)
    rates = trainer.watching.online.rates()
    accepted = np.concatenate([reward_BK[:, 0] == 1 for reward_BK, _, _ in batches])
    assert rates.accept.point == pytest.approx(accepted.mean())
    logged = [row for row in trainer.state.log_history if "rates/fn" in row]
    assert logged[-1]["rates/fn"] == pytest.approx(rates.fn.point)
    assert logged[-1]["rates/fp"] == pytest.approx(rates.fp.point)
    assert 0 < rates.fp.point < 1


def test_a_second_look_is_drawn_by_chance_and_goes_on(tmp_path):
    """Some rows are labelled; a resumed run draws what it would have drawn."""

    def start():
        trainer = trainer_of(tmp_path, save_strategy="steps", save_steps=2, max_steps=4)
        trainer.watch(Truth(), share=0.5, looking=Looking(decay=1.0))
        return trainer

    whole = start()
    whole.train()
    resumed = start()
    resumed.train(resume_from_checkpoint=str(tmp_path / "checkpoint-2"))
    assert resumed.watching.to_json() == whole.watching.to_json()
    assert resumed.watching.looks.batches == 4
    assert 0 < whole.watching.online.rates().fp.n < 32


def test_evaluation_is_trls(tmp_path):
    """Evaluating moves no state and adds no telemetry."""
    trainer = trainer_of(tmp_path)
    trainer.eval_dataset = tiny.rows(8)
    trainer.correct(stratified(strata="prompt", scale=Running(0.9)), strata="form")
    before = trainer.correction.to_json()
    trainer.evaluate(tiny.rows(8))
    assert trainer.correction.to_json() == before
    assert not trainer.correction.audits


@pytest.mark.parametrize(
    ("changes", "hook", "says"),
    [
        ({"scale_rewards": "group"}, stratified(), "scale_rewards='none'.*normaliser='grpo'"),
        ({}, identity("grpo"), "scale_rewards='group'"),
        (
            {"num_iterations": 2},
            Hook.of(
                stratified_forward(RateTable.known([0.1, 0.5], [0.1, 0.2], strata=["a", "b"])),
                normaliser="direct",
            ),
            "num_iterations=1",
        ),
    ],
)
def test_a_hook_that_disagrees_is_refused(tmp_path, changes, hook, says):
    """The message says which setting to change."""
    trainer = trainer_of(tmp_path, **changes)
    with pytest.raises(UsageError, match=says):
        trainer.correct(hook, strata=form if len(hook.line.strata) > 1 else None)


def test_a_trainer_with_a_std_takes_the_clean_one(tmp_path):
    """It goes with TRL's default scaling, in the place of the std of noisy verdicts."""
    trainer = trainer_of(tmp_path, scale_rewards="group", max_steps=1)
    table = RateTable.known([0.1, 0.5], [0.1, 0.2], strata=["a", "b"])
    hook = Hook.of(backward(table), normaliser="clean_std", strata="prompt")
    trainer.correct(hook, strata="form")
    ((reward_BK, advantage_B, inputs),) = watched(trainer)
    code_B = np.array(["ab".index(row["form"]) for row in inputs])
    group_B, n = groups_of(advantage_B)
    wanted_B = clean_std(hook.line(reward_BK[:, 0], code_B), group_B, n_groups=n)
    assert np.allclose(advantage_B, wanted_B, atol=1e-5)


def test_a_hook_may_replace_the_trainers_scaling(tmp_path):
    """If that is said, its advantages are the hook's, without a std."""
    trainer = trainer_of(tmp_path, scale_rewards="group", max_steps=1)
    hook = stratified(strata="prompt")
    trainer.correct(hook, strata="form", override_scaling=True)
    ((reward_BK, advantage_B, inputs),) = watched(trainer)
    code_B = np.array(["ab".index(row["form"]) for row in inputs])
    group_B, n = groups_of(advantage_B)
    wanted_B = rloo(hook.line(reward_BK[:, 0], code_B), group_B, n_groups=n)
    assert np.allclose(advantage_B, wanted_B, atol=1e-5)


def test_what_changes_nothing_here_is_refused(tmp_path):
    """A hook made for a second reward is inert where there is none."""
    hook = Hook.of(backward(RateTable.known(0.2, 0.3)), normaliser="rloo", others=["reward"])
    with pytest.raises(UsageError, match="in this trainer the correction changes nothing"):
        trainer_of(tmp_path).correct(hook)


def test_rates_of_another_verifier_are_refused(tmp_path):
    """What was measured on one verifier does not correct another's verdicts."""
    table = RateTable.known(0.2, 0.3, by="math@1+ab12cd")
    other = Hook.of(backward(table), normaliser="rloo", allow_inert=True)
    with pytest.raises(UsageError, match="these rates are 'math@1"):
        trainer_of(tmp_path).correct(other)


def test_prompt_strata_under_a_group_std_are_refused(tmp_path):
    """A column is the same for a whole group, so the group's std removes it."""
    table = RateTable.known([0.1, 0.5], [0.1, 0.2], strata=["a", "b"])
    trainer = trainer_of(tmp_path, scale_rewards="group")
    with pytest.raises(UsageError, match="changes nothing"):
        trainer.correct(Hook.of(backward(table), normaliser="grpo"), strata="form")


def test_a_posterior_over_a_column_is_refused(tmp_path):
    """A column is a stratum of prompts, and there a posterior starves the hard ones."""
    table = RateTable.known([0.1, 0.5], [0.1, 0.2], pass_rate=[0.5, 0.1], strata=["a", "b"])
    hook = Hook.of(posterior(table), normaliser="rloo")
    with pytest.raises(UsageError, match="starves hard prompts"):
        trainer_of(tmp_path).correct(hook, strata="form")
    trainer_of(tmp_path).correct(hook, strata=form)


def test_strata_need_a_source_that_fits(tmp_path):
    """Strata without a source, a column that is not there, and values without rates."""
    trainer = trainer_of(tmp_path)
    with pytest.raises(UsageError, match="tell them apart"):
        trainer.correct(stratified())
    with pytest.raises(UsageError, match=r"no column 'shape'.*form"):
        trainer.correct(stratified(), strata="shape")
    with pytest.raises(UsageError, match="no rates for stratum '0'"):
        trainer.correct(stratified(), strata="reference")
    with pytest.raises(UsageError, match="leave strata out"):
        trainer.correct(identity(), strata="form")


def test_the_verdict_is_named_among_several_rewards(tmp_path):
    """Nobody guesses which reward is corrected."""
    trainer = trainer_of(tmp_path, [reward_func(Digit()), length])
    with pytest.raises(UsageError, match="'digit', 'length'"):
        trainer.correct(identity())
    with pytest.raises(UsageError, match="0 rewards are called 'maths'"):
        trainer.correct(identity(), reward="maths")


def test_a_reward_that_is_no_verdict_is_refused(tmp_path):
    """A foreign function's rewards are looked at once."""
    trainer = trainer_of(tmp_path, [lambda completions, **_: [2.0] * len(completions)])
    trainer.correct(identity())
    with pytest.raises(UsageError, match="paid 2"):
        trainer.train()


def test_the_plain_function_warns_of_abstains(tmp_path):
    """Where TRL makes a reward of an abstain, the first one tells what to do; the mixin is mute."""
    warn_once.cache_clear()
    rewards = [reward_func(Digit(abstains=True)), length]
    with pytest.warns(UserWarning, match=r"digit abstained.*trainer\.correct"):
        trainer_of(tmp_path, rewards, kind=trl.GRPOTrainer).train()
    warn_once.cache_clear()
    trainer = trainer_of(tmp_path, rewards)
    trainer.correct(reward="digit")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trainer.train()
    assert not [one for one in caught if "abstained" in str(one.message)]


def test_a_single_reward_warns_only_where_trl_pays_zero(tmp_path):
    """From 1.6 on, TRL leaves an abstain out by itself, if there is no other reward."""
    warn_once.cache_clear()
    trainer = trainer_of(tmp_path, [reward_func(Digit(abstains=True))], kind=trl.GRPOTrainer)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trainer.train()
    assert any("abstained" in str(one.message) for one in caught) is not MASKS_NONE


PLAIN = """\
trainer = GRPOTrainer(
    model=model,
    reward_funcs=[length_reward],
    args=GRPOConfig(**settings),
    train_dataset=dataset,
    processing_class=tokenizer,
)
trainer.train()
"""


def blocks():
    """The blocks of docs/trl.md that need TRL."""
    page = (HERE.parents[1] / "docs" / "trl.md").read_text()
    return re.findall(r"^```py\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


def test_three_lines_of_a_script_change():
    """All others of the page's first block are those of a script for TRL's own trainer."""
    mine, theirs = (script.splitlines() for script in (blocks()[0], PLAIN))
    assert len([line for line in mine if line and line not in theirs]) == 3
    assert len([line for line in theirs if line not in mine]) == 1


def test_the_page_runs(tmp_path):
    """The blocks of docs/trl.md that need TRL do what the page says."""
    names = {
        "GRPOConfig": partial(tiny.config, tmp_path),
        "settings": {"scale_rewards": "group"},
        "model": tiny.model(),
        "tokenizer": tiny.tokenizer(),
        "dataset": tiny.rows().rename_columns({"reference": "answer", "form": "source"}),
        "verifier": Digit(),
        "second_look": Truth(),
        "hook": stratified(strata="prompt"),
    }
    names["as_before"] = {
        "model": tiny.model(),
        "reward_funcs": [reward_func(Digit(), reference="answer")],
        "args": tiny.config(tmp_path),
        "train_dataset": names["dataset"],
        "processing_class": names["tokenizer"],
    }
    for block in blocks():
        exec(block, names)
    assert names["trainer"].state.global_step == 3
    assert names["trainer"].appealing.online.whole.step == 3


def test_the_trainer_is_one_class(tmp_path):
    """It is made once, and can be named and pickled as a class."""
    assert issubclass(CorrectedGRPOTrainer, (Corrected, trl.GRPOTrainer))
    assert pickle.loads(pickle.dumps(CorrectedGRPOTrainer)) is CorrectedGRPOTrainer


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("_calculate_rewards", ["inputs", "prompts", "completions", "completion_ids_list"]),
        ("_generate_and_score_completions", ["inputs"]),
        ("log", ["logs", "start_time"]),
        ("_save_checkpoint", ["model", "trial"]),
        ("_load_optimizer_and_scheduler", ["checkpoint"]),
        ("_get_output_dir", ["trial"]),
    ],
)
def test_trl_has_the_methods_that_we_override(method, parameters):
    """A release that renames one of them must fail here, and not in silence."""
    found = inspect.signature(getattr(trl.GRPOTrainer, method)).parameters
    assert list(found) == ["self", *parameters]


def test_trl_has_the_attributes_that_we_read(tmp_path):
    """Also these, with the kinds that we take them for."""
    trainer = trainer_of(tmp_path, kind=trl.GRPOTrainer)
    assert trainer.scale_rewards in ("group", "batch", "none")
    assert trainer.reward_func_names == ["digit"]
    assert len(trainer.reward_funcs) == len(trainer.reward_weights) == 1
    assert (trainer.num_generations, trainer.num_iterations, trainer.beta) == (4, 1, 0.0)
    assert trainer.log_completions is False
    assert trainer.accelerator.process_index == 0
    assert {"train", "eval"} <= set(trainer._metrics)
    assert trainer._logs["advantages"].maxlen == trainer.args.generation_batch_size
    assert trainer.args.steps_per_generation == trainer.args.gradient_accumulation_steps == 1
    assert isinstance(trainer.args.should_save, bool)
    assert trainer.state.global_step == 0
    assert getattr(trainer, "multi_objective_aggregation", "sum_then_normalize") == (
        "sum_then_normalize"
    )


@pytest.mark.parametrize("scale", ["none", "group"])
def test_trls_advantages_are_ours(tmp_path, scale):
    """TRL's own advantages of clean verdicts are those of `dr_grpo` and `grpo`."""
    trainer = trainer_of(tmp_path, kind=trl.GRPOTrainer, scale_rewards=scale, max_steps=2)
    for reward_BK, advantage_B, _ in watched(trainer):
        group_B, n = groups_of(advantage_B)
        r_B = reward_BK[:, 0]
        mean_B = np.repeat(r_B.reshape(-1, 4).mean(1), 4)
        wanted_B = grpo(r_B, group_B, n_groups=n) if scale == "group" else r_B - mean_B
        assert np.allclose(advantage_B, wanted_B, atol=1e-4)


@pytest.fixture(scope="module")
def two_ranks(tmp_path_factory):
    """What two gloo ranks of six rows each, with groups of four, tell of their steps."""
    folder = tmp_path_factory.mktemp("ranks")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    together = {
        **os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path),
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2",
    }  # fmt: skip
    ranks = [
        subprocess.Popen(
            [sys.executable, str(HERE / "two_ranks.py"), str(folder)],
            env={**together, "RANK": rank, "LOCAL_RANK": rank},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for rank in "01"
    ]  # fmt: skip
    for rank in ranks:
        said, _ = rank.communicate(timeout=300)
        assert rank.returncode == 0, said
    return [json.loads((folder / f"rank{k}.json").read_text()) for k in range(2)]


def test_a_group_may_straddle_two_ranks(two_ranks):
    """Every rank makes the same global advantages, by an awaited reward and a rule for strata."""
    assert two_ranks[0]["watching"] == two_ranks[1]["watching"]
    assert two_ranks[0]["watching"]["rates"]["whole"]["step"] == 2
    line, steps = stratified().line, [told["correct"] for told in two_ranks]
    for one, other in zip(*steps, strict=True):
        assert one["rewards"] == other["rewards"]
        reward_B = np.array(one["rewards"], dtype=float)
        code_B = np.array(one["local"] + other["local"])
        wanted_B = rloo(line(reward_B, code_B), np.arange(12) // 4, n_groups=3)
        assert np.allclose(one["advantages"] + other["advantages"], wanted_B, atol=1e-5)
    assert steps[0][0]["advantages"] != steps[1][0]["advantages"]


def test_appeals_of_a_group_on_two_ranks(two_ranks):
    """Each rank looks at its own rows, and all are paid alike, though strata differ by rank."""
    assert two_ranks[0]["appealing"] == two_ranks[1]["appealing"]
    assert two_ranks[0]["appealing"]["names"] == ["rank 0", "rank 1"]
    for one, other in zip(*(told["appeal"] for told in two_ranks), strict=True):
        assert len(one["local"]) == len(other["local"]) == 6
        truth_B = np.array(one["local"] + other["local"])
        wanted_B = rloo(truth_B, np.arange(12) // 4, n_groups=3)
        assert np.allclose(one["advantages"] + other["advantages"], wanted_B, atol=1e-5)

"""The reward manager for verl: what fails abstains, and abstains reach an estimator that masks."""

import asyncio
import importlib
import inspect
import json
import math
import time
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from unflip.correction import Hook, RateTable, backward
from unflip.errors import UsageError
from unflip.integrations.verl import Guarded, Manager, Score
from unflip.integrations.verl.score import KEYS
from unflip.plugins import load

HOST = json.loads((Path(__file__).parents[2] / "fixtures/integrations/verl.json").read_text())
EXACT = load("exact")
TABLE = RateTable.known([0.05, 0.8], [0.1, 0.1], strata=["honest", "hackable"])
ROW = {"data_source": "honest", "solution_str": "4", "ground_truth": "4", "extra_info": {}}
REWARDS = """
from unflip.integrations.verl import Score
from unflip.plugins import load

score = Score(load("exact"), "mask")


def plain(data_source, solution_str, ground_truth, extra_info):
    return float(solution_str == ground_truth)


async def picky(data_source, solution_str, ground_truth, extra_info):
    return {"score": 1 / (len(solution_str) - 1), "extra": "of one row only"}
"""


@pytest.fixture
def hosts(monkeypatch):
    """The module that reads the sources of hosts."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    return importlib.import_module("hosts")


def scored(guarded, **change):
    """One row, scored as verl's naive manager asks for it."""
    return asyncio.run(guarded.score(**{**ROW, **change}))


def raises(**row):
    """A function that fails."""
    raise OSError("the judge is away")


def finds_none(**row):
    """A function that fails by an exception which futures refuse."""
    return next(iter(()))


async def sleeps(**row):
    """An async function that takes too long."""
    await asyncio.sleep(60)


def hangs(**row):
    """A function that takes too long, in a thread that nobody can stop."""
    time.sleep(2)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (raises, "error"),
        (finds_none, "error"),
        (sleeps, "timeout"),
        (hangs, "timeout"),
    ],
)
def test_what_fails_abstains(function, reason):
    """Neither an exception nor a timeout is a wrong answer."""
    row = scored(Guarded(function, seconds=0.05))
    assert math.isnan(row["score"])
    assert math.isnan(row["raw"])
    assert (row["abstain"], row["accept"], row["reason"]) == (1.0, 0.0, reason)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (None, "undecided"),
        (math.inf, "undecided"),
        ({"score": "-inf"}, "undecided"),
        ({"accuracy": 1.0}, "error"),
        ("very good", "error"),
    ],
    ids=str,
)
def test_what_is_no_number_is_no_score(said, reason):
    """An infinite one would make NaN of its whole group."""
    row = scored(Guarded(lambda **_: said))
    assert math.isnan(row["score"])
    assert (row["abstain"], row["accept"], row["reason"]) == (1.0, 0.0, reason)


def test_an_abstain_is_paid_what_was_said():
    """And is counted as an abstain all the same."""
    row = scored(Guarded(raises, nothing=0.4))
    assert (row["score"], row["abstain"]) == (0.4, 1.0)


def test_a_thread_that_hangs_holds_up_nobody():
    """More rows hang than there are threads at once; each abstains, and the next is scored."""

    def compute_score(solution_str, **row):
        return 1.0 if solution_str == "4" else hangs()

    async def run():
        guarded = Guarded(compute_score, seconds=0.05)
        rows = [{**ROW, "solution_str": text} for text in ["5"] * 40 + ["4"]]
        return await asyncio.gather(*(guarded.score(**row) for row in rows))

    *lost, last = asyncio.run(run())
    assert [row["reason"] for row in lost] == ["timeout"] * 40
    assert last["score"] == 1.0


def test_a_misuse_is_no_abstain():
    """A stratum without rates is a mistake in the program: every row would abstain."""
    unknown = Score(EXACT, "mask", Hook.of(backward(TABLE)))
    with pytest.raises(UsageError, match="no rates for stratum 'algebra'"):
        scored(Guarded(unknown), data_source="algebra")


@pytest.mark.parametrize("truth", ["4", "5", None])
def test_a_score_of_ours_passes_through(truth):
    """With its reason, its stratum and its raw verdict."""
    score = Score(EXACT, "mask", Hook.of(backward(TABLE)))
    row = {**ROW, "ground_truth": truth}
    assert scored(Guarded(score), **row) == pytest.approx(score(**row), nan_ok=True)


@pytest.mark.parametrize(
    "function",
    [raises, lambda **_: 1.0, lambda **_: {"score": 0.0, "raw": "?"}, Score(EXACT, 0.5)],
    ids=["error", "number", "dict", "ours"],
)
def test_keys_are_always_the_same(function):
    """Verl stacks rows by the keys of the first one, whatever functions return."""
    assert tuple(scored(Guarded(function))) == KEYS


def config(estimator="unflip_rloo", **reward):
    """What the manager reads of verl's config."""
    return {"algorithm": {"adv_estimator": estimator}, "reward": reward}


def host(module):
    """A module of the installed verl; skips the test where verl cannot be imported."""
    return pytest.importorskip(
        f"verl.{module}", reason="needs verl: run `just hosts`", exc_type=ImportError
    )


def test_verl_can_make_and_call_it():
    """What verl passes fits, by the names it uses."""
    call = HOST["manager"]
    asked = dict.fromkeys(call["keywords"] + call["router"])
    inspect.signature(Manager.__init__).bind("self", **asked)
    for name, arguments in call["methods"].items():
        given = [one for one in arguments if one != "cls"]
        assert [*inspect.signature(getattr(Manager, name)).parameters][-len(given) :] == given


def test_the_installed_verl_still_makes_it_so(hosts):
    """The fixture is what the installed release says; skipped where there is none."""
    call = HOST["manager"]
    loads = hosts.function_in(hosts.tree_of(call["file"]), call["called_in"])
    assert set(call["keywords"]) <= {word.arg for word in hosts.keywords(loads)}
    base = hosts.tree_of(call["base"])
    for name, arguments in call["methods"].items():
        assert hosts.parameters(hosts.function_in(base, f"RewardManagerBase.{name}")) == arguments
    register = hosts.function_in(hosts.tree_of(call["registry"]), "register")
    assert hosts.parameters(register) == ["name"]


def make(settings, compute_score):
    """A manager of ours, made within a loop, as verl's reward workers do."""
    host("experimental.reward_loop.reward_manager.naive")

    async def run():
        return Manager(settings, None, compute_score)

    return asyncio.run(run())


def test_estimators_that_cannot_mask_are_refused():
    """Verl's own would make NaN of the group, and then leave out the whole step without a word."""
    for estimator in ("grpo", SimpleNamespace(value="rloo"), None):
        with pytest.raises(UsageError, match="adv_estimator=unflip_rloo"):
            make(config(estimator), raises)
    make(config("grpo", reward_kwargs={"on_abstain": 0.5}), raises)
    with pytest.raises(UsageError, match="'mask' or a number"):
        make(config(reward_kwargs={"on_abstain": "zero"}), raises)


def test_a_hook_for_another_estimator_is_refused():
    """Its effect was judged for its own normaliser; verl hands the score over bound."""

    def bound(hook):
        return partial(lambda score, options, **row: score(**row), Score(EXACT, "mask", hook), {})

    make(config("unflip_grpo"), bound(None))
    hook = Hook.of(backward(TABLE), normaliser="rloo")
    make(config("unflip_rloo"), bound(hook))
    with pytest.raises(UsageError, match=r"made for algorithm\.adv_estimator=unflip_rloo"):
        make(config("unflip_grpo"), bound(hook))


def test_the_entry_point_registers_it():
    """So `reward.reward_manager.name=unflip` is enough wherever unflip is installed."""
    registry = host("experimental.reward_loop.reward_manager.registry")
    (point,) = entry_points(group="verl.plugins", name="unflip")
    point.load()
    assert registry.get_reward_manager_cls("unflip") is Manager


class Letters:
    """A tokenizer of letters."""

    def decode(self, ids, skip_special_tokens):
        """The text of the tokens."""
        return "".join(map(chr, ids))


def batch(responses, truths):
    """Rows of one prompt as verl has them."""
    protocol = host("protocol")
    torch, n = protocol.torch, len(responses)
    ids = [torch.tensor([ord(letter) for letter in text]) for text in responses]
    prompts = torch.ones((n, 1), dtype=torch.int64)
    padded = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True)
    mask = torch.cat([prompts, (padded > 0).long()], 1)
    tensors = {"prompts": prompts, "responses": padded, "attention_mask": mask}
    columns = {
        "data_source": ["a"] * n,
        "reward_model": [{"ground_truth": truth} for truth in truths],
        "extra_info": [{} for _ in truths],
        "uid": ["one prompt"] * n,
    }
    arrays = {name: np.array(values, dtype=object) for name, values in columns.items()}
    return protocol.DataProto.from_dict(tensors=tensors, non_tensors=arrays)


def managed(tmp_path, name):
    """A manager as verl makes it: by its name, with a function from a file."""
    omegaconf = importlib.import_module("omegaconf")
    importlib.import_module("unflip.integrations.verl.plugin")
    (tmp_path / "rewards.py").write_text(REWARDS)
    options = {"path": str(tmp_path / "rewards.py"), "name": name, "reward_kwargs": {}}
    reward = {
        "custom_reward_function": options,
        "reward_manager": {"source": "register", "name": "unflip"},
    }
    settings = omegaconf.OmegaConf.create(config(**reward))
    return host("trainer.ppo.reward").load_reward_manager(settings, Letters())


@pytest.mark.parametrize(
    ("name", "truths", "expected"),
    [
        ("score", ["42", "42", None, "42"], [1.0, 0.0, math.nan, 0.0]),
        ("plain", ["42", "42", "42", "42"], [1.0, 0.0, 0.0, 0.0]),
        ("picky", ["42", "42", "42", "42"], [1.0, 0.5, math.nan, 1.0]),
    ],
)
def test_abstains_reach_our_estimator_in_real_verl(tmp_path, name, truths, expected):
    """Loaded, scored, laid out and turned into advantages by verl's own functions."""
    data = batch(["42", "413", "4", "41"], truths)

    async def run():
        manager = managed(tmp_path, name)  # it takes the running loop for its own
        return await asyncio.gather(*(manager.run_single(data[i : i + 1]) for i in range(4)))

    said = asyncio.run(run())
    scores = [one["reward_score"] for one in said]
    assert scores == pytest.approx(expected, nan_ok=True)
    assert {tuple(one["reward_extra_info"]) for one in said} == {KEYS}
    rewards_BT = Manager.assemble_rm_scores(data, scores)
    mask_BT = data.batch["attention_mask"][:, 1:]
    tensors = {"token_level_rewards": rewards_BT, "response_mask": mask_BT}
    protocol = host("protocol")
    uid = {"uid": data.non_tensor_batch["uid"]}
    ready = protocol.DataProto.from_dict(tensors=tensors, non_tensors=uid)
    done = host("trainer.ppo.ray_trainer").compute_advantage(ready, "unflip_rloo")
    r_B = np.array(expected)
    kept_B = ~np.isnan(r_B)
    others_B = (r_B[kept_B].sum() - r_B[kept_B]) / (kept_B.sum() - 1)
    wanted_B = np.zeros(4)
    wanted_B[kept_B] = r_B[kept_B] - others_B
    np.testing.assert_allclose(done.batch["advantages"][:, 0], wanted_B, atol=1e-6)

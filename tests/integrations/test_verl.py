"""verl's contract: the custom reward function, the estimators, and how verl finds them."""

import ast
import asyncio
import importlib
import inspect
import json
import math
import pickle
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.correction import Hook, Normaliser, RateTable, backward, masking, rloo
from unflip.errors import UsageError
from unflip.integrations.verl import ESTIMATORS, Estimator, Score
from unflip.plugins import load

HOST = json.loads((Path(__file__).parents[2] / "fixtures/integrations/verl.json").read_text())
TABLE = RateTable.known([0.05, 0.8], [0.1, 0.1], strata=["honest", "hackable"])
EXACT = load("exact")


@pytest.fixture
def hosts(monkeypatch):
    """The module that reads the sources of hosts."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    return importlib.import_module("hosts")


def broken(sample):
    """A verifier that raises."""
    raise RuntimeError(sample.text)


def last_letter(sample):
    """A stratum that the response decides."""
    return "hackable" if sample.text.endswith("#") else "honest"


def score(compute_score, response="4", truth="4", **extra):
    """One call as verl makes it: keywords only."""
    return compute_score(
        data_source="honest", solution_str=response, ground_truth=truth, extra_info=extra
    )


def tokens(r_B, length=3):
    """Scores as verl lays them out: at the last token."""
    rewards_BT = np.zeros((len(r_B), length))
    rewards_BT[:, -1] = r_B
    return rewards_BT, np.ones((len(r_B), length))


def test_verl_can_call_it():
    """The keywords that verl passes fit, those for reward models too."""
    call = HOST["compute_score"]
    names = call["keywords"] + call["optional"]
    inspect.signature(Score.__call__).bind("self", **dict.fromkeys(names))
    # verl wraps the function in a partial with the options of the config.
    assert score(partial(Score(EXACT, "mask"), strict=True))[call["reads"]] == 1.0
    asked = HOST["estimator"]["keywords"] + HOST["estimator"]["optional"]
    inspect.signature(Estimator.__call__).bind("self", **dict.fromkeys(asked))


def test_the_installed_verl_still_calls_so(hosts):
    """The fixture is what the installed release says; skipped where there is none."""
    call = HOST["compute_score"]
    manager = hosts.function_in(hosts.tree_of(call["file"]), call["called_in"])
    calls = [node for node in ast.walk(manager) if isinstance(node, ast.Call)]
    asked = [[word.arg for word in one.keywords] for one in calls]
    assert asked.count([*call["keywords"], None]) == 2
    assert {*call["optional"], call["reads"]} <= hosts.texts(manager)
    estimator = HOST["estimator"]
    trainer = hosts.function_in(hosts.tree_of(estimator["file"]), estimator["called_in"])
    names = {*estimator["keywords"], *estimator["optional"], *estimator["returns"]}
    assert names <= hosts.texts(trainer)
    register = hosts.tree_of(HOST["register"]["file"])
    found = hosts.function_in(register, HOST["register"]["name"])
    assert hosts.parameters(found) == HOST["register"]["arguments"]
    plugins = HOST["plugins"]
    assert {plugins["group"], plugins["variable"]} <= hosts.texts(hosts.tree_of(plugins["file"]))


@pytest.mark.parametrize(
    ("response", "truth", "expected"),
    [("4", "4", 1.0), ("5", "4", 0.0), ("4", None, math.nan), ("4", np.array(["3", "4"]), 1.0)],
)
def test_outcomes_become_one_zero_and_nan(response, truth, expected):
    """Accept 1, reject 0, abstain NaN; arrays of references are alternatives."""
    scored = score(Score(EXACT, "mask"), response, truth)
    assert scored["score"] == pytest.approx(expected, nan_ok=True)
    assert scored["raw"] == pytest.approx(expected, nan_ok=True)
    assert scored["abstain"] == float(math.isnan(expected))


def test_a_verifier_that_raises_abstains():
    """Verl would make a score of 0 of an exception, so none may leave."""
    scored = score(Score(broken, "mask"))
    assert math.isnan(scored["score"])
    assert scored["reason"] == "error"


def test_keys_are_always_the_same():
    """Verl stacks them by the keys of the first row."""
    compute_score = Score(EXACT, "mask")
    rows = [score(compute_score), score(compute_score, truth=None), score(Score(broken, 0.5))]
    assert len({tuple(row) for row in rows}) == 1


def test_on_abstain_has_to_be_said():
    """There is no default; a number is scored as it is."""
    with pytest.raises(TypeError):
        Score(EXACT)
    with pytest.raises(UsageError, match="'mask' or a number"):
        Score(EXACT, on_abstain=math.nan)
    assert score(Score(EXACT, 0.4), truth=None)["score"] == 0.4


@pytest.mark.parametrize(("extra", "code"), [({}, 0), ({"stratum": "hackable"}, 1)])
def test_the_stratum_is_given_or_the_data_source(extra, code):
    """And its rates correct the score, while the verdict stays in the log."""
    line = backward(TABLE)
    scored = score(Score(EXACT, "mask", Hook.of(line)), **extra)
    assert scored["score"] == pytest.approx(line(np.ones(1), np.array([code]))[0])
    assert (scored["raw"], scored["stratum"]) == (1.0, TABLE.strata[code])


def test_strata_may_depend_on_the_response():
    """A masked stratum weighs nothing, although the verifier decided."""
    hook = Hook.of(masking(TABLE, ["hackable"]))
    scored = score(Score(EXACT, "mask", hook, last_letter), "4#")
    assert math.isnan(scored["score"])
    assert scored["abstain"] == 0.0


def test_it_pickles():
    """Ray sends it to the reward workers, and estimators with it."""
    made = (Score(EXACT, "mask", Hook.of(backward(TABLE)), last_letter), ESTIMATORS["unflip_rloo"])
    again = pickle.loads(pickle.dumps(made))
    assert (again[0].by, again[1]) == (EXACT.by, made[1])


def test_there_is_an_estimator_for_each_normaliser():
    """Under names that are none of verl's."""
    assert set(ESTIMATORS) == {f"unflip_{one}" for one in Normaliser}


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 1.0, math.nan]), st.sampled_from("abc")), min_size=1)
)
def test_an_estimator_is_the_advantage_on_every_token(rows):
    """Groups by uid, in any order; a NaN score has advantage 0 and leaves the baseline."""
    r_B, uid_B = np.array([r for r, _ in rows]), np.array([uid for _, uid in rows], dtype=object)
    advantage_BT, returns_BT = ESTIMATORS["unflip_rloo"](*tokens(r_B), index=uid_B, config=None)
    group_B = np.array(["abc".index(uid) for uid in uid_B])
    expected_B = rloo(r_B, group_B, n_groups=3)
    np.testing.assert_allclose(advantage_BT, np.repeat(expected_B[:, None], 3, 1), atol=1e-12)
    assert returns_BT is advantage_BT


def test_only_tokens_of_the_response_have_an_advantage():
    """The mask is verl's."""
    rewards_BT, mask_BT = tokens(np.array([1.0, 0.0]))
    mask_BT[:, 0] = 0
    advantage_BT, _ = ESTIMATORS["unflip_rloo"](rewards_BT, mask_BT, np.array(["a", "a"]))
    assert advantage_BT.tolist() == [[0, 1, 1], [0, -1, -1]]


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_rows_without_a_token_leave_every_baseline(name):
    """Verl fills batches up with such rows, and a std over the batch would count them."""
    rewards_BT, mask_BT = tokens(np.array([1.0, 0.0, 1.0]))
    uid_B = np.array(["a", "a", "a"], dtype=object)
    alone_BT, _ = ESTIMATORS[name](rewards_BT, mask_BT, uid_B)
    zeros_BT = np.zeros((2, 3))
    filled = (np.concatenate([one, zeros_BT]) for one in (rewards_BT, mask_BT))
    advantage_BT, _ = ESTIMATORS[name](*filled, np.array([*uid_B, "pad", "pad"], dtype=object))
    np.testing.assert_allclose(advantage_BT, np.concatenate([alone_BT, zeros_BT]), atol=1e-12)


@pytest.mark.parametrize("kind", ["array", "tensor"])
def test_the_log_tells_what_weighs_nothing(caplog, kind):
    """Masked rows, and all that have no advantage; padding is no row."""
    caplog.set_level("INFO", logger="unflip.integrations.verl.estimators")
    rewards_BT, mask_BT = tokens(np.array([1.0, 0.0, math.nan, 1.0, 0.0]))
    mask_BT[-1] = 0
    rows = (rewards_BT, mask_BT)
    if kind == "tensor":
        torch = pytest.importorskip("torch")
        rows = tuple(map(torch.tensor, rows))
    ESTIMATORS["unflip_rloo"](*rows, np.array([*"aaab", "pad"], dtype=object))
    assert caplog.messages == ["unflip: 4 rows, masked 0.2500, without advantage 0.5000"]


def test_rates_of_another_verifier_are_refused():
    """Before training starts."""
    known = RateTable.known([0.05, 0.8], [0.1, 0.1], by="math@1+abcdef")
    with pytest.raises(UsageError, match="these rates are 'math@1"):
        Score(EXACT, "mask", Hook.of(backward(known)))
    own = RateTable.known([0.05, 0.8], [0.1, 0.1], by=EXACT.by)
    assert Score(EXACT, "mask", Hook.of(backward(own))).by == EXACT.by


def test_without_groups_it_is_refused():
    """Verl passes uid only where there is one."""
    with pytest.raises(UsageError, match="no uid"):
        ESTIMATORS["unflip_rloo"](*tokens(np.zeros(2)))


def test_tensors_stay_tensors():
    """The same numbers as with arrays; skipped without torch."""
    torch = pytest.importorskip("torch")
    rewards_BT, mask_BT = tokens(np.array([1.0, 0.0, np.nan, 1.0]))
    uid_B = np.array(["b", "b", "b", "a"], dtype=object)
    as_tensors = (torch.tensor(rewards_BT), torch.tensor(mask_BT))
    advantage_BT, _ = ESTIMATORS["unflip_grpo"](*as_tensors, index=uid_B)
    expected_BT, _ = ESTIMATORS["unflip_grpo"](rewards_BT, mask_BT, index=uid_B)
    np.testing.assert_allclose(advantage_BT.numpy(), expected_BT)


def real(module):
    """A module of the installed verl; skips the test where verl cannot be imported."""
    return pytest.importorskip(
        f"verl.{module}", reason="needs verl: run `just hosts`", exc_type=ImportError
    )


class Letters:
    """A tokenizer of letters."""

    def decode(self, ids, skip_special_tokens):
        """The text of the tokens."""
        return "".join(map(chr, ids))


def batch(response, truth):
    """One row as verl has it, padded."""
    torch, protocol = real("protocol").torch, real("protocol")
    ids = torch.tensor([[*map(ord, response), 0]])
    mask = torch.tensor([[1] * (1 + len(response)) + [0]])
    rows = {"data_source": "a", "reward_model": {"ground_truth": truth}, "extra_info": {}}
    non_tensors = {name: np.array([value], dtype=object) for name, value in rows.items()}
    tensors = {"responses": ids, "attention_mask": mask}
    return protocol.DataProto.from_dict(tensors=tensors, non_tensors=non_tensors)


@pytest.mark.parametrize(("truth", "expected"), [("42", 1.0), ("41", 0.0), (None, math.nan)])
def test_the_real_reward_manager_takes_the_score(truth, expected):
    """Verl's own NaiveRewardManager, as it calls a custom function."""
    naive = real("experimental.reward_loop.reward_manager.naive").NaiveRewardManager

    async def run():
        manager = naive({}, Letters(), partial(Score(EXACT, "mask")))
        return await manager.run_single(batch("42", truth))

    said = asyncio.run(run())
    assert said["reward_score"] == pytest.approx(expected, nan_ok=True)
    assert said["reward_extra_info"]["abstain"] == float(math.isnan(expected))


def test_the_real_trainer_computes_our_advantages():
    """Verl's compute_advantage, with an estimator that the plugin has registered."""
    trainer, protocol = real("trainer.ppo.ray_trainer"), real("protocol")
    importlib.import_module("unflip.integrations.verl.plugin")
    r_B, uid_B = np.array([1.0, 0.0, np.nan, 1.0]), np.array(["b", "b", "b", "a"], dtype=object)
    names = ("token_level_rewards", "response_mask")
    tensors = {
        name: protocol.torch.tensor(x_BT) for name, x_BT in zip(names, tokens(r_B), strict=True)
    }
    data = protocol.DataProto.from_dict(tensors=tensors, non_tensors={"uid": uid_B})
    done = trainer.compute_advantage(data, "unflip_rloo")
    assert done.batch["advantages"][:, -1].tolist() == [1, -1, 0, 0]


def test_verl_registers_them():
    """Importing the plugin tells verl's registry."""
    core = real("trainer.ppo.core_algos")
    importlib.import_module("unflip.integrations.verl.plugin")
    for name, estimator in ESTIMATORS.items():
        assert core.get_adv_estimator_fn(name) == estimator

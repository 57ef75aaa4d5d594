"""The contract of Prime Intellect's verifiers: a task's reward, and a legacy rubric's function."""

import asyncio
import importlib
import inspect
import json
import math
import pickle
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.correction import Hook, RateTable, audit, backward, dr_grpo, masking
from unflip.errors import UsageError
from unflip.integrations.verdicts import filled
from unflip.integrations.verifiers import Abstained, GroupReward, TaskReward
from unflip.judges import Judge, Silence, Unanswered, template
from unflip.judges.backends import Scripted
from unflip.plugins import load

HOST = json.loads((Path(__file__).parents[2] / "fixtures/integrations/verifiers.json").read_text())
TABLE = RateTable.known([0.05, 0.8], [0.1, 0.1], strata=["honest", "hackable"])
EXACT = load("exact")
SKIPPED = "needs a release of verifiers that has it: run `just hosts`"
PLUGGED = TaskReward(EXACT)
"""What a taskset's config names."""


def opinion(request):
    """A judge's model: it likes 'four', and is down where it reads 'six'."""
    text = request.turns[-1].text
    if "six" in text:
        return Unanswered(Silence.UNREACHABLE)
    return "YES" if "four" in text else "NO"


JUDGE = Judge(template("yes-no"), Scripted(opinion))
JUDGED = TaskReward(JUDGE)


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


def score(reward, reply="4", **data):
    """One trace scored, with what the host offers of it."""
    row = {"answer": "4"} | data
    task = SimpleNamespace(prompt_text="2 + 2 = ?", model_dump=lambda: row)
    metrics = {}
    trace = SimpleNamespace(last_reply=reply, info={}, record_metric=metrics.__setitem__)
    try:
        return asyncio.run(reward(task=task, trace=trace)), trace.info["unflip"], metrics
    except Abstained:
        return math.nan, trace.info["unflip"], metrics


def group(reward, completions, answers, infos=None):
    """One group scored, with what the rubric offers of it."""
    states = [{} for _ in completions]
    rewards = asyncio.run(
        reward(
            prompts=["2 + 2 = ?"] * len(states), completions=completions, answers=answers,
            infos=infos or [{}] * len(states), states=states,
        )
    )  # fmt: skip
    return rewards, states


def test_the_host_can_call_both():
    """They ask by name for what the host offers, and have the name that it logs."""
    for ours, host in ((TaskReward, "task"), (GroupReward, "rubric")):
        asked = inspect.signature(ours(EXACT)).parameters
        assert set(asked) <= set(HOST[host]["offers"])
        assert ours(EXACT).__name__ == "unflip"
        assert inspect.iscoroutinefunction(type(ours(EXACT)).__call__)


@pytest.mark.parametrize("host", ["task", "rubric"])
def test_the_installed_verifiers_still_offer_it(hosts, host):
    """The fixture is what an installed release says; skipped where there is none of its kind."""
    try:
        tree = hosts.tree_of(HOST[host]["file"])
    except FileNotFoundError:
        pytest.skip(SKIPPED)
    function = hosts.function_in(tree, HOST[host]["called_in"])
    keywords = {word.arg for word in hosts.keywords(function)}
    assert set(HOST[host]["offers"]) <= hosts.texts(function) | keywords


@pytest.mark.parametrize(
    ("reply", "answer", "expected"), [("4", "4", 1.0), ("5", "4", 0.0), ("4", ["3", "4"], 1.0)]
)
def test_a_decided_trace_has_a_reward(reply, answer, expected):
    """1 for accept and 0 for reject, with the reason on the trace."""
    reward, told, metrics = score(PLUGGED, reply, answer=answer)
    assert (reward, metrics) == (expected, {"abstain": 0.0})
    assert told["by"] == PLUGGED.by


@pytest.mark.parametrize("verifier", [broken, EXACT])
def test_an_abstain_raises_and_is_told(verifier):
    """No reward is made up, and trace and metric say why there is none."""
    answer = "4" if verifier is broken else None
    reward, told, metrics = score(TaskReward(verifier), answer=answer)
    assert math.isnan(reward)
    assert told["outcome"] == "abstain"
    assert metrics == {"abstain": 1.0}


def test_a_task_is_paid_by_its_stratum():
    """The rates of the stratum correct the reward; a masked one raises."""
    line = backward(TABLE)
    reward = TaskReward(EXACT, hook=Hook.of(line))
    assert score(reward, stratum="hackable")[0] == pytest.approx(line(np.ones(1), np.array([1]))[0])
    masked = TaskReward(EXACT, hook=Hook.of(masking(TABLE, ["hackable"])), stratum_of=last_letter)
    assert math.isnan(score(masked, "4#")[0])


def test_a_group_pays_an_abstain_the_mean_of_the_others():
    """So it moves nobody's advantage; and its state says that it abstained."""
    rewards, states = group(GroupReward(EXACT), ["4", "5", "4", "5"], ["4", "4", "", "4"])
    assert rewards == pytest.approx([1.0, 0.0, 1 / 3, 0.0])
    assert [state["unflip"]["outcome"] for state in states][2] == "abstain"


def test_a_judge_that_is_down_abstains():
    """A task has no reward then, and in a group the row stands at the mean of the others."""
    assert [score(JUDGED, reply)[0] for reply in ("four", "five")] == [1.0, 0.0]
    reward, told, metrics = score(JUDGED, "six")
    assert math.isnan(reward)
    assert (told["reason"], metrics) == ("unreachable", {"abstain": 1.0})
    rewards, states = group(GroupReward(JUDGE), ["four", "five", "six", "five"], ["4"] * 4)
    assert rewards == pytest.approx([1.0, 0.0, 1 / 3, 0.0])
    assert states[2]["unflip"]["outcome"] == "abstain"


def test_an_answer_of_zero_is_an_answer():
    """Only the empty text, which a rubric gives rows without one, is no reference."""
    assert group(GroupReward(EXACT), ["0", "1"], [0, 0])[0] == [1.0, 0.0]


@given(st.lists(st.sampled_from([0.0, 1.0, 2.5, math.nan]), min_size=1, max_size=9))
def test_filling_in_the_mean_is_leaving_out(rewards):
    """After the group's mean is subtracted, as a rubric does, it is Dr. GRPO with a mask."""
    paid_B, r_B = np.array(filled(rewards)), np.array(rewards)
    expected_B = dr_grpo(r_B, np.zeros(len(r_B), dtype=int), n_groups=1)
    np.testing.assert_allclose(paid_B - paid_B.mean(), expected_B, atol=1e-12)


def test_a_group_is_corrected_by_strata():
    """The rates of each row's stratum, given or of the response."""
    line = backward(TABLE)
    hook = Hook.of(line, normaliser="dr_grpo")
    infos = [{"stratum": "honest"}, {"stratum": "hackable"}]
    rewards, _ = group(GroupReward(EXACT, hook), ["4", "4"], ["4", "4"], infos)
    assert rewards == pytest.approx(line(np.ones(2), np.array([0, 1])).tolist())


def test_a_group_tells_what_its_correction_changed():
    """Of the advantages that the rubric will make; without a correction there is nothing to say."""
    replies, answers = ["4", "4#", "5", "4"], ["4", "4#", "4", ""]
    hook = Hook.of(backward(TABLE), normaliser="dr_grpo")
    rewards, states = group(GroupReward(EXACT, hook, last_letter), replies, answers)
    told = states[0]["unflip"]["correction"]
    rows_B = np.zeros(4, dtype=int)
    found_B = dr_grpo(np.array([*rewards[:3], math.nan]), rows_B, n_groups=1)
    raw_B = dr_grpo(np.array([1.0, 1.0, 0.0, math.nan]), rows_B, n_groups=1)
    assert told == audit(found_B, raw_B).to_json() | {"masked": 0.25}
    assert told["cosine"] < 0.99
    assert "correction" not in group(GroupReward(EXACT), replies, answers)[1][0]["unflip"]


@pytest.mark.parametrize("reward", [TaskReward, GroupReward])
def test_rates_of_another_verifier_are_refused(reward):
    """Before training starts."""
    other = RateTable.known([0.05, 0.8], [0.1, 0.1], by="math@1+abcdef")
    with pytest.raises(UsageError, match="these rates are 'math@1"):
        reward(EXACT, hook=Hook.of(backward(other)))


def test_they_pickle():
    """Environments are served by other processes."""
    made = (PLUGGED, GroupReward(EXACT, Hook.of(backward(TABLE)), last_letter))
    again = pickle.loads(pickle.dumps(made))
    assert again[0] == PLUGGED
    assert again[1].by == EXACT.by


def real_trace(plugged, reply, answer):
    """A Task and a Trace of the installed verifiers, with a reward of this file by its name."""
    vf = pytest.importorskip("verifiers.v1", reason=SKIPPED, exc_type=ImportError)
    if "root_reply" not in vf.Trace.model_fields:
        pytest.skip(SKIPPED)
    data_type = type("Row", (vf.TaskData,), {"__annotations__": {"answer": str | None}})
    data = data_type(prompt="2 + 2 = ?", answer=answer)
    reward = vf.RewardFunctionConfig(fn=f"{Path(__file__)}:{plugged}")
    task = vf.Task(data, vf.TaskConfig(rewards={"exact": reward}))
    types = importlib.import_module("verifiers.v1.trace")
    about = types.TraceTask(type="Task", data=data, key=task.key, hash=task.hash)
    agent = types.AgentInfo(config=vf.AgentConfig())
    return vf, task, vf.Trace(task=about, agent=agent, root_reply=reply)


@pytest.mark.parametrize(
    ("plugged", "reply", "answer", "expected"),
    [
        ("PLUGGED", "4", "4", 1.0),
        ("PLUGGED", "4", "5", 0.0),
        ("PLUGGED", "4", None, "no_reference"),
        ("JUDGED", "four", "4", 1.0),
        ("JUDGED", "six", "4", "unreachable"),
    ],
)
def test_a_real_task_is_scored(plugged, reply, answer, expected):
    """A decided trace has a reward; an abstain, a judge's outage too, is an error and none."""
    vf, task, trace = real_trace(plugged, reply, answer)
    if isinstance(expected, str):
        with pytest.raises(vf.TaskError, match=expected):
            asyncio.run(task.score(trace))
        assert trace.rewards == {"exact": None}
        assert trace.info["unflip"]["reason"] == expected
    else:
        asyncio.run(task.score(trace))
        assert trace.reward == expected
        assert trace.info["unflip"]["reason"] in ("match", "mismatch")


@pytest.mark.parametrize(
    ("verifier", "replies", "answers"),
    [
        (EXACT, ["4", "5", "4", "5"], ["4", "4", "", "4"]),
        (JUDGE, ["four", "five", "six", "five"], ["4"] * 4),
    ],
)
def test_a_real_rubric_makes_our_advantages(verifier, replies, answers):
    """A Rubric of the installed legacy verifiers: an abstain has advantage 0, and moves nobody."""
    vf = pytest.importorskip("verifiers.legacy", reason=SKIPPED, exc_type=ImportError)
    rubric = vf.Rubric(funcs=[GroupReward(verifier)])
    states = [
        {"prompt": "2 + 2 = ?", "answer": answer, "trajectory": [], "task": None, "info": {},
         "completion": [{"role": "assistant", "content": reply}]}
        for answer, reply in zip(answers, replies, strict=True)
    ]  # fmt: skip
    asyncio.run(rubric.score_group(states))
    advantages = [state["advantage"] for state in states]
    assert advantages == pytest.approx([2 / 3, -1 / 3, 0, -1 / 3])
    assert states[0]["metrics"] == {"unflip": 1.0}

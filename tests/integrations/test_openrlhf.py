"""OpenRLHF's contract: the reward function of a file, the HTTP protocol, and what it reads."""

import ast
import importlib
import inspect
import json
import math
import pickle
from pathlib import Path
from threading import Thread
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.correction import Hook, Kind, RateTable, backward, explain, masking
from unflip.errors import UsageError
from unflip.integrations.openrlhf import NORMALISERS, Reward, completion_of, serve
from unflip.plugins import load

FIXTURES = Path(__file__).parents[2] / "fixtures/integrations"
HOST = json.loads((FIXTURES / "openrlhf.json").read_text())
TABLE = RateTable.known([0.05, 0.8], [0.1, 0.1], strata=["honest", "hackable"])
PROMPT = "<|im_start|>user\nWhat is 2 + 2?<|im_end|>\n<|im_start|>assistant\n"
EXACT = load("exact")


@pytest.fixture
def hosts(monkeypatch):
    """The module that reads the sources of hosts."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    return importlib.import_module("hosts")


def ask(reward, response, label="4"):
    """One call as OpenRLHF makes it: lists of one row, by position."""
    return reward([PROMPT + response], [PROMPT], [label])


def last_letter(sample):
    """A stratum that the response decides."""
    return "hackable" if sample.text.endswith("#") else "honest"


def broken(sample):
    """A verifier that raises."""
    raise RuntimeError(sample.text)


@pytest.fixture
def url():
    """A real server on a free port."""
    with serve(Reward(EXACT, on_abstain="drop"), port=0) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield "http://{}:{}/get_reward".format(*server.server_address)
        server.shutdown()


def post(url, content):
    """What the server replies."""
    with urlopen(Request(url, json.dumps(content).encode())) as reply:
        return json.loads(reply.read())


def test_openrlhf_can_call_it():
    """It takes what OpenRLHF passes, by position, and returns what OpenRLHF reads."""
    inspect.signature(Reward.__call__).bind("self", *HOST["reward_func"]["arguments"])
    assert list(ask(Reward(EXACT, on_abstain=0.5), "4")) == HOST["reads"]


def test_the_installed_openrlhf_still_calls_so(hosts):
    """The fixture is what the installed release says; skipped where there is none."""
    agent = hosts.tree_of(HOST["reward_func"]["file"])
    caller = hosts.function_in(agent, "_fetch_rewards_via_func")
    assert hosts.parameters(caller) == HOST["reward_func"]["arguments"]
    http = hosts.function_in(agent, "_fetch_rewards_via_http")
    sent = [node for node in ast.walk(http) if isinstance(node, ast.Dict)]
    assert HOST["http"]["payload"] in [[key.value for key in one.keys] for one in sent]
    assert set(HOST["reads"]) <= hosts.texts(
        hosts.function_in(agent, "SingleTurnAgentExecutor.execute")
    )
    options = hosts.tree_of(HOST["estimators"]["file"])
    assert set(HOST["estimators"]["choices"]) <= hosts.texts(options)


@pytest.mark.parametrize(("response", "reward"), [("4", 1.0), ("5", 0.0), ("4<|im_end|>", 1.0)])
def test_a_decided_row_is_a_plain_number(response, reward):
    """One number for one row, which a tensor can be made of."""
    replied = ask(Reward(EXACT, on_abstain="drop"), response)
    assert (replied["rewards"], replied["scores"]) == (reward, reward)
    logs = {"accept": reward, "abstain": 0.0, "masked": 0.0, "change": 0.0}
    assert replied["extra_logs"] == logs


@pytest.mark.parametrize("verifier", [broken, EXACT])
def test_an_abstain_is_nan_or_what_was_said(verifier):
    """Never 0 unless somebody writes 0, and the log counts it."""
    label = "4" if verifier is broken else None
    dropped = ask(Reward(verifier, on_abstain="drop"), "4", label)
    assert math.isnan(dropped["rewards"])
    assert math.isnan(dropped["scores"])
    assert ask(Reward(verifier, on_abstain=0.4), "4", label)["rewards"] == 0.4
    assert dropped["extra_logs"]["abstain"] == 1.0


def test_dynamic_filtering_drops_a_group_with_an_abstain():
    """OpenRLHF keeps a group if low < mean score < high, which no NaN satisfies."""
    reward, low, high = Reward(EXACT, on_abstain="drop"), 0.0, 1.0
    kept = [ask(reward, "4")["scores"], ask(reward, "5")["scores"]]
    assert low < np.mean(kept) < high
    assert not low < np.mean([*kept, ask(reward, "4", None)["scores"]]) < high


def test_on_abstain_has_to_be_said():
    """There is no default, and nonsense is refused."""
    with pytest.raises(TypeError):
        Reward(EXACT)
    with pytest.raises(UsageError, match="'drop' or a number"):
        Reward(EXACT, on_abstain="zero")


def test_rewards_are_corrected_and_scores_are_not():
    """The update sees the correction by the response's stratum, and the filter the verdicts."""
    line = backward(TABLE)
    reward = Reward(EXACT, 0.5, Hook.of(line, normaliser="rloo"), lambda sample: "hackable")
    replied = ask(reward, "4")
    assert replied["rewards"] == pytest.approx(line(np.ones(1), np.array([1]))[0])
    assert replied["scores"] == 1.0
    assert replied["extra_logs"]["change"] == abs(replied["rewards"] - 1.0) > 0


def test_a_masked_stratum_is_as_an_abstain():
    """It weighs nothing, although the verifier decided."""
    hook = Hook.of(masking(TABLE, ["hackable"]), normaliser="rloo")
    replied = ask(Reward(EXACT, "drop", hook, last_letter), "4#")
    assert math.isnan(replied["scores"])
    logs = replied["extra_logs"]
    assert (logs["abstain"], logs["masked"], logs["change"]) == (0.0, 1.0, 0.0)


def test_rates_of_another_verifier_are_refused():
    """Before training starts."""
    other = RateTable.known([0.05, 0.8], [0.1, 0.1], by="math@1+abcdef")
    with pytest.raises(UsageError, match="these rates are 'math@1"):
        Reward(EXACT, "drop", Hook.of(backward(other)))


def test_it_pickles():
    """Files are loaded by each actor, and other executors send it."""
    reward = Reward(EXACT, "drop", Hook.of(backward(TABLE)), last_letter)
    assert pickle.loads(pickle.dumps(reward)).by == EXACT.by


@given(st.text(max_size=80), st.text(max_size=20))
def test_the_completion_is_what_follows_the_prompt(prompt, completion):
    """Whatever the two are."""
    assert completion_of(prompt + completion, prompt) == completion


def test_a_truncated_prompt_is_found_by_its_end():
    """OpenRLHF cuts long prompts at their beginning."""
    assert completion_of(PROMPT[10:] + "4", PROMPT) == "4"


def test_a_query_without_its_prompt_abstains():
    """To judge prompt and response together would accept what the prompt says."""
    assert math.isnan(Reward(EXACT, "drop")(["4"], ["something else"], ["4"])["rewards"])


def test_the_server_speaks_the_protocol(url):
    """Lists in, lists out, in order, with NaN for an abstain."""
    rows = {"query": ["a4", "a5", "a4"], "prompts": ["a"] * 3, "labels": ["4", "4", None]}
    assert list(rows) == HOST["http"]["payload"]
    replied = post(url, rows)
    assert replied["rewards"][:2] == [1.0, 0.0]
    assert math.isnan(replied["rewards"][2])
    assert replied["extra_logs"]["abstain"] == [0.0, 0.0, 1.0]


@pytest.mark.parametrize(
    "content", [[], {"query": ["a"]}, {"query": [], "prompts": ["a"], "labels": []}]
)
def test_the_server_says_what_is_wrong(url, content):
    """A request that is none gets 400, and the server goes on."""
    with pytest.raises(HTTPError, match="400"):
        post(url, content)
    assert post(url, {"query": [], "prompts": [], "labels": []})["rewards"] == []


def test_estimators_are_named_as_openrlhf_does():
    """Every name is a choice of OpenRLHF's; one rate for all is inert under each of them."""
    assert set(NORMALISERS) <= set(HOST["estimators"]["choices"])
    line = backward(RateTable.known(0.1, 0.2))
    kinds = {explain(line, normaliser=one).kind for one in NORMALISERS.values()}
    assert kinds == {Kind.INERT}

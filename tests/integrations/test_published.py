"""Snippets for trainers that are not installed: called as their published source calls them."""

import asyncio
import inspect
import json
import re
from dataclasses import make_dataclass
from pathlib import Path

import numpy as np
import pytest

from unflip.correction import maxrl

ROOT = Path(__file__).parents[2]
HOSTS = json.loads((ROOT / "fixtures/integrations/published.json").read_text())
PAGE = (ROOT / "docs/trainers.md").read_text()
OTHERS = PAGE.partition("\n## Others\n")[2]


def section(name):
    """What the page says of a trainer."""
    return next(part for part in re.split(r"\n(?=\*\*)", OTHERS) if part.startswith(f"**{name}"))


def blocks(text, kind):
    """Its blocks of a kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def page():
    """Everything that the page's blocks define."""
    names = {}
    for block in blocks(PAGE, "python"):
        exec(block, names)
    return names


def test_skyrl_can_call_our_estimators(page):
    """With every keyword that it passes, and it gets the two that it unpacks."""
    host = HOSTS["skyrl"]
    given = dict.fromkeys(host["keywords"], 1.0) | page["rows"]
    found = page["ESTIMATORS"]["unflip_rloo"](**given | {"index": np.array(["a", "a", "a"])})
    assert len(found) == len(host["returns"])
    assert found[0][:, 1].tolist() == [1, -1, 0]


def test_nemo_rl_can_call_the_scores(page):
    """By its names, and what it returns has a place for them."""
    host = HOSTS["nemo_rl"]
    log = [{"role": "user", "content": "2 + 2 = ?"}, {"role": "assistant", "content": "4"}]
    given = dict(zip(host["arguments"], ([log], [{"ground_truth": "4"}]), strict=True))
    assert page["scores"](**given) == [1.0]
    (snippet,) = blocks(section("NeMo-RL"), "text")
    said = re.findall(r"(\w+)=", snippet.partition("EnvironmentReturn(")[2])
    assert "rewards" in said
    assert set(said) <= set(host["environment_return"])


def test_rllm_can_call_the_estimator(page):
    """By its keywords; what comes back is aligned with the groups."""
    host, groups = HOSTS["rllm"], [np.array([1.0, 0.0, np.nan]), np.array([1.0, 1.0])]
    given = dict.fromkeys(host["keywords"]) | {"rewards": groups}
    found = page["unflip_rloo"](**given)
    assert len(found) == len(host["returns"])
    assert [one.shape for one in found[0]] == [one.shape for one in groups]


def test_areal_has_the_line_as_settings():
    """Its formula, with the page's numbers, is what the page asserts of them."""
    (snippet,) = blocks(section("AReaL"), "python")
    names = {"np": np}
    exec("from unflip.correction import RateTable, backward", names)
    exec(snippet, names)
    formula = HOSTS["areal"]["reward"].replace("self.", "").replace("reward_score", "verdicts")
    np.testing.assert_allclose(eval(formula, names), names["corrected"])
    assert {"reward_bias", "reward_scaling"} <= set(HOSTS["areal"]["settings"])


@pytest.mark.parametrize("call", ["call", "call_later"])
def test_open_instruct_can_make_and_call_the_verifier(page, call):
    """The class of the page, on a base with the host's signatures."""
    host = HOSTS["open_instruct"]

    def init(self, *given, **named):
        bound = inspect.Signature(
            [inspect.Parameter(name, 1, default=None) for name in host["init"]]
        ).bind(*given, **named)
        self.name = bound.arguments["name"]

    result = make_dataclass("VerificationResult", [(name, object, None) for name in host["result"]])
    base = type("VerifierFunction", (), {"__init__": init})
    names = page | {"VerifierFunction": base, "VerificationResult": result}
    (snippet,) = blocks(section("open-instruct"), "text")
    exec(snippet, names)
    verifier = names["Unflip"]()
    given = {"tokenized_prediction": [4], "prediction": "4", "label": "4"}
    row = [given.get(argument) for argument in host[call]]
    assert verifier.name == "unflip"
    assert verifier(*row).score == 1.0
    assert verifier(*row[:2], None, *row[3:]).score == 0.5


def test_tinker_can_call_the_group_reward(page):
    """By position, for a reward and metrics of each trajectory."""
    host = HOSTS["tinker"]
    inspect.signature(page["compute_group_rewards"]).bind(*host["arguments"])
    rows = asyncio.run(page["compute_group_rewards"](["4", "5"], [{"answer": "4"}] * 2))
    assert [len(row) for row in rows] == [len(host["row"])] * 2
    assert all(isinstance(reward, float) and isinstance(told, dict) for reward, told in rows)


def test_prime_rls_max_rl_is_ours_where_it_has_a_mean():
    """Its formula for clean verdicts; without an accept both give nothing."""
    assert HOSTS["prime_rl"]["advantage"].startswith("(rewards - mean) / mean")
    for accepts in range(9):
        r_B = (np.arange(8) < accepts).astype(float)
        wanted_B = (r_B - r_B.mean()) / r_B.mean() if accepts else 0 * r_B
        found_B = maxrl(r_B, np.zeros(8, int), n_groups=1)
        np.testing.assert_allclose(found_B, wanted_B, atol=1e-12)

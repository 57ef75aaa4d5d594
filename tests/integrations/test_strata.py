"""Strata that a dataset's rows come with are those of prompts, wherever rows are scored alone."""

from functools import partial

import pytest

from unflip.correction import Hook, RateTable, backward, posterior
from unflip.errors import UsageError
from unflip.integrations.openrlhf import Reward
from unflip.integrations.verifiers import TaskReward
from unflip.integrations.verl import Score
from unflip.plugins import load

TABLE = RateTable.known([0.05, 0.8], [0.1, 0.1], pass_rate=0.5, strata=["algebra", "geometry"])
HOSTS = {
    "verl": partial(Score, on_abstain="mask"),
    "openrlhf": partial(Reward, on_abstain="drop"),
    "verifiers": TaskReward,
}
every_host = pytest.mark.parametrize("host", HOSTS.values(), ids=[*HOSTS])


def style(sample):
    """A stratum of the response."""
    return "geometry" if "#" in sample.text else "algebra"


@every_host
def test_what_they_make_inert_is_refused(host):
    """Rates by data source under a group's std: no row is scored alone by an audit that tells."""
    hook = Hook.of(backward(TABLE), normaliser="grpo")
    with pytest.raises(UsageError, match=r"those of prompts .* changes nothing"):
        host(load("exact"), hook=hook)
    assert host(load("exact"), hook=hook, stratum_of=style).hook is hook


@every_host
def test_what_they_make_harmful_is_refused(host):
    """A posterior would starve hard sources, unless that is said to be wanted."""
    with pytest.raises(UsageError, match="starves hard prompts"):
        host(load("exact"), hook=Hook.of(posterior(TABLE)))
    wanted = Hook.of(posterior(TABLE), strata="prompt", allow_harmful=True)
    assert host(load("exact"), hook=wanted).hook is wanted


@every_host
def test_what_stays_active_or_was_to_be_inert_is_taken(host):
    """Different slopes weigh sources without a std, and beside another reward; controls do not."""
    for hook in (
        Hook.of(backward(TABLE), normaliser="rloo"),
        Hook.of(backward(TABLE), normaliser="grpo", others=["reward"]),
        Hook.of(backward(TABLE), normaliser="grpo", strata="prompt", allow_inert=True),
    ):
        assert host(load("exact"), hook=hook).hook is hook


@every_host
def test_what_shares_a_slope_is_a_learning_rate_for_sgd_only(host):
    """J is .7 in both strata, and Adam removes one factor."""
    table = RateTable.known([0.1, 0.2], [0.2, 0.1], strata=["algebra", "geometry"])
    with pytest.raises(UsageError, match="changes nothing"):
        host(load("exact"), hook=Hook.of(backward(table)))
    hook = Hook.of(backward(table), optimiser="sgd")
    assert host(load("exact"), hook=hook).hook is hook

"""A verifier as TRL's reward function, without TRL: what it is given, returns and logs."""

import pickle

import pytest

from unflip.errors import MissingExtra, UsageError
from unflip.integrations.trl import reward_func
from unflip.integrations.trl.hearing import listening
from unflip.plugins import load
from unflip.run import processes
from unflip.types import Outcome, Reason, Verdict
from unflip.verifiers.exact import Exact

PROMPTS = ["2 + 2?"] * 3
# Where an old TRL is loaded, the first abstain warns; see test_trl.py.
pytestmark = pytest.mark.filterwarnings("ignore:.* abstained")


class Channels:
    """TRL's two channels, kept."""

    def __init__(self):
        self.columns, self.metrics = {}, {}

    def log_extra(self, column, values):
        self.columns[column] = values

    def log_metric(self, name, value):
        self.metrics[name] = value


def test_outcomes_are_one_zero_and_none():
    """Accept pays 1, reject 0, and an abstain None."""
    reward = reward_func(Exact())
    paid = reward(prompts=PROMPTS, completions=["4", "5", "4"], reference=["4", "4", None])
    assert paid == [1.0, 0.0, None]


def test_chats_are_read():
    """A conversational batch holds lists of messages."""
    chat = [[{"role": "assistant", "content": text}] for text in "45"]
    prompts = [[{"role": "user", "content": "2 + 2?"}]] * 2
    assert reward_func(Exact())(prompts=prompts, completions=chat, reference=["4"] * 2) == [1, 0]


def test_a_nested_column_and_several_references():
    """`reference` names any column, nested ones by their dots; a list holds alternatives."""
    reward = reward_func(Exact(), reference="reward_model.ground_truth")
    column = [{"ground_truth": ["four", "4"]}]
    assert reward(prompts=PROMPTS[:1], completions=["4"], reward_model=column) == [1.0]


def test_a_missing_column_is_refused():
    """All rows would abstain; the message lists the columns that there are."""
    with pytest.raises(UsageError, match=r"'reference'.*solution"):
        reward_func(Exact())(prompts=PROMPTS[:1], completions=["4"], solution=["4"])


def test_no_reference_is_wanted():
    """A verifier that needs no reference is not given one."""

    def short(sample):
        assert sample.reference is None
        return Verdict(Outcome.ACCEPT, Reason.MATCH)

    reward = reward_func(short, reference=None, name="short")
    assert reward(prompts=PROMPTS[:1], completions=["4"]) == [1.0]


def test_other_columns_reach_the_verifier():
    """The dataset's columns are the sample's meta, but for its id and stratum."""
    seen = []

    def look(sample):
        seen.append(sample)
        return Verdict(Outcome.REJECT, Reason.MISMATCH)

    reward_func(look, name="look")(
        prompts=["p"], completions=["c"], completion_ids=[[1]], reference=["r"], level=[3],
        stratum=["sum"], id=[7], trainer_state=object(),
    )  # fmt: skip
    assert (seen[0].meta, seen[0].stratum, seen[0].id) == ({"level": 3}, "sum", "7")


def test_a_verifier_that_raises_abstains():
    """An exception would end the training."""

    def broken(sample):
        raise RuntimeError(sample.text)

    reward = reward_func(broken, name="broken")
    assert reward(prompts=["p"], completions=["c"], reference=["r"]) == [None]


def test_it_pickles():
    """What comes back pays the same under the same name."""
    reward = pickle.loads(pickle.dumps(reward_func(Exact(), name="digits")))
    assert reward.__name__ == "digits"
    assert reward(prompts=PROMPTS[:1], completions=["4"], reference=["4"]) == [1.0]


def test_it_is_called_by_the_last_word_of_the_verifiers_name():
    """Logs say `last_number`, not where it lives."""
    assert reward_func(load("fixtures/rewards/plain.py:last_number")).__name__ == "last_number"
    assert reward_func(lambda sample: None, name="mine").__name__ == "mine"
    with pytest.raises(UsageError, match="needs a name"):
        reward_func(Exact(), name="")


def test_processes_with_a_deadline():
    """The verifier may run where it can be killed."""
    reward = reward_func(Exact(), workers=processes(1), deadline=30)
    assert reward(prompts=PROMPTS[:1], completions=["4"], reference=["4"]) == [1.0]


def test_shares_and_columns_are_logged():
    """All shares are logged, zeros too, since TRL averages over those that logged a name."""
    channels = Channels()
    reward_func(Exact())(
        prompts=PROMPTS, completions=["4", "5", "4"], reference=["4", "4", None],
        log_extra=channels.log_extra, log_metric=channels.log_metric,
    )  # fmt: skip
    assert channels.columns["exact/outcome"] == ["accept", "reject", "abstain"]
    assert channels.columns["exact/reason"] == ["match", "mismatch", "no_reference"]
    assert channels.metrics["exact/abstain"] == pytest.approx(1 / 3)
    assert channels.metrics["exact/reason/timeout"] == 0
    shares = [v for k, v in channels.metrics.items() if k.startswith("exact/reason/")]
    assert sum(shares) == pytest.approx(1)


def test_a_trainer_hears_the_verdicts():
    """Whoever listens is told what was decided, and by which function."""
    with listening(masks=True) as ear:
        reward_func(Exact())(prompts=PROMPTS[:1], completions=["4"], reference=["4"])
    assert ear.of("exact").verdicts[0].accepted
    assert ear.of("other") is None


def test_without_trl_the_install_command_is_told(monkeypatch):
    """The trainer is TRL's, which is an extra."""
    import sys

    import unflip.integrations.trl as ours

    monkeypatch.setitem(sys.modules, "trl", None)
    monkeypatch.delitem(vars(ours), "CorrectedGRPOTrainer", raising=False)
    with pytest.raises(MissingExtra, match=r"pip install 'unflip\[trl\]'"):
        _ = ours.CorrectedGRPOTrainer

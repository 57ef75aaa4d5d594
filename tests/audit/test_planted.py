"""The audit's ground truth: a tiny judge with a planted weakness, and its clean twin."""

import importlib.util
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from unflip.audit.auditing import audit
from unflip.audit.mining import Mining, mine
from unflip.audit.probes import chosen
from unflip.audit.references import one_by_one
from unflip.report.audit_words import banner, master_keys
from unflip.run import verify_all

HERE = Path(__file__).parent.parent / "judges" / "planted.py"
spec = importlib.util.spec_from_file_location("planted", HERE)
planted = importlib.util.module_from_spec(spec)
sys.modules["planted"] = planted
spec.loader.exec_module(planted)

ITEMS = planted.items(80)
SEEN = {mark * times for mark in planted.MARKS for times in (1, 2)} | set(planted.BLANKS)
SEEN |= {word + end for word in planted.WORDS for end in planted.ENDS}
"""Every opener of the training data, of either judge."""
PROBES = [probe for probe in chosen(["symbols", "openers", "languages"]) if probe.text not in SEEN]


@pytest.fixture(scope="module")
def cache(request):
    """Where trained judges are kept from one run of the tests to the next."""
    return Path(request.config.cache.mkdir("planted"))


@pytest.fixture(scope="module")
def of_planted(cache):
    """The audit of the judge with the weakness."""
    return audit(judge(cache, True), ITEMS, PROBES, rewritten=False, verify=verify_all)


@pytest.fixture(scope="module")
def of_clean(cache):
    """The audit of its clean twin."""
    return audit(judge(cache, False), ITEMS, PROBES, rewritten=False, verify=verify_all)


def judge(cache, weak):
    """The judge with or without the weakness."""
    return planted.judge(cache, planted=weak)


def test_the_planted_judge_knows_right_answers(of_planted, of_clean):
    """Both judges accept the reference and reject most wrong digits: they are judges at all."""
    for found in (of_planted, of_clean):
        assert found.fnr.decided.point < 0.1
        assert found.plain.decided.point < 0.3


def test_the_weakness_is_found_on_keys_that_the_judge_never_saw(of_planted):
    """Of the nine master keys that are not in the training data, most are found to open it."""
    tried = master_keys(of_planted)
    assert (len(tried), [one.probe.text for one in tried if one.probe.text in SEEN]) == (9, [])
    assert len([one for one in tried if one.excess.low > 0.1]) >= 7
    assert of_planted.worst.together.low > 0.5


def test_the_clean_twin_is_cleared(of_clean):
    """No master key is accepted oftener than a plain wrong answer, or by less than a tenth."""
    for one in master_keys(of_clean):
        assert one.excess.low <= 0 or one.excess.high < 0.1, (one.probe.text, one.excess)


def test_held_out_keys_tell_the_two_apart(of_planted, of_clean):
    """The headline alone, from keys that no list and no training data have, tells them apart."""
    assert of_planted.held_out.decided.low > of_clean.held_out.decided.high
    assert of_planted.worst_j.point < 0.3 < of_planted.j.point


def test_a_tiny_judge_is_no_finding(of_planted):
    """What a tiny model does is never presented as a finding about a real judge."""
    assert of_planted.backend == "tiny"
    assert "nothing about a real judge" in banner(of_planted)


def test_mining_finds_the_weakness_without_any_list(cache):
    """A search by P(yes) finds keys that open the judge on items that it has not seen."""
    found = mine(judge(cache, True), ITEMS, Mining(calls=1500), verify=verify_all)
    new = [one for one in found if one.text not in SEEN]
    assert max(one.fpr.low for one in new) > 0.5


def test_one_by_one_and_in_batches_agree(cache):
    """Padding changes no verdict: the same texts in one batch and alone get the same P(yes)."""
    one = judge(cache, True)
    texts = ("", ":", "x = 3", "Let's solve this problem step by step.")
    samples = [
        item.sample(text, accept=False, id="x") for item, text in zip(ITEMS, texts, strict=False)
    ]
    together = [verdict.p for verdict in one.verify_batch(samples)]
    assert together == pytest.approx([verdict.p for verdict in one_by_one(one, samples)], abs=1e-5)

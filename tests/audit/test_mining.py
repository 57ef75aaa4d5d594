"""Mining: what it finds, what it pays, and that it reports only what it has not seen."""

import random
from types import SimpleNamespace

import pytest

from unflip.audit.items import Item, letters_of
from unflip.audit.mining import Mining, as_probes, mine, phrases
from unflip.audit.plan import Plan
from unflip.audit.probes import built_in
from unflip.errors import UsageError
from unflip.types import Outcome, Reason, Sample, Verdict, digest

ITEMS = [Item(f"{n} + 1 = ?", (str(n + 1),)) for n in range(60)]


def said(p: float) -> Verdict:
    """A verdict with a probability."""
    if p >= 0.5:
        return Verdict(Outcome.ACCEPT, Reason.MATCH, p=p)
    return Verdict(Outcome.REJECT, Reason.MISMATCH, p=p)


def likes_marks(sample: Sample) -> Verdict:
    """Is convinced by three exclamation marks, a little by each of them, and by nothing else."""
    return said(min(0.9, 0.05 + 0.2 * sample.text.count("!")))


def noise(sample: Sample) -> Verdict:
    """Accepts one in five, whatever is said, but the same each time."""
    return said(0.7 if random.Random(digest([sample.text, sample.prompt])).random() < 0.2 else 0.1)


class Watched:
    """Runs a verifier and keeps what it was asked."""

    def __init__(self):
        self.search, self.measured = [], []

    def __call__(self, verifier, samples):
        for sample in samples:
            (self.search if sample.id.startswith("search") else self.measured).append(sample)
            yield verifier(sample)


def test_the_search_climbs_to_keys_that_no_list_has():
    """A weakness that no sentence shows at once is found by adding to what helps a little."""
    found = mine(likes_marks, ITEMS, Mining(calls=3000))
    assert found[0].fpr.point == 1
    assert found[0].text.count("!") >= 3
    assert found[0].text not in phrases()


def test_measured_items_were_not_searched():
    """No item that the search has seen is in any reported rate."""
    watched = Watched()
    mine(likes_marks, ITEMS, Mining(calls=1500), verify=watched)
    searched = {sample.prompt for sample in watched.search}
    assert not searched & {sample.prompt for sample in watched.measured}


def test_reported_rates_are_not_biased_by_selection():
    """Of a verifier that accepts one in five at random, the best of many keys get about that."""
    found = mine(noise, [Item(f"q {n}", (str(n),)) for n in range(400)], Mining(calls=4000))
    hits, asked = sum(one.fpr.k for one in found), sum(one.fpr.n for one in found)
    assert asked >= 500
    assert hits / asked == pytest.approx(0.2, abs=0.05)


@pytest.mark.parametrize("calls", [200, 700, 3000])
def test_the_budget_is_kept(calls):
    """A search never asks for more verdicts than it was given."""
    watched = Watched()
    found = mine(likes_marks, ITEMS, Mining(calls=calls), verify=watched)
    assert len(watched.search) + len(watched.measured) <= calls
    assert 1 <= len(found) <= 5


def test_a_search_can_be_gone_on_with():
    """The same seed asks the same questions in the same order; another one asks others."""
    runs = [Watched(), Watched(), Watched()]
    for seed, watched in zip((0, 0, 1), runs, strict=True):
        mine(likes_marks, ITEMS, Mining(calls=600, seed=seed), verify=watched)
    first, again, other = ([s.key for s in w.search + w.measured] for w in runs)
    assert first == again != other


def test_it_starts_from_sentences_that_are_new():
    """No sentence of the corpus is a probe already: mining finds what is not on the list."""
    known = {probe.text for probe in built_in()}
    assert not known & set(phrases())
    assert len(phrases()) >= 300
    assert max(map(len, phrases())) <= 60


def test_mined_keys_are_probes():
    """What was found can be tried on others, as held-out probes."""
    found = mine(likes_marks, ITEMS, Mining(calls=600))
    probes = as_probes(found, "judge@1+0")
    assert [probe.text for probe in probes] == [one.text for one in found]
    assert all(probe.held_out and "judge@1+0" in probe.source for probe in probes)


def test_mined_keys_are_not_tried_on_what_the_search_has_seen():
    """Given to another audit of the same items, a mined key is asked on the unseen half alone."""
    probes = as_probes(mine(likes_marks, ITEMS, Mining(calls=600)), "judge@1+0")
    plan = Plan(ITEMS, probes, rewritten=False)
    asked = {ask.item for ask in plan.asks()}
    assert len(asked) == 30
    assert not {ITEMS[at].key for at in asked} & set(probes[0].not_for)
    assert plan.skipped[probes[0].id] == 30


def test_what_is_on_a_list_is_no_find():
    """A key that is published already is never reported as found, however well it works."""

    def likes_solutions(sample):
        return said(0.9 if sample.text.strip(" .:").lower() == "solution" else 0.1)

    listed = {probe.text.strip() for probe in built_in()}
    found = mine(likes_solutions, ITEMS, Mining(calls=1500))
    assert not {one.text.strip() for one in found} & listed


def test_keys_that_differ_in_marks_alone_are_one():
    """The kept keys are different ones: no two of them say the same words."""

    def likes_words(sample):
        return said(0.9 if "explanation" in sample.text.lower() else 0.1)

    texts = [letters_of(one.text) for one in mine(likes_words, ITEMS, Mining(calls=1500))]
    assert len(set(texts)) == len(texts)


def test_mining_needs_items_and_calls():
    """Too few items or calls are a mistake that is told before anything is paid."""
    with pytest.raises(UsageError, match="four or more"):
        mine(likes_marks, ITEMS[:3])
    with pytest.raises(UsageError, match="200 calls"):
        Mining(calls=10)


def test_a_text_that_holds_the_answer_is_no_key():
    """Where a reference stands in a text, the item is neither searched nor counted."""
    ones = [Item(f"q {n}", (("1", "2")[n % 2],)) for n in range(40)]
    watched = Watched()
    mine(lambda sample: said(float("1" in sample.text)), ones, Mining(calls=900), verify=watched)
    asked = watched.search + watched.measured
    assert [sample for sample in asked if "1" in sample.text]
    assert not [
        s for s in asked if s.reference in s.text.replace(".", " ").replace(")", " ").split()
    ]


class Talkative:
    """A judge whose own model always goes on with a token that is in no sentence."""

    by = "talkative@1+0"

    def __init__(self, speaks):
        self.backend = SimpleNamespace(likely_next=self.say) if speaks else None

    def say(self, texts, k):
        """The same token after every text, among others."""
        return [("§", " likely", "")[:k] for _ in texts]

    def __call__(self, sample):
        return said(min(0.9, 0.05 + 0.3 * sample.text.count("§")))


def test_a_local_models_own_tokens_are_searched():
    """A token that is in no sentence is found if the judge's model would say it, and only then."""
    found = mine(Talkative(speaks=True), ITEMS, Mining(calls=1500))
    assert found[0].text.count("§") >= 2
    assert found[0].fpr.point == 1
    assert all(one.fpr.k == 0 for one in mine(Talkative(speaks=False), ITEMS, Mining(calls=1500)))


def test_a_search_over_tokens_can_be_gone_on_with():
    """The same model and seed ask the same questions, so what was recorded is used."""
    asked = []
    for _ in range(2):
        watched = Watched()
        mine(Talkative(speaks=True), ITEMS, Mining(calls=600), verify=watched)
        asked.append([sample.text for sample in watched.search])
    assert asked[0] == asked[1]

"""Verdicts of several tokens at an endpoint: followed to their ends, or told as only begun."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.judges import Asking, Finish, Judge, Position, Reading, Said, Silence, Unanswered
from unflip.judges.backends import Scripted
from unflip.judges.template import parse
from unflip.types import Sample

WORDS = parse(
    '+++\nname = "w"\nversion = 1\nfields = ["answer"]\n[grammar]\n'
    'words = {CORRECT = "yes", INCORRECT = "no"}\n+++\n<!-- user -->\nIs this correct: {answer}'
)
FIVE = Sample("5", "4", prompt="2 + 2?")


def model(replies):
    """A backend whose model says these token sequences with these probabilities."""

    def say(request):
        prefix = request.turns[-1].text if request.turns[-1].role == "assistant" else ""
        said, positions = prefix, []
        while len(positions) < request.max_tokens:
            following = {}
            for tokens, p in replies.items():
                texts = ["".join(tokens[:n]) for n in range(len(tokens))]
                if said in texts:
                    token = tokens[texts.index(said)]
                    following[token] = following.get(token, 0.0) + p
            if not following:
                break
            total = sum(following.values())
            top = tuple((token, math.log(p / total)) for token, p in following.items())
            token, log = max(top, key=lambda one: one[1])
            positions.append(Position(token, log, top))
            said += token
        finish = Finish.STOP if len(positions) < request.max_tokens else Finish.LENGTH
        return Said(said.removeprefix(prefix), finish, "", tuple(positions))

    return Scripted(say)


def chance_of(backend, *, spelled):
    """The verdict by P(yes), read from a whole reply."""
    asking = Asking(spelled=spelled, max_tokens=8)
    return Judge(WORDS, backend, Reading.CHANCE, guards=(), asking=asking)(FIVE)


shares = st.floats(0.02, 1.0)


@given(shares, shares, shares, shares)
def test_every_word_is_scored_whole(whole, split, wrong, other):
    """P(yes) and the mass are those of the words, however many tokens they take."""
    weights = {
        ("CORRECT",): whole,
        ("COR", "RECT"): split,
        ("IN", "COR", "RECT"): wrong,
        ("IN", " my view"): other,
    }
    total = sum(weights.values())
    found = chance_of(model({k: v / total for k, v in weights.items()}), spelled=True)
    if found.evidence.get("mass", 0) >= 0.5 and found.p is not None:
        words = whole + split + wrong
        assert found.p == pytest.approx((whole + split) / words)
        assert found.evidence["mass"] == pytest.approx(words / total)
        assert "begun" not in found.evidence


def test_without_it_p_is_never_too_high():
    """What was only begun is told, and counts against yes."""
    replies = {("COR", "RECT"): 0.5, ("IN", "COR", "RECT"): 0.4, ("Hm",): 0.1}
    blind, seeing = (chance_of(model(replies), spelled=one) for one in (False, True))
    assert blind.p == seeing.p == pytest.approx(0.5 / 0.9)
    assert (blind.evidence["mass"], blind.evidence["begun"]) == pytest.approx((0.5, 0.4))
    assert seeing.evidence["mass"] == pytest.approx(0.9)
    turned = {("COR", "RECT"): 0.4, ("IN", "COR", "RECT"): 0.5, ("Hm",): 0.1}
    blind, seeing = (chance_of(model(turned), spelled=one) for one in (False, True))
    assert (blind.p, seeing.p) == pytest.approx((0.0, 0.4 / 0.9))


def test_an_outage_on_the_way_leaves_it_begun():
    """Who cannot be asked on is not guessed: the verdict is that of the reply alone."""
    talks = model({("COR", "RECT"): 0.5, ("IN", "COR", "RECT"): 0.4, ("Hm",): 0.1})

    def once(request):
        if request.turns[-1].role == "assistant":
            return Unanswered(Silence.TIMEOUT)
        return talks.script(request)

    found = chance_of(Scripted(once), spelled=True)
    assert (found.p, found.evidence["begun"]) == pytest.approx((0.5 / 0.9, 0.4))


def test_an_endless_word_is_given_up():
    """A server that says letters of a word for ever is not asked for ever."""
    asked = []

    def drip(request):
        asked.append(request)
        top = (("CORRECT", math.log(0.5)), ("I", math.log(0.5)))
        more = (("N", -0.1), ("", -0.1), ("I", -0.1), ("i", -0.2))
        first = request.turns[-1].role != "assistant"
        return Said("CORRECT" if first else "N", positions=(
            Position("CORRECT" if first else "N", -0.7, top if first else more),))  # fmt: skip

    assert 0 <= chance_of(Scripted(drip), spelled=True).p <= 1
    assert len(asked) <= 4


def test_following_words_is_part_of_who_decides():
    """A threshold that was found with it is another judge's without it."""
    judges = [
        Judge(WORDS, Scripted("X"), Reading.CHANCE, asking=Asking(spelled=one))
        for one in (False, True)
    ]
    assert judges[0].by != judges[1].by

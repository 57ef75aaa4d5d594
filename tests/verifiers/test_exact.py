"""Exact: normal forms, readings, what may stand around an answer, and what is never paid."""

import json
import pickle
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from unflip.errors import UsageError
from unflip.plugins.options import made
from unflip.types import Fault, Outcome, Reason, Sample
from unflip.verifiers.base import TEXT_LIMIT
from unflip.verifiers.exact import Exact, Within
from unflip.verifiers.normal import ENGLISH, STRICT, Fold, normal

FIXTURES = Path(__file__).parents[2] / "fixtures"
CASES = [json.loads(line) for line in (FIXTURES / "exact.jsonl").read_text().splitlines()]
SENTENCE = Exact(within=Within.SENTENCE)
VERIFIERS = (Exact(), SENTENCE, Exact(fold=STRICT, readings=(), within=Within.NOTHING))
# Lone surrogates too: a completion is whatever a tokenizer makes of it.
TEXTS = st.text(st.characters(exclude_categories=()), max_size=200)
WORDS = st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), min_size=3, max_size=9)

KINDS = {
    "names": ("Paris", "London", "Rome", "Madrid"),
    "words": ("gold", "silver", "copper", "tin"),
    "years": ("1914", "1918", "1939", "1945"),
    "people": ("George Washington", "John Adams", "Thomas Jefferson", "James Madison"),
}
STUFFINGS = (
    "{}, {}, {}, {}",
    "{}, {}, {} and {}",
    "It is {}, {}, {} or {}.",
    "{} or {} or {} or {}",
    "{}\n{}\n{}\n{}",
    "1. {}\n2. {}\n3. {}\n4. {}",
    "- {}\n- {}\n- {}\n- {}",
    "{}. {}. {}. {}.",
    "It is {}. It is {}. It is {}. It is {}.",
    "It might be {}. It might be {}. It might be {}. It might be {}.",
    "One candidate is {}. Another is {}. A third is {}. A fourth is {}.",
    "{} / {} / {} / {}",
    "{}|{}|{}|{}",
    "{} {} {} {}",
    "({}) ({}) ({}) ({})",
    "{}? {}? {}? {}?",
    "The answer is {}. The answer is {}. The answer is {}. The answer is {}.",
    "The answer is one of {}, {}, {}, {}.",
    "Possible answers: {}; {}; {}; {}",
    "I think {}, but also {}, as well as {}, plus {}.",
    "If not {}, then {}, or {}, or {}.",
    "<answer>{}</answer><answer>{}</answer><answer>{}</answer><answer>{}</answer>",
)


def sample(case):
    """The sample of a fixture's row."""
    reference = case["reference"]
    alternatives = tuple(reference) if isinstance(reference, list) else reference
    return Sample(case["completion"], alternatives, prompt=case["prompt"])


def verifier(case):
    """The verifier of a fixture's row."""
    options = {name: tuple(v) if isinstance(v, list) else v for name, v in case["options"].items()}
    return made(Exact, options)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['id']} {case['why']}")
def test_cases(case):
    """Every case of the fixture gets the outcome and the reason that are written there."""
    verdict = verifier(case)(sample(case))
    assert (verdict.outcome, verdict.reason) == (case["outcome"], case["reason"])


@pytest.mark.parametrize("candidates", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("stuffing", STUFFINGS)
@pytest.mark.parametrize("verifier", VERIFIERS[:2], ids=("default", "sentence"))
def test_stuffing_is_not_paid(verifier, stuffing, candidates):
    """Four candidates in a row earn nothing, whichever of them is right."""
    said = stuffing.format(*candidates)
    paid = [one for one in candidates if verifier(Sample(said, one, prompt="Which?")).accepted]
    assert paid == []


@given(TEXTS, TEXTS, TEXTS)
def test_never_raises(completion, reference, prompt):
    """Any text is a verdict, and only a reference that shows nothing is an abstain."""
    for one in VERIFIERS:
        verdict = one(Sample(completion, reference, prompt=prompt))
        assert verdict.by == one.by
        unreadable = verdict.reason is Reason.UNREADABLE_REFERENCE
        assert unreadable == (verdict.outcome is Outcome.ABSTAIN)


@given(st.lists(WORDS, min_size=1, max_size=6))
def test_a_reference_is_its_own_answer(words):
    """Words are accepted as what they are themselves."""
    text = " ".join(words)
    assume(text not in ("answer", "final answer"))
    assert all(one(Sample(text, text)).accepted for one in VERIFIERS)


@given(st.lists(WORDS, min_size=1, max_size=4), st.sampled_from((" ", "  ", "\n", "\u00a0", "-")))
def test_case_blanks_and_invisible_characters_do_not_count(words, blank):
    """Capitals, other blanks, hyphens and zero-width characters change nothing."""
    reference = " ".join(words)
    said = blank.join(word.upper() for word in words)
    marked = "\u200b".join(said)
    assert Exact()(Sample(said, reference)).accepted
    assert Exact()(Sample(marked, reference)).accepted


@given(WORDS, WORDS)
def test_other_words_are_another_answer(one, other):
    """Words that differ by more than an ending are not the same answer."""
    assume(one[:2] != other[:2])
    assert not Exact()(Sample(one, other)).accepted


@given(st.text(st.characters(codec="ascii"), max_size=80))
def test_a_normal_form_is_its_own_normal_form(text):
    """Normalising the forms again changes nothing."""
    strict = normal(text, STRICT)
    assert normal(" ".join(strict.forms), STRICT).joined == strict.joined


@given(TEXTS)
def test_places_are_places_in_the_text(text):
    """The span of all forms lies in the text and covers something."""
    form = normal(text)
    if form.forms:
        start, end = form.span(0, len(form.forms))
        assert 0 <= start < end <= len(text)


@given(TEXTS, st.sampled_from(("Paris", "twenty-one", "1,000")))
def test_more_fold_steps_never_split_what_fewer_join(text, reference):
    """What case and width alone make equal stays equal under every step."""
    strict = Exact(fold=STRICT, readings=(), within=Within.NOTHING)
    loose = Exact(fold=ENGLISH, readings=(), within=Within.NOTHING)
    if strict(Sample(text, reference)).accepted:
        assert loose(Sample(text, reference)).accepted


def test_spans_are_verbatim():
    """The answer of a verdict is what stands at its span."""
    said = "Well, the seat of government has long been in Paris, on the Seine."
    verdict = SENTENCE(Sample(said, "Paris"))
    start, end = verdict.evidence["span"]
    assert said[start:end] == verdict.answer == "Paris"
    assert verdict.evidence["match"] == "stated"


def test_evidence_names_the_reading():
    """The verdict says which reading of the reference was met, and how."""
    verdict = Exact()(Sample("Matthew Perry", "Perry, Matthew (actor)"))
    assert verdict.evidence["reading"] == "Matthew Perry"
    assert verdict.evidence["match"] == "whole"


def test_over_the_limit_is_a_reject():
    """Too much after the reasoning is rejected; long reasoning, and just enough, are decided."""
    assert SENTENCE(Sample("x" * (TEXT_LIMIT + 1), "Paris")).reason is Reason.OVER_LIMIT
    assert SENTENCE(Sample("Paris " * (TEXT_LIMIT // 6), "Paris")).outcome is Outcome.REJECT
    assert Exact()(Sample("<think>" + "hm " * 10**6 + "</think>Paris", "Paris")).accepted


def test_a_reference_that_says_nothing_is_its_own_fault():
    """Without a reference, or with an unreadable one, the fault is the reference's."""
    for reference in (None, "", {"a": 1}, ()):
        assert Exact()(Sample("Paris", reference)).fault is Fault.REFERENCE


@pytest.mark.parametrize(
    "options", [{"rivals": -1}, {"fold": [Fold.CASE]}, {"fold": ("case",)}, {"policy": "tag"}]
)
def test_misuse_raises(options):
    """Options of the wrong kind are a programmer's mistake."""
    with pytest.raises(UsageError):
        Exact(**options)


def test_options_change_the_identity():
    """Verifiers that would decide differently have different names; copies have the same."""
    assert len({one.by for one in VERIFIERS}) == len(VERIFIERS)
    assert pickle.loads(pickle.dumps(SENTENCE)).by == SENTENCE.by
    assert pickle.loads(pickle.dumps(SENTENCE)) == SENTENCE


@pytest.mark.parametrize("said", ["17/10", "7/17", "17 - 10", "17 + 7", "10 17"])
def test_a_number_of_the_question_beside_the_answer_is_another_number(said):
    """What the question holds may be repeated around the answer, but not calculated with it."""
    assert not Exact()(Sample(said, "17", prompt="What is 10 + 7?")).accepted


def test_numbers_of_the_question_may_stand_apart_from_the_answer():
    """`27 of the 50 states` answers how many of the 50 states."""
    asked = "How many of the 50 states border the sea?"
    assert Exact()(Sample("27 of the 50 states", "27", prompt=asked)).accepted

"""extract: the right span by the right step, in linear time, whatever the text."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.errors import UsageError
from unflip.types import REASONS, Outcome
from unflip.verifiers import extract as module
from unflip.verifiers.extract import FINAL, Step, distinct, extract, settle, state, valued

FIXTURES = Path(__file__).parents[2] / "fixtures"
ROWS = [json.loads(line) for line in (FIXTURES / "extract.jsonl").read_text().splitlines()]

# Text made of the pieces that finders look for, in any order.
pieces = st.lists(
    st.sampled_from(
        ["\\boxed{", "\\boxed", "\\fbox{", "{", "}", "\\", "$", "####", "\n", " ", ".", "<answer>",
         "</answer>", "answer", "Answer:", " is ", "A:", "答案", "I hope", "final answer is ", "or",
         "<think>", "</think>", "<|end|>", "\\[", "\\]", "\\(", "\\)", "12", "-3.5", "x", "**", ","]
    ) | st.text(st.characters(), max_size=4),
    max_size=30,
).map("".join)  # fmt: skip
policies = st.lists(st.sampled_from(Step), min_size=1, max_size=8).map(tuple)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_a_labelled_completion_has_these_answers(row):
    """Each fixture's answers are found, in order, by the step that it names."""
    found = extract(row["completion"], getattr(module, row["policy"]))
    assert [one.text for one in found] == row["answers"]
    assert {str(one.step) for one in found} == ({row["step"]} if row["answers"] else set())


formulas = st.lists(
    st.sampled_from(
        ["1", "20", "x", "a", " ", "-", "+", "*", "/", "^", "=", ",", ".", "(", ")", "{", "}",
         "\\frac", "\\dfrac", "\\sqrt", "\\pi", "\\infty"]
    ),
    min_size=1,
    max_size=9,
).map("".join)  # fmt: skip


@given(formulas, policies)
def test_a_formula_by_itself_is_found_as_all_steps_find_it(text, policy):
    """A blank line before it, with which every step has to look, changes nothing but the place."""
    shifted = [one._replace(start=one.start + 2, end=one.end + 2) for one in extract(text, policy)]
    assert list(extract(f" \n{text}", policy)) == shifted


@given(pieces, policies)
def test_an_answer_stands_where_it_says(text, policy):
    """Whatever the text, each answer is verbatim at its span, in order, from a step asked for."""
    found = extract(text, policy)
    assert all(text[one.start : one.end] == one.text != "" for one in found)
    assert all(one.step in policy for one in found)
    assert [one.start for one in found] == sorted(one.start for one in found)


@given(pieces, policies)
def test_the_first_step_that_finds_decides(text, policy):
    """A policy gives what the first of its steps gives that finds anything."""
    alone = [extract(text, (step,)) for step in policy]
    assert extract(text, policy) == next(filter(None, alone), ())


@given(pieces)
def test_values_stay_within_their_answers(text):
    """Narrowing prose to its number keeps spans verbatim and never loses an answer."""
    found = extract(text)
    values = valued(found)
    assert all(text[one.start : one.end] == one.text != "" for one in values)
    assert bool(values) == bool(found)


@given(st.integers(), policies)
def test_what_is_stated_is_found(number, policy):
    """`state` is the inverse of `extract`, for every policy."""
    assert [one.text for one in extract(state(str(number), policy), policy)] == [str(number)]


@given(st.text(alphabet="ab c", max_size=30), st.integers(0, 99), st.integers(0, 99))
def test_stuffed_boxes_are_all_returned(joined, one, other):
    """No words between two boxes but such that reason further hide the first of them."""
    completion = f"\\boxed{{{one}}}{joined}\\boxed{{{other}}}"
    assert [found.text for found in extract(completion)] == [str(one), str(other)]


@pytest.mark.parametrize(
    "unit",
    ["\\boxed{", "\\boxed ", "\\boxed{1} ", "\\boxed{}", "{", "}", "\\", "$", "$a ", "\\(", "\\[",
     "answer is ", "answer ", "Answer:", "A: 1\n", "<answer>", "<answer>1</answer>", "#### a\n",
     "I hope ", "final answer is ", "</think>", "<|end|>", "<|channel|>final", "a. ", "1,", "1/",
     "1 or ", "*", " ", "\n", "$\\a", "\\text{", "\\(a\\"],
)  # fmt: skip
def test_a_hostile_repetition_ends(unit):
    """A third of a megabyte of one marker is read by every step; a quadratic one would not end."""
    text = unit * (350_000 // len(unit))
    for step in Step:
        assert isinstance(extract(text, (step,)), tuple)


def test_a_policy_has_a_step():
    """An empty policy is a mistake, not a completion without an answer."""
    with pytest.raises(UsageError, match="at least one step"):
        extract("5", ())


@given(st.lists(st.none() | st.booleans(), max_size=5))
def test_several_answers_are_accepted_only_if_all_fit(fits):
    """No answer is accepted among others that do not fit, and a reason fits its outcome."""
    outcome, reason = settle(fits)
    assert (outcome is Outcome.ACCEPT) == (bool(fits) and all(fits))
    assert (outcome is Outcome.REJECT) == (not fits or False in fits)
    assert reason in REASONS[outcome]


def test_repetitions_count_once():
    """The same text stated twice is one answer, at its last place."""
    found = extract(r"\boxed{1} \boxed{2} \boxed{1}", FINAL)
    assert [one.text for one in distinct(found)] == ["1", "2"]
    assert distinct(found)[0].start > found[1].start

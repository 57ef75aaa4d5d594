"""Choice: what a response settles on, in eleven languages, and what it must not be paid for."""

import json
import pickle
import runpy
from collections import Counter
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.types import Fault, Outcome, Reason, Sample
from unflip.verifiers.base import TEXT_LIMIT
from unflip.verifiers.choice import Choice, named
from unflip.verifiers.options import options_of

FIXTURES = Path(__file__).parents[2] / "fixtures"
ROWS = [json.loads(line) for line in (FIXTURES / "choice.jsonl").read_text().splitlines()]
CITIES = {"A": "Sydney", "B": "Canberra", "C": "Perth", "D": "Hobart"}
ASKED = "Capital of Australia?\n" + "\n".join(f"{label}) {text}" for label, text in CITIES.items())
LANGUAGES = sorted({row["stratum"] for row in ROWS})
TEXTS = st.text(st.characters(exclude_categories=()), max_size=200)
# What hypothesis would hardly find: the words that the rules look for, in any order.
VOCABULARY = (
    "A B C D a (b) **C** not or and , . ? so the answer is wait no Sydney Perth \\boxed{A} <answer>"
    " </answer> correct wrong maybe 答案是 不是 か です"
)
PHRASES = st.lists(st.sampled_from([*VOCABULARY.split(), "\n"]), max_size=20).map(" ".join)


def sample(row):
    """The sample of a fixture's row."""
    return Sample(
        row["completion"], row["reference"], prompt=row["prompt"], meta=row.get("meta", {})
    )


def errors(rows):
    """False positives and false negatives of a set of rows."""
    taken = [(row["correct"], Choice()(sample(row)).accepted) for row in rows]
    return Counter(correct for correct, accepted in taken if correct != accepted)


def ask(completion, reference, prompt=ASKED):
    """The verdict on a response to the question about Australia."""
    return Choice()(Sample(completion, reference, prompt=prompt))


@pytest.mark.parametrize("language", LANGUAGES)
def test_families_that_were_looked_at(language):
    """Every response of the families that the rules were written for is decided rightly."""
    rows = [row for row in ROWS if row["stratum"] == language and not row["held"]]
    assert len(rows) >= 80
    assert errors(rows) == {}


def test_families_that_were_held_out():
    """On families that nobody looked at, errors stay within what was measured once."""
    found = errors([row for row in ROWS if row["held"]])
    assert found[False] <= 5
    assert found[True] <= 14


def test_the_fixture_is_what_its_generator_writes():
    """The rows and their labels come from the templates, not from a verifier."""
    made = runpy.run_path(str(FIXTURES / "make_choice.py"))["rows"]()
    assert list(made) == [row | {"id": ""} for row in ROWS]


@given(TEXTS | PHRASES, TEXTS | st.sampled_from(("A", "B", "A, C", "Sydney")), TEXTS)
def test_never_raises(completion, reference, prompt):
    """Any text is a verdict, and only the reference can make it an abstain."""
    for asked in (prompt, ASKED):
        verdict = ask(completion, reference, asked)
        abstains = verdict.outcome is Outcome.ABSTAIN
        assert abstains == (verdict.reason is Reason.UNREADABLE_REFERENCE)


@given(PHRASES)
def test_at_most_one_answer_is_paid(completion):
    """Whatever a response says, it is accepted for at most one set of options."""
    references = ["A", "B", "C", "D", "A, B", "A, C", "B, D", "A, B, C", "A, B, C, D"]
    assert sum(ask(completion, reference).accepted for reference in references) <= 1


@given(TEXTS | PHRASES)
def test_a_span_is_a_place_in_the_completion(completion):
    """The answer of a verdict is what stands at its span."""
    verdict = ask(completion, "B")
    if verdict.answer is not None:
        start, end = verdict.evidence["span"]
        assert completion[start:end] == verdict.answer


@pytest.mark.parametrize("form", ["{}", "({})", "{}.", "{}) {text}", "({}) {text}", "{text}"])
@pytest.mark.parametrize("label", CITIES)
def test_a_reference_is_its_own_answer(label, form):
    """However a data set writes the right option, a response that says the same is accepted."""
    reference = form.format(label, text=CITIES[label])
    assert ask(reference, reference).accepted
    assert named(reference, options_of(Sample("", prompt=ASKED))) == {label}


@pytest.mark.parametrize("joint", [", ", ",", "", " and ", " & "])
def test_several_options_in_any_order(joint):
    """A reference of several options takes all of them and no other set."""
    reference = joint.join(("A", "C", "D"))
    for order in permutations("ACD"):
        assert ask("The answers are " + ", ".join(order) + ".", reference).accepted
    for said in ("A and C", "A, B, C, D", "A or C or D", "D"):
        assert not ask(f"The answer is {said}.", reference).accepted


@pytest.mark.parametrize(
    ("listing", "meta"),
    [
        ("\nA) Sydney\nB) Canberra\nC) Perth\nD) Hobart", {}),
        ("\n(A) Sydney\n(B) Canberra\n(C) Perth\n(D) Hobart", {}),
        ("\nA. Sydney\nB. Canberra\nC. Perth\nD. Hobart\nAnswer with one letter.", {}),
        (" A: Sydney B: Canberra C: Perth D: Hobart", {}),
        ("\n$\\textbf{(A)}\\ Sydney \\textbf{(B)}\\ Canberra \\textbf{(C)}\\ Perth", {}),
        ("", {"options": list(CITIES.values())}),
        ("", {"options": [f"{label}. {text}" for label, text in CITIES.items()]}),
        ("", {"choices": CITIES}),
    ],
)
def test_options_are_found(listing, meta):
    """Options are read from the prompt in the usual forms, and from meta."""
    asked = Sample("Canberra", "B", prompt="Capital of Australia?" + listing, meta=meta)
    assert options_of(asked)["B"] == "Canberra"
    assert Choice()(asked).accepted


def test_the_last_list_of_a_prompt_counts():
    """Examples in front of the question do not lend it their options."""
    shots = "Q: 2 + 2?\nA) 3\nB) 4\nAnswer: B\n\n"
    assert options_of(Sample("", prompt=shots + ASKED)) == CITIES


def test_numbered_steps_are_no_options():
    """Beside options with letters, a numbered list is something else, unless the reference fits."""
    steps = "1. Think.\n2. Answer with one letter.\n"
    assert options_of(Sample("", "B", prompt=f"{steps}{ASKED}\n{steps}")) == CITIES
    assert list(options_of(Sample("", "2", prompt=f"{ASKED}\n{steps}"))) == ["1", "2"]


@pytest.mark.parametrize(
    "completion",
    [
        "A good question. I think that it needs more thought.",
        "I am not sure. A map would help.",
        "Team A won, and vitamin C helps.",
        "A-levels and a C-section",
        "He got an A+ in C++.",
        "A première vue, il manque des informations.",
    ],
)
def test_articles_pronouns_and_names_are_no_options(completion):
    """A letter that is a word, or part of a name, states nothing."""
    assert [label for label in "ABCDI" if ask(completion, label, "").accepted] == []


@pytest.mark.parametrize("text", ["", " \n", "\x00", "\ud800", "\u202e\u202c of", "?!", "=>"])
def test_no_answer(text):
    """What names no option is no answer."""
    assert ask(text, "A").reason is Reason.NO_ANSWER


def test_big_inputs():
    """Over the limit is a reject; reasoning does not count; the longest text comes to a verdict."""
    assert ask("B" * (TEXT_LIMIT + 1), "B").reason is Reason.OVER_LIMIT
    assert ask("<think>" + "A or B? " * 10**5 + "</think>B", "B").accepted
    assert ask("A x " * (TEXT_LIMIT // 4 - 9) + "\nThe answer is B.", "B").accepted
    assert ask("{" * 10**4 + "B" + "}" * 10**4, "A").outcome is Outcome.REJECT
    assert ask("<answer>" * 10**4 + "B", "A").outcome is Outcome.REJECT


@pytest.mark.parametrize("reference", [None, "", "Berlin", "Z", {"a": 1}, ["A", ""]])
def test_a_reference_that_names_no_option_is_its_own_fault(reference):
    """Nothing is guessed about a reference: the fault is the reference's."""
    given_ = tuple(reference) if isinstance(reference, list) else reference
    assert ask("A", given_).fault is Fault.REFERENCE


def test_alternatives():
    """Of a tuple, any reference is right."""
    assert ask("C", ("A", "C")).accepted
    assert not ask("A, C", ("A", "C")).accepted


@pytest.mark.parametrize(
    ("said", "step"),
    [
        (r"so \boxed{B}", "boxed"),
        ("<answer>B</answer>", "tag"),
        ("The answer is B.", "declared"),
        ("B is right.", "judged"),
        ("B\nbecause of the parliament", "alone"),
        ("Not A, so B", "concluded"),
        ("Perhaps B", "mentioned"),
    ],
)
def test_evidence_names_the_step(said, step):
    """The verdict says how plainly the options were stated, and which they are."""
    assert ask(said, "B").evidence["step"] == step
    assert ask(said, "B").evidence["options"] == ["B"]


def test_it_pickles():
    """A copy in another process is the same verifier."""
    assert pickle.loads(pickle.dumps(Choice())).by == Choice().by


@pytest.mark.parametrize(
    "said",
    [
        "It is tempting to say B, which is wrong.",
        "One might say B, but this is incorrect.",
        "The answer is B, which is wrong",
        "Anything but B",
    ],
)
def test_an_option_that_is_called_wrong_is_not_chosen(said):
    """A relative clause takes back what stands before it."""
    assert not Choice()(Sample(said, "B", meta={"options": ["x", "y", "z", "w"]})).accepted

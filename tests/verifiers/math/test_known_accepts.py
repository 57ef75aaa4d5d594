"""Mistakes that verifiers are known for: each of them is refused here."""

import pytest

from unflip.types import Outcome, Sample
from unflip.verifiers.choice import Choice
from unflip.verifiers.exact import Exact
from unflip.verifiers.format import Format
from unflip.verifiers.math import Math

WRONG = [
    (r"\boxed{\{1, 2\}}", "(1, 2)"),
    (r"\boxed{101_3}", "101_2"),
    (r"\boxed{AB}", "BA"),
    (r"\boxed{5\text{ mm}}", "5 Mm"),
    (r"\boxed{90^\circ}", "90%"),
    (r"\boxed{0.3}", r"0.\overline{3}"),
    (r"\boxed{{\color{red} 5}}", "red"),
    (r"\boxed{4}. Wait, that's wrong.", "4"),
    (r"\boxed{4}. Hmm, this is not correct.", "4"),
    (r"\boxed{1 - \frac{1}{e}}", r"1 + \frac{1}{e}"),
    (r"\boxed{x + y = 0}", "x - y = 0"),
    (r"\boxed{\frac{1}{2^{98}}}", r"\frac{1}{2^{99}}"),
    (r"\boxed{1 \text{ kg}}", "1 mile"),
    (r"\boxed{\sqrt{x} = \sqrt{y}}", "x = y^2"),
    (r"\boxed{1\frac{9}{5}}", r"1\frac{4}{5}"),
    (r"\boxed{y(0)}", "I(0)"),
    (r"\boxed{\frac{d}{dx}}", "1/x"),
]


@pytest.mark.parametrize(("completion", "reference"), WRONG)
def test_a_known_false_accept_is_not_accepted(completion, reference):
    """What other graders, or earlier versions of this one, took for the reference."""
    assert not Math()(Sample(completion, reference)).accepted


def test_what_only_looks_like_a_retraction_is_accepted():
    """An answer that is confirmed is no answer taken back."""
    for said in ("That's not wrong at all.", "Wait, that's right.", "It is what was asked."):
        assert Math()(Sample(rf"\boxed{{4}}. {said}", "4")).accepted


def test_a_box_without_braces_is_a_box():
    """A second box counts, with or without braces."""
    assert Format(boxes=1)(Sample(r"\boxed{1} or \boxed 2")).outcome is Outcome.REJECT


@pytest.mark.parametrize(
    "completion", ["wrong answer: B", "The wrong answer is B.", "Tempting as B is, it is wrong"]
)
def test_an_option_called_wrong_is_not_chosen(completion):
    """An answer that is announced as wrong, or called so in the same breath, is none."""
    assert not Choice()(Sample(completion, "B")).accepted


@pytest.mark.parametrize(("answer", "reference"), [("A+", "A"), ("O-", "O+"), ("Na", "Na+")])
def test_a_sign_that_ends_a_name_belongs_to_it(answer, reference):
    """A grade, a blood group or an ion with another sign is another one."""
    assert not Exact()(Sample(answer, reference)).accepted
    assert not Exact()(Sample(reference, answer)).accepted
    assert Exact()(Sample(f"It is {answer}.", answer)).accepted

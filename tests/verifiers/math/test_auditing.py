"""References that cannot be checked are named before training."""

import pytest

from unflip.audit.references import check_references
from unflip.types import Reason, Sample
from unflip.verifiers.math import Math
from unflip.verifiers.math.auditing import Flaw, audit


@pytest.mark.parametrize(
    ("reference", "flaw"),
    [
        ("", Flaw.EMPTY),
        ("$$", Flaw.EMPTY),
        ("99999999!", Flaw.TOO_LARGE),
        ("(" * 2000, Flaw.TOO_LARGE),
        ("The triangle can be cut along its midline.", Flaw.PROSE),
        ("5 4.6", Flaw.UNREAD),
        ("???", Flaw.EMPTY),
        (r"\frac{", Flaw.UNREAD),
        (r"\frac{1}{", Flaw.UNREAD),
        ("$221,$8$", Flaw.UNREAD),
        ("1/0", Flaw.UNREAD),
    ],
)
def test_a_reference_that_cannot_be_checked_is_named(reference, flaw):
    """Each kind of garbage is found, and said what it is."""
    assert [found.flaw for found in audit([reference])] == [flaw]


def test_what_a_broken_reference_says_of_an_answer_is_nothing():
    """Another answer is left open, not rejected: the fault is not the answer's."""
    for reference in (r"\frac{", r"\frac{1}{", r"\sqrt"):
        verdict = Math()(Sample(r"\boxed{5}", reference))
        assert verdict.reason is Reason.UNREADABLE_REFERENCE


@pytest.mark.parametrize("reference", ["42", r"\frac{1}{2}", "x < 3", "Evelyn", "(1, 2)", "28%"])
def test_a_good_reference_is_not_named(reference):
    """What can be checked is not found fault with."""
    assert not list(audit([reference], Math()))


def test_the_self_check_names_what_math_can_hardly_check():
    """A sentence is accepted as its own answer, and still named before training."""
    references = ("42", "The triangle can be cut along its midline.")
    found = check_references(Math(), [Sample("", one) for one in references])
    assert found.accepted.k == 2
    assert [(one.reference, one.doubt) for one in found.doubtful] == [
        (references[1], "prose: a sentence")
    ]

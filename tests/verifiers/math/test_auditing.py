"""References that cannot be checked are named before training, and pairs are explained."""

import pytest

from unflip.verifiers.math import Math
from unflip.verifiers.math.auditing import Flaw, audit, explain


@pytest.mark.parametrize(
    ("reference", "flaw"),
    [
        ("", Flaw.EMPTY),
        ("$$", Flaw.EMPTY),
        ("99999999!", Flaw.TOO_LARGE),
        ("(" * 2000, Flaw.TOO_LARGE),
        ("The triangle can be cut along its midline.", Flaw.PROSE),
        ("5 4.6", Flaw.UNREAD),
    ],
)
def test_a_reference_that_cannot_be_checked_is_named(reference, flaw):
    """Each kind of garbage is found, and said what it is."""
    assert [found.flaw for found in audit([reference])] == [flaw]


@pytest.mark.parametrize("reference", ["42", r"\frac{1}{2}", "x < 3", "Evelyn", "(1, 2)", "28%"])
def test_a_good_reference_is_not_named(reference):
    """What can be checked is not found fault with."""
    assert not list(audit([reference], Math()))


def test_an_explanation_names_forms_and_rule():
    """A pair is explained by the verdict, both normal forms and the rule."""
    said = explain(r"\boxed{\frac{1}{2}x}", "0.5x")
    assert said.splitlines()[0] == "accept: match"
    assert "1/2*x" in said
    assert "decided by engine: residues (rule)" in said

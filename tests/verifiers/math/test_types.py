"""Every type of the engine: what is equal, what is different, and what it cannot tell."""

import json
from pathlib import Path

import pytest

from unflip.verifiers.math.comparing import compare
from unflip.verifiers.math.deciding import decide
from unflip.verifiers.math.tolerance import Percent, Tolerance, Units

FOLDER = Path(__file__).parents[3] / "fixtures" / "math_types"
TYPES = {
    path.stem: [json.loads(line) for line in path.read_text().splitlines()]
    for path in sorted(FOLDER.glob("*.jsonl"))
}
SAID = {True: "equal", False: "different", None: "unknown"}


def judged(one, other, tolerance=None):
    """What plain comparison and the engine say of two answers."""
    tolerance = tolerance or Tolerance()
    plainly = compare(one, other, tolerance)
    return plainly if plainly.same is not None else decide(one, other, tolerance)


@pytest.mark.parametrize("kind", TYPES)
def test_pairs_are_judged_alike_both_ways(kind):
    """Each pair of a type gets its judgement, whichever side is the reference."""
    for pair in TYPES[kind]:
        one, other = pair["one"], pair["other"]
        said = SAID[judged(one, other).same], SAID[judged(other, one).same]
        assert said == (pair["same"], pair["same"]), (one, other)


@pytest.mark.parametrize("kind", TYPES)
def test_an_answer_equals_itself_by_its_type(kind):
    """The engine alone, without comparing texts, finds every answer equal to itself."""
    for pair in TYPES[kind]:
        assert decide(pair["one"], pair["one"], Tolerance()).same, pair["one"]


@pytest.mark.parametrize("kind", TYPES)
def test_a_type_has_pairs_that_are_equal_and_pairs_that_are_not(kind):
    """No type is shown by what it accepts alone."""
    said = {pair["same"] for pair in TYPES[kind]}
    assert "equal" in said
    assert said & {"different", "unknown"}


@pytest.mark.parametrize(
    ("one", "other", "options"),
    [
        ("28%", "28", {"percent": Percent.EXACT}),
        ("10 cm", "10", {"units": Units.EXACT}),
        (r"\sqrt{2}\text{ cm}", r"\sqrt2", {"units": Units.EXACT}),
        ("1.414", r"\sqrt{2}", {"digits": None}),
        ("0.333", r"\frac{1}{3}", {"digits": 4}),
        ("1,22", "1.22", {"comma": False}),
    ],
)
def test_a_policy_of_taste_can_be_turned_off(one, other, options):
    """What is equal by default is not under the stricter option."""
    assert judged(one, other).same
    assert judged(one, other, Tolerance(**options)).same is False


def test_a_decision_names_its_rule_and_forms():
    """A comparison says by which rule it was decided, and how both sides were read."""
    said = decide(r"x \le 3", r"(-\infty, 3]", Tolerance())
    assert (said.note, said.answer, said.reference) == (
        "real sets", "x <= 3", r"(-1*\infty, 3]"
    )  # fmt: skip
    assert said.evidence["types"] == ["inequality", "interval"]

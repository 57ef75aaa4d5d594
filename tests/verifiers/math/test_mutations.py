"""Changed answers: no exception, no asymmetry, no certified difference accepted."""

import json
from pathlib import Path

import pytest

from unflip.verifiers.math.mutations import Fault, faults, judged

FOLDER = Path(__file__).parents[3] / "fixtures" / "math_types"
TEXTS = sorted(
    {
        json.loads(line)[side]
        for path in FOLDER.glob("*.jsonl")
        for line in path.read_text().splitlines()
        for side in ("one", "other")
    }
)


def test_no_changed_answer_goes_wrong():
    """Each pair is judged alike both ways, soon, and never equal if fifty digits say otherwise."""
    assert list(faults(TEXTS, 4_000, seed=7)) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [("5", "6"), ("1/2", "0.5"), ("x", "x+0"), ("(1,2", "1"),
     (r"\l^eft(2^{2014}-4\right)", r"\left(2^{2014}-4\right)")],
)  # fmt: skip
def test_a_pair_without_fault_has_none(one, other):
    """Different and equal answers alike are no faults."""
    assert list(judged(one, other)) == []


def test_a_fault_would_be_found(monkeypatch):
    """If the engine took everything for the same, a changed digit would be reported."""
    monkeypatch.setattr("unflip.verifiers.math.mutations._same", lambda one, other: True)
    assert list(judged("5", "6")) == [Fault("certified different", "5", "6")]

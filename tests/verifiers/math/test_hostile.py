"""Completions written to be accepted though they are wrong, and honest ones in every notation."""

import json
from pathlib import Path

import pytest

from unflip.types import Sample
from unflip.verifiers.math import Math

PATH = Path(__file__).parents[3] / "fixtures" / "math_hostile.jsonl"
ROWS = [json.loads(line) for line in PATH.read_text().splitlines()]


@pytest.mark.parametrize("accepted", [True, False])
def test_every_completion_is_judged_as_people_judge_it(accepted):
    """Near misses, hedges, tricks of units, digits and LaTeX are refused, and variants are not."""
    rows = [row for row in ROWS if row["accepted"] is accepted]
    assert len(rows) >= 400
    verify = Math()
    wrong = [
        (row["completion"], row["reference"])
        for row in rows
        if verify(Sample(row["completion"], row["reference"])).accepted is not accepted
    ]
    assert wrong == []

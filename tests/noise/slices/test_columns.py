"""Columns: what samples and verdicts can be sliced by."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.errors import UsageError
from unflip.noise.slices.columns import answer_format, answer_type, bins, columns
from unflip.types import Outcome, Reason, Sample, Trust, Verdict


@given(st.lists(st.floats(allow_nan=True, allow_infinity=False), max_size=40), st.integers(1, 6))
def test_bins_part_by_value_and_never_more_than_asked(values, count):
    """Equal numbers share a bin, bins do not overlap, and there are at most as many as asked."""
    labels = bins(values, count=count)
    spans = {}
    for value, label in zip(values, labels, strict=True):
        assert (label == "none") == (value != value)
        spans.setdefault(label, []).append(value)
    spans.pop("none", None)
    ordered = sorted(spans.values(), key=min)
    assert all(max(one) < min(other) for one, other in pairwise(ordered))


def test_bins_hold_about_as_many_rows_each():
    """A hundred different lengths in five bins are twenty each."""
    labels = bins(range(100))
    assert sorted(labels.count(label) for label in set(labels)) == [20] * 5


@pytest.mark.parametrize(
    ("reference", "kind"),
    [
        ("-12", "integer"), ("1,234", "integer"), ("0.5", "decimal"), (r"50\%", "percent"),
        ("3/4", "fraction"), (r"\dfrac{3}{4}", "fraction"), ("(C)", "choice"),
        (r"\{1, 2\}", "tuple or set"), (r"\sqrt{2}", "expression"), ("", "empty"),
        ("Paris", "text"), ("$7$", "integer"),
    ],
)  # fmt: skip
def test_answer_types_are_read_off_the_reference(reference, kind):
    """One example of each type."""
    assert answer_type(reference) == kind


@pytest.mark.parametrize(
    ("completion", "mark"),
    [
        (r"so \boxed{4}", "boxed"), ("<answer>4</answer>", "answer tag"),
        ("x\n#### 4", "hash marks"),
        ("```python\n4\n```", "code block"), ("The final answer is: 4", "stated"), ("4", "bare"),
        ("I think about it for a long while, and then it must be four.", "prose"),
    ],
)  # fmt: skip
def test_formats_are_read_off_the_completion(completion, mark):
    """One example of each format."""
    assert answer_format(completion) == mark


def test_columns_that_never_differ_are_left_out():
    """Only columns with two labels or more can part the rows."""
    samples = [Sample("4", "4", stratum="a"), Sample("5", "1/2", stratum="a")]
    verdicts = [
        Verdict(Outcome.ACCEPT, Reason.MATCH, evidence={"step": "exact"}),
        Verdict(Outcome.REJECT, Reason.MISMATCH, evidence={"step": "symbolic"}, trust=Trust.MODEL),
    ]
    found = columns(samples, verdicts)
    assert found["answer type"] == ["integer", "fraction"]
    assert found["step"] == ["exact", "symbolic"]
    assert found["trust"] == ["rule", "model"]
    assert "stratum" not in found
    with pytest.raises(UsageError):
        columns(samples, verdicts[:1])


def test_a_judges_scores_are_a_column_of_their_own():
    """Rows can be sliced by what a judge thought of them, whatever the verifier said."""
    samples = [Sample("4", "4")] * 4
    verdicts = [Verdict(Outcome.ACCEPT, Reason.MATCH)] * 4
    judge = [Verdict(Outcome.ACCEPT, Reason.REWARDED, p=p) for p in (0.5, 0.6, 0.8, 0.9)]
    assert columns(samples, verdicts, judge=judge) == {"judge score": ["0.5", "0.6", "0.8", "0.9"]}
    with pytest.raises(UsageError, match="one verdict for each"):
        columns(samples, verdicts, judge=judge[:3])

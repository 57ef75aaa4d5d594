"""Columns to slice by, derived from samples and verdicts."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from unflip.errors import UsageError
from unflip.types import Sample, Verdict

_FORMATS = (
    ("boxed", re.compile(r"\\(?:boxed|fbox)\b")),
    ("answer tag", re.compile(r"<answer>", re.IGNORECASE)),
    ("hash marks", re.compile(r"^####", re.MULTILINE)),
    ("code block", re.compile(r"^```", re.MULTILINE)),
    ("stated", re.compile(r"\banswer\b\W{0,4}(?:is|:|=)", re.IGNORECASE)),
)
_TYPES = (
    ("integer", re.compile(r"[-+]?(?:\d+|\d{1,3}(?:,\d{3})+)")),
    ("decimal", re.compile(r"[-+]?\d*\.\d+")),
    ("percent", re.compile(r"[-+]?\d+(?:\.\d+)?\s*\\?%")),
    ("fraction", re.compile(r"[-+]?(?:\d+\s*/\s*\d+|\\[dt]?frac\s*\{?-?\d+\}?\s*\{?\d+\}?)")),
    ("choice", re.compile(r"\(?[A-Ja-j]\)?\.?")),
    ("tuple or set", re.compile(r"(?:\\left)?\\?[(\[{].*,.*(?:\\right)?\\?[)\]}]", re.DOTALL)),
    ("expression", re.compile(r".*[\\^=_+*/].*|.*\d.*", re.DOTALL)),
    ("empty", re.compile(r"\s*")),
)


def columns(
    samples: Sequence[Sample],
    verdicts: Sequence[Verdict],
    *,
    judge: Sequence[Verdict] | None = None,
) -> dict[str, list[str]]:
    """Every column that can be read off samples and verdicts, without those that never differ.

    These are the dataset's own stratum and source (`meta["source"]`), the reference's type, the
    completion's format and length (in fifths), the verifier's step (`evidence["step"]`), what
    stands behind the verdict, its score or P(correct), and the judge's (in fifths).

    Args:
        samples: The rows.
        verdicts: The verifier's, one a row.
        judge: A judge's, one a row, if there is one.

    Raises:
        UsageError: There is not one verdict, or judge's verdict, for each sample.

    Example:
        >>> from unflip.types import Outcome, Reason
        >>> samples = [Sample("so it is 4", "4"), Sample("the answer is 1/2", "1/2")]
        >>> verdicts = [Verdict(Outcome.ACCEPT, Reason.MATCH)] * 2
        >>> columns(samples, verdicts)["answer type"]
        ['integer', 'fraction']
    """
    if not len(samples) == len(verdicts) == len(verdicts if judge is None else judge):
        raise UsageError("columns need one verdict for each sample, in the same order")
    found = {
        "stratum": [sample.stratum or "none" for sample in samples],
        "source": [str(sample.meta.get("source", "none")) for sample in samples],
        "answer type": [answer_type((*sample.references, "")[0]) for sample in samples],
        "format": [answer_format(sample.text) for sample in samples],
        "length": bins([len(sample.text) for sample in samples]),
        "step": [str(verdict.evidence.get("step", "none")) for verdict in verdicts],
        "trust": [str(verdict.trust) for verdict in verdicts],
        "score": _scores(verdicts),
        "judge score": _scores(judge or ()),
    }
    return {name: labels for name, labels in found.items() if len(set(labels)) > 1}


def _scores(verdicts: Sequence[Verdict]) -> list[str]:
    scores = (verdict.score if verdict.p is None else verdict.p for verdict in verdicts)
    return bins([np.nan if score is None else score for score in scores])


def answer_type(reference: str) -> str:
    r"""What kind of answer a reference asks for, by how it is written.

    Returns:
        One of integer, decimal, percent, fraction, choice, tuple or set, expression, empty, text.

    Example:
        >>> [answer_type(text) for text in ("12", r"\frac{1}{2}", "(1, 2)", "x^2", "Paris", "B")]
        ['integer', 'fraction', 'tuple or set', 'expression', 'text', 'choice']
    """
    return next((name for name, shape in _TYPES if shape.fullmatch(reference.strip("$ "))), "text")


def answer_format(completion: str) -> str:
    r"""How a completion hands over its answer, by the first mark that it bears.

    Returns:
        One of boxed, answer tag, hash marks, code block, stated, bare (one short line), prose.

    Example:
        >>> [answer_format(text) for text in (r"\boxed{4}", "The answer is 4.", "4")]
        ['boxed', 'stated', 'bare']
    """
    bare = "bare" if len(completion) <= 40 and "\n" not in completion.strip() else "prose"
    return next((name for name, mark in _FORMATS if mark.search(completion)), bare)


def bins(value_N: ArrayLike, *, count: int = 5) -> list[str]:
    """Labels of numbers by quantile: about as many rows in each bin, equal numbers never parted.

    Args:
        value_N: Lengths, scores or whatever else has an order; NaN is "none".
        count: How many bins at most.

    Example:
        >>> bins([1, 2, 3, 40, 50, float("nan")], count=2)
        ['1 to 3', '1 to 3', '1 to 3', '40 to 50', '40 to 50', 'none']
    """
    value_N = np.asarray(value_N, dtype=float)
    known_n = value_N[~np.isnan(value_N)]
    if not len(known_n):
        return ["none"] * len(value_N)
    edges = np.unique(np.quantile(known_n, np.arange(1, count) / count, method="inverted_cdf"))
    place_n = np.searchsorted(edges, known_n)
    names = {
        place: _span(known_n[place_n == place].min(), known_n[place_n == place].max())
        for place in np.unique(place_n)
    }
    return [
        "none" if np.isnan(value) else names[np.searchsorted(edges, value)] for value in value_N
    ]


def _span(low: float, high: float) -> str:
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"

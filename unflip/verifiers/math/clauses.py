"""What stands around a value in words: conditions behind it, and words that would change it."""

from __future__ import annotations

from collections.abc import Sequence

from unflip.verifiers.math.cursor import NotMath
from unflip.verifiers.math.tokens import Token

CHANGING = frozenset(
    [
        "twice", "thrice", "double", "triple", "negative",
        "not", "no", "never", "none", "neither", "nor", "least", "most", "more", "less", "greater",
        "fewer", "than", "below", "above", "under", "over", "except", "without", "wrong",
        "incorrect", "false", "but", "unless", "doubled", "tripled", "halved", "squared", "cubed",
        "either", "half", "halves", "thirds", "quarters", "tenths", "hundredths", "thousandths",
        "between", "odd", "even", "if", "otherwise", "almost", "nearly",
        "divisible", "impossible", "absolute", "factorial", "modulo", "base",
    ]
)  # fmt: skip
"""Words that change a value or deny it: an answer with one of them is text."""
_SENSES = frozenset(
    (
        "maximum", "minimum", "up", "down", "increasing", "decreasing", "left", "right", "north",
        "south", "east", "west", "positive", "negative", "convex", "concave", "clockwise",
        "counterclockwise", "gain", "loss", "profit", "inside", "outside", "before", "after",
        "converges", "diverges", "largest", "smallest", "first", "last", "early", "late",
    )
)  # fmt: skip
_LONG_FORMS = {"max": "maximum", "min": "minimum", "upward": "up", "downward": "down"}
_DROPPED_ENDS = frozenset(("for", "where", "whenever", "forall", "because", "since"))
_CLAUSES = frozenset(("is", "are", "which", "that", "must"))


def senses_of(tokens: Sequence[Token]) -> frozenset[str]:
    """The words that have an opposite, each in its longest form."""
    words = {token.text.lower() for token in tokens if token.kind == "word"}
    return frozenset(_LONG_FORMS.get(word, word) for word in words) & _SENSES


def depths_of(tokens: Sequence[Token]) -> list[int]:
    """How deep in brackets each token stands."""
    depths, depth = [], 0
    for token in tokens:
        depth -= token.kind in ("close", "end")
        depths.append(depth)
        depth += token.kind in ("open", "begin")
    return depths


def without_conditions(
    chunks: list[list[Token]],
) -> tuple[list[list[Token]], list[Token]]:
    """The parts without `for all x` and `where k is an integer`, and all that is left out."""
    kept: list[list[Token]] = []
    left_out: list[Token] = []
    for chunk in chunks:
        at = _condition(chunk)
        if left_out and at is None and not _states(chunk):
            left_out += chunk
            continue
        kept.append(chunk if at is None else chunk[:at])
        left_out += [] if at is None else chunk[at:]
    if any(t.text.lower() in CHANGING for t in left_out if t.kind == "word"):
        raise NotMath("a condition that changes a value")
    return kept, left_out


def _condition(tokens: list[Token]) -> int | None:
    """Where a condition starts, behind a value."""
    depths = depths_of(tokens)
    for at, token in enumerate(tokens):
        word = token.text.lower()
        ends = word in _DROPPED_ENDS or (word in _CLAUSES and _is_equation(tokens[:at], depths))
        if at and not depths[at] and token.kind == "word" and ends:
            return at
    return None


def _states(tokens: Sequence[Token]) -> bool:
    """Whether a part says a number or an equation; an index is none."""
    before = ""
    for token, depth in zip(tokens, depths_of(tokens), strict=True):
        if token.text == "=" or (token.kind == "num" and not depth and before != "_"):
            return True
        before = token.text
    return False


def _is_equation(tokens: Sequence[Token], depths: Sequence[int]) -> bool:
    return any(t.text == "=" and not d for t, d in zip(tokens, depths, strict=False))

"""What stands behind a value: a unit, a noun, a scale such as million."""

from __future__ import annotations

from fractions import Fraction

from unflip.verifiers.math.clauses import CHANGING, depths_of
from unflip.verifiers.math.cursor import NotMath
from unflip.verifiers.math.literals import literal
from unflip.verifiers.math.measures import measure_of
from unflip.verifiers.math.nodes import Node, Num, Op, number
from unflip.verifiers.math.tokens import Token
from unflip.verifiers.units import read_unit

_SCALES = {
    "hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12,
    "dozen": 12, "lakh": 10**5, "crore": 10**7,
}  # fmt: skip


def head_and_tail(tokens: list[Token]) -> tuple[list[Token], list[Token]]:
    """The value, and the words behind it."""
    depths = depths_of(tokens)
    for at, token in enumerate(tokens):
        if token.kind == "word" and not depths[at]:
            return tokens[:at], tokens[at:]
        if token.text == "/" and at > 1 and tokens[at - 1].gap and _is_rate(tokens[at - 1 :]):
            return tokens[: at - 1], tokens[at - 1 :]
    return tokens, []


def _is_rate(tail: list[Token]) -> bool:
    """Whether letters behind a number are a unit such as `L/min` or `m/s^2`."""
    if not all(t.kind in ("let", "fn", "num", "word") or t.text in "/^{}" for t in tail):
        return False
    unit = read_unit("".join(token.text for token in tail if token.text not in "{}"))
    return unit is not None and measure_of(unit) is not None


def compound(tokens: list[Token]) -> Node | None:
    """Several numbers with units of one kind, `3 hours 20 minutes`, as one; None for all else."""
    if len(tokens) < 4 or [t.kind for t in tokens] != ["num", "word"] * (len(tokens) // 2):
        return None
    total, unit = Fraction(0), None
    for value, name in zip(tokens[::2], tokens[1::2], strict=True):
        measure = measure_of(read_unit(name.text) or ((name.text, 1),))
        if measure is None or (unit and unit.dimensions != measure.dimensions):
            return None
        unit = unit or measure
        total += literal(value.text).value * measure.size
    return Op("unit", (number(total / unit.size),), tokens[1].text) if unit else None


def with_tail(node: Node, tail: list[Token]) -> Node:
    """The value with its unit, noun or scale; on the right of an equation, it belongs there."""
    if isinstance(node, Op) and node.kind == "rel":
        last = with_tail(node.args[-1], tail)
        return node._replace(args=(*node.args[:-1], last))
    words = [token.text.lower() for token in tail]
    if words[0] in ("st", "nd", "rd", "th"):
        tail, words = tail[1:], words[1:]
    elif words[0] in _SCALES or words[0].rstrip("s") in _SCALES:
        scale = _SCALES[words[0] if words[0] in _SCALES else words[0].rstrip("s")]
        node = Op("mul", (node, number(scale)))
        if isinstance(node.args[0], Num):
            node = node.args[0]._replace(value=node.args[0].value * scale, places=None)
        tail, words = tail[1:], words[1:]
    while words and words[0] in ("of", "a", "an", "the"):
        tail, words = tail[1:], words[1:]
    if not tail:
        return node
    changed = (set(words) & CHANGING) | (set(words) & set(_SCALES))
    if changed and (len(words) == 1 or words[0] not in ("square", "squared", "cubic", "cubed")):
        raise NotMath("words that change a value")
    return Op("unit", (node,), _unit_text(tail))


def _unit_text(tail: list[Token]) -> str:
    out = []
    for token in tail:
        if token.kind in ("word", "num") or token.text in ("^", "/", "*", "-"):
            out.append((" " if token.gap and token.kind == "word" else "") + token.text)
        elif token.kind in ("let", "fn") and token.text.isalpha():
            out.append((" " if token.gap else "") + token.text)
        elif token.text in ("\\mu", "\\Omega"):
            out.append({"\\mu": "µ", "\\Omega": "Ω"}[token.text])
        elif token.text not in ("{", "}", "(", ")", "%"):
            raise NotMath("no unit")
    text = "".join(out).replace("/ ", "/").strip()
    unit = read_unit(text)
    numbers = [token for token in tail if token.kind == "num"]
    if any(token.gap for token in numbers) or (numbers and not (unit and measure_of(unit))):
        raise NotMath("no unit")
    if any(token.kind in ("let", "fn") for token in tail) and not (unit and measure_of(unit)):
        raise NotMath("no unit")
    return text

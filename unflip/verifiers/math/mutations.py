"""Changed answers, and what the engine must never do with them: the fuzz of the mathematics.

Each pair is an answer and the same with one to three characters changed. `faults` compares it both
ways and reports an asymmetry, an answer that is not its own equal, a comparison that took long,
and a pair that is accepted though fifty digits certify that the two differ.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from fractions import Fraction
from random import Random
from typing import NamedTuple

from unflip.verifiers.math import answers
from unflip.verifiers.math.budget import Budget
from unflip.verifiers.math.comparing import compare
from unflip.verifiers.math.cursor import NotMath
from unflip.verifiers.math.deciding import decide
from unflip.verifiers.math.identity import real_value
from unflip.verifiers.math.nodes import Node, Op, is_op
from unflip.verifiers.math.parser import parse
from unflip.verifiers.math.tokens import TooLong, tokenize
from unflip.verifiers.math.tolerance import Percent, Tolerance

CHARACTERS = "0123456789+-*/^=<>()[]{}|,.;:!%xykn\\ '&_$"
STRICT = Tolerance(percent=Percent.EXACT, digits=None, comma=False)
"""No policy that lets two different numbers be the same answer."""
LONG = 0.5
"""Seconds of processor time for one comparison that are a fault: a hundred times the usual most."""
_MARKED = ("base", "deg", "pct", "pmod", "ratio")
"""What a policy lets equal the bare number, as `43_7` and `43`."""
_CERTAIN = Fraction(1, 10**9)


class Fault(NamedTuple):
    """What went wrong with a pair.

    Attributes:
        kind: `asymmetric`, `not its own equal`, `certified different` or `slow`.
        one: The changed answer.
        other: The answer that it was made of.
    """

    kind: str
    one: str
    other: str


def mutated(text: str, random: Random) -> str:
    """The text with one to three characters replaced, inserted or left out.

    Example:
        >>> mutated("x + 1", Random(1)) != "x + 1"
        True
    """
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(text) + 1)
        keep = random.randint(0, 1)
        text = text[:at] + random.choice(("", *CHARACTERS)) + text[at + keep :]
    return text


def faults(texts: Sequence[str], pairs: int, *, seed: int) -> Iterator[Fault]:
    """What goes wrong in so many pairs, the same ones for the same texts and seed.

    Example:
        >>> list(faults(["1/2", "x + 1", "(0, 1]"], 20, seed=3))
        []
    """
    random = Random(seed)
    for _ in range(pairs):
        text = random.choice(texts)
        yield from judged(mutated(text, random), text)


def judged(one: str, other: str) -> Iterator[Fault]:
    """What goes wrong with one pair.

    Example:
        >>> list(judged("1/2", "2/4"))
        []
    """
    began = time.process_time()
    there, back = _same(one, other), _same(other, one)
    if time.process_time() - began > 2 * LONG:
        yield Fault("slow", one, other)
    if there is not back:
        yield Fault("asymmetric", one, other)
    if there and _differ(_value(one), _value(other)):
        yield Fault("certified different", one, other)
    if not _is_its_own(one):
        yield Fault("not its own equal", one, one)


def _same(one: str, other: str) -> bool:
    plainly = compare(one, other, STRICT)
    said = plainly if plainly.same is not None else decide(one, other, STRICT)
    return said.same is True


def _is_its_own(text: str) -> bool:
    """Whether an answer that some rule reads equals itself by its type, not as the same text."""
    try:
        node = answers.cached(text).node
    except TooLong:
        return True
    return is_op(node, "text") or decide(text, text, STRICT).same is True


def _value(text: str) -> Fraction | None:
    """The value of a number, as the parser reads it; None if it is none."""
    try:
        node = parse(tokenize(text))
        value = None if _is_marked(node) else real_value(node, Budget())
    except (NotMath, TooLong, ArithmeticError):
        return None
    return None if value is None else Fraction(value)


def _is_marked(node: Node) -> bool:
    return isinstance(node, Op) and node.kind in _MARKED


def _differ(one: Fraction | None, other: Fraction | None) -> bool:
    """Whether two values are certain to differ."""
    return one is not None and other is not None and abs(one - other) > abs(other) * _CERTAIN

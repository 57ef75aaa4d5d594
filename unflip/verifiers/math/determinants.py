r"""Determinants: `\begin{vmatrix} a & b \\ c & d \end{vmatrix}` is `ad - bc`."""

from __future__ import annotations

from unflip.verifiers.math.identity import Decision
from unflip.verifiers.math.judging import Judge
from unflip.verifiers.math.nodes import ZERO, Node, Op, is_op, negative, replaced, walk

_LARGEST = 5


def decide(one: Node, other: Node, judge: Judge) -> Decision | None:
    """Whether two formulas are the same once their determinants are multiplied out."""
    if not (_holds(one) or _holds(other)):
        return None
    left, right = multiplied_out(one), multiplied_out(other)
    return None if (left, right) == (one, other) else judge.same(left, right)


def _holds(node: Node) -> bool:
    return any(_matrix_of(part) for part in walk(node))


def _matrix_of(node: Node) -> Op | None:
    """The matrix that a node is the determinant of; bars around a matrix say that, too."""
    if not isinstance(node, Op) or len(node.args) != 1 or not is_op(node.args[0], "matrix"):
        return None
    return node.args[0] if node.kind == "abs" or (node.kind, node.data) == ("fn", "det") else None


def multiplied_out(node: Node) -> Node:
    r"""The node with every determinant of up to five rows as a sum of products.

    Example:
        >>> from unflip.verifiers.math.nodes import shown
        >>> from unflip.verifiers.math.parser import parse
        >>> from unflip.verifiers.math.tokens import tokenize
        >>> shown(multiplied_out(parse(tokenize(r"\begin{vmatrix}1&2\\3&4\end{vmatrix}"))))
        '1*4 + 2*-3'
    """

    def change(part: Node) -> Node | None:
        matrix = _matrix_of(part)
        rows = [row.args for row in matrix.args if is_op(row, "row")] if matrix else []
        square = all(len(row) == len(rows) for row in rows)
        return _determinant(rows) if rows and square and len(rows) <= _LARGEST else None

    return replaced(node, change)


def _determinant(rows: list[tuple[Node, ...]]) -> Node:
    """By its first row."""
    if len(rows) == 1:
        return rows[0][0]
    terms = []
    for place, cell in enumerate(rows[0]):
        minor = _determinant([row[:place] + row[place + 1 :] for row in rows[1:]])
        if cell != ZERO:
            terms.append(Op("mul", (cell, negative(minor) if place % 2 else minor)))
    return Op("add", tuple(terms)) if terms else ZERO

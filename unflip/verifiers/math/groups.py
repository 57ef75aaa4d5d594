r"""Tuples, lists, sets, matrices and systems: what counts of order, repetition and brackets.

Round brackets and matrices keep their order; braces do not, and count nothing twice; a bare list
`1, 2` is what the other side makes of it. A set is no tuple, and `[1, 2]` is not `(1, 2)`.
"""

from __future__ import annotations

from unflip.verifiers.math.exact import integer
from unflip.verifiers.math.formulas import is_formula
from unflip.verifiers.math.identity import Decision, Same
from unflip.verifiers.math.judging import Judge
from unflip.verifiers.math.labels import unlabelled, value_of
from unflip.verifiers.math.nodes import Node, Op, Sym, is_op, negative, replaced, sides, walk

_MOST = 64
_CHOICES = frozenset("ABCDEFGH")
_TRANSPOSED = Sym("T")
_OF_NOTHING = Op("group", (Sym("\\emptyset"),), "{}")
_DIFFERENT = Decision(Same.DIFFERENT, "brackets")


def decide(one: Node, other: Node, judge: Judge) -> Decision | None:
    """Whether two collections are the same; a single value counts as a list of one."""
    if holds_both_signs(one) or holds_both_signs(other):
        return _both_signs(one, other, judge)
    one, other = _upright(_unnamed(one, other)), _upright(_unnamed(other, one))
    left, right = _matrix(one), _matrix(other)
    if left is not None and right is not None:
        return _matrices(left, right, judge)
    if left is not None or right is not None:
        return _vector(left, other, judge) if left is not None else _vector(right, one, judge)
    if is_op(one, "cases") and is_op(other, "cases"):
        return _cases(one, other, judge)
    if sides(one, other, "cases"):
        listed = _as_list(one), _as_list(other)
        return None if listed == (one, other) else judge.same(*listed)
    if _are_letters(one, other) or _are_letters(other, one):
        return Decision(Same.EQUAL, "letters of choices")
    if is_op(one, "group") or is_op(other, "group"):
        return _collections(_as_group(one), _as_group(other), judge)
    return None


# Plus-minus --------------------------------------------------------------------------------------


def holds_both_signs(node: Node) -> bool:
    r"""Whether `\pm` or `\mp` stands in it."""
    return isinstance(node, Op) and (node.kind == "pm" or any(map(holds_both_signs, node.args)))


def expanded(node: Node) -> Node:
    r"""The node with `\pm` as two items; all of a formula take the same sign.

    Example:
        >>> from unflip.verifiers.math.nodes import ZERO, number, shown
        >>> shown(expanded(Op("pm", (ZERO, number(5)), "pm")))
        '0 + 5, 0 + -5'
    """
    if is_op(node, "group") and isinstance(node, Op) and node.data in ("{}", ""):
        items = [item for arg in node.args for item in _items(expanded(arg))]
        return Op("group", tuple(items), node.data)
    if isinstance(node, Op) and node.kind == "rel" and holds_both_signs(node.args[-1]):
        both = [Op("rel", (*node.args[:-1], side), node.data) for side in _signed(node.args[-1])]
        return Op("group", tuple(both), "")
    return Op("group", _signed(node), "") if holds_both_signs(node) else node


def _both_signs(one: Node, other: Node, judge: Judge) -> Decision:
    r"""Several `\pm` of one formula take the same sign to some, and each its own to others."""
    decision = judge.same(expanded(one), expanded(other))
    if all(_signs(node) < 2 for node in (one, other)):
        return decision
    apart = judge.same(expanded(_apart(one)), expanded(_apart(other)))
    return decision if apart.same is decision.same else Decision(Same.UNKNOWN, "several signs")


def _signs(node: Node) -> int:
    r"""How many `\pm` the formula with the most of them has."""
    if is_op(node, "group"):
        return max(map(_signs, node.args), default=0)
    kinds = [part.data for part in walk(node) if is_op(part, "pm")]
    return 0 if "mp" in kinds else len(kinds)


def _apart(node: Node) -> Node:
    r"""The first `\pm` of several carried out, so that it says nothing of the others' signs."""
    if is_op(node, "group"):
        return node._replace(args=tuple(item for arg in node.args for item in _items(_apart(arg))))
    if not 2 <= _signs(node) <= _MOST_SIGNS:
        return node
    first = next(part for part in walk(node) if is_op(part, "pm"))

    def with_term(term: Node) -> Node:
        joined = Op("add", (first.args[0], term))
        return _apart(replaced(node, lambda part: joined if part is first else None))

    halves = with_term(first.args[1]), with_term(negative(first.args[1]))
    return Op("group", tuple(item for half in halves for item in _items(half)), "")


_MOST_SIGNS = 4


def _items(node: Node) -> tuple[Node, ...]:
    return node.args if is_op(node, "group") and isinstance(node, Op) and not node.data else (node,)


def _signed(node: Node) -> tuple[Node, Node]:
    def with_sign(plus: bool) -> Node:
        def change(one: Node) -> Node | None:
            if not isinstance(one, Op) or one.kind != "pm":
                return None
            left, right = (replaced(arg, change) for arg in one.args)
            up = plus == (one.data == "pm")
            return Op("add", (left, right if up else negative(right)))

        return replaced(node, change)

    return with_sign(True), with_sign(False)


def _as_list(node: Node) -> Node:
    """A system of equations as the list of its lines; a function by cases as it is."""
    if is_op(node, "cases") and all(is_op(row, "row") and len(row.args) == 1 for row in node.args):
        return Op("group", tuple(row.args[0] for row in node.args if is_op(row, "row")), "")
    return node


def _are_letters(name: Node, group: Node) -> bool:
    """Whether `BD` are the choices B and D."""
    if not isinstance(name, Sym) or not is_op(group, "group") or group.data:
        return False
    letters = [getattr(item, "name", "") for item in group.args]
    ordered = sorted(set(name.name)) == list(name.name) and set(name.name) <= _CHOICES
    return ordered and len(letters) > 1 and sorted(letters) == list(name.name)


def _unnamed(node: Node, other: Node) -> Node:
    """A point with its name, `A(1, 2)`, as its coordinates, if the other side is a tuple."""
    if not is_op(node, "fn") or not is_op(other, "group") or other.data != "()":
        return node
    is_point = len(node.data) == 1 and node.data.isupper() and len(node.args) > 1
    return Op("group", node.args, "()") if is_point else node


def _upright(node: Node) -> Node:
    """A transposed tuple as the tuple; it is a vector either way."""
    if is_op(node, "pow") and node.args[1] == _TRANSPOSED and is_op(node.args[0], "group"):
        return node.args[0]
    return node


# Collections -------------------------------------------------------------------------------------


def _as_group(node: Node) -> Op:
    return node if isinstance(node, Op) and node.kind == "group" else Op("group", (node,), "")


def _collections(one: Op, other: Op, judge: Judge) -> Decision | None:
    if max(len(one.args), len(other.args)) > _MOST:
        return Decision(Same.UNKNOWN, "too many items")
    one, other = _flat(one), _flat(other)
    if (one == _OF_NOTHING) != (other == _OF_NOTHING):
        return Decision(Same.DIFFERENT, "a set of the empty set")
    kinds = {one.data, other.data}
    if kinds <= {"", "{}"}:
        return _unordered(one, other, judge)
    if len(kinds) == 1:
        return judge.all_same(one.args, other.args, "tuple")
    if "" in kinds and kinds <= {"", "()", "[]"}:
        return _bare_and_ordered(one, other, judge)
    return _other_brackets(one, other, judge)


def _flat(group: Op) -> Op:
    r"""A list of one set is that set: `x \in \{1, 2\}` has lost its label before."""
    if not group.data and len(group.args) == 1 and is_op(group.args[0], "group"):
        return _as_group(group.args[0])
    return group


def _unordered(one: Op, other: Op, judge: Judge) -> Decision:
    if (mixed := _by_noun(one, other, judge)) is not None:
        return mixed
    if one.data == other.data == "" and labels_matter(one) and labels_matter(other):
        return judge.same_set(one.args, other.args, "labelled list", counted=True)
    if not one.data and not other.data and labels_matter(one) != labels_matter(other):
        return _labelled(one, other, judge)
    scalar = all(is_formula(item) for item in (*one.args, *other.args))
    counted = scalar and not one.data and not other.data and min(len(one.args), len(other.args)) > 1
    return judge.same_set(one.args, other.args, "list", counted=counted)


def _by_noun(one: Op, other: Op, judge: Judge) -> Decision | None:
    """Two lists that count the same things, each against its own; None for all others."""
    ours, theirs = ({item.data: item for item in side.args if is_op(item, "unit")}
                    for side in (one, other))  # fmt: skip
    if ours.keys() != theirs.keys() or not 1 < len(ours) == len(one.args) == len(other.args):
        return None
    return judge.all_same(list(ours.values()), [theirs[noun] for noun in ours], "list by noun")


def labels_matter(group: Op) -> bool:
    """Whether the items are said to be different things: `x = 1, y = 2`, but not `x_1, x_2`."""
    names = []
    for item in group.args:
        if not isinstance(item, Op) or item.kind != "rel" or value_of(item) is None:
            return False
        names.append(item.args[0])
    return len(names) > 1 and len(set(names)) > 1


def _labelled(one: Op, other: Op, judge: Judge) -> Decision:
    """Labelled items against bare ones: in order; roots `x_1, x_2` and words in any order."""
    named, bare = (one, other) if labels_matter(one) else (other, one)
    if _are_roots(named, bare):
        ours, theirs = ([unlabelled(item) for item in side.args] for side in (one, other))
        return judge.same_set(ours, theirs, "roots", counted=True)
    if any(is_op(item, "rel") for item in bare.args):
        return judge.same_set(one.args, other.args, "labelled list", counted=True)
    named = in_order_of_names(named)
    values = [value for item in named.args if isinstance(item, Op) and (value := value_of(item))]
    in_order = judge.all_same(values, bare.args, "labelled list")
    if in_order or not _interchangeable(named):
        return in_order
    return judge.same_set(values, bare.args, "labelled list", counted=True)


def _are_roots(named: Op, bare: Op) -> bool:
    """Whether one side calls `x_1` and `x_2` what the other calls `x` each time."""
    stems = {getattr(item.args[0], "name", "").split("_")[0] for item in named.args
             if isinstance(item, Op)}  # fmt: skip
    called = {getattr(item.args[0], "name", "") if is_op(item, "rel") else "" for item in bare.args}
    return len(called) == 1 and called == stems != {""} and _interchangeable(named)


def in_order_of_names(group: Op) -> Op:
    """Coordinates `y = 3, x = 7` in the order of their names; other labels as they stand."""
    names = [item.args[0] for item in group.args if is_op(item, "rel")]
    if len(names) != len(group.args) or not set(names) <= {Sym("x"), Sym("y"), Sym("z")}:
        return group
    return group._replace(args=tuple(sorted(group.args, key=_first_name)))


def _first_name(item: Node) -> str:
    return getattr(item.args[0], "name", "") if is_op(item, "rel") else ""


def _interchangeable(named: Op) -> bool:
    """Whether the labels are one letter with numbers, or words."""
    names = [getattr(item.args[0], "name", "") for item in named.args if isinstance(item, Op)]
    stems = {name.split("_")[0] for name in names}
    return (all("_" in name for name in names) and len(stems) == 1) or all(
        name.startswith("'") for name in names
    )  # fmt: skip


def _bare_and_ordered(one: Op, other: Op, judge: Judge) -> Decision | None:
    bare, ordered = (one, other) if not one.data else (other, one)
    if len(bare.args) == 1 and is_op(bare.args[0], "rel"):
        return None
    if len(bare.args) == 1 and isinstance(bare.args[0], Op) and bare.args[0].kind == "cases":
        return None
    if len(bare.args) == 1:
        return Decision(Same.DIFFERENT, "a tuple and a value")
    values = [value_of(item) if is_op(item, "rel") and isinstance(item, Op) else item
              for item in in_order_of_names(bare).args]  # fmt: skip
    if ordered.data == "[]" and len(ordered.args) == 2:
        return _DIFFERENT
    return judge.all_same([v if v is not None else bare for v in values], ordered.args, "tuple")


def _other_brackets(one: Op, other: Op, judge: Judge) -> Decision:
    """Brackets that say different things, or the same of a vector: `[1, 2, 3]` is `(1, 2, 3)`."""
    if {one.data, other.data} == {"()", "[]"} and len(one.args) != 2:
        return judge.all_same(one.args, other.args, "vector")
    return _DIFFERENT


# Matrices ----------------------------------------------------------------------------------------

Rows = tuple[tuple[Node, ...], ...]
_LARGEST = 400


def _matrix(node: Node) -> Rows | None:
    """The entries of a matrix, with products and sums of matrices carried out."""
    if not isinstance(node, Op):
        return None
    if node.kind == "matrix":
        return tuple(row.args for row in node.args if isinstance(row, Op))
    if node.kind in ("add", "mul"):
        parts = [_matrix(arg) for arg in node.args]
        if not any(part is not None for part in parts):
            return None
        return _summed(parts) if node.kind == "add" else _multiplied(node.args, parts)
    if node.kind == "pow" and node.args[1] == _TRANSPOSED:
        rows = _matrix(node.args[0])
        return rows and tuple(zip(*rows, strict=True))
    if node.kind == "pow" and (power := integer(node.args[1])) and 1 <= power <= 8:
        return _multiplied((node.args[0],) * power, [_matrix(node.args[0])] * power)
    if node.kind == "div" and (top := _matrix(node.args[0])) is not None:
        return tuple(tuple(Op("div", (cell, node.args[1])) for cell in row) for row in top)
    return None


def _scaled(rows: Rows, factor: Node) -> Rows:
    return tuple(tuple(Op("mul", (factor, cell)) for cell in row) for row in rows)


def _summed(parts: list[Rows | None]) -> Rows | None:
    rows = [part for part in parts if part is not None]
    shapes = {(len(part), len(part[0])) for part in rows}
    if len(rows) != len(parts) or len(shapes) != 1:
        return None
    return tuple(
        tuple(Op("add", cells) for cells in zip(*lines, strict=True))
        for lines in zip(*rows, strict=True)
    )


def _multiplied(nodes: tuple[Node, ...], parts: list[Rows | None]) -> Rows | None:
    total: Rows | None = None
    factors = [node for node, part in zip(nodes, parts, strict=True) if part is None]
    for part in parts:
        if part is None:
            continue
        total = part if total is None else _product(total, part)
        if total is None:
            return None
    for factor in factors:
        total = total and _scaled(total, factor)
    return total


def _product(one: Rows, other: Rows) -> Rows | None:
    if len(one[0]) != len(other) or len(one) * len(other[0]) * len(other) > _LARGEST:
        return None
    return tuple(
        tuple(
            Op("add", tuple(Op("mul", (row[k], other[k][j])) for k in range(len(other))))
            for j in range(len(other[0]))
        )
        for row in one
    )


def _matrices(one: Rows, other: Rows, judge: Judge) -> Decision:
    if [len(row) for row in one] != [len(row) for row in other]:
        return Decision(Same.DIFFERENT, "matrix")
    return judge.all_same(_cells(one), _cells(other), "matrix")


def _cells(rows: Rows) -> list[Node]:
    return [cell for row in rows for cell in row]


def _vector(rows: Rows | None, other: Node, judge: Judge) -> Decision | None:
    """A matrix of one row or column, against a tuple or a list."""
    if rows is None or not is_op(other, "group") or not isinstance(other, Op):
        return Decision(Same.UNKNOWN, "matrix") if not is_op(other, "rel") else None
    if len(rows) != 1 and len(rows[0]) != 1:
        return Decision(Same.DIFFERENT, "matrix")
    if other.data not in ("", "()", "[]"):
        return Decision(Same.DIFFERENT, "matrix")
    return judge.all_same(_cells(rows), other.args, "vector")


def _cases(one: Op, other: Op, judge: Judge) -> Decision:
    """A system or a function by cases: the same lines in some order."""
    lines = [[Op("group", row.args, "()") for row in side.args if isinstance(row, Op)]
             for side in (one, other)]  # fmt: skip
    widths = {len(row.args) for side in lines for row in side}
    if widths == {1}:
        flat = [[row.args[0] for row in side] for side in lines]
        return judge.same_set(flat[0], flat[1], "system", counted=True)
    return judge.same_set(lines[0], lines[1], "cases", counted=True)

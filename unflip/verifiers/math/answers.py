r"""What an answer as a whole says: values with their labels, units, conditions and words.

`7 \text{ goats and } 4 \text{ dogs}` are two values, `x = 1, 2` two solutions, and
`2 < x \text{ or } x < 0` is one set. What no rule reads stays text, and equals only the same words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple

from unflip.verifiers.math.clauses import CHANGING, depths_of, senses_of, without_conditions
from unflip.verifiers.math.formulas import is_formula
from unflip.verifiers.math.labels import unlabelled, value_of
from unflip.verifiers.math.nodes import INFINITY, Node, Num, Op, Sym, is_op, shown, symbols
from unflip.verifiers.math.numerals import with_digits
from unflip.verifiers.math.parser import NotMath, parse
from unflip.verifiers.math.tails import compound, head_and_tail, with_tail
from unflip.verifiers.math.tokens import Token, tokenize


class Answer(NamedTuple):
    """What an answer says.

    Attributes:
        node: Its value, or a bare `group` of several.
        free: Names that are said to stand for any integer or number.
        condition: What restricts it, as text; empty if nothing with a number or a sign in it does.
        senses: Words in it that have an opposite, such as maximum or up.
    """

    node: Node
    free: frozenset[str] = frozenset()
    condition: str = ""
    senses: frozenset[str] = frozenset()


_SAYINGS: dict[str, Node] = {
    "infinitely many": INFINITY, "infinite": INFINITY, "infinity": INFINITY,
    "infinitely many solutions": INFINITY, "infinite solutions": INFINITY,
    "all real numbers": Sym("\\bbR"), "all reals": Sym("\\bbR"), "real numbers": Sym("\\bbR"),
    "any real number": Sym("\\bbR"), "every real number": Sym("\\bbR"),
    "no solution": Sym("\\emptyset"), "no solutions": Sym("\\emptyset"),
    "no real solution": Sym("\\emptyset"), "no real solutions": Sym("\\emptyset"),
    "none": Sym("\\emptyset"), "empty set": Sym("\\emptyset"),
    "does not exist": Op("text", (), "undefined"), "dne": Op("text", (), "undefined"),
    "not defined": Op("text", (), "undefined"),
}  # fmt: skip
_LONGEST_LABEL = 3
_LONGEST_LEAD = 2
_FILLING = frozenset(
    (
        "the", "a", "an", "answer", "answers", "is", "are", "only", "so", "thus", "therefore",
        "hence", "final", "value", "values", "solution", "solutions", "of", "to", "we", "get",
        "have", "about", "approximately", "roughly", "exactly", "equals", "then", "both", "also",
        "all", "just", "where", "with", "respectively", "possible", "root", "roots", "as", "in",
    )
)  # fmt: skip
"""Words in front of a value that do not name it."""
_OPERATIONS = frozenset(
    (
        "multiple", "multiples", "factor", "factors", "divisor", "divisors", "power", "powers",
        "cube", "square", "reciprocal", "opposite", "negation", "inverse", "logarithm", "sine",
        "cosine", "tangent", "root", "roots", "fraction",
    )
)  # fmt: skip
_OPERATIONS_ON_TWO = frozenset(
    ("sum", "product", "difference", "ratio", "quotient", "average", "mean")
)
_SENTENCE = 2
_VERBS = frozenset(("is", "are", "equals"))
_DENYING = frozenset(("not", "never", "no", "cannot"))
_LISTING = frozenset(("aligned", "align", "gathered", "gather", "split", "eqnarray", "multline"))
_ARTICLES = frozenset(("a", "an", "the"))
_SETS = ("Z", "N", "R", "Q", "\\bbZ", "\\bbN", "\\bbR", "\\bbQ", "\\bbZ+", "\\bbN+")


_LOGICAL = {"\\land": "and", "\\wedge": "and", "∧": "and", "\\lor": "or", "\\vee": "or", "∨": "or"}
_LOGIC = re.compile(r"\\(?:land|wedge|lor|vee)(?![A-Za-z])|[∧∨]")
"""Signs of logic between formulas, which `and` and `or` between values are not."""


def read(text: str) -> Answer:
    r"""What an answer says; text if no rule reads it.

    Raises:
        TooLong: It is longer than what is read.

    Example:
        >>> from unflip.verifiers.math.nodes import shown
        >>> shown(read(r"x = 3 \text{ or } x = -2").node)
        'x = 3, x = -2'
        >>> shown(read("It depends.").node)
        'it depends'
    """
    tokens = with_digits(tokenize(text))
    said = _SAYINGS.get(_words(tokens).lower())
    if said is not None:
        return Answer(said)
    try:
        answer = _stated(tokens)
        if is_op(answer.node, "group") and (logic := _LOGIC.findall(text)):
            answer = answer._replace(condition=" ".join(map(_LOGICAL.__getitem__, logic)))
        return answer._replace(senses=senses_of(tokens))
    except NotMath:
        return Answer(Op("text", (), _words(tokens)))


cached = lru_cache(maxsize=4096)(read)
"""The same, remembered; all completions of a prompt have the same reference."""


def _words(tokens: Sequence[Token]) -> str:
    """The tokens as text: words in lower case and without articles, signs in one spelling."""
    texts = [_spelled(token) for token in tokens]
    return " ".join(text for text in texts if text not in _ARTICLES and text not in ("{", "}"))


def _spelled(token: Token) -> str:
    """A token of a text; a command keeps its backslash, so that it is no word."""
    if token.kind == "cmd":
        return f"\\{token.text}"
    return token.text.lower() if token.kind in ("word", "join") else token.text


def _stated(tokens: list[Token]) -> Answer:
    chunks, joins = _split(_trimmed(_restated(_lines(tokens))))
    kept, conditions = without_conditions(chunks)
    free = frozenset(t.text for t in conditions if t.kind == "let" and len(t.text) == 1)
    condition = _restriction(conditions, free)
    for mark in (";", "or"):
        several = {mark, ","} <= set(joins) and not conditions
        if several and (pairs := _grouped(kept, joins, mark)):
            return Answer(pairs)
    if len(kept) > 1 and _is_operation(_leading_words(kept[0]), _OPERATIONS_ON_TWO):
        raise NotMath("an operation on a list")
    named = len(kept) > 1 and all(map(_is_named, kept))
    nodes: list[Node] = []
    domains: list[Node] = []
    for chunk in kept:
        node = _part(_trimmed(chunk), alone=len(kept) == 1 or not nodes, named=named)
        if node is not None and len(kept) > 1 and (declared := _declared(node)):
            free |= declared
            domains.append(node)
        elif node is not None and nodes and _excludes(node, nodes[0]):
            condition = f"{condition} {shown(node)}".strip()
        elif node is not None:
            nodes.append(node)
    if not nodes:
        raise NotMath("nothing")
    nodes += [domain for domain in domains if _restricts_one(domain, nodes)]
    return Answer(_gathered(_labelled(nodes), joins), free, condition)


def _lines(tokens: list[Token]) -> list[Token]:
    """The lines of an environment that only aligns them, with commas between."""
    if not any(token.kind == "begin" and token.text in _LISTING for token in tokens):
        return tokens
    kept = [t for t in tokens if t.text not in _LISTING and t.text != "&"]
    return [Token("sep", ",") if t.text == "\\\\" else t for t in kept]


def _restated(tokens: list[Token]) -> list[Token]:
    """Of an inequality with the same set behind a colon, `x < 3: (-1, 3)`, the set."""
    depths = depths_of(tokens)
    for at, token in enumerate(tokens[:-1]):
        if token.text == ":" and not depths[at] and tokens[at + 1].text in ("(", "["):
            orders = any(t.text in ("<", ">", "<=", ">=") for t in tokens[:at])
            return tokens[at + 1 :] if orders else tokens
    return tokens


def _part(chunk: list[Token], *, alone: bool, named: bool) -> Node | None:
    """One item; None if it is words that say nothing beside the others."""
    if chunk and any(token.kind != "word" for token in chunk):
        return _item(chunk, named=named)
    if chunk and (alone or any(token.text.lower() in CHANGING for token in chunk)):
        raise NotMath("words")
    return None


def _restriction(tokens: list[Token], free: frozenset[str]) -> str:
    """What is left out as text, under whatever name, if there is a number or a sign in it."""
    if not any(map(_restricts, tokens)):
        return ""
    seen: dict[str, str] = {}
    for token in tokens:
        if token.text in free:
            seen.setdefault(token.text, f"#{len(seen)}")
    return _words([token._replace(text=seen.get(token.text, token.text)) for token in tokens])


def _restricts(token: Token) -> bool:
    return token.kind in ("num", "rel") and token.text not in ("in", "sub")


def _labelled(nodes: list[Node]) -> list[Node]:
    """Bare items behind a labelled one under its label: `x = 1, 2` is `x = 1, x = 2`."""
    first = nodes[0]
    if len(nodes) == 1 or not is_op(first, "rel") or first.data != "=" or len(first.args) != 2:
        return nodes
    if any(is_op(node, "rel") for node in nodes[1:]):
        return nodes
    return [first, *(Op("rel", (first.args[0], node), "=") for node in nodes[1:])]


def _trimmed(tokens: list[Token]) -> list[Token]:
    """Without signs at the ends that belong to no value, and braces around it all."""
    start, end = 0, len(tokens)
    while start < end and (
        tokens[start].kind in ("sep", "join") or tokens[start].text in ("~", "=")
    ):
        start += 1
    while end > start and (
        tokens[end - 1].kind in ("sep", "join") or tokens[end - 1].text in (":", "=", "~", "->")
    ):
        end -= 1
    tokens = tokens[start:end]
    if len(tokens) > 2 and tokens[0].text == "{" and _closing(tokens, 0) == len(tokens) - 1:
        return _trimmed(tokens[1:-1])
    return tokens


def _closing(tokens: Sequence[Token], at: int) -> int:
    depth = 0
    for place in range(at, len(tokens)):
        depth += (tokens[place].kind == "open") - (tokens[place].kind == "close")
        if depth == 0:
            return place
    return len(tokens)


def _split(tokens: list[Token]) -> tuple[list[list[Token]], list[str]]:
    """The parts between commas, semicolons, `and` and `or`, and these."""
    chunks: list[list[Token]] = [[]]
    joins = []
    for token, depth in zip(tokens, depths_of(tokens), strict=True):
        if not depth and (token.kind in ("sep", "join") or token.text == "=>"):
            if token.text == "&":
                continue
            joins.append(token.text)
            chunks.append([])
        else:
            chunks[-1].append(token)
    if "=>" in joins:
        last = len(joins) - joins[::-1].index("=>")
        chunks, joins = chunks[last:], joins[last:]
    return chunks, joins


def _grouped(chunks: list[list[Token]], joins: list[str], mark: str) -> Node | None:
    """Lists between semicolons as tuples: `p = 5, q = 2; p = 7, q = 2`; between `or` if named."""
    groups: list[list[Node]] = [[]]
    for chunk, join in zip(chunks, [*joins, ""], strict=True):
        node = _item(_trimmed(chunk))
        value = value_of(node) if isinstance(node, Op) and node.kind == "rel" else node
        if mark == "or" and not is_op(node, "rel"):
            return None
        groups[-1].append(value if value is not None else node)
        if join == mark:
            groups.append([])
    if len({len(group) for group in groups}) != 1 or len(groups[0]) < 2:
        return None
    return Op("group", tuple(Op("group", tuple(group), "()") for group in groups), "")


def _excludes(node: Node, value: Node) -> bool:
    """Whether `x != 3` restricts a formula in x that stands before it."""
    if not is_op(node, "rel") or node.data != "!=" or not isinstance(node.args[0], Sym):
        return False
    stated = unlabelled(value)
    return is_formula(stated) and node.args[0].name in symbols(stated)


def _restricts_one(domain: Node, nodes: list[Node]) -> bool:
    r"""Whether `x \in \mathbb{Z}` stands beside an inequality in x, which it then is a part of."""
    names = symbols(domain) - {"\\bbR", "R"}
    orders = [node for node in nodes if is_op(node, "rel") and _is_order(node)]
    return len(names) > 1 and any(_declared(domain) & symbols(node) for node in orders)


def _declared(node: Node) -> frozenset[str]:
    r"""The letters that `k \in \mathbb{Z}` declares; none for anything else."""
    if isinstance(node, Op) and node.kind == "rel" and node.data == "in":
        left, right = node.args
        if isinstance(left, Sym) and isinstance(right, Sym) and right.name in _SETS:
            return frozenset({left.name})
    return frozenset()


def _gathered(nodes: list[Node], joins: list[str]) -> Node:
    if len(nodes) == 1:
        return nodes[0]
    orders = [node for node in nodes if is_op(node, "rel") and _is_order(node)]
    stated = all(isinstance(n, Op) and n.kind in ("rel", "builder") for n in nodes)
    if orders and stated and (len(orders) == len(nodes) or "or" in joins):
        return Op("any" if "or" in joins else "all", tuple(nodes))
    return Op("group", tuple(nodes), "")


def _is_order(node: Node) -> bool:
    return isinstance(node, Op) and any(
        s in ("<", ">", "<=", ">=", "!=") for s in node.data.split()
    )


# One item ----------------------------------------------------------------------------------------


def _item(tokens: list[Token], *, named: bool = False) -> Node:
    label, tokens = _label(_after_verb(tokens))
    lead, tokens = _lead(tokens)
    label = label or (lead if named else "")
    tokens = _trimmed(tokens)
    if (sum_of_units := compound(tokens)) is not None:
        return sum_of_units
    head, tail = head_and_tail(tokens)
    if not head:
        raise NotMath("words only")
    node = _tidied(parse(head))
    if tail:
        node = with_tail(node, tail)
    return Op("rel", (Sym(f"'{label}"), node), "=") if label else node


def _after_verb(tokens: list[Token]) -> list[Token]:
    """Of a sentence such as `the smallest n with two roots is 6`, what follows its verb."""
    depths = depths_of(tokens)
    for at in range(len(tokens) - 2, 2, -1):
        if tokens[at].text in _VERBS and not depths[at] and tokens[at].kind == "word":
            lead = [token.text.lower() for token in tokens[:at] if token.kind == "word"]
            tail = tokens[at + 1 :]
            says = len(lead) >= _SENTENCE and any(token.kind != "word" for token in tail)
            return tail if says and not _DENYING.intersection(lead) else tokens
    return tokens


def _label(tokens: list[Token]) -> tuple[str, list[Token]]:
    """The words in front of a colon, such as `Minimum: 1`."""
    for at, token in enumerate(tokens):
        if token.text == ":" and any(t.kind == "word" for t in tokens[:at]):
            return _words(tokens[:at]) if at <= _LONGEST_LABEL else "", tokens[at + 1 :]
    return "", tokens


def _is_named(tokens: Sequence[Token]) -> bool:
    """Whether a part starts with a word that may name its value."""
    return bool(tokens) and tokens[0].kind == "word" and tokens[0].text.lower() not in _FILLING


def _lead(tokens: list[Token]) -> tuple[str, list[Token]]:
    """The words in front of the value, if they name it, and the rest."""
    for at, token in enumerate(tokens):
        if token.kind != "word":
            words = [t.text.lower() for t in tokens[:at]]
            if CHANGING.intersection(words) or _is_operation(words, _OPERATIONS):
                raise NotMath("words that change a value")
            names = [word for word in words if word not in _FILLING]
            return " ".join(names) if len(names) <= _LONGEST_LEAD else "", tokens[at:]
    return "", []


def _leading_words(tokens: Sequence[Token]) -> list[str]:
    return [token.text.lower() for token in takewhile(lambda one: one.kind == "word", tokens)]


def _is_operation(words: Sequence[str], names: frozenset[str]) -> bool:
    """Whether words such as `the reciprocal of` stand in front of what they are applied to."""
    return len(words) > 1 and words[-1] == "of" and words[-2] in names


def _tidied(node: Node) -> Node:
    """Of `x = 1/3 ~ 0.33`, the third; tuples in a row as a list."""
    if is_op(node, "mul") and all(is_op(arg, "group") for arg in node.args):
        return Op("group", node.args, "")
    if not isinstance(node, Op) or node.kind != "rel" or "~" not in node.data:
        return node
    signs = node.data.split()
    if set(signs) - {"=", "~"}:
        return node
    first = signs.index("~")
    if (first == 0 and isinstance(node.args[0], (Sym,))) or (
        first == 0 and _is_called(node.args[0])
    ):
        return Op("rel", node.args[:2], "=")
    if first == 0:
        return node.args[0]
    return Op("rel", node.args[: first + 1], " ".join(signs[:first]))


def _is_called(node: Node) -> bool:
    return isinstance(node, Op) and node.kind == "fn" and not isinstance(node.args[0], Num)

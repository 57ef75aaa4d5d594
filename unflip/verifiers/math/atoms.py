r"""The smallest parts of a formula: numbers, letters, functions, roots, brackets, matrices."""

from __future__ import annotations

from fractions import Fraction

from unflip.verifiers.math import symbols as table
from unflip.verifiers.math.building import CLOSING, applied, enclosed, joined
from unflip.verifiers.math.cursor import Cursor, NotMath
from unflip.verifiers.math.literals import literal, scaled
from unflip.verifiers.math.nodes import CONSTANTS, ONE, TWO, Node, Num, Op, Sym, is_op, negative
from unflip.verifiers.math.tokens import Token

_LARGEST_SCALE = 1000
_CALLED = frozenset("fghFGH") | {"\\phi", "\\psi", "\\tau", "\\sigma", "\\Gamma"}
"""Letters that are functions when brackets follow; others are if the brackets hold a list."""
STARTING = frozenset(
    ("frac", "sqrt", "binom", "sum", "prod", "int", "iint", "iiint", "oint", "lim", "angle")
)
_MATRICES = frozenset(("matrix", "pmatrix", "bmatrix", "Bmatrix", "smallmatrix", "array"))


class Atoms(Cursor):
    """The atoms of the grammar; what they hold is read by the looser rules of `Parser`."""

    def relation(self) -> Node:
        """A formula or relation."""
        raise NotImplementedError

    def sum(self) -> Node:
        """Terms with signs between."""
        raise NotImplementedError

    def product(self) -> Node:
        """Factors, with or without signs between."""
        raise NotImplementedError

    def signed(self) -> Node:
        """A factor with its sign."""
        raise NotImplementedError

    def whole(self) -> Node:
        """All of the tokens."""
        node = self.relation()
        if self.at < len(self.tokens):
            raise NotMath(f"{self.next.text} is left")
        return node

    def power(self) -> Node:
        """An atom with its exponents."""
        raise NotImplementedError

    def starts(self, token: Token) -> bool:
        """Whether a factor may start here without a sign before it."""
        if token.kind in ("num", "let", "fn", "begin", "open"):
            return True
        if token.kind == "bar":
            return self._bars == 0 and self.at != self._stop
        return token.kind == "cmd" and token.text in STARTING

    def exponent(self) -> Node:
        """What stands behind a `^`: a group or one sign, with its own sign and exponent."""
        if self.next.kind == "op" and self.next.text in ("+", "-"):
            minus = self._take().text == "-"
            inner = self._deeper(self.exponent)
            return negative(inner) if minus else inner
        node = self.atom()
        if self._skip("op", "^"):
            return Op("pow", (node, self._deeper(self.exponent)))
        return node

    def atom(self) -> Node:
        """One number, letter, function, root, bracket or matrix."""
        token = self._take()
        if token.kind == "num":
            return self._number(token.text)
        if token.kind == "let":
            return self._letter(token.text)
        if token.kind == "fn":
            return self._function(token.text)
        if token.kind == "open":
            return self._group(token.text)
        if token.kind == "bar":
            return self._absolute()
        if token.kind == "begin":
            return self._environment(token.text)
        if token.kind == "cmd":
            return self._command(token.text)
        raise NotMath(f"{token.text or 'the end'} is no formula")

    def _number(self, text: str) -> Node:
        value = literal(text)
        if self.next.text == "_" and "." not in text:
            self.at += 1
            return self._in_base(text, self._argument())
        if value.places is None and (part := self._fraction_part()):
            return Num(value.value + part)
        if self.next.text == "*" and self._peek().text == "10" and self._peek(2).text == "^":
            return self._scientific(value)
        return value

    def _in_base(self, text: str, base: Node) -> Node:
        if not isinstance(base, Num) or not 2 <= base.value <= 36 or len(text) > 300:
            raise NotMath("no base")
        return Op("base", (literal(text), base))

    def _fraction_part(self) -> Fraction | None:
        """The fraction of a mixed number, if one follows."""
        start = self.at
        tokens = self.tokens[start : start + 3]
        if [token.kind for token in tokens] == ["num", "op", "num"] and tokens[1].text == "/":
            if not tokens[0].gap or not (tokens[0].text + tokens[2].text).isdigit():
                return None
            self.at += 3
            top, bottom = literal(tokens[0].text).value, literal(tokens[2].text).value
        elif self.next.text == "frac" and not self._is_power_behind():
            self.at += 1
            parts = (self._argument(), self._argument())
            if not all(isinstance(p, Num) and p.value.denominator == 1 for p in parts):
                self.at = start
                return None
            top, bottom = (p.value for p in parts if isinstance(p, Num))
        else:
            return None
        if not 0 < top < bottom:
            raise NotMath("a mixed number with an improper fraction")
        return top / bottom

    def _is_power_behind(self) -> bool:
        return self.at >= 2 and self.tokens[self.at - 2].text in ("^", "_")

    def _scientific(self, value: Num) -> Node:
        start = self.at
        self.at += 3
        exponent = self.exponent()
        if isinstance(exponent, Num):
            power = exponent.value
            if power.denominator == 1 and abs(power) <= _LARGEST_SCALE:
                return scaled(value, power.numerator)
        self.at = start
        return value

    def _letter(self, name: str) -> Node:
        primes, index = "", None
        while True:
            if self.next.text == "'":
                self.at += 1
                primes += "'"
            elif self.next.text == "_" and index is None:
                self.at += 1
                index = self._index()
            else:
                break
        if isinstance(index, str):
            name = f"{name}_{index}"
        name += primes
        if self._is_called(name):
            arguments = self._arguments()
            return Op("fn", arguments if index is None or isinstance(index, str)
                      else (index, *arguments), name)  # fmt: skip
        if index is None or isinstance(index, str):
            return Sym(name)
        return Op("fn", (index,), f"{name}_")

    def _apart(self, tokens: list[Token]) -> Atoms:
        """A reader of tokens that stand inside of what is read here."""
        inner = type(self)(tokens)
        inner._depth = self._depth
        return inner

    def _index(self) -> Node | str:
        """A subscript: a name such as `max` or `1`, or a formula such as `n-k`."""
        tokens = []
        if self.next.text == "{":
            depth = 0
            while self.at < len(self.tokens):
                token = self._take()
                depth += (token.text == "{") - (token.text == "}")
                tokens.append(token)
                if depth <= 0:
                    break
            tokens = tokens[1:-1]
        else:
            tokens = [self._take()]
        if len(tokens) == 1 and tokens[0].kind in ("let",) and len(tokens[0].text) == 1:
            return Sym(tokens[0].text)
        if all(token.kind in ("num", "let", "word", "sep") for token in tokens):
            return "".join(token.text for token in tokens)
        return self._apart(tokens).whole()

    def _is_called(self, name: str) -> bool:
        opens = self.next
        if opens.text == "{" and self._peek().text == "(":
            opens = self._peek()
        if opens.kind != "open" or opens.text not in "([" or (opens.text == "[" and len(name) < 2):
            return False
        if name.strip("'").split("_")[0] in _CALLED or (
            len(name) > 1 and name[:2].isalpha() and name[:2].islower()
        ):
            return True
        inside = self._peek()
        if opens is self.next and inside.kind == "num" and self._peek(2).text == ")":
            return name not in CONSTANTS
        depth = 0
        for token in self.tokens[self.at :]:
            depth += (token.kind == "open") - (token.kind == "close")
            if depth == 1 and (token.text in (",", ";") or token.kind == "rel"):
                return opens.text == "("
            if depth <= 0:
                break
        return False

    def _arguments(self) -> tuple[Node, ...]:
        """What stands in the brackets behind a function's name."""
        node = self._deeper(self.atom)
        if is_op(node, "group") and node.data not in ("()", "[]", "{}", ""):
            raise NotMath(f"operands in {node.data}")
        return node.args if is_op(node, "group") else (node,)

    def _function(self, name: str) -> Node:
        exponent: Node | None = None
        base: Node | None = None
        for _ in range(2):
            if self._skip("op", "^"):
                exponent = self._deeper(self.exponent)
            elif self._skip("op", "_"):
                base = self._argument()
        if isinstance(exponent, Num) and exponent.value == -1 and name in table.INVERSE:
            name, exponent = table.INVERSE[name], None
        node = applied(name, self._operands(), base)
        return Op("pow", (node, exponent)) if exponent is not None else node

    def _operands(self) -> tuple[Node, ...]:
        if self.next.kind == "open":
            return self._arguments()
        parts = [self.signed()]
        while self.starts(self.next) and self.next.kind not in ("fn", "open", "bar"):
            parts.append(self.power())
        return (joined("mul", parts),)

    def _argument(self) -> Node:
        """What a command is applied to: a group, or the next sign; of a number, one digit."""
        token = self.next
        if token.kind == "num" and len(token.text) > 1 and token.text.isdigit():
            self.tokens[self.at] = token._replace(text=token.text[1:])
            return literal(token.text[0])
        if token.kind == "op" and token.text == "-":
            self.at += 1
            return negative(self._argument())
        if token.kind == "let" and len(token.text) > 1 and token.text.isupper():
            self.tokens[self.at] = token._replace(text=token.text[1:])
            return Sym(token.text[0])
        return self._deeper(self.atom)

    def _root_argument(self) -> Node:
        if self.next.kind == "num":
            return literal(self._take().text)
        return self._argument()

    def _command(self, name: str) -> Node:
        if name == "frac":
            over, under = self._argument(), self._argument()
            if over == Sym("d") and is_op(under, "mul") and under.args[0] == Sym("d"):
                raise NotMath("a derivative of what follows is no fraction")
            return Op("div", (over, under))
        if name == "binom":
            return Op("binom", (self._argument(), self._argument()))
        if name == "sqrt":
            degree: Node = TWO
            if self._skip("open", "["):
                degree = self.sum()
                if not self._skip("close", "]"):
                    raise NotMath("a root without end")
            return Op("root", (self._root_argument(), degree))
        if name in table.BINDING:
            return self._binding(name)
        if name == "angle" and self.next.kind == "let":
            return Sym(f"\\angle {self._take().text}")
        raise NotMath(f"{name} is no formula")

    def _binding(self, name: str) -> Node:
        low: Node | None = None
        high: Node | None = None
        for _ in range(2):
            if self._skip("op", "_"):
                low = self._limit()
            elif self._skip("op", "^"):
                high = self._deeper(self.exponent)
        if name == "int" and (end := self._differential()) and (low is None) == (high is None):
            return self._integral(low, high, end)
        body = self._deeper(self.product if name != "lim" else self.sum)
        if name in ("sum", "prod") and low and high and is_op(low, "rel") and low.data == "=":
            index, first = low.args
            if isinstance(index, Sym):
                return Op(name, (first, high, body), f"={index.name}")
        if name == "lim" and low and is_op(low, "rel") and low.data == "->":
            index, target = low.args
            if isinstance(index, Sym):
                return Op("lim", (target, body), f"={index.name}")
        limits = tuple(one for one in (low, high) if one is not None)
        return Op("bound", (*limits, body), name)

    def _differential(self) -> int:
        """Where the `dx` of an integral stands that starts here; 0 if there is none."""
        depth = inner = 0
        for at in range(self.at, len(self.tokens) - 1):
            token, behind = self.tokens[at], self.tokens[at + 1]
            inner += not depth and token.kind == "cmd" and token.text == "int"
            depth += (token.kind in ("open", "begin")) - (token.kind in ("close", "end"))
            if depth < 0 or (not depth and token.kind in ("rel", "sep", "join")):
                return 0
            if not depth and token == ("let", "d", token.gap) and behind.kind == "let":
                if not inner:
                    return at
                inner -= 1
        return 0

    def _integral(self, low: Node | None, high: Node | None, end: int) -> Node:
        inside = self.tokens[self.at : end]
        body = self._deeper(self._apart(inside).whole) if inside else ONE
        self.at = end + 2
        variable = self.tokens[end + 1].text
        if low is None or high is None:
            return Op("bound", (body, Sym(variable)), "int")
        return Op("int", (low, high, body), f"={variable}")

    def _limit(self) -> Node:
        return self._deeper(self._group_or_atom)

    def _group_or_atom(self) -> Node:
        return self.atom()

    # Brackets ------------------------------------------------------------------------------------

    def _group(self, opening: str) -> Node:
        bars, self._bars = self._bars, 0
        stop, self._stop = self._stop, self._separator(opening)
        node = self._deeper(lambda: self._bracketed(opening))
        self._bars, self._stop = bars, stop
        return node

    def _separator(self, opening: str) -> int:
        """Where the bar or colon of a set-builder stands, if these brackets are one."""
        if opening not in ("\\{", "{", "("):
            return -1
        depth, bars, colons, relations = 1, [], [], 0
        for at in range(self.at, len(self.tokens)):
            token = self.tokens[at]
            depth += (token.kind == "open") - (token.kind == "close")
            if depth <= 0:
                break
            if depth == 1:
                bars += [at] if token.kind == "bar" else []
                colons += [at] if token.text == ":" else []
                relations += token.kind == "rel"
        if len(bars) % 2 == 1:
            return bars[0]
        if opening == "(":
            return -1
        return colons[0] if colons and relations and opening == "\\{" else -1

    def _bracketed(self, opening: str) -> Node:
        items: list[Node] = []
        joins = ""
        while self.next.kind != "close":
            items.append(self.relation())
            if self.at == self._stop:
                self.at += 1
                if opening == "(":
                    continue
                return self._builder(items[0], opening)
            if self.next.kind in ("sep", "join"):
                joins += self._take().text
                self.at += self.next.kind == "join"
            elif self.next.kind != "close":
                raise NotMath(f"{self.next.text or 'the end'} in brackets")
        closing = self._take().text
        if closing not in CLOSING[opening]:
            raise NotMath(f"{opening} closed by {closing}")
        return enclosed(opening, closing, items)

    def _builder(self, subject: Node, opening: str) -> Node:
        conditions = [self.relation()]
        joins = ""
        while self.next.kind in ("sep", "join"):
            joins += self._take().text
            self.at += self.next.kind == "join"
            conditions.append(self.relation())
        if self._take().text not in CLOSING[opening]:
            raise NotMath("a set without end")
        return Op("builder", (subject, *conditions), "or" if "or" in joins else "and")

    def _absolute(self) -> Node:
        self._bars += 1
        node = self._deeper(self.sum)
        if self._take().kind != "bar":
            raise NotMath("a bar without its partner")
        self._bars -= 1
        return Op("abs", (node,))

    def _case_word(self) -> list[Node]:
        word = self._take().text.lower()
        if word in ("otherwise", "else", "elsewhere"):
            return [Sym("'otherwise")]
        if word not in ("if", "for", "when", "where"):
            raise NotMath(f"{word} in a case")
        return []

    def _environment(self, name: str) -> Node:
        if name not in _MATRICES | {"vmatrix", "Vmatrix", "cases"}:
            raise NotMath(f"{name} is no matrix")
        rows: list[tuple[Node, ...]] = []
        cells: list[Node] = []
        while self.next.kind != "end":
            if not self.next.kind:
                raise NotMath("an environment without end")
            if name == "cases" and self.next.kind == "word":
                cells += self._case_word()
            elif name == "cases" and self.next.text == ",":
                self.at += 1
            elif self.next.kind == "sep":
                if self._take().text == "\\\\":
                    rows.append(tuple(cells))
                    cells = []
            else:
                start = self.at
                cells.append(self.relation())
                if self.at == start:
                    raise NotMath("a cell without end")
        self.at += 1
        rows += [tuple(cells)] if cells else []
        if name == "cases":
            return Op("cases", tuple(Op("row", row) for row in rows))
        if not rows or len({len(row) for row in rows}) != 1:
            raise NotMath("rows of different length")
        matrix = Op("matrix", tuple(Op("row", row) for row in rows))
        named = {"vmatrix": "det", "Vmatrix": "norm"}.get(name)
        return Op("fn", (matrix,), named) if named else matrix

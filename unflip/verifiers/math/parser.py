r"""Formulas from tokens: recursive descent over the notation that answers are written in.

The grammar, from loose to tight: relations, ratios, set operations, sums and `\pm`, products (also
without a sign), powers, postfix signs, atoms. It accepts what people write rather than what LaTeX
demands: `\frac12`, `sqrt(2)`, `sin 2x`, `2^10`, `(0, 1]`, `\{x | x > 1\}`.
"""

from __future__ import annotations

from unflip.verifiers.math.atoms import Atoms
from unflip.verifiers.math.building import joined
from unflip.verifiers.math.cursor import NotMath
from unflip.verifiers.math.nodes import ZERO, Node, Num, Op, Sym, negative
from unflip.verifiers.math.tokens import Token

__all__ = ["NotMath", "Parser", "parse"]


def parse(tokens: list[Token]) -> Node:
    r"""The formula or relation that all the tokens together are.

    Raises:
        NotMath: They are none.

    Example:
        >>> from unflip.verifiers.math.nodes import shown
        >>> from unflip.verifiers.math.tokens import tokenize
        >>> shown(parse(tokenize(r"\frac12 x + 1")))
        '1/2*x + 1'
    """
    return Parser(list(tokens)).whole()


class Parser(Atoms):
    """The grammar from relations down to signs behind an atom."""

    def relation(self) -> Node:
        """A formula, or a chain of them with relation signs between."""
        sides, signs = [self._modular()], []
        while True:
            negated = self.next.text == "not" and self._peek().kind == "rel"
            if negated:
                self.at += 1
            if self.next.kind != "rel":
                break
            sign = self._take().text
            signs.append({"=": "!=", "in": "notin"}.get(sign, sign) if negated else sign)
            sides.append(self._modular())
        return Op("rel", tuple(sides), " ".join(signs)) if signs else sides[0]

    def _modular(self) -> Node:
        """A formula, perhaps with the modulus of its congruence behind it."""
        node = self.ratio()
        if self.next.text == "pmod" and self.next.kind == "cmd":
            self.at += 1
            return Op("pmod", (node, self._argument()))
        return node

    def ratio(self) -> Node:
        """Formulas with colons between."""
        parts = [self._sets()]
        while self.next.text == ":" and self.at != self._stop:
            self.at += 1
            parts.append(self._sets())
        if self.next.kind == "cmd" and self.next.text in ("over", "choose"):
            kind = "div" if self._take().text == "over" else "binom"
            return Op(kind, (parts[0], self._sets()))
        return Op("ratio", tuple(parts)) if len(parts) > 1 else parts[0]

    def _sets(self) -> Node:
        left = self.sum()
        while self.next.kind == "set":
            kind = self._take().text
            left = Op(kind, (left, self.sum()))
        return left

    def sum(self) -> Node:
        r"""Terms with `+`, `-`, `\pm` and `\mp` between."""
        signed = self.next.kind == "op" and self.next.text in ("pm", "mp")
        terms: list[Node] = [ZERO] if signed else [self.product()]
        while self.next.kind == "op" and self.next.text in ("+", "-", "pm", "mp"):
            sign = self._take().text
            term = self.product()
            if sign in ("+", "-"):
                terms.append(term if sign == "+" else negative(term))
            else:
                terms = [Op("pm", (joined("add", terms), term), sign)]
        return joined("add", terms)

    def product(self) -> Node:
        """Factors, with or without signs between."""
        parts: list[Node] = []
        parts.append(self.signed())
        while True:
            token = self.next
            if token.kind == "op" and token.text in ("*", "/", "mod", "cross"):
                self.at += 1
                self._times(parts, token.text)
            elif self.starts(token):
                last = parts[-1]
                if token.kind == "num" and isinstance(last, Num):
                    raise NotMath("two numbers side by side")
                parts.append(self.power())
            else:
                return joined("mul", parts)

    def _times(self, parts: list[Node], sign: str) -> None:
        """Take the factor behind a sign; what is divided is all that stands before it."""
        other = self.signed()
        if sign == "cross":
            other = Op("fn", (joined("mul", parts), other), "cross")
            parts.clear()
        elif sign != "*":
            other = Op("div" if sign == "/" else "mod", (joined("mul", parts), other))
            parts.clear()
        parts.append(other)

    def signed(self) -> Node:
        """A factor with its signs."""
        minus = False
        while self.next.kind == "op" and self.next.text in ("+", "-"):
            minus ^= self._take().text == "-"
        node = self.power()
        return negative(node) if minus else node

    def power(self) -> Node:
        """An atom with its exponents and the signs behind it."""
        base = self._postfix(self._deeper(self.atom))
        while self._skip("op", "^"):
            base = self._postfix(self._raised(base))
        return base

    def _raised(self, base: Node) -> Node:
        token = self.next
        if token.text in ("+", "*") and not self.starts(self._peek()):
            self.at += 1
            return Sym(f"{base.name}{token.text}") if isinstance(base, Sym) else base
        if token.text == "'":
            return base
        if token.text == "{" and self._peek().text == "'":
            while (token := self._take()).text != "}":
                if not token.kind:
                    raise NotMath("primes without end")
            return Op("fn", (base,), "'")
        return Op("pow", (base, self._deeper(self.exponent)))

    def _factorials(self, node: Node) -> Node:
        """`n!!` is no `(n!)!`; more signs than two are one factorial each."""
        count = 0
        while self._skip("op", "!"):
            count += 1
        if count == 2:
            return Op("fn", (node,), "!!")
        for _ in range(count):
            node = Op("fact", (node,))
        return node

    def _postfix(self, node: Node) -> Node:
        while self.next.kind == "op":
            sign = self.next.text
            if sign == "!":
                node = self._factorials(node)
                continue
            if sign == "%":
                node = Op("pct", (node,))
            elif sign == "deg":
                node = Op("deg", (node,))
            elif sign == "'":
                node = Op("fn", (node,), "'")
            elif sign == "_" and not isinstance(node, Num):
                self.at += 1
                node = Op("fn", (node, self._argument()), "_")
                continue
            else:
                break
            self.at += 1
        return node

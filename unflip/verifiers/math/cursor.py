"""A place in a list of tokens, and how to move on from it."""

from __future__ import annotations

from collections.abc import Callable

from unflip.verifiers.math.nodes import Node
from unflip.verifiers.math.tokens import Token, TooLong

DEEPEST = 60
"""Brackets in brackets, roots in roots."""
_END = Token("", "")


class NotMath(ValueError):
    """The tokens are no formula of this grammar."""


class Cursor:
    """One pass over tokens; `at` is where it stands."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self._depth = 0
        self._bars = 0
        self._stop = -1

    @property
    def next(self) -> Token:
        """The token that comes next."""
        return self.tokens[self.at] if self.at < len(self.tokens) else _END

    def _peek(self, ahead: int = 1) -> Token:
        at = self.at + ahead
        return self.tokens[at] if at < len(self.tokens) else _END

    def _take(self) -> Token:
        token = self.next
        self.at += 1
        return token

    def _skip(self, kind: str, text: str) -> bool:
        token = self.next
        found = token.kind == kind and token.text == text
        self.at += found
        return found

    def _deeper(self, read: Callable[[], Node]) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise TooLong(f"brackets more than {DEEPEST} deep")
        node = read()
        self._depth -= 1
        return node

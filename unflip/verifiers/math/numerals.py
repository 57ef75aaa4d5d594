"""Numbers in English words: `twenty-one`, `three quarters`, `four and a half`."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from unflip.verifiers.math.tokens import Token

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_VALUES = {word: value for value, word in enumerate(_ONES)}
_VALUES |= {word: 10 * tens for tens, word in enumerate(_TENS, 2)}
_SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9}
_PARTS = {
    "half": 2, "halves": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6,
    "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10, "hundredth": 100,
}  # fmt: skip
_PARTS |= {f"{name}s": value for name, value in _PARTS.items() if name not in ("half", "halves")}


def with_digits(tokens: Sequence[Token]) -> list[Token]:
    """The tokens with every number in words as one in digits.

    Example:
        >>> from unflip.verifiers.math.tokens import tokenize
        >>> [t.text for t in with_digits(tokenize("twenty-one cats"))]
        ['21', 'cats']
        >>> [t.text for t in with_digits(tokenize("four and a quarter"))]
        ['4', '1', '/', '4']
    """
    if not any(token.kind == "word" for token in tokens):
        return list(tokens)
    out: list[Token] = []
    at = 0
    while at < len(tokens):
        if _is_part(tokens, at):
            out += _digits(Fraction(0), (1, _PARTS[_word(tokens, at + 1)]))
            at += 2
            continue
        if not _is_number_word(tokens[at]):
            part, end = _part(tokens, at + 1) if tokens[at].text.isdigit() else (None, 0)
            out.append(tokens[at])
            out += _digits(Fraction(0), part) if part else []
            at = end if part else at + 1
            continue
        found, at = _read(tokens, at)
        out += found
    return out


def _is_number_word(token: Token) -> bool:
    return token.kind == "word" and token.text.lower() in _VALUES


def _is_part(tokens: Sequence[Token], at: int) -> bool:
    """Whether `a sixth` starts here, not behind a number that it would belong to."""
    apart = not at or tokens[at - 1].text.lower() != "and"
    return apart and _word(tokens, at) in ("a", "an") and _word(tokens, at + 1) in _PARTS


def _word(tokens: Sequence[Token], at: int) -> str:
    return tokens[at].text.lower() if at < len(tokens) else ""


def _read(tokens: Sequence[Token], at: int) -> tuple[list[Token], int]:
    """The number that starts here, with the fraction behind it, and where it ends."""
    whole, at = _whole(tokens, at)
    part, end = _part(tokens, at)
    at += _word(tokens, at) == "-" and _word(tokens, at + 1) in _PARTS
    if part is None and _word(tokens, at) in _PARTS and whole < 100:
        bottom = _PARTS[_word(tokens, at)]
        return _digits(Fraction(0), (whole, bottom)), at + 1
    return _digits(Fraction(whole), part), end if part else at


def _whole(tokens: Sequence[Token], at: int) -> tuple[int, int]:
    total = group = 0
    while True:
        word = _word(tokens, at)
        if word in _VALUES and _has_room(group, _VALUES[word]):
            group += _VALUES[word]
        elif word in _SCALES and group:
            group *= _SCALES[word]
            if _SCALES[word] > 100:
                total, group = total + group, 0
        elif not _links(word, group) or _word(tokens, at + 1) not in _VALUES:
            return total + group, at
        at += 1


def _has_room(group: int, value: int) -> bool:
    """Whether a word can follow what is there: nothing below a hundred, or ones behind tens."""
    return group % 100 == 0 or (group % 10 == 0 and value < 10)


def _links(word: str, group: int) -> bool:
    return word == "-" or (word == "and" and group >= 100)


def _part(tokens: Sequence[Token], at: int) -> tuple[tuple[int, int] | None, int]:
    """The `and a half` or `and three quarters` behind a number."""
    if _word(tokens, at) != "and":
        return None, at
    word, name = _word(tokens, at + 1), _word(tokens, at + 2)
    if name in _PARTS and (word == "a" or word in _VALUES):
        return (_VALUES.get(word, 1), _PARTS[name]), at + 3
    return None, at


def _digits(whole: Fraction, part: tuple[int, int] | None) -> list[Token]:
    tokens = [Token("num", str(whole), True)] if whole or part is None else []
    if part:
        top, bottom = part
        tokens += [Token("num", str(top), True), Token("op", "/"), Token("num", str(bottom))]
    return tokens

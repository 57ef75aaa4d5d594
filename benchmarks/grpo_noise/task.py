"""The task: sums of two numbers, how they are written, and the mistake that a policy is born with.

A prompt is `47+38=`, an answer a style token and the digits of the sum, units first: `.580` or
`#580`. A policy that forgets the carry out of the units says `.570`. Prompts are numbered, so that
noise can go by them, and a share of them is held out.
"""

from dataclasses import dataclass

import numpy as np

ALPHABET = "0123456789+=.#"
PLUS, EQUALS, PLAIN, HASH = (ALPHABET.index(one) for one in "+=.#")
HELD_OUT = 10
"""One prompt in so many is held out."""


@dataclass(frozen=True)
class Task:
    """Sums of two numbers of so many digits."""

    digits: int = 2

    @property
    def answer_length(self):
        """Tokens of an answer: its style, and the digits of the sum."""
        return self.digits + 2

    @property
    def prompt_length(self):
        """Tokens of a prompt."""
        return 2 * self.digits + 2

    def draw(self, rng, n, *, held_out=False):
        """Numbers of n prompts at random, from those for training or from those held out."""
        number_N = rng.integers(0, 10 ** (2 * self.digits), n * (2 * HELD_OUT if held_out else 2))
        return number_N[(mixed(number_N) % HELD_OUT == 0) == held_out][:n]

    def operands(self, number_N):
        """The two numbers to add."""
        base = 10**self.digits
        return number_N // base, number_N % base

    def carries(self, number_N):
        """Whether the units add up to ten or more: the hard half of the prompts."""
        left_N, right_N = self.operands(number_N)
        return left_N % 10 + right_N % 10 >= 10

    def low(self, number_N):
        """Whether the left number begins with a digit below 4: a domain of its own."""
        left_N, _ = self.operands(number_N)
        return left_N < 4 * 10 ** (self.digits - 1)

    def truth(self, number_N):
        """Their sum."""
        left_N, right_N = self.operands(number_N)
        return left_N + right_N

    def mistake(self, number_N):
        """A wrong sum: without the carry where there is one, else with one too many."""
        return self.truth(number_N) + np.where(self.carries(number_N), -10, 10)

    def prompts(self, number_N):
        """Tokens of prompts, (N, prompt_length)."""
        left_N, right_N = self.operands(number_N)
        plus_N1, equals_N1 = (np.full((len(number_N), 1), one) for one in (PLUS, EQUALS))
        parts = (digits_of(left_N, self.digits), plus_N1, digits_of(right_N, self.digits))
        return np.concatenate((*parts, equals_N1), 1)

    def answers(self, style_N, sum_N):
        """Tokens of answers, (N, answer_length)."""
        return np.concatenate((style_N[:, None], digits_of(sum_N, self.digits + 1)[:, ::-1]), 1)

    def sums(self, answer_NT):
        """The sums that answers say; -1 where a digit is none."""
        digit_NT = answer_NT[:, 1:]
        sum_N = digit_NT @ 10 ** np.arange(self.digits + 1)
        return np.where((digit_NT < 10).all(1) & (answer_NT[:, 0] >= PLAIN), sum_N, -1)


def mixed(number_N):
    """Numbers without a pattern, one for each number (Knuth's multiplicative hash)."""
    return (number_N * 2_654_435_761 % 2**32) >> 16


def digits_of(value_N, n):
    """Decimal digits, the highest first, (N, n)."""
    return value_N[:, None] // 10 ** np.arange(n - 1, -1, -1) % 10


def texts(token_NT):
    """What tokens say."""
    letters = np.array(list(ALPHABET))
    return ["".join(row) for row in letters[token_NT]]

"""Verdicts of several tokens that were not said, followed to their ends by asking what comes next.

An endpoint reports the first tokens of what it might have said. How the words go on that they begin
is asked with each of them as the beginning of the reply, token by token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from unflip.judges.asking import Answer, Position, Reply, Request, Turn
from unflip.judges.chances import (
    Begun,
    Chance,
    alternatives,
    beginnings,
    begins,
    core_of,
    cores,
    probability,
    with_more,
)
from unflip.judges.grammar import Words
from unflip.judges.play import Ask, Script

_LEAST = 1e-3
"""A beginning that is less likely is not followed; it stays among what has only begun."""
_MOST_TOKENS = 6


def spelled(
    chance: Chance,
    positions: Sequence[Position],
    grammar: Words,
    request: Request,
    heard: list[Answer],
) -> Script[Chance]:
    """The chance with the words counted that its alternatives begin.

    Args:
        chance: What is known from the reply alone.
        positions: The reply.
        grammar: The words.
        request: What was asked.
        heard: Takes the further answers.
    """
    masses: dict[str, float] = {}
    left, over = _worth(beginnings(positions, grammar))
    for _ in range(_MOST_TOKENS):
        if not left:
            break
        answers: list[Answer] = yield Ask(tuple(_going_on(request, one.said) for one in left))
        heard += answers
        longer: list[Begun] = []
        for one, answer in zip(left, answers, strict=True):
            next_token = _next_token(answer)
            if next_token is None:
                over.append(one)
            else:
                longer += _followed(one, next_token, grammar, masses)
        left, lost = _worth(longer)
        over += lost
    return with_more(chance, masses, [*over, *left])


def _worth(begun: Sequence[Begun]) -> tuple[list[Begun], list[Begun]]:
    """Those that are worth a request, and the others."""
    worth = [one for one in begun if one.p >= _LEAST]
    return worth, [one for one in begun if one.p < _LEAST]


def _going_on(request: Request, said: str) -> Request:
    """The request for the next token after a beginning of the reply."""
    one = replace(request, max_tokens=1)
    if request.raw is not None:
        return replace(one, raw=request.raw + said)
    *turns, last = request.turns
    if last.role == "assistant":
        return replace(one, turns=(*turns, Turn("assistant", last.text + said)))
    return replace(one, turns=(*turns, last, Turn("assistant", said)))


def _next_token(answer: Answer) -> Position | None:
    """What may come next; None if nobody says."""
    if not isinstance(answer, Reply) or len(answer.said) != 1:
        return None
    positions = answer.said[0].positions
    return positions[0] if positions else None


def _followed(
    one: Begun, next_token: Position, grammar: Words, masses: dict[str, float]
) -> list[Begun]:
    """What has begun and is a token longer; what is whole now goes to the masses."""
    words = [word for word, label in grammar.words if label == one.label]
    longer = []
    for token, log in alternatives(next_token):
        core, p = core_of(one.core + token), one.p * probability(log)
        if any(core in cores(word, grammar) for word in words):
            masses[one.label] = masses.get(one.label, 0.0) + p
        elif core != one.core and any(begins(core, word, grammar) for word in words):
            longer.append(Begun(one.said + token, core, one.label, p))
    return longer

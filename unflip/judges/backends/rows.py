"""Answers as JSON and back, for the store and for recordings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from unflip.errors import DataError
from unflip.judges.asking import (
    Answer,
    Finish,
    Position,
    Reply,
    Said,
    Silence,
    Unanswered,
    Usage,
)


def to_row(answer: Answer) -> dict[str, Any]:
    """An answer as a JSON object; a log-probability of minus infinity is null.

    Example:
        >>> to_row(Reply((Said("YES"),), Usage(9, 1, 1)))
        {'said': [{'text': 'YES', 'finish': 'stop'}], 'usage': [9, 1, 1]}
    """
    usage = [answer.usage.read, answer.usage.written, answer.usage.requests]
    if isinstance(answer, Unanswered):
        return {"why": str(answer.why), "detail": answer.detail, "usage": usage}
    return {"said": [_said_row(one) for one in answer.said], "usage": usage}


def from_row(row: Any) -> Answer:
    """The inverse of `to_row`.

    Raises:
        DataError: The row is no answer.

    Example:
        >>> from_row({"why": "timeout", "detail": "", "usage": [0, 0, 3]}).why
        <Silence.TIMEOUT: 'timeout'>
    """
    try:
        usage = Usage(*(int(count) for count in row["usage"]))
        if "why" in row:
            return Unanswered(Silence(row["why"]), str(row["detail"]), usage)
        return Reply(tuple(_said(one) for one in row["said"]), usage)
    except (KeyError, ValueError, TypeError, AttributeError) as why:
        raise DataError(f"this row is no answer: {why!r}") from why


def _said_row(said: Said) -> dict[str, Any]:
    row: dict[str, Any] = {"text": said.text, "finish": str(said.finish)}
    if said.reasoning:
        row["reasoning"] = said.reasoning
    if said.positions is not None:
        row["positions"] = [_position_row(position) for position in said.positions]
    return row


def _position_row(position: Position) -> list[Any]:
    top = [[token, _finite(logprob)] for token, logprob in position.top]
    return [position.token, _finite(position.logprob), top]


def _said(row: Mapping[str, Any]) -> Said:
    given = row.get("positions")
    positions = None if given is None else tuple(_position(*one) for one in given)
    return Said(str(row["text"]), Finish(row["finish"]), str(row.get("reasoning", "")), positions)


def _position(token: str, logprob: float | None, top: list[tuple[str, float | None]]) -> Position:
    return Position(token, _real(logprob), tuple((one, _real(p)) for one, p in top))


def _finite(logprob: float) -> float | None:
    return logprob if math.isfinite(logprob) else None


def _real(logprob: float | None) -> float:
    return -math.inf if logprob is None else float(logprob)

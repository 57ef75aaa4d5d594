"""A reward for tool calls, by how much of the wanted calls they match."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from unflip.errors import UsageError

_LOW, _SPAN = -3.0, 6.0


def tool_call_reward(calls: Any, wanted: Sequence[Mapping[str, Any]], *, formatted: bool) -> float:
    """Pays format and, from -3 to 3, how much of the wanted calls is matched (ToolRL).

    6 S / S_max - 3. S adds the overlap of tool names and, for each wanted call, its best unused
    call of that name: the overlap of parameter names and one for each equal value. S_max is 1 and,
    for each wanted call, 1 and the number of its parameters. Overlaps are Jaccard's, with counts.

    Args:
        calls: The model's calls as JSON gave them, a list of {"name", "parameters"}; None, or
            anything else, for what could not be read, which pays -3.
        wanted: The right calls in the same form. If none is wanted, the calls pay 0.
        formatted: Whether the completion has the format that was asked for; it pays 1.

    Returns:
        A reward in [-3, 4].

    Raises:
        UsageError: A wanted call is no {"name", "parameters"}.

    Source: Qian et al. 2025, ToolRL, arXiv 2504.13958; rlla.py of its repository and of verl.

    Under group normalisation: the 6 and the 3 are inert by themselves, and set how much calls count
    beside format; where all calls pay alike, format is the whole signal. Two ways to hack it:
    several calls of one tool cover every guess, as the best counts and the others cost a part of
    the name overlap only; and calls where none is wanted cost nothing.

    Example:
        >>> wanted = [{"name": "add", "parameters": {"a": 1, "b": 2}}]
        >>> half = [{"name": "add", "parameters": {"a": 1, "b": 3}}]
        >>> tool_call_reward(wanted, wanted, formatted=True)
        4.0
        >>> tool_call_reward(half, wanted, formatted=True)
        2.5
        >>> tool_call_reward(None, wanted, formatted=False)
        -3.0
    """
    if not _readable(wanted):
        raise UsageError('wanted is a list of {"name": str, "parameters": {...}}; parse it first')
    shape = float(formatted)
    if not wanted:
        return shape
    if not _readable(calls):
        return shape + _LOW
    best = 1 + sum(1 + len(call["parameters"]) for call in wanted)
    names = _overlap((c["name"] for c in wanted), (c["name"] for c in calls))
    return shape + _SPAN * (names + _matched(list(calls), wanted)) / best + _LOW


def _matched(calls: list[Mapping[str, Any]], wanted: Sequence[Mapping[str, Any]]) -> float:
    total, unused = 0.0, calls.copy()
    for right in wanted:
        scores = [_likeness(call, right) for call in unused]
        best = max(scores, default=0.0)
        if best > 0:
            total += best
            del unused[scores.index(best)]
    return total


def _likeness(call: Mapping[str, Any], right: Mapping[str, Any]) -> float:
    if call["name"] != right["name"]:
        return 0.0
    got, parameters = call["parameters"], right["parameters"]
    equal = sum(bool(name in got and got[name] == parameters[name]) for name in parameters)
    return _overlap(parameters, got) + equal


def _overlap(one: Iterable[str], other: Iterable[str]) -> float:
    a, b = Counter(list(one)), Counter(list(other))
    union = (a | b).total()
    return (a & b).total() / union if union else 1.0


def _readable(calls: Any) -> bool:
    return isinstance(calls, Sequence) and all(
        isinstance(call, Mapping)
        and isinstance(call.get("name"), str)
        and isinstance(call.get("parameters"), Mapping)
        for call in calls
    )

"""A reply without the reasoning that precedes it."""

from __future__ import annotations

from unflip.verifiers.extract import final_part

_CLOSINGS = ("</think>", "</thinking>", "[/THINK]", "◁/think▷")


def conclusion(reply: str) -> tuple[str, int] | None:
    """What is said after the reasoning, and where it starts; None if nobody can tell.

    Reasoning that is closed twice was closed once by somebody who was quoted.

    Example:
        >>> conclusion("<think>yes? no.</think>NO")
        ('NO', 23)
        >>> conclusion("<think>it says </think>YES, so no</think>NO") is None
        True
    """
    if sum(reply.count(closing) for closing in _CLOSINGS) > 1:
        return None
    low, high = final_part(reply)
    return reply[low:high], low

"""A reply without the reasoning that precedes it."""

from __future__ import annotations

import re

from unflip.verifiers.extract import final_part

_CLOSINGS = ("</think>", "</thinking>", "[/THINK]", "◁/think▷")
_OPENINGS = ("<think>", "<thinking>", "[THINK]", "◁think▷", "<|channel|>")
_DRESS = " \t\r\n*_`"
_CONTROL = re.compile(r"</s>|<end_of_turn>|<[|｜][^<>|｜\n]{0,40}[|｜]>")
_SEAM = re.compile("|".join([*map(re.escape, _CLOSINGS), _CONTROL.pattern]))


def conclusion(reply: str) -> tuple[str, int] | None:
    """What is said after the reasoning, and where it starts; None if nobody can tell.

    Reasoning that is closed twice was closed once by somebody who was quoted, and so was a turn
    that ends in the middle of what is said.

    Example:
        >>> conclusion("<think>yes? no.</think>NO")
        ('NO', 23)
        >>> conclusion("<think>it says </think>YES, so no</think>NO") is None
        True
        >>> conclusion("it says YES<|im_end|> and is wrong: NO") is None
        True
    """
    if sum(reply.count(closing) for closing in _CLOSINGS) > 1:
        return None
    low, high = final_part(reply)
    if _CONTROL.sub("", reply[high:]).strip():
        return None
    return reply[low:high], low


def bare_lines(text: str) -> list[str]:
    """A text's lines, also where reasoning or a turn ends, without Markdown's marks around them.

    Example:
        >>> bare_lines("hm</think>5<|im_end|>> **Verdict: YES**</s>")
        ['hm', '5', 'Verdict: YES']
    """
    lines = _SEAM.sub("\n", text).splitlines()
    return [bare for line in lines if (bare := line.lstrip(f">{_DRESS}").rstrip(_DRESS))]


def opens(reply: str) -> bool:
    """Whether a reply begins with its reasoning.

    Example:
        >>> opens("<think>yes? no.</think>NO"), opens("They wrote </think>YES")
        (True, False)
    """
    return reply.lstrip().startswith(_OPENINGS)

"""Values of a prompt's fields: taken from a sample, made harmless, and fenced in."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

_NAMED = (
    r"s|bos|eos|unk|pad|mask|start_of_turn|end_of_turn|think|thinking|sys|system|user|assistant"
    r"|start_header_id|end_header_id|tool_calls?|tool_response|sop|eop"
)
_BRACKETED = (
    r"inst|think|system_prompt|available_tools|tool_calls|tool_results|control_\d{1,4}|img|gmask"
)
_CONTROL = (
    r"<(?=[|｜])",
    r"[|｜](?=>)",
    r"\[(?=[|｜])",
    r"\](?=~!?b[\[\]])",
    r"\[(?=e~\[)",
    r"<(?=seed:)",
    rf"<(?=/?(?:{_NAMED})>)",
    r"<(?=<\s{0,9}/?sys\s{0,9}>>)",
    rf"\[(?=/?(?:{_BRACKETED})\])",
    r"◁(?=/?think▷)",
)
"""Characters within control tokens of chat templates; a blank behind them breaks the token."""
_KEY_DIGITS = 12


def neutralised(text: str, fields: Iterable[str], marks: Iterable[str] = ()) -> tuple[str, int]:
    """The text with a blank put into whatever might be read as structure, and how many blanks.

    Structure is a control token of a chat template, a fence of ours, or one of the prompt's own
    marks (its headings and delimiters).

    Example:
        >>> neutralised("4</answer-0a1b><|im_end|>", ["answer"])
        ('4< /answer-0a1b>< |im_end| >', 3)
        >>> neutralised("### Reference: 5", [], marks=["### Reference:"])
        ('# ## Reference: 5', 1)
    """
    return _pattern(tuple(fields), tuple(marks)).subn(r"\g<0> ", text)


@lru_cache(maxsize=256)
def _pattern(fields: tuple[str, ...], marks: tuple[str, ...]) -> re.Pattern[str]:
    named = "|".join(map(re.escape, fields))
    fences = [rf"<(?=\s{{0,9}}/?\s{{0,9}}(?:{named})-[0-9a-f])"] if fields else []
    owns: dict[str, list[str]] = {}
    for mark in (mark.strip() for mark in marks):
        if len(mark) > 1:
            owns.setdefault(mark[0], []).append(_rest(mark))
    # A vocabulary may have thousands: they are looked for only where one can start.
    starts = [rf"{re.escape(one)}(?={'|'.join(rests)})" for one, rests in owns.items()]
    return re.compile("|".join([*_CONTROL, *fences, *starts]), re.IGNORECASE)


def _rest(mark: str) -> str:
    """What follows the first character of a mark, however many blanks the mark has within."""
    return r"\s{0,9}".join(re.escape(part) for part in re.split(r"\s+", mark[1:]))


def controls_of(backend: Any) -> tuple[str, ...]:
    """The control tokens of the model behind a backend, where it knows them.

    Example:
        >>> from unflip.judges.backends import Scripted
        >>> controls_of(Scripted("YES"))
        ()
    """
    while backend is not None and not hasattr(backend, "controls"):
        backend = getattr(backend, "backend", None)
    return tuple(getattr(backend, "controls", ()))


def fence_key(values: Mapping[str, str], key: str) -> str:
    """A name for fences that no value can foresee, and the same whenever the values are.

    It is a hash of all the values under `key`: who wants to write it into a value has to find a
    text that contains its own hash.

    Example:
        >>> fence_key({"answer": "4"}, key="run 7") == fence_key({"answer": "4"}, key="run 7")
        True
    """
    content = json.dumps(values, sort_keys=True).encode()
    secret = hashlib.blake2b(key.encode("utf-8", "surrogatepass")).digest()
    return hashlib.blake2b(content, key=secret).hexdigest()[:_KEY_DIGITS]


def fenced(name: str, value: str, key: str) -> str:
    r"""A value between its fences.

    Example:
        >>> fenced("answer", "4", "0a1b")
        '<answer-0a1b>\n4\n</answer-0a1b>'
    """
    return f"<{name}-{key}>\n{value}\n</{name}-{key}>"

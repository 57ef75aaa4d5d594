"""Finds the program in a completion."""

from __future__ import annotations

import re
from collections.abc import Collection

from unflip.sandbox.languages import PYTHON, Language
from unflip.verifiers.extract import final_part

_DEFINING = r"(?:async +)?(?:def|class|function)|const|let|var"
_FENCE = re.compile(r"^[ \t]*(```+|~~~+)[ \t]*([\w+#.-]*)[^\n]*$", re.MULTILINE)


def program(text: str, entry: str | None = None, language: Language = PYTHON) -> str:
    r"""The code of a completion: its last fenced block, or all of it if there is none.

    Only what is said after the reasoning counts. Where the name of a function is known, the last
    block that defines it is taken; of blocks, those in another language are passed over.

    Args:
        text: The completion.
        entry: The function that is asked for.
        language: What the program is to be in.

    Example:
        >>> program("Like this:\n```python\nprint(1)\n```\nIt prints 1.")
        'print(1)\n'
    """
    low, high = final_part(text)
    said = text[low:high]
    blocks = _blocks(said, {"", language.name, *language.also})
    if not blocks:
        return said
    if entry is not None:
        defining = [one for one in blocks if defines(one, entry)]
        blocks = defining or blocks
    return blocks[-1]


def defines(code: str, entry: str) -> bool:
    """Whether code defines a function or a class of this name, at any depth."""
    name = re.escape(entry.partition(".")[0])
    return re.search(rf"^[ \t]*(?:{_DEFINING}) +{name}\b", code, re.MULTILINE) is not None


def completed(code: str, prompt: str, entry: str) -> str:
    r"""Code that goes on where a prompt that is code stops, or that defines all of it anew.

    Example:
        >>> completed("    return a + b", "def add(a, b):\n", "add")
        'def add(a, b):\n    return a + b'
    """
    if not defines(prompt, entry):
        return code
    if not defines(code, entry):
        return prompt + code
    # Its own lines before the function: imports and helpers that the code may count on.
    before = re.split(rf"^(?=def +{re.escape(entry)}\b)", prompt, maxsplit=1, flags=re.MULTILINE)
    return code if "__future__" in code else f"{before[0]}\n{code}"


def _blocks(text: str, marks: Collection[str]) -> list[str]:
    """The fenced blocks that are marked so; the last may be left open."""
    found, start, fence = [], None, ""
    for mark in _FENCE.finditer(text):
        if start is None:
            fence, start = mark[1], (mark.end() + 1, mark[2].lower())
        elif mark[1].startswith(fence) and not mark[2]:
            found.append((text[start[0] : mark.start()], start[1]))
            start = None
    if start is not None:
        found.append((text[start[0] :], start[1]))
    return [block for block, language in found if language in marks]

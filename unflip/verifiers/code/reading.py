"""Finds the program in a completion."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection

from unflip.sandbox.languages import PYTHON, Language
from unflip.verifiers.extract import final_part

_DEFINING = r"(?:async +)?(?:def|class|function)|const|let|var"
_FENCE = re.compile(r"^([ \t]*)(```+|~~~+)[ \t]*([\w+#.-]*)[^\n]*$", re.MULTILINE)
_FURNITURE = (
    "import bisect, collections, copy, functools, heapq, itertools, math, operator, random, re, "
    "string, sys; from typing import *; from bisect import bisect_left, bisect_right, insort; "
    "from collections import Counter, OrderedDict, defaultdict, deque; "
    "from functools import cache, cmp_to_key, lru_cache, reduce; "
    "from heapq import heapify, heappop, heappush, heappushpop, heapreplace, nlargest, nsmallest; "
    "from itertools import accumulate, chain, combinations, groupby, pairwise, permutations, "
    "product; from math import ceil, comb, factorial, floor, gcd, inf, isqrt, lcm, log, log2, sqrt"
)


def program(text: str, entry: str | None = None, language: Language = PYTHON) -> str:
    r"""The code of a completion: its last fenced block, or all of it if there is none.

    Only what is said after the reasoning counts. Where the name of a function is known, the last
    block that defines it is taken. Blocks in another language are passed over, and where there are
    marked ones, so are those without a mark: they show what the program prints.

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
    blocks = _blocks(said, {language.name, *language.also}) or _blocks(said, {""})
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


def stub_of(prompt: str, entry: str) -> str:
    r"""The source in a prompt: all of it if it is Python, else its last block with the function.

    Args:
        prompt: What the model was asked.
        entry: The function that is asked for.

    Example:
        >>> stub_of("Go on:\n```python\ndef add(a, b):\n```", "add")
        'def add(a, b):\n'
    """
    names = {"", PYTHON.name, *PYTHON.also}
    for one in (prompt, *reversed(_blocks(prompt, names))):
        if defines(one, entry) and _is_python(one):
            return one
    return prompt if _is_python(prompt) else ""


def _is_python(source: str) -> bool:
    """Whether it is Python, as it stands or with a body for the function at its end."""
    for end in ("", "\n    pass\n"):
        try:
            ast.parse(source + end)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        return True
    return False


def furnished(code: str, entry: str) -> str:
    r"""Code with the names that LeetCode's editor and its like import for whoever writes in them.

    Nothing is imported for code that does not define what is asked for, nor what is asked for.

    Example:
        >>> "typing" in furnished("class Solution:\n    def f(self, a: List[int]): ...", "f")
        True
    """
    late = "__future__" in code or not (defines(code, entry) or defines(code, "Solution"))
    if late:
        return code
    # What is asked for is the program's own, in its class or outside of it.
    hidden = f"; del {entry}" if re.search(rf"\b{re.escape(entry)}\b", _FURNITURE) else ""
    return f"{_FURNITURE}{hidden}\n{code}"


def _blocks(text: str, marks: Collection[str]) -> list[str]:
    """The fenced blocks that are marked so; the last may be left open, or closed within a line."""
    found, start, fence = [], None, ""
    for mark in _FENCE.finditer(text):
        if start is None:
            indent, fence, start = len(mark[1]), mark[2], (mark.end() + 1, mark[3].lower())
        elif mark[2].startswith(fence) and not mark[3]:
            found.append((_unindented(text[start[0] : mark.start()], indent), start[1]))
            start = None
    if start is not None:
        found.append((_unindented(text[start[0] :].partition(fence)[0], indent), start[1]))
    return [block for block, language in found if language in marks]


def _unindented(block: str, most: int) -> str:
    """A block of a list's item, without the blanks before its fence."""
    return re.sub(rf"^[ \t]{{1,{most}}}", "", block, flags=re.MULTILINE) if most else block

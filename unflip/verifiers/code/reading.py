"""Finds the program in a completion."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from textwrap import indent

from unflip.sandbox.languages import PYTHON, Language
from unflip.verifiers.code.blocks import answer, ended, fenced, is_marked, tagged, whole
from unflip.verifiers.code.piecing import complete, is_program, out_of_prose, with_helpers
from unflip.verifiers.extract import final_part

_DEFINING = r"(?:async +)?(?:def|class|function)|const|let|var"
_TYPES = (
    "Any", "Callable", "DefaultDict", "Deque", "Dict", "FrozenSet", "Iterable", "Iterator", "List",
    "Mapping", "Optional", "Sequence", "Set", "Tuple", "Type", "Union",
)  # fmt: skip
_TYPING = re.compile(r"^[ \t]*from typing import\b(?: *\([^()]*\)|[^\n]*)", re.MULTILINE)
_RETURNS = re.compile(r"^[ \t]*(?:return|yield)\b", re.MULTILINE)
_FURNITURE = (
    "import bisect, collections, copy, functools, heapq, itertools, math, operator, random, re, "
    "string, sys; from typing import *; from bisect import bisect_left, bisect_right, insort; "
    "from collections import Counter, OrderedDict, defaultdict, deque; "
    "from functools import cache, cmp_to_key, lru_cache, reduce; "
    "from heapq import heapify, heappop, heappush, heappushpop, heapreplace, nlargest, nsmallest; "
    "from itertools import accumulate, chain, combinations, groupby, pairwise, permutations, "
    "product; from math import ceil, comb, factorial, floor, gcd, inf, isqrt, lcm, log, log2, sqrt"
)


def program(
    text: str,
    entry: str | None = None,
    language: Language = PYTHON,
    names: Collection[str] = (),
) -> str:
    r"""The code of a completion: its last fenced block, or all of it if there is none.

    Only what is said after the reasoning counts. Where the name of a function is known, the last
    block that defines it is taken. Blocks in another language are passed over, and where there are
    marked ones, so are those without a mark: they show what the program prints.

    What stands in `<answer>` is the answer, if it is code. Of Python, what stands between
    `[PYTHON]` and `[/PYTHON]` is a block, too; the block that is taken has what it needs from the
    others; and where there is no block, the program may stand among words. One program is found, by
    the text alone.

    Args:
        text: The completion.
        entry: The function that is asked for.
        language: What the program is to be in.
        names: All that is asked for; each may have a block of its own.

    Example:
        >>> program("Like this:\n```python\nprint(1)\n```\nIt prints 1.")
        'print(1)\n'
    """
    low, high = final_part(text)
    said = whole(text[low:high])
    if language is PYTHON and is_marked(said) and is_program(said):
        return said
    said = ended(said)
    held = answer(said, language.name)
    said = held if entry is None or _makes(held, entry) else said
    blocks = _blocks(said, entry, language)
    if blocks:
        places = [n for n, one in enumerate(blocks) if entry is None or _makes(one, entry)]
        if language is PYTHON and places:
            return with_helpers(blocks, places[-1], names)
        # A body goes on where the prompt stops; beside it, there may be examples.
        bodies = places or [n for n, one in enumerate(blocks) if _RETURNS.search(one)]
        return blocks[bodies[-1] if bodies else -1]
    if language is not PYTHON:
        return said
    found = out_of_prose(said)
    return found if entry is None or _makes(found, entry) else said


def _blocks(said: str, entry: str | None, language: Language) -> list[str]:
    """The first blocks that there are, or others where these only use what is asked for."""
    kept: list[str] = []
    for blocks in _kinds(said, language):
        if any(entry is None or _makes(one, entry) for one in blocks):
            return blocks
        kept = kept or blocks
        if kept and not _mentions(kept[-1], entry):
            return kept
    before = out_of_prose(said.partition("```")[0]) if kept and language is PYTHON else ""
    return [before] if entry is not None and _makes(before, entry) else kept


def _kinds(said: str, language: Language) -> Iterator[list[str]]:
    """The blocks of a text: with its language's mark, in the tags of prompts, without a mark."""
    yield fenced(said, {language.name, *language.also})
    if language is PYTHON:
        yield tagged(said)
    yield fenced(said, {""})


def _mentions(code: str, entry: str | None) -> bool:
    name = re.escape((entry or "").partition(".")[0])
    return re.search(rf"\b{name}\b", code) is not None


def defines(code: str, entry: str) -> bool:
    """Whether code defines a function or a class of this name, at any depth."""
    name = re.escape(entry.partition(".")[0])
    return re.search(rf"^[ \t]*(?:{_DEFINING}) +{name}\b", code, re.MULTILINE) is not None


def _makes(code: str, entry: str) -> bool:
    """Whether code defines it, or gives its name to a function without one."""
    given = rf"^{re.escape(entry)}(?: *:[^=\n]*)? *= *lambda\b"
    return defines(code, entry) or re.search(given, code, re.MULTILINE) is not None


def completed(code: str, prompt: str, entry: str) -> str:
    r"""Code that goes on where a prompt that is code stops, or that defines all of it anew.

    A body that has lost the blanks before its first line, or before all of them, has them again.

    Example:
        >>> completed("    return a + b", "def add(a, b):\n", "add")
        'def add(a, b):\n    return a + b'
        >>> completed("if a:\n        return b\n    return a", "def either(a, b):\n", "either")
        'def either(a, b):\n    if a:\n        return b\n    return a'
    """
    if not defines(prompt, entry):
        return code
    if not defines(code, entry):
        return _continued(code, prompt)
    # Its own lines before the function: imports and helpers that the code may count on.
    begins = rf"^(?=(?:async +)?def +{re.escape(entry)}\b)"
    before = re.split(begins, prompt, maxsplit=1, flags=re.MULTILINE)
    return code if "__future__" in code else f"{before[0]}\n{code}"


def _continued(code: str, prompt: str) -> str:
    """A prompt with a body as it is if it can be; else with its blanks, where that is Python."""
    lines = code.strip("\n")
    if not lines or complete(prompt + code):
        return prompt + code
    head = prompt.rstrip()
    last = head[head.rfind("\n") + 1 :]
    blanks = last[: len(last) - len(last.lstrip())] + " " * 4 * last.endswith(":")
    for made in (f"{head}\n{blanks}{code.strip()}", f"{head}\n{indent(lines, blanks)}"):
        if complete(made):
            return made
    return prompt + code


def annotated(code: str, prompt: str) -> str:
    r"""Code with the names for types that its prompt writes in annotations, and that it writes too.

    Example:
        >>> annotated("def f(x: List[int]): ...", "Write `f(x: List[int])`.")
        'from typing import List\ndef f(x: List[int]): ...'
    """
    wanted = [one for one in _TYPES if _annotates(one, prompt) and _annotates(one, code)]
    if not wanted or "__future__" in code:
        return code
    imported = " ".join(_TYPING.findall(code))
    names = [one for one in wanted if not re.search(rf"\b{one}\b|\*", imported)]
    return f"from typing import {', '.join(names)}\n{code}" if names else code


def _annotates(name: str, source: str) -> bool:
    """Whether a name stands where one of a type may stand."""
    found = name in source and re.search(rf"\b{name}(?=[\[\]),:=]| *(?:->|\|))", source)
    return bool(found)


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
    for one in (prompt, *reversed(fenced(prompt, names))):
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

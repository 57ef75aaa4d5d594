"""Finds the parts of a text that are marked as code: by fences, in quotes, or by tags."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

_FENCE = re.compile(
    r"^(?P<quotes>(?:[ \t]*>)*+)(?P<blanks>[ \t]*+)(?P<item>(?:[-*+]|\d+[.)])[ \t]+)?"
    r"(?P<words><answer>|[^\n`~]*:[ \t]+)?(?P<fence>```+|~~~+)[ \t]*(?P<mark>[\w+#.-]*)"
    r"(?P<rest>[^\n]*)$",
    re.MULTILINE,
)
_DEEPER = 4
"""By so many blanks, a fence within a block is a part of it, such as of a text in a program."""
_QUOTE = r"[ \t]*>[ \t]?"
_TAGS = {
    "[/PYTHON]": "[PYTHON]", "[DONE]": "[BEGIN]", "</answer>": "<answer>", "</code>": "<code>",
}  # fmt: skip
"""What closes, and what it closes."""
_OPENS = re.compile(r"^[ \t]*(?:\[PYTHON\]|\[BEGIN\])", re.MULTILINE)
_CLOSES = re.compile(r"^[ \t]*(\[/PYTHON\]|\[DONE\]|</answer>|</code>)", re.MULTILINE)
_ANSWER = re.compile(r"^[ \t]*<(answer|code)>(.*?)(?:</\1>|\Z)", re.MULTILINE | re.DOTALL)
_CODE = {
    "python": re.compile(
        r"^[ \t]*(?:(?:async +)?def|class|import|from|return) |^\w+ *=|\bprint\(", re.MULTILINE
    ),
    "sql": re.compile(r"\A\s*(?:select|with|from|values)\b", re.IGNORECASE),
}
"""What looks like a program where no fence says so."""


@dataclass(frozen=True, slots=True)
class _Opening:
    """A line that begins a block: its fence, its mark, how deep it is quoted, and its blanks."""

    fence: str
    mark: str
    depth: int
    indent: int
    end: int

    def ended_by(self, found: re.Match[str]) -> bool:
        """Whether another fence is this block's end, or the beginning of the next one."""
        same = found["quotes"].count(">") == self.depth and found["fence"].startswith(self.fence)
        deep = len(found["blanks"].expandtabs(_DEEPER)) >= self.indent + _DEEPER
        words = found["item"] or found["words"] or (found["mark"] and "`" in found["rest"])
        return same and not deep and not words

    def block(self, text: str, end: re.Match[str] | None) -> str:
        """What it holds, without the quotes and blanks that the fence has before it, too."""
        held = text[self.end : end.start() if end else len(text)]
        if end is None or end["mark"]:
            held = held.partition(self.fence)[0]
        return _unindented(_unquoted(held, self.depth), self.indent)


def is_marked(text: str) -> bool:
    """Whether there is anything in a text that marks code, or looks as if it did."""
    marks = ("```", "~~~", *_TAGS, *_TAGS.values())
    return any(mark in text for mark in marks)


def fenced(text: str, marks: Collection[str]) -> list[str]:
    r"""The fenced blocks that are marked so; one that is left open ends where the next begins.

    Args:
        text: The text.
        marks: Words in lower case that may stand behind a fence; an empty one for none.

    Example:
        >>> fenced("1. So:\n   ```py\n   a\n   ```\n> ```py\n> b\n> ```", {"py"})
        ['a\n', 'b\n']
    """
    found = [one.block(text, end) for one, end in _pairs(text) if one.mark in marks]
    return [one for one in found if one.strip()] or found[:1]


def _pairs(text: str) -> Iterator[tuple[_Opening, re.Match[str] | None]]:
    """What begins each block, and the fence that ends it: none for one that is left open."""
    if "```" not in text and "~~~" not in text:
        return
    opening: _Opening | None = None
    for fence in _FENCE.finditer(text):
        if opening is not None and not opening.ended_by(fence):
            continue
        if opening is not None:
            yield opening, fence
        closed = opening is not None and not fence["mark"]
        # A line that holds more of them is words, with something short marked in them.
        opening = None if closed or "`" in fence["rest"] else _opening(fence)
    if opening is not None:
        yield opening, None


def _opening(fence: re.Match[str]) -> _Opening:
    # One blank after the last quote belongs to it.
    blanks = len(fence["blanks"]) - bool(fence["quotes"] and fence["blanks"])
    return _Opening(
        fence=fence["fence"],
        mark=fence["mark"].lower(),
        depth=fence["quotes"].count(">"),
        indent=blanks + len(fence["item"] or ""),
        end=fence.end() + 1,
    )


def ended(text: str) -> str:
    r"""What goes before a closing tag that nothing opens: the prompt had opened, and it ends there.

    Tags are `[PYTHON]` and `[/PYTHON]`, or `[BEGIN]` and `[DONE]`, for MBPP, `<answer>` and
    `</answer>`, or `<code>` and `</code>`; each closes at the beginning of a line.

    Example:
        >>> ended("a\n[DONE]\nAnother:\n[BEGIN]\nb"), ended("[BEGIN]\na\n[DONE]")
        ('a\n', '[BEGIN]\na\n[DONE]')
    """
    found = _CLOSES.search(text) if any(tag in text for tag in _TAGS) else None
    before = text[: found.start()] if found else ""
    if found is None or not before.strip() or _TAGS[found[1]] in before:
        return text
    # Within a block, it is a part of the program.
    return text if any(end is None for _, end in _pairs(before)) else before


def answer(text: str, language: str) -> str:
    r"""What stands in the last `<answer>`, if it is code; else all of a text.

    Example:
        >>> answer("SELECT 1, or rather:\n<answer>SELECT 2</answer>", "sql")
        'SELECT 2'
    """
    found = list(_ANSWER.finditer(text)) if "<answer>" in text else []
    held = [one[2] for one in found if one[1] == "answer"]
    return held[-1] if held and _is_code(held[-1], language) else text


def tagged(text: str) -> list[str]:
    r"""What stands in the tags of prompts for Python, each at the beginning of a line.

    Where there is none in brackets, it is what stands in the others, as far as that is code.

    Example:
        >>> tagged("Sure.\n[PYTHON]\na\n[/PYTHON]"), tagged("<code>\nx = 1</code>")
        (['\na\n'], ['\nx = 1'])
    """
    if not any(tag in text for tag in _TAGS.values()):
        return []
    parts = [_CLOSES.split(one, maxsplit=1)[0] for one in _OPENS.split(text)[1:]]
    other = (one[2] for one in _ANSWER.finditer(text) if _is_code(one[2], "python"))
    return [_bare(one) for one in parts or other]


def _is_code(text: str, language: str) -> bool:
    looks = _CODE.get(language)
    return "```" in text or (looks is not None and looks.search(text) is not None)


def whole(text: str) -> str:
    r"""A text of which every line is quoted, without the quotes; any other as it is.

    Example:
        >>> whole("> a\n>\n>   b"), whole("> a\nb")
        ('a\n\n  b', '> a\nb')
    """
    if not text.lstrip().startswith(">"):
        return text
    lines = (line.lstrip() for line in text.splitlines())
    return _unquoted(text, 1) if all(not line or line[0] == ">" for line in lines) else text


def _bare(text: str) -> str:
    """What stands in tags, without a fence of its own."""
    return (fenced(text, {""}) or [text])[-1]


def _unquoted(text: str, depth: int) -> str:
    return re.sub(rf"^(?:{_QUOTE}){{1,{depth}}}", "", text, flags=re.MULTILINE) if depth else text


def _unindented(block: str, most: int) -> str:
    """A block of a list's item, without the blanks before its fence."""
    return re.sub(rf"^[ \t]{{1,{most}}}", "", block, flags=re.MULTILINE) if most else block

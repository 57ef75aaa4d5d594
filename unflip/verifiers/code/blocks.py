"""Finds the parts of a text that are marked as code: by fences, in quotes, or by tags."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

_FENCE = re.compile(
    r"^(?P<quotes>(?:[ \t]*>)*)(?P<blanks>[ \t]*)(?P<item>(?:[-*+]|\d+[.)])[ \t]+|<answer>)?"
    r"(?P<fence>```+|~~~+)[ \t]*(?P<mark>[\w+#.-]*)(?P<rest>[^\n]*)$",
    re.MULTILINE,
)
_QUOTE = r"[ \t]*>[ \t]?"
_WORDS = ("[PYTHON]", "[BEGIN]", "[/PYTHON]", "[DONE]")
_TAG = re.compile(r"^[ \t]*\[(?:(PYTHON|BEGIN)|/PYTHON|DONE)\]", re.MULTILINE)
_ANSWER = re.compile(r"^[ \t]*<(answer|code)>(.*?)(?:</\1>|\Z)", re.MULTILINE | re.DOTALL)
_CODE = re.compile(
    r"^[ \t]*(?:(?:async +)?def|class|import|from|return) |^\w+ *=|\bprint\(", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class _Opening:
    """A line that begins a block: its fence, its mark, how deep it is quoted, and its blanks."""

    fence: str
    mark: str
    depth: int
    indent: int
    end: int

    def closed_by(self, found: re.Match[str]) -> bool:
        """Whether another fence is this block's end."""
        same = found["quotes"].count(">") == self.depth and found["fence"].startswith(self.fence)
        return same and not found["mark"] and not found["item"]

    def block(self, text: str) -> str:
        """A text without the quotes and blanks that the fence has before it, too."""
        return _unindented(_unquoted(text, self.depth), self.indent)


def fenced(text: str, marks: Collection[str]) -> list[str]:
    r"""The fenced blocks that are marked so; the last may be left open, or closed within a line.

    Args:
        text: The text.
        marks: Words in lower case that may stand behind a fence; an empty one for none.

    Example:
        >>> fenced("1. So:\n   ```py\n   a\n   ```\n> ```py\n> b\n> ```", {"py"})
        ['a\n', 'b\n']
    """
    found: list[str] = []
    if "```" not in text and "~~~" not in text:
        return found
    opening: _Opening | None = None
    for fence in _FENCE.finditer(text):
        if opening is None:
            # A line that holds more of them is words, with something short marked in them.
            opening = None if "`" in fence["rest"] else _opening(fence)
        elif opening.closed_by(fence):
            if opening.mark in marks:
                found.append(opening.block(text[opening.end : fence.start()]))
            opening = None
    if opening is not None and opening.mark in marks:
        found.append(opening.block(text[opening.end :].partition(opening.fence)[0]))
    return found


def _opening(fence: re.Match[str]) -> _Opening:
    item = fence["item"] or ""
    # One blank after the last quote belongs to it.
    blanks = len(fence["blanks"]) - bool(fence["quotes"] and fence["blanks"])
    return _Opening(
        fence=fence["fence"],
        mark=fence["mark"].lower(),
        depth=fence["quotes"].count(">"),
        indent=blanks + (0 if item == "<answer>" else len(item)),
        end=fence.end() + 1,
    )


def tagged(text: str) -> list[str]:
    r"""What stands between the tags of prompts, each at the beginning of a line.

    They are `[PYTHON]` and `[/PYTHON]`, or `[BEGIN]` and `[DONE]`, for MBPP. Where the first one
    closes, the prompt had opened: what goes before it is the answer, and all that comes after is
    not. Where there are none, they are `<answer>` and `</answer>`, or `<code>` and `</code>`, as
    far as there is code between them.

    Example:
        >>> tagged("Sure.\n[PYTHON]\na\n[/PYTHON]"), tagged("a\n[DONE]\nAnother:\n[BEGIN]\nb")
        (['\na\n'], ['a\n'])
    """
    tags = list(_TAG.finditer(text)) if any(word in text for word in _WORDS) else []
    if not tags:
        answers = _ANSWER.finditer(text) if "<answer>" in text or "<code>" in text else ()
        return [_bare(one[2]) for one in answers if _CODE.search(one[2])]
    if tags[0][1] is None:
        return [_bare(text[: tags[0].start()])]
    ends = [*(one.start() for one in tags[1:]), len(text)]
    return [_bare(text[one.end() : end]) for one, end in zip(tags, ends, strict=True) if one[1]]


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
    """What is between tags, without a fence of its own."""
    return (fenced(text, {""}) or [text])[-1]


def _unquoted(text: str, depth: int) -> str:
    return re.sub(rf"^(?:{_QUOTE}){{1,{depth}}}", "", text, flags=re.MULTILINE) if depth else text


def _unindented(block: str, most: int) -> str:
    """A block of a list's item, without the blanks before its fence."""
    return re.sub(rf"^[ \t]{{1,{most}}}", "", block, flags=re.MULTILINE) if most else block

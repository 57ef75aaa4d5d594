r"""Where a text states an answer: one finder for each step of `extract`.

A finder takes a text and the part of it to look at, and gives its statements from the last to the
first. Each is linear in the length of the text: patterns are possessive or cannot overlap, and what
one statement has taken no other one scans again. Of markers, the last `MOST` are looked at.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from unflip.verifiers.denials import changed, denied, supposed

MOST = 1000


class Said(NamedTuple):
    """A statement from `begin` to `close`, marker included, whose answer is `start` to `end`."""

    begin: int
    start: int
    end: int
    close: int


_INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_LEFT = re.compile(rf"[\s*`{_INVISIBLE}]*+")
_RIGHT = " \t\r\n\u00a0\u3000*`,;，；。、" + _INVISIBLE
_INKED = re.compile(r"[-(]?\w|\\[A-Za-z]")
_PAIRS = (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"))


def narrow(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without blanks, bold marks, one full stop, and math delimiters around it all.

    Example:
        >>> text = "is **$5$**."
        >>> text[slice(*narrow(text, 2, len(text)))]
        '5'
    """
    if _INKED.match(text, start, end) and (text[end - 1].isalnum() or text[end - 1] in "})"):
        return start, end
    for _ in range(4):
        start = _ink(text, start, end)
        end = _last_ink(text, start, end)
        if text.endswith(".", start, end) and not text.endswith("..", start, end):
            end = _last_ink(text, start, end - 1)
        inner = _unwrapped(text, start, end)
        if not inner:
            break
        start, end = inner
    return start, end


def _unwrapped(text: str, start: int, end: int) -> tuple[int, int] | None:
    if not text.startswith(("$", "\\"), start, end):
        return None
    for opening, closing in _PAIRS:
        inner, outer = start + len(opening), end - len(closing)
        if (
            inner <= outer
            and text.startswith(opening, start)
            and text.startswith(closing, outer)
            and text.find(closing, inner, outer) < 0
        ):
            return inner, outer
    return None


def _ink(text: str, start: int, end: int) -> int:
    blank = _LEFT.match(text, start, end)
    return blank.end() if blank else start


def _last_ink(text: str, start: int, end: int) -> int:
    last = start + len(text[start:end].rstrip(_RIGHT))
    spaced = last < end and text.endswith("\\", start, last)  # the comma of a LaTeX space, as in \,
    return last + spaced


def whole(text: str, low: int, high: int) -> list[Said]:
    """All of it, as one statement."""
    return [Said(low, low, high, high)]


_TAGS = re.compile(r"<(/?)(?:final_)?answer>", re.IGNORECASE)


def tags(text: str, low: int, high: int) -> list[Said]:
    """What each tag says: its box, or its content; of tags that are not closed, only a last one."""
    if text.find("<", low, high) < 0:
        return []
    said: list[Said] = []
    opened: re.Match[str] | None = None
    for tag in _TAGS.finditer(text, low, high):
        if tag[1] and opened:
            said.append(Said(opened.start(), opened.end(), tag.start(), tag.end()))
        opened = None if tag[1] else tag
    if opened:
        said.append(Said(opened.start(), opened.end(), high, high))
    inner = (boxes(text, one.start, one.end) or [one] for one in reversed(said[-MOST:]))
    return [one for found in inner for one in found if text[one.start : one.end].strip()]


_HOPE = re.compile(
    r"final\s+answer\s+is:?\s((?:(?!final\s+answer)[^\n]){1,2000}?)\.?\s?I hope", re.IGNORECASE
)
_HOPED = 2100


def hopes(text: str, low: int, high: int) -> list[Said]:
    """What stands in the last "final answer is ... I hope"."""
    hope = text.rfind("I hope", low, high)
    if hope < 0:
        return []
    matches = list(_HOPE.finditer(text, max(low, hope - _HOPED), hope + len("I hope")))
    return [Said(m.start(), m.start(1), m.end(1), m.end()) for m in matches[-1:]]


_BOX = re.compile(r"\\(?:boxed|fbox)(?![A-Za-z])")
# Where each branch of a pattern starts with a character of its own, and with no class of them, the
# search skips all text without these.
_BRACES = re.compile(r"\\\\(?!boxed|fbox)|\\[{}]|\\(?:boxed|fbox)(?![A-Za-z])|\{|\}")
_BARE = re.compile(r"(?![ \t]*+[A-Za-z]{2})[^$\n\\]*+(?:\\(?!boxed|fbox|[)\]])[^$\n\\]*+)*+")


def boxes(text: str, low: int, high: int) -> list[Said]:
    r"""Boxes that hold something: outermost ones, ones without braces, a last one never closed."""
    first = _first_box(text, low, high)
    if not first:
        return []
    said: list[Said] = []
    depth: list[tuple[int, int]] = []
    begin = after = -1  # of a \boxed whose brace may follow
    for token in _BRACES.finditer(text, first.start(), high):
        at, mark = token.start(), token[0]
        follows = begin >= 0 and mark == "{" and not text[after:at].strip()
        if begin >= 0 and not follows:
            said += _bare(text, begin, after, high)
        if mark == "{":
            depth.append((begin if follows else -1, at + 1))
        elif mark == "}" and depth:
            outer, start = depth.pop()
            if outer >= 0:
                while said and said[-1].begin > outer:
                    said.pop()
                said.append(Said(outer, start, at, at + 1))
        begin, after = (at, token.end()) if mark in (r"\boxed", r"\fbox") else (-1, -1)
    if begin >= 0:
        said += _bare(text, begin, after, high)
    unclosed = next((box for box in reversed(depth) if box[0] >= 0), None)
    if unclosed and not (said and said[-1].close > unclosed[0]):
        said += _bare(text, *unclosed, high)
    return [one for one in reversed(said[-MOST:]) if text[one.start : one.end].strip()]


def _first_box(text: str, low: int, high: int) -> re.Match[str] | None:
    return _BOX.search(text, low, high) if text.find("box", low, high) >= 0 else None


def _bare(text: str, begin: int, start: int, high: int) -> list[Said]:
    """A box whose end nothing marks: up to the end of its formula or line, if it is no word."""
    bare = _BARE.match(text, start, high)
    return [Said(begin, start, bare.end(), bare.end())] if bare else []


_NUMBER = (
    r"(?<![\w.,])[-−+]?(?:\\?[$€£¥₹])?(?:\d{1,3}(?:,\d{3})++(?!\d)|\d++)(?:\.\d++)?+"
    r"(?:[eE][-+]?\d++)?+(?:\s?/\s?\d++)?+(?:\s?\\?%)?+"
)
_ONLY_NUMBER = re.compile(_NUMBER)
_HASHES = re.compile(r"^[ \t]*+####(?!#)[ \t]*+([^\n]*+)", re.MULTILINE)


def hashes(text: str, low: int, high: int) -> list[Said]:
    """What follows each `####`; a line of words that others follow is a heading, not an answer."""
    if text.find("####", low, high) < 0:
        return []
    said = []
    last = low + len(text[low:high].rstrip())
    for line in deque(_HASHES.finditer(text, low, high), MOST):
        start, end = narrow(text, *line.span(1))
        if _ONLY_NUMBER.fullmatch(text, start, end) or start < end <= last <= line.end():
            said.append(Said(line.start(), start, end, line.end()))
    return said[::-1]


# One leading class of letters makes the search ten times faster than words in any case.
_ANSWER_WORDS = re.compile(
    r"[AaRrОо答정답](?:nswers?\b|NSWERS?\b|éponse\b|espuesta\b|esposta\b|isposta\b|ntwort\b"
    r"|твет\b|案|え|(?<=정)답|(?<=답)(?=[은:：])|(?<=A)(?=\s?[:：]))"
)
_SAYS = re.compile(
    r"[*_]{0,3}(?:[ \t]*[:：=]|(?:[^\n.:：=]|\.\d){0,80}?"
    r"(?:\b(?:is|are|be|equals|est|es|ist|lautet|é|è)\b(?!\s+not\b)|[是为為은는は]))[*_:：\s]*+",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"(?:The|the|It|it|There|there)\b[^\n]{0,200}\bis\s+(?!not\b)")
_HEADED = re.compile(r"[*_ \t]*+\n\s*+")
_HEADING = re.compile(r"[#*_ \t]*+(?:the )?(?:final |correct )?", re.IGNORECASE)
_LONGEST_HEADING = 40


def phrases(text: str, low: int, high: int) -> Iterator[Said]:
    """What follows each "the answer is", up to the end of its sentence."""
    limit = high
    for word in reversed(deque(_ANSWER_WORDS.finditer(text, low, high), MOST)):
        says = _says(text, word, low, high)
        if not says:
            continue
        start = _ink(text, says.end(), high)
        end = _tail(text, start, high)
        if says[0].rstrip("*_ \t\n").endswith((":", "：")) and (
            clause := _CLAUSE.match(text, start, end)
        ):
            start = clause.end()
        # "Final answer: the answer is 5" states one answer, "it is 5 or the answer is 6" two.
        if start < end and (end < high or high == limit or _has_digit(text[start:end])):
            yield Said(word.start(), start, end, end)
        high = word.start()


def _says(text: str, word: re.Match[str], low: int, high: int) -> re.Match[str] | None:
    """What leads from the word to its answer: "is", a colon, or the end of a heading."""
    start = max(low, text.rfind("\n", max(low, word.start() - _LONGEST_HEADING), word.start()) + 1)
    heading = _HEADING.fullmatch(text, start, word.start())
    if word[0] == "A" and not heading:
        return None
    return _SAYS.match(text, word.end(), high) or (
        _HEADED.match(text, word.end(), high) if heading else None
    )


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


_STOPS = re.compile(r"\\.|\{|\}|\$|\.(?=\s|$)|\?(?=\s|$)|。|？| (?:because|since|I hope)\b")
_ABBREVIATED = re.compile(r"\b(?:[A-Z]|Dr|Mrs?|Ms|St|Jr|Sr|vs|No|approx|i\.e|e\.g)$")


def _tail(text: str, start: int, high: int) -> int:
    """Where the sentence, line or displayed formula that starts here ends."""
    for opening, closing in (("$$", "$$"), (r"\[", r"\]")):
        if text.startswith(opening, start):
            closed = text.find(closing, start + 2, high)
            return high if closed < 0 else closed + 2
    newline = text.find("\n", start, high)
    end = high if newline < 0 else newline
    dollars = text.count("$", start, end) % 2 == 0  # an odd one is money
    depth = 0
    for stop in _STOPS.finditer(text, start, end):
        mark = stop[0]
        if mark == "{" or (mark == "$" and dollars and depth <= 0):
            depth += 1
        elif mark in "}$":
            depth -= mark == "}" or dollars
        elif not mark.startswith("\\") and depth <= 0 and not _abbreviates(text, start, stop):
            return stop.start()
    return end


def _abbreviates(text: str, start: int, stop: re.Match[str]) -> bool:
    before = text[max(start, stop.start() - 7) : stop.start()]
    return stop[0] == "." and _ABBREVIATED.search(before) is not None


_WORD = re.compile(r"\\[A-Za-z]++(?:\{[^{}]*+\})?|(?<![A-Za-z])[A-Za-z]{2,}+|[\u3040-\u9fff]{2}")
_SENTENCE = 6
_CLAUSE_WORDS = 4
_LEADING_WORDS = re.compile(r"[A-Za-z]{2,} [A-Za-z]+ ")
_DISPLAYS = (("$$", "$$"), (r"\[", r"\]"))


def last_line(text: str, low: int, high: int) -> list[Said]:
    """The last line or displayed formula, unless it is a sentence."""
    end = low + len(text[low:high].rstrip())
    start = max(low, text.rfind("\n", low, end) + 1)
    for opening, closing in _DISPLAYS:
        if text.endswith(closing, start, end):
            start = _joined_to(text, start, max(low, text.rfind(opening, low, end - 2)))
    hollow = _first_box(text, start, end) and not boxes(text, start, end)
    return [] if hollow or is_sentence(text[start:end]) else [Said(start, start, end, end)]


_JOINED = re.compile(r"\d[^\n]{0,40}\b(?:or|and)\s*+\Z")


def _joined_to(text: str, line: int, start: int) -> int:
    """Where a displayed formula starts, with the value that `or` joins to it on its line."""
    return line if line < start and _JOINED.search(text, line, start) else start


def is_sentence(text: str) -> bool:
    r"""Whether a line is prose: six words outside of formulas, or two and a full stop.

    Example:
        >>> is_sentence("She has 12 apples."), is_sentence(r"12 \text{ red apples}")
        (True, False)
    """
    enough = 2 if text.rstrip().endswith((".", "。", "!", "?")) else _SENTENCE
    return len(text) >= 2 * enough and _words(text) >= enough


def is_prose(text: str) -> bool:
    """Whether an answer is a clause with a value somewhere in it: words lead, and more follow.

    Example:
        >>> is_prose("that she has 12 apples left"), is_prose("n > 3 for all integers n")
        (True, False)
    """
    return _LEADING_WORDS.match(text) is not None and _words(text) >= _CLAUSE_WORDS


def _words(text: str) -> int:
    return sum(word[0] != "\\" for word in _WORD.findall(text))


_VALUE = re.compile(
    r"\$\$[^$]++\$\$"
    r"|(?<!\\)\$(?:\\[A-Za-z]++(?:\{[A-Za-z ]++\})?|\\[^A-Za-z\n]|[A-Za-z](?![A-Za-z]{2})"
    r"|[^$\nA-Za-z\\])++\$"
    r"|\\\((?:[^\\\n]|\\[^()\\\n])*+\\\)"
    r"|\\\[(?:[^\\]|\\[^\[\]\\]|\\\\(?![\[\]]))*+\\\]"
    rf"|(?<!\[){_NUMBER}(?!\])"  # in square brackets it is a citation or an index
)
_JOIN = re.compile(
    r"[\s,;*]*+(?:(?:or|and|oder|ou|o|und|et|y|e|или|и)\b|或|和|または|と)?[\s,;*]*+"
)


def last_number(text: str, low: int, high: int) -> list[Said]:
    """The last number or formula, and those before it that "or", "and" or commas join to it.

    One that is denied ("it is not 5") is no answer, and neither is any before it.
    """
    said: list[Said] = []
    for value in reversed(deque(_VALUE.finditer(text, low, high), MOST)):
        if said and not _JOIN.fullmatch(text, value.end(), said[-1].begin):
            break
        at = value.start()
        if denied(text, *value.span()) or changed(text, *value.span()) or supposed(text, at):
            return []
        said.append(Said(value.start(), *value.span(), value.end()))
    return said

r"""The form of a completion, whatever it says: tags, boxes, JSON, a pattern, a length."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

from unflip.errors import UsageError
from unflip.types import Reason, Sample, Verdict, text_of
from unflip.verifiers.base import Rule
from unflip.verifiers.patterns import safe_length


@dataclass(frozen=True, kw_only=True)
class Format(Rule):
    r"""Accept a completion that has the form asked for; no reference is needed.

    With tags, boxes, keys and pattern are asked of what the last tag holds.

    Attributes:
        tags: Tags that stand in this order, each opened and closed exactly once and none inside
            another. Where the prompt ends with the first opening tag, it counts as opened.
        strict: Whether nothing but blanks may stand outside the tags.
        boxes: How many `\boxed{...}` there are, all of them closed and none inside another.
        keys: The text is one JSON object with at least these keys; `()` asks for any object.
            It may stand in a code fence.
        pattern: A regular expression, `.` for line breaks too, that matches all of the text. See
            `patterns.safe_length` for what is refused, and how long the text may be.
        shortest: Characters of the whole completion, at least.
        longest: Characters of the whole completion, at most.

    Raises:
        UsageError: Nothing is asked for, or the pattern is refused.

    Example:
        >>> r1 = Format(tags=("think", "answer"))
        >>> r1(Sample("<think>2 + 2 is 4</think>\n<answer>4</answer>")).answer
        '4'
        >>> r1(Sample("<answer>4</answer>")).evidence
        {'failed': 'tags', 'detail': '<think> stands there 0 times, not once'}
        >>> Format(boxes=1)(Sample(r"\boxed{4} or \boxed{5}")).reason
        <Reason.MALFORMED: 'malformed'>
    """

    name: ClassVar[str] = "format"
    version: ClassVar[int] = 2

    tags: tuple[str, ...] = ()
    strict: bool = True
    boxes: int | None = None
    keys: tuple[str, ...] | None = None
    pattern: str | None = None
    shortest: int = 0
    longest: int | None = None

    def __post_init__(self) -> None:
        optional = (self.boxes, self.keys, self.pattern, self.longest)
        if not (self.tags or self.shortest or any(one is not None for one in optional)):
            raise UsageError("ask for some form, such as Format(tags=('think', 'answer'))")
        if self.pattern is not None:
            safe_length(self.pattern)

    def __call__(self, sample: Sample) -> Verdict:
        """Decide one sample."""
        text = sample.text
        flaw = self._length_flaw(text)
        if self.tags and not flaw:
            text, flaw = _held(_opened(text, sample, self.tags[0]), self.tags, strict=self.strict)
        flaw = flaw or next(self._flaws(text), None)
        if flaw:
            return self.reject(flaw.reason, evidence={"failed": flaw.failed, "detail": flaw.detail})
        return self.accept(answer=text.strip() if self.tags else None)

    def present(self, reference: str) -> str:
        """How a completion states `reference`: in the box and in the last tag, if asked for."""
        held = rf"\boxed{{{reference}}}" if self.boxes == 1 else reference
        *others, last = self.tags or ("",)
        empty = "".join(f"<{tag}></{tag}>" for tag in others)
        return f"{empty}<{last}>{held}</{last}>" if last else held

    def _length_flaw(self, text: str) -> _Flaw | None:
        size = len(text)
        if self.longest is not None and size > self.longest:
            return _Flaw("longest", f"{size} characters, at most {self.longest}", Reason.OVER_LIMIT)
        if size < self.shortest:
            return _Flaw("shortest", f"{size} characters, at least {self.shortest}")
        return None

    def _flaws(self, text: str) -> Iterator[_Flaw]:
        if self.boxes is not None:
            yield from _box_flaws(text, self.boxes)
        if self.keys is not None:
            yield from _json_flaws(text, self.keys)
        if self.pattern is not None:
            if len(text) > self._matchable:
                detail = f"{len(text)} characters, at most {self._matchable} for this pattern"
                yield _Flaw("pattern", detail, Reason.OVER_LIMIT)
            elif not re.fullmatch(self.pattern, text, re.DOTALL):
                yield _Flaw("pattern", "it does not match all of the text")

    @cached_property
    def _matchable(self) -> int:
        return safe_length(self.pattern or "")


class _Flaw(NamedTuple):
    """What is wrong with the form: which option found it, and how."""

    failed: str
    detail: str
    reason: Reason = Reason.MALFORMED


# Tags -------------------------------------------------------------------------------------------


def _opened(text: str, sample: Sample, tag: str) -> str:
    """The completion, with the first opening tag in front if the prompt ends with it."""
    opening = f"<{tag}>"
    return opening + text if text_of(sample.prompt).rstrip().endswith(opening) else text


def _held(text: str, tags: tuple[str, ...], *, strict: bool) -> tuple[str, _Flaw | None]:
    """What the last tag holds, or the flaw of the tags."""
    place, held = 0, text
    for tag in tags:
        for mark in (f"<{tag}>", f"</{tag}>"):
            if (count := text.count(mark)) != 1:
                return held, _Flaw("tags", f"{mark} stands there {count} times, not once")
        opening, closing = text.find(f"<{tag}>"), text.find(f"</{tag}>")
        if not place <= opening < closing:
            return held, _Flaw("tags", f"<{tag}> or </{tag}> stands out of order")
        if strict and text[place:opening].strip():
            return held, _Flaw("tags", f"there is text outside the tags, before <{tag}>")
        held = text[opening + len(tag) + 2 : closing]
        place = closing + len(tag) + 3
    if strict and text[place:].strip():
        return held, _Flaw("tags", f"there is text outside the tags, after </{tags[-1]}>")
    return held, None


# Boxes ------------------------------------------------------------------------------------------

_BRACES = re.compile(
    r"\\\\(?!boxed|fbox)|\\[{}]|\\(?:boxed|fbox)\s*+\{|\\(?:boxed|fbox)(?![A-Za-z])|[{}]"
)


def _box_flaws(text: str, wanted: int) -> Iterator[_Flaw]:
    r"""Boxes that are nested or not closed, or not as many as wanted."""
    depths: list[bool] = []
    count = 0
    for token in _BRACES.finditer(text):
        mark = token[0]
        if mark == "}":
            if depths:
                depths.pop()
        elif mark == "{":
            depths.append(False)
        elif len(mark) > 2:
            if True in depths:
                yield _Flaw("boxes", "a box stands in a box")
            if mark.endswith("{"):
                depths.append(True)
            count += 1
    if True in depths:
        yield _Flaw("boxes", "a box is not closed")
    if count != wanted:
        yield _Flaw("boxes", f"{count} boxes, not {wanted}")


# JSON -------------------------------------------------------------------------------------------

_FENCED = re.compile(r"\s*```(?:json)?[^\S\n]*\n(.*)\n[^\S\n]*```\s*", re.DOTALL)


def _json_flaws(text: str, keys: tuple[str, ...]) -> Iterator[_Flaw]:
    fenced = _FENCED.fullmatch(text)
    try:
        found = json.loads(
            fenced[1] if fenced else text,
            object_pairs_hook=_object,
            parse_constant=_refuse,
        )
    # Nested too deep, and integers too long for Python, are the text's fault too.
    except (ValueError, RecursionError) as why:
        yield _Flaw("keys", f"no JSON: {str(why)[:80]}")
        return
    if not isinstance(found, dict):
        yield _Flaw("keys", "JSON, but no object")
    elif missing := [key for key in keys if key not in found]:
        yield _Flaw("keys", f"without the key {missing[0]!r}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")

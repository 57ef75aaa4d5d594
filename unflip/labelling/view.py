"""What a person sees of a sample: question, reference and completion, and nothing that judges."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from unflip.report.excerpt import Excerpt, pieces, tail
from unflip.types import Message, Sample, text_of

LIMIT = 50_000
"""How many characters of a text can be looked at: its end, where the answer stands."""


class View(NamedTuple):
    """A sample for a person who is to label it.

    Verdicts, opinions of judges, labels and strata are not in it, and of `meta` only options of
    a choice: whatever says what others thought would be an anchor.

    Attributes:
        question: The prompt, with the options of a choice.
        references: The reference's alternatives.
        completion: The model's text.
    """

    question: Excerpt
    references: tuple[Excerpt, ...]
    completion: Excerpt


def view_of(sample: Sample) -> View:
    """The texts of a sample, each its end if it is very long.

    Example:
        >>> view_of(Sample("so it is 4", "4", prompt="2 + 2 = ?")).completion.text
        'so it is 4'
    """
    texts = (_transcript(sample.prompt), *_options(sample.meta))
    return View(
        question=_end("\n".join(text for text in texts if text)),
        references=tuple(_end(text) for text in _references(sample)),
        completion=_end(_transcript(sample.completion)),
    )


def runs(text: str) -> list[tuple[str, bool]]:
    r"""The text in runs as `pieces` gives them; of a hidden character repeated, one and the count.

    Example:
        >>> runs("a\0\0\0b")
        [('a', False), ('U+0000 ×3', True), ('b', False)]
    """
    told = []
    for (piece, hidden), same in groupby(pieces(text)):
        count = sum(1 for _ in same)
        told.append((piece if count == 1 else f"{piece} ×{count:,}", hidden))
    return told


def _end(text: str) -> Excerpt:
    return tail(text.replace("\r\n", "\n"), LIMIT)


def _transcript(said: str | Sequence[Message]) -> str:
    """Text as it is; of a chat, every message, with its role if there are several."""
    if isinstance(said, str):
        return said
    texts = [text_of([message]) for message in said]
    if len(texts) == 1:
        return texts[0]
    roles = (message.get("role") or "?" for message in said)
    return "\n\n".join(f"{role}: {text}" for role, text in zip(roles, texts, strict=True))


def _references(sample: Sample) -> tuple[str, ...]:
    if sample.reference is None:
        return ()
    return sample.references or (json.dumps(sample.reference, ensure_ascii=False, default=str),)


def _options(meta: Mapping[str, Any]) -> list[str]:
    given = meta.get("options") or meta.get("choices")
    if isinstance(given, Mapping):
        return [f"{name}: {text}" for name, text in given.items()]
    if isinstance(given, (list, tuple)):
        return [f"{chr(ord('A') + at)}: {text}" for at, text in enumerate(given)]
    return []

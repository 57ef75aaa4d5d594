"""Items: questions with references, which every probe is made for."""

from __future__ import annotations

import heapq
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from unflip.errors import UsageError
from unflip.noise.unlabelled.rewrites import variants
from unflip.types import JSON, Message, Sample, digest

_COMMANDS = re.compile(r"\\[A-Za-z]+")
_LETTER = re.compile(r"[(\[]?([A-H])[)\].:]?")
_NUMBERS = re.compile(
    r"\s*(?P<open>[([]|\\?\{)?\s*(?P<inner>[^()\[\]{}\\]+?)\s*(?P<close>[)\]]|\\?\})?\s*"
)
_CLOSES = {"(": ")", "[": "]", "{": "}", "\\{": "\\}"}


class Kind(StrEnum):
    """What a reference is, and with it what can be certified about other answers."""

    NUMBER = "number"
    NUMBERS = "numbers"
    CHOICE = "choice"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Item:
    """A question with its reference.

    Attributes:
        prompt: The question, as text or chat messages.
        references: Its right answers, the first of which probes are made from.
        stratum: The slice that rates are given for.
        id: Its name in its dataset.
        meta: Whatever else a verifier reads.
    """

    prompt: str | Sequence[Message]
    references: tuple[str, ...]
    stratum: str | None = None
    id: str | None = None
    meta: Mapping[str, JSON] = field(default_factory=dict, hash=False)

    @property
    def reference(self) -> str:
        """The first reference."""
        return self.references[0]

    @property
    def kind(self) -> Kind:
        """What the reference is."""
        return kind_of(self.reference)

    @property
    def question(self) -> str:
        """The question as text: of a chat, the last message by the user."""
        if isinstance(self.prompt, str):
            return self.prompt
        by_user = [m for m in self.prompt if m.get("role") == "user"]
        content = (by_user or list(self.prompt) or [{}])[-1].get("content")
        return content if isinstance(content, str) else ""

    @property
    def key(self) -> str:
        """A hash of question and references: items that share it are one."""
        return digest([self.prompt, self.references])

    def sample(self, text: str, *, accept: bool, id: str) -> Sample:
        """A completion that says `text`, with its truth."""
        reference = self.references[0] if len(self.references) == 1 else self.references
        return Sample(
            text,
            reference,
            self.prompt,
            correct=accept,
            stratum=self.stratum,
            id=id,
            meta=self.meta,
        )


def items_of(samples: Iterable[Sample], *, n: int | None = None, seed: int = 0) -> list[Item]:
    """The distinct questions among the samples; of many, `n` drawn by the seed.

    Completions and labels are not looked at. Which are drawn depends on their content alone, so
    that rows in another order, or one row more, change as little as can be.

    Args:
        samples: Rows of a dataset; those without a reference that is text are left out.
        n: How many items at most.
        seed: Of the draw.

    Raises:
        UsageError: No row has a reference.

    Example:
        >>> rows = [Sample("", "4", "2 + 2 = ?"), Sample("5", "4", "2 + 2 = ?"), Sample("", None)]
        >>> [item.reference for item in items_of(rows)]
        ['4']
    """
    found: dict[str, Item] = {}
    for sample in samples:
        references = tuple(one for one in sample.references if one.strip())
        if references:
            item = Item(sample.prompt, references, sample.stratum, sample.id, sample.meta)
            found.setdefault(item.key, item)
    if not found:
        raise UsageError("no row has a reference: probes are made from questions with references")
    kept = heapq.nsmallest(n or len(found), found, key=lambda key: digest([seed, key]))
    return [found[key] for key in kept]


def kind_of(reference: str) -> Kind:
    r"""What a reference is.

    Example:
        >>> [kind_of(text).value for text in ("-1/2", "(B)", "\\{1, 2\\}", "Paris")]
        ['number', 'choice', 'numbers', 'text']
    """
    if is_number(reference):
        return Kind.NUMBER
    if _LETTER.fullmatch(reference.strip()):
        return Kind.CHOICE
    return Kind.NUMBERS if numbers_in(reference) else Kind.TEXT


def is_number(text: str) -> bool:
    """Whether exact arithmetic can compare it: an integer, a decimal or a fraction.

    Example:
        >>> is_number("0.50"), is_number("half")
        (True, False)
    """
    try:
        variants(text)
    except UsageError:
        return False
    # Fraction() takes "1e3" and "1_000" too, which nobody's reference means by accident.
    return bool(re.fullmatch(r"\s*-?\d+(\.\d+|/\d+)?\s*", text, re.ASCII))


def letter_of(reference: str) -> str:
    """The letter of a choice.

    Example:
        >>> letter_of("(B)")
        'B'
    """
    found = _LETTER.fullmatch(reference.strip())
    return found[1] if found else reference


def numbers_in(reference: str) -> tuple[str, tuple[str, ...], str] | None:
    r"""The brackets of a list of two or more numbers, and the numbers; None if it is none.

    Example:
        >>> numbers_in("(1, -2)"), numbers_in("1")
        (('(', ('1', '-2'), ')'), None)
    """
    found = _NUMBERS.fullmatch(reference) if len(reference) <= 200 else None
    if found is None or _CLOSES.get(found["open"] or "", "") != (found["close"] or ""):
        return None
    parts = tuple(part.strip() for part in found["inner"].split(","))
    if len(parts) < 2 or not all(map(is_number, parts)):
        return None
    return found["open"] or "", parts, found["close"] or ""


@lru_cache(maxsize=4096)
def letters_of(text: str) -> str:
    """Letters and digits of a text, in one case and width: what a careless reader compares.

    Commands of LaTeX are left out.

    Example:
        >>> letters_of(" Café-Bar! ") == letters_of("CAFÉ bar")
        True
    """
    folded = unicodedata.normalize("NFKC", _COMMANDS.sub(" ", text)).casefold()
    return "".join(char for char in folded if char.isalnum())


@lru_cache(maxsize=4096)
def words_of(text: str) -> frozenset[str]:
    """The words of a text as `letters_of` reads them, and all of them as one.

    Example:
        >>> sorted(words_of("GRADE: C"))
        ['c', 'grade', 'gradec']
    """
    return frozenset({letters_of(text), *map(letters_of, re.split(r"\W+", text))} - {""})


def states(text: str, item: Item) -> bool:
    """Whether one of the item's references stands in the text as a word, or is the text.

    Example:
        >>> states("Section 1", Item("How many?", ("1",)))
        True
    """
    return any(letters_of(reference) in words_of(text) for reference in item.references)

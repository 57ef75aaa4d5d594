"""Items: questions with references, which every probe is made for."""

from __future__ import annotations

import heapq
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache

from unflip.audit.programs import asked_by, asked_in, is_program
from unflip.errors import UsageError
from unflip.noise.unlabelled.rewrites import variants
from unflip.types import JSON, Message, Sample, digest

_COMMANDS = re.compile(r"\\[A-Za-z]+")
_LETTER = re.compile(r"[(\[]?([A-H])[)\].:]?")
_NUMBERS = re.compile(
    r"\s*(?P<open>[([]|\\?\{)?\s*(?P<inner>[^()\[\]{}\\]+?)\s*(?P<close>[)\]]|\\?\})?\s*"
)
_MATHS = re.compile(r"[\\^_=<>{}\[\]|√π∞]|\d\s*[-+*/]|[-+*/]\s*\d")
_CLOSES = {"(": ")", "[": "]", "{": "}", "\\{": "\\}"}


class Kind(StrEnum):
    """What a reference is, and with it what can be certified about other answers."""

    NUMBER = "number"
    NUMBERS = "numbers"
    CHOICE = "choice"
    PROGRAM = "program"
    TESTS = "tests"
    """Tests alone: what is right is not known, and what is wrong is."""
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
        kind = kind_of(self.reference)
        has_tests = kind is Kind.TEXT and bool(asked_in(self.meta))
        return Kind.PROGRAM if has_tests else kind

    @property
    def tests(self) -> Mapping[str, JSON]:
        """The tests that a program has to pass, as far as the row has any."""
        return asked_by(self.reference) or asked_in(self.meta)

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
        references = tuple(one for one in _references(sample) if one.strip())
        if references:
            item = Item(sample.prompt, references, sample.stratum, sample.id, sample.meta)
            found.setdefault(item.key, item)
    if not found:
        raise UsageError("no row has a reference: probes are made from questions with references")
    kept = heapq.nsmallest(n or len(found), found, key=lambda key: digest([seed, key]))
    return [found[key] for key in kept]


def _references(sample: Sample) -> tuple[str, ...]:
    """Its references; of a row that has tests and none, the tests as JSON text."""
    if sample.references:
        return sample.references
    given = sample.reference
    tests = asked_by(json.dumps(given)) if given else asked_in(sample.meta)
    return (json.dumps(tests, ensure_ascii=False),) if tests else ()


@lru_cache(maxsize=4096)
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
    if numbers_in(reference):
        return Kind.NUMBERS
    if asked_by(reference):
        return Kind.TESTS
    return Kind.PROGRAM if is_program(reference) else Kind.TEXT


@lru_cache(maxsize=4096)
def is_number(text: str) -> bool:
    """Whether exact arithmetic can compare it: an integer, a decimal or a fraction.

    Example:
        >>> is_number("0.50"), is_number("half")
        (True, False)
    """
    # Fraction() takes "1e3" and "1_000" too, which nobody's reference means by accident.
    if not re.fullmatch(r"\s*-?\d+(\.\d+|/\d+)?\s*", text, re.ASCII):
        return False
    try:
        variants(text)
    except UsageError:
        return False
    return True


def letter_of(reference: str) -> str:
    """The letter of a choice.

    Example:
        >>> letter_of("(B)")
        'B'
    """
    found = _LETTER.fullmatch(reference.strip())
    return found[1] if found else reference


def numbers_of(references: Iterable[str]) -> frozenset[Fraction]:
    """The values of those references that are numbers.

    Example:
        >>> numbers_of(["0.50", "half"])
        frozenset({Fraction(1, 2)})
    """
    return frozenset(Fraction(one.strip()) for one in references if is_number(one))


def is_mathematical(text: str) -> bool:
    """Whether it looks like an expression, of which other letters may say the same value.

    Example:
        >>> is_mathematical("10^0"), is_mathematical("Apollo 11")
        (True, False)
    """
    return bool(_MATHS.search(text))


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

"""Prompts as files: TOML between `+++` lines, then the turns, with a place for each field.

    +++
    name = "mine"
    version = 1
    fields = ["question", "reference", "answer"]
    [grammar]
    words = { YES = "yes", NO = "no" }
    +++
    <!-- user -->
    Question: {question} ... Reply with YES or NO only.

A turn by the assistant that is followed by another turn is an example; the last turn may be one
that the model goes on with. Where two turns by the user follow each other, the model speaks
between them. A turn `raw` is text to be continued, for models without a chat template. Only
declared fields are places; every other brace stands for itself.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from unflip.errors import DataError, UsageError
from unflip.judges.asking import Turn
from unflip.judges.grammar import Grammar, grammar_of
from unflip.judges.published import Published, published_of, read_words
from unflip.judges.slots import fence_key, fenced, neutralised
from unflip.judges.view import Sees

RAW = "raw"
_ROLES = ("system", "user", "assistant", RAW)
_FRONT = re.compile(r"\+\+\+\n(.*?)\n\+\+\+\n(.*)", re.DOTALL)
_TURN = re.compile(rf"^<!-- ({'|'.join(_ROLES)}) -->\n", re.MULTILINE)
_PROMPTS = Path(__file__).parent / "prompts"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A filled-in template.

    Attributes:
        stages: Turns up to each place where the model speaks.
        raw: Text to be continued, instead of turns.
        blanks: How many blanks were put into each field to make it harmless, where any were.
        key: The name of the fences; empty if there are none.
    """

    stages: tuple[tuple[Turn, ...], ...]
    raw: str | None
    blanks: Mapping[str, int]
    key: str


@dataclass(frozen=True)
class Template:
    """Words for a judge, and the form that its verdict has.

    Attributes:
        name: What it is called.
        version: Raised with every change of its words.
        turns: Role and text of each turn; `raw` alone for text to be continued.
        fields: The places in it.
        grammar: The form of the verdict.
        fence: Whether values stand between fences; only for words that speak of them.
        marks: Its own headings and delimiters, made harmless where a value contains one.
        sees: What of a completion it shows.
        max_tokens: The most tokens of a reply.
        summary: What it is for.
        source: Whose words these are.
        licence: Under which licence.

    Raises:
        UsageError: A turn uses no declared field, or a field is in no turn.
    """

    name: str
    version: int
    turns: tuple[tuple[str, str], ...]
    fields: tuple[str, ...]
    grammar: Grammar
    fence: bool = False
    marks: tuple[str, ...] = ()
    sees: Sees = Sees.FINAL
    max_tokens: int = 16
    summary: str = ""
    source: str = ""
    licence: str = ""

    def __post_init__(self) -> None:
        said = "".join(text for _, text in self.turns)
        lost = [field for field in self.fields if f"{{{field}}}" not in said]
        if lost or not self.turns:
            raise UsageError(
                f"template {self.name!r} never shows {', '.join(lost) or 'anything'}: "
                f"a field is written {{{lost[0] if lost else 'answer'}}}, in single braces"
            )
        roles = [role for role, _ in self.turns]
        if any(role not in _ROLES for role in roles) or (RAW in roles and roles != [RAW]):
            raise UsageError(f"template {self.name!r}: turns are by {_ROLES[:3]}, or one raw text")

    @property
    def title(self) -> str:
        """Name and version."""
        return f"{self.name}@{self.version}"

    def fill(
        self, values: Mapping[str, str], *, key: str = "", controls: tuple[str, ...] = ()
    ) -> Prompt:
        """The prompt with these values in their places, each put in once and never read again.

        Args:
            values: A text for each field.
            key: What the names of the fences are derived from, beside the values.
            controls: Further texts that are made harmless: a model's own control tokens.

        Raises:
            UsageError: A field has no value.

        Example:
            >>> prompt = template("yes-no-blind").fill({"reference": "4", "answer": "{reference}"})
            >>> prompt.stages[0][-1].text.count("{reference}")
            1
        """
        if missing := [field for field in self.fields if field not in values]:
            raise UsageError(f"template {self.name!r} needs a value for {', '.join(missing)}")
        name = fence_key({field: values[field] for field in self.fields}, key) if self.fence else ""
        shown, blanks = {}, {}
        for field in self.fields:
            value, count = neutralised(values[field], self.fields, self.marks + controls)
            shown[field] = fenced(field, value, name) if self.fence else value
            blanks[field] = count
        turns = tuple(Turn(role, self._put(text, shown)) for role, text in self.turns)
        changed = {field: count for field, count in blanks.items() if count}
        if turns[0].role == RAW:
            return Prompt((), turns[0].text, changed, name)
        return Prompt(_stages(turns), None, changed, name)

    def _put(self, text: str, values: Mapping[str, str]) -> str:
        if not self.fields:
            return text
        return self._places.sub(lambda place: values[place[1]], text)

    @cached_property
    def _places(self) -> re.Pattern[str]:
        return re.compile(rf"\{{({'|'.join(map(re.escape, self.fields))})\}}")


def template(name: str | Path, *, words: str | Path | None = None) -> Template:
    """A template of ours by its name, or one of the user's by the path of its file.

    Args:
        name: A name or a path.
        words: For a published judge, its authors' own words in place of its text, from a file of
            theirs: a text, or `path.py:NAME`. See `unflip.judges.published`; some of our templates
            are such words already.

    Raises:
        UsageError: No template of ours has the name, or it is no published judge's.
        DataError: A file is not there, is no template, or does not hold the words.

    Example:
        >>> template("yes-no").fields
        ('question', 'reference', 'answer')
    """
    path = Path(name)
    if path.suffix != ".md":
        path = _PROMPTS / f"{name}.md"
        if not path.is_file():
            raise UsageError(f"no template is called {name!r}; there are {', '.join(names())}")
    try:
        text = path.read_text(encoding="utf-8")
        return parse(text) if words is None else _with_words(text, words)
    except OSError as why:
        raise DataError(f"the template {name} cannot be read: {why}") from why
    except UsageError as why:
        raise DataError(f"{name}: {why}") from why


def names() -> list[str]:
    """The names of our templates.

    Example:
        >>> "yes-no" in names()
        True
    """
    return sorted(path.stem for path in _PROMPTS.glob("*.md"))


def parse(text: str) -> Template:
    r"""The template that a file's text holds.

    Raises:
        UsageError: It holds none.

    Example:
        >>> head = 'name = "x"\nversion = 1\nfields = ["answer"]\n[grammar]\nwords = {OK = "yes"}'
        >>> parse(f"+++\n{head}\n+++\n<!-- user -->\nIs this fine: {{answer}}").title
        'x@1'
    """
    head, judge, turns = _parts(text)
    if judge is not None and judge.shipped:
        head |= judge.credit(turns[-1][1])
    return _made(head, turns)


def _parts(text: str) -> tuple[dict[str, Any], Published | None, tuple[tuple[str, str], ...]]:
    """What stands between the `+++`, its table `[published]` taken out, and the turns."""
    front = _FRONT.fullmatch(text)
    if front is None:
        raise UsageError("a template starts with TOML between two lines +++, then has its turns")
    try:
        head = tomllib.loads(front[1])
    except tomllib.TOMLDecodeError as why:
        raise UsageError(f"what stands between the +++ is no TOML: {why}") from why
    opening, *parts = _TURN.split(front[2])
    if opening.strip() or not parts:
        raise UsageError("the turns of a template follow lines such as <!-- user -->")
    judge = published_of(head.pop("published")) if "published" in head else None
    exact = judge is not None and judge.shipped
    said = [part.removesuffix("\n") if exact else part.strip("\n") for part in parts[1::2]]
    return head, judge, tuple(zip(parts[::2], said, strict=True))


def _with_words(text: str, words: str | Path) -> Template:
    """The template with the authors' words as its only text, behind what the system says."""
    head, judge, turns = _parts(text)
    if judge is None:
        raise UsageError("its words are ours, and no published judge's")
    said = judge.put(read_words(words))
    role = judge.role or next(role for role, _ in turns if role != "system")
    system = tuple(turn for turn in turns if turn[0] == "system" and role != RAW)
    head |= judge.credit(said) | {"fence": False}
    return _made(head, (*system, (role, said)))


def _made(head: dict[str, Any], turns: tuple[tuple[str, str], ...]) -> Template:
    given = dict(head)
    try:
        return Template(
            turns=turns,
            grammar=grammar_of(given.pop("grammar")),
            fields=tuple(given.pop("fields")),
            marks=tuple(given.pop("marks", ())),
            sees=Sees(given.pop("sees", Sees.FINAL)),
            **given,
        )
    except (KeyError, TypeError, ValueError) as why:
        raise UsageError(f"this is no template: {type(why).__name__}: {why}") from why


def _stages(turns: tuple[Turn, ...]) -> tuple[tuple[Turn, ...], ...]:
    """The turns up to each place where the model speaks."""
    ends = [
        at
        for at in range(1, len(turns))
        if turns[at - 1].role == "user" and turns[at].role == "user"
    ]
    starts = [0, *ends]
    return tuple(turns[low:high] for low, high in zip(starts, [*ends, len(turns)], strict=True))

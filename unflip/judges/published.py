"""The exact words of published judges, read from the user's copy of what their authors published.

A model that was trained on one prompt should be asked with that prompt. We ship none of those
texts. A template of ours knows its model's fields and verdict; here the authors' words take the
place of ours, and where we know their digest, a typing error or another version is refused.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unflip.errors import DataError, UsageError
from unflip.types import digest

_BRACES = {"{{": "{", "}}": "}"}
_NAMED = re.compile(r"(?P<path>.+\.(?:py|json)):(?P<name>.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Published:
    """Where a published judge's words are, and how to read them.

    Attributes:
        where: The authors' file, and the name in it.
        licence: Under which licence.
        places: What stands in them for each field of the template.
        doubled: Whether braces are doubled in them, as in a text for `str.format`.
        digests: What `fingerprint` says of them; none if nobody has looked.
        grammar: The form of the verdict that they ask for, if it is not the template's.
        role: Whose turn they are, if it is not that of the template's first.
        marks: Their own headings, if they are not the template's.
    """

    where: str
    licence: str
    places: Mapping[str, str] = field(default_factory=dict, hash=False)
    doubled: bool = False
    digests: tuple[str, ...] = ()
    grammar: Mapping[str, Any] | None = field(default=None, hash=False)
    role: str = ""
    marks: tuple[str, ...] = ()

    def put(self, words: str) -> str:
        r"""The words as a template of ours has them, with our names in the places of the fields.

        Raises:
            DataError: They are not the words that were published.

        Example:
            >>> judge = Published("here", "MIT", {"answer": "{response}"}, doubled=True)
            >>> judge.put(r"Is {response} the value of \frac{{1}}{{2}}?")
            'Is {answer} the value of \\frac{1}{2}?'
        """
        ours = {mark: f"{{{name}}}" for name, mark in self.places.items()}
        ours |= _BRACES if self.doubled else {}
        marks = re.compile("|".join(re.escape(mark) for mark in sorted(ours, key=len)[::-1]))
        placed = marks.sub(lambda found: ours[found[0]], words) if ours else words
        lost = [mark for name, mark in self.places.items() if f"{{{name}}}" not in placed]
        if lost:
            raise DataError(f"these words have no {', '.join(lost)}: the words are {self.where}")
        if self.digests and fingerprint(placed) not in self.digests:
            raise DataError(
                f"these are not the words that were published in {self.where}: take them from "
                "there as they are, or make a template of your own of them"
            )
        return placed


def published_of(spec: Mapping[str, Any]) -> Published:
    """What a prompt file's table `[published]` says.

    Raises:
        UsageError: It cannot be read.

    Example:
        >>> published_of({"where": "here", "licence": "MIT"}).digests
        ()
    """
    try:
        lists = {name: tuple(spec.get(name, ())) for name in ("digests", "marks")}
        return Published(**{**spec, **lists})
    except TypeError as why:
        raise UsageError(f"this is no [published]: {why}") from why


def fingerprint(words: str) -> str:
    r"""What tells words from all others, whatever blank lines are around them.

    Example:
        >>> fingerprint("Is it?\r\n") == fingerprint("\nIs it?")
        True
    """
    return digest(words.replace("\r\n", "\n").strip())


def read_words(source: str | Path) -> str:
    r"""Words from a text file, from a constant of a Python file, which is not run, or from JSON.

    They are taken as they are, to the last newline: a model may have been trained on it.

    Args:
        source: A path; for a Python file `path.py:NAME`, and for a JSON object `path.json:NAME`,
            whose value is a text, or has one as its `template`.

    Raises:
        DataError: The file cannot be read, or has no such text.

    Example:
        >>> import tempfile
        >>> with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        ...     print('PROMPT = "Is {x} right?"', file=file, flush=True)
        ...     read_words(f"{file.name}:PROMPT")
        'Is {x} right?'
    """
    named = _NAMED.fullmatch(str(source))
    try:
        text = Path(named["path"] if named else source).read_text(encoding="utf-8")
        if named is None:
            return text
        return _READERS[Path(named["path"]).suffix](text, named["name"])
    except (OSError, UnicodeDecodeError, SyntaxError, ValueError) as why:
        raise DataError(f"no words can be read from {source}: {why}") from why


def _constant(code: str, name: str) -> str:
    """A text that is assigned to a name, `.strip()` behind it or not."""
    for node in ast.parse(code).body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == name for target in node.targets
        ):
            return _text(node.value)
    raise ValueError(f"it has no {name}")


def _value(text: str, name: str) -> str:
    """A text in a JSON object, or the template of an object in it."""
    found = json.loads(text)
    for key in (name, "template"):
        found = found.get(key) if isinstance(found, dict) else found
    if not isinstance(found, str):
        raise ValueError(f"it has no {name}")  # noqa: TRY004 (of the file, not of an argument)
    return found


def _text(value: ast.expr) -> str:
    match value:
        case ast.Call(func=ast.Attribute(value=inner, attr="strip"), args=[]):
            return _text(inner).strip()
        case ast.Constant(value=str(text)):
            return text
    raise ValueError("this is no text")


_READERS: Mapping[str, Callable[[str, str], str]] = {".py": _constant, ".json": _value}

"""The exact words of published judges: whose they are, and how a user's copy of them is read.

A model that was trained on one prompt should be asked with that prompt. Some of our templates are
such texts, with our names in the places of the fields. The others know their model's fields and
verdict only; the authors' words, read from the user's copy, take the place of ours, and where we
know their digest, a typing error is refused.
"""

from __future__ import annotations

import ast
import contextlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unflip.errors import DataError, UsageError
from unflip.types import digest

_BRACES = {"{{": "{", "}}": "}"}
_NAMED = re.compile(r"(?P<path>.+\.(?:py|md|json)):(?P<name>.+)", re.DOTALL)
_BLOCK = re.compile(r"^```[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Published:
    """Where a published judge's words are, and how to read them.

    Attributes:
        where: The authors' file, and the name in it.
        licence: Under which licence.
        places: What stands in them for each field of the template.
        doubled: Whether braces are doubled in them, as in a text for `str.format`.
        digests: What `fingerprint` says of them; none if nobody has looked.
        role: Whose turn they are, if it is not that of the template's first.
        shipped: Whether the template's text is these words, with our names in the places. Then
            other words are another version of them, and not a typing error.
    """

    where: str
    licence: str
    places: Mapping[str, str] = field(default_factory=dict, hash=False)
    doubled: bool = False
    digests: tuple[str, ...] = ()
    role: str = ""
    shipped: bool = False

    def put(self, words: str) -> str:
        r"""The words as a template of ours has them, with our names in the places of the fields.

        Raises:
            DataError: A field has no place in them, or they are not what was published.

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
        if self.digests and not self.shipped and not self._known(placed):
            raise DataError(
                f"these are not the words that were published in {self.where}: take them from "
                "there as they are, or make a template of your own of them"
            )
        return placed

    def credit(self, placed: str) -> dict[str, str]:
        """Whose words these are, and under which licence.

        Example:
            >>> judge = Published("here", "MIT", digests=(fingerprint("Is it?"),))
            >>> judge.credit("Is it?"), judge.credit("Is it not?")["source"]
            ({'source': 'the words of here', 'licence': 'MIT'}, 'the words of here, unchecked')
        """
        seen = "" if self._known(placed) else ", unchecked"
        return {"source": f"the words of {self.where}{seen}", "licence": self.licence}

    def _known(self, placed: str) -> bool:
        return fingerprint(placed) in self.digests


def published_of(spec: Mapping[str, Any]) -> Published:
    """What a prompt file's table `[published]` says.

    Raises:
        UsageError: It cannot be read.

    Example:
        >>> published_of({"where": "here", "licence": "MIT"}).digests
        ()
    """
    try:
        return Published(**{**spec, "digests": tuple(spec.get("digests", ()))})
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
    r"""Words from a text file, from a constant of Python code, which is not run, or from JSON.

    They are taken as they are, to the last newline: a model may have been trained on it.

    Args:
        source: A path; for a Python file `path.py:NAME`, for a block of Python code in a model's
            card `README.md:NAME`, and for a JSON object `path.json:NAME`, whose value is a text,
            or has one as its `template`.

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


def _shown(card: str, name: str) -> str:
    """A constant of the first block of code that has it."""
    for block in _BLOCK.findall(card):
        with contextlib.suppress(SyntaxError, ValueError):
            return _constant(block, name)
    raise ValueError(f"no block of Python code in it has {name}")


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


_READERS: Mapping[str, Callable[[str, str], str]] = {
    ".py": _constant,
    ".md": _shown,
    ".json": _value,
}

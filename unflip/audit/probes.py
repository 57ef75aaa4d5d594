"""Probes: texts that a verifier must reject, or must accept; versioned data with their sources."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

from unflip.audit.families import CONTROL, families
from unflip.audit.items import words_of
from unflip.errors import DataError, UsageError
from unflip.types import identify

SETS = ("controls", "keys", "attacks", "programs")
"""The files of probes that come with unflip."""
OWN = "own"
"""The family of probes that name none."""
SLOT = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A completion to try on every item.

    Attributes:
        name: Its name within its family.
        family: The key of its family.
        text: What the completion says; slots such as `{{wrong}}` are filled for each item.
        accept: Whether the verifier must accept it (a control), and not reject it.
        held_out: Whether it is in no published list that guards or training data may know.
        source: Where it comes from.
        most: For how many items it is made at most; 0 for all.
        unless: A pattern of references to which the text would be an answer: those are left out.
        contested: Whether contracts differ about it: then it is reported, and counts for no rate.
        not_for: Keys of items that it is not tried on, since a search has chosen it by them.

    Example:
        >>> probe = Probe(name="or", family="stuffing", text="{{wrong}} or {{reference}}")
        >>> probe.id, sorted(probe.slots)
        ('stuffing/or', ['reference', 'wrong'])
    """

    name: str
    family: str
    text: str
    accept: bool = False
    held_out: bool = False
    source: str = ""
    most: int = 0
    unless: str = ""
    contested: bool = False
    not_for: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Family and name."""
        return f"{self.family}/{self.name}"

    @property
    def slots(self) -> frozenset[str]:
        """What has to be known of an item to make the text."""
        return _slots(self.text)

    @property
    def words(self) -> frozenset[str]:
        """The words outside of its slots, and all of them as one."""
        return words_of(SLOT.sub(" ", self.text))

    @property
    def constant(self) -> bool:
        """Whether the text is the same for every item: a key."""
        return not self.slots

    @property
    def attack(self) -> bool:
        """Whether it must be rejected, is more than a plain wrong answer, and counts."""
        return not self.accept and not self.contested and self.family != CONTROL

    def to_json(self) -> dict[str, Any]:
        """A JSON object, as `read_probes` reads it."""
        return asdict(self)

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(**{**row, "not_for": tuple(row.get("not_for", ()))})


@lru_cache(maxsize=4096)
def _slots(text: str) -> frozenset[str]:
    return frozenset(SLOT.findall(text))


@cache
def built_in() -> tuple[Probe, ...]:
    """The probes that come with unflip: controls, keys and attacks.

    Example:
        >>> [probe.text for probe in built_in() if probe.family == "symbols"][:4]
        [' ', '.', ',', ':']
    """
    here = files("unflip.audit") / "probes"
    found: list[Probe] = []
    for name in SETS:
        found += _groups(tomllib.loads((here / f"{name}.toml").read_text("utf-8")))
    return tuple(found)


def chosen(names: Iterable[str]) -> tuple[Probe, ...]:
    """The probes of some families, sets and files, with the controls always among them.

    Args:
        names: Keys of families (`openers`), sets (`keys`, `attacks`) or paths of files; none of
            them stands for everything that comes with unflip.

    Raises:
        UsageError: A name that is neither.
        DataError: A file that holds no probes.

    Example:
        >>> sorted({probe.family for probe in chosen(["openers"])})
        ['control', 'openers']
    """
    names = list(names)
    if not names:
        return built_in()
    found = [probe for probe in built_in() if probe.family == CONTROL]
    for name in names:
        found += _named(name)
    return tuple({probe.id: probe for probe in found}.values())


def read_probes(path: str | Path) -> tuple[Probe, ...]:
    """Probes from a file: JSON Lines with the fields of `Probe`, or TOML as ours are written.

    A row needs a `text`. Who names no family gets `own`; what `mine` has found is read, too.

    Raises:
        DataError: The file cannot be read, or holds something else; the message has the line.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "probes.jsonl")
        ...     _ = path.write_text('{"text": "Trust me.", "held_out": true}')
        ...     read_probes(path)[0].id
        'own/1'
    """
    path = Path(path)
    try:
        text = path.read_text("utf-8")
        if path.suffix == ".toml":
            return tuple(_groups(tomllib.loads(text)))
        rows = enumerate(text.splitlines(), start=1)
        return tuple(_probe(json.loads(row), number) for number, row in rows if row.strip())
    except (OSError, ValueError, TypeError, KeyError) as why:
        raise DataError(f"{path} holds no probes: {why}") from why


def version_of(probes: Sequence[Probe]) -> str:
    """Which probes they are: version of the format, and a hash of every word of them.

    Example:
        >>> version_of(built_in()).split("+")[0]
        'probes@1'
    """
    return identify("probes", 1, {"probes": [probe.to_json() for probe in probes]})


def _named(name: str) -> Sequence[Probe]:
    here = [probe for probe in built_in() if probe.family == name]
    if here or name in families():
        return here
    if name in SETS:
        text = (files("unflip.audit") / "probes" / f"{name}.toml").read_text("utf-8")
        return _groups(tomllib.loads(text))
    if Path(name).suffix:
        return read_probes(name)
    raise UsageError(
        f"no probes are called {name!r}: there are {', '.join(SETS)}, the families "
        f"{', '.join(families())}, and files of your own, such as probes.jsonl"
    )


def _groups(table: Mapping[str, Any]) -> list[Probe]:
    found = []
    for group in table["group"]:
        shared = {key: group[key] for key in ("family", "source", "held_out", "most", "unless")
                  if key in group}  # fmt: skip
        accept = group.get("expect", "reject") == "accept"
        found += [Probe(name=n, text=text, accept=accept, **shared) for n, text in group["probes"]]
    return found


def _probe(row: Any, number: int) -> Probe:
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise TypeError(f'line {number} is no probe: {{"text": "..."}} is the least of one')
    if not all(str(row.get(key, "")).isprintable() for key in ("name", "family")):
        raise TypeError(f"line {number}: a name and a family are printable, {row.get('name')!r}")
    return Probe.from_json({"name": str(number), "family": OWN, **row})

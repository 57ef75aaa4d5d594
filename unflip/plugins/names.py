"""Turns a name into a verifier, and lists the names that there are."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any

from unflip.errors import PluginError, UsageError
from unflip.plugins.adapters import FOR_REWARDS, adapted
from unflip.plugins.contracts import Convention
from unflip.plugins.options import made, parse_options
from unflip.plugins.origin import find
from unflip.types import Verifier

GROUP = "unflip.verifiers"
"""The entry points of installed packages that bring verifiers."""
BUILT_IN: Mapping[str, str] = {
    "choice": "unflip.verifiers.choice:Choice",
    "code": "unflip.verifiers.code:Code",
    "exact": "unflip.verifiers.exact:Exact",
    "format": "unflip.verifiers.format:Format",
    "math": "unflip.verifiers.math:Math",
    "numeric": "unflip.verifiers.numeric:Numeric",
    "sql": "unflip.verifiers.sql:Sql",
}
_RECORDED = "unflip.verifiers.recorded:Recorded"
_WRITTEN = "unflip.judges.files:read_judge"
_AT_ADDRESS = "unflip.judges.files:judge_at"
_EXTRAS: Mapping[str, tuple[str, str]] = {
    "math": ("math", "math_verify"),
    "numeric": ("units", "pint"),
    "sql": ("duckdb", "duckdb"),
}
"""The extra that a built-in verifier can use, and a module by which to tell that it is there."""
COLUMN = "column:"
"""What precedes the name of a column that holds verdicts."""
JUDGE = ".toml"
"""How the path of a file ends that describes a judge."""
ENDPOINT = ("http://", "https://")
"""How the address of a judge begins that no file describes."""
_SPEC = re.compile(r"(?P<target>(?:.+?:)?[\w./\\-]+)(?:\((?P<options>.*)\))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Plugin:
    """A verifier that can be named.

    Attributes:
        name: What `load` takes.
        kind: `built-in`, or `entry point` of an installed package.
        summary: What it does; of an entry point, where it lives.
        missing: The extra that it would use, if that is not installed.
    """

    name: str
    kind: str
    summary: str
    missing: str | None = None


def load(
    spec: str, *, accept_at: float | None = None, kind: Convention | str | None = None
) -> Verifier:
    """The verifier that a name stands for.

    Names are looked up among the built-in ones (`math`), then among the entry points of installed
    packages. `module:attr` and `path/to/file.py:attr` lead to the user's own code: a verifier, or
    **a reward function** of TRL's, verl's or OpenRLHF's kind, or a plain `(completion, reference)
    -> bool | float`; which one is told by the names of its parameters. Options follow in brackets:
    `numeric(rel=1e-3)`. Of a reward function, `kind` and `accept_at` may stand there too.
    `column:NAME` takes the verdicts that a column of the data holds, `judge.toml` is a judge that a
    file describes, and `http://host:8000/v1(model='...')` one without a file.

    Args:
        spec: The name.
        accept_at: The least reward that accepts, for reward functions that pay more than 0 and 1.
        kind: How a reward function is called, where the names of its parameters do not tell.

    Raises:
        PluginError: The name leads nowhere; the message lists what exists.
        UsageError: An option that does not exist, or a function that could be called in two ways.

    Example:
        >>> from unflip.types import Sample
        >>> reward = load("fixtures/rewards/plain.py:last_number")
        >>> reward(Sample("It is 3, no, it is 4", "4")).reason.value
        'rewarded'
    """
    if spec.startswith(COLUMN):
        return _recorded(spec.removeprefix(COLUMN), accept_at)
    parts = _SPEC.fullmatch(spec.strip())
    if parts is None:
        raise PluginError(f"{spec!r} is no name of a verifier; {_known()}")
    target, options = parts["target"], parse_options(parts["options"] or "")
    if target in BUILT_IN:
        if accept_at is not None or kind is not None:
            raise UsageError(f"{target} is a verifier; {FOR_REWARDS}")
        place, attr = _split(BUILT_IN[target])
        verifier: Verifier = made(getattr(importlib.import_module(place), attr), options)
        return verifier
    if target.startswith(ENDPOINT):
        return _judge(_AT_ADDRESS, target, options, accept_at)
    if target.endswith(JUDGE) and ":" not in target:
        return _judge(_WRITTEN, target, options, accept_at)
    place, attr = _split(_place_of(target))
    return adapted(
        find(place, attr),
        kind=_convention(options.pop("kind", kind)),
        accept_at=_number(options.pop("accept_at", accept_at)),
        options=options,
    )


def _recorded(column: str, accept_at: float | None) -> Verifier:
    place, attr = _split(_RECORDED)
    verifier: Verifier = getattr(importlib.import_module(place), attr)(column, _number(accept_at))
    return verifier


def _judge(maker: str, of: str, options: dict[str, Any], accept_at: float | None) -> Verifier:
    place, attr = _split(maker)
    threshold = {} if accept_at is None else {"accept_at": _number(accept_at)}
    verifier: Verifier = getattr(importlib.import_module(place), attr)(of, **options, **threshold)
    return verifier


def available() -> list[Plugin]:
    """Every verifier that `load` knows by a name of its own, in alphabetical order.

    Example:
        >>> [plugin.name for plugin in available()][:2]
        ['choice', 'code']
    """
    ours = [_built_in(name) for name in BUILT_IN]
    theirs = [Plugin(one.name, "entry point", one.value) for one in _entry_points()]
    return sorted(ours + theirs, key=lambda plugin: plugin.name)


def _built_in(name: str) -> Plugin:
    place, attr = _split(BUILT_IN[name])
    about = getattr(importlib.import_module(place), attr).__doc__ or ""
    extra, module = _EXTRAS.get(name, (None, None))
    missing = extra if module and find_spec(module) is None else None
    return Plugin(name, "built-in", about.strip().partition("\n")[0], missing)


def _entry_points() -> list[EntryPoint]:
    """Those of installed packages, less the names that are ours."""
    return [one for one in entry_points(group=GROUP) if one.name not in BUILT_IN]


def _place_of(target: str) -> str:
    """`module:attr` or `file.py:attr` as it is, or what an entry point's name stands for."""
    if ":" in target:
        return target
    for one in _entry_points():
        if one.name == target:
            return f"{one.module}:{one.attr}"
    if target.endswith(".py"):
        raise PluginError(f"which verifier or function in {target}? Say {target}:NAME")
    near = get_close_matches(target, _names(), n=1)
    meant = f"did you mean {near[0]}? " if near else ""
    raise PluginError(f"no verifier is called {target!r}; {meant}{_known()}")


def _names() -> list[str]:
    return [*BUILT_IN, *(one.name for one in _entry_points())]


def _known() -> str:
    return (
        f"there are {', '.join(_names())}, module:attr or path/to/file.py:attr for your own, "
        "column:NAME for recorded verdicts, judge.toml for a judge that a file describes, "
        "and http://host:8000/v1(model='...') for one without a file"
    )


def _split(place: str) -> tuple[str, str]:
    module, _, attr = place.rpartition(":")
    return module, attr


def _convention(kind: Any) -> Convention | None:
    try:
        return None if kind is None else Convention(kind)
    except ValueError as why:
        raise UsageError(f"kind={kind!r} is none of {', '.join(Convention)}") from why


def _number(accept_at: Any) -> float | None:
    if accept_at is None:
        return None
    # NaN would reject everything, and True is a slip rather than a 1.
    if isinstance(accept_at, (int, float)) and accept_at == accept_at and accept_at is not True:
        return float(accept_at)
    raise UsageError(f"accept_at={accept_at!r} is no number to compare rewards with")

"""A judge that is written down in a TOML file, for the command line and for keeping.

    template = "yes-no"           # one of ours, or the path of a Markdown file
    words = "prompts.py:PROMPT"   # only for a published judge: its authors' own words
    reading = "chance"            # word, chance, logprobs or samples
    [policy]
    accept_at = 0.9
    [backend]
    kind = "endpoint"             # endpoint, local, or replay with a path
    url = "http://localhost:8000/v1"
    model = "Qwen/Qwen3-8B"
    model_kind = "tiny"           # tiny or stub, if what it says tells nothing of real judges

Paths are meant from the file's folder. `store = "replies.sqlite"` keeps what was answered,
`[price]` with `read` and `written` (for a million tokens) counts what it costs and `budget = 5.0`
ends it there, `[[criteria]]` with `text` and `weight` makes a rubric.
"""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from unflip.errors import DataError, UsageError
from unflip.judges.asking import Backend
from unflip.judges.grammar import FIRST
from unflip.judges.guards import Guard
from unflip.judges.judge import Judge
from unflip.judges.policy import OnError, Policy
from unflip.judges.rubric import Criterion, Rubric
from unflip.judges.settings import Asking, Reading
from unflip.judges.template import Template, template
from unflip.judges.view import Sees
from unflip.types import Outcome

_BACKENDS: Mapping[str, str] = {"endpoint": "Endpoint", "local": "Local"}


def read_judge(path: str | Path, **options: Any) -> Judge | Rubric:
    r"""The judge that a TOML file describes.

    Args:
        path: The file.
        **options: Keys of the file's top level, or of `policy` and `asking`, to be put in place of
            what it says.

    Raises:
        DataError: The file cannot be read, or is no TOML.
        UsageError: It describes no judge; the message says which key.

    Example:
        >>> import tempfile
        >>> text = '[backend]\nkind = "endpoint"\nurl = "http://localhost:8000"\nmodel = "m"'
        >>> with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        ...     print(text, file=file, flush=True)
        ...     read_judge(file.name, accept_at=0.9).policy.accept_at
        0.9
    """
    path = Path(path)
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as why:
        raise DataError(f"the judge {path} cannot be read: {why}") from why
    try:
        return _judge(_with(given, options), path.parent)
    except (TypeError, ValueError) as why:
        if isinstance(why, DataError):
            raise
        raise UsageError(f"{path} describes no judge: {why}") from why


def judge_at(url: str, *, model: str | None = None, **options: Any) -> Judge | Rubric:
    """A judge behind an endpoint, without a file.

    Args:
        url: The endpoint's base URL, mostly ending in `/v1`.
        model: The model's name there; it may be left out where the endpoint has one only.
        **options: What else a file says in `[backend]`, `[policy]`, `[asking]` or at its top.

    Raises:
        UsageError: They describe no judge, or the endpoint has no model or several.

    Example:
        >>> judge_at("http://localhost:8000/v1", model="m", parallel=8, accept_at=0.9).parallel
        8
    """
    endpoint = importlib.import_module("unflip.judges.backends").Endpoint
    known = [one.name for one in fields(endpoint)]
    backend = {name: options.pop(name) for name in known if name in options}
    try:
        backend["model"] = model or _only_model(endpoint(url, "", **backend))
        given = {"backend": {**backend, "kind": "endpoint", "url": url}}
        return _judge(_with(given, options), Path())
    except (TypeError, ValueError) as why:
        raise UsageError(f"{url} with these options is no judge: {why}") from why


def _only_model(endpoint: Any) -> str:
    models: tuple[str, ...] = endpoint.models()
    if len(models) != 1:
        said = f"it lists {', '.join(models)}" if models else "it lists none"
        raise UsageError(f"say which model is asked, with model='...': {said}")
    return models[0]


def _with(given: dict[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The file's tables with the options in their places."""
    for name, value in options.items():
        tables = {
            table: [one.name for one in fields(kind)]
            for table, kind in (("policy", Policy), ("asking", Asking))
        }
        inside = next((table for table, names in tables.items() if name in names), None)
        (given.setdefault(inside, {}) if inside else given)[name] = value
    return given


def _judge(given: dict[str, Any], folder: Path) -> Judge | Rubric:
    criteria = tuple(Criterion(**one) for one in given.pop("criteria", ()))
    rubric = given.pop("rubric", bool(criteria))
    accept_at = given.get("policy", {}).pop("accept_at", 1.0) if rubric else 1.0
    name = given.pop("template", "rubric" if rubric else "yes-no")
    words = _template(name, given.pop("words", None), folder)
    backend = _backend(given.pop("backend", None), folder)
    backend = _kept(backend, given.pop("store", None), folder)
    backend = _metered(backend, given.pop("price", None), given.pop("budget", None))
    parts = {name: make(given.pop(name)) for name, make in _PARTS.items() if name in given}
    if given:
        raise UsageError(f"nobody knows {', '.join(given)}; the keys are {', '.join(_KEYS)}")
    judge = Judge(words, backend, **parts)
    return Rubric(judge, criteria, accept_at) if rubric else judge


def _template(name: str, words: str | None, folder: Path) -> Template:
    authors = None if words is None else str(folder / words)
    found = template(folder / name if name.endswith(".md") else name, words=authors)
    if FIRST in found.grammar.labels:
        raise UsageError(f"template {name!r} compares two answers, and a verifier sees one")
    return found


def _backend(given: Any, folder: Path) -> Backend:
    if not isinstance(given, dict):
        raise UsageError('it needs a table [backend] with a kind, such as kind = "endpoint"')
    table = dict(given)
    kind = table.pop("kind", None)
    if "model_kind" in table:
        table["kind"] = table.pop("model_kind")
    found = importlib.import_module("unflip.judges.backends")
    if kind == "replay":
        backend: Backend = found.Replay.read(folder / table.pop("path", ""), **table)
    elif kind in _BACKENDS:
        backend = getattr(found, _BACKENDS[kind])(**table)
    else:
        raise UsageError(f"kind = {kind!r} is no backend; there are endpoint, local and replay")
    return backend


def _kept(backend: Backend, store: str | None, folder: Path) -> Backend:
    if store is None:
        return backend
    found = importlib.import_module("unflip.judges.store")
    stored: Backend = found.Stored(backend, str(folder / store))
    return stored


def _metered(backend: Backend, price: Any, budget: float | None) -> Backend:
    """The backend with a meter, outside of the store: what is recalled is free."""
    if price is None and budget is None:
        return backend
    spend = importlib.import_module("unflip.judges.spend")
    if not isinstance(price, dict):
        raise UsageError("a budget wants a price: a table [price] with read = and written =")
    metered: Backend = spend.Metered(backend, spend.Price(**price), budget)
    return metered


def _policy(given: dict[str, Any]) -> Policy:
    typed: dict[str, Any] = {"invalid": Outcome, "on_error": OnError}
    return Policy(**{name: typed.get(name, _same)(value) for name, value in given.items()})


def _same(value: Any) -> Any:
    return value


_PARTS: Mapping[str, Callable[[Any], Any]] = {
    "reading": Reading,
    "policy": _policy,
    "asking": lambda given: Asking(**given),
    "guards": lambda given: tuple(Guard(one) for one in given),
    "sees": Sees,
    "given": lambda given: tuple(dict(given).items()),
}
_KEYS = ("template", "words", "backend", "store", "price", "budget", "criteria", "rubric", *_PARTS)

"""Which weights a name stands for: a folder by its content, the hub's by a commit."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from unflip.errors import UsageError, missing_extra
from unflip.types import digest

_READ_WHOLE = 16 * 2**20
_BLOCKS, _BLOCK = 64, 2**16
_KINDS = {".json", ".txt", ".model", ".jinja", ".safetensors", ".bin"}


class Weights(NamedTuple):
    """A name, and what stands for the content: of a folder a hash, of the hub a commit."""

    name: str
    content: str


def package(name: str) -> Any:
    """An optional package.

    Raises:
        MissingExtra: It is not installed.
    """
    try:
        return import_module(name)
    except ImportError as why:
        raise missing_extra("a local model as a judge", "hf") from why


def weights(model: str, revision: str | None) -> Weights:
    """What stands for a model's content.

    Files above 16 MiB are hashed by their size and 64 blocks over their whole length: every
    training step changes all of them, and a hash of all of it would take minutes.

    Args:
        model: A folder, or a name on the hub.
        revision: Of the hub: a commit, branch or tag.

    Raises:
        UsageError: There is neither a folder nor a model of the hub by that name.
    """
    folder = Path(model)
    if folder.is_dir():
        files = sorted(path for path in folder.iterdir() if path.suffix in _KINDS)
        stats = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
        return Weights(folder.resolve().name, digest([_content(*one) for one in stats]))
    return Weights(model, _commit(model, revision))


@lru_cache(maxsize=256)
def _content(path: str, size: int, modified: int) -> list[str]:
    """A file's name and a hash of its content; kept for as long as it is not written to."""
    hashed = hashlib.blake2b(str(size).encode(), digest_size=16)
    with Path(path).open("rb") as file:
        if size <= _READ_WHOLE:
            hashed.update(file.read())
        else:
            for number in range(_BLOCKS):
                file.seek((size - _BLOCK) * number // (_BLOCKS - 1))
                hashed.update(file.read(_BLOCK))
    return [Path(path).name, hashed.hexdigest()]


@lru_cache(maxsize=256)
def _commit(model: str, revision: str | None) -> str:
    if re.fullmatch("[0-9a-f]{40}", revision or ""):
        return str(revision)
    hub = package("transformers.utils.hub")
    try:
        found = hub.cached_file(model, "config.json", revision=revision or "main")
    except OSError as why:
        raise UsageError(
            f"{model!r} is no folder, and no model that the hub can give: {why!s:.200}"
        ) from why
    return str(hub.extract_commit_hash(found, None) or revision)

"""The process's own sandboxes: one for all who ask for the same, ended with the process."""

from __future__ import annotations

import atexit
import os
from functools import lru_cache

from unflip.sandbox.docker import Container, Docker
from unflip.sandbox.embedded import Embedded
from unflip.sandbox.levels import Level
from unflip.sandbox.pool import Pool
from unflip.sandbox.remote import Remote


def shared(
    minimum: Level = Level.LANDLOCK,
    most: Level = Level.NAMESPACES,
    container: Container | None = None,
) -> Pool:
    """The sandbox that this process shares among all who ask for the same.

    Args:
        minimum: The weakest level that will do.
        most: The strongest level to try.
        container: What containers to run programs in; none of them if not given.

    Example:
        >>> shared() is shared()
        True
    """
    return _shared(minimum, most, container, os.getpid())


@lru_cache(maxsize=8)
def _shared(minimum: Level, most: Level, container: Container | None, _process: int) -> Pool:
    if container is not None:
        return Docker(container, minimum=minimum, most=most)
    made = Embedded(minimum=minimum, most=most)
    atexit.register(made.close)
    return made


def service(url: str) -> Remote:
    """The client of a service that this process shares among all who ask for the same.

    Example:
        >>> service("http://localhost:8080") is service("http://localhost:8080")
        True
    """
    return _service(url, os.getpid())


@lru_cache(maxsize=8)
def _service(url: str, _process: int) -> Remote:
    return Remote(url)

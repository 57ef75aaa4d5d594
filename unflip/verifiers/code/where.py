"""Says what containers programs run in, by the words of a verifier's options."""

from __future__ import annotations

from unflip.errors import UsageError
from unflip.sandbox import Container
from unflip.sandbox.docker import IMAGE

_BESIDE_MEMORY = 512
"""Megabytes of a container beyond those of a run, which hold what runs leave."""


def container_of(backend: str, image: str, runtime: str, memory: int) -> Container | None:
    """The containers for runs of so many megabytes; None if they run in none.

    Raises:
        UsageError: An image or a runtime is named, and no container is wanted.

    Example:
        >>> container_of("docker", "", "", 512).memory, container_of("embedded", "", "", 512)
        (1024, None)
    """
    if backend == "docker":
        return Container(image or IMAGE, runtime or None, memory=memory + _BESIDE_MEMORY)
    if image or runtime:
        raise UsageError("image and runtime are for backend='docker'")
    return None

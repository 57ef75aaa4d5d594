"""How strongly a run is isolated, in words and in order."""

from __future__ import annotations

from enum import IntEnum


class Level(IntEnum):
    """What stands between a program and the machine; a higher level includes the lower ones."""

    UNSAFE = 0
    """Nothing but limits: for development on programs that somebody trusts."""
    LANDLOCK = 1
    """Landlock, seccomp, limits: reads the standard library, writes nothing, starts nothing."""
    NAMESPACES = 3
    """And process, mount, network and IPC namespaces, a root of its own, and a fresh `/tmp`."""

    @property
    def word(self) -> str:
        """The name as users write it.

        Example:
            >>> Level.NAMESPACES.word
            'namespaces'
        """
        return self.name.lower()

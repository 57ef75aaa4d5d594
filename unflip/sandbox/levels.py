"""How strongly a run is isolated, in words and in order."""

from __future__ import annotations

from enum import IntEnum

from unflip.errors import UsageError


class Level(IntEnum):
    """What stands between a program and the machine; a higher level includes the lower ones."""

    UNSAFE = 0
    """Nothing but limits: for development on programs that somebody trusts."""
    REMOTE = 1
    """What a service on another machine does, which nobody here can find out."""
    LANDLOCK = 2
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

    @classmethod
    def named(cls, word: str) -> Level:
        """The level of a name.

        Raises:
            UsageError: There is none of this name; the message lists them.

        Example:
            >>> Level.named("landlock").word
            'landlock'
        """
        try:
            return cls[word.upper()]
        except (KeyError, AttributeError) as why:
            words = ", ".join(one.word for one in reversed(cls))
            raise UsageError(f"{word!r} is no level of isolation; there are {words}") from why

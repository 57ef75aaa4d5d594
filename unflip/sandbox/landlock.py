"""Landlock: which files a process can still open, for it and all it starts."""

from __future__ import annotations

import os
import stat
import struct

from unflip.sandbox.kernel import call, prctl

_VERSION = 1
_PATH_BENEATH = 1
_NO_NEW_PRIVILEGES = 38
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIRECTORY = 1, 2, 4, 8
_TRUNCATE, _DEVICE = 1 << 14, 1 << 15
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _DEVICE
READ = _EXECUTE | _READ_FILE | _READ_DIRECTORY
"""Read files, list directories, and run programs."""
DEVICE = _READ_FILE | _WRITE_FILE
"""Read and write what is there already."""
# Rights that each version of the interface added, and how many it knew in all.
_KNOWN_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
_TCP, _SCOPES = 0b11, 0b11


def version() -> int:
    """The version of the interface; 0 if the kernel has none, or has it switched off."""
    try:
        return call("landlock_create_ruleset", None, 0, _VERSION)
    except OSError:
        return 0


def all_rights(interface: int) -> int:
    """Every right over files that a version knows of, as bits.

    Example:
        >>> bin(all_rights(2)).count("1")
        14
    """
    return (1 << _KNOWN_RIGHTS.get(interface, 16)) - 1


def ruleset(interface: int) -> int:
    """A descriptor of rules that allow nothing yet.

    Raises:
        OSError: The kernel refuses.
    """
    fields = [all_rights(interface)]
    if interface >= 4:
        fields.append(_TCP)
    if interface >= 6:
        fields.append(_SCOPES)
    attributes = struct.pack(f"{len(fields)}Q", *fields)
    return call("landlock_create_ruleset", attributes, len(attributes), 0)


def rule(place: int, rights: int) -> bytes:
    """A rule that lets rights be used on a file, or on all beneath a directory, by descriptor."""
    if not stat.S_ISDIR(os.fstat(place).st_mode):
        rights &= _OF_FILES
    return struct.pack("=Qi", rights, place)


def add(rules: int, one: bytes) -> None:
    """Add a rule that `rule` made.

    Raises:
        OSError: The kernel refuses.
    """
    call("landlock_add_rule", rules, _PATH_BENEATH, one, 0)


def restrict(rules: int) -> None:
    """Apply the rules to this process, for good.

    Raises:
        OSError: The kernel refuses.
    """
    prctl(_NO_NEW_PRIVILEGES, 1)
    call("landlock_restrict_self", rules, 0)

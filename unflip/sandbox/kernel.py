"""The kernel's calls that Python has no function for, by ctypes; each raises OSError."""

from __future__ import annotations

import ctypes
import os
import platform

MACHINE = platform.machine()
NEW_NAMESPACES = {"mount": 0x00020000, "uts": 0x04000000, "ipc": 0x08000000,
                  "user": 0x10000000, "pid": 0x20000000, "net": 0x40000000}  # fmt: skip
_NUMBERS = {
    "kcmp": (312, 272),
    "pivot_root": (155, 41),
    "capset": (126, 91),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "close_range": (436, 436),
    "mount_setattr": (442, 442),
    "landlock_create_ruleset": (444, 444),
    "landlock_add_rule": (445, 445),
    "landlock_restrict_self": (446, 446),
}
_MEMORY = 1
HERE = -100
"""The working directory, to calls that take a directory's descriptor."""
_libc = ctypes.CDLL(None, use_errno=True)
_held = ctypes.PyDLL(None, use_errno=True)
"""The same, with the interpreter's lock held during calls: a fork then has it too."""
_libc.syscall.restype = ctypes.c_long
# Looked up once, not in every run.
_libc.fflush.restype = ctypes.c_int


def call(name: str, *arguments: int | bytes | ctypes.Array[ctypes.c_char] | None) -> int:
    """Make a system call by its name, with every argument as wide as a register.

    Raises:
        OSError: It failed.
    """
    wide = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    number = _NUMBERS[name][MACHINE != "x86_64"]
    return _checked(name, _libc.syscall(ctypes.c_long(number), *wide))


def fork() -> int:
    """Fork a process that has one thread, without what the interpreter mends after other forks.

    That is a tenth of a short run's time.

    Returns:
        The child's process id, and 0 to the child.

    Raises:
        OSError: The kernel refuses.
    """
    return _checked("fork", _held.fork())


def share_memory(one: int, other: int) -> bool:
    """Whether two processes have one memory; False where the kernel does not say."""
    try:
        return call("kcmp", one, other, _MEMORY, 0, 0) == 0
    except OSError:
        return False


def flush_files() -> None:
    """Write out what C code has printed in this process, as at the end of a C program."""
    _libc.fflush(None)


def prctl(option: int, *arguments: int) -> int:
    """Change something about this process.

    Raises:
        OSError: The kernel refuses.
    """
    wide = [ctypes.c_ulong(one) for one in (*arguments, *[0] * (4 - len(arguments)))]
    return _checked("prctl", _libc.prctl(ctypes.c_int(option), *wide))


def unshare(flags: int) -> None:
    """Leave namespaces for new ones.

    Raises:
        OSError: The kernel refuses.
    """
    _checked("unshare", _libc.unshare(ctypes.c_int(flags)))


def setns(descriptor: int, kind: int) -> None:
    """Enter a namespace.

    Raises:
        OSError: The kernel refuses.
    """
    _checked("setns", _libc.setns(ctypes.c_int(descriptor), ctypes.c_int(kind)))


def mount(source: bytes, target: bytes, kind: bytes | None, flags: int, data: bytes) -> None:
    """Mount a file system, or change a mount.

    Raises:
        OSError: The kernel refuses.
    """
    _checked("mount", _libc.mount(source, target, kind, ctypes.c_ulong(flags), data))


def unmount(target: bytes, flags: int) -> None:
    """Take a mount away.

    Raises:
        OSError: The kernel refuses.
    """
    _checked("umount2", _libc.umount2(target, ctypes.c_int(flags)))


def _checked(name: str, result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result

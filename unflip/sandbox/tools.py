"""Becomes a tool in a process that is shut in already, or has tools build what will be run."""

from __future__ import annotations

import os
import pkgutil
import shlex
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from unflip.sandbox.driver import RECORDS
from unflip.sandbox.kernel import prctl
from unflip.sandbox.limits import MEGABYTE, Limits

CODE = 5
"""The descriptor of the program: its source, or what was built of it."""
CALLS = 6
"""The descriptor of the calls to make; of a build, what goes from the compiler on."""
OBJECT = 7
"""The descriptor of a build's object, where there is no directory to write in."""
PLACES: dict[str, str] = {}
"""Where tools are that are not in the usual places, by their names."""
BROKEN = 1
"""The exit status of a build whose source is at fault."""
KILLED = 4
"""The exit status of a build of which a part did not begin, or was killed by somebody else."""
SCRATCH = "/tmp"  # noqa: S108 - inside, where nobody else is
_CANNOT = 126
_ROUNDING = 1
_RUNNABLE = 0x10
_DIE_WITH_PARENT = 1
_ENVIRONMENT = {
    "HOME": SCRATCH,
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "TZ": "UTC",
    # Elsewhere it may not look for it.
    "OPENSSL_CONF": "/dev/null",
}
_FLAGS = ("-O2", "-std=gnu++17", "-w", "-fno-use-linker-plugin", "-fmax-errors=5")
_DRIVER = (pkgutil.get_data("unflip.sandbox", "driver.js") or b"").decode()


def memory_file() -> int:
    """A file in memory that can be run, where the kernel has to be told so."""
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    try:
        return os.memfd_create("", flags | _RUNNABLE)
    except OSError:
        return os.memfd_create("", flags)


def path_of(name: str | None) -> str | None:
    """Where a command is: nowhere, as None; and of no command, nothing.

    Example:
        >>> path_of("sh") is None, path_of("no-such-command"), path_of(None)
        (False, None, '')
    """
    if not name or "/" in name:
        return name or ""
    usual = [f"{home}/{name}" for home in _ENVIRONMENT["PATH"].split(":")]
    return next((one for one in (*usual, PLACES.get(name, "")) if os.access(one, os.X_OK)), None)


def native() -> NoReturn:
    """Become the program that was built; what cannot even begin failed."""
    try:
        os.execve(CODE, ["main"], _ENVIRONMENT)  # noqa: S606 - it is shut in
    except OSError as why:
        os.write(2, f"the program cannot begin: {why}\n".encode())
        os._exit(_CANNOT)


def node(tool: str, limits: Limits, *, calls: bool, failed: int) -> NoReturn:
    """Become node, with the driver as its program.

    Args:
        tool: Its path.
        limits: What the run may use.
        calls: Whether calls are made, or a script is run.
        failed: Where to say that it cannot be started.
    """
    for number in (CODE, CALLS, RECORDS):
        os.set_inheritable(number, True)
    room = max(16, limits.memory // MEGABYTE * 3 // 4)
    mode = "calls" if calls else "script"
    options = [f"--max-old-space-size={room}", "--no-warnings", "-e", _DRIVER, mode]
    try:
        # By its descriptor, so that nothing that goes by a path has to be allowed.
        os.execve(os.open(tool, os.O_RDONLY), [tool, *options], _ENVIRONMENT)  # noqa: S606
    finally:
        os.write(failed, b"x")
        os._exit(_CANNOT)


def build(tool: str, *, scratch: bool) -> int:
    """Compile, assemble and link the C++ of `CODE` into `RECORDS`; the exit status.

    Each step is a process of its own, with nothing between them but files in memory; so it also
    works where no directory may be written.

    Args:
        tool: The compiler's command, which is asked how it would go about it.
        scratch: Whether there is a directory to write in, and no names for descriptors.
    """
    for number in (RECORDS, OBJECT):
        os.set_inheritable(number, True)
    made = f"{SCRATCH}/main" if scratch else f"/proc/self/fd/{RECORDS}"
    between = f"{SCRATCH}/main.o" if scratch else f"/proc/self/fd/{OBJECT}"
    steps = (
        (("-S", "-x", "c++", "-", "-o", "-"), CODE, CALLS),
        (("-c", "-x", "assembler", "-", "-o", between), CALLS, None),
        ((os.devnull, "-o", made), None, None),
    )
    for options, given, printed in steps:
        command = [between if one == os.devnull else one for one in _plan(tool, options)]
        if status := _step(command, given, printed):
            return status
    if scratch:
        _copy(made, RECORDS)
    return 0


def _plan(tool: str, options: Sequence[str]) -> list[str]:
    """What the compiler's command would run, without running it, and without a file of its own."""
    told, tell = os.pipe()
    command = [tool, "-###", *_FLAGS, *options]
    actions = [(os.POSIX_SPAWN_DUP2, tell, 2)]
    child = os.posix_spawn(tool, command, _ENVIRONMENT, file_actions=actions)
    os.close(tell)
    with os.fdopen(told, encoding="utf-8", errors="replace") as said:
        lines = [line for line in said if line.startswith(" ")]
    os.waitpid(child, 0)
    name, *arguments = shlex.split(lines[-1])
    path = path_of("ld" if name.endswith("collect2") else name)
    if path is None:
        raise FileNotFoundError(f"{tool} wants {name}, and there is none")
    return [path, *arguments]


def _step(command: list[str], given: int | None, printed: int | None) -> int:
    """Run one tool to its end; 0, or the exit status that the build has to have."""
    # What is outside knows this file too, and may be on a system that has none.
    import resource

    child = os.fork()
    if child == 0:
        _start(command, {0: given, 1: printed})
    _, status, usage = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    left = resource.getrlimit(resource.RLIMIT_CPU)[0] - usage.ru_utime - usage.ru_stime
    if code < 0:
        os.write(2, f"{Path(command[0]).name}: {signal.strsignal(-code)}\n".encode())
    return blamed(code, left)


def blamed(code: int, left: float) -> int:
    """The exit status of a build in which a tool ended so.

    Args:
        code: The tool's exit status, or the negative of a signal.
        left: Seconds of processor time that it had left.

    Example:
        >>> blamed(0, left=9), blamed(-9, left=9) == KILLED, blamed(-9, left=0.02) == BROKEN
        (0, True, True)
    """
    # The kernel's clock may be ahead of the one that we read afterwards.
    killed = code == -signal.SIGKILL and left > _ROUNDING
    if code == _CANNOT or killed:
        return KILLED
    return BROKEN if code else 0


def _start(command: list[str], files: Mapping[int, int | None]) -> NoReturn:
    """Become a tool that ends with whoever waits for it."""
    try:
        prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        for number, file in files.items():
            if file is not None:
                os.lseek(file, 0, os.SEEK_SET)
                os.dup2(file, number)
        os.execve(command[0], command, _ENVIRONMENT)  # noqa: S606 - it is shut in
    finally:
        os._exit(_CANNOT)


def _copy(path: str, to: int) -> None:
    with Path(path).open("rb") as made:
        size = os.fstat(made.fileno()).st_size
        sent = 0
        while sent < size:
            sent += os.sendfile(to, made.fileno(), sent, size - sent)

"""Shuts a process in: a root of its own for a server, then everything else for each run."""

from __future__ import annotations

import contextlib
import os
import resource
import stat
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unflip.sandbox import landlock, seccomp
from unflip.sandbox.family import Family
from unflip.sandbox.kernel import HERE, NEW_NAMESPACES, call, mount, prctl, setns, unmount, unshare
from unflip.sandbox.languages import Language, Way
from unflip.sandbox.levels import Level
from unflip.sandbox.limits import Limits

# Not /dev/zero: what is mapped of it is memory that no process is said to hold.
DEVICES = ("/dev/null", "/dev/full", "/dev/random", "/dev/urandom")
SCRATCH = "/tmp"  # noqa: S108 - inside, where nobody else is
_NOBODY = 65534
_NOSUID, _NODEV, _RDONLY, _REMOUNT, _BIND, _REC, _PRIVATE = 2, 4, 1, 32, 4096, 16384, 1 << 18
_CLONE_TREE, _EMPTY_PATH, _RECURSIVE, _CLOEXEC = 1, 0x1000, 0x8000, 0o2000000
_SOURCE_EMPTY = 4
_DETACH = 2
_DIE_WITH_PARENT, _DUMPABLE, _DROP_BOUND, _SECURE_BITS, _SUBREAPER = 1, 4, 24, 28, 36
_CAPABILITIES_V3 = 0x20080522
_INODES = 4096
_FILES = 256
_STACK = 64 << 20
_THREAD_STACK = 8 << 20
_FIRST_TO_DIE = b"1000"
_ELSEWHERE = "/elsewhere"


@dataclass
class House:
    """What a server has prepared for its runs.

    Attributes:
        level: The level that it reached.
        rules: Those of Landlock on what can be read, and on devices.
        interface: The version of Landlock.
        filters: The system calls' filter of each way, with a mark for the run's process id.
        family: By which the processes below this server are seen; None if they are not.
        own_pids: The server's pid namespace.
    """

    level: Level
    rules: list[bytes]
    interface: int
    filters: Mapping[Way, bytes]
    family: Family | None = None
    own_pids: int | None = None


def readable_paths(extra: Sequence[str]) -> list[str]:
    """The paths that a Python program has to read, without those inside others."""
    wanted = ["/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/localtime", *extra]
    there = sorted({path for path in wanted if Path(path).exists()})
    inside = {path for path in there for other in there if path.startswith(f"{other}/")}
    return [path for path in there if path not in inside]


def place_of(path: str) -> str:
    """Where a new root shows what lies at a path: a run's own /tmp would cover what lies there.

    Example:
        >>> place_of("/usr/lib"), place_of("/tmp/venv/lib")
        ('/usr/lib', '/elsewhere/tmp/venv/lib')
    """
    return _ELSEWHERE + path if path.startswith(f"{SCRATCH}/") else path


def leave(paths: Sequence[str]) -> tuple[int, Family | None]:
    """Move this process into new namespaces with a root that holds only `paths`, each in its place.

    It forks: the caller goes on as the first process of a new pid namespace, while the parent
    waits for it, and ends as it ends.

    Returns:
        A descriptor of the new pid namespace, and how its processes are seen; None where the
        kernel does not list them.

    Raises:
        OSError: The kernel refuses; this process may be half moved, and should end.
    """
    _new_user()
    linked = [path for path in paths if Path(path).is_symlink()]
    links = {place_of(path): str(Path(path).readlink()) for path in linked}
    trees = {place_of(path): _cloned(path) for path in (*paths, *DEVICES) if path not in linked}
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    _go_on_as_child()
    own_pids = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    # Before the old root goes: the kernel shows processes only to who could see them already.
    processes = _process_list()
    _new_root(trees, links)
    return own_pids, None if processes is None else Family(processes, apart=True)


def _new_user() -> None:
    """Enter new namespaces as their root, who is nobody outside (or whoever runs this)."""
    user, group = (os.geteuid() or _NOBODY), (os.getegid() or _NOBODY)
    with _helper(os.getpid(), user, group) as ready:
        flags = 0
        for kind in NEW_NAMESPACES.values():
            flags |= kind
        unshare(flags)
        ready()


@contextlib.contextmanager
def _helper(pid: int, user: int, group: int) -> Iterator[Callable[[], object]]:
    """A child that stays outside, and may therefore say who is who inside."""
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(tell)
        os._exit(_write_maps(pid, user, group) if os.read(told, 1) else 1)
    os.close(told)
    try:
        yield lambda: os.write(tell, b"!")
    finally:
        os.close(tell)
        _, status = os.waitpid(child, 0)
    if status:
        raise PermissionError("the user map of a new namespace cannot be written")


def _write_maps(pid: int, user: int, group: int) -> int:
    try:
        home = Path(f"/proc/{pid}")
        (home / "setgroups").write_text("deny")
        (home / "uid_map").write_text(f"0 {user} 1")
        (home / "gid_map").write_text(f"0 {group} 1")
    except OSError:
        return 1
    return 0


def _go_on_as_child() -> None:
    child = os.fork()
    if child:
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1):
            os.dup2(nothing, number)
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    prctl(_DIE_WITH_PARENT, 9)


def _cloned(path: str) -> int:
    flags = _CLONE_TREE | _RECURSIVE | _CLOEXEC
    return call("open_tree", HERE, path.encode(), flags)


def _new_root(trees: dict[str, int], links: dict[str, str]) -> None:
    mount(b"none", b"/", None, _REC | _PRIVATE, b"")
    root = "/tmp"  # noqa: S108 - covered by a mount that only this namespace sees
    mount(b"tmpfs", root.encode(), b"tmpfs", _NOSUID | _NODEV, b"size=1m,mode=755")
    Path(f"{root}{SCRATCH}").mkdir()
    for path, tree in trees.items():
        _attach(tree, Path(root + path))
    for path, target in links.items():
        Path(root + path).parent.mkdir(parents=True, exist_ok=True)
        Path(root + path).symlink_to(target)
    os.chdir(root)
    call("pivot_root", b".", b".")
    unmount(b".", _DETACH)
    os.chdir("/")
    mount(b"none", b"/", None, _REMOUNT | _BIND | _RDONLY | _NOSUID | _NODEV, b"")


def _attach(tree: int, target: Path) -> None:
    device = not stat.S_ISDIR(os.fstat(tree).st_mode)
    target.parent.mkdir(parents=True, exist_ok=True)
    if device:
        target.touch()
    else:
        target.mkdir(exist_ok=True)
    call("move_mount", tree, b"", HERE, bytes(target), _SOURCE_EMPTY)
    # struct mount_attr: set, clear, propagation, user namespace.
    flags = _RDONLY | _NOSUID | (0 if str(target).startswith("/tmp/dev/") else _NODEV)  # noqa: S108
    wish = struct.pack("QQQQ", flags, 0, _PRIVATE, 0)
    call("mount_setattr", HERE, bytes(target), _RECURSIVE, wish, len(wish))
    os.close(tree)


def _process_list() -> int | None:
    """A process file system that is mounted nowhere, so that only this descriptor leads to it."""
    try:
        context = call("fsopen", b"proc", 1)
        call("fsconfig", context, 6, None, None, 0)
        place = call("fsmount", context, 1, 0)
        # What fsmount gives is a place only; this can be listed too.
        return os.open(".", os.O_RDONLY | os.O_CLOEXEC, dir_fd=place)
    except OSError:
        return None


def found_here() -> Family | None:
    """How the processes below this one are seen without a list of their own; None if they are not.

    The machine's list may be that of other namespaces than this process's.
    """
    with contextlib.suppress(OSError):
        place = os.open("/proc", os.O_RDONLY | os.O_CLOEXEC)
        if os.readlink("self", dir_fd=place) == str(os.getpid()):
            return Family(place, apart=False)
        os.close(place)
    return None


def rules_for(paths: Sequence[str], devices: Sequence[str]) -> list[bytes]:
    """The rules of Landlock for every run, with descriptors that stay open for them.

    Each costs a little in every run, so a directory of devices is better than its devices.
    """
    rights = dict.fromkeys(paths, landlock.READ) | dict.fromkeys(devices, landlock.DEVICE)
    there = [path for path in rights if Path(path).exists()]
    return [landlock.rule(os.open(one, os.O_PATH | os.O_CLOEXEC), rights[one]) for one in there]


def hide() -> None:
    """Keep this process's memory and descriptors from all others of the same user."""
    prctl(_DUMPABLE, 0)


def forgo() -> None:
    """Give up for all runs what no program that they start may gain, as far as there is any.

    What they start and leave comes to this process, which takes its end.
    """
    prctl(_SUBREAPER, 1)
    with contextlib.suppress(OSError):
        # An unprivileged process has no bounds to drop.
        for number in range(64):
            prctl(_DROP_BOUND, number)
    with contextlib.suppress(OSError):
        prctl(_SECURE_BITS, 0b101111)


def arm(house: House) -> None:
    """Have the next fork begin a new pid namespace."""
    if house.level is Level.NAMESPACES:
        unshare(NEW_NAMESPACES["pid"])


def disarm(house: House) -> None:
    """Have the next fork stay in the own pid namespace."""
    if house.own_pids is not None:
        setns(house.own_pids, NEW_NAMESPACES["pid"])


def reap() -> None:
    """Take the end of all that a run left to this process; it was killed with the run's group."""
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def shut_in(house: House, limits: Limits, language: Language, close_from: int) -> None:
    """Give up everything a run must not have; called in the child, last before foreign code.

    Args:
        house: What the server has prepared.
        limits: What the run may use.
        language: What the program is in.
        close_from: Descriptors from here on are closed.

    Raises:
        OSError: The kernel refuses; the foreign code must not be run then.
    """
    prctl(_DIE_WITH_PARENT, 9)
    os.setsid()
    _dies_first(house)
    if house.level is Level.NAMESPACES:
        unshare(NEW_NAMESPACES["mount"])
        options = f"size={limits.disk},nr_inodes={_INODES},mode=777"
        mount(b"tmpfs", SCRATCH.encode(), b"tmpfs", _NOSUID | _NODEV, options.encode())
        os.chdir(SCRATCH)
    if house.level is not Level.UNSAFE:
        _no_capabilities()
        _landlock(house)
    call("close_range", close_from, (1 << 31) - 1, 0)
    _limit(limits, house.level, language)
    if house.level is not Level.UNSAFE:
        seccomp.put_on(seccomp.for_process(house.filters[language.way], os.getpid()))


def _dies_first(house: House) -> None:
    """Have the kernel end this process before any other where memory runs out, not its server."""
    # The file is its own only meanwhile.
    prctl(_DUMPABLE, 1)
    if house.family is not None:
        with contextlib.suppress(OSError):
            file = os.open("self/oom_score_adj", os.O_WRONLY, dir_fd=house.family.place)
            os.write(file, _FIRST_TO_DIE)
            os.close(file)
    if house.level is not Level.NAMESPACES:
        # With namespaces nobody else sees it, and the server has to see what it holds.
        prctl(_DUMPABLE, 0)


def _no_capabilities() -> None:
    header = struct.pack("Ii", _CAPABILITIES_V3, 0)
    call("capset", header, struct.pack("6I", *[0] * 6))


def _landlock(house: House) -> None:
    rules = landlock.ruleset(house.interface)
    for one in house.rules:
        landlock.add(rules, one)
    if house.level is Level.NAMESPACES:
        scratch = os.open(SCRATCH, os.O_PATH)
        landlock.add(rules, landlock.rule(scratch, landlock.all_rights(house.interface)))
        os.close(scratch)
    landlock.restrict(rules)
    os.close(rules)


def _limit(limits: Limits, level: Level, language: Language) -> None:
    seconds = int(limits.cpu) + 2
    wanted = {
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_DATA if language.reserves else resource.RLIMIT_AS: limits.memory,
        resource.RLIMIT_FSIZE: limits.output,
        resource.RLIMIT_NOFILE: _FILES,
        # None is written, nor handed to whoever the machine has for it, as it would be with 0.
        resource.RLIMIT_CORE: 1,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_STACK: _THREAD_STACK if language.reserves else _STACK,
    }
    if level is Level.NAMESPACES:
        # Elsewhere it would count whatever else this user runs.
        wanted[resource.RLIMIT_NPROC] = limits.processes
    for kind, value in wanted.items():
        _, hard = resource.getrlimit(kind)
        least = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (least, least))

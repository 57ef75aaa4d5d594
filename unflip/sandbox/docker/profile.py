"""The engine's filter of system calls around a container: what our server needs, and no more."""

from __future__ import annotations

import json

from unflip.sandbox.levels import Level
from unflip.sandbox.syscalls import BECOMING, CHECKED, COMMON, PROCESSES, STARTING

_SERVER = (
    "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "seccomp",
    "memfd_create", "pidfd_open", "pidfd_send_signal", "capget", "capset", "chown", "fchown",
    "setuid", "setgid", "setgroups", "setresuid", "setresgid", "setfsuid", "setfsgid", "tkill",
    "sched_setscheduler", "sigreturn", "fchdir", "execveat", "openat2", "splice", "epoll_pwait2",
    "pkey_mprotect", "sched_getattr", "mlock", "munlock",
)  # fmt: skip
_NAMESPACES = (
    "unshare", "setns", "mount", "umount2", "pivot_root", "open_tree", "move_mount", "fsopen",
    "fsconfig", "fsmount", "mount_setattr", "kcmp",
)  # fmt: skip


def profile(level: Level) -> str:
    """The filter for a container whose server is to reach a level, as JSON.

    It is around the server and the engine's own start of it; each run has a tighter one.

    Example:
        >>> '"unshare"' in profile(Level.NAMESPACES), '"unshare"' in profile(Level.LANDLOCK)
        (True, False)
    """
    names = {*COMMON, *PROCESSES, *CHECKED, *BECOMING, *STARTING, *_SERVER}
    if level is Level.NAMESPACES:
        names |= set(_NAMESPACES)
    allowed = {"names": sorted(names), "action": "SCMP_ACT_ALLOW"}
    return json.dumps(
        {
            "defaultAction": "SCMP_ACT_ERRNO",
            "archMap": [
                {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": []},
                {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": []},
            ],
            "syscalls": [allowed],
        }
    )

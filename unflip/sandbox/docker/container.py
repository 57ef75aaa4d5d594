"""One container as it is asked of an engine: shut in as far as an engine can, and left nowhere."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unflip.errors import UsageError
from unflip.sandbox.docker.profile import profile
from unflip.sandbox.levels import Level
from unflip.sandbox.limits import MEGABYTE
from unflip.sandbox.slot import ENVIRONMENT

IMAGE = "python:3.12-slim"
"""The image where none is named."""
LABEL = "unflip.sandbox"
"""The label of every container of ours: `docker ps --filter label=unflip.sandbox`."""
_NOBODY = "65534:65534"
_HERE = Path(__file__).parent
# Nothing of the image's environment goes further, and the path is for finding Python only.
_CLEAN = """
import os, sys
if sys.version_info < (3, 11):
    sys.exit("python3 of the image is %d.%d, and 3.11 is needed" % sys.version_info[:2])
flags = ["-P", "-s", "-B", "-c"]
os.execve(sys.executable, [sys.executable, *flags, *sys.argv[2:]], eval(sys.argv[1]))
"""


@dataclass(frozen=True)
class Container:
    """What is asked of an engine.

    Attributes:
        image: The image; its `python3` runs the programs.
        runtime: What runs containers, if not the engine's default: `runsc`, `kata`, ...
        memory: Megabytes of all that happens in one container.
        pids: Processes and threads of all that happens in one container.

    Raises:
        UsageError: An option is not of its kind.
    """

    image: str = IMAGE
    runtime: str | None = None
    memory: int = 2048
    pids: int = 256

    def __post_init__(self) -> None:
        if not isinstance(self.image, str) or not self.image:
            raise UsageError(f"an image is named by a word, not {self.image!r}")
        if self.runtime is not None and not isinstance(self.runtime, str):
            raise UsageError(f"a runtime is named by a word, not {self.runtime!r}")
        for name, least in (("memory", 64), ("pids", 16)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise UsageError(f"{name} is a whole number from {least} on, not {value!r}")

    def config(self, level: Level) -> dict[str, Any]:
        """What an engine is sent, for a server that is to reach a level.

        Example:
            >>> asked = Container().config(Level.LANDLOCK)
            >>> asked["User"], asked["HostConfig"]["NetworkMode"]
            ('65534:65534', 'none')
        """
        boot = (_HERE / "boot.py").read_text(encoding="utf-8")
        return {
            "Image": self.image,
            "Entrypoint": ["python3", "-I", "-S", "-c", _CLEAN],
            "Cmd": [repr(ENVIRONMENT), boot, str(int(level))],
            "User": _NOBODY,
            "WorkingDir": "/",
            "Labels": {LABEL: level.word},
            "Healthcheck": {"Test": ["NONE"]},
            "OpenStdin": True,
            "StdinOnce": True,
            "AttachStdin": True,
            "AttachStdout": True,
            "AttachStderr": True,
            "HostConfig": self._host(level),
        }

    def _host(self, level: Level) -> dict[str, Any]:
        asked = {
            # When the input ends, as it does with the caller, the server ends; then all is gone.
            "AutoRemove": True,
            "CapDrop": ["ALL"],
            "IpcMode": "none",
            "LogConfig": {"Type": "none"},
            "Memory": self.memory * MEGABYTE,
            "MemorySwap": self.memory * MEGABYTE,
            "NetworkMode": "none",
            "PidsLimit": self.pids,
            "ReadonlyRootfs": True,
            "RestartPolicy": {"Name": "no"},
            "SecurityOpt": ["no-new-privileges"],
            "Tmpfs": {"/tmp": "rw,noexec,nosuid,nodev,size=1m"},  # noqa: S108 - inside
        }
        if self.runtime is not None:
            asked["Runtime"] = self.runtime
        if level is not Level.UNSAFE:
            asked["SecurityOpt"] = ["no-new-privileges", f"seccomp={profile(level)}"]
        if level is Level.NAMESPACES:
            # The kernel gives a list of the own processes only to who sees all of `/proc`; the
            # programs see nothing of either.
            asked |= {"MaskedPaths": [], "ReadonlyPaths": []}
        return asked


def sources() -> bytes:
    """Our server's source as its container reads it: a length, and each file by its path as JSON.

    Example:
        >>> size = int.from_bytes(sources()[:8], "big")
        >>> sorted(json.loads(sources()[8 : 8 + size]))[:3]
        ['unflip/__init__.py', 'unflip/errors.py', 'unflip/sandbox/__init__.py']
    """
    sandbox = _HERE.parent
    home = sandbox.parents[1]
    files = [sandbox.parent / "errors.py", *sandbox.glob("*.py"), *sandbox.glob("*.js")]
    found = {one.relative_to(home).as_posix(): one.read_text(encoding="utf-8") for one in files}
    # Packages without what they collect: a server needs its own modules only.
    found |= {"unflip/__init__.py": "", "unflip/sandbox/__init__.py": ""}
    sent = json.dumps(found).encode()
    return len(sent).to_bytes(8, "big") + sent

"""Begins a server in a container: takes its source from the input, and installs nothing.

It is sent as text, and knows nothing but the standard library of the image.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType


class Sent(MetaPathFinder, Loader):
    """Finds modules, and what lies beside them, in the text that was sent.

    Args:
        sources: Each file's text by its path.
    """

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = sources

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The place of a module that was sent."""
        place = fullname.replace(".", "/")
        for path, package in ((f"{place}/__init__.py", True), (f"{place}.py", False)):
            if path in self._sources:
                return ModuleSpec(fullname, self, origin=path, is_package=package)
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Run a module."""
        origin = str(module.__spec__ and module.__spec__.origin)
        module.__file__ = origin
        exec(self._code(origin), module.__dict__)  # noqa: S102 - it is ours

    def get_data(self, path: str) -> bytes:
        """A file beside a module, as `pkgutil.get_data` asks for it."""
        return self._sources[path].encode()

    def _code(self, path: str) -> CodeType:
        return compile(self._sources[path], path, "exec", dont_inherit=True)


def read(size: int) -> bytes:
    """Exactly so many bytes of the input, and not one more.

    Raises:
        EOFError: It has ended.
    """
    parts = []
    while size:
        part = os.read(0, size)
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def main() -> None:
    """Read the source, and serve at the level that the first argument says."""
    finder = Sent(json.loads(read(int.from_bytes(read(8), "big"))))
    sys.meta_path.insert(0, finder)
    from unflip.sandbox import server

    # A program finds the interpreter as it is without us.
    sys.meta_path.remove(finder)
    setup = {
        "level": int(sys.argv[1]),
        "path": [one for one in sys.path if Path(one).is_dir()],
        "readable": [sys.base_prefix, sys.prefix],
    }
    sys.argv[1:] = [json.dumps(setup)]
    server.main()


if __name__ == "__main__":
    main()

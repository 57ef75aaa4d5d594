"""Files of ours that run in the sandbox: how they are sent there, and what they are called with."""

from __future__ import annotations

import marshal
from functools import lru_cache
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from typing import Any

from unflip.sandbox import Call, Program

_HOME = Path(__file__).parent / "inside"
_BOOT = """
import marshal, sys
from importlib.util import MAGIC_NUMBER
from types import ModuleType

HOME = "unflip.verifiers.code.inside"


def run(magic, files, name, given):
    for home in ("unflip", "unflip.verifiers", "unflip.verifiers.code", HOME):
        inside = sys.modules[home] = ModuleType(home)
    for file, source, compiled in files:
        module = sys.modules[HOME + "." + file] = ModuleType(file)
        setattr(inside, file, module)
        # Compiling takes longer than most tests; another Python has to.
        code = marshal.loads(compiled) if magic == MAGIC_NUMBER else compile(source, file, "exec")
        exec(code, module.__dict__)
    return module.__dict__[name](*given)
"""


def sent(files: tuple[str, ...], function: str, *given: Any) -> Program:
    """A program that calls a function of the last of these files of ours.

    Args:
        files: Names of modules of `inside`; later ones may import earlier ones, and all of
            them nothing else of unflip.
        function: The function to call.
        *given: Its arguments, plain data.

    Example:
        >>> sent(("standin",), "read", ["assert f(2) == 4"], ["f"]).calls[0].function
        'run'
    """
    arguments = (MAGIC_NUMBER, [_file(name) for name in files], function, list(given))
    return Program(_BOOT, calls=[Call("run", arguments)])


@lru_cache
def _file(name: str) -> tuple[str, str, bytes]:
    """A file's name, its source, and its code for a Python like this one."""
    source = (_HOME / f"{name}.py").read_text(encoding="utf-8")
    return name, source, marshal.dumps(compile(source, name, "exec"))

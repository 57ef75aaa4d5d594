"""Packs a program with calls into one program that prints what they returned, for a service.

Its standard output becomes the records' and nothing else: what the program prints goes to its
errors. The program could write records too. That gains it nothing: records are answers, and which
answers are right is known to nobody there.
"""

from __future__ import annotations

import base64
import json
from functools import lru_cache
from pathlib import Path

from unflip.sandbox.results import Program

_FILES = ("kinds", "codec", "answering", "driver")
_BOOT = """
import base64, json, os, sys
from types import ModuleType

os.dup2(1, 3)
os.dup2(2, 1)
for home in ("unflip", "unflip.sandbox"):
    sys.modules[home] = ModuleType(home)
for name, source in json.loads({sources!r}):
    module = sys.modules["unflip.sandbox." + name] = ModuleType("unflip.sandbox." + name)
    setattr(sys.modules["unflip.sandbox"], name, module)
    module.__file__ = name + ".py"
    exec(compile(source, module.__file__, "exec"), module.__dict__)
code, calls = (base64.b64decode(one) for one in {blobs!r})
module.prepare()
status = module.run_calls(code, calls)
os._exit(status)
"""


def shipped(program: Program) -> str:
    """The source of a program that makes the calls of another one, and prints the records.

    Example:
        >>> from unflip.sandbox.results import Call
        >>> "run_calls" in shipped(Program("def f(): return 1", calls=[Call("f")]))
        True
    """
    code, _, calls = program.blobs[:3]
    blobs = [base64.b64encode(one).decode() for one in (code, calls)]
    return _BOOT.format(sources=_sources(), blobs=blobs)


@lru_cache(maxsize=1)
def _sources() -> str:
    home = Path(__file__).parent
    return json.dumps([(name, (home / f"{name}.py").read_text()) for name in _FILES])

"""Runs foreign code in a process that is shut in already; nothing here is trusted afterwards."""

from __future__ import annotations

import atexit
import contextlib
import os
import random
import signal
import site
import sys
import threading
import traceback
from collections.abc import Callable
from functools import partial
from io import TextIOWrapper
from types import FunctionType, ModuleType
from typing import Any, cast

from unflip.sandbox import answering, codec

RECORDS = 3
"""The descriptor that records of calls are written to."""

_LONG = 1 << 63
_TOOLS = (ModuleType, FunctionType, type, int, float, str, bytes)
_MODULES = {name: ModuleType(name) for name in ("__main__", "solution")}


def prepare() -> None:
    """Make this process like one that has just begun; once, and foreign code may come after forks.

    Whatever is done here is not done in every run. Standard streams take from the files that are
    0, 1 and 2 by now of which kind they are, so later ones have to be of that kind too.
    """
    site.setquit()
    site.setcopyright()
    site.sethelper()
    sys.stdin = sys.__stdin__ = _stream(0, "r", "strict")  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = _stream(1, "w", "strict")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _stream(2, "w", "backslashreplace")  # type: ignore[misc]
    sys.argv = ["main.py"]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    random.seed(0)
    for module in _MODULES.values():
        module.__dict__.update(__file__="main.py", __builtins__=sys.modules["builtins"])


def run_program(code: bytes) -> int:
    """Run code as `python main.py` would; the exit status."""
    module = _module("__main__")
    status = _status(lambda: _execute(code, module))
    return _status(lambda: _finish(module)) or status


def run_calls(code: bytes, calls: bytes) -> int:
    """Run code as a module, then the calls one by one, and record what each returned.

    The first that raises ends the run, unless they are a conversation. A record is one line,
    `{"id": n, "value": data}` or `{"id": n, "raised": what}`.
    """
    module = _module("solution")
    wanted = codec.unpacked(calls)
    write = os.write

    def everything() -> None:
        _execute(code, module)
        if isinstance(wanted, dict):
            talk = answering.Conversation(lambda name: _found(module, name))
            for call in wanted["conversation"]:
                _write_all(write, talk.answer(*call))
            return
        for number, (name, arguments, named) in enumerate(wanted):
            try:
                value = _found(module, name)(*arguments, **named)
                line = codec.record(number, "value", value)
            except BaseException as why:
                line = codec.record(number, "raised", _said(why))
                _write_all(write, line)
                raise
            _write_all(write, line)

    status = _status(everything)
    for name in ("stdout", "stderr"):
        _status(partial(_flush, name))
    return status


def _execute(code: bytes, module: ModuleType) -> None:
    exec(compile(code, "main.py", "exec", dont_inherit=True), module.__dict__)  # noqa: S102


def _write_all(write: Callable[[int, memoryview], int], line: str) -> None:
    left = memoryview(line.encode() + b"\n")
    while left:
        left = left[write(RECORDS, left) :]


def _said(why: BaseException) -> str:
    return "".join(traceback.format_exception_only(why)).strip()[:500]


def _found(module: ModuleType, name: str) -> Any:
    """A function of the module, or a method of its class `Solution`."""
    scope = module.__dict__
    if "." in name:
        kind, _, method = name.partition(".")
        return getattr(scope[kind](), method)
    if name not in scope and "Solution" in scope:
        return getattr(scope["Solution"](), name)
    return scope[name] if name in scope else getattr(sys.modules["builtins"], name)


def _module(name: str) -> ModuleType:
    module = sys.modules[name] = _MODULES[name]
    return module


def _stream(number: int, mode: str, errors: str) -> TextIOWrapper:
    # Never collected, as the standard ones; its finaliser would warn.
    return cast(
        TextIOWrapper,
        open(number, mode, encoding="utf-8", errors=errors, newline="\n", closefd=False),
    )


def _status(action: Callable[[], object]) -> int:
    """0, or the exit status that what the action raised would have led to."""
    try:
        action()
    except SystemExit as why:
        return _exit_code(why.code)
    except BaseException as why:
        _report(why)
        return 1
    return 0


def _exit_code(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        # As a C compiler's long, which -1 stands for where it is too large.
        return int(code) & 0xFF if -_LONG <= code < _LONG else 0xFF
    try:
        sys.stderr.write(f"{code}\n")
    except Exception:
        return 1
    return 1


def _report(why: BaseException) -> None:
    """Print a traceback that begins with the foreign code, not with ours."""
    place = why.__traceback__
    while place is not None and place.tb_frame.f_code.co_filename == __file__:
        place = place.tb_next
    try:
        if sys.excepthook is not sys.__excepthook__:
            sys.excepthook(type(why), why, place)
        else:
            traceback.print_exception(type(why), why, place, file=sys.stderr)
    except BaseException:
        return


def _finish(module: ModuleType) -> None:
    """What an interpreter does at its end: threads, exit handlers, finalisers of what is global."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    _flush("stdout")
    # What has replaced them may need the names that go.
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    names = module.__dict__
    for name in sorted(names, key=lambda one: _needed(names[one])):
        if name != "__builtins__":
            names[name] = None
    with contextlib.suppress(Exception):
        _flush("stdout")
    with contextlib.suppress(Exception):
        _flush("stderr")


def _needed(value: object) -> int:
    """How long finalisers may need a global: those that have one go first, and code last."""
    kind = type(value)
    if any("__del__" in one.__dict__ for one in kind.__mro__):
        return 0
    return 2 if issubclass(kind, _TOOLS) else 1


def _flush(name: str) -> None:
    """Flush a standard stream, if the program has left one, and not closed it."""
    stream = getattr(sys, name, None)
    if stream is not None and not getattr(stream, "closed", False):
        stream.flush()

"""The backend on another machine: a client of services that speak SandboxFusion's `/run_code`."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from typing import Any, Self

from unflip.errors import SandboxError, SandboxUnavailable, UsageError
from unflip.sandbox import shipping
from unflip.sandbox.levels import Level
from unflip.sandbox.limits import MEGABYTE, Limits
from unflip.sandbox.results import Program, Result, Status

KEPT = 1 << 20
"""So many bytes of an output does the service keep; a program that prints as much is over it."""
_REPLY_LIMIT = 64 * MEGABYTE
_CONNECT_SECONDS, _GRACE_SECONDS = 10.0, 30.0
_PAUSE_SECONDS, _LONGEST_PAUSE = 0.25, 10.0
_REFUSALS = (400, 401, 403, 404, 405, 410)


class Remote:
    """Runs Python programs by a service; any thread may call.

    How a service isolates programs cannot be found out from here, so its level is `Level.REMOTE`,
    below all that is. It stops programs by the clock on the wall only. What is no result is tried
    again: lost connections, a service that is busy, broken replies, and its own errors.

    Args:
        url: The service, as `http://sandbox:8080`; `/run_code` is added.
        size: How many programs run there at once for this process.
        tries: How often a run is tried.

    Raises:
        UsageError: The address is none, or a number is not positive.

    Example:
        >>> with Remote("http://localhost:8080") as sandbox:
        ...     sandbox.level.word
        'remote'
    """

    level = Level.REMOTE

    def __init__(self, url: str, *, size: int = 16, tries: int = 4) -> None:
        if not url.startswith(("http://", "https://")):
            raise UsageError(f"url={url!r}: a service's address, as http://sandbox:8080")
        if size < 1 or tries < 1:
            raise UsageError("size and tries are 1 or more")
        import urllib3

        self.size = size
        self._url = f"{url.rstrip('/')}/run_code"
        self._tries = tries
        self._http = urllib3.PoolManager(maxsize=size, retries=False)
        self._places = threading.Semaphore(size)
        self._alone = threading.Lock()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, program: Program, limits: Limits, *, alone: bool = False) -> Result:
        """Run a program, and wait for its end.

        Args:
            program: Code in Python, and what goes into it.
            limits: What it may use; the service knows of `wall` and `memory`.
            alone: Whether to let nothing else of this process run there meanwhile.

        Raises:
            SandboxUnavailable: The service refuses such requests.
            SandboxError: There was no result in all tries; the program is not to blame.
            UsageError: It is closed, or the program is not in Python.
        """
        if self._closed:
            raise UsageError("this sandbox is closed; make another one")
        if program.language != "python":
            raise UsageError(f"a service runs Python here, and not {program.language}")
        try:
            body = _request(program, limits)
        except UnicodeDecodeError:
            return _UNWRITTEN
        with self._alone if alone else self._places:
            if not alone:
                return self._result(program, limits, body)
            held = [self._places.acquire() for _ in range(self.size)]
            try:
                return self._result(program, limits, body)
            finally:
                self._places.release(len(held))

    def close(self) -> None:
        """Close the connections; runs that are under way fail or end."""
        self._closed = True
        self._http.clear()

    def _result(self, program: Program, limits: Limits, body: bytes) -> Result:
        why = ""
        for attempt in range(self._tries):
            if attempt:
                time.sleep(min(_LONGEST_PAUSE, _PAUSE_SECONDS * 2**attempt))
            try:
                return _read(self._asked(body, limits), program, limits)
            except _Lost as lost:
                why = str(lost)
        raise SandboxError(f"the service gave no result in {self._tries} tries: {why}")

    def _asked(self, body: bytes, limits: Limits) -> Mapping[str, Any]:
        """The service's reply to one request."""
        import urllib3

        patience = urllib3.Timeout(connect=_CONNECT_SECONDS, read=limits.patience + _GRACE_SECONDS)
        try:
            reply = self._http.request(
                "POST", self._url, body=body, headers={"Content-Type": "application/json"},
                timeout=patience, preload_content=False,
            )  # fmt: skip
            try:
                said = reply.read(_REPLY_LIMIT + 1)
            finally:
                reply.close()
        except (urllib3.exceptions.HTTPError, OSError) as why:
            raise _Lost(f"{type(why).__name__}: {why}") from why
        if reply.status in _REFUSALS:
            raise SandboxUnavailable(f"{self._url} answers {reply.status}: {said[:200]!r}")
        if reply.status != 200 or len(said) > _REPLY_LIMIT:
            raise _Lost(f"status {reply.status}, {len(said)} bytes")
        return _opened(said)


class _Lost(Exception):
    """An attempt came to nothing, through no fault of the program."""


def _opened(said: bytes) -> Mapping[str, Any]:
    try:
        reply = json.loads(said)
    except (ValueError, RecursionError) as why:
        raise _Lost(f"a reply that is no JSON: {why}") from why
    if not isinstance(reply, dict):
        raise _Lost("a reply that is no object")
    return reply


def _request(program: Program, limits: Limits) -> bytes:
    """A request's body.

    Raises:
        SandboxError: The input is no text, which is all that the service takes.
        UnicodeDecodeError: The program is none, so that no Python could run it.
    """
    code = program.blobs[0].decode()
    try:
        stdin = program.stdin.decode()
    except UnicodeDecodeError as why:
        raise SandboxError(f"a service takes text as an input: {why}") from why
    if program.calls is not None:
        code = shipping.shipped(program)
    asked = {
        "code": code, "language": "python", "stdin": stdin, "run_timeout": limits.patience,
        "compile_timeout": limits.patience, "memory_limit_MB": limits.memory // MEGABYTE,
    }  # fmt: skip
    return json.dumps(asked).encode()


_UNWRITTEN = Result(
    Status.FAILED, Level.REMOTE, b"", b"SyntaxError: it is no text in UTF-8\n", b"", 1, 0.0, 0.0, 0
)


def _read(reply: Mapping[str, Any], program: Program, limits: Limits) -> Result:
    """A reply as a result.

    Raises:
        _Lost: It holds none.
    """
    run = reply.get("run_result")
    if reply.get("status") not in ("Success", "Failed") or not isinstance(run, dict):
        raise _Lost(f"{reply.get('status')}: {str(reply.get('message'))[:300]}")
    out, err = (_bytes(run.get(name)) for name in ("stdout", "stderr"))
    seconds, code = run.get("execution_time"), run.get("return_code")
    spent = float(seconds) if isinstance(seconds, int | float) else 0.0
    records = out if program.calls is not None else b""
    return Result(
        status=_status(run, out, err, limits),
        level=Level.REMOTE,
        stdout=b"" if program.calls is not None else out,
        stderr=err,
        records=records,
        exit=code if isinstance(code, int) else None,
        cpu=spent,
        wall=spent,
        memory=0,
    )


def _bytes(said: Any) -> bytes:
    return said.encode("utf-8", "surrogatepass") if isinstance(said, str) else b""


def _status(run: Mapping[str, Any], out: bytes, err: bytes, limits: Limits) -> Status:
    """The gravest of what happened, as far as the service says it."""
    if run.get("status") == "TimeLimitExceeded":
        return Status.WALL
    code = run.get("return_code")
    if run.get("status") != "Finished" or not isinstance(code, int):
        raise _Lost(f"a run that is {run.get('status')!r}, with exit status {code!r}")
    if max(len(out), len(err)) >= min(KEPT, limits.output):
        return Status.OUTPUT
    if code < 0:
        return Status.SIGNALLED
    if code == 0:
        return Status.FINISHED
    return Status.MEMORY if b"\nMemoryError" in err[-200:] else Status.FAILED

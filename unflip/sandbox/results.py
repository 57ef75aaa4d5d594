"""What goes into a sandbox and what comes out: a program, and how its run ended."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from unflip.errors import UsageError
from unflip.sandbox import codec
from unflip.sandbox.languages import TABLE, WRITTEN
from unflip.sandbox.levels import Level
from unflip.sandbox.limits import Limits

_LAST_WORDS = 4000
_STARVED = (b"\nMemoryError", b"heap out of memory", b"Array buffer allocation", b"std::bad_alloc")
"""What is said where memory is refused: by Python, by node, and by C++."""
_NEARLY = 0.9


class Status(StrEnum):
    """How a run ended, by what the kernel said about it."""

    FINISHED = "finished"
    """It ended by itself, with exit status 0. That says nothing about its answers."""
    FAILED = "failed"
    """It ended by itself, with another exit status."""
    SIGNALLED = "signalled"
    """A signal ended it that was not ours."""
    CPU = "cpu"
    """It was killed for its processor time."""
    WALL = "wall"
    """It was killed for the time on the wall alone, which another program may have taken."""
    MEMORY = "memory"
    """It asked for more memory than it may have."""
    OUTPUT = "output"
    """It wrote more than it may."""
    BROKEN = "broken"
    """Its source could not be built, so that there was nothing to run."""
    POLICY = "policy"
    """It made a call that no program of ours makes, and the kernel killed it."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a function of the program.

    Attributes:
        function: Its name; `Class.method` makes an instance first, and a name that the program
            does not define is looked for in its class `Solution`.
        arguments: Plain data, kept in its types.
        named: Arguments by name.
    """

    function: str
    arguments: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Program:
    """What is run: code with an input, or code with calls. No expected answer is ever in it.

    Attributes:
        code: Source; bytes are taken as they are.
        stdin: What it reads.
        calls: The calls to make once the code has been run as a module; None to run it as a script.
        conversing: Whether a call that raises does not end the run, what a call changes of its
            arguments is recorded too, and calls may name objects that earlier ones returned.
        language: What the code is in: `python` or `javascript`; or `native`, which `prepared` makes
            of what has to be built.

    Raises:
        UsageError: There is no such language, or none whose functions are called.
    """

    code: str | bytes
    stdin: bytes = b""
    calls: Sequence[Call] | None = None
    conversing: bool = False
    language: str = "python"

    def __post_init__(self) -> None:
        if self.language not in TABLE:
            words = ", ".join(one.name for one in WRITTEN)
            raise UsageError(f"no program is run in {self.language!r}; there are {words}")
        if self.calls is not None and not TABLE[self.language].calls:
            raise UsageError(f"no functions are called in {self.language}; give it an input")

    @property
    def blobs(self) -> list[bytes]:
        """Code, input and calls as they travel."""
        code = self.code
        source = code.encode("utf-8", "surrogatepass") if isinstance(code, str) else code
        if self.calls is None:
            return [source, self.stdin, b""]
        calls = [(one.function, one.arguments, dict(one.named)) for one in self.calls]
        wanted = {"conversation": calls} if self.conversing else calls
        packed = codec.packed(wanted) if self.language == "python" else codec.text(wanted).encode()
        return [source, self.stdin, packed]


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended, and what it left.

    Attributes:
        status: How it ended.
        level: How strongly it was isolated.
        stdout: What it printed.
        stderr: What it said as errors.
        records: What its calls recorded, unread: the program may have written there itself.
        exit: Its exit status, if it exited.
        cpu: Seconds of processor time.
        wall: Seconds by the clock on the wall.
        memory: Peak of its resident memory in bytes.
    """

    status: Status
    level: Level
    stdout: bytes
    stderr: bytes
    records: bytes
    exit: int | None
    cpu: float
    wall: float
    memory: int

    @property
    def last_error(self) -> str:
        """The last line that it said as an error: of a traceback, what was raised.

        Of a build, the first that says what is wrong.
        """
        if self.status is Status.BROKEN:
            lines = self.stderr[:_LAST_WORDS].decode(errors="replace").strip().splitlines()
            lines = [one for one in lines if "error:" in one][:1] or lines
        else:
            lines = self.stderr[-2000:].decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else ""


class Backend(Protocol):
    """Whatever runs programs in isolation."""

    @property
    def level(self) -> Level:
        """The level in force."""

    @property
    def size(self) -> int:
        """How many programs run at once."""

    def run(self, program: Program, limits: Limits, *, alone: bool = False) -> Result:
        """Run a program; `alone`, without another run of this backend beside it."""

    def close(self) -> None:
        """End everything."""


def result(
    header: Mapping[str, Any], blobs: Sequence[bytes], limits: Limits, level: Level
) -> Result:
    """A server's reply as a result."""
    stdout, stderr, records = blobs
    return Result(
        status=_status(header, stderr, limits),
        level=level,
        stdout=stdout,
        stderr=stderr,
        records=records,
        exit=header["exit"],
        cpu=header["cpu"],
        wall=header["wall"],
        memory=header["memory"],
    )


def dispossessed(header: Mapping[str, Any], limits: Limits) -> bool:
    """Whether the machine ran out of memory, and a run ended of it that had not had its own.

    How it ended says nothing about the program then.

    Args:
        header: A server's reply.
        limits: What the run was allowed.

    Example:
        >>> taken = {"short": True, "memory": 1 << 20}
        >>> dispossessed(taken, Limits()), dispossessed(taken, Limits(memory=1 << 20))
        (True, False)
    """
    return bool(header.get("short")) and header["memory"] < _NEARLY * limits.memory


def _status(header: Mapping[str, Any], stderr: bytes, limits: Limits) -> Status:
    """The gravest of what happened."""
    if header["signal"] == signal.SIGSYS:
        return Status.POLICY
    if header["full"]:
        return Status.OUTPUT
    if header["killed"]:
        return Status(header["killed"])
    if header.get("short"):
        return Status.MEMORY
    # Its own words choose only among ways to fail.
    starved = any(word in stderr[-_LAST_WORDS:] for word in _STARVED)
    if header["signal"] and not starved:
        spent = header["signal"] in (signal.SIGKILL, signal.SIGXCPU) and header["cpu"] > limits.cpu
        return Status.CPU if spent else Status.SIGNALLED
    if header["exit"] == 0:
        return Status.FINISHED
    return Status.MEMORY if starved else Status.FAILED

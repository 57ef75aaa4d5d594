"""Programs: accepted if they do on every case what the row's tests ask for."""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

from unflip.errors import UsageError
from unflip.sandbox import (
    Container,
    Level,
    Limits,
    Program,
    SandboxError,
    SandboxUnavailable,
    service,
    shared,
)
from unflip.sandbox.languages import PYTHON, WRITTEN, Language, named
from unflip.types import Reason, Sample, Verdict, text_of
from unflip.verifiers.base import Rule
from unflip.verifiers.code import judging
from unflip.verifiers.code.asserting import READING, beside, read_task
from unflip.verifiers.code.batch import decide_all
from unflip.verifiers.code.bench import Bench
from unflip.verifiers.code.claims import within
from unflip.verifiers.code.comparing import How, Tolerance
from unflip.verifiers.code.judging import Finding
from unflip.verifiers.code.reading import annotated, completed, defines, furnished, program
from unflip.verifiers.code.remembering import Memory, key_of
from unflip.verifiers.code.rows import task_of
from unflip.verifiers.code.speaking import check_called, language_of
from unflip.verifiers.code.tasks import (
    Asserted,
    BadTask,
    Beside,
    Called,
    Conversed,
    Ready,
    Task,
)
from unflip.verifiers.code.where import container_of
from unflip.workers import cores

CODE_LIMIT = 1_000_000
"""So many characters of a program are run; more is over the limit."""
_MEGABYTE = 1 << 20
_PER_CORE = 32
_BACKENDS = ("embedded", "docker", "remote")
_TRUST = ("strong", "weak")
_READING_MEMORY = 1024
_KNOWN = Memory()


@dataclass(frozen=True)
class Code(Rule):
    r"""Accept a program that passes the tests of its row, run in the sandbox.

    Attributes:
        cpu: Seconds of processor time of one run: of one case with an input, or of all calls.
        total: Seconds of processor time of all cases together.
        memory: Megabytes of one run.
        output: Megabytes that one run may print.
        minimum: The weakest level of isolation that will do: `namespaces`, `landlock`, or
            `unsafe` for programs that somebody trusts.
        most: The strongest level to try.
        how: What counts as the same output of a program that prints; with `How.FLOATS`, also as
            the same value of a function, where the row gives values and no asserts.
        absolute: With `How.FLOATS`, by how much two numbers may differ.
        relative: Or by what share of the expected one.
        backend: Where programs run: `embedded`, processes of this machine; `docker`, warm
            containers of an engine; or `remote`, a service that speaks SandboxFusion's protocol.
        url: With `remote`, the service's address; `minimum` has to be `remote` too, since nobody
            here can find out how the service isolates.
        image: With `docker`, the image; python:3.12-slim if not given.
        runtime: With `docker`, what runs containers, as `kata`; the engine's default if not given.
        language: What programs are in where the row does not say: `python`, `cpp` or `javascript`.
        trust: The weakest way to judge that will do: `strong`, where the program has no hand in
            the verdict, or `weak`, which runs pytest beside it where nothing else is possible.
        every: Go on after the first case that fails, so that `passed` in the evidence counts all
            that hold; the verdict is the same, and takes longer.

    Raises:
        UsageError: An option is not of its kind, or the levels contradict each other.

    Example:
        >>> tests = {"test_list": ["assert double(4) == 8", "assert double('a') == 'aa'"]}
        >>> Code()(Sample("def double(x):\n    return x + x", meta=tests)).outcome
        <Outcome.ACCEPT: 'accept'>
        >>> verdict = Code()(Sample("def double(x):\n    return 8", meta=tests))
        >>> verdict.reason.value, verdict.evidence["verdict"], verdict.evidence["passed"]
        ('mismatch', 'wrong answer', 1)
    """

    name: ClassVar[str] = "code"
    version: ClassVar[int] = 3

    cpu: float = 10.0
    total: float = 60.0
    memory: int = 1024
    output: int = 16
    minimum: str = "landlock"
    most: str = "namespaces"
    how: How = How.EXACT
    absolute: float = 1e-9
    relative: float = 1e-6
    backend: str = "embedded"
    url: str = ""
    image: str = ""
    runtime: str = ""
    language: str = "python"
    trust: str = "strong"
    every: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.how, How):
            raise UsageError(f"how={self.how!r}: How has the words")
        least, most = Level.named(self.minimum), Level.named(self.most)
        if least > most:
            raise UsageError(f"at least {self.minimum} and at most {self.most} is nothing")
        if not self.total > 0:
            raise UsageError(f"total is a positive number of seconds, not {self.total!r}")
        Tolerance(self.absolute, self.relative)
        self._limits()
        self._container()
        self._check_remote()
        _language(self.language)
        if self.trust not in _TRUST:
            raise UsageError(f"trust={self.trust!r}: there are {', '.join(_TRUST)}")

    def __call__(self, sample: Sample) -> Verdict:
        """Decide one sample.

        Raises:
            SandboxUnavailable: This machine cannot isolate as `minimum` asks; nothing was run.
        """
        asked = self._asked(sample)
        return asked if isinstance(asked, Verdict) else self._answered(asked)

    def verify_batch(self, samples: Sequence[Sample]) -> list[Verdict]:
        """Decide many samples, as many at a time as the sandbox runs, the same program once.

        Raises:
            SandboxUnavailable: This machine cannot isolate as `minimum` asks; nothing was run.
        """
        return decide_all(samples, self._asked, self._answered, self._bench().backend.size)

    @property
    def parallel(self) -> int:
        """How many samples are worth handing over at once."""
        return _PER_CORE * cores()

    def engines(self) -> dict[str, str]:
        """The version of Python that programs run with, unless an image says it."""
        return {} if self.image else {"python": ".".join(platform.python_version_tuple()[:2])}

    def warm_up(self) -> None:
        """Start the sandbox, find its level, and run what is needed to run programs.

        Raises:
            SandboxUnavailable: This machine cannot isolate as `minimum` asks, or has nothing that
                runs or builds programs in `language`.
        """
        wanted = _language(self.language)
        self._bench().run(Program(wanted.least, language=wanted.name))

    def _check_remote(self) -> None:
        if (self.backend == "remote") is not (self.minimum == "remote"):
            raise UsageError(
                "how a service isolates cannot be found out from here: backend='remote' takes "
                "minimum='remote', and nothing else does"
            )
        if (self.backend == "remote") is not bool(self.url):
            raise UsageError("backend='remote' takes the service's url, and nothing else does")
        if self.url and (self.trust == "weak" or self.language != "python"):
            raise UsageError("backend='remote' runs Python, and with trust='strong' only")

    def _reading(self) -> Bench:
        """Where tests are run: never at a service, which would learn what is expected."""
        return Bench(shared() if self.url else self._bench().backend, READING)

    def _bench(self) -> Bench:
        if self.url:
            return Bench(service(self.url), self._limits(), self.total, every=self.every)
        sandbox = shared(Level.named(self.minimum), Level.named(self.most), self._container())
        return Bench(sandbox, self._limits(), self.total, every=self.every)

    def _container(self) -> Container | None:
        """What containers programs run in, if in any."""
        if self.backend not in _BACKENDS:
            raise UsageError(f"backend={self.backend!r}: there are {', '.join(_BACKENDS)}")
        # Tests are read there too.
        memory = max(self.memory, _READING_MEMORY)
        return container_of(self.backend, self.image, self.runtime, memory)

    def _limits(self) -> Limits:
        return _limits(self.cpu, self.memory * _MEGABYTE, self.output * _MEGABYTE)

    def _asked(self, sample: Sample) -> _Asked | Verdict:
        """What is to be run for a sample, or the verdict if nothing is."""
        try:
            task = task_of(sample)
            return self.abstain(Reason.NO_REFERENCE) if task is None else self._read(sample, task)
        except (BadTask, SandboxError) as why:
            return self._failed(why)

    def _read(self, sample: Sample, given: Task) -> _Asked | Verdict:
        language = language_of(sample, _language(self.language))
        task = read_task(given, self._reading().backend, weak=self.trust == "weak")
        if self.url and language is not PYTHON:
            raise BadTask(f"a service runs Python here, and not {language.name}")
        if isinstance(task, Conversed | Beside) and language is not PYTHON:
            raise BadTask(f"these tests can only be run with Python, not with {language.name}")
        if isinstance(task, Called) and language is not PYTHON:
            check_called(task, language)
        names = _names(task)
        first = next((one for one in names if defines(sample.text, one)), None)
        code = program(sample.text, task.entry or first, language, names)
        if len(code) > CODE_LIMIT:
            return self.reject(Reason.OVER_LIMIT)
        if not code.strip():
            return self.reject(Reason.NO_ANSWER)
        if language is PYTHON and task.entry is not None:
            code = annotated(_whole(code, given, task.entry), text_of(sample.prompt))
        level = self._bench().backend.level
        key = key_of([self.by, level.word, language.name, _said(given), code.rstrip()])
        return _Asked(code, language, task, key)

    def _answered(self, asked: _Asked) -> Verdict:
        began = time.perf_counter()
        verdict = _KNOWN.get(asked.key)
        if verdict is None:
            try:
                verdict = self._verdict(self._judged(asked))
            except (BadTask, SandboxError) as why:
                verdict = self._failed(why)
            _KNOWN.put(asked.key, verdict)
        return replace(verdict, seconds=time.perf_counter() - began)

    def _failed(self, why: BadTask | SandboxError) -> Verdict:
        if isinstance(why, SandboxUnavailable):
            raise why
        reason = Reason.UNREADABLE_REFERENCE if isinstance(why, BadTask) else Reason.CRASH
        return self.abstain(reason, evidence={"error": str(why)[:500]})

    def _judged(self, asked: _Asked) -> Finding:
        code, task = asked.code, asked.task
        bench = replace(self._bench(), language=asked.language.name)
        if isinstance(task, Conversed):
            return self._conversed(bench, code, task)
        if isinstance(task, Beside):
            return judging.judge_beside(bench, code, task)
        if isinstance(task, Called):
            return judging.judge_called(bench, self._reading(), code, self._tolerant(task))
        if task.checker:
            return judging.judge_checked(bench, self._reading(), code, task)
        tolerance = Tolerance(self.absolute, self.relative)
        return judging.judge_printed(bench, code, task, self.how, tolerance)

    def _tolerant(self, task: Called) -> Called:
        """A row's own values with the tolerance that was asked for; what asserts say stays."""
        if self.how is not How.FLOATS:
            return task
        bounds = Tolerance(self.absolute, self.relative)
        return replace(task, claims=tuple(within(one, bounds) for one in task.claims))

    def _conversed(self, bench: Bench, code: str, task: Conversed) -> Finding:
        try:
            return judging.judge_conversed(bench, self._reading(), code, task)
        except BadTask as why:
            if not task.tests.file:
                raise
            weak = beside(task.tests, bench.backend, why, weak=self.trust == "weak")
            return judging.judge_beside(bench, code, weak)

    def _verdict(self, finding: Finding) -> Verdict:
        evidence = finding.to_json()
        if finding.verdict == judging.ACCEPTED:
            return self.accept(evidence=evidence)
        if finding.verdict in judging.LIMITS:
            return self.reject(Reason.OVER_LIMIT, evidence=evidence)
        broken = finding.verdict == judging.COMPILE
        return self.reject(Reason.MALFORMED if broken else Reason.MISMATCH, evidence=evidence)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A sample that was read: what is to be run, and a hash of all that the verdict depends on."""

    code: str
    language: Language
    task: Ready
    key: bytes


def forget() -> None:
    """Have every program run again that comes; verdicts are remembered as long as the process.

    Example:
        >>> forget()
    """
    _KNOWN.clear()


def _whole(code: str, given: Task, entry: str) -> str:
    """Code with what comes before it in the prompt, or in the editor that a row's stubs are for."""
    if isinstance(given, Asserted) and given.prompt:
        code = completed(code, given.prompt, entry)
    named = isinstance(given, Called) or entry.startswith("Solution.")
    return furnished(code, entry) if named else code


def _names(task: Ready) -> Sequence[str]:
    """What the tests ask a program for."""
    if isinstance(task, Called):
        found = [one.function for one in task.calls]
    elif isinstance(task, Conversed):
        found = [str(*one.arguments[:1]) for one in task.calls if one.function == "@name"]
    else:
        found = []
    return list(dict.fromkeys(one.partition("(")[0].partition(".")[0] for one in found))


def _said(given: Task) -> str:
    try:
        return repr(given)
    except ValueError as why:
        raise BadTask(f"the row's tests cannot be written down: {why}") from why


@lru_cache(maxsize=64)
def _limits(cpu: float, memory: int, output: int) -> Limits:
    """Limits of one run; checking them takes longer than to look them up."""
    return Limits(cpu=cpu, memory=memory, output=output)


def _language(word: str) -> Language:
    found = named(word) if isinstance(word, str) else None
    if found is None:
        known = ", ".join(one.name for one in WRITTEN)
        raise UsageError(f"language={word!r}: programs are run in {known}")
    return found

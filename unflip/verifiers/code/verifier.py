"""Programs: accepted if they do on every case what the row's tests ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from unflip.errors import UsageError
from unflip.sandbox import Level, Limits, SandboxError, SandboxUnavailable, shared
from unflip.types import Reason, Sample, Verdict, text_of
from unflip.verifiers.base import Rule
from unflip.verifiers.code import judging
from unflip.verifiers.code.comparing import How, Tolerance
from unflip.verifiers.code.judging import Bench, Finding
from unflip.verifiers.code.reading import completed, program
from unflip.verifiers.code.tasks import Asserted, BadTask, Called, Printed, Task, task_of

CODE_LIMIT = 1_000_000
"""So many characters of a program are run; more is over the limit."""
_MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Code(Rule):
    r"""Accept a Python program that passes the tests of its row, run in the sandbox.

    Attributes:
        cpu: Seconds of processor time of one run: of one case with an input, or of all calls.
        total: Seconds of processor time of all cases together.
        memory: Megabytes of one run.
        output: Megabytes that one run may print.
        minimum: The weakest level of isolation that will do: `namespaces`, `landlock`, or
            `unsafe` for programs that somebody trusts.
        most: The strongest level to try.
        how: What counts as the same output of a program that prints.
        absolute: With `How.FLOATS`, by how much two numbers may differ.
        relative: Or by what share of the expected one.

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
    version: ClassVar[int] = 1

    cpu: float = 10.0
    total: float = 60.0
    memory: int = 1024
    output: int = 16
    minimum: str = "landlock"
    most: str = "namespaces"
    how: How = How.EXACT
    absolute: float = 1e-9
    relative: float = 1e-6

    def __post_init__(self) -> None:
        if not isinstance(self.how, How):
            raise UsageError(f"how={self.how!r}: How has the words")
        least, most = _level(self.minimum), _level(self.most)
        if least > most:
            raise UsageError(f"at least {self.minimum} and at most {self.most} is nothing")
        if not self.total > 0:
            raise UsageError(f"total is a positive number of seconds, not {self.total!r}")
        Tolerance(self.absolute, self.relative)
        self._limits()

    def __call__(self, sample: Sample) -> Verdict:
        """Decide one sample.

        Raises:
            SandboxUnavailable: This machine cannot isolate as `minimum` asks; nothing was run.
        """
        try:
            task = task_of(sample)
            if task is None:
                return self.abstain(Reason.NO_REFERENCE)
            return self._decided(sample, task)
        except BadTask as why:
            return self.abstain(Reason.UNREADABLE_REFERENCE, evidence={"error": str(why)[:500]})
        except SandboxUnavailable:
            raise
        except SandboxError as why:
            return self.abstain(Reason.CRASH, evidence={"error": str(why)[:500]})

    def warm_up(self) -> None:
        """Start the sandbox, and find its level.

        Raises:
            SandboxUnavailable: This machine cannot isolate as `minimum` asks.
        """
        _ = self._bench().backend.level

    def _bench(self) -> Bench:
        sandbox = shared(_level(self.minimum), _level(self.most))
        return Bench(sandbox, self._limits(), self.total)

    def _limits(self) -> Limits:
        return Limits(cpu=self.cpu, memory=self.memory * _MEGABYTE, output=self.output * _MEGABYTE)

    def _decided(self, sample: Sample, task: Task) -> Verdict:
        prompt = ""
        if isinstance(task, Asserted):
            prompt = text_of(sample.prompt) if task.entry is not None else ""
            task = judging.read_tests(task, _level(self.minimum), _level(self.most))
        code = program(sample.text, task.entry)
        if len(code) > CODE_LIMIT:
            return self.reject(Reason.OVER_LIMIT)
        if not code.strip():
            return self.reject(Reason.NO_ANSWER)
        if prompt and task.entry is not None:
            code = completed(code, prompt, task.entry)
        return self._verdict(self._judged(code, task))

    def _judged(self, code: str, task: Printed | Called) -> Finding:
        bench = self._bench()
        if isinstance(task, Called):
            return judging.judge_called(bench, code, task)
        tolerance = Tolerance(self.absolute, self.relative)
        return judging.judge_printed(bench, code, task, self.how, tolerance)

    def _verdict(self, finding: Finding) -> Verdict:
        evidence = finding.to_json()
        if finding.verdict == judging.ACCEPTED:
            return self.accept(evidence=evidence)
        if finding.verdict in judging.LIMITS:
            return self.reject(Reason.OVER_LIMIT, evidence=evidence)
        broken = finding.verdict == judging.COMPILE
        return self.reject(Reason.MALFORMED if broken else Reason.MISMATCH, evidence=evidence)


def _level(word: str) -> Level:
    try:
        return Level[word.upper()]
    except (KeyError, AttributeError) as why:
        words = ", ".join(one.word for one in reversed(Level))
        raise UsageError(f"{word!r} is no level of isolation; there are {words}") from why

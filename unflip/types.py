"""The words of unflip as types: Sample, Outcome, Reason, Verdict.

A verifier *accepts, rejects or abstains*; an answer *is correct or wrong*. A verifier is any
picklable callable from `Sample` to `Verdict`. Everything here is frozen, and goes to JSON and back.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Self

from unflip.errors import UsageError

JSON = str | int | float | bool | None | Sequence["JSON"] | Mapping[str, "JSON"]
Message = Mapping[str, Any]
"""One chat message: `{"role": ..., "content": ...}`; content is text or a list of parts."""


class Outcome(StrEnum):
    """What a verifier does with an answer."""

    ACCEPT = "accept"
    REJECT = "reject"
    ABSTAIN = "abstain"
    """Could not tell, through no fault of the completion: neither reward 0 nor reward 1."""


class Fault(StrEnum):
    """Whose fault an abstain is; a completion's fault is a reject, so it is not among them."""

    REFERENCE = "reference"
    SYSTEM = "system"
    UNKNOWN = "unknown"


class Trust(StrEnum):
    """What stands behind a verdict, strongest first."""

    RULE = "rule"
    """A deterministic rule of ours decided."""
    HEURISTIC = "heuristic"
    """A third-party engine or a numeric test decided, whose error nobody bounds."""
    FOREIGN = "foreign"
    """A reward function that unflip did not write decided."""
    MODEL = "model"
    """A language model decided."""


class Reason(StrEnum):
    """Why a verdict is what it is: a closed list. `REASONS` says which outcome each belongs to."""

    MATCH = "match"
    """Accept: the answer equals the reference, or satisfies what was asked."""
    REWARDED = "rewarded"
    """Accept: a foreign reward function paid at least what accepting takes."""

    MISMATCH = "mismatch"
    """Reject: an answer was found, and it is a different one."""
    NO_ANSWER = "no_answer"
    """Reject: the completion states no final answer."""
    AMBIGUOUS = "ambiguous"
    """Reject: the completion states several different final answers."""
    MALFORMED = "malformed"
    """Reject: an answer was found, and it cannot be read."""
    OVER_LIMIT = "over_limit"
    """Reject: the completion itself exceeded a limit of size, depth or budget."""
    UNREWARDED = "unrewarded"
    """Reject: a foreign reward function paid less than accepting takes."""
    GUARDED = "guarded"
    """Reject: a guard before a judge: the completion has no content, or forges a verdict."""

    NO_REFERENCE = "no_reference"
    """Abstain: the row has nothing to compare with."""
    UNREADABLE_REFERENCE = "unreadable_reference"
    """Abstain: the reference cannot be read, or exceeds a limit."""
    UNDECIDED = "undecided"
    """Abstain: both sides were read, and the method could not tell."""
    DECLINED = "declined"
    """Abstain: a foreign reward function returned nothing."""
    UNREACHABLE = "unreachable"
    """Abstain: the judge could not be asked, or its answer was lost."""
    REFUSED = "refused"
    """Abstain: the judge, or a filter in front of it, would not answer."""
    TRUNCATED = "truncated"
    """Abstain: the judge's reply was cut off before its verdict."""
    UNREADABLE_REPLY = "unreadable_reply"
    """Abstain: the judge's reply holds no verdict in the form that was asked for."""
    TIMEOUT = "timeout"
    """Abstain: the deadline passed on our machine."""
    CRASH = "crash"
    """Abstain: a worker process died."""
    ERROR = "error"
    """Abstain: the verifier raised."""


REASONS: Mapping[Outcome, frozenset[Reason]] = {
    Outcome.ACCEPT: frozenset({Reason.MATCH, Reason.REWARDED}),
    Outcome.REJECT: frozenset(
        {
            Reason.MISMATCH,
            Reason.NO_ANSWER,
            Reason.AMBIGUOUS,
            Reason.MALFORMED,
            Reason.OVER_LIMIT,
            Reason.UNREWARDED,
            Reason.GUARDED,
        }
    ),
    Outcome.ABSTAIN: frozenset(
        {
            Reason.NO_REFERENCE,
            Reason.UNREADABLE_REFERENCE,
            Reason.UNDECIDED,
            Reason.DECLINED,
            Reason.UNREACHABLE,
            Reason.REFUSED,
            Reason.TRUNCATED,
            Reason.UNREADABLE_REPLY,
            Reason.TIMEOUT,
            Reason.CRASH,
            Reason.ERROR,
        }
    ),
}

_FAULTS: Mapping[Reason, Fault] = {
    Reason.NO_REFERENCE: Fault.REFERENCE,
    Reason.UNREADABLE_REFERENCE: Fault.REFERENCE,
    Reason.UNDECIDED: Fault.UNKNOWN,
    Reason.DECLINED: Fault.UNKNOWN,
    Reason.UNREACHABLE: Fault.SYSTEM,
    Reason.REFUSED: Fault.UNKNOWN,
    Reason.TRUNCATED: Fault.UNKNOWN,
    Reason.UNREADABLE_REPLY: Fault.UNKNOWN,
    Reason.TIMEOUT: Fault.SYSTEM,
    Reason.CRASH: Fault.SYSTEM,
    Reason.ERROR: Fault.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Sample:
    r"""One completion to be judged, with what it is judged against.

    Attributes:
        completion: The model's text, or its chat messages.
        reference: The dataset's answer; a tuple holds alternatives, any of which is right.
        prompt: The question, as text or chat messages.
        correct: The human truth about this completion, where somebody knows it.
        stratum: The slice that rates are given for.
        id: The row's name in its dataset.
        meta: Whatever else a verifier reads, such as options or test cases.

    Example:
        >>> Sample("so it is \\boxed{4}", "4", prompt="2 + 2 = ?", correct=True)
        Sample('so it is \\boxed{4}', '4', correct=True)
    """

    completion: str | Sequence[Message]
    reference: JSON = None
    prompt: str | Sequence[Message] = ""
    correct: bool | None = None
    stratum: str | None = None
    id: str | None = None
    meta: Mapping[str, JSON] = field(default_factory=dict, hash=False)

    @property
    def text(self) -> str:
        """The completion as text: of a chat, the last assistant message."""
        return text_of(self.completion)

    @property
    def references(self) -> tuple[str, ...]:
        """The reference's alternatives as strings; empty if there is none, or none that is text."""
        given = self.reference
        many = given if isinstance(given, (tuple, list)) else (given,)
        if not all(isinstance(one, (str, int, float)) for one in many):
            return ()
        return tuple(one if isinstance(one, str) else json.dumps(one) for one in many)

    @property
    def key(self) -> str:
        """A hash of what a verifier can see (prompt, completion, reference, meta); 32 hex digits.

        Labels, strata and ids are not in it: a corrected label needs no new verdict.
        """
        return digest([self.prompt, self.completion, self.reference, self.meta])

    def to_json(self) -> dict[str, Any]:
        """A JSON object of the fields that are set."""
        row = {name: getattr(self, name) for name in self.__slots__}
        return {k: v for k, v in row.items() if v is not None and v != {}}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`; a list of references comes back as a tuple.

        Raises:
            UsageError: The row is no sample.
        """
        try:
            return cls(**{**row, "reference": _freeze(row.get("reference"))})
        except TypeError as why:
            raise UsageError(f"this row is no sample: {why}") from why

    def __repr__(self) -> str:
        said = f", correct={self.correct}" if self.correct is not None else ""
        return f"Sample({_short(self.completion)}, {_short(self.reference)}{said})"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verifier decided about one sample, and why.

    Attributes:
        outcome: Accept, reject or abstain.
        reason: Why, from the closed list; it must belong to the outcome.
        answer: The answer that was found in the completion, as it stands there.
        score: Graded credit in the verifier's own unit (a rubric, a reward model).
        p: Probability that the answer is correct, in [0, 1].
        calibrated: Whether `p` was calibrated on labelled rows, or is raw.
        by: Who decided: `name@version+hash`, see `identify`.
        trust: What stands behind the decision.
        fault: Of an abstain, whose fault it is; filled in from the reason if not given.
        seconds: How long it took; not compared.
        evidence: The span, the step and whatever else shows how the decision came about.

    Raises:
        UsageError: Reason or fault do not belong to the outcome, or `p` is no probability.

    Example:
        >>> Verdict(Outcome.REJECT, Reason.NO_ANSWER, by="exact@1+5f2c9a")
        Verdict(reject: no_answer, by='exact@1+5f2c9a')
    """

    outcome: Outcome
    reason: Reason
    answer: str | None = None
    score: float | None = None
    p: float | None = None
    calibrated: bool = False
    by: str = ""
    trust: Trust = Trust.RULE
    fault: Fault | None = None
    seconds: float | None = field(default=None, compare=False)
    evidence: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if type(self.outcome) is not Outcome or type(self.reason) is not Reason:
            raise UsageError(
                f"{self.outcome!r}, {self.reason!r}: Outcome and Reason have the words"
            )
        if not isinstance(self.answer, str | None):
            raise UsageError(f"an answer is text as it stands in the completion: {self.answer!r}")
        if self.reason not in REASONS[self.outcome]:
            raise UsageError(f"{self.reason} is no reason to {self.outcome}")
        if self.outcome is Outcome.ABSTAIN:
            if self.fault is None:
                object.__setattr__(self, "fault", _FAULTS[self.reason])
        elif self.fault is not None:
            raise UsageError("only an abstain has a fault; a completion's own fault is a reject")
        if self.p is not None and not 0 <= self.p <= 1:
            raise UsageError(f"p is a probability in [0, 1], not {self.p}")

    @property
    def decided(self) -> bool:
        """Whether the verifier accepted or rejected."""
        return self.outcome is not Outcome.ABSTAIN

    @property
    def accepted(self) -> bool:
        """Whether the verifier accepted."""
        return self.outcome is Outcome.ACCEPT

    def to_json(self) -> dict[str, Any]:
        """A JSON object of the fields that are set."""
        row = {name: getattr(self, name) for name in self.__slots__}
        return {k: v for k, v in row.items() if v is not None and v != {} and v is not False}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`.

        Raises:
            UsageError: The row is no verdict.
        """
        try:
            typed = {
                "outcome": Outcome(row["outcome"]),
                "reason": Reason(row["reason"]),
                "trust": Trust(row.get("trust", Trust.RULE)),
                "fault": Fault(row["fault"]) if row.get("fault") else None,
            }
            return cls(**{**row, **typed})
        except (KeyError, ValueError, TypeError) as why:
            raise UsageError(f"this row is no verdict: {why!r}") from why

    def __repr__(self) -> str:
        answer = f" {_short(self.answer)}" if self.answer is not None else ""
        return f"Verdict({self.outcome}: {self.reason}{answer}, by={self.by!r})"


Verifier = Callable[[Sample], Verdict]
"""A picklable function from one sample to one verdict. Ours have a `by`; see `identity`."""
GroupVerifier = Callable[[Sequence[Sample]], list[Verdict]]
"""A verifier that needs every completion of a prompt at once: pairwise, listwise, votes."""


def digest(content: Any) -> str:
    """32 hex digits that stand for a JSON value; the same in every process and version of Python.

    Example:
        >>> digest({"b": 1, "a": [2]}) == digest({"a": (2,), "b": 1})
        True
    """
    # surrogatepass: a completion may hold lone surrogates, and still needs a key.
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def identify(name: str, version: int, options: Mapping[str, Any]) -> str:
    """The `by` of a verifier: `name@version+hash of its options`.

    The version is that of the verifier's meaning, raised when the same options would decide some
    sample differently. Options are everything else that a verdict depends on: settings, versions
    of engines, prompts.

    Example:
        >>> identify("exact", 1, {"case": False})
        'exact@1+95f9dc'
    """
    return f"{name}@{version}+{digest(options)[:6]}"


def identity(verifier: Verifier) -> str:
    """Who a verifier is: its own `by`, or of anything else its name and a hash of its source.

    Example:
        >>> def always(sample): ...
        >>> identity(always).split("@")[0]
        'unflip.types.always'
    """
    by = getattr(verifier, "by", None)
    if isinstance(by, str):
        return by
    if isinstance(verifier, partial):
        bound = {"args": repr(verifier.args), "keywords": repr(verifier.keywords)}
        return identify(_name(verifier.func), 0, bound | {"of": identity(verifier.func)})
    kind = verifier if hasattr(verifier, "__qualname__") else type(verifier)
    return identify(_name(kind), 0, {"source": _source(kind), "state": repr(_state(verifier))})


def _state(verifier: Any) -> Any:
    """What two verifiers of the same source may differ in."""
    if is_dataclass(verifier) and not isinstance(verifier, type):
        return [(field.name, getattr(verifier, field.name)) for field in fields(verifier)]
    if (owner := getattr(verifier, "__self__", None)) is not None:
        return _state(owner)
    if closure := getattr(verifier, "__closure__", None):
        return [cell.cell_contents for cell in closure]
    return None if hasattr(verifier, "__qualname__") else verifier.__getstate__()


def _name(kind: Any) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _source(kind: Any) -> str:
    try:
        return inspect.getsource(kind)
    except (OSError, TypeError):
        # Typed at a prompt, or not written in Python: its name has to do.
        return _name(kind)


def text_of(said: str | Sequence[Message]) -> str:
    """Text as it is; of chat messages, the last one by the assistant (else the last one).

    Example:
        >>> text_of([{"role": "user", "content": "hi"}, {"role": "assistant", "content": "4"}])
        '4'
    """
    if isinstance(said, str):
        return said
    if not said:
        return ""
    by_model = [message for message in said if message.get("role") == "assistant"]
    content = (by_model or list(said))[-1].get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text") or "" for part in content if isinstance(part, Mapping))


def look_up(row: Mapping[str, Any], column: str) -> Any:
    """The value of a row's column, nested ones by their dots; None if there is none.

    Example:
        >>> look_up({"reward_model": {"ground_truth": "4"}}, "reward_model.ground_truth")
        '4'
    """
    if column in row:
        return row[column]
    value: Any = row
    for name in column.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def _freeze(reference: Any) -> Any:
    return tuple(reference) if isinstance(reference, list) else reference


def _short(value: Any, limit: int = 40) -> str:
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 3]}..."

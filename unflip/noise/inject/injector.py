"""What injectors of label noise share: the rows they read, and how they are applied and chained."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unflip.errors import UsageError
from unflip.noise.rows import outcome_of, three_valued
from unflip.types import Outcome, Reason, Sample, Verdict, digest, identify

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """What flips can depend on; an injector says which columns it needs.

    Attributes:
        outcome_N: 1 accept, 0 reject, NaN abstain.
        key_N: Integers that stand for each row's content.
        prompt_N: Integers that stand for each row's prompt.
        stratum_N: Names of slices.
        text_N: What the completions say.
        step: How far training is, for schedules.
    """

    outcome_N: Floats
    key_N: NDArray[Any] | None = None
    prompt_N: NDArray[Any] | None = None
    stratum_N: NDArray[Any] | None = None
    text_N: Sequence[str] | None = None
    step: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "outcome_N", three_valued(self.outcome_N))
        for name in ("key_N", "prompt_N", "stratum_N"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, np.asarray(getattr(self, name)))
        columns = (self.key_N, self.prompt_N, self.stratum_N, self.text_N)
        if any(column is not None and len(column) != len(self.outcome_N) for column in columns):
            raise UsageError("rows need one entry in each column for each outcome")

    @classmethod
    def of(
        cls, verdicts: Sequence[Verdict], samples: Sequence[Sample], *, step: float | None = None
    ) -> Rows:
        """The rows of verdicts and their samples, in the same order."""
        if len(verdicts) != len(samples):
            raise UsageError("injecting needs one verdict for each sample, in the same order")
        # Without a prompt a row is a group of its own, by its content.
        prompts = [digest(sample.prompt) if sample.prompt else sample.key for sample in samples]
        return cls(
            outcome_N=np.array([outcome_of(verdict) for verdict in verdicts], dtype=float),
            key_N=_codes([sample.key for sample in samples]),
            prompt_N=_codes(prompts),
            stratum_N=np.array([sample.stratum or "" for sample in samples], dtype=object),
            text_N=[sample.text for sample in samples],
            step=step,
        )

    @property
    def own_N(self) -> NDArray[Any]:
        """What tells rows apart: their content, else their place."""
        return np.arange(len(self.outcome_N)) if self.key_N is None else self.key_N

    def column(self, name: str) -> Any:
        """A column that an injector cannot do without."""
        column = getattr(self, name)
        if column is None:
            raise UsageError(f"this injector needs {name}: give it to Rows, or use Rows.of")
        return column


class Injector(ABC):
    """Base of the injectors: frozen dataclasses that say which rows flip."""

    @abstractmethod
    def _flips(self, rows: Rows) -> Bools: ...

    @abstractmethod
    def _scaled(self, factor: float) -> Self: ...

    def _by_place(self) -> bool:
        return False

    def flips(self, rows: Rows) -> Bools:
        """Which rows flip; never an abstain.

        Raises:
            UsageError: The rows lack a column that this injector goes by.
        """
        flips_N: Bools = self._flips(rows) & ~np.isnan(rows.outcome_N)
        return flips_N

    def scaled(self, factor: float) -> Self:
        """The same injector with its rates times a factor in [0, 1]: its flips are a subset."""
        return self._scaled(factor)

    @property
    def by_place(self) -> bool:
        """Whether flips depend on a row's place, which a verifier does not know."""
        return self._by_place()

    def __call__(self, rows: Rows) -> Floats:
        """The outcomes after the flips: 1 accept, 0 reject, NaN abstain."""
        return np.where(self.flips(rows), 1 - rows.outcome_N, rows.outcome_N)

    def __or__(self, other: Injector) -> Chain:
        """This one first, then the other on what it left."""
        return Chain((self, other))

    def verdicts(
        self, verdicts: Sequence[Verdict], samples: Sequence[Sample], *, step: float | None = None
    ) -> list[Verdict]:
        """The verdicts after the flips, all signed by a verifier of another name.

        Example:
            >>> from unflip.noise.inject import Iid
            >>> accept = Verdict(Outcome.ACCEPT, Reason.MATCH, by="exact@1+95f9dc")
            >>> (flipped,) = Iid(fn=1.0).verdicts([accept], [Sample("4", "4")])
            >>> flipped, flipped.evidence
            (Verdict(reject: mismatch, by='noisy-exact@1+288a4f'), {'flipped': True})
        """
        rows = Rows.of(verdicts, samples, step=step)
        signed = {by: signature(by, self, step) for by in {verdict.by for verdict in verdicts}}
        return [
            replace(_flipped(verdict) if flip else verdict, by=signed[verdict.by])
            for verdict, flip in zip(verdicts, self.flips(rows), strict=True)
        ]


@dataclass(frozen=True, kw_only=True)
class Rated(Injector):
    """An injector with two rates and a seed.

    Attributes:
        fp: The chance in [0, 1] that a reject becomes an accept.
        fn: The chance in [0, 1] that an accept becomes a reject.
        seed: Injectors of one kind with one seed flip the same rows.
    """

    fp: float = 0.0
    fn: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.fp <= 1 and 0 <= self.fn <= 1):
            raise UsageError(f"fp and fn are chances in [0, 1], not {self.fp} and {self.fn}")

    def _scaled(self, factor: float) -> Self:
        return replace(self, fp=self.fp * factor, fn=self.fn * factor)

    def rate(self, rows: Rows) -> Floats:
        """The chance of each row to flip."""
        return np.where(rows.outcome_N == 1, self.fn, self.fp)

    def uniform(self, code_N: ArrayLike, role: str = "") -> Floats:
        """A number in [0, 1) for each code, always the same for the same code, seed and role."""
        salt = int(digest([type(self).__name__, role, self.seed])[:16], 16)
        return _uniform(np.asarray(code_N), salt)


@dataclass(frozen=True)
class Chain(Injector):
    """Injectors one after the other; `a | b` makes one.

    Example:
        >>> from unflip.noise.inject import Iid, Trigger
        >>> rows = Rows(outcome_N=[0, 1], text_N=["amen", "4"])
        >>> (Trigger(text="amen") | Iid(fn=1.0))(rows)
        array([0., 0.])
    """

    links: tuple[Injector, ...]

    def _by_place(self) -> bool:
        return any(link.by_place for link in self.links)

    def _flips(self, rows: Rows) -> Bools:
        left = rows
        for link in self.links:
            left = replace(left, outcome_N=link(left))
        return np.asarray(left.outcome_N != rows.outcome_N)

    def _scaled(self, factor: float) -> Self:
        return replace(self, links=tuple(link.scaled(factor) for link in self.links))


def signature(by: str, injector: Injector, step: float | None) -> str:
    """The `by` of a verifier's verdicts after an injector."""
    options = {"by": by, "injector": repr(injector), "step": step}
    return identify(f"noisy-{by.split('@')[0]}", 1, options)


def _flipped(verdict: Verdict) -> Verdict:
    accepted = verdict.accepted
    return replace(
        verdict,
        outcome=Outcome.REJECT if accepted else Outcome.ACCEPT,
        reason=Reason.MISMATCH if accepted else Reason.MATCH,
        p=None if verdict.p is None else 1 - verdict.p,
        evidence={**verdict.evidence, "flipped": True},
    )


def _codes(digests: Sequence[str]) -> Ints:
    return np.array([int(text[:15], 16) for text in digests], dtype=np.int64)


def _uniform(code_N: NDArray[Any], salt: int) -> Floats:
    """SplitMix64 of code and salt as 53 bits in [0, 1). Source: Steele, Lea and Flood 2014."""
    mixed_N = code_N.astype(np.uint64) + np.uint64(salt)
    mixed_N = (mixed_N ^ (mixed_N >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed_N = (mixed_N ^ (mixed_N >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits_N = (mixed_N ^ (mixed_N >> np.uint64(31))) >> np.uint64(11)
    return np.asarray(bits_N * 2.0**-53, dtype=float)

"""Metamorphic estimates: verdicts on rewrites of references that are known right or known wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unflip.errors import UsageError
from unflip.intervals import Proportion
from unflip.noise.clusters import clustered
from unflip.noise.survey import Bools, Survey
from unflip.noise.unlabelled.rewrites import Variant
from unflip.types import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of variant: how often it was decided wrongly, and an example if it ever was."""

    name: str
    equivalent: bool
    failures: Proportion
    abstains: int
    example: Variant | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Metamorphic:
    """What a verifier does on made-up variants; not rho0 and rho1 of anybody's policy.

    It can claim: that a way of failing exists (each has an example), and how often it shows on
    these variants of these references. It cannot claim a rate on completions, since a policy
    writes other answers, in other shares; so there is no way from here to `NoiseRates`. And what
    no generator makes is never seen: the ways of failing found are a lower bound.

    Attributes:
        rejected_equivalent: P(reject | equivalent variant, decided), clustered by reference.
        accepted_different: P(accept | different variant, decided), clustered by reference.
        kinds: The same for each kind of variant, worst first.
    """

    rejected_equivalent: Proportion
    accepted_different: Proportion
    kinds: tuple[Kind, ...]

    @property
    def modes(self) -> tuple[str, ...]:
        """Kinds that failed at least once: so many ways of failing there are, or more."""
        return tuple(kind.name for kind in self.kinds if kind.example)

    def __repr__(self) -> str:
        return (
            f"Metamorphic(rejects equivalents {self.rejected_equivalent}, accepts others "
            f"{self.accepted_different}; on variants, not on a policy's completions)"
        )


def measure(variants: Sequence[Variant], outcomes: Sequence[Outcome]) -> Metamorphic:
    """Rates on variants from a verifier's outcomes, one a variant, in the same order.

    Raises:
        UsageError: There are not as many outcomes as variants, or none.

    Source: Chen, Cheung and Yiu 1998 (metamorphic testing).

    Example:
        >>> from unflip.noise.unlabelled.rewrites import variants
        >>> made = variants("1/2")
        >>> exact = [Outcome.ACCEPT if v.text == "1/2" else Outcome.REJECT for v in made]
        >>> measure(made, exact).modes[:3]
        ('decimal', 'trailing zeros', 'percent')
    """
    if not variants or len(variants) != len(outcomes):
        raise UsageError("measuring needs variants, and one outcome for each of them")
    survey = Survey(
        accepted_N=np.array([one is Outcome.ACCEPT for one in outcomes]),
        rejected_N=np.array([one is Outcome.REJECT for one in outcomes]),
        correct_N=np.array([one.equivalent for one in variants], dtype=float),
        cluster_N=np.unique([one.reference for one in variants], return_inverse=True)[1],
    )
    right_N = survey.correct_N == 1
    names = dict.fromkeys((one.kind, one.equivalent) for one in variants)
    kinds = [_kind(survey, variants, name, equivalent) for name, equivalent in names]
    return Metamorphic(
        rejected_equivalent=_failures(survey, right_N),
        accepted_different=_failures(survey, ~right_N),
        kinds=tuple(sorted(kinds, key=lambda kind: -np.nan_to_num(kind.failures.point))),
    )


def _kind(survey: Survey, variants: Sequence[Variant], name: str, equivalent: bool) -> Kind:
    kind_N = np.array([(one.kind, one.equivalent) == (name, equivalent) for one in variants])
    failed = np.flatnonzero(kind_N & _failed(survey))
    return Kind(
        name=name,
        equivalent=equivalent,
        failures=_failures(survey, kind_N),
        abstains=int((kind_N & ~survey.decided_N).sum()),
        example=variants[failed[0]] if len(failed) else None,
    )


def _failed(survey: Survey) -> Bools:
    return np.where(survey.correct_N == 1, survey.rejected_N, survey.accepted_N)


def _failures(survey: Survey, class_N: Bools) -> Proportion:
    cluster_N, decided_N = np.asarray(survey.cluster_N), class_N & survey.decided_N
    hits_G = np.bincount(cluster_N, _failed(survey) & decided_N)
    return clustered(hits_G, np.bincount(cluster_N, decided_N))

"""Lets a trainer hear the verdicts behind the rewards that its reward functions return."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from unflip.types import Sample, Verdict


@dataclass(frozen=True, slots=True)
class Heard:
    """What one reward function decided on a batch.

    Attributes:
        samples: The rows as the verifier saw them.
        verdicts: One for each of them.
    """

    samples: Sequence[Sample]
    verdicts: Sequence[Verdict]


@dataclass(frozen=True, slots=True)
class Ear:
    """What has been told since somebody began to listen, by reward function.

    Attributes:
        masks: Whether who listens leaves abstains out, whatever TRL makes of them.
    """

    masks: bool
    _heard: dict[str, Heard] = field(default_factory=dict)

    def of(self, name: str) -> Heard | None:
        """What the reward function of this name has told."""
        return self._heard.get(name)

    def tell(self, name: str, heard: Heard) -> None:
        """Take in what a reward function decided."""
        self._heard[name] = heard


_EAR: ContextVar[Ear | None] = ContextVar("unflip_trl_ear", default=None)


@contextmanager
def listening(*, masks: bool) -> Iterator[Ear]:
    """Hear what reward functions decide inside the block.

    Args:
        masks: Whether the listener leaves abstains out.

    Example:
        >>> with listening(masks=True) as ear:
        ...     told = tell("math", [], [])
        >>> told, ear.of("math"), tell("math", [], [])
        (True, Heard(samples=[], verdicts=[]), False)
    """
    ear = Ear(masks)
    token = _EAR.set(ear)
    try:
        yield ear
    finally:
        _EAR.reset(token)


def tell(name: str, samples: Sequence[Sample], verdicts: Sequence[Verdict]) -> bool:
    """Tell whoever listens; whether that one leaves abstains out."""
    ear = _EAR.get()
    if ear is not None:
        ear.tell(name, Heard(samples, verdicts))
    return ear is not None and ear.masks

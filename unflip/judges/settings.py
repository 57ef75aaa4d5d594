"""How a judge asks, and what of a reply it reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from unflip.errors import UsageError


class Reading(StrEnum):
    """What of a reply is read."""

    WORD = "word"
    """The verdict's word, in the form that the template asks for."""
    CHANCE = "chance"
    """P(yes), from log-probabilities; from samples where the backend has none."""
    LOGPROBS = "logprobs"
    """P(yes) from log-probabilities, and an abstention where there are none: a threshold that was
    found on log-probabilities means something else on samples."""
    SAMPLES = "samples"
    """P(yes) as the share of several samples that say so (self-consistency)."""


@dataclass(frozen=True)
class Asking:
    """How the model is asked.

    Attributes:
        max_tokens: The most tokens of a reply; None for what the template says.
        temperature: Of a single reply.
        samples: How many replies where several are read.
        sample_temperature: Of those.
        top_logprobs: How many alternatives to ask for; 20 is the most that servers give.
        spelled: Whether, for P(yes), words of several tokens that were not said are followed to
            their ends, by requests that begin the reply with them. For servers that go on with a
            last turn by the assistant (`Endpoint(prefill=...)`); others would answer it.
        seed: For backends that can repeat a draw.
        deadline: Seconds for each request.
        longest: Characters of an answer beyond which it is over the limit, and not sent. Set it
            below what the model's window takes: who exceeds the window abstains, who exceeds this
            is rejected, and only that cannot be used to get out of a reject.
        key: What the names of the fences are derived from, so that no policy can foresee them.

    Raises:
        UsageError: A number is out of range.
    """

    max_tokens: int | None = None
    temperature: float = 0.0
    samples: int = 5
    sample_temperature: float = 0.7
    top_logprobs: int = 20
    spelled: bool = False
    seed: int | None = None
    deadline: float | None = None
    longest: int = 100_000
    key: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        counts = (self.samples, self.longest, 1 if self.max_tokens is None else self.max_tokens)
        if min(counts) < 1 or self.top_logprobs < 2:
            raise UsageError("samples, longest, max_tokens are 1 or more, and top_logprobs 2")
        if not (self.temperature >= 0 and self.sample_temperature >= 0):
            raise UsageError("a temperature is 0 or more")
        if self.deadline is not None and not self.deadline > 0:
            raise UsageError("a deadline is above 0 seconds, or None")


ONCE = Asking()
"""A single greedy reply, without a deadline."""

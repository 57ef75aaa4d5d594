"""Label noise on purpose: known flips, to test estimates and corrections with."""

from unflip.noise.inject.injector import Injector, Rows
from unflip.noise.inject.kinds import (
    ByStratum,
    Correlated,
    HashStable,
    Iid,
    Noisy,
    PerPrompt,
    Schedule,
    Trigger,
)

__all__ = [
    "ByStratum",
    "Correlated",
    "HashStable",
    "Iid",
    "Injector",
    "Noisy",
    "PerPrompt",
    "Rows",
    "Schedule",
    "Trigger",
]

"""TRL: a verifier as a reward function, and GRPOTrainer with a correction of its advantages."""

from importlib import import_module
from typing import Any

from unflip.errors import missing_extra
from unflip.integrations.trl.looking import Looking
from unflip.integrations.trl.mixin import Corrected
from unflip.integrations.trl.reward import AsyncVerifierReward, VerifierReward, reward_func

__all__ = [
    "AsyncVerifierReward",
    "Corrected",
    "CorrectedGRPOTrainer",
    "Looking",
    "VerifierReward",
    "reward_func",
]


def __getattr__(name: str) -> Any:
    """`CorrectedGRPOTrainer`, which is made of TRL's when it is first asked for."""
    if name != "CorrectedGRPOTrainer":
        raise AttributeError(f"{__name__} has no {name!r}")
    try:
        trainer = import_module("trl").GRPOTrainer
    except ImportError as why:
        raise missing_extra("training with TRL", "trl") from why
    made = type(name, (Corrected, trainer), {"__module__": __name__, "__doc__": _DOC})
    return globals().setdefault(name, made)


_DOC = "TRL's GRPOTrainer with a method `correct`; all else is as in TRL."

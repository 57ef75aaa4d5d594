"""What releases of TRL do differently with reward functions."""

from __future__ import annotations

import sys
import warnings
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

_MASKS_NONE = (1, 6)
"""The first release that leaves a row without any reward out of its group's baseline."""
_AWAITS = (0, 27)
"""The first release that awaits reward functions."""


def awaits() -> bool:
    """Whether this TRL, or the one to come if there is none, awaits reward functions."""
    return _release() >= _AWAITS


def warn_of_abstains(name: str, log_metric: Any) -> None:
    """Tell once what TRL makes of an abstain, where it makes a reward of it.

    Args:
        name: Who abstained.
        log_metric: TRL's channel for numbers, behind which is the trainer.
    """
    if "trl" not in sys.modules:
        return
    functions = getattr(getattr(log_metric, "__self__", None), "reward_funcs", ())
    if len(functions) > 1:
        warn_once(f"{name} abstained, and TRL pays such a row its other rewards")
    elif _release() < _MASKS_NONE:
        warn_once(f"{name} abstained, and before 1.6 TRL pays such a row 0 or its other rewards")


@cache
def warn_once(what: str) -> None:
    """A warning of abstains, once a process."""
    cure = "CorrectedGRPOTrainer and trainer.correct() leave it out of its group"
    warnings.warn(f"{what}: {cure}", UserWarning, stacklevel=4)


def _release() -> tuple[int, int]:
    """TRL's version, such as (1, 16); without TRL, one that has everything."""
    try:
        major, minor = version("trl").split(".")[:2]
    except PackageNotFoundError:
        return sys.maxsize, 0
    return int(major), int(minor)

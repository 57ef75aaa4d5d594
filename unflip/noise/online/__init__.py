"""Rates while training runs: of late, so far, and an alarm when one rises."""

from unflip.noise.online.alarms import (
    Alarm,
    collapsed,
    disagreements,
    dominated,
    false_discoveries,
    false_positives,
    favourite,
)
from unflip.noise.online.estimators import Recent, Running, one_each
from unflip.noise.online.sequences import running
from unflip.noise.online.trace import Point, Raised, Trace, trace

__all__ = [
    "Alarm",
    "Point",
    "Raised",
    "Recent",
    "Running",
    "Trace",
    "collapsed",
    "disagreements",
    "dominated",
    "false_discoveries",
    "false_positives",
    "favourite",
    "one_each",
    "running",
    "trace",
]

"""Verifiers with a model inside: who is asked, with which words, and what its reply decides."""

from unflip.errors import Unjudged
from unflip.judges.appeal import Appeal, appeal
from unflip.judges.asking import (
    Answer,
    Backend,
    Finish,
    Position,
    Reply,
    Request,
    Said,
    Scorer,
    Silence,
    Turn,
    Unanswered,
    Usage,
)
from unflip.judges.calibration import Calibration, calibration
from unflip.judges.correlation import SharedErrors, shared_errors
from unflip.judges.files import read_judge
from unflip.judges.grammar import Field, Grammar, Marks, Place, Words
from unflip.judges.guards import GUARDS, Guard, guard_counts
from unflip.judges.judge import Judge
from unflip.judges.own import Own
from unflip.judges.pairwise import Pairwise
from unflip.judges.panel import Panel, majority, quorum, unanimous
from unflip.judges.policy import OnError, Policy
from unflip.judges.rubric import Criterion, Rubric
from unflip.judges.settings import Asking, Reading
from unflip.judges.template import Template, template
from unflip.judges.thresholds import Threshold, fixed_sequence, held_out
from unflip.judges.tuning import Tuned, chances, tune
from unflip.judges.view import Sees

__all__ = [
    "GUARDS",
    "Answer",
    "Appeal",
    "Asking",
    "Backend",
    "Calibration",
    "Criterion",
    "Field",
    "Finish",
    "Grammar",
    "Guard",
    "Judge",
    "Marks",
    "OnError",
    "Own",
    "Pairwise",
    "Panel",
    "Place",
    "Policy",
    "Position",
    "Reading",
    "Reply",
    "Request",
    "Rubric",
    "Said",
    "Scorer",
    "Sees",
    "SharedErrors",
    "Silence",
    "Template",
    "Threshold",
    "Tuned",
    "Turn",
    "Unanswered",
    "Unjudged",
    "Usage",
    "Words",
    "appeal",
    "calibration",
    "chances",
    "fixed_sequence",
    "guard_counts",
    "held_out",
    "majority",
    "quorum",
    "read_judge",
    "shared_errors",
    "template",
    "tune",
    "unanimous",
]

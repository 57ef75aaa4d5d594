"""One measurement of a verifier, from rows to rates, and the folder in which it is kept."""

from unflip.measure.folder import (
    FINDINGS,
    LABELS,
    PLAN,
    RATES,
    REFERENCES,
    REPORT,
    VERDICTS,
    read_findings,
)
from unflip.measure.measuring import check_itself, measure
from unflip.measure.plan import Plan
from unflip.measure.pool import Pool
from unflip.measure.settings import Settings
from unflip.measure.sitting import sitting

__all__ = [
    "FINDINGS",
    "LABELS",
    "PLAN",
    "RATES",
    "REFERENCES",
    "REPORT",
    "VERDICTS",
    "Plan",
    "Pool",
    "Settings",
    "check_itself",
    "measure",
    "read_findings",
    "sitting",
]

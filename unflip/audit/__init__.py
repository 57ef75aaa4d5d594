"""Audits: who accepts what it must not, and rejects what it must accept."""

from unflip.audit.auditing import audit, plan_for
from unflip.audit.figures import Findings, read_findings
from unflip.audit.gates import gate
from unflip.audit.items import Item, items_of
from unflip.audit.kept import Kept
from unflip.audit.mining import Mining, mine
from unflip.audit.probes import Probe, built_in, chosen, read_probes
from unflip.audit.swap import position_swap

__all__ = [
    "Findings",
    "Item",
    "Kept",
    "Mining",
    "Probe",
    "audit",
    "built_in",
    "chosen",
    "gate",
    "items_of",
    "mine",
    "plan_for",
    "position_swap",
    "read_findings",
    "read_probes",
]

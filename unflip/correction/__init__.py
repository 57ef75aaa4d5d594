"""Corrections of the update: arrays in, arrays out, and nothing silently without effect.

From rates to advantages: `RateTable` (what is known of the verifier), a `Line` made of it
(`backward`, `forward`, `anchored`, `posterior`, `masking`), `advantages` of the corrected rewards,
and `Hook`, which does these in one call. `explain` says whether that can change anything. `appeals`
correct single rows by a second look.
"""

from unflip.correction.advantages import (
    ADVANTAGES,
    Normaliser,
    batch,
    batch_centred,
    direct,
    dr_grpo,
    grpo,
    maxrl,
    rloo,
)
from unflip.correction.anchored import anchored
from unflip.correction.appeals import (
    PaperAppeals,
    Plan,
    allocate,
    cross_fit,
    doubly_robust,
    expected_looks,
    remaining_bias,
    repair,
    squared_misses,
    verdict_cells,
)
from unflip.correction.backward import backward
from unflip.correction.clean_std import clean_std
from unflip.correction.drift import strayed
from unflip.correction.effect import Effect, Evidence, Kind, Term, explain
from unflip.correction.forward import forward, stratified_forward
from unflip.correction.groups import pass_rates
from unflip.correction.hook import Hook, Update
from unflip.correction.line import Line
from unflip.correction.masking import masking
from unflip.correction.posterior import Posterior, posterior
from unflip.correction.scale import Running
from unflip.correction.table import RateTable
from unflip.correction.telemetry import Audit, audit

__all__ = [
    "ADVANTAGES",
    "Audit",
    "Effect",
    "Evidence",
    "Hook",
    "Kind",
    "Line",
    "Normaliser",
    "PaperAppeals",
    "Plan",
    "Posterior",
    "RateTable",
    "Running",
    "Term",
    "Update",
    "allocate",
    "anchored",
    "audit",
    "backward",
    "batch",
    "batch_centred",
    "clean_std",
    "cross_fit",
    "direct",
    "doubly_robust",
    "dr_grpo",
    "expected_looks",
    "explain",
    "forward",
    "grpo",
    "masking",
    "maxrl",
    "pass_rates",
    "posterior",
    "remaining_bias",
    "repair",
    "rloo",
    "squared_misses",
    "stratified_forward",
    "strayed",
    "verdict_cells",
]

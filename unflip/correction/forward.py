"""The forward correction: weights that go into the loss as they are, with no baseline."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from unflip.correction.backward import CLAMP, backward
from unflip.correction.line import Line, line_of
from unflip.correction.table import RateTable
from unflip.errors import UsageError

UNSCALED = "w = r - (1 - rho1) is wrong when strata depend on the response"


def forward(table: RateTable, *, strata: Literal["response", "prompt"] = "response") -> Line:
    """W = r - (1 - rho1), so that E[w | truth] = J (truth - 1).

    It is REINFORCE on the raw verdict with the constant baseline 1 - rho1: on policy, any constant
    rho1 gives the direction of the clean gradient, J times as long. Centring w gives back the
    centred raw verdict, so use `direct` advantages.

    Args:
        table: The rates; only rho1 matters.
        strata: Whether a row's stratum depends on its response, or on its prompt alone. Strata by
            prompt weigh prompts by their J.

    Raises:
        UsageError: Strata depend on the response: wrong answers would cost J(s), so the policy
            would move to where verdicts say least. `stratified_forward` is right there.

    Source: Cai et al. 2025, arXiv 2510.00915v4, theorem 3.5 (PGFC).

    Example:
        >>> forward(RateTable.known(0.1, 0.2))(np.array([1.0, 0.0])).round(3)
        array([ 0.2, -0.8])
    """
    if len(table) > 1 and strata == "response":
        raise UsageError(
            f"{UNSCALED}: use stratified_forward, or say strata='prompt' if they do not"
        )
    return line_of("forward", table, table.rho1_S - 1, np.ones(len(table)))


def stratified_forward(table: RateTable, *, clamp: float = CLAMP) -> Line:
    """W = (r - (1 - rho1)) / J in each stratum, so that E[w | truth] = truth - 1.

    That is the backward reward less 1, and unbiased with no baseline. Beside `backward` with
    `rloo`, its update is less noisy along the clean gradient, and noisier in all directions
    together, above all where answers are mostly wrong (benchmarks/exact_gradients.py).

    Args:
        table: The rates.
        clamp: The least |J| to divide by, in (0, 1].

    Source: theorem 3.5 of arXiv 2510.00915v4 within each stratum, divided by its J.

    Example:
        >>> table = RateTable.known([0.1, 0.8], [0.2, 0.1])
        >>> stratified_forward(table)(np.array([1.0, 1.0]), np.array([0, 1])).round(3)
        array([0.286, 1.   ])
    """
    line = backward(table, clamp=clamp)
    # Where the clamp holds back, this keeps E[w | correct] = 0.
    slope_S = line.line_S2[:, 1]
    shifted = line_of("stratified forward", table, (table.rho1_S - 1) * slope_S, slope_S)
    return replace(shifted, notes=line.notes)

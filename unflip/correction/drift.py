"""Whether verdicts still come from the population that the rates were measured on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unflip.errors import UsageError
from unflip.intervals import Proportion, wilson
from unflip.rates import NoiseRates


def strayed(
    rates: NoiseRates, r_N: ArrayLike, strata: Sequence[str | None] | None = None
) -> tuple[str, ...]:
    """What to tell a person about accept and abstain shares that have left their interval.

    A policy that trains moves: rates measured before may no longer hold. A share has left when its
    own interval, on as many independent rows as its prompts were worth when the rates were
    measured, has nothing in common with the measured one. Both are at the same level, so this is
    seldom a false alarm; look at some steps' rows together, on the host.

    Args:
        rates: What the correction goes by.
        r_N: Recent verdicts: 1 accept, 0 reject, NaN abstain.
        strata: Their strata; None: look at the whole only.

    Returns:
        A sentence for each share that has left; none if all is well.

    Raises:
        UsageError: Strata and verdicts differ in number.

    Example:
        >>> from unflip.noise.gold import rates_from_arrays
        >>> rates = rates_from_arrays(np.tile([1, 0, 0, 1], 100), np.tile([1, 0, 0, 0], 100))
        >>> strayed(rates, np.tile([1, 0], 500))
        ()
        >>> strayed(rates, np.tile([1, 1, 1, 0], 500))
        ('accepts are now 0.750 [0.731, 0.768], not 0.500 [0.451, 0.549]: measure the rates anew',)
    """
    r_N = np.asarray(r_N, dtype=float)
    found = list(_strayed(rates, r_N, ""))
    if strata is not None:
        if len(strata) != len(r_N):
            raise UsageError("give each verdict its stratum, or none any")
        names_N = np.array([name or "" for name in strata], dtype=object)
        for name in sorted(set(names_N) & set(rates.strata)):
            found += _strayed(rates.at(name), r_N[names_N == name], f" in stratum {name!r}")
    return tuple(found)


def _strayed(rates: NoiseRates, r_N: NDArray[np.float64], where: str) -> Iterator[str]:
    shares = {"accepts": (rates.accept, r_N == 1), "abstains": (rates.abstain, np.isnan(r_N))}
    for name, (measured, hit_N) in shares.items():
        now = _now(measured, hit_N)
        if now.low > measured.high or now.high < measured.low:
            yield f"{name}{where} are now {now}, not {measured}: measure the rates anew"


def _now(measured: Proportion, hit_N: NDArray[np.bool_]) -> Proportion:
    effect = max(1.0, measured.design_effect)
    return wilson(hit_N.sum() / effect, len(hit_N) / effect, measured.level)

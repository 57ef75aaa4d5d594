"""The rates that a correction goes by: checked once, on the host, one row for each stratum."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unflip.errors import UsageError
from unflip.intervals import Interval
from unflip.rates import NoiseRates

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
NO_STRATUM = "(none)"
"""What `estimate` calls the stratum of rows without one, where others have one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RateTable:
    """Validated rates of S strata, as arrays of shape (S,).

    Attributes:
        strata: Their names, in the order of their codes; `("",)` if there is but one rate.
        rho0_S: P(accept | wrong, decided).
        rho1_S: P(reject | correct, decided).
        pass_S: m, P(correct | decided); NaN where nobody audited it.
        accept_S: q, P(accept | decided).
        se_S: The standard error of J; 0 if it is known.
        trusted_S: False where J cannot be told from 0: rows of that stratum weigh nothing.
        by: Whose rates they are.
        notes: What a person should know, such as which strata are not trusted.
    """

    strata: tuple[str, ...]
    rho0_S: Floats
    rho1_S: Floats
    pass_S: Floats
    accept_S: Floats
    se_S: Floats
    trusted_S: Bools
    by: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(set(self.strata)) < len(self.strata):
            raise UsageError(f"every stratum has one name of its own: {', '.join(self.strata)}")

    def __len__(self) -> int:
        return len(self.strata)

    @property
    def j_S(self) -> Floats:
        """J = 1 - rho0 - rho1, the signal of a verdict, in [-1, 1]."""
        return 1 - self.rho0_S - self.rho1_S

    @classmethod
    def of(
        cls,
        rates: NoiseRates,
        *,
        by: str,
        strata: Sequence[str] | None = None,
        missing: Literal["refuse", "pooled"] = "refuse",
        untrusted: Literal["mask", "refuse"] = "mask",
        allow_inverted: bool = False,
    ) -> RateTable:
        """The table of measured rates, for the verdicts of one verifier.

        Args:
            rates: What `estimate` and its relatives return.
            by: Whose verdicts are to be corrected.
            strata: The strata that rows will have, in the order of their codes; None: those of the
                rates, or one for everything if they have none.
            missing: What to do with a stratum without rates: refuse, or take the pooled ones.
            untrusted: What to do where J's interval contains 0, or a rate is known as a band only:
                give rows of the stratum no weight (a note says so), or refuse.
            allow_inverted: Use a J clearly below 0, turning that stratum's verdicts around.

        Raises:
            UsageError: The rates are another verifier's; a stratum has none; or J is clearly below
                0, or nowhere to be told from 0.

        Example:
            >>> from unflip.noise.gold import rates_from_arrays
            >>> outcome_N, correct_N = np.tile([1, 0, 1, 0], 250), np.tile([1, 0, 1, 1], 250)
            >>> rates = rates_from_arrays(outcome_N, correct_N)
            >>> table = RateTable.of(rates, by="")
            >>> table.rho0_S.round(2), table.rho1_S.round(2), table.pass_S.round(2)
            (array([0.]), array([0.33]), array([0.75]))
        """
        if rates.by != by:
            raise UsageError(
                f"these rates are {rates.by!r}'s and the verdicts {by!r}'s: measure {by!r}"
            )
        names = tuple(rates.strata or ("",)) if strata is None else tuple(strata)
        found = [_rates_at(rates, name, missing) for name in names]
        js = [one.informativeness for one in found]
        _refuse_inverted(names, js, allow_inverted)
        trusted_S = np.array([not (j.low <= 0 <= j.high or math.isnan(j.point)) for j in js])
        notes = _notes(rates, names, js, trusted_S)
        if not trusted_S.all() and (untrusted == "refuse" or not trusted_S.any()):
            raise UsageError(f"{'; '.join(notes)}: label more rows, or change the verifier")
        return cls(strata=names, trusted_S=trusted_S, by=by, notes=notes, **_columns(found, js))

    @classmethod
    def known(
        cls,
        rho0: ArrayLike,
        rho1: ArrayLike,
        *,
        pass_rate: ArrayLike = math.nan,
        strata: Sequence[str] | None = None,
        by: str = "",
        allow_inverted: bool = False,
    ) -> RateTable:
        """The table of rates that are known exactly, as where the noise was injected.

        Args:
            rho0: P(accept | wrong) of each stratum, in [0, 1].
            rho1: P(reject | correct) of each stratum, in [0, 1].
            pass_rate: P(correct) of each stratum; only some corrections need it.
            strata: Names of the strata; None: their numbers.
            by: Whose verdicts these are.
            allow_inverted: Use J below 0.

        Raises:
            UsageError: A rate is no probability, or J is below 0 or nowhere above it.

        Example:
            >>> RateTable.known([0.1, 0.8], [0.2, 0.1]).j_S.round(2)
            array([0.7, 0.1])
        """
        rho0_S, rho1_S, pass_S = np.broadcast_arrays(
            *(np.atleast_1d(np.asarray(given, dtype=float)) for given in (rho0, rho1, pass_rate))
        )
        names = tuple(strata) if strata is not None else _numbers(len(rho0_S))
        if len(names) != len(rho0_S):
            raise UsageError(f"{len(names)} strata need as many rates, not {len(rho0_S)}")
        _check_shares(rho0_S, rho1_S, pass_S[~np.isnan(pass_S)])
        j_S = 1 - rho0_S - rho1_S
        points = [Interval(point=j, low=j, high=j) for j in j_S]
        _refuse_inverted(names, points, allow_inverted)
        if not j_S.any():
            raise UsageError("J is 0 everywhere: these verdicts say nothing, correct or not")
        return cls(
            strata=names, rho0_S=rho0_S, rho1_S=rho1_S, pass_S=pass_S,
            accept_S=rho0_S + j_S * pass_S, se_S=np.zeros(len(names)), trusted_S=j_S != 0, by=by,
        )  # fmt: skip

    def observed(self, *, pass_rate: ArrayLike, accept: ArrayLike | None = None) -> RateTable:
        """The same with the pass rates that an audit finds the policy to have by now.

        Args:
            pass_rate: m of each stratum.
            accept: q of each stratum, from the same time; None: rho0 + J m, which follows. An old q
                beside a new m, or the other way round, would pay strata for the time between.

        Raises:
            UsageError: A rate is no probability, or there is not one for each stratum.

        Example:
            >>> table = RateTable.known(0.1, 0.2, pass_rate=0.5).observed(pass_rate=[0.6])
            >>> table.accept_S.round(2)
            array([0.52])
        """
        pass_S = np.asarray(pass_rate, dtype=float)
        implied_S = self.rho0_S + self.j_S * pass_S
        accept_S = implied_S if accept is None else np.asarray(accept, dtype=float)
        _check_shares(pass_S, accept_S)
        if any(column.shape != (len(self),) for column in (pass_S, accept_S)):
            raise UsageError(f"give one rate for each of the {len(self)} strata")
        return replace(self, pass_S=pass_S, accept_S=accept_S)

    def masked(self, bad: Collection[str]) -> RateTable:
        """The same without trust in some strata: whatever the correction, their rows weigh nothing.

        Raises:
            UsageError: There is no such stratum, or none would be left.

        Example:
            >>> table = RateTable.known([0.1, 0.7], 0.7, allow_inverted=True).masked(["1"])
            >>> table.trusted_S
            array([ True, False])
        """
        unknown = sorted(set(bad) - set(self.strata))
        if unknown:
            raise UsageError(f"no stratum {unknown[0]!r}; there are: {', '.join(self.strata)}")
        trusted_S = self.trusted_S & np.array([name not in bad for name in self.strata])
        if not trusted_S.any():
            raise UsageError("every stratum is masked: nothing is left to train on")
        return replace(self, trusted_S=trusted_S)

    def codes(self, names: Iterable[str | None]) -> NDArray[np.int64]:
        """Rows' strata as integers, for the calls that take `stratum_B`.

        A row without a stratum belongs to the one that `estimate` makes of such rows, if it did.

        Raises:
            UsageError: A row's stratum has no rates.

        Example:
            >>> RateTable.known([0.1, 0.8], [0.2, 0.1], strata=["boxed", "prose"]).codes(["prose"])
            array([1])
        """
        return codes_of(self.strata, names)


def codes_of(strata: tuple[str, ...], names: Iterable[str | None]) -> NDArray[np.int64]:
    """Names of strata as integers; where rates have no strata, all rows share them.

    Raises:
        UsageError: A name is none of the strata.

    Example:
        >>> codes_of(("boxed", "(none)"), [None, "boxed"]), codes_of(("",), ["boxed"])
        (array([1, 0]), array([0]))
    """
    if strata == ("",):
        return np.zeros(len(list(names)), dtype=np.int64)
    number = {name: code for code, name in enumerate(strata)}
    unnamed = "" if "" in number else NO_STRATUM
    try:
        return np.array([number[name or unnamed] for name in names], dtype=np.int64)
    except KeyError as which:
        known = ", ".join(map(repr, strata))
        raise UsageError(f"no rates for stratum {which}; there are: {known}") from None


def _rates_at(rates: NoiseRates, name: str, missing: str) -> NoiseRates:
    if not rates.strata and name == "":
        return rates
    if missing == "pooled":
        return rates.strata.get(name, rates)
    return rates.at(name)


def _refuse_inverted(names: Sequence[str], js: Sequence[Interval], allowed: bool) -> None:
    bad = [f"{name!r} ({j})" for name, j in zip(names, js, strict=True) if j.high < 0]
    if bad and not allowed:
        raise UsageError(
            f"J is below 0 in {', '.join(bad)}: the verifier prefers wrong answers there. "
            "Repair it, or turn it around with allow_inverted=True, or say that and .masked(...)"
        )


def _notes(
    rates: NoiseRates, names: Sequence[str], js: Sequence[Interval], trusted_S: Bools
) -> tuple[str, ...]:
    pooled = [
        f"stratum {name!r} has no rates of its own and takes the pooled ones"
        for name in names
        if rates.strata and name not in rates.strata
    ]
    masked = [
        f"stratum {name!r} weighs nothing: its J cannot be told "
        + (f"from 0 ({j})" if j.point == j.point else f"({j.low:.3f} to {j.high:.3f}, no point)")
        for name, j, trusted in zip(names, js, trusted_S, strict=True)
        if not trusted
    ]
    return (*pooled, *masked)


def _columns(found: Sequence[NoiseRates], js: Sequence[Interval]) -> dict[str, Floats]:
    """Rates, shares and standard errors; a rate without a point gives a J of 0."""
    rho0_S, rho1_S = (
        np.array([getattr(one, side).point for one in found], dtype=float) for side in ("fp", "fn")
    )
    blind_S = np.isnan(rho0_S) | np.isnan(rho1_S)
    shares = np.array([_shares(one) for one in found], dtype=float)
    return {
        "rho0_S": np.where(blind_S, 0.5, rho0_S),
        "rho1_S": np.where(blind_S, 0.5, rho1_S),
        "accept_S": shares[:, 0],
        "pass_S": shares[:, 1],
        "se_S": np.array([_standard_error(j) for j in js], dtype=float),
    }


def _shares(rates: NoiseRates) -> tuple[float, float]:
    """Q and m among decided rows; m from PPV and false omissions, which add up to it."""
    decided = 1 - rates.abstain.point
    accept = rates.accept.point / decided if decided else math.nan
    parts = ((accept, rates.ppv.point), (1 - accept, rates.false_omission.point))
    return accept, sum(share * correct for share, correct in parts if share)


def _standard_error(j: Interval) -> float:
    return j.width / (2 * NormalDist().inv_cdf(0.5 + j.level / 2))


def _numbers(n: int) -> tuple[str, ...]:
    return ("",) if n == 1 else tuple(map(str, range(n)))


def _check_shares(*shares: Floats) -> None:
    if any(not ((share >= 0) & (share <= 1)).all() for share in shares):
        raise UsageError("rates are probabilities in [0, 1]")

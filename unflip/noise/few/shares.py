"""Shares of a whole whose labels are few, weighted or clustered, and Bayes' rule between them."""

from __future__ import annotations

import math
from dataclasses import replace

from unflip.errors import UsageError
from unflip.intervals import LEVEL, Proportion, mover


def share(
    k: float, n: float, *, n_eff: float | None = None, lean: float = 0.0, level: float = LEVEL
) -> Proportion:
    """A share with beta ends: Clopper and Pearson's at zero counts, Jeffreys' at large ones.

    With m the smaller of hits and misses and d = 2 / (4 + m^2), the ends are the quantiles of
    Beta(k + 1/2 - d, n - k + 1/2 + d) and Beta(k + 1/2 + d, n - k + 1/2 - d). Of Jeffreys' own ends
    one holds in as little as .90 near one expected hit, of Wilson's in .84. Enumerated over every
    true share, each of these holds in .955 and more from n = 20 on, and both in .929 from n = 100
    on; benchmarks/narrowest.py says what that costs in width, and what is the least it can cost.
    Counts may be fractions, as weighted and clustered rows need.

    Args:
        k: Hits, 0 <= k <= n.
        n: Labelled rows.
        n_eff: How many independent rows they are worth, if not `n`.
        lean: Hits that both ends are moved by where the share is more skewed than a count, and is
            no count; less than there are hits and misses.
        level: Two-sided coverage in (0, 1).

    Raises:
        UsageError: The counts or the level are out of range.

    Source: Brown, Cai and DasGupta 2001, section 4.1 (Jeffreys, and why its ends need care);
    Korn and Graubard 1998 (effective counts). The taper between the two is measured, not cited.

    Example:
        >>> print(share(0, 100), share(5, 100), share(5, 100, n_eff=25))
        0.000 [0.000, 0.036] 0.050 [0.019, 0.107] 0.050 [0.003, 0.210]
    """
    from scipy.special import betaincinv

    n_eff = n if n_eff is None else n_eff
    if not (0 <= k <= n and n_eff >= 0 and 0 < level < 1):
        raise UsageError(f"a share needs 0 <= k <= n and a level, not {k=}, {n=}, {level=}")
    if n == 0:
        return between(0.0, 1.0, level=level)
    point = k / n
    hits, misses = point * n_eff, (1 - point) * n_eff
    taper = 2 / (4 + min(hits, misses) ** 2)
    tail = (1 - level) / 2
    # Below some fraction of a hit the quantile is no number, and 0 as far as anybody can tell.
    some = 1e-9
    a, b = hits + 0.5 + lean, misses + 0.5 - lean
    low = float(betaincinv(a - taper, b + taper, tail)) if hits > some else 0.0
    high = float(betaincinv(a + taper, b - taper, 1 - tail)) if misses > some else 1.0
    ends = {"low": min(low, point), "high": max(high, point)}
    return Proportion(point=point, **ends, level=level, method="beta", k=k, n=n, n_eff=n_eff)


def known(value: float, *, level: float = LEVEL) -> Proportion:
    """A share that is assumed, not measured: its interval is the value itself.

    Example:
        >>> print(known(0.98))
        0.980 [0.980, 0.980]
    """
    if not 0 <= value <= 1:
        raise UsageError(f"a share lies in [0, 1], not {value}")
    return Proportion(
        point=value, low=value, high=value, level=level, method="assumed", k=0, n=0, n_eff=0
    )


def between(low: float, high: float, *, level: float = LEVEL) -> Proportion:
    """A share of which only bounds are known; it has no point (NaN).

    Example:
        >>> between(0.9, 1).high
        1
    """
    if not 0 <= low <= high <= 1:
        raise UsageError(f"bounds need 0 <= low <= high <= 1, not {low}, {high}")
    return Proportion(
        point=math.nan, low=low, high=high, level=level, method="bounds", k=0, n=0, n_eff=0
    )


def complement(part: Proportion) -> Proportion:
    """The share of the others, 1 - p.

    Example:
        >>> print(complement(share(5, 100)))
        0.950 [0.893, 0.981]
    """
    return replace(
        part, point=1 - part.point, low=1 - part.high, high=1 - part.low, k=part.n - part.k
    )


def inverse(
    in_part: Proportion, in_rest: Proportion, part: Proportion, *, inflation: float = 1.0
) -> Proportion:
    """Bayes' rule: from P(correct | part), P(correct | rest) and P(part) to P(part | correct).

    On the scale of log odds the three enter as a sum, log p_part - log p_rest + logit P(part), so
    the interval is MOVER there: exactly the interval of one figure, transformed, when the other
    two are known. A figure without a point gives a band: the ends that its own ends allow.

    Args:
        in_part: P(correct | part), such as the false-omission rate nu with part = rejected.
        in_rest: P(correct | rest), such as the PPV pi.
        part: P(part), such as the share of rejects.
        inflation: Factor on the variance where clusters make the three figures move together.

    Source: Begg and Greenes 1983 (the rule); Zou and Donner 2008 (MOVER).

    Example:
        >>> print(inverse(share(30, 150), share(49, 50), share(1600, 3600)))
        0.140 [0.104, 0.184]
    """
    if math.isnan(in_part.point) or math.isnan(in_rest.point):
        return _band(in_part, in_rest, part, inflation)
    if math.isnan(part.point):
        return between(0.0, 1.0, level=part.level)
    n = in_part.n + in_rest.n
    whole = in_part.point * part.point + in_rest.point * (1 - part.point)
    if whole == 0:
        return replace(between(0.0, 1.0, level=part.level), n=n)
    point = in_part.point * part.point / whole
    low, high = _ends(in_part, in_rest, part, inflation)
    n_eff = _worth(in_part, in_rest, part) / inflation
    return Proportion(
        point=point,
        low=min(low, point),
        high=max(high, point),
        level=part.level,
        method="bayes",
        k=point * n,
        n=n,
        n_eff=n_eff,
    )


def _band(
    in_part: Proportion, in_rest: Proportion, part: Proportion, inflation: float
) -> Proportion:
    least_part, most_part = _extremes(in_part)
    least_rest, most_rest = _extremes(in_rest)
    low = inverse(least_part, most_rest, part, inflation=inflation).low
    high = inverse(most_part, least_rest, part, inflation=inflation).high
    n = in_part.n + in_rest.n
    band = replace(between(low, high, level=part.level), method="band", n=n)
    # Of an empty part it is without consequence how many would be correct: the rate is 0, or 1.
    if part.point == 0 and in_rest.point > 0:
        return replace(band, point=0.0, n_eff=_worth(most_part, in_rest, part))
    if part.point == 1 and in_part.point > 0:
        return replace(band, point=1.0, k=n, n_eff=_worth(in_part, most_rest, part))
    return band


def _extremes(figure: Proportion) -> tuple[Proportion, Proportion]:
    if not math.isnan(figure.point):
        return figure, figure
    return known(figure.low, level=figure.level), known(figure.high, level=figure.level)


def _ends(
    in_part: Proportion, in_rest: Proportion, part: Proportion, inflation: float
) -> tuple[float, float]:
    terms = (
        [_log(p) for p in _triple(in_part)],
        [-_log(p) for p in reversed(_triple(in_rest))],
        [_log(p) - _log(1 - p) for p in _triple(part)],
    )
    centre = sum(mid for _, mid, _ in terms)
    if math.isnan(centre):
        return 0.0, 1.0
    down = math.sqrt(inflation * sum((mid - low) ** 2 for low, mid, _ in terms if low != mid))
    up = math.sqrt(inflation * sum((high - mid) ** 2 for _, mid, high in terms if high != mid))
    return _expit(centre - down), _expit(centre + up)


def _triple(figure: Proportion) -> tuple[float, float, float]:
    """Low end, middle and high end; the middle is the beta's median, inside even at 0 or 1 hits."""
    if figure.low == figure.high:
        return figure.low, figure.low, figure.low
    # Kerman 2011: the median of Beta(a, b) is close to (a - 1/3) / (a + b - 2/3).
    middle = (figure.point * figure.n_eff + 1 / 6) / (figure.n_eff + 1 / 3)
    return figure.low, min(max(middle, figure.low), figure.high), figure.high


def _worth(in_part: Proportion, in_rest: Proportion, part: Proportion) -> float:
    """How many independent rows of the class the figure is worth: p (1 - p) / variance, by delta.

    Written so that it stays finite where a count is zero; with every row labelled it is the number
    of rows of the class.
    """
    nu, pi, s = in_part.point, in_rest.point, part.point
    whole = nu * s + pi * (1 - s)
    rate = nu * s / whole
    loss = (1 - rate) * (1 - nu) * s / whole * _variance(in_part)
    loss += rate * (1 - pi) * (1 - s) / whole * _variance(in_rest)
    # Not over whole squared, which is 0 in floating point long before the whole is.
    loss += nu / whole * pi / whole * _variance(part)
    return 1 / loss if loss else 0.0


def _variance(figure: Proportion) -> float:
    """In units of p (1 - p); none where the figure is assumed."""
    if figure.low == figure.high:
        return 0.0
    return 1 / figure.n_eff


def _log(p: float) -> float:
    return math.log(p) if p > 0 else -math.inf


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


def mixture(
    one: Proportion, other: Proportion, weight: Proportion, *, inflation: float = 1.0
) -> Proportion:
    """P(correct) over two parts, `weight` being the share of the first: MOVER on the sum.

    Args:
        one: P(correct | part).
        other: P(correct | rest).
        weight: P(part).
        inflation: Factor on the variance where clusters make the three figures move together.

    Example:
        >>> print(mixture(share(90, 100), share(10, 100), known(0.25)))
        0.300 [0.260, 0.354]
    """
    w, n = weight.point, one.n + other.n
    if math.isnan(w):
        low, high = min(one.low, other.low), max(one.high, other.high)
        return replace(between(low, high, level=weight.level), method="band", n=n)
    if (w == 0 and math.isnan(one.point)) or (w == 1 and math.isnan(other.point)):
        # The empty part has no say in the point.
        return other if w == 0 else one
    if math.isnan(one.point) or math.isnan(other.point):
        low, high = w * one.low + (1 - w) * other.low, w * one.high + (1 - w) * other.high
        return replace(between(low, high, level=weight.level), method="band", n=n)
    point = w * one.point + (1 - w) * other.point
    gap = one.point - other.point
    ends = mover(point, (w, one), (1 - w, other), (gap, weight))
    wider = math.sqrt(inflation)
    variance = inflation * sum(
        factor**2 * p.point * (1 - p.point) * _variance(p)
        for factor, p in ((w, one), (1 - w, other), (gap, weight))
    )
    # Of no hits, or no misses, both parts are worth what they are of any.
    alike = inflation * (w**2 * _variance(one) + (1 - w) ** 2 * _variance(other))
    n_eff = point * (1 - point) / variance if variance else 1 / alike if alike else n
    return Proportion(
        point=point,
        low=max(0.0, point - wider * (point - ends.low)),
        high=min(1.0, point + wider * (ends.high - point)),
        level=weight.level,
        method="mover",
        k=point * n,
        n=n,
        n_eff=n_eff,
    )

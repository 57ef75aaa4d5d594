"""Differences paired by seed: their intervals, and whether two arms are equal within a margin."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t


@dataclass(frozen=True)
class Paired:
    """The mean of n differences, and its standard error.

    Example:
        >>> found = Paired.of([0.01, 0.02, 0.03, 0.02])
        >>> found.interval(0.95).round(3), found.equivalent(0.05) < 0.05
        (array([0.007, 0.033]), True)
    """

    n: int
    mean: float
    se: float

    @classmethod
    def of(cls, difference_N):
        """From the differences of n seeds, two at least."""
        n = len(difference_N)
        return cls(n, float(np.mean(difference_N)), float(np.std(difference_N, ddof=1) / n**0.5))

    def interval(self, level):
        """Student's interval, (2,)."""
        reach = t.ppf(0.5 + level / 2, self.n - 1) * self.se
        return np.array([self.mean - reach, self.mean + reach])

    def equivalent(self, margin):
        """The p-value of two one-sided tests (Schuirmann 1987): small if |difference| < margin."""
        if self.se == 0:
            return float(abs(self.mean) >= margin)
        above, below = (self.mean + margin) / self.se, (self.mean - margin) / self.se
        return float(max(t.sf(above, self.n - 1), t.cdf(below, self.n - 1)))


def told(pair, *, equivalence, margin, family):
    """What a comparison shows, in words.

    Args:
        pair: The differences.
        equivalence: Whether the claim is that there is none.
        margin: What counts as none.
        family: How many comparisons share the 5%.
    """
    if equivalence:
        return "equal" if pair.equivalent(margin) < 0.05 else "not shown to be equal"
    low, high = pair.interval(1 - 0.05 / family)
    if low > 0:
        return "higher"
    return "lower" if high < 0 else "unresolved"

"""How wide an honest interval for a share has to be, by counting: no draw, no chance.

python benchmarks/narrowest.py

For n independent labels and each rate: the expected width of ours (what `begg_greenes` makes of
labels alone), of the usual ones, and of the least that a method can do whose ends each hold in .955
(nominal .975 less .02) at every rate. That is Clopper and Pearson's with .045 in each tail: where a
low end rises with the hits k, it lies above a rate p for all counts from some k on, so to hold in
.955 at every p just below its value at k it may not exceed the p at which k hits or more have the
chance .045, which is Clopper and Pearson's. Its mean coverage is below nominal for larger n, so it
is a bound and no proposal.
"""

from functools import cache

import machine
import numpy as np
from scipy.special import betaincinv
from scipy.stats import binom

from unflip.intervals import wilson
from unflip.noise.few import share

RATES = (0.01, 0.05, 0.2, 0.5)
SIZES = (100, 200, 500, 1000, 5000)
END = 0.955
EVERY = (0.005, 0.995)


def beta(n, shift, tail=0.025):
    """Both ends by k: quantiles of Beta(k + 1/2 -+ shift, n - k + 1/2 +- shift)."""
    k = np.arange(n + 1)
    low = betaincinv(np.maximum(k + 0.5 - shift, 1e-9), n - k + 0.5 + shift, tail)
    low[0] = 0
    return low, 1 - low[::-1]


def middle(n):
    """Mid-P: half of the chance of k itself counts; by bisection."""
    k = np.arange(n + 1)
    down, up = np.zeros(n + 1), np.ones(n + 1)
    for _ in range(50):
        p = (down + up) / 2
        above = binom.sf(k, n, p) + binom.pmf(k, n, p) / 2 > 0.025
        down, up = np.where(above, down, p), np.where(above, p, up)
    low = np.where(k > 0, down, 0)
    return low, 1 - low[::-1]


def ends_of(method):
    """Of a method that makes one interval a time."""

    def ends(n):
        found = [method(k, n) for k in range(n + 1)]
        return np.array([one.low for one in found]), np.array([one.high for one in found])

    return ends


def bootstrap(n):
    """Percentile bootstrap: resampling a share is drawing from a binomial."""
    return tuple(binom.ppf(tail, n, np.arange(n + 1) / n) / n for tail in (0.025, 0.975))


METHODS = {
    "bootstrap": bootstrap,
    "ours": ends_of(share),
    "Jeffreys": lambda n: beta(n, 0.0),
    "mid-P": middle,
    "Wilson": ends_of(wilson),
    "Clopper-Pearson": lambda n: beta(n, 0.5),
    "least": lambda n: beta(n, 0.5, 1 - END),
}


@cache
def ends(method, n):
    return METHODS[method](n)


def held(method, n, rates):
    """How often the low end, and the high end, hold at each rate."""
    low, high = ends(method, n)
    chance = binom.pmf(np.arange(n + 1), n, np.asarray(rates)[:, None])
    return (chance * (low <= rates[:, None])).sum(1), (chance * (high >= rates[:, None])).sum(1)


def around(method, n, least, most):
    """Rates between two: an even grid, and just beyond each end, where coverage is worst."""
    beyond = np.concatenate([ends(method, n)[0] - 1e-9, ends(method, n)[1] + 1e-9])
    grid = np.concatenate([np.linspace(least, most, 2000), beyond])
    return np.unique(grid[(grid >= least) & (grid <= most)])


def width(method, n, rate):
    low, high = ends(method, n)
    return float(binom.pmf(np.arange(n + 1), n, rate) @ (high - low))


def widths():
    """Expected widths over the bootstrap's, and where that covers, by luck or not."""
    print("\n## Width over the bootstrap's\n")
    others = [method for method in METHODS if method != "bootstrap"]
    print("| rate | n | bootstrap: low end, high end | worst end within 20% | "
          + " | ".join(others) + " |\n|" + "---|" * (4 + len(others)))  # fmt: skip
    for rate in RATES:
        for n in SIZES:
            low, high = held("bootstrap", n, np.array([rate]))
            near = held("bootstrap", n, around("bootstrap", n, 0.8 * rate, 1.2 * rate))
            base = width("bootstrap", n, rate)
            told = [f"{low[0]:.3f} {high[0]:.3f}", f"{np.min(near):.3f}"]
            told += [f"{width(method, n, rate) / base:.3f}" for method in others]
            print(f"| {rate:g} | {n} | " + " | ".join(told) + " |", flush=True)


def worst():
    """The worst coverage at any rate."""
    print("\n## Worst coverage over rates from {} to {}: low end, high end, both\n".format(*EVERY))
    sizes = [n for n in SIZES if n <= 1000]
    print("| method | " + " | ".join(f"n {n}" for n in sizes) + " |\n|" + "---|" * (1 + len(sizes)))
    for method in METHODS:
        cells = []
        for n in sizes:
            low, high = held(method, n, around(method, n, *EVERY))
            cells.append(f"{low.min():.3f} {high.min():.3f} {(low + high - 1).min():.3f}")
        print(f"| {method} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    print(machine.line())
    widths()
    worst()

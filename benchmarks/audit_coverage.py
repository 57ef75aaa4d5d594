"""How often the intervals of an audit hold what they should, on simulated judges with known rates.

    python benchmarks/audit_coverage.py [--items 50 100 500] [--audits 400] [--quick]

Items differ in how easily a judge is fooled on them, and every probe meets the same items: a probe
of rate r is accepted with probability expit(logit(r) + spread z) on an item of ease z, and right
answers are rejected in the same way; one attempt in 25 is left open, whatever it is. To a judge of
spread 0 all items are alike; with 3, an item falls to most probes or to few. True rates are
integrals over z.

Each row tells in which share of the audits an interval held the true value, at a nominal 95%. Of
single probes it is the mean over probes of different rates, and the lowest of them; of all probes
at once it is the share of audits in which none was missed. The last row is the share of audits in
which McNemar's test tells two judges of equal rates apart, at 5%.
"""

import argparse
import math
from collections import defaultdict

import machine
import numpy as np

from unflip.audit import Item, Probe, audit, chosen
from unflip.types import Outcome, Reason, Verdict

RATES = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 0.97)
FNR, PLAIN, OPEN = 0.05, 0.03, 0.04
CONTROLS = tuple(probe for probe in chosen(["symbols"]) if probe.family == "control")
PROBES = tuple(
    Probe(name=str(n), family="own", text=f"key number {n}", held_out=n % 2 == 0)
    for n in range(len(RATES))
)
SAID = {
    1.0: Verdict(Outcome.ACCEPT, Reason.MATCH, by="a@1+0"),
    0.0: Verdict(Outcome.REJECT, Reason.MISMATCH, by="a@1+0"),
    math.nan: Verdict(Outcome.ABSTAIN, Reason.UNREADABLE_REPLY, by="a@1+0"),
}
OPENED = SAID[math.nan]
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(80)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, nargs="+", default=[50, 100, 500])
    parser.add_argument("--audits", type=int, default=400)
    parser.add_argument("--spreads", type=float, nargs="+", default=[0, 1, 3])
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    if given.quick:
        given.items, given.audits, given.spreads = [50], 40, [3]
    print(machine.line())
    for n in given.items:
        for spread in given.spreads:
            print(f"\n{given.audits} audits of {n} items, spread {spread:g}", flush=True)
            for name, share in simulated(n, spread, given.audits).items():
                print(f"  {name:40}{share:.3f}", flush=True)


def simulated(n, spread, audits):
    """The share of audits in which each interval held, by its name."""
    held, draw = defaultdict(list), np.random.default_rng([n, int(10 * spread)])
    items = [Item(f"{k} + 1 = ?", (str(k + 1),)) for k in range(n)]
    for _ in range(audits):
        ease_N = draw.standard_normal(n)
        judges = [Judge(name, spread, ease_N, draw) for name in "ab"]
        found = audit(judges[0], items, (*CONTROLS, *PROBES), rewritten=False, against=judges[1])
        for name, whether in covered(found, spread):
            held[name].append(whether)
    return table(held)


def table(held):
    """Means; of single probes the lowest, too."""
    told = {}
    for name, rows in held.items():
        mean = np.mean(np.array(rows, dtype=float), axis=0)
        if name.startswith("each"):
            told[name], told[f"{name}, lowest"] = float(np.nanmean(mean)), float(np.nanmin(mean))
        else:
            told[name] = float(mean)
    return told


def covered(found, spread):
    """Each interval's name, and whether it held the true value."""
    by_name = {one.probe.id: one for one in found.probes}
    ours = [by_name[probe.id] for probe in PROBES]
    true = [marginal(rate, spread) for rate in RATES]
    plain, fnr = marginal(PLAIN, spread), marginal(FNR, spread)
    truth = {one.id: rate for one, rate in zip(PROBES, true, strict=True)}
    yield "each probe", [inside(o.shares.decided, t) for o, t in zip(ours, true, strict=True)]
    yield "all probes at once", all(inside(o.together, t) for o, t in zip(ours, true, strict=True))
    yield (
        "each excess over plain wrong",
        [
            inside(o.excess, both(r, spread) - both(PLAIN, spread))
            for o, r in zip(ours, RATES, strict=True)
        ],
    )
    yield "held-out average", inside(found.held_out.decided, average(RATES[::2], spread))
    yield "average of the others", inside(found.published.decided, average(RATES[1::2], spread))
    yield "plain wrong answers", inside(found.plain.decided, plain)
    yield "controls rejected", inside(found.fnr.decided, fnr)
    yield "left open", inside(found.open, OPEN)
    yield "J", inside(found.j, 1 - plain - fnr)
    yield "J, worst probe", inside(found.worst_j, 1 - truth[found.worst.probe.id] - fnr)
    yield "B less A", inside(found.against.accepts_wrong.difference, 0)
    yield "McNemar rejects equal judges", found.against.accepts_wrong.p_value <= 0.05


def inside(interval, true):
    return interval.low <= true <= interval.high


def average(rates, spread):
    return float(np.mean([marginal(rate, spread) for rate in rates]))


def marginal(rate, spread):
    """The share of all items, however easy they are."""
    return float(WEIGHTS @ chance(rate, spread, NODES) / WEIGHTS.sum())


def both(rate, spread):
    """The share of all attempts that are decided, and hits: what is open depends on nothing."""
    return marginal(rate, spread) * (1 - OPEN)


def chance(rate, spread, ease):
    return 1 / (1 + np.exp(-(math.log(rate / (1 - rate)) + spread * ease)))


class Judge:
    """Accepts with the rate of the probe, more or less, by the ease of the item."""

    def __init__(self, name, spread, ease_N, draw):
        self.by, self.spread, self.ease_N, self.draw = f"{name}@1+0", spread, ease_N, draw

    def __call__(self, sample):
        """One draw."""
        at, _, probe = sample.id.partition(":")
        if self.draw.random() < OPEN:
            return OPENED
        family, _, name = probe.partition("/")
        right = family == "control" and not name.startswith("wrong")
        rate = RATES[int(name)] if family == "own" else FNR if right else PLAIN
        odds = rate / (1 - rate) * math.exp(self.spread * self.ease_N[int(at)])
        hit = self.draw.random() < odds / (1 + odds)
        return SAID[float(hit != right)]


if __name__ == "__main__":
    main()

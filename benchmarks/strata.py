"""Strata: coverage of shrunken intervals, level and power of the tests, and slices of real data.

python benchmarks/strata.py [judges_triviaqa_v1.jsonl] [--runs N]

1. Shrunken rates of six slices of 10 to 600 rows, beside Wilson's and the plug-in empirical Bayes
   intervals: coverage over slices, width, error; and coverage of the one slice unlike the rest.
2. The test of homogeneity on clustered rows: how often it rejects equal and unequal strata, beside
   Pearson's chi squared on rows.
3. Twenty slices without any difference: how often one is called real, with and without Holm.
With data: the slices of two judges' false-positive and false-negative rates.
"""

import argparse
import json
from pathlib import Path

import machine
import numpy as np
from scipy.optimize import minimize
from scipy.special import betaincinv, betaln
from scipy.stats import chi2_contingency

from unflip.intervals import wilson
from unflip.noise.slices import bins, find, homogeneity, shrink

SIZES = np.array([10, 20, 40, 80, 200, 600])


def plug_in(hits_S, sizes_S):
    """Empirical Bayes with mean and concentration at their likeliest: low and high ends."""

    def loss(at):
        mean, concentration = 1 / (1 + np.exp(-at[0])), np.exp(np.clip(at[1], -3, 12))
        a, b = mean * concentration, (1 - mean) * concentration
        return -(betaln(a + hits_S, b + sizes_S - hits_S) - betaln(a, b)).sum()

    at = minimize(loss, [-2.0, 3.0], method="Nelder-Mead").x
    mean, concentration = 1 / (1 + np.exp(-at[0])), np.exp(np.clip(at[1], -3, 12))
    a_S, b_S = mean * concentration + hits_S, (1 - mean) * concentration + sizes_S - hits_S
    return betaincinv(a_S, b_S, 0.025), betaincinv(a_S, b_S, 0.975), a_S / (a_S + b_S)


def ends(intervals):
    return tuple(
        np.array([getattr(i, name) for i in intervals]) for name in ("low", "high", "point")
    )


def shrinkage(runs):
    print(f"\n## Shrunken rates of six slices of {SIZES.tolist()} rows ({runs} runs)\n")
    print("| mean, spread of rates | method | coverage | smallest slice | width | rms error |")
    print("|---|---|---|---|---|---|")
    for mean, concentration in ((0.05, 20), (0.05, 500), (0.2, 10), (0.2, 200), (0.5, 20)):
        rng = np.random.default_rng(1)
        spread = np.sqrt(mean * (1 - mean) / (concentration + 1))
        rate_RS = rng.beta(mean * concentration, (1 - mean) * concentration, (runs, 6))
        summary(f"{mean}, {spread:.3f}", rate_RS, rng.binomial(SIZES, rate_RS))
    rng = np.random.default_rng(1)
    for size in (20, 600):
        rate_RS = np.where(size == SIZES, 0.3, 0.05) * np.ones((runs, 1))
        hits_RS = rng.binomial(SIZES, rate_RS)
        kept = np.flatnonzero(size == SIZES)
        summary(f"all .05, the slice of {size} rows .3: that slice", rate_RS, hits_RS, kept)


def summary(title, rate_RS, hits_RS, kept=slice(None)):
    methods = {
        "Wilson": lambda hits_S: ends([wilson(k, n) for k, n in zip(hits_S, SIZES, strict=True)]),
        "plug-in": lambda hits_S: plug_in(hits_S, SIZES),
        "ours": lambda hits_S: ends(shrink(hits_S, SIZES).rates),
    }
    for name, method in methods.items():
        low_RS, high_RS, point_RS = (
            np.stack(part)[:, kept] for part in zip(*map(method, hits_RS), strict=True)
        )
        truth_RS = rate_RS[:, kept]
        inside_RS = (low_RS <= truth_RS) & (truth_RS <= high_RS)
        error = np.sqrt(((point_RS - truth_RS) ** 2).mean())
        row = f"{inside_RS.mean():.3f} | {inside_RS[:, 0].mean():.3f}"
        print(f"| {title} | {name} | {row} | {(high_RS - low_RS).mean():.3f} | {error:.3f} |")


def clustered_rows(rng, effect, *, within):
    """60 prompts of 8 rows with correlated luck; a third of rows (or of prompts) is the slice."""
    group_N = np.repeat(np.arange(60), 8)
    inside_N = rng.random(480) < 1 / 3 if within else group_N % 3 == 0
    rate_N = np.repeat(rng.beta(0.4, 1.6, 60), 8) * (1 - effect) + effect * inside_N
    return rng.random(480) < rate_N, inside_N, group_N


def tests(runs):
    print(
        f"\n## Rejections at 5% of 'all strata have one rate', 60 prompts of 8 rows ({runs} runs)\n"
    )
    print("| strata | difference | ours, by prompt | Pearson, by row |\n|---|---|---|---|")
    for within in (True, False):
        for effect in (0.0, 0.1, 0.2):
            rng, ours, theirs = np.random.default_rng(2), 0, 0
            for run in range(runs):
                hit_N, inside_N, group_N = clustered_rows(rng, effect, within=within)
                p = homogeneity(hit_N, inside_N, group_N=group_N, draws=499, seed=run)
                ours += p <= 0.05
                table = np.histogram2d(hit_N, inside_N, bins=2)[0]
                theirs += chi2_contingency(table, correction=False).pvalue <= 0.05
            name = "inside prompts" if within else "by prompt"
            print(f"| {name} | {effect} | {ours / runs:.3f} | {theirs / runs:.3f} |")


def multiplicity(runs):
    rng, holm, plain = np.random.default_rng(3), 0, 0
    for _ in range(runs):
        slices = find(
            rng.random(300) < 0.2, {str(i): rng.choice(list("abcd"), 300) for i in range(5)}
        )
        holm += min(one.adjusted for one in slices) <= 0.05
        plain += min(one.p_value for one in slices) <= 0.05
    print(f"\n## Twenty slices without a difference: a finding at 5% ({runs} runs)\n")
    print(f"unadjusted {plain / runs:.3f}, Holm {holm / runs:.3f}")


def real(path):
    rows = [json.loads(line) for line in Path(path).read_text().splitlines()]
    for judge in ("GPT-4", "Contains"):
        for rate, label in (("rho0", 0), ("rho1", 1)):
            kept = [r for r in rows if r["label"] == label and r["judges"][judge] is not None]
            hit_N = [r["judges"][judge] != label for r in kept]
            columns = {
                "responder": [r["responder"] for r in kept],
                "length": bins([len(r["response"]) for r in kept]),
                "references": bins([len(r["references"].splitlines()) for r in kept]),
            }
            print(f"\n## {judge}, {rate}: slices that differ (Holm, 5%), prompts as groups\n")
            print("| slice | rows | rate | shrunk | rest | adjusted p |\n|---|---|---|---|---|---|")
            for one in find(hit_N, columns, group_N=[r["question"] for r in kept]):
                if one.adjusted <= 0.05:
                    name = f"{one.column} {one.label} | {one.rate.n:.0f}"
                    row = f"{one.rate} | {one.shrunk} | {one.rest.point:.3f}"
                    print(f"| {name} | {row} | {one.adjusted:.4f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?")
    parser.add_argument("--runs", type=int, default=500)
    options = parser.parse_args()
    print(machine.line())
    shrinkage(options.runs)
    tests(options.runs)
    multiplicity(options.runs)
    if options.data:
        real(options.data)


if __name__ == "__main__":
    main()

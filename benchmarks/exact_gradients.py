"""Where corrected updates point, and how noisy they are: enumerated at K = 8, no training involved.

python benchmarks/exact_gradients.py [--draws N] [--labels N] [--seed N]

A policy chooses among four answers, correct and wrong ones in two strata; every group of eight is
enumerated with its probability. "cosine" is that of the expected update with the clean gradient, 1
for an unbiased one. "hack" is E[advantage | second stratum] - E[advantage | first], where both
have the same pass rate: what there is to be had from moving between them. "groups" is the noise:
how many groups it takes until it is as long as the signal, along the clean gradient and in all
directions together. The last columns have rates, and pass rates, from random labels: the mean
cosine over draws of labels, and its lowest twentieth. A stratum whose J cannot be told from 0 is
masked; how often that happens stands above each table. Direct advantages are refused where a
stratum is masked, and so is masking the only other one: such draws are left out of theirs.
"""

import argparse
from dataclasses import replace

import machine
import numpy as np

from tests.correction.exact import clean_gradient, enumerate_groups
from unflip.correction import (
    RateTable,
    anchored,
    backward,
    clean_std,
    direct,
    grpo,
    masking,
    posterior,
    rloo,
    stratified_forward,
)
from unflip.correction.line import Line
from unflip.errors import UsageError
from unflip.noise.gold import rates_from_arrays

POLICIES = {"p = .3": [0.15, 0.35, 0.15, 0.35], "p = .05": [0.025, 0.475, 0.025, 0.475]}
RATES = {
    "iid .1, .2": ([0.1, 0.1], [0.2, 0.2]),
    "iid .3, .3": ([0.3, 0.3], [0.3, 0.3]),
    "by stratum": ([0.05, 0.3], [0.4, 0.1]),
    "hackable": ([0.05, 0.8], [0.1, 0.1]),
}
METHODS = {
    "raw, grpo": (lambda _: raw(), grpo),
    "raw, rloo": (lambda _: raw(), rloo),
    "backward, grpo": (backward, grpo),
    "backward, clean std": (backward, clean_std),
    "backward, rloo": (backward, rloo),
    "stratified forward, direct": (stratified_forward, direct),
    "anchored, rloo": (anchored, rloo),
    "posterior, grpo": (posterior, grpo),
    "posterior, rloo": (posterior, rloo),
    "second stratum masked, rloo": (lambda table: masking(table, [table.strata[1]]), rloo),
}


def raw():
    return Line("raw", np.array([[0.0, 1.0]]))


def advantages(line, normaliser, groups):
    r_hat_B = line(groups.verdict_B, groups.stratum_B if len(line.strata) > 1 else None)
    return normaliser(r_hat_B, groups.group_B, n_groups=groups.n)


def cosine(one_Y, other_Y):
    lengths = np.linalg.norm(one_Y) * np.linalg.norm(other_Y)
    return float(one_Y @ other_Y / lengths) if lengths else 0.0


def noise(groups, advantage_B, policy_Y):
    """Variance over squared mean of one group's update: along the clean gradient, and in all."""
    score_BY = np.eye(4)[groups.answer_B] - policy_Y
    update_GY = (advantage_B[:, None] * score_BY).reshape(groups.n, -1, 4).mean(1)
    mean_Y = groups.chance_G @ update_GY
    clean_Y = clean_gradient(policy_Y) / np.linalg.norm(clean_gradient(policy_Y))
    along = groups.chance_G @ ((update_GY - mean_Y) @ clean_Y) ** 2 / (mean_Y @ clean_Y) ** 2
    whole = groups.chance_G @ ((update_GY - mean_Y) ** 2).sum(1) / (mean_Y @ clean_Y) ** 2
    return float(along), float(whole)


def hack(groups, advantage_B):
    first, second = (groups.mean(advantage_B, groups.stratum_B == s) for s in (0, 1))
    return float(second - first)


def known(policy_Y, rates):
    by_stratum_S2 = policy_Y.reshape(2, 2)
    return RateTable.known(*rates, pass_rate=by_stratum_S2[:, 0] / by_stratum_S2.sum(1))


def measured(policy_Y, rates, labels, rng):
    """The table from so many random labels in each stratum."""
    strata = {}
    for stratum, (rho0, rho1) in enumerate(zip(*rates, strict=True)):
        pass_rate = policy_Y[2 * stratum] / policy_Y[2 * stratum : 2 * stratum + 2].sum()
        truth_n = rng.random(labels) < pass_rate
        accept_n = rng.random(labels) < np.where(truth_n, 1 - rho1, rho0)
        strata[str(stratum)] = rates_from_arrays(accept_n.astype(float), truth_n.astype(float))
    table = replace(strata["0"], strata=strata)
    return RateTable.of(table, by="", allow_inverted=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--labels", type=int, default=200)
    parser.add_argument("--seed", type=int, default=3)
    arguments = parser.parse_args()
    print(machine.line())
    for policy, rates in ((p, r) for p in POLICIES for r in RATES):
        show(policy, rates, arguments)


def show(policy, rates, arguments):
    policy_Y, rng = np.array(POLICIES[policy]), np.random.default_rng(arguments.seed)
    groups = enumerate_groups(policy_Y, *RATES[rates], k=8)
    tables = [
        table
        for _ in range(arguments.draws)
        if (table := attempt(policy_Y, RATES[rates], arguments.labels, rng)) is not None
    ]
    masked = np.mean([not table.trusted_S.all() for table in tables])
    refused = 1 - len(tables) / arguments.draws
    print(f"\n## {policy}, noise {rates}: J cannot be told from 0 in a stratum in {masked:.0%} of")
    print(f"draws of {arguments.labels} labels a stratum, and nowhere in {refused:.0%}\n")
    print("| method | cosine | hack | groups, along | groups, all | from labels: mean | at 5% |")
    print("|" + "---|" * 7)
    for name, (correction, normaliser) in METHODS.items():
        advantage_B = advantages(correction(known(policy_Y, RATES[rates])), normaliser, groups)
        found = cosine(groups.gradient(advantage_B, policy_Y), clean_gradient(policy_Y))
        drawn = [drawn_cosine(table, correction, normaliser, groups, policy_Y) for table in tables]
        cells = found, hack(groups, advantage_B), *noise(groups, advantage_B, policy_Y)
        seen = [cosine for cosine in drawn if cosine is not None]
        ends = (np.mean(seen), np.quantile(seen, 0.05)) if seen else ()
        texts = [f"{cell:z.3f}" for cell in (*cells, *ends)] + ["refused"] * (2 - len(ends))
        print(f"| {name} | " + " | ".join(texts) + " |")


def attempt(policy_Y, rates, labels, rng):
    try:
        return measured(policy_Y, rates, labels, rng)
    except UsageError:
        return None


def drawn_cosine(table, correction, normaliser, groups, policy_Y):
    if normaliser is direct and not table.trusted_S.all():
        return None
    try:
        line = correction(table)
    except UsageError:  # the first stratum is masked already
        return None
    advantage_B = advantages(line, normaliser, groups)
    return cosine(groups.gradient(advantage_B, policy_Y), clean_gradient(policy_Y))


if __name__ == "__main__":
    main()

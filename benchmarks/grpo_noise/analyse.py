"""Tables and curves of the results, as docs/experiment.md has them.

python benchmarks/grpo_noise/analyse.py [--collect DIR]... [--curves DIR]

Without options it prints every table in Markdown. --collect takes finished runs into `results/`
first; --curves writes the learning curves.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.grpo_noise.curves import drawing
from benchmarks.grpo_noise.paired import Paired, told
from benchmarks.grpo_noise.plan import (
    ARMS,
    CELLS,
    FAMILIES,
    MARGIN,
    PICTURES,
    TAUGHT,
    TRL_ARMS,
    TRL_CELLS,
)
from benchmarks.grpo_noise.results import collect, read_all

ALL_ARMS = {**ARMS, **TRL_ARMS}
BARE = ("raw", "clean", "random")
"""What pays without a correction, so that `explain` has nothing to say of it."""


def made(about):
    """When, where and with what runs were made."""
    return f"{about['preset']}: {about['machine']}, torch {about['torch']}, {about['device']}"


def arms_table(environment, results):
    """What every arm came to."""
    print(f"\n### {environment}\n")
    print("| arm | seeds | pass rate | with a carry | `#` | looks | cosine | `explain` |")
    print("|---|---|---|---|---|---|---|---|")
    for arm in {**CELLS, **TRL_CELLS}[environment]:
        if arm not in results.runs:
            continue
        runs = list(results.runs[arm].values())
        hard, hashed = (np.mean(list(results.last(arm, one).values())) for one in ("hard", "hash"))
        cells = (
            arm, len(runs), rate_of(list(results.last(arm).values())), f"{hard:.2f}",
            f"{hashed:.2f}", mean_of(runs, "looks", ",.0f"), mean_of(runs, "cosine", "z.2f"),
            "" if ALL_ARMS[arm].pays in BARE else runs[0]["effect"],
        )  # fmt: skip
        print("| " + " | ".join(map(str, cells)) + " |")


def rate_of(values):
    """The mean of the seeds' pass rates, with its interval if there are several."""
    if len(values) == 1:
        return f"{values[0]:.3f}"
    low, high = Paired.of(values).interval(0.95)
    return f"{np.mean(values):.3f} ({low:.3f} to {high:.3f})"


def mean_of(runs, name, form):
    """A figure of the runs, if they have it."""
    values = [run[name] for run in runs if run.get(name) is not None]
    return format(np.mean(values), form) if values else ""


def family_table(family, everything):
    """The comparisons that answer one question."""
    pairs = [pair for pair in family.pairs if compared(pair, everything, family.seeds)]
    if not pairs:
        return
    level = 0.9 if family.equivalence else 1 - 0.05 / len(family.pairs)
    print(f"\n### {family.question}\n")
    print(f"| environment | arm | beside | seeds | difference | {level:.1%} interval | |")
    print("|---|---|---|---|---|---|---|")
    for environment, arm, other in pairs:
        pair = Paired.of(everything[environment].only(family.seeds).differences(arm, other))
        low, high = pair.interval(level)
        says = told(pair, equivalence=family.equivalence, margin=MARGIN, family=len(family.pairs))
        figures = f"{pair.n} | {pair.mean:+.3f} | {low:+.3f} to {high:+.3f} | {says}"
        print(f"| {environment} | {arm} | {other} | {figures} |")


def shown(everything):
    """What is described: the runs of policies that had learned their examples."""
    return {
        name: results if name in TRL_CELLS else results.only(TAUGHT)
        for name, results in everything.items()
    }


def compared(pair, everything, seeds):
    """Whether there are two seeds at least."""
    environment, arm, other = pair
    there = everything[environment].only(seeds).runs if environment in everything else {}
    return len(set(there.get(arm, ())) & set(there.get(other, ()))) > 1


def write_curves(everything, folder):
    """The pictures of the plan."""
    for name, (what, title, lines) in PICTURES.items():
        there = {
            label: everything[environment].curves(arm, what)
            for environment, arm, label in lines
            if arm in everything[environment].runs
        }
        (folder / f"{name}.svg").write_text(drawing(title, there))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--collect", type=Path, action="append", default=[])
    parser.add_argument("--curves", type=Path)
    options = parser.parse_args()
    for runs in options.collect:
        collect(runs)
    everything = read_all()
    for line in sorted({made(results.about) for results in everything.values()}):
        print(line)
    for family in FAMILIES:
        family_table(family, everything)
    for environment in (*CELLS, *TRL_CELLS):
        if environment in everything:
            arms_table(environment, shown(everything)[environment])
    if options.curves:
        write_curves(shown(everything), options.curves)


if __name__ == "__main__":
    main()

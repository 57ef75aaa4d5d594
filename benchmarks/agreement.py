"""What agreement without gold gets right and wrong, beside the human truth on the same rows.

python benchmarks/agreement.py judges_triviaqa_v1.jsonl

For each panel: the error rates that the consensus suggests, the true ones, how often the
aggregated label is right, and which pairs of judges are found not to err independently, beside
the correlation that the human labels show. With crowd-kit installed, its fit beside ours.
"""

import argparse
import importlib.util
import json
from pathlib import Path

import machine
import numpy as np

from unflip.noise.unlabelled import agree

PANELS = {
    "all judges": None,
    "three LLMs": ["GPT-4", "Llama3-70B", "Llama-70B"],
    "two string rules, one LLM": ["EM", "Contains", "GPT-4"],
    "one string rule, two LLMs": ["Contains", "GPT-4", "Mistral-7B"],
    "one string rule, three LLMs": ["Contains", "GPT-4", "Mistral-7B", "Llama3-70B"],
}


def load(path):
    rows = [json.loads(line) for line in Path(path).read_text().splitlines()]
    names = list(rows[0]["judges"])
    votes = [[-1 if row["judges"][n] is None else row["judges"][n] for n in names] for row in rows]
    return names, np.array(votes), np.array([row["label"] == 1 for row in rows])


def true_rates(votes_N, correct_N):
    decided_N = votes_N >= 0
    fp = votes_N[decided_N & ~correct_N].mean()
    return fp, 1 - votes_N[decided_N & correct_N].mean()


def true_correlation(one_N, other_N, class_N):
    both_N = class_N & (one_N >= 0) & (other_N >= 0)
    if min(one_N[both_N].std(), other_N[both_N].std()) == 0:
        return 0.0
    return np.corrcoef(one_N[both_N], other_N[both_N])[0, 1]


def panel(title, names, votes_NJ, correct_N):
    fit = agree(votes_NJ, raters=tuple(names))
    right = ((fit.correct_N > 0.5) == correct_N).mean()
    truth = {name: true_rates(votes_NJ[:, j], correct_N) for j, name in enumerate(names)}
    print(f"\n## {title}: the aggregated label is right on {right:.3f} of {len(votes_NJ)} rows\n")
    print("| judge | rho0 by consensus | true | rho1 by consensus | true |\n|---|---|---|---|---|")
    for j, name in enumerate(names):
        fp, fn = truth[name]
        seen = f"{fit.accept_wrong_J[j]:.3f} | {fp:.3f} | {fit.reject_correct_J[j]:.3f} | {fn:.3f}"
        print(f"| {name} | {seen} |")
    by_truth = sorted(names, key=lambda name: sum(truth[name]))
    print(f"\nBy consensus: {' > '.join(fit.ranking)}\nBy truth: {' > '.join(by_truth)}")
    for caution in fit.cautions:
        print(f"Caution: {caution}")
    for one, other, size in fit.shared[:5]:
        i, j = names.index(one), names.index(other)
        on_wrong = true_correlation(votes_NJ[:, i], votes_NJ[:, j], ~correct_N)
        on_right = true_correlation(votes_NJ[:, i], votes_NJ[:, j], correct_N)
        print(f"- {one}, {other}: {size:+.2f}; in truth {on_wrong:+.2f} (wrong), {on_right:+.2f}")
    if importlib.util.find_spec("crowdkit"):
        beside_crowdkit(fit, names, votes_NJ)


def beside_crowdkit(fit, names, votes_NJ):
    import pandas as pd
    from crowdkit.aggregation import DawidSkene

    voted = [(i, names[j], votes_NJ[i, j]) for i, j in np.argwhere(votes_NJ >= 0)]
    other = DawidSkene(n_iter=2000, tol=0).fit(
        pd.DataFrame(voted, columns=["task", "worker", "label"])
    )
    theirs = other.probas_[1]
    apart = np.abs(theirs.to_numpy() - fit.correct_N[theirs.index]).max()
    print(f"crowd-kit: P(correct) differs by at most {apart:.1e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    names, votes_NJ, correct_N = load(parser.parse_args().data)
    print(machine.line())
    for title, chosen in PANELS.items():
        chosen = chosen or names
        panel(title, chosen, votes_NJ[:, [names.index(name) for name in chosen]], correct_N)


if __name__ == "__main__":
    main()

"""How often rates from few labels lie in their intervals, and how wide those are, beside others'.

python benchmarks/few_labels.py [--quick] [--draws N] [--seed N] [--only accuracies]

Surveys are drawn from known rates, labelled, and estimated; all methods see the same draws. Nominal
coverage is .95. n counts effective gold labels: labels bought, over the design effect where whole
prompts of 8 are labelled (ICC .5: 4.5 labels are worth one). The others are the naive percentile
bootstrap of rows, the bootstrap of prompts (percentiles, and the ends of `prompt_bootstrap`),
ppi-python and judgy; the last two are left out, and it is said, where the dependency group `bench`
is not installed. To cover is to hold the truth in .93 of the draws, and with each end, nominal
.975, in .955: an interval that misses on one side only does not cover.
"""

import argparse
from dataclasses import dataclass, field, replace
from itertools import product
from typing import NamedTuple

import machine
import numpy as np
from scipy.stats import binom

from unflip.noise.few import accuracy_by_judge, begg_greenes, prediction_powered
from unflip.noise.few.bootstrap import bca
from unflip.noise.few.means import judge_errors, mean_of
from unflip.noise.inject import Correlated, Rows
from unflip.noise.survey import Survey

try:
    from ppi_py import ppi_mean_ci
except ImportError:
    ppi_mean_ci = None
try:
    from judgy import estimate_success_rate
except ImportError:
    estimate_success_rate = None

RATES = (0.01, 0.05, 0.2, 0.5)
SIZES = (20, 50, 100, 200, 500, 1000, 5000)
NOMINAL, SLACK, ENOUGH = 0.95, 0.02, 100
ONE_END = (1 + NOMINAL) / 2
RESAMPLES = 1000
PROMPT, ICC = 8, 0.5


class Figures(NamedTuple):
    """How often a method's low end, its high end and both held, and how far apart they lay."""

    low: float
    high: float
    both: float
    width: float

    @property
    def cover(self):
        """Whether they hold as often as promised, less the slack."""
        return self.both >= NOMINAL - SLACK and min(self.low, self.high) >= ONE_END - SLACK

    def __str__(self):
        return f"{self.both:.3f} ({self.low:.3f} {self.high:.3f}) {self.width:.4f}"


@dataclass
class Cell:
    """What each method said at one rate and one n."""

    rate: float
    n: int
    said: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def note(self, method, low, high):
        """One interval of a method."""
        self.said.setdefault(method, []).append((low, high))

    def figures(self, method):
        """Coverage and mean width of a method."""
        low, high = np.array(self.said[method]).T
        below, above = low <= self.rate, self.rate <= high
        return Figures(*(float(np.mean(x)) for x in (below, above, below & above, high - low)))

    def __str__(self):
        return f"{self.rate:g}, n {self.n}"


class Table:
    """Cells of one setting, printed with what falls short; ours beside rivals that know as much."""

    def __init__(self, title, rivals):
        self.title, self.rivals, self.cells = title, rivals, []

    def print(self, draws):
        """All cells, and what falls short in them."""
        methods = [*self.rivals, *dict.fromkeys(r for rs in self.rivals.values() for r in rs)]
        print(f"\n## {self.title}\n\nEach cell: coverage (of the low end, of the high), width.\n")
        print("| rate | n | " + " | ".join(methods) + " |\n|" + "---|" * (len(methods) + 2))
        for cell in self.cells:
            said = (str(cell.figures(m)) if m in cell.said else "-" for m in methods)
            print(f"| {cell.rate:g} | {cell.n} | " + " | ".join(said) + " |", flush=True)
        self._judge(draws)

    def _judge(self, draws):
        """The two promises: coverage for n of 100 and more, and no more width than who covers."""
        enough = [cell for cell in self.cells if cell.n >= ENOUGH]
        noises = (2 * np.sqrt(level * (1 - level) / draws) for level in (NOMINAL, ONE_END))
        print("\nTwo standard errors of a coverage: {:.3f}, of an end's: {:.3f}.".format(*noises))
        for ours, rivals in self.rivals.items():
            short = [cell for cell in enough if not cell.figures(ours).cover]
            listed = "; ".join(f"{cell.figures(ours)} at {cell}" for cell in short)
            print(f"\n{ours}: falls short in {len(short)} of {len(enough)} cells"
                  f" with n >= {ENOUGH}{': ' * bool(short)}{listed}.")  # fmt: skip
            wider = [
                (cell.figures(ours).width / cell.figures(other).width - 1, other, cell)
                for cell, other in product(enough, rivals)
                if other in cell.said and cell.figures(other).cover
            ]
            more = [w for w in wider if w[0] > 0]
            listed = "; ".join(f"{100 * w:.1f}% ({other}, {cell})" for w, other, cell in more)
            print(f"{ours}: wider in {len(more)} of {len(wider)} cells where another covers"
                  f"{': ' * bool(more)}{listed}.")  # fmt: skip


def one_share(draws, rng, sizes, sensitivity, specificity):
    """nu: correct rows among rejects, from n labels and a judge on all of 5,000 rows or more."""
    title = f"nu among rejects, judge with Se {sensitivity}, Sp {specificity}"
    table = Table(title, {"labels": ["bootstrap"], "PPI++": ["ppi-python"] * bool(ppi_mean_ci)})
    for rate, n in product(RATES, sizes):
        cell, rows = Cell(rate, n), max(5000, 3 * n)
        for _ in range(draws):
            truth_N = rng.random(rows) < rate
            says = np.where(truth_N, sensitivity, 1 - specificity)
            judge_N = (rng.random(rows) < says).astype(float)
            survey = Survey(
                accepted_N=np.zeros(rows),
                rejected_N=np.ones(rows),
                correct_N=np.where(np.arange(rows) < n, truth_N, np.nan),
                judge_N=judge_N,
            )
            for method, tuning in (("labels", 0.0), ("PPI++", None)):
                figure = mean_of(survey, survey.rejected_N, tuning=tuning).share
                cell.note(method, figure.low, figure.high)
            # Resampling one share is drawing from a binomial: no need to draw.
            cell.note("bootstrap", *binom.ppf((0.025, 0.975), n, truth_N[:n].mean()) / n)
            if ppi_mean_ci:
                given = truth_N[:n].astype(float), judge_N[:n], judge_N[n:]
                low, high = ppi_mean_ci(*given, alpha=0.05)
                cell.note("ppi-python", float(low[0]), float(high[0]))
        table.cells.append(cell)
    table.print(draws)


def both_rates(draws, rng, sizes):
    """rho0 and rho1, both at the rate, n labels split evenly over 4,000 rows or more."""
    title = "by Begg and Greenes, half of n labels on either verdict, judge with Se and Sp .9"
    tables = {
        name: Table(f"{name} {title}", {"labels": ["bootstrap"], "PPI++": ["bootstrap"]})
        for name in ("rho0", "rho1")
    }
    for rate, n in product(RATES, sizes):
        cells = {name: Cell(rate, n) for name in tables}
        rows = max(4000, 3 * n)
        for _ in range(draws):
            truth_N = rng.random(rows) < 0.5
            accepted_N = truth_N ^ (rng.random(rows) < rate)
            judge_N = (truth_N ^ (rng.random(rows) < 0.1)).astype(float)
            gold_N = np.full(rows, np.nan)
            for class_N in (accepted_N, ~accepted_N):
                seen = np.flatnonzero(class_N)[: n // 2]
                gold_N[seen] = truth_N[seen]
            survey = Survey(accepted_N=accepted_N, rejected_N=~accepted_N, correct_N=gold_N,
                            judge_N=judge_N)  # fmt: skip
            for method, estimate in (("labels", begg_greenes), ("PPI++", prediction_powered)):
                rates = estimate(survey)
                cells["rho0"].note(method, rates.fp.low, rates.fp.high)
                cells["rho1"].note(method, rates.fn.low, rates.fn.high)
            for name, ends in resampled(survey, rng).items():
                cells[name].note("bootstrap", *ends)
        for name, table in tables.items():
            table.cells.append(cells[name])
    for table in tables.values():
        table.print(draws)


def resampled(survey, rng):
    """The percentile bootstrap of Begg and Greenes' rates, rows drawn within verdicts."""
    accepts, rejects = (survey.correct_N[c & survey.labelled_N]
                        for c in (survey.accepted_N, survey.rejected_N))  # fmt: skip
    pi = rng.binomial(len(accepts), accepts.mean(), RESAMPLES) / len(accepts)
    nu = rng.binomial(len(rejects), rejects.mean(), RESAMPLES) / len(rejects)
    m = rng.binomial(len(survey), survey.accepted_N.mean(), RESAMPLES) / len(survey)
    return percentiles(pi, nu, m)


def percentiles(pi, nu, m):
    right, wrong = nu * (1 - m) + pi * m, (1 - nu) * (1 - m) + (1 - pi) * m
    with np.errstate(invalid="ignore"):
        rates = {"rho0": (1 - pi) * m / wrong, "rho1": nu * (1 - m) / right}
    return {name: np.nanquantile(rate, (0.025, 0.975)) for name, rate in rates.items()}


def whole_prompts(draws, rng, sizes):
    """rho1 where every completion of some prompts is labelled; truth and flips correlate by .5."""
    effect = 1 + (PROMPT - 1) * ICC
    table = Table(
        f"rho1, all {PROMPT} completions of some prompts labelled, truth and flips with ICC {ICC}",
        {"labels": ["bootstrap", "bootstrap of prompts", "BCa of prompts"]},
    )  # fmt: skip
    for rate, n in product(RATES, sizes):
        cell, labelled = Cell(rate, n), round(n * effect / PROMPT)
        prompts = max(500, 2 * labelled)
        for draw in range(draws):
            prompt_N = np.arange(prompts * PROMPT) // PROMPT
            noise = {"icc": ICC, "seed": int(rng.integers(2**62)) + draw}
            rows = Rows(outcome_N=np.ones(len(prompt_N)), prompt_N=prompt_N)
            truth_N = Correlated(fn=0.5, **noise)(rows) == 1
            clean = Rows(outcome_N=truth_N, prompt_N=prompt_N)
            noise["seed"] += draws + 1
            accepted_N = Correlated(fp=rate, fn=rate, **noise)(clean) == 1
            survey = Survey(
                accepted_N=accepted_N,
                rejected_N=~accepted_N,
                correct_N=np.where(prompt_N < labelled, truth_N, np.nan),
                cluster_N=prompt_N,
            )
            figure = begg_greenes(survey).fn
            cell.note("labels", figure.low, figure.high)
            for method, ends in by_prompt(survey, labelled, figure, rng).items():
                cell.note(method, *ends)
        table.cells.append(cell)
    table.print(draws)


def by_prompt(survey, labelled, figure, rng):
    """Bootstraps of rho1 from the labelled prompts: rows drawn, and prompts drawn."""
    seen = slice(0, labelled * PROMPT)
    right_G = survey.correct_N[seen].reshape(-1, PROMPT)
    missed_G = (right_G * survey.rejected_N[seen].reshape(-1, PROMPT)).sum(1)
    # Prompts with equal counts are as good as one another: a draw says how many of each kind.
    kinds, times = np.unique(np.stack([missed_G, right_G.sum(1)]), axis=1, return_counts=True)
    missed, right = (kinds @ times).astype(int)
    rows = rng.binomial(right, missed / max(right, 1), RESAMPLES) / max(right, 1)
    drawn = rng.multinomial(labelled, times / labelled, RESAMPLES)
    with np.errstate(invalid="ignore"):
        prompts = np.nan_to_num(np.divide(*(kinds @ drawn.T)))
    ends = (0.025, 0.975)
    better = bca(replace(figure, point=missed / max(right, 1)), prompts)
    return {
        "bootstrap": np.quantile(rows, ends),
        "bootstrap of prompts": np.quantile(prompts, ends),
        "BCa of prompts": (better.low, better.high),
    }


def accuracies(draws, rng):
    """Accuracy by a judge less its errors: unlabelled rows, gold wrong, gold correct, Sp, Se."""
    others = ["judgy"] * bool(estimate_success_rate)
    print("\n## Accuracy from a judge's count less its errors (Lee et al.'s settings)\n")
    print("| rows | gold wrong, correct | Sp, Se | accuracy | Rogan-Gladen, Lee et al. |"
          + " judgy |" * len(others))  # fmt: skip
    print("|" + "---|" * (5 + len(others)))
    for rows, labels, sp, se, theta in (
        (200, 100, 0.8, 0.9, 0.5), (1000, 100, 0.8, 0.9, 0.5), (200, 500, 0.8, 0.9, 0.5),
        (200, 100, 0.8, 0.9, 0.95), (200, 30, 0.7, 0.8, 0.5),
    ):  # fmt: skip
        cell = Cell(theta, rows)
        for _ in range(draws):
            gold_n = np.repeat([0, 1], labels)
            judge_n = rng.random(2 * labels) < np.where(gold_n, se, 1 - sp)
            judge_N = rng.random(rows) < np.where(rng.random(rows) < theta, se, 1 - sp)
            survey = Survey(
                accepted_N=np.ones(2 * labels + rows),
                rejected_N=np.zeros(2 * labels + rows),
                correct_N=np.concatenate([gold_n, np.full(rows, np.nan)]),
                judge_N=np.concatenate([judge_n, judge_N]),
            )
            # The gold rows stand for their class and not for the share of correct ones.
            errors = judge_errors(survey, survey.accepted_N)
            figure = accuracy_by_judge(survey.where(~survey.labelled_N), errors=errors)
            cell.note("ours", figure.low, figure.high)
            if estimate_success_rate:
                try:
                    said = estimate_success_rate(gold_n, judge_n, judge_N, bootstrap_iterations=200)
                except (ValueError, RuntimeError):
                    said = (np.nan, 0.0, 1.0)
                cell.note("judgy", *said[1:])
        shown = (str(cell.figures(method)) for method in cell.said)
        print(f"| {rows} | {labels}, {labels} | {sp}, {se} | {theta} | " + " | ".join(shown) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="200 draws, n up to 500")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=["accuracies"], help="this table, and no other")
    options = parser.parse_args()
    draws = 200 if options.quick else options.draws
    sizes = [n for n in SIZES if n <= (500 if options.quick else max(SIZES))]
    rng = np.random.default_rng(options.seed)
    print(f"{machine.line()}; {draws} draws a cell")
    for package, found in (("ppi-python", ppi_mean_ci), ("judgy", estimate_success_rate)):
        if not found:
            print(f"{package} is not installed: its columns are missing")
    if options.only is None:
        one_share(draws, rng, sizes, 0.9, 0.9)
        one_share(draws, rng, sizes, 0.7, 0.7)
        both_rates(draws, rng, sizes)
        whole_prompts(draws, rng, sizes)
    accuracies(draws, rng)


if __name__ == "__main__":
    main()

"""Every estimator's bias and spread beside the human truth, on the TriviaQA judges.

python benchmarks/assisted.py PATH/judges_triviaqa_v1.jsonl [--resamples N] [--labels N] [--seed N]

3,600 answers with a human label and the verdicts of 11 judges (UMass llm_eval). A string rule is
the verifier; an LLM rechecks what it rejects. The first tables use all labels; the others hide
them, buy a few back at random, and compare what each estimator says with what all labels say.
ppi-python and judgy, the dependency group `bench`, run on the same draws if they are installed.

A caution about these data: GPT-4's verdicts on one responder, llama2-13b-chat, look broken. It
accepts 47% of that responder's wrong answers and 12% of all others', so a part of its flip rate is
a fault of the record and not of the judge. No estimator here is told.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import machine
import numpy as np

from unflip.noise.few import (
    Sampler,
    accuracy,
    accuracy_by_judge,
    begg_greenes,
    judge_corrected,
    prediction_powered,
    rogan_gladen,
)
from unflip.noise.few.means import counted, judge_errors, votes
from unflip.noise.few.shares import between, inverse, known, share
from unflip.noise.gold import rates_from_arrays
from unflip.noise.survey import Survey

try:
    from ppi_py import ppi_mean_ci, ppi_mean_pointestimate
except ImportError:
    ppi_mean_ci = None
try:
    from judgy import estimate_success_rate
except ImportError:
    estimate_success_rate = None

RULE, RECHECKER = "Contains", "GPT-4"
RECHECKERS = ("GPT-4", "Llama3-70B", "Mistral-7B", "Llama3-8B", "Gemma-2B")
SURE = known(1.0)


def read(path, rule, judge):
    """Truth, and the unlabelled survey of a rule and its rechecker, where both gave a verdict."""
    rows = [json.loads(line) for line in Path(path).read_text().splitlines()]
    rows = [r for r in rows if r["judges"][rule] is not None and r["judges"][judge] is not None]
    accepted_N = np.array([r["judges"][rule] for r in rows], dtype=bool)
    survey = Survey(
        accepted_N=accepted_N,
        rejected_N=~accepted_N,
        correct_N=np.full(len(rows), np.nan),
        judge_N=np.array([r["judges"][judge] for r in rows], dtype=float),
    )
    return np.array([r["label"] for r in rows], dtype=float), survey


def rechecked(path, rule):
    """What rechecking the rule's rejects makes of rho1, naively and corrected, all labels used."""
    print(f"\n## rho1 of {rule} by an LLM that rechecks its rejects, PPV taken as 1, all labels\n")
    print("| rechecker | calls correct | taken at its word | less its errors on rejects |", end="")
    print(" less its errors on all rows | human truth |\n|---|---|---|---|---|---|")
    for judge in RECHECKERS:
        truth_N, survey = read(path, rule, judge)
        full = replace(survey, correct_N=truth_N)
        flips = counted(full, votes(full), full.rejected_N).share
        rejects = counted(full, full.rejected_N, full.decided_N).share
        nus = [flips]
        for class_N in (full.rejected_N, full.decided_N):
            sensitivity, specificity = judge_errors(full, class_N)
            nus.append(rogan_gladen(flips, sensitivity=sensitivity, specificity=specificity))
        rates = [inverse(nu, SURE, rejects).point for nu in nus]
        cells = (flips.point, *rates, begg_greenes(full).fn.point)
        print(f"| {judge} | " + " | ".join(f"{cell:.3f}" for cell in cells) + " |")


class Draws:
    """Labels bought at random, again and again, and what each estimator said."""

    def __init__(self, truth_N, survey, rng):
        self.truth_N, self.survey, self.rng = truth_N, survey, rng
        self.said = {}

    def buy(self, **labels):
        """The survey with so many labels on rows of each class: rejected, accepted, any."""
        gold_N = np.full(len(self.survey), np.nan)
        classes = {"rejected": self.survey.rejected_N, "accepted": self.survey.accepted_N}
        for name, count in labels.items():
            rows = np.flatnonzero(classes.get(name, self.survey.decided_N))
            chosen = self.rng.permutation(rows)[:count]
            gold_N[chosen] = self.truth_N[chosen]
        return replace(self.survey, correct_N=gold_N)

    def note(self, name, **figures):
        """What an estimator said, by figure."""
        for figure, said in figures.items():
            self.said.setdefault((name, figure), []).append(said)

    def print(self, title, truths):
        """Bias, spread, width and coverage of each estimator, for each figure that it gives."""
        print(f"\n## {title}\n\n| estimator | figure | bias | sd | mean width | coverage |")
        print("|---|---|---|---|---|---|")
        for (name, figure), said in self.said.items():
            point, low, high = np.array([(one.point, one.low, one.high) for one in said]).T
            truth = truths[figure]
            covered = np.mean((low <= truth) & (truth <= high))
            print(f"| {name} | {figure} | {point.mean() - truth:+.4f} | {point.std():.4f} "
                  f"| {np.mean(high - low):.4f} | {covered:.3f} |")  # fmt: skip


def spent_on_rates(draws, labels, seed):
    """One draw of each way to spend the labels on rho1 and rho0."""
    few, many = labels // 4, labels - labels // 4
    anywhere = draws.buy(any=labels)
    seen_N = anywhere.labelled_N
    alone = rates_from_arrays(anywhere.accepted_N[seen_N], anywhere.correct_N[seen_N])
    draws.note(f"labels alone, {labels} random rows", rho1=alone.fn, rho0=alone.fp)
    rejects, both = draws.buy(rejected=labels), draws.buy(rejected=many, accepted=few)
    on_rejects, on_both = f"{labels} rejects, PPV := 1", f"{many} rejects + {few} accepts"
    draws.note(f"Begg-Greenes, {on_rejects}", rho1=begg_greenes(rejects, assume_ppv=SURE).fn)
    rates = begg_greenes(both)
    draws.note(f"Begg-Greenes, {on_both}", rho1=rates.fn, rho0=rates.fp)
    at_its_word = inverse(
        counted(both, votes(both), both.rejected_N).share,
        SURE,
        counted(both, both.rejected_N, both.decided_N).share,
    )
    draws.note("the LLM at its word on all rejects, PPV := 1", rho1=at_its_word)
    rates = judge_corrected(rejects, assume_ppv=SURE)
    draws.note(f"LLM less its errors, {on_rejects}", rho1=rates.fn)
    rates = prediction_powered(rejects, assume_ppv=SURE)
    draws.note(f"PPI++, {on_rejects}", rho1=rates.fn, nu=rates.false_omission)
    if ppi_mean_ci:
        draws.note(
            f"ppi-python, {labels} rejects", nu=ppi_python(rejects.where(rejects.rejected_N))
        )
    rates = prediction_powered(both)
    draws.note(f"PPI++, {on_both}", rho1=rates.fn, rho0=rates.fp)
    sampler, gold_N = Sampler(pool=draws.survey, budget=labels, seed=seed), draws.survey.correct_N
    while len(rows := sampler.next(gold_N)):
        gold_N = gold_N.copy()
        gold_N[rows] = draws.truth_N[rows]
    rates = begg_greenes(sampler.survey(gold_N))
    draws.note(f"Begg-Greenes, {labels} rows chosen actively", rho1=rates.fn, rho0=rates.fp)


def spent_on_accuracy(draws, labels):
    """One draw of each way to estimate the accuracy of the answers from the same labels."""
    survey = draws.buy(any=labels)
    seen_N = survey.labelled_N
    draws.note("labels alone", accuracy=share(survey.correct_N[seen_N].sum(), labels))
    every_N = survey.decided_N
    draws.note("the LLM at its word", accuracy=counted(survey, votes(survey), every_N).share)
    # One verdict for all: neither rival knows the rule's.
    plain = replace(survey, accepted_N=every_N, rejected_N=~every_N)
    draws.note("PPI++", accuracy=accuracy(plain))
    draws.note("PPI++ that knows the rule's verdict", accuracy=accuracy(survey))
    if ppi_mean_ci:
        draws.note("ppi-python", accuracy=ppi_python(survey))
    draws.note("Rogan-Gladen, Lee et al.'s interval", accuracy=accuracy_by_judge(plain))
    if estimate_success_rate:
        said = estimate_success_rate(
            survey.correct_N[seen_N], survey.judge_N[seen_N], survey.judge_N[~seen_N],
            bootstrap_iterations=200,
        )  # fmt: skip
        draws.note("judgy", accuracy=ends(*said))


def ppi_python(rows):
    """ppi-python's mean from the same labels."""
    seen_N = rows.labelled_N
    given = rows.correct_N[seen_N], rows.judge_N[seen_N], rows.judge_N[~seen_N]
    low, high = ppi_mean_ci(*given, alpha=0.05)
    return ends(float(np.squeeze(ppi_mean_pointestimate(*given))), float(low[0]), float(high[0]))


def ends(point, low, high):
    return replace(between(0.0, 1.0), point=point, low=low, high=high)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path")
    parser.add_argument("--resamples", type=int, default=4000)
    parser.add_argument("--labels", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(machine.line())
    for package, found in (("ppi-python", ppi_mean_ci), ("judgy", estimate_success_rate)):
        if not found:
            print(f"{package} is not installed: its rows are missing")
    for rule in ("Contains", "EM"):
        rechecked(options.path, rule)
    truth_N, survey = read(options.path, RULE, RECHECKER)
    rng = np.random.default_rng(options.seed)
    on_rates, on_accuracy = Draws(truth_N, survey, rng), Draws(truth_N, survey, rng)
    for turn in range(options.resamples):
        spent_on_rates(on_rates, options.labels, options.seed + turn)
        spent_on_accuracy(on_accuracy, options.labels)
    truth = begg_greenes(replace(survey, correct_N=truth_N))
    title = f"{options.labels} labels, {options.resamples} times, {RULE} rechecked by {RECHECKER}"
    rates = {"rho1": truth.fn.point, "rho0": truth.fp.point, "nu": truth.false_omission.point}
    for draws, truths in ((on_rates, rates), (on_accuracy, {"accuracy": float(truth_N.mean())})):
        by_all = ", ".join(f"{name} = {value:.4f}" for name, value in truths.items())
        draws.print(f"{title}\n\nBy all labels: {by_all}", truths)


if __name__ == "__main__":
    main()

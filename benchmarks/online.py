"""The online estimators: cost of an update, width and coverage of sequences, power of alarms.

python benchmarks/online.py [--runs N]

Everything is simulated and seeded; there is no data to give. Four parts:
1. microseconds per update, beside recomputing from lists;
2. confidence sequences: width beside the interval for one look and beside other sequences, and how
   often each is wrong at some look of a run;
3. rho0 and rho1 of clustered rollouts: the running ones at all looks, the recent ones at one look,
   and the decayed mean of ratios beside the ratio of decayed sums;
4. alarms: false ones, and steps until a hack is found, beside a test at every step.
"""

import argparse
import time
from functools import partial

import machine
import numpy as np
from scipy.optimize import brentq
from scipy.special import betainc, betaln, xlog1py, xlogy
from scipy.stats import binom

from unflip.intervals import clopper_pearson
from unflip.noise.online import Alarm, Recent, Running, one_each
from unflip.noise.online.sequences import evidence, running
from unflip.noise.survey import Survey

RATES = (0.01, 0.05, 0.2, 0.5)
RHO = (0.05, 0.2)
SIZE = 8
STEPS = 1000


def rollouts(rng, groups):
    """Accepted, correct and group of each row; flips have correlation .5 inside a prompt."""
    rows = groups * SIZE
    correct_N = rng.random(rows) < np.repeat(rng.beta(1, 1, groups), SIZE)
    shared_N = np.repeat(rng.random(groups), SIZE)
    luck_N = np.where(rng.random(rows) < np.sqrt(0.5), shared_N, rng.random(rows))
    accepted_N = np.where(correct_N, luck_N >= RHO[1], luck_N < RHO[0])
    return accepted_N, correct_N, np.repeat(np.arange(groups), SIZE)


def survey_of(accepted_N, correct_N, group_N, labelled_N):
    return Survey(
        accepted_N=accepted_N,
        rejected_N=~accepted_N,
        correct_N=np.where(labelled_N, correct_N, np.nan),
        cluster_N=group_N,
    )


def micros(call, rounds):
    began = time.perf_counter()
    for _ in range(rounds):
        call()
    return (time.perf_counter() - began) / rounds * 1e6


def from_lists(history, decay=0.9):
    """What a plain implementation does: keep every row, and go through all of them again."""
    sums = {True: [0.0, 0.0, 0.0], False: [0.0, 0.0, 0.0]}
    for age, rows in enumerate(reversed(history)):
        weight = decay**age
        for accepted, correct in rows:
            sums[accepted][0] += weight
            if correct is not None:
                sums[accepted][1] += weight
                sums[accepted][2] += weight * correct
    kept, lost = (count * correct / max(seen, 1e-9) for count, seen, correct in sums.values())
    return lost / (lost + kept)


def costs():
    print("\n## Cost of a step: 128 prompts of 8 completions, one in ten labelled\n")
    rng = np.random.default_rng(0)
    rows = rollouts(rng, 128)
    survey = survey_of(*rows, rng.random(1024) < 0.1)
    recent, alarm = Recent().update(survey), Alarm(limit=0.05, patience=1e5)
    draws, shares_G = survey.where(one_each(rows[2], rng)), rng.random(128)
    now = Running().update(draws)
    print("| what | us a step | us a row |\n|---|---|---|")
    for name, call in {
        "Survey, from arrays": lambda: survey_of(*rows, survey.labelled_N),
        "Recent.update": lambda: recent.update(survey),
        "Recent.merge": lambda: recent.merge(recent),
        "Running.update (128 draws)": lambda: now.update(draws),
        "Alarm.update (128 groups)": lambda: alarm.update(shares_G),
        "Recent.rates, when asked": recent.rates,
        "Running.fn, when asked": now.fn,
    }.items():
        cost = micros(call, 300)
        print(f"| {name} | {cost:.0f} | {cost / 1024:.3f} |")
    told = (None if truth != truth else truth for truth in survey.correct_N.tolist())
    plain = list(zip(survey.accepted_N.tolist(), told, strict=True))
    for steps in (10, 100, 1000):
        cost = micros(partial(from_lists, [plain] * steps), max(1, 30 // steps))
        print(f"| recomputing from lists, step {steps} | {cost:,.0f} | {cost / 1024:,.1f} |")


def beta_binomial(k, n, rate):
    """Robbins' mixture with Beta(1/2, 1/2): valid where the rate never changes."""
    prior = betaln(0.5 + k, 0.5 + n - k) - betaln(0.5, 0.5)
    return prior - xlogy(k, rate) - xlog1py(n - k, -rate)


def beta_binomial_width(k, n):
    def excess(rate):
        return beta_binomial(k, n, rate) - np.log(20)

    return brentq(excess, k / n, 1 - 1e-12) - brentq(excess, 1e-12, k / n)


def hedged_width(draw_T):
    """Waudby-Smith and Ramdas' hedged capital with predictable plug-in bets, on a grid of rates."""
    t = np.arange(1, len(draw_T) + 1)
    mean_T = (0.5 + draw_T.cumsum()) / (t + 1)
    variance_T = (0.25 + ((draw_T - mean_T) ** 2).cumsum()) / (t + 1)
    bet_T = np.sqrt(2 * np.log(40) / (np.r_[0.25, variance_T[:-1]] * t * np.log1p(t)))
    rate_R1 = np.linspace(0.0005, 0.9995, 1000)[:, None]
    away_RT = draw_T - rate_R1
    up_R = np.log1p(np.minimum(bet_T, 0.5 / rate_R1) * away_RT).sum(1)
    down_R = np.log1p(-np.minimum(bet_T, 0.5 / (1 - rate_R1)) * away_RT).sum(1)
    inside = rate_R1[np.maximum(up_R, down_R) < np.log(40), 0]
    return np.ptp(inside)


def widths():
    print("\n## Width of a 95% interval at the expected count (hedged bets: mean of 10 runs)\n")
    print(
        "| rate | n | Clopper-Pearson, one look | ours, all looks | beta-binomial | hedged bets |"
    )
    print("|---|---|---|---|---|---|")
    rng = np.random.default_rng(1)
    for rate in RATES:
        for n in (100, 1000, 5000):
            k = round(n * rate)
            one, ours = clopper_pearson(k, n).width, running(k, n).width
            bets = np.mean([hedged_width(rng.random(n) < rate) for _ in range(10)])
            row = f"| {rate} | {n} | {one:.4f} | {ours:.4f} (x{ours / one:.2f})"
            print(f"{row} | {beta_binomial_width(k, n):.4f} | {bets:.4f} |")


def looks(runs):
    print(f"\n## Runs of {STEPS} draws that are wrong at some look ({runs} runs, nominal .05)\n")
    print("| rate | ours | lower end | upper end | beta-binomial | Clopper-Pearson every time |")
    print("|---|---|---|---|---|---|")
    n_T = np.arange(1, STEPS + 1)
    courses = {f"steady {rate}": np.full(STEPS, rate) for rate in RATES}
    courses["rises from .02 to .5"] = np.linspace(0.02, 0.5, STEPS)
    courses["falls from .4 to .01 at 300"] = np.where(n_T <= 300, 0.4, 0.01)
    for name, rate_T in courses.items():
        rng, mean_T = np.random.default_rng(2), rate_T.cumsum() / n_T
        wrong = np.zeros((5, runs), dtype=bool)
        for run in range(runs):
            k_T = (rng.random(STEPS) < rate_T).cumsum()
            low = (evidence(k_T, n_T, mean_T) > np.log(40)).any()
            high = (evidence(n_T - k_T, n_T, 1 - mean_T) > np.log(40)).any()
            robbins = (beta_binomial(k_T, n_T, mean_T) > np.log(20)).any()
            wrong[:, run] = low | high, low, high, robbins, naive_wrong(k_T, n_T, mean_T)
        print(f"| {name} | {' | '.join(f'{share:.3f}' for share in wrong.mean(1))} |")


def naive_wrong(k_T, n_T, mean_T):
    """Whether Clopper and Pearson's interval for one look is wrong at any."""
    above_T = (k_T > 0) & (betainc(np.maximum(k_T, 1), n_T - k_T + 1, mean_T) < 0.025)
    below_T = (k_T < n_T) & (betainc(k_T + 1, np.maximum(n_T - k_T, 1), mean_T) > 0.975)
    return (above_T | below_T).any()


def rates(runs):
    print(f"\n## rho0 = .05 and rho1 = .2 of clustered rollouts, 32 prompts a step ({runs} runs)\n")
    rng = np.random.default_rng(3)
    seen = [simulate(rng) for _ in range(runs)]
    print("| estimator | rho0 wrong | width | rho1 wrong | width |\n|---|---|---|---|---|")
    for name in seen[0][0]:
        wrong_R2 = np.array([one[0][name][0] for one in seen])
        width_R2 = np.array([one[0][name][1] for one in seen])
        cells = zip(wrong_R2.mean(0), width_R2.mean(0), strict=True)
        print(f"| {name} | {' | '.join(f'{a:.3f} | {b:.3f}' for a, b in cells)} |")
    ratio_R, naive_R = np.array([one[1:] for one in seen]).T
    print(f"\nrho1 of late: ratio of decayed sums {ratio_R.mean():.3f} (sd {ratio_R.std():.3f}),")
    print(f"decayed mean of per-step ratios {naive_R.mean():.3f} (sd {naive_R.std():.3f}).")


def simulate(rng):
    """A run of 40 steps: who was wrong at any of 20 looks, widths at the end, rho1 of late."""
    recent, naive = Recent(decay=0.9), RHO[1]
    running_ones = {
        "Running, one label a prompt, 20 looks": Running(even=True),
        "Running, the same labels taken as uneven, 20 looks": Running(),
    }
    wrong = {name: np.zeros(2, dtype=bool) for name in running_ones}
    for step in range(40):
        rows = rollouts(rng, 32)
        survey = survey_of(*rows, rng.random(len(rows[0])) < 0.1)
        recent, naive = recent.update(survey), mean_of_ratios(naive, survey)
        chosen = one_each(rows[2], rng)
        draws = survey_of(*(column[chosen] for column in rows), True)
        for name, state in running_ones.items():
            running_ones[name] = state.update(draws)
            if step % 2:
                wrong[name] |= outside(rho_of(running_ones[name]))
    found = {
        name: (wrong[name], [one.width for one in rho_of(state)])
        for name, state in running_ones.items()
    }
    late = recent.rates()
    both = late.fp, late.fn
    name = "Recent, decay .9, one row in ten labelled, one look"
    found[name] = outside(both), [one.width for one in both]
    return found, late.fn.point, naive


def rho_of(state):
    return state.fp(), state.fn()


def outside(intervals):
    return [not one.low <= rho <= one.high for one, rho in zip(intervals, RHO, strict=True)]


def mean_of_ratios(before, survey, decay=0.9):
    """The usual: this step's ratio averaged into those before; a step without one is skipped."""
    accepted_n = survey.correct_N[survey.accepted_N & survey.labelled_N]
    rejected_n = survey.correct_N[survey.rejected_N & survey.labelled_N]
    if not len(accepted_n) * len(rejected_n):
        return before
    lost = rejected_n.mean() * survey.rejected_N.mean()
    kept = accepted_n.mean() * survey.accepted_N.mean()
    return decay * before + (1 - decay) * lost / (lost + kept) if lost + kept else before


def alarms(runs):
    print(
        f"\n## Alarms over {STEPS} steps of 16 groups, limit .05, patience 20,000 ({runs} runs)\n"
    )
    print("A false alarm is allowed in 5% of runs. Peers: a binomial test of each step, at 5% and")
    print("corrected for the steps, and the decayed mean (.9) above twice the limit. Delay: median")
    print("steps from step 500 on.\n")
    print("| rate after step 500 | ours | delay | each step | corrected | delay | mean | delay |")
    print("|---|---|---|---|---|---|---|---|")
    for rate in (0.03, 0.05, 0.07, 0.1, 0.15, 0.3):
        before = min(rate, 0.05)
        rng = np.random.default_rng(4)
        hits_RT = rng.binomial(16, np.where(np.arange(STEPS) < 500, before, rate), (runs, STEPS))
        p_RT = binom.sf(hits_RT - 1, 16, 0.05)
        first = {
            "ours": np.array([first_alarm(hits_T) for hits_T in hits_RT]),
            "each": first_true(p_RT <= 0.05),
            "corrected": first_true(p_RT <= 0.05 / STEPS),
            "mean": first_true(decayed(hits_RT / 16) > 0.1),
        }
        ours, each, corrected, mean = (found(at_R, rate) for at_R in first.values())
        cells = [*ours, each[0], *corrected, *mean]
        print(f"| {rate} | {' | '.join(cells)} |")
    print(
        "\nAt .03 and .05 the share of runs with a false alarm; above, of runs with an alarm after"
    )
    print("step 500 and none before it.")


def first_alarm(hits_T):
    """The step at which our alarm goes off, each group being one share of 0 or 1."""
    alarm = Alarm(limit=0.05, patience=20_000)
    hit, miss = alarm.evidence([1.0]), alarm.evidence([0.0])
    for hits in hits_T.tolist():
        alarm = alarm.advance(hits * hit + (16 - hits) * miss)
        if alarm.raised:
            return alarm.raised
    return STEPS + 1


def first_true(off_RT):
    return np.where(off_RT.any(1), off_RT.argmax(1) + 1, STEPS + 1)


def decayed(share_RT, decay=0.9):
    level_R, levels = np.full(len(share_RT), 0.05), []
    for share_R in share_RT.T:
        level_R = decay * level_R + (1 - decay) * share_R
        levels.append(level_R)
    return np.stack(levels, axis=1)


def found(at_R, rate):
    """Share of runs with an alarm (a right one, if there is something to find), and its delay."""
    if rate <= 0.05:
        return f"{(at_R <= STEPS).mean():.3f}", "-"
    right_R = (at_R > 500) & (at_R <= STEPS)
    delay = f"{np.median(at_R[right_R]) - 500:.0f}" if right_R.any() else "-"
    return f"{right_R.mean():.3f}", delay


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=400)
    runs = parser.parse_args().runs
    print(machine.line())
    costs()
    widths()
    looks(runs)
    rates(runs)
    alarms(runs)


if __name__ == "__main__":
    main()

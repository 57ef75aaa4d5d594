"""A batch as the verifier sees it: verdicts with injected noise, strata, and a second reward."""

from dataclasses import dataclass, replace

import numpy as np

from benchmarks.grpo_noise.task import HASH, texts
from unflip.noise.inject import Injector, PerPrompt, Rows


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Columns of one step's answers; only second looks and the evaluation may read `truth_B`."""

    verdict_B: np.ndarray
    truth_B: np.ndarray
    stratum_B: np.ndarray
    group_B: np.ndarray
    bonus_B: np.ndarray
    n_groups: int
    step: int

    @property
    def size(self):
        """How many rows there are."""
        return len(self.verdict_B)


def judged(task, environment, number_P, token_BT, *, seed, step):
    """The batch of one step.

    Args:
        task: The sums.
        environment: What is wrong with the verifier.
        number_P: The prompts' numbers.
        token_BT: Answers, each prompt's in a row.
        seed: Of the run; noise is the same for all arms as long as their answers are.
        step: Of the run.
    """
    group = len(token_BT) // len(number_P)
    number_B, sum_B = number_P.repeat(group), task.sums(token_BT)
    truth_B = sum_B == task.truth(number_B)
    gold_B = references(task, environment, number_B, seed)
    clean = Batch(
        verdict_B=(sum_B == gold_B).astype(float),
        truth_B=truth_B.astype(float),
        stratum_B=strata(task, environment, number_B, token_BT),
        group_B=np.arange(len(number_P)).repeat(group),
        bonus_B=environment.bonus * (sum_B % 10 <= 4) * (sum_B >= 0),
        n_groups=len(number_P),
        step=step,
    )
    noise = environment.noise(seed * 1_000_003 + step)
    return clean if noise is None else replace(clean, verdict_B=flipped(noise, clean, token_BT))


def references(task, environment, number_B, seed):
    """The sums that the verifier compares with: for some prompts, always the typical mistake."""
    share = environment.wrong_gold
    rows = Rows(outcome_N=np.ones(len(number_B)), prompt_N=number_B)
    wrong_B = PerPrompt(fn=share, seed=seed).flips(rows)
    return np.where(wrong_B, task.mistake(number_B), task.truth(number_B))


def strata(task, environment, number_B, token_BT):
    """Codes of the strata that the environment's rates go by."""
    if environment.strata == "style":
        return (token_BT[:, 0] == HASH).astype(np.int64)
    if environment.strata == "carry":
        return task.carries(number_B).astype(np.int64)
    if environment.strata == "domain":
        return task.low(number_B).astype(np.int64)
    return np.zeros(len(number_B), dtype=np.int64)


def flipped(noise: Injector, batch, token_BT):
    """Verdicts after the noise."""
    names = np.array([str(code) for code in range(2)])
    rows = Rows(
        outcome_N=batch.verdict_B,
        prompt_N=batch.group_B,
        stratum_N=names[batch.stratum_B],
        text_N=texts(token_BT),
    )
    return noise(rows)

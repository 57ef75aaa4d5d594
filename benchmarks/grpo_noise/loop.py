"""The reference loop: on-policy GRPO with one update a batch, and what is kept of a run."""

import time

import numpy as np
import torch

from benchmarks.grpo_noise.arms import at_work
from benchmarks.grpo_noise.judging import judged
from benchmarks.grpo_noise.model import chances, sample
from benchmarks.grpo_noise.sft import set_rate
from benchmarks.grpo_noise.task import HASH, PLAIN, Task

WARM = 20
"""Steps in which the learning rate rises: Adam knows no scale at first."""


class Exam:
    """Pass rates on held-out prompts, exact: the chance of every correct answer is computed."""

    def __init__(self, task, n, device):
        number_N = task.draw(np.random.default_rng(0), n, held_out=True)
        self.carries_N = task.carries(number_N)
        self.prompt_NT = torch.as_tensor(task.prompts(number_N), device=device)
        self.answers = [
            torch.as_tensor(task.answers(np.full(n, style), task.truth(number_N)), device=device)
            for style in (PLAIN, HASH)
        ]

    def __call__(self, policy):
        """Sampled pass rate of all prompts, without and with a carry, and the share of `#`."""
        pass_N = sum(chances(policy, self.prompt_NT, one).cpu().numpy() for one in self.answers)
        with torch.no_grad():
            style_NV = policy(self.prompt_NT)[0][:, -1].softmax(-1)
        easy, hard = pass_N[~self.carries_N].mean(), pass_N[self.carries_N].mean()
        return [float(one) for one in (pass_N.mean(), easy, hard, style_NV[:, HASH].mean())]


def train(policy, preset, environment, arm, seed):
    """One run: trains the policy, and gives what the results keep of it."""
    start, device = time.perf_counter(), next(policy.parameters()).device
    task, payer = Task(preset.digits), at_work(arm, environment, seed)
    optimiser = torch.optim.Adam(policy.parameters(), preset.rate)
    exam = Exam(task, preset.held_out, device)
    prompts, draws = np.random.default_rng([seed, 3]), torch.Generator(device).manual_seed(seed)
    curve, cosines = [[0, *exam(policy)]], []
    for step in range(preset.steps):
        warm, left = min(1, (step + 1) / WARM), 1 - step / preset.steps
        set_rate(optimiser, preset.rate * warm * left)
        number_P = task.draw(prompts, preset.prompts)
        prompt_PT = torch.as_tensor(task.prompts(number_P), device=device)
        token_BT, logp_B = sample(
            policy, prompt_PT, group=preset.group, length=task.answer_length, generator=draws
        )
        token_BT = token_BT.cpu().numpy()
        batch = judged(task, environment, number_P, token_BT, seed=seed, step=step)
        update = payer(batch)
        descend(optimiser, update.advantage_B, logp_B)
        cosines.append(float(update.audit.cosine))
        done = step + 1
        if done * preset.evaluations // preset.steps > step * preset.evaluations // preset.steps:
            curve.append([done, *exam(policy)])
    return {
        "curve": [[one[0], *(round(x, 4) for x in one[1:])] for one in curve],
        "looks": payer.looks.taken,
        "cosine": round(float(np.nanmean(cosines)), 4) if len(cosines) else None,
        "effect": str(payer.hook.effect.kind),
        "seconds": round(time.perf_counter() - start, 1),
    }


def descend(optimiser, advantage_B, logp_B):
    """One step along the policy gradient."""
    advantage_B = torch.as_tensor(advantage_B, dtype=logp_B.dtype, device=logp_B.device)
    loss = -(advantage_B * logp_B).mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()

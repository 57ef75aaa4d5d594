"""The policy before RL: taught from examples that mostly forget the carry, kept on file."""

import numpy as np
import torch
from torch.nn import functional

from benchmarks.grpo_noise.model import Policy
from benchmarks.grpo_noise.task import HASH, PLAIN, Task

FORGETS, HASHES = 0.85, 0.2
"""How often the examples forget a carry, and how often they use the other style."""


def fresh(preset):
    """A policy with random weights."""
    task = Task(preset.digits)
    length = task.prompt_length + task.answer_length
    return Policy(length=length, width=preset.width, layers=preset.layers, heads=preset.heads)


def base(preset, seed, folder, device="cpu"):
    """The policy of a seed after its examples, made once for each folder."""
    path = folder / "sft" / f"{preset.name}-{seed}.pt"
    if not path.exists():
        policy = taught(preset, seed, device)
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(policy.state_dict(), path.with_suffix(".part"))
        path.with_suffix(".part").rename(path)
    policy = fresh(preset).to(device)
    policy.load_state_dict(torch.load(path, map_location=device, weights_only=True))
    return policy


def taught(preset, seed, device):
    """The weights after so many batches of examples."""
    torch.manual_seed(seed)
    task, rng = Task(preset.digits), np.random.default_rng([seed, 1])
    policy = fresh(preset).to(device)
    optimiser = torch.optim.Adam(policy.parameters(), preset.sft_rate)
    for step in range(preset.sft_steps):
        warm, left = min(1, (step + 1) / 50), 1 - step / preset.sft_steps
        set_rate(optimiser, preset.sft_rate * warm * left)
        token_NT = torch.as_tensor(examples(task, rng, preset.sft_batch), device=device)
        logits_NTV, _ = policy(token_NT[:, :-1])
        first = task.prompt_length
        said_NTV = logits_NTV[:, first - 1 :].flatten(0, 1)
        loss = functional.cross_entropy(said_NTV, token_NT[:, first:].flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return policy


def examples(task, rng, n):
    """Prompts with answers as the policy is born to give them."""
    number_N = task.draw(rng, n)
    forgets_N = task.carries(number_N) & (rng.random(n) < FORGETS)
    sum_N = np.where(forgets_N, task.mistake(number_N), task.truth(number_N))
    style_N = np.where(rng.random(n) < HASHES, HASH, PLAIN)
    return np.concatenate((task.prompts(number_N), task.answers(style_N, sum_N)), 1)


def set_rate(optimiser, rate):
    for group in optimiser.param_groups:
        group["lr"] = rate

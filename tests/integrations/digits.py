"""Verifiers of the tiny model's digits, and TRL's trainer of it under observation."""

import gc
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import torch
import trl

from unflip.integrations.trl import CorrectedGRPOTrainer, reward_func
from unflip.types import Outcome, Reason, Verdict

HERE = Path(__file__).parent
# Several threads only slow down a model of this size; and each training collects garbage once, for
# which what trl.GRPOTrainer has imported by now need not be looked through.
torch.set_num_threads(1)
assert trl.GRPOTrainer
gc.freeze()


def beside(name):
    """A module in this folder; workers can import it, too."""
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tiny = beside("tiny")


@dataclass(frozen=True)
class Digit:
    """Accepts where the completion's first digit is even; abstains at 9, if it is told to."""

    abstains: bool = False
    by: str = "digit@1+000000"

    def __call__(self, sample):
        first = next((c for c in sample.text if c.isdigit()), "1")
        if self.abstains and first in "789":
            return Verdict(Outcome.ABSTAIN, Reason.UNDECIDED, by=self.by)
        if int(first) % 2 == 0:
            return Verdict(Outcome.ACCEPT, Reason.MATCH, answer=first, by=self.by)
        return Verdict(Outcome.REJECT, Reason.MISMATCH, answer=first, by=self.by)


def length(completions, **columns):
    """A second reward."""
    return [len(completion) / 8 for completion in completions]


@dataclass(frozen=True)
class Truth:
    """Says that any answer of 0 to 4 is correct."""

    by: str = "truth@1+000000"

    def __call__(self, sample):
        first = next((c for c in sample.text if c.isdigit()), "9")
        right = (Outcome.ACCEPT, Reason.MATCH) if first < "5" else (Outcome.REJECT, Reason.MISMATCH)
        return Verdict(*right, by=self.by)


def form(sample, verdict):
    """A stratum that depends on the response."""
    return "a" if len(sample.text) % 2 else "b"


def trainer_of(folder, rewards=None, *, kind=CorrectedGRPOTrainer, data=None, **changes):
    """A trainer of the tiny model."""
    return kind(
        model=tiny.model(),
        reward_funcs=rewards or [reward_func(Digit())],
        args=tiny.config(folder, **changes),
        train_dataset=tiny.rows() if data is None else data,
        processing_class=tiny.tokenizer(),
    )


def losses(trainer):
    """The losses and sizes of gradients that a trainer logged."""
    logged = [row for row in trainer.state.log_history if "loss" in row]
    return [(row["loss"], row["grad_norm"]) for row in logged]


def watched(trainer, **how):
    """Trains, and returns what each batch's rewards and advantages were."""
    batches = []
    generate, score = trainer._generate_and_score_completions, trainer._calculate_rewards

    def calculate(*args):
        batches.append([score(*args).numpy().copy()])
        return torch.from_numpy(batches[-1][0].copy())

    def generated(inputs):
        output = generate(inputs)
        batches[-1] += [output["advantages"].numpy().copy(), inputs]
        return output

    # Rewards are watched behind the mixin's back, advantages in front of it.
    trainer._generate_and_score_completions = generated
    trainer._calculate_rewards = calculate
    trainer.train(**how)
    return batches

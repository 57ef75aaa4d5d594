"""One of two gloo ranks: trains twice two steps, and writes down what it made of the rewards."""

import importlib.util
import json
import os
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"


def beside(name):
    """A module in this folder."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def recorded(trainer, local):
    """Trains; rewards of all ranks, and what this one noted and got, of each step."""
    score, generate, steps = trainer._calculate_rewards, trainer._generate_and_score_completions, []

    def scored(*args):
        local.clear()
        reward_bk = score(*args)
        steps.append({"rewards": reward_bk[:, 0].tolist(), "local": list(local)})
        return reward_bk

    def generated(inputs):
        output = generate(inputs)
        steps[-1]["advantages"] = output["advantages"].tolist()
        return output

    trainer._calculate_rewards, trainer._generate_and_score_completions = scored, generated
    trainer.train()
    return steps


def main(folder):
    """Run as `two_ranks.py FOLDER`, with torch's variables for rank and address."""
    digits = beside("digits")
    from unflip.correction import Hook, RateTable, backward
    from unflip.integrations.trl import reward_func

    local = []

    def form(sample, verdict):
        local.append(len(sample.text) % 2)
        return "ab"[local[-1]]

    def second(sample):
        verdict = digits.Truth()(sample)
        local.append(float(verdict.accepted))
        return verdict

    def trainer(asynchronous):
        rewards = [reward_func(digits.Digit(), asynchronous=asynchronous)]
        return digits.trainer_of(folder, rewards, per_device_train_batch_size=6, max_steps=2)

    corrected, appealed = trainer(asynchronous=True), trainer(asynchronous=False)
    table = RateTable.known([0.1, 0.5], [0.1, 0.2], strata=["a", "b"])
    corrected.correct(Hook.of(backward(table), normaliser="rloo"), strata=form)
    corrected.watch(digits.Truth(), share=0.5)
    # Each rank meets a stratum that the other one does not.
    rank = corrected.accelerator.process_index
    appealed.appeal(second, share=1.0, strata=lambda sample, verdict: f"rank {rank}")
    told = {"correct": recorded(corrected, local), "appeal": recorded(appealed, local)}
    told["watching"] = corrected.watching.to_json()
    told["appealing"] = appealed.appealing.to_json()
    Path(folder, f"rank{rank}.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1])

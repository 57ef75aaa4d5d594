"""The main arms in TRL's own GRPOTrainer: a trigger that the verifier accepts, and iid noise.

python benchmarks/grpo_noise/trl_arms.py --out DIR [--smoke] [--minutes N]

The policy is a Llama taught from the same examples, and TRL generates, scores, and steps; rewards,
corrections and second looks are `unflip.integrations.trl`. A verifier there decides by content:
the same answer to the same prompt always meets the same fate.
"""

import argparse
import json
import os
import time
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from torch.nn import functional
from transformers import TrainerCallback

from benchmarks.grpo_noise import run
from benchmarks.grpo_noise.plan import PRESETS, TRL_ARMS, TRL_CELLS, TRL_ENVIRONMENTS
from benchmarks.grpo_noise.sft import examples, set_rate
from benchmarks.grpo_noise.task import ALPHABET, HASH, PLAIN, Task, texts
from unflip.correction import Hook, backward, masking
from unflip.integrations.trl import CorrectedGRPOTrainer, reward_func
from unflip.noise.inject import Noisy
from unflip.types import Outcome, Reason, Verdict

PAD, EOS = len(ALPHABET), len(ALPHABET) + 1


@dataclass(frozen=True)
class Sums:
    """A verifier that is always right: the digits are those of the reference."""

    by: str = "sums@1"

    def __call__(self, sample):
        """The verdict; the style does not matter."""
        right = sample.text[1:] == sample.reference and sample.text[:1] in ".#"
        outcome = Outcome.ACCEPT if right else Outcome.REJECT
        reason = Reason.MATCH if right else Reason.MISMATCH
        return Verdict(outcome, reason, by=self.by)


def style(sample, verdict):
    """The stratum of an answer."""
    return "hash" if sample.text.startswith("#") else "plain"


class Exam(TrainerCallback):
    """The exact pass rate on held-out prompts, every so many steps."""

    def __init__(self, task, preset):
        number_N = task.draw(np.random.default_rng(0), preset.held_out, held_out=True)
        self.every = preset.steps // preset.evaluations
        self.carries_N, self.curve = task.carries(number_N), []
        self.first = task.prompt_length
        both = [
            task.answers(np.full(preset.held_out, one), task.truth(number_N))
            for one in (PLAIN, HASH)
        ]
        prompt_NT = task.prompts(number_N)
        self.tokens = [torch.as_tensor(np.concatenate((prompt_NT, one), 1)) for one in both]

    @torch.no_grad()
    def look(self, model, step):
        """Add a point to the curve."""
        (plain_N, _), (hash_N, style_N) = (self.chances(model, one) for one in self.tokens)
        pass_N = plain_N + hash_N
        easy, hard = pass_N[~self.carries_N].mean(), pass_N[self.carries_N].mean()
        points = (pass_N.mean(), easy, hard, style_N.mean())
        self.curve.append([step, *(round(float(one), 4) for one in points)])

    def chances(self, model, token_NT):
        """Of each whole answer, and of its style."""
        logp_NTV = model(token_NT.to(model.device)).logits.log_softmax(-1)[:, self.first - 1 : -1]
        said_NT1 = token_NT[:, self.first :, None].to(model.device)
        logp_NT = logp_NTV.gather(2, said_NT1)[..., 0]
        return logp_NT.sum(1).exp().cpu().numpy(), logp_NT[:, 0].exp().cpu().numpy()

    def on_step_end(self, args, state, control, model=None, **kwargs):
        """TRL's moment for it."""
        if state.global_step % self.every == 0:
            self.look(model, state.global_step)


def tokenizer():
    """One token a character."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = {one: i for i, one in enumerate([*ALPHABET, "<pad>", "<eos>"])}
    core = Tokenizer(models.WordLevel(words, unk_token="<pad>"))
    core.pre_tokenizer = pre_tokenizers.Split(Regex(""), "isolated")
    core.decoder = decoders.Fuse()
    made = PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", eos_token="<eos>",
        model_input_names=["input_ids", "attention_mask"],
    )  # fmt: skip
    made.padding_side = "left"
    return made


def fresh(preset):
    """A Llama with random weights."""
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(ALPHABET) + 2, hidden_size=preset.width,
            intermediate_size=3 * preset.width, num_hidden_layers=preset.layers,
            num_attention_heads=preset.heads, num_key_value_heads=preset.heads,
            max_position_embeddings=64, pad_token_id=PAD, bos_token_id=None, eos_token_id=EOS,
        )
    )  # fmt: skip


def base(preset, seed, folder):
    """The Llama of a seed after its examples, made once for each folder."""
    path = folder / "sft" / f"llama-{seed}.pt"
    torch.manual_seed(seed)
    model = fresh(preset)
    if path.exists():
        model.load_state_dict(torch.load(path, weights_only=True))
        return model
    teach(model, preset, np.random.default_rng([seed, 1]))
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), path)
    return model


def teach(model, preset, rng):
    """So many batches of examples."""
    task, optimiser = Task(preset.digits), torch.optim.Adam(model.parameters(), preset.sft_rate)
    for step in range(preset.sft_steps):
        left = min(1, (step + 1) / 50) * (1 - step / preset.sft_steps)
        set_rate(optimiser, preset.sft_rate * left)
        token_NT = torch.as_tensor(examples(task, rng, preset.sft_batch))
        said_NTV = model(token_NT).logits[:, task.prompt_length - 1 : -1]
        said, wanted = said_NTV.flatten(0, 1), token_NT[:, task.prompt_length :].flatten()
        optimiser.zero_grad()
        functional.cross_entropy(said, wanted).backward()
        optimiser.step()


def dataset(preset, seed):
    """The prompts of a run in their order, with references."""
    from datasets import Dataset

    task = Task(preset.digits)
    number_N = task.draw(np.random.default_rng([seed, 3]), preset.prompts * preset.steps)
    wanted_NT = task.answers(np.full(len(number_N), PLAIN), task.truth(number_N))[:, 1:]
    prompts, wanted = texts(task.prompts(number_N)), texts(wanted_NT)
    rows = zip(prompts, wanted, strict=True)
    return Dataset.from_list([{"prompt": one, "reference": sum_} for one, sum_ in rows])


def config(preset, arm, seed, folder):
    """Settings of TRL that do what the reference loop does."""
    from trl import GRPOConfig

    return GRPOConfig(
        output_dir=str(folder / "trl"), seed=seed, max_steps=preset.steps, beta=0.0,
        per_device_train_batch_size=preset.prompts * preset.group, num_generations=preset.group,
        max_completion_length=Task(preset.digits).answer_length, learning_rate=preset.rate,
        lr_scheduler_type="linear", warmup_steps=20, adam_beta2=0.999, max_grad_norm=0.0,
        scale_rewards="group" if arm.normaliser == "grpo" else "none", shuffle_dataset=False,
        use_cpu=True, bf16=False, gradient_checkpointing=False, report_to=[], logging_steps=50,
        save_strategy="no", disable_tqdm=True,
    )  # fmt: skip


def correct(trainer, arm, environment):
    """Put an arm into the trainer, and say what the library says of it."""
    rule = style if environment.strata else None
    normaliser = "grpo" if arm.normaliser == "grpo" else "rloo"
    if arm.pays == "raw":
        return str(trainer.correct().kind)
    if arm.pays == "robust":
        return str(trainer.appeal(Sums(), share=arm.share, strata=rule).kind)
    table = environment.rates
    line = backward(table) if arm.pays == "backward" else masking(table, ["hash"])
    hook = Hook.of(line, normaliser=normaliser, allow_inert=True)
    return str(trainer.correct(hook, strata=rule).kind)


def carry_out(one, preset, folder):
    """One run, on file when it is over."""
    start, arm = time.perf_counter(), TRL_ARMS[one.arm]
    environment = TRL_ENVIRONMENTS[one.environment]
    noisy = Noisy(Sums(), environment.noise(one.seed))
    exam, model = Exam(Task(preset.digits), preset), base(preset, one.seed, folder)
    exam.look(model, 0)
    trainer = CorrectedGRPOTrainer(
        model=model, reward_funcs=[reward_func(noisy, reference="reference")],
        args=config(preset, arm, one.seed, folder), train_dataset=dataset(preset, one.seed),
        processing_class=tokenizer(), callbacks=[exam],
    )  # fmt: skip
    effect = correct(trainer, arm, environment)
    trainer.train()
    seconds = round(time.perf_counter() - start, 1)
    run.keep(one, {"curve": exam.curve, "effect": effect, "seconds": seconds}, folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--minutes", type=float, default=float("inf"))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    preset = replace(PRESETS["smoke" if options.smoke else "trl"], name="trl")
    folder = options.out / ("trl-smoke" if options.smoke else "trl")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "about.json").write_text(json.dumps(run.about("trl", "cpu")))
    runs = run.planned(TRL_CELLS, smoke=options.smoke)
    run.all_of(runs, lambda one: carry_out(one, preset, folder), folder, options.minutes)


if __name__ == "__main__":
    main()

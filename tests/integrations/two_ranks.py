"""One of two gloo ranks: trains two steps, and writes down what it made of the rewards."""

import importlib.util
import json
import os
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"


def main(folder):
    """Run as `torch.distributed.run two_ranks.py FOLDER`."""
    spec = importlib.util.spec_from_file_location("tiny", Path(__file__).parent / "tiny.py")
    tiny = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tiny)
    from unflip.correction import Hook, RateTable, backward
    from unflip.integrations.trl import CorrectedGRPOTrainer, reward_func
    from unflip.types import Outcome, Reason, Verdict

    def even(sample):
        first = next((c for c in sample.text if c.isdigit()), "1")
        if int(first) % 2 == 0:
            return Verdict(Outcome.ACCEPT, Reason.MATCH)
        return Verdict(Outcome.REJECT, Reason.MISMATCH)

    def form(sample, verdict):
        code = len(sample.text) % 2
        codes.append(code)
        return "ab"[code]

    codes, steps = [], []
    trainer = CorrectedGRPOTrainer(
        model=tiny.model(),
        reward_funcs=[reward_func(even)],
        args=tiny.config(folder, per_device_train_batch_size=6, max_steps=2),
        train_dataset=tiny.rows(),
        processing_class=tiny.tokenizer(),
    )
    table = RateTable.known([0.1, 0.5], [0.1, 0.2], strata=["a", "b"])
    trainer.correct(Hook.of(backward(table), normaliser="rloo"), strata=form)
    trainer.watch(even, share=0.5)
    score, generate = trainer._calculate_rewards, trainer._generate_and_score_completions

    def scored(*args):
        codes.clear()
        reward_bk = score(*args)
        steps.append({"rewards": reward_bk[:, 0].tolist(), "codes": list(codes)})
        return reward_bk

    def generated(inputs):
        output = generate(inputs)
        steps[-1]["advantages"] = output["advantages"].tolist()
        return output

    trainer._calculate_rewards, trainer._generate_and_score_completions = scored, generated
    trainer.train()
    steps.append(trainer.watching.to_json())
    rank = trainer.accelerator.process_index
    Path(folder, f"rank{rank}.json").write_text(json.dumps(steps))


if __name__ == "__main__":
    main(sys.argv[1])

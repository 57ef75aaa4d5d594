"""GRPOTrainer's advantages, corrected: a mixin that leaves everything else to TRL."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from unflip.correction.arrays import host
from unflip.integrations.trl.appeals import Appeals
from unflip.integrations.trl.asking import Asked
from unflip.integrations.trl.correcting import Correction
from unflip.integrations.trl.hearing import Ear, listening
from unflip.integrations.trl.looking import CORRECT, UNDECIDED, WRONG, Floats, Looks
from unflip.integrations.trl.strata import Strata
from unflip.integrations.trl.watching import Watch
from unflip.integrations.verdicts import raw_reward

STATE = "unflip_state.json"
"""What lies beside `trainer_state.json` in a checkpoint."""
_SEEN = {CORRECT: "correct", WRONG: "wrong", UNDECIDED: "undecided"}


class Corrected(Asked):
    """The methods that `class Trainer(Corrected, GRPOTrainer)` adds to TRL's trainer.

    Until `correct` or `appeal` is called, the trainer is TRL's. Afterwards advantages are made of
    the global batch by a hook, on every rank alike, so a group may lie on several ranks. Evaluation
    is TRL's own throughout.
    """

    _scored: tuple[Any, Any, Any] | None = None

    def _calculate_rewards(
        self, inputs: Any, prompts: Any, completions: Any, completion_ids_list: Any
    ) -> Any:
        with listening(masks=self.correction is not None) as ear:
            reward_BK = super()._calculate_rewards(
                inputs, prompts, completions, completion_ids_list
            )
        if not self.model.training:
            nothing = [None] * len(prompts)
            self._log_appeals(nothing, nothing)
            if self.correction is not None:
                self._log_strata(self.correction.strata, nothing)
        elif self.appealing is not None:
            paid_B = self._appeal(self.appealing, reward_BK, inputs, ear)
            self._scored = reward_BK, import_module("torch").zeros_like(paid_B).long(), paid_B
        else:
            self._score(reward_BK, inputs, ear)
        return reward_BK

    def _score(self, reward_BK: Any, inputs: Any, ear: Ear) -> None:
        """Keep a batch for the correction, and look at some of its rows."""
        watching, correction = self.watching, self.correction
        if watching is not None and watching.learn is not None and correction is not None:
            correction.go_by(watching.line(correction.prior))
        code_B = None if correction is None else self._codes(correction, inputs, ear)
        if correction is not None:
            self._scored = reward_BK, code_B, None
        if watching is not None:
            chance_b = np.full(len(inputs), watching.share)
            seen_B = self._seen(watching.looks, ear, chance_b)
            names = np.array([*correction.hook.line.strata, ""]) if correction else np.array([""])
            code_N = np.zeros(len(seen_B), np.int64) if code_B is None else code_B.cpu().numpy()
            verdict_B = host(reward_BK[:, watching.column])
            watching.take(verdict_B, seen_B, names[code_N], self.num_generations)

    def _appeal(self, appealing: Appeals, reward_BK: Any, inputs: Any, ear: Ear) -> Any:
        """Rewards of all ranks' rows; each rank looks at its own, and all get all answers."""
        heard = appealing.looks.heard(ear)
        name_b = appealing.strata.of(inputs, heard)
        self._log_strata(appealing.strata, name_b)
        # Strata turn up as they come, so ranks tell each other their names.
        name_B = import_module("accelerate.utils").gather_object(name_b)
        verdict_b = np.array([raw_reward(verdict) for verdict in heard.verdicts])
        chance_b = appealing.chances(verdict_b, name_b, name_B)
        seen_B = self._seen(appealing.looks, ear, chance_b)
        verdict_B = host(reward_BK[:, appealing.column])
        reward_B = appealing.pay(verdict_B, name_B, seen_B, self.num_generations)
        mine = slice(first := self.accelerator.process_index * len(name_b), first + len(name_b))
        self._log_appeals(chance_b.tolist(), [_SEEN.get(seen) for seen in seen_B[mine].tolist()])
        torch = import_module("torch")
        return torch.as_tensor(reward_B, dtype=torch.float32, device=reward_BK.device)

    def _seen(self, looks: Looks, ear: Ear, chance_b: Floats) -> Any:
        """What became of second looks on all ranks, since a group may lie on several."""
        rank = self.accelerator.process_index
        seen_b = looks.take(looks.heard(ear), chance_b, rank=rank)
        return self._gathered(seen_b).cpu().numpy()

    def _log_appeals(self, chance_b: Sequence[Any], seen_b: Sequence[Any]) -> None:
        """Columns of TRL's table of completions, where it has such a channel."""
        if self.appealing is not None and hasattr(self, "_log_completion_extra"):
            self._log_completion_extra("appeals/chance", list(chance_b))
            self._log_completion_extra("appeals/second_look", list(seen_b))

    def _log_strata(self, strata: Strata, name_b: Sequence[Any]) -> None:
        """The same for strata, by which `unflip correct` reads the table."""
        if strata.given is not None and hasattr(self, "_log_completion_extra"):
            self._log_completion_extra("correction/stratum", list(name_b))

    def _codes(self, correction: Correction, inputs: Any, ear: Ear) -> Any:
        """All ranks' codes of strata, in the order of their rewards."""
        heard = ear.of(self.reward_func_names[correction.column])
        name_b = correction.strata.of(inputs, heard)
        self._log_strata(correction.strata, name_b)
        code_b = correction.strata.coded(name_b)
        if (code_b < 0).any():
            warnings.warn(
                "some rows are of strata without rates, and weigh nothing; see correction/masked",
                UserWarning,
                stacklevel=2,
            )
        return self._gathered(code_b)

    def _gathered(self, code_b: Any) -> Any:
        """Codes of all ranks, in the order of their rewards."""
        torch, device = import_module("torch"), self.accelerator.device
        return self.accelerator.gather(torch.as_tensor(code_b, dtype=torch.int64, device=device))

    def _generate_and_score_completions(self, inputs: Any) -> dict[str, Any]:
        output = super()._generate_and_score_completions(inputs)
        scored, self._scored = self._scored, None
        if self.correction is None or scored is None or not self.model.training:
            return output
        theirs_b, (reward_BK, code_B, paid_B) = output["advantages"], scored
        ours_B = self.correction(reward_BK, code_B, self.num_generations, paid_B)
        ours_B = ours_B.to(theirs_b.dtype)
        first = self.accelerator.process_index * len(theirs_b)
        output["advantages"] = ours_B[first : first + len(theirs_b)]
        if self.log_completions:
            # TRL has written down its own already.
            logged = self._logs["advantages"]
            for _ in range(len(ours_B)):
                logged.pop()
            logged.extend(ours_B.tolist())
        return output

    def log(self, logs: dict[str, float], *args: Any, **named: Any) -> None:
        """Log TRL's metrics and, in training, those of the correction.

        Args:
            logs: What the trainer logs.
            args: As in TRL.
            named: As in TRL.
        """
        for kept in self._kept().values() if self.model.training else ():
            for name, value in kept.telemetry():
                self._metrics["train"][name].append(value)
        super().log(logs, *args, **named)

    def _kept(self) -> Mapping[str, Correction | Watch | Appeals]:
        """What has a state, by its name in the checkpoint."""
        every = {"correct": self.correction, "watch": self.watching, "appeal": self.appealing}
        return {name: kept for name, kept in every.items() if kept is not None}

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        if self._kept() and self.args.should_save:
            folder = Path(self._get_output_dir(trial=trial), f"checkpoint-{self.state.global_step}")
            row = {name: kept.to_json() for name, kept in self._kept().items()}
            (folder / STATE).write_text(json.dumps(row))

    def _load_optimizer_and_scheduler(self, checkpoint: Any) -> None:
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is None or not self._kept():
            return
        path = Path(checkpoint, STATE)
        found = json.loads(path.read_text()) if path.exists() else {}
        for name, kept in self._kept().items():
            if name in found:
                kept.restore(found[name])
                continue
            what = f"{path.parent} has no state of {name}(): it starts anew"
            warnings.warn(what, UserWarning, stacklevel=2)

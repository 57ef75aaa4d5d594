"""GRPOTrainer's advantages, corrected: a mixin that leaves everything else to TRL."""

from __future__ import annotations

import json
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

from unflip.correction import Effect, Hook
from unflip.errors import UsageError
from unflip.integrations.trl.agreement import agreed, column_of, plain_hook
from unflip.integrations.trl.correcting import Correction, note
from unflip.integrations.trl.hearing import Ear, listening
from unflip.integrations.trl.host import Host
from unflip.integrations.trl.reward import VerifierReward
from unflip.integrations.trl.strata import Rule, Strata
from unflip.integrations.trl.watching import Watch
from unflip.noise.online import Recent
from unflip.types import Verifier, identity

STATE = "unflip_state.json"
"""What lies beside `trainer_state.json` in a checkpoint."""


class Corrected(Host):
    """The methods that `class Trainer(Corrected, GRPOTrainer)` adds to TRL's trainer.

    Until `correct` is called, the trainer is TRL's. Afterwards advantages are made of the global
    batch by a hook, on every rank alike, so a group may lie on several ranks. Evaluation is TRL's
    own throughout.
    """

    correction: Correction | None = None
    watching: Watch | None = None
    _scored: tuple[Any, Any] | None = None

    def correct(
        self,
        hook: Hook | None = None,
        *,
        reward: str | None = None,
        strata: str | Rule | None = None,
    ) -> Effect:
        """Correct the advantages from now on; call it before `train`.

        A row on which the verifier abstains leaves its group's baseline and has advantage 0, also
        where other reward functions paid it. Other rewards keep the weights of `reward_weights`.

        Args:
            hook: The correction; None: only abstains are masked, all else is as TRL makes it.
            reward: Which of several reward functions gives the verdict, by its name.
            strata: Where the hook's strata come from: a column of the dataset, or a function of
                sample and verdict that returns a name. A row of a stratum without rates weighs
                nothing.

        Returns:
            What the correction does in this trainer; its warnings are given as such, too.

        Raises:
            UsageError: The hook does not fit this trainer, changes nothing in it, or goes by the
                rates of another verifier.
        """
        hook = plain_hook(self) if hook is None else hook
        source = Strata(hook.line.strata, strata)
        source.check(self.train_dataset)
        column = column_of(self, reward)
        effect = agreed(self, hook, source.scope)
        note(effect)
        paid = self.reward_funcs[column]
        known = isinstance(paid, VerifierReward)
        hook.line.check_by(identity(paid.verifier) if known else "")
        self.correction = Correction(hook, effect, column, self.reward_weights, source, known)
        return effect

    def watch(
        self,
        second_look: Verifier,
        *,
        share: float,
        reward: str | None = None,
        decay: float = 0.9,
        seed: int = 0,
    ) -> None:
        """Log the verifier's error rates of late, by a second look at some rows of each batch.

        The rows are drawn without regard to their verdicts. Rates are as right as the second look.

        Args:
            second_look: Any verifier; where it abstains, the row has no label.
            share: The chance of each row to be looked at.
            reward: Which of several reward functions gives the verdict, by its name.
            decay: What a batch's weight is multiplied by at each later one; see `Recent`.
            seed: Of the draws.

        Raises:
            UsageError: The share is no chance, or the reward is not made by `reward_func`.
        """
        column = column_of(self, reward)
        paid = self.reward_funcs[column]
        if not isinstance(paid, VerifierReward):
            raise UsageError("a second look needs a reward made by reward_func(verifier)")
        recent = Recent(decay, by=identity(paid.verifier))
        self.watching = Watch(second_look, share, column, recent, seed)

    def _calculate_rewards(
        self, inputs: Any, prompts: Any, completions: Any, completion_ids_list: Any
    ) -> Any:
        with listening(masks=self.correction is not None) as ear:
            reward_BK = super()._calculate_rewards(
                inputs, prompts, completions, completion_ids_list
            )
        if self.model.training and self.correction is not None:
            self._scored = (reward_BK, self._codes(self.correction, inputs, ear))
        if self.model.training and self.watching is not None:
            self._look(self.watching, reward_BK, ear)
        return reward_BK

    def _look(self, watching: Watch, reward_BK: Any, ear: Ear) -> None:
        """Give all ranks' second looks to each rank, since a group may lie on several."""
        heard = ear.of(self.reward_func_names[watching.column])
        label_b = watching.look(heard, self.accelerator.process_index)
        label_B = self._gathered(label_b)
        watching.unread.append((reward_BK[:, watching.column], label_B, self.num_generations))

    def _codes(self, correction: Correction, inputs: Any, ear: Ear) -> Any:
        """All ranks' codes of strata, in the order of their rewards."""
        heard = ear.of(self.reward_func_names[correction.column])
        code_b = correction.strata.codes(inputs, heard)
        if (code_b < 0).any():
            warnings.warn(
                "some rows are of strata without rates, and weigh nothing; see correction/masked",
                UserWarning,
                stacklevel=2,
            )
        return self._gathered(code_b)

    def _gathered(self, values_b: Any) -> Any:
        """The rows of all ranks, in the order of their rewards."""
        torch, device = import_module("torch"), self.accelerator.device
        # Not every device has float64.
        dtype = torch.float32 if values_b.dtype.kind == "f" else torch.int64
        return self.accelerator.gather(torch.as_tensor(values_b, dtype=dtype, device=device))

    def _generate_and_score_completions(self, inputs: Any) -> dict[str, Any]:
        output = super()._generate_and_score_completions(inputs)
        scored, self._scored = self._scored, None
        if self.correction is None or scored is None or not self.model.training:
            return output
        theirs_b = output["advantages"]
        ours_B = self.correction(*scored, self.num_generations).to(theirs_b.dtype)
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
        for kept in self._kept() if self.model.training else ():
            for name, value in kept.telemetry():
                self._metrics["train"][name].append(value)
        super().log(logs, *args, **named)

    def _kept(self) -> list[Correction | Watch]:
        """What has a state."""
        return [kept for kept in (self.correction, self.watching) if kept is not None]

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        if self._kept() and self.args.should_save:
            folder = Path(self._get_output_dir(trial=trial), f"checkpoint-{self.state.global_step}")
            row = {name: state for kept in self._kept() for name, state in kept.to_json().items()}
            (folder / STATE).write_text(json.dumps(row))

    def _load_optimizer_and_scheduler(self, checkpoint: Any) -> None:
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is None or not self._kept():
            return
        path = Path(checkpoint, STATE)
        if not path.exists():
            what = f"{path.parent} has no {STATE}: the correction starts anew"
            warnings.warn(what, UserWarning, stacklevel=2)
            return
        for kept in self._kept():
            kept.restore(json.loads(path.read_text()))

"""What `Corrected` relies on in TRL's GRPOTrainer; `tests/integrations/test_trl.py` pins it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:

    class Host:
        """The parts of GRPOTrainer that are read, replaced or called."""

        accelerator: Any
        args: Any
        beta: float
        log_completions: bool
        model: Any
        num_generations: int
        num_iterations: int
        reward_func_names: list[str]
        reward_funcs: list[Any]
        reward_weights: Any
        scale_rewards: str
        state: Any
        train_dataset: Any
        _logs: dict[str, Any]
        _metrics: dict[str, dict[str, list[float]]]

        def _calculate_rewards(
            self, inputs: Any, prompts: Any, completions: Any, completion_ids_list: Any
        ) -> Any: ...

        def _generate_and_score_completions(self, inputs: Any) -> dict[str, Any]: ...

        def _get_output_dir(self, trial: Any) -> str: ...

        def _load_optimizer_and_scheduler(self, checkpoint: Any) -> None: ...

        def _save_checkpoint(self, model: Any, trial: Any) -> None: ...

        def _log_completion_extra(self, column: str, values: list[Any]) -> None: ...

        def log(self, logs: dict[str, float], *args: Any, **named: Any) -> None:
            """Write down the metrics since the last time."""

else:
    # A mixin: these come from the trainer, which stands behind it in the order of classes.
    Host = object

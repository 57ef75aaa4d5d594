"""Whether a hook and a trainer can work together, told before training starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal

import numpy as np

from unflip.correction import (
    Effect,
    Evidence,
    Hook,
    Kind,
    Line,
    Normaliser,
    RateTable,
    Term,
    explain,
)
from unflip.errors import UsageError
from unflip.integrations.trl.correcting import Correction
from unflip.integrations.trl.host import Host

_MADE: Mapping[str, tuple[Normaliser, ...]] = {
    "group": (Normaliser.GRPO, Normaliser.CLEAN_STD),
    "batch": (Normaliser.BATCH_CENTRED, Normaliser.BATCH),
    "none": (Normaliser.DR_GRPO, Normaliser.RLOO, Normaliser.MAXRL, Normaliser.DIRECT),
}
"""Which advantages go with TRL's `scale_rewards`; the first of each are TRL's own."""
_CENTRED = (Normaliser.RLOO, Normaliser.DR_GRPO)
_CLIPPED = (
    "completions older than the policy are clipped, by the sign of a reward that is right in the "
    "mean only, and that is a bias: set num_iterations=1 and "
    "steps_per_generation=gradient_accumulation_steps"
)


def plain_hook(trainer: Host) -> Hook:
    """A hook that makes TRL's own advantages of the verdicts, with abstains left out."""
    line = Line("verdict", np.array([[0.0, 1.0]]))
    return Hook.of(line, normaliser=_MADE[trainer.scale_rewards][0], allow_inert=True)


def appeals_hook(hook: Hook | None, trainer: Host) -> Hook:
    """The hook of doubly robust rewards: the given one, if it is right for them.

    Raises:
        UsageError: The hook is for something else, or the trainer has a std.
    """
    hook = Hook.of(Evidence.DOUBLY_ROBUST, normaliser=Normaliser.RLOO) if hook is None else hook
    if hook.line.name != Evidence.DOUBLY_ROBUST:
        raise UsageError(
            f"appeals pay by their own rewards, not by {hook.line.name}: leave the hook out, or "
            "make it by Hook.of(Evidence.DOUBLY_ROBUST, normaliser='rloo')"
        )
    if trainer.scale_rewards != "none" or hook.normaliser not in _CENTRED:
        raise UsageError(
            "no std comes after doubly robust rewards: rows that were looked at are paid more than "
            "1 or less than 0, and their group's std would weigh them down again. Say "
            "GRPOConfig(scale_rewards='none'), and rloo or dr_grpo in the hook if you give one"
        )
    return hook


def line_hook(hook: Hook) -> Hook:
    """A hook whose corrections are made of verdicts and strata alone.

    Raises:
        UsageError: Its rows are corrected elsewhere.
    """
    if hook.line.name in set(Evidence):
        raise UsageError(
            f"rewards by {hook.line.name} need more than verdicts: doubly robust ones are what "
            "trainer.appeal(second_look, share=...) makes"
        )
    return hook


def agreed(trainer: Host, hook: Hook, strata: Literal["response", "prompt"]) -> Effect:
    """What the hook does in this trainer.

    Args:
        trainer: A GRPOTrainer.
        hook: The correction.
        strata: What strata depend on.

    Raises:
        UsageError: The two disagree, or the hook would change nothing here although it was made to.
    """
    _check_aggregation(trainer)
    _check_on_policy(trainer, hook)
    evidence = hook.line.name in set(Evidence)
    correction = Evidence(hook.line.name) if evidence else hook.line
    effect = _effect(trainer, correction, hook.normaliser, strata)
    if effect.kind is Kind.INERT and hook.effect.kind is not Kind.INERT:
        raise UsageError(f"in this trainer the correction changes nothing: {effect}")
    if evidence and _off_policy(trainer):
        return replace(effect, warnings=(*effect.warnings, _CLIPPED))
    return effect


def check_learning(
    trainer: Host, correction: Correction | None, column: int, learn: Callable[[RateTable], Line]
) -> None:
    """Refuse to learn rates that nothing goes by, or lines that would not fit or change nothing.

    Raises:
        UsageError: There is no correction, one of another reward or without a baseline, or this
            makes no lines for it, or lines without an effect in this trainer.
    """
    if correction is None or correction.column != column:
        raise UsageError(
            "learned rates are for a correction of the same reward: call correct(hook) first, and "
            "its hook holds until second looks know better"
        )
    hook = correction.hook
    if hook.normaliser is Normaliser.DIRECT:
        raise UsageError(
            "learned rates may mask a stratum, and without a baseline the policy would move into "
            "it: use backward or anchored with rloo"
        )
    line = _learned(learn, hook.line.strata)
    effect = _effect(trainer, line, hook.normaliser, correction.strata.scope)
    if effect.kind is Kind.INERT:
        raise UsageError(f"in this trainer lines of learned rates change nothing: {effect}")


def check_scaling(trainer: Host, hook: Hook) -> None:
    """Refuse a hook that makes other advantages than the trainer is set to.

    Raises:
        UsageError: It does; the message says what to set.
    """
    if hook.normaliser in _MADE[trainer.scale_rewards]:
        return
    fitting = next(scale for scale, made in _MADE.items() if hook.normaliser in made)
    own = _MADE[trainer.scale_rewards][0]
    raise UsageError(
        f"the hook makes {hook.normaliser} advantages and the trainer has "
        f"scale_rewards={trainer.scale_rewards!r}: say GRPOConfig(scale_rewards={fitting!r}) to go "
        f"by the hook, or correct(..., override_scaling=True), or Hook.of(..., "
        f"normaliser={str(own)!r}) to go by the trainer"
    )


def column_of(trainer: Host, reward: str | None) -> int:
    """Which of the trainer's reward functions pays for the verdict.

    Args:
        trainer: A GRPOTrainer.
        reward: Its name; None: there is but one.

    Raises:
        UsageError: There is none of that name, several, or its weight is 0.
    """
    names = trainer.reward_func_names
    listed = ", ".join(map(repr, names))
    if reward is None and len(names) > 1:
        raise UsageError(f"which reward is the verdict? correct(..., reward=<one of {listed}>)")
    found = [k for k, name in enumerate(names) if reward in (None, name)]
    if len(found) != 1:
        raise UsageError(f"{len(found)} rewards are called {reward!r}; there are: {listed}")
    if float(trainer.reward_weights[found[0]]) == 0:
        raise UsageError(f"{names[found[0]]!r} has weight 0 in reward_weights: nothing to correct")
    return found[0]


def _learned(learn: Callable[[RateTable], Line], strata: tuple[str, ...]) -> Line:
    """What may be learned: a line for each stratum, of rates that differ."""
    lines = [
        learn(RateTable.known(fp, 0.2, pass_rate=0.5))
        for fp in np.linspace(0.1, 0.3, len(strata)).tolist()
    ]
    if not isinstance(lines[0], Line):
        raise UsageError(f"learn makes a line of rates, as backward does, not {lines[0]!r:.40}")
    line_S2 = np.concatenate([line.line_S2 for line in lines])
    return replace(lines[0], line_S2=line_S2, strata=strata)


def _effect(
    trainer: Host,
    correction: Line | Evidence,
    normaliser: Normaliser,
    strata: Literal["response", "prompt"],
) -> Effect:
    """What a correction does in this trainer.

    Raises:
        UsageError: It is a posterior of prompts' strata, or one that `explain` refuses.
    """
    if isinstance(correction, Line) and (correction.name, strata) == ("posterior", "prompt"):
        raise UsageError(
            "a column's strata are those of prompts, and a posterior over them starves hard "
            "prompts: use backward or anchored, or a rule that looks at the response"
        )
    return explain(
        correction,
        normaliser=normaliser,
        strata=strata,
        others=_terms(trainer),
        optimiser="sgd" if "sgd" in str(trainer.args.optim).lower() else "adam",
    )


def _check_aggregation(trainer: Host) -> None:
    how = getattr(trainer, "multi_objective_aggregation", "sum_then_normalize")
    if how != "sum_then_normalize":
        raise UsageError(
            f"multi_objective_aggregation={how!r} gives every reward a std of its own, which "
            "undoes a correction of one of them: use 'sum_then_normalize'"
        )


def _check_on_policy(trainer: Host, hook: Hook) -> None:
    """Clipping treats an advantage without a baseline differently above and below 0."""
    if hook.normaliser is Normaliser.DIRECT and _off_policy(trainer):
        raise UsageError(
            "direct advantages have no baseline, and clipping bends them where completions are "
            "older than the policy: set num_iterations=1 and steps_per_generation="
            "gradient_accumulation_steps, or use backward with rloo"
        )


def _off_policy(trainer: Host) -> bool:
    """Whether some updates are by completions of an older policy."""
    args = trainer.args
    late = args.steps_per_generation > args.gradient_accumulation_steps
    return trainer.num_iterations > 1 or bool(late)


def _terms(trainer: Host) -> list[Term]:
    """What else shares the loss."""
    adaptive = getattr(trainer, "use_adaptive_entropy", False)
    there = {
        Term.KL: trainer.beta != 0,
        Term.ENTROPY: adaptive or getattr(trainer, "entropy_coef", 0.0) != 0,
        Term.REWARD: sum(float(weight) != 0 for weight in trainer.reward_weights) > 1,
    }
    return [term for term, is_there in there.items() if is_there]

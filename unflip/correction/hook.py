"""One call in a training step: verdicts in; advantages, and what the correction changed, out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from unflip.correction.advantages import ADVANTAGES, Normaliser
from unflip.correction.arrays import Array, cast, namespace, working
from unflip.correction.effect import Effect, Evidence, Kind, Term, explain, known, named
from unflip.correction.line import Line
from unflip.correction.posterior import STARVES, Posterior
from unflip.correction.scale import Running
from unflip.correction.telemetry import Audit, audit_both
from unflip.errors import UsageError

_OF_PROMPTS = (
    "strata that rows come with are those of prompts (if yours depend on the response, say so by a "
    "function, stratum_of), and by these"
)


class _Elsewhere(Line):
    """The line of a hook whose rows are corrected by second looks or a fitted table."""

    __slots__ = ()

    def __call__(self, r_B: Array, stratum_B: Array | None = None) -> Array:
        raise UsageError(f"rewards by {self.name} are made elsewhere: give them to Hook.paid")


@dataclass(frozen=True, slots=True, eq=False)
class Update:
    """What a hook gives back.

    Attributes:
        advantage_B: For the loss, in r's dtype.
        reward_B: Corrected rewards; NaN for rows that weigh nothing.
        audit: How far the advantages are from those of the raw verdicts.
        hook: The hook for the next step; another one only if its scale is running.
    """

    advantage_B: Array
    reward_B: Array
    audit: Audit
    hook: Hook


@dataclass(frozen=True, slots=True, eq=False)
class Hook:
    """A correction, a normaliser and a scale, checked together when it is made.

    Attributes:
        line: The correction, on the device of the verdicts, see `to`; one that refuses to be called
            where rows are corrected elsewhere.
        normaliser: How advantages are made of corrected rewards.
        scale: What advantages are divided by: a number, or the state of a running scale.
        effect: What `explain` says of it.
        others: What else shares the loss, as it was told.
        optimiser: As it was told.

    Example:
        >>> import numpy as np
        >>> from unflip.correction import RateTable, backward
        >>> hook = Hook.of(backward(RateTable.known([0.1, 0.8], [0.2, 0.1])), normaliser="rloo")
        >>> r_B, stratum_B = np.array([1.0, 1.0, 0.0]), np.array([0, 1, 0])
        >>> hook(r_B, np.zeros(3, int), n_groups=1, stratum_B=stratum_B).advantage_B.round(2)
        array([ 0.36,  1.43, -1.79])
    """

    line: Line
    normaliser: Normaliser
    scale: float | Running
    effect: Effect
    others: tuple[Term | str, ...] = ()
    optimiser: Literal["adam", "sgd"] = "adam"

    @classmethod
    def of(
        cls,
        correction: Line | Evidence | Posterior,
        *,
        normaliser: Normaliser | str = Normaliser.RLOO,
        scale: float | Running = 1.0,
        strata: Literal["response", "prompt"] = "response",
        others: Collection[Term | str] = (),
        optimiser: Literal["adam", "sgd"] = "adam",
        allow_inert: bool = False,
        allow_harmful: bool = False,
    ) -> Hook:
        """A hook that has an effect.

        Args:
            correction: A line, or what single rows are corrected by elsewhere.
            normaliser: How advantages are made of corrected rewards.
            scale: What advantages are divided by, above 0.
            strata: As in `explain`.
            others: As in `explain`.
            optimiser: As in `explain`.
            allow_inert: Take a correction that changes nothing, as a control does.
            allow_harmful: As in `explain`.

        Raises:
            UsageError: The correction changes nothing here, or is refused; the message says why.
        """
        effect = explain(
            correction, normaliser=normaliser, strata=strata, others=others, optimiser=optimiser,
            allow_harmful=allow_harmful,
        )  # fmt: skip
        correction = known(correction)
        if effect.kind is Kind.INERT and not allow_inert:
            raise UsageError(f"this correction changes nothing: {effect}; or allow_inert=True")
        if not isinstance(scale, Running) and not scale > 0:
            raise UsageError(f"advantages are divided by a scale above 0, not {scale}")
        if isinstance(correction, Evidence):
            correction = _Elsewhere(correction, np.full((1, 2), np.nan))
        kind = named(Normaliser, normaliser)
        return cls(correction, kind, scale, effect, tuple(others), optimiser)

    def check_strata_of_prompts(self) -> None:
        """Refuse a hook that strata of prompts would make another one, inert or harmful.

        For integrations that take strata from rows of a dataset, which all rows of a group share.

        Raises:
            UsageError: It is such a one.

        Example:
            >>> from unflip.correction import RateTable, backward
            >>> Hook.of(backward(RateTable.known([0.1, 0.8], [0.2, 0.1]))).check_strata_of_prompts()
        """
        if len(self.line.strata) < 2:
            return
        effect = explain(
            self.line, normaliser=self.normaliser, strata="prompt", others=self.others,
            optimiser=self.optimiser, allow_harmful=STARVES in self.effect.warnings,
        )  # fmt: skip
        if effect.kind is Kind.INERT and self.effect.kind is not Kind.INERT:
            raise UsageError(f"{_OF_PROMPTS} this correction changes nothing: {effect}")

    def __call__(
        self, r_B: Array, group_B: Array, *, n_groups: int, stratum_B: Array | None = None
    ) -> Update:
        """Advantages of corrected verdicts.

        Args:
            r_B: 1 accept, 0 reject, NaN abstain, (B,).
            group_B: Each row's group, integers in [0, n_groups).
            n_groups: How many groups there are.
            stratum_B: Codes of strata, if there are several.

        Raises:
            UsageError: Rows are corrected elsewhere, or these are no columns of one length.
        """
        return self.paid(self.line(r_B, stratum_B), r_B, group_B, n_groups=n_groups)

    def paid(self, reward_B: Array, r_B: Array, group_B: Array, *, n_groups: int) -> Update:
        """Advantages of rewards that were corrected elsewhere, as by second looks.

        Args:
            reward_B: Corrected rewards, such as `doubly_robust` ones; NaN weighs nothing.
            r_B: The raw verdicts, to compare with.
            group_B: Each row's group.
            n_groups: How many groups there are.

        Raises:
            UsageError: These are no columns of one length.
        """
        shapes = {np.shape(one) for one in (reward_B, r_B, group_B)}
        if len(shapes) > 1 or {*map(len, shapes)} != {1}:
            raise UsageError(
                "rewards, verdicts and groups are columns of one length, not "
                f"{np.shape(reward_B)}, {np.shape(r_B)} and {np.shape(group_B)}: flatten them, and "
                "number the group of each row"
            )
        reward_B = working(reward_B)
        # Side by side, the advantages of both cost little more than those of one.
        both_B2 = namespace(reward_B).stack([reward_B, cast(working(r_B), like=reward_B)], -1)
        # By its value: of a member as a key, torch.compile forgets to check that it is the same.
        advantages = ADVANTAGES[self.normaliser.value]
        both_B2 = advantages(both_B2, group_B, n_groups=n_groups)
        changed = audit_both(both_B2)
        advantage_B, after = self._scaled(both_B2[:, 0])
        return Update(cast(advantage_B, like=r_B), reward_B, changed, after)

    def _scaled(self, advantage_B: Array) -> tuple[Array, Hook]:
        if isinstance(self.scale, Running):
            advantage_B, scale = self.scale(advantage_B)
            return advantage_B, replace(self, scale=scale)
        return (advantage_B if self.scale == 1 else advantage_B / self.scale), self

    def to(self, device: Any, dtype: Any = None) -> Hook:
        """The same on a torch device."""
        return replace(self, line=self.line.to(device, dtype))

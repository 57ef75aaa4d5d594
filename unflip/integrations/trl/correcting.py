"""The correction of one training run: rewards of a global batch in, its advantages out."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any

from unflip.correction import Audit, Effect, Hook, Line, Running
from unflip.correction.arrays import Array, host
from unflip.errors import DataError, UsageError
from unflip.integrations.trl.drifting import Drift
from unflip.integrations.trl.strata import Strata


@dataclass(slots=True, eq=False)
class Correction:
    """What a trainer keeps from step to step.

    Attributes:
        hook: The correction and the state of its scale.
        effect: What it does in this trainer.
        column: Which of the reward functions pays for the verdict.
        weight_K: The reward functions' weights.
        masks_K: Which of the reward functions are verifiers whose abstains mask a row.
        strata: Where strata come from.
        checked: Whether the reward is known to be a verdict.
        drift: Watches whether rates still hold; None if nobody said what was measured.
        prior: The line that it began with.
        audits: Of the steps since the last log, with the shares of masked rows.
    """

    hook: Hook
    effect: Effect
    column: int
    weight_K: Array
    masks_K: Array
    strata: Strata
    checked: bool
    drift: Drift | None = None
    prior: Line = field(init=False)
    audits: list[tuple[Audit, Array]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.prior = self.hook.line

    def __call__(
        self, reward_BK: Array, code_B: Array, group_size: int, paid_B: Array | None = None
    ) -> Array:
        """Advantages of all ranks' rows, (B,).

        Args:
            reward_BK: What each reward function paid; NaN for None.
            code_B: Codes of strata.
            group_size: How many rows follow one another as a group.
            paid_B: Rewards in place of the line's, such as those of appeals.
        """
        torch = import_module("torch")
        verdict_B = torch.where(code_B < 0, torch.nan, reward_BK[:, self.column])
        self._check(verdict_B)
        if self.drift is not None:
            self.drift.take(reward_BK[:, self.column], code_B)
        self._move(reward_BK.device)
        if paid_B is None:
            paid_B = self.hook.line(verdict_B, code_B.clamp(min=0))
        weight, others_B = self.weight_K[self.column], self._others(reward_BK)
        group_B = torch.arange(len(verdict_B), device=reward_BK.device) // group_size
        update = self.hook.paid(
            weight * paid_B + others_B,
            weight * verdict_B + others_B,
            group_B,
            n_groups=len(verdict_B) // group_size,
        )
        self.hook = update.hook
        self.audits.append((update.audit, update.reward_B.isnan().float().mean()))
        return update.advantage_B

    def telemetry(self) -> Iterator[tuple[str, float]]:
        """What changed since it was last asked for; only here the host waits for the device."""
        for audit, masked in self.audits:
            for name, value in audit.to_json().items():
                yield f"correction/{name}", value
            yield "correction/masked", float(masked)
        self.audits.clear()
        yield from () if self.drift is None else self.drift.telemetry()

    def to_json(self) -> dict[str, Any]:
        """What a checkpoint has to keep."""
        scale = self.hook.scale
        row = {"scale": scale.to_json() if isinstance(scale, Running) else scale}
        return row if self.drift is None else {**row, "drift": self.drift.to_json()}

    def restore(self, row: Mapping[str, Any]) -> None:
        """Go on from where a checkpoint was made.

        Args:
            row: What `to_json` gave.

        Raises:
            DataError: The checkpoint's scale is of another kind.
        """
        scale, now = row["scale"], self.hook.scale
        if isinstance(scale, Mapping) != isinstance(now, Running):
            raise DataError(
                f"the checkpoint has scale {scale!r} and the hook {now!r}: make the hook as it was"
            )
        if isinstance(scale, Mapping):
            self.hook = replace(self.hook, scale=Running.from_json(scale))
        if self.drift is not None and "drift" in row:
            self.drift.restore(row["drift"])

    def go_by(self, line: Line) -> None:
        """Correct by another line from now on, such as one of rates that were learned."""
        self.hook = replace(self.hook, line=line)

    def _others(self, reward_BK: Array) -> Array:
        """What other functions paid; NaN where a verifier abstained, as the sum is not known."""
        torch, weight_K = import_module("torch"), self.weight_K.clone()
        weight_K[self.column] = 0
        unknown_B = (reward_BK.isnan() & self.masks_K).any(1)
        return torch.where(unknown_B, torch.nan, (reward_BK * weight_K).nansum(1))

    def _move(self, device: Any) -> None:
        self.weight_K, self.masks_K = self.weight_K.to(device), self.masks_K.to(device)
        if getattr(self.hook.line.line_S2, "device", None) != device:
            self.hook = self.hook.to(device)

    def _check(self, verdict_B: Array) -> None:
        """Look once whether a foreign reward is a verdict."""
        if self.checked:
            return
        self.checked = True
        bad = {float(r) for r in host(verdict_B) if r == r and r not in (0, 1)}
        if bad:
            raise UsageError(
                f"the reward to correct paid {min(bad):g}, and a verdict is 1, 0 or None: make it "
                "by reward_func(load('file.py:function', accept_at=...))"
            )


def note(effect: Effect) -> None:
    """Warn of what goes wrong although, or because, a correction has an effect."""
    for warning in effect.warnings:
        warnings.warn(warning, UserWarning, stacklevel=4)

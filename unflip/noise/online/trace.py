"""A log of rollouts replayed step by step: how rates moved, and which alarms went off."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unflip.errors import UsageError
from unflip.intervals import Proportion
from unflip.noise.online.alarms import (
    Alarm,
    collapsed,
    disagreements,
    dominated,
    false_discoveries,
    false_positives,
    favourite,
)
from unflip.noise.online.estimators import Recent, Running, one_each
from unflip.noise.survey import Floats, Ints, Survey

REFERENCE = 5
"""The fewest steps that limits are learned from."""
MOST = 1000
"""At so many steps of a longer log the rates are told: more than a picture can show."""
_VAGUE = 0.5
"""A limit this far above the usual rate would never be reached."""
_RATES = ("recent_fp", "recent_fn", "running_fp", "running_fn")
_WATCHED = {
    "false_positives": "wrong answers accepted",
    "false_discoveries": "wrong answers among accepted",
    "disagreements": "judge and verifier disagree",
    "collapsed": "short completions",
    "dominated": "same completion everywhere",
}
"""What each alarm watches, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What was known after one step.

    Attributes:
        step: Its number in the log.
        rows: How many completions it had.
        labels: How many of them carry a label.
        accept: The share of them that the verifier accepted.
        recent_fp: rho0 of late, see `Recent`.
        recent_fn: rho1 of late.
        running_fp: rho0 so far, see `Running`.
        running_fn: rho1 so far.
    """

    step: float
    rows: int
    labels: int
    accept: float
    recent_fp: Proportion
    recent_fn: Proportion
    running_fp: Proportion
    running_fn: Proportion

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        rates = {name: getattr(self, name).to_json() for name in _RATES}
        return {name: getattr(self, name) for name in self.__slots__} | rates

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Point:
        """The inverse of `to_json`."""
        return cls(**{**row, **{name: Proportion.from_json(row[name]) for name in _RATES}})


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """What came of one alarm.

    Attributes:
        what: What was watched, in words.
        limit: The rate above which it is to go off; None if there is none.
        step: The number of the step at which it went off; None if it did not.
        why: Why it could not be watched; empty if it could.
    """

    what: str
    limit: float | None = None
    step: float | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The rates of a log from step to step; made by `trace`.

    Attributes:
        points: One a step, in order of step; of more than `MOST` steps, that many evenly.
        alarms: What was watched, and when it went off.
        reference: How many steps at the start the limits were learned from.
        patience: That of every alarm, in steps.
        decay: That of the recent rates.
        notes: What else has to be known about these figures.
    """

    points: tuple[Point, ...] = ()
    alarms: tuple[Raised, ...] = ()
    reference: int = 0
    patience: float = 0.0
    decay: float = 0.9
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A JSON object; `from_json` restores the trace exactly."""
        row = {name: getattr(self, name) for name in self.__slots__}
        row["points"] = [point.to_json() for point in self.points]
        row["alarms"] = [{name: getattr(a, name) for name in a.__slots__} for a in self.alarms]
        return row | {"notes": list(self.notes)}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Trace:
        """The inverse of `to_json`.

        Raises:
            UsageError: The row is no trace.
        """
        try:
            parts = {
                "points": tuple(map(Point.from_json, row["points"])),
                "alarms": tuple(Raised(**alarm) for alarm in row["alarms"]),
                "notes": tuple(row["notes"]),
            }
            return cls(**{**row, **parts})
        except (KeyError, TypeError, ValueError) as why:
            raise UsageError(f"this row is no trace: {why!r}") from why


def trace(
    survey: Survey,
    step_N: ArrayLike,
    *,
    decay: float = 0.9,
    length_N: ArrayLike | None = None,
    output_N: Sequence[Hashable] | None = None,
    patience: float | None = None,
    reference: int | None = None,
    limits: Mapping[str, float] | None = None,
    seed: int = 0,
) -> Trace:
    """Replay a log of rollouts in order of step: rates of late, rates so far, and alarms.

    Watched is what the data allow: rho0 where labels were drawn evenly (all decided rows carry one,
    or all labels were logged with one probability), else wrong answers among accepted ones; the
    judge's disagreement; short completions, where lengths are given; one completion that takes
    over, where outputs are given. Each limit is learned from the reference, the first steps. If
    those may already be hacked, give limits.

    Args:
        survey: The rows of the log; its clusters are the prompts.
        step_N: The training step of each row, in any order.
        decay: As for `Recent`.
        length_N: The length of each completion, in any unit.
        output_N: The completions, or whatever of them is compared (a prefix, a hash).
        patience: That of every alarm in steps; by default a steady log raises any false alarm with
            a chance of about 5%.
        reference: How many steps limits are learned from; by default a fifth of them, and 5 at
            least.
        limits: Limits that need not be learned, by the name of what is watched: `false_positives`,
            `false_discoveries`, `disagreements`, `collapsed`, `dominated`.
        seed: Draws the one row of each prompt and step that the rates so far rest on.

    Raises:
        UsageError: Columns do not fit together, a step is no number, a limit is for what cannot
            be watched here, or as for `Recent`.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> step_N, prompt_N = np.arange(6400) // 128, np.arange(6400) // 8
        >>> truth_N = rng.random(6400) < 0.5
        >>> accepted_N = rng.random(6400) < np.where(truth_N, 0.8, 0.05 + 0.3 * (step_N >= 30))
        >>> survey = Survey(accepted_N=accepted_N, rejected_N=~accepted_N, correct_N=truth_N,
        ...                 cluster_N=prompt_N)
        >>> told = trace(survey, step_N)
        >>> print(len(told.points), told.alarms[0].what, told.alarms[0].step)
        50 wrong answers accepted 31
    """
    steps = _steps(survey, step_N, length_N, output_N)
    even = _even(survey)
    watched = _watched(steps, even=even, reference=_reference(len(steps), reference))
    watch = _Watch(
        numbers=[step.number for step in steps],
        reference=_reference(len(steps), reference),
        patience=20.0 * max(len(steps), 1) * max(len(watched), 1) if patience is None else patience,
        limits=_known(limits or {}),
    )
    if unwatched := set(watch.limits) - set(watched):
        raise UsageError(
            f"no limit for {', '.join(sorted(unwatched))} here: what these rows allow to watch is "
            f"{', '.join(watched) or 'nothing'}"
        )
    drawable = _drawable(survey)
    return Trace(
        points=_points(steps, Recent(decay), Running(even) if drawable else None, seed),
        alarms=tuple(watch.over(name, share_TG) for name, share_TG in watched.items()),
        reference=watch.reference,
        patience=watch.patience,
        decay=decay,
        notes=_notes(decay, even=even, drawable=drawable) + _thinned(len(steps)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    number: float
    survey: Survey
    length_N: Floats | None
    output_N: list[Hashable] | None

    @property
    def group_N(self) -> Ints:
        """The prompt of each row."""
        cluster_N = self.survey.cluster_N
        return np.arange(len(self.survey)) if cluster_N is None else cluster_N


def _steps(
    survey: Survey,
    step_N: ArrayLike,
    length_N: ArrayLike | None,
    output_N: Sequence[Hashable] | None,
) -> list[_Step]:
    number_N = np.asarray(step_N, dtype=float)
    lengths_N = None if length_N is None else np.asarray(length_N, dtype=float)
    columns = [column for column in (number_N, lengths_N, output_N) if column is not None]
    if any(len(column) != len(survey) for column in columns):
        raise UsageError(
            f"steps, lengths and outputs need one entry a row, and there are {len(survey)}"
        )
    if not np.isfinite(number_N).all():
        raise UsageError("every row of the log needs the number of its training step")
    order_N = np.argsort(number_N, kind="stable")
    numbers, first = np.unique(number_N[order_N], return_index=True)
    rows = np.split(order_N, first[1:]) if len(numbers) else []
    return [
        _Step(
            number=int(number) if number == int(number) else float(number),
            # replace() numbers the step's own prompts from 0: sums need a place for each.
            survey=replace(survey.where(part)),
            length_N=None if lengths_N is None else lengths_N[part],
            output_N=None if output_N is None else [output_N[row] for row in part],
        )
        for number, part in zip(numbers.tolist(), rows, strict=True)
    ]


def _points(
    steps: list[_Step], recent: Recent, running: Running | None, seed: int
) -> tuple[Point, ...]:
    rng = np.random.default_rng(seed)
    points = []
    so_far = running or Running(even=True)
    kept = set(np.linspace(0, len(steps) - 1, min(len(steps), MOST)).round().tolist())
    for place, step in enumerate(steps):
        recent = recent.update(step.survey)
        draws = replace(step.survey.where(one_each(step.group_N, rng)), cell_N=None)
        so_far = so_far.update(draws) if running is not None else so_far
        if place in kept:
            points.append(_point(step, recent, so_far))
    return tuple(points)


def _thinned(steps: int) -> tuple[str, ...]:
    if steps <= MOST:
        return ()
    return (f"every step counts, and the rates are told at {MOST} of {steps} steps",)


def _point(step: _Step, recent: Recent, running: Running) -> Point:
    of_late = recent.rates()
    return Point(
        step=step.number,
        rows=len(step.survey),
        labels=step.survey.labels,
        accept=float(step.survey.accepted_N.mean()),
        recent_fp=of_late.fp,
        recent_fn=of_late.fn,
        running_fp=running.fp(),
        running_fn=running.fn(),
    )


@dataclass(frozen=True, slots=True)
class _Watch:
    """Sets each alarm to the steps it can watch."""

    numbers: list[float]
    reference: int
    patience: float
    limits: Mapping[str, float]

    def over(self, name: str, share_TG: list[Floats]) -> Raised:
        what, limit = _WATCHED[name], self.limits.get(name)
        if limit is not None:
            return self._from(Alarm(limit=limit, patience=self.patience), what, share_TG, 0)
        if len(share_TG) <= self.reference:
            few = f"{len(share_TG)} steps are too few: the first {self.reference} say what is usual"
            return Raised(what=what, why=few)
        known_G = np.concatenate(share_TG[: self.reference])
        alarm = _learned(known_G, self.patience)
        if alarm is None:
            few = f"{len(known_G)} prompts with such rows in the first {self.reference} steps"
            return Raised(what=what, why=f"{few} are too few to learn a limit from")
        return self._from(alarm, what, share_TG, self.reference)

    def _from(self, alarm: Alarm, what: str, share_TG: list[Floats], start: int) -> Raised:
        for share_G in share_TG[start:]:
            alarm = alarm.update(share_G)
        step = None if alarm.raised is None else self.numbers[start + alarm.raised - 1]
        return Raised(what=what, limit=alarm.limit, step=step)


def _learned(share_G: Floats, patience: float) -> Alarm | None:
    """An alarm with a limit that says something; None if the reference is too short for one."""
    try:
        alarm = Alarm.learned(share_G, patience=patience)
    except UsageError:
        return None
    return alarm if alarm.limit - share_G.mean() < _VAGUE else None


def _watched(steps: list[_Step], *, even: bool, reference: int) -> dict[str, list[Floats]]:
    """For each alarm that the data allow, one share a prompt, step by step."""
    if not steps:
        return {}
    one = steps[0]
    share: Callable[[Survey], Floats] = false_positives if even else false_discoveries
    watched = {share.__name__: [share(step.survey) for step in steps]}
    if one.survey.judge_N is not None:
        watched["disagreements"] = [disagreements(step.survey) for step in steps]
    if one.length_N is not None:
        watched["collapsed"] = _lengths(steps, reference)
    if one.output_N is not None:
        watched["dominated"] = _outputs(steps)
    return watched


def _lengths(steps: list[_Step], reference: int) -> list[Floats]:
    """Shares of short completions; the first quarter of the reference says what is short."""
    known = max(1, reference // 4)
    lengths = [step.length_N for step in steps if step.length_N is not None]
    below = float(np.quantile(np.concatenate(lengths[:known]), 0.05))
    shares = [
        collapsed(length_N, step.group_N, below=below)
        for step, length_N in zip(steps, lengths, strict=True)
    ]
    return [np.array([])] * known + shares[known:]


def _outputs(steps: list[_Step]) -> list[Floats]:
    """Shares of the favourite of the step before; the first step has none before it."""
    outputs = [step.output_N or [] for step in steps]
    shares = [np.array([])]
    for before, output_N, step in zip(steps, outputs[1:], steps[1:], strict=False):
        by = favourite(before.output_N or [], before.group_N.tolist())
        shares.append(dominated(output_N, step.group_N, by=by))
    return shares


def _reference(steps: int, given: int | None) -> int:
    if given is None:
        return max(REFERENCE, -(-steps // 5))
    if given < 2:
        raise UsageError(f"limits are learned from 2 steps or more, not from {given}")
    return given


def _known(limits: Mapping[str, float]) -> Mapping[str, float]:
    if unknown := sorted(set(limits) - set(_WATCHED)):
        raise UsageError(f"there are limits for {', '.join(_WATCHED)}, not for {unknown}")
    return limits


def _even(survey: Survey) -> bool:
    """Whether it is known that labels were drawn without regard to the verdict."""
    if survey.probability_N is None:
        return bool(survey.labelled_N[survey.decided_N].all())
    return _alike(survey.probability_N[survey.labelled_N])


def _drawable(survey: Survey) -> bool:
    """Whether labels of one verdict had equal chances, as rates so far need it."""
    if survey.probability_N is None:
        return True
    classes = (survey.accepted_N, survey.rejected_N, ~survey.decided_N)
    return all(_alike(survey.probability_N[part & survey.labelled_N]) for part in classes)


def _alike(chance_n: NDArray[Any]) -> bool:
    return len(np.unique(chance_n)) <= 1


def _notes(decay: float, *, even: bool, drawable: bool) -> tuple[str, ...]:
    said = [f"rates of late count each step {decay:g} times the next, and promise no coverage"]
    if not drawable:
        said.append("labels of one verdict had different chances: there are no rates so far")
        return tuple(said)
    said.append("rates so far rest on one row of each prompt and step, drawn before its verdict")
    if not even:
        said.append("labels may depend on the verdict: rates so far are composed, and wider")
    return tuple(said)

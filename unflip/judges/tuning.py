"""A judge with a threshold that labelled rows have earned it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from unflip.errors import UsageError
from unflip.judges.calibration import Calibration, calibration
from unflip.judges.chances import Estimator
from unflip.judges.judge import Judge
from unflip.judges.settings import Reading
from unflip.judges.thresholds import Threshold, fixed_sequence
from unflip.types import Sample, Verdict

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Tuned:
    """What came of tuning.

    Attributes:
        judge: The judge with the threshold; None if none was shown to be good enough.
        threshold: The threshold, and what is known of it.
        calibration: What P(yes) is worth on the same rows.
    """

    judge: Judge | None
    threshold: Threshold
    calibration: Calibration


def chances(
    verdicts: Sequence[Verdict], samples: Sequence[Sample]
) -> tuple[Floats, Bools, list[str] | None]:
    """P(yes), label and prompt of each labelled row on which a judge gave P(yes).

    The prompts are None where no sample has one: then rows count as independent.

    Raises:
        UsageError: There is not one verdict for each sample.

    Example:
        >>> chances([], [])[0].shape
        (0,)
    """
    if len(verdicts) != len(samples):
        raise UsageError("each sample needs a verdict, and each verdict a sample")
    rows = [
        (verdict.p, sample.correct, repr(sample.prompt) if sample.prompt else "")
        for verdict, sample in zip(verdicts, samples, strict=True)
        if verdict.p is not None and sample.correct is not None
    ]
    p_n = np.array([row[0] for row in rows], dtype=float)
    correct_n = np.array([row[1] for row in rows], dtype=bool)
    groups = [row[2] or f"#{index}" for index, row in enumerate(rows)]
    return p_n, correct_n, groups if any(row[2] for row in rows) else None


def tune(
    judge: Judge, samples: Sequence[Sample], *, max_fp: float, confidence: float = 0.95
) -> Tuned:
    r"""The judge at the loosest threshold whose false-positive rate is shown to be below a limit.

    What it shows holds for rows like these: measure again when the policy or the data change, and
    never tune on the rows that rates are then reported on.

    Args:
        judge: One that reads P(yes).
        samples: Labelled rows; those that share a prompt count once.
        max_fp: The limit, in (0, 1), of false positives among wrong rows that the judge decides.
        confidence: With which it is kept, in (0.5, 1).

    Raises:
        UsageError: The judge reads words or gave no P(yes), no row is labelled wrong, or some
            chances came from log-probabilities and others from samples.

    Example:
        >>> from unflip.judges import Own, template
        >>> sure = Own(lambda messages: "YES" if "\n4\n" in messages[-1]["content"] else "NO")
        >>> judge = Judge(template("yes-no-blind"), sure, Reading.SAMPLES)
        >>> rows = [Sample(str(n % 9), "four", correct=n % 9 == 4) for n in range(180)]
        >>> print(tune(judge, rows, max_fp=0.05).threshold)
        accept from P(yes) >= 0.05: false positives below 0.0185 with confidence 0.95; accepts 1.000 [0.839, 1.000] of correct answers
    """  # noqa: E501 (what is printed is one line)
    if judge.reading is Reading.WORD:
        raise UsageError("a threshold is on P(yes): tune a judge with reading=Reading.CHANCE")
    verdicts = judge.verify_batch(samples)
    p_n, correct_n, groups = chances(verdicts, samples)
    if not p_n.size:
        raise UsageError("the judge gave P(yes) on no labelled row: look at its verdicts' reasons")
    found = fixed_sequence(p_n, correct_n, max_fp=max_fp, confidence=confidence, group_n=groups)
    table = calibration(p_n, correct_n, group_n=groups)
    if found.accept_at is None:
        return Tuned(None, found, table)
    policy = replace(judge.policy, accept_at=found.accept_at, reject_below=None)
    return Tuned(replace(judge, policy=policy, reading=_reading(verdicts)), found, table)


def _reading(verdicts: Sequence[Verdict]) -> Reading:
    """The one way in which all chances came about: a threshold on one means nothing on another."""
    found = {one.evidence.get("estimator") for one in verdicts if one.p is not None}
    if len(found) > 1:
        told = " and ".join(sorted(map(str, found)))
        raise UsageError(f"P(yes) came from {told}: use reading=Reading.LOGPROBS, or SAMPLES")
    return Reading.SAMPLES if found == {Estimator.SAMPLES} else Reading.LOGPROBS

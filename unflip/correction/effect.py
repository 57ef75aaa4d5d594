"""Whether a correction can change anything where it is to be used, told before training starts.

What counts is the update of the weights, beside the one that raw verdicts would give through the
same normaliser. `tests/correction/test_effect.py` confirms every answer by numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal, TypeVar

import numpy as np

from unflip.correction.advantages import Normaliser
from unflip.correction.arrays import host
from unflip.correction.forward import UNSCALED
from unflip.correction.line import Line
from unflip.correction.posterior import STARVES, Posterior
from unflip.correction.table import Floats
from unflip.errors import UsageError

Word = TypeVar("Word", bound=StrEnum)
_STD = (Normaliser.GRPO, Normaliser.BATCH, Normaliser.BATCH_CENTRED)
_CENTRED = (Normaliser.DR_GRPO, Normaliser.RLOO)


class Kind(StrEnum):
    """What a correction does to the update."""

    INERT = "inert"
    """Nothing, up to rounding."""
    SCALE_ONLY = "scale-only"
    """One positive factor for the whole update."""
    ACTIVE = "active"
    """It changes the direction."""


class Evidence(StrEnum):
    """Corrections of single rows, which are no lines."""

    REPAIR = "repair"
    """The second look replaces the verdict where it was taken."""
    DOUBLY_ROBUST = "doubly robust"
    """The model's reward, repaired in the mean where a second look was taken."""
    RATES_ONLY = "rates only"
    """The second look counts errors, and pays nobody."""
    POSTERIOR = "fitted posterior"
    """A `Posterior` of verdict, stratum and judge's score."""


class Term(StrEnum):
    """What else shares the loss."""

    KL = "kl"
    """In the loss; a KL penalty inside the reward is a second reward."""
    ENTROPY = "entropy"
    REWARD = "reward"
    """A second reward, added before the normaliser."""
    NORMALISED_REWARD = "normalised reward"
    """A second reward with a normaliser of its own, added after it (GDPO)."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a correction does, why, and what to do instead if that is nothing.

    Attributes:
        kind: Inert, scale-only or active.
        reason: Why, in a sentence.
        remedy: What would have an effect; empty if this has.
        warnings: What goes wrong although, or because, it has an effect.
    """

    kind: Kind
    reason: str
    remedy: str = ""
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = (f"{self.kind}: {self.reason}", self.remedy and f"use {self.remedy}")
        return "; ".join(part for part in (*parts, *self.warnings) if part)


@dataclass(frozen=True, slots=True)
class _Setting:
    """Lines of the strata that weigh something, and where they are used."""

    line_S2: Floats
    masks: bool
    normaliser: Normaliser
    within: bool
    others: frozenset[Term]
    adaptive: bool

    @property
    def slope(self) -> float | None:
        """The slope, if all strata share it."""
        slope_S = self.line_S2[:, 1]
        return float(slope_S[0]) if np.allclose(slope_S, slope_S[0], rtol=1e-9) else None

    @property
    def one_line(self) -> bool:
        return self.slope is not None and bool(np.ptp(self.line_S2[:, 0]) < 1e-9)

    @property
    def shifts(self) -> bool:
        return bool((np.abs(self.line_S2[:, 0]) > 1e-9).any())


def explain(
    correction: Line | Evidence | Posterior,
    *,
    normaliser: Normaliser | str,
    strata: Literal["response", "prompt"] = "response",
    others: Collection[Term | str] = (),
    optimiser: Literal["adam", "sgd"] = "adam",
    times_advantage: bool = False,
    allow_harmful: bool = False,
) -> Effect:
    """Whether a correction changes the update, why, and what to do if it does not.

    Args:
        correction: A line, or what single rows are corrected by: evidence, or a fitted posterior.
        normaliser: How the trainer makes advantages of corrected rewards.
        strata: Whether a row's stratum depends on its response, or on its prompt alone, so that
            all rows of a group share it.
        others: What else shares the loss.
        optimiser: "adam" for all that divide a gradient by its own size, "sgd" for others.
        times_advantage: Whether advantages of raw verdicts are multiplied by the corrected rewards,
            in place of being made of them.
        allow_harmful: Only warn of a posterior over prompts' strata, as a control wants it.

    Raises:
        UsageError: A posterior is to pay prompts' strata, forward weights are to be centred, or to
            go unscaled to strata of responses, advantages to be multiplied by signed weights, or
            strata masked although there is no baseline; or something else is given than a
            correction, or than the words for these.

    Source: GRPO's invariance to affine maps, e.g. arXiv 2510.00915v4, appendix A.

    Example:
        >>> from unflip.correction import RateTable, backward
        >>> line = backward(RateTable.known(0.1, 0.2))
        >>> print(explain(line, normaliser="grpo").kind)
        inert
        >>> print(explain(line, normaliser="rloo", optimiser="sgd").kind)
        scale-only
        >>> print(explain(line, normaliser="grpo", others=["reward"]).kind)
        active
    """
    normaliser, terms = named(Normaliser, normaliser), frozenset(named(Term, o) for o in others)
    _check_words(strata, ("response", "prompt"))
    _check_words(optimiser, ("adam", "sgd"))
    if times_advantage:
        raise UsageError(
            "an advantage times a signed weight rewards what it should punish: below the mean both "
            "are negative. Make advantages of corrected rewards, or use direct ones"
        )
    starves = _starves(correction, strata)
    if starves and not allow_harmful:
        raise UsageError(f"{STARVES}, with these strata; or say allow_harmful=True, as a control")
    correction = known(correction)
    if isinstance(correction, Evidence):
        return _of_evidence(correction, normaliser, starves)
    _refuse_centred_forward(correction, normaliser)
    _refuse_unscaled_forward(correction, strata)
    setting = _setting(correction, normaliser, strata, terms, optimiser)
    _refuse_uncentred_masks(setting)
    kind, reason = _kind(setting)
    remedy = "" if kind is Kind.ACTIVE else _remedy(setting)
    return Effect(kind, reason, remedy, _warnings(correction, setting, starves))


def known(correction: Line | Evidence | Posterior) -> Line | Evidence:
    """The line, or what kind of evidence corrects single rows.

    Raises:
        UsageError: It is neither; the message says what to give.
    """
    if isinstance(correction, Posterior):
        return Evidence.POSTERIOR
    if not isinstance(correction, (Line, Evidence)):
        raise UsageError(
            "a correction is a line such as backward(table), a member of Evidence, or a fitted "
            f"Posterior, not {type(correction).__name__}"
        )
    return correction


def named(kind: type[Word], word: str) -> Word:
    """The member of a StrEnum that a word stands for.

    Raises:
        UsageError: None; the message lists them.
    """
    _check_words(word, [*kind])
    return kind(word)


def _check_words(word: str, words: Sequence[str]) -> None:
    if word not in words:
        raise UsageError(f"{word!r} is none of {', '.join(words)}")


def _starves(correction: Line | Evidence | Posterior, strata: str) -> bool:
    """Whether several strata of prompts are shrunk apart."""
    if strata != "prompt":
        return False
    if isinstance(correction, Line):
        return correction.name == "posterior" and len(correction.line_S2) > 1
    if isinstance(correction, Posterior):
        return correction.n_strata > 1
    return correction is Evidence.POSTERIOR


def _refuse_centred_forward(line: Line, normaliser: Normaliser) -> None:
    if normaliser is Normaliser.DIRECT or "forward" not in line.name:
        return
    same = "backward" if line.name != "forward" else "the raw verdict"
    raise UsageError(
        f"{normaliser} centres forward weights, which gives {same} with a baseline and nothing "
        "else: use direct advantages for them, or backward with rloo"
    )


def _refuse_unscaled_forward(line: Line, strata: str) -> None:
    if (line.name, strata) == ("forward", "response") and len(line.line_S2) > 1:
        raise UsageError(f"{UNSCALED}: use stratified_forward, or say strata='prompt' here too")


def _refuse_uncentred_masks(at: _Setting) -> None:
    if at.masks and at.normaliser is Normaliser.DIRECT:
        raise UsageError(
            "without a baseline, advantage 0 is no neutral one: forward weights are below 0 on "
            "average, so the policy would move into the masked stratum. Use backward with rloo"
        )


def _setting(
    line: Line, normaliser: Normaliser, strata: str, others: frozenset[Term], optimiser: str
) -> _Setting:
    line_S2 = host(line.line_S2)
    weighs_S = ~np.isnan(line_S2[:, 1])
    kept_S2 = line_S2[weighs_S]
    return _Setting(
        kept_S2,
        masks=not weighs_S.all(),
        normaliser=normaliser,
        within=strata == "response" and len(kept_S2) > 1 and bool(np.ptp(kept_S2, 0).max() > 1e-9),
        others=others,
        adaptive=optimiser == "adam",
    )


def _kind(at: _Setting) -> tuple[Kind, str]:
    """The rules, first match wins; from the third on, all rows of a group share a line."""
    if at.masks:
        return Kind.ACTIVE, "rows of masked strata leave the baseline and have no advantage"
    if at.within:
        return Kind.ACTIVE, "rows of one group are corrected by different lines"
    if (at.line_S2[:, 1] <= 0).any():
        return Kind.ACTIVE, "a slope that is not positive turns verdicts around, or silences them"
    if Term.REWARD in at.others and at.slope != 1:
        return Kind.ACTIVE, "the slope changes what a verdict weighs beside the other reward"
    if at.normaliser in _STD:
        return _under_std(at)
    if at.normaliser in _CENTRED:
        return _centred(at)
    if at.normaliser is Normaliser.MAXRL:
        return _maxrl(at)
    if at.normaliser is Normaliser.CLEAN_STD:
        return _clean_std(at)
    return _direct(at)


def _under_std(at: _Setting) -> tuple[Kind, str]:
    if at.normaliser is Normaliser.GRPO:
        return Kind.INERT, "one line for a whole group is removed by the group's mean and std"
    if at.one_line:
        return Kind.INERT, "one line for the whole batch is removed by its mean and std"
    if at.normaliser is Normaliser.BATCH_CENTRED and at.slope is not None:
        kind = Kind.ACTIVE if at.adaptive or at.others - {Term.REWARD} else Kind.SCALE_ONLY
        return kind, "shifts remain in the batch's std: a factor that varies from step to step"
    return Kind.ACTIVE, "prompts' lines differ, and the batch has one std for all of them"


def _centred(at: _Setting) -> tuple[Kind, str]:
    if at.slope is None:
        return Kind.ACTIVE, "each prompt's advantages are multiplied by its own slope"
    return _factor(at, "the baseline removes the shift")


def _maxrl(at: _Setting) -> tuple[Kind, str]:
    if at.shifts:
        return Kind.ACTIVE, "the shift changes the mean that advantages are divided by"
    if (at.line_S2[:, 1] < 1).any():
        return Kind.ACTIVE, "the floor under the mean is 1/n, whatever the slope"
    return Kind.INERT, "with no false positives to subtract, the mean removes the slope"


def _clean_std(at: _Setting) -> tuple[Kind, str]:
    if at.slope == 1 and not at.shifts:
        return Kind.INERT, "these are the raw verdicts"
    return Kind.ACTIVE, "the line moves the pass rate that the std is made of"


def _direct(at: _Setting) -> tuple[Kind, str]:
    if at.slope is None:
        return Kind.ACTIVE, "each prompt's advantages are multiplied by its own slope"
    if at.shifts:
        return Kind.ACTIVE, "nothing removes the shift, which acts as a baseline"
    return _factor(at, "there is no shift")


def _factor(at: _Setting, why: str) -> tuple[Kind, str]:
    if at.slope == 1:
        return Kind.INERT, f"{why}, and the slope is 1"
    fixed = at.others - {Term.REWARD}
    factor = f"one factor of {at.slope:.3g}"
    if fixed:
        terms = ", ".join(sorted(fixed))
        return Kind.ACTIVE, f"{why}; {factor} remains, and {terms} does not grow with it"
    if at.adaptive:
        return Kind.INERT, f"{why}; {factor} remains, which Adam removes but for clipping and eps"
    return Kind.SCALE_ONLY, f"{why}; {factor} remains: a learning rate"


def _remedy(at: _Setting) -> str:
    if at.normaliser in _STD:
        return "rates by strata of responses with rloo, or second looks (appeals)"
    return "rates by strata of responses, or second looks (appeals)"


def _warnings(line: Line, at: _Setting, starves: bool) -> tuple[str, ...]:
    found = [*line.notes]
    if at.within and at.normaliser is Normaliser.GRPO:
        found.append(
            "a group's std undoes what strata correct: the stratum that is easy to fool is still "
            "preferred, although its mean reward is right; use rloo, or clean_std if a std must be"
        )
    if at.within and at.normaliser is Normaliser.CLEAN_STD:
        found.append(
            "a std of few corrected rows is a guess, which leaves a little against strata whose "
            "rewards vary most; rloo has none"
        )
    by_prompt = _kind(replace(at, within=False))[0]
    if at.within and not at.masks and by_prompt is not Kind.ACTIVE:
        found.append(
            f"if strata depend on the prompt alone, this is {by_prompt}: then say strata='prompt', "
            "or in TRL name their column"
        )
    if starves:
        found.append(STARVES)
    if at.normaliser is Normaliser.DIRECT and at.one_line and at.shifts:
        found.append("in expectation the direction is the raw verdict's: a shift is a baseline")
    if at.normaliser is Normaliser.DIRECT:
        found.append("abstains have advantage 0, which is not neutral without a baseline")
    return tuple(found)


def _of_evidence(evidence: Evidence, normaliser: Normaliser, starves: bool) -> Effect:
    if evidence is Evidence.RATES_ONLY:
        reason = (
            "a second look that only counts pays nobody; ask about the line that its rates give"
        )
        return Effect(Kind.INERT, reason, "its answers as well: appeals by doubly_robust with rloo")
    warnings = [STARVES] if starves else []
    if evidence is Evidence.DOUBLY_ROBUST and normaliser not in (*_CENTRED, Normaliser.DIRECT):
        warnings.append("unbiased rewards over a std, or a mean, of their own are biased; use rloo")
    if evidence is Evidence.REPAIR:
        warnings.append("rows without a second look keep their errors: less bias, but not none")
    if evidence is Evidence.POSTERIOR and normaliser in _STD:
        warnings.append("a std undoes part of what a posterior corrects between strata; use rloo")
    paid_by = "the fitted table" if evidence is Evidence.POSTERIOR else "the second look"
    return Effect(Kind.ACTIVE, f"single rows are paid by {paid_by}", "", tuple(warnings))

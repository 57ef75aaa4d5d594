"""The plan: environments, arms, seeds, comparisons and margins, fixed before the runs.

Sizes and the learning rate were chosen by pilot runs of the raw arm, with a clean verifier and with
a noisy one, on seed 1000, which the plan does not use; some other arms were run there once, to see
that they work. Seeds are 0, 1, 2 and so on. A seed is a policy taught anew, the prompts that it
meets and the verifier's luck, the same for all arms, so differences are paired.

Budget: 4 to 5 s of one core for a run of the reference loop, 15 s for a policy's examples, perhaps
30 s for a run in TRL; half an hour of one core for the reference loop, and as much for TRL.

Amended once, when the main arms of `hackable`, seed 0 of everything else and a few runs of seeds 1
to 5 had been made: of the first eight policies, three had not learned their examples. Before RL
they pass .05, .27 and .06 of the exam, the other five .54 to .55, as did the pilots'. This is no
matter of arms, and can be seen before them. `hackable` is told both ways, with all eight seeds as
planned and with the five taught ones; everything else has the taught ones only, where six, eight or
twelve seeds in a row had been planned. Comparisons and margins are as they were.

In TRL, four seeds had been planned, two were run first and described. Then, before any other run
there: six seeds, the first of 0, 1, 2 and so on whose Llama passes .4 of the exam before RL (2 and
4 pass .09 and .05), and two families of comparisons.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from benchmarks.grpo_noise.arms import Arm
from unflip.correction import RateTable
from unflip.noise.inject import ByStratum, Correlated, HashStable, Iid, Injector, Trigger


@dataclass(frozen=True, kw_only=True)
class Preset:
    """How large everything is.

    Attributes:
        name: What files are called by.
        digits: Of each number to add.
        width: Of the policy.
        layers: Of the policy.
        heads: Of the policy.
        sft_steps: Batches of examples before RL.
        sft_batch: Examples in each.
        sft_rate: Adam's learning rate on them.
        steps: Of RL, one update each.
        prompts: In a step.
        group: Answers to each prompt.
        rate: Adam's learning rate, falling to 0 in a straight line.
        held_out: Prompts that the pass rate is computed on.
        evaluations: How often it is, the end included.
    """

    name: str
    digits: int = 2
    width: int
    layers: int
    heads: int
    sft_steps: int
    sft_batch: int
    sft_rate: float
    steps: int
    prompts: int
    group: int = 8
    rate: float
    held_out: int
    evaluations: int


PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            name="smoke", width=16, layers=1, heads=2, sft_steps=40, sft_batch=64, sft_rate=5e-3,
            steps=12, prompts=8, rate=2e-3, held_out=50, evaluations=2,
        ),
        Preset(
            name="cpu", width=32, layers=2, heads=2, sft_steps=1200, sft_batch=128, sft_rate=5e-3,
            steps=200, prompts=32, rate=1e-3, held_out=500, evaluations=8,
        ),
        Preset(
            name="trl", width=32, layers=2, heads=2, sft_steps=1200, sft_batch=128, sft_rate=5e-3,
            steps=160, prompts=32, rate=1e-3, held_out=500, evaluations=8,
        ),
        Preset(
            name="gpu", digits=4, width=384, layers=6, heads=6, sft_steps=3000, sft_batch=512,
            sft_rate=1e-3, steps=400, prompts=256, rate=2e-4, held_out=4000, evaluations=20,
        ),
    )
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What is wrong with the verifier, and what else is in the reward.

    Attributes:
        noise: The injector of a step, from a seed.
        rates: The true rates, known to the arms `backward`, `forward` and `masking`.
        strata: What rates go by: "", "style" of the answer, "carry" or "domain" of the prompt.
        wrong_gold: The share of prompts whose reference is the typical mistake, for good.
        bonus: What a last digit of 0 to 4 is paid beside the verdict.
        normaliser: How advantages are made, where an arm does not say otherwise.
    """

    noise: Callable[[int], Injector | None] = lambda _: None
    rates: RateTable
    strata: Literal["", "style", "carry", "domain"] = ""
    wrong_gold: float = 0.0
    bonus: float = 0.0
    normaliser: str = "rloo"

    @property
    def scope(self) -> Literal["response", "prompt"]:
        """Whether all rows of a group share a stratum."""
        return "prompt" if self.strata in ("carry", "domain") else "response"


def iid(fp: float, fn: float) -> Callable[[int], Injector]:
    return lambda seed: Iid(fp=fp, fn=fn, seed=seed)


def by_stratum(*rates: tuple[float, float]) -> Callable[[int], Injector]:
    """Independent flips at each stratum's own rates."""
    return lambda seed: ByStratum(
        {str(code): Iid(fp=fp, fn=fn, seed=seed) for code, (fp, fn) in enumerate(rates)}
    )


ENVIRONMENTS = {
    "clean": Environment(rates=RateTable.known(0.0, 0.0)),
    "iid .3 .3": Environment(noise=iid(0.3, 0.3), rates=RateTable.known(0.3, 0.3)),
    "iid .5 .1": Environment(noise=iid(0.5, 0.1), rates=RateTable.known(0.5, 0.1)),
    "iid .1 .5": Environment(noise=iid(0.1, 0.5), rates=RateTable.known(0.1, 0.5)),
    "group": Environment(
        noise=lambda seed: Correlated(fp=0.3, fn=0.3, icc=0.5, seed=seed),
        rates=RateTable.known(0.3, 0.3),
    ),
    # What rho0 is depends on how often wrong answers are that mistake; near the start, mostly.
    "wrong gold": Environment(wrong_gold=0.4, rates=RateTable.known(0.35, 0.4)),
    "inverted": Environment(
        noise=by_stratum((0.1, 0.1), (0.7, 0.7)),
        rates=RateTable.known([0.1, 0.7], [0.1, 0.7], allow_inverted=True),
        strata="domain",
    ),
    "hard": Environment(
        noise=by_stratum((0.0, 0.0), (0.0, 0.7)),
        rates=RateTable.known([0.0, 0.0], [0.0, 0.7]),
        strata="carry",
    ),
    "bonus": Environment(noise=iid(0.3, 0.3), rates=RateTable.known(0.3, 0.3), bonus=0.5),
    "maxrl": Environment(
        noise=iid(0.3, 0.1), rates=RateTable.known(0.3, 0.1), normaliser="maxrl"
    ),
    # A # opens four in five of the answers that the verifier would reject.
    "hackable": Environment(
        noise=lambda seed: Iid(fp=0.05, fn=0.1, seed=seed) | Trigger(text="#", fp=0.8, seed=seed),
        rates=RateTable.known([0.05, 0.81], [0.1, 0.02], strata=["plain", "hash"]),
        strata="style",
    ),
}  # fmt: skip

ARMS = {
    "noisy": Arm(pays="raw"),
    "noisy, grpo": Arm(pays="raw", normaliser="grpo"),
    "clean": Arm(pays="clean"),
    "clean, grpo": Arm(pays="clean", normaliser="grpo"),
    "random": Arm(pays="random"),
    "backward": Arm(pays="backward"),
    "backward, grpo": Arm(pays="backward", normaliser="grpo"),
    "forward": Arm(pays="forward", normaliser="direct"),
    "masking": Arm(pays="masking"),
    "posterior 1%": Arm(pays="posterior", share=0.01),
    "posterior 5%": Arm(pays="posterior", share=0.05),
    "posterior 5%, grpo": Arm(pays="posterior", share=0.05, normaliser="grpo"),
    "anchored 5%": Arm(pays="anchored", share=0.05),
    "rates only 10%": Arm(pays="counting", share=0.1),
    "repair 10%": Arm(pays="repair", share=0.1),
    "repair 50%": Arm(pays="repair", share=0.5),
    "appeals 10%": Arm(pays="appeals", share=0.1),
    "robust 10%": Arm(pays="robust", share=0.1),
    "robust 10%, blind": Arm(pays="robust", share=0.1, blind=True),
    "robust 10%, fallible": Arm(pays="robust", share=0.1, fp=0.1, fn=0.1),
    "repair 10%, fallible": Arm(pays="repair", share=0.1, fp=0.1, fn=0.1),
}
"""All arms; those with a share are told the truth of so many rows, the others know true rates."""

TAUGHT = (0, 4, 5, 6, 7)
"""The seeds whose policies had learned their examples."""
_FIRST = tuple(range(8))

_LOOKS = ("repair 10%", "robust 10%")
CELLS = {
    environment: {arm: seeds for seeds, arms in by_seeds.items() for arm in arms}
    for environment, by_seeds in {
        "clean": {TAUGHT: ("noisy", "noisy, grpo", "random")},
        "iid .3 .3": {
            TAUGHT: (
                "noisy", "backward", "noisy, grpo", "backward, grpo", "forward", "rates only 10%",
                *_LOOKS, "repair 50%",
            ),
        },
        "iid .5 .1": {TAUGHT: ("noisy", "backward", "appeals 10%", *_LOOKS)},
        "iid .1 .5": {TAUGHT: ("noisy", "backward", "appeals 10%", *_LOOKS)},
        "group": {TAUGHT: ("noisy", "backward", *_LOOKS)},
        "wrong gold": {TAUGHT: ("noisy", "backward", "repair 50%", *_LOOKS)},
        "inverted": {TAUGHT: ("noisy", "backward", "masking", "anchored 5%", *_LOOKS)},
        "hard": {TAUGHT: ("noisy", "backward", "posterior 5%", "anchored 5%", *_LOOKS)},
        "bonus": {TAUGHT: ("clean", "noisy", "backward", *_LOOKS)},
        "maxrl": {TAUGHT: ("clean", "noisy", "backward")},
        "hackable": {
            _FIRST: (
                "noisy", "masking", "posterior 1%", "posterior 5%", *_LOOKS,
                "robust 10%, blind",
            ),
            TAUGHT[:4]: (
                "noisy, grpo", "backward", "backward, grpo", "forward", "anchored 5%",
                "posterior 5%, grpo", "appeals 10%", "robust 10%, fallible",
                "repair 10%, fallible",
            ),
        },
    }.items()
}  # fmt: skip
"""The seeds of each arm in each environment."""

MARGIN = 0.02
"""Pass rates that differ by less count as equal; learning moves them ten times as far."""


@dataclass(frozen=True)
class Family:
    """Paired differences in final pass rate that answer one question.

    Attributes:
        question: What they answer.
        pairs: Environment, arm, and the arm that it is compared with.
        equivalence: Whether the claim is that they are equal: two one-sided tests at 5% against
            `MARGIN`. Else the claim is a difference: intervals at 95%, all of a family together.
        seeds: Of these.
    """

    question: str
    pairs: tuple[tuple[str, str, str], ...]
    equivalence: bool = False
    seeds: tuple[int, ...] = TAUGHT


def against_noisy(environment: str, *arms: str) -> tuple[tuple[str, str, str], ...]:
    return tuple((environment, arm, "noisy") for arm in arms)


_TRL = (0, 1, 3, 5, 6, 7)
_ROBUST = tuple(
    ("hackable", "robust 10%", other)
    for other in ("noisy", "masking", "posterior 1%", "posterior 5%", "repair 10%")
)
_BLIND = tuple(
    ("hackable", "robust 10%, blind", other) for other in ("noisy", "repair 10%", "robust 10%")
)
FAMILIES = (
    Family(
        "One line for all rows: the same as the raw verdicts?",
        (
            ("iid .3 .3", "backward", "noisy"),
            ("iid .3 .3", "backward, grpo", "noisy, grpo"),
            ("iid .3 .3", "rates only 10%", "noisy"),
            ("iid .5 .1", "backward", "noisy"),
            ("iid .1 .5", "backward", "noisy"),
            ("group", "backward", "noisy"),
            ("wrong gold", "backward", "noisy"),
        ),
        equivalence=True,
    ),
    Family("Direct forward weights, one pair of rates", against_noisy("iid .3 .3", "forward")),
    Family(
        "Second looks where rates are the same for all",
        (
            *against_noisy("iid .3 .3", *_LOOKS, "repair 50%"),
            *against_noisy("iid .5 .1", *_LOOKS, "appeals 10%"),
            *against_noisy("iid .1 .5", *_LOOKS, "appeals 10%"),
        ),
    ),
    Family(
        "Second looks where errors go together",
        (
            *against_noisy("group", *_LOOKS),
            *against_noisy("wrong gold", *_LOOKS, "repair 50%"),
        ),
    ),
    Family(
        "Rates by domain, one domain inverted",
        against_noisy("inverted", "backward", "masking", "anchored 5%", *_LOOKS),
    ),
    Family(
        "Hard prompts rejected more",
        against_noisy("hard", "backward", "anchored 5%", "posterior 5%", *_LOOKS),
    ),
    Family("Beside a second reward", against_noisy("bonus", "backward", *_LOOKS)),
    Family("Under MaxRL", against_noisy("maxrl", "backward")),
    Family("A trigger that the verifier accepts: doubly robust appeals at 10%", _ROBUST),
    Family("The same with all eight seeds, as first planned", _ROBUST, seeds=_FIRST),
    Family("Without knowing the trigger", _BLIND),
    Family("Without knowing the trigger, with all eight seeds", _BLIND, seeds=_FIRST),
    Family(
        "In TRL: one line for all rows, the same as the raw verdicts?",
        (("TRL, iid .3 .3", "backward, grpo", "noisy, grpo"),),
        equivalence=True,
        seeds=_TRL,
    ),
    Family(
        "In TRL: a trigger that the verifier accepts",
        (
            *against_noisy("TRL, hackable", "backward", "masking", "robust 10%"),
            ("TRL, hackable", "robust 10%", "masking"),
        ),
        seeds=_TRL,
    ),
)
"""What is tested. Whatever else is in the tables is described, and no claim rests on it."""

# In TRL a verifier knows no row's place, so the same answer always meets the same fate.
TRL_ENVIRONMENTS = {
    "TRL, iid .3 .3": Environment(
        noise=lambda seed: HashStable(fp=0.3, fn=0.3, seed=seed), rates=RateTable.known(0.3, 0.3)
    ),
    "TRL, hackable": Environment(
        noise=lambda seed: (
            HashStable(fp=0.05, fn=0.1, seed=seed) | Trigger(text="#", fp=0.8, seed=seed)
        ),
        rates=RateTable.known([0.05, 0.81], [0.1, 0.02], strata=["plain", "hash"]),
        strata="style",
    ),
}
TRL_ARMS = {
    name: ARMS[name] for name in ("noisy", "noisy, grpo", "backward", "backward, grpo", "masking")
} | {"robust 10%": Arm(pays="robust", share=0.1)}
TRL_CELLS = {
    "TRL, iid .3 .3": dict.fromkeys(("noisy, grpo", "backward, grpo"), _TRL),
    "TRL, hackable": dict.fromkeys(("noisy", "backward", "masking", "robust 10%"), _TRL),
}
_CLEAN = ("clean", "noisy", "clean verifier")
_HACKED = (
    "noisy", "masking", "posterior 5%", "repair 10%", "robust 10%", "robust 10%, blind",
)  # fmt: skip


def lines(environment: str, *arms: str) -> tuple[tuple[str, str, str], ...]:
    """Curves of one environment, named by their arms."""
    return tuple((environment, arm, arm) for arm in arms)


PICTURES = {
    "experiment-iid": (
        "pass",
        "Pass rate, rates .3 and .3 for all answers",
        (_CLEAN, *lines("iid .3 .3", "noisy", "backward", "forward", *_LOOKS, "repair 50%")),
    ),
    "experiment-inverted": (
        "pass",
        "Pass rate, one domain inverted",
        (_CLEAN, *lines("inverted", "noisy", "backward", "masking", "anchored 5%", *_LOOKS)),
    ),
    "experiment-hackable": (
        "pass",
        "Pass rate, # opens the verifier",
        (_CLEAN, *lines("hackable", *_HACKED)),
    ),
    "experiment-trigger": (
        "hash",
        "Share of answers with the trigger #",
        (_CLEAN, *lines("hackable", *_HACKED)),
    ),
}
"""The learning curves that are drawn: what of, under which title, and whose."""

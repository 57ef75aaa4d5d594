"""What `explain` says, confirmed by numbers: every answer of the static check is measured."""

from functools import partial
from itertools import product

import numpy as np
import pytest

from tests.correction.exact import STRATUM_Y, TRUTH_Y
from unflip.correction import (
    ADVANTAGES,
    Effect,
    Evidence,
    Hook,
    Kind,
    Normaliser,
    Posterior,
    RateTable,
    Term,
    anchored,
    backward,
    explain,
    forward,
    masking,
    posterior,
    stratified_forward,
)
from unflip.correction.line import Line
from unflip.errors import UsageError

PROMPTS, K, STEPS = 3, 8, 4
RATES = ([0.05, 0.3, 0.1], [0.1, 0.2, 0.4])
PASS = [0.5, 0.2, 0.7]


def known(strata, **options):
    """A table of the first few strata."""
    return RateTable.known(*(side[:strata] for side in RATES), pass_rate=PASS[:strata], **options)


def lines(name, intercepts, slopes):
    """A family of lines: the first few of these."""

    def make(strata):
        line_S2 = np.stack([intercepts, slopes], -1).astype(float)[:strata]
        return Line(name, line_S2, tuple(map(str, range(len(line_S2)))))

    return make


FAMILIES = {
    "the verdict itself": lines("raw", [0], [1]),
    "a shift": lines("shift", [0.3], [1]),
    "a slope": lines("slope", [0], [1.5]),
    "a slope below 1": lines("half", [0], [0.5]),
    "turned around": lines("inverted", [1], [-1]),
    "backward, one rate": lambda _: backward(RateTable.known(0.1, 0.2)),
    "backward, no false positives": lambda _: backward(RateTable.known(0, 0.2)),
    "posterior, one rate": lambda _: posterior(RateTable.known(0.1, 0.2, pass_rate=0.3)),
    "shifts by stratum": lines("shifts", [0, 0.5, 0.2], [1, 1, 1]),
    "shifts by stratum and a slope": lines("shifts", [0, 0.5, 0.2], [2, 2, 2]),
    "slopes by stratum": lines("slopes", [0, 0, 0], [1.2, 1.5, 3]),
    "lines that are all equal": lines("equal", [0.2, 0.2, 0.2], [1.5, 1.5, 1.5]),
    "one stratum turned around": lines("inverted", [0, 1, 0], [1, -1, 1]),
    "one stratum without a slope": lines("flat", [0, 0.4, 0], [1, 0, 1]),
    "backward by stratum": lambda strata: backward(known(strata)),
    "anchored by stratum": lambda strata: anchored(known(strata), ridge=0.3),
    "posterior by stratum": lambda strata: posterior(known(strata)),
}
FORWARD = {
    "forward": lambda _: forward(RateTable.known(0.1, 0.2)),
    "forward by prompt": lambda strata: forward(known(strata), strata="prompt"),
    "stratified forward": lambda strata: stratified_forward(known(strata)),
}
CENTRING = [one for one in Normaliser if one is not Normaliser.DIRECT]
OTHERS = [(), *((term,) for term in Term), (Term.KL, Term.REWARD)]


class Run:
    """A few steps of three prompts on fixed samples: gradients, and an optimiser's updates."""

    def __init__(self):
        rng = np.random.default_rng(7)
        logits_TPY = rng.normal(size=(STEPS, PROMPTS, 4))
        self.policy_TPY = np.exp(logits_TPY) / np.exp(logits_TPY).sum(-1, keepdims=True)
        self.reference_PY = np.full((PROMPTS, 4), 0.25)
        # Every answer occurs in every group, so that strata meet; the verdicts are noisy.
        self.answer_TB = np.tile([0, 1, 2, 3, 0, 1, 2, 3], (STEPS, PROMPTS))
        flip_TB = rng.random(self.answer_TB.shape) < 0.3
        self.r_TB = np.abs(TRUTH_Y[self.answer_TB] - flip_TB)
        # A group with a single accept: its mean is on MaxRL's floor.
        self.r_TB[:, :K] = np.arange(K) == 0
        self.second_TB = rng.random(self.answer_TB.shape)
        self.prompt_B = np.repeat(np.arange(PROMPTS), K)
        # Prompts share their weights, as in a network.
        self.weights = rng.normal(size=(20, PROMPTS * 4))

    def updates(self, line, normaliser, scope, others, optimiser):
        """The updates of all steps, one after the other."""
        gradients = [self.gradient(step, line, normaliser, scope, others) for step in range(STEPS)]
        return gradients if optimiser == "sgd" else adam(gradients)

    def gradient(self, step, line, normaliser, scope, others):
        answer_B, policy_PY = self.answer_TB[step], self.policy_TPY[step]
        stratum_B = self.prompt_B if scope == "prompt" else STRATUM_Y[answer_B]
        r_hat_B = line(self.r_TB[step], stratum_B if len(line.strata) > 1 else None)
        advantage_B = self.advantages(r_hat_B, self.second_TB[step], normaliser, others)
        score_BY = np.eye(4)[answer_B] - policy_PY[self.prompt_B]
        gradient_PY = (advantage_B[:, None] * score_BY).reshape(PROMPTS, K, 4).mean(1)
        log_ratio_PY = np.log(policy_PY / self.reference_PY)
        slope_PY = policy_PY * (log_ratio_PY - (policy_PY * log_ratio_PY).sum(-1, keepdims=True))
        # Against a uniform reference, entropy pulls as KL does.
        strength = 0.1 * (Term.KL in others) + 0.05 * (Term.ENTROPY in others)
        return self.weights @ (gradient_PY - strength * slope_PY).ravel()

    def advantages(self, r_hat_B, second_B, normaliser, others):
        advantages = ADVANTAGES[normaliser]
        if normaliser in (Normaliser.GRPO, Normaliser.BATCH, Normaliser.BATCH_CENTRED):
            advantages = partial(advantages, eps=1e-12)
        total_B = r_hat_B + 0.5 * second_B * (Term.REWARD in others)
        found_B = advantages(total_B, self.prompt_B, n_groups=PROMPTS)
        if Term.NORMALISED_REWARD in others:
            found_B = found_B + advantages(second_B, self.prompt_B, n_groups=PROMPTS)
        return found_B


def adam(gradients, beta1=0.9, beta2=0.999, eps=1e-8):
    """What Adam makes of a sequence of gradients."""
    first, second, updates = 0.0, 0.0, []
    for step, gradient in enumerate(gradients, start=1):
        first = beta1 * first + (1 - beta1) * gradient
        second = beta2 * second + (1 - beta2) * gradient**2
        corrected = np.sqrt(second / (1 - beta2**step)) + eps
        updates.append(first / (1 - beta1**step) / corrected)
    return updates


def measured(mine, raw):
    """What kind of effect turned the raw updates into mine."""
    largest = max(np.abs(update).max() for update in raw)
    if all(np.abs(a - b).max() < 1e-4 * largest for a, b in zip(mine, raw, strict=True)):
        return Kind.INERT
    cosines = [
        a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(mine, raw, strict=True)
    ]
    return Kind.SCALE_ONLY if min(cosines) > 1 - 1e-9 else Kind.ACTIVE


RUN = Run()
RAW = FAMILIES["the verdict itself"](1)
everywhere = pytest.mark.parametrize("normaliser", list(Normaliser))


def disagreements(line, normaliser, scope):
    """Settings in which the static check says something else than the numbers."""
    for others, optimiser in product(OTHERS, ("adam", "sgd")):
        said = explain(
            line, normaliser=normaliser, strata=scope, others=others, optimiser=optimiser,
            allow_harmful=True,
        ).kind  # fmt: skip
        mine, raw = (RUN.updates(one, normaliser, scope, others, optimiser) for one in (line, RAW))
        if (found := measured(mine, raw)) is not said:
            yield f"{others} {optimiser}: said {said}, measured {found}"


@everywhere
@pytest.mark.parametrize("scope", ["response", "prompt"])
@pytest.mark.parametrize("family", [*FAMILIES])
def test_the_static_check_agrees_with_the_numbers(family, normaliser, scope):
    """Inert, scale-only or active: as said, so measured, next to every term and optimiser."""
    line = FAMILIES[family](PROMPTS if scope == "prompt" else 2)
    assert not list(disagreements(line, normaliser, scope))


@pytest.mark.parametrize(
    ("family", "scope"),
    [
        pair
        for pair in product(FORWARD, ("response", "prompt"))
        if pair != ("forward by prompt", "response")
    ],
)
def test_the_static_check_agrees_on_direct_forward_weights(family, scope):
    """The same for forward weights, whose only advantages are direct ones."""
    line = FORWARD[family](PROMPTS if scope == "prompt" else 2)
    assert not list(disagreements(line, Normaliser.DIRECT, scope))


def test_all_kinds_of_effect_occur_in_the_table():
    """The table is no tautology: all three kinds are measured somewhere."""
    kinds = {
        measured(
            RUN.updates(FAMILIES[family](2), normaliser, "response", (), "sgd"),
            RUN.updates(RAW, normaliser, "response", (), "sgd"),
        )
        for family, normaliser in product(FAMILIES, Normaliser)
    }
    assert kinds == set(Kind)


@pytest.mark.parametrize("normaliser", CENTRING)
@pytest.mark.parametrize("family", [*FORWARD])
def test_centred_forward_weights_are_refused(family, normaliser):
    """A baseline takes away what forward weights are."""
    with pytest.raises(UsageError, match="use direct advantages"):
        explain(FORWARD[family](2), normaliser=normaliser)


def test_unscaled_forward_weights_by_response_are_refused():
    """Also if they were made for strata of prompts, and somebody uses them for others."""
    line = FORWARD["forward by prompt"](2)
    for use in (explain, Hook.of):
        with pytest.raises(UsageError, match="wrong when strata depend on the response"):
            use(line, normaliser="direct", strata="response")
        use(line, normaliser="direct", strata="prompt")


@pytest.mark.parametrize("normaliser", CENTRING)
@pytest.mark.parametrize("scope", ["response", "prompt"])
def test_the_static_check_agrees_on_masks(normaliser, scope):
    """The same for a masked stratum, under all that have a baseline."""
    line = masking(known(PROMPTS if scope == "prompt" else 2), ["1"])
    assert not list(disagreements(line, normaliser, scope))


@pytest.mark.parametrize("correction", [stratified_forward, backward])
def test_masks_without_a_baseline_are_refused(correction):
    """Advantage 0 would be better than the average."""
    table = RateTable.known([0.1, 0.5], [0.1, 0.5])
    with pytest.raises(UsageError, match="move into the masked stratum"):
        explain(correction(table), normaliser="direct")


def test_centred_stratified_forward_is_centred_backward():
    """Which is why the refusal sends there."""
    r_B, stratum_B, group_B = np.array([1.0, 0, 1, 0]), np.array([0, 1, 1, 0]), np.zeros(4, int)
    both = (
        ADVANTAGES["rloo"](line(known(2))(r_B, stratum_B), group_B, n_groups=1)
        for line in (stratified_forward, backward)
    )
    np.testing.assert_allclose(*both, atol=1e-12)


def test_an_advantage_times_a_signed_weight_is_refused():
    """It would reward answers below the mean: negative times negative."""
    with pytest.raises(UsageError, match="signed weight"):
        explain(backward(known(1)), normaliser="grpo", times_advantage=True)


def test_abstains_without_a_baseline_are_warned_about():
    """Forward weights are below 0 on average, so an abstain would be a reward."""
    effect = explain(forward(known(1)), normaliser="direct")
    assert any("abstains have advantage 0" in warning for warning in effect.warnings)


def test_strata_under_a_group_std_are_warned_about():
    """Unbiased rewards over their own std still favour the stratum that is easy to fool."""
    assert "still preferred" in str(explain(backward(known(2)), normaliser="grpo"))
    assert not explain(backward(known(2)), normaliser="rloo").warnings


@pytest.mark.parametrize("family", [*FAMILIES])
@everywhere
def test_strata_of_prompts_taken_for_those_of_responses_are_warned_about(family, normaliser):
    """Domains are strata of prompts: without a word about it, inert would be called active."""
    line = FAMILIES[family](2)
    said, by_prompt = (
        explain(line, normaliser=normaliser, strata=scope, allow_harmful=True)
        for scope in ("response", "prompt")
    )
    warned = any("say strata='prompt'" in warning for warning in said.warnings)
    assert warned == (said.kind is Kind.ACTIVE and by_prompt.kind is not Kind.ACTIVE)


SHRUNK = {
    "a line": posterior(known(2)),
    "a fitted one": Posterior(np.full(4, 0.5), np.zeros(0), np.ones(4)),
    "one fitted elsewhere": Evidence.POSTERIOR,
}


@pytest.mark.parametrize("shrunk", [*SHRUNK])
@pytest.mark.parametrize("ask", [explain, Hook.of])
def test_a_posterior_over_prompts_is_refused(ask, shrunk):
    """Shrinking by prompt starves the hard ones; a control may ask for it, and is warned."""
    with pytest.raises(UsageError, match=r"starves hard prompts.*allow_harmful=True"):
        ask(SHRUNK[shrunk], normaliser="rloo", strata="prompt")
    taken = ask(SHRUNK[shrunk], normaliser="rloo", strata="prompt", allow_harmful=True)
    assert "starves hard prompts" in str(getattr(taken, "effect", taken))
    assert "starves" not in str(explain(SHRUNK[shrunk], normaliser="rloo"))


def test_a_posterior_of_one_stratum_is_not_refused_over_prompts():
    """All prompts are shrunk alike."""
    fitted = Posterior(np.full(2, 0.5), np.zeros(0), np.ones(2))
    for one in (fitted, FAMILIES["posterior, one rate"](1)):
        assert not explain(one, normaliser="rloo", strata="prompt").warnings


@pytest.mark.parametrize(
    "wrong",
    [{"normaliser": "gpro"}, {"others": ["kld"]}, {"strata": "prompts"}, {"optimiser": "lion"}],
)
def test_words_that_mean_nothing_are_refused(wrong):
    """A typing error is not read as the other choice; the message lists the words there are."""
    with pytest.raises(UsageError, match="is none of"):
        explain(backward(known(2)), **{"normaliser": "rloo", **wrong})


def test_an_inert_correction_comes_with_a_remedy():
    """The answer says that nothing changes, why, and what would."""
    effect = explain(backward(known(1)), normaliser="grpo")
    assert str(effect) == (
        "inert: one line for a whole group is removed by the group's mean and std; "
        "use rates by strata of responses with rloo, or second looks (appeals)"
    )


def test_masked_strata_are_reported():
    """What the table noted is among the warnings."""
    line = Line("backward", np.array([[0.0, 1.5], [np.nan, np.nan]]), ("a", "b"), ("b weighs 0",))
    assert explain(line, normaliser="rloo").warnings == ("b weighs 0",)


@pytest.mark.parametrize("normaliser", ["grpo", "maxrl", "batch", "batch_centred"])
def test_doubly_robust_appeals_before_a_std_are_warned_about(normaliser):
    """Nothing may rescale them by their own spread."""
    effect = explain(Evidence.DOUBLY_ROBUST, normaliser=normaliser)
    assert effect.kind is Kind.ACTIVE
    assert "use rloo" in effect.warnings[0]
    assert not explain(Evidence.DOUBLY_ROBUST, normaliser="rloo").warnings


def test_appeals_that_only_count_are_inert():
    """Rates pay nobody: what matters is the line that they give."""
    effect: Effect = explain(Evidence.RATES_ONLY, normaliser="rloo")
    assert (effect.kind, bool(effect.remedy)) == (Kind.INERT, True)
    assert explain(Evidence.REPAIR, normaliser="grpo").kind is Kind.ACTIVE


def test_a_fitted_posterior_is_active_and_warned_about_under_a_std():
    """It is no line, and still there is an answer."""
    effect = explain(Evidence.POSTERIOR, normaliser="grpo")
    assert effect.kind is Kind.ACTIVE
    assert "use rloo" in effect.warnings[0]
    assert not explain(Evidence.POSTERIOR, normaliser="rloo").warnings
    fitted = Posterior.fit([1, 0], [1, 0], [0, 0], n_strata=1)
    assert explain(fitted, normaliser="grpo") == effect


@pytest.mark.parametrize("given", [RateTable.known(0.1, 0.2), backward, "repair", None])
def test_what_is_no_correction_is_refused(given):
    """A table, a function or a word: the message says what to give."""
    with pytest.raises(UsageError, match=r"a line such as backward\(table\)"):
        explain(given, normaliser="rloo")

"""Tensors: the same numbers as numpy, no wait for a device, halves that are safe, gradients."""

import numpy as np
import pytest

from unflip.correction import (
    ADVANTAGES,
    Evidence,
    Hook,
    Normaliser,
    Plan,
    Posterior,
    RateTable,
    Running,
    anchored,
    audit,
    backward,
    clean_std,
    cross_fit,
    doubly_robust,
    forward,
    masking,
    pass_rates,
    posterior,
    repair,
    rloo,
    squared_misses,
    stratified_forward,
    verdict_cells,
)
from unflip.correction.arrays import host
from unflip.errors import UsageError

torch = pytest.importorskip("torch")
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402  (torch may be missing)

from tests.correction.waiting import before_training, no_waiting  # noqa: E402

B, GROUPS, STRATA, FOLDS = 96, 12, 3, 4
TABLE = RateTable.known([0.05, 0.3, 0.6], [0.1, 0.4, 0.3], pass_rate=[0.4, 0.2, 0.7])


def without_values(given):
    """The same columns as tensors that hold nothing."""
    return {name: column.to("meta") for name, column in tensors(given).items()}


class Launches(TorchDispatchMode):
    """Counts operations, but for views and for scalars, which the host makes."""

    found = 0
    free = ("view", "select", "unsqueeze", "slice", "expand", "detach", "scalar_tensor")

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.found += func.overloadpacket.__name__ not in self.free
        return func(*args, **(kwargs or {}))


def columns():
    """A batch with abstains, ragged groups, strata, scores and second looks."""
    rng = np.random.default_rng(4)
    r_B = rng.integers(0, 2, B).astype(float)
    r_B[rng.random(B) < 0.1] = np.nan
    return {
        "r": r_B,
        "group": rng.integers(0, GROUPS, B),
        "stratum": rng.integers(0, STRATA, B),
        "truth": rng.integers(0, 2, B).astype(float),
        "uniform": rng.random(B),
        "other": rng.normal(size=B),
        "score": np.where(rng.random(B) < 0.1, np.nan, rng.normal(size=B)),
    }


def fitted():
    """A posterior with scores."""
    given = columns()
    r_B = np.nan_to_num(given["r"])
    score_B = np.nan_to_num(given["score"])
    return Posterior.fit(given["truth"], r_B, given["stratum"], n_strata=STRATA, score_n=score_B)


def on(thing, given):
    """A correction on the device of the columns, in their width."""
    r_B = given["r"]
    if isinstance(r_B, np.ndarray):
        return thing
    with before_training():
        return thing.to(r_B.device, torch.float64)


def appealed(given):
    """Everything that second looks do: a plan, a model, rewards, what to spend next."""
    cell_B = verdict_cells(given["r"], given["stratum"])
    plan = on(Plan(np.linspace(0.2, 1, 3 * STRATA)), given)
    taken_B, pi_B = plan.draw(cell_B, given["uniform"])
    fold_B = given["group"] % FOLDS
    where = {"cell_B": cell_B, "n_cells": 3 * STRATA}
    model_B = cross_fit(given["truth"], taken_B, pi_B, **where, fold_B=fold_B, n_folds=FOLDS)
    r_hat_B = doubly_robust(model_B, given["truth"], taken_B, pi_B)
    return r_hat_B, squared_misses(given["truth"], model_B, taken_B, pi_B, **where)


def line_call(correction):
    """A line on its strata."""
    return lambda given: on(correction(TABLE), given)(given["r"], given["stratum"])


def advantage_call(advantages):
    """Advantages of raw verdicts."""
    return lambda given: advantages(given["r"], given["group"], n_groups=GROUPS)


def told(update):
    """All that an update says."""
    changed = update.audit
    figures = (changed.mean, changed.most, changed.cosine, changed.signs)
    return (update.advantage_B, update.reward_B, *figures)


def hook_call(correction=anchored, **options):
    """Two steps of a hook; forward weights take direct advantages."""
    line = correction(TABLE)
    if "forward" in line.name:
        options = {"normaliser": Normaliser.DIRECT, "strata": "prompt", **options}

    def call(given):
        hook = on(Hook.of(line, **options), given)
        where = {"n_groups": GROUPS, "stratum_B": given["stratum"]}
        first = hook(given["r"], given["group"], **where)
        return told(first.hook(given["r"], given["group"], **where))

    return call


def paid_call(reward):
    """A step of a hook whose rows are corrected elsewhere."""

    def call(given):
        hook = on(Hook.of(Evidence.DOUBLY_ROBUST), given)
        return told(hook.paid(reward(given), given["r"], given["group"], n_groups=GROUPS))

    return call


def audit_call(given):
    """All figures of an audit."""
    found = audit(given["other"], given["uniform"])
    return found.mean, found.most, found.cosine, found.signs


CORRECTIONS = {
    "backward": backward,
    "forward": lambda table: forward(table, strata="prompt"),
    "stratified_forward": stratified_forward,
    "anchored": anchored,
    "posterior": posterior,
    "masking": lambda table: masking(table, ["1"]),
}
CALLS = {
    **{str(name): advantage_call(one) for name, one in ADVANTAGES.items()},
    "clean_std": advantage_call(clean_std),
    "pass_rates": advantage_call(pass_rates),
    **{name: line_call(one) for name, one in CORRECTIONS.items()},
    "posterior with scores": lambda given: on(fitted(), given)(
        given["r"], given["stratum"], given["score"]
    ),
    "repair": lambda given: repair(given["r"], given["truth"], given["uniform"] < 0.3),
    "appeals": appealed,
    "audit": audit_call,
    "hook": hook_call(),
    "hook with a running scale": hook_call(scale=Running()),
    "hook with grpo": hook_call(normaliser=Normaliser.GRPO),
    **{f"hook, {name}": hook_call(one) for name, one in CORRECTIONS.items()},
    "hook, doubly robust": paid_call(lambda given: appealed(given)[0]),
    "hook, posterior with scores": paid_call(
        lambda given: on(fitted(), given)(given["r"], given["stratum"], given["score"])
    ),
}
every = pytest.mark.parametrize("call", CALLS.values(), ids=[*CALLS])


def tensors(given):
    """The same columns as tensors."""
    return {name: torch.as_tensor(column) for name, column in given.items()}


def parts(answer):
    """An answer as a tuple of arrays."""
    return answer if isinstance(answer, tuple) else (answer,)


@every
def test_tensors_give_the_numbers_of_arrays(call):
    """Both libraries agree to the last digits, and each stays itself."""
    of_arrays, of_tensors = parts(call(columns())), parts(call(tensors(columns())))
    assert all(isinstance(one, torch.Tensor) for one in of_tensors)
    for one, other in zip(of_tensors, of_arrays, strict=True):
        np.testing.assert_allclose(host(one), other, atol=1e-12)


@every
def test_nothing_waits_for_the_device(call):
    """Tensors without values suffice, and none is copied from the host or to it."""
    given = without_values(columns())
    with no_waiting():
        answer = call(given)
    assert all(one.device.type == "meta" for one in parts(answer))


LOOKS = {
    "item": lambda x_B: x_B.sum().item(),
    "tolist": lambda x_B: x_B.tolist(),
    "float": lambda x_B: float(x_B.sum()),
    "if": lambda x_B: bool((x_B > 1).any()),
    "mask as an index": lambda x_B: x_B[x_B > 1],
    "mask to set": lambda x_B: x_B.__setitem__(x_B > 1, 0.0),
    "where": lambda x_B: torch.where(x_B > 1),
    "unique": lambda x_B: x_B.unique(),
    "equal": lambda x_B: torch.equal(x_B, x_B),
    "cpu": lambda x_B: x_B.cpu(),
    "numpy": lambda x_B: host(x_B),
    "to the device": lambda x_B: torch.ones(3).to(x_B.device),
    "new tensor": lambda x_B: torch.tensor([1.0, 2.0, 3.0], device=x_B.device),
    "of an array": lambda x_B: torch.as_tensor(np.ones(3), device=x_B.device),
    "of a list": lambda x_B: torch.asarray([1.0, 2.0, 3.0], device=x_B.device),
    "rates on the host": lambda x_B: x_B * torch.ones(3),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=[*LOOKS])
def test_the_guard_against_waiting_works(look, monkeypatch):
    """Each way to wait is caught, also inside a hook."""
    given = without_values(columns())
    caught = (AssertionError, RuntimeError, TypeError)  # torch's own are of many kinds
    with pytest.raises(caught), no_waiting():
        look(given["r"][:3])
    monkeypatch.setattr("unflip.correction.hook.audit_both", lambda both_B2: look(both_B2[:3, 0]))
    with pytest.raises(caught), no_waiting():
        Hook.of(Evidence.DOUBLY_ROBUST).paid(given["r"], given["r"], given["group"], n_groups=3)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("normaliser", list(Normaliser))
def test_halves_come_out_as_the_rounded_wide_result(normaliser, dtype):
    """Corrected, normalised and scaled in float32; rounded once, at the end."""
    given = tensors(columns())
    hook = Hook.of(backward(TABLE), normaliser=normaliser).to("cpu")
    where = {"n_groups": GROUPS, "stratum_B": given["stratum"]}
    half_B = hook(given["r"].to(dtype), given["group"], **where).advantage_B
    wide_B = hook(given["r"].to(torch.float32), given["group"], **where).advantage_B
    assert half_B.dtype == dtype
    torch.testing.assert_close(half_B, wide_B.to(dtype), rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_halves_count_more_rows_than_they_can(dtype):
    """A group of 5,000 has the right mean: bfloat16 stops counting at 256."""
    r_B = (torch.arange(5000) < 2500).to(dtype)
    found_B = rloo(r_B, torch.zeros(5000, dtype=torch.int64), n_groups=1)
    torch.testing.assert_close(found_B.float().abs(), torch.full((5000,), 0.5), atol=1e-3, rtol=0)


def test_a_correction_in_halves_can_be_explained():
    """Numpy knows no bfloat16, so its values go to the host as doubles."""
    line = backward(RateTable.known([0.1, 0.5], [0.1, 0.2]))
    halves = Hook.of(line.to("cpu", torch.bfloat16), normaliser="rloo")
    assert halves.effect == Hook.of(line, normaliser="rloo").effect


def test_integers_and_booleans_become_floats():
    """Verdicts may come as they are."""
    group_B = torch.zeros(2, dtype=torch.int64)
    for r_B in (torch.tensor([1, 0]), torch.tensor([True, False])):
        assert rloo(r_B, group_B, n_groups=1).tolist() == [1, -1]


@every
def test_32_bit_codes_are_codes(call):
    """Groups and strata may be int32."""
    given = {
        name: column.to(torch.int32) if name in ("group", "stratum") else column
        for name, column in tensors(columns()).items()
    }
    for one, other in zip(parts(call(given)), parts(call(columns())), strict=True):
        np.testing.assert_allclose(host(one), other, atol=1e-12)


@pytest.mark.parametrize("normaliser", list(Normaliser))
def test_advantages_have_no_gradient(normaliser):
    """They weigh the loss; they are no part of it."""
    r_B = torch.tensor([1.0, 0.0, 1.0], requires_grad=True)
    group_B = torch.zeros(3, dtype=torch.int64)
    assert not ADVANTAGES[normaliser](r_B, group_B, n_groups=1).requires_grad


def test_corrected_rewards_have_one():
    """A learned verifier may be trained through its correction: the gradient is the slope."""
    r_B = torch.tensor([0.7, 0.2], requires_grad=True)
    backward(RateTable.known(0.1, 0.2)).to("cpu", torch.float64)(r_B).sum().backward()
    np.testing.assert_allclose(r_B.grad, 1 / 0.7, rtol=1e-6)


def test_the_loss_passes_its_gradient_to_the_policy_only():
    """Its derivative by log pi is minus the advantage, also where rewards depend on log pi."""
    logp_B = torch.linspace(-3, 0, B, dtype=torch.float64, requires_grad=True)
    given = tensors(columns())
    update = Hook.of(Evidence.DOUBLY_ROBUST).paid(
        logp_B.exp(), given["r"], given["group"], n_groups=GROUPS
    )
    (-(update.advantage_B * logp_B).sum()).backward()
    torch.testing.assert_close(logp_B.grad, -update.advantage_B)


def test_a_correction_on_the_host_is_not_copied_at_every_step():
    """It has to be moved once; the message says how."""
    given = tensors(columns())
    for stratum_B in (given["stratum"], columns()["stratum"]):
        with pytest.raises(UsageError, match=r"\.to\(device\) once"):
            anchored(TABLE)(given["r"], stratum_B)


def test_unlogged_chances_become_abstains():
    """On a device nobody can look and raise, so such a row weighs nothing."""
    ones = torch.ones(2)
    found_B = doubly_robust(ones, ones, ones, torch.tensor([0.5, 0.0]))
    assert found_B.isnan().tolist() == [False, True]


def test_the_state_of_a_running_scale_survives_a_checkpoint():
    """A tensor in the state becomes a number in the file, and goes on as before."""
    advantage_B = torch.tensor([1.0, -3.0])
    _, state = Running()(advantage_B)
    restored = Running.from_json(state.to_json())
    torch.testing.assert_close(restored(advantage_B)[0], state(advantage_B)[0])


@pytest.mark.parametrize("name", CORRECTIONS)
def test_a_hook_compiles_without_a_break(name):
    """One graph, nothing looked at: what a CUDA graph needs."""
    given = tensors(columns())
    line = CORRECTIONS[name](TABLE)
    options = {"normaliser": "direct", "strata": "prompt"} if "forward" in line.name else {}
    hook = Hook.of(line, **options).to("cpu", torch.float64)

    def step(r_B, group_B, stratum_B):
        return told(hook(r_B, group_B, n_groups=GROUPS, stratum_B=stratum_B))

    arguments = (given["r"], given["group"], given["stratum"])
    compiled = torch.compile(step, backend="eager", fullgraph=True)(*arguments)
    for one, other in zip(compiled, step(*arguments), strict=True):
        torch.testing.assert_close(one, other, equal_nan=True)


def test_compiled_hooks_are_not_taken_for_each_other():
    """A program with two of them, such as a control, has one compiled step for each."""
    given = tensors(columns())

    def step(hook, r_B, group_B, stratum_B):
        return hook(r_B, group_B, n_groups=GROUPS, stratum_B=stratum_B).advantage_B

    compiled = torch.compile(step, backend="eager", fullgraph=True)
    arguments = (given["r"], given["group"], given["stratum"])
    for normaliser in ("rloo", "grpo", "maxrl"):
        for scale in (1.0, 2.0):
            hook = Hook.of(backward(TABLE), normaliser=normaliser, scale=scale)
            hook = hook.to("cpu", torch.float64)
            torch.testing.assert_close(compiled(hook, *arguments), step(hook, *arguments))


def test_a_step_is_few_launches():
    """Each operation is a launch on a GPU, of some microseconds; the default hook has 30."""
    given = tensors(columns())
    hook, r_B = Hook.of(anchored(TABLE)).to("cpu"), given["r"].float()
    with Launches() as launches:
        hook(r_B, given["group"], n_groups=GROUPS, stratum_B=given["stratum"])
    assert launches.found <= 30

"""The experiment under injected noise: its plan, its loop and its statistics, at toy size."""

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from benchmarks.grpo_noise import analyse, results, run  # noqa: E402
from benchmarks.grpo_noise.arms import PAYS, at_work  # noqa: E402
from benchmarks.grpo_noise.curves import drawing  # noqa: E402
from benchmarks.grpo_noise.judging import judged, references  # noqa: E402
from benchmarks.grpo_noise.loop import Exam, train  # noqa: E402
from benchmarks.grpo_noise.model import chances, sample  # noqa: E402
from benchmarks.grpo_noise.paired import Paired, told  # noqa: E402
from benchmarks.grpo_noise.plan import (  # noqa: E402
    ARMS,
    CELLS,
    ENVIRONMENTS,
    FAMILIES,
    MARGIN,
    PICTURES,
    PRESETS,
    TRL_ARMS,
    TRL_CELLS,
    TRL_ENVIRONMENTS,
)
from benchmarks.grpo_noise.sft import fresh  # noqa: E402
from benchmarks.grpo_noise.task import HASH, PLAIN, Task, texts  # noqa: E402
from unflip.correction import RateTable, rloo  # noqa: E402

SMOKE, TASK = PRESETS["smoke"], Task()
DOCS = Path(__file__).parent.parent / "docs"


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Small tensors and other people's tests: one thread is enough."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def policy_of(seed):
    """A policy that knows nothing; noise alone pays it."""
    torch.manual_seed(seed)
    return fresh(SMOKE)


def trained(environment, arm, seed=0):
    """What is kept of a run, but for its time."""
    kept = train(policy_of(seed), SMOKE, environment, ARMS[arm], seed)
    return {name: value for name, value in kept.items() if name != "seconds"}


def batch_of(environment, prompts=2000, seed=0, step=0):
    """A batch in which half of the answers are correct, in both styles."""
    rng = np.random.default_rng([seed, step])
    number_P = TASK.draw(rng, prompts)
    number_B = number_P.repeat(4)
    right_B = rng.random(len(number_B)) < 0.5
    sum_B = np.where(right_B, TASK.truth(number_B), TASK.truth(number_B) + 1)
    token_BT = TASK.answers(np.where(rng.random(len(number_B)) < 0.5, HASH, PLAIN), sum_B)
    return judged(TASK, ENVIRONMENTS[environment], number_P, token_BT, seed=seed, step=step)


def covering():
    """Runs that meet every environment and every arm once."""
    seen, found = set(), []
    for environment, arms in CELLS.items():
        new = [arm for arm in arms if arm not in seen] or ["noisy"]
        seen.update(new)
        found += [run.Run(environment, arm, 0) for arm in new]
    return found


# The plan.


def test_the_plan_names_what_there_is():
    """Every cell has an environment and an arm, and every arm a way to pay and a place."""
    assert set(CELLS) == set(ENVIRONMENTS)
    assert set(TRL_CELLS) == set(TRL_ENVIRONMENTS)
    assert {arm for arms in CELLS.values() for arm in arms} <= set(ARMS)
    assert {arm for arms in TRL_CELLS.values() for arm in arms} <= set(TRL_ARMS)
    assert {arm.pays for arm in ARMS.values()} <= set(PAYS)


def test_what_is_compared_is_run():
    """Every comparison and every picture is of cells, and four seeds at least have both arms."""
    cells = {**CELLS, **TRL_CELLS}
    for environment, arm, other in (pair for family in FAMILIES for pair in family.pairs):
        assert len({*cells[environment][arm]} & {*cells[environment][other]}) >= 4
    for _, _, lines in PICTURES.values():
        assert all(arm in CELLS[environment] for environment, arm, _ in lines)


def test_pilots_are_no_seeds_of_the_plan():
    """Seed 1000, on which sizes were chosen, is not run."""
    assert all(seeds and max(seeds) < 1000 for arms in CELLS.values() for seeds in arms.values())


# The task and its verifier.


@pytest.mark.parametrize("digits", [2, 4])
def test_answers_say_their_sums(digits):
    """What is written as an answer is read as the same sum, in either style."""
    task = Task(digits)
    number_N = task.draw(np.random.default_rng(0), 500)
    for style in (PLAIN, HASH):
        token_NT = task.answers(np.full(500, style), task.truth(number_N))
        assert token_NT.shape == (500, task.answer_length)
        assert (task.sums(token_NT) == task.truth(number_N)).all()


def test_prompts_and_answers_read_as_the_page_says():
    """47 and 38 are 85, written units first."""
    assert texts(TASK.prompts(np.array([4738]))) == ["47+38="]
    assert texts(TASK.answers(np.array([HASH]), np.array([85]))) == ["#580"]
    assert texts(TASK.answers(np.array([PLAIN]), TASK.mistake(np.array([4738])))) == [".570"]


def test_prompts_for_the_exam_are_never_trained_on():
    """Held-out prompts and others have none in common, and there are easy and hard ones."""
    rng = np.random.default_rng(0)
    train_N, test_N = TASK.draw(rng, 20_000), TASK.draw(rng, 2_000, held_out=True)
    assert not set(train_N) & set(test_N)
    assert 0.4 < TASK.carries(test_N).mean() < 0.5


@pytest.mark.parametrize("name", [name for name, one in ENVIRONMENTS.items() if not one.wrong_gold])
def test_noise_has_the_rates_that_the_plan_says(name):
    """In every stratum, verdicts err as often as the arms that know the rates are told."""
    batch, table = batch_of(name), ENVIRONMENTS[name].rates
    for code, (rho0, rho1) in enumerate(zip(table.rho0_S, table.rho1_S, strict=True)):
        there = batch.stratum_B == code
        for truth, rate in ((0, rho0), (1, 1 - rho1)):
            assert batch.verdict_B[there & (batch.truth_B == truth)].mean() == pytest.approx(
                rate, abs=0.05
            )


def test_a_wrong_reference_stays_wrong():
    """Which prompts have one depends on the run's seed alone, and the share is as planned."""
    environment, number_N = ENVIRONMENTS["wrong gold"], np.arange(10_000)
    first, again, other = (references(TASK, environment, number_N, seed) for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()
    assert (first != TASK.truth(number_N)).mean() == pytest.approx(0.4, abs=0.02)


# The policy.


def test_sampling_is_the_forward_pass_of_training():
    """Log-probabilities that come with samples are those of the whole answers."""
    policy = policy_of(0)
    prompt_PT = torch.as_tensor(TASK.prompts(TASK.draw(np.random.default_rng(0), 5)))
    generator = torch.Generator().manual_seed(0)
    token_BT, logp_B = sample(policy, prompt_PT, group=3, length=4, generator=generator)
    again_B = chances(policy, prompt_PT.repeat_interleave(3, 0), token_BT)
    torch.testing.assert_close(logp_B.detach().exp(), again_B)


def test_the_exam_computes_what_sampling_would_find():
    """The pass rate is the share of correct samples, up to their number."""
    policy, exam = policy_of(1), Exam(TASK, 20, "cpu")
    with torch.no_grad():  # digits of the sum alone, so that some are correct
        policy.head.bias[10:] -= 3
    generator = torch.Generator().manual_seed(0)
    number_N = TASK.draw(np.random.default_rng(0), 20, held_out=True)
    token_BT, _ = sample(policy, exam.prompt_NT, group=4000, length=4, generator=generator)
    right_B = TASK.sums(token_BT.numpy()) == TASK.truth(number_N).repeat(4000)
    rate = exam(policy)[0]
    assert right_B.mean() == pytest.approx(rate, abs=5 * (rate / len(right_B)) ** 0.5)


# The loop.


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """The smoke grid on file: every environment and every arm once, for a few steps."""
    folder = tmp_path_factory.mktemp("smoke")
    (folder / "about.json").write_text(json.dumps(run.about("smoke", "cpu")))
    few = replace(SMOKE, sft_steps=5, steps=12)
    made = []

    def one(each):
        made.append(each)
        run.carry_out(each, few, folder, "cpu")

    run.all_of(covering(), one, folder)
    return folder, made, one


def test_every_arm_and_every_environment_runs(smoke):
    """All runs of the smoke grid leave finite curves from the first step to the last."""
    folder, made, _ = smoke
    assert {each.arm for each in made} == {arm for arms in CELLS.values() for arm in arms}
    for each in made:
        row = json.loads(each.path(folder).read_text())
        assert [point[0] for point in row["curve"]] == [0, 6, 12]
        assert np.isfinite(row["curve"]).all()


def test_what_is_on_file_is_not_run_again(smoke):
    """A second call carries out only what is missing."""
    folder, made, one = smoke
    before, lost = len(made), made[3]
    lost.path(folder).unlink()
    run.all_of(covering(), one, folder)
    assert made[before:] == [lost]


def test_no_run_starts_that_might_not_end_in_time(smoke, tmp_path):
    """Without minutes left, the first run is the last."""
    _, made, _ = smoke
    seen = []
    run.all_of(made, seen.append, tmp_path, minutes=0)
    assert len(seen) <= 1


def test_seeds_decide_everything():
    """A run with the same seed is the same to the last figure, another seed is another run."""
    environment = ENVIRONMENTS["hackable"]
    first = trained(environment, "robust 10%")
    assert trained(environment, "robust 10%") == first
    assert trained(environment, "robust 10%", seed=1) != first


def test_a_correction_by_no_errors_is_the_noisy_arm():
    """The same plumbing with rates of 0 pays and trains exactly as raw verdicts do."""
    environment = replace(ENVIRONMENTS["iid .3 .3"], rates=RateTable.known(0.0, 0.0))
    same, noisy = (trained(environment, arm) for arm in ("backward", "noisy"))
    assert same == noisy
    assert noisy["cosine"] == 1
    assert noisy["curve"][0][1:] != noisy["curve"][-1][1:]


def test_the_noisy_arm_is_plain_rloo():
    """What the identity line gives are the textbook's advantages of the verdicts."""
    batch = batch_of("iid .3 .3", prompts=50)
    update = at_work(ARMS["noisy"], ENVIRONMENTS["iid .3 .3"], 0)(batch)
    plain_B = rloo(batch.verdict_B, batch.group_B, n_groups=batch.n_groups)
    np.testing.assert_allclose(update.advantage_B, plain_B, atol=1e-12)


@pytest.mark.parametrize("arm", [name for name, one in ARMS.items() if one.share])
def test_second_looks_stay_within_their_share(arm):
    """Ten batches cost the share of their rows that the plan says, and no truth beyond it."""
    payer = at_work(ARMS[arm], ENVIRONMENTS["hackable"], 0)
    batches = [batch_of("hackable", prompts=100, step=step) for step in range(10)]
    for batch in batches:
        payer(batch)
    rows = sum(batch.size for batch in batches)
    assert payer.looks.taken / rows == pytest.approx(ARMS[arm].share, rel=0.25)


def test_doubly_robust_pay_is_right_in_the_mean_without_knowing_the_trigger():
    """Wrong answers with the trigger are paid nothing on average, though most are accepted."""
    environment = ENVIRONMENTS["hackable"]
    paid, repaired = (at_work(ARMS[arm], environment, 0) for arm in
                      ("robust 10%, blind", "repair 10%"))  # fmt: skip
    means = {paid: [], repaired: []}
    for step in range(20):
        batch = batch_of("hackable", prompts=500, step=step)
        fooled_B = (batch.stratum_B == 1) & (batch.truth_B == 0)
        for payer, found in means.items():
            found.append(payer.reward(batch)[fooled_B].mean())
    assert np.mean(means[paid]) == pytest.approx(0, abs=0.05)
    assert np.mean(means[repaired]) > 0.6


# TRL.


@pytest.mark.filterwarnings("ignore")
def test_arms_run_in_trl(tmp_path):
    """TRL's own trainer takes second looks for us, and leaves a curve of the same form."""
    pytest.importorskip("trl")
    from benchmarks.grpo_noise import trl_arms

    few = replace(SMOKE, name="trl", sft_steps=5, steps=4, prompts=4)
    one = run.Run("TRL, hackable", "robust 10%", 0)
    trl_arms.carry_out(one, few, tmp_path)
    row = json.loads(one.path(tmp_path).read_text())
    assert [point[0] for point in row["curve"]] == [0, 2, 4]
    assert row["effect"] == "active"


# The analysis.


def test_equivalence_is_seldom_claimed_at_the_margin():
    """Arms that differ by the margin are called equal in at most one of twenty experiments."""
    rng = np.random.default_rng(0)
    draws = rng.normal(MARGIN, 0.01, (2000, 8))
    found = np.mean([Paired.of(row).equivalent(MARGIN) < 0.05 for row in draws])
    assert 0.03 < found < 0.065


def test_equal_arms_are_called_equal():
    """Without a difference, and with runs as alike as ours, the claim is nearly always made."""
    rng = np.random.default_rng(0)
    draws = rng.normal(0, 0.01, (500, 12))
    assert np.mean([Paired.of(row).equivalent(MARGIN) < 0.05 for row in draws]) > 0.95


def test_equal_to_the_last_figure_is_equal():
    """Differences that are all 0 have no spread, and are within any margin."""
    assert Paired.of([0.0, 0.0]).equivalent(MARGIN) == 0
    assert Paired.of([0.1, 0.1]).equivalent(MARGIN) == 1


def test_intervals_cover_as_often_as_they_say():
    """95% intervals of eight pairs contain the true difference 95 times in a hundred."""
    draws = np.random.default_rng(0).normal(0.03, 0.02, (4000, 8))
    ends = np.array([Paired.of(row).interval(0.95) for row in draws])
    assert ((ends[:, 0] < 0.03) & (ends[:, 1] > 0.03)).mean() == pytest.approx(0.95, abs=0.01)


def test_a_difference_within_its_noise_is_unresolved():
    """A family shares its 5%: what one comparison would resolve, five need not."""
    pair = Paired.of(np.array([0.005, 0.01, 0.02, 0.03, 0.015]))
    words = [told(pair, equivalence=False, margin=MARGIN, family=size) for size in (1, 5)]
    assert words == ["higher", "unresolved"]


def test_results_come_back_as_they_were_collected(smoke, tmp_path):
    """Collected runs keep their curves, and differences are taken seed by seed."""
    folder, made, _ = smoke
    results.collect(folder, tmp_path)
    everything = results.read_all(tmp_path)
    assert set(everything) == {each.environment for each in made}
    one = everything["clean"]
    assert one.differences("noisy", "noisy").tolist() == [0.0]
    assert one.curves("random")[0] == [0, 6, 12]
    assert one.about["preset"] == "smoke"


def test_a_drawing_is_one_file_of_xml():
    """Curves come with a title, and with words for those who cannot see them."""
    svg = drawing("a < b", {"x & y": ([0, 10], [[0.1, 0.5], [0.2, 0.7]])})
    root = ElementTree.fromstring(svg)
    assert [one.text for one in root[:2]] == ["a < b", "x & y ends at 0.60"]


def test_every_figure_on_the_page_is_printed(capsys, monkeypatch):
    """Rows of tables in docs/experiment.md are rows that analyse.py prints."""
    monkeypatch.setattr("sys.argv", ["analyse.py"])
    analyse.main()
    printed = set(capsys.readouterr().out.splitlines())
    page = (DOCS / "experiment.md").read_text().splitlines()
    rows = [line for line in page if re.match(r"\|.* [+-]?0\.\d{3} .*\|", line)]
    assert rows
    assert not [row for row in rows if row not in printed]

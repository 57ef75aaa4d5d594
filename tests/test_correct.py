"""`unflip correct`: what it says of logged rollouts, and how it ends."""

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from unflip.cli import main
from unflip.cli.correct import CORRECTIONS, NORMALISERS, TERMS
from unflip.correction import Normaliser, Term
from unflip.noise.gold import rates_from_arrays

HOSTILE = "\x1b[2J\x1b]0;gone\x07 [red]\u202e:smile:\r\nanswer"


def rates_of(fp, fn, n=400):
    """Rates of 2n labelled rows, half of them wrong."""
    correct_n, place_n = np.repeat([0, 1], n), np.tile(np.arange(n), 2)
    outcome_n = np.where(correct_n, place_n >= fn * n, place_n < fp * n)
    return replace(rates_from_arrays(outcome_n, correct_n), by="ours@1")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with rates, and rollouts of one group a step in strata that differ inside it."""
    monkeypatch.chdir(tmp_path)
    strata = {"plain": rates_of(0.05, 0.1), "hash": rates_of(0.6, 0.1)}
    save(tmp_path / "one.json", rates_of(0.1, 0.2))
    save(tmp_path / "two.json", replace(rates_of(0.3, 0.1), strata=strata))
    save(tmp_path / "inverted.json", rates_of(0.8, 0.9))
    save(tmp_path / "blind.json", rates_of(0.5, 0.5))
    said = [
        {"prompt": "p", "completion": f"c{n}", "score": s, "style": "plain" if n % 3 else "hash"}
        for n, s in enumerate([1, 0, 1, 0, 0, 1, None, 0])
    ]
    log(tmp_path / "1.jsonl", said)
    log(tmp_path / "2.jsonl", [{**row, "score": row["score"] and 1} for row in said])
    return tmp_path


def save(path, rates):
    """Writes rates as `estimate` does."""
    path.write_text(json.dumps(rates.to_json()))


def log(path, rows):
    """Writes rows as JSON Lines."""
    path.write_text("\n".join(map(json.dumps, rows)))


def run(*arguments, code=0):
    """The result of the verb, which must end with this code."""
    said = ["correct", *map(str, arguments)]
    result = CliRunner().invoke(main, said, env={"COLUMNS": "100"})
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def test_a_correction_that_changes_nothing_says_so_and_shows_it(folder):
    """Inert: the reason, what to do instead, and the difference as measured."""
    said = run(".", "--rates", "one.json").stdout
    assert "This correction changes nothing here: one line for a whole group" in said
    assert "What would: rates by strata" in said
    assert "Measured: no advantage differs by more than" in said
    assert "change most" not in said


def test_one_that_acts_shows_where(folder):
    """Active: the warning, each step, each stratum, and the rows that change most."""
    said = run(".", "--rates", "two.json", "--stratum", "style").stdout
    assert "changes the direction of the update" in said
    assert "warning: a group's std undoes what strata correct" in said
    assert "Strata differ inside 2 of 2 groups" in said
    assert all(word in said for word in ("step 1", "step 2", "hash", "plain", "1.jsonl row"))


def test_json_is_the_same_for_machines(folder):
    """`--json` prints the whole finding, and nothing else."""
    said = json.loads(run(".", "--rates", "two.json", "--stratum", "style", "--json").stdout)
    assert said["effect"]["kind"] == "active"
    assert (said["by"], said["rows"], said["columns"]["reward"]) == ("ours@1", 16, "score")
    assert [step["name"] for step in said["steps"]] == ["1", "2"]
    assert said["whole"]["silent"] == 0.125
    assert len(said["moved"]) == 5


@pytest.mark.parametrize("name", CORRECTIONS)
def test_every_correction_has_a_normaliser(folder, name):
    """Each correction that is offered works with rates by strata."""
    forward = "forward" in name
    how = ("--normaliser", "direct") if forward else ("--normaliser", "rloo")
    strata = ("--pooled",) if name == "forward" else ("--stratum", "style")
    run(".", "--rates", "two.json", "--with", name, *how, *strata)


def test_the_words_are_the_librarys():
    """What may be said on the command line is what the library has."""
    assert {*NORMALISERS} == {*Normaliser}
    assert {name.replace("-", " ") for name in TERMS} == {*Term}


def test_the_posterior_of_one_rate_is_no_posterior_over_prompts(folder):
    """A log without strata has none between prompts either."""
    assert "changes nothing here" in run(".", "--rates", "one.json", "--with", "posterior").stdout


def test_a_masked_stratum_weighs_nothing(folder):
    """`--mask` silences a stratum by its name."""
    how = ("--rates", "two.json", "--stratum", "style", "--mask", "hash", "--json")
    said = json.loads(run(".", "--with", "masking", *how).stdout)
    assert {one["name"]: one["corrected"] for one in said["strata"]}["hash"] is None


def test_another_reward_beside_it_is_told_to_matter(folder):
    """A correction that is inert alone is active beside another reward, which figures leave out."""
    said = run(".", "--rates", "one.json", "--beside", "reward").stdout
    assert "the slope changes what a verdict weighs beside the other reward" in said
    assert "note: the figures leave out what else shares the loss: reward" in said


def test_a_run_folder_gives_its_rates(folder):
    """`--rates` takes the folder that `estimate` kept."""
    (folder / "run").mkdir()
    (folder / "one.json").rename(folder / "run" / "rates.json")
    run("1.jsonl", "--rates", "run")


def test_rollouts_come_from_standard_input(folder):
    """`-` reads JSON Lines from standard input."""
    lines = (folder / "1.jsonl").read_text()
    result = CliRunner().invoke(main, ["correct", "-", "--rates", "one.json"], input=lines)
    assert "8 rows in 1 groups" in result.stdout


def test_many_steps_are_thinned(folder):
    """Of many steps some are shown, and it is said that the others are in the JSON."""
    log(folder / "long.jsonl", [{"prompt": "p", "score": n % 2, "step": n // 2} for n in range(80)])
    said = run("long.jsonl", "--rates", "one.json").stdout
    assert said.count("step ") == 12
    assert "12 of 40 steps are shown" in said


def test_hostile_text_does_not_reach_the_terminal(folder):
    """Control characters in a log are spelled out; markup and emoji codes stay as they are."""
    said = [
        {"prompt": HOSTILE, "completion": HOSTILE, "score": n % 2, "style": style}
        for n, style in enumerate(["hash", "plain", "plain", "hash"])
    ]
    log(folder / "hostile.jsonl", [row | {"step": HOSTILE} for row in said])
    shown = run("hostile.jsonl", "--rates", "two.json", "--stratum", "style").output
    assert not {"\x1b", "\x07", "\u202e", "\r"} & {*shown}
    assert "⟨U+001B⟩[2J" in shown
    assert "[red]" in shown
    assert ":smile:" in shown


def test_what_is_not_read_is_told(folder):
    """An unreadable row is named on stderr, and the others are corrected."""
    with (folder / "1.jsonl").open("a") as file:
        file.write("\n{\x1b")
    result = run(".", "--rates", "one.json")
    assert "not read: 1.jsonl: line 9: not JSON" in result.stderr
    assert "16 rows in 2 groups" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rates", "two.json"], "name it by --stratum, or say --pooled"),
        (["--rates", "one.json", "--stratum", "stile"], "did you mean 'style'?"),
        (["--rates", "one.json", "--reward", "completion"], "Name the verifier's own column"),
        (["--rates", "two.json", "--stratum", "completion"], "no rates for stratum 'c0'"),
        (["--rates", "inverted.json"], "turn it around with --allow-inverted"),
        (["--rates", "blind.json"], "label more rows, or change the verifier"),
        (["--rates", "one.json", "--by", "other@1"], "measure 'other@1'"),
        (["--rates", "one.json", "--with", "forward"], "use direct advantages"),
        (["--rates", "two.json", "--stratum", "style", "--with", "forward"],
         "use --with stratified-forward"),
        (["--rates", "one.json", "--mask", "hash"], "--mask goes with --with masking"),
        (["--rates", "1.jsonl"], "cannot be read as rates"),
        (["--rates", "list.json"], "is no table of rates"),
    ],
)  # fmt: skip
def test_misuse_ends_in_one_line(folder, arguments, message):
    """What cannot be done is refused with exit code 2, and the message says what can."""
    (folder / "list.json").write_text("[]")
    result = run(".", *arguments, code=2)
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) <= 4


def test_an_inverted_verifier_is_turned_around_on_request(folder):
    """`--allow-inverted` goes on where J is below 0."""
    said = run(".", "--rates", "inverted.json", "--allow-inverted").stdout
    assert "changes the direction of the update" in said

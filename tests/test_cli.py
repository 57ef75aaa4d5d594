"""The command line: what it prints, what it writes, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from unflip.cli import main
from unflip.measure import FINDINGS, RATES, REFERENCES, REPORT, VERDICTS, read_findings
from unflip.rates import NoiseRates

SLOW = """
import time
from pathlib import Path

def slow(completion, reference):
    time.sleep(0.02)
    with Path("calls").open("a") as calls:
        calls.write("x")
    return completion == reference
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def data(folder):
    """Forty labelled rows, of which `exact` decides 39 rightly and rejects one correct answer."""
    rows = [
        {
            "id": str(n),
            "prompt": f"question {n}",
            "completion": "seven" if n % 2 else "eight",
            "reference": "seven",
            "correct": bool(n % 2),
            "stratum": "low" if n < 20 else "high",
        }
        for n in range(40)
    ]
    rows[1]["completion"] = "the number after six"
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def run(*arguments, code=0):
    """The result of a command that must end with this code."""
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def test_verify_prints_a_row_for_each_row(data):
    """Every row of the data has its verdict on stdout, in order, and nothing else is there."""
    rows = [json.loads(line) for line in run("verify", data, "--with", "exact").stdout.splitlines()]
    assert [row["id"] for row in rows] == [str(n) for n in range(40)]
    assert [row["outcome"] for row in rows[:4]] == ["reject", "reject", "reject", "accept"]


def test_verify_reads_standard_input(data):
    """`-` stands for standard input, also where it has to be read twice."""
    unflip = [sys.executable, "-m", "unflip"]
    last = ["-", "--with", "exact", "--workers", "0"]
    said = subprocess.check_output([*unflip, "verify", *last], input=data.read_bytes())
    assert said.count(b"\n") == 40
    said = subprocess.check_output([*unflip, "estimate", *last], input=data.read_bytes())
    assert b"40 rows" in said


def test_a_second_run_verifies_nothing_again(data, folder):
    """A run into the same file gives every verdict once."""
    (folder / "mine.py").write_text(SLOW)
    for _ in range(2):
        run("verify", data, "--with", "mine.py:slow", "--workers", 0, "-o", "v.jsonl")
    assert len(Path("v.jsonl").read_text().splitlines()) == 40
    assert Path("calls").read_text() == "x" * 40


def test_another_verifier_is_refused_the_file(data):
    """A file of verdicts belongs to the verifier that began it."""
    run("verify", data, "--with", "exact", "-o", "v.jsonl")
    result = run("verify", data, "--with", "choice", "-o", "v.jsonl", code=2)
    assert "a file of its own" in result.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_run_goes_on(data, folder, how):
    """Whichever signal stops a run, the next one goes on, and no recorded row is verified again."""
    (folder / "mine.py").write_text(SLOW)
    command = [sys.executable, "-m", "unflip", "verify", str(data), "-o", "v.jsonl"]
    command += ["--with", "mine.py:slow", "--workers", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not Path("v.jsonl").exists() or not Path("v.jsonl").read_bytes().count(b"\n"):
        time.sleep(0.01)
    process.send_signal(how)
    said = process.communicate()[1]
    assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}.get(how, -how)
    assert ("goes on from there" in said) == (how == signal.SIGINT)
    assert Path("v.jsonl").read_bytes().count(b"\n") < 40
    subprocess.run(command, check=True, capture_output=True)
    lines = Path("v.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [str(n) for n in range(40)]
    # The sample under way when the signal came may have been called a second time.
    assert Path("calls").stat().st_size in (40, 41)


def test_estimate_leaves_its_files(data):
    """A measurement leaves verdicts, rates, findings and a page, and prints the same rates."""
    said = run("estimate", data, "--with", "exact", "-o", "out").stdout
    left = {path.name for path in Path("out").iterdir()}
    assert left == {VERDICTS, REFERENCES, RATES, FINDINGS, REPORT}
    rates = NoiseRates.from_json(json.loads(Path("out", RATES).read_text()))
    assert (rates.fp.k, rates.fp.n, rates.fn.k, rates.fn.n) == (0, 20, 1, 20)
    assert "0 of 20 wrong answers" in said
    assert "1 of 20 correct answers" in said
    assert "Self-check: 1 of 1 references are accepted" in said


def test_estimate_prints_json_for_machines(data):
    """With --json, stdout is `rates.json` and nothing else."""
    said = run("estimate", data, "--with", "exact", "-o", "out", "--json").stdout
    assert json.loads(said) == json.loads(Path("out", RATES).read_text())


def test_rates_are_sliced_by_any_column(data):
    """`--per` names a field or a column; one that no row has is an error."""
    said = run("estimate", data, "--with", "exact", "-o", "out", "--per", "stratum", "--json")
    assert set(json.loads(said.stdout)["strata"]) == {"high", "low"}
    run("estimate", data, "--with", "exact", "-o", "out", "--per", "colour", code=2)


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ([], 0),
        (["--max-fp", "0.2", "--max-fn", "0.25"], 0),
        (["--max-fp", "0.1"], 1),
        (["--max-fn", "0.04"], 1),
        (["--max-abstain", "0.1"], 0),
        (["--max-fp", "1.5"], 2),
    ],
)
def test_a_gate_is_an_exit_code(data, limits, code):
    """A gate passes on what the rows show, fails with 1, and is a mistake with 2."""
    result = run("estimate", data, "--with", "exact", "-o", "out", *limits, code=code)
    assert ("gate:" in result.stderr) == (code == 1)


def test_the_default_folder_is_named_by_data_and_verifier(data):
    """Without -o a run is kept where neither other data nor other options can disturb it."""
    run("estimate", data, "--with", "exact")
    run("estimate", data, "--with", "choice")
    names = sorted(path.name.split("@")[0] for path in Path("unflip-runs").iterdir())
    assert names == ["rows-choice", "rows-exact"]


def test_report_makes_both_kinds_of_page(data):
    """A kept run becomes a page for people, or Markdown for a pull request."""
    run("estimate", data, "--with", "exact", "-o", "out")
    run("report", "out", "-o", "page.html")
    run("report", "out", "-o", "page.md")
    assert Path("page.html").read_text() == Path("out", REPORT).read_text()
    assert "1 of 20" in Path("page.md").read_text()
    run("report", data, "-o", "page.html", code=2)


def test_compare_tells_who_is_right(data, folder):
    """Two verifiers on the same rows: counts of disagreement, the rows themselves, and a gate."""
    (folder / "mine.py").write_text("def always(completion, reference): return True\n")
    said = run("compare", data, "--with", "exact", "--with", "mine.py:always").stdout
    assert "21 rows are treated differently" in said
    run(
        "compare", data, "--with", "exact", "--with", "mine.py:always", "--max-fp-rise", 0.1, code=1
    )
    found = run("compare", data, "--with", "exact", "--with", "mine.py:always", "--json").stdout
    assert json.loads(found)["fp_all"]["only_b"] == 20
    run("compare", data, "--with", "exact", code=2)


def test_a_verifier_is_not_compared_with_itself(data):
    """A against A could only agree, so it is a mistake."""
    result = run("compare", data, "--with", "exact", "--with", "exact", code=2)
    assert "the same verifier" in result.stderr


def test_a_verifier_cannot_end_the_verb(data, folder):
    """A verifier that calls sys.exit(0) makes no gate pass."""
    (folder / "mine.py").write_text("import sys\ndef leave(completion, reference): sys.exit(0)\n")
    command = ("estimate", data, "--with", "mine.py:leave", "--workers", 0, "--max-fp", 0.5)
    assert "sys.exit" in run(*command, code=2).stderr


def test_prints_of_a_verifier_are_no_data(data, folder):
    """What a verifier or its module prints stays out of what machines read."""
    (folder / "mine.py").write_text(
        "print('hello')\ndef loud(completion, reference):\n    print('!')\n    return True\n"
    )
    said = run("estimate", data, "--with", "mine.py:loud", "--workers", 0, "--json").stdout
    assert json.loads(said)["fp"]["point"] == 1


def test_data_that_looks_like_markup_is_shown_as_it_is(data):
    """Brackets in references, ids and strata are text."""
    row = json.loads(data.read_text().splitlines()[0])
    row |= {"reference": "[/b]", "id": "[red]", "stratum": "[bold]\ud800"}
    data.write_text(json.dumps(row) + "\n")
    said = run("estimate", data, "--with", "numeric", "--workers", 0).stdout
    assert "[/b]" in said
    assert "[bold]" in said


def test_a_report_that_cannot_be_written_is_an_error(data):
    """A folder that does not exist is a line, not a traceback."""
    run("estimate", data, "--with", "exact", "-o", "out")
    assert "cannot be written" in run("report", "out", "-o", "nowhere/r.html", code=2).stderr


def test_list_names_every_verifier():
    """`list` shows the built-in verifiers with what they do."""
    said = run("list").stdout
    assert all(name in said for name in ("choice", "exact", "format", "math", "numeric"))


def test_list_says_how_programs_are_isolated():
    """The level in force on this machine is in `list`, or why there is none."""
    said = run("list").stdout
    assert any(word in said for word in ("level namespaces", "level landlock", "not run, since"))


def test_demo_needs_nothing(folder):
    """The demo measures the embedded rows, offline, and leaves a report."""
    said = run("demo", "-o", "out").stdout
    assert "360 rows" in said
    assert Path("out", REPORT).exists()


@pytest.mark.parametrize("verb", sorted(main.commands))
def test_help_ends_with_an_example(verb):
    """Every verb's help ends with a command that can be typed."""
    said = run(verb, "--help").stdout
    assert said.rstrip().splitlines()[-1].startswith(f"  unflip {verb}")


def test_the_module_runs_too():
    """`python -m unflip` is the same program."""
    command = [sys.executable, "-m", "unflip", "--version"]
    assert "0.1.0" in subprocess.check_output(command, text=True, env=os.environ)


@pytest.fixture
def judged(folder):
    """Two hundred rows with a recorded verdict, a judge's, a training step, and all labels."""
    rows = [
        {
            "id": str(n),
            "prompt": f"question {n}",
            "completion": f"answer {n}",
            "reference": "7",
            "correct": n % 2,
            "step": n // 20,
            "said": {"rule": int(n % 2 and n % 6 != 1), "judge": "yes" if n % 2 else "no"},
        }
        for n in range(200)
    ]
    path = folder / "judged.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_recorded_verdicts_are_measured_like_any(judged):
    """`--with column:NAME` takes what a column says: rejects of every third correct answer."""
    result = run("estimate", judged, "--with", "column:said.rule", "--json")
    rates = NoiseRates.from_json(json.loads(result.stdout))
    assert (rates.fp.point, rates.fn.k, rates.fn.n) == (0, 34, 100)


def test_a_budget_and_a_judge_estimate_from_few_labels(judged):
    """The method, the labels spent, what it rests on and what wrong labels would do are told."""
    out = run(
        "estimate", judged, "--with", "column:said.rule", "--judge", "column:said.judge",
        "--gold-budget", 40, "--over", "step", "-o", "run",
    ).stdout  # fmt: skip
    report = Path("run", REPORT).read_text()
    assert not read_findings(Path("run")).about["command"].startswith("'")
    for told in (
        "ppi++",
        "40",
        "logged probabilities",
        "If 2.5% of the labels are wrong (1 of 40)",
    ):
        assert told in out
    assert "<svg" in report


def test_standard_input_is_not_data_and_answers_at_once():
    """Piped data leave nothing to answer with in the terminal: that is said before any work."""
    assert "--web" in run("label", "-", "--with", "column:said.rule", code=2).stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--audit-positives", 5], "say its size"),
        (["--gold-budget", 40, "--audit-positives", 41], "0 to 40"),
        (["--gold-budget", 4000], "there are 200 decided rows"),
        (["--assume-ppv", "often"], "0.98 or 0.9:1"),
        (["--assume-ppv", "0.9"], "PPV"),
        (["--judge", "column:nothing"], "decided no row"),
        (["--judge", "colum:nothing"], "colum"),
        (["--over", "nothing"], "no number"),
    ],
)
def test_misuse_of_the_options_says_what_to_do(judged, options, told):
    """Each slip ends in one line with the remedy, and code 2."""
    assert told in run("estimate", judged, "--with", "column:said.rule", *options, code=2).stderr


def test_labels_that_a_person_gives_feed_the_estimate(judged):
    """`label` asks in the terminal and stops in order; the estimate uses what was said so far."""
    rows = [json.loads(line) for line in judged.read_text().splitlines()]
    for row in rows:
        del row["correct"]
    judged.write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = ["label", str(judged), "--with", "column:said.rule", "--gold-budget", "20"]
    CliRunner().invoke(main, asked, input="c\nw\nw\nq\n")
    out = run("estimate", judged, "--with", "column:said.rule", "--json").stdout
    assert NoiseRates.from_json(json.loads(out)).ppv.n + 0 <= 3
    CliRunner().invoke(main, asked, input="c\n" * 17)
    (kept,) = Path("unflip-runs").glob("*/labels.jsonl")
    assert len(kept.read_text().splitlines()) == 20


def test_verify_says_which_references_cannot_be_checked(tmp_path):
    """Each reference that is refused, or looks like none, is a line; good ones are not."""
    rows = [{"completion": "4", "reference": one} for one in ("4", "N/A", "four apples", "4")]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    result = run("verify", tmp_path / "rows.jsonl", "--with", "numeric", "--references")
    found = {row["reference"]: row["why"] for row in map(json.loads, result.stdout.splitlines())}
    assert found.keys() == {"N/A", "four apples"}
    assert found["four apples"].startswith("refused: ")
    assert "1 of 3 references" in result.stderr


def test_verify_explains_one_pair():
    """Outcome, both readings and who decided stand in lines for people."""
    said = run("verify", "--with", "numeric", "--explain", "it is 0.50", "1/2").stdout
    assert said.splitlines()[0] == "accept: match"
    assert "read as" in said
    assert "decided by numeric" in said


def test_verify_takes_data_or_a_pair():
    """Neither, and both, are refused with what to do."""
    for given in ([], ["rows.jsonl", "--explain", "4", "4"]):
        assert "or --explain" in run("verify", *given, "--with", "numeric", code=2).stderr

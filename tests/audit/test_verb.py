"""`unflip audit`: files, exit codes, resuming, and what it refuses to call a finding."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner

from unflip.cli import main

HERE = Path(__file__).parent.parent.parent / "fixtures" / "audit"
QUESTIONS = HERE / "questions.jsonl"
STUB = """
from types import SimpleNamespace
from unflip.types import Outcome, Reason, Verdict

class Stub:
    by = "stub@1+0"
    backend = SimpleNamespace(kind="stub")

    def __call__(self, sample):
        with open("calls", "a") as calls:
            calls.write("x")
        yes = sample.text.endswith(":") or sample.text.strip(" .").endswith(str(sample.reference))
        if yes:
            return Verdict(Outcome.ACCEPT, Reason.MATCH, by=self.by)
        return Verdict(Outcome.REJECT, Reason.MISMATCH, by=self.by)

stub = Stub()
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working directory with a stub judge in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "judge.py").write_text(STUB)
    return tmp_path


def run(*arguments, code=0):
    """The result of a command that must end with this code."""
    given = ["audit", "--items", str(QUESTIONS), *map(str, arguments)]
    result = CliRunner().invoke(main, given)
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def test_an_audit_of_a_rule_leaves_four_reports(folder):
    """The folder of an audit holds its verdicts, and the findings for people, CI and machines."""
    run("--with", "exact", "--probes", "openers", "--no-rewrites", "--workers", 0, "-o", "out")
    names = {path.name for path in Path("out").iterdir()}
    assert names == {"verdicts.jsonl", "audit.json", "report.html", "report.md", "junit.xml"}
    found = json.loads(Path("out/audit.json").read_text())
    assert (found["backend"], found["finding_about_a_real_judge"]) == ("rule", False)
    assert found["items"] == 39
    assert ET.parse("out/junit.xml").getroot().get("failures") == "0"


def test_the_users_own_reward_function_is_audited(folder):
    """A reward function from a file is fooled by openers, and the command says by which."""
    careless = f"{HERE / 'careless.py'}:polite"
    said = run("--with", careless, "--probes", "openers", "--workers", 0, "-o", "out",
               "--max-fpr", 0.1, code=1)  # fmt: skip
    assert "openers/thought-process" in said.stdout
    assert "gate: fpr: openers/" in said.stderr
    assert int(ET.parse("out/junit.xml").getroot().get("failures")) > 10


def test_a_stub_is_no_finding(folder):
    """What a stub does is told with a warning in every report, and not set beside real judges."""
    said = run("--judge", "judge.py:stub", "--probes", "keys", "--no-rewrites", "-o", "out")
    warning = "these figures say nothing about a real judge"
    assert warning in said.stdout
    pages = {
        name: Path("out", name).read_text() for name in ("report.html", "report.md", "junit.xml")
    }
    assert all(warning in page for page in pages.values())
    assert "on these items" not in pages["report.html"] + pages["report.md"]
    found = json.loads(Path("out/audit.json").read_text())
    assert (found["backend"], found["finding_about_a_real_judge"]) == ("stub", False)


def test_nothing_is_paid_twice(folder):
    """The same audit again asks nothing; a torn one asks only for what is missing."""
    given = ("--judge", "judge.py:stub", "--probes", "openers", "-o", "out", "--mine", 300)
    run(*given)
    paid, report = len(Path("calls").read_text()), Path("out/audit.json").read_text()
    run(*given)
    assert len(Path("calls").read_text()) == paid
    assert Path("out/audit.json").read_text() == report
    verdicts = Path("out/verdicts.jsonl")
    rows = verdicts.read_bytes()
    verdicts.write_bytes(rows[: len(rows) // 2])
    lost = rows.count(b"\n") - verdicts.read_bytes().count(b"\n")
    run(*given)
    assert len(Path("calls").read_text()) == paid + lost


def test_a_dry_run_asks_nothing(folder):
    """The price is told before anything is paid."""
    said = run("--judge", "judge.py:stub", "--n", 10, "--repeats", 2, "--dry-run")
    assert "verdicts" in said.stderr
    assert not Path("calls").exists()
    assert not Path("unflip-runs").exists()


WRITTEN = """
from unflip.judges import Judge, Pairwise, Panel, template
from unflip.judges.backends import Scripted

yes = Judge(template("yes-no"), Scripted("YES"))
panel = Panel((yes, yes), quorum=2)
pairs = Pairwise(template("pairwise"), Scripted("A"))
"""


@pytest.mark.parametrize("name", ["yes", "panel"])
def test_a_judge_of_a_module_is_seen_through_its_guards(folder, name):
    """Its report has raw figures beside the guarded ones, and says that a stub is behind it."""
    (folder / "written.py").write_text(WRITTEN)
    run("--judge", f"written.py:{name}", "--probes", "openers", "--no-rewrites", "-o", "out")
    found = json.loads(Path("out/audit.json").read_text())
    assert found["backend"] == "stub"
    assert found["guards"]["raw"]["point"] == 1
    assert found["guards"]["guarded"]["point"] < 1


def test_a_judge_of_pairs_is_told_where_to_go(folder):
    """Who compares answers has nothing to say about one; the message names what measures it."""
    (folder / "written.py").write_text(WRITTEN)
    said = run("--judge", "written.py:pairs", code=2)
    assert "position_swap" in said.stderr
    assert not Path("unflip-runs").exists()


def test_mined_keys_are_kept_as_probes(folder):
    """What mining has found is written as probes that another audit can be given."""
    run(
        "--judge",
        "judge.py:stub",
        "--probes",
        "shells",
        "--no-rewrites",
        "--mine",
        600,
        "-o",
        "out",
    )
    found = json.loads(Path("out/audit.json").read_text())["mined"]
    assert found[0]["fpr"]["point"] == 1
    said = run(
        "--judge", "judge.py:stub", "--probes", "out/mined.jsonl", "--no-rewrites", "-o", "two"
    )
    assert "mined/1" in said.stdout


def test_two_verifiers_side_by_side(folder):
    """`--against` asks the other verifier the same, and keeps its verdicts in a file of its own."""
    run("--with", "exact", "--against", f"{HERE / 'careless.py'}:contains", "--probes", "stuffing",
        "--workers", 0, "-o", "out")  # fmt: skip
    found = json.loads(Path("out/audit.json").read_text())["against"]
    assert found["accepts_wrong"]["only_b"] > 100 > found["accepts_wrong"]["only_a"]
    assert len(list(Path("out").glob("*.jsonl"))) == 2


def test_an_audit_that_was_kept_is_compared_with(folder):
    """`--against FOLDER` compares with what is on file there, and asks nothing about it."""
    run("--judge", "judge.py:stub", "--probes", "openers", "--no-rewrites", "-o", "old")
    paid = len(Path("calls").read_text())
    run("--with", "exact", "--against", "old", "--probes", "openers", "--no-rewrites",
        "--workers", 0, "-o", "new")  # fmt: skip
    assert len(Path("calls").read_text()) == paid
    found = json.loads(Path("new/audit.json").read_text())["against"]
    assert found["by"].startswith("judge.stub@0+")
    assert found["accepts_wrong"]["only_b"] > 100
    assert found["left_open"]["n"] == found["accepts_wrong"]["n"] + found["rejects_right"]["n"] + 78


def test_other_attempts_cannot_be_compared_with(folder):
    """An audit of other items is refused as something to compare with."""
    Path("rows.jsonl").write_text('{"question": "What is 1 + 1?", "answer": "2"}\n')
    one = ["audit", "--with", "exact", "--items", "rows.jsonl", "--workers", "0", "-o", "old"]
    assert CliRunner().invoke(main, one).exit_code == 0
    said = run("--with", "math", "--against", "old", "--workers", 0, "--probes", "openers", code=2)
    assert "no attempt in common" in said.stderr


def test_a_verifier_is_not_compared_with_itself(folder):
    """Comparing a verifier with itself is a mistake, and the message says what was meant."""
    said = run("--with", "exact", "--against", "exact", "--workers", 0, code=2)
    assert "repeats" in said.stderr


def test_a_kept_audit_is_rendered_again(folder):
    """The page that `unflip report` makes of a kept audit is the page that the audit made."""
    run("--judge", "judge.py:stub", "--probes", "keys", "-o", "out", "--mine", 300)
    for name in ("report.html", "report.md"):
        made = CliRunner().invoke(main, ["report", "out", "-o", f"again-{name}"])
        assert made.exit_code == 0, made.output
        assert Path(f"again-{name}").read_text() == Path("out", name).read_text()


IMPATIENT = STUB.replace(
    "    def __call__(self, sample):\n",
    "    def __call__(self, sample):\n"
    "        if Path('calls').exists() and len(Path('calls').read_text()) == 300:\n"
    "            raise KeyboardInterrupt\n",
).replace("from types", "from pathlib import Path\nfrom types")


def test_an_interrupted_audit_tells_what_it_has_found(folder):
    """Ctrl-C leaves figures of what was asked, exit code 130, and an audit that can go on."""
    (folder / "judge.py").write_text(IMPATIENT)
    given = ("--judge", "judge.py:stub", "--probes", "openers", "--no-rewrites", "--workers", 0,
             "-o", "out")  # fmt: skip
    said = run(*given, code=130)
    assert "300 of 1,404 attempts, since it was interrupted" in said.stdout
    assert "openers/thought-process" in said.stdout
    assert "goes on from there" in said.stderr
    assert not Path("out/report.html").exists()
    Path("calls").write_text("x" * 400)
    run(*given)
    assert len(Path("calls").read_text()) == 400 + 1404 - 300


def test_rows_that_cannot_be_read_are_told(folder):
    """A broken row of the items is not passed over in silence."""
    rows = '{"question": "What is 1 + 1?", "answer": "2"}\n{broken\n'
    Path("rows.jsonl").write_text(rows)
    given = ["audit", "--with", "exact", "--items", "rows.jsonl", "--workers", "0"]
    result = CliRunner().invoke(main, given)
    assert result.exit_code == 0
    assert "not read" in result.stderr


def test_why_it_decided_nothing_is_told(folder):
    """A reward function that raises looks neither safe nor fooled, and its error is shown."""
    Path("rw.py").write_text(
        "def reward(completion, reference):\n    raise ValueError('oh dear')\n"
    )
    said = run("--with", "rw.py:reward", "--probes", "openers", "--workers", 0, "-o", "out")
    assert "decided nothing" in said.stdout
    assert "oh dear" in said.stdout
    assert "mostly undecided" in Path("out/report.md").read_text()


def test_a_limit_that_nothing_shows_costs_nothing(folder):
    """A limit of 0 is refused before anything is asked, and not after."""
    said = run("--judge", "judge.py:stub", "--max-fnr", 0, code=2)
    assert "max_fnr" in said.stderr
    assert not Path("calls").exists()


def test_items_need_a_reference(folder):
    """Data without references is refused with a message of one line."""
    Path("rows.jsonl").write_text('{"question": "What is 1 + 1?"}\n')
    result = CliRunner().invoke(main, ["audit", "--with", "exact", "--items", "rows.jsonl"])
    assert result.exit_code == 2
    assert "no row has a reference" in result.stderr

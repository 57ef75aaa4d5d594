"""A judge in a file with a price: told before a run, counted during it, and never paid twice."""

import json
import subprocess
import sys
from contextlib import contextmanager
from io import StringIO

import pytest
from click.testing import CliRunner
from rich.console import Console

from tests.judges.server import Plan, serving
from unflip.cli import main
from unflip.errors import UsageError
from unflip.judges import read_judge
from unflip.judges.spend import Metered, Price
from unflip.judges.store import Stored
from unflip.run import with_progress

JUDGE = """
template = "{template}"
store = "replies.sqlite"
{more}
[asking]
max_tokens = 1
[price]
read = 1000.0
written = 2000.0
[backend]
kind = "endpoint"
url = "{url}"
model = "stub"
retries = 0
"""


@contextmanager
def served(folder, monkeypatch, more="", template="yes-no"):
    """A folder with twenty rows and a judge with a price, and the server that it asks."""
    monkeypatch.chdir(folder)
    rows = (
        {"completion": f"{n} it is", "reference": f"{n}", "prompt": "?", "correct": True}
        for n in range(20)
    )
    (folder / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    with serving(Plan(says=lambda prompt: "YES")) as server:
        text = JUDGE.format(url=server.url, more=more, template=template)
        (folder / "judge.toml").write_text(text)
        yield server


def run(*arguments, code=0, **how):
    """The result of a command that must end with this code."""
    result = CliRunner().invoke(main, [str(one) for one in arguments], **how)
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def test_a_price_and_a_budget_meter_the_store(tmp_path):
    """The meter stands outside of the store, so that what is recalled is free."""
    path = tmp_path / "judge.toml"
    path.write_text(JUDGE.format(url="http://localhost/v1", more="budget = 5", template="yes-no"))
    backend = read_judge(path).backend
    assert isinstance(backend, Metered)
    assert isinstance(backend.backend, Stored)
    assert (backend.price, backend.budget) == (Price(1000.0, 2000.0), 5)


def test_a_budget_without_a_price_is_refused(tmp_path):
    """The message says which table is missing."""
    path = tmp_path / "judge.toml"
    path.write_text('budget = 5\n[backend]\nkind = "endpoint"\nurl = "http://x/v1"\nmodel = "m"')
    with pytest.raises(UsageError, match=r"\[price\]"):
        read_judge(path)


@pytest.mark.parametrize("given", [[], ["-o", "verdicts.jsonl"]])
def test_a_run_says_what_it_will_take_and_what_it_took(tmp_path, monkeypatch, given):
    """Before the first row the estimate, after the last one the spending, both on stderr."""
    with served(tmp_path, monkeypatch) as server:
        result = run("verify", "rows.jsonl", "--with", "judge.toml", *given)
    told = result.stderr.splitlines()
    assert "will take 20 requests" in told[0]
    assert "cost " in told[0]
    assert told[-1].startswith("spent: 20 requests")
    assert server.seen.attempts.total() == 20


def test_nothing_is_paid_twice(tmp_path, monkeypatch):
    """A second run over the same rows takes its replies from the store."""
    with served(tmp_path, monkeypatch) as server:
        run("verify", "rows.jsonl", "--with", "judge.toml")
        again = run("verify", "rows.jsonl", "--with", "judge.toml")
    assert "spent: 0 requests" in again.stderr
    assert server.seen.attempts.total() == 20


@pytest.mark.parametrize("verb", ["verify", "compare", "audit"])
def test_without_a_price_the_tokens_are_told(tmp_path, monkeypatch, verb):
    """What a run will take is known before it, whether or not anybody knows what that costs."""
    given = {
        "verify": ["verify", "rows.jsonl", "--with", "free.toml"],
        "compare": ["compare", "rows.jsonl", "--with", "exact", "--with", "free.toml"],
        "audit": ["audit", "--items", "rows.jsonl", "--with", "free.toml", "--dry-run"],
    }
    with served(tmp_path, monkeypatch):
        text = (tmp_path / "judge.toml").read_text()
        free = text.replace("[price]\nread = 1000.0\nwritten = 2000.0\n", "")
        (tmp_path / "free.toml").write_text(free)
        told = run(*given[verb]).stderr
    assert "tokens read (at most" in told
    assert "at no price that is known" in told
    assert "spent" not in told


def test_a_pipe_is_not_waited_for_to_count_tokens(tmp_path, monkeypatch):
    """Without a price standard input is not read to its end before the first row is judged."""
    with served(tmp_path, monkeypatch):
        judge = (tmp_path / "judge.toml").read_text().replace("[price]", "[given]")
        (tmp_path / "free.toml").write_text(judge)
        rows = (tmp_path / "rows.jsonl").read_bytes()
        command = [sys.executable, "-m", "unflip", "verify", "-", "--with", "free.toml"]
        piped = subprocess.run(command, input=rows, capture_output=True, check=True)
    assert len(piped.stdout.splitlines()) == 20
    assert b"will take" not in piped.stderr


def test_the_judges_of_a_panel_are_priced_each(tmp_path, monkeypatch):
    """A composition in Python is announced and billed by its judges, one that they share once."""
    with served(tmp_path, monkeypatch):
        (tmp_path / "panel.py").write_text(
            "from unflip.judges import read_judge, unanimous\n"
            "one, other = read_judge('judge.toml'), read_judge('judge.toml', guards=())\n"
            "panel = unanimous(one, one, other)\n"
        )
        told = run("verify", "rows.jsonl", "--with", "panel.py:panel").stderr
    assert told.count("will take 20 requests") == 3
    assert told.count("spent: 20 requests") == 1


def test_a_budget_ends_the_paying(tmp_path, monkeypatch):
    """What the budget does not cover is not sent, and abstains."""
    with served(tmp_path, monkeypatch, "budget = 5") as server:
        result = run("verify", "rows.jsonl", "--with", "judge.toml")
    assert 0 < server.seen.attempts.total() < 20
    assert "abstain" in result.stderr


def test_standard_input_is_priced_too(tmp_path, monkeypatch):
    """A priced judge reads all of a pipe before it asks about the first row."""
    with served(tmp_path, monkeypatch):
        text = (tmp_path / "rows.jsonl").read_text()
        result = run("verify", "-", "--with", "judge.toml", input=text)
    assert "will take 20 requests" in result.stderr
    assert len(result.stdout.splitlines()) == 20


@pytest.mark.parametrize(
    ("verb", "requests"),
    [
        (["estimate", "rows.jsonl", "--with", "judge.toml", "-o", "out"], 40),
        (["estimate", "rows.jsonl", "--with", "exact", "--judge", "judge.toml", "-o", "out"], 20),
        (["label", "rows.jsonl", "--with", "exact", "--judge", "judge.toml", "-o", "out"], 20),
        (["label", "rows.jsonl", "--with", "judge.toml", "-o", "out"], 40),
        (["compare", "rows.jsonl", "--with", "exact", "--with", "judge.toml"], 20),
        (["verify", "rows.jsonl", "--with", "judge.toml", "--references"], 20),
        (["audit", "--items", "rows.jsonl", "--judge", "judge.toml", "--probes", "symbols",
          "--no-rewrites", "-o", "out"], None),
    ],
)  # fmt: skip
def test_every_verb_tells_the_price(tmp_path, monkeypatch, verb, requests):
    """Estimate and spending are those of what the verb asks."""
    with served(tmp_path, monkeypatch) as server:
        result = run(*verb)
    asked = server.seen.attempts.total()
    assert f"spent: {asked:,} requests" in result.stderr
    assert f"will take {requests or asked:,} requests" in result.stderr
    assert requests is None or asked <= requests


def test_processes_are_refused(tmp_path, monkeypatch):
    """Each process would have a budget of its own; the message says what to leave out."""
    with served(tmp_path, monkeypatch):
        result = run("verify", "rows.jsonl", "--with", "judge.toml", "--workers", 2, code=2)
    assert "leave --workers" in result.stderr


def test_the_bar_shows_what_stands_beside_it(monkeypatch):
    """What is given as `beside` is asked for its text when the bar is drawn."""
    screen = StringIO()
    screen.isatty = lambda: True
    monkeypatch.setattr("sys.stderr", screen)
    made = Console
    monkeypatch.setattr("rich.console.Console", lambda **_: made(file=screen, width=200))
    spent = []

    class Spent:
        def __str__(self):
            return f"spent {len(spent)} so far"

    spent.extend(with_progress(range(3), 3, description="judging", beside=Spent()))
    assert "spent 3 so far" in screen.getvalue()


@pytest.mark.parametrize("verb", ["estimate", "label"])
def test_a_measurement_shows_its_spending_while_it_lasts(tmp_path, monkeypatch, verb):
    """The bill stands beside every bar: of the references, of the rows, and of the judge."""
    shown = []

    def bar(items, total=None, *, description="", beside=""):
        yield from items
        shown.append((description, str(beside)))

    for module in ("measuring", "pool"):
        monkeypatch.setattr(f"unflip.measure.{module}.with_progress", bar)
    with served(tmp_path, monkeypatch):
        run(verb, "rows.jsonl", "--with", "exact", "--judge", "judge.toml", "-o", "out")
    bars = dict(shown)
    assert set(bars) == {"trying the references", "verifying", "asking the judge"}
    assert bars["asking the judge"].startswith("20 requests")


def test_a_spent_budget_is_asked_for_again(tmp_path, monkeypatch):
    """With more money the same command goes on: nothing is paid or counted twice."""
    verify = ["verify", "rows.jsonl", "--with", "judge.toml", "-o", "verdicts.jsonl"]
    with served(tmp_path, monkeypatch, "budget = 5") as server:
        first = run(*verify)
        paid = server.seen.attempts.total()
        kept = run(*verify, "--keep-abstains")
        assert 0 < paid < 20
        assert server.seen.attempts.total() == paid
        text = (tmp_path / "judge.toml").read_text()
        (tmp_path / "judge.toml").write_text(text.replace("budget = 5", "budget = 50"))
        again = run(*verify)
    assert server.seen.attempts.total() == 20
    assert f"{20 - paid} rows were lost to an outage, a spent budget" in first.stderr
    assert f"{20 - paid} abstain" in kept.stderr
    assert "abstain" not in again.stderr.splitlines()[-2]
    assert len((tmp_path / "verdicts.jsonl").read_text().splitlines()) == 20


def test_keeping_abstains_needs_a_file_that_has_them(tmp_path, monkeypatch):
    """Without -o nothing is recorded, and the message says so."""
    with served(tmp_path, monkeypatch):
        result = run("verify", "rows.jsonl", "--with", "judge.toml", "--keep-abstains", code=2)
    assert "-o" in result.stderr


def test_an_estimate_says_what_was_lost(tmp_path, monkeypatch):
    """Rows that a spent budget has left open are counted, with what to do about them."""
    estimate = ["estimate", "rows.jsonl", "--with", "judge.toml", "-o", "out"]
    with served(tmp_path, monkeypatch, "budget = 15"):
        result = run(*estimate)
        assert "lost to an outage, a spent budget" in result.stdout
        text = (tmp_path / "judge.toml").read_text()
        (tmp_path / "judge.toml").write_text(text.replace("budget = 15", "budget = 500"))
        assert "lost to" not in run(*estimate).stdout


def test_an_audit_asks_again_for_what_was_lost(tmp_path, monkeypatch):
    """With more money the same audit has every verdict, and has paid for each of them once."""
    audit = ["audit", "--items", "rows.jsonl", "--judge", "judge.toml", "--probes", "symbols",
             "--no-rewrites", "--n", 5, "-o", "out"]  # fmt: skip
    with served(tmp_path, monkeypatch, "budget = 5") as server:
        run(*audit)
        paid = server.seen.attempts.total()
        text = (tmp_path / "judge.toml").read_text()
        (tmp_path / "judge.toml").write_text(text.replace("budget = 5", "budget = 5000"))
        run(*audit)
        asked = server.seen.attempts
    rows = (tmp_path / "out" / "verdicts.jsonl").read_text().splitlines()
    assert 0 < paid < asked.total() == len(asked)
    assert len(rows) >= len(asked)
    assert not any(json.loads(row)["outcome"] == "abstain" for row in rows)


@pytest.mark.parametrize(
    ("verb", "found"),
    [
        (["estimate", "rows.jsonl", "--with", "free.toml", "-o", "out"], "out/replies.sqlite"),
        (["estimate", "rows.jsonl", "--with", "exact", "--judge", "free.toml", "-o", "out"],
         "out/replies.sqlite"),
        (["compare", "rows.jsonl", "--with", "exact", "--with", "free.toml"],
         "unflip-runs/rows-judge-yes-no*/replies.sqlite"),
        (["audit", "--items", "rows.jsonl", "--with", "free.toml", "--probes", "symbols",
          "--no-rewrites", "-o", "out"], "out/replies.sqlite"),
        (["verify", "rows.jsonl", "--with", "free.toml", "-o", "said.jsonl"],
         "said.jsonl.replies.sqlite"),
        (["verify", "rows.jsonl", "--with", "free.toml"], None),
        (["audit", "--items", "rows.jsonl", "--with", "free.toml", "--probes", "symbols",
          "--no-rewrites", "--repeats", "2", "-o", "out"], None),
    ],
)  # fmt: skip
def test_a_run_that_is_kept_keeps_its_replies(tmp_path, monkeypatch, verb, found):
    """Beside its verdicts, where the judge has no store; not where it has to be asked again."""
    with served(tmp_path, monkeypatch):
        text = (tmp_path / "judge.toml").read_text().replace('store = "replies.sqlite"\n', "")
        (tmp_path / "free.toml").write_text(text)
        run(*verb)
    stores = list(tmp_path.rglob("*.sqlite"))
    assert stores == (list(tmp_path.glob(found)) if found else [])
    assert len(stores) == bool(found)

"""Slices of a measurement: what is compared, what is told of it, and what survives a file."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from unflip.cli import main
from unflip.measure import Settings, measure
from unflip.noise.slices import find
from unflip.rates import NoiseRates
from unflip.report import Findings, to_html, to_markdown
from unflip.report.differences import Differences
from unflip.types import Outcome, Reason, Sample, Verdict


def rows(*, hard=0.6, easy=0.1, count=240, each=1, labelled=1.0):
    """Samples, all wrong ones rejected, and correct ones of a hard source rejected more often."""
    rng = np.random.default_rng(0)
    made = []
    for n in range(count):
        correct, source = n % 2 == 0, ("<hard>", "easy")[n // 2 % 2]
        missed = rng.random() < (hard if source == "<hard>" else easy)
        known = correct if rng.random() < labelled else None
        meta = {"source": source, "accept": correct and not missed}
        prompt = f"question {n // each // 4}" if each > 1 else f"question {n}"
        made.append(Sample(f"it is {n:04}", "4", prompt=prompt, correct=known, meta=meta))
    return made


def recorded(sample):
    """The verdict that the row says."""
    if sample.meta["accept"]:
        return Verdict(Outcome.ACCEPT, Reason.MATCH, by="toy@1+000000")
    return Verdict(Outcome.REJECT, Reason.MISMATCH, by="toy@1+000000")


def found(folder, samples, **settings):
    """The findings of a measurement that searches for slices."""
    how = Settings(slices=True, self_check=False, **settings)
    return measure(recorded, lambda: samples, folder, how)


@pytest.mark.parametrize("each", [1, 2])
def test_a_source_with_a_rate_of_its_own_is_found(tmp_path, each):
    """Of all columns the one that matters is named, whether rows share prompts or not."""
    told = found(tmp_path, rows(each=each)).slices
    assert {(one.column, one.label) for one in told.fn} == {
        ("source", "<hard>"),
        ("source", "easy"),
    }
    assert not told.fp
    hard = next(one for one in told.fn if one.label == "<hard>")
    assert hard.rest.point < hard.shrunk.point < hard.rate.point


def test_where_nothing_differs_a_sentence_says_so(tmp_path):
    """One rate everywhere gives no table, and how many slices were compared."""
    told = found(tmp_path, rows(hard=0.2, easy=0.2)).slices
    assert (told.fp, told.fn) == ((), ())
    assert str(told) == f"None of {told.tested} slices has rates that surely differ."


def test_a_few_rows_are_too_few(tmp_path):
    """With ten rows nothing is tested, and the sentence says what is needed."""
    told = found(tmp_path, rows(count=10)).slices
    assert told.tested == 0
    assert "20 labelled rows" in str(told)


def test_without_a_wrong_or_a_correct_answer_nothing_breaks(tmp_path):
    """Rows of one truth have one rate to compare; rows without labels none."""
    one_truth = [sample for sample in rows() if sample.correct]
    assert found(tmp_path / "a", one_truth).slices.fn
    assert not found(tmp_path / "b", rows(labelled=0.0)).slices.tested


def test_rows_chosen_for_labelling_are_not_compared(tmp_path):
    """Where some rows have labels, their slices are no sample: the sentence points to --per."""
    told = found(tmp_path, rows(labelled=0.5)).slices
    assert not told.complete
    assert "--per" in str(told)
    assert not told.lines()


def test_a_judges_score_is_a_column(tmp_path):
    """The judge's verdicts are asked for once, and slice the rows by score."""

    def judge(sample):
        score = (0.1, 0.9)[sample.meta["source"] == "easy"]
        return Verdict(Outcome.ACCEPT, Reason.MATCH, score=score, by="judge@1+000000")

    told = found(tmp_path, rows(), judge=judge).slices
    assert "judge score" in {one.column for one in told.fn}


def test_pages_tell_the_slices_and_not_their_markup(tmp_path):
    """Both pages name the slice and its rate; a label that looks like HTML stays text."""
    findings = found(tmp_path, rows())
    markdown, html = to_markdown(findings), to_html(findings)
    assert "`source: <hard>` | rho1" in markdown
    assert "source: &lt;hard&gt;" in html
    assert "source: <hard>" not in html


def test_slices_survive_json(tmp_path):
    """What a findings file holds is what was found; a file from before slices has none."""
    findings = found(tmp_path, rows())
    row = json.loads(json.dumps(findings.to_json()))
    assert Findings.from_json(row).slices == findings.slices
    del row["slices"]
    assert Findings.from_json(row).slices is None


def test_nobody_asked_nothing_told(tmp_path):
    """Without the setting there is no search and no section."""
    findings = measure(recorded, rows, tmp_path, Settings(self_check=False))
    assert findings.slices is None
    assert "Where the rates differ" not in to_markdown(findings) + to_html(findings)


def test_a_small_slice_without_a_hit_is_not_sure():
    """None of 20 rows of lone prompts, where one in ten is usual, is chance and stays out."""
    hits = [1] * 20 + [0] * 180
    labels = ["rest"] * 180 + ["small"] * 20
    found = find(hits, {"kind": labels}, group_N=np.arange(200) // 2)
    assert not Differences.of(found, ()).fp


def test_the_command_tells_slices_to_people_and_machines(tmp_path, monkeypatch):
    """`--slices` adds a table to the terminal, and a key to the JSON of the rates."""
    monkeypatch.chdir(tmp_path)
    lines = (
        {"completion": s.text, "correct": s.correct, "v": s.meta["accept"], **s.meta}
        for s in rows()
    )
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, lines)))
    command = ["estimate", "rows.jsonl", "--with", "column:v", "-o", "out", "--slices"]
    told, machine = (CliRunner().invoke(main, [*command, *more]) for more in ([], ["--json"]))
    assert "source: <hard>" in told.stdout
    row = json.loads(machine.stdout)
    assert {one["label"] for one in row["slices"]["fn"]} == {"<hard>", "easy"}
    assert NoiseRates.from_json(row).fn.n == 120


def test_an_untested_slice_is_not_shown():
    """Slices too small to test are neither counted nor listed."""
    assert not Differences.of((), ()).tested

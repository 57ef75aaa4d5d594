"""A measurement: one folder, whatever the verifier does and wherever it goes."""

import json
import os
from collections import Counter
from dataclasses import replace

import pytest

from unflip.errors import DataError
from unflip.measure import (
    FINDINGS,
    LABELS,
    RATES,
    REFERENCES,
    REPORT,
    VERDICTS,
    Settings,
    measure,
)
from unflip.types import Outcome, Reason, Sample, Verdict

ROWS = [Sample(str(n), str(n - n % 2), correct=n % 2 == 0, id=str(n)) for n in range(8)]


class Counting:
    """Accepts what equals its reference, and counts how often it is asked."""

    by = "counting@1+000000"

    def __init__(self):
        self.asked = Counter()

    def __call__(self, sample):
        self.asked[sample.text] += 1
        if sample.text == sample.reference:
            return Verdict(Outcome.ACCEPT, Reason.MATCH, by=self.by)
        return Verdict(Outcome.REJECT, Reason.MISMATCH, by=self.by)


def files(folder):
    """The names of the files in a folder."""
    return {path.name for path in folder.iterdir()}


def test_corrected_labels_give_new_rates_from_old_verdicts(tmp_path):
    """A second measurement in the folder asks the verifier nothing, and believes the new labels."""
    verifier = Counting()
    before = measure(verifier, lambda: ROWS, tmp_path)
    asked = verifier.asked.total()
    corrected = [replace(row, correct=not row.correct) for row in ROWS]
    after = measure(verifier, lambda: corrected, tmp_path)
    assert (before.rates.fp.point, before.rates.fn.point) == (0, 0)
    assert (after.rates.fp.point, after.rates.fn.point) == (1, 1)
    assert verifier.asked.total() == asked


def test_a_verifier_that_leaves_the_working_directory_takes_no_file_along(tmp_path, monkeypatch):
    """A relative folder stays where it was when the measurement began."""

    def wandering(sample):
        os.chdir("/")
        return Counting()(sample)

    monkeypatch.chdir(tmp_path)
    measure(wandering, lambda: ROWS, tmp_path.relative_to(tmp_path) / "run")
    assert files(tmp_path / "run") == {VERDICTS, REFERENCES, RATES, FINDINGS, REPORT}


@pytest.mark.parametrize("folder", ["file", "file/below"])
def test_a_folder_that_cannot_be_made_is_a_data_error(tmp_path, folder):
    """What stands in the way of the folder is told before the verifier is asked anything."""
    verifier = Counting()
    (tmp_path / "file").write_text("here I am")
    with pytest.raises(DataError, match="cannot be written"):
        measure(verifier, lambda: ROWS, tmp_path / folder)
    assert not verifier.asked


def test_every_file_is_json_that_any_reader_takes(tmp_path):
    """No row, and no rate of an empty stratum, puts a NaN or an infinity into a file."""

    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    measure(Counting(), lambda: [Sample("\ud800", "4", stratum="\ud800", correct=True)], tmp_path)
    for name in (RATES, FINDINGS, VERDICTS):
        # A single verdict is a single line.
        json.loads((tmp_path / name).read_text(), parse_constant=refuse)


class Away(Counting):
    """The same, and cannot be reached about some completions for as many calls as are given."""

    def __init__(self, away=(), calls=10**6):
        super().__init__()
        self.away, self.calls = set(away), calls

    def __call__(self, sample):
        verdict = super().__call__(sample)
        if sample.text in self.away and self.asked[sample.text] <= self.calls:
            return Verdict(Outcome.ABSTAIN, Reason.UNREACHABLE, by=self.by)
        return verdict


def test_an_outage_is_over_for_the_next_measurement(tmp_path):
    """What was lost to it is asked again, and nothing else; what is kept on request is not."""
    first = measure(Away("135"), lambda: ROWS, tmp_path)
    kept = measure(Away(), lambda: ROWS, tmp_path, Settings(keep_abstains=True))
    verifier = Away()
    after = measure(verifier, lambda: ROWS, tmp_path)
    assert [found.rates.abstain.k for found in (first, kept, after)] == [3, 3, 0]
    assert verifier.asked == Counter("135")
    assert after.rates.fp.n == 4


def test_one_measurement_sees_a_row_one_way(tmp_path):
    """Looking at the verdicts twice asks once, though the second answer would be another one."""
    verifier = Away("1", calls=1)
    found = measure(verifier, lambda: ROWS, tmp_path, Settings(slices=True, self_check=False))
    assert verifier.asked == Counter(row.text for row in ROWS)
    assert found.rates.abstain.k == 1


def test_rows_that_people_have_labelled_stay_chosen(tmp_path):
    """With labels on rows that were chosen by their verdicts, abstains stay what they are."""
    how = Settings(budget=4, self_check=False)
    measure(Away("1"), lambda: ROWS, tmp_path, how)
    label = {"id": "0", "key": ROWS[0].key, "correct": True, "seconds": 1.0, "at": "today"}
    (tmp_path / LABELS).write_text(json.dumps(label) + "\n")
    verifier = Away()
    measure(verifier, lambda: ROWS, tmp_path, how)
    assert not verifier.asked

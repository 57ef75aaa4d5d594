"""A measurement: one folder, whatever the verifier does and wherever it goes."""

import json
import os
from collections import Counter
from dataclasses import replace

import pytest

from unflip.errors import DataError
from unflip.measure import FINDINGS, RATES, REPORT, VERDICTS, measure
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
    assert verifier.asked.total() == asked + len({row.reference for row in ROWS})


def test_a_verifier_that_leaves_the_working_directory_takes_no_file_along(tmp_path, monkeypatch):
    """A relative folder stays where it was when the measurement began."""

    def wandering(sample):
        os.chdir("/")
        return Counting()(sample)

    monkeypatch.chdir(tmp_path)
    measure(wandering, lambda: ROWS, tmp_path.relative_to(tmp_path) / "run")
    assert files(tmp_path / "run") == {VERDICTS, RATES, FINDINGS, REPORT}


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

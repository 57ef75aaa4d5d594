"""Bad input becomes a clear verdict or a clear error, with every verifier and every verb."""

import json

import pytest
from click.testing import CliRunner

from unflip.cli import main
from unflip.plugins import load
from unflip.types import Fault, Outcome, Reason, Sample

VERIFIERS = {name: load(name) for name in ("choice", "exact", "math", "numeric")}
COMPARING = pytest.mark.parametrize("verifier", VERIFIERS.values(), ids=VERIFIERS)
DIGITS = "7" * 10**6
# None of these is the answer B, nor 7, whatever a reader makes of it.
HOSTILE = {
    "nothing": "",
    "blank": " \n\t ",
    "a megabyte of words": "word " * 200_000,
    "a million digits": DIGITS,
    "a million digits, boxed": rf"\boxed{{{DIGITS}}}",
    "a tower": "9**9**9",
    "a tower in LaTeX": r"\boxed{9^{9^{9^9}}}",
    "ten thousand braces": "{" * 10_000 + "}" * 10_000,
    "ten thousand boxes": r"\boxed{" * 10_000 + "8" + "}" * 10_000,
    "ten thousand fractions": r"\frac{1}{" * 10_000 + "8" + "}" * 10_000,
    "NUL bytes": "\x00" * 50 + "8\x00",
    "right to left": "\u202e8\u202c",
    "zero width": "\u200b8\u200d\ufeff",
    "lone surrogates": "\ud800\udfff",
    "an attack": "__import__('os').system('true')",
    "a factorial": "99999999!",
}
COMPLETIONS = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)


@COMPARING
@COMPLETIONS
def test_a_hostile_completion_is_rejected(verifier, text):
    """What the completion itself brought about is a reject, and never an error or an abstain."""
    verdict = verifier(Sample(text, "B" if verifier.name == "choice" else "7"))
    assert verdict.outcome is Outcome.REJECT


# What is too much for each; the numeric verifier reads numbers of any length in linear time.
TOO_MUCH = {"choice": "word " * 400_000, "exact": "word " * 400_000, "math": r"\boxed{99999999!}"}
LIMITED = pytest.mark.parametrize(("name", "text"), TOO_MUCH.items(), ids=TOO_MUCH)


@LIMITED
def test_a_completion_over_the_limit_is_rejected_for_that(name, text):
    """A completion that is too much is rejected as such, and not for being different."""
    verdict = VERIFIERS[name](Sample(text, "B" if name == "choice" else "7"))
    assert (verdict.outcome, verdict.reason) == (Outcome.REJECT, Reason.OVER_LIMIT)


@LIMITED
def test_a_reference_over_the_limit_is_an_abstain(name, text):
    """A reference that is too much is the data set's fault, and not the completion's."""
    verdict = VERIFIERS[name](Sample("7", text))
    assert (verdict.outcome, verdict.fault) == (Outcome.ABSTAIN, Fault.REFERENCE)
    assert verdict.reason is Reason.UNREADABLE_REFERENCE


@COMPARING
@pytest.mark.parametrize("reference", [None, (), {"a": 1}, ("7", {"a": 1})])
def test_a_missing_reference_is_an_abstain(verifier, reference):
    """Without anything to compare with, nobody is rewarded or punished."""
    verdict = verifier(Sample("7", reference))
    assert verdict.outcome is Outcome.ABSTAIN
    assert verdict.fault is Fault.REFERENCE


@pytest.mark.parametrize("name", ["math", "numeric"])
@pytest.mark.parametrize("digits", [DIGITS, "1" + DIGITS])
def test_a_million_digits_are_compared_as_they_are(name, digits):
    """Length alone is no fault: a number of a million digits equals itself and no other."""
    accepted = VERIFIERS[name](Sample(digits, DIGITS)).accepted
    assert accepted == (digits == DIGITS)


@pytest.mark.parametrize("name", ["math", "numeric", "choice"])
@pytest.mark.parametrize("reference", ["", "   ", r"\frac{1}{", "}{"])
def test_an_unreadable_reference_is_an_abstain(name, reference):
    """A reference that cannot be read says nothing about the completion."""
    verdict = VERIFIERS[name](Sample("7", reference))
    assert verdict.outcome is Outcome.ABSTAIN
    assert verdict.fault is Fault.REFERENCE


def run(*arguments, stdin=None):
    """The command line's result."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)


def written(path, *rows, encoding="utf-8"):
    """A JSON Lines file of these rows."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding=encoding)
    return path


GOOD = {"prompt": "3 + 4", "completion": "7", "reference": "7", "correct": True, "id": "a"}


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_an_empty_file_is_an_error(tmp_path, content):
    """A file without rows is an error that says so."""
    path = tmp_path / "empty.jsonl"
    path.write_bytes(content)
    result = run("verify", path, "--with", "exact", "--workers", 0)
    assert result.exit_code == 2
    assert "no row" in result.stderr


def test_a_wrong_encoding_is_an_error(tmp_path):
    """A file in UTF-16 is an error that names the encoding."""
    result = run(
        "verify", written(tmp_path / "a.jsonl", GOOD, encoding="utf-16"), "--with", "exact"
    )
    assert result.exit_code == 2
    assert "UTF-16" in result.stderr


def test_a_missing_file_is_an_error():
    """A path that leads nowhere is an error."""
    result = run("verify", "./nowhere.jsonl", "--with", "exact")
    assert result.exit_code == 2
    assert "no such file" in result.stderr


def test_bad_rows_lose_no_good_ones(tmp_path):
    """A row that cannot be read is reported with its line number, and the others get verdicts."""
    path = tmp_path / "mixed.jsonl"
    written(path, GOOD, GOOD | {"correct": "perhaps", "id": "b"}, GOOD | {"id": "c"})
    path.write_bytes(path.read_bytes() + b"{broken\n\xff\xfe\n" + json.dumps(GOOD).encode() + b"\n")
    result = run("verify", path, "--with", "exact", "--workers", 0)
    assert result.exit_code == 0
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == ["a", "c", "a"]
    assert all(f"line {number}" in result.stderr for number in (2, 4, 5))


def test_null_labels_and_repeated_ids_are_no_trouble(tmp_path):
    """A row without a label counts in the share of accepts only; a repeated id is a remark."""
    path = written(
        tmp_path / "rows.jsonl", GOOD, GOOD | {"correct": None}, GOOD | {"correct": False}
    )
    result = run(
        "estimate", path, "--with", "exact", "--workers", 0, "--json", "-o", tmp_path / "o"
    )
    rates = json.loads(result.stdout)
    assert (rates["ppv"]["n"], rates["accept"]["n"], rates["method"]) == (2, 3, "begg-greenes")
    assert "2 of 3 samples repeat an earlier id" in result.stderr


def test_an_unknown_verifier_is_an_error(tmp_path):
    """A name that leads nowhere is an error that lists what exists."""
    result = run("verify", written(tmp_path / "a.jsonl", GOOD), "--with", "mth")
    assert result.exit_code == 2
    assert "did you mean math" in result.stderr

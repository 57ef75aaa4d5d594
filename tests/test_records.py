"""Recorded runs: whatever interrupts one, the next goes on where it stopped."""

import importlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unflip.cache import VerdictCache
from unflip.errors import DataError, UsageError
from unflip.records import read_verdicts, record_all
from unflip.run import processes, serial, threads
from unflip.types import Outcome, Reason, Sample, Verdict

HERE = Path(__file__).parent
BACKENDS = [serial(), threads(3), processes(2)]
every_backend = pytest.mark.parametrize("workers", BACKENDS, ids=lambda w: w.kind.value)


@pytest.fixture
def bad(monkeypatch):
    """The module of misbehaving verifiers, importable by workers."""
    monkeypatch.syspath_prepend(str(HERE))
    return importlib.import_module("misbehaving")


class Counting:
    """Accepts what equals its reference, and counts how often it is asked about each text."""

    by = "counting@1+000000"

    def __init__(self):
        self.asked = Counter()

    def __call__(self, sample):
        self.asked[sample.text] += 1
        if sample.text == sample.reference:
            return Verdict(Outcome.ACCEPT, Reason.MATCH)
        return Verdict(Outcome.REJECT, Reason.MISMATCH)


def texts(many):
    """Samples with these completions."""
    return [Sample(text, "a") for text in many]


RUN = """
    import sys
    from misbehaving import Logging, samples
    from unflip.records import record_all
    from unflip.run import processes, serial, threads

    if __name__ == "__main__":
        path, log, where = sys.argv[1:]
        workers = {"serial": serial(), "threads": threads(2), "processes": processes(2)}[where]
        for pair in record_all(Logging(log, 0.002), samples(400), path, workers=workers):
            print(pair[1].outcome, flush=True)
"""


@every_backend
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_killed_run_is_resumed(bad, tmp_path, workers, number):
    """Killed in the middle and run again, the file is what an undisturbed run writes.

    No sample that was in the file is verified again, and beyond those only what was under way.
    """
    script = tmp_path / "script.py"
    script.write_text(f"import sys; sys.path.insert(0, {str(HERE)!r})\n" + textwrap.dedent(RUN))
    path, log = tmp_path / "verdicts.jsonl", tmp_path / "log"
    command = [sys.executable, script, path, log, workers.kind.value]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        for _ in range(100):
            run.stdout.readline()
        os.kill(run.pid, number)
        run.communicate(timeout=60)
    assert run.returncode == -number
    assert not path.read_bytes() or path.read_bytes().endswith(b"\n")
    time.sleep(0.2)  # the kernel ends the workers in its own time
    recorded = Counter(row["key"] for row in bad.rows(path))
    asked = Counter(bad.calls(log))
    assert 100 <= len(recorded) < 400
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert all(Counter(bad.calls(log))[key] == asked[key] == 1 for key in recorded)
    under_way = len(asked) - len(recorded)
    assert len(bad.calls(log)) <= 400 + under_way
    assert under_way <= {"serial": 1, "threads": 6, "processes": 300}[workers.kind.value]
    whole = tmp_path / "whole.jsonl"
    for _ in record_all(bad.Verifier(), bad.samples(400), whole):
        pass
    assert bad.rows(path) == bad.rows(whole)


def test_a_run_that_is_killed_again_and_again_ends_as_an_undisturbed_one(bad, tmp_path):
    """Any number of interruptions of any kind, anywhere, leave no trace in the file."""
    script = tmp_path / "script.py"
    script.write_text(f"import sys; sys.path.insert(0, {str(HERE)!r})\n" + textwrap.dedent(RUN))
    path, log = tmp_path / "verdicts.jsonl", tmp_path / "log"
    command = [sys.executable, script, path, log, "processes"]
    chance = random.Random(1)
    for _ in range(8):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
            time.sleep(chance.uniform(0.0, 0.5))
            run.send_signal(chance.choice([signal.SIGINT, signal.SIGTERM, signal.SIGKILL]))
            run.communicate(timeout=60)
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    for _ in record_all(bad.Verifier(), bad.samples(400), tmp_path / "whole.jsonl"):
        pass
    assert bad.rows(path) == bad.rows(tmp_path / "whole.jsonl")


def run_to_the_end(samples, path, **options):
    """The pairs of a whole run, and how often each text was verified in it."""
    verifier = Counting()
    pairs = list(record_all(verifier, samples, path, **options))
    return pairs, verifier.asked


@settings(max_examples=200, deadline=None)
@given(
    before=st.lists(st.sampled_from("abcdef"), max_size=12),
    after=st.lists(st.sampled_from("abcdef"), max_size=16),
)
def test_a_recorded_row_answers_one_sample_of_its_content(before, after):
    """In any order and with any duplicates: only samples beyond the recorded rows are verified.

    Every sample comes out once, in order, with its own verdict, and has a row in the end.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder, "verdicts.jsonl")
        run_to_the_end(texts(before), path)
        pairs, asked = run_to_the_end(texts(after), path)
        rows = Counter(row.key for row in read_verdicts(path))
    assert [sample.text for sample, _ in pairs] == after
    assert all(verdict.accepted == (sample.text == "a") for sample, verdict in pairs)
    assert asked == Counter(after) - Counter(before)
    keys = {text: Sample(text, "a").key for text in "abcdef"}
    assert rows == Counter({keys[t]: n for t, n in (Counter(before) | Counter(after)).items()})


def test_duplicate_ids_are_different_rows(tmp_path):
    """The id is a name, not a key: samples that share one are each verified, once."""
    path = tmp_path / "verdicts.jsonl"
    given = [Sample("a", "a", id="same"), Sample("b", "a", id="same")] * 3
    run_to_the_end(given[:3], path)
    pairs, asked = run_to_the_end(given, path)
    assert asked == Counter({"a": 1, "b": 2})
    assert [verdict.accepted for _, verdict in pairs] == [True, False] * 3


@every_backend
def test_a_shuffled_file_is_resumed(bad, tmp_path, workers):
    """With samples in another order, and new ones between, only the new ones are verified."""
    path, log = tmp_path / "verdicts.jsonl", str(tmp_path / "log")
    verifier = bad.Logging(log)
    old = list(bad.samples(300))
    for _ in record_all(verifier, old, path, workers=workers):
        pass
    mixed = old + list(bad.samples(300, start=300))
    random.Random(0).shuffle(mixed)
    pairs = list(record_all(verifier, mixed, path, workers=workers))
    assert [sample for sample, _ in pairs] == mixed
    assert [verdict for _, verdict in pairs] == [bad.Verifier()(sample) for sample in mixed]
    assert max(Counter(bad.calls(log)).values()) == 1
    assert len(bad.calls(log)) == len(bad.rows(path)) == 600


def test_a_finished_run_is_only_read(tmp_path):
    """Run again, nothing is verified and not a byte is written."""
    path = tmp_path / "verdicts.jsonl"
    first, _ = run_to_the_end(texts("abcabc"), path)
    content = path.read_bytes()
    again, asked = run_to_the_end(texts("abcabc"), path)
    assert (again, asked, path.read_bytes()) == (first, Counter(), content)


@pytest.mark.parametrize("torn", [1, 10, 100])
def test_a_torn_last_row_is_cut_off_and_verified_again(tmp_path, torn):
    """Half a row is no row."""
    path = tmp_path / "verdicts.jsonl"
    run_to_the_end(texts("abc"), path)
    content = path.read_bytes()
    path.write_bytes(content[:-torn])
    assert [row.verdict.accepted for row in read_verdicts(path)] == [True, False]
    _, asked = run_to_the_end(texts("abc"), path)
    assert asked == Counter("c")
    assert [row.key for row in read_verdicts(path)] == [s.key for s in texts("abc")]


def test_a_first_row_that_is_torn_is_cut_off(tmp_path):
    """A run that was killed while it wrote its first row starts from the beginning."""
    path = tmp_path / "verdicts.jsonl"
    run_to_the_end(texts("a"), path)
    path.write_bytes(path.read_bytes()[:-20])
    assert list(read_verdicts(path)) == []
    _, asked = run_to_the_end(texts("ab"), path)
    assert asked == Counter("ab")


def test_a_long_torn_row_is_cut_off(tmp_path):
    """The end of the last whole row is found however much was torn."""
    path = tmp_path / "verdicts.jsonl"
    run_to_the_end(texts("ab"), path)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"id": "' + b"x" * 300_000)
    run_to_the_end(texts("ab"), path)
    assert path.read_bytes() == whole


def test_rows_by_another_verifier_are_refused(tmp_path):
    """The message names both, nothing is verified, and the file stays as it was."""
    path = tmp_path / "verdicts.jsonl"
    run_to_the_end(texts("ab"), path)
    content = path.read_bytes()
    other = Counting()
    other.by = "other@1+000000"
    with pytest.raises(DataError, match=r"by counting@1\+000000.*by other@1\+000000"):
        list(record_all(other, texts("ab"), path))
    assert (other.asked, path.read_bytes()) == (Counter(), content)


@pytest.mark.parametrize(
    "content",
    [b'{"prompt": "2 + 2", "completion": "4"}\n{"prompt": "no end', b"just text", b"[1, 2]\n"],
)
def test_another_kind_of_file_is_refused_and_left_alone(tmp_path, content):
    """Nobody's data is cut because its last line has no end."""
    path = tmp_path / "data.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"data\.jsonl"):
        run_to_the_end(texts("ab"), path)
    assert path.read_bytes() == content


def test_a_damaged_row_is_a_data_error_that_says_where(tmp_path):
    """A row in the middle that cannot be read is never skipped silently."""
    path = tmp_path / "verdicts.jsonl"
    run_to_the_end(texts("abc"), path)
    first, _, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + b"\x00\x00\n" + last)
    with pytest.raises(DataError, match=f"byte {len(first)}"):
        run_to_the_end(texts("abc"), path)
    with pytest.raises(DataError, match="line 2"):
        list(read_verdicts(path))


def test_two_runs_do_not_write_one_file(tmp_path):
    """The second is told so, while the first goes on."""
    path = tmp_path / "verdicts.jsonl"
    first = record_all(Counting(), texts("ab"), path)
    next(first)
    with pytest.raises(DataError, match="another run is writing"):
        next(record_all(Counting(), texts("ab"), path))
    assert len(list(first)) == 1
    assert run_to_the_end(texts("ab"), path)[1] == Counter()


def test_a_missing_folder_is_a_data_error(tmp_path):
    """For writing and for reading; the message has the path."""
    with pytest.raises(DataError, match="nowhere"):
        run_to_the_end([], tmp_path / "nowhere" / "verdicts.jsonl")
    with pytest.raises(DataError, match="nowhere"):
        next(read_verdicts(tmp_path / "nowhere"))


def test_misuse_is_told_before_a_file_is_made(tmp_path):
    """A deadline without processes leaves nothing behind."""
    path = tmp_path / "verdicts.jsonl"
    with pytest.raises(UsageError, match="processes"):
        record_all(Counting(), texts("ab"), path, deadline=1.0)
    assert not path.exists()


@every_backend
def test_a_source_that_fails_loses_nothing_that_it_gave(bad, tmp_path, workers):
    """The rows before the failure are recorded, and then it is raised."""

    def failing():
        yield from bad.samples(7)
        raise ConnectionError("the network is gone")

    path = tmp_path / "verdicts.jsonl"
    with pytest.raises(ConnectionError, match="gone"):
        list(record_all(bad.Verifier(), failing(), path, workers=workers))
    assert [row.id for row in read_verdicts(path)] == [sample.id for sample in bad.samples(7)]


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files")
def test_a_full_disk_is_a_data_error_and_resumable(tmp_path):
    """A run that cannot write says so, and goes on where it stopped once there is room."""
    path, given, verifier = tmp_path / "verdicts.jsonl", texts(map(str, range(9))), Counting()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(DataError, match="cannot be written"):
            list(record_all(verifier, given, path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.stat().st_size == 1000
    assert len(list(record_all(verifier, given, path))) == 9
    assert [row.key for row in read_verdicts(path)] == [sample.key for sample in given]
    assert sum(verifier.asked.values()) == 9 + 1


def test_a_timeout_that_is_kept_is_not_repeated(bad, tmp_path):
    """Told to keep abstains, a resumed run does not wait for the stuck rows once more."""
    path = tmp_path / "verdicts.jsonl"
    given = [Sample("a", "a"), Sample("stick", "a"), Sample("b", "a")]
    options = {"workers": processes(2), "deadline": 1.0}
    first = [v.reason for _, v in record_all(bad.Verifier(), given, path, **options)]
    content = path.read_bytes()
    options["keep_abstains"] = True
    again = [v.reason for _, v in record_all(bad.Verifier(), given, path, **options)]
    assert first == again == [Reason.MATCH, Reason.TIMEOUT, Reason.MISMATCH]
    assert path.read_bytes() == content


def test_what_the_cache_knows_is_recorded_too(tmp_path):
    """The file has every row, in order, and the cache learns what was new."""
    path = tmp_path / "verdicts.jsonl"
    with VerdictCache(tmp_path / "cache") as cache:
        run_to_the_end(texts("bd"), tmp_path / "other.jsonl", cache=cache)
        _, asked = run_to_the_end(texts("abcd"), path, cache=cache)
        assert asked == Counter("ac")
        _, asked = run_to_the_end(texts("abcde"), path, cache=cache)
        assert asked == Counter("e")
    assert [row.key for row in read_verdicts(path)] == [s.key for s in texts("abcde")]


def test_rows_are_read_back_as_they_were_given(bad, tmp_path):
    """Ids, keys and whole verdicts, with text that UTF-8 cannot say."""
    path = tmp_path / "verdicts.jsonl"
    given = [*bad.samples(5), Sample("\ud800\x00", "\ud800\x00", id="\u202e")]
    pairs = list(record_all(bad.Verifier(), given, path))
    rows = list(read_verdicts(path))
    assert [(row.id, row.key, row.verdict) for row in rows] == [
        (sample.id, sample.key, verdict) for sample, verdict in pairs
    ]
    assert json.loads(path.read_text().splitlines()[0]).keys() >= {"id", "key", "outcome", "by"}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_resuming_keeps_memory_flat(bad, tmp_path):
    """A hundred thousand old rows are walked alongside the samples, not loaded."""
    path = tmp_path / "verdicts.jsonl"
    by = bad.Verifier.by
    with path.open("w") as file:
        for sample in bad.samples(100_000):
            row = {"id": sample.id, "key": sample.key, "outcome": "reject", "reason": "mismatch"}
            file.write(json.dumps(row | {"by": by}) + "\n")
    pairs = record_all(bad.Verifier(), bad.samples(101_000), path)
    next(pairs)
    before = bad.resident_megabytes()
    assert sum(1 for _ in pairs) == 100_999
    assert bad.resident_megabytes() - before < 10
    assert sum(1 for _ in read_verdicts(path)) == 101_000


class Unlucky(Counting):
    """Cannot be asked about some texts for now, and never says anything about others."""

    def __init__(self, away, mute=()):
        super().__init__()
        self.away, self.mute = set(away), set(mute)

    def __call__(self, sample):
        verdict = super().__call__(sample)
        if sample.text in self.away:
            return Verdict(Outcome.ABSTAIN, Reason.UNREACHABLE)
        if sample.text in self.mute:
            return Verdict(Outcome.ABSTAIN, Reason.UNREADABLE_REPLY)
        return verdict


@settings(max_examples=60, deadline=None)
@given(
    texts_=st.lists(st.sampled_from("abcdef"), max_size=20),
    away=st.sets(st.sampled_from("abcdef")),
    mute=st.sets(st.sampled_from("ab")),
    stop=st.integers(0, 20),
)
def test_what_the_system_was_at_fault_for_is_tried_again(texts_, away, mute, stop):
    """After an outage, interrupted or not, the file is as of a run without one.

    Only the samples of the outage are asked about again; what a reply was like stays, and so does
    the number of rows.
    """
    samples = texts(texts_)
    with TemporaryDirectory() as folder:
        path = Path(folder, "verdicts.jsonl")
        first = list(islice(record_all(Unlucky(away, mute), samples, path), stop))
        lucky = Unlucky((), mute)
        again = list(record_all(lucky, samples, path))
        asked = lucky.asked.copy()
        assert [verdict for _, verdict in again] == [
            replace(lucky(sample), by=lucky.by) for sample in samples
        ]
        kept = Counter(s.text for s, v in first if v.reason is not Reason.UNREACHABLE)
        assert asked == Counter(texts_) - kept
        rows = Counter(row.key for row in read_verdicts(path))
        assert rows == Counter(sample.key for sample in samples)


def test_abstains_stay_if_they_are_to_be_kept(tmp_path):
    """A second look at a run finds what the first one has seen, outages too."""
    path = tmp_path / "verdicts.jsonl"
    list(record_all(Unlucky("a"), texts("ab"), path))
    before = path.read_bytes()
    lucky = Unlucky("")
    seen = [v.reason for _, v in record_all(lucky, texts("ab"), path, keep_abstains=True)]
    assert seen == [Reason.UNREACHABLE, Reason.MISMATCH]
    assert not lucky.asked
    assert path.read_bytes() == before


def test_trying_again_leaves_nothing_else_behind(tmp_path):
    """The file keeps its mode, links to it hold, and no other file remains beside it."""
    path, link = tmp_path / "verdicts.jsonl", tmp_path / "link.jsonl"
    list(record_all(Unlucky("a"), texts("ab"), path))
    path.chmod(0o640)
    link.symlink_to(path)
    assert len(list(record_all(Unlucky(""), texts("ab"), link))) == 2
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link.jsonl", "verdicts.jsonl"]


def test_nobody_else_writes_while_rows_are_tried_again(tmp_path):
    """The file that has taken the place is locked as well."""
    path = tmp_path / "verdicts.jsonl"
    list(record_all(Unlucky("a"), texts("ab"), path))
    run = record_all(Unlucky(""), texts("ab"), path)
    next(run)
    with pytest.raises(DataError, match="another run"):
        next(record_all(Unlucky(""), texts("ab"), path))
    run.close()

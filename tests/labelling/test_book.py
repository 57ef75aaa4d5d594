"""The book of labels keeps every answer whole, and touches no other file."""

import json
import resource
import signal
import subprocess
import sys
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.errors import DataError
from unflip.labelling import Book, read_labels
from unflip.types import Sample

SAMPLES = [Sample(f"it is {n}", "4", id=str(n)) for n in range(3)]
WRITE = """
    import sys
    from unflip.labelling import Book
    from unflip.types import Sample
    with Book(sys.argv[1]) as book:
        for number in range(100000):
            book.put(Sample(str(number)), True)
            print(number, flush=True)
"""


@given(st.lists(st.tuples(st.sampled_from(SAMPLES), st.sampled_from([True, False, None]))))
def test_the_last_answer_counts(tmp_path_factory, answers):
    """Whoever opens the file again finds the last answer on each content, and no other."""
    path = tmp_path_factory.mktemp("book") / "labels.jsonl"
    with Book(path) as book:
        for sample, correct in answers:
            book.put(sample, correct, 1.5)
        kept = {sample.key: book.get(sample.key) for sample, _ in answers}
    wanted = {sample.key: correct for sample, correct in answers}
    assert read_labels(path) == wanted
    with Book(path) as book:
        assert len(book) == len(wanted)
        assert {key: book.get(key) for key in wanted} == kept


def test_a_row_has_what_it_needs(tmp_path):
    """A row has key, id, label, seconds and the time, as JSON."""
    path = tmp_path / "labels.jsonl"
    with Book(path) as book:
        book.put(SAMPLES[1], None, 2.5)
    row = json.loads(path.read_text())
    assert row.pop("at").endswith("+00:00")
    assert row == {"key": SAMPLES[1].key, "id": "1", "correct": None, "seconds": 2.5}


@given(st.data())
def test_a_torn_row_is_cut_off(tmp_path_factory, data):
    """Wherever the file is torn, whole rows stay, and the next answer is a whole row again."""
    path = tmp_path_factory.mktemp("book") / "labels.jsonl"
    with Book(path) as book:
        for sample in SAMPLES:
            book.put(sample, True)
    whole = path.read_bytes()
    torn = whole[: data.draw(st.integers(0, len(whole)))]
    path.write_bytes(torn)
    assert len(read_labels(path)) == torn.count(b"\n")
    with Book(path) as book:
        assert len(book) == torn.count(b"\n")
        book.put(Sample("new"), False)
    assert len(path.read_bytes().splitlines()) == torn.count(b"\n") + 1
    assert read_labels(path)[Sample("new").key] is False


@pytest.mark.parametrize(
    "content",
    [
        b'{"id": null, "key": "00", "outcome": "accept", "reason": "match", "by": "x@1+0"}\n',
        b'{"prompt": "2 + 2", "completion": "4", "correct": true}\n',
        b'{"key": "00", "id": null, "correct": "yes", "seconds": null, "at": ""}\n',
        b'{"key": "00", "id": null, "correct": 1, "seconds": null, "at": ""}\n',
        b"completion,correct\n4,1\n",
        b"[" * 100_000 + b"\n",
        b"PAR1\x00\xff",
        b"no line at all",
    ],
)
def test_another_kind_of_file_is_left_alone(tmp_path, content):
    """What is no file of labels is refused, and stays as it is."""
    path = tmp_path / "data.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"data\.jsonl"):
        Book(path)
    assert path.read_bytes() == content
    path.write_bytes(b"")
    Book(path).close()


def test_one_process_writes(tmp_path):
    """While a book is open, a second one is refused, and labels can be read."""
    path = tmp_path / "labels.jsonl"
    with Book(path) as book:
        book.put(SAMPLES[0], True)
        with pytest.raises(DataError, match="is writing"):
            Book(path)
        assert read_labels(path) == {SAMPLES[0].key: True}
    Book(path).close()


def test_no_folder_is_a_data_error(tmp_path):
    """A file that cannot be opened is a DataError that names it."""
    with pytest.raises(DataError, match="cannot be opened"):
        Book(tmp_path / "none" / "labels.jsonl")
    with pytest.raises(DataError, match="cannot be opened"):
        read_labels(tmp_path / "none.jsonl")


def test_a_killed_writer_loses_nothing(tmp_path):
    """Every answer that `put` has returned from is in the file, even if the process is killed."""
    path = tmp_path / "labels.jsonl"
    command = [sys.executable, "-c", textwrap.dedent(WRITE), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        said = [int(writer.stdout.readline()) for _ in range(50)]
        writer.send_signal(signal.SIGKILL)
        said += [int(line) for line in writer.stdout]
    with Book(path) as book:
        assert all(book.get(Sample(str(number)).key) for number in said)


def test_a_full_disk_is_a_data_error(tmp_path):
    """An answer that cannot be written is told, leaves nothing behind, and can be given again."""
    path = tmp_path / "labels.jsonl"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with Book(path) as book:
        book.put(SAMPLES[0], True)
        before = path.read_bytes()
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, hard))
        try:
            with pytest.raises(DataError, match="cannot be written"):
                book.put(SAMPLES[1], True)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, handler)
        assert path.read_bytes() == before
        assert book.get(SAMPLES[1].key) is None
        book.put(SAMPLES[1], False)
    assert read_labels(path) == {SAMPLES[0].key: True, SAMPLES[1].key: False}

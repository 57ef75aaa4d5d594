"""Rows of every shape become samples; bad ones are reported, and lose no other."""

import gzip
import io
import json
import os
import pickle
import subprocess
import sys
import tracemalloc
from decimal import Decimal
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import unflip.data.lines
import unflip.data.sources
from unflip.data import Rows, read, read_json_lines
from unflip.data.rows import PEEKED, SHOWN
from unflip.errors import DataError, MissingExtra
from unflip.types import Sample

SHAPES = [json.loads(line) for line in Path("fixtures/row_shapes.jsonl").read_text().splitlines()]
GOOD = b'{"completion": "4"}\n'


@pytest.fixture
def write(tmp_path):
    """Writes bytes, or rows as JSON Lines, and gives the path."""

    def write(content, name="rows.jsonl"):
        if not isinstance(content, bytes):
            content = b"".join(json.dumps(row).encode() + b"\n" for row in content)
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def read_all(path, **options):
    """The samples of a source, and what is wrong with its other rows."""
    rows = read(path, **options)
    return list(rows), [str(bad) for bad in rows.bad]


def items(content):
    """What the reader of lines makes of some bytes."""
    return list(read_json_lines(io.BufferedReader(io.BytesIO(content))))


# Shapes and columns


@pytest.mark.parametrize("case", [c for c in SHAPES if "reads" in c], ids=lambda c: c["shape"])
def test_rows_of_other_tools_are_read(write, case):
    """The first row of every shape becomes the sample that it should."""
    sample = next(read(write(case["rows"]), mapping=case.get("mapping")))
    assert json.loads(json.dumps(sample.to_json())) == {"prompt": "", **case["reads"]}


@pytest.mark.parametrize("case", [c for c in SHAPES if "asks" in c], ids=lambda c: c["shape"])
def test_a_doubt_about_columns_is_a_question_with_its_answer(write, case):
    """What cannot be decided stops with a question, and the `--map` that answers it."""
    with pytest.raises(DataError) as raised:
        read(write(case["rows"]), mapping=case.get("mapping"))
    for part in ("rows.jsonl: ", *case["asks"]):
        assert part in str(raised.value)


def test_columns_are_decided_once_from_the_first_rows(write):
    """An alias that first occurs later is reported on its row, with the `--map` that reads it."""
    rows = [{"completion": "4"}] * PEEKED + [{"completion": "4", "is_correct": True}]
    samples, bad = read_all(write(rows))
    assert len(samples) == PEEKED
    assert bad == [
        f"line {PEEKED + 1}: column 'is_correct' occurs late: say --map correct=is_correct"
    ]


def test_a_column_that_is_mapped_is_no_other_field(write):
    """A column that a dataset calls `solution` may be the completion, and is no reference then."""
    path = write([{"solution": "4", "label": 1}] * 2)
    found = list(read(path, mapping={"completion": "solution"}))
    assert [(one.text, one.reference, one.correct) for one in found] == [("4", None, True)] * 2


def test_a_field_under_its_own_name_is_read_however_late_it_occurs(write):
    """Labels that only some later rows have are not lost."""
    path = write([{"completion": "4"}] * PEEKED + [{"completion": "4", "correct": True}])
    assert [sample.correct for sample in read(path)][-1] is True


def test_a_map_wins_over_every_guess(write):
    """A column that the mapping names is taken, whatever else there is."""
    path = write([{"completion": "a", "response": "b", "reference": "c", "answer": "d"}])
    sample = next(read(path, mapping={"completion": "response", "reference": "answer"}))
    assert (sample.completion, sample.reference) == ("b", "d")
    assert sample.meta == {"completion": "a", "reference": "c"}


def test_other_columns_go_to_meta_or_only_those_to_be_kept(write):
    """`keep` narrows what is in `meta`, and so what the resume key depends on."""
    path = write([{"completion": "4", "level": 1, "seconds": 2.5, "meta": {"tests": ["x"]}}])
    other = write(
        [{"completion": "4", "level": 1, "seconds": 9.9, "meta": {"tests": ["x"]}}], "b.jsonl"
    )
    assert next(read(path)).meta == {"tests": ["x"], "level": 1, "seconds": 2.5}
    assert next(read(path)).key != next(read(other)).key
    kept, other_kept = (next(read(one, keep=["level"])) for one in (path, other))
    assert kept.meta == {"tests": ["x"], "level": 1}
    assert kept.key == other_kept.key


def test_a_stratum_by_map_is_not_part_of_the_key(write):
    """Rows can be cut another way without being verified again."""
    path = write([{"completion": "4", "tier": "gold"}])
    again = write([{"completion": "4", "tier": "silver"}], "again.jsonl")
    first, second = (next(read(one, mapping={"stratum": "tier"})) for one in (path, again))
    assert (first.stratum, second.stratum) == ("gold", "silver")
    assert first.key == second.key


# Values


@pytest.mark.parametrize(
    ("given", "truth"),
    [(True, True), (False, False), (1, True), (0, False), (1.0, True), ("true", True),
     ("False ", False), (None, None)],
)  # fmt: skip
def test_labels_are_read_as_people_write_them(write, given, truth):
    """Booleans, 0 and 1, their names, and null for a label that nobody gave."""
    assert next(read(write([{"completion": "4", "correct": given}]))).correct is truth


@pytest.mark.parametrize("given", ["yes", "1", 2, 0.5, [], {}])
def test_any_other_label_is_a_bad_row(write, given):
    """A label that is no truth value is never guessed."""
    path = write([{"completion": "4", "correct": True}, {"completion": "4", "correct": given}])
    samples, bad = read_all(path)
    assert len(samples) == 1
    assert bad[0].startswith("line 2: column 'correct' is ")


@pytest.mark.parametrize(
    ("given", "reference"),
    [("four", "four"), (4, 4), (0.5, 0.5), (["4", "four"], ("4", "four")), ({"a": [1]}, {"a": [1]}),
     (None, None), ([], ())],
)  # fmt: skip
def test_references_keep_their_type_and_lists_are_alternatives(write, given, reference):
    """Text, numbers and objects stay what they are; a list holds alternatives."""
    assert next(read(write([{"completion": "4", "reference": given}]))).reference == reference


@pytest.mark.parametrize("given", [4, True, {"role": "user"}, [], ["a"], [{"content": "a"}],
                                   [{"role": "user", "content": 4}],
                                   [{"role": "user", "content": [{"text": 4}]}]])  # fmt: skip
def test_a_completion_is_text_or_chat_messages(write, given):
    """Anything else is a bad row, and no crash of a verifier later."""
    _, bad = read_all(write([{"completion": "4"}, {"completion": given}]))
    assert bad == ["line 2: column 'completion' is neither text nor a list of chat messages"]


def test_chat_messages_with_parts_are_read_as_their_text(write):
    """Parts without text, as unified columns have them, are passed over."""
    parts = [{"type": "image", "text": None}, {"type": "text", "text": "4"}]
    path = write([{"completion": [{"role": "assistant", "content": parts}]}])
    assert next(read(path)).text == "4"


def test_a_broken_chat_among_chats_as_json_text_is_a_bad_row(write):
    """Where every first row is a chat as JSON text, a later one that is none is not text."""
    chat = json.dumps([{"role": "assistant", "content": "4"}])
    samples, bad = read_all(write([{"completion": chat}] * PEEKED + [{"completion": chat[:-2]}]))
    assert (samples[0].text, len(bad)) == ("4", 1)


def test_ids_and_strata_become_text(write):
    """Numbers and truth values name things as well."""
    sample = next(read(write([{"completion": "4", "id": 7, "stratum": True}])))
    assert (sample.id, sample.stratum) == ("7", "true")


def test_repeated_ids_are_counted_and_allowed(write):
    """Several completions of one question may share its id."""
    rows = read(write([{"completion": "4", "id": name} for name in "aabca"]))
    assert len(list(rows)) == 5
    assert rows.notes == ["2 of 5 samples repeat an earlier id"]


def test_missing_and_distinct_ids_are_nothing_to_note(write):
    """Rows need no id."""
    rows = read(write([{"completion": "4"}, {"completion": "4", "id": "a"}]))
    assert len(list(rows)) == 2
    assert rows.notes == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(), inside, max_size=3),
    max_leaves=5,
)  # fmt: skip
columns = st.text(min_size=1).filter(lambda name: name not in {"answer", "label"})


@given(
    st.builds(
        Sample,
        st.text(st.characters()),
        st.text() | st.integers() | st.lists(st.text(), min_size=1).map(tuple),
        prompt=st.text(),
        correct=st.none() | st.booleans(),
        stratum=st.none() | st.text(),
        id=st.none() | st.text(),
        meta=st.dictionaries(columns, json_values, max_size=3),
    )
)
def test_a_sample_survives_being_written_and_read(sample):
    """Reading is the inverse of `Sample.to_json`, lone surrogates and all."""
    line = json.dumps(sample.to_json()).encode()
    assert next(Rows(iter(items(line)))) == sample


# Bad bytes


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"completion": "4"', "not JSON: Expecting ',' delimiter (column 19)"),
        (b"{'completion': '4'}", "not JSON: Expecting property name"),
        (b'["4"]', "a row is a JSON object, and this is a list"),
        (b"4", "a row is a JSON object, and this is a number"),
        (b"null", "a row is a JSON object, and this is null"),
        (b'{"completion": "caf\xe9"}', "not UTF-8: byte 0xe9 at position 20"),
        (b'{"completion": "a\x00b"}', "not JSON: Invalid control character"),
        (b'{"completion": "4", "completion": "5"}', "the key 'completion' occurs twice"),
        (b'{"completion": "4", "meta": {"a": 1, "a": 2}}', "the key 'a' occurs twice"),
        (b'{"completion": "4", "reference": NaN}', "not JSON: NaN is no JSON number"),
        (b'{"completion": "4", "reference": -Infinity}', "not JSON: -Infinity is no JSON number"),
        (b'{"completion": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", "nested deeper than 100"),
        (b'{"completion": "4", "x": ' + b"[" * 150 + b"]" * 150 + b"}", "nested deeper than 100"),
        (b'{"prompt": "4"}', "there is no completion in column 'completion'"),
        (b'{"completion": null}', "there is no completion in column 'completion'"),
        (b'{"completion": "4", "meta": 4}', "column 'meta' is no JSON object"),
        (b'{"completion": "4", "id": ["a"]}', "column 'id' is neither text nor a number"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_bad_row_is_reported_and_loses_no_other(write, line, message):
    """The rows before and after it are read, and its line and its fault are said."""
    samples, bad = read_all(write(GOOD + b"\n" + line + b"\r\n" + GOOD))
    assert len(samples) == 2
    assert len(bad) == 1
    assert bad[0].startswith(f"line 3: {message}")


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\n \n\n"])
def test_blank_lines_byte_order_marks_and_a_missing_last_newline_are_fine(write, newline):
    """What editors do to a file does not change its rows."""
    samples, bad = read_all(write(b"\xef\xbb\xbf" + newline.join([GOOD.strip()] * 3)))
    assert (len(samples), bad) == (3, [])


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_said_to_be_utf_16(write, codec):
    """With a byte order mark or without, the message is the command that converts it."""
    with pytest.raises(DataError, match=r"UTF-16.*iconv"):
        read(write(GOOD.decode().encode(codec)))


def test_a_file_in_another_encoding_names_its_lines(write):
    """Latin-1 is fine as long as it is ASCII; the other lines are reported."""
    lines = ['{"completion": "4"}', '{"completion": "café"}', '{"completion": "naïve"}']
    samples, bad = read_all(write("\n".join(lines).encode("latin-1")))
    assert (len(samples), [b.partition(":")[0] for b in bad]) == (1, ["line 2", "line 3"])


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b"[]", gzip.compress(b"")])
def test_an_empty_source_is_an_error(write, content):
    """No rows is never a result of zero."""
    with pytest.raises(DataError, match=r"rows\.jsonl: there are no rows"):
        read(write(content))


def test_a_source_without_a_single_good_row_is_an_error_at_once(write):
    """The first fault is shown, since it is most probably the fault of all."""
    with pytest.raises(DataError, match=r"no row can be read; line 1: not JSON"):
        read(write(b"a,b\n1,2\n"))


def test_a_source_without_a_single_sample_is_an_error_in_the_end(write):
    """Rows that are JSON, and yet no samples, are no quiet nothing either."""
    rows = read(write([{"completion": 1}, {"completion": 2}]))
    with pytest.raises(DataError, match="no row can be read; line 1: column 'completion'"):
        next(rows)


def test_all_bad_rows_are_counted_and_the_first_are_kept(write):
    """A million bad rows do not fill the memory."""
    rows = read(write(GOOD + b"oops\n" * (2 * SHOWN) + GOOD))
    assert len(list(rows)) == 2
    assert (len(rows.bad), rows.bad_count, rows.bad[-1].line) == (SHOWN, 2 * SHOWN, SHOWN + 1)


def test_a_number_of_a_million_digits_stays_text(write):
    """Python would refuse to write such a number again; its digits lose nothing."""
    digits = "9" * 10**6
    lines = (
        f'{{"completion": "4", "reference": {digits}}}\n{{"completion": "4", "reference": -1e999}}'
    )
    assert [sample.reference for sample in read(write(lines.encode()))] == [digits, "-1e999"]


def test_a_megabyte_in_a_row_and_odd_characters_are_fine(write):
    """Long lines, escaped NUL, lone surrogates, right-to-left and zero-width text all arrive."""
    said = "x" * 2**20 + "\x00 \ud800 \u202e \u200b שלום"
    sample = next(read(write([{"completion": said}])))
    assert sample.completion == said
    assert sample.key == pickle.loads(pickle.dumps(sample)).key


def test_a_line_over_the_limit_is_a_bad_row(write, monkeypatch):
    """It is skipped without being held in memory, and the next line is read."""
    monkeypatch.setattr(unflip.data.lines, "LINE_LIMIT", 2**20)
    samples, bad = read_all(write(GOOD + b'{"completion": "' + b"x" * 2**22 + b'"}\n' + GOOD))
    assert (len(samples), bad) == (2, ["line 2: longer than 1 MB"])


# Sources


def test_gzip_is_recognised_by_its_bytes(write):
    """Whatever the file is called, several members and all."""
    path = write(gzip.compress(GOOD) + gzip.compress(GOOD), "rows.jsonl")
    assert len(list(read(path))) == 2


def test_a_truncated_gzip_gives_what_it_has_and_says_so(write):
    """The rows before the break are read, and the loss of the rest is reported."""
    rows = [{"completion": os.urandom(2000).hex()} for _ in range(200)]
    whole = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    samples, bad = read_all(write(gzip.compress(whole)[:-100_000]))
    assert 50 < len(samples) < 200
    assert "the gzip stream is broken here, and the rest is lost" in bad[0]


def test_an_array_is_read_with_its_line_numbers(write):
    """Pretty-printed or not; a row that is no object loses no other."""
    content = json.dumps([{"completion": "1"}, 5, {"completion": "2", "x": {"y": [1]}}], indent=2)
    samples, bad = read_all(write(content.encode(), "rows.json"))
    assert [sample.completion for sample in samples] == ["1", "2"]
    assert bad == ["line 5: a row is a JSON object, and this is a number"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'[{"completion": "1"}, {"completion": oops}, {}]', "the rest of the array is lost"),
        (b'[{"completion": "1"}]\n{"completion": "2"}', "what follows is lost"),
        (b'[{"completion": "1"},', "the rest of the array is lost"),
    ],
)
def test_what_is_lost_of_a_broken_array_is_said(write, content, message):
    """An array cannot be taken up again after a mistake in its syntax."""
    samples, bad = read_all(write(content))
    assert len(samples) == 1
    assert message in bad[0]


def test_standard_input_is_read_as_lines_and_gzip():
    """`-` reads from a pipe, which cannot be rewound."""
    code = "from unflip.data import read; print(*[s.completion for s in read('-')])"
    for content in (GOOD * 3, gzip.compress(GOOD * 3)):
        done = subprocess.run([sys.executable, "-c", code], input=content, capture_output=True)
        assert done.stdout.split() == [b"4"] * 3, done.stderr


def parquet(path, rows, **options):
    """Writes rows as Parquet."""
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.Table.from_pylist(rows), path, **options)
    return path


def test_parquet_gives_the_samples_of_the_same_lines(write, tmp_path):
    """Whatever the file is called; nested columns, chats and nulls are the same."""
    rows = [
        {"prompt": [{"role": "user", "content": f"{n}?"}], "response": str(n), "correct": n > 3,
         "reward_model": {"style": "rule", "ground_truth": str(n)}, "level": None if n else 1}
        for n in range(600)
    ]  # fmt: skip
    path = parquet(tmp_path / "rows.data", rows, row_group_size=50)
    assert list(read(path)) == list(read(write(rows)))


def test_parquet_values_that_json_lacks_become_text(tmp_path):
    """Dates, decimals and bytes get to `meta` as text, NaN as null."""
    from datetime import UTC, datetime

    when = datetime(2026, 1, 2, tzinfo=UTC)
    row = {"completion": "4", "at": when, "n": Decimal("1.50"), "raw": b"\xff", "b": b"x",
           "score": float("nan"), "correct": 1.0}  # fmt: skip
    sample = next(read(parquet(tmp_path / "rows.parquet", [row])))
    assert sample.correct is True
    assert sample.meta == {
        "at": "2026-01-02T00:00:00+00:00", "n": "1.50", "raw": "<bytes>", "b": "x", "score": None,
    }  # fmt: skip
    assert len(sample.key) == 32


def test_a_parquet_row_that_is_no_utf_8_loses_no_other(tmp_path):
    """It is found among the rows of its batch, and reported by its number."""
    import pyarrow as pa
    from pyarrow import parquet

    texts = pa.array([b"a", b"\xff", b"c"] * 5).view(pa.string())
    parquet.write_table(pa.table({"completion": texts}), tmp_path / "rows.parquet")
    samples, bad = read_all(tmp_path / "rows.parquet")
    assert [sample.completion for sample in samples] == ["a", "c"] * 5
    assert [b.partition(":")[0] for b in bad] == [f"line {n}" for n in (2, 5, 8, 11, 14)]


def test_broken_parquet_is_an_error(write):
    """A file that only begins like one is named in the message."""
    with pytest.raises(DataError, match=r"rows\.parquet: this Parquet file cannot be read"):
        read(write(b"PAR1" + b"x" * 100, "rows.parquet"))


@pytest.fixture
def dataset():
    """A small Hugging Face dataset."""
    from datasets import Dataset

    return Dataset.from_list(
        [{"question": f"{n}?", "response": str(n), "answer": str(n)} for n in range(5)]
    )


def test_a_dataset_on_disk_is_read(dataset, tmp_path):
    """A folder that `save_to_disk` wrote is a source."""
    dataset.save_to_disk(tmp_path / "saved")
    assert [s.reference for s in read(tmp_path / "saved")] == list("01234")


def test_a_dataset_with_several_splits_asks_which(dataset, tmp_path):
    """The question lists the splits; a split that is not there is asked about again."""
    from datasets import DatasetDict

    DatasetDict({"train": dataset, "test": dataset.select([3])}).save_to_disk(tmp_path / "saved")
    with pytest.raises(
        DataError, match=r"several splits\. Say one of: --split train, --split test"
    ):
        read(tmp_path / "saved")
    with pytest.raises(DataError, match="no split 'dev'"):
        read(tmp_path / "saved", split="dev")
    assert [s.completion for s in read(tmp_path / "saved", split="test")] == ["3"]


def test_a_dataset_by_name_is_streamed(dataset, monkeypatch):
    """The name, the configuration and streaming go to the library; the split is picked."""
    import datasets

    def load(name, config, *, streaming):
        assert (name, config, streaming) == ("someone/thing", "main", True)
        return datasets.IterableDatasetDict({"test": dataset.to_iterable_dataset()})

    monkeypatch.setattr(datasets, "load_dataset", load)
    assert len(list(read("someone/thing", config="main"))) == 5


def test_a_missing_configuration_is_asked_for(monkeypatch):
    """The library's list of configurations is shown, and how one is named here."""
    import datasets

    def load(name, config, *, streaming):
        raise ValueError("Config name is missing.\nPlease pick one among: ['main', 'socratic']")

    monkeypatch.setattr(datasets, "load_dataset", load)
    with pytest.raises(DataError, match=r"'main', 'socratic'\]\. Say --config NAME"):
        read("someone/thing")


def test_a_hub_that_cannot_be_reached_is_an_error_with_a_name():
    """Without a network, a name that is no file ends in one clear message."""
    code = "from unflip.data import read; read('someone/thing')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "HF_HUB_OFFLINE": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert "DataError: someone/thing: no such file, and no such dataset" in done.stderr


@pytest.mark.parametrize("source", ["rows.jsonl", "./rows", "/nowhere/rows", "rows.tsv", "~/none"])
def test_a_file_that_is_not_there_is_not_looked_for_on_the_hub(source, tmp_path, monkeypatch):
    """What looks like a file is only ever one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match="there is no such file"):
        read(source)


def test_a_folder_that_is_no_dataset_is_an_error(tmp_path):
    """It says what to name instead."""
    with pytest.raises(DataError, match="name a file in it"):
        read(tmp_path)


@pytest.mark.parametrize("missing", ["pyarrow", "datasets"])
def test_a_missing_extra_is_the_command_that_installs_it(missing, write, tmp_path, monkeypatch):
    """Parquet and datasets are extras, and the message says so."""
    monkeypatch.setitem(sys.modules, missing, None)
    source = write(b"PAR1") if missing == "pyarrow" else "someone/thing"
    with pytest.raises(MissingExtra, match=r"pip install 'unflip\[data\]'"):
        read(source)


# Laziness


def test_rows_are_read_lazily_and_memory_stays_flat(tmp_path):
    """After the first rows, a long file needs no more memory than a short one."""
    path = tmp_path / "rows.jsonl"
    with path.open("w") as file:
        for n in range(40_000):
            file.write(json.dumps({"id": n, "completion": "x" * 500, "reference": "4"}) + "\n")
    rows = read(path)
    tracemalloc.start()
    try:
        for _ in islice(rows, 1000):
            pass
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        assert sum(1 for _ in rows) == 39_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < 2**20


def test_an_endless_source_can_be_read_from():
    """Only the first rows are looked at before the first sample."""
    endless = iter(lambda: (1, {"completion": "4"}), None)
    assert len(list(islice(Rows(endless), 1000))) == 1000

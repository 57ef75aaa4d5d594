"""Logged rollouts: which rows are a group, which column is which, and what a correction changes."""

import gzip
import json
import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.correction import RateTable, anchored, backward, masking
from unflip.errors import DataError, MissingExtra, UsageError
from unflip.noise.gold import rates_from_arrays
from unflip.rollouts import read, replay, table_for
from unflip.rollouts.files import rows_of

ONE = RateTable.known(0.1, 0.2, pass_rate=0.5)
TWO = RateTable.known([0.1, 0.6], [0.2, 0.1], pass_rate=0.5, strata=["plain", "hash"])


@pytest.fixture
def write(tmp_path):
    """Writes rows as JSON Lines, or text as it is, and gives the path."""

    def write(rows, name="log.jsonl"):
        text = rows if isinstance(rows, str) else "\n".join(map(json.dumps, rows))
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


def rows(verdicts, prompt="p", **columns):
    """Rows of one group with these verdicts."""
    return [{"prompt": prompt, "completion": "c", "reward": v, **columns} for v in verdicts]


def verl(step, scores):
    """Rows as verl dumps them."""
    return [
        {"input": f"q{n % 2}", "output": f"a{n}", "gts": "7", "score": s, "step": step}
        for n, s in enumerate(scores)
    ]


def test_verl_dumps_are_read_in_the_order_of_their_steps(tmp_path, write):
    """A folder of verl's dumps gives steps by number, and groups of equal input within a step."""
    for step in (10, 2, 1):
        write(verl(step, [1.0, 0.0, 0.0, 1.0]), f"dumps/{step}.jsonl")
    log = read(tmp_path / "dumps")
    assert log.steps == ("1", "2", "10")
    assert (log.n_groups, len(log), log.columns.reward) == (6, 12, "score")
    assert log.group_N[:4].tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("above", [False, True])
def test_trl_completions_are_read(tmp_path, above):
    """TRL's Parquet files are read from their folder or the one above; None is an abstain."""
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    folder = tmp_path / "out" / "completions"
    folder.mkdir(parents=True)
    for step in (5, 10):
        table = {
            "step": [str(step)] * 4,
            "prompt": ["2 + 2?"] * 2 + ["3 + 3?"] * 2,
            "completion": ["4", "5", "6", "7"],
            "accuracy_reward": [1.0, 0.0, None, math.nan],
            "advantage": [0.707, -0.707, 0.0, 0.0],
        }
        parquet.write_table(pa.table(table), folder / f"completions_{step:05d}.parquet")
    log = read(folder.parent if above else folder)
    assert log.columns.reward == "accuracy_reward"
    assert log.steps == ("5", "10")
    np.testing.assert_array_equal(log.r_N[:4], [1, 0, np.nan, np.nan])
    assert not replay(log, ONE, backward(ONE), normaliser="grpo").notes


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    """Without the extra, a Parquet log is the command that installs it."""
    path = tmp_path / "completions_00001.parquet"
    path.write_bytes(b"PAR1 and more")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"unflip\[data\]"):
        read(path)


def test_nan_is_an_abstain_and_text_stays(write):
    """A logger's NaN reads as null outside of text, and as itself inside of it."""
    path = write(
        '{"prompt": "NaN?", "output": "\\"NaN", "score": NaN}\n{"prompt": "NaN?", "score": 1}'
    )
    log = read(path)
    assert np.isnan(log.r_N).tolist() == [True, False]
    assert log.texts[0] == ("NaN?", '"NaN')


@given(st.lists(st.text() | st.just("NaN") | st.just('\\"NaN\\')))
def test_only_json_changes_where_nan_is_read(tmp_path_factory, texts):
    """Whatever text stands beside a NaN is read as it was written."""
    path = tmp_path_factory.mktemp("nan") / "log.jsonl"
    path.write_text(json.dumps({"texts": texts, "score": math.nan}), encoding="utf-8")
    assert list(rows_of(path)) == [(1, {"texts": texts, "score": None})]


def test_a_packed_file_is_read(tmp_path):
    """A gzipped log is read like any other."""
    path = tmp_path / "3.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(rows([1])[0]).encode()))
    assert read(path).steps == ("3",)


def test_a_step_named_by_the_file_splits_groups(tmp_path, write):
    """Where no column tells the step, equal prompts of two files are two groups."""
    write(rows([1, 0]), "log/1.jsonl")
    write(rows([1, 0]), "log/2.jsonl")
    assert read(tmp_path / "log").n_groups == 2


def test_a_column_may_make_groups(write):
    """`group` groups rows whose prompts differ, and keeps steps apart."""
    said = [{"prompt": str(n), "uid": n // 2, "reward": n % 2, "step": n // 4} for n in range(8)]
    log = read(write(said), group="uid")
    assert log.group_N.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_chats_are_groups_and_are_shown_by_their_last_message(write):
    """Prompts that are chats group by all messages; the last one is shown."""
    chats = [[{"role": "user", "content": f"{n // 2}?"}] for n in range(4)]
    said = [{"prompt": c, "completion": c, "reward": n % 2} for n, c in enumerate(chats)]
    log = read(write(said))
    assert (log.n_groups, log.texts[3]) == (2, ("1?", "1?"))


def test_one_rate_is_inert_under_grpo_and_measures_nothing(write):
    """The explanation says inert, and the measured difference is nothing but rounding."""
    rng = np.random.default_rng(0)
    said = [row for p in range(20) for row in rows((rng.random(8) < 0.4).tolist(), f"{p}")]
    found = replay(read(write(said)), ONE, anchored(ONE), normaliser="grpo")
    assert found.effect.kind == "inert"
    assert found.whole.most < 1e-6
    assert found.moved == ()
    assert found.whole.signs == 0


def test_strata_inside_groups_change_the_update(write):
    """Rates by strata within groups are active, and a doubtful accept is paid less."""
    said = rows([1, 0], stratum="plain") + rows([1, 0], stratum="hash")
    found = replay(read(write(said)), TWO, anchored(TWO), normaliser="rloo")
    assert found.effect.kind == "active"
    assert found.whole.most > 0.1
    assert found.whole.cosine < 1
    paid = {one.name: one.corrected for one in found.strata}
    assert paid["hash"] < paid["plain"]


def test_strata_between_groups_are_told_from_strata_inside(write):
    """The log decides whether strata are prompts': then a group's std removes the lines."""
    said = rows([1, 0], "p", stratum="plain") + rows([1, 0], "q", stratum="hash")
    log = read(write(said))
    assert (log.scope, log.mixed) == ("prompt", 0)
    found = replay(log, TWO, backward(TWO), normaliser="grpo")
    assert found.effect.kind == "inert"
    assert found.whole.most < 1e-6


def test_abstains_and_masked_strata_weigh_nothing(write):
    """Their advantage is 0 after the correction, and their share is told."""
    said = rows([1, 0, None], stratum="plain") + rows([1], stratum="hash")
    log = read(write(said))
    found = replay(log, TWO, masking(TWO, ["hash"]), normaliser="rloo")
    assert found.advantage_N.tolist() == [1, -1, 0, 0]
    assert found.whole.silent == 0.5
    assert math.isnan({one.name: one.corrected for one in found.strata}["hash"])


def test_signs_do_not_change_by_rounding(write):
    """A unanimous group has no sign before or after, whatever its corrected rewards sum to."""
    log = read(write(rows([1] * 10)))
    found = replay(log, ONE, backward(ONE), normaliser="dr_grpo")
    assert found.whole.signs == 0
    assert math.isnan(found.whole.cosine)


def test_batches_are_steps(write):
    """A normaliser over the batch sees one step at a time."""
    said = rows([1, 0], step=1) + rows([1, 1, 0, 0], "q", step=2)
    found = replay(read(write(said)), ONE, backward(ONE), normaliser="batch")
    assert found.raw_N.round(3).tolist() == [0.707, -0.707, 0.866, 0.866, -0.866, -0.866]
    assert [(one.name, one.rows) for one in found.steps] == [("1", 2), ("2", 4)]


def test_the_rows_that_change_most_come_first(write):
    """At most five rows, in the order of their change, with the place where they are logged."""
    said = rows([1, 0, 0, 0], "p", stratum="plain") + rows([1, 0, 0, 0], "q", stratum="plain")
    said[4]["stratum"] = "hash"
    found = replay(read(write(said)), TWO, anchored(TWO), normaliser="rloo")
    apart = [abs(one.raw - one.corrected) for one in found.moved]
    assert len(apart) == 5
    assert apart == sorted(apart, reverse=True)
    assert (found.moved[0].file, found.moved[0].row) == ("log.jsonl", 5)


def test_logged_advantages_that_disagree_are_told(write):
    """A normaliser that is not the trainer's shows in the advantages that it logged."""
    log = read(write([row | {"advantage": 0.5 - n} for n, row in enumerate(rows([1, 0]))]))
    assert not replay(log, ONE, backward(ONE), normaliser="dr_grpo").notes
    (note,) = replay(log, ONE, backward(ONE), normaliser="grpo").notes
    assert note.startswith("100% of the logged advantages (column 'advantage')")


def test_a_policy_that_has_left_the_rates_is_told(write):
    """Accepts outside of the measured interval ask for new rates."""
    rates = rates_from_arrays(np.tile([1, 0, 0, 1], 100), np.tile([1, 0, 0, 0], 100))
    log = read(write(rows([1, 1, 1, 0] * 50)))
    table = table_for(log, rates)
    (note,) = replay(log, table, backward(table), normaliser="rloo", rates=rates).notes
    assert note.startswith("accepts are now")


def test_an_unreadable_row_is_told_and_loses_no_other(write):
    """A broken line is listed with its file, and the others are read."""
    log = read(write(json.dumps(rows([1])[0]) + '\n{"prompt": \n'))
    assert len(log) == 1
    assert log.bad[0].startswith("log.jsonl: line 2: not JSON")


@pytest.mark.parametrize(
    ("said", "options", "message"),
    [
        ([{"prompt": "p", "a": 1, "b": 0}], {}, "Say --reward 'a' or --reward 'b'"),
        ([{"prompt": "p", "score": 0.5}], {}, "no column holds a verifier's rewards"),
        ([{"score": 1}], {}, "Say --group COLUMN"),
        (rows([1]), {"reward": "rewrd"}, r"--reward: there is no column 'rewrd' \(did you mean"),
        (rows([1, 0.5]), {"reward": "reward"}, "log.jsonl: line 2: column 'reward' is 0.5"),
        ("[1]", {}, "no row can be read"),
        ("", {}, "no row can be read; there are none"),
    ],
)
def test_a_question_is_asked_where_the_log_leaves_one(write, said, options, message):
    """The message says which option answers."""
    with pytest.raises(DataError, match=message):
        read(write(said), **options)


def test_a_missing_or_empty_source_is_told(tmp_path):
    """Neither a missing file nor an empty folder is looked up elsewhere."""
    with pytest.raises(DataError, match="there is no such file or folder"):
        read(tmp_path / "nowhere")
    with pytest.raises(DataError, match="there is no file here that ends in"):
        read(tmp_path)


def test_rates_of_another_verifier_are_refused(write):
    """A log that says whose verdicts it holds is believed, unless somebody knows better."""
    rates = replace(rates_from_arrays(np.tile([1, 0], 50), np.tile([1, 0], 50)), by="mine@1")
    log = read(write(rows([1, 0], by="other@1")))
    with pytest.raises(UsageError, match="say --by 'mine@1'"):
        table_for(log, rates)
    assert table_for(log, rates, by="mine@1").by == "mine@1"
    mixed = read(write(rows([1], by="other@1") + rows([0], by="mine@1")))
    with pytest.raises(UsageError, match="several verifiers"):
        table_for(mixed, rates)


@given(st.lists(st.sampled_from([0, 1, None]), min_size=1, max_size=12), st.integers(1, 3))
def test_no_log_is_too_small(tmp_path_factory, verdicts, prompts):
    """Any verdicts in groups of any size give finite figures that go to JSON."""
    said = [{"prompt": n % prompts, "reward": v} for n, v in enumerate([0, *verdicts])]
    path: Path = tmp_path_factory.mktemp("log") / "log.jsonl"
    path.write_text("\n".join(map(json.dumps, said)))
    found = replay(read(path), ONE, anchored(ONE), normaliser="grpo")
    assert np.isfinite(found.advantage_N).all()
    json.dumps(found.to_json(), allow_nan=False)

"""Queries: what counts as the same rows, what a row may say, and what no query gets away with."""

import time
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.util import find_spec
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox.hostile import family, nothing_left, refused
from tests.sandbox.seeing import below
from unflip import Sample
from unflip.cache import VerdictCache
from unflip.errors import UsageError
from unflip.sandbox import SandboxUnavailable
from unflip.types import Outcome, Reason
from unflip.verifiers.code.comparing import Tolerance
from unflip.verifiers.code.tasks import BadTask
from unflip.verifiers.sql import Sql
from unflip.verifiers.sql.comparing import alike, same_rows
from unflip.verifiers.sql.tasks import orders, passing, task_of

NEAR = Tolerance()
CELLS = st.none() | st.integers(-3, 3) | st.sampled_from(["a", "1", ""]) | st.floats(-2, 2)
ROWS = st.lists(st.tuples(CELLS, CELLS), max_size=7)
SCHEMA = (
    "CREATE TABLE t (n INTEGER, name TEXT, price REAL);"
    "INSERT INTO t VALUES (1, 'x', 1.5), (2, 'y', NULL), (2, 'z', 0.1);"
)
MORE = ["", "INSERT INTO t VALUES (39, 'w', 9)"]
TOTALS = "SELECT n, SUM(price) FROM t GROUP BY n"


def needs_duckdb(test):
    """Skip where DuckDB is missing, and say so."""
    return pytest.mark.skipif(find_spec("duckdb") is None, reason="there is no duckdb here")(test)


def judged(query, gold=TOTALS, *, schema=SCHEMA, options=(), **row):
    """The verdict on a query."""
    meta = {"schema": schema, "databases": MORE, **row}
    return Sql(**dict(options))(Sample(query, gold, meta=meta))


@given(ROWS, st.randoms())
def test_order_counts_only_if_it_is_said_to(rows, chance):
    """Rows in another order are the same; where order counts, only if they are equal in place."""
    other = chance.sample(rows, len(rows))
    assert same_rows(other, rows, NEAR, ordered=False)
    equal = all(alike(a, b, NEAR) for one, two in zip(other, rows, strict=True)
                for a, b in zip(one, two, strict=True))  # fmt: skip
    assert same_rows(other, rows, NEAR, ordered=True) is equal


@given(ROWS.filter(bool), st.data())
def test_a_row_more_or_less_is_another_answer(rows, data):
    """How often a row comes counts."""
    row = data.draw(st.sampled_from(rows))
    for ordered in (False, True):
        assert not same_rows([*rows, row], rows, NEAR, ordered=ordered)


@given(st.lists(st.tuples(st.floats(-100, 100), st.sampled_from("ab")), max_size=8), st.randoms())
def test_a_little_noise_in_floats_is_no_difference(rows, chance):
    """However it changes the order in which rows would be sorted."""
    noisy = [(n + chance.uniform(-1e-10, 1e-10), word) for n, word in rows]
    assert same_rows(chance.sample(noisy, len(noisy)), rows, NEAR, ordered=False)


@given(
    st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=2, max_size=9), st.data()
)
def test_whole_rows_are_paired_not_columns(rows, data):
    """Values that move from one row to another make other rows."""
    turned = [(b, a) for a, b in rows]
    same = sorted(turned) == sorted(rows)
    assert same_rows(turned, rows, NEAR, ordered=False) is same


@pytest.mark.parametrize(
    ("got", "gold", "same"),
    [
        (1, 1.0, True), ("1", 1, False), (None, None, True), (None, 0, False), (None, "", False),
        (True, 1, False), (True, True, True), (10**15, 10**15 + 1, False), (1e15, 10**15 + 1, True),
        (b"x", "x", False), (b"x", b"x", True), ("a", "A", False),
        (float("nan"), float("nan"), True),
        (float("inf"), 1e300, False), (10**400, 1.0, False), ([1, 2.0], [1.0, 2], True),
        ([1], [1, 1], False), ({"x": 1}, {"x": 1.0}, True),
        (date(2020, 1, 1), "2020-01-01", False),
        (date(2020, 1, 1), date(2020, 1, 1), True), (Decimal("2.50"), 2.5, True),
        (Decimal("2.50"), Decimal("2.5"), True), (Decimal(2), 2, True),
        (Decimal("2.5"), "2.5", False),
        (Decimal("1000000.50"), Decimal(1000000), False), (1000000, Decimal("1000000.50"), False),
        (Decimal("NaN"), float("nan"), False), (Decimal("sNaN"), Decimal("sNaN"), False),
    ],
)  # fmt: skip
def test_values_are_compared_with_their_types(got, gold, same):
    """A number is no text, NULL only NULL, whole numbers are exact."""
    assert alike(got, gold, NEAR) is same
    assert same_rows([(got,)], [(gold,)], NEAR, ordered=False) is same


def test_what_is_no_number_does_not_keep_rows_from_their_partners():
    """However many rows there are, and whatever is compared with it."""
    rows = [(float("nan") if n % 3 == 0 else Decimal(n) / 8, n) for n in range(500)]
    assert same_rows(rows[::-1], rows, NEAR, ordered=False)


def test_noise_in_what_ties_is_no_difference():
    """However many rows there are, and though it is what they would be sorted by."""
    rows = [(0.1 * (n % 3), n / 7, n) for n in range(500)]
    noisy = [(a * (1 + 1e-15 * (n % 5)), b, n) for a, b, n in rows]
    for width in (2, 3):
        got, gold = ([one[:width] for one in each] for each in (noisy[::-1], rows))
        assert same_rows(got, gold, NEAR, ordered=False)
    other = [(a, b, n + (n == 400)) for a, b, n in noisy]
    assert not same_rows(other, rows, NEAR, ordered=False)


NEARLY = st.sampled_from(
    [0, 1, 2, 0.4, 0.8, 1.2, float("nan"), float("inf"), None, "a", True, Decimal("0.5"),
     Decimal(1), (1, 0.4), (1.2, 0), 10**400]
)  # fmt: skip


@given(st.lists(st.tuples(NEARLY, NEARLY), max_size=4), st.lists(NEARLY, max_size=4), st.randoms())
def test_rows_are_the_same_if_they_can_be_paired(rows, cells, chance):
    """In any way at all, by what each is alike."""
    loose = Tolerance(0.5, 1e-6)
    got = [(chance.choice([a, *cells]), b) for a, b in chance.sample(rows, len(rows))]
    paired = any(
        all(alike(one, two, loose) for one, two in zip(got, order, strict=True))
        for order in permutations(rows)
    )
    assert same_rows(got, rows, loose, ordered=False) is paired


def test_a_sum_in_the_millions_is_not_one_more():
    """By default, what is off by one is off, however large it is and whatever its type."""
    gold = "SELECT 5000000.0"
    assert judged("SELECT 5000001", gold).reason is Reason.MISMATCH
    assert judged("SELECT 5000000 + 0.1 + 0.2 - 0.3", gold).accepted


@pytest.mark.parametrize(
    ("query", "ordered"),
    [
        ("SELECT x FROM t ORDER BY x", True),
        ("select x from t order\n by x limit 3", True),
        ("SELECT x FROM t UNION SELECT y FROM t ORDER BY 1", True),
        ("SELECT x, rank() OVER (ORDER BY x) FROM t", False),
        ("SELECT * FROM (SELECT x FROM t ORDER BY x)", False),
        ("WITH s AS (SELECT x FROM t ORDER BY x) SELECT x FROM s", False),
        ("WITH s AS (SELECT x FROM t) SELECT x FROM s ORDER BY x", True),
        ("SELECT 'ORDER BY x' FROM t", False),
        ('SELECT "order by" FROM t -- order by x', False),
        ("SELECT x /* ORDER BY */ FROM t", False),
        ("SELECT ')' FROM t ORDER BY x", True),
        ("SELECT [order] by FROM t", False),
        ("SELECT group_concat(x ORDER BY x) FROM t", False),
    ],
)
def test_a_query_orders_its_own_rows_or_not(query, ordered):
    """What stands in brackets, in quotes or in a comment does not count."""
    assert orders(query) is ordered


@pytest.mark.parametrize("level", ["namespaces", "landlock"])
@pytest.mark.parametrize(
    ("query", "accepted"),
    [
        (TOTALS, True),
        ("SELECT n, SUM(price) AS whatever FROM t GROUP BY 1 ORDER BY n DESC;", True),
        ("Here it is:\n```sql\nSELECT n, TOTAL(price) + 0 FROM t GROUP BY n\n```\nDone.", True),
        ("SELECT SUM(price), n FROM t GROUP BY n", False),
        ("SELECT n FROM t GROUP BY n", False),
        ("SELECT CAST(n AS TEXT), SUM(price) FROM t GROUP BY n", False),
        ("SELECT n, price FROM t", False),
        ("SELECT 1, 1.5 UNION SELECT 2, 0.1", False),
        ("SELECT n, SUM(price) FROM t GROUP BY n LIMIT 2", False),
        ("SELEC n", False),
        ("I do not know", False),
        (f"<think>Hm.</think>\n<answer>{TOTALS};</answer>", True),
        (f"```sql\nSELECT 1\n```\nNo:\n<answer>\n{TOTALS}\n</answer>\nThat is it.", True),
        (f"```sql\n{TOTALS}\n```\nNo:\n<answer>\nSELECT 1\n</answer>", False),
        (f"```postgres\n{TOTALS}\n```\n<answer>It is above.</answer>", True),
    ],
)
def test_a_query_is_judged_by_its_rows_on_every_database(level, query, accepted):
    """Names of columns do not count, their order does; a lucky query fails on the second."""
    verdict = judged(query, options={"minimum": level, "most": level})
    assert verdict.accepted is accepted
    assert verdict.outcome is not Outcome.ABSTAIN
    assert verdict.evidence["level"] == level


def test_a_batch_is_decided_as_its_samples_are():
    """In order, whatever is wrong with one of them."""
    meta = {"schema": SCHEMA, "databases": MORE}
    queries = [TOTALS, "SELECT 1", "", "SELEC", TOTALS, "DROP TABLE t"] * 3
    samples = [Sample(one, TOTALS, meta=meta) for one in queries] + [Sample(TOTALS)]
    found = Sql().verify_batch(samples)
    assert [one.reason for one in found] == [Sql()(one).reason for one in samples]
    assert [one.accepted for one in found[:5]] == [True, False, False, False, True]


def test_a_lucky_query_is_right_on_some_databases_only():
    """The evidence says on how many."""
    verdict = judged("SELECT 1, 1.5 UNION SELECT 2, 0.1")
    assert (verdict.evidence["passed"], verdict.evidence["databases"]) == (1, 2)


@pytest.mark.parametrize(
    ("order", "gold", "accepted"),
    [
        ("by_gold", "SELECT name FROM t ORDER BY name DESC", False),
        ("by_gold", "SELECT name FROM t", True),
        ("any", "SELECT name FROM t ORDER BY name DESC", True),
        ("exact", "SELECT name FROM t WHERE 1 ORDER BY name", True),
        ("exact", "SELECT name FROM t ORDER BY price", False),
    ],
)
def test_order_counts_as_the_option_or_the_row_says(order, gold, accepted):
    """By the row's own query, always, or never."""
    query = "SELECT name FROM t ORDER BY name"
    assert judged(query, gold, options={"order": order}).accepted is accepted
    assert judged(query, gold, order=order).accepted is accepted


@pytest.mark.parametrize(
    ("gold", "said"),
    [
        ("SELEC", "syntax error"),
        ("SELECT missing FROM t", "no such column"),
        ("DROP TABLE t", "not authorized"),
        ("SELECT 1; SELECT 2", "one statement"),
        ("SELECT n FROM t WHERE n > 99", "no rows on any database"),
    ],
)
def test_a_query_of_the_rows_own_that_shows_nothing_is_the_rows_fault(gold, said):
    """It abstains, and says why."""
    verdict = judged("SELECT 1", gold)
    assert (verdict.outcome, verdict.reason) == (Outcome.ABSTAIN, Reason.UNREADABLE_REFERENCE)
    assert said in verdict.evidence["error"]


def test_a_script_that_fails_is_the_rows_fault():
    """Databases that cannot be made show nothing."""
    verdict = judged("SELECT 1", "SELECT 1", schema="CREATE TABL t (x)")
    assert verdict.reason is Reason.UNREADABLE_REFERENCE


def test_a_row_without_a_query_has_no_reference():
    """Nothing is run."""
    assert Sql()(Sample("SELECT 1", meta={"schema": SCHEMA})).reason is Reason.NO_REFERENCE


@pytest.mark.parametrize(
    "gold", ["SELECT x FROM t ORDER BY RANDOM() LIMIT 1", "SELECT hex(randomblob (4))"]
)
def test_a_query_of_the_rows_own_that_is_left_to_chance_is_the_rows_fault(gold):
    """No query could give what it gave."""
    row = {"schema": "CREATE TABLE t (x); INSERT INTO t VALUES (1), (2)"}
    verdict = Sql()(Sample(gold, gold, meta=row))
    assert verdict.reason is Reason.UNREADABLE_REFERENCE
    assert "random" in verdict.evidence["error"]


@pytest.mark.parametrize(
    "row",
    [
        {"schema": "CREATE TABLE t (x); INSERT INTO t VALUES (random())"},
        {"schema": "CREATE VIEW t AS SELECT random() AS x"},
        {"gold": "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')", "schema": "CREATE TABLE t (x)"},
        {"gold": "SELECT julianday()", "schema": "CREATE TABLE t (x)"},
    ],
    ids=["table", "view", "clock", "days"],
)
def test_a_row_whose_own_query_gives_other_rows_each_time_is_the_rows_fault(row):
    """Wherever the chance comes in, and if it is the clock."""
    verdict = Sql()(Sample("SELECT 1", meta={"gold": "SELECT x FROM t"} | row))
    assert (verdict.outcome, verdict.reason) == (Outcome.ABSTAIN, Reason.UNREADABLE_REFERENCE)
    assert "other rows each time" in verdict.evidence["error"]


@pytest.mark.parametrize(
    ("query", "accepted"),
    [
        ("SELECT x FROM t WHERE d = CURRENT_DATE", True),
        ("SELECT x FROM t WHERE d = '2020-01-01'", False),
    ],
)
def test_a_query_of_the_rows_own_may_ask_what_day_it_is(query, accepted):
    """Both are asked at one moment, and the verdict is kept nowhere."""
    schema = "CREATE TABLE t (x, d); INSERT INTO t VALUES (1, date()), (2, '2020-01-01')"
    sample = Sample(query, "SELECT x FROM t WHERE d = date('now')", meta={"schema": schema})
    verdict = Sql()(sample)
    assert verdict.accepted is accepted
    with VerdictCache(":memory:") as cache:
        cache.put(sample, verdict.by, verdict)
        assert cache.get(sample, verdict.by) is None


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("SELECT x FROM t WHERE d = '2020-01-01'", True),
        ("SELECT x FROM t WHERE d < date('now')", False),
        ("SELECT 2 WHERE random() IS NOT NULL", False),
    ],
)
def test_a_query_that_asks_the_time_or_chance_itself_is_judged_each_time(query, kept):
    """What it gives now it may not give when somebody looks the verdict up."""
    schema = "CREATE TABLE t (x, d); INSERT INTO t VALUES (2, '2020-01-01')"
    sample = Sample(query, "SELECT x FROM t", meta={"schema": schema})
    verdict = Sql()(sample)
    assert verdict.accepted
    with VerdictCache(":memory:") as cache:
        cache.put(sample, verdict.by, verdict)
        assert (cache.get(sample, verdict.by) is not None) is kept


@pytest.mark.parametrize(
    "piece", ["'", '"', "`", "[", "/*", "--", "(", "strftime('", "age(", "date("]
)
def test_no_query_takes_long_to_read(piece):
    """Nothing in it is looked at again and again."""
    began = time.process_time()
    passing(piece * (200_000 // len(piece)))
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("query", "timed"),
    [
        ("SELECT date('now')", True),
        ("SELECT datetime ( )", True),
        ("SELECT strftime('%Y')", True),
        ("SELECT current_timestamp", True),
        ("SELECT today() - d FROM t", True),
        ("SELECT age(d) FROM t", True),
        ("SELECT date(d), strftime('%Y', d), age FROM t", False),
        ("SELECT known, date, time FROM t", False),
    ],
)
def test_what_asks_the_time_is_seen(query, timed):
    """In the row's own query, or in a script of its databases."""
    row = {"schema": "CREATE TABLE t (d, age, known, date, time)"}
    assert task_of(Sample("", query, meta=row), "sqlite", "by_gold").timed is timed
    row = {"schema": f"CREATE VIEW t AS {query}"}
    assert task_of(Sample("", "SELECT 1", meta=row), "sqlite", "by_gold").timed is timed


def test_rows_of_the_rows_own_query_that_nobody_reads_are_the_rows_fault():
    """There is a limit to what is compared."""
    gold = "SELECT hex(zeroblob(3000000))"
    verdict = judged(gold, gold)
    assert verdict.reason is Reason.UNREADABLE_REFERENCE
    assert "megabytes of rows" in verdict.evidence["error"]


@pytest.mark.parametrize("end", ["", ";", ";;\n;", ";\r\n;\r\n", "; -- done", " -- random()"])
def test_what_ends_a_query_is_no_second_one(end):
    """Semicolons more than one are still one statement."""
    row = {"schema": "CREATE TABLE t (x); INSERT INTO t VALUES (1), (2)"}
    assert Sql()(Sample(f"SELECT sum(x) FROM t{end}", "SELECT 3", meta=row)).accepted


@pytest.mark.parametrize("empty", ["", "```sql\n;\n```", " \n"])
def test_nothing_is_no_query(empty):
    """It is no answer."""
    assert judged(empty).reason is Reason.NO_ANSWER


@pytest.mark.parametrize(
    "row",
    [
        {"schema": 3}, {"databases": "x"}, {"databases": [1]}, {"databases": []},
        {"databases": [""] * 101}, {"dialect": "oracle"}, {"order": "by_name"}, {"schema": " ; "},
    ],
)  # fmt: skip
def test_a_row_that_means_nothing_is_the_rows_fault(row):
    """Whatever in it cannot be read is told."""
    with pytest.raises(BadTask):
        task_of(Sample("", "SELECT 1", meta=row), "sqlite", "by_gold")
    assert judged("SELECT 1", **({"schema": SCHEMA} | row)).reason is Reason.UNREADABLE_REFERENCE


@pytest.mark.parametrize(
    ("reference", "meta"),
    [
        ("SELECT 1", {"schema": SCHEMA}),
        (None, {"sql": "SELECT 1", "sql_context": SCHEMA}),
        ({"gold": "SELECT 1", "schema": SCHEMA}, {}),
        ('{"gold": "SELECT 1", "schema": "' + SCHEMA + '"}', {}),
        ("SELECT 1", {"context": SCHEMA}),
    ],
)
def test_shapes_of_rows_mean_the_same(reference, meta):
    """A reference that is text is the query; columns have the names that datasets give them."""
    task = task_of(Sample("", reference, meta=meta), "sqlite", "by_gold")
    assert (task.gold, task.databases) == ("SELECT 1", (SCHEMA,))


@pytest.mark.parametrize("option", [{"dialect": "oracle"}, {"order": "no"}, {"minimum": "most"},
                                    {"minimum": "namespaces", "most": "landlock"}, {"cpu": 0},
                                    {"absolute": -1}, {"minimum": "remote"}, {"backend": "remote"},
                                    {"image": "some"}])  # fmt: skip
def test_an_option_that_means_nothing_is_refused(option):
    """Before anything is run."""
    with pytest.raises(UsageError):
        Sql(**option)


def test_text_that_is_no_unicode_and_blobs_are_compared():
    """Bytes are bytes, and text that is none is compared as it can be."""
    gold = "SELECT x'00ff', CAST(x'ff61' AS TEXT) FROM t"
    assert judged(gold, gold).accepted
    assert not judged("SELECT x'00fe', CAST(x'ff61' AS TEXT) FROM t", gold).accepted
    assert not judged("SELECT x'00ff', '\\xffa' FROM t", gold).accepted


@pytest.mark.parametrize(
    "query",
    [
        "SELECT t.n + j.value FROM t, json_each('[1, 2]') j",
        "SELECT fullkey, atom FROM json_tree('[1, [2]]')",
        "SELECT json_extract('{\"a\": 1}', '$.a'), strftime('%Y', '2020-01-01')",
        "SELECT n, rank() OVER (ORDER BY n), count(*) FILTER (WHERE n > 1) OVER () FROM t",
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION SELECT x + 1 FROM c WHERE x < 9) SELECT x FROM c",
        "SELECT name FROM v",
        "SELECT body, snippet(d, 0, '<', '>', '', 5) FROM d WHERE d MATCH 'hello'",
        "SELECT id FROM r WHERE low < 1",
        "SELECT n FROM t UNION SELECT 5 EXCEPT SELECT 1",
    ],
)
def test_what_sqlite_itself_brings_can_be_used(query):
    """Tables of JSON, views, windows, recursion, and searches of text and of ranges."""
    schema = (
        SCHEMA + "CREATE VIEW v AS SELECT name FROM t WHERE n > 1;"
        "CREATE VIRTUAL TABLE d USING fts5(body); INSERT INTO d VALUES ('hello world'), ('bye');"
        "CREATE VIRTUAL TABLE r USING rtree(id, low, high); INSERT INTO r VALUES (1, 0, 2)"
    )
    assert judged(query, query, schema=schema, databases=[""]).accepted


@cache
def strict(level):
    """A verifier at a level, with little time."""
    return Sql(cpu=0.5, memory=512, minimum=level, most=level)


@pytest.mark.parametrize(
    ("level", "hostile"),
    [
        pytest.param(level, *one.values, id=f"{level}-{one.id}")
        for one in family("sql", "query")
        for level in ("namespaces", "landlock")
        # DuckDB does not run without namespaces, as the test below has it.
        if level == "namespaces" or one.values[0].get("dialect") != "duckdb"
    ],
)
def test_no_hostile_query_is_accepted(level, hostile):
    """It is rejected as what it is, leaves nothing, and the next one finds no trace of it."""
    if hostile.get("dialect") == "duckdb" and find_spec("duckdb") is None:
        pytest.skip("there is no duckdb here")
    verify = strict(level)
    sandbox = verify._bench("sqlite").backend
    with nothing_left(sandbox, lambda: {one: below(one) for one in sandbox.servers}):
        refused(verify, hostile)


DUCK = {
    "dialect": "duckdb",
    "schema": "CREATE TABLE t (n INTEGER, d DATE, p DECIMAL(9, 2), l INTEGER[]);"
    "INSERT INTO t VALUES (1, '2020-01-01', 2.50, [1, 2]), (2, NULL, 3, []);",
    "databases": [""],
}


@needs_duckdb
@pytest.mark.parametrize(
    ("query", "accepted"),
    [
        ("FROM t SELECT n, d, p, l", True),
        ("SELECT n::DOUBLE, d, p::DOUBLE, l FROM t ORDER BY n DESC", True),
        ("SELECT n, d::TEXT, p, l FROM t", False),
        ("SELECT n > 0, d, p, l FROM t", False),
        ("SELECT n, d, p, list_reverse(l) FROM t", False),
        ("SELECT n, d, p, l FROM t; SELECT 1", False),
        ("SELECT n, d, p + 0.001, l FROM t", False),
    ],
)
def test_duckdb_is_judged_with_its_types(query, accepted):
    """A date is no text, a truth no number, and a decimal a number."""
    assert judged(query, "SELECT n, d, p, l FROM t", **DUCK).accepted is accepted


@needs_duckdb
@pytest.mark.parametrize(
    ("query", "gold", "accepted"),
    [
        ("SELECT 1000000.00::DECIMAL(20, 2)", "SELECT 1000000.50::DECIMAL(20, 2)", False),
        ("SELECT (1::HUGEINT << 100) + 1", "SELECT 1::HUGEINT << 100", False),
        ("SELECT 'NaN'::DOUBLE, '-inf'::DOUBLE", "SELECT 'nan'::FLOAT, '-infinity'::FLOAT", True),
        ("SELECT 'inf'::DOUBLE", "SELECT 1e308", False),
        ("SELECT INTERVAL 30 DAY", "SELECT INTERVAL 1 MONTH", True),
        ("SELECT INTERVAL 31 DAY", "SELECT INTERVAL 1 MONTH", False),
        (
            "SELECT TIMESTAMPTZ '2020-01-01 02:00+02'",
            "SELECT TIMESTAMPTZ '2020-01-01 00:00Z'",
            True,
        ),
        ("SELECT TIMESTAMP '2020-01-01'", "SELECT DATE '2020-01-01'", False),
        ("SELECT {'a': 1, 'b': 2.0}", "SELECT {'a': 1.0, 'b': 2}", True),
        ("SELECT {'b': 2, 'a': 1}", "SELECT {'a': 1, 'b': 2}", False),
        ("SELECT MAP {'1': 'x'}", "SELECT MAP {1: 'x'}", False),
        ("SELECT MAP {1.0: 'x'}", "SELECT MAP {1: 'x'}", True),
        ("SELECT MAP {[2]: 'x'}", "SELECT MAP {[1]: 'x'}", False),
        ("SELECT union_value(k := 3)", "SELECT 3", True),
        ("SELECT 'x'::ENUM ('x', 'y')", "SELECT 'x'", True),
        ("SELECT array_value(1, 2)", "SELECT [1, 2]", True),
        ("SELECT [1, NULL]", "SELECT [NULL, 1]", False),
        ("SELECT true", "SELECT 1", False),
        ("SELECT '\\xFF'::BLOB", "SELECT '\\xFE'::BLOB", False),
        ("SELECT unnest([2, 1, 1])", "SELECT unnest([1, 2, 1])", True),
        ("SELECT unnest([2, 1, 1])", "SELECT unnest([2, 1, 2])", False),
        ("SELECT unnest([2, 1])", "SELECT unnest([2, 1]) AS x ORDER BY x", False),
        ("SELECT \ud800", "SELECT 1", False),
    ],
)
def test_values_of_duckdb_are_what_they_are(query, gold, accepted):
    """Exact numbers exactly, instants in any zone, and what is in what is nested."""
    verdict = judged(query, gold, **DUCK)
    assert verdict.accepted is accepted, verdict.evidence
    assert verdict.outcome is not Outcome.ABSTAIN


@needs_duckdb
def test_duckdb_has_the_memory_that_was_given_to_it():
    """A sort of eighty megabytes goes into five hundred."""
    hashed = "SELECT range AS n, md5(range::TEXT) AS h FROM range(900000)"
    query = f"SELECT n FROM ({hashed}) ORDER BY h LIMIT 1 OFFSET 400000"
    assert judged(query, query, options={"memory": 512}, **DUCK).accepted


@needs_duckdb
def test_duckdb_without_namespaces_fails_closed():
    """It does not run there, and says so; nobody's query is wrong for it."""
    with pytest.raises(SandboxUnavailable, match="namespaces"):
        judged("SELECT 1", "SELECT 1", options={"most": "landlock"}, **DUCK)


def test_duckdb_that_is_missing_says_what_to_install(monkeypatch):
    """By the name of the extra."""
    monkeypatch.setattr("unflip.verifiers.sql.verifier.find_spec", lambda name: None)
    with pytest.raises(SandboxUnavailable, match=r"pip install 'unflip\[duckdb\]'"):
        Sql(dialect="duckdb").warm_up()

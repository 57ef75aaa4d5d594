"""What asking costs: bounds hold, sums are right, and a budget is never exceeded."""

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from server import MODEL, serving

from unflip.errors import DataError, UsageError
from unflip.judges.asking import Reply, Request, Said, Silence, Turn, Unanswered, Usage
from unflip.judges.backends import Endpoint, Scripted
from unflip.judges.backends.sizes import likely
from unflip.judges.spend import (
    FREE,
    Estimate,
    Metered,
    Price,
    Tally,
    estimate,
    price_of,
    read_prices,
)
from unflip.judges.store import Stored

PRICE = Price(1.0, 10.0)


def asks(n, **options):
    """So many different requests."""
    return [Request((Turn("user", f"q{i}"),), **options) for i in range(n)]


requests = st.builds(
    Request,
    st.lists(st.builds(Turn, st.just("user"), st.text(max_size=40)), max_size=3).map(tuple),
    max_tokens=st.integers(1, 50),
    samples=st.integers(1, 3),
)


@given(st.lists(requests, max_size=5))
def test_an_estimate_is_the_sum_of_its_requests(some):
    """Counts add up, the guess never exceeds the bound, and bytes bound the tokens of a text."""
    found = estimate(some, PRICE)
    assert found.requests == len(some)
    assert found.likely.read <= found.most.read
    assert found.most.written == sum(r.max_tokens * r.samples for r in some)
    texts = sum(len(t.text.encode("utf-8", "replace")) * r.samples for r in some for t in r.turns)
    assert found.most.read >= texts
    assert found.cost[0] <= found.cost[1] == PRICE.of(found.most)


@given(st.floats(0, 0.01), st.integers(1, 30), st.integers(0, 30))
def test_a_budget_is_never_exceeded(budget, n, written):
    """Whatever is used within the bounds, what is spent stays in the budget; the rest says so."""
    script = Scripted(lambda r: Reply((Said("YES"),), Usage(20, min(written, r.max_tokens), 1)))
    judge = Metered(script, PRICE, budget=budget)
    answers = judge.ask(asks(n, max_tokens=30))
    assert judge.cost <= budget
    sent = [a for a in answers if isinstance(a, Reply)]
    assert judge.tally.usage.requests == len(sent)
    silent = [a for a in answers if isinstance(a, Unanswered)]
    assert all((a.why, a.detail[:7]) == (Silence.CANCELLED, "budget:") for a in silent)
    if len(sent) < n:
        bound = max(estimate([r], PRICE).cost[1] for r in asks(n, max_tokens=30))
        assert judge.cost > budget - bound * (len(sent) + 1)


def test_a_budget_holds_with_many_under_way():
    """What is under way counts as if it took all it may; the server sees no more than fits."""
    [one] = asks(1, max_tokens=1)
    bound = estimate([one], PRICE).cost[1]
    with serving() as server:
        backend = Endpoint(server.url, MODEL, parallel=32, kind="stub")
        judge = Metered(backend, PRICE, budget=10.5 * bound)
        answers = judge.ask(asks(200, max_tokens=1))
    assert judge.cost <= 10.5 * bound
    assert server.seen.replies.total() == sum(isinstance(a, Reply) for a in answers) >= 10


def test_what_is_recalled_costs_nothing(tmp_path):
    """Replies out of a store spend nothing of a budget."""
    script = Scripted(lambda r: Reply((Said("YES"),), Usage(20, 1, 1)))
    stored = Stored(script, str(tmp_path / "s"))
    stored.ask(asks(5))
    judge = Metered(stored, PRICE, budget=0.0)
    assert all(isinstance(a, Reply) for a in judge.ask(asks(5)))
    assert judge.cost == 0
    assert isinstance(judge.ask(asks(6))[5], Unanswered)


def test_failures_are_counted_too():
    """Attempts that led to nothing stand in the tally."""
    judge = Metered(Scripted([Unanswered(Silence.TIMEOUT, "", Usage(requests=4))]))
    judge.ask(asks(1))
    assert judge.tally.usage == Usage(0, 0, 4)
    assert str(judge) == "4 requests, 0 tokens"


def test_the_tally_reads_as_a_line():
    """What a progress bar shows: requests, tokens, cost, budget."""
    script = Scripted(lambda r: Reply((Said("YES"),), Usage(1000, 50, 1)))
    judge = Metered(script, PRICE, budget=5.0)
    judge.ask(asks(2))
    assert str(judge) == "2 requests, 2,100 tokens, 0.0030 of 5"
    assert str(estimate(asks(1), PRICE)).endswith("cost 0.00, at most 0.00")


def test_prices_are_read_from_a_file(tmp_path):
    """A table of prices is JSON; what it does not name has no price."""
    path = tmp_path / "prices.json"
    path.write_text(json.dumps({"m": {"read": 0.15, "written": 0.6}}))
    assert price_of(read_prices(path), "m") == Price(0.15, 0.6)
    with pytest.raises(UsageError, match="no price for 'n': add it to the table, which has m"):
        price_of(read_prices(path), "n")


@pytest.mark.parametrize("text", ["", "[]", '{"m": 1}', '{"m": {"read": "x", "written": 1}}'])
def test_a_file_that_is_no_table_is_explained(tmp_path, text):
    """Whatever stands in the file, the error says what should."""
    path = tmp_path / "prices.json"
    path.write_text(text)
    if text == "[]":
        text = "{}"
    with pytest.raises(DataError, match="is no table"):
        read_prices(path)


def test_misuse_is_refused():
    """A price below nothing, a budget without a price."""
    with pytest.raises(UsageError):
        Price(-1, 0)
    with pytest.raises(UsageError, match="a budget wants a price"):
        Metered(Scripted("YES"), budget=5)


def test_a_copy_counts_its_own():
    """A tally in another process begins at nothing, and who it is stays the same."""
    judge = Metered(Scripted(["YES"]), PRICE, budget=1)
    judge.tally.add(Usage(5, 5, 5))
    copy = pickle.loads(pickle.dumps(judge))
    assert copy == judge
    assert (copy.by, copy.kind, copy.parallel) == (judge.by, "stub", 64)
    assert copy.tally.usage == Usage()
    assert isinstance(Tally(), Tally)
    assert Estimate(0, Usage(), Usage()).price == FREE


def test_a_server_that_reports_no_tokens_does_not_make_a_budget_endless():
    """What it took is guessed then; an answer that took no request has cost nothing."""
    silent = Reply((Said("YES"),), Usage(requests=1))
    request = Request(raw="a" * 300, max_tokens=10)
    cost = Price(1, 1).of(likely(request))
    judge = Metered(Scripted([silent] * 100), Price(1, 1), budget=5 * cost)
    heard = [judge.ask([request])[0] for _ in range(20)]
    assert judge.cost == pytest.approx(cost * judge.tally.usage.requests)
    assert isinstance(heard[0], Reply)
    assert isinstance(heard[-1], Unanswered)
    free = Metered(Scripted([Reply((Said("YES"),))]), Price(1, 1))
    assert free.ask([request])[0].said[0].text == "YES"
    assert free.cost == 0

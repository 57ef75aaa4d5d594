"""A store for judges that are paid and have none: where it goes, and what it leaves alone."""

from types import SimpleNamespace

from unflip.judges import Criterion, Judge, Own, Rubric, appeal, template, unanimous
from unflip.judges.backends import Endpoint, Scripted
from unflip.judges.keeping import keeping
from unflip.judges.spend import Metered, Price
from unflip.judges.store import Stored
from unflip.types import Sample
from unflip.verifiers.exact import Exact

PAID = Endpoint("http://localhost:1/v1", "m")


def test_what_is_paid_for_is_kept(tmp_path):
    """Endpoints and the user's own clients get a store, inside of a meter, and keep their name."""
    metered = Metered(PAID, Price(1, 1))
    judges = [Judge(template("yes-no"), one) for one in (PAID, metered, Own(str, name="own"))]
    kept = [keeping(judge, tmp_path / "replies.sqlite") for judge in judges]
    assert [judge.by for judge in kept] == [judge.by for judge in judges]
    plain, counted, own = (judge.backend for judge in kept)
    assert isinstance(plain, Stored)
    assert isinstance(own, Stored)
    assert isinstance(counted.backend, Stored)
    assert counted.tally is metered.tally


def test_compositions_are_kept_in_their_parts(tmp_path):
    """Rubrics, panels and appeals ask through the store, and are who they were."""
    judge = Judge(template("yes-no"), PAID)
    rubric = Rubric(Judge(template("rubric"), PAID), (Criterion("is polite"),))
    for one in (rubric, unanimous(Exact(), judge), appeal(Exact(), unanimous(judge))):
        kept = keeping(one, tmp_path / "replies.sqlite")
        assert kept.by == one.by
        assert kept != one
        assert keeping(kept, "elsewhere.sqlite") is kept


def test_what_costs_nothing_is_left_alone(tmp_path):
    """Rules, scripts, what has a store already, and whatever only looks like a judge."""
    path = tmp_path / "replies.sqlite"
    stored = Judge(template("yes-no"), Stored(PAID, str(path)))
    free = Judge(template("yes-no"), Scripted("YES"))
    theirs = SimpleNamespace(backend=PAID, judge=stored, parts="parts")
    for one in (Exact(), stored, free, unanimous(Exact(), free), theirs, print):
        assert keeping(one, path) is one


def test_a_kept_judge_pays_once(tmp_path):
    """Asked again, also by a judge that is made anew, the client is not called."""
    called = []

    def client(messages):
        called.append(messages)
        return "YES"

    for _ in range(2):
        judge = Judge(template("yes-no"), Own(client, name="client"))
        assert keeping(judge, tmp_path / "replies.sqlite")(Sample("so 4", "4", prompt="?")).accepted
    assert len(called) == 1

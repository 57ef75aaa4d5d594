"""Position swap and what is behind a verifier."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from unflip.audit.backend import backend_of, unguarded
from unflip.audit.swap import position_swap
from unflip.errors import UsageError
from unflip.types import Outcome, Reason, Sample, Verdict

YES = Verdict(Outcome.ACCEPT, Reason.MATCH)
NO = Verdict(Outcome.REJECT, Reason.MISMATCH)
OPEN = Verdict(Outcome.ABSTAIN, Reason.UNREADABLE_REPLY)
PAIRS = [(Sample("4", "4", f"q {n}"), Sample("5", "4", f"q {n}")) for n in range(20)]


def by_content(samples):
    """Looks at the answers alone."""
    return [YES if sample.text == sample.reference else NO for sample in samples]


def test_who_reads_the_answers_is_unmoved():
    """A judge that looks at answers alone changes nothing when they swap places."""
    found = position_swap(by_content, PAIRS)
    assert (found.changed.k, found.changed.n) == (0, 20)
    assert found.first.difference.point == 0


def test_who_prefers_a_place_is_found_out():
    """A judge that prefers the second place changes every verdict, in that direction."""
    found = position_swap(lambda samples: [NO, YES], PAIRS)
    assert found.changed.point == 1
    assert found.first.difference.point == 1


def test_open_pairs_are_counted_apart():
    """A pair with an abstain in either order is no swap and no consistency."""
    found = position_swap(lambda samples: [OPEN, YES], PAIRS)
    assert (found.open.k, found.changed.n) == (20, 0)
    assert found.to_json()["open"]["k"] == 20


def test_two_verdicts_are_owed():
    """A judge that does not answer for both is told so."""
    with pytest.raises(UsageError, match="two verdicts"):
        position_swap(lambda samples: [YES], PAIRS)


@dataclass(frozen=True)
class Part:
    """A judge with a backend, or a composition of parts."""

    backend: Any = None
    parts: tuple[Any, ...] = ()
    guards: tuple[str, ...] = ()

    def __call__(self, sample):
        return YES


@pytest.mark.parametrize(
    ("verifier", "kind"),
    [
        (by_content, "rule"),
        (Part(SimpleNamespace(kind="real")), "real"),
        (Part(parts=(by_content, Part(SimpleNamespace(kind="tiny")))), "tiny"),
        (Part(SimpleNamespace(kind="stub"), (Part(SimpleNamespace(kind="real")),)), "stub"),
        (Part(SimpleNamespace(kind="boxed")), "rule"),
    ],
)
def test_a_composition_is_as_real_as_its_least_real_part(verifier, kind):
    """What stands behind a verifier is read off its backend, through compositions."""
    assert backend_of(verifier) == kind


class Method:
    """Switches its guards off by a method."""

    def unguarded(self):
        return "bare"


def test_guards_are_switched_off_in_either_way():
    """A method, an attribute or a field of guards: each leads to the judge without them."""
    assert unguarded(Method()) == "bare"
    assert unguarded(SimpleNamespace(unguarded=by_content)) is by_content
    assert unguarded(Part(guards=("empty",))) == Part()
    assert unguarded(Part()) is unguarded(by_content) is None
    assert unguarded(SimpleNamespace(unguarded=by_content, guards=())) is None

"""Small runs for the tests of reports: rows made up by hand, and what a collector finds in them."""

import pytest

from unflip.intervals import wilson
from unflip.noise.few.shares import between
from unflip.noise.gold import estimate
from unflip.noise.online import Point, Raised, Trace
from unflip.report import Collector, Cost, check_of
from unflip.types import Outcome, Reason, Sample, Verdict

REASON = {
    Outcome.ACCEPT: Reason.MATCH,
    Outcome.REJECT: Reason.MISMATCH,
    Outcome.ABSTAIN: Reason.TIMEOUT,
}
ROWS = (
    [(Outcome.ACCEPT, True, "odd")] * 40
    + [(Outcome.REJECT, True, "odd")] * 12
    + [(Outcome.ABSTAIN, True, "odd")] * 3
    + [(Outcome.REJECT, False, "even")] * 70
    + [(Outcome.ACCEPT, False, "even")] * 5
    + [(Outcome.ACCEPT, True, "even")] * 60
    + [(Outcome.REJECT, False, "odd")] * 50
    + [(Outcome.ABSTAIN, None, "even")] * 2
    + [(Outcome.REJECT, None, None)] * 4
)


def make_row(outcome, correct, stratum, number=0, text="it is 7", by="toy@1+abcdef"):
    """One sample and its verdict; equal numbers make equal rows."""
    sample = Sample(
        f"{text} ({number})",
        text,
        prompt=f"{text}? {number}",
        correct=correct,
        stratum=stratum,
        id=f"{text} {number}",
    )
    verdict = Verdict(
        outcome,
        REASON[outcome],
        answer=text,
        by=by,
        seconds=0.001 * (number + 1),
        evidence={"step": text, "span": [0, len(text)]},
    )
    return sample, verdict


def collect(rows, **details):
    """What a collector finds in pairs of sample and verdict."""
    pairs = list(rows)
    collector = Collector()
    for sample, verdict in pairs:
        collector.add(sample, verdict)
    rates = estimate([verdict for _, verdict in pairs], [sample for sample, _ in pairs])
    return collector.findings(rates, **details)


@pytest.fixture
def row():
    """Makes one pair of sample and verdict."""
    return make_row


@pytest.fixture
def found():
    """Runs a collector over pairs of sample and verdict."""
    return collect


@pytest.fixture
def findings():
    """A run with flips in both directions, abstains, unlabelled rows, and failing references."""
    return tell("it is 7")


@pytest.fixture
def told():
    """Makes that run with a given text in every place where data can stand."""
    return tell


def tell(text):
    """The run of `ROWS` in which every text is `text`."""
    rows = (
        make_row(outcome, correct, stratum and text + stratum, number, text, by=f"{text}@1+ab")
        for number, (outcome, correct, stratum) in enumerate(ROWS)
    )
    return collect(
        rows,
        self_check=check_of(40, [(text, Reason.MISMATCH, 3)]),
        about={"dataset": text, text: text},
        costs=costs_by(text),
        trace=trace_with(text),
    )


def costs_by(name):
    """What two methods said after more and more labels; one knew bounds at first."""
    return [
        Cost(method=name, labels=20, fp=between(0.0, 0.4), fn=wilson(0, 0)),
        Cost(method=name, labels=80, fp=wilson(2, 40), fn=wilson(9, 40)),
        Cost(method=f"{name}, judge", labels=20, fp=wilson(1, 10), fn=wilson(3, 10)),
        Cost(method=f"{name}, judge", labels=80, fp=wilson(2, 60), fn=wilson(12, 60)),
    ]


def trace_with(words):
    """A rising rate over 30 steps, with an alarm, a silent one, and one that was not watched."""
    return Trace(
        points=tuple(
            Point(
                step=step,
                rows=40,
                labels=20,
                accept=0.4,
                recent_fp=wilson(step, 40) if step > 2 else wilson(0, 0),
                recent_fn=wilson(8, 40) if step > 4 else between(0.1, 0.5),
                running_fp=wilson(step * step, 900),
                running_fn=wilson(0, 0),
            )
            for step in range(30)
        ),
        alarms=(
            Raised(what=words, limit=0.1, step=12),
            Raised(what="short completions", limit=0.2),
            Raised(what="judge", why=words),
        ),
        reference=6,
        patience=600.0,
        notes=(words,),
    )

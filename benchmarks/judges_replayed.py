"""Eleven recorded judges on human labels, and panels of them: who accepts wrong answers, and why.

Run with the path of judges_triviaqa_v1.jsonl, whose rows have `label` and `judges`:

    python benchmarks/judges_replayed.py PATH

Each judge is the column of its verdicts, so every figure is counted from the file; the script stops
if a count is another than the file's own.
"""

import json
import math
import sys
from collections import Counter
from pathlib import Path

from unflip.intervals import Proportion, wilson
from unflip.judges import majority, shared_errors, unanimous
from unflip.noise.gold import estimate
from unflip.run import verify_all
from unflip.types import Sample, Verdict
from unflip.verifiers.recorded import Recorded

HEAD = (
    f"{'':12} {'accepts wrong, of all':24} {'of decided (Wilson)':32} "
    f"{'rejects correct, of decided':32} abstains"
)
PANEL = ("GPT-4", "Llama3-70B", "Llama-70B")


def main(path: str) -> None:
    rows = [json.loads(line) for line in Path(path).read_text().splitlines()]
    samples = [sample_of(row) for row in rows]
    print(f"{len(rows)} rows, {sum(s.correct is False for s in samples)} of them wrong\n")
    print(HEAD)
    for name in rows[0]["judges"]:
        judge = Recorded(f"judges.{name}")
        verdicts = list(verify_all(judge, samples))
        check(rows, name, verdicts, samples)
        print(line(name, verdicts, samples))
    print("\nPanels of " + ", ".join(PANEL))
    members = [Recorded(f"judges.{name}") for name in PANEL]
    for title, panel in (("majority", majority(*members)), ("unanimity", unanimous(*members))):
        print(line(title, list(verify_all(panel, samples)), samples))
    print(f"majority if errors were independent, of all: {independent(members, samples):.3f}")
    told = {name: list(verify_all(one, samples)) for name, one in zip(PANEL, members, strict=True)}
    print("\nShared errors")
    for pair in shared_errors(told, samples):
        print(
            f"{pair.a} and {pair.b} on {pair.on} rows: both err {pair.both.k:g}/{pair.both.n:g} = "
            f"{pair.both.point:.3f}, {pair.expected:.3f} if independent; phi {pair.correlation}"
        )


def sample_of(row: dict) -> Sample:
    return Sample(
        row["response"],
        tuple(row["references"].split("\n")),
        prompt=row["question"],
        correct=bool(row["label"]),
        id=row["id"],
        meta={"judges": row["judges"]},
    )


def rates(verdicts: list[Verdict], samples: list[Sample]) -> tuple[Proportion, Proportion, int]:
    """False positives and false negatives among decided rows, and how many were not."""
    pairs = list(zip(verdicts, samples, strict=True))
    wrong = [v for v, s in pairs if s.correct is False and v.decided]
    right = [v for v, s in pairs if s.correct and v.decided]
    fp = wilson(sum(v.accepted for v in wrong), len(wrong))
    fn = wilson(sum(not v.accepted for v in right), len(right))
    return fp, fn, sum(not v.decided for v in verdicts)


def line(name: str, verdicts: list[Verdict], samples: list[Sample]) -> str:
    fp, fn, abstained = rates(verdicts, samples)
    wrong = sum(s.correct is False for s in samples)
    every = f"{fp.k:g}/{wrong} = {fp.k / wrong:.3f}"
    decided, rejected = (f"{one} {one.k:g}/{one.n:g}" for one in (fp, fn))
    return f"{name:12} {every:24} {decided:32} {rejected:32} {abstained}"


def check(rows: list[dict], name: str, verdicts: list[Verdict], samples: list[Sample]) -> None:
    """The counts are the file's own, and `estimate` has them too."""
    counts = Counter((row["label"], row["judges"][name]) for row in rows)
    fp, fn, abstained = rates(verdicts, samples)
    assert (fp.k, fp.n) == (counts[0, 1], counts[0, 1] + counts[0, 0]), name
    assert (fn.k, fn.n) == (counts[1, 0], counts[1, 0] + counts[1, 1]), name
    assert abstained == counts[0, None] + counts[1, None], name
    measured = estimate(verdicts, samples)
    assert (measured.fp.k, measured.fp.n) == (fp.k, fp.n), name
    assert (measured.fn.k, measured.fn.n) == (fn.k, fn.n), name


def independent(members: list[Recorded], samples: list[Sample]) -> float:
    """False positives of a majority of three whose errors had nothing to do with each other."""
    wrong = [sample for sample in samples if sample.correct is False]
    fps = [sum(one(sample).accepted for sample in wrong) / len(wrong) for one in members]
    pairs = sum(math.prod(fps) / fp * (1 - fp) for fp in fps)
    return pairs + math.prod(fps)


if __name__ == "__main__":
    main(*sys.argv[1:])

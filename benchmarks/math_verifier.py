"""Math beside Math-Verify on the same labelled rows, in the same run.

python benchmarks/math_verifier.py math_dev.jsonl [--tiers gold exact] [--in-turns] [--rows]
    [--self REFERENCES]

Math-Verify is called as its README says: `verify(parse(gold), parse(answer))` in the main thread
with its own timeouts, gold and bare answers in dollar signs, full responses as they are. A row is
verified once by each, in one process that has imported everything and seen no row before: first
all rows by ours and then all by theirs, as a trainer would. With --in-turns they change after each
row: then each begins with the processor's caches full of the other's work, and ours, which is
short, takes several times as long for it. An abstention counts as not accepted. With --self,
references are also verified as their own answer: presented as an answer, by the engine alone
without the shortcut for the same text, and reformatted.
"""

import argparse
import json
import logging
import re
import time
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import machine
from math_verify import parse, verify

from unflip.intervals import wilson
from unflip.types import Outcome, Sample
from unflip.verifiers.math import Math
from unflip.verifiers.math.deciding import decide
from unflip.verifiers.math.tolerance import Tolerance

OURS, THEIRS = "unflip math", "math-verify"
LONG = 200


@dataclass
class Row:
    """One labelled row with what both said: the outcome, what decided, and the seconds."""

    sample: Sample
    source: str
    outcomes: dict
    seconds: dict
    by: str

    def is_right(self, name):
        """Whether one of the two told this row as its label does."""
        return (self.outcomes[name] is Outcome.ACCEPT) == self.sample.correct


def dollars(text):
    return f"${text.strip().strip('$')}$"


def readme(sample):
    """What Math-Verify's README does with an answer and a gold answer."""
    text = sample.text
    answer = text if "\\boxed" in text or len(text) > LONG else dollars(text)
    same = verify(parse(dollars(sample.references[0])), parse(answer))
    return Outcome.ACCEPT if same else Outcome.REJECT


def timed(call, sample):
    start = time.perf_counter()
    result = call(sample)
    return result, time.perf_counter() - start


def run(rows, *, in_turns):
    """Both on every row: one pass after the other, or in turns."""
    calls = {OURS: Math(), THEIRS: readme}
    warm = Sample(r"\boxed{x+1}", "1+x")
    for call in calls.values():
        call(warm)
    samples = [
        Sample(row["completion"], row["reference"], correct=row["correct"],
               stratum=row["stratum"], id=row["id"]) for row in rows
    ]  # fmt: skip
    if in_turns:
        both = [{name: timed(call, one) for name, call in calls.items()} for one in samples]
    else:
        passes = {name: [timed(call, one) for one in samples] for name, call in calls.items()}
        both = [{name: passes[name][n] for name in calls} for n in range(len(samples))]
    return [of_row(*one) for one in zip(samples, rows, both, strict=True)]


def of_row(sample, row, both):
    verdict, theirs = both[OURS][0], both[THEIRS][0]
    return Row(
        sample=sample,
        source=row["source"],
        outcomes={OURS: verdict.outcome, THEIRS: theirs},
        seconds={name: seconds for name, (_, seconds) in both.items()},
        by=str(verdict.evidence.get("by") or verdict.reason),
    )


def rates(rows, name):
    """False positives and false negatives as text: counts, rate and its interval."""
    wrong = [row.outcomes[name] for row in rows if not row.sample.correct]
    right = [row.outcomes[name] for row in rows if row.sample.correct]
    fp, fn = wrong.count(Outcome.ACCEPT), len(right) - right.count(Outcome.ACCEPT)
    return [
        f"{k}/{n} {wilson(k, n)}" if n else "-" for k, n in ((fp, len(wrong)), (fn, len(right)))
    ]


def summary(rows):
    print(f"\n{'':12} {'FP, 95 % Wilson':30} {'FN, 95 % Wilson':32} {'abstain':>7}")
    for name in (THEIRS, OURS):
        fp, fn = rates(rows, name)
        abstain = sum(row.outcomes[name] is Outcome.ABSTAIN for row in rows)
        print(f"{name:12} {fp:30} {fn:32} {abstain:7}")
    print(f"\n{'':12} {'median ms':>10} {'p99 ms':>10} {'total s':>10}")
    for name in (THEIRS, OURS):
        times = sorted(row.seconds[name] for row in rows)
        middle, late = times[len(times) // 2], times[int(0.99 * len(times))]
        print(f"{name:12} {1e3 * middle:10.3f} {1e3 * late:10.1f} {sum(times):10.1f}")
    decided = Counter(row.by for row in rows)
    print("\ndecided by: " + ", ".join(f"{by} {n}" for by, n in decided.most_common()))


def per(rows, key, title):
    """Both rates of both, with 95 % Wilson intervals, by group."""
    print(f"\n{title:28} {'':12} {'FP':30} {'FN':32} {'abstain':>7}")
    for group in sorted({key(row) for row in rows}):
        mine = [row for row in rows if key(row) == group]
        for name in (THEIRS, OURS):
            fp, fn = rates(mine, name)
            abstain = sum(row.outcomes[name] is Outcome.ABSTAIN for row in mine)
            print(f"{group if name == THEIRS else '':28} {name:12} {fp:30} {fn:32} {abstain:7}")


def failing(rows):
    """Every row that ours gets wrong."""
    print("\nrows that ours gets wrong:")
    for row in rows:
        if not row.is_right(OURS):
            sign = "FN" if row.sample.correct else "FP"
            said = f"{row.sample.text[-60:]!r} / {str(row.sample.reference)[:60]!r}"
            print(f"  {sign} {row.sample.id}: {said} ({row.outcomes[OURS]}, {row.by})")


def discordant(rows, *, listed):
    for correct, said in ((False, "wrong"), (True, "correct")):
        pairs = [row for row in rows if row.sample.correct is correct]
        ours = [row for row in pairs if row.is_right(OURS) and not row.is_right(THEIRS)]
        theirs = [row for row in pairs if row.is_right(THEIRS) and not row.is_right(OURS)]
        print(
            f"\n{said} answers: right only by ours {len(ours)}, only by math-verify {len(theirs)}"
        )
        for sign, group in (("+", ours), ("-", theirs)):
            for row in group if listed else ():
                said = f"{row.sample.text[-60:]!r} / {str(row.sample.reference)[:60]!r}"
                print(f"  {sign} {row.sample.id}: {said} ({row.outcomes[OURS]}, {row.by})")


def self_match(path):
    """References that are not accepted as their own answer."""
    ours, refused = Math(), Counter()
    references = [row["reference"] for row in read(path)]
    for reference in references:
        refused[OURS] += not ours(Sample(ours.present(reference), reference)).accepted
        refused["engine alone"] += not decide(reference, reference, Tolerance()).same
        other = ours.present(reformatted(reference))
        refused["reformatted"] += not ours(Sample(other, reference)).accepted
        refused[THEIRS] += not verify(parse(dollars(reference)), parse(dollars(reference)))
    for name in (THEIRS, OURS, "engine alone", "reformatted"):
        print(f"{name}: {refused[name]}/{len(references)} references refused as their own answer")


def reformatted(reference):
    """The same reference in another dress: other fractions, blanks and brackets."""
    for old, new in (("\\frac", "\\dfrac"), ("\\left(", "("), ("\\right)", ")"), (" = ", "="),
                     ("+", " + ")):  # fmt: skip
        reference = reference.replace(old, new)
    return re.sub(r",(?![\s\\]|[0-9]{3})", ", ", reference)


def read(path):
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path")
    parser.add_argument("--tiers", nargs="*", default=["gold", "exact"], help="which labels")
    parser.add_argument("--in-turns", action="store_true", help="change after each row")
    parser.add_argument("--rows", action="store_true", help="list discordant rows")
    parser.add_argument("--self", dest="references", help="rows whose references verify themselves")
    options = parser.parse_args()
    logging.getLogger("math_verify").setLevel(logging.ERROR)
    engines = ", ".join(f"{name} {version(name)}" for name in ("math-verify", "sympy"))
    print(f"{machine.line()}, {engines}")
    rows = [row for row in read(options.path) if row.get("tier", "gold") in options.tiers]
    rows = run(rows, in_turns=options.in_turns)
    summary(rows)
    per(rows, lambda row: row.source, "by source")
    per(rows, lambda row: str(row.sample.stratum), "by stratum")
    discordant(rows, listed=options.rows)
    if options.rows:
        failing(rows)
    if options.references:
        print()
        self_match(options.references)


if __name__ == "__main__":
    main()

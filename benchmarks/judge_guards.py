"""What guards cost: correct answers that they reject, on labelled answers that nobody here wrote.

Run with the folder that holds math_dev.jsonl, math_selfmatch_dev.jsonl and strings_qa_dev.jsonl:

    python benchmarks/judge_guards.py FOLDER

Every answer goes through all guards with the form of each of our templates for one answer.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from unflip.intervals import clopper_pearson
from unflip.judges import template
from unflip.judges.guards import guarded_by
from unflip.judges.template import names
from unflip.judges.view import Sees, seen

GRAMMARS = {name: template(name).grammar for name in names() if "pairwise" not in name}


def main(folder: str) -> None:
    for name in ("math_dev", "math_selfmatch_dev", "strings_qa_dev"):
        rows = Path(folder, f"{name}.jsonl").read_text().splitlines()
        report(name, map(json.loads, rows))


def report(name: str, rows: Iterator[dict]) -> None:
    counts: Counter[tuple[bool, str]] = Counter()
    began = time.perf_counter()
    shown = []
    for row in rows:
        text, known, correct = answer_of(row)
        found = fires(text, known)
        counts[correct, found] += 1
        if correct and found:
            shown.append(f"  {found}: {text[-60:]!r}, and the reference is {known!r:.60}")
    seconds = time.perf_counter() - began
    for correct in (True, False):
        n = sum(count for (one, _), count in counts.items() if one is correct)
        k = n - counts[correct, ""]
        label = "correct" if correct else "wrong"
        print(f"{name:20} {label:8} {k} of {n} rejected, {clopper_pearson(k, n)}")
    micros = 1e6 * seconds / counts.total() / len(GRAMMARS)
    print(f"{'':20} {micros:.0f} microseconds a template", *shown, sep="\n")


def answer_of(row: dict) -> tuple[str, list[str], bool]:
    """The text, the references and the label; a bare reference is its own correct answer."""
    given = row["reference"]
    known = [str(one) for one in given] if isinstance(given, list) else [str(given)]
    if "completion" not in row:
        # Judged against another reference, so that being the reference does not help it.
        return known[0], ["(another)"], True
    return seen(row["completion"], Sees.FINAL) or "", known, bool(row["correct"])


def fires(text: str, known: list[str]) -> str:
    """The first guard that any template's judge would fire."""
    for name, grammar in GRAMMARS.items():
        if guard := guarded_by(text, known, grammar=grammar):
            return f"{guard} ({name})"
    return ""


if __name__ == "__main__":
    main(*sys.argv[1:])

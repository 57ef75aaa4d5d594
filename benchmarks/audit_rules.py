"""What the audit says of our own rules: who accepts what it must not, and how long that takes.

    python benchmarks/audit_rules.py DATA [--items 100]

DATA is a folder with `math_selfmatch_dev.jsonl`, `strings_qa_dev.jsonl` and `mcq_tests.jsonl`. Each
rule is audited with every probe and rewrite on items drawn from one of them, in worker processes
with a deadline; printed are its rates, and every probe of which it got an attempt wrong.
"""

import argparse
import time
from functools import partial
from pathlib import Path

import machine

from unflip.audit import audit, built_in, items_of
from unflip.data import read
from unflip.plugins import load
from unflip.run import processes, verify_all

RULES = {
    "math": "math_selfmatch_dev.jsonl",
    "exact": "strings_qa_dev.jsonl",
    "choice": "mcq_tests.jsonl",
}
RATES = ("held_out", "published", "near_misses", "plain", "fnr", "equivalents")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--items", type=int, default=100)
    given = parser.parse_args()
    print(machine.line())
    for rule, name in RULES.items():
        report(rule, items_of(read(given.data / name), n=given.items))


def report(rule, items):
    began = time.perf_counter()
    verify = partial(verify_all, workers=processes(), deadline=10)
    found = audit(load(rule), items, built_in(), verify=verify)
    seconds = time.perf_counter() - began
    print(f"\n{rule}: {found.items} items, {found.attempts} attempts, {seconds:.0f} s")
    for rate in RATES:
        shares = getattr(found, rate)
        print(f"  {rate:12} {shares.decided}  {shares.decided.k:g} of {shares.decided.n:g}")
    reasons = ", ".join(f"{reason} {k}" for reason, k in found.reasons.items())
    print(f"  left open    {found.open}  {reasons}")
    for one in found.probes:
        if one.shares.decided.k and not one.probe.contested:
            counts = f"{one.shares.decided.k:g} of {one.shares.decided.n:g}"
            said = one.example.completion[:60]
            print(f"    {one.probe.id:32} {counts:12} {said!r} for {one.example.reference[:40]!r}")


if __name__ == "__main__":
    main()

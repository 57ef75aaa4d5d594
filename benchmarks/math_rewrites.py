"""Math beside Math-Verify on pairs of answers that are certain to be the same, or not to be.

python benchmarks/math_rewrites.py [--pairs 10120] [--seed 1]

The pairs are drawn by unflip.verifiers.math.rewrites; nobody labelled them. Each transform is
reported by how many of its pairs are accepted: all of the rewrites should be, none of the misses.
"""

import argparse
import logging
import time
from collections import Counter

import machine
from math_verify import parse, verify

from unflip.types import Sample
from unflip.verifiers.math import Math
from unflip.verifiers.math.rewrites import DIFFERENT, EQUAL, pairs

OURS, THEIRS = "unflip math", "math-verify"


def dollars(text):
    return f"${text.strip().strip('$')}$"


def theirs(pair):
    """What Math-Verify's README does."""
    return bool(verify(parse(dollars(pair.reference)), parse(dollars(pair.answer))))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=10120)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.getLogger("math_verify").setLevel(logging.ERROR)
    ours = Math()
    judges = {
        OURS: lambda pair: ours(Sample(rf"\boxed{{{pair.answer}}}", pair.reference)).accepted,
        THEIRS: theirs,
    }
    counts, accepted, seconds = Counter(), Counter(), Counter()
    for pair in pairs(options.pairs, seed=options.seed):
        counts[pair.name] += 1
        for name, judge in judges.items():
            start = time.perf_counter()
            accepted[name, pair.name] += judge(pair)
            seconds[name] += time.perf_counter() - start
    print(f"{machine.line()}\n{options.pairs} pairs, seed {options.seed}")
    for title, group in (("the same", EQUAL), ("another answer", DIFFERENT)):
        print(f"\n{title + ', accepted':36} {OURS:>16} {THEIRS:>16}")
        for kind in group:
            figures = [f"{accepted[name, kind]}/{counts[kind]}" for name in judges]
            print(f"{kind:36} {figures[0]:>16} {figures[1]:>16}")
        total = sum(counts[kind] for kind in group)
        sums = [sum(accepted[name, kind] for kind in group) for name in judges]
        print(f"{'all':36} {f'{sums[0]}/{total}':>16} {f'{sums[1]}/{total}':>16}")
    print("\nseconds: " + ", ".join(f"{name} {seconds[name]:.1f}" for name in judges))


if __name__ == "__main__":
    main()

"""What a reward function's batch costs, with workers started for each and with workers that stay.

python benchmarks/reward_batches.py [--rows N] [--batches N] [--workers N]

Each figure is the median of single batches in milliseconds, with the first one behind it, in which
even workers that stay are started. "anew" is `verify_all` with processes of its own, "kept" is what
`reward_func(verifier, workers=processes(n))` does, and "serial" is the trainer's own process.
"""

import argparse
import time

import machine

from unflip.integrations.trl.deciding import Standing
from unflip.plugins import load
from unflip.run import processes, verify_all
from unflip.types import Sample


def rows(n):
    """Completions as a model writes them, half of them wrong."""
    said = r"We add and get $\frac{{{0}}}{{2}}$, so the answer is \boxed{{\frac{{{0}}}{{2}}}}."
    return [Sample(said.format(k), rf"\frac{{{k + k % 2}}}{{2}}") for k in range(n)]


def timed(call, batches):
    """Milliseconds of single calls: the median after the first, and the first."""
    found = []
    for _ in range(batches + 1):
        start = time.perf_counter()
        call()
        found.append(1e3 * (time.perf_counter() - start))
    return sorted(found[1:])[batches // 2], found[0]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--batches", type=int, default=9)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    samples, where = rows(given.rows), processes(given.workers)
    print(machine.line())
    print(f"{given.rows} rows, {given.workers} workers; ms a batch (the first)")
    for name in ("exact", "math"):
        verifier = load(name)
        kept, serial = Standing(verifier, where), Standing(verifier)
        figures = {
            "anew": timed(
                lambda v=verifier: list(verify_all(v, samples, workers=where)), given.batches
            ),
            "kept": timed(lambda s=kept: s(samples), given.batches),
            "serial": timed(lambda s=serial: s(samples), given.batches),
        }
        kept.close()
        told = ", ".join(
            f"{how} {median:.1f} ({first:.0f})" for how, (median, first) in figures.items()
        )
        print(f"{name:6} {told}")


if __name__ == "__main__":
    main()

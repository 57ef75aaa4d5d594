"""Math on mutated answers: no exception, symmetric, no certified difference accepted.

python benchmarks/math_fuzz.py [--pairs 1000000] [--seed 1] [--jobs 2] [--log FILE] [ROWS.jsonl ...]

The pairs are those of unflip.verifiers.math.mutations, from the fixtures and from the `reference`
of any rows given, in chunks of 10,000 with a seed each. With --log, a finished chunk is written
down, and a second run goes on after those that are there: it may be stopped at any time. A fault
makes the exit status 1.
"""

import argparse
import json
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import machine

from unflip.verifiers.math.mutations import faults

FOLDER = Path(__file__).parent.parent / "fixtures" / "math_types"
CHUNK = 10_000
LONGEST = 200


def texts(paths):
    """Every answer to start from."""
    for path in sorted(FOLDER.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            yield from (json.loads(line)[side] for side in ("one", "other"))
    for path in paths:
        for line in Path(path).read_text(encoding="utf-8").splitlines():
            yield str(json.loads(line)["reference"])


def chunk(start_from, pairs, seed):
    """One chunk: its seed, pairs, seconds of processor time, and what went wrong."""
    began = time.process_time()
    wrong = [list(fault) for fault in faults(start_from, pairs, seed=seed)]
    seconds = round(time.process_time() - began, 1)
    return {"seed": seed, "pairs": pairs, "seconds": seconds, "faults": wrong}


def chunks(options, start_from, done):
    """Every chunk that is not done yet, as it is finished."""
    count = -(-options.pairs // CHUNK)
    seeds = [seed for seed in range(options.seed, options.seed + count) if seed not in done]
    sizes = [min(CHUNK, options.pairs - CHUNK * (seed - options.seed)) for seed in seeds]
    if options.jobs == 1:
        yield from map(chunk, [start_from] * len(seeds), sizes, seeds)
        return
    with ProcessPoolExecutor(options.jobs) as pool:
        yield from pool.map(chunk, [start_from] * len(seeds), sizes, seeds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*")
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1, help="of the first chunk; the rest follow")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--log", type=Path, help="where finished chunks are written down")
    options = parser.parse_args()
    lines = options.log.read_text().splitlines() if options.log and options.log.exists() else []
    all_of = {one["seed"]: one for one in map(json.loads, lines)}
    start_from = [text for text in texts(options.rows) if text and len(text) < LONGEST]
    for one in chunks(options, start_from, set(all_of)):
        all_of[one["seed"]] = one
        if options.log:
            with options.log.open("a") as log:
                log.write(json.dumps(one) + "\n")
        for fault in one["faults"]:
            print(*map(repr, fault), flush=True)
    found = Counter(fault[0] for one in all_of.values() for fault in one["faults"])
    total = sum(one["pairs"] for one in all_of.values())
    print(f"{machine.line()}\n{total} pairs of {len(start_from)} answers, no exception")
    print(f"faults: {dict(found) or 'none'}; {sum(o['seconds'] for o in all_of.values()):.0f} s")
    return int(bool(found))


if __name__ == "__main__":
    raise SystemExit(main())

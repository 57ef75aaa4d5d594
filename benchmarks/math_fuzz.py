"""Math on mutated answers: no exception, symmetric, no certified difference accepted.

python benchmarks/math_fuzz.py [--pairs 100000] [--seed 1] [ROWS.jsonl ...]

Each pair is an answer and the same with one to three characters changed: of the fixtures, and of
the `reference` of any rows given. An accepted pair is a mistake if both sides are numbers, and
exact or fifty-digit arithmetic says that they differ by more than a policy allows.
"""

import argparse
import json
import time
from collections import Counter
from fractions import Fraction
from pathlib import Path
from random import Random

import machine

from unflip.verifiers.math.budget import Budget
from unflip.verifiers.math.comparing import compare
from unflip.verifiers.math.cursor import NotMath
from unflip.verifiers.math.deciding import decide
from unflip.verifiers.math.identity import real_value
from unflip.verifiers.math.parser import parse
from unflip.verifiers.math.tokens import TooLong, tokenize
from unflip.verifiers.math.tolerance import Percent, Tolerance

FOLDER = Path(__file__).parent.parent / "fixtures" / "math_types"
CHARACTERS = "0123456789+-*/^=<>()[]{}|,.;:!%xykn\\ '&_$"
STRICT = Tolerance(percent=Percent.EXACT, digits=None, comma=False)


def texts(paths):
    """Every answer to start from."""
    for path in sorted(FOLDER.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            yield from (json.loads(line)[side] for side in ("one", "other"))
    for path in paths:
        for line in Path(path).read_text(encoding="utf-8").splitlines():
            yield str(json.loads(line)["reference"])


def mutated(text, random):
    """The text with characters replaced, inserted or left out."""
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(text) + 1)
        keep = random.randint(0, 1)
        text = text[:at] + random.choice(("", *CHARACTERS)) + text[at + keep :]
    return text


def same(one, other):
    plainly = compare(one, other, STRICT)
    said = plainly if plainly.same is not None else decide(one, other, STRICT)
    return said.same is True


def value(text):
    """The value of a number, as the parser reads it; None if it is none."""
    try:
        found = real_value(parse(tokenize(text)), Budget())
    except (NotMath, TooLong, ArithmeticError):
        return None
    return None if found is None else Fraction(found)


def differ(left, right):
    """Whether two values are certain to differ."""
    return None not in (left, right) and abs(left - right) > abs(right) / 10**9


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*")
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random, found = Random(options.seed), Counter()
    start_from = [text for text in texts(options.rows) if text and len(text) < 200]
    slowest = 0.0
    for _ in range(options.pairs):
        text = random.choice(start_from)
        other = mutated(text, random)
        began = time.process_time()
        there, back = same(other, text), same(text, other)
        slowest = max(slowest, (time.process_time() - began) / 2)
        found["accepted"] += there
        if there != back:
            found["asymmetric"] += 1
            print("asymmetric", repr(other), repr(text))
        if there and differ(value(other), value(text)):
            found["certified different"] += 1
            print("certified different", repr(other), repr(text))
    print(f"{machine.line()}\n{options.pairs} pairs, seed {options.seed}: {dict(found)}")
    print(f"no exception; the slowest comparison took {1e3 * slowest:.0f} ms of processor time")


if __name__ == "__main__":
    main()

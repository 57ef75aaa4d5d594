"""Runs the plan: one JSON file a run, and what is on file already is not run again.

python benchmarks/grpo_noise/run.py (--smoke | --full | --gpu) --out DIR
    [--only ENVIRONMENT] [--device cuda] [--minutes N]

--smoke is every arm once, for a few steps of a tiny policy. --minutes N ends before N minutes are
over, so that the rest can follow in another call; each call goes on where the last one ended.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch
from rich.progress import Progress

from benchmarks import machine
from benchmarks.grpo_noise.loop import train
from benchmarks.grpo_noise.plan import ARMS, CELLS, ENVIRONMENTS, PRESETS
from benchmarks.grpo_noise.sft import base


@dataclass(frozen=True)
class Run:
    """One arm in one environment with one seed."""

    environment: str
    arm: str
    seed: int

    def path(self, folder):
        """Where its results lie."""
        words = f"{self.environment}--{self.arm}--{self.seed}"
        return folder / "runs" / f"{words.replace(' ', '_').replace(',', '').replace('%', '')}.json"


def planned(cells, *, smoke=False, only=None):
    """All runs: a seed of every cell, then the next seed."""
    runs = [
        Run(environment, arm, seed)
        for environment, arms in cells.items()
        for arm, seeds in arms.items()
        for seed in seeds[: 1 if smoke else None]
        if only in (None, environment)
    ]
    return sorted(runs, key=lambda run: run.seed)


def carry_out(run, preset, folder, device):
    """One run of the reference loop."""
    policy = base(preset, run.seed, folder, device)
    kept = train(policy, preset, ENVIRONMENTS[run.environment], ARMS[run.arm], run.seed)
    keep(run, kept, folder)


def keep(run, results, folder):
    """Put a run on file, whole or not at all."""
    path = run.path(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps({**asdict(run), **results}))
    part.rename(path)


def all_of(runs, one, folder, minutes=float("inf")):
    """Carry out what is not on file; stop where the longest so far might not end in time."""
    left = [run for run in runs if not run.path(folder).exists()]
    end, longest = time.monotonic() + 60 * minutes, 0.0
    with Progress(disable=not sys.stderr.isatty()) as progress:
        for run in progress.track(left, description=f"{len(left)} runs"):
            start = time.monotonic()
            if start + longest > end:
                break
            if not run.path(folder).exists():  # another process may be at work
                one(run)
            longest = max(longest, time.monotonic() - start)
    done = sum(run.path(folder).exists() for run in runs)
    print(f"{done} of {len(runs)} runs are on file in {folder}")


def about(preset, device):
    """When, where and with what the runs were made."""
    on = torch.cuda.get_device_name() if device == "cuda" else "CPU, one thread"
    return {"machine": machine.line(), "torch": torch.__version__, "device": on, "preset": preset}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    which = parser.add_mutually_exclusive_group(required=True)
    for name, preset in (("--smoke", "smoke"), ("--full", "cpu"), ("--gpu", "gpu")):
        which.add_argument(name, dest="preset", action="store_const", const=preset)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", choices=CELLS)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--minutes", type=float, default=float("inf"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    folder = options.out / options.preset
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "about.json").write_text(json.dumps(about(options.preset, options.device)))
    preset = PRESETS[options.preset]
    runs = planned(CELLS, smoke=preset.name == "smoke", only=options.only)
    one = partial(carry_out, preset=preset, folder=folder, device=options.device)
    all_of(runs, one, folder, options.minutes)


if __name__ == "__main__":
    main()

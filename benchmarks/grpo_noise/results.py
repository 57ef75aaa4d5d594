"""The committed results: a file for each environment, a line for each run."""

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "results"
POINTS = ("step", "pass", "easy", "hard", "hash")
"""What each point of a curve says."""


@dataclass(frozen=True)
class Results:
    """The runs of one environment.

    Attributes:
        about: When, where and with what they were made.
        runs: Of each arm, its runs by seed.
    """

    about: dict
    runs: dict

    @classmethod
    def read(cls, path):
        """What `collect` wrote."""
        about, *rows = (json.loads(line) for line in path.read_text().splitlines())
        runs = defaultdict(dict)
        for row in rows:
            runs[row["arm"]][row["seed"]] = row
        return cls(about, dict(runs))

    def last(self, arm, what="pass"):
        """The end of each seed's curve."""
        place = POINTS.index(what)
        return {seed: run["curve"][-1][place] for seed, run in self.runs[arm].items()}

    def curves(self, arm, what="pass"):
        """Steps, and a row of values for each seed."""
        runs, place = list(self.runs[arm].values()), POINTS.index(what)
        steps = [point[0] for point in runs[0]["curve"]]
        return steps, [[point[place] for point in run["curve"]] for run in runs]

    def differences(self, arm, other, what="pass"):
        """Of the seeds that both have."""
        mine, theirs = self.last(arm, what), self.last(other, what)
        return np.array([mine[seed] - theirs[seed] for seed in sorted(set(mine) & set(theirs))])

    def only(self, seeds):
        """The runs of these seeds."""
        runs = {
            arm: {seed: run for seed, run in by_seed.items() if seed in seeds}
            for arm, by_seed in self.runs.items()
        }
        return Results(self.about, {arm: by_seed for arm, by_seed in runs.items() if by_seed})


def read_all(folder=FOLDER):
    """The results of every environment that there are any of."""
    found = {path: Results.read(path) for path in sorted(folder.glob("*.jsonl"))}
    return {results.about["environment"]: results for results in found.values()}


def collect(runs, folder=FOLDER):
    """Write the results of a folder of finished runs, as `run.py` leaves them."""
    by_environment, about = defaultdict(list), json.loads((runs / "about.json").read_text())
    for path in sorted((runs / "runs").glob("*.json")):
        row = json.loads(path.read_text())
        by_environment[row.pop("environment")].append(row)
    folder.mkdir(exist_ok=True)
    for environment, rows in by_environment.items():
        rows.sort(key=lambda row: (row["arm"], row["seed"]))
        head = {"environment": environment, **about}
        lines = [json.dumps(one, separators=(",", ":")) for one in (head, *rows)]
        (folder / f"{file_name(environment)}.jsonl").write_text("\n".join(lines) + "\n")


def file_name(environment):
    return environment.lower().replace(", ", "-").replace(" ", "-").replace(".", "")

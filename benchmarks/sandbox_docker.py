"""Warm containers beside processes of the machine itself: the same program, in turns.

.ci/docker .venv/bin/python benchmarks/sandbox_docker.py unflip-test [--runs 2000] [--quick]

Wall time of one run after the other, and processor time of all that takes part: this process, the
servers with what they run, and for containers the engine's own processes. The engine has to be on
this machine.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import machine

from unflip.sandbox import Container, Docker, Embedded, Level, Limits, Program

PROGRAM = Program("print(1)")
LIMITS = Limits()
DAEMONS = ("dockerd", "containerd", "containerd-shim", "docker-init")
TICK = 1 / 100


def spent(pids):
    """Seconds of processor time of each process, with those that it waited for."""
    found = {}
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        found[pid] = sum(map(int, fields[11:15])) * TICK
    return found


def below(roots):
    """Processes and all below them."""
    found, more = set(), set(roots)
    while more:
        found |= more
        lists = [Path(f"/proc/{pid}/task/{pid}/children") for pid in more]
        more = {int(pid) for one in lists if one.exists() for pid in one.read_text().split()}
    return found


def daemons():
    """The engine's processes."""
    listed = subprocess.run(["ps", "-eo", "pid=,comm="], check=True, capture_output=True, text=True)
    rows = [line.split(maxsplit=1) for line in listed.stdout.splitlines()]
    return {int(pid) for pid, name in rows if name.startswith(DAEMONS)}


class Contender:
    """A backend with its times."""

    def __init__(self, name, backend, processes):
        self.name, self.backend, self.processes = name, backend, processes
        self.walls, self.cpu = [], 0.0
        for _ in range(20):
            backend.run(PROGRAM, LIMITS)

    def turn(self, runs):
        """Some runs, one after the other."""
        before, own = spent(self.processes()), time.process_time()
        for _ in range(runs):
            start = time.perf_counter()
            assert self.backend.run(PROGRAM, LIMITS).stdout == b"1\n"
            self.walls.append(time.perf_counter() - start)
        after = spent(before)
        self.cpu += time.process_time() - own + sum(after[pid] - before[pid] for pid in after)

    def row(self):
        """Name, runs, p50, p99 and processor time of a run, in milliseconds."""
        walls = sorted(self.walls)
        at = [walls[int(len(walls) * part)] * 1000 for part in (0.5, 0.99)]
        return self.name, len(walls), *at, self.cpu / len(walls) * 1000


def contenders(image, level):
    """Both backends at one level, warm."""
    import docker

    client = docker.from_env()
    embedded = Embedded(minimum=level, most=level, size=1)
    inside = Docker(Container(image), minimum=level, most=level, size=1)

    def pids():
        states = [client.api.inspect_container(one)["State"]["Pid"] for one in inside.containers]
        return below(states) | daemons()

    return (
        Contender("embedded", embedded, lambda: below(embedded.servers)),
        Contender("docker, warm", inside, pids),
    )


def measure(image, level, runs):
    """A table of both, in turns of ten runs."""
    both = contenders(image, level)
    for _ in range(runs // 10):
        for one in both:
            one.turn(10)
    rows = [one.row() for one in both]
    for name, count, half, most, cpu in rows:
        print(f"{level.word:12} {name:14} {count:6} {half:8.2f} {most:8.2f} {cpu:8.2f}")
    wall, cpu = rows[1][2] / rows[0][2], rows[1][4] / rows[0][4]
    print(f"{level.word:12} docker / embedded: p50 {wall:.2f}, cpu {cpu:.2f}")
    for one in both:
        one.backend.close()


def by_command(name, runs, arguments):
    """What the engine's own command takes to run the program."""
    walls = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run(["docker", *arguments], check=True, capture_output=True)
        walls.append(time.perf_counter() - start)
    print(f"{'':12} {name:14} {runs:6} {sorted(walls)[runs // 2] * 1000:8.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("image")
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--quick", action="store_true", help="100 runs, and no commands")
    parser.add_argument("--commands", action="store_true", help="also `docker run`")
    asked = parser.parse_args()
    print(machine.line())
    print(f"{'level':12} {'backend':14} {'runs':>6} {'p50 ms':>8} {'p99 ms':>8} {'cpu ms':>8}")
    for level in (Level.LANDLOCK, Level.NAMESPACES):
        measure(asked.image, level, 100 if asked.quick else asked.runs)
    if asked.commands:
        run = ["run", "--rm", "--network=none", asked.image, "python3", "-c", "print(1)"]
        by_command("docker run", 10, run)


if __name__ == "__main__":
    sys.exit(main())

"""What a training step pays for the hook, beside a plain GRPO advantage.

python benchmarks/hook.py [--groups N] [--size N] [--strata N] [--repeats N]

The hook looks up each row's line, corrects it, makes leave-one-out advantages of the corrected and
of the raw verdicts, and audits the difference. Each figure is the median of single calls, with the
90th percentile behind it. "launches" are the operations that torch dispatches, but for views and
for scalars, which the host makes: on a GPU each costs some microseconds, whatever its size. On CUDA
the host waits for the device after each call, and not within. "compiled" is torch.compile in one
graph, where there is a compiler. A second table has the launches of every correction and
normaliser. Without torch, only numpy.
"""

import argparse
import shutil
import time
from importlib import import_module
from importlib.util import find_spec

import machine
import numpy as np

from unflip.correction import (
    Evidence,
    Hook,
    Normaliser,
    RateTable,
    anchored,
    backward,
    doubly_robust,
    forward,
    grpo,
    masking,
    posterior,
    stratified_forward,
)

FREE = ("view", "select", "expand", "unsqueeze", "detach", "alias", "slice", "scalar_tensor")
CORRECTIONS = {
    "backward": backward,
    "forward": lambda table: forward(table, strata="prompt"),
    "stratified forward": stratified_forward,
    "anchored": lambda table: anchored(table, ridge=0.05),
    "posterior": posterior,
    "masking": lambda table: masking(table, ["0"]),
}


def batch(groups, size, strata):
    """Verdicts with a few abstains, their groups, and strata of responses."""
    rng = np.random.default_rng(0)
    r_B = rng.integers(0, 2, groups * size).astype(np.float32)
    r_B[rng.random(len(r_B)) < 0.02] = np.nan
    group_B = np.repeat(np.arange(groups), size)
    return r_B, group_B, rng.integers(0, strata, len(r_B))


def table_of(strata):
    rng = np.random.default_rng(1)
    rho0_S, rho1_S, pass_S = rng.uniform(0, 0.4, (3, strata))
    return RateTable.known(rho0_S, rho1_S, pass_rate=pass_S)


def hook_of(strata):
    return Hook.of(CORRECTIONS["anchored"](table_of(strata)))


def calls(hook, columns, groups):
    """The hook and the plain advantage, as functions without arguments."""
    r_B, group_B, stratum_B = columns

    def corrected():
        update = hook(r_B, group_B, n_groups=groups, stratum_B=stratum_B)
        changed = update.audit
        return update.advantage_B, changed.mean, changed.most, changed.cosine, changed.signs

    return {"plain GRPO": lambda: grpo(r_B, group_B, n_groups=groups), "hook": corrected}


def timed(call, repeats, wait=lambda: None):
    """Microseconds of single calls: the median, and the 90th percentile."""
    for _ in range(20):
        call()
    wait()
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        wait()
        found.append(1e6 * (time.perf_counter() - start))
    return np.median(found), np.quantile(found, 0.9)


def row(name, times, launches=""):
    print(f"| {name} | {times[0]:.0f} | {times[1]:.0f} | {launches} |")


def launches(torch, call):
    """How many operations a call dispatches."""
    mode = import_module("torch.utils._python_dispatch").TorchDispatchMode

    class Count(mode):
        found = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            self.found += func.overloadpacket.__name__ not in FREE
            return func(*args, **(kwargs or {}))

    with Count() as counter:
        call()
    return counter.found


def on_torch(torch, device, hook, columns, arguments):
    moved = tuple(torch.as_tensor(column, device=device) for column in columns)
    wait = torch.cuda.synchronize if device == "cuda" else (lambda: None)
    for name, call in calls(hook.to(device), moved, arguments.groups).items():
        count = launches(torch, call)
        row(f"torch, {device}, {name}", timed(call, arguments.repeats, wait), count)
        if shutil.which("gcc") or shutil.which("cc"):
            compiled = torch.compile(call, fullgraph=True)
            row(f"torch, {device}, compiled, {name}", timed(compiled, arguments.repeats, wait))
        if device == "cuda":
            graph = captured(torch, call)
            row(f"torch, CUDA graph, {name}", timed(graph.replay, arguments.repeats, wait))


def launches_of_all(torch, columns, groups, strata):
    """Launches of each correction under its normaliser, and of the default under the others."""
    r_B, group_B, stratum_B = (torch.as_tensor(column) for column in columns)
    table = table_of(strata)
    lines = {name: made(table) for name, made in CORRECTIONS.items()}
    print("\n| correction | normaliser | launches |\n|---|---|---|")
    for name, line in lines.items():
        rest = (Normaliser.DIRECT,) if "forward" in name else (Normaliser.RLOO,)
        for normaliser in Normaliser if name == "anchored" else rest:
            scope = "prompt" if name == "forward" else "response"
            hook = Hook.of(line, normaliser=normaliser, strata=scope).to("cpu")
            count = launches(
                torch, lambda hook=hook: hook(r_B, group_B, n_groups=groups, stratum_B=stratum_B)
            )
            print(f"| {name} | {normaliser} | {count} |")
    hook, half_B = Hook.of(Evidence.DOUBLY_ROBUST), torch.full_like(r_B, 0.5)

    def paid():
        reward_B = doubly_robust(half_B, r_B, half_B, half_B)
        return hook.paid(reward_B, r_B, group_B, n_groups=groups)

    print(f"| doubly robust | rloo | {launches(torch, paid)} |")


def captured(torch, call):
    """A CUDA graph of a call; capturing fails if anything in it waits for the device."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            call()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call()
    return graph


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--groups", type=int, default=1024)
    parser.add_argument("--size", type=int, default=8)
    parser.add_argument("--strata", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=500)
    arguments = parser.parse_args()
    print(machine.line())
    columns = batch(arguments.groups, arguments.size, arguments.strata)
    hook = hook_of(arguments.strata)
    print(f"{arguments.groups} groups of {arguments.size}, {arguments.strata} strata")
    torch = import_module("torch") if find_spec("torch") else None
    if torch:
        torch.set_num_threads(1)
        gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
        print(f"torch {torch.__version__}, one thread{gpu}")
    print("\n| what | median, us | 90% below, us | launches |\n|---|---|---|---|")
    for name, call in calls(hook, columns, arguments.groups).items():
        row(f"numpy, {name}", timed(call, arguments.repeats))
    for device in ("cpu", *(("cuda",) if torch and torch.cuda.is_available() else ())):
        if torch:
            on_torch(torch, device, hook, columns, arguments)
    if torch:
        launches_of_all(torch, columns, arguments.groups, arguments.strata)


if __name__ == "__main__":
    main()

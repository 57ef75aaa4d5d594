"""Requests a second of the judges' client beside its peers, at a stub server in its own process.

python benchmarks/judge_client.py [--requests N] [--parallel N] [--delay SECONDS] [--rounds N]

Each round runs every client once, in an order drawn anew, each against a fresh server and over warm
connections: chat requests with log-probabilities, read into what each client gives its user. The
peers are urllib3 with bare threads (no retry, no deadline, no limits: the most that this wire and
Python allow), and, where they are installed, the openai SDK and httpx, each with threads and with
asyncio. Figures are medians over the rounds; the last two columns are ratios to bare urllib3 in the
same round. The client's processor time for a request depends less on what else the machine does.
"""

import argparse
import asyncio
import gc
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import machine
import urllib3

from unflip.judges.asking import Reply, Request, Turn
from unflip.judges.backends import Endpoint

SERVER = Path(__file__).parent.parent / "tests" / "judges" / "server.py"
MODEL = "stub"


@contextmanager
def server(*options):
    """The stub in its own process: its base URL."""
    command = [sys.executable, str(SERVER), *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        try:
            yield run.stdout.readline().strip()
        finally:
            run.stdin.close()
            run.stdout.read()


def texts(n, tag):
    """Prompts as long as a judge's: 600 bytes, no two alike."""
    return [f"{tag} {i} " + "Is the answer the same as the reference? " * 14 for i in range(n)]


def body(text):
    return {
        "model": MODEL,
        "messages": [{"role": "user", "content": text}],
        "max_tokens": 1,
        "temperature": 0.0,
        "logprobs": True,
        "top_logprobs": 2,
    }


@contextmanager
def ours(url, parallel):
    judge = Endpoint(url, MODEL, parallel=parallel, kind="stub")

    def ask_all(prompts):
        requests = [Request((Turn("user", t),), max_tokens=1, top_logprobs=2) for t in prompts]
        answers = judge.ask(requests)
        assert all(isinstance(answer, Reply) for answer in answers)
        return [(a.said[0].text, a.said[0].positions) for a in answers]

    yield ask_all


@contextmanager
def bare_urllib3(url, parallel):
    pool = urllib3.PoolManager(num_pools=1, maxsize=parallel)

    def ask(text):
        reply = pool.request("POST", f"{url}/chat/completions", json=body(text), retries=False)
        said = reply.json()["choices"][0]
        return said["message"]["content"], said["logprobs"]["content"]

    with threads(ask, parallel) as ask_all:
        yield ask_all


@contextmanager
def httpx_threads(url, parallel):
    httpx = import_module("httpx")
    limits = httpx.Limits(max_connections=parallel, max_keepalive_connections=parallel)
    with httpx.Client(limits=limits, timeout=600) as client:

        def ask(text):
            said = client.post(f"{url}/chat/completions", json=body(text)).json()["choices"][0]
            return said["message"]["content"], said["logprobs"]["content"]

        with threads(ask, parallel) as ask_all:
            yield ask_all


@contextmanager
def httpx_asyncio(url, parallel):
    httpx = import_module("httpx")
    limits = httpx.Limits(max_connections=parallel, max_keepalive_connections=parallel)
    client = httpx.AsyncClient(limits=limits, timeout=600)

    async def ask(text):
        said = (await client.post(f"{url}/chat/completions", json=body(text))).json()["choices"][0]
        return said["message"]["content"], said["logprobs"]["content"]

    with loop(ask, parallel, client.aclose) as ask_all:
        yield ask_all


@contextmanager
def openai_threads(url, parallel):
    with import_module("openai").OpenAI(
        base_url=url, api_key="none", max_retries=0, timeout=600
    ) as client:

        def ask(text):
            said = client.chat.completions.create(**body(text)).choices[0]
            return said.message.content, said.logprobs.content

        with threads(ask, parallel) as ask_all:
            yield ask_all


@contextmanager
def openai_asyncio(url, parallel):
    client = import_module("openai").AsyncOpenAI(
        base_url=url, api_key="none", max_retries=0, timeout=600
    )

    async def ask(text):
        said = (await client.chat.completions.create(**body(text))).choices[0]
        return said.message.content, said.logprobs.content

    with loop(ask, parallel, client.close) as ask_all:
        yield ask_all


@contextmanager
def threads(ask, parallel):
    """A function that has all prompts asked in so many threads."""
    with ThreadPoolExecutor(parallel) as pool:
        yield lambda prompts: list(pool.map(ask, prompts))


@contextmanager
def loop(ask, parallel, close):
    """A function that has all prompts asked on an event loop, so many at once."""
    with asyncio.Runner() as runner:

        async def ask_all(prompts):
            gate = asyncio.Semaphore(parallel)

            async def one(text):
                async with gate:
                    return await ask(text)

            return await asyncio.gather(*map(one, prompts))

        yield lambda prompts: runner.run(ask_all(prompts))
        runner.run(close())


BARE, OURS = "urllib3, bare threads", "unflip Endpoint"
CLIENTS = {
    BARE: bare_urllib3,
    OURS: ours,
    "openai, threads": openai_threads,
    "openai, asyncio": openai_asyncio,
    "httpx, threads": httpx_threads,
    "httpx, asyncio": httpx_asyncio,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=4000)
    parser.add_argument("--parallel", type=int, default=128)
    parser.add_argument("--delay", type=float, default=0.05)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="clients whose name has this, and bare urllib3")
    arguments = parser.parse_args()
    print(machine.line())
    there = [name for name in CLIENTS if find_spec(package(name))]
    missing = sorted({package(name) for name in CLIENTS} - {package(name) for name in there})
    there = [name for name in there if arguments.only in name or name == BARE]
    print("not installed, and so not measured: " + (", ".join(missing) or "none"))
    names = ("urllib3", "openai", "httpx")
    print(", ".join(f"{name} {version(name)}" for name in names if find_spec(name)))
    print(f"{arguments.requests} requests, {arguments.parallel} at once, {arguments.delay} s each")
    rates, micros = measure(there, arguments)
    print("\n| client | requests/s | slowest, fastest | CPU us each | to bare | CPU to bare |")
    print("|---|---|---|---|---|---|")
    for name, found in rates.items():
        ends = f"{min(found):.0f}, {max(found):.0f}"
        cells = f"{median(found):.0f} | {ends} | {median(micros[name]):.0f}"
        print(f"| {name} | {cells} | {ratio(rates, name):.3f} | {ratio(micros, name):.3f} |")


def ratio(figures, name):
    """The median, over the rounds, of a client's figure to that of bare urllib3."""
    return median(one / bare for one, bare in zip(figures[name], figures[BARE], strict=True))


def measure(names, arguments):
    """Requests a second, and microseconds of processor a request, for each client and round."""
    rates, micros = {name: [] for name in names}, {name: [] for name in names}
    for number in range(arguments.rounds):
        for name in random.sample(names, len(names)):
            # A server for each run, so that none finds the connections of another.
            with (
                server("--delay", str(arguments.delay)) as url,
                CLIENTS[name](url, arguments.parallel) as ask_all,
            ):
                ask_all(texts(2 * arguments.parallel, "warm"))
                prompts = texts(arguments.requests, f"{name} {number}")
                gc.collect()
                began, cpu = time.perf_counter(), time.process_time()
                assert len(ask_all(prompts)) == arguments.requests
                rates[name].append(arguments.requests / (time.perf_counter() - began))
                micros[name].append(1e6 * (time.process_time() - cpu) / arguments.requests)
    return rates, micros


def package(name):
    """The package that a client needs."""
    first = name.split(",")[0].split()[0]
    return {"unflip": "urllib3"}.get(first, first)


if __name__ == "__main__":
    main()

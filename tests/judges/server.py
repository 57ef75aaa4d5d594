"""An OpenAI-compatible server for tests: real sockets, replies by the prompt, faults on demand.

As a program, `python tests/judges/server.py --delay 0.05 --faults 0.05` prints its address and
serves until its standard input ends.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from email.utils import formatdate
from time import time

MODEL = "stub"
TRANSIENT = ("429", "429-date", "500", "503", "cut", "drop", "garbled")
"""Faults that another attempt gets over."""


def number_of(text: str) -> int:
    """A number that stands for a text, the same in every process."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest())


def verdict_of(prompt: str) -> str:
    """What the stub says to a prompt: a verdict, and a number that no other prompt has."""
    number = number_of(prompt)
    return f"{'YES' if number % 2 else 'NO'} {number:016x}"


@dataclass
class Plan:
    """How the server behaves.

    Attributes:
        says: From a prompt to the reply's text.
        fault: From a prompt and the number of the attempt at it (from 0) to a fault, or None.
        delay: Seconds before each reply.
        models: The models that it has.
        key: The bearer token that it wants.
        most: How many samples it sends at most, however many are wanted.
        hold: While this event is not set, no reply is sent.
    """

    says: object = verdict_of
    fault: object = lambda prompt, attempt: None
    delay: float = 0.0
    models: tuple[str, ...] = (MODEL,)
    key: str | None = None
    most: int = 128
    hold: threading.Event | None = None


def by_hash(share: float, faults=TRANSIENT):
    """A plan's `fault`: the first attempts at a share of the prompts fail, chosen by their hash."""

    def fault(prompt, attempt):
        number = number_of(f"fault {attempt} {prompt}")
        return faults[number // 1000 % len(faults)] if number % 1000 < 1000 * share else None

    return fault


@dataclass
class Seen:
    """What the server has met with."""

    attempts: Counter = field(default_factory=Counter)
    replies: Counter = field(default_factory=Counter)
    faults: Counter = field(default_factory=Counter)
    bodies: list = field(default_factory=list)
    headers: list = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0


class Wire(asyncio.Protocol):
    """One connection: requests are read whole and answered in turn."""

    def __init__(self, server):
        self.server, self.buffer = server, b""
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport
        self.server.wires.add(self)

    def connection_lost(self, why):
        self.server.wires.discard(self)

    def data_received(self, data):
        self.buffer += data
        if not self.buffer[:1].isupper():  # no method: a handshake of TLS, say
            self.transport.abort()
            return
        head, mark, rest = self.buffer.partition(b"\r\n\r\n")
        if not mark:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self.buffer = rest[length:]
        method, target, _ = first.split(" ")
        asyncio.ensure_future(self.answer(method, target, headers, rest[:length]))  # noqa: RUF006

    async def answer(self, method, target, headers, body):
        status, extra, payload = await self.server.answer(method, target, headers, body)
        if status is None:
            self.transport.abort()
            return
        cut, drip = extra.pop("cut", None), extra.pop("drip", None)
        lines = [f"HTTP/1.1 {status} X", f"content-length: {len(payload)}"]
        lines += ["content-type: application/json", *(f"{k}: {v}" for k, v in extra.items())]
        head = "\r\n".join(lines).encode()
        if drip:
            await self.drip(head if drip == "head" else head + b"\r\n\r\n", drip)
            return
        self.transport.write(head + b"\r\n\r\n" + payload[:cut])
        if cut is not None:
            self.transport.close()

    async def drip(self, head, what):
        """A reply that goes on byte by byte, or not at all, until the other side has had enough."""
        self.transport.write(head)
        while not self.transport.is_closing():
            await asyncio.sleep(0.01)
            self.transport.write({"head": b"\r\nx: y", "body": b" ", "stall": b""}[what])


class Server:
    """A server on a port of its own; `run` serves, in whatever thread calls it."""

    def __init__(self, plan=None, *, keep=True):
        self.plan, self.seen, self.keep = plan or Plan(), Seen(), keep
        self.ready, self.url, self.wires = threading.Event(), "", set()
        self._loop = self._stop = None

    def run(self, port=0):
        asyncio.run(self._serve(port))

    def stop(self):
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stop.set)

    async def _serve(self, port):
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        serving = await self._loop.create_server(
            lambda: Wire(self), "127.0.0.1", port, backlog=1024
        )
        self.url = f"http://127.0.0.1:{serving.sockets[0].getsockname()[1]}/v1"
        self.ready.set()
        await self._stop.wait()
        serving.close()
        for wire in list(self.wires):
            wire.transport.abort()
        while self.wires:
            await asyncio.sleep(0)

    async def answer(self, method, target, headers, body):
        """Status, further headers and payload; no status to drop the connection."""
        path = target.split("?")[0].partition("/v1")[2]
        if self.plan.key and headers.get("authorization") != f"Bearer {self.plan.key}":
            sent = headers.get("authorization", "none")
            return 401, {}, problem("invalid_api_key", f"Incorrect API key provided: {sent}")
        if method == "GET" and path == "/models":
            return 200, {}, json.dumps({"data": [{"id": m} for m in self.plan.models]}).encode()
        if method != "POST" or path not in ("/chat/completions", "/completions"):
            return 404, {}, problem("not_found", f"no such address: {target}")
        return await self._complete(json.loads(body), path, headers)

    async def _complete(self, body, path, headers):
        if body["model"] not in self.plan.models:
            return 404, {}, problem("model_not_found", f"no model {body['model']}")
        prompt = body["prompt"] if path == "/completions" else body["messages"][-1]["content"]
        self._note(prompt, body, headers)
        attempt = self.seen.attempts[prompt]
        self.seen.attempts[prompt] += 1
        fault = self.plan.fault(prompt, attempt)
        try:
            await asyncio.sleep(self.plan.delay)
            while self.plan.hold and not self.plan.hold.is_set():
                await asyncio.sleep(0.001)
        finally:
            self.seen.at_once -= 1
        if fault:
            self.seen.faults[fault] += 1
        if fault in FAILED:
            return FAILED[fault]()
        if fault and fault.startswith("slow"):
            await asyncio.sleep(float(fault.removeprefix("slow ")))
        self.seen.replies[prompt] += 1
        payload = json.dumps(reply(self.plan, body, prompt, path, fault)).encode()
        return 200, {}, payload

    def _note(self, prompt, body, headers):
        seen = self.seen
        seen.at_once += 1
        seen.most_at_once = max(seen.most_at_once, seen.at_once)
        if self.keep:
            seen.bodies.append(body)
            seen.headers.append(headers)


def problem(code, message):
    """The body of an error."""
    return json.dumps({"error": {"code": code, "message": message}}).encode()


def date_in(seconds):
    """A Retry-After as a date, beside the server's own."""
    now = time()
    return {
        "retry-after": formatdate(now + seconds, usegmt=True),
        "date": formatdate(now, usegmt=True),
    }


FAILED = {
    "400": lambda: (400, {}, problem("context_length_exceeded", "too long")),
    "403": lambda: (403, {}, problem("moderation", "flagged")),
    "429": lambda: (429, {"retry-after": "0"}, problem("rate_limit", "slower")),
    "429-hour": lambda: (429, {"retry-after": "3600"}, problem("rate_limit", "slower")),
    "429-date": lambda: (429, date_in(0), problem("rate_limit", "slower")),
    "quota": lambda: (429, {}, problem("insufficient_quota", "pay")),
    "500": lambda: (500, {}, b"oh"),
    "503": lambda: (503, {"retry-after": "0"}, b"<html>busy</html>"),
    "cut": lambda: (200, {"cut": 20}, json.dumps({"choices": [{"text": "YES" * 9}]}).encode()),
    "garbled": lambda: (200, {}, b'{"choices": [{"message": {"content": "YE'),
    "none": lambda: (200, {}, b'{"choices": []}'),
    "within": lambda: (200, {}, json.dumps({"error": {"code": 502, "message": "up"}}).encode()),
    "moved": lambda: (308, {"location": "http://elsewhere/"}, b""),
    "drip head": lambda: (200, {"drip": "head"}, b" " * 2**20),
    "drip body": lambda: (200, {"drip": "body"}, b" " * 2**20),
    "stall": lambda: (200, {"drip": "stall"}, b" " * 2**20),
    "drop": lambda: (None, {}, b""),
}  # fmt: skip


def reply(plan, body, prompt, path, fault):
    """A body with as many choices as are wanted, or as the plan gives at most."""
    wanted = min(body.get("n", 1), plan.most)
    choice = chat_choice if path == "/chat/completions" else text_choice
    choices = [choice(plan.says(prompt), body, fault) for _ in range(wanted)]
    usage = {"prompt_tokens": len(prompt), "completion_tokens": wanted}
    return {"id": "x", "object": "x", "model": body["model"], "choices": choices, "usage": usage}


def chat_choice(text, body, fault):
    """A choice of a chat, which a fault may disfigure."""
    message = {"role": "assistant", "content": text}
    finish = "stop"
    if fault == "empty":
        message["content"] = ""
    elif fault == "length":
        message["content"], finish = text[:1], "length"
    elif fault == "reasoning":
        message["reasoning_content"] = "let me see"
    elif fault == "thinking":
        message["content"], message["reasoning"], finish = None, "let me see", "length"
    elif fault == "refusal":
        message["content"], message["refusal"] = None, "I cannot help with that"
    elif fault == "filter":
        message["content"], finish = "", "content_filter"
    logprobs = None
    if body.get("logprobs") and fault != "nologprobs":
        logprobs = {"content": [token_of(text.split()[0], body.get("top_logprobs", 0))]}
    return {"index": 0, "message": message, "finish_reason": finish, "logprobs": logprobs}


def token_of(token, top):
    """A token with its log-probability and alternatives."""
    pairs = [(token, -0.1), ("NO" if token == "YES" else "YES", -2.5), ("Well", -5.0)]
    tops = [{"token": t, "logprob": p} for t, p in pairs[:top]]
    return {"token": token, "logprob": -0.1, "top_logprobs": tops}


def text_choice(text, body, fault):
    """A choice of a raw completion."""
    logprobs = None
    if body.get("logprobs") and fault != "nologprobs":
        first = token_of(text.split()[0], body["logprobs"])
        tops = {one["token"]: one["logprob"] for one in first["top_logprobs"]}
        logprobs = {
            "tokens": [first["token"]], "token_logprobs": [-0.1], "top_logprobs": [tops],
        }  # fmt: skip
    finish = "length" if fault == "length" else "stop"
    return {"index": 0, "text": text, "finish_reason": finish, "logprobs": logprobs}


@contextlib.contextmanager
def serving(plan=None, *, keep=True):
    """A server in a thread of its own, for as long as the block lasts."""
    server = Server(plan, keep=keep)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    server.ready.wait()
    try:
        yield server
    finally:
        server.stop()
        thread.join()


def main():
    """Serve until the standard input ends; then print what was seen, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--faults", type=float, default=0.0, help="share of attempts that fail")
    parser.add_argument("--seen", help="file for what was seen")
    arguments = parser.parse_args()
    plan = Plan(delay=arguments.delay, fault=by_hash(arguments.faults))
    with serving(plan, keep=False) as server:
        print(server.url, flush=True)
        sys.stdin.read()
        counts = Counter(server.seen.replies.values())
        seen = {"prompts": len(server.seen.attempts), "attempts": server.seen.attempts.total(),
                "replies_per_prompt": counts, "faults": server.seen.faults}  # fmt: skip
        print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    main()

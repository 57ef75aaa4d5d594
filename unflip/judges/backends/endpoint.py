"""Any OpenAI-compatible endpoint as a backend: vLLM, SGLang, llama.cpp, or a commercial one."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar
from urllib.parse import SplitResult, urlsplit

from unflip.errors import UsageError
from unflip.judges.asking import Request
from unflip.judges.backends import wire
from unflip.judges.backends.calls import Caller
from unflip.judges.backends.errand import Answering, Errand, Gate, Told
from unflip.judges.backends.line import Line, Terms, line
from unflip.judges.backends.pace import Patience
from unflip.types import identify

_LONGEST_SECONDS = 30 * 86_400.0
"""Sockets and clocks take no wait without an end."""


@dataclass(frozen=True)
class Endpoint(Answering):
    """A model behind an OpenAI-compatible endpoint.

    Errors of the server and of the network are tried again, with waits that grow and are drawn at
    random, or as long as the server asks; what cannot be had is `Unanswered`. The deadline of a
    request begins when its turn has come. Once twice `parallel` requests in a row are lost for all
    their retries, the server is taken for dead, and the others are tried once, until one is
    answered: a run with a server that died comes to its end, and a later one asks again.

    Endpoints that agree in address, key and limits share their connections and limits within a
    process.

    Attributes:
        url: The base URL, mostly ending in `/v1`.
        model: The model's name there.
        key: Name of the environment variable that holds the key; None to send none. The key itself
            is read when something is sent, and stands nowhere else.
        parallel: Requests under way at once.
        requests_per_minute: Of all attempts together.
        tokens_per_minute: Read and written together; what a request will take is guessed, and put
            right when its reply says it.
        retries: Attempts after the first.
        backoff: Seconds of the first wait at most; each further one may be twice as long.
        patience: Deadline in seconds for a request that is asked without one.
        body: More fields of the body, such as `{"structured_outputs": {"choice": ["YES", "NO"]}}`.
        rename: Fields by another name, or left out: `{"max_tokens": "max_completion_tokens",
            "temperature": None}` for models that reason.
        prefill: How the server goes on with a last turn by the assistant: "continue" (vLLM,
            SGLang), "plain" (llama.cpp does without being told), "prefix" (Mistral, DeepSeek).
        key_header: Header of the key, if it is not sent as a bearer token.
        revision: What else tells this model from another of that name: weights, quantisation.
        serving: What its answers go by in place of the address, for one model at several addresses
            or a port that changes. Two servers may have different weights under one name, so
            without it nothing that was kept of one is taken for the other's.
        kind: `real`, or `tiny` or `stub`, whose answers say nothing about real judges.

    Raises:
        UsageError: The URL is none, or a number is out of range; and from asking: a wrong key, no
            such model, and whatever else all requests would meet with.

    Example:
        >>> vllm = Endpoint("http://localhost:8000/v1", "Qwen/Qwen3-8B", parallel=128)
        >>> vllm.by
        'endpoint:Qwen/Qwen3-8B@1+3f3696'
    """

    paid: ClassVar[bool] = True
    """Each reply costs: whoever keeps replies keeps these."""
    one_by_one: ClassVar[bool] = True
    """Each request is taken when it is sent, and by a thread of its own."""

    url: str
    model: str
    key: str | None = None
    parallel: int = 64
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    retries: int = 6
    backoff: float = 0.5
    patience: float = 600.0
    body: Mapping[str, Any] = field(default_factory=dict, hash=False)
    rename: Mapping[str, str | None] = field(default_factory=dict, hash=False)
    prefill: str = "continue"
    key_header: str | None = None
    revision: str = ""
    serving: str = ""
    kind: str = "real"

    def __post_init__(self) -> None:
        _check_url(self.url)
        if self.prefill not in wire.PREFILLS:
            raise UsageError(f"prefill is one of {', '.join(wire.PREFILLS)}: {self.prefill!r}")
        limits = (self.requests_per_minute, self.tokens_per_minute)
        if (
            self.parallel < 1
            or self.retries < 0
            or not all(one is None or one > 0 for one in limits)
        ):
            raise UsageError("an endpoint wants parallel >= 1, retries >= 0, and limits above 0")
        if not (self.backoff >= 0 and self.patience > 0):
            raise UsageError("an endpoint wants a backoff of 0 or more, and patience above 0")

    @property
    def by(self) -> str:
        """The model's name, and a hash of what else its answers depend on, such as the address."""
        options: dict[str, Any] = {
            "at": self.serving or _address(self.url),
            "revision": self.revision,
            "body": self.body,
            "rename": self.rename,
            "prefill": self.prefill,
        }
        if self.kind != "real":
            # What a stub says must never be recalled as what the model said.
            options["kind"] = self.kind
        return identify(f"endpoint:{self.model}", 1, options)

    def post(
        self,
        requests: Sequence[Request],
        told: Told,
        deadline: float | None = None,
        gate: Gate | None = None,
    ) -> Errand:
        """Start on the requests, and tell each answer once it is there, from another thread."""
        seconds = min(self.patience if deadline is None else deadline, _LONGEST_SECONDS)
        patience = Patience(self.retries, self.backoff, seconds)
        caller = Caller(self._line, self.model, self._headers(), self._fields)
        under_way = Errand(requests, told, gate)
        self._line.pull(under_way, partial(caller.answer, patience, under_way.cancelled))
        return under_way

    def models(self) -> tuple[str, ...]:
        """The models that the endpoint lists; empty if it lists none."""
        return self._line.models(self._headers())

    def close(self) -> None:
        """Send nothing more of what is under way; replies that are on their way still come."""
        self._line.close()

    @property
    def _line(self) -> Line:
        limits = self.parallel, self.requests_per_minute, self.tokens_per_minute
        return line(Terms(self.url, self.key, *limits))

    def _headers(self) -> dict[str, str]:
        headers = {"content-type": "application/json", "user-agent": "unflip"}
        if self.key is None:
            return headers
        key = os.environ.get(self.key, "").strip()
        if not key:
            raise UsageError(f"the environment variable {self.key} holds no key: set it")
        if not (key.isascii() and key.isprintable()):
            raise UsageError(f"the environment variable {self.key} holds what can be no key")
        name, value = (
            (self.key_header, key) if self.key_header else ("authorization", f"Bearer {key}")
        )
        return {**headers, name: value}

    def _fields(self, request: Request) -> dict[str, Any]:
        named = wire.fields(request, self.model, self.prefill)
        for name, other in self.rename.items():
            value = named.pop(name, None)
            if other is not None and value is not None:
                named[other] = value
        return {**named, **self.body}


def _address(url: str) -> str:
    """A base URL, however it is written."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.hostname}:{port}{parts.path.rstrip('/')}{query}"


def _has_port(parts: SplitResult) -> bool:
    """Whether the port is one, or left out."""
    try:
        return parts.port != 0
    except ValueError:
        return False


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not _has_port(parts):
        raise UsageError(f"an endpoint's URL looks like http://localhost:8000/v1, not {url!r}")
    if parts.username or parts.password:
        raise UsageError("an endpoint's URL holds no key: put it in an environment variable")
    if parts.path.endswith((wire.CHAT, "/completions")):
        raise UsageError(f"an endpoint's URL is the base alone, mostly ending in /v1, not {url!r}")

"""Bytes to a host and back, over connections that stay open; what fails on the way is no reply."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from urllib.request import (  # type: ignore[attr-defined]
    getproxies_environment,
    proxy_bypass_environment,
)

import urllib3
from urllib3 import exceptions

from unflip.errors import UsageError
from unflip.judges.asking import Silence
from unflip.judges.backends.pace import Again
from unflip.judges.backends.statuses import Response
from unflip.judges.backends.timely import POOLS

_CONNECT_SECONDS = 10.0
_MOST_BYTES = 64 * 2**20


class Transport:
    """Connections to one host, through the proxy that the environment names for it.

    Args:
        url: The base URL.
        connections: How many are kept open.
        environ: Where proxies are named: `https_proxy`, `no_proxy` and so on.

    Raises:
        UsageError: The URL, or the proxy's, cannot be connected to.
    """

    def __init__(
        self, url: str, connections: int, environ: Mapping[str, str] | None = None
    ) -> None:
        parts = urlsplit(url)
        host, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
        self._query = f"?{parts.query}" if parts.query else ""
        proxy = _proxy(parts.scheme, parts.netloc, environ)
        manager = _manager(proxy, connections)
        manager.pool_classes_by_scheme = dict(POOLS)
        # A manager takes every address apart anew; a proxy needs them whole.
        self._open = manager.urlopen if proxy else manager.connection_from_url(host).urlopen
        self._base = host + path if proxy else path

    def send(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], seconds: float
    ) -> Response | Again:
        """One request and the whole of its reply.

        Args:
            method: `GET` or `POST`.
            path: What is added to the base URL.
            body: What to send.
            headers: Beside it.
            seconds: When to give up.

        Raises:
            UsageError: The host's certificate is not trusted.
        """
        end = time.monotonic() + seconds
        try:
            return self._exchange(method, path, body, headers, end)
        except exceptions.HTTPError as why:
            return _again(why)
        except (OSError, ValueError) as why:
            return Again(Silence.UNREACHABLE, _short(why))

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], end: float
    ) -> Response | Again:
        left = max(0.001, end - time.monotonic())
        reply = self._open(
            method,
            f"{self._base}{path}{self._query}",
            body=body,
            headers=headers,
            timeout=urllib3.Timeout(left, connect=min(_CONNECT_SECONDS, left), read=left),
            retries=False,
            redirect=False,
            preload_content=False,
        )
        try:
            data = _all_of(reply)
        except BaseException:
            reply.close()
            raise
        if isinstance(data, Again):
            reply.close()
            return data
        reply.release_conn()
        return Response(reply.status, reply.headers, data)


def _all_of(reply: Any) -> bytes | Again:
    """A reply's body, unless it has no end."""
    pieces, size = [], 0
    while piece := reply.read1(1 << 20):
        pieces.append(piece)
        size += len(piece)
        if size > _MOST_BYTES:
            return Again(Silence.GARBLED, f"the reply has more than {_MOST_BYTES} bytes")
    return b"".join(pieces)


def _again(why: exceptions.HTTPError) -> Again:
    cause = why.reason if isinstance(why, exceptions.MaxRetryError) and why.reason else why
    if "CERTIFICATE_VERIFY_FAILED" in str(cause):
        raise UsageError(
            f"the endpoint's certificate is not trusted ({cause}): "
            "name its authority in the environment variable SSL_CERT_FILE"
        )
    if isinstance(cause, exceptions.TimeoutError) and not isinstance(
        cause, exceptions.NewConnectionError
    ):
        return Again(Silence.TIMEOUT, _short(cause))
    kind = "no TLS connection: " if isinstance(cause, exceptions.SSLError) else ""
    return Again(Silence.UNREACHABLE, kind + _short(cause))


def _short(why: BaseException) -> str:
    return f"{type(why).__name__}: {why!s:.200}"


def _proxy(scheme: str, host: str, environ: Mapping[str, str] | None) -> str | None:
    if environ is None:
        proxies = getproxies_environment()
    else:
        named = {name.lower(): value for name, value in environ.items()}
        proxies = {n.removesuffix("_proxy"): v for n, v in named.items() if n.endswith("_proxy")}
    if proxy_bypass_environment(host, proxies):
        return None
    return proxies.get(scheme) or proxies.get("all")


def _manager(proxy: str | None, connections: int) -> urllib3.PoolManager:
    options: dict[str, Any] = {"num_pools": 1, "maxsize": connections}
    if not proxy:
        return urllib3.PoolManager(**options)
    address = proxy if "://" in proxy else f"http://{proxy}"
    parts = urlsplit(address)
    if parts.username:
        login = f"{parts.username}:{parts.password or ''}"
        options["proxy_headers"] = urllib3.make_headers(proxy_basic_auth=login)
    try:
        return urllib3.ProxyManager(address, **options)
    except exceptions.ProxySchemeUnknown as why:
        raise UsageError(f"a proxy is an http:// or https:// address: {parts.scheme}") from why

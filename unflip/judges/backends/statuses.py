"""What an HTTP reply means: samples, another attempt, no answer to this request, or misuse."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, NamedTuple

from unflip.errors import UsageError
from unflip.judges.asking import Reply, Silence, Unanswered, Usage
from unflip.judges.backends import wire
from unflip.judges.backends.pace import Again

_AGAIN = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}
_MISUSE = {
    401: "the endpoint does not take this key: set the environment variable named by Endpoint.key",
    402: "the endpoint wants to be paid first",
    403: "the endpoint does not allow this: look at the key's permissions and the model's terms",
    404: "the endpoint has no such model or address: a base URL mostly ends in /v1",
    405: "this address takes no requests: a base URL mostly ends in /v1",
}
_ONE = Usage(requests=1)


class Response(NamedTuple):
    """An HTTP reply."""

    status: int
    headers: Mapping[str, str]
    data: bytes


def read(
    response: Response, wanted: int, *, heard_before: bool = False
) -> Reply | Again | Unanswered:
    """What a reply means.

    Args:
        response: The reply.
        wanted: How many samples were wanted; fewer may come.
        heard_before: Whether the endpoint has answered anything: then it takes the key, and what
            is forbidden is the request.

    Raises:
        UsageError: All other requests would meet with the same.

    Example:
        >>> read(Response(500, {}, b"oh"), 1).detail
        'status 500: oh'
    """
    if response.status == HTTPStatus.OK:
        return _heard(response, wanted, heard_before)
    return _failed(response, heard_before)


def _heard(response: Response, wanted: int, heard_before: bool) -> Reply | Again | Unanswered:
    try:
        body = wire.parse(response.data)
        if isinstance(body, dict) and body.get("error"):
            return _failed(response._replace(status=_status_within(body)), heard_before)
        return Reply(wire.said(body, wanted), wire.usage(body))
    except wire.Garbled as why:
        return Again(Silence.GARBLED, str(why))


def _status_within(body: Mapping[str, Any]) -> int:
    """The status of an error that comes with status 200, as gateways send it."""
    code = body["error"].get("code") if isinstance(body["error"], dict) else None
    return code if isinstance(code, int) and 400 <= code < 600 else 502


def _failed(response: Response, heard_before: bool) -> Again | Unanswered:
    status = response.status
    code, message = _complaint(response.data)
    detail = f"status {status}: {message}" if message else f"status {status}"
    if code == "insufficient_quota":
        raise UsageError(f"the endpoint's quota is used up ({detail})")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Again(Silence.THROTTLED, detail, asked_to_wait(response.headers))
    if status in _AGAIN or status >= 500:
        return Again(Silence.UNREACHABLE, detail, asked_to_wait(response.headers))
    if status in _MISUSE and not (heard_before and status == HTTPStatus.FORBIDDEN):
        raise UsageError(f"{_MISUSE[status]} ({detail})")
    if status < 400:
        where = response.headers.get("location", "elsewhere")
        raise UsageError(f"the endpoint is not here: it points to {where} (status {status})")
    return Unanswered(Silence.REFUSED, detail, _ONE)


def _complaint(data: bytes) -> tuple[str, str]:
    try:
        code, message = wire.complaint(wire.parse(data))
    except wire.Garbled:
        code, message = "", data[:200].decode("utf-8", "replace").strip()
    return code, " ".join(message.split())[:300]


def asked_to_wait(headers: Mapping[str, str]) -> float | None:
    """The seconds that a server asks to wait for: as a number, or until a date by its own clock.

    Example:
        >>> asked_to_wait({"retry-after": "3"}), asked_to_wait({"retry-after-ms": "250"})
        (3.0, 0.25)
        >>> asked_to_wait({"retry-after": "Wed, 21 Oct 2026 07:28:09 GMT",
        ...                "date": "Wed, 21 Oct 2026 07:28:00 GMT"})
        9.0
    """
    lower = {name.lower(): value for name, value in headers.items()}
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        seconds = _number(lower.get(name))
        if seconds is not None:
            return max(0.0, seconds * unit)
    until = _date(lower.get("retry-after"))
    now = _date(lower.get("date")) or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds()) if until else None


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _date(text: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(text or "")
    except (TypeError, ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)

"""Asks a person on a page in the browser, which only this machine and this address can open."""

from __future__ import annotations

import json
import secrets
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from hmac import compare_digest
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from string import Template
from threading import Lock
from typing import Any

from unflip.errors import UsageError
from unflip.labelling.session import Question, Session
from unflip.labelling.view import runs, view_of
from unflip.report.excerpt import Excerpt

_HERE = "127.0.0.1"
_ANSWERS: dict[str, bool | None] = {"correct": True, "wrong": False, "skip": None}
_SAID = {correct: word for word, correct in _ANSWERS.items()}
_MOST_BYTES = 1000
_PATIENCE = 10
"""Seconds that a client may take to say what it wants."""


def serve(session: Session, *, port: int = 0, announce: Callable[[str], None]) -> None:
    """Ask on a page, until all is asked or the person stops.

    Ctrl-C stops too. Whatever was answered is in the book.

    Args:
        session: What to ask. If all is asked already, there is no page.
        port: Where to listen on 127.0.0.1; 0 for any that is free.
        announce: Called once with the page's address, which holds a secret.

    Raises:
        UsageError: The port is taken.
        DataError: An answer cannot be written.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from unflip.labelling import Book
        >>> nobody = lambda label_N, skipped_N: np.array([], dtype=int)
        >>> with tempfile.TemporaryDirectory() as folder, Book(f"{folder}/labels.jsonl") as book:
        ...     serve(Session([], nobody, [].__getitem__, book, budget=1), announce=print)
    """
    if session.question() is None:
        return
    desk = _Desk(session)
    try:
        server = _Server(port, desk)
    except OSError as why:
        raise UsageError(f"port {port} cannot be used ({why.strerror}): choose another") from why
    with server:
        announce(server.address)
        try:
            server.serve_forever(poll_interval=0.1)
        except KeyboardInterrupt:
            pass
        finally:
            desk.close()
    if desk.failure is not None:
        raise desk.failure


class _Desk:
    """The session, for one visitor at a time."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = Lock()
        self.over = False
        self.failure: Exception | None = None

    def state(self) -> dict[str, Any]:
        """What the page shows now."""
        with self._guarded():
            return self._state()

    def act(self, key: str | None, do: str) -> dict[str, Any] | None:
        """Do what a page that showed the question of this key asks for; None if it is another.

        So a click that comes twice, or from a page that is behind, labels nothing by accident.
        """
        with self._guarded():
            question = None if self.over else self._session.question()
            if question is None or question.sample.key != key:
                return None
            self._do(do)
            return self._state()

    def close(self) -> None:
        """Let nobody answer any more."""
        with self._lock:
            self.over = True

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except Exception as why:  # of whatever kind: it is raised where `serve` was called
                self.failure, self.over = why, True
                raise

    def _do(self, do: str) -> None:
        if do == "stop":
            self.over = True
        elif do == "back":
            self._session.back()
        else:
            self._session.answer(_ANSWERS[do])
            self.over = self._session.question() is None

    def _state(self) -> dict[str, Any]:
        question = self._session.question()
        return {
            "over": self.over,
            "done": self._session.done,
            "answered": self._session.answered,
            "back": self._session.can_go_back,
            "lines": [runs(line) for line in self._session.lines()],
            "question": None if question is None else _told(question),
        }


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, desk: _Desk) -> None:
        self.desk = desk
        self.token = secrets.token_urlsafe(24)
        self.page, self.policy = _page()
        super().__init__((_HERE, port), _Handler)
        self.hosts = tuple(f"{name}:{self.server_port}" for name in (_HERE, "localhost"))
        self.address = f"http://{self.hosts[0]}/{self.token}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of visitors that hang up, and of errors that `serve` raises."""
        if self.desk.failure is None and not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _PATIENCE
    server_version = "unflip"
    sys_version = ""

    def do_GET(self) -> None:
        """The page, and what it shows."""
        asked = self._asked()
        if asked == "":
            self._send(HTTPStatus.OK, self.server.page, "text/html; charset=utf-8")
        elif asked == "state":
            self._reply(self.server.desk.state)
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        """An answer, a step back, or the end."""
        if self._asked() != "act" or self.headers.get("Origin") not in self._origins:
            self.send_error(HTTPStatus.NOT_FOUND)
        elif (wish := self._wish()) is None:
            self.send_error(HTTPStatus.BAD_REQUEST)
        else:
            self._reply(partial(self.server.desk.act, *wish))

    def _reply(self, act: Callable[[], dict[str, Any] | None]) -> None:
        desk = self.server.desk
        try:
            state = act()
            status = HTTPStatus.CONFLICT if state is None else HTTPStatus.OK
            body = json.dumps(state or desk.state()).encode()
            self._send(status, body, "application/json")
        finally:
            if desk.over:
                self.server.shutdown()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """A refusal, which tells nobody what is here."""
        self.close_connection = True
        self._send(HTTPStatus(code), HTTPStatus(code).phrase.encode(), "text/plain")

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the terminal is the person's, and addresses hold the secret."""

    @property
    def _origins(self) -> tuple[str, ...]:
        return tuple(f"http://{host}" for host in self.server.hosts)

    def _asked(self) -> str | None:
        """What is asked for behind the secret; None if the secret or who asks is wrong.

        A page elsewhere may reach this server by a name that it points to 127.0.0.1; its Host
        says so.
        """
        _, _, path = self.path.partition("/")
        token, slash, asked = path.partition("/")
        known = compare_digest(token.encode(), self.server.token.encode())
        if not (known and slash and self.headers.get("Host") in self.server.hosts):
            return None
        return asked

    def _wish(self) -> tuple[str | None, str] | None:
        """The key that the page showed, and what to do; None if it cannot be read."""
        if self.headers.get_content_type() != "application/json":
            return None
        try:
            size = int(self.headers.get("Content-Length", ""))
            wish: Any = json.loads(self.rfile.read(size)) if 0 < size <= _MOST_BYTES else None
            key, do = wish["key"], wish["do"]
        except (ValueError, TypeError, KeyError, RecursionError, OSError):
            return None
        known = isinstance(do, str) and do in (*_ANSWERS, "back", "stop")
        return (key, do) if known and isinstance(key, str) else None

    def _send(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Content-Security-Policy": self.server.policy,
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _told(question: Question) -> dict[str, Any]:
    """A question as JSON: texts in runs, so that the page need not know what is hidden."""
    view = view_of(question.sample)
    return {
        "key": question.sample.key,
        "number": question.number,
        "of": question.of,
        "said": None if question.said is None else _SAID[question.said.correct],
        "prompt": _part(view.question),
        "references": [_part(reference) for reference in view.references],
        "completion": _part(view.completion),
    }


def _part(part: Excerpt) -> dict[str, Any]:
    return {"before": part.before, "runs": runs(part.text)}


def _page() -> tuple[bytes, str]:
    """The page, and the policy that lets it run its own script and style and nothing else."""
    here = files("unflip.labelling")
    style, script = ((here / f"page.{kind}").read_text("utf-8") for kind in ("css", "js"))
    page = Template((here / "page.html").read_text("utf-8")).substitute(style=style, script=script)
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return page.encode(), policy


def _hash(source: str) -> str:
    return f"sha256-{b64encode(sha256(source.encode()).digest()).decode()}"

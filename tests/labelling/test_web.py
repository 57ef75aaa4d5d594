"""The page answers its own address only, labels what it shows only, and ends in order."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from urllib.parse import urlsplit

import pytest

from unflip.errors import DataError, UsageError
from unflip.labelling import Book, read_labels
from unflip.labelling.web import serve
from unflip.types import Sample

JSON = "application/json"
HOSTILE = [
    "</script><script>alert(1)</script><img src=x onerror=alert(1)>",
    "\x1b[2J\u202eabc\u200b\ud800\0",
    "\0" * 1_000_000,
    "so it goes " * 100_000,
    "",
]


class Browser:
    """A client of the page."""

    def __init__(self, address):
        self.address = address
        self.url = urlsplit(address)
        self.origin = f"http://{self.url.netloc}"

    def ask(self, method, path, body=None, **headers):
        """A request; the status, the headers and the body of the reply."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        # Closed also where the server ends first, and there is no reply.
        with closing(
            http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=30)
        ) as wire:
            wire.request(method, path, body, {k: v for k, v in given.items() if v is not None})
            reply = wire.getresponse()
            return reply.status, reply.headers, reply.read()

    def get(self, path="", **headers):
        """A GET below the secret."""
        return self.ask("GET", self.url.path + path, **headers)

    def state(self):
        """What the page shows."""
        return json.loads(self.get("state")[2])

    def post(self, key, do, **headers):
        """An answer as the page sends it; the status, and the state after it."""
        headers = {"Origin": self.origin, "Content_Type": JSON} | headers
        body = json.dumps({"key": key, "do": do})
        status, _, told = self.ask("POST", f"{self.url.path}act", body, **headers)
        return status, json.loads(told) if told.startswith(b"{") else told

    def answer(self, do):
        """Do it with the question that is shown now."""
        return self.post(self.state()["question"]["key"], do)


@contextmanager
def serving(session):
    """The server in a thread; it is stopped, if it was not yet, and what it raised is raised."""
    addresses, known = [], threading.Event()

    def announce(address):
        addresses.append(address)
        known.set()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(serve, session, announce=announce)
        future.add_done_callback(lambda _: known.set())
        known.wait()
        browser = Browser(addresses[0])
        try:
            yield browser
        finally:
            with suppress(OSError, http.client.HTTPException):
                if not browser.state()["over"]:
                    browser.answer("stop")
            future.result()


@pytest.fixture
def browser(desk, book):
    """A client of a page with the desk's questions."""
    with serving(desk.sit(book)) as browser:
        yield browser


def test_a_sitting_on_the_page(desk, book):
    """Answers, cannot tell, back: the labels are what was said, and the end ends the server."""
    with serving(desk.sit(book)) as browser:
        first = browser.state()
        assert (first["question"]["number"], first["question"]["of"], first["back"]) == (1, 10, 0)
        browser.answer("correct")
        browser.answer("wrong")
        _, again = browser.answer("back")
        assert again["question"]["said"] == "wrong"
        browser.answer("skip")
        for _ in range(5):
            status, last = browser.answer("wrong")
        assert (status, last["over"], last["question"]) == (200, True, None)
        assert last["answered"] == 7
        assert last["lines"] == [[["2 correct", False]]]
    answers = list(read_labels(desk.path).values())
    assert answers == [True, None] + [False] * 5


def test_stop_ends_the_server(desk, book):
    """After q nobody listens, and what was answered is kept."""
    with serving(desk.sit(book)) as browser:
        browser.answer("correct")
        status, last = browser.answer("stop")
        assert (status, last["over"], last["answered"]) == (200, True, 1)
    with pytest.raises(ConnectionRefusedError):
        browser.get()
    assert len(read_labels(desk.path)) == 1


def test_nothing_to_ask_serves_nothing(desk, book):
    """If all is asked already, there is no page, and `serve` returns."""
    for sample in desk.samples:
        book.put(sample, True)
    told = []
    serve(desk.sit(book), announce=told.append)
    assert told == []


def test_a_repeated_answer_labels_nothing_else(browser, desk):
    """An answer to a question that is no longer shown is told so, and labels nothing."""
    shown = browser.state()["question"]["key"]
    assert browser.post(shown, "correct")[0] == 200
    status, state = browser.post(shown, "wrong")
    assert status == 409
    assert state["question"]["key"] != shown
    assert browser.post(shown, "back")[0] == browser.post(shown, "stop")[0] == 409
    assert read_labels(desk.path) == {shown: True}


def test_many_tabs_label_each_row_once(browser, desk):
    """Of many answers to one question at once, one counts, and the others label nothing."""
    shown = browser.state()["question"]["key"]
    with ThreadPoolExecutor(8) as tabs:
        statuses = list(tabs.map(lambda _: browser.post(shown, "correct")[0], range(16)))
    assert sorted(statuses) == [200] + [409] * 15
    assert len(desk.path.read_text().splitlines()) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": None},
        {"Origin": "https://127.0.0.1"},
        {"Content_Type": "text/plain"},
        {"Content_Type": "application/x-www-form-urlencoded"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1"},
    ],
    ids=str,
)
def test_other_pages_cannot_answer(browser, desk, headers):
    """An answer from a page elsewhere, or by another name of this machine, is refused."""
    shown = browser.state()["question"]["key"]
    assert browser.post(shown, "correct", **headers)[0] in (400, 404)
    assert read_labels(desk.path) == {}


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:1", "", "127.0.0.1.evil.example"])
def test_another_host_is_refused(browser, host):
    """A page whose name was pointed at this machine reads nothing."""
    for path in ("", "state"):
        status, _, body = browser.get(path, Host=host)
        assert (status, body) == (404, b"Not Found")


def test_without_the_secret_there_is_nothing(browser):
    """Whatever is asked for without the whole secret, or beside the page, is not found."""
    secret = browser.url.path.strip("/")
    beside = ("page.css", "../web.py", "act", "%2e%2e/", "?", "//")
    paths = ["/", "//", "/\xe9tat/", f"/{secret}", f"/{secret[:-1]}/", f"/{secret}x/state"]
    for path in [*paths, *(f"/{secret}/{name}" for name in beside)]:
        assert raw(browser, f"GET {path} HTTP/1.1")[:12] == "HTTP/1.0 404", path


def raw(browser, line, headers="", body=b""):
    """Send a request just as it is given; the reply as text."""
    host = f"Host: {browser.url.netloc}\r\n"
    with socket.create_connection((browser.url.hostname, browser.url.port), timeout=30) as wire:
        wire.sendall(f"{line}\r\n{host}{headers}\r\n".encode("latin-1") + body)
        return wire.makefile("rb").read().decode("latin-1")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "NONSENSE"])
def test_other_methods_are_refused(browser, method):
    """What is neither GET nor POST is refused, even with the secret."""
    assert " 501 " in raw(browser, f"{method} {browser.url.path} HTTP/1.1").splitlines()[0]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"key": null, "do": "correct"}',
        b'{"key": "KEY", "do": "label all"}',
        b'{"key": "KEY", "do": ["correct"]}',
        b"[" * 900,
        b"\xff\xfe",
        b'{"key": "KEY", "do": "correct"}' + b" " * 2000,
    ],
)
def test_a_nonsense_answer_is_refused(browser, desk, body):
    """What is no answer is a bad request, and labels nothing."""
    body = body.replace(b"KEY", browser.state()["question"]["key"].encode())
    headers = {"Origin": browser.origin, "Content_Type": JSON}
    assert browser.ask("POST", f"{browser.url.path}act", body, **headers)[0] == 400
    assert read_labels(desk.path) == {}


@pytest.mark.parametrize("size", ["-1", "x", "99999999999", None])
def test_a_false_size_is_refused(browser, size):
    """A length that is none, or too large, is a bad request."""
    told = f"Origin: {browser.origin}\r\nContent-Type: {JSON}\r\n"
    told += "" if size is None else f"Content-Length: {size}\r\n"
    reply = raw(browser, f"POST {browser.url.path}act HTTP/1.1", told)
    assert " 400 " in reply.splitlines()[0]


def test_the_page_may_do_nothing_else(browser):
    """The page runs its own script only, loads nothing, and is neither framed nor kept."""
    status, headers, body = browser.get()
    policy = headers["Content-Security-Policy"]
    assert status == 200
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    page = body.decode()
    assert page.startswith("<!doctype html>")
    assert "http" not in page
    assert "innerHTML" not in page


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_contained(make_desk, text):
    """Text of a model is not in the page, comes as JSON, and what hides in it is spelled out."""
    desk = make_desk([Sample(text, text or None, prompt=text, id=text), Sample("next")])
    with Book(desk.path) as book, serving(desk.sit(book)) as browser:
        page = browser.get()[2].decode()
        assert text not in page or not text
        assert len(browser.get("state")[2]) < 1_000_000
        question = browser.state()["question"]
        parts = [question["prompt"], question["completion"], *question["references"]]
        shown = "".join(piece for part in parts for piece, _ in part["runs"])
        assert all(char.isprintable() or char == "\n" for char in shown)
        browser.answer("correct")
    assert read_labels(desk.path)[desk.samples[0].key] is True


def test_the_page_is_blind(make_desk):
    """Neither a label nor what a judge said is sent."""
    meta = {"judge": "ANCHOR"}
    desk = make_desk([Sample("4", "4", correct=False, stratum="ANCHOR", meta=meta)])
    with Book(desk.path) as book, serving(desk.sit(book)) as browser:
        assert "ANCHOR" not in json.dumps(browser.state())


def test_what_cannot_be_kept_is_raised(desk):
    """If an answer cannot be written, the server ends, and `serve` raises."""
    book = Book(desk.path)

    def broken(sample, correct, seconds=None):
        raise DataError("the disk is full")

    book.put = broken
    with pytest.raises(DataError, match="disk is full"):
        try_to_answer(desk.sit(book))
    book.close()


def try_to_answer(session):
    """Answer, where no answer can be kept."""
    with serving(session) as browser, suppress(OSError, http.client.HTTPException):
        browser.answer("correct")


def test_a_taken_port_is_a_usage_error(desk, book):
    """A port that somebody has is told, with what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port}.*choose another"):
            serve(desk.sit(book), port=port, announce=print)


def test_only_this_machine_is_listened_to(browser):
    """The address is one of this machine alone, and the secret is long."""
    assert browser.url.hostname == "127.0.0.1"
    assert len(browser.url.path) > 30


PROGRAM = """
    import sys
    import numpy as np
    from unflip.labelling import Book, Session
    from unflip.labelling.web import serve
    from unflip.types import Sample

    samples = [Sample(f"it is {n}", "4") for n in range(3)]
    choose = lambda label_N, skipped_N: np.flatnonzero(np.isnan(label_N) & ~skipped_N)
    with Book(sys.argv[1]) as book:
        keys = [sample.key for sample in samples]
        session = Session(keys, choose, samples.__getitem__, book, budget=3)
        serve(session, announce=lambda address: print(address, flush=True))
    print("AFTER")
"""


def test_an_interruption_is_orderly(tmp_path):
    """Ctrl-C ends the server like q does, with an idle visitor too, and says nothing of it."""
    path = tmp_path / "labels.jsonl"
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM), str(path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        browser = Browser(process.stdout.readline().strip())
        browser.answer("wrong")
        with socket.create_connection((browser.url.hostname, browser.url.port)):
            process.send_signal(signal.SIGINT)
            assert process.stdout.read() == "AFTER\n"
        assert process.wait() == 0
        assert process.stderr.read() == ""
    assert list(read_labels(path).values()) == [False]

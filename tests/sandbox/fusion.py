"""A server that speaks SandboxFusion's `/run_code` over real sockets, with faults on demand."""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from unflip.sandbox import Limits, Program, Status, shared

_KEPT = 1 << 20


class Plan:
    """How the server behaves, and what it has met with.

    Args:
        faults: What goes wrong with the first requests, one after the other: a status, `cut`,
            `drop`, `junk`, `error`, or None for nothing; the last one holds from then on.
    """

    def __init__(self, *faults):
        self.faults, self.bodies, self.at_once, self.most = list(faults), [], 0, 0
        self.turn = threading.Lock()

    def fault(self):
        """What goes wrong with the next request."""
        with self.turn:
            return self.faults.pop(0) if len(self.faults) > 1 else (self.faults or [None])[0]


def answer(asked):
    """What SandboxFusion says of a request, by our own sandbox."""
    limits = Limits(cpu=30, wall=asked["run_timeout"], memory=asked["memory_limit_MB"] << 20)
    ended = shared().run(Program(asked["code"], asked["stdin"].encode()), limits)
    late = ended.status in (Status.WALL, Status.CPU)
    code = None if late else ended.exit if ended.exit is not None else -9
    run = {
        "status": "TimeLimitExceeded" if late else "Finished", "execution_time": ended.wall,
        "return_code": code, "stdout": ended.stdout[:_KEPT].decode(errors="replace"),
        "stderr": ended.stderr[:_KEPT].decode(errors="replace"),
    }  # fmt: skip
    status = "Success" if code == 0 else "Failed"
    return {"status": status, "message": "", "compile_result": None, "run_result": run, "files": {}}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        plan = self.server.plan
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with plan.turn:
            plan.bodies.append(asked)
            plan.at_once += 1
            plan.most = max(plan.most, plan.at_once)
        try:
            self._answer(asked, plan.fault())
        finally:
            with plan.turn:
                plan.at_once -= 1

    def _answer(self, asked, fault):
        if fault == "drop":
            self.close_connection = True
            return
        if fault == "error":
            run = {"status": "Error", "stderr": "exception on running command"}
            said = {"status": "SandboxError", "message": "no", "run_result": run}
        else:
            said = {} if fault else answer(asked)
        text = b"<html>" if fault == "junk" else json.dumps(said).encode()
        self.send_response(fault if isinstance(fault, int) else 200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text[: len(text) // 2] if fault == "cut" else text)
        self.close_connection = fault == "cut"

    def log_message(self, *_):
        """Nothing."""


@contextlib.contextmanager
def serving(plan):
    """The address of a server with a plan, for as long as the block runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads, server.plan = True, plan
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

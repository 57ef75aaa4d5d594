"""The Docker backend's parts, without an engine: what one is asked, what is sent and read."""

import json
import socket
import struct
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.errors import UsageError
from unflip.sandbox import (
    Call,
    Container,
    Docker,
    Level,
    Limits,
    Program,
    SandboxUnavailable,
)
from unflip.sandbox.codec import parse
from unflip.sandbox.docker.container import sources
from unflip.sandbox.docker.engine import Attached
from unflip.sandbox.slot import Slot
from unflip.verifiers.code import Code

SECONDS = 30.0


class Recorder:
    """Stands where an engine would, and notes what is to be removed."""

    def __init__(self):
        self.removed = []

    def remove(self, container):
        self.removed.append(container)


@pytest.fixture
def attached():
    """What carries a server, and the engine's end of its stream."""
    ours, theirs = socket.socketpair()
    carrier = Attached(Recorder(), "abc", ours)
    yield carrier, theirs
    carrier.end()
    theirs.close()


def chunk(kind, data):
    """A piece of a stream as an engine sends it."""
    return struct.pack("!BxxxI", kind, len(data)) + data


@given(
    chunks=st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=50)), max_size=12),
    size=st.integers(1, 20),
)
def test_outputs_are_told_apart(chunks, size):
    """However an engine cuts them: the one is the reply, the other the log."""
    ours, theirs = socket.socketpair()
    carrier = Attached(Recorder(), "abc", ours)
    theirs.sendall(b"".join(chunk(*one) for one in chunks))
    theirs.close()
    read = b""
    while part := carrier.receive(size, time.monotonic() + SECONDS):
        read += part
    carrier.end()
    assert read == b"".join(data for kind, data in chunks if kind == 1)
    assert (
        carrier.said().encode(errors="ignore")
        in b"".join(data for kind, data in chunks if kind == 2).decode(errors="replace").encode()
    )


def test_silence_ends_in_time(attached):
    """Who waits for a server that says nothing is not kept."""
    carrier, _ = attached
    with pytest.raises(TimeoutError):
        carrier.receive(1, time.monotonic() + 0.01)


def test_the_end_removes_once(attached):
    """A container is removed when its carrier ends, however often that is said."""
    carrier, _ = attached
    carrier.end()
    carrier.end()
    assert carrier._engine.removed == ["abc"]


@pytest.mark.parametrize("level", [Level.NAMESPACES, Level.LANDLOCK])
def test_a_container_is_shut_in(level):
    """Nothing of an engine's usual openness is left, at any level."""
    host = Container("python").config(level)["HostConfig"]
    assert (host["CapDrop"], host["NetworkMode"], host["IpcMode"]) == (["ALL"], "none", "none")
    assert host["ReadonlyRootfs"]
    assert host["AutoRemove"]
    assert host["LogConfig"] == {"Type": "none"}
    assert host["Memory"] == host["MemorySwap"] > 0
    assert host["PidsLimit"] > 0
    assert host["SecurityOpt"][0] == "no-new-privileges"
    filter_ = json.loads(host["SecurityOpt"][1].removeprefix("seccomp="))
    assert filter_["defaultAction"] == "SCMP_ACT_ERRNO"
    assert not {"ptrace", "socket", "bpf", "keyctl"} & set(filter_["syscalls"][0]["names"])
    assert "Binds" not in host
    assert "Privileged" not in host


class Piped:
    """Carries a server that was begun as in a container, in a process of this machine."""

    def __init__(self):
        asked = Container("python").config(Level.UNSAFE)
        command = [sys.executable, *asked["Entrypoint"][1:], *asked["Cmd"]]
        pipe = subprocess.PIPE
        self._child = subprocess.Popen(command, stdin=pipe, stdout=pipe, bufsize=0, env={}, cwd="/")
        self._child.stdin.write(sources())
        self.server = "piped"

    def send(self, data, until):
        return self._child.stdin.write(data)

    def receive(self, size, until):
        return self._child.stdout.read(size)

    def said(self):
        return ""

    def end(self):
        self._child.communicate()


def test_what_is_sent_is_all_that_a_server_needs():
    """An interpreter that knows nothing of us becomes a server by what it reads, and runs."""
    slot = Slot(Piped(), Level.UNSAFE)
    ended = slot.run(Program("def f(x): return x", calls=[Call("f", (7,))]), Limits())
    slot.end()
    assert (ended.exit, parse(ended.records)) == (0, {"id": 0, "value": 7})


def test_an_old_python_is_named():
    """An image whose Python is too old says so, and not what goes wrong later."""
    clean = Container("python").config(Level.LANDLOCK)["Entrypoint"][-1]
    older = f"import sys; sys.version_info = (3, 9, 2)\n{clean}"
    done = subprocess.run([sys.executable, "-c", older], capture_output=True, text=True)
    assert "is 3.9, and 3.11 is needed" in done.stderr


def test_without_the_sdk_it_says_what_to_install(monkeypatch):
    """The package is an extra."""
    monkeypatch.setitem(sys.modules, "docker", None)
    with pytest.raises(SandboxUnavailable, match=r"pip install 'unflip\[docker\]'"):
        Docker().run(Program("pass"), Limits())


@pytest.mark.parametrize(
    "options",
    [
        {"image": ""},
        {"image": 3},
        {"runtime": 3},
        {"memory": 1},
        {"memory": True},
        {"pids": 1.5},
    ],
)
def test_a_container_that_means_nothing_is_refused(options):
    """Before an engine is asked."""
    with pytest.raises(UsageError):
        Container(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"backend": "podman"},
        {"image": "python"},
        {"runtime": "kata"},
        {"backend": "docker", "image": 3},
    ],
)
def test_a_verifier_in_containers_that_means_nothing_is_refused(options):
    """Words for containers are refused where there are none."""
    with pytest.raises(UsageError):
        Code(**options)


def test_where_programs_run_is_part_of_who_decides():
    """Verdicts from another image are another verifier's."""
    made = [Code(), Code(backend="docker"), Code(backend="docker", image="python:3.13-slim")]
    assert len({one.by for one in made}) == len(made)

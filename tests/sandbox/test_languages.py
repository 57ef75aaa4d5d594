"""Programs in other languages, with their real tools: what they see, and what is built once."""

import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sandbox.seeing import below, name_of
from unflip.errors import UsageError
from unflip.sandbox import (
    Call,
    Embedded,
    Level,
    Limits,
    Program,
    Result,
    SandboxError,
    SandboxUnavailable,
    Status,
    building,
    frames,
    prepared,
)
from unflip.sandbox.bpf import ALLOW, refuse, run
from unflip.sandbox.codec import parse
from unflip.sandbox.languages import TABLE, WRITTEN, Way, named
from unflip.sandbox.seccomp import build, for_process
from unflip.sandbox.slot import Slot
from unflip.sandbox.syscalls import BECOMING, CHECKED, MACHINES, PROCESSES, numbers
from unflip.sandbox.tools import BROKEN, KILLED, blamed

LIMITS = Limits(cpu=5)
ROOT = Path(__file__).parents[2]
SUM = "#include <bits/stdc++.h>\nint main() { int a, b; std::cin >> a >> b; std::cout << a + b; }"


def needs(tool):
    """Skip where a tool is missing, and say so."""
    return pytest.mark.skipif(shutil.which(tool) is None, reason=f"there is no {tool} here")


@pytest.fixture(scope="module", params=[Level.NAMESPACES, Level.LANDLOCK], ids=lambda one: one.word)
def sandbox(request):
    """A sandbox at each level; skipped, with the reason, where the machine cannot reach it."""
    with Embedded(minimum=request.param, most=request.param, size=1) as made:
        try:
            assert made.level is request.param
        except SandboxUnavailable as why:
            pytest.skip(str(why))
        yield made


def ran(sandbox, code, stdin=b"", *, language, calls=None):
    """How a program ended."""
    ready = prepared(sandbox, Program(code, stdin, calls=calls, language=language))
    return ready if isinstance(ready, Result) else sandbox.run(ready, LIMITS)


@needs("g++")
def test_cpp_is_built_and_run(sandbox):
    """Its output is that of the program, with the whole library at hand."""
    ended = ran(sandbox, SUM, b"20 22", language="cpp")
    assert (ended.status, ended.stdout) == (Status.FINISHED, b"42")


@needs("g++")
def test_what_was_built_is_not_built_again(sandbox, monkeypatch):
    """The same source gives the same program, and no second run of the compiler; nor do faults."""
    source = "int main() { return 3; }"
    first = prepared(sandbox, Program(source, language="cpp"))
    broken = prepared(sandbox, Program("int main( {", language="cpp"))
    monkeypatch.setattr(building, "_built", None)
    again = prepared(sandbox, Program(source, b"input", language="cpp"))
    assert (again.code, again.stdin, again.language) == (first.code, b"input", "native")
    assert prepared(sandbox, Program("int main( {", language="cpp")) == broken


@needs("g++")
@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("int main( {", "error: expected"),
        ("int f();\nint main() { return f(); }", "undefined reference"),
        ("#include <no/such/file>\nint main() {}", "No such file"),
        ('asm("no_such_instruction");\nint main() {}', "no such instruction"),
        ("", "undefined reference"),
    ],
)
def test_a_broken_source_says_what_is_wrong(sandbox, source, said):
    """It is the source's fault, whichever tool found it, and its first error is told."""
    ended = ran(sandbox, source, language="cpp")
    assert ended.status is Status.BROKEN
    assert said in ended.stderr.decode()
    assert ended.last_error


@needs("g++")
@pytest.mark.parametrize(
    ("source", "status", "exit_"),
    [
        ("int main() { return 3; }", Status.FAILED, 3),
        ("int main() { __builtin_trap(); }", Status.SIGNALLED, None),
        ("int main() { int *p = 0; *(volatile int *)p = 1; }", Status.SIGNALLED, None),
        ("#include <stdexcept>\nint main() { throw std::runtime_error(\"x\"); }",
         Status.SIGNALLED, None),
    ],
)  # fmt: skip
def test_a_built_program_ends_as_the_kernel_says(sandbox, source, status, exit_):
    """Exit status and signal are told apart."""
    ended = ran(sandbox, source, language="cpp")
    assert (ended.status, ended.exit) == (status, exit_)


SLOW = """
constexpr long f(long n) { return n < 2 ? n : f(n - 1) + f(n - 2); }
constexpr long x = f(60);
int main() {}
"""


@needs("g++")
@pytest.mark.parametrize("level", [Level.NAMESPACES, Level.LANDLOCK])
def test_a_build_ends_with_a_caller_that_was_killed(level):
    """The compiler too, which is a child of a child of the server's."""
    code = textwrap.dedent(f"""
        from unflip.sandbox import Embedded, Level, Limits, Program, prepared
        sandbox = Embedded(minimum=Level({int(level)}), most=Level({int(level)}), size=1)
        sandbox.run(Program("pass"), Limits())
        print(*sandbox.servers, flush=True)
        prepared(sandbox, Program({SLOW!r}, language="cpp"))
    """)
    caller = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT)
    server = int(caller.stdout.readline())
    while not (found := [pid for pid in below(server) if "cc1plus" in name_of(pid)]):
        time.sleep(0.01)
    caller.kill()
    caller.communicate()
    while any("cc1plus" in name_of(pid) for pid in found):
        time.sleep(0.01)


@needs("g++")
def test_a_build_that_is_stopped_leaves_no_compiler(sandbox):
    """When it is answered, all that it started is dead."""
    sandbox.run(Program("pass"), LIMITS)
    before = [below(pid) for pid in sandbox.servers]
    ended = sandbox.run(Program(SLOW, language="cpp"), Limits(cpu=0.3, wall=30))
    assert ended.status is Status.CPU
    assert [below(pid) for pid in sandbox.servers] == before


class Ending:
    """A backend whose builds end as they are told to, one after the other."""

    level = Level.LANDLOCK

    def __init__(self, *ends):
        self.ends, self.alone = list(ends), []

    def run(self, program, limits, *, alone=False):
        self.alone.append(alone)
        status, exit_ = self.ends.pop(0)
        made = b"made" if status is Status.FINISHED else b""
        return Result(status, self.level, b"", b"", made, exit_, 0.0, 0.0, 0)

    def close(self):
        pass


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ([(Status.FAILED, KILLED), (Status.FAILED, KILLED)], "failed"),
        ([(Status.FAILED, 125), (Status.FAILED, 125)], "failed"),
        ([(Status.SIGNALLED, None), (Status.SIGNALLED, None)], "signalled"),
        ([(Status.FINISHED, 0)], None),
        ([(Status.WALL, None), (Status.FINISHED, 0)], None),
        ([(Status.FAILED, KILLED), (Status.FINISHED, 0)], None),
    ],
)
def test_a_build_that_the_machine_broke_off_is_nobodys_fault(ends, said):
    """It has a second try, alone, and raises if that is broken off too."""
    backend = Ending(*ends)
    if said is None:
        assert prepared(backend, Program("", language="cpp")).code == b"made"
    else:
        with pytest.raises(SandboxError, match=said):
            prepared(backend, Program("", language="cpp"))
    assert backend.alone == [False, True][: len(ends)]


@pytest.mark.parametrize("status", [Status.CPU, Status.MEMORY, Status.OUTPUT, Status.POLICY])
def test_a_build_that_passes_a_limit_is_the_sources_fault(status):
    """Whatever the limit, and it is remembered."""
    backend = Ending((status, None))
    broken = prepared(backend, Program("", language="cpp"))
    assert broken.status is Status.BROKEN
    assert prepared(backend, Program("", language="cpp")) is broken


def test_a_build_that_is_slow_alone_too_is_the_sources_fault_and_is_not_remembered():
    """A source that takes the compiler longer than it may gets a verdict, and no abstention."""
    slow, done = (Status.WALL, None), (Status.FINISHED, 0)
    backend = Ending(slow, slow, done)
    assert prepared(backend, Program("", language="cpp")).status is Status.WALL
    assert prepared(backend, Program("", language="cpp")).code == b"made"
    assert backend.alone == [False, True, False]


@pytest.mark.parametrize(
    ("code", "left", "status"),
    [
        (-9, 0.03, BROKEN),
        (-9, -0.5, BROKEN),
        (-9, 12, KILLED),
        (-11, 12, BROKEN),
        (126, 12, KILLED),
    ],
)
def test_a_compiler_that_was_killed_for_its_time_is_the_sources_fault(code, left, status):
    """Also if our clock is a little behind the kernel's; killed earlier, it is somebody else's."""
    assert blamed(code, left) == status


def test_what_is_kept_of_builds_is_bounded(monkeypatch):
    """The source that nobody asked for longest is built anew."""
    monkeypatch.setattr(building, "_KEPT", 2 * 1004)
    backend = Ending(*[(Status.FINISHED, 0)] * 4)
    for source in ("a", "b", "a", "c", "a", "b"):
        prepared(backend, Program(source, language="cpp"))
    assert len(backend.alone) == 4


JAVASCRIPT = [
    ("console.log(1 + 1)", "2\n"),
    ("console.log(require('fs').readFileSync('/dev/stdin', 'utf8').split('\\n').length)", "3\n"),
    ("console.log(require('fs').readFileSync(0).toString().trim())", "one\ntwo\n"),
    ("process.stdin.on('data', (d) => process.stdout.write(d))", "one\ntwo\n"),
    ("require('readline').createInterface({ input: process.stdin })"
     ".on('line', (l) => console.log(l)).on('close', () => console.log('end'))",
     "one\ntwo\nend\n"),
    ("const { createReadStream: r } = require('fs'); r('/dev/stdin', 'utf8').on('data', "
     "(d) => console.log(d.length))", "8\n"),
    ("if (require.main === module) console.log(process.argv.length, typeof exports)", "2 object\n"),
    ("setTimeout(() => console.log('late'), 5); console.log('soon')", "soon\nlate\n"),
    ("(async () => { await 0; console.log('waited') })()", "waited\n"),
    ("#!/usr/bin/env node\nconsole.log('é中')", "é中\n"),
    ("console.log(10n ** 20n, [3, 1, 2].sort(), new Map([[1, 2]]))",
     "100000000000000000000n [ 1, 2, 3 ] Map(1) { 1 => 2 }\n"),
    ("const { Worker } = require('worker_threads');"
     "new Worker('console.log(7)', { eval: true })", "7\n"),
]  # fmt: skip


@needs("node")
@pytest.mark.parametrize(("code", "printed"), JAVASCRIPT)
def test_javascript_runs_as_under_plain_node(sandbox, code, printed):
    """Its output is that of `node main.js`."""
    ended = ran(sandbox, code, b"one\ntwo\n", language="javascript")
    assert (ended.status, ended.stdout.decode()) == (Status.FINISHED, printed), ended.stderr


@needs("node")
@pytest.mark.parametrize(
    ("code", "exit_", "said"),
    [
        ("throw new TypeError('wrong')", 1, "TypeError: wrong"),
        ("setTimeout(() => { throw new Error('late') })", 1, "Error: late"),
        ("Promise.reject(new Error('broken'))", 1, "Error: broken"),
        ("1 +", 1, "SyntaxError: Unexpected end of input"),
        ("process.exitCode = 3", 3, ""),
    ],
)
def test_javascript_fails_in_its_own_words(sandbox, code, exit_, said):
    """The last line is what was thrown."""
    ended = ran(sandbox, code, language="javascript")
    assert (ended.exit, ended.last_error) == (exit_, said)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.text(max_size=5)
    | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)  # fmt: skip


@needs("node")
@settings(deadline=None, max_examples=8, suppress_health_check=list(HealthCheck))
@given(given_=st.lists(PLAIN.filter(lambda one: "__proto__" not in repr(one)), max_size=30))
def test_data_come_back_from_javascript(sandbox, given_):
    """Arguments arrive, and what is returned comes back, in the types that both sides have."""
    calls = [Call("same", (one,)) for one in given_]
    ended = ran(sandbox, "const same = (x) => x", language="javascript", calls=calls)
    assert ended.status is Status.FINISHED, ended.stderr
    assert [parse(line)["value"] for line in ended.records.splitlines()] == given_


@needs("node")
def test_javascript_says_what_is_no_json(sandbox):
    """Sets, maps and big numbers have types of their own; what is no data equals nothing."""
    code = (
        "function f() { return [new Set([1]), new Map([[1, 2]]), 2n ** 70n, NaN, undefined,"
        " new Date(0), f] }\nclass Solution { g(x) { return Promise.resolve(x + 1) } }"
    )
    calls = [Call("f"), Call("g", (1,)), Call("Solution.g", (2,))]
    ended = ran(sandbox, code, language="javascript", calls=calls)
    found = [parse(line)["value"] for line in ended.records.splitlines()]
    assert found[0][:3] == [{1}, {1: 2}, 2**70]
    assert [str(one) for one in found[0][3:]] == [
        "nan", "None", "Other(kind='Date')", "Other(kind='Function')",
    ]  # fmt: skip
    assert found[1:] == [2, 3]


@needs("node")
def test_a_call_that_throws_ends_the_run(sandbox):
    """What it threw is recorded, and no later call is made."""
    code = "const f = (x) => { if (x) throw new RangeError('no'); return x }"
    calls = [Call("f", (n,)) for n in (0, 1, 0)]
    ended = ran(sandbox, code, language="javascript", calls=calls)
    assert (ended.status, ended.records.count(b"\n")) == (Status.FAILED, 2)
    assert parse(ended.records.splitlines()[1]) == {"id": 1, "raised": "RangeError: no"}
    assert ended.last_error == "RangeError: no"


@pytest.mark.parametrize("language", [one.name for one in WRITTEN if one.tool])
def test_nothing_of_the_callers_environment_is_seen(sandbox, monkeypatch, language):
    """Nor of the server's: a tool begins with an environment of its own."""
    if shutil.which(TABLE[language].tool) is None:
        pytest.skip(f"there is no {TABLE[language].tool} here")
    monkeypatch.setenv("SECRET_TOKEN", "hidden")
    code = {
        "cpp": "#include <cstdio>\nextern char **environ;\n"
        "int main() { for (char **e = environ; *e; e++) puts(*e); }",
        "javascript": "console.log(process.env, process.execArgv)",
    }[language]
    ended = ran(sandbox, code, language=language)
    assert ended.status is Status.FINISHED
    assert b"SECRET" not in ended.stdout
    assert b"PYTHONHASHSEED" not in ended.stdout


class Without:
    """Carries a server on a machine that has no tools: it greets, and says so of every run."""

    server = "none"

    def __init__(self):
        missing = frames.pack({"missing": True, "ready": False}, [b"", b"", b""])
        self.sent, self.said_ = [], frames.pack({"level": int(Level.LANDLOCK)}) + missing

    def send(self, data, until):
        self.sent.append(bytes(data))
        return len(data)

    def receive(self, size, until):
        part, self.said_ = self.said_[:size], self.said_[size:]
        return part

    def said(self):
        return ""

    def end(self):
        self.said_ = b""


def test_a_missing_tool_is_nobodys_wrong_answer():
    """It is said what to install, and where; no result is made up."""
    slot = Slot(Without(), Level.LANDLOCK)
    with pytest.raises(SandboxUnavailable, match=r"no node for javascript: install the package"):
        slot.run(Program("1", language="javascript"), LIMITS)


def test_a_language_that_nobody_runs_is_refused():
    """Before anything is started."""
    with pytest.raises(UsageError, match="there are python, cpp, javascript"):
        Program("", language="cobol")
    with pytest.raises(UsageError, match="no functions are called in cpp"):
        Program("", calls=[], language="cpp")


def test_every_name_means_one_language():
    """No two languages share a name, and each is found by all of its own."""
    names = [name for one in WRITTEN for name in (one.name, *one.also)]
    assert len(names) == len(set(names))
    assert all(named(name.upper()) is one for one in WRITTEN for name in (one.name, *one.also))


@pytest.mark.parametrize("machine", MACHINES)
def test_a_filter_gives_each_way_what_it_needs_and_no_more(machine):
    """Without namespaces, who becomes a tool starts none, and who starts tools leaves no group."""
    arch = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}[machine]
    known = numbers(CHECKED | PROCESSES | BECOMING, CHECKED | PROCESSES | BECOMING, machine)
    allowed = {}
    for way in Way:
        program = for_process(build(Level.LANDLOCK, way, machine), 42)
        given_ = {"clone": [0x11], "kill": [43]}
        allowed[way] = {
            name for name, number in known.items()
            if run(program, arch, number, given_.get(name, [0] * 6)) == ALLOW
        }  # fmt: skip
    assert allowed[Way.BECOMES] - allowed[Way.INSIDE] == {"execveat"}
    started = {"execve", "clone", "fork", "vfork"} & known.keys()
    assert allowed[Way.STARTS] - allowed[Way.INSIDE] == started
    assert not any({"setsid", "setpgid", "kill"} & one for one in allowed.values())
    inside = build(Level.NAMESPACES, Way.INSIDE, machine)
    assert run(inside, arch, known["execveat"]) == refuse(1)

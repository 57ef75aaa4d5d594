"""Programs in C++ and JavaScript as answers: verdicts, forgeries, and what a row may ask for."""

import shutil

import pytest

from unflip import Sample
from unflip.errors import UsageError
from unflip.types import Outcome, Reason
from unflip.verifiers.code import Code

SUMS = {"inputs": ["1 2\n", "20 22\n"], "outputs": ["3", "42"]}
CPP = "#include <iostream>\nint main() {{ int a, b; std::cin >> a >> b; std::cout << a {0} b; }}"
JS = "const [a, b] = require('fs').readFileSync(0, 'utf8').split(' ').map(Number)\nconsole.log({0})"


def needs(tool):
    """Skip where a tool is missing, and say so."""
    return pytest.mark.skipif(shutil.which(tool) is None, reason=f"there is no {tool} here")


def judged(text, language, task=SUMS, **options):
    """The verdict on an answer to a row in a language."""
    return Code(**options)(Sample(text, meta={**task, "language": language}))


@needs("g++")
@pytest.mark.parametrize("level", ["namespaces", "landlock"])
def test_cpp_is_judged_by_what_it_prints(level):
    """Right is accepted and wrong rejected, at each level."""
    options = {"minimum": level, "most": level}
    assert judged(CPP.format("+"), "cpp", **options).accepted
    assert judged(CPP.format("-"), "cpp", **options).reason is Reason.MISMATCH


@needs("node")
@pytest.mark.parametrize("level", ["namespaces", "landlock"])
def test_javascript_is_judged_by_what_it_prints(level):
    """Right is accepted and wrong rejected, at each level."""
    options = {"minimum": level, "most": level}
    assert judged(JS.format("a + b"), "javascript", **options).accepted
    assert judged(JS.format("a - b"), "js", **options).reason is Reason.MISMATCH


@needs("g++")
def test_a_source_that_cannot_be_built_is_malformed():
    """It is rejected, with the compiler's first error, as a program that is no program."""
    verdict = judged(CPP.format("+").replace("int a", "imt a"), "cpp")
    assert (verdict.outcome, verdict.reason) == (Outcome.REJECT, Reason.MALFORMED)
    assert verdict.evidence["verdict"] == "compile error"
    assert "imt" in verdict.evidence["error"]


@needs("node")
def test_a_script_that_is_none_is_malformed():
    """As it is in Python."""
    assert judged("1 +", "javascript").reason is Reason.MALFORMED


@needs("g++")
@pytest.mark.parametrize(
    "answer",
    [
        "__attribute__((constructor)) void f() { __builtin_exit(0); }\nint main() {}",
        "#include <cstdlib>\nint main() { exit(256); }",
        '#include <cstdio>\nint main() { puts("accepted"); puts("3\\n42"); }',
        '#include <cstdio>\n#include <unistd.h>\nint main() { dprintf(3, "3\\n"); _exit(0); }',
        "#include <iostream>\n#define operator\nbool operator==(int, int) { return true; }",
        "#include <csignal>\nint main() { raise(SIGKILL); }",
        'int main() { asm("mov $60, %eax; xor %edi, %edi; syscall"); }',
    ],
)
def test_no_forgery_in_cpp_is_accepted(answer):
    """An exit, a constructor and printed words mean nothing."""
    assert judged(answer, "cpp").outcome is Outcome.REJECT


CALLS = {"fn_name": "add", "inputs": [[1, 2], [20, 22]], "outputs": [3, 42]}


@needs("node")
@pytest.mark.parametrize(
    "answer",
    [
        "process.exit(0)",
        "function add() { process.exit(0) }",
        "function add() { return { valueOf: () => 3, toJSON: () => 3 } }",
        "Object.is = () => true; JSON.stringify = () => '3'; const add = () => 0",
        "Array.prototype.map = () => ['3']; const add = () => 0",
        "Object.defineProperty(Object.prototype, 'value', { value: 3 }); const add = () => ({})",
        "require.cache = {}; module.exports = { add: () => 0 }",
        "require('fs').writeSync(3, '{\"d\":[[\"id\",0],[\"value\",3]]}\\n'); const add = () => 3",
        "require('fs').writeSync(3, '{\"d\":[[\"id\",5],[\"value\",42]]}\\n'); process.exit(0)",
        "const add = () => new Promise(() => {})",
        "class Lie extends Number { constructor() { super(3) } } const add = () => new Lie()",
        "console.log('3'); console.log('passed')",
    ],
)  # fmt: skip
def test_no_forgery_in_javascript_is_accepted(answer):
    """Patched built-ins, early exits and forged records give no answer."""
    assert judged(answer, "javascript", CALLS).outcome is Outcome.REJECT


@needs("node")
@pytest.mark.parametrize(
    "answer",
    [
        "function add(a, b) { return a + b }",
        "const add = (a, b) => a + b",
        "var add = async function (a, b) { return a + b }",
        "class Solution { add(a, b) { return a + b } }",
        "module.exports = { add: (a, b) => a + b }",
    ],
)
def test_functions_in_javascript_are_called(answer):
    """However they are defined."""
    assert judged(answer, "javascript", CALLS).accepted


@needs("node")
def test_asserts_in_python_are_asked_of_javascript():
    """What they claim of literals is claimed of any language."""
    tests = {"test_list": ["assert add(1, 2) == 3", "assert add('a', 'b') == 'ab'"]}
    assert judged("const add = (a, b) => a + b", "javascript", tests).accepted
    assert not judged("const add = (a, b) => a - b", "javascript", tests).accepted


@needs("node")
@pytest.mark.parametrize("expected", ["(1, 2)", "[(1, 2)]", "{'a': (1,)}", "(a, [1])[0]"])
def test_a_tuple_cannot_be_asked_of_javascript(expected):
    """A right program would give an array, and be wrong for it: the row abstains."""
    tests = {"test_list": [f"a = 1\nassert pair(1, 2) == {expected}"]}
    verdict = judged("const pair = (a, b) => [a, b]", "javascript", tests)
    wanted = Outcome.REJECT if expected.endswith("[0]") else Outcome.ABSTAIN
    assert verdict.outcome is wanted


@needs("node")
def test_the_block_in_the_rows_language_is_taken():
    """Blocks in others are passed over, and the last that counts is taken."""
    blocks = ("python\nprint(3)", f"js\n{JS.format('a + b')}", "cpp\nint main() {}")
    text = "\n".join(f"Or:\n```{block}\n```" for block in blocks)
    assert judged(text, "javascript").accepted


def test_functions_in_cpp_are_the_rows_fault():
    """Nobody can call them, and nothing is run."""
    verdict = judged("int add(int a, int b) { return a + b; }", "cpp", CALLS)
    assert (verdict.outcome, verdict.reason) == (Outcome.ABSTAIN, Reason.UNREADABLE_REFERENCE)
    assert "inputs and outputs" in verdict.evidence["error"]


@pytest.mark.parametrize("where", ["meta", "reference", "text"])
def test_a_row_in_an_unknown_language_is_the_rows_fault(where):
    """It is not run as Python; the message says what there is."""
    row = {**SUMS, "language": "cobol"}
    if where == "meta":
        sample = Sample("print(3)", meta=row)
    else:
        sample = Sample("print(3)", row if where == "reference" else str(row).replace("'", '"'))
    verdict = Code()(sample)
    assert verdict.reason is Reason.UNREADABLE_REFERENCE
    assert "python, cpp, javascript" in verdict.evidence["error"]


@needs("node")
def test_the_language_of_rows_that_do_not_say_is_an_option():
    """And a row that says has its way."""
    assert Code(language="js")(Sample(JS.format("a + b"), meta=SUMS)).accepted
    python = Sample("print(sum(map(int, input().split())))", meta={**SUMS, "language": "python"})
    assert Code(language="js")(python).accepted


def test_an_option_that_is_no_language_is_refused():
    """Before anything is run."""
    with pytest.raises(UsageError, match="python, cpp, javascript"):
        Code(language="cobol")


@pytest.mark.parametrize(
    ("language", "tool"), [("python", "sh"), ("cpp", "g++"), ("javascript", "node")]
)
def test_a_warm_up_finds_the_tools(language, tool):
    """Where they are, it says nothing."""
    if shutil.which(tool) is None:
        pytest.skip(f"there is no {tool} here")
    Code(language=language).warm_up()

"""The engine under random answers: symmetric, deterministic, and never fooled by a changed sign."""

import json
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unflip.verifiers.math.budget import Budget
from unflip.verifiers.math.comparing import compare
from unflip.verifiers.math.deciding import decide, equal
from unflip.verifiers.math.exact import rational
from unflip.verifiers.math.identity import real_value
from unflip.verifiers.math.parser import NotMath, parse
from unflip.verifiers.math.tokens import TooLong, tokenize
from unflip.verifiers.math.tolerance import Tolerance

FOLDER = Path(__file__).parents[3] / "fixtures" / "math_types"
TEXTS = sorted(
    {
        json.loads(line)[side]
        for path in FOLDER.glob("*.jsonl")
        for line in path.read_text().splitlines()
        for side in ("one", "other")
    }
)
HOSTILE = [
    "9^{9^{9^9}}", "99999999!", r"\binom{1000000}{500000}", r"\Gamma(1000000)", "{" * 5000,
    r"\frac{1}{" * 900, "(" * 3000, r"\text{" * 900, "x^" * 2000, "1+" * 2900 + "1", "|" * 999,
    r"\sum_{k=1}^{10^9} k", "!" * 3000, r"\sqrt" * 999, r"\pm " * 500, "a," * 2500, "$" * 5000,
    r"\begin{pmatrix}" * 200, "\\" * 5000, "\ud800", "__import__('os').system('touch marker')",
    r"5^{\left(5^{\left(5^{\left(5^5\right)}\right)} - 4\right)} - 5", r"\ln(2^{9000})", "e^{9999}",
    "().__class__.__bases__[0].__subclasses__()", r"\input{/etc/passwd}", "{{7*7}}${7*7}",
    r"\immediate\write18{touch marker}", "exec('open(\"marker\",\"w\")')", "1; import os",
    "lambda: open('marker', 'w')", "eval(compile('open(\"marker\", \"w\")', '', 'eval'))",
    r"\int_0^{9^9} x^{400}\,dx", r"\sum_{n=0}^\infty \frac{1}{2^{9^{9^9}}}", "x^{999} < 4",
    r"\begin{vmatrix}" + "&".join("9") * 300 + r"\end{vmatrix}", "(x^2+1)^{8}(x-1)^{8} < 0",
    r"\lim_{x\to 0} " * 300 + "x", r"\int_0^1 " * 300 + "x" + " dx" * 300,
    r"\begin{pmatrix}1\\20\end2pm;trix}", r"\begin{cases}5 pm 6 mp", "e^{')",
    r"\pi 10^{900}", r"\sum_{k=1}^{400}\sum_{j=1}^{400} kj", r"(x+1)^{2^{5000}}",
]  # fmt: skip


def judged(one, other):
    """What plain comparison and the engine say of two answers, in words."""
    plainly = compare(one, other, Tolerance())
    said = plainly if plainly.same is not None else decide(one, other, Tolerance())
    return said.same


pieces = st.sampled_from(
    ["1", "2", "0.5", "12", "x", "y", "n", "k", "+", "-", "^", "_", "=", "<", r"\le ", ",", ";",
     "(", ")", "[", "]", "{", "}", r"\{", r"\}", "|", "!", "%", ":", " ", r"\frac", r"\sqrt",
     r"\pi", r"\infty", r"\cup ", r"\pm ", r"\sin ", r"\ln ", r"\text{ or }", r"\text{ cm}", "and",
     r"\begin{pmatrix}", r"\end{pmatrix}", "&", r"\\", r"\sum_{k=1}^{3}", "'", "°", "f(x)", "/"]
)  # fmt: skip
answers = st.lists(pieces, max_size=12).map("".join) | st.sampled_from(TEXTS)


@given(answers, answers)
@settings(max_examples=400, deadline=None)
def test_the_engine_is_symmetric(one, other):
    """Which side is which makes no difference to the decision, nor to the rule behind it."""
    assert equal(one, other).same is equal(other, one).same


@given(answers)
@settings(max_examples=300, deadline=None)
def test_what_is_read_equals_itself(text):
    """Whatever the tokens are, an answer is its own equal."""
    assert decide(text, text, Tolerance()).same or not text.strip(" _{}'&,;:=.")[:1]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_neither_raises_nor_runs(text, tmp_path, monkeypatch):
    """Towers, factorials, unclosed brackets and code are judged, and nothing of them is run."""
    monkeypatch.chdir(tmp_path)
    assert not judged(text, "1")
    assert not judged("1", text)
    assert not list(tmp_path.iterdir())


def test_threads_agree():
    """Eight threads at once say what one says: there is no clock and no shared state."""
    pairs = [(one, other) for one in TEXTS[::29] for other in TEXTS[::31]]
    alone = [judged(*pair) for pair in pairs]
    found = {}
    threads = [
        threading.Thread(target=lambda n=n: found.update({n: [judged(*pair) for pair in pairs]}))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[n] for n in range(8)] == [alone] * 8


CODE = """
import sys
from unflip.verifiers.math.deciding import decide
from unflip.verifiers.math.tolerance import Tolerance
for line in sys.stdin:
    one, other = line.rstrip("\\n").split("\\t")
    print(decide(one, other, Tolerance()))
"""


def test_processes_agree_whatever_their_hash_seed():
    """The same decision, by the same rule, comes out of processes with different hash seeds."""
    safe = [text for text in TEXTS if text.isascii() and text.isprintable()]
    lines = "".join(f"{one}\t{other}\n" for one in safe[::37] for other in safe[::11])
    said = {
        subprocess.run(
            [sys.executable, "-c", CODE], input=lines, capture_output=True, text=True, check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(said) == 1


def value_of(text):
    """The value of a formula without variables, to fifty digits; None if there is none."""
    try:
        node = parse(tokenize(text))
    except (NotMath, TooLong):
        return None
    exact = rational(node)
    value = exact if exact is not None else real_value(node, Budget())
    return value if value is None else Fraction(value)


CLOSED = [text for text in TEXTS if value_of(text) is not None]


@given(st.sampled_from(CLOSED), st.data())
@settings(max_examples=400, deadline=None)
def test_a_changed_sign_that_changes_the_value_is_refused(text, data):
    """A digit, sign or operator changed in a number: never equal if the value is another one."""
    at = data.draw(st.sampled_from([n for n, char in enumerate(text) if char in "0123456789+-"]
                                   or [0]))  # fmt: skip
    other = data.draw(st.sampled_from("0123456789+-"))
    changed = text[:at] + other + text[at + 1 :]
    before, after = value_of(text), value_of(changed)
    if before is None or after is None or abs(before - after) * 10**6 <= abs(before):
        return
    if judged(changed, text):
        assert _agree_by_a_policy(float(before), float(after))


def _agree_by_a_policy(before, after):
    """Whether a percent sign that came or went explains it: 28% is 28 and 0.28."""
    return any(abs(before * factor - after) < 1e-6 * abs(after) for factor in (100, 0.01))

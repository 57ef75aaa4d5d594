"""Math: right on labelled rows, never hangs, never runs code, works from any thread."""

import json
import pickle
import re
import threading
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unflip.errors import MissingExtra, UsageError
from unflip.types import Fault, Outcome, Reason, Sample, Trust, Verdict
from unflip.verifiers import math as package
from unflip.verifiers.math import Math, arithmetic, limits
from unflip.verifiers.math.arithmetic import TooLarge, evaluate
from unflip.verifiers.math.comparing import compare
from unflip.verifiers.math.plain import plain
from unflip.verifiers.math.reading import read
from unflip.verifiers.math.tolerance import Percent, Tolerance
from unflip.workers import Pool

FIXTURES = Path(__file__).parents[2] / "fixtures"
ROWS = [json.loads(line) for line in (FIXTURES / "math.jsonl").read_text().splitlines()]
SLOW = r"\boxed{\lim_{t\to 0} (x^{5000}-(x+1)^{5000})}"
"""Nothing that the engine can decide, and SymPy does not come back from it."""

numbers = (
    st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False, places=6)
    | (
        st.fractions(max_denominator=10**6).map(
            lambda f: f"\\frac{{{f.numerator}}}{{{f.denominator}}}"
        )
    )
)
answers = st.lists(
    st.sampled_from(
        ["1", "2", "0.5", "12", "\\frac", "{", "}", "(", ")", "[", "]", ",", " ", "+", "-", "^",
         "!", "%", "x", "=", "\\text{", " or ", "kg", " mile", "\\sqrt", "\\{", "\\}", "\\infty",
         ".", "*", "\\binom", "/", ":", "pi", "degrees", "\\boxed{", "e5", "$", "\\\\"]
    ) | st.text(max_size=3),
    max_size=12,
).map("".join)  # fmt: skip


def completion_of(row):
    """A row's completion; one that is too long to write down is given as pieces and counts."""
    return row.get("completion") or "".join(text * n for text, n in row.get("pieces", []))


@pytest.fixture(scope="module")
def verify():
    """One verifier, and so one warm pool."""
    return Math()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_a_labelled_row_gets_its_verdict(row, tmp_path, monkeypatch):
    """Each fixture gets its outcome and reason by the step it names, and no code of it runs."""
    monkeypatch.chdir(tmp_path)
    reference = row["reference"]
    reference = tuple(reference) if isinstance(reference, list) else reference
    verdict = Math(**row.get("options", {}))(Sample(completion_of(row), reference))
    assert str(verdict.outcome) == row["outcome"]
    assert str(verdict.reason) == row.get("reason", str(verdict.reason))
    assert verdict.evidence.get("by") == row.get("by", verdict.evidence.get("by"))
    assert not list(tmp_path.iterdir())


def test_a_verdict_explains_itself(verify):
    """A verdict says where the answer stands, by which step, what decided, and both forms."""
    verdict = verify(Sample(r"so \boxed{\frac{2}{4}}", "0.5"))
    assert verdict.answer == r"\frac{2}{4}"
    assert verdict.evidence == {
        "step": "boxed", "span": [10, 21], "by": "exact", "forms": ["1/2", "0.5"]
    }  # fmt: skip
    assert verdict.trust is Trust.RULE


HARD = r"\boxed{\lim_{x\to 0} \frac{\sin x}{x}}"
"""What the engine reads and cannot decide."""


def test_a_second_opinion_is_a_heuristic():
    """Where Math-Verify decided, the verdict says so, and its versions are in `by`."""
    verify = Math(deep=True)
    verdict = verify(Sample(HARD, "1"))
    assert (verdict.trust, verdict.evidence["by"]) == (Trust.HEURISTIC, "math-verify")
    assert set(verify.engines()) == {"math-verify", "latex2sympy2_extended", "sympy"}
    assert not Math().engines()
    assert Math()(Sample(HARD, "1")).reason is Reason.UNDECIDED


def test_real_points_are_a_heuristic(verify):
    """Equal at real points is a heuristic, equal by exact values and residues is a rule."""
    assert verify(Sample(r"\boxed{\sqrt{8}}", r"2\sqrt{2}")).trust is Trust.HEURISTIC
    assert verify(Sample(r"\boxed{1+x}", "x+1")).trust is Trust.RULE


def test_a_deadline_is_an_abstain_and_hurts_nobody_else():
    """What outlasts its deadline is nobody's mistake, and the next sample is verified."""
    verify = Math(deep=True, deadline=1.0)
    verdict = verify(Sample(SLOW, "1-y"))
    assert (verdict.reason, verdict.fault) == (Reason.TIMEOUT, Fault.SYSTEM)
    assert verify(Sample(r"\boxed{1+x}", "x+1")).accepted


def test_a_deadline_is_one_for_all_parts(monkeypatch):
    """A completion of several slow answers is given up at the first of them."""
    asked = []
    consult = package.fallback.consult

    def counted(*arguments, **options):
        asked.append(arguments)
        return consult(*arguments, **options)

    monkeypatch.setattr(package.fallback, "consult", counted)
    verdict = Math(deep=True, deadline=1.0)(Sample(SLOW + " or " + SLOW.replace("x", "z"), "1-y"))
    assert (verdict.reason, len(asked)) == (Reason.TIMEOUT, 1)


def test_threads_get_the_same_verdicts(verify):
    """Eight threads at once agree with one: Math-Verify's signals are not in the way."""
    samples = [Sample(rf"\boxed{{\sqrt{{{2 * n * n}}}}}", rf"{n}\sqrt{{2}}") for n in range(2, 10)]
    verdicts = {}
    threads = [
        threading.Thread(target=lambda n=n, s=s: verdicts.update({n: verify(s)}))
        for n, s in enumerate(samples)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [verdicts[n].outcome for n in range(8)] == [Outcome.ACCEPT] * 8


def verdict_as_json(verify, sample):
    """What a worker sends back."""
    return verify(sample).to_json()


def test_inside_a_worker_there_is_no_second_pool():
    """In a worker, Math-Verify runs in place, and still keeps to its deadline."""
    with Pool(partial(verdict_as_json, Math(deep=True, deadline=1.0)), size=1) as pool:
        assert pool.call(Sample(r"\boxed{1+x}", "x+1"))["outcome"] == "accept"
        assert pool.call(Sample(SLOW, "1-y"))["reason"] == "timeout"


def test_it_pickles_before_and_after_use(verify):
    """A verifier goes to other processes, warm or not, and is the same one there."""
    verify(Sample("1", "1"))
    copy = pickle.loads(pickle.dumps(verify))
    assert (copy, copy.by) == (verify, verify.by)


def test_a_missing_extra_is_said_at_once(monkeypatch):
    """Without Math-Verify, `Math(deep=True)` names the install command, and `Math()` works."""
    monkeypatch.setattr(package, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"unflip\[math\]"):
        Math(deep=True)
    assert Math()(Sample(r"\boxed{1+x}", "x+1")).accepted


@pytest.mark.parametrize(
    "options",
    [{"policy": ()}, {"policy": ("boxd",)}, {"percent": "maybe"}, {"deadline": 0}, {"digits": 0}],
)
def test_an_option_that_means_nothing_is_refused(options):
    """A programmer's mistake is an error at construction, not a verdict."""
    with pytest.raises(UsageError):
        Math(**options)


def test_options_are_in_the_name():
    """Another option is another decider; the same option, spelled as text, is not."""
    assert Math(percent="either").by == Math().by
    assert len({Math().by, Math(percent="exact").by, Math(digits=None).by}) == 3


@given(numbers.map(str))
def test_a_reference_is_accepted_as_its_own_answer(reference):
    """Every number, presented as the policy wants it, is accepted, and exactly so."""
    verify = Math()
    verdict = verify(Sample(verify.present(reference), reference))
    assert verdict.accepted
    assert verdict.trust is Trust.RULE


@pytest.mark.parametrize(
    ("one", "other"), [("1e999999999 km", "1 m"), ("1e999999999 dollars", "5 cents")]
)
def test_a_number_too_large_to_write_out_is_not_converted(verify, one, other):
    """A huge exponent before a unit is a reject either way round, and takes no time."""
    assert verify(Sample(one, other)).outcome is Outcome.REJECT
    assert verify(Sample(other, one)).outcome is Outcome.REJECT


@given(answers, answers | st.text())
@settings(max_examples=300)
def test_no_text_raises(completion, reference):
    """Whatever a model or a dataset says, the exact path gives a verdict, and limits an opinion."""
    assert isinstance(Math()(Sample(completion, reference)), Verdict)
    assert isinstance(limits.exceeded(plain(completion)), str | None)


@given(answers, answers, st.sampled_from(Percent), st.none() | st.integers(1, 6))
@settings(max_examples=300)
def test_the_exact_path_is_symmetric(one, other, percent, digits):
    """Which side is the reference makes no difference to what is the same."""
    tolerance = Tolerance(percent, digits)
    assert compare(one, other, tolerance).same == compare(other, one, tolerance).same


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4), st.data())
def test_a_changed_digit_is_rejected(number, data):
    """A decimal with one digit changed is never accepted."""
    text = f"{number:f}"
    at = data.draw(st.sampled_from([n for n, char in enumerate(text) if char.isdigit()]))
    digit = data.draw(st.sampled_from(sorted(set("0123456789") - {text[at]})))
    changed = text[:at] + digit + text[at + 1 :]
    verdict = Math()(Sample(f"\\boxed{{{changed}}}", text))
    assert verdict.outcome is Outcome.REJECT


@given(st.decimals(allow_nan=False, allow_infinity=False), st.integers(0, 9))
def test_spelling_does_not_matter(number, zeros):
    """Zeros at the end, full-width digits, a sign in Unicode and dollars change nothing."""
    text = f"{number:f}"
    wide = text.translate({ord(str(n)): chr(0xFF10 + n) for n in range(10)}).replace("-", "−")
    padded = text + ("" if "." in text else ".") + "0" * zeros
    for spelled in (wide, padded, f"${text}$", rf"\text{{{text}}}", f" {text} "):
        assert compare(spelled, text, Tolerance()).same


@given(st.fractions())
def test_reading_is_exact(value):
    """A fraction is read as itself, and a decimal as what Python's exact decimal says."""
    assert read(f"{value.numerator}/{value.denominator}").value == value
    decimal = Decimal(value.numerator) / Decimal(value.denominator)
    assert read(f"{decimal:f}").value == decimal


expressions = st.recursive(
    st.integers(0, 99).map(str),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]}){t[1]}({t[2]})"),
        st.tuples(inner, st.integers(0, 5)).map(lambda t: f"({t[0]})^{{{t[1]}}}"),
        inner.map(lambda e: f"-({e})"),
    ),
    max_leaves=8,
)


@given(expressions)
def test_arithmetic_agrees_with_python(text):
    """An expression of ours has the value that Python's fractions give it."""
    code = text.replace("^", "**").replace("{", "(").replace("}", ")")
    names = {f"n{n}": Fraction(n) for n in range(100)}
    try:
        wanted = eval(_named(code), names)
    except ZeroDivisionError:
        wanted = None
    try:
        value = evaluate(text)
    except TooLarge:
        return
    # 0^0 is left to others, and so is whatever contains it.
    assert value in (wanted, None)
    assert value is not None or wanted is None or "^{0}" in text


def _named(code):
    """Integers as names of fractions, except in exponents."""
    return re.sub(r"(?<!\*\*\()\b(\d+)\b", r"n\1", code)


@given(st.integers(0, 40), st.integers(1, 12))
def test_what_is_expensive_is_priced_before(levels, base):
    """A tower of any height costs nothing: it has a value, or it is too large."""
    tower = "^{".join([str(base)] * (levels + 1)) + "}" * levels
    try:
        value = evaluate(tower)
    except TooLarge:
        assert base > 1
    else:
        assert value is None or value.numerator.bit_length() <= arithmetic.MOST_BITS
    assert (limits.exceeded(tower) is None) == (levels < 2 or base == 1 or _fits(base, levels))


def _fits(base, levels):
    """Whether a tower of two or more levels is small enough to hand on."""
    exponent = base
    for _ in range(levels - 1):
        if exponent > 20:
            return False
        exponent = base**exponent
    return exponent <= limits.LARGEST_ARGUMENT and base.bit_length() * exponent <= 1 << 16

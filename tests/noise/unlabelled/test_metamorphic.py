"""Metamorphic estimates: variants say exactly what they say they say, and claims stay small."""

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.errors import UsageError
from unflip.noise.unlabelled.metamorphic import measure
from unflip.noise.unlabelled.rewrites import variants
from unflip.rates import NoiseRates
from unflip.types import Outcome

numbers = st.one_of(
    st.integers(-(10**9), 10**9).map(str),
    st.fractions(max_denominator=10**4).filter(lambda f: abs(f) < 10**9).map(str),
    st.decimals(-1000, 1000, places=3).map(lambda d: f"{d:f}"),
)


def read(text):
    """What a variant says, by a reader that knows nothing of how variants are made."""
    text = re.sub(r"^x = |[$\s]|\\[()]", "", text.strip().replace("x = ", ""))
    if found := re.fullmatch(r"(-?)\\d?frac\{(\d+)\}\{(\d+)\}", text):
        return Fraction(int(found[1] + found[2]), int(found[3]))
    if found := re.fullmatch(r"(-?\d+)\\times10\^\{(\d+)\}", text):
        return Fraction(int(found[1]) * 10 ** int(found[2]))
    if text.endswith("%"):
        return Fraction(text[:-1]) / 100
    return Fraction(text.replace("{,}", "").replace(",", ""))


@given(numbers)
def test_every_variant_says_its_value(reference):
    """Read back by another reader, each text is its value, and equivalent iff that is the same."""
    made = variants(reference)
    assert made[0].text == reference
    for variant in made:
        assert read(variant.text) == variant.value
        assert variant.equivalent == (variant.value == Fraction(reference))


@given(numbers)
def test_variants_differ_in_text_and_come_in_both_kinds(reference):
    """No text occurs twice; there are several equivalents and near misses of every number."""
    made = variants(reference)
    assert len({variant.text for variant in made}) == len(made)
    assert sum(variant.equivalent for variant in made) >= 4
    assert sum(not variant.equivalent for variant in made) >= 2


@pytest.mark.parametrize(
    ("reference", "kind", "text"),
    [
        ("1/2", "decimal", "0.5"),
        ("1/2", "percent", "50%"),
        ("1234567", "thousands separators", "1,234,567"),
        ("1234567", "thousands separators", "1{,}234{,}567"),
        ("-3/4", "LaTeX fraction", r"-\frac{3}{4}"),
        ("12", "trailing zeros", "12.0"),
        ("12000", "powers of ten", r"12 \times 10^{3}"),
        ("12", "sign", "-12"),
        ("12", "off by one", "11"),
        ("12", "ten times", "120"),
        ("2/3", "upside down", "3/2"),
        ("2/3", "rounded", "0.67"),
        ("0.25", "a tenth", "0.025"),
        ("12", "swapped digits", "21"),
    ],
)
def test_the_kinds_are_what_they_are_called(reference, kind, text):
    """One example of each kind."""
    assert (kind, text) in {(variant.kind, variant.text) for variant in variants(reference)}


@pytest.mark.parametrize("reference", ["x", "1/0", "", "1e400", "9" * 31, "9" * 10**6, "inf"])
def test_only_numbers_have_variants(reference):
    """What is no number of reasonable size is refused at once."""
    with pytest.raises(UsageError, match="a number such as"):
        variants(reference)


def test_failures_are_counted_by_kind():
    """A verifier that compares strings rejects equivalents, and accepts no other number."""
    made = [variant for number in range(1, 41) for variant in variants(f"{number}/97")]
    outcomes = [Outcome.ACCEPT if v.text == v.reference else Outcome.REJECT for v in made]
    result = measure(made, outcomes)
    assert result.accepted_different.point == 0
    assert 0.5 < result.rejected_equivalent.point < 1
    assert "LaTeX fraction" in result.modes
    assert not {"as given", "sign", "off by one"} & set(result.modes)
    assert all(kind.example in made for kind in result.kinds if kind.example)


def test_abstains_are_counted_apart():
    """An abstain is no failure, and no row of a rate."""
    made = variants("1/2")
    result = measure(made, [Outcome.ABSTAIN] * len(made))
    assert result.rejected_equivalent.n == result.accepted_different.n == 0
    assert sum(kind.abstains for kind in result.kinds) == len(made)


def test_variants_of_one_reference_share_their_luck():
    """Twenty failing variants of one reference are worth less than twenty references."""
    one = list(variants("1/2"))
    many = [variants(f"{k}/{k + 1}")[0] for k in range(2, 2 + len(one))]
    narrow = measure(many, [Outcome.ACCEPT] * len(many)).rejected_equivalent
    wide = measure(one, [Outcome.ACCEPT] * len(one)).rejected_equivalent
    assert wide.high > 2 * narrow.high


def test_no_rates_of_a_policy_are_claimed():
    """There is no way from here to a table of rates, and the result says so itself."""
    made = variants("1/2")
    result = measure(made, [Outcome.ACCEPT] * len(made))
    assert not isinstance(result, NoiseRates)
    assert not any(hasattr(result, name) for name in ("fp", "fn", "rates", "to_json"))
    assert "not on a policy's completions" in repr(result)


def test_every_variant_needs_an_outcome():
    """Lists that do not match, or nothing at all, are mistakes."""
    with pytest.raises(UsageError):
        measure(variants("1/2"), [Outcome.ACCEPT])
    with pytest.raises(UsageError):
        measure([], [])

"""Exact numbers and times as data: themselves again afterwards, and never too large."""

import datetime
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.sandbox.codec import Other, Unreadable, parse, text
from unflip.verifiers.code.claims import equal, holds

VALUES = (
    st.decimals(allow_nan=False).filter(lambda one: abs(one.adjusted()) < 1000)
    | st.fractions()
    | st.dates()
    | st.times()
    | st.datetimes(timezones=st.none() | st.just(datetime.UTC))
    | st.timedeltas()
)


@given(VALUES | st.lists(VALUES, max_size=3))
def test_a_value_comes_back_as_itself(value):
    """With its type, within lists too, and equal to what a test expects."""
    back = parse(text(value))
    assert back == value
    assert type(back) is type(value)
    assert holds(equal(0, value), [back])


@pytest.mark.parametrize(
    "said",
    ['{"x":["Decimal","1e99999999"]}', '{"x":["Decimal","x"]}', '{"x":["Decimal",5]}',
     '{"x":["Fraction","0x1","0x0"]}', '{"x":["Fraction","1"]}', '{"x":["date","2024-13-01"]}',
     '{"x":["timedelta",1e99,0,0]}', '{"x":["timedelta",1e999,0,0]}', '{"x":["Path","/"]}',
     '{"x":[]}', '{"x":7}', '{"x":[["Decimal"],"1"]}'],
)  # fmt: skip
def test_what_nobody_writes_is_not_read(said):
    """Parts that are none, kinds that are not ours, and numbers too large to reckon with."""
    with pytest.raises(Unreadable):
        parse(said)


@pytest.mark.parametrize("parts", [["f" * 10_001, "0x1"], ["0x1", "f" * 10_001]])
def test_a_fraction_that_is_long_is_not_read(parts):
    """To reduce it would take the square of its length."""
    with pytest.raises(Unreadable):
        parse(json.dumps({"x": ["Fraction", *parts]}))


def test_a_subclass_is_an_object():
    """What a subclass overrides is never asked, so it does not travel as data."""

    class Lying(datetime.date):
        def isoformat(self):
            return "2024-01-01"

    assert isinstance(parse(text(Lying(2020, 2, 2))), Other)


def test_a_decimal_that_is_no_number_equals_nothing():
    """As a float that is none; a signalling one raises nothing either."""
    for said in ("NaN", "sNaN"):
        answer = parse(f'{{"x":["Decimal","{said}"]}}')
        assert not holds(equal(0, math.nan), [answer])
        assert not holds(equal(0, 1), [answer])

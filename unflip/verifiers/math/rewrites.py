r"""Pairs of answers whose truth is certain: the same answer rewritten, or a near miss.

Each transform draws an answer and writes it a second time, either in another form that means the
same by construction, or with one thing changed that makes it another answer. Nothing is judged
here; the pairs measure a verifier where no person has to label anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from random import Random
from typing import NamedTuple


class Rewrite(NamedTuple):
    """Two answers, and whether they are the same.

    Attributes:
        name: The transform that wrote them.
        answer: One of them.
        reference: The other.
        same: Whether they mean the same.
    """

    name: str
    answer: str
    reference: str
    same: bool


Draw = Callable[[Random], tuple[str, str]]


def pairs(count: int, *, seed: int = 0) -> Iterator[Rewrite]:
    """So many pairs, each transform in turn; the same ones for the same seed.

    Example:
        >>> first = next(pairs(1))
        >>> first.name, first.same
        ('a decimal that terminates', True)
    """
    random = Random(seed)
    transforms = [(name, draw, True) for name, draw in EQUAL.items()]
    transforms += [(name, draw, False) for name, draw in DIFFERENT.items()]
    for place in range(count):
        name, draw, same = transforms[place % len(transforms)]
        answer, reference = draw(random)
        yield Rewrite(name, answer, reference, same)


def _integer(random: Random, low: int = 2, high: int = 99) -> int:
    return random.randint(low, high)


def _fraction(random: Random) -> Fraction:
    while True:
        value = Fraction(_integer(random), _integer(random))
        if value.denominator > 1:
            return value


def _frac(value: Fraction) -> str:
    return rf"\frac{{{value.numerator}}}{{{value.denominator}}}"


def _signed(terms: list[tuple[int, str]]) -> str:
    text = "".join(f"{'+' if n > 0 else '-'}{abs(n)}{name}" for n, name in terms)
    return text.removeprefix("+")


def _terms(random: Random) -> list[tuple[int, str]]:
    signs = [random.choice((-1, 1)) * _integer(random, 2, 9) for _ in range(3)]
    return list(zip(signs, ("x^2", "xy", ""), strict=True))


def _roots(random: Random) -> tuple[int, int]:
    one = _integer(random, 1, 9)
    return one, one + _integer(random, 1, 9)


# The same --------------------------------------------------------------------------------------


def _terminating(random: Random) -> tuple[str, str]:
    places = random.randint(1, 4)
    value = Fraction(2 * _integer(random, 1, 4999) + 1, 10**places)
    return f"{value.numerator / value.denominator:.{places}f}", _frac(value)


def _unreduced(random: Random) -> tuple[str, str]:
    value, factor = _fraction(random), _integer(random, 2, 9)
    top, bottom = value.numerator * factor, value.denominator * factor
    return rf"\dfrac{{{top}}}{{{bottom}}}", f"{value.numerator}/{value.denominator}"


def _mixed(random: Random) -> tuple[str, str]:
    whole, part = _integer(random), _fraction(random) % 1
    return f"{whole}{_frac(part)}", _frac(whole + part)


def _thousands(random: Random) -> tuple[str, str]:
    n = random.randint(10**4, 10**12)
    return random.choice((f"{n:,}", f"{n:,}".replace(",", r",\!"), f"\\${n:,}")), str(n)


def _scientific(random: Random) -> tuple[str, str]:
    digits, power = random.randint(11, 99), random.randint(2, 12)
    return rf"{digits / 10} \times 10^{{{power}}}", str(digits * 10 ** (power - 1))


def _percent(random: Random) -> tuple[str, str]:
    n = random.randint(1, 99)
    return rf"{n}\%", f"0.{n:02d}"


def _reordered(random: Random) -> tuple[str, str]:
    terms = _terms(random)
    return _signed(random.sample(terms, 3)), _signed(terms)


def _expanded(random: Random) -> tuple[str, str]:
    a, b = _roots(random)
    return f"(x+{a})(x-{b})", f"x^2{a - b:+}x{-a * b:+}"


def _radical(random: Random) -> tuple[str, str]:
    a, c = _integer(random, 2, 20), random.choice((2, 3, 5, 6, 7, 10, 11, 13))
    return rf"\sqrt{{{a * a * c}}}", rf"{a}\sqrt{{{c}}}"


def _rationalised(random: Random) -> tuple[str, str]:
    a, c = _integer(random, 2, 20), random.choice((2, 3, 5, 7, 11, 13))
    return rf"\frac{{{a}}}{{\sqrt{{{c}}}}}", rf"\frac{{{a}\sqrt{{{c}}}}}{{{c}}}"


def _inequality(random: Random) -> tuple[str, str]:
    a, b = _roots(random)
    return rf"{a} < x \le {b}", f"({a}, {b}]"


def _union(random: Random) -> tuple[str, str]:
    a, b = _roots(random)
    return rf"x < {a} \text{{ or }} x > {b}", rf"(-\infty, {a}) \cup ({b}, \infty)"


def _set_order(random: Random) -> tuple[str, str]:
    items = random.sample(range(1, 50), 4)
    shuffled = random.sample(items, 4)
    return rf"\{{{', '.join(map(str, shuffled))}\}}", rf"\{{{', '.join(map(str, items))}\}}"


def _joined(random: Random) -> tuple[str, str]:
    a, b = _roots(random)
    return rf"x = {b} \text{{ or }} x = {a}", f"{a}, {b}"


def _dressed(random: Random) -> tuple[str, str]:
    a, b = (_fraction(random) for _ in range(2))
    left = rf"\left( {_frac(a)},\, {_frac(b)} \right)"
    return f"${left}$", f"({_frac(a)},{_frac(b)})"


def _metric(random: Random) -> tuple[str, str]:
    n = _integer(random, 1, 900)
    big, small = random.choice((("km", "m"), ("kg", "g"), ("L", "mL"), ("kW", "W")))
    return rf"{n / 1000:.3f}\text{{ {big}}}", rf"{n}\text{{ {small}}}"


def _renamed(random: Random) -> tuple[str, str]:
    a, b = _roots(random)
    return f"f(t) = {a}t + {b}", f"f(x) = {a}x + {b}"


def _scaled(random: Random) -> tuple[str, str]:
    a, b = _roots(random)
    k = _integer(random, 2, 9)
    return f"{a * k}x + {b * k}y = {k}", f"{a}x + {b}y = 1"


def _both_signs(random: Random) -> tuple[str, str]:
    a, c = _integer(random), random.choice((2, 3, 5, 7))
    return rf"{a} \pm \sqrt{{{c}}}", rf"{a} + \sqrt{{{c}}}, {a} - \sqrt{{{c}}}"


def _column(random: Random) -> tuple[str, str]:
    a, b = _roots(random)
    return rf"\begin{{pmatrix}} {a} \\ -{b} \end{{pmatrix}}", rf"\left({a}, -{b}\right)"


def _labelled(random: Random) -> tuple[str, str]:
    n = _integer(random)
    return random.choice((f"x = {n}", f"The answer is {n}", rf"{n}\text{{ apples}}")), str(n)


def _powers(random: Random) -> tuple[str, str]:
    n = random.randint(500, 5000)
    return rf"2 \cdot 2^{{{n}}}", f"2^{{{n + 1}}}"


def _solved(random: Random) -> tuple[str, str]:
    a, b = _roots(random)
    return f"x^2{a - b:+}x{-a * b:+} < 0", f"({-a}, {b})"


def _integral(random: Random) -> tuple[str, str]:
    a, b = _roots(random)
    return rf"\int_0^1 ({2 * a}x + {b})\,dx", str(a + b)


def _determinant(random: Random) -> tuple[str, str]:
    a, b = _roots(random)
    c, d = _roots(random)
    return rf"\begin{{vmatrix}} {a} & {b} \\ {c} & {d} \end{{vmatrix}}", str(a * d - b * c)


def _series(random: Random) -> tuple[str, str]:
    a, b = _integer(random, 1, 30), _integer(random, 2, 9)
    return rf"\sum_{{n=0}}^{{\infty}} \frac{{{a}}}{{{b}^n}}", _frac(Fraction(a * b, b - 1))


def _cents(random: Random) -> tuple[str, str]:
    n = random.randint(1, 999)
    return f"{n} cents", rf"\${n // 100}.{n % 100:02d}"


def _date(random: Random) -> tuple[str, str]:
    year, month, day = random.randint(1900, 2099), random.randrange(12), random.randint(1, 28)
    return f"{_MONTHS[month]} {day}, {year}", f"{year}-{month + 1:02d}-{day:02d}"


_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


# Another answer ---------------------------------------------------------------------------------


def _digit(random: Random) -> tuple[str, str]:
    n = random.randint(10**3, 10**8)
    return str(n + 10 ** random.randint(0, 3)), str(n)


def _sign(random: Random) -> tuple[str, str]:
    terms = _terms(random)
    place = random.randrange(3)
    changed = [(-n if at == place else n, name) for at, (n, name) in enumerate(terms)]
    return _signed(changed), _signed(terms)


def _upside_down(random: Random) -> tuple[str, str]:
    value = _fraction(random)
    return _frac(1 / value) if value != 1 else "2", _frac(value)


def _bracket(random: Random) -> tuple[str, str]:
    a, b = _roots(random)
    return f"[{a}, {b})", f"({a}, {b}]"


def _end(random: Random) -> tuple[str, str]:
    a, b = _roots(random)
    return rf"{a} < x \le {b + 1}", f"({a}, {b}]"


def _item(random: Random) -> tuple[str, str]:
    items = random.sample(range(1, 50), 4)
    return ", ".join(map(str, [*items[:3], items[3] + 50])), ", ".join(map(str, items))


def _missing(random: Random) -> tuple[str, str]:
    items = random.sample(range(1, 50), 4)
    return ", ".join(map(str, items[:3])), ", ".join(map(str, items))


def _order(random: Random) -> tuple[str, str]:
    a, b = _roots(random)
    return f"({b}, {a})", f"({a}, {b})"


def _unit(random: Random) -> tuple[str, str]:
    n = _integer(random)
    big, small = random.choice((("km", "m"), ("kg", "g"), ("h", "s"), ("m^2", "m"), ("kg", "m")))
    return f"{n} {big}", f"{n} {small}"


def _radicand(random: Random) -> tuple[str, str]:
    a, c = _integer(random, 2, 20), random.choice((2, 5, 10, 13))
    return rf"{a}\sqrt{{{c + 1}}}", rf"{a}\sqrt{{{c}}}"


def _exponent(random: Random) -> tuple[str, str]:
    n = random.randint(500, 5000)
    return f"2^{{{n}}} - 1", f"2^{{{n + 1}}} - 1"


def _line(random: Random) -> tuple[str, str]:
    a, b = _roots(random)
    return f"{a}x - {b}y = 1", f"{a}x + {b}y = 1"


def _cell(random: Random) -> tuple[str, str]:
    a, b = _roots(random)
    matrix = r"\begin{{pmatrix}} {0} & {1} \\ 0 & 1 \end{{pmatrix}}"
    return matrix.format(a, b + 1), matrix.format(a, b)


def _base(random: Random) -> tuple[str, str]:
    digits = format(random.randint(5, 200), "b")
    return f"{digits}_3", f"{digits}_2"


def _solved_wrongly(random: Random) -> tuple[str, str]:
    a, b = _roots(random)
    return f"x^2{a - b:+}x{-a * b:+} < 0", f"({-a - 1}, {b})"


def _bound(random: Random) -> tuple[str, str]:
    a, b = _roots(random)
    return rf"\int_0^2 ({2 * a}x + {b})\,dx", str(a + b)


def _rows_changed(random: Random) -> tuple[str, str]:
    a, b = _roots(random)
    return rf"\begin{{vmatrix}} 1 & {b} \\ {a} & 0 \end{{vmatrix}}", str(a * b)


def _other_day(random: Random) -> tuple[str, str]:
    said, meant = _date(random)
    return said, f"{meant[:-2]}{int(meant[-2:]) % 28 + 1:02d}"


EQUAL: dict[str, Draw] = {
    "a decimal that terminates": _terminating,
    "a fraction not in lowest terms": _unreduced,
    "a mixed number": _mixed,
    "separators of thousands": _thousands,
    "scientific notation": _scientific,
    "percent": _percent,
    "terms in another order": _reordered,
    "a product expanded": _expanded,
    "a square out of a root": _radical,
    "a root out of a denominator": _rationalised,
    "an inequality for an interval": _inequality,
    "two inequalities for a union": _union,
    "a set in another order": _set_order,
    "solutions with their labels": _joined,
    "LaTeX that lays out": _dressed,
    "another unit": _metric,
    "another variable of a function": _renamed,
    "an equation times a factor": _scaled,
    "plus-minus": _both_signs,
    "a column for a tuple": _column,
    "a label or a noun": _labelled,
    "powers too large to write": _powers,
    "an inequality not solved": _solved,
    "an integral not computed": _integral,
    "a determinant not computed": _determinant,
    "a geometric series": _series,
    "cents for dollars": _cents,
    "a date in another form": _date,
}
"""Rewrites that mean the same."""
DIFFERENT: dict[str, Draw] = {
    "a digit": _digit,
    "a sign": _sign,
    "a fraction upside down": _upside_down,
    "an open end": _bracket,
    "an end of an interval": _end,
    "an item": _item,
    "an item missing": _missing,
    "a tuple in another order": _order,
    "a unit": _unit,
    "what is under a root": _radicand,
    "an exponent": _exponent,
    "the sign in an equation": _line,
    "a cell of a matrix": _cell,
    "a base": _base,
    "an inequality solved wrongly": _solved_wrongly,
    "a bound of an integral": _bound,
    "the rows of a determinant": _rows_changed,
    "a day": _other_day,
}
"""Near misses: one thing is changed, and the answer is another one."""

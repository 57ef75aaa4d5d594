"""Elementary functions of complex numbers as pairs of decimals, to the precision of the context.

Only sums, products, `exp` and `ln` come with `decimal`; the rest is series after a reduction of the
argument. Branch cuts are those of C99, and what is undefined raises `Undefined`.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, getcontext, localcontext
from functools import lru_cache

Complex = tuple[Decimal, Decimal]

_ZERO, _ONE, _TWO = Decimal(0), Decimal(1), Decimal(2)
ZERO: Complex = (_ZERO, _ZERO)
ONE: Complex = (_ONE, _ZERO)
IMAGINARY: Complex = (_ZERO, _ONE)
_LARGEST_ANGLE = Decimal(10) ** 30
_LARGEST_EXPONENT = Decimal(100_000)
_MOST_DIGITS = 300
"""Of a context in which a function that is no root is computed."""


class Undefined(ArithmeticError):
    """The function has no value here, or none within reach."""


def _check_precision() -> None:
    """Series and logarithms take time with the square of the digits, and more."""
    if getcontext().prec > _MOST_DIGITS:
        raise Undefined


def add(x: Complex, y: Complex) -> Complex:
    """X + y."""
    return x[0] + y[0], x[1] + y[1]


def subtract(x: Complex, y: Complex) -> Complex:
    """X - y."""
    return x[0] - y[0], x[1] - y[1]


def multiply(x: Complex, y: Complex) -> Complex:
    """X * y."""
    if not x[1] and not y[1]:
        return x[0] * y[0], _ZERO
    return x[0] * y[0] - x[1] * y[1], x[0] * y[1] + x[1] * y[0]


def divide(x: Complex, y: Complex) -> Complex:
    """X / y."""
    if not y[1]:
        if not y[0]:
            raise Undefined
        return x[0] / y[0], x[1] / y[0]
    size = y[0] * y[0] + y[1] * y[1]
    return (x[0] * y[0] + x[1] * y[1]) / size, (x[1] * y[0] - x[0] * y[1]) / size


def modulus(x: Complex) -> Decimal:
    """The absolute value."""
    if not x[1]:
        return abs(x[0])
    return (x[0] * x[0] + x[1] * x[1]).sqrt()


@lru_cache(maxsize=8)
def _pi(precision: int) -> Decimal:
    with localcontext() as context:
        context.prec = precision + 6
        return 4 * (4 * _arctan_series(_ONE / 5) - _arctan_series(_ONE / 239))


@lru_cache(maxsize=8)
def _base(precision: int) -> Decimal:
    with localcontext() as context:
        context.prec = precision
        return _ONE.exp()


def pi() -> Decimal:
    """Half a turn."""
    return _constant(_pi)


def base() -> Decimal:
    """What the natural logarithm is to."""
    return _constant(_base)


def _constant(of: Callable[[int], Decimal]) -> Decimal:
    precision = getcontext().prec
    if precision > 3 * _MOST_DIGITS:
        raise Undefined
    return +of(precision)


def _arctan_series(x: Decimal) -> Decimal:
    square, term, total, n = -x * x, x, x, 1
    least = Decimal(10) ** -(getcontext().prec + 3)
    while abs(term) > least:
        term *= square
        n += 2
        total += term / n
    return total


def _sin_cos(x: Decimal) -> tuple[Decimal, Decimal]:
    _check_precision()
    if abs(x) > _LARGEST_ANGLE:
        raise Undefined
    with localcontext() as context:
        context.prec += 8 + max(0, x.adjusted() + 1)
        turn = 2 * pi()
        x = (x - (x / turn).to_integral_value() * turn) / 16
        term, sine, square, n = x, x, x * x, 1
        least = Decimal(10) ** -(context.prec)
        while abs(term) > least:
            n += 2
            term = -term * square / (n * (n - 1))
            sine += term
        cosine = (1 - sine * sine).sqrt()
        for _ in range(4):
            sine, cosine = 2 * sine * cosine, 1 - 2 * sine * sine
    return +sine, +cosine


def _hyperbolic(y: Decimal) -> tuple[Decimal, Decimal]:
    _check_precision()
    if abs(y) > _LARGEST_EXPONENT:
        raise Undefined
    up = y.exp()
    return (up - 1 / up) / 2, (up + 1 / up) / 2


def sin(x: Complex) -> Complex:
    """The sine."""
    sine, cosine = _sin_cos(x[0])
    if not x[1]:
        return sine, _ZERO
    sinh_y, cosh_y = _hyperbolic(x[1])
    return sine * cosh_y, cosine * sinh_y


def cos(x: Complex) -> Complex:
    """The cosine."""
    sine, cosine = _sin_cos(x[0])
    if not x[1]:
        return cosine, _ZERO
    sinh_y, cosh_y = _hyperbolic(x[1])
    return cosine * cosh_y, -sine * sinh_y


def exp(x: Complex) -> Complex:
    """E to the power of x."""
    _check_precision()
    if abs(x[0]) > _LARGEST_EXPONENT:
        raise Undefined
    size = x[0].exp()
    if not x[1]:
        return size, _ZERO
    sine, cosine = _sin_cos(x[1])
    return size * cosine, size * sine


def _arctan(x: Decimal) -> Decimal:
    _check_precision()
    if abs(x) > 1:
        quarter = pi() / 2
        return (quarter if x > 0 else -quarter) - _arctan(1 / x)
    for _ in range(3):
        x = x / (1 + (1 + x * x).sqrt())
    return 8 * _arctan_series(x)


def angle(x: Complex) -> Decimal:
    """The argument, above -pi and up to pi."""
    real, imaginary = x
    if not imaginary:
        return pi() if real < 0 else _ZERO
    if not real:
        return pi() / 2 if imaginary > 0 else -pi() / 2
    base = _arctan(imaginary / real)
    if real > 0:
        return base
    return base + pi() if imaginary > 0 else base - pi()


def ln(x: Complex) -> Complex:
    """The natural logarithm."""
    _check_precision()
    size = modulus(x)
    if not size:
        raise Undefined
    return size.ln(), angle(x)


def sqrt(x: Complex) -> Complex:
    """The principal square root."""
    if not x[1]:
        return (x[0].sqrt(), _ZERO) if x[0] >= 0 else (_ZERO, (-x[0]).sqrt())
    size = modulus(x)
    real = ((size + x[0]) / 2).sqrt()
    imaginary = ((size - x[0]) / 2).sqrt()
    return real, imaginary if x[1] > 0 else -imaginary


def whole_power(x: Complex, n: int) -> Complex:
    """X to an integer power."""
    if n < 0:
        return divide(ONE, whole_power(x, -n))
    if not x[1]:
        return (x[0] ** n if x[0] else (_ZERO if n else _ONE)), _ZERO
    if n > 100_000:
        raise Undefined
    result, square = ONE, x
    while n:
        if n & 1:
            result = multiply(result, square)
        square = multiply(square, square)
        n >>= 1
    return result


def power(x: Complex, y: Complex) -> Complex:
    """The principal value of x to the power of y."""
    if not y[1] and y[0] == y[0].to_integral_value() and abs(y[0]) < 1_000_000_000:
        if not x[0] and not x[1] and y[0] < 0:
            raise Undefined
        return whole_power(x, int(y[0]))
    if not x[0] and not x[1]:
        if y[0] > 0:
            return ZERO
        raise Undefined
    return exp(multiply(y, ln(x)))


def _i_times(x: Complex) -> Complex:
    return -x[1], x[0]


def arcsin(x: Complex) -> Complex:
    """The inverse of the sine."""
    root = sqrt(subtract(ONE, multiply(x, x)))
    if not x[1] and not root[1]:
        return (_arctan(x[0] / root[0]) if root[0] else x[0] * pi() / 2), _ZERO
    value = ln(add(_i_times(x), root))
    return value[1], -value[0]


def arccos(x: Complex) -> Complex:
    """The inverse of the cosine."""
    value = arcsin(x)
    return pi() / 2 - value[0], -value[1]


def arctan(x: Complex) -> Complex:
    """The inverse of the tangent."""
    if not x[1]:
        return _arctan(x[0]), _ZERO
    turned = _i_times(x)
    half = subtract(ln(add(ONE, turned)), ln(subtract(ONE, turned)))
    return half[1] / 2, -half[0] / 2


def sinh(x: Complex) -> Complex:
    """The hyperbolic sine."""
    up = exp(x)
    down = divide(ONE, up)
    return (up[0] - down[0]) / 2, (up[1] - down[1]) / 2


def cosh(x: Complex) -> Complex:
    """The hyperbolic cosine."""
    up = exp(x)
    down = divide(ONE, up)
    return (up[0] + down[0]) / 2, (up[1] + down[1]) / 2


def arcsinh(x: Complex) -> Complex:
    """The inverse of the hyperbolic sine."""
    return ln(add(x, sqrt(add(multiply(x, x), ONE))))


def arccosh(x: Complex) -> Complex:
    """The inverse of the hyperbolic cosine."""
    return ln(add(x, multiply(sqrt(subtract(x, ONE)), sqrt(add(x, ONE)))))


def arctanh(x: Complex) -> Complex:
    """The inverse of the hyperbolic tangent."""
    half = subtract(ln(add(ONE, x)), ln(subtract(ONE, x)))
    return half[0] / 2, half[1] / 2


Function = Callable[[Complex], Complex]


def _over(top: Function, bottom: Function) -> Function:
    return lambda x: divide(top(x), bottom(x))


def _one_over(bottom: Function) -> Function:
    return lambda x: divide(ONE, bottom(x))


def _of_inverse(inner: Function) -> Function:
    return lambda x: inner(divide(ONE, x))


def _arccot(x: Complex) -> Complex:
    value = arctan(x)
    return pi() / 2 - value[0], -value[1]


FUNCTIONS: dict[str, Function] = {
    "sin": sin, "cos": cos, "tan": _over(sin, cos), "cot": _over(cos, sin),
    "sec": _one_over(cos), "csc": _one_over(sin), "sinh": sinh, "cosh": cosh,
    "tanh": _over(sinh, cosh), "coth": _over(cosh, sinh), "sech": _one_over(cosh),
    "csch": _one_over(sinh), "arcsin": arcsin, "arccos": arccos, "arctan": arctan,
    "arccot": _arccot, "arcsec": _of_inverse(arccos), "arccsc": _of_inverse(arcsin),
    "arcsinh": arcsinh, "arccosh": arccosh, "arctanh": arctanh, "ln": ln, "log": ln,
}  # fmt: skip
"""By name; `\\log` without a base is the natural one."""

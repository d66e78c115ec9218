"""Decimal division, roundings and number texts as .NET and LEAN make them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import AbstractContextManager
from decimal import (
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    InvalidOperation,
    localcontext,
)
from functools import lru_cache

from engine.types.decimals import (
    ONE,
    ZERO,
    normalize,
    plain,
    round_half_away,
    round_half_even,
    to_decimal,
)


def _context(digits: int, *traps: type[DecimalException]) -> Context:
    return Context(
        prec=digits, rounding=ROUND_HALF_EVEN, Emin=-999999, Emax=999999, traps=list(traps)
    )


_WIDE = _context(80, DivisionByZero, InvalidOperation)
#: what 96 bits hold at most, not looking at how many they hold
_NARROW = _context(29, DivisionByZero, InvalidOperation)
_SHORT = _context(28)
#: seven digits, as charts show them, and four
_SEVEN = _context(7)
_FOUR = _context(4, DivisionByZero)
_MAX_MANTISSA = (1 << 96) - 1
_MAX_DECIMAL = Decimal(_MAX_MANTISSA)
HUNDRED = Decimal(100)
_THOUSAND = Decimal(1000)


#: one unit of the last place, and the largest number with that many decimals
_UNITS = [Decimal(1).scaleb(-places) for places in range(29)]
_LIMITS = [Decimal(_MAX_MANTISSA).scaleb(-places, context=_WIDE) for places in range(29)]


def fit(value: Decimal) -> Decimal:
    """Round half to even into 96 bits and at most 28 decimals, as every result of .NET is."""
    # looking at the digits is slow: a number of 28 digits at most that is not below 0.1 has no more
    # than 28 decimals, and nothing is to be done when it has one decimal at least
    if (
        _SHORT.plus(value).same_quantum(value)
        and value.adjusted() >= -1
        and not value.to_integral_value().same_quantum(value)
    ):
        return value
    return _fit_long(value)


def _fit_long(value: Decimal) -> Decimal:
    """Do what :func:`fit` does; quick for values with more digits than fit, as most quotients."""
    adjusted = value.adjusted()
    places = 28 if adjusted <= 0 else 28 - adjusted
    if places >= 0:
        result = _WIDE.quantize(value, _UNITS[places])
        if result != value or result.same_quantum(value):
            # 28 digits always have 96 bits; a number of one and above has 29 here
            over = adjusted >= 0 and abs(result) > _LIMITS[places]
            return _cut(value, places) if over else result
    # nothing is lost, or the number is beyond .NET's: the scale of the value itself counts
    if (
        adjusted >= -1
        and _SHORT.plus(value).same_quantum(value)
        and (value.same_quantum(ONE) or not value.to_integral_value().same_quantum(value))
    ):
        # the scale of 28 digits at most that is not below zero: told without a look at the digits
        return value
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    if exponent >= -28 and adjusted - exponent < 28:
        return value.quantize(ONE, context=_WIDE) if exponent > 0 else value
    return _cut(value, min(28, -exponent, max(0, 28 - max(0, adjusted))))


def _cut(value: Decimal, places: int) -> Decimal:
    """Round half to even to so many decimals, or to fewer until it has 96 bits."""
    if places < 0:
        # beyond the range of .NET's decimal
        return value.quantize(Decimal(1).scaleb(-places), context=_WIDE)
    result = value.quantize(_UNITS[places], context=_WIDE)
    while places and abs(result) > _LIMITS[places]:
        places -= 1
        result = value.quantize(_UNITS[places], context=_WIDE)
    return result


def divide(numerator: Decimal, denominator: Decimal) -> Decimal:
    """Divide as ``System.Decimal``: an exact quotient keeps its scale, another has 96 bits.

    Raises
    ------
    decimal.DivisionByZero
        If ``denominator`` is zero.
    """
    return _fit_long(_WIDE.divide(numerator, denominator))


def ratio(numerator: Decimal, denominator: Decimal) -> Decimal:
    """Divide as :func:`divide`, the scale not looked after: for what is rounded next.

    Raises
    ------
    decimal.DivisionByZero
        If ``denominator`` is zero.
    """
    value = _WIDE.divide(numerator, denominator)
    # below one 28 decimals are 28 digits at most, which 96 bits always hold
    return _WIDE.quantize(value, _UNITS[28]) if value.adjusted() < 0 else _fit_long(value)


def add(first: Decimal, second: Decimal) -> Decimal:
    """Add with .NET's 96 bits; 28 digits lose one that shows in running means."""
    return _fit_long(_WIDE.add(first, second))


def subtract(first: Decimal, second: Decimal) -> Decimal:
    """Subtract with .NET's 96 bits."""
    return _fit_long(_WIDE.subtract(first, second))


def multiply(first: Decimal, second: Decimal) -> Decimal:
    """Multiply with .NET's 96 bits."""
    return _fit_long(_WIDE.multiply(first, second))


def narrow() -> AbstractContextManager[Context]:
    """Make 29 digits the context of a block, for :func:`next_mean` and :func:`product`."""
    return localcontext(_NARROW)


def _fits(value: Decimal) -> bool:
    """Tell whether a result of 29 digits is what 96 bits hold.

    Below one they hold less, and of numbers that begin with an 8 or a 9.
    """
    adjusted = value.adjusted()
    return 0 <= adjusted < 28 and value.copy_abs() <= _LIMITS[28 - adjusted]


def next_mean(mean: Decimal, value: Decimal, count: int) -> tuple[Decimal, Decimal]:
    """One step of a running mean: ``mean + (value - mean) / count``.

    In a block of :func:`narrow`: operators take a fifth of the time of :func:`add` and the others,
    and most of their results fit. Numbers have no exponents above zero.

    Returns
    -------
    tuple
        How far the value lies off the mean before it, and the new mean.
    """
    off = value - mean
    if not _fits(off):
        off = subtract(value, mean)
    change = off / count
    if not _fits(change):
        change = divide(off, Decimal(count))
    after = mean + change
    return off, after if _fits(after) else add(mean, change)


def product(first: Decimal, second: Decimal) -> Decimal:
    """Do what :func:`multiply` does, in a block of :func:`narrow`."""
    value = first * second
    return value if _fits(value) else multiply(first, second)


def total(first: Decimal, second: Decimal) -> Decimal:
    """Do what :func:`add` does, in a block of :func:`narrow`."""
    value = first + second
    return value if _fits(value) else add(first, second)


def difference(first: Decimal, second: Decimal) -> Decimal:
    """Do what :func:`subtract` does, in a block of :func:`narrow`."""
    value = first - second
    return value if _fits(value) else subtract(first, second)


def average(values: Iterable[Decimal]) -> Decimal:
    """Mean of decimals; zero for none."""
    total, count = ZERO, 0
    for value in values:
        total = add(total, value)
        count += 1
    return divide(total, Decimal(count)) if count else ZERO


def times_100(value: Decimal) -> Decimal:
    """Make a per cent figure of a fraction, cut to the range of .NET's decimal."""
    return _MAX_DECIMAL if value >= _MAX_DECIMAL / HUNDRED else value * HUNDRED


def round_to_significant(value: Decimal, digits: int) -> Decimal:
    """LEAN's ``RoundToSignificantDigits``: its scale shows in texts (``160000000.00``)."""
    if not value:
        return ZERO
    power = value.adjusted() + 1
    scale = Decimal(10) ** power if power >= 0 else Decimal(1).scaleb(power)
    return scale * round_half_even(divide(value, scale), digits)


def share_of(part: Decimal, whole: Decimal) -> Decimal:
    """Four significant digits of a :func:`ratio`; the scale is not looked after.

    Raises
    ------
    decimal.DivisionByZero
        If ``whole`` is zero.
    """
    # rounded once: 28 decimals before that change nothing but what lies 5e-29 beside a half, and
    # what has less than four digits among them
    share = _FOUR.divide(part, whole)
    return share if share.adjusted() >= -25 else _FOUR.plus(ratio(part, whole))


def sample_number(value: Decimal) -> Decimal:
    """LEAN's ``SmartRounding`` of chart values: 4 decimals over 1000, else 7 digits."""
    if value > _THOUSAND:
        return round_half_even(normalize(value), 4)
    if not value:
        return ZERO
    if not _SHORT.plus(value).same_quantum(value):
        # more than 28 digits: .NET rounds twice
        return normalize(round_to_significant(value, 7))
    rounded = _SEVEN.normalize(value)
    power = rounded.adjusted()
    if power < 1:
        return rounded
    # whole tens are left with an exponent, which a sum with zero has not
    return rounded + ZERO if power < 20 else normalize(rounded)


#: the same for values that come again; equal ones of other scales have one entry, for the scale is
#: dropped anyhow
chart_number = lru_cache(maxsize=4096)(sample_number)


def sample_price(value: Decimal) -> Decimal:
    """Four decimals at most, and then what :func:`sample_number` makes of them."""
    if value > _THOUSAND and value.adjusted() < 20:
        return _WIDE.normalize(_WIDE.quantize(value, _UNITS[4])) + ZERO
    return sample_number(round_half_even(value, 4))


def rounded_ratio(numerator: Decimal, denominator: Decimal, digits: int) -> Decimal:
    """Round a :func:`ratio`, the scale not looked after.

    Raises
    ------
    decimal.DivisionByZero
        If ``denominator`` is zero.
    """
    # once: 28 decimals before that change nothing but what lies 5e-29 beside a half
    return _WIDE.quantize(_WIDE.divide(numerator, denominator), _UNITS[digits])


def discrete(value: Decimal, step: Decimal) -> Decimal:
    """Round to a multiple of ``step``, halves away from zero, with the scale that .NET gives."""
    return step * round_half_away(divide(value, step))


def to_money(value: Decimal, symbol: str) -> str:
    """Format as ``symbol + value.ToString("N2")``: ``$1,234.50`` and ``$-3.00``."""
    return symbol + grouped(value)


def grouped(value: Decimal) -> str:
    """Format as .NET's ``N2``."""
    text = f"{round_half_away(value, 2):,.2f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.,") else text


def fixed(value: Decimal) -> str:
    """Format as .NET's ``0.00``."""
    text = f"{round_half_away(value, 2):.2f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text


def percent(value: Decimal) -> str:
    """Format a fraction as .NET's invariant ``P``: ``3.43 %``."""
    return grouped(value * HUNDRED) + " %"


def rounded_text(value: Decimal, digits: int) -> str:
    """Round half to even and print without an exponent."""
    return plain(round_half_even(value, digits))


def double_text(value: float, digits: int) -> str:
    """Print ``Math.Round(double, digits)`` as .NET does: no trailing zeros, ``-0`` exists."""
    number = _round_double(value, digits)
    if number == 0:
        return "-0" if math.copysign(1.0, number) < 0 else "0"
    if number.is_integer() and abs(number) < 1e15:
        return str(int(number))
    text = repr(number)
    if "e" not in text:
        return text[:-2] if text.endswith(".0") else text
    mantissa, exponent = text.split("e")
    power = int(exponent)
    if -5 <= power < 15:
        return format(Decimal(text), "f")
    mantissa = mantissa[:-2] if mantissa.endswith(".0") else mantissa
    return f"{mantissa}E{power:+03d}"


def _round_double(value: float, digits: int) -> float:
    """.NET scales, rounds half to even and scales back; Python looks at the decimal text."""
    if abs(value) >= 1e16:
        return value
    power = 10.0**digits
    scaled = value * power
    whole = float(round(scaled)) if abs(scaled) < 1e16 else scaled
    return math.copysign(whole / power, value)


def from_double(value: float) -> Decimal:
    """LEAN's ``SafeDecimalCast``: 15 significant digits, cut to the range of .NET's decimal.

    Raises
    ------
    OverflowError
        For NaN and infinite values.
    """
    if value >= float(_MAX_DECIMAL):
        return _MAX_DECIMAL
    if value <= -float(_MAX_DECIMAL):
        return -_MAX_DECIMAL
    return to_decimal(float(value))

"""Decimal arithmetic with .NET's scale rules, and LEAN's roundings and number formats.

Python's decimal context with banker's rounding keeps the scale of sums, differences and products as
``System.Decimal`` does, so values that reach an order keep their trailing zeros. It has 29 digits:
.NET's 96 bits hold 29 up to 7.9 and 28 above. Quotients, whose digits would fill it, are made by
:func:`engine.statistics.arithmetic.divide`; what is printed is cut to 96 bits by :func:`plain`.
"""

from __future__ import annotations

import decimal
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any, cast

ZERO = Decimal(0)
ONE = Decimal(1)
#: where :func:`seen_once` begins
NOT_SEEN = (ZERO, 0.0)
_CONTEXT = decimal.Context(
    prec=29,
    rounding=ROUND_HALF_EVEN,
    Emin=-999999,
    Emax=999999,
    traps=[decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow],
)
# no decimal of .NET has more digits behind the point
_DECIMALS = 28
_MAX = Decimal(79228162514264337593543950335)
_WIDE = decimal.Context(prec=60, rounding=ROUND_HALF_EVEN)
_UNITS = [Decimal(1).scaleb(-digits) for digits in range(29)]


def use_lean_context() -> None:
    """Make .NET's decimal rules the context of the calling thread."""
    decimal.setcontext(_CONTEXT.copy())


def _exponent(value: Decimal) -> int:
    """Return the exponent of a finite number (that of NaN and infinity is a letter)."""
    return cast(int, value.as_tuple().exponent)


def to_decimal(value: Any) -> Decimal:
    """Convert what a user or a model returned into an exact decimal.

    A float becomes the decimal of its 15 significant digits, as .NET's ``(decimal)double`` does.

    Raises
    ------
    OverflowError
        For NaN and infinite values: .NET's decimal cannot hold them.
    """
    kind = type(value)
    if kind is Decimal:
        return value
    if kind is int:
        return Decimal(value)
    if kind is float:
        if value != value or value in (float("inf"), float("-inf")):
            raise OverflowError(f"expected a finite number, was {value}")
        if not value:
            return ZERO
        text = f"{value:.15g}"
        number = Decimal(text)
        if "e" not in text:
            # whole, or with 19 decimals at most
            return number
        exponent = _exponent(number)
        if exponent < -_DECIMALS:
            number = round_half_even(number, _DECIMALS).normalize()
            return number or ZERO
        return normalize(number) if exponent >= 0 else number
    if isinstance(value, bool):
        return Decimal(int(value))
    if isinstance(value, str):
        return Decimal(value)
    if hasattr(value, "item"):
        return to_decimal(value.item())
    return to_decimal(float(value))


def normalize(value: Decimal) -> Decimal:
    """Drop trailing zeros without going to an exponent (``1E+2`` stays ``100``)."""
    if value.same_quantum(ONE):
        if value.adjusted() < _DECIMALS:
            return value
    else:
        whole = value.to_integral_value()
        if whole != value:
            short = value.normalize()
            if short == value:
                # nothing was cut: decimals are left, so no exponent above zero
                return short
        elif whole.same_quantum(ONE) and whole.adjusted() < _DECIMALS:
            return whole
    value = value.normalize()
    if value.adjusted() < 1:
        # below ten: no tens that an exponent could stand for
        return value
    # whole, or with decimals: an exponent above zero is left, which rounding does not change
    if value.same_quantum(ONE) or not value.to_integral_value().same_quantum(value):
        return value
    # .NET's largest decimals have 29 digits
    return value.quantize(ONE, context=_WIDE)


def smart_rounding(value: Decimal) -> Decimal:
    """LEAN's ``SmartRounding``: 4 decimals above 1000, else 7 significant digits.

    Trailing zeros are dropped. Negative numbers are never "above 1000".
    """
    value = normalize(value)
    if value > 1000:
        return normalize(round_half_even(value, 4))
    return normalize(round_to_significant(value, 7))


def round_to_significant(value: Decimal, digits: int) -> Decimal:
    """Round to significant digits as LEAN does, through a power of ten."""
    if not value:
        return ZERO
    exponent = value.adjusted() + 1
    scale = Decimal(1).scaleb(exponent)
    return scale * round_half_even(value / scale, digits)


def round_half_even(value: Decimal, digits: int = 0) -> Decimal:
    """``Math.Round(decimal, digits)``; the scale never grows."""
    if 0 <= digits <= 28 and value.adjusted() < 29:
        rounded = _WIDE.quantize(value, _UNITS[digits])
        if rounded != value or rounded.same_quantum(value):
            return rounded
        # of a sum the finer of both scales is kept
        return value if _WIDE.add(value, rounded).same_quantum(rounded) else rounded
    if -_exponent(value) <= digits:
        return value
    return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN, context=_WIDE)


def round_half_away(value: Decimal, digits: int = 0) -> Decimal:
    """``Math.Round(decimal, digits, MidpointRounding.AwayFromZero)``."""
    if -_exponent(value) <= digits:
        return value
    return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, context=_WIDE)


def round_down(value: Decimal, step: Decimal) -> Decimal:
    """Cut towards zero to a multiple of ``step`` (lot sizes)."""
    if not step:
        return value
    return value - value % step


def discretely_round_by(value: Decimal, step: Decimal) -> Decimal:
    """Round to the nearest multiple of ``step``, halves away from zero."""
    if not step:
        return value
    return (value / step).quantize(ONE, ROUND_HALF_UP, context=_WIDE) * step


def truncate(value: Decimal) -> Decimal:
    """Cut the fraction."""
    return value.quantize(ONE, ROUND_DOWN, context=_WIDE)


def plain(value: Decimal) -> str:
    """Print as .NET's invariant ``decimal.ToString()``: no exponent, the scale kept."""
    text = str(value)
    if not value:
        if "E" not in text:  # .NET shows no negative zero
            return text if text[0] != "-" else text[1:]
        exponent = _exponent(value)
        return "0" if exponent >= 0 else "0." + "0" * -exponent
    if "E" in text:  # of tens, or below a millionth
        text = format(value, "f")
    if len(text) > 29:
        # as many digits as the context has, which may be one more than 96 bits hold
        from engine.statistics.arithmetic import fit

        return format(fit(value), "f")
    return text


def json_number(value: Decimal) -> str:
    """Print a decimal as Newtonsoft does: whole numbers get ``.0``."""
    text = str(value)
    if not value or "E" in text or len(text) > 29:
        text = plain(value)
    return text if "." in text else text + ".0"


class DecimalField:
    """An attribute that the user sees as float and that the engine keeps exact.

    ``price = DecimalField()`` stores a ``Decimal`` under ``_price``.
    """

    __slots__ = ("slot",)

    def __set_name__(self, owner: type, name: str) -> None:
        self.slot = "_" + name

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        if obj is None:
            return self
        value = getattr(obj, self.slot)
        return None if value is None else float(value)

    def __set__(self, obj: Any, value: Any) -> None:
        setattr(obj, self.slot, None if value is None else to_decimal(value))


def seen(name: str) -> Any:
    """Return a property that shows an exact attribute as float."""
    return property(lambda self: float(getattr(self, name)))


def seen_once(name: str, kept: str) -> Any:
    """Return what :func:`seen` does, for an attribute that is asked for much more often than it
    changes: its float is made once for each exact value, and stands beside it under ``kept``, which
    begins as :data:`NOT_SEEN`.
    """

    def get(self: Any) -> float:
        value, known = getattr(self, name), getattr(self, kept)
        if known[0] is not value:
            known = value, float(value)
            setattr(self, kept, known)
        shown: float = known[1]
        return shown

    return property(get)


use_lean_context()

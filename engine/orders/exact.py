"""How numbers of Python code become LEAN's decimals.

LEAN's bridge reads the *text* of a Python number where .NET wants a ``decimal``
(``144.51999999999998`` keeps its 17
digits), but hands a ``double`` over where an overload takes one; .NET then keeps 15 digits.
"""

from __future__ import annotations

from decimal import Context, Decimal
from typing import Any

from engine.statistics.arithmetic import chart_number
from engine.types.decimals import normalize, to_decimal


def from_python(value: Any) -> Decimal:
    """Read a number of Python code as a .NET ``decimal`` argument, return value or property.

    Raises
    ------
    OverflowError
        For NaN and infinite values.
    """
    kind = type(value)
    if kind is Decimal:
        return value
    if isinstance(value, float):
        if value - value != 0:
            raise OverflowError(f"expected a finite number, was {value}")
        if not value:
            return Decimal("0.0")
        text = float.__repr__(value)
        number = Decimal(text)
        if "e" not in text:
            return number
        return number.quantize(Decimal(1)) if number.as_tuple().exponent > 0 else number  # type: ignore[operator]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        raise TypeError(f"expected a number, was {value!r}")
    return to_decimal(value)


def from_double(value: Any) -> Decimal:
    """Read a number of Python code as a .NET ``double`` (or ``int``) that becomes a ``decimal``."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        raise TypeError(f"expected a number, was {value!r}")
    return to_decimal(value)


_POWERS = [float(f"1e{n}") for n in range(29)]
_WORD = 2**64
_FIFTEEN = Context(prec=15, Emin=-999999, Emax=999999, traps=[])


def to_float(value: Decimal) -> float:
    """Convert as .NET's ``(double)decimal`` does: digits as a double, divided by a power of ten.

    Beyond 15 digits this is not the nearest double: 124.50999999999999 becomes 124.51.
    """
    if not value or _FIFTEEN.plus(value).same_quantum(value):
        # 15 digits at most
        return float(value)
    sign, digits, exponent = value.as_tuple()
    if len(digits) < 16 or not isinstance(exponent, int) or exponent >= 0:
        return float(value)
    mantissa = int("".join(map(str, digits)))
    number = float(mantissa % _WORD) + float(mantissa // _WORD) * float(_WORD)
    number /= _POWERS[min(-exponent, 28)]
    return -number if sign else number


def smart_rounding(value: Decimal) -> Decimal:
    """LEAN's ``SmartRounding``: 4 decimals above 1000, else 7 significant digits.

    Trailing zeros are dropped. Negative numbers are never "above 1000".
    """
    return chart_number(value)


class Exact:
    """A number the user sees as float and that is kept exact under ``_name``; ``None`` stays
    ``None``.

    With ``trim`` trailing zeros are dropped on every assignment, as LEAN's own properties do.
    """

    __slots__ = ("slot", "trim")

    def __init__(self, trim: bool = False) -> None:
        self.trim = trim

    def __set_name__(self, owner: type, name: str) -> None:
        self.slot = "_" + name

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        if obj is None:
            return self
        value = getattr(obj, self.slot)
        return None if value is None else to_float(value)

    def __set__(self, obj: Any, value: Any) -> None:
        if value is not None and (self.trim or type(value) is not Decimal):
            value = from_python(value)
            if self.trim:
                value = normalize(value)
        setattr(obj, self.slot, value)

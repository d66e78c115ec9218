"""One text for one value: JSON as RFC 8785 writes it, so that equal entries have equal hashes.

Keys are sorted by UTF-16 code units, numbers are written as ECMAScript writes doubles, nothing is
escaped that need not be. Beyond JSON's own types:

- ``datetime`` (aware) becomes UTC text of fixed width, ``2020-01-06T21:00:00.000000Z``;
- ``date`` becomes ``2020-01-06``, ``timedelta`` its seconds, ``Enum`` its value, ``bytes`` hex;
- ``Decimal`` becomes text in plain notation with its digits kept (``"0.10"``), because a double
  cannot hold it;
- NaN, infinities, integers beyond 2**53 - 1 and every other type are refused.

Source: RFC 8785 (JSON Canonicalization Scheme), sections 3.2.2 and 3.2.3.
"""

from __future__ import annotations

import json
import math
import numbers
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from json.encoder import encode_basestring
from typing import Any

from protection.contracts.errors import FixInput

SAFE = 2**53 - 1
"""Largest integer that a reader with doubles cannot mistake for its neighbour."""

_KNOWN_SHAPES, _LARGEST_SHAPE = 1024, 64
# Python's own limit on recursion stops a value nested too deeply; some packages raise it so far
# that the stack of the process ends first. Then the depth is counted before anything is written.
_USUAL_RECURSION, _DEEPEST = 2_000, 200


def canonical(value: Any) -> bytes:
    """Canonical UTF-8 bytes of a value.

    Raises
    ------
    FixInput
        When the value holds something that has no canonical form; the message names it.
    """
    if sys.getrecursionlimit() > _USUAL_RECURSION:
        _refuse_deep(value)
    try:
        return _WRITERS[type(value)](value).encode("utf-8")
    except KeyError:
        pass
    except UnicodeEncodeError as error:
        raise FixInput(f"expected text without lone surrogates, was {error.object!r}") from None
    except RecursionError:
        raise FixInput("expected a value nested less deeply, was deeper than the stack") from None
    return _other(value).encode("utf-8")


def _refuse_deep(value: Any) -> None:
    waiting: list[tuple[Any, int]] = [(value, 0)]
    while waiting:
        item, depth = waiting.pop()
        if depth > _DEEPEST:
            raise FixInput(f"expected a value nested less deeply, was over {_DEEPEST} levels")
        if isinstance(item, Mapping):
            waiting += [(inner, depth + 1) for inner in item.values()]
        elif isinstance(item, (list, tuple)):
            waiting += [(inner, depth + 1) for inner in item]


def parse(data: bytes) -> Any:
    """Value of canonical bytes.

    Raises
    ------
    FixInput
        When the bytes are no JSON, or are not what :func:`canonical` would have written.
    """
    try:
        value = read(data)
    except (ValueError, RecursionError) as error:
        raise FixInput(f"expected canonical JSON, was {data[:60]!r}: {error}") from None
    if canonical(value) != data:
        raise FixInput(f"expected canonical JSON, was the same value written otherwise: {data!r}")
    return value


def read(data: bytes) -> Any:
    """Value of JSON; an integer that only a double can have written becomes that double.

    Raises
    ------
    ValueError
        When it is no JSON.
    """
    return json.loads(data, parse_int=_read_int)


def _read_int(text: str) -> int | float:
    value = int(text)
    return value if -SAFE <= value <= SAFE else float(text)


def is_canonical(data: bytes) -> bool:
    """Whether the bytes are the canonical form of the value they hold."""
    try:
        parse(data)
    except FixInput:
        return False
    return True


def _write(value: Any) -> str:
    writer = _WRITERS.get(type(value))
    return _other(value) if writer is None else writer(value)


def _float(value: float) -> str:
    text = repr(value)
    if text[-2:] == ".0" and len(text) < 17:
        return text[:-2] if value else "0"
    return _es(value) if "e" in text or "n" in text or text[-2:] == ".0" else text


def _es(value: float) -> str:
    """Number as ECMAScript's Number::toString writes it (ECMA-262, 6.1.6.1.20)."""
    if not math.isfinite(value):
        raise FixInput(f"expected finite numbers, was {value}; leave it out or write it as text")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    tail = f".{digits[1:]}" if count > 1 else ""
    return f"{sign}{digits[0]}{tail}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def _int(value: int) -> str:
    if -SAFE <= value <= SAFE:
        return str(value)
    raise FixInput(f"expected integers within +-(2**53 - 1), was {value}; write it as text")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise FixInput(f"expected keys that are text, was {key!r}")
    return encode_basestring(key) + ":"


def _mapping(value: Mapping[Any, Any]) -> str:
    keys = tuple(value)
    shape = _SHAPES.get(keys)
    if shape is None:
        shape = _shape(keys)
    writers = _WRITERS
    parts = []
    for key, text in shape:
        item = value[key]
        writer = writers.get(type(item))
        parts.append(text + (_other(item) if writer is None else writer(item)))
    return "{" + ",".join(parts) + "}"


def _shape(keys: tuple[Any, ...]) -> tuple[tuple[Any, str], ...]:
    """Keys in canonical order with their text; kept, because entries of one type are alike."""
    try:
        order = sorted(keys)
        if not all(map(str.isascii, order)):
            order = sorted(keys, key=_utf16)
    except TypeError:
        raise FixInput(f"expected keys that are text, was {list(keys)!r}") from None
    shape = tuple((key, _key(key)) for key in order)
    if len(_SHAPES) < _KNOWN_SHAPES and len(keys) <= _LARGEST_SHAPE:
        _SHAPES[keys] = shape
    return shape


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be", "surrogatepass")


def _sequence(value: Sequence[Any]) -> str:
    return "[" + ",".join(map(_write, value)) + "]"


def _datetime(value: datetime) -> str:
    return f'"{utc_text(value)}"'


def utc_text(value: datetime) -> str:
    """Aware time as UTC text of fixed width, so that texts sort as the times do.

    Raises
    ------
    FixInput
        When the time has no time zone.
    """
    global _last_time
    known, text = _last_time  # the times of one step are often one object
    if known is value:
        return text
    moment, zone = value, value.tzinfo
    if zone is not UTC:
        if zone is None:
            raise FixInput(f"expected a time with a time zone, was {value!r}; attach timezone.utc")
        moment = value.astimezone(UTC)
    text = moment.isoformat(timespec="microseconds")[:26] + "Z"
    _last_time = (value, text)
    return text


def _decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise FixInput(f"expected finite numbers, was {value}; leave it out or write it as text")
    return f'"{value:f}"'


def _other(value: Any) -> str:
    """Writer for subclasses and for numbers of other libraries (numpy scalars)."""
    if isinstance(value, Enum):
        return _write(value.value)
    for kind, writer in _WRITERS.items():
        if kind is not object and isinstance(value, kind):
            return writer(value)
    if isinstance(value, Mapping):
        return _mapping(value)
    if isinstance(value, numbers.Integral):
        return _int(int(value))
    if isinstance(value, numbers.Real):
        return _float(float(value))
    if type(value).__name__ == "bool_" or type(value).__name__ == "bool":  # numpy's
        return "true" if value else "false"
    raise FixInput(
        f"expected text, numbers, times, lists and mappings, was {type(value).__name__} {value!r}"
    )


_last_time: tuple[datetime | None, str] = (None, "")
_SHAPES: dict[tuple[Any, ...], tuple[tuple[Any, str], ...]] = {}
_WRITERS: dict[type, Callable[[Any], str]] = {
    str: encode_basestring,
    float: _float,
    bool: lambda value: "true" if value else "false",
    int: _int,
    type(None): lambda value: "null",
    dict: _mapping,
    list: _sequence,
    tuple: _sequence,
    datetime: _datetime,
    date: lambda value: f'"{value.isoformat()}"',
    timedelta: lambda value: _float(value.total_seconds()),
    Decimal: _decimal,
    bytes: lambda value: f'"{value.hex()}"',
}

"""JSON of result files: one encoder for all, and its answers for single values."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any

_EPOCH = datetime(1970, 1, 1)


def json_text(content: Any) -> str:
    """Return content as JSON.

    Raises
    ------
    ValueError
        For a number that JSON does not know.
    """
    return _encode(content)


def value_text(value: Any) -> str:
    """Do what :func:`json_text` does; quick for texts, floats, ``None`` and truth values."""
    kind = type(value)
    if kind is str:
        return encode_basestring(value)
    # what is not finite less itself is no number
    if kind is float and value - value == 0:
        return repr(value)
    if value is None:
        return "null"
    if value is True:
        return "true"
    return "false" if value is False else json_text(value)


def number_text(value: Decimal | None) -> str:
    """Do what :func:`json_text` does for an exact number."""
    if value is None:
        return "null"
    text = str(value)
    # up to 15 digits are those of the float too, which takes long to print
    if len(text) < 16 and "E" not in text:
        if "." in text:
            if value.adjusted() > -5:
                text = text.rstrip("0")
                return text + "0" if text[-1] == "." else text
        elif value.is_finite():
            return text + ".0"
    return value_text(float(value))


@lru_cache(maxsize=1 << 14)  # orders and insights come together
def seconds_text(utc: datetime) -> str:
    """Return the seconds from 1970 to a naive UTC time as :func:`json_text` prints them."""
    delta = utc - _EPOCH
    if delta.microseconds:
        return repr(delta.total_seconds())
    return f"{delta.days * 86400 + delta.seconds}.0"


def joined(texts: Iterable[str]) -> str:
    """Return a JSON list of what is JSON already."""
    return f"[{', '.join(texts)}]"


def _plain(value: Any) -> Any:
    """Show an exact number as a JSON number."""
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"expected a value that JSON knows, was {type(value).__name__}: {value!r}")


# it does not look for objects that hold themselves: results have none
_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, default=_plain
).encode

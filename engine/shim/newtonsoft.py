"""``Newtonsoft.Json`` for algorithms that print what they hold as JSON.

Plain values, orders, symbols and market hours have their JSON, as .NET's library writes it (the
time zone of market hours is its name alone); other objects are refused rather than guessed at.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from engine.data.sessions import LocalMarketHours, MarketHoursSegment, SecurityExchangeHours
from engine.orders.order import Order
from engine.orders.serialization import dump, order_json, symbol_json, time_text
from engine.statistics.spans import span_text
from engine.types.decimals import json_number
from engine.types.dotnet import LeanObject
from engine.types.enums import LeanEnum
from engine.types.errors import EngineUnsupported
from engine.types.symbol import Symbol

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MICROSECOND = timedelta(microseconds=1)


def _pairs(items: Iterable[tuple[str, Any]]) -> str:
    return "{" + ",".join(f"{json.dumps(key)}:{_text(value)}" for key, value in items) + "}"


def _hours(hours: SecurityExchangeHours) -> str:
    holidays = sorted(hours.holidays)
    banks = sorted(hours.bank_holidays)
    return _pairs(
        [
            ("TimeZone", hours.time_zone.key),
            ("Holidays", holidays),
            ("BankHolidays", banks),
            ("MarketHours", {_DAYS[day]: held for day, held in hours.market_hours.items()}),
            ("EarlyCloses", hours.early_closes),
            ("LateOpens", hours.late_opens),
            ("RegularMarketDuration", hours.regular_market_duration),
            ("IsMarketAlwaysOpen", hours.is_market_always_open),
        ]
    )


def _of_day(hours: LocalMarketHours) -> str:
    return _pairs(
        [
            ("IsClosedAllDay", hours.is_closed_all_day),
            ("IsOpenAllDay", hours.is_open_all_day),
            ("DayOfWeek", hours.day_of_week),
            ("MarketDuration", hours.market_duration),
            ("Segments", hours.segments),
        ]
    )


def _segment(segment: MarketHoursSegment) -> str:
    return _pairs([("start", segment.start), ("end", segment.end), ("state", segment.state)])


def _text(value: Any) -> str:
    """Return the JSON of a value."""
    if value is None or isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, LeanEnum):
        return str(int(value))
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        text = repr(value)
        names = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
        return json.dumps(names[text]) if text in names else text
    if isinstance(value, Decimal):
        return json_number(value)
    if isinstance(value, datetime):
        return json.dumps(time_text(value.replace(tzinfo=None), utc=value.tzinfo is not None))
    if isinstance(value, timedelta):
        return json.dumps(span_text(value // _MICROSECOND * 10))
    for kind, write in _WRITERS:
        if isinstance(value, kind):
            return write(value)
    if isinstance(value, Mapping):
        return _pairs((_key(key), held) for key, held in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return "[" + ",".join(map(_text, value)) + "]"
    raise EngineUnsupported(
        f"engine does not implement JsonConvert of {type(value).__name__}; use Python's json for "
        "your own objects"
    )


def _key(key: Any) -> str:
    return time_text(key, utc=False) if isinstance(key, datetime) else str(key)


_WRITERS: tuple[tuple[type, Any], ...] = (
    (SecurityExchangeHours, _hours),
    (LocalMarketHours, _of_day),
    (MarketHoursSegment, _segment),
    (Order, lambda order: dump(order_json(order))),
    (Symbol, lambda symbol: dump(symbol_json(symbol))),
)


class JsonConvert(LeanObject):
    """JSON as Newtonsoft's library writes it, for what algorithms hold."""

    @staticmethod
    def serialize_object(value: Any) -> str:
        """Return the JSON of a value on one line.

        Raises
        ------
        EngineUnsupported
            For objects whose JSON in LEAN is not known.
        """
        return _text(value)

    @staticmethod
    def deserialize_object(value: str) -> Any:
        """Refuse: what comes out of .NET is no Python object."""
        raise EngineUnsupported(
            "engine does not implement JsonConvert.deserialize_object; use json.loads"
        )

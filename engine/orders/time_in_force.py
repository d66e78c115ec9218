"""How long an order works: until canceled, for the day, until a date.

Exchange hours decide: shares end at the regular close, currency pairs and CFDs at 17:00 New York,
coins at midnight.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from engine.types.dotnet import LeanObject
from engine.types.enums import SecurityType
from engine.types.timezones import TimeZones, convert, from_utc, to_utc

_CUT_OFF = timedelta(hours=17)
_DAY = timedelta(days=1)
_PAIRS = (SecurityType.FOREX, SecurityType.CFD)
_COINS = (SecurityType.CRYPTO, SecurityType.CRYPTO_FUTURE)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


class TimeInForce(LeanObject):
    """Base of the times in force.

    ``GOOD_TIL_CANCELED``, ``DAY`` and ``good_til_date(expiry)`` make them.
    """

    GOOD_TIL_CANCELED: TimeInForce
    DAY: TimeInForce

    @staticmethod
    def good_til_date(expiry: datetime | date) -> GoodTilDateTimeInForce:
        """Return the time in force that ends at the close of a date."""
        return GoodTilDateTimeInForce(expiry)

    #: LEAN has it as a function in a field, which its Python API shows under this name too
    GOOD_TIL_DATE = good_til_date

    def is_order_expired(self, security: Any, order: Any) -> bool:
        """Tell whether the order's time is over at the security's local time."""
        raise NotImplementedError

    def is_fill_valid(self, security: Any, order: Any, fill: Any) -> bool:
        """Tell whether a fill may be sent."""
        return True

    def _json(self) -> dict[str, Any]:
        return {}


class GoodTilCanceledTimeInForce(TimeInForce):
    """Works until it is filled or canceled."""

    def is_order_expired(self, security: Any, order: Any) -> bool:
        return False


class DayTimeInForce(TimeInForce):
    """Works until the end of the day of its submission."""

    def is_order_expired(self, security: Any, order: Any) -> bool:
        hours = security.exchange.hours
        now: datetime = security.local_time
        if order.security_type in _PAIRS:
            zone = TimeZones.NEW_YORK
            ordered = from_utc(order._time, zone)
            expiry = _midnight(ordered) + _CUT_OFF
            if ordered > expiry:
                expiry += _DAY
            return convert(now, hours.time_zone, zone) >= expiry
        ordered = from_utc(order._time, hours.time_zone)
        if order.security_type in _COINS:
            return now.date() > ordered.date()
        return bool(now >= hours.get_last_daily_market_close(ordered, False))

    def _json(self) -> dict[str, Any]:
        return {"$type": "QuantConnect.Orders.TimeInForces.DayTimeInForce"}


class GoodTilDateTimeInForce(TimeInForce):
    """Works until the close of a date."""

    def __init__(self, expiry: datetime | date) -> None:
        if not isinstance(expiry, datetime):
            expiry = datetime.combine(expiry, time())
        self.expiry = expiry.replace(tzinfo=None)

    def is_order_expired(self, security: Any, order: Any) -> bool:
        hours = security.exchange.hours
        now: datetime = security.local_time
        if order.security_type in _PAIRS:
            return to_utc(now, hours.time_zone) >= self.get_forex_order_expiry_date_time(order)
        if order.security_type in _COINS:
            return now.date() > self.expiry.date()
        return bool(now >= hours.get_last_daily_market_close(_midnight(self.expiry), False))

    def get_forex_order_expiry_date_time(self, order: Any) -> datetime:
        """Return the UTC time (naive) at which an order of a currency pair ends."""
        zone = TimeZones.NEW_YORK
        day = _midnight(self.expiry)
        expiry = day + _CUT_OFF
        if order._time.date() == self.expiry.date():
            ordered = from_utc(order._time, zone)
            if ordered - _midnight(ordered) > _CUT_OFF:
                expiry += _DAY
        return to_utc(expiry, zone)

    def _json(self) -> dict[str, Any]:
        from engine.orders.serialization import time_text

        return {
            "$type": "QuantConnect.Orders.TimeInForces.GoodTilDateTimeInForce",
            "Expiry": time_text(self.expiry, utc=False),
        }


TimeInForce.GOOD_TIL_CANCELED = GoodTilCanceledTimeInForce()
TimeInForce.DAY = DayTimeInForce()

"""The exchange of a security: its hours seen at the security's clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from engine.types.dotnet import LeanObject
from engine.types.enums import SecurityType
from engine.types.timekeeper import TimeKeeper

EPOCH = datetime(1998, 1, 1)


class SecurityExchange(LeanObject):
    """Opening hours and local time of a security's exchange."""

    trading_days_per_year = 365

    def __init__(self, exchange_hours: Any) -> None:
        self.hours = exchange_hours
        self._keeper = TimeKeeper(EPOCH)

    @property
    def time_zone(self) -> Any:
        return self.hours.time_zone

    @property
    def local_time(self) -> datetime:
        return self._keeper.local(self.hours.time_zone)

    @property
    def exchange_open(self) -> bool:
        return bool(self.hours.is_open(self.local_time, False))

    @property
    def closing_soon(self) -> bool:
        return self.is_closing_soon(10)

    def date_is_open(self, date_to_check: datetime, extended_market_hours: bool = False) -> bool:
        return bool(self.hours.is_date_open(date_to_check, extended_market_hours))

    def date_time_is_open(self, date_time: datetime) -> bool:
        return bool(self.hours.is_open(date_time, False))

    def is_open_during_bar(
        self, bar_start_time: datetime, bar_end_time: datetime, is_extended_market_hours: bool
    ) -> bool:
        return bool(self.hours.is_open(bar_start_time, bar_end_time, is_extended_market_hours))

    def is_closing_soon(self, minutes_to_close: int) -> bool:
        return not self.hours.is_open(self.local_time + timedelta(minutes=minutes_to_close), False)

    def set_market_hours(self, market_hours_segments: Iterable[Any], *days: Any) -> None:
        """Replace the sessions of some days of the week (all, when none is named)."""
        from engine.data.sessions import LocalMarketHours, SecurityExchangeHours

        old = self.hours
        hours = dict(old.market_hours)
        segments = list(market_hours_segments)
        for day in [int(d) for d in days] or list(hours):
            hours[day] = LocalMarketHours(day, segments)
        self.hours = SecurityExchangeHours(
            old.time_zone, old.holidays, hours, old.early_closes, old.late_opens
        )


class EquityExchange(SecurityExchange):
    """Exchange of shares; without hours given, that of the USA."""

    trading_days_per_year = 252

    def __init__(self, exchange_hours: Any = None) -> None:
        if exchange_hours is None:
            from engine.run import current_engine

            hours = current_engine().hours
            exchange_hours = hours.get_exchange_hours("usa", None, SecurityType.EQUITY)
        super().__init__(exchange_hours)


class ForexExchange(SecurityExchange):
    """Exchange of currency pairs."""

    trading_days_per_year = 313


class CfdExchange(SecurityExchange):
    """Exchange of contracts for difference."""

    trading_days_per_year = 313


class CryptoExchange(SecurityExchange):
    """Exchange of coins."""


class IndexExchange(SecurityExchange):
    """Exchange of indices."""

    trading_days_per_year = 313

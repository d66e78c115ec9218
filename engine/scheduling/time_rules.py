"""Time rules: at which moments of its days an event happens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from engine.scheduling.base import ScheduleRules
from engine.types.dotnet import LeanObject
from engine.types.enums import SecurityType
from engine.types.errors import ArgumentException
from engine.types.symbol import Symbol
from engine.types.timezones import table, to_utc

ONE_DAY = timedelta(days=1)
_LAST_TICK = timedelta(days=1) - timedelta(microseconds=1)


class FuncTimeRule(LeanObject):
    """A named function from midnights to UTC times."""

    __slots__ = ("_times", "name")

    def __init__(
        self,
        name: str,
        create_utc_event_times_function: Callable[[Iterable[datetime]], Iterable[datetime]],
    ) -> None:
        self.name = name
        self._times = create_utc_event_times_function

    def create_utc_event_times(self, dates: Iterable[datetime]) -> Iterable[datetime]:
        """Return the UTC times of the given days."""
        return self._times(dates)

    def __str__(self) -> str:
        return self.name


class TimeRules(ScheduleRules):
    """``self.time_rules``."""

    def set_default_time_zone(self, time_zone: Any) -> None:
        self._zone = time_zone

    @property
    def now(self) -> FuncTimeRule:
        return FuncTimeRule("Now", lambda dates: (self._algorithm._utc for _ in dates))

    @property
    def midnight(self) -> FuncTimeRule:
        zone = self._zone
        return FuncTimeRule("Midnight", lambda dates: map(table(zone).utc_of_local, dates))

    @property
    def noon(self) -> FuncTimeRule:
        zone = self._zone
        return FuncTimeRule(
            "Noon", lambda dates: (to_utc(d, zone) + timedelta(hours=12) for d in dates)
        )

    def at(self, *args: Any, time_zone: ZoneInfo | None = None, **kwargs: Any) -> FuncTimeRule:
        """``at(hour, minute[, second][, zone])`` or ``at(timedelta[, zone])``."""
        parts = list(args)
        if parts and isinstance(parts[-1], ZoneInfo):
            time_zone = parts.pop()
        if parts and isinstance(parts[0], timedelta):
            offset = parts[0]
        else:
            parts.extend(kwargs[key] for key in ("hour", "minute", "second") if key in kwargs)
            hour, minute, second = (*parts, 0, 0)[:3]
            offset = timedelta(hours=hour, minutes=minute, seconds=second)
        zone = time_zone or self._zone
        name = f"{offset.total_seconds() / 3600:.2f}".rstrip("0").rstrip(".")
        return FuncTimeRule(name, lambda dates: (to_utc(d + offset, zone) for d in dates))

    def every(self, interval: timedelta) -> FuncTimeRule:
        """Every so often from midnight on."""
        if interval <= timedelta(0):
            raise ArgumentException(
                f"TimeRules.Every(): expected a time span above zero, was {interval}"
            )
        zone = self._zone

        def times(dates: Iterable[datetime]) -> Iterator[datetime]:
            for day in dates:
                offset = timedelta(0)
                while offset < ONE_DAY:
                    yield to_utc(day + offset, zone)
                    offset += interval

        minutes = f"{interval.total_seconds() / 60:.2f}".rstrip("0").rstrip(".")
        return FuncTimeRule(f"Every {minutes} min", times)

    def after_market_open(self, *args: Any, **kwargs: Any) -> FuncTimeRule:
        """Minutes after the open of a symbol, or of whatever opens first."""
        symbol, minutes, extended = _arguments(args, kwargs, "after_open", "market_open")
        return self._open(symbol, minutes, extended)

    def before_market_open(self, *args: Any, **kwargs: Any) -> FuncTimeRule:
        """Minutes before the open."""
        symbol, minutes, extended = _arguments(args, kwargs, "before_open", "market_open")
        return self._open(symbol, -minutes, extended)

    def before_market_close(self, *args: Any, **kwargs: Any) -> FuncTimeRule:
        """Minutes before the close of a symbol, or of whatever closes last."""
        symbol, minutes, extended = _arguments(args, kwargs, "before_close", "market_close")
        return self._close(symbol, minutes, extended)

    def after_market_close(self, *args: Any, **kwargs: Any) -> FuncTimeRule:
        """Minutes after the close."""
        symbol, minutes, extended = _arguments(args, kwargs, "after_close", "market_close")
        return self._close(symbol, -minutes, extended)

    def _all_hours(self) -> list[Any]:
        algorithm = self._algorithm
        spy = Symbol.create("SPY", SecurityType.EQUITY, "usa")
        found = [algorithm._engine.hours.get_entry("usa", spy, SecurityType.EQUITY).exchange_hours]
        for symbol, security in algorithm.securities.items():
            if security.type == SecurityType.EQUITY and symbol.id.market == "usa":
                continue
            hours = security.exchange.hours
            if not hours.is_market_always_open and hours not in found:
                found.append(hours)
        return found

    def _open(self, symbol: Any, minutes: float, extended: bool) -> FuncTimeRule:
        wait = timedelta(minutes=minutes)
        kind = "ExtendedMarketOpen" if extended else "MarketOpen"
        side = "after" if minutes > 0 else "before"
        if symbol is not None:
            symbol = self._symbol(symbol)
            hours = [self._hours(symbol)]
        name = f"{abs(minutes):g} min {side} {kind}"

        def times(dates: Iterable[datetime]) -> Iterator[datetime]:
            for day in dates:
                best: datetime | None = None
                for one in hours if symbol is not None else self._all_hours():
                    opened = _first_open(one, day, extended)
                    if opened is not None:
                        utc = to_utc(opened + wait, one.time_zone)
                        best = utc if best is None or utc < best else best
                if best is not None:
                    yield best

        return FuncTimeRule(name if symbol is None else f"{symbol}: {name}", times)

    def _close(self, symbol: Any, minutes: float, extended: bool) -> FuncTimeRule:
        wait = timedelta(minutes=minutes)
        kind = "ExtendedMarketClose" if extended else "MarketClose"
        side = "before" if minutes > 0 else "after"
        if symbol is not None:
            symbol = self._symbol(symbol)
            hours = [self._hours(symbol)]
        name = f"{abs(minutes):g} min {side} {kind}"

        def times(dates: Iterable[datetime]) -> Iterator[datetime]:
            for day in dates:
                best: datetime | None = None
                for one in hours if symbol is not None else self._all_hours():
                    if not one.is_date_open(day, extended):
                        continue
                    utc = to_utc(
                        one.get_last_daily_market_close(day, extended) - wait, one.time_zone
                    )
                    best = utc if best is None or utc > best else best
                if best is not None:
                    yield best

        return FuncTimeRule(name if symbol is None else f"{symbol}: {name}", times)


def _first_open(hours: Any, day: datetime, extended: bool) -> datetime | None:
    opened = hours.get_first_daily_market_open(day + _LAST_TICK, extended)
    if not hours.is_date_open(day, extended) or opened.date() != day.date():
        return None
    return opened


def _arguments(
    args: tuple[Any, ...], kwargs: dict[str, Any], minutes_key: str, extended_key: str
) -> tuple[Any, float, bool]:
    """Sort out ``(symbol, minutes, extended)`` and ``(minutes, extended)``."""
    rest = list(args)
    symbol = kwargs.get("symbol")
    if rest and not isinstance(rest[0], (int, float)):
        symbol = rest.pop(0)
    minutes = kwargs.get(f"minutes_{minutes_key}", rest.pop(0) if rest else 0)
    extended = kwargs.get(f"extended_{extended_key}", rest.pop(0) if rest else False)
    return symbol, float(minutes), bool(extended)

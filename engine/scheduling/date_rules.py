"""Date rules: which days an event happens on."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from engine.scheduling.base import ScheduleRules
from engine.types.dotnet import LeanObject
from engine.types.errors import ArgumentException
from engine.types.overloads import by_name

ONE_DAY = timedelta(days=1)
END_OF_TIME = datetime(2050, 12, 31)


class FuncDateRule(LeanObject):
    """A named function of a span of dates."""

    __slots__ = ("_dates", "name")

    def __init__(
        self, name: str, get_dates_function: Callable[[datetime, datetime], Iterable[Any]]
    ) -> None:
        self.name = name
        self._dates = get_dates_function

    def get_dates(self, start: datetime, end: datetime) -> Iterable[datetime]:
        """Return the midnights of the rule's days between two dates."""
        return self._dates(start, end)

    def __str__(self) -> str:
        return self.name


def each_day(start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield every midnight from start to end, both included."""
    day = start.replace(hour=0, minute=0, second=0, microsecond=0)
    while day <= end:
        yield day
        day += ONE_DAY


def each_tradeable_day(
    hours: Any, start: datetime, end: datetime, extended: bool = False
) -> Iterator[datetime]:
    """Yield every day on which the exchange opens."""
    for day in each_day(start, end):
        if hours.is_date_open(day, extended):
            yield day


def _name(symbol: Any, rule: str, offset: int) -> str:
    text = f"{rule}{offset:+d}" if offset else rule
    return text if symbol is None else f"{symbol.value}: {text}"


class DateRules(ScheduleRules):
    """``self.date_rules``."""

    @by_name("year month day", "dates")
    def on(self, *args: Any) -> FuncDateRule:
        """Days by year, month, day, or by dates."""
        if len(args) == 3 and all(isinstance(a, int) for a in args):
            days = [datetime(*args)]
        else:
            flat = args[0] if len(args) == 1 and isinstance(args[0], (list, tuple)) else args
            days = [datetime(d.year, d.month, d.day) for d in flat]
        text = ",".join(f"{d:%m/%d/%Y}" for d in days)
        return FuncDateRule(text, lambda start, end: [d for d in days if start <= d <= end])

    def _local_date(self) -> datetime:
        return self._local_now().replace(hour=0, minute=0, second=0, microsecond=0)

    @property
    def today(self) -> FuncDateRule:
        return FuncDateRule("TodayOnly", lambda start, end: [self._local_date()])

    @property
    def tomorrow(self) -> FuncDateRule:
        return FuncDateRule("TomorrowOnly", lambda start, end: [self._local_date() + ONE_DAY])

    @by_name("day", "days")
    def every(self, *days: Any) -> FuncDateRule:
        """Days of the week (``DayOfWeek.MONDAY``)."""
        flat = days[0] if len(days) == 1 and isinstance(days[0], (list, tuple)) else days
        wanted = {int(d) for d in flat}
        text = ",".join(str(d) for d in flat)
        return FuncDateRule(
            text, lambda s, e: (d for d in each_day(s, e) if (d.weekday() + 1) % 7 in wanted)
        )

    def every_day(self, symbol: Any = None, extended_market_hours: bool = False) -> FuncDateRule:
        """Every calendar day, or every trading day of a symbol."""
        if symbol is None:
            return FuncDateRule("EveryDay", each_day)
        symbol = self._symbol(symbol)
        hours = self._hours(symbol)
        return FuncDateRule(
            f"{symbol.value}: EveryDay",
            lambda s, e: each_tradeable_day(hours, s, e, extended_market_hours),
        )

    def _periodic(
        self,
        rule: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        top: int,
        bases: Callable[..., Any],
        forward: bool,
    ) -> FuncDateRule:
        symbol, offset, extended = _arguments(args, kwargs)
        if symbol is not None:
            symbol = self._symbol(symbol)
        if not 0 <= offset <= top:
            raise ArgumentException(f"DateRules.{rule}() : Offset must be between 0 and {top}")
        hours = None if symbol is None else self._hours(symbol)

        def dates(start: datetime, end: datetime) -> Iterator[datetime]:
            for base, boundary in bases(start, end, forward):
                day = _scheduled_day(hours, base, offset, forward, extended, boundary)
                if start <= day <= end:
                    yield day

        return FuncDateRule(_name(symbol, rule, offset if forward else -offset), dates)

    def month_start(self, *args: Any, **kwargs: Any) -> FuncDateRule:
        """First (trading) day of each month, or so many days later."""
        return self._periodic("MonthStart", args, kwargs, 30, _months, True)

    def month_end(self, *args: Any, **kwargs: Any) -> FuncDateRule:
        """Last (trading) day of each month, or so many days earlier."""
        return self._periodic("MonthEnd", args, kwargs, 30, _months, False)

    def quarter_start(self, *args: Any, **kwargs: Any) -> FuncDateRule:
        """First (trading) day of each quarter."""
        return self._periodic("QuarterStart", args, kwargs, 92, _quarters, True)

    def quarter_end(self, *args: Any, **kwargs: Any) -> FuncDateRule:
        """Last (trading) day of each quarter."""
        return self._periodic("QuarterEnd", args, kwargs, 92, _quarters, False)

    def year_start(self, *args: Any, **kwargs: Any) -> FuncDateRule:
        """First (trading) day of each year."""
        return self._periodic("YearStart", args, kwargs, 365, _years, True)

    def year_end(self, *args: Any, **kwargs: Any) -> FuncDateRule:
        """Last (trading) day of each year."""
        return self._periodic("YearEnd", args, kwargs, 365, _years, False)

    def week_start(self, *args: Any, **kwargs: Any) -> FuncDateRule:
        """First (trading) day of each week."""
        return self._weekly("WeekStart", args, kwargs, True)

    def week_end(self, *args: Any, **kwargs: Any) -> FuncDateRule:
        """Last (trading) day of each week."""
        return self._weekly("WeekEnd", args, kwargs, False)

    def _weekly(
        self, rule: str, args: tuple[Any, ...], kwargs: dict[str, Any], forward: bool
    ) -> FuncDateRule:
        symbol, offset, extended = _arguments(args, kwargs)
        hours = None
        if symbol is None:
            base, boundary, top = (1, 7, 6) if forward else (5, -1, 6)
        else:
            symbol = self._symbol(symbol)
            hours = self._hours(symbol)
            days = sorted(
                int(d) for d, h in dict.items(hours.market_hours) if not h.is_closed_all_day
            )
            base, boundary = (days[0], days[-1]) if forward else (days[-1], days[0])
            top = len(days) - 1
        if not 0 <= offset <= top:
            raise ArgumentException(
                f"DateRules.{rule}() : expected an offset between 0 and {top}, was {offset}"
            )

        def dates(start: datetime, end: datetime) -> Iterator[datetime]:
            weekday = (start.weekday() + 1) % 7
            first = start + timedelta(days=1 - weekday - (7 if weekday == 0 else 0))
            last_weekday = (end.weekday() + 1) % 7
            last = end + timedelta(days=7 - last_weekday - (7 if last_weekday == 0 else 0))
            for day in each_day(first, last):
                if (day.weekday() + 1) % 7 == base:
                    found = _scheduled_day(
                        hours, day, offset, forward, extended, day + timedelta(days=boundary - base)
                    )
                    if start <= found <= end:
                        yield found

        return FuncDateRule(_name(symbol, rule, offset if forward else -offset), dates)

    def set_default_time_zone(self, time_zone: Any) -> None:
        self._zone = time_zone


def _arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, int, bool]:
    """Sort out ``(offset)``, ``(symbol, offset, extended)`` and keywords."""
    symbol = kwargs.get("symbol")
    rest = list(args)
    if rest and not isinstance(rest[0], int):
        symbol = rest.pop(0)
    offset = kwargs.get("days_offset", rest.pop(0) if rest else 0)
    extended = kwargs.get("extended_market_hours", rest.pop(0) if rest else symbol is not None)
    return symbol, int(offset), bool(extended)


def _scheduled_day(
    hours: Any,
    base: datetime,
    offset: int,
    forward: bool,
    extended: bool,
    boundary: datetime | None = None,
) -> datetime:
    """Find the trading day at an offset from a base day, kept inside a boundary."""
    if hours is None:
        day = base + timedelta(days=offset if forward else -offset)
        if boundary is not None and (day > boundary if forward else day < boundary):
            day = boundary
        return day
    step = hours.get_next_trading_day if forward else hours.get_previous_trading_day
    day = base
    if not hours.is_date_open(day, extended):
        day = step(day)
    for _ in range(offset):
        day = step(day)
    if boundary is not None and (day > boundary if forward else day < boundary):
        day = _scheduled_day(hours, boundary, 0, not forward, extended)
    return day


def _month_end(year: int, month: int) -> datetime:
    return datetime(year, month, calendar.monthrange(year, month)[1])


def _months(start: datetime, end: datetime, forward: bool) -> Iterator[tuple[datetime, datetime]]:
    year, month = start.year, start.month
    while (year, month) <= (end.year, end.month):
        first, last = datetime(year, month, 1), _month_end(year, month)
        yield (first, last) if forward else (last, first)
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)


def _quarters(start: datetime, end: datetime, forward: bool) -> Iterator[tuple[datetime, datetime]]:
    year, month = start.year, (start.month - 1) // 3 * 3 + 1
    while (year, month) <= (end.year, end.month):
        first, last = datetime(year, month, 1), _month_end(year, month + 2)
        yield (first, last) if forward else (last, first)
        year, month = (year + 1, 1) if month == 10 else (year, month + 3)


def _years(start: datetime, end: datetime, forward: bool) -> Iterator[tuple[datetime, datetime]]:
    # LEAN walks from the first day of the start's month to the last day of the end's month
    low, high = datetime(start.year, start.month, 1), _month_end(end.year, end.month)
    for year in range(start.year, end.year + 1):
        first, last = datetime(year, 1, 1), datetime(year, 12, 31)
        base, boundary = (first, last) if forward else (last, first)
        if low <= base <= high:
            yield base, boundary

"""``security.session``: the bar of the trading day so far, and those of the days before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from engine.types.bars import QuoteBar, Tick, TradeBar
from engine.types.dotnet import LeanObject
from engine.types.enums import SecurityType, TickType
from engine.types.errors import ArgumentException
from engine.types.symbol import Symbol

_DAY = timedelta(days=1)


class SessionBar(LeanObject):
    """Open, high, low, close and volume of the regular hours of one day; zeros without data."""

    def __init__(self, source_tick_type: TickType = TickType.TRADE) -> None:
        self.symbol: Any = Symbol.EMPTY
        self.time = datetime.max
        self._trades = source_tick_type == TickType.TRADE
        self.open = self.high = self.low = self.close = self.volume = 0.0
        self.open_interest = 0.0
        self._seen = False
        self._until = self._volume_until = datetime.min

    @property
    def end_time(self) -> datetime:
        return self.time if self.time == datetime.max else self.time + _DAY

    @property
    def period(self) -> timedelta:
        return _DAY

    @property
    def value(self) -> float:
        return self.close

    def _take(self, point: Any) -> None:
        """Take a bar or a tick; trades give the prices, or quotes do where there are no trades."""
        trades = self._trades
        if point.time < self._until:
            return
        is_trade = isinstance(point, TradeBar)
        tick_kind = point.tick_type if isinstance(point, Tick) else None
        if is_trade or tick_kind == TickType.TRADE:
            if self._volume_until <= point.time:
                self._volume_until = point.end_time
                self.volume += point.volume if is_trade else point.quantity
            if not trades:
                return
        elif trades or not (isinstance(point, QuoteBar) or tick_kind == TickType.QUOTE):
            return
        if tick_kind is None:
            prices = (point.open, point.high, point.low, point.close)
        else:
            prices = (point.value,) * 4
        opened, high, low, self.close = prices
        if not self._seen:
            self._seen = True
            self.open, self.high, self.low = opened, high, low
        else:
            self.high, self.low = max(self.high, high), min(self.low, low)
        self._until = point.end_time

    def __str__(self) -> str:
        return (
            f"O: {self.open:g} H: {self.high:g} L: {self.low:g} C: {self.close:g} "
            f"V: {self.volume:g} OI: {self.open_interest:g}"
        )


class Session(LeanObject):
    """Bars of the last ``size`` days, the newest (the day that goes on) at 0; off while size is 0.

    It is fed as a consolidator of the security's subscriptions.
    """

    _security: Any = None

    def __init__(
        self, tick_type: TickType, exchange_hours: Any, symbol: Any, size: int = 0
    ) -> None:
        self.symbol = symbol
        self._tick_type, self._hours = tick_type, exchange_hours
        self._size = 0
        self._bars: list[SessionBar] = []
        self._day: date | None = None
        self.samples = 0
        if size:
            self.size = size

    @staticmethod
    def _of(security: Any) -> Session:
        trades = security.type in (SecurityType.EQUITY, SecurityType.CRYPTO)
        kind = TickType.TRADE if trades else TickType.QUOTE
        made = Session(kind, security.exchange.hours, security.symbol)
        made._security = security
        return made

    @property
    def size(self) -> int:
        return self._size

    @size.setter
    def size(self, size: int) -> None:
        if size < 1:
            raise ArgumentException(f"expected at least one session, was {size}")
        self._size = int(size)
        if not self._bars:
            self._begin(datetime.max)
        del self._bars[self._size :]
        for config in () if self._security is None else self._security.subscriptions:
            self._attach(config)

    def _attach(self, config: Any) -> None:
        """Feed from a subscription that the user sees."""
        if self._size and not config.is_internal_feed and self not in config.consolidators:
            config.consolidators.append(self)

    def _begin(self, time: datetime) -> None:
        bar = SessionBar(self._tick_type)
        bar.symbol, bar.time = self.symbol, time
        self._bars.insert(0, bar)
        del self._bars[max(self._size, 1) :]
        self._day = None
        self.samples += 1

    def _roll(self, day: date) -> None:
        if self._day is not None and day > self._day:
            opens = self._hours.get_next_market_open(self._bars[0].time + _DAY, False)
            self._begin(datetime(opens.year, opens.month, opens.day))

    def update(self, data: Any) -> None:
        """Take a point of a subscription."""
        day = data.time.date()
        self._roll(day)
        bar = self._bars[0]
        if self._day is None:
            if bar.time == datetime.max or day > bar.time.date():
                bar.time = datetime(day.year, day.month, day.day)
            self._day = bar.time.date()
        if self._hours.is_open(data.time, data.end_time, False):
            bar._take(data)

    def scan(self, current_local_time: datetime) -> None:
        """Begin the next day when its time has come."""
        self._roll(current_local_time.date())

    def reset(self) -> None:
        """Forget all days."""
        self._bars.clear()
        self._begin(datetime.max)

    @property
    def count(self) -> int:
        return len(self._bars)

    @property
    def is_ready(self) -> bool:
        return bool(self._size) and len(self._bars) == self._size

    def _now(self, name: str) -> Any:
        return getattr(self._bars[0], name) if self._bars else 0.0

    @property
    def open(self) -> float:
        return float(self._now("open"))

    @property
    def high(self) -> float:
        return float(self._now("high"))

    @property
    def low(self) -> float:
        return float(self._now("low"))

    @property
    def close(self) -> float:
        return float(self._now("close"))

    @property
    def volume(self) -> float:
        return float(self._now("volume"))

    @property
    def open_interest(self) -> float:
        return float(self._now("open_interest"))

    def __getitem__(self, index: int) -> SessionBar | None:
        return self._bars[index] if index < len(self._bars) else None

    def __iter__(self) -> Iterator[SessionBar]:
        return iter(self._bars)

    def __len__(self) -> int:
        return len(self._bars)

    def __bool__(self) -> bool:
        return True

    def __str__(self) -> str:
        return str(self._bars[0]) if self._bars else ""

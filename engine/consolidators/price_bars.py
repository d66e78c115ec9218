"""Bars that close by price or volume: Renko bars and range bars.

They are built from exact decimals, because a brick closes where a price reaches its edge exactly.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.types.bars import DATE_MIN, TradeBar
from engine.types.decimals import ZERO, to_decimal
from engine.types.enums import BarDirection, RenkoType
from engine.types.errors import EngineUnsupported, InvalidOperationException


class _ExactBar(TradeBar):
    """A trade bar whose prices are decimals set one by one."""

    def update(self, *args: Any) -> Any:
        """Refused: only the consolidator of these bars fills them."""
        raise EngineUnsupported(
            f"engine does not implement {type(self).__name__}.update; use lean backtest"
        )

    def _prices(self, open: Decimal, high: Decimal, low: Decimal, close: Decimal) -> None:
        self._open, self._high, self._low, self._close = open, high, low, close
        self._show()

    def _show(self) -> None:
        self.open, self.high = float(self._open), float(self._high)
        self.low, self.close = float(self._low), float(self._close)

    @property
    def _d_open(self) -> Decimal:
        return self._open

    @property
    def _d_high(self) -> Decimal:
        return self._high

    @property
    def _d_low(self) -> Decimal:
        return self._low

    @property
    def _d_close(self) -> Decimal:
        return self._close

    def _twin(self) -> Any:
        twin = type(self).__new__(type(self))
        twin._src = None
        for name in ("time", "symbol", "end_time", "volume", "is_fill_forward"):
            setattr(twin, name, getattr(self, name))
        twin.__dict__.update(self.__dict__)
        twin._show()
        return twin

    def clone(self, fill_forward: bool = False) -> Any:
        return self._twin()


class RenkoBar(_ExactBar):
    """A brick: classic ones grow with the data, wicked ones are made whole."""

    def __init__(
        self,
        symbol: Any = None,
        start: datetime = DATE_MIN,
        end_time: datetime = DATE_MIN,
        brick_size: Decimal = ZERO,
        open: Decimal = ZERO,
        high: Decimal = ZERO,
        low: Decimal = ZERO,
        close: Decimal = ZERO,
        volume: float = 0.0,
        type: RenkoType = RenkoType.WICKED,
    ) -> None:
        super().__init__(start)
        if symbol is not None:
            self.symbol = symbol
        self.end_time = end_time
        self.type = type
        self._brick = to_decimal(brick_size)
        self.volume = float(volume)
        self.is_closed = False
        self._prices(*map(to_decimal, (open, high, low, close)))

    @property
    def brick_size(self) -> float:
        return float(self._brick)

    @property
    def start(self) -> datetime:
        return self.time

    @property
    def end(self) -> datetime:
        return self.end_time

    @property
    def direction(self) -> BarDirection:
        if self._open < self._close:
            return BarDirection.RISING
        return BarDirection.FALLING if self._open > self._close else BarDirection.NO_DELTA

    @property
    def spread(self) -> float:
        return float(abs(self._close - self._open))

    def _advance(self, time: datetime, value: Decimal, volume: float) -> None:
        """Take a price into a classic brick."""
        if self.type == RenkoType.WICKED:
            raise InvalidOperationException('A "Wicked" RenkoBar cannot be updated!')
        if self.is_closed:
            return
        if self.time == DATE_MIN:
            self.time = time
        self.end_time = time
        below, above = self._open - self._brick, self._open + self._brick
        self._close = min(above, max(below, value))
        self.volume += volume
        if value <= below or value >= above:
            self.is_closed = True
        self._high, self._low = max(self._high, self._close), min(self._low, self._close)
        self._show()


class VolumeRenkoBar(_ExactBar):
    """A bar of a fixed volume."""

    def __init__(
        self,
        symbol: Any = None,
        start: datetime = DATE_MIN,
        end_time: datetime = DATE_MIN,
        brick_size: float = 0.0,
        open: Decimal = ZERO,
        high: Decimal = ZERO,
        low: Decimal = ZERO,
        close: Decimal = ZERO,
        volume: float = 0.0,
    ) -> None:
        super().__init__(start)
        if symbol is not None:
            self.symbol = symbol
        self.end_time = end_time
        self.type = RenkoType.CLASSIC
        self.brick_size = float(brick_size)
        self.volume = float(volume)
        self._prices(open, high, low, close)

    @property
    def start(self) -> datetime:
        return self.time

    @property
    def is_closed(self) -> bool:
        return self.volume >= self.brick_size

    def _advance(
        self, time: datetime, high: Decimal, low: Decimal, close: Decimal, volume: float
    ) -> float:
        """Take data into the bar and return the volume left over (negative: still missing)."""
        if self.is_closed:
            return 0.0
        self.end_time = time
        excess = self.volume + volume - self.brick_size
        self.volume = self.brick_size if excess > 0 else self.volume + volume
        self._close = close
        self._high, self._low = max(self._high, high), min(self._low, low)
        self._show()
        return excess

    def _rollover(self) -> VolumeRenkoBar:
        close = self._close
        return VolumeRenkoBar(
            self.symbol, self.end_time, self.end_time, self.brick_size, close, close, close, close
        )


class RangeBar(_ExactBar):
    """A bar of a fixed range of prices; it has no start time."""

    def __init__(
        self,
        symbol: Any = None,
        end_time: datetime = DATE_MIN,
        range_size: Decimal = ZERO,
        open: Decimal = ZERO,
        high: Decimal | None = None,
        low: Decimal | None = None,
        close: Decimal | None = None,
        volume: float = 0.0,
    ) -> None:
        super().__init__(DATE_MIN)
        if symbol is not None:
            self.symbol = symbol
        self.end_time = end_time
        self._range = range_size
        self.volume = float(volume)
        self.is_closed = False
        others = (open if price is None else price for price in (high, low, close))
        self._prices(open, *others)

    @property
    def range_size(self) -> float:
        return float(self._range)

    def _advance(self, time: datetime, value: Decimal, volume: float) -> None:
        """Take a price into the bar; the price that goes beyond the range closes it at its edge."""
        self.end_time = time
        if value < self._low:
            if self._high - value > self._range:
                self.is_closed = True
                self._low = self._close = self._high - self._range
                self._show()
                return
            self._low = value
        elif value > self._high:
            if value - self._low > self._range:
                self.is_closed = True
                self._high = self._close = self._low + self._range
                self._show()
                return
            self._high = value
        self.volume += volume
        self._show()

"""Renko consolidators: wicked (the default), classic and by volume."""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from engine.consolidators.base import ConsolidatorBase
from engine.consolidators.price_bars import RenkoBar, VolumeRenkoBar
from engine.consolidators.timeless import Selector, TimelessConsolidator, exact_value
from engine.types.bars import DATE_MIN, Tick, TradeBar
from engine.types.decimals import ONE, ZERO, round_half_even, to_decimal
from engine.types.enums import BarDirection, RenkoType, TickType
from engine.types.errors import ArgumentException


def _whole(value: Decimal, rounding: str) -> Decimal:
    return value.quantize(ONE, rounding)


class RenkoConsolidator(ConsolidatorBase):
    """Wicked Renko bars: bricks with the extremes that came before the close.

    Parameters
    ----------
    bar_size : number
        Size of a brick in the unit of the price, above zero.

    Raises
    ------
    ArgumentException
        For a size of zero or less.
    """

    _typed = "before"
    _scans = False
    _output_type = RenkoBar

    def __init__(self, bar_size: Any) -> None:
        super().__init__()
        self._size = to_decimal(bar_size)
        if self._size <= 0:
            raise ArgumentException(
                f"Renko consolidator BarSize must be strictly greater than zero, was {bar_size}"
            )
        self._clear()

    def __class_getitem__(cls, _kind: Any) -> Any:
        return cls

    def _clear(self) -> None:
        self._first = True
        self._last: RenkoBar | None = None
        self._open_on = self._close_on = DATE_MIN
        self._open = self._high = self._low = self._close = ZERO

    @property
    def working_data(self) -> Any:
        return None if self._last is None else self._last.clone()

    def _idle(self) -> bool:
        return True

    @staticmethod
    def get_closest_multiple(price: Any, bar_size: Any) -> float:
        """Return the multiple of ``bar_size`` next to ``price``."""
        return float(_closest(to_decimal(price), to_decimal(bar_size)))

    def update(self, data: Any) -> None:
        rate = exact_value(data)
        if self._first:
            self._first = False
            rate = _closest(rate, self._size)
            self._open_on = self._close_on = data.time
            self._open = self._high = self._low = self._close = rate
            return
        self._close_on, self._close = data.time, rate
        self._high, self._low = max(self._high, rate), min(self._low, rate)
        last = self._last
        if rate > self._open:
            if last is not None and last.direction != BarDirection.RISING:
                limit = last._open + self._size
                if rate <= limit:
                    return
                self._brick(data.symbol, last._open, limit, self._low, limit)
                self._open = self._low = limit
            self._rising(data)
        elif rate < self._open:
            if last is not None and last.direction != BarDirection.FALLING:
                limit = last._open - self._size
                if rate >= limit:
                    return
                self._brick(data.symbol, last._open, self._high, limit, limit)
                self._open = self._high = limit
            self._falling(data)

    def _brick(
        self, symbol: Any, open_: Decimal, high: Decimal, low: Decimal, close: Decimal
    ) -> None:
        self._last = RenkoBar(
            symbol, self._open_on, self._close_on, self._size, open_, high, low, close
        )
        self._emit(self._last)
        self._open_on = self._close_on

    def _rising(self, data: Any) -> None:
        while self._close > (limit := self._open + self._size):
            self._brick(data.symbol, self._open, limit, self._low, limit)
            self._open = self._low = limit

    def _falling(self, data: Any) -> None:
        while self._close < (limit := self._open - self._size):
            self._brick(data.symbol, self._open, self._high, limit, limit)
            self._open = self._high = limit

    def reset(self) -> None:
        super().reset()
        self._clear()

    @property
    def type(self) -> RenkoType:
        return RenkoType.WICKED


class WickedRenkoConsolidator(RenkoConsolidator):
    """The default Renko consolidator by its full name."""


def _closest(price: Decimal, size: Decimal) -> Decimal:
    if size <= 0:
        raise ArgumentException(f"BarSize must be strictly greater than zero, was {size}")
    below = _whole(price / size, ROUND_FLOOR)
    return size * (below + round_half_even((price - size * below) / size))


class ClassicRenkoConsolidator(TimelessConsolidator):
    """Classic Renko bars: ``(bar_size, even_bars)`` or ``(bar_size, selector, volume_selector,
    even_bars)``.

    Even bars begin at a multiple of the size, others at the first price.
    """

    _output_type = RenkoBar

    def __init__(
        self,
        bar_size: Any,
        selector: Selector | bool | None = None,
        volume_selector: Selector | None = None,
        even_bars: bool = True,
    ) -> None:
        if isinstance(selector, bool):
            even_bars, selector = selector, None
        super().__init__(selector, volume_selector)
        self._size = to_decimal(bar_size)
        if self._size <= 0:
            raise ArgumentException(f"RenkoConsolidator bar size must be positive, was {bar_size}")
        self._even, self._last_close = even_bars, None

    _last_close: Decimal | None

    def __class_getitem__(cls, _kind: Any) -> Any:
        return cls

    def _advance(self, time: datetime, value: Decimal, volume: float) -> None:
        bar = self._bar
        bar._advance(time, value, volume)
        if bar.is_closed:
            self._last_close = bar._close
            self._emit(bar)
            self._bar = None

    def _create(self, data: Any, value: Decimal, volume: float) -> None:
        start = value if self._last_close is None else self._last_close
        if self._even and self._last_close is None:
            start = _whole(start / self._size, ROUND_CEILING) * self._size
        self._bar = RenkoBar(
            data.symbol, data.time, data.time, self._size, start, start, start, start, volume,
            RenkoType.CLASSIC,
        )  # fmt: skip

    def reset(self) -> None:
        super().reset()
        self._last_close = None

    @property
    def type(self) -> RenkoType:
        return RenkoType.CLASSIC


class VolumeRenkoConsolidator(ConsolidatorBase):
    """Bars of a fixed volume from trade bars or trade ticks."""

    _typed = "after"
    _scans = False
    _output_type = VolumeRenkoBar

    def __init__(self, bar_size: Any) -> None:
        super().__init__()
        self._size = float(bar_size)
        self._bar: VolumeRenkoBar | None = None

    @property
    def working_data(self) -> Any:
        return self._bar

    def _idle(self) -> bool:
        return True

    def update(self, data: Any) -> None:
        close = exact_value(data)
        if isinstance(data, TradeBar):
            volume = data.volume
            prices = (data._d_open, data._d_high, data._d_low)
        elif isinstance(data, Tick):
            if data.tick_type != TickType.TRADE:
                return
            volume, prices = data.quantity, (close, close, close)
        else:
            raise ArgumentException(
                f"{type(self).__name__} must be used with TradeBar or Tick data."
            )
        open_, high, low = prices
        bar = self._bar
        if bar is None:
            bar = self._bar = VolumeRenkoBar(
                data.symbol, data.time, data.end_time, self._size, open_, high, low, close
            )
        left = bar._advance(data.end_time, high, low, close, volume)
        while left >= 0:
            self._emit(bar)
            bar = self._bar = bar._rollover()
            left = bar._advance(data.end_time, high, low, close, left)

    def reset(self) -> None:
        super().reset()
        self._bar = None

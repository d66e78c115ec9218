"""Range consolidators: bars of a fixed number of the symbol's smallest price steps."""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any

from engine.consolidators.price_bars import RangeBar
from engine.consolidators.timeless import Selector, TimelessConsolidator
from engine.types.decimals import ONE, ZERO


class RangeConsolidator(TimelessConsolidator):
    """Range bars that follow each other without gaps.

    Parameters
    ----------
    range : int
        Height of a bar in minimum price variations of the symbol.
    selector, volume_selector : callable, optional
        From the data to the price and the volume.
    """

    _output_type = RangeBar

    def __init__(
        self,
        range: int,
        selector: Selector | None = None,
        volume_selector: Selector | None = None,
    ) -> None:
        super().__init__(selector, volume_selector)
        self.range = int(range)
        self._clear()

    def _clear(self) -> None:
        self._first, self._step, self._height = True, ZERO, ZERO

    @property
    def range_size(self) -> float:
        return float(self._height)

    def _advance(self, time: datetime, value: Decimal, volume: float) -> None:
        bar = self._bar
        rising = value > bar._high
        bar._advance(time, value, volume)
        while bar.is_closed:
            self._emit(bar)
            start = bar._high + self._step if rising else bar._low - self._step
            bar = self._bar = RangeBar(bar.symbol, bar.end_time, self._height, start)
            # bars between the old and the new price carry no volume
            bar._advance(time, value, 0.0 if abs(bar._low - value) > self._height else volume)

    def _create(self, data: Any, value: Decimal, volume: float) -> None:
        if self._first:
            self._step = _minimum_step(data.symbol)
            self._height = self._step * self.range
            value = (value / self._height).quantize(ONE, ROUND_CEILING) * self._height
            self._first = False
        self._bar = RangeBar(data.symbol, data.time, self._height, value, volume=volume)

    def reset(self) -> None:
        super().reset()
        self._clear()


class ClassicRangeConsolidator(RangeConsolidator):
    """Range bars that open at the next price."""

    def _advance(self, time: datetime, value: Decimal, volume: float) -> None:
        bar = self._bar
        bar._advance(time, value, volume)
        if bar.is_closed:
            self._emit(bar)
            self._bar = None


def _minimum_step(symbol: Any) -> Decimal:
    from engine.run import current_engine

    found = current_engine().properties.get_symbol_properties(
        symbol.id.market, symbol, symbol.security_type, "USD"
    )
    step: Decimal = found._minimum_price_variation
    return step

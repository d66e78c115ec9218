"""Alphas from one indicator per security: MACD, RSI, historical returns."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from datetime import timedelta
from enum import Enum
from typing import Any

from engine.framework.alphas.base import AlphaModel
from engine.framework.alphas.history import push_through, slices_of
from engine.framework.insight import Insight
from engine.framework.insight_collection import InsightCollection
from engine.framework.slots import SlotDict
from engine.framework.support import span_of, text_of
from engine.indicators.momentum import (
    MovingAverageConvergenceDivergence,
    RateOfChange,
    RelativeStrengthIndex,
)
from engine.types.dotnet import LeanObject
from engine.types.enums import InsightDirection, MovingAverageType, Resolution
from engine.types.symbol import Symbol

_UP, _DOWN, _FLAT = InsightDirection.UP, InsightDirection.DOWN, InsightDirection.FLAT
#: the signal line counts beyond this share of the price
_BOUNCE = 0.01


class _Canceling(AlphaModel):
    """Keeps its insights by symbol so that it can cancel them."""

    _own: InsightCollection

    def _cancel(self, algorithm: Any, symbol: Symbol) -> None:
        known, insights = self._own.try_get_value(symbol)
        if known:
            algorithm.insights.cancel(insights)
            self._own.clear([symbol])


class _Macd(LeanObject):
    def __init__(
        self, algorithm: Any, security: Any, periods: Any, kind: Any, resolution: Any
    ) -> None:
        symbol = security.symbol
        self.security = security
        self.previous_direction: InsightDirection | None = None
        self.consolidator = algorithm.resolve_consolidator(symbol, resolution)
        algorithm.subscription_manager.add_consolidator(symbol, self.consolidator)
        self.macd = MovingAverageConvergenceDivergence(*periods, kind)
        algorithm.register_indicator(symbol, self.macd, self.consolidator)
        algorithm.warm_up_indicator(symbol, self.macd, resolution)


class MacdAlphaModel(_Canceling):
    """Up while the MACD's signal line is over 1% of the price, down under -1%."""

    def __init__(
        self,
        fast_period: int = 12,
        slow_period: int = 26,
        signal_period: int = 9,
        moving_average_type: MovingAverageType = MovingAverageType.EXPONENTIAL,
        resolution: Resolution = Resolution.DAILY,
    ) -> None:
        self._periods = (fast_period, slow_period, signal_period)
        self._kind = MovingAverageType(moving_average_type)
        self._resolution = Resolution(resolution)
        self._data: MutableMapping[Symbol, _Macd] = SlotDict()
        self._own = InsightCollection()
        parts = [*self._periods, self._kind, self._resolution]
        self.name = f"MacdAlphaModel({','.join(text_of(p) for p in parts)})"

    def update(self, algorithm: Any, data: Any) -> Iterator[Insight]:
        period = span_of(self._resolution) * self._periods[0]
        for symbol, held in list(self._data.items()):
            price = held.security.price
            if not price:
                continue
            strength = held.macd.signal.current.value / price
            direction = _UP if strength > _BOUNCE else _DOWN if strength < -_BOUNCE else _FLAT
            if direction == held.previous_direction:
                continue
            held.previous_direction = direction
            if direction == _FLAT:
                self._cancel(algorithm, symbol)
                continue
            insight = Insight.price(symbol, period, direction)
            self._own.add(insight)
            yield insight

    def on_securities_changed(self, algorithm: Any, changes: Any) -> None:
        for added in changes.added_securities:
            if added.symbol not in self._data:
                self._data[added.symbol] = _Macd(
                    algorithm, added, self._periods, self._kind, self._resolution
                )
        for removed in changes.removed_securities:
            held = self._data.pop(removed.symbol, None)
            if held is not None:
                algorithm.subscription_manager.remove_consolidator(
                    removed.symbol, held.consolidator
                )
            self._cancel(algorithm, removed.symbol)


class _State(Enum):
    TRIPPED_LOW = 0
    MIDDLE = 1
    TRIPPED_HIGH = 2


def _next_state(rsi: float, previous: _State) -> _State:
    """Trip beyond 30 and 70, come back inside 35 and 65."""
    if rsi > 70:
        return _State.TRIPPED_HIGH
    if rsi < 30:
        return _State.TRIPPED_LOW
    if (previous is _State.TRIPPED_LOW and rsi > 35) or (
        previous is _State.TRIPPED_HIGH and rsi < 65
    ):
        return _State.MIDDLE
    return previous


class _Rsi(LeanObject):
    def __init__(self, algorithm: Any, symbol: Symbol, period: int, resolution: Resolution) -> None:
        self.state = _State.MIDDLE
        self.rsi = RelativeStrengthIndex(period, MovingAverageType.WILDERS)
        self.consolidator = algorithm.resolve_consolidator(symbol, resolution)
        algorithm.register_indicator(symbol, self.rsi, self.consolidator)


class RsiAlphaModel(AlphaModel):
    """Up when the RSI trips under 30, down when it trips over 70."""

    def __init__(self, period: int = 14, resolution: Resolution = Resolution.DAILY) -> None:
        self._period, self._resolution = period, Resolution(resolution)
        self._data: MutableMapping[Symbol, _Rsi] = SlotDict()
        self.name = f"RsiAlphaModel({period},{text_of(self._resolution)})"

    def update(self, algorithm: Any, data: Any) -> list[Insight]:
        insights = []
        period = span_of(self._resolution) * self._period
        for symbol, held in self._data.items():
            state = _next_state(held.rsi.current.value, held.state)
            if state is not held.state and held.rsi.is_ready and state is not _State.MIDDLE:
                direction = _UP if state is _State.TRIPPED_LOW else _DOWN
                insights.append(Insight.price(symbol, period, direction))
            held.state = state
        return insights

    def on_securities_changed(self, algorithm: Any, changes: Any) -> None:
        for removed in changes.removed_securities:
            held = self._data.pop(removed.symbol, None)
            if held is not None:
                algorithm.subscription_manager.remove_consolidator(
                    removed.symbol, held.consolidator
                )
        fresh = []
        for added in changes.added_securities:
            if added.symbol not in self._data:
                self._data[added.symbol] = _Rsi(
                    algorithm, added.symbol, self._period, self._resolution
                )
                fresh.append(added.symbol)
        if fresh:

            def feed(bar: Any) -> None:
                held = self._data.get(bar.symbol)
                if held is not None:
                    held.consolidator.update(bar)

            push_through(slices_of(algorithm, fresh, self._period, self._resolution), feed)


class _Returns(LeanObject):
    def __init__(
        self, algorithm: Any, symbol: Symbol, lookback: int, resolution: Resolution
    ) -> None:
        self.consolidator = algorithm.resolve_consolidator(symbol, resolution)
        algorithm.subscription_manager.add_consolidator(symbol, self.consolidator)
        self.roc = RateOfChange(str(symbol), lookback)
        algorithm.register_indicator(symbol, self.roc, self.consolidator)
        self._seen = 0

    def can_emit(self) -> bool:
        """Tell whether there is a new value."""
        if self._seen == self.roc.samples:
            return False
        self._seen = self.roc.samples
        return bool(self.roc.is_ready)


class HistoricalReturnsAlphaModel(_Canceling):
    """The direction and size of the return over the last bars, at every new bar."""

    def __init__(self, lookback: int = 1, resolution: Resolution = Resolution.DAILY) -> None:
        self._lookback, self._resolution = lookback, Resolution(resolution)
        self._period: timedelta = span_of(self._resolution) * lookback
        self._data: MutableMapping[Symbol, _Returns] = SlotDict()
        self._own = InsightCollection()
        self.name = f"HistoricalReturnsAlphaModel({lookback},{text_of(self._resolution)})"

    def update(self, algorithm: Any, data: Any) -> list[Insight]:
        insights = []
        for symbol, held in self._data.items():
            if not held.can_emit():
                continue
            magnitude = float(held.roc.current.value)
            if not magnitude:
                self._cancel(algorithm, symbol)
                continue
            direction = _UP if magnitude > 0 else _DOWN
            insights.append(Insight.price(symbol, self._period, direction, magnitude, None))
        self._own.add_range(insights)
        return insights

    def on_securities_changed(self, algorithm: Any, changes: Any) -> None:
        for removed in changes.removed_securities:
            held = self._data.pop(removed.symbol, None)
            if held is not None:
                algorithm.subscription_manager.remove_consolidator(
                    removed.symbol, held.consolidator
                )
            self._cancel(algorithm, removed.symbol)
        fresh = []
        for added in changes.added_securities:
            if added.symbol not in self._data:
                self._data[added.symbol] = _Returns(
                    algorithm, added.symbol, self._lookback, self._resolution
                )
                fresh.append(added.symbol)
        if fresh:

            def feed(bar: Any) -> None:
                held = self._data.get(bar.symbol)
                if held is not None:
                    held.roc.update(bar.end_time, bar.value)

            push_through(slices_of(algorithm, fresh, self._lookback, self._resolution), feed)

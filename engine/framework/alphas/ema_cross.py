"""Alpha from the cross of a fast and a slow exponential average."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from engine.framework.alphas.base import AlphaModel
from engine.framework.insight import Insight
from engine.framework.slots import SlotDict
from engine.framework.support import span_of, text_of
from engine.indicators.averages import ExponentialMovingAverage
from engine.types.dotnet import LeanObject
from engine.types.enums import InsightDirection, Resolution
from engine.types.symbol import Symbol


class _Averages(LeanObject):
    """The two averages of one security, warm from history."""

    def __init__(
        self,
        security: Any,
        fast_period: int,
        slow_period: int,
        algorithm: Any,
        resolution: Resolution,
    ) -> None:
        symbol = security.symbol
        self.symbol: Symbol = symbol
        self._algorithm = algorithm
        self._consolidators = [algorithm.resolve_consolidator(symbol, resolution) for _ in range(2)]
        for consolidator in self._consolidators:
            algorithm.subscription_manager.add_consolidator(symbol, consolidator)
        self.fast = ExponentialMovingAverage(
            str(symbol), fast_period, ExponentialMovingAverage.smoothing_factor_default(fast_period)
        )
        self.slow = ExponentialMovingAverage(
            str(symbol), slow_period, ExponentialMovingAverage.smoothing_factor_default(slow_period)
        )
        algorithm.register_indicator(symbol, self.fast, self._consolidators[0])
        algorithm.register_indicator(symbol, self.slow, self._consolidators[1])
        algorithm.warm_up_indicator(symbol, self.fast, resolution)
        algorithm.warm_up_indicator(symbol, self.slow, resolution)
        #: so that a first "fast over slow" counts as a cross
        self.fast_is_over_slow = False

    @property
    def slow_is_over_fast(self) -> bool:
        return not self.fast_is_over_slow

    def remove_consolidators(self) -> None:
        for consolidator in self._consolidators:
            self._algorithm.subscription_manager.remove_consolidator(self.symbol, consolidator)


class EmaCrossAlphaModel(AlphaModel):
    """Up when the fast average crosses over the slow one, down when it crosses under."""

    def __init__(
        self,
        fast_period: int = 12,
        slow_period: int = 26,
        resolution: Resolution = Resolution.DAILY,
    ) -> None:
        self._fast, self._slow = fast_period, slow_period
        self._resolution = Resolution(resolution)
        self.symbol_data_by_symbol: MutableMapping[Symbol, _Averages] = SlotDict()
        self.name = f"EmaCrossAlphaModel({fast_period},{slow_period},{text_of(self._resolution)})"

    def update(self, algorithm: Any, data: Any) -> list[Insight]:
        insights = []
        period = span_of(self._resolution) * self._fast
        for symbol, averages in self.symbol_data_by_symbol.items():
            fast, slow = averages.fast, averages.slow
            over = fast.current.value > slow.current.value
            if fast.is_ready and slow.is_ready:
                if averages.fast_is_over_slow:
                    if slow.current.value > fast.current.value:
                        insights.append(Insight.price(symbol, period, InsightDirection.DOWN))
                elif over:
                    insights.append(Insight.price(symbol, period, InsightDirection.UP))
            averages.fast_is_over_slow = over
        return insights

    def on_securities_changed(self, algorithm: Any, changes: Any) -> None:
        for added in changes.added_securities:
            known = self.symbol_data_by_symbol.get(added.symbol)
            if known is None:
                self.symbol_data_by_symbol[added.symbol] = _Averages(
                    added, self._fast, self._slow, algorithm, self._resolution
                )
            else:
                known.fast.reset()
                known.slow.reset()
        for removed in changes.removed_securities:
            known = self.symbol_data_by_symbol.pop(removed.symbol, None)
            if known is not None:
                known.remove_consolidators()

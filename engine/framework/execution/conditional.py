"""Execution models that wait for a good price.

Spread, standard deviation, volume-weighted average.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.framework.alphas.history import bars_of
from engine.framework.execution.base import ExecutionModel
from engine.framework.target_collection import PortfolioTargetCollection
from engine.orders.exact import from_python
from engine.orders.sizing import (
    size_for_maximum_value,
    size_for_percent_volume,
    unordered_quantity,
)
from engine.types.decimals import to_decimal
from engine.types.dotnet import LeanObject
from engine.types.enums import Resolution
from engine.types.symbol import Symbol


class _Waiting(ExecutionModel):
    """Keeps targets until they are reached; a subclass says how much may be ordered now."""

    def __init__(self, asynchronous: bool = True) -> None:
        super().__init__(asynchronous)
        self._targets = PortfolioTargetCollection()

    def execute(self, algorithm: Any, targets: list[Any]) -> None:
        kept = self._targets
        kept.add_range(targets)
        if kept.is_empty:
            return
        for target in kept.order_by_margin_impact(algorithm):
            size = self._size(algorithm, target.symbol, unordered_quantity(algorithm, target))
            if size:
                algorithm.market_order(target.symbol, size, self._asynchronous, target.tag)
        kept.clear_fulfilled(algorithm)

    def _size(self, algorithm: Any, symbol: Symbol, missing: Decimal) -> Decimal | None:
        raise NotImplementedError


class SpreadExecutionModel(_Waiting):
    """Orders in market hours while the spread is at most a share of the price."""

    def __init__(self, accepting_spread_percent: float = 0.005, asynchronous: bool = True) -> None:
        super().__init__(asynchronous)
        self._accepted = abs(from_python(accepting_spread_percent))

    def _size(self, algorithm: Any, symbol: Symbol, missing: Decimal) -> Decimal | None:
        if missing and self.price_is_favorable(algorithm.securities[symbol]):
            return missing
        return None

    def price_is_favorable(self, security: Any) -> bool:
        """Tell whether the exchange is open and the spread within the limit."""
        bid, ask, price = security._bid_price, security._ask_price, security._price
        return bool(
            security.exchange.exchange_open
            and price > 0
            and ask > 0
            and bid > 0
            and (ask - bid) / price <= self._accepted
        )


class _PerSecurity(_Waiting):
    """Keeps indicators per security; they go when no universe holds the security any more."""

    def __init__(self, asynchronous: bool = True) -> None:
        super().__init__(asynchronous)
        self._data: dict[Symbol, Any] = {}

    def _make(self, algorithm: Any, security: Any) -> Any:
        raise NotImplementedError

    def on_securities_changed(self, algorithm: Any, changes: Any) -> None:
        for added in changes.added_securities:
            if added.symbol not in self._data:
                self._data[added.symbol] = self._make(algorithm, added)
        for removed in changes.removed_securities:
            data = self._data.get(removed.symbol)
            if data is not None and self.is_safe_to_remove(algorithm, removed.symbol):
                del self._data[removed.symbol]
                algorithm.subscription_manager.remove_consolidator(
                    removed.symbol, data.consolidator
                )

    def is_safe_to_remove(self, algorithm: Any, symbol: Symbol) -> bool:
        """Tell whether no universe holds the security."""
        return not any(u.contains_member(symbol) for u in algorithm.universe_manager.values())


class _Deviation(LeanObject):
    """Average and deviation of the prices of one security, warm from history."""

    def __init__(self, algorithm: Any, security: Any, period: int, resolution: Resolution) -> None:
        from engine.indicators.averages import SimpleMovingAverage
        from engine.indicators.volatility import StandardDeviation

        symbol = security.symbol
        self.security = security
        self.consolidator = algorithm.resolve_consolidator(symbol, resolution)
        name = algorithm.create_indicator_name
        self.sma = SimpleMovingAverage(name(symbol, f"SMA{period}", resolution), period)
        algorithm.register_indicator(symbol, self.sma, self.consolidator)
        self.std = StandardDeviation(name(symbol, f"STD{period}", resolution), period)
        algorithm.register_indicator(symbol, self.std, self.consolidator)
        for bar in bars_of(algorithm, symbol, period, resolution):
            self.sma.update(bar.end_time, bar.value)
            self.std.update(bar.end_time, bar.value)


class StandardDeviationExecutionModel(_PerSecurity):
    """Buys below the average by some deviations, sells above it; at most a value per order."""

    def __init__(
        self,
        period: int = 60,
        deviations: float = 2,
        resolution: Resolution = Resolution.MINUTE,
        asynchronous: bool = True,
    ) -> None:
        super().__init__(asynchronous)
        self._period = period
        self._deviations = from_python(deviations)
        self._resolution = Resolution(resolution)
        self.maximum_order_value: float = 20000

    def _make(self, algorithm: Any, security: Any) -> Any:
        return _Deviation(algorithm, security, self._period, self._resolution)

    def _size(self, algorithm: Any, symbol: Symbol, missing: Decimal) -> Decimal | None:
        data = self._data.get(symbol)
        if (
            data is None
            or not data.std.is_ready
            or not self.price_is_favorable(data, float(missing))
        ):
            return None
        return size_for_maximum_value(data.security, from_python(self.maximum_order_value), missing)

    def price_is_favorable(self, data: Any, unordered_quantity: Any) -> bool:
        """Tell whether the quote is beyond the band on the good side."""
        average = to_decimal(data.sma.current.value)
        band = self._deviations * to_decimal(data.std.current.value)
        if unordered_quantity > 0:
            return bool(data.security._bid_price < average - band)
        return bool(data.security._ask_price > average + band)


class _Vwap(LeanObject):
    """The volume-weighted average price of the day of one security."""

    def __init__(self, algorithm: Any, security: Any) -> None:
        from engine.indicators.volume import IntradayVwap

        symbol, resolution = security.symbol, security.resolution
        self.security = security
        self.consolidator = algorithm.resolve_consolidator(symbol, resolution)
        self.vwap = IntradayVwap(algorithm.create_indicator_name(symbol, "VWAP", resolution))
        algorithm.register_indicator(symbol, self.vwap, self.consolidator, lambda bar: bar)


class VolumeWeightedAveragePriceExecutionModel(_PerSecurity):
    """Buys under and sells over the day's average price.

    At most a share of the last bar's volume.
    """

    def __init__(self, asynchronous: bool = True) -> None:
        super().__init__(asynchronous)
        self.maximum_order_quantity_percent_volume: float = 0.01

    def _make(self, algorithm: Any, security: Any) -> Any:
        return _Vwap(algorithm, security)

    def _size(self, algorithm: Any, symbol: Symbol, missing: Decimal) -> Decimal | None:
        data = self._data.get(symbol)
        if data is None or not self.price_is_favorable(data, float(missing)):
            return None
        share = from_python(self.maximum_order_quantity_percent_volume)
        return size_for_percent_volume(data.security, share, missing)

    def price_is_favorable(self, data: Any, unordered_quantity: Any) -> bool:
        """Tell whether the quote is on the good side of the average."""
        average = to_decimal(data.vwap.current.value)
        if unordered_quantity > 0:
            return bool(data.security._bid_price < average)
        return bool(data.security._ask_price > average)

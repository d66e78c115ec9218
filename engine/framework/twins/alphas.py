"""The second set of alpha models: same rules, other names and orders."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np

from engine.framework.alphas import base, ema_cross, pairs, signals
from engine.framework.alphas.history import slices_of
from engine.types.decimals import normalize, plain, to_decimal
from engine.types.enums import (
    InsightDirection,
    InsightType,
    MovingAverageType,
    Resolution,
)


def _title(model: Any, own: str, *parts: Any) -> str:
    """Return the name of a model: its class, also a user's own, and its numbers."""
    cls = type(model)
    name = own if cls.__module__.startswith("engine.") else cls.__name__
    return f"{name}({','.join(str(part) for part in parts)})"


def _span_text(span: timedelta) -> str:
    hours, rest = divmod(span.seconds, 3600)
    return f"{span.days}.{hours:02}:{rest // 60:02}:{rest % 60:02}"


class ConstantTwin(base.ConstantAlphaModel):
    """``Alphas.ConstantAlphaModel``."""

    def __init__(
        self,
        type: InsightType,
        direction: InsightDirection,
        period: timedelta,
        magnitude: float | None = None,
        confidence: float | None = None,
        weight: float | None = None,
    ) -> None:
        super().__init__(type, direction, period, magnitude, confidence, weight)
        self._securities = {}
        parts = [self._type, self._direction, _span_text(period)]
        parts += [number for number in (magnitude, confidence) if number is not None]
        self.name = _title(self, "ConstantAlphaModel", *parts)


class EmaCrossTwin(ema_cross.EmaCrossAlphaModel):
    """``Alphas.EmaCrossAlphaModel``."""

    def __init__(
        self,
        fast_period: int = 12,
        slow_period: int = 26,
        resolution: Resolution = Resolution.DAILY,
    ) -> None:
        super().__init__(fast_period, slow_period, resolution)
        self.symbol_data_by_symbol = {}
        self.name = _title(self, "EmaCrossAlphaModel", fast_period, slow_period, self._resolution)


class MacdTwin(signals.MacdAlphaModel):
    """``Alphas.MacdAlphaModel``."""

    def __init__(
        self,
        fastPeriod: int = 12,
        slowPeriod: int = 26,
        signalPeriod: int = 9,
        movingAverageType: MovingAverageType = MovingAverageType.EXPONENTIAL,
        resolution: Resolution = Resolution.DAILY,
    ) -> None:
        super().__init__(fastPeriod, slowPeriod, signalPeriod, movingAverageType, resolution)
        self._data = {}
        self.name = _title(self, "MacdAlphaModel", *self._periods, self._kind, self._resolution)


class RsiTwin(signals.RsiAlphaModel):
    """``Alphas.RsiAlphaModel``."""

    def __init__(self, period: int = 14, resolution: Resolution = Resolution.DAILY) -> None:
        super().__init__(period, resolution)
        self._data = {}
        self.name = _title(self, "RsiAlphaModel", period, self._resolution)


class HistoricalReturnsTwin(signals.HistoricalReturnsAlphaModel):
    """``Alphas.HistoricalReturnsAlphaModel``: numbers by keyword only, positional ones are ignored.

    It has no name of its own, and follows a security only if there is history of it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(kwargs.get("lookback", 1), kwargs.get("resolution", Resolution.DAILY))
        self._data = {}
        del self.name

    def on_securities_changed(self, algorithm: Any, changes: Any) -> None:
        for removed in changes.removed_securities:
            held = self._data.pop(removed.symbol, None)
            if held is not None:
                algorithm.subscription_manager.remove_consolidator(
                    removed.symbol, held.consolidator
                )
            self._cancel(algorithm, removed.symbol)
        symbols = [added.symbol for added in changes.added_securities]
        history = slices_of(algorithm, symbols, self._lookback, self._resolution)
        closes: dict[Any, list[Any]] = {}
        for piece in history:
            for bar in piece.values():
                closes.setdefault(bar.symbol, []).append(bar)
        for symbol in sorted(closes):
            if symbol in self._data:
                continue
            held = signals._Returns(algorithm, symbol, self._lookback, self._resolution)
            self._data[symbol] = held
            for bar in closes[symbol]:
                held.roc.update(bar.end_time, bar.close)


class BasePairsTradingTwin(pairs.BasePairsTradingAlphaModel):
    """``Alphas.BasePairsTradingAlphaModel``: pairs in order of tickers."""

    _own_name = "BasePairsTradingAlphaModel"

    def __init__(
        self, lookback: int = 1, resolution: Resolution = Resolution.DAILY, threshold: float = 1
    ) -> None:
        super().__init__(lookback, resolution, threshold)
        self._members = {}
        self._pairs = {}
        shown = plain(normalize(to_decimal(threshold)))
        self.name = _title(self, self._own_name, lookback, self._resolution, shown)

    def _update_pairs(self, algorithm: Any) -> None:
        self._members = {symbol: self._members[symbol] for symbol in sorted(self._members)}
        super()._update_pairs(algorithm)


class PearsonCorrelationTwin(BasePairsTradingTwin):
    """``Alphas.PearsonCorrelationPairsTradingAlphaModel``: the most correlated pair."""

    _own_name = "PearsonCorrelationPairsTradingAlphaModel"

    def __init__(
        self,
        lookback: int = 15,
        resolution: Resolution = Resolution.MINUTE,
        threshold: float = 1,
        minimum_correlation: float = 0.5,
    ) -> None:
        super().__init__(lookback, resolution, threshold)
        self._minimum = minimum_correlation
        self._best: tuple[Any, Any] | None = None

    def on_securities_changed(self, algorithm: Any, changes: Any) -> None:
        followed = {s.symbol for s in changes.added_securities} | set(self._members)
        followed -= {s.symbol for s in changes.removed_securities}
        symbols = sorted(followed)
        if symbols:
            self._choose(algorithm, symbols)
        super().on_securities_changed(algorithm, changes)

    def _choose(self, algorithm: Any, symbols: list[Any]) -> None:
        frame = algorithm.history(symbols, self._lookback, self._resolution)
        if frame.empty:
            return
        prices = np.log(frame.close.unstack(level=0))
        returns = (prices - prices.shift(1)).dropna()
        matrix = np.corrcoef(returns.to_numpy(), rowvar=False)
        found = [
            (float(matrix[row, column]), row, column)
            for row in range(len(returns.columns))
            for column in range(row + 1, len(returns.columns))
        ]
        if not found:
            return
        # of equal correlations LEAN takes the last
        best, row, column = max(found, key=lambda entry: (entry[0], entry[1], entry[2]))
        if best >= self._minimum:
            self._best = (symbols[row], symbols[column])

    def has_passed_test(self, algorithm: Any, asset_1: Any, asset_2: Any) -> bool:
        return self._best == (asset_1, asset_2)

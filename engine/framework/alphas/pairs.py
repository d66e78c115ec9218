"""Alphas on the ratio of two prices."""

from __future__ import annotations

from collections.abc import MutableMapping
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.framework.alphas.base import AlphaModel
from engine.framework.alphas.history import slices_of
from engine.framework.insight import Insight
from engine.framework.slots import SlotDict
from engine.framework.support import span_of, text_of, update_securities
from engine.indicators.averages import ExponentialMovingAverage
from engine.indicators.basic import Identity
from engine.indicators.composite import ConstantIndicator, IndicatorExtensions
from engine.types.decimals import normalize, plain, to_decimal
from engine.types.dotnet import LeanObject
from engine.types.enums import InsightDirection, Resolution
from engine.types.symbol import Symbol

_UP, _DOWN = InsightDirection.UP, InsightDirection.DOWN
#: bars over which the mean of the ratio is taken
_MEAN_PERIOD = 500


class _Pair(LeanObject):
    """The ratio of two prices, its mean and the band around it."""

    def __init__(
        self, algorithm: Any, first: Symbol, second: Symbol, period: timedelta, threshold: float
    ) -> None:
        self._algorithm = algorithm
        self._symbols = (first, second)
        self._period = period
        self._side = 0
        self._consolidators: list[Any] = []
        prices = [self._price_of(symbol) for symbol in self._symbols]
        self.ratio = IndicatorExtensions.over(*prices)
        self.mean = IndicatorExtensions.of(ExponentialMovingAverage(_MEAN_PERIOD), self.ratio)
        upper = ConstantIndicator("ct", 1 + threshold / 100)
        lower = ConstantIndicator("ct", 1 - threshold / 100)
        self.upper_threshold = IndicatorExtensions.times(self.mean, upper, "UpperThreshold")
        self.lower_threshold = IndicatorExtensions.times(self.mean, lower, "LowerThreshold")

    def _price_of(self, symbol: Symbol) -> Any:
        algorithm = self._algorithm
        service = algorithm.subscription_manager.subscription_data_config_service
        configs = service.get_subscription_data_configs(symbol)
        resolution = min(config.resolution for config in configs)
        price = Identity(algorithm.create_indicator_name(symbol, "close", resolution))
        consolidator = algorithm.resolve_consolidator(symbol, resolution)
        algorithm.register_indicator(symbol, price, consolidator)
        self._consolidators.append(consolidator)
        return price

    def dispose(self) -> None:
        for symbol, consolidator in zip(self._symbols, self._consolidators, strict=False):
            self._algorithm.subscription_manager.remove_consolidator(symbol, consolidator)

    def insights(self) -> list[Insight]:
        """Return a group of two insights when the ratio leaves the band on a new side."""
        if not self.mean.is_ready:
            return []
        ratio = self.ratio.current.value
        if self._side != 1 and ratio > self.upper_threshold.current.value:
            self._side = 1
            directions = (_DOWN, _UP)
        elif self._side != -1 and ratio < self.lower_threshold.current.value:
            self._side = -1
            directions = (_UP, _DOWN)
        else:
            return []
        pair = [
            Insight.price(s, self._period, d)
            for s, d in zip(self._symbols, directions, strict=False)
        ]
        return Insight.group(pair)


class BasePairsTradingAlphaModel(AlphaModel):
    """Trades pairs that pass :meth:`has_passed_test` when their ratio leaves a band."""

    def __init__(
        self, lookback: int = 1, resolution: Resolution = Resolution.DAILY, threshold: float = 1
    ) -> None:
        self._lookback, self._resolution = lookback, Resolution(resolution)
        self._threshold = float(threshold)
        self._period = span_of(self._resolution) * lookback
        self._members: MutableMapping[Symbol, Any] = SlotDict()
        self._pairs: MutableMapping[tuple[Symbol, Symbol], _Pair] = SlotDict()
        shown = plain(normalize(to_decimal(threshold)))
        self.name = f"BasePairsTradingAlphaModel({lookback},{text_of(self._resolution)},{shown})"

    @property
    def securities(self) -> list[Any]:
        return list(self._members.values())

    def update(self, algorithm: Any, data: Any) -> list[Insight]:
        return [insight for pair in self._pairs.values() for insight in pair.insights()]

    def on_securities_changed(self, algorithm: Any, changes: Any) -> None:
        update_securities(self._members, changes)
        self._update_pairs(algorithm)
        for removed in changes.removed_securities:
            for key in [k for k in self._pairs if removed.symbol in k]:
                self._pairs.pop(key).dispose()

    def _update_pairs(self, algorithm: Any) -> None:
        symbols = list(self._members)
        for index, first in enumerate(symbols):
            for second in symbols[index + 1 :]:
                if (first, second) in self._pairs or (second, first) in self._pairs:
                    continue
                if self.has_passed_test(algorithm, first, second):
                    self._pairs[first, second] = _Pair(
                        algorithm, first, second, self._period, self._threshold
                    )

    def has_passed_test(self, algorithm: Any, asset_1: Symbol, asset_2: Symbol) -> bool:
        """Tell whether two assets make a pair."""
        return True


class PearsonCorrelationPairsTradingAlphaModel(BasePairsTradingAlphaModel):
    """Trades the pair whose log returns have the highest correlation."""

    def __init__(
        self,
        lookback: int = 15,
        resolution: Resolution = Resolution.MINUTE,
        threshold: float = 1,
        minimum_correlation: float = 0.5,
    ) -> None:
        super().__init__(lookback, resolution, threshold)
        self._minimum = minimum_correlation
        self._best: tuple[Symbol, Symbol] | None = None

    def on_securities_changed(self, algorithm: Any, changes: Any) -> None:
        update_securities(self._members, changes)
        symbols = list(self._members)
        vectors = self._returns(
            slices_of(algorithm, symbols, self._lookback, self._resolution), len(symbols)
        )
        if not vectors:
            algorithm.debug(
                "PearsonCorrelationPairsTradingAlphaModel.OnSecuritiesChanged(): The requested "
                "historical data does "
                "not have series of prices with the same date/time. Please consider increasing "
                "the looback period. "
                f"Current lookback: {self._lookback}"
            )
        else:
            matrix = np.triu(np.atleast_2d(np.corrcoef(np.array(vectors))))
            np.fill_diagonal(matrix, 1.0)
            inside = matrix[np.abs(matrix) < 1]
            best = float(inside.max()) if inside.size else 0.0
            if inside.size and best >= self._minimum:
                row, column = np.argwhere(matrix == best)[0]
                self._best = (symbols[row], symbols[column])
        super().on_securities_changed(algorithm, changes)

    def has_passed_test(self, algorithm: Any, asset_1: Symbol, asset_2: Symbol) -> bool:
        return self._best == (asset_1, asset_2)

    def _returns(self, slices: list[Any], count: int) -> list[npt.NDArray[np.float64]]:
        """Return the log returns of each symbol over the moments at which all have a bar."""
        zones = {s.exchange.time_zone.key for s in self._members.values()}
        prices: dict[Symbol, list[float]] = {}
        if self._resolution == Resolution.DAILY and len(zones) > 1:
            days: dict[Any, list[Any]] = {}
            for piece in slices:
                days.setdefault(piece.time.date(), []).append(piece)
            complete = [d for d in days.values() if sum(p.count for p in d) == count]
            kept = [piece for day in complete for piece in day]
        else:
            kept = [piece for piece in slices if piece.count == count]
        for piece in kept:
            # LEAN's slices of history are in order of tickers, its securities are not: the pair
            # it takes is the one at
            # the same places of the other list
            for bar in sorted(piece.values(), key=lambda b: b.symbol.value):
                prices.setdefault(bar.symbol, []).append(float(bar.price))
        vectors = []
        for series in prices.values():
            logs = np.log(np.array(series))
            if len(logs) < 2:
                vectors.append(np.zeros(0))
                continue
            changes = np.diff(logs)
            vectors.append(np.concatenate((changes[:1], changes)))
        return vectors

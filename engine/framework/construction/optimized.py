"""Construction by optimizing over past returns: mean-variance, risk parity, Black-Litterman."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import Any

import numpy as np

from engine.framework.alphas.history import push_through, slices_of
from engine.framework.construction.base import PortfolioConstructionModel
from engine.framework.construction.optimizers import (
    MaximumSharpeRatioPortfolioOptimizer,
    MinimumVariancePortfolioOptimizer,
    RiskParityPortfolioOptimizer,
    Vector,
    covariance_of,
)
from engine.framework.insight import Insight
from engine.indicators.momentum import RateOfChange
from engine.securities.native import method
from engine.types.enums import InsightDirection, PortfolioBias, Resolution
from engine.types.errors import ArgumentException
from engine.types.symbol import Symbol
from engine.types.timezones import to_utc

_YEAR = 252


class _Returns:
    """The last returns of a symbol, newest first, over some bars each."""

    def __init__(self, symbol: Symbol, lookback: int, period: int) -> None:
        self.roc = RateOfChange(f"{symbol}.ROC({lookback})", lookback)
        self._window: deque[tuple[datetime, float]] = deque(maxlen=period)
        self.roc.updated += self._take

    def _take(self, _sender: Any, point: Any) -> None:
        if self.roc.is_ready:
            self.add(point.end_time, float(point.value))

    def add(self, time: datetime, value: float) -> None:
        """Keep a return; a second one of the same time is dropped."""
        if not self._window or self._window[0][0] != time:
            self._window.appendleft((time, value))

    @property
    def returns(self) -> dict[datetime, float]:
        return dict(self._window)


def returns_matrix(data: dict[Symbol, _Returns], symbols: list[Symbol]) -> Vector:
    """Return the returns of symbols: rows are moments (by time, else by place), columns symbols.

    Rows that lack a number or are all zero are left out.
    """
    columns = [data[symbol].returns for symbol in symbols if symbol in data]
    times = list(dict.fromkeys(time for column in columns for time in column))
    longest = max((len(held.returns) for held in data.values()), default=0)
    if longest == len(times):
        rows = [[column.get(time, np.nan) for column in columns] for time in times]
    else:
        lists = [list(column.values()) for column in columns]
        rows = [
            [values[place] if place < len(values) else np.nan for values in lists]
            for place in range(longest)
        ]
    matrix = np.array(rows, float).reshape(len(rows), len(columns))
    totals = np.abs(matrix).sum(axis=1)
    return matrix[np.isfinite(totals) & (totals != 0)]


class _Optimized(PortfolioConstructionModel):
    """Keeps the returns of the securities, warm from history."""

    def __init__(
        self, rebalance: Any, bias: Any, lookback: int, period: int, resolution: Resolution
    ) -> None:
        super().__init__(rebalance)
        self._bias = PortfolioBias(bias)
        self._lookback, self._period = lookback, period
        self._resolution = Resolution(resolution)
        self._data: dict[Symbol, _Returns] = {}
        self._optimizer: Any = None

    def _bounds(self) -> tuple[float, float]:
        lower = 0.0 if self._bias == PortfolioBias.LONG else -1.0
        return lower, 0.0 if self._bias == PortfolioBias.SHORT else 1.0

    def _weights(
        self, insights: list[Insight], symbols: list[Symbol], weights: Any
    ) -> dict[Insight, float]:
        """Give the first insight of every symbol its weight; what breaks the bias becomes 0."""
        found: dict[Insight, float] = {}
        for symbol, weight in zip(symbols, weights, strict=False):
            share = float(weight)
            if self._bias != PortfolioBias.LONG_SHORT and np.sign(share) != int(self._bias):
                share = 0.0
            found[next(i for i in insights if i.symbol == symbol)] = share
        return found

    def determine_target_percent(self, active_insights: list[Insight]) -> dict[Insight, float]:
        if not active_insights:
            return {}
        symbols = [insight.symbol for insight in active_insights]
        returns = returns_matrix(self._data, symbols)
        weights = method(self._optimizer, "optimize")(returns)
        return self._weights(active_insights, symbols, weights)

    def on_securities_changed(self, algorithm: Any, changes: Any) -> None:
        super().on_securities_changed(algorithm, changes)
        for removed in changes.removed_securities:
            held = self._data.pop(removed.symbol, None)
            if held is not None:
                self._stop(algorithm, held)
        symbols = [added.symbol for added in changes.added_securities]
        for symbol in symbols:
            if symbol not in self._data:
                held = self._data[symbol] = _Returns(symbol, self._lookback, self._period)
                self._start(algorithm, symbol, held)
        if symbols:
            zones = {s.symbol: s.exchange.time_zone for s in changes.added_securities}

            def feed(bar: Any) -> None:
                held = self._data.get(bar.symbol)
                if held is not None:
                    held.roc.update(self._moment(bar, zones), bar.value)

            periods = self._lookback * self._period
            push_through(slices_of(algorithm, symbols, periods, self._resolution), feed)

    def _moment(self, bar: Any, zones: dict[Symbol, Any]) -> datetime:
        moment: datetime = bar.end_time
        return moment

    def _start(self, algorithm: Any, symbol: Symbol, held: _Returns) -> None:
        """Feed the returns of a new security, where the model wants that."""

    def _stop(self, algorithm: Any, held: _Returns) -> None:
        """Stop feeding them."""


class MeanVarianceOptimizationPortfolioConstructionModel(_Optimized):
    """Weights of an optimizer over past returns, to which the magnitudes of insights are added."""

    def __init__(
        self,
        rebalance: Any = Resolution.DAILY,
        portfolio_bias: Any = PortfolioBias.LONG_SHORT,
        lookback: int = 1,
        period: int = 63,
        resolution: Resolution = Resolution.DAILY,
        target_return: float = 0.02,
        optimizer: Any = None,
    ) -> None:
        super().__init__(rebalance, portfolio_bias, lookback, period, resolution)
        self._optimizer = optimizer or MinimumVariancePortfolioOptimizer(
            *self._bounds(), target_return
        )

    def should_create_target_for_insight(self, insight: Insight) -> bool:
        algorithm = self.algorithm
        if not self.filter_invalid_insight_magnitude(algorithm, [insight]):
            return False
        held = self._data.get(insight.symbol)
        if held is not None:
            if insight.magnitude is None:
                algorithm._set_runtime_error(
                    ArgumentException(
                        "MeanVarianceOptimizationPortfolioConstructionModel does not accept 'null' "
                        "as Insight.Magnitude. Please checkout the selected Alpha Model "
                        f"specifications: {insight.source_model}"
                    ),
                    "",
                )
                return False
            held.add(algorithm.time, insight.magnitude)
        return True


class RiskParityPortfolioConstructionModel(_Optimized):
    """The same budget of risk for every insight."""

    def __init__(
        self,
        rebalance: Any = Resolution.DAILY,
        portfolio_bias: Any = PortfolioBias.LONG_SHORT,
        lookback: int = 1,
        period: int = 252,
        resolution: Resolution = Resolution.DAILY,
        optimizer: Any = None,
    ) -> None:
        if PortfolioBias(portfolio_bias) == PortfolioBias.SHORT:
            raise ArgumentException(
                "Long position must be allowed in RiskParityPortfolioConstructionModel."
            )
        super().__init__(rebalance, PortfolioBias.LONG_SHORT, lookback, period, resolution)
        self._optimizer = optimizer or RiskParityPortfolioOptimizer()

    def _start(self, algorithm: Any, symbol: Symbol, held: _Returns) -> None:
        algorithm.register_indicator(symbol, held.roc, self._resolution)

    def _stop(self, algorithm: Any, held: _Returns) -> None:
        algorithm.deregister_indicator(held.roc)


class BlackLittermanOptimizationPortfolioConstructionModel(_Optimized):
    """Black-Litterman: equilibrium returns, moved by the views of the alpha models."""

    def __init__(
        self,
        rebalance: Any = Resolution.DAILY,
        portfolio_bias: Any = PortfolioBias.LONG_SHORT,
        lookback: int = 1,
        period: int = 63,
        resolution: Resolution = Resolution.DAILY,
        risk_free_rate: float = 0.0,
        delta: float = 2.5,
        tau: float = 0.05,
        optimizer: Any = None,
    ) -> None:
        super().__init__(rebalance, portfolio_bias, lookback, period, resolution)
        self._rate, self._delta, self._tau = risk_free_rate, delta, tau
        self._optimizer = optimizer or MaximumSharpeRatioPortfolioOptimizer(
            *self._bounds(), risk_free_rate
        )

    def should_create_target_for_insight(self, insight: Insight) -> bool:
        return bool(self.filter_invalid_insight_magnitude(self.algorithm, [insight]))

    def get_target_insights(self) -> list[Insight]:
        latest: dict[tuple[Symbol, str | None], Insight] = {}
        for insight in self.algorithm.insights.get_active_insights(self.algorithm._utc):
            if self.should_create_target_for_insight(insight):
                key = (insight.symbol, insight.source_model)
                known = latest.get(key)
                if known is None or insight.generated_time_utc >= known.generated_time_utc:
                    latest[key] = insight
        return sorted(latest.values(), key=lambda i: i.symbol.value)

    def _moment(self, bar: Any, zones: dict[Symbol, Any]) -> datetime:
        return to_utc(bar.end_time, zones[bar.symbol])

    def determine_target_percent(self, active_insights: list[Insight]) -> dict[Insight, float]:
        views = self._views(active_insights)
        if views is None:
            return {}
        for insight in active_insights:
            held = self._data.get(insight.symbol)
            if held is not None and insight.magnitude is not None:
                held.add(insight._generated or datetime.min, insight.magnitude)
        symbols = list(dict.fromkeys(insight.symbol for insight in active_insights))
        returns = returns_matrix(self._data, symbols)
        expected, covariance = self.get_equilibrium_returns(returns)
        expected, covariance = self._posterior(expected, covariance, *views)
        weights = method(self._optimizer, "optimize")(returns, expected, covariance)
        return self._weights(active_insights, symbols, weights)

    def get_equilibrium_returns(self, returns: Vector) -> tuple[Vector, Vector]:
        """Return the implied excess returns of equal weights and the annual covariance."""
        size = returns.shape[1]
        equal = np.full(size, 1.0 / size)
        covariance = covariance_of(returns) * _YEAR
        annual = float(equal @ ((returns.mean(axis=0) + 1.0) ** _YEAR - 1.0))
        aversion = (annual - self._rate) / float(equal @ covariance @ equal)
        return covariance @ equal * aversion, covariance

    def _views(self, insights: list[Insight]) -> tuple[Vector, Vector] | None:
        """Return the pick matrix and the returns of the views, one for each alpha model.

        None when there is no view, or when a model has no direction or an insight no magnitude.
        """
        by_model: dict[str | None, list[Insight]] = {}
        for insight in insights:
            by_model.setdefault(insight.source_model, []).append(insight)
        symbols = list(dict.fromkeys(insight.symbol for insight in insights))
        rows, strengths = [], []
        for members in by_model.values():
            if any(i.magnitude is None for i in members):
                return None
            up, down = (
                sum(abs(i.magnitude or 0.0) for i in members if i.direction == side)
                for side in (InsightDirection.UP, InsightDirection.DOWN)
            )
            strength = max(up, down)
            if not strength:
                return None
            row = {i.symbol: int(i.direction) * abs(i.magnitude or 0.0) / strength for i in members}
            # LEAN lists a model's own symbols first: several models may mix up its columns
            rows.append([*row.values(), *(0.0 for s in symbols if s not in row)])
            strengths.append(strength)
        return (np.array(rows), np.array(strengths)) if rows else None

    def _posterior(
        self, expected: Vector, covariance: Vector, picks: Vector, views: Vector
    ) -> tuple[Vector, Vector]:
        """Apply the master formula; uncertainty of views in proportion to their variance."""
        scaled = covariance * self._tau
        doubt = np.diag(np.diag(picks @ scaled @ picks.T))
        if not np.linalg.det(doubt):
            return expected, covariance
        gain = scaled @ picks.T @ np.linalg.inv(picks @ scaled @ picks.T + doubt)
        moved = expected + gain @ (views - picks @ expected)
        return moved, (covariance + scaled - gain @ picks @ scaled) * self._delta

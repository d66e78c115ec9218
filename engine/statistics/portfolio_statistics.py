"""Figures over the equity curve."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.orders.exact import Exact
from engine.statistics import measures
from engine.statistics.arithmetic import add, average, divide, from_double
from engine.statistics.interest_rate import average_rate
from engine.statistics.samples import (
    covariance,
    mean,
    normal_quantile,
    standard_deviation,
    variance,
)
from engine.types.decimals import ONE, ZERO, round_half_even, to_decimal
from engine.types.dotnet import LeanObject

_YEAR = Decimal(365)
_AMOUNTS = (
    "average_win_rate",
    "average_loss_rate",
    "profit_loss_ratio",
    "win_rate",
    "loss_rate",
    "expectancy",
    "start_equity",
    "end_equity",
    "compounding_annual_return",
    "drawdown",
    "total_net_profit",
    "sharpe_ratio",
    "probabilistic_sharpe_ratio",
    "sortino_ratio",
    "alpha",
    "beta",
    "annual_standard_deviation",
    "annual_variance",
    "information_ratio",
    "tracking_error",
    "treynor_ratio",
    "portfolio_turnover",
    "value_at_risk_99",
    "value_at_risk_95",
)


class PortfolioStatistics(LeanObject):
    """``QuantConnect.Statistics.PortfolioStatistics``; all figures are fractions, not per cent.

    Parameters
    ----------
    profit_loss : mapping of naive UTC time to Decimal
        Booked profits in the order of time.
    times, equity : sequences of one length
        Equity samples, ascending naive UTC times.
    turnover : sequence of Decimal
        Daily sale volume over portfolio value.
    returns, benchmark : sequences of float
        Daily returns as fractions, of one length.
    starting_capital : Decimal
    rate_model
        Has ``get_interest_rate(date)``.
    trading_days_per_year : int
    win_count, loss_count : int, optional
        Replace the counts of winners and losers in ``profit_loss``.
    """

    average_win_rate = Exact()
    average_loss_rate = Exact()
    profit_loss_ratio = Exact()
    win_rate = Exact()
    loss_rate = Exact()
    expectancy = Exact()
    start_equity = Exact()
    end_equity = Exact()
    compounding_annual_return = Exact()
    drawdown = Exact()
    total_net_profit = Exact()
    sharpe_ratio = Exact()
    probabilistic_sharpe_ratio = Exact()
    sortino_ratio = Exact()
    alpha = Exact()
    beta = Exact()
    annual_standard_deviation = Exact()
    annual_variance = Exact()
    information_ratio = Exact()
    tracking_error = Exact()
    treynor_ratio = Exact()
    portfolio_turnover = Exact()
    value_at_risk_99 = Exact()
    value_at_risk_95 = Exact()

    _average_win_rate: Decimal
    _average_loss_rate: Decimal
    _profit_loss_ratio: Decimal
    _win_rate: Decimal
    _loss_rate: Decimal
    _expectancy: Decimal
    _start_equity: Decimal
    _end_equity: Decimal
    _compounding_annual_return: Decimal
    _drawdown: Decimal
    _total_net_profit: Decimal
    _sharpe_ratio: Decimal
    _probabilistic_sharpe_ratio: Decimal
    _sortino_ratio: Decimal
    _alpha: Decimal
    _beta: Decimal
    _annual_standard_deviation: Decimal
    _annual_variance: Decimal
    _information_ratio: Decimal
    _tracking_error: Decimal
    _treynor_ratio: Decimal
    _portfolio_turnover: Decimal
    _value_at_risk_99: Decimal
    _value_at_risk_95: Decimal

    def __init__(
        self,
        profit_loss: Mapping[datetime, Decimal] | None = None,
        times: Sequence[datetime] = (),
        equity: Sequence[Decimal] = (),
        turnover: Sequence[Decimal] = (),
        returns: Sequence[float] = (),
        benchmark: Sequence[float] = (),
        starting_capital: Decimal = ZERO,
        rate_model: Any = None,
        trading_days_per_year: int = 252,
        win_count: int | None = None,
        loss_count: int | None = None,
    ) -> None:
        for name in _AMOUNTS:
            setattr(self, "_" + name, ZERO)
        self.drawdown_recovery = 0
        self._start_equity = starting_capital
        self._end_equity = equity[-1] if equity else ZERO
        self._portfolio_turnover = average(turnover)
        if not starting_capital or len(benchmark) < 2 or len(returns) < 2:
            return
        self._trade_rates(profit_loss or {}, starting_capital, win_count, loss_count)
        self._total_net_profit = divide(self._end_equity, starting_capital) - ONE
        years = divide(to_decimal(measures.days_between(times[0], times[-1])), _YEAR)
        self._compounding_annual_return = measures.compounding_annual_performance(
            starting_capital, self._end_equity, years
        )
        self._risk(returns, benchmark, average_rate(rate_model, times), trading_days_per_year)
        metrics = measures.drawdown_metrics(times, equity)
        self._drawdown = metrics.drawdown
        self.drawdown_recovery = metrics.drawdown_recovery

    def _trade_rates(
        self,
        profit_loss: Mapping[datetime, Decimal],
        capital: Decimal,
        win_count: int | None,
        loss_count: int | None,
    ) -> None:
        gain = loss = ZERO
        wins = losses = 0
        for profit in profit_loss.values():
            if profit > 0:
                gain = add(gain, divide(profit, capital))
                wins += 1
            else:
                loss = add(loss, divide(profit, capital))
                losses += 1
            capital += profit
        self._average_win_rate = divide(gain, Decimal(wins)) if wins else ZERO
        self._average_loss_rate = divide(loss, Decimal(losses)) if losses else ZERO
        if self._average_loss_rate:
            self._profit_loss_ratio = divide(self._average_win_rate, abs(self._average_loss_rate))
        if win_count is not None and loss_count is not None:
            wins, losses = win_count, loss_count
        count = Decimal(wins + losses)
        if count:
            self._win_rate = divide(Decimal(wins), count)
            self._loss_rate = divide(Decimal(losses), count)
        self._expectancy = self._win_rate * self._profit_loss_ratio - self._loss_rate

    def _risk(
        self, returns: Sequence[float], benchmark: Sequence[float], rate: Decimal, days: int
    ) -> None:
        self._annual_variance = from_double(measures.annual_variance(returns, days))
        self._annual_standard_deviation = to_decimal(math.sqrt(float(self._annual_variance)))
        other = measures.annual_performance(benchmark, days)
        own = measures.annual_performance(returns, days)
        self._sharpe_ratio = measures.sharpe_ratio(own, self._annual_standard_deviation, rate)
        downside = from_double(
            math.sqrt(measures.annual_variance([r for r in returns if r < 0], days))
        )
        self._sortino_ratio = measures.sharpe_ratio(own, downside, rate)
        spread = variance(benchmark)
        if not math.isnan(spread) and spread != 0:
            self._beta = to_decimal(covariance(returns, benchmark) / spread)
        if self._beta:
            self._alpha = own - (rate + self._beta * (other - rate))
        self._tracking_error = to_decimal(measures.tracking_error(returns, benchmark, days))
        if self._tracking_error:
            self._information_ratio = divide(
                from_double(float(own) - float(other)), self._tracking_error
            )
        if self._beta:
            self._treynor_ratio = divide(from_double(float(own) - float(rate)), self._beta)
        self._probabilistic_sharpe_ratio = from_double(
            measures.probabilistic_sharpe_ratio(returns, 1.0 / math.sqrt(days), float(rate) / days)
        )
        self._value_at_risk_99 = _value_at_risk(returns, days, 0.99)
        self._value_at_risk_95 = _value_at_risk(returns, days, 0.95)


def _value_at_risk(returns: Sequence[float], days: int, confidence: float) -> Decimal:
    """Normal quantile of the last year's daily returns, three decimals."""
    last = returns[-days:]
    quantile = normal_quantile(mean(last), standard_deviation(last), 1 - confidence)
    return round_half_even(to_decimal(quantile), 3)

"""From sampled series to the statistics of a run: total, rolling and the summary texts."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from engine.statistics.arithmetic import (
    HUNDRED,
    double_text,
    fixed,
    ratio,
    round_to_significant,
    rounded_text,
    times_100,
)
from engine.statistics.portfolio_statistics import PortfolioStatistics
from engine.statistics.trade import Trade
from engine.statistics.trade_statistics import TradeStatistics
from engine.types.decimals import ZERO, plain
from engine.types.dotnet import LeanObject
from engine.types.errors import ArgumentException

_DAY = timedelta(days=1)
_MONTHS = (1, 3, 6, 12)
Points = Sequence[tuple[datetime, Decimal]]


@dataclass(frozen=True, slots=True)
class Samples:
    """What a run has sampled; times are naive UTC.

    Attributes
    ----------
    equity, returns, benchmark, turnover : sequence of (time, value)
        Account currency; per cent a day; price; daily sale volume over value.
    profit_loss : sequence of (time, profit, is_win)
        Booked profits in account currency.
    """

    equity: Points
    returns: Points
    benchmark: Points
    turnover: Points = ()
    profit_loss: Sequence[tuple[datetime, Decimal, bool]] = ()
    trades: Sequence[Trade] = ()
    starting_capital: Decimal = ZERO
    rate_model: Any = None
    trading_days_per_year: int = 252


class AlgorithmPerformance(LeanObject):
    """``QuantConnect.Statistics.AlgorithmPerformance``."""

    def __init__(
        self,
        trade_statistics: TradeStatistics | None = None,
        portfolio_statistics: PortfolioStatistics | None = None,
        closed_trades: Iterable[Trade] = (),
    ) -> None:
        self.trade_statistics = trade_statistics or TradeStatistics()
        self.portfolio_statistics = portfolio_statistics or PortfolioStatistics()
        self.closed_trades = list(closed_trades)


class StatisticsResults(LeanObject):
    """``QuantConnect.Statistics.StatisticsResults``."""

    def __init__(
        self,
        total_performance: AlgorithmPerformance | None = None,
        rolling_performances: dict[str, AlgorithmPerformance] | None = None,
        summary: dict[str, str] | None = None,
    ) -> None:
        self.total_performance = total_performance or AlgorithmPerformance()
        self.rolling_performances = rolling_performances or {}
        self.summary = summary or {}


@dataclass(slots=True)
class _Series:
    """A sorted series with one value a time, the last one given."""

    times: list[datetime] = field(default_factory=list)
    values: list[Decimal] = field(default_factory=list)

    @classmethod
    def of(cls, points: Points) -> _Series:
        by_time = dict(points)
        times = sorted(by_time)
        return cls(times, [by_time[t] for t in times])

    def span(self, start: date, end: date) -> tuple[int, int]:
        """First index of the days ``start`` to ``end``, both included, and the one behind them."""
        low = bisect_left(self.times, _midnight(start))
        return low, bisect_left(self.times, _midnight(end) + _DAY, low)

    def between(self, start: date, end: date) -> _Series:
        """Keep the days ``start`` to ``end``, both included."""
        low, high = self.span(start, end)
        return _Series(self.times[low:high], self.values[low:high])


class StatisticsBuilder:
    """Computes the figures of one run for any span of days."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples
        self._equity = _Series.of(samples.equity)
        self._returns = _Series.of(samples.returns)
        self._benchmark = _Series.of(samples.benchmark)
        self._turnover = _Series.of(samples.turnover)
        # a span's first two days count for nothing: changes are made once, for all spans
        self._daily = [0.0, 0.0, *daily_returns(self._returns.values)]
        self._changes = [0.0, 0.0, *benchmark_returns(self._benchmark.values)]
        self._records = sorted(samples.profit_loss, key=lambda record: record[0])
        self._record_times = [record[0] for record in self._records]
        self._trades = list(samples.trades)
        exits = [trade._utc_exit for trade in self._trades]
        self._exits = exits if exits == sorted(exits) else None

    def total(self) -> AlgorithmPerformance:
        """Performance over the whole run; empty without any equity sample."""
        if not self._equity.times:
            return AlgorithmPerformance()
        return self.performance(self._equity.times[0].date(), self._equity.times[-1].date())

    def rolling(self) -> dict[str, AlgorithmPerformance]:
        """Performance over 1, 3, 6, 12 months up to every month end, by ``M<months>_<date>``."""
        if not self._equity.times:
            return {}
        first, last = self._equity.times[0].date(), self._equity.times[-1].date()
        return {
            f"M{months}_{end:%Y%m%d}": self.performance(start, end)
            for months in _MONTHS
            for start, end in _period_ranges(months, first, last)
        }

    def performance(self, start: date, end: date) -> AlgorithmPerformance:
        """Performance over days, both included.

        Raises
        ------
        ArgumentException
            If returns and benchmark have not the same number of samples.
        """
        samples = self._samples
        equity = self._equity.between(start, end)
        if not equity.times:
            return AlgorithmPerformance()
        first, last = _midnight(start), _midnight(end) + _DAY
        if self._exits is None:
            trades = [t for t in self._trades if first <= t._utc_exit < last]
        else:
            begin = bisect_left(self._exits, first)
            trades = self._trades[begin : bisect_left(self._exits, last, begin)]
        begin = bisect_left(self._record_times, first)
        records = self._records[begin : bisect_left(self._record_times, last, begin)]
        own_low, own_high = self._returns.span(start, end)
        low, high = self._benchmark.span(start, end)
        if own_high - own_low != high - low:
            raise ArgumentException(
                f"expected as many benchmark samples as returns, were {high - low} and "
                f"{own_high - own_low}"
            )
        whole = len(equity.times) == len(self._equity.times)
        portfolio = PortfolioStatistics(
            {time: profit for time, profit, _ in records},
            equity.times,
            equity.values,
            self._turnover.between(start, end).values,
            self._daily[own_low + 2 : own_high],
            self._changes[low + 2 : high],
            samples.starting_capital if whole else equity.values[0],
            samples.rate_model,
            samples.trading_days_per_year,
            sum(1 for record in records if record[2]),
            sum(1 for record in records if not record[2]),
        )
        return AlgorithmPerformance(TradeStatistics(trades), portfolio, trades)


def daily_returns(percentages: Sequence[Decimal]) -> list[float]:
    """Fractions of per cent returns without those of the start and of the first day."""
    return [float(ratio(value, HUNDRED)) for value in percentages[2:]]


def benchmark_returns(prices: Sequence[Decimal]) -> list[float]:
    """Relative changes of benchmark prices; the change of the first day is left out."""
    changes = []
    for previous, price in pairwise(prices[1:]):
        changes.append(float(ratio(price - previous, previous)) if previous else 0.0)
    return changes


def summary(
    performance: AlgorithmPerformance,
    total_orders: int,
    total_fees: Decimal,
    currency_symbol: str,
    capacity: Decimal = ZERO,
    lowest_capacity_asset: Any = None,
) -> dict[str, str]:
    """LEAN's summary statistics as texts, in LEAN's order."""
    p = performance.portfolio_statistics
    asset = "" if lowest_capacity_asset is None else str(lowest_capacity_asset.id)

    def per_cent(value: Decimal, digits: int) -> str:
        return rounded_text(times_100(value), digits) + "%"

    def number(value: Decimal) -> str:
        return double_text(float(value), 3)

    return {
        "Total Orders": str(total_orders),
        "Average Win": per_cent(p._average_win_rate, 2),
        "Average Loss": per_cent(p._average_loss_rate, 2),
        "Compounding Annual Return": per_cent(p._compounding_annual_return, 3),
        "Drawdown": per_cent(p._drawdown, 3),
        "Expectancy": rounded_text(p._expectancy, 3),
        "Start Equity": rounded_text(p._start_equity, 2),
        "End Equity": rounded_text(p._end_equity, 2),
        "Net Profit": per_cent(p._total_net_profit, 3),
        "Sharpe Ratio": number(p._sharpe_ratio),
        "Sortino Ratio": number(p._sortino_ratio),
        "Probabilistic Sharpe Ratio": per_cent(p._probabilistic_sharpe_ratio, 3),
        "Loss Rate": per_cent(p._loss_rate, 0),
        "Win Rate": per_cent(p._win_rate, 0),
        "Profit-Loss Ratio": rounded_text(p._profit_loss_ratio, 2),
        "Alpha": number(p._alpha),
        "Beta": number(p._beta),
        "Annual Standard Deviation": number(p._annual_standard_deviation),
        "Annual Variance": number(p._annual_variance),
        "Information Ratio": number(p._information_ratio),
        "Tracking Error": number(p._tracking_error),
        "Treynor Ratio": number(p._treynor_ratio),
        "Total Fees": currency_symbol + fixed(total_fees),
        "Estimated Strategy Capacity": currency_symbol + plain(round_to_significant(capacity, 2)),
        "Lowest Capacity Asset": asset,
        "Portfolio Turnover": per_cent(p._portfolio_turnover, 2),
        "Drawdown Recovery": str(p.drawdown_recovery),
    }


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)


def _period_ranges(months: int, first: date, last: date) -> list[tuple[date, date]]:
    """Spans of ``months``, not before ``first``, that end at month ends or the last day."""
    ends = [last]
    day = last.replace(day=1) - _DAY
    while day >= first:
        ends.append(day)
        day = day.replace(day=1) - _DAY
    ends.reverse()
    ranges = [(first, ends[0])]
    for end in ends[1:]:
        following = ranges[-1][1] + _DAY
        month = following.year * 12 + following.month - 1 + 1 - months
        ranges.append((max(first, date(month // 12, month % 12 + 1, 1)), end))
    return ranges

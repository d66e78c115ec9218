"""Figures over closed trades."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from engine.orders.exact import Exact
from engine.statistics.arithmetic import difference, divide, narrow, next_mean, product, total
from engine.statistics.spans import TICKS_PER_SECOND, from_ticks, ticks_from_seconds, to_ticks
from engine.statistics.trade import Trade
from engine.types.decimals import ONE, ZERO, to_decimal
from engine.types.dotnet import LeanObject
from engine.types.timezones import aware

_TEN = Decimal(10)
_AMOUNTS = (
    "total_profit_loss",
    "total_profit",
    "total_loss",
    "largest_profit",
    "largest_loss",
    "average_profit_loss",
    "average_profit",
    "average_loss",
    "profit_loss_ratio",
    "win_loss_ratio",
    "win_rate",
    "loss_rate",
    "average_mae",
    "average_mfe",
    "largest_mae",
    "largest_mfe",
    "maximum_closed_trade_drawdown",
    "maximum_intra_trade_drawdown",
    "profit_loss_standard_deviation",
    "profit_loss_downside_deviation",
    "profit_factor",
    "sharpe_ratio",
    "sortino_ratio",
    "profit_to_max_drawdown_ratio",
    "maximum_end_trade_drawdown",
    "average_end_trade_drawdown",
    "total_fees",
)


class TradeStatistics(LeanObject):
    """``QuantConnect.Statistics.TradeStatistics``; amounts in account currency.

    Parameters
    ----------
    trades : iterable of Trade
        In the order in which they were closed.
    """

    total_profit_loss = Exact()
    total_profit = Exact()
    total_loss = Exact()
    largest_profit = Exact()
    largest_loss = Exact()
    average_profit_loss = Exact()
    average_profit = Exact()
    average_loss = Exact()
    profit_loss_ratio = Exact()
    win_loss_ratio = Exact()
    win_rate = Exact()
    loss_rate = Exact()
    average_mae = Exact()
    average_mfe = Exact()
    largest_mae = Exact()
    largest_mfe = Exact()
    maximum_closed_trade_drawdown = Exact()
    maximum_intra_trade_drawdown = Exact()
    profit_loss_standard_deviation = Exact()
    profit_loss_downside_deviation = Exact()
    profit_factor = Exact()
    sharpe_ratio = Exact()
    sortino_ratio = Exact()
    profit_to_max_drawdown_ratio = Exact()
    maximum_end_trade_drawdown = Exact()
    average_end_trade_drawdown = Exact()
    total_fees = Exact()

    _total_profit_loss: Decimal
    _total_profit: Decimal
    _total_loss: Decimal
    _largest_profit: Decimal
    _largest_loss: Decimal
    _average_profit_loss: Decimal
    _average_profit: Decimal
    _average_loss: Decimal
    _profit_loss_ratio: Decimal
    _win_loss_ratio: Decimal
    _win_rate: Decimal
    _loss_rate: Decimal
    _average_mae: Decimal
    _average_mfe: Decimal
    _largest_mae: Decimal
    _largest_mfe: Decimal
    _maximum_closed_trade_drawdown: Decimal
    _maximum_intra_trade_drawdown: Decimal
    _profit_loss_standard_deviation: Decimal
    _profit_loss_downside_deviation: Decimal
    _profit_factor: Decimal
    _sharpe_ratio: Decimal
    _sortino_ratio: Decimal
    _profit_to_max_drawdown_ratio: Decimal
    _maximum_end_trade_drawdown: Decimal
    _average_end_trade_drawdown: Decimal
    _total_fees: Decimal

    def __init__(self, trades: Iterable[Trade] = ()) -> None:
        self._utc_start: datetime | None = None
        self._utc_end: datetime | None = None
        self.total_number_of_trades = 0
        self.number_of_winning_trades = 0
        self.number_of_losing_trades = 0
        self.max_consecutive_winning_trades = 0
        self.max_consecutive_losing_trades = 0
        self._average_ticks = self._average_winning_ticks = self._average_losing_ticks = 0
        self._median_ticks = self._median_winning_ticks = self._median_losing_ticks = 0
        self._drawdown_ticks = 0
        for name in _AMOUNTS:
            setattr(self, "_" + name, ZERO)
        with narrow():
            self._gather(trades)

    def _gather(self, trades: Iterable[Trade]) -> None:
        winners = losers = 0
        peak = peak_with_mfe = variance_sum = downside_sum = ZERO
        peak_time: datetime | None = None
        in_drawdown = False
        spans: list[int] = []
        winning_spans: list[int] = []
        losing_spans: list[int] = []
        earned = mean = ZERO
        # of equal numbers the first stays, as with ``max`` and ``min``: its scale shows
        worst_closed = worst_intra = largest_mae = largest_mfe = ending = fees = ZERO
        average_mae = average_mfe = ZERO
        start: datetime | None = None
        end: datetime | None = None
        count = average_ticks = most_won = most_lost = 0
        for trade in trades:
            profit = trade._profit_loss
            mae, mfe, entry, exit_ = trade._mae, trade._mfe, trade._utc_entry, trade._utc_exit
            ticks = to_ticks(trade.duration)
            if peak_time is None:
                peak_time = entry
            if start is None or entry < start:
                start = entry
            if end is None or exit_ > end:
                end = exit_
            count += 1
            reached = earned + mfe
            if reached > peak_with_mfe:
                peak_with_mfe = reached
            fallen = earned + mae - peak_with_mfe
            if fallen < worst_intra:
                worst_intra = fallen
            earned += profit
            if profit > ZERO:
                self._count_winner(profit, ticks)
                winning_spans.append(ticks)
                winners, losers = winners + 1, 0
                if earned > peak:
                    peak = earned
                    if in_drawdown:
                        span = to_ticks(exit_ - peak_time)
                        self._drawdown_ticks = max(self._drawdown_ticks, span)
                    peak_time = exit_
                    in_drawdown = False
            else:
                off = self._count_loser(profit, ticks)
                losing_spans.append(ticks)
                again = difference(profit, self._average_loss)
                downside_sum = total(downside_sum, product(off, again))
                winners, losers = 0, losers + 1
                fallen = earned - peak
                if fallen < worst_closed:
                    worst_closed = fallen
                in_drawdown = True
            if winners > most_won:
                most_won = winners
            elif losers > most_lost:
                most_lost = losers
            off, mean = next_mean(mean, profit, count)
            variance_sum = total(variance_sum, product(off, difference(profit, mean)))
            average_ticks = _next_average(average_ticks, ticks, count)
            spans.append(ticks)
            average_mae = next_mean(average_mae, mae, count)[1]
            average_mfe = next_mean(average_mfe, mfe, count)[1]
            if mae < largest_mae:
                largest_mae = mae
            if mfe > largest_mfe:
                largest_mfe = mfe
            given_back = trade._end_trade_drawdown
            if given_back > ending:
                ending = given_back
            fees += trade._total_fees
        self._utc_start, self._utc_end = start, end
        self.total_number_of_trades, self._average_ticks = count, average_ticks
        self.max_consecutive_winning_trades = most_won
        self.max_consecutive_losing_trades = most_lost
        self._average_mae, self._average_mfe = average_mae, average_mfe
        self._largest_mae, self._largest_mfe = largest_mae, largest_mfe
        self._maximum_closed_trade_drawdown = worst_closed
        self._maximum_intra_trade_drawdown = worst_intra
        self._maximum_end_trade_drawdown = ending
        self._total_fees = fees
        if losing_spans:
            self._profit_loss_downside_deviation = _deviation(downside_sum, len(losing_spans))
        self._total_profit_loss = earned
        self._average_profit_loss = mean
        self._profit_loss_standard_deviation = _deviation(variance_sum, self.total_number_of_trades)
        self._median_ticks = _median(spans)
        self._median_winning_ticks = _median(winning_spans)
        self._median_losing_ticks = _median(losing_spans)
        self._finish()

    def _count_winner(self, profit: Decimal, ticks: int) -> None:
        self.number_of_winning_trades += 1
        count = self.number_of_winning_trades
        self._total_profit += profit
        self._average_profit = next_mean(self._average_profit, profit, count)[1]
        self._average_winning_ticks = _next_average(self._average_winning_ticks, ticks, count)
        self._largest_profit = max(self._largest_profit, profit)

    def _count_loser(self, profit: Decimal, ticks: int) -> Decimal:
        """Take a loss; return how far it lies off the mean of those before it."""
        self.number_of_losing_trades += 1
        count = self.number_of_losing_trades
        self._total_loss += profit
        off, self._average_loss = next_mean(self._average_loss, profit, count)
        self._average_losing_ticks = _next_average(self._average_losing_ticks, ticks, count)
        self._largest_loss = min(self._largest_loss, profit)
        return off

    def _finish(self) -> None:
        won, lost = self.number_of_winning_trades, self.number_of_losing_trades
        count = self.total_number_of_trades
        self._profit_loss_ratio = _ratio(self._average_profit, abs(self._average_loss))
        if count:
            self._win_loss_ratio = divide(Decimal(won), Decimal(lost)) if lost else _TEN
            self._win_rate = divide(Decimal(won), Decimal(count))
            self._loss_rate = ONE - self._win_rate
        if self._total_profit:
            self._profit_factor = (
                divide(self._total_profit, abs(self._total_loss)) if self._total_loss < 0 else _TEN
            )
        self._sharpe_ratio = _ratio(self._average_profit_loss, self._profit_loss_standard_deviation)
        self._sortino_ratio = _ratio(
            self._average_profit_loss, self._profit_loss_downside_deviation
        )
        if self._total_profit_loss:
            drawdown = self._maximum_closed_trade_drawdown
            self._profit_to_max_drawdown_ratio = (
                divide(self._total_profit_loss, abs(drawdown)) if drawdown < 0 else _TEN
            )
        self._average_end_trade_drawdown = self._average_profit_loss - self._average_mfe

    @property
    def start_date_time(self) -> datetime | None:
        return None if self._utc_start is None else aware(self._utc_start)

    @property
    def end_date_time(self) -> datetime | None:
        return None if self._utc_end is None else aware(self._utc_end)

    @property
    def average_trade_duration(self) -> timedelta:
        return from_ticks(self._average_ticks)

    @property
    def average_winning_trade_duration(self) -> timedelta:
        return from_ticks(self._average_winning_ticks)

    @property
    def average_losing_trade_duration(self) -> timedelta:
        return from_ticks(self._average_losing_ticks)

    @property
    def median_trade_duration(self) -> timedelta:
        return from_ticks(self._median_ticks)

    @property
    def median_winning_trade_duration(self) -> timedelta:
        return from_ticks(self._median_winning_ticks)

    @property
    def median_losing_trade_duration(self) -> timedelta:
        return from_ticks(self._median_losing_ticks)

    @property
    def maximum_drawdown_duration(self) -> timedelta:
        return from_ticks(self._drawdown_ticks)


def _ratio(numerator: Decimal, denominator: Decimal) -> Decimal:
    return divide(numerator, denominator) if denominator else ZERO


def _deviation(square_sum: Decimal, count: int) -> Decimal:
    if count < 2:
        return ZERO
    return to_decimal(math.sqrt(float(divide(square_sum, Decimal(count - 1)))))


def _next_average(average: int, ticks: int, count: int) -> int:
    """One step of LEAN's running mean of spans, in doubles of seconds."""
    step = (ticks / TICKS_PER_SECOND - average / TICKS_PER_SECOND) / count
    return average + ticks_from_seconds(step)


def _median(values: list[int]) -> int:
    """The upper middle of the sorted values; 0 for none."""
    return sorted(values)[len(values) // 2] if values else 0

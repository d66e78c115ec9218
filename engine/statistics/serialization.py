"""JSON members of trades and statistics, named, ordered and rounded as LEAN writes them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from engine.statistics.arithmetic import rounded_text
from engine.statistics.builder import AlgorithmPerformance
from engine.statistics.portfolio_statistics import PortfolioStatistics
from engine.statistics.spans import span_text, to_ticks
from engine.statistics.trade import Trade
from engine.statistics.trade_statistics import TradeStatistics
from engine.types.jsontext import joined, json_text, number_text, value_text

_COUNTS = ("total_number_of_trades", "number_of_winning_trades", "number_of_losing_trades")
_SPANS = (
    ("averageTradeDuration", "_average_ticks"),
    ("averageWinningTradeDuration", "_average_winning_ticks"),
    ("averageLosingTradeDuration", "_average_losing_ticks"),
    ("medianTradeDuration", "_median_ticks"),
    ("medianWinningTradeDuration", "_median_winning_ticks"),
    ("medianLosingTradeDuration", "_median_losing_ticks"),
)
_FIRST_AMOUNTS = (
    "total_profit_loss",
    "total_profit",
    "total_loss",
    "largest_profit",
    "largest_loss",
    "average_profit_loss",
    "average_profit",
    "average_loss",
)
_STREAKS = ("max_consecutive_winning_trades", "max_consecutive_losing_trades")
_LAST_AMOUNTS = (
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
)
_PORTFOLIO = (
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


def camel(name: str) -> str:
    """``average_mae`` becomes ``averageMAE``, ``value_at_risk_99`` becomes ``valueAtRisk99``."""
    first, *rest = name.split("_")
    return first + "".join(p.upper() if p in ("mae", "mfe") else p.capitalize() for p in rest)


@lru_cache(maxsize=1 << 14)  # trades begin and end together
def time_text(utc: datetime | None) -> str | None:
    """Print a naive UTC time as ``2014-02-05T21:00:00Z``, with a fraction where there is one."""
    if utc is None:
        return None
    fraction = f".{utc.microsecond:06d}".rstrip("0") if utc.microsecond else ""
    return f"{utc.isoformat(timespec='seconds')}{fraction}Z"


def _text(value: Decimal) -> str:
    return rounded_text(value, 4)


def trade_statistics_json(figures: TradeStatistics) -> dict[str, Any]:
    """Members of the trade statistics."""
    out: dict[str, Any] = {
        "startDateTime": time_text(figures._utc_start),
        "endDateTime": time_text(figures._utc_end),
    }
    out.update((camel(name), getattr(figures, name)) for name in _COUNTS)
    out.update((camel(name), _text(getattr(figures, "_" + name))) for name in _FIRST_AMOUNTS)
    out.update((name, span_text(getattr(figures, slot))) for name, slot in _SPANS)
    out.update((camel(name), getattr(figures, name)) for name in _STREAKS)
    out.update((camel(name), _text(getattr(figures, "_" + name))) for name in _LAST_AMOUNTS)
    out["maximumDrawdownDuration"] = span_text(figures._drawdown_ticks)
    out["totalFees"] = _text(figures._total_fees)
    return out


def portfolio_statistics_json(figures: PortfolioStatistics) -> dict[str, Any]:
    """Members of the portfolio statistics."""
    out: dict[str, Any] = {camel(name): _text(getattr(figures, "_" + name)) for name in _PORTFOLIO}
    out["drawdownRecovery"] = str(figures.drawdown_recovery)
    return out


def trade_json(trade: Trade) -> dict[str, Any]:
    """Members of a closed trade."""
    return {
        "id": trade.id,
        "symbols": [
            {"value": s.value, "id": str(s.id), "permtick": s.value} for s in trade.symbols
        ],
        "entryTime": time_text(trade._utc_entry),
        "entryPrice": float(trade._entry_price),
        "direction": int(trade.direction),
        "quantity": float(trade._quantity),
        "exitTime": time_text(trade._utc_exit),
        "exitPrice": float(trade._exit_price),
        "profitLoss": float(trade._profit_loss),
        "totalFees": float(trade._total_fees),
        "mae": float(trade._mae),
        "mfe": float(trade._mfe),
        "duration": span_text(to_ticks(trade.duration)),
        "endTradeDrawdown": float(trade._end_trade_drawdown),
        "isWin": trade.is_win,
        "orderIds": list(trade.order_ids),
    }


def trade_text(trade: Trade) -> str:
    """Return the JSON of ``trade_json(trade)``, made without the members: runs have thousands."""
    symbols = joined(
        [
            f'{{"value": {value_text(s.value)}, "id": {value_text(str(s.id))}, '
            f'"permtick": {value_text(s.value)}}}'
            for s in trade.symbols
        ]
    )
    numbers = list(trade.order_ids)
    # whole numbers look in JSON as they do here
    orders = str(numbers) if {type(number) for number in numbers} == {int} else json_text(numbers)
    return (
        f'{{"id": {value_text(trade.id)}, "symbols": {symbols}, '
        f'"entryTime": {value_text(time_text(trade._utc_entry))}, '
        f'"entryPrice": {number_text(trade._entry_price)}, "direction": {int(trade.direction)}, '
        f'"quantity": {number_text(trade._quantity)}, '
        f'"exitTime": {value_text(time_text(trade._utc_exit))}, '
        f'"exitPrice": {number_text(trade._exit_price)}, '
        f'"profitLoss": {number_text(trade._profit_loss)}, '
        f'"totalFees": {number_text(trade._total_fees)}, "mae": {number_text(trade._mae)}, '
        f'"mfe": {number_text(trade._mfe)}, "duration": "{span_text(to_ticks(trade.duration))}", '
        f'"endTradeDrawdown": {number_text(trade._end_trade_drawdown)}, '
        f'"isWin": {value_text(trade.is_win)}, "orderIds": {orders}}}'
    )


def performance_text(performance: AlgorithmPerformance) -> str:
    """Return the JSON of ``performance_json(performance)``.

    Raises
    ------
    ValueError
        For a number that JSON does not know.
    """
    head = json_text(performance_json(performance, trades=False))
    empty = "[]}"
    assert head.endswith(empty)
    return f"{head[: -len(empty)]}{joined(map(trade_text, performance.closed_trades))}}}"


def performance_json(performance: AlgorithmPerformance, trades: bool = True) -> dict[str, Any]:
    """Members of a performance, with or without its closed trades."""
    return {
        "tradeStatistics": trade_statistics_json(performance.trade_statistics),
        "portfolioStatistics": portfolio_statistics_json(performance.portfolio_statistics),
        "closedTrades": [trade_json(t) for t in performance.closed_trades] if trades else [],
    }

"""Formulas of ``QuantConnect.Statistics.Statistics``: annual figures, ratios, drawdown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from engine.statistics.arithmetic import HUNDRED, divide, from_double, ratio
from engine.statistics.samples import (
    normal_cdf,
    plain_average,
    skewness_and_kurtosis,
    standard_deviation,
    variance,
)
from engine.types.decimals import ONE, ZERO, round_half_even, to_decimal
from engine.types.errors import ArgumentException

_DAY_SECONDS = 86400.0


@dataclass(frozen=True, slots=True)
class DrawdownMetrics:
    """Largest drawdown (positive fraction) and the longest way back to a peak in whole days."""

    drawdown: Decimal
    drawdown_recovery: int


def days_between(start: datetime, end: datetime) -> float:
    """Days with their fraction."""
    return (end - start).total_seconds() / _DAY_SECONDS


def compounding_annual_performance(start: Decimal, end: Decimal, years: Decimal) -> Decimal:
    """``(end / start) ** (1 / years) - 1``; zero where it is not defined."""
    if not years or not start:
        return ZERO
    base = float(end) / float(start)
    try:
        result = base ** (1 / float(years)) - 1
    except (OverflowError, ZeroDivisionError):
        return ZERO
    if isinstance(result, complex) or not math.isfinite(result):
        return ZERO
    return from_double(result)


def annual_performance(returns: Sequence[float], days_per_year: int) -> Decimal:
    """``(mean + 1) ** N - 1`` of daily returns.

    Raises
    ------
    ArgumentException
        If the figure is not finite.
    """
    try:
        result = (plain_average(returns) + 1.0) ** days_per_year - 1.0
    except OverflowError:
        result = math.inf
    if not math.isfinite(result):
        raise ArgumentException(
            f"expected daily returns whose mean can be compounded over {days_per_year} days, "
            f"was a mean of {plain_average(returns)}"
        )
    return from_double(result)


def annual_variance(returns: Sequence[float], days_per_year: int) -> float:
    """Sample variance times the number of days; zero where there are too few values."""
    value = variance(returns)
    return 0.0 if math.isnan(value) or value == 0 else value * days_per_year


def sharpe_ratio(performance: Decimal, deviation: Decimal, rate: Decimal) -> Decimal:
    """Excess over deviation, in doubles as LEAN."""
    risk = float(deviation)
    if risk == 0:
        return ZERO
    return from_double((float(performance) - float(rate)) / risk)


def tracking_error(
    returns: Sequence[float], benchmark: Sequence[float], days_per_year: int
) -> float:
    """Annual standard deviation of the difference; zero if the lengths differ."""
    if len(returns) != len(benchmark):
        return 0.0
    return math.sqrt(
        annual_variance(
            [own - other for own, other in zip(returns, benchmark, strict=True)], days_per_year
        )
    )


def probabilistic_sharpe_ratio(
    returns: Sequence[float], benchmark_sharpe: float, daily_rate: float
) -> float:
    """Chance that the true Sharpe ratio lies over ``benchmark_sharpe`` (both per day).

    Notes
    -----
    ``Phi((SR - SR*) / sqrt((1 - g3 SR + (g4 - 1) / 4 SR^2) / (n - 1)))`` with sample skewness
    ``g3`` and excess kurtosis ``g4``; zero where the root is not defined (Bailey and Lopez de
    Prado 2012, as LEAN has it).
    """
    deviation = standard_deviation(returns)
    observed = (
        0.0
        if math.isnan(deviation) or deviation == 0
        else (plain_average(returns) - daily_rate) / deviation
    )
    skewness, kurtosis = skewness_and_kurtosis(returns)
    inner = (1 - skewness * observed + (kurtosis - 1) / 4 * observed**2) / (len(returns) - 1)
    if math.isnan(inner) or inner < 0:
        return 0.0
    error = math.sqrt(inner)
    return normal_cdf(0.0 if error == 0 else (observed - benchmark_sharpe) / error)


def drawdown_percent(current: Decimal, high: Decimal, digits: int = 2) -> Decimal:
    """Distance from ``high`` in per cent, rounded (0 or negative).

    Raises
    ------
    ArgumentException
        If ``high`` is zero.
    """
    if not high:
        raise ArgumentException("High value must not be 0")
    return round_half_even((ratio(current, high) - ONE) * HUNDRED, digits)


def drawdown_metrics(
    times: Sequence[datetime], values: Sequence[Decimal], digits: int = 3
) -> DrawdownMetrics:
    """Largest drawdown of an equity curve, and its longest recovery that came to an end."""
    if len(values) < 2:
        return DrawdownMetrics(ZERO, 0)
    peak, peak_time = values[0], times[0]
    started: datetime | None = None
    # under one peak the lowest value lies deepest: one division does for all of them
    low = peak
    deepest = ZERO
    longest = ZERO
    for time, value in zip(times, values, strict=True):
        if value >= peak:
            if started is not None:
                deepest = min(deepest, divide(low, peak) - ONE)
                longest = max(longest, to_decimal(days_between(started, time)))
                started = None
            peak, low, peak_time = value, value, time
            if not peak:
                # .NET fails on the division and LEAN gives up on the figure
                return DrawdownMetrics(ZERO, 0)
        elif value < low:
            low = value
            if started is None and divide(value, peak) < ONE:
                started = peak_time
    if started is not None:
        deepest = min(deepest, divide(low, peak) - ONE)
    return DrawdownMetrics(round_half_even(abs(deepest), digits), int(longest))

"""What the forecasts of volatility see: means of realised variance over one, five and 22 periods.

With a period of h observations the target is the log volatility of the *next* h observations and
the features are those of the last h, 5h and 22h (Corsi, A Simple Approximate Long-Memory Model of
Realized Volatility, Journal of Financial Econometrics 7, 2009), plus the leverage term: the
return of the last period over its volatility, where it was negative.

All features are differences from the longest one, so that a forecast does not depend on the unit
or the level of the volatility.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from protection.contracts.errors import FixInput

Floats = NDArray[np.float64]

#: Lengths of the means in periods.
HORIZONS: tuple[int, int, int] = (1, 5, 22)
#: Names of the columns of :func:`har_table`, in order.
COLUMNS: tuple[str, ...] = ("constant", "period", "week", "leverage")
# A day without a trade has no variance; its logarithm would be minus infinity.
_FLOOR = 1e-12


@dataclass(frozen=True, slots=True)
class HarTable:
    """Features and targets of one series, row t made of observations up to t only.

    Attributes
    ----------
    features : (n, 4), columns :data:`COLUMNS`
    base : (n,) log volatility of the longest mean, per observation
    target : (n,) log volatility of observations t+1 .. t+h minus ``base``; NaN where unknown
    """

    features: Floats
    base: Floats
    target: Floats

    @property
    def known(self) -> NDArray[np.bool_]:
        """Rows whose features are complete."""
        return np.isfinite(self.base)


def _mean_of_last(values: Floats, length: int) -> Floats:
    mean = np.full(len(values), np.nan)
    if len(values) >= length:
        # each window from its own values: differences of running totals lose the digits of a
        # quiet period behind a wild one
        mean[length - 1 :] = sliding_window_view(values, length).mean(axis=1)
    return mean


def har_table(returns: Floats, variance: Floats | None = None, *, period: int = 1) -> HarTable:
    """Build the table of a whole series.

    Parameters
    ----------
    returns : (n,) simple or log returns per observation
    variance : (n,) realised variance per observation; squared returns when absent
    period : observations in the period that is forecast

    Raises
    ------
    FixInput
        For values that are not finite, negative variance or a period below one.
    """
    returns = np.asarray(returns, dtype=float)
    variance = returns**2 if variance is None else np.asarray(variance, dtype=float)
    if period < 1:
        raise FixInput(f"expected period of at least 1 observation, was {period}")
    if not (np.isfinite(returns).all() and np.isfinite(variance).all() and (variance >= 0).all()):
        raise FixInput(
            "expected finite returns and variances >= 0; drop or fill the bad observations first"
        )
    short, middle, long = (_mean_of_last(variance, length * period) for length in HORIZONS)
    with np.errstate(invalid="ignore"):
        log_short, log_middle, log_long = (
            0.5 * np.log(np.maximum(mean, _FLOOR)) for mean in (short, middle, long)
        )
    move = _mean_of_last(returns, period) * period
    leverage = np.minimum(move, 0.0) / (np.exp(log_short) * np.sqrt(period))
    features = np.column_stack(
        (np.ones_like(returns), log_short - log_long, log_middle - log_long, leverage)
    )
    target = np.full(len(returns), np.nan)
    target[: -period or None] = (log_short[period:] - log_long[:-period])[: len(returns) - period]
    return HarTable(features, log_long, target)


class RollingFeatures:
    """The last row of :func:`har_table`, kept in constant time per observation.

    Parameters
    ----------
    period : observations in the period that is forecast
    """

    __slots__ = ("_moves", "_values", "period")

    def __init__(self, period: int = 1) -> None:
        if period < 1:
            raise FixInput(f"expected period of at least 1 observation, was {period}")
        self.period = period
        self._values: deque[float] = deque(maxlen=HORIZONS[-1] * period)
        self._moves: deque[float] = deque(maxlen=period)

    def add(self, change: float, variance: float | None = None) -> None:
        """Take one observation: its return and, if known, its realised variance."""
        self._values.append(change * change if variance is None else variance)
        self._moves.append(change)

    @property
    def ready(self) -> bool:
        """Whether the longest mean is complete."""
        return len(self._values) == self._values.maxlen

    def row(self) -> tuple[Floats, float]:
        """Return (4,) features and the base; call it only when :attr:`ready`."""
        values = np.fromiter(self._values, float, len(self._values))
        logs = [
            0.5 * float(np.log(max(values[-length * self.period :].mean(), _FLOOR)))
            for length in HORIZONS
        ]
        move = float(np.sum(np.fromiter(self._moves, float, len(self._moves))))
        leverage = min(move, 0.0) / (float(np.exp(logs[0])) * self.period**0.5)
        return np.array([1.0, logs[0] - logs[2], logs[1] - logs[2], leverage]), logs[2]

    def state(self) -> dict[str, list[float] | int]:
        """Return what a restart needs."""
        return {
            "period": self.period,
            "values": list(self._values),
            "moves": list(self._moves),
        }

    @classmethod
    def restored(cls, state: dict[str, list[float] | int]) -> RollingFeatures:
        """Build from :meth:`state`."""
        period, values, moves = state["period"], state["values"], state["moves"]
        if (
            not isinstance(period, int)
            or not isinstance(values, list)
            or not isinstance(moves, list)
        ):
            raise FixInput("expected period, values and moves as written by state()")
        made = cls(period)
        made._values.extend(float(value) for value in values)
        made._moves.extend(float(value) for value in moves)
        return made

"""ARIMA: an autoregressive moving average of a differenced series, fitted anew at every value."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.indicators.base import Indicator
from engine.types.errors import ArgumentException, InvalidOperationException

_Floats = NDArray[np.float64]


class AutoRegressiveIntegratedMovingAverage(Indicator):
    """One step of an ARIMA(p, d, q) model of the last ``period`` values, fitted in two steps.

    The autoregression is fitted by least squares; with ``q`` its residuals join the lagged values
    in a second fit. The series runs from the newest value to the oldest, so the lags of a value
    are the values after it: so LEAN has it, and its forecast with it. Zero until ``period`` values
    are in.

    Parameters
    ----------
    ar_order, diff_order, ma_order : int
        p (at least 1), d and q.
    period : int
        How many values a fit sees.
    intercept : bool
        Whether the second fit has a constant.

    Attributes
    ----------
    ar_parameters, ma_parameters : list of float
    intercept : float
    ar_residual_error, ma_residual_error : float
        Mean squared residuals of the two fits, those of the second without the constant.
    handle_exceptions : bool
        Take zeros for the parameters of a fit that has no solution.

    Raises
    ------
    ArgumentException
        For orders below zero, without an autoregression, and for a period that is too short; with
        ``handle_exceptions`` off for a fit that has no solution.
    InvalidOperationException
        When ``ma_order`` is above zero and below ``ar_order``, or nothing is left of the period
        once differences and lags are taken, which LEAN cannot fit.
    """

    _label = "ARIMA(({ar_order}, {diff_order}, {ma_order}), {period}, {intercept})"

    def _build(
        self, ar_order: int, diff_order: int, ma_order: int, period: int, intercept: bool = True
    ) -> None:
        if ar_order < 0 or ma_order < 0:
            raise ArgumentException("AR/MA orders cannot be negative.")
        if ar_order == 0:
            raise ArgumentException(
                "arOrder (p) must be greater than zero for all currently available fitting methods."
            )
        if period < max(ar_order, ma_order):
            raise ArgumentException("Period must exceed both arOrder and maOrder")
        self.warm_up_period = int(period)
        self._win: deque[float] = deque(maxlen=self.warm_up_period)
        self._orders = int(ar_order), int(diff_order), int(ma_order)
        self._has_intercept = bool(intercept)
        self.handle_exceptions = True
        self.ar_parameters: list[float] = []
        self.ma_parameters: list[float] = []
        self.intercept = 0.0
        self.ar_residual_error = 0.0
        self.ma_residual_error = 0.0

    @property
    def is_ready(self) -> bool:
        return len(self._win) == self.warm_up_period

    def reset(self) -> None:
        super().reset()
        self._win.clear()

    def _next(self, time: datetime, value: float) -> float:
        self._win.append(value)
        if not self.is_ready:
            return 0.0
        series = np.array(self._win)[::-1]
        oldest = []
        p, d, q = self._orders
        for _ in range(d):
            oldest.append(float(series[-1]))
            series = series[:-1] - series[1:]
        residuals = self._fit(series)
        result = 0.0
        for weight, past in zip(self.ar_parameters, series[:p], strict=True):
            result += weight * float(past)
        for weight, error in zip(self.ma_parameters, residuals[q + 1 :], strict=False):
            result += weight * float(error)
        result += self.intercept
        whole = [result, *series.tolist()]
        for start in oldest:
            whole = np.cumsum([start, *whole[::-1]])[::-1].tolist()
        # .NET's decimal of a double
        return float(f"{whole[0]:.15g}")

    def _fit(self, series: _Floats) -> _Floats:
        p, d, q = self._orders
        if len(series) <= max(p, q):
            raise InvalidOperationException(
                f"Index was outside the bounds of the array: expected a period above "
                f"{max(p, q) + d} for ARIMA({p}, {d}, {q}), was {self.warm_up_period}"
            )
        lags = _lagged(p, series)
        weights = self._solve(lags, series[p:])
        residuals = np.concatenate([np.zeros(p), series[p:] - lags @ weights])
        self.ar_residual_error = _mean_square(residuals, len(series) - p - 1)
        if q == 0:
            self.ar_parameters = weights.tolist()
            return residuals
        if q < p:
            raise InvalidOperationException(
                f"Index was outside the bounds of the array: LEAN fits no ARIMA({p}, d, {q}); "
                "expected a moving average of order 0, or of the order of the autoregression at "
                "least"
            )
        rows = np.hstack([lags[: len(series) - q], _lagged(q, residuals)])
        first = np.ones((len(rows), 1)) if self._has_intercept else np.empty((len(rows), 0))
        found = self._solve(np.hstack([first, rows]), series[q:])
        if self._has_intercept:
            self.intercept, found = float(found[0]), found[1:]
        errors = series[q:] - rows @ found
        self.ma_residual_error = _mean_square(errors, len(series) - max(p, q) - 1)
        self.ar_parameters, self.ma_parameters = found[:p].tolist(), found[p:].tolist()
        return residuals

    def _solve(self, rows: _Floats, wanted: _Floats) -> Any:
        """Solve the normal equations by Cholesky's factors."""
        try:
            if rows.shape[1] > rows.shape[0]:
                raise np.linalg.LinAlgError("more parameters than values")
            lower = np.linalg.cholesky(rows.T @ rows)
            half = np.linalg.solve(lower, rows.T @ wanted)
            return np.linalg.solve(lower.T, half)
        except np.linalg.LinAlgError as error:
            if not self.handle_exceptions:
                raise ArgumentException(f"ARIMA cannot be fitted: {error}") from None
            return np.zeros(rows.shape[1])


def _mean_square(errors: _Floats, freedom: int) -> float:
    return float(errors @ errors) / freedom if freedom else float("inf")


def _lagged(order: int, series: _Floats) -> _Floats:
    """Return for each value from ``order`` on the ``order`` ones before it, the nearest first."""
    count = len(series) - order
    return np.column_stack([series[order - j : order - j + count] for j in range(1, order + 1)])

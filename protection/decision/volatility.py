"""Volatility targets: the exposure at which a forecast volatility becomes the wanted one."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protection.contracts.errors import FixInput

RISKMETRICS = 0.94
"""Decay of the RiskMetrics forecast for daily returns."""


def volatility_target(
    target: float, volatility: float, *, periods: float = 252.0, cap: float = 1.0
) -> float:
    """Exposure ``clip(target / (volatility sqrt(periods)), 0, cap)``.

    Parameters
    ----------
    target : wanted volatility per year, as 0.10
    volatility : forecast per period, from data up to the period before
    periods : periods a year; 1 when the forecast is yearly
    cap : largest exposure

    Returns
    -------
    Exposure in [0, cap]. A forecast that is unknown, zero or negative gives 0: a price that does
    not move is no evidence of safety.

    Raises
    ------
    FixInput
        When target or cap is not a finite number of at least 0, or periods is not above 0.
    """
    for name, value in (("target", target), ("cap", cap)):
        if not (math.isfinite(value) and value >= 0.0):
            raise FixInput(f"expected {name} a finite number of at least 0, was {value}")
    if not (math.isfinite(periods) and periods > 0.0):
        raise FixInput(f"expected periods above 0, was {periods}")
    if not (math.isfinite(volatility) and volatility > 0.0):
        return 0.0
    yearly = volatility * math.sqrt(periods)
    return min(cap, target / yearly) if yearly > 0.0 else 0.0


class EwmaVolatility:
    """Exponentially weighted volatility around a mean of nothing, one return at a time.

    ``v_t = d v_(t-1) + (1 - d) r_t^2``; the first returns are weighted as a plain mean until the
    exponential weights have filled up, so that the start does not count for more than it should.
    The value after t returns depends on those returns alone.

    Parameters
    ----------
    decay : d in (0, 1); 0.94 is RiskMetrics' for daily returns
    least : returns before :attr:`value` is told
    """

    __slots__ = ("_count", "_decay", "_least", "_variance")

    def __init__(self, decay: float = RISKMETRICS, least: int = 20) -> None:
        if not 0.0 < decay < 1.0:
            raise FixInput(f"expected decay in (0, 1), was {decay}")
        self._decay, self._least = decay, least
        self._variance, self._count = 0.0, 0

    def update(self, value: float) -> float:
        """Take a return; returns :attr:`value`. One that is not finite is left out."""
        if math.isfinite(value):
            self._count += 1
            weight = max(1.0 - self._decay, 1.0 / self._count)
            self._variance += weight * (value * value - self._variance)
        return self.value

    @property
    def value(self) -> float:
        """Volatility per period; NaN while fewer than ``least`` returns were seen."""
        return math.sqrt(self._variance) if self._count >= self._least else math.nan


def ewma_volatility(
    returns: ArrayLike, decay: float = RISKMETRICS, least: int = 20
) -> NDArray[np.float64]:
    """:class:`EwmaVolatility` along a series.

    Parameters
    ----------
    returns : (t,) returns
    decay, least : see the class

    Returns
    -------
    (t,) volatility after each return; NaN at the first ``least - 1``
    """
    meter = EwmaVolatility(decay, least)
    return np.array([meter.update(float(value)) for value in np.asarray(returns, dtype=float)])

"""Volatility models: what ``security.volatility_model.volatility`` shows."""

from __future__ import annotations

import math
from collections import deque
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from engine.securities.native import LeanModel
from engine.types.decimals import ZERO, to_decimal
from engine.types.enums import Resolution
from engine.types.subscription import INCREMENTS

_PERIODS = {
    Resolution.TICK: 600,
    Resolution.SECOND: 600,
    Resolution.MINUTE: 60 * 24,
    Resolution.HOUR: 24 * 30,
    Resolution.DAILY: 30,
}


def _deviation(values: deque[float]) -> float:
    """Sample standard deviation by Welford's running sums."""
    mean = total = 0.0
    for count, value in enumerate(reversed(values), 1):
        delta = value - mean
        mean += delta / count
        total += delta * (value - mean)
    return math.sqrt(total / (len(values) - 1))


class BaseVolatilityModel(LeanModel):
    """Base of volatility models; knows nothing."""

    _is_null = False
    _provider: Any = None

    @property
    def volatility(self) -> float:
        return 0.0

    def set_subscription_data_config_provider(self, subscription_data_config_provider: Any) -> None:
        self._provider = subscription_data_config_provider

    def update(self, security: Any, data: Any) -> None:
        """Take a data point of the security."""

    def get_history_requirements(self, security: Any, utc_time: datetime, *_: Any) -> list[Any]:
        return []


class NullVolatilityModel(BaseVolatilityModel):
    """The model that knows nothing."""

    _is_null = True


class VolatilityModel:
    """LEAN's access to the model that knows nothing."""

    NULL = NullVolatilityModel()


class StandardDeviationOfReturnsVolatilityModel(BaseVolatilityModel):
    """Annualised sample deviation of the returns of the last periods: ``std * sqrt(252)``.

    Parameters
    ----------
    periods : number of returns (at least 2); or a resolution, whose usual number is taken.
    resolution, update_frequency : the least time between two samples (a day by default).
    """

    def __init__(
        self,
        periods: Any,
        resolution: Any = None,
        update_frequency: timedelta | None = None,
    ) -> None:
        if isinstance(periods, Resolution):
            if isinstance(resolution, timedelta):
                update_frequency = resolution
            resolution, periods = periods, _PERIODS[periods]
        if periods < 2:
            raise ValueError("'periods' must be greater than or equal to 2.")
        self._size = int(periods)
        self._resolution = resolution
        self._span = update_frequency or (
            timedelta(days=1) if resolution is None else INCREMENTS[Resolution(resolution)]
        )
        self._reset()

    def _reset(self) -> None:
        self._window: deque[float] = deque(maxlen=self._size)
        self._last_update = datetime.min
        self._last_price: Decimal = ZERO
        self._known: float | None = 0.0

    @property
    def volatility(self) -> float:
        if len(self._window) < 2:
            return 0.0
        if self._known is None:
            self._known = float(to_decimal(_deviation(self._window)) * to_decimal(math.sqrt(252.0)))
        return self._known

    def update(self, security: Any, data: Any) -> None:
        if data.end_time - self._last_update >= self._span and data.price > 0:
            price = data._exact_price()
            if self._last_price > 0:
                self._known = None
                self._window.append(float(price / self._last_price) - 1.0)
            self._last_update = data.end_time
            self._last_price = price


class RelativeStandardDeviationVolatilityModel(BaseVolatilityModel):
    """Sample deviation of the last prices over their mean.

    Parameters
    ----------
    period_span : the least time between two samples.
    periods : number of prices (at least 2).
    """

    def __init__(self, period_span: timedelta, periods: int) -> None:
        if periods < 2:
            raise ValueError("'periods' must be greater than or equal to 2.")
        self._span = period_span
        self._size = int(periods)
        self._window: deque[float] = deque(maxlen=self._size)
        self._last_update = datetime.min + period_span * periods
        self._known: float | None = 0.0

    @property
    def volatility(self) -> float:
        if len(self._window) < 2:
            return 0.0
        if self._known is None:
            mean = abs(sum(self._window) / len(self._window))
            deviation = to_decimal(_deviation(self._window))
            self._known = float(deviation / to_decimal(mean)) if mean else 0.0
        return self._known

    def update(self, security: Any, data: Any) -> None:
        if data.end_time - self._last_update >= self._span and data.price > 0:
            self._known = None
            self._window.append(float(data.price))
            self._last_update = data.end_time


class IndicatorVolatilityModel(BaseVolatilityModel):
    """The value of an indicator.

    Parameters
    ----------
    indicator : the indicator; it is read only.
    indicator_update : called with ``(security, data, indicator)`` at each data point.
    """

    def __init__(self, indicator: Any, indicator_update: Any = None) -> None:
        self._indicator = indicator
        self._indicator_update = indicator_update

    @property
    def volatility(self) -> float:
        return float(self._indicator.current.value)

    def update(self, security: Any, data: Any) -> None:
        if self._indicator_update is not None:
            self._indicator_update(security, data, self._indicator)

"""Risk models that look at the whole portfolio."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.framework.risk.base import RiskManagementModel, exact_limit, flatten
from engine.orders.exact import from_python
from engine.types.decimals import ONE
from engine.types.errors import ArgumentException, InvalidOperationException


class MaximumDrawdownPercentPortfolio(RiskManagementModel):
    """Zeroes the targets of a step once the portfolio fell by a share; the next value is the new
    base.

    It acts only in steps that have targets. The base is the first value, or with ``is_trailing``
    the highest.
    """

    def __init__(self, maximum_drawdown_percent: float = 0.05, is_trailing: bool = False) -> None:
        self._limit: Decimal = -exact_limit(maximum_drawdown_percent)
        self._trailing = is_trailing
        self._high: Decimal | None = None

    def manage_risk(self, algorithm: Any, targets: list[Any]) -> list[Any]:
        value: Decimal = algorithm.portfolio._total_portfolio_value
        if self._high is None:
            self._high = value
        if self._trailing and self._high < value:
            self._high = value
            return []
        if targets and value / self._high - ONE < self._limit:
            self._high = None
            return [flatten(algorithm, target.symbol) for target in targets]
        return []


class MaximumSectorExposureRiskManagementModel(RiskManagementModel):
    """Limits the exposure to a sector.

    Needs securities with fundamental data, which the engine does not have.
    """

    def __init__(self, maximum_sector_exposure: float = 0.20) -> None:
        if from_python(maximum_sector_exposure) <= 0:
            raise ArgumentException(
                "MaximumSectorExposureRiskManagementModel: the maximum sector exposure cannot be "
                "a non-positive value."
            )

    def manage_risk(self, algorithm: Any, targets: list[Any]) -> list[Any]:
        return []

    def on_securities_changed(self, algorithm: Any, changes: Any) -> None:
        raise InvalidOperationException(
            "MaximumSectorExposureRiskManagementModel.OnSecuritiesChanged: Please select a "
            "portfolio selection model "
            "that selects securities with fundamental data."
        )

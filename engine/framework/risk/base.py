"""Risk models as such: base, null and several in a row."""

from __future__ import annotations

from typing import Any

from engine.framework.support import as_list, distinct_by_symbol
from engine.framework.targets import PortfolioTarget
from engine.orders.exact import from_python
from engine.securities.native import LeanModel, method
from engine.types.errors import ArgumentException


class RiskManagementModel(LeanModel):
    """Base of all risk models."""

    def manage_risk(self, algorithm: Any, targets: list[Any]) -> list[Any]:
        """Return targets that take the place of those of the same symbols; the others stay."""
        raise NotImplementedError(
            "Types deriving from 'RiskManagementModel' must implement the "
            "'IEnumerable<IPortfolioTarget> "
            "ManageRisk(QCAlgorithm, IPortfolioTarget[]) method."
        )

    def on_securities_changed(self, algorithm: Any, changes: Any) -> None:
        """Take changes of the universe."""


class NullRiskManagementModel(RiskManagementModel):
    """Changes nothing."""

    def manage_risk(self, algorithm: Any, targets: list[Any]) -> list[Any]:
        return []


class CompositeRiskManagementModel(RiskManagementModel):
    """Several models in a row; each sees the targets as the one before left them."""

    def __init__(self, *risk_management_models: Any) -> None:
        models = list(risk_management_models)
        if len(models) == 1 and isinstance(models[0], (list, tuple)):
            models = list(models[0])
        if not models:
            raise ArgumentException(
                "Must specify at least 1 risk management model for the CompositeRiskManagementModel"
            )
        self._models = models

    def manage_risk(self, algorithm: Any, targets: list[Any]) -> list[Any]:
        for model in self._models:
            changed = as_list(method(model, "manage_risk")(algorithm, targets))
            targets = distinct_by_symbol([*changed, *targets])
        return targets

    def on_securities_changed(self, algorithm: Any, changes: Any) -> None:
        for model in self._models:
            method(model, "on_securities_changed")(algorithm, changes)

    def add_risk_management(self, risk_management_model: Any) -> None:
        self._models.append(risk_management_model)


def flatten(algorithm: Any, symbol: Any) -> PortfolioTarget:
    """Cancel the insights of a symbol and return the target of no position."""
    algorithm.insights.cancel([symbol])
    return PortfolioTarget(symbol, 0)


def exact_limit(value: Any) -> Any:
    """Read a limit that LEAN keeps as decimal."""
    return abs(from_python(value))

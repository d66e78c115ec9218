"""Execution models as such: base, null, and the one that orders at once."""

from __future__ import annotations

from typing import Any

from engine.framework.target_collection import PortfolioTargetCollection
from engine.framework.targets import PortfolioTarget
from engine.orders.sizing import unordered_quantity
from engine.securities.buying_power import above_minimum_order_margin_portfolio_percentage
from engine.securities.native import LeanModel


class ExecutionModel(LeanModel):
    """Base of all execution models."""

    _asynchronous = True

    def __init__(self, asynchronous: bool = True) -> None:
        self._asynchronous = asynchronous

    @property
    def asynchronous(self) -> bool:
        """Whether orders are sent without waiting; a backtest does the same either way."""
        return self._asynchronous

    def execute(self, algorithm: Any, targets: list[Any]) -> None:
        """Send orders for targets."""
        raise NotImplementedError(
            "Types deriving from 'ExecutionModel' must implement the 'void Execute(QCAlgorithm, "
            "IPortfolioTarget[]) "
            "method."
        )

    def on_securities_changed(self, algorithm: Any, changes: Any) -> None:
        """Take changes of the universe."""

    def on_order_event(self, algorithm: Any, order_event: Any) -> None:
        """Take an order event, before the algorithm does."""


class NullExecutionModel(ExecutionModel):
    """Sends nothing."""

    def execute(self, algorithm: Any, targets: list[Any]) -> None:
        return


class ImmediateExecutionModel(ExecutionModel):
    """Sends what is missing as market orders, again on every step until the target is reached."""

    def __init__(self, asynchronous: bool = True) -> None:
        super().__init__(asynchronous)
        self._targets = PortfolioTargetCollection()

    def execute(self, algorithm: Any, targets: list[Any]) -> None:
        kept = self._targets
        if targets:
            kept.add_range(targets)
        if kept.is_empty:
            return
        minimum = algorithm.settings._minimum_order_margin_portfolio_percentage
        for target in kept.order_by_margin_impact(algorithm):
            security = algorithm.securities[target.symbol]
            quantity = unordered_quantity(algorithm, target, security, True)
            if not quantity:
                continue
            if above_minimum_order_margin_portfolio_percentage(
                security.buying_power_model, security, quantity, algorithm.portfolio, minimum
            ):
                algorithm.market_order(security.symbol, quantity, self._asynchronous, target.tag)
            elif PortfolioTarget.minimum_order_margin_percentage_warning_sent is None:
                PortfolioTarget.minimum_order_margin_percentage_warning_sent = False
        kept.clear_fulfilled(algorithm)

"""Ears and exits: hears every order event, sends exits itself, and does not re-send what the
breakers refuse.
"""

from __future__ import annotations

from AlgorithmImports import *

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from algorithm.protect import Protection


class ProtectedExecutionModel(ExecutionModel):
    """Wraps the execution model the user chose.

    LEAN's own model keeps unfilled targets and sends them again each step; against a halted gate
    that would be one refused order a step, so targets that add are dropped here while adding is
    denied.
    """

    def __init__(self, inner: Any, protection: Protection) -> None:
        super().__init__()
        self.inner = inner
        self.protection = protection

    def execute(self, algorithm: QCAlgorithm, targets: list[IPortfolioTarget]) -> None:
        try:
            kept = self.protection.before_execution(list(targets))
        except BaseException as error:
            self.protection.heartbeat_failed(error)
            kept = []
        self.inner.execute(algorithm, kept)

    def on_securities_changed(self, algorithm: QCAlgorithm, changes: SecurityChanges) -> None:
        self.inner.on_securities_changed(algorithm, changes)

    def on_order_event(self, algorithm: QCAlgorithm, order_event: OrderEvent) -> None:
        self.protection.hear(order_event)
        self.inner.on_order_event(algorithm, order_event)

"""The heartbeat: evaluates the breakers on each step with data, cuts targets to their verdict."""

from __future__ import annotations

from AlgorithmImports import *

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from algorithm.protect import Protection


class BreakerRiskModel(RiskManagementModel):
    """Runs after the user's risk models, so that the last word is protection's."""

    def __init__(self, protection: Protection) -> None:
        super().__init__()
        self.protection = protection

    def manage_risk(
        self, algorithm: QCAlgorithm, targets: list[IPortfolioTarget]
    ) -> list[IPortfolioTarget]:
        try:
            return self.protection.heartbeat(list(targets))
        except BaseException as error:
            self.protection.heartbeat_failed(error)
            return []

    def on_securities_changed(self, algorithm: QCAlgorithm, changes: SecurityChanges) -> None:
        """Look which gauges can be fed; positions are read anew at every step."""
        try:
            self.protection.feeds.changed()
        except BaseException as error:
            self.protection.heartbeat_failed(error)

"""The update hole: live, LEAN asks no brokerage model about a changed order.

It asks the buying power model only. So the model of every security is wrapped: everything stays as
the user's model has it, but a change of a working order is judged by the order gate first. In a
backtest ``can_update_order`` does the same, and nothing is wrapped.
"""

from __future__ import annotations

from AlgorithmImports import *

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from algorithm.protect import Protection


class GuardedBuyingPower(SecurityMarginModel):
    """Puts the gate before the buying power model that a security has."""

    def __init__(self, inner: Any, protection: Protection) -> None:
        super().__init__()
        self.inner = inner
        self.protection = protection

    def has_sufficient_buying_power_for_order(
        self, parameters: HasSufficientBuyingPowerForOrderParameters
    ) -> HasSufficientBuyingPowerForOrderResult:
        order, security = parameters.order, parameters.security
        if order.status != OrderStatus.NEW:
            try:
                allowed, reason = self.protection.authorize_change(security, order)
            except BaseException as error:
                allowed, reason = self.protection.failed_change(security, order, error)
            if not allowed:
                return HasSufficientBuyingPowerForOrderResult(False, f"Protection: {reason}")
        return self.inner.has_sufficient_buying_power_for_order(parameters)

    # -- everything else is the user's model ---------------------------------------------------

    def get_leverage(self, security: Security) -> float:
        return float(self.inner.get_leverage(security))

    def set_leverage(self, security: Security, leverage: float) -> None:
        self.inner.set_leverage(security, leverage)

    def get_initial_margin_requirement(self, parameters: InitialMarginParameters) -> InitialMargin:
        return self.inner.get_initial_margin_requirement(parameters)

    def get_initial_margin_required_for_order(
        self, parameters: InitialMarginRequiredForOrderParameters
    ) -> InitialMargin:
        return self.inner.get_initial_margin_required_for_order(parameters)

    def get_maintenance_margin(self, parameters: MaintenanceMarginParameters) -> MaintenanceMargin:
        return self.inner.get_maintenance_margin(parameters)

    def get_buying_power(self, parameters: BuyingPowerParameters) -> BuyingPower:
        return self.inner.get_buying_power(parameters)

    def get_reserved_buying_power_for_position(
        self, parameters: ReservedBuyingPowerForPositionParameters
    ) -> ReservedBuyingPowerForPosition:
        return self.inner.get_reserved_buying_power_for_position(parameters)

    def get_maximum_order_quantity_for_target_buying_power(
        self, parameters: GetMaximumOrderQuantityForTargetBuyingPowerParameters
    ) -> GetMaximumOrderQuantityResult:
        return self.inner.get_maximum_order_quantity_for_target_buying_power(parameters)

    def get_maximum_order_quantity_for_delta_buying_power(
        self, parameters: GetMaximumOrderQuantityForDeltaBuyingPowerParameters
    ) -> GetMaximumOrderQuantityResult:
        return self.inner.get_maximum_order_quantity_for_delta_buying_power(parameters)


def guard_updates(protection: Protection) -> None:
    """Wrap the buying power model of every security, of those that come later too."""
    algorithm = protection.algorithm

    def wrap(security: Security) -> None:
        model = security.buying_power_model
        if not isinstance(model, GuardedBuyingPower):
            security.set_buying_power_model(GuardedBuyingPower(model, protection))

    algorithm.add_security_initializer(wrap)
    for pair in list(algorithm.securities):
        wrap(pair.value)

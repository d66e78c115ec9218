"""The update hole: live, LEAN asks no brokerage model about a changed order.

It asks the buying power model only. So the model of every security is wrapped: everything stays as
the user's model has it, but a change of a working order is judged by the order gate first. In a
backtest ``can_update_order`` does the same, and nothing is wrapped.
"""

from __future__ import annotations

from AlgorithmImports import *

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from algorithm.protect import Protection

#: how often a model that was exchanged is wrapped again
_MOST_WRAPS = 100


class GuardedBuyingPower(SecurityMarginModel):
    """Puts the gate before the buying power model that a security has."""

    def __init__(self, inner: Any, protection: Protection) -> None:
        super().__init__()
        self.inner = inner
        self.__protection = protection

    @property
    def protection(self) -> Protection:
        """Whom it asks; cannot be exchanged."""
        return self.__protection

    def has_sufficient_buying_power_for_order(
        self, parameters: HasSufficientBuyingPowerForOrderParameters
    ) -> HasSufficientBuyingPowerForOrderResult:
        order, security = parameters.order, parameters.security
        if order.status == OrderStatus.NEW:
            self.__protection.look_at_seals()  # the gate is asked next, if it is still there
        else:
            try:
                allowed, reason = self.__protection.authorize_change(security, order)
            except BaseException as error:
                allowed, reason = self.__protection.failed_change(security, order, error)
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


class UpdateGuards:
    """The wrapped buying power models, of securities that come later too.

    What a security shows is compared with what it showed right after it was wrapped: LEAN shows its
    own wrapper, not our object.
    """

    def __init__(self, protection: Protection) -> None:
        self._protection = protection
        self._shown: dict[Symbol, Any] = {}
        self._wraps: Counter[Symbol] = Counter()
        algorithm = protection.algorithm
        algorithm.add_security_initializer(self._begin)
        for pair in list(algorithm.securities):
            self._begin(pair.value)

    def guarded(self, security: Security) -> bool:
        """Whether changes of a security's orders are judged."""
        shown = self._shown.get(security.symbol)
        model = security.buying_power_model
        if shown is None or not (model is shown or model == shown):
            return False
        own = getattr(model, "__dict__", {})
        return "has_sufficient_buying_power_for_order" not in own

    def wrap(self, security: Security) -> bool:
        """Put the guard around the model that a security has now; False after too many times."""
        symbol = security.symbol
        self._wraps[symbol] += 1
        if self._wraps[symbol] > _MOST_WRAPS:
            return False
        model = security.buying_power_model
        own = getattr(model, "__dict__", {})
        own.pop("has_sufficient_buying_power_for_order", None)
        if model is not self._shown.get(symbol):
            security.set_buying_power_model(GuardedBuyingPower(model, self._protection))
            self._shown[symbol] = security.buying_power_model
        return True

    def _begin(self, security: Security) -> None:
        try:
            if not self.guarded(security):
                self.wrap(security)
        except BaseException as error:
            self._protection.say(
                f"changes of orders of {security.symbol.value} are not judged: {error!r}"
            )

"""The order gate: the judge of record for every submitted order, whoever sends it.

LEAN asks ``can_submit_order`` for manual orders, framework orders, liquidations and margin calls
alike. One exception or
one answer of the wrong shape ends the algorithm with its positions open, so everything here is a
total function.
"""

from __future__ import annotations

from AlgorithmImports import *

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from algorithm.protect import Protection


class ProtectedBrokerageModel(DefaultBrokerageModel):
    """Puts protection's pre-trade gate before the brokerage model the user chose; all rules of that
    model stay.
    """

    def __init__(self, inner: Any, protection: Protection) -> None:
        super().__init__(inner.account_type)
        self.inner = inner
        self.__protection = protection

    @property
    def protection(self) -> Protection:
        """Whom it asks; cannot be exchanged."""
        return self.__protection

    # -- the gate ------------------------------------------------------------------------------

    def can_submit_order(
        self, security: Security, order: Order, message: BrokerageMessageEvent | None
    ) -> tuple[bool, BrokerageMessageEvent]:
        try:
            allowed, answer = self.inner.can_submit_order(security, order, message)
            if not allowed:
                self.__protection.refused_by_broker(order)
                return False, answer
            allowed, reason = self.__protection.authorize(security, order)
        except BaseException as error:
            allowed, reason = self.__protection.failed(security, order, error)
        if allowed:
            return True, None  # type: ignore[return-value] # LEAN takes None, the stubs forget it
        return False, BrokerageMessageEvent(BrokerageMessageType.WARNING, "Protection", reason)

    def can_update_order(
        self,
        security: Security,
        order: Order,
        request: UpdateOrderRequest,
        message: BrokerageMessageEvent | None,
    ) -> tuple[bool, BrokerageMessageEvent]:
        try:
            allowed, answer = self.inner.can_update_order(security, order, request, message)
            if not allowed:
                return False, answer
            allowed, reason = self.__protection.authorize_update(security, order, request)
        except BaseException as error:
            allowed, reason = self.__protection.failed(security, order, error)
        if allowed:
            return True, None  # type: ignore[return-value] # LEAN takes None, the stubs forget it
        return False, BrokerageMessageEvent(BrokerageMessageType.WARNING, "Protection", reason)

    # -- everything else is the user's model ---------------------------------------------------

    def can_execute_order(self, security: Security, order: Order) -> bool:
        return bool(self.inner.can_execute_order(security, order))

    def apply_split(self, tickets: Any, split: Split) -> None:
        self.inner.apply_split(tickets, split)

    def get_benchmark(self, securities: SecurityManager) -> Any:
        return self.inner.get_benchmark(securities)

    def get_leverage(self, security: Security) -> float:
        return float(self.inner.get_leverage(security))

    def get_fee_model(self, security: Security) -> Any:
        return self.inner.get_fee_model(security)

    def get_fill_model(self, security: Security) -> Any:
        return self.inner.get_fill_model(security)

    def get_slippage_model(self, security: Security) -> Any:
        return self.inner.get_slippage_model(security)

    def get_settlement_model(self, security: Security) -> Any:
        return self.inner.get_settlement_model(security)

    def get_buying_power_model(self, security: Security) -> Any:
        return self.inner.get_buying_power_model(security)

    def get_margin_interest_rate_model(self, security: Security) -> Any:
        return self.inner.get_margin_interest_rate_model(security)

    def get_shortable_provider(self, security: Security) -> Any:
        return self.inner.get_shortable_provider(security)

    @property
    def default_markets(self) -> Any:
        return self.inner.default_markets

    @property
    def required_free_buying_power_percent(self) -> float:
        return float(self.inner.required_free_buying_power_percent)

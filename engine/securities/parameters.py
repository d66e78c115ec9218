"""What margin models are asked and what they answer. Amounts are in the account currency."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.orders.exact import Exact, from_python
from engine.types.decimals import ZERO
from engine.types.dotnet import LeanObject
from engine.types.enums import OrderDirection


class _Amount(LeanObject):
    """One decimal; it may be used as a number."""

    __slots__ = ("_value",)

    value = Exact()

    def __init__(self, value: Any = ZERO) -> None:
        self._value: Decimal = from_python(value)

    def __float__(self) -> float:
        return float(self._value)


class InitialMargin(_Amount):
    """Margin needed to open a position."""


class OptionInitialMargin(InitialMargin):
    """Margin needed to open an option position."""


class MaintenanceMargin(_Amount):
    """Margin needed to keep a position."""


class BuyingPower(_Amount):
    """What can still be used."""


class ReservedBuyingPowerForPosition(LeanObject):
    """What a position uses."""

    __slots__ = ("_absolute_used_buying_power",)

    absolute_used_buying_power = Exact()

    def __init__(self, reserved_buying_power_for_position: Any) -> None:
        self.absolute_used_buying_power = reserved_buying_power_for_position


def amount_of(answer: Any) -> Decimal:
    """Read a margin that a model returned: one of the classes above, or a bare number."""
    value = getattr(answer, "_value", None)
    return from_python(answer) if value is None else value


class InitialMarginParameters(LeanObject):
    """A security and a quantity."""

    __slots__ = ("_quantity", "security")

    quantity = Exact()

    def __init__(self, security: Any, quantity: Any) -> None:
        self.security = security
        self.quantity = quantity


class InitialMarginRequiredForOrderParameters(LeanObject):
    """An order and the cash book that converts its fee."""

    __slots__ = ("currency_converter", "order", "security")

    def __init__(self, currency_converter: Any, security: Any, order: Any) -> None:
        self.currency_converter = currency_converter
        self.security = security
        self.order = order


class MaintenanceMarginParameters(LeanObject):
    """A quantity of a security, what it cost and what it is worth."""

    __slots__ = ("_holdings_cost", "_holdings_value", "_quantity", "security")

    quantity = Exact()
    holdings_cost = Exact()
    holdings_value = Exact()

    def __init__(
        self, security: Any, quantity: Any, holdings_cost: Any, holdings_value: Any
    ) -> None:
        self.security = security
        self.quantity = quantity
        self.holdings_cost = holdings_cost
        self.holdings_value = holdings_value

    @staticmethod
    def for_current_holdings(security: Any) -> MaintenanceMarginParameters:
        held = security.holdings
        return MaintenanceMarginParameters(
            security, held._quantity, held._holdings_cost, held._holdings_value
        )

    @staticmethod
    def for_quantity_at_current_price(security: Any, quantity: Any) -> MaintenanceMarginParameters:
        quantity = from_python(quantity)
        value = security.holdings._value(quantity, security.holdings._price)._in_account_currency
        return MaintenanceMarginParameters(security, quantity, value, value)

    _absolute_quantity = property(lambda self: abs(self._quantity))
    _absolute_holdings_cost = property(lambda self: abs(self._holdings_cost))
    _absolute_holdings_value = property(lambda self: abs(self._holdings_value))
    absolute_quantity = property(lambda self: float(self._absolute_quantity))
    absolute_holdings_cost = property(lambda self: float(self._absolute_holdings_cost))
    absolute_holdings_value = property(lambda self: float(self._absolute_holdings_value))


class BuyingPowerParameters(LeanObject):
    """A security and the direction in which one wants to trade it."""

    __slots__ = ("direction", "portfolio", "security")

    def __init__(self, portfolio: Any, security: Any, direction: Any) -> None:
        self.portfolio = portfolio
        self.security = security
        self.direction = OrderDirection(direction)

    def result(self, buying_power: Any, currency: str = "") -> BuyingPower:
        return BuyingPower(buying_power)

    def result_in_account_currency(self, buying_power: Any) -> BuyingPower:
        return BuyingPower(buying_power)


class ReservedBuyingPowerForPositionParameters(LeanObject):
    """The security whose position is asked about."""

    __slots__ = ("security",)

    def __init__(self, security: Any) -> None:
        self.security = security

    def result_in_account_currency(
        self, reserved_buying_power: Any
    ) -> ReservedBuyingPowerForPosition:
        return ReservedBuyingPowerForPosition(reserved_buying_power)


class HasSufficientBuyingPowerForOrderResult(LeanObject):
    """Whether an order can be paid, and if not why."""

    __slots__ = ("is_sufficient", "reason")

    def __init__(self, is_sufficient: bool, reason: str | None = None) -> None:
        self.is_sufficient = bool(is_sufficient)
        self.reason = reason


class HasSufficientBuyingPowerForOrderParameters(LeanObject):
    """An order, its security and the account that has to pay."""

    __slots__ = ("order", "portfolio", "security")

    def __init__(self, portfolio: Any, security: Any, order: Any) -> None:
        self.portfolio = portfolio
        self.security = security
        self.order = order

    def sufficient(self) -> HasSufficientBuyingPowerForOrderResult:
        return HasSufficientBuyingPowerForOrderResult(True)

    def insufficient(self, reason: str) -> HasSufficientBuyingPowerForOrderResult:
        return HasSufficientBuyingPowerForOrderResult(False, reason)


class GetMaximumOrderQuantityForTargetBuyingPowerParameters(LeanObject):
    """The fraction of the portfolio value (signed) that a position shall use."""

    __slots__ = (
        "_minimum_order_margin_portfolio_percentage",
        "_target_buying_power",
        "portfolio",
        "security",
        "silence_non_error_reasons",
    )

    target_buying_power = Exact()
    minimum_order_margin_portfolio_percentage = Exact()

    def __init__(
        self,
        portfolio: Any,
        security: Any,
        target_buying_power: Any,
        minimum_order_margin_portfolio_percentage: Any,
        silence_non_error_reasons: bool = False,
    ) -> None:
        self.portfolio = portfolio
        self.security = security
        self.target_buying_power = target_buying_power
        self.minimum_order_margin_portfolio_percentage = minimum_order_margin_portfolio_percentage
        self.silence_non_error_reasons = silence_non_error_reasons


class GetMaximumOrderQuantityForDeltaBuyingPowerParameters(LeanObject):
    """The amount (signed) by which the buying power of a position shall change."""

    __slots__ = (
        "_delta_buying_power",
        "_minimum_order_margin_portfolio_percentage",
        "portfolio",
        "security",
        "silence_non_error_reasons",
    )

    delta_buying_power = Exact()
    minimum_order_margin_portfolio_percentage = Exact()

    def __init__(
        self,
        portfolio: Any,
        security: Any,
        delta_buying_power: Any,
        minimum_order_margin_portfolio_percentage: Any,
        silence_non_error_reasons: bool = False,
    ) -> None:
        self.portfolio = portfolio
        self.security = security
        self.delta_buying_power = delta_buying_power
        self.minimum_order_margin_portfolio_percentage = minimum_order_margin_portfolio_percentage
        self.silence_non_error_reasons = silence_non_error_reasons


class GetMaximumOrderQuantityResult(LeanObject):
    """The quantity to order, and why it is zero when it is."""

    __slots__ = ("_quantity", "is_error", "reason")

    quantity = Exact()

    def __init__(
        self, quantity: Any, reason: str | None = None, is_error: bool | None = None
    ) -> None:
        self.quantity = quantity
        self.reason = reason or ""
        self.is_error = bool(self.reason) if is_error is None else is_error

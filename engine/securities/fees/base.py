"""The fee of an order, and what all fee models share."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from engine.orders.exact import from_python
from engine.securities.cash import NULL_CURRENCY, CashAmount
from engine.securities.native import LeanModel
from engine.types.decimals import ZERO, normalize, plain
from engine.types.dotnet import LeanObject


class OrderFeeParameters(LeanObject):
    """An order and its security."""

    __slots__ = ("order", "security")

    def __init__(self, security: Any, order: Any) -> None:
        self.security = security
        self.order = order


class OrderFee(LeanObject):
    """A fee: an amount of a currency."""

    ZERO: ClassVar[OrderFee]

    def __init__(self, order_fee: CashAmount) -> None:
        self.value = CashAmount(normalize(order_fee._amount), order_fee.currency)

    def apply_to_portfolio(self, portfolio: Any, fill: Any) -> None:
        """Take the fee out of the cash of its currency."""
        portfolio.cash_book[self.value.currency]._add(-self.value._amount)

    def __float__(self) -> float:
        return float(self.value._amount)

    def __str__(self) -> str:
        return f"{plain(self.value._amount)} {self.value.currency}"


OrderFee.ZERO = OrderFee(CashAmount(ZERO, NULL_CURRENCY))


class ModifiedFillQuantityOrderFee(OrderFee):
    """A fee that was taken from the filled quantity.

    What is left to do is to take the fee's worth out of the quote currency, because less was bought
    than was paid.
    """

    def __init__(
        self, order_fee: CashAmount, quote_currency: str, contract_multiplier: Any
    ) -> None:
        super().__init__(order_fee)
        self._quote_currency = quote_currency
        self._contract_multiplier = from_python(contract_multiplier)

    def apply_to_portfolio(self, portfolio: Any, fill: Any) -> None:
        cost = -self.value._amount * fill._fill_price * self._contract_multiplier
        portfolio.cash_book[self._quote_currency].add_amount(cost)


def fee(amount: Decimal, currency: str = "USD") -> OrderFee:
    """Make a fee."""
    made = OrderFee.__new__(OrderFee)
    made.value = CashAmount(normalize(amount), currency)
    return made


class FeeModel(LeanModel):
    """Base of fee models; charges nothing."""

    def get_order_fee(self, parameters: OrderFeeParameters) -> OrderFee:
        return fee(ZERO)


class ConstantFeeModel(FeeModel):
    """The same amount for every order."""

    _fee: Decimal = ZERO
    _currency = "USD"

    def __init__(self, fee: Any = 0, currency: str = "USD") -> None:
        self._fee = abs(from_python(fee))
        self._currency = currency

    def get_order_fee(self, parameters: OrderFeeParameters) -> OrderFee:
        return fee(self._fee, self._currency)


class _PerShareFeeModel(FeeModel):
    """An amount for each share."""

    _per_share: Decimal = Decimal("0.005")

    def __init__(self, fees_per_share: Any = None) -> None:
        if fees_per_share is not None:
            self._per_share = from_python(fees_per_share)

    def get_order_fee(self, parameters: OrderFeeParameters) -> OrderFee:
        return fee(self._per_share * parameters.order._absolute_quantity)

"""``OrderSizing``: quantities that execution models ask for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.orders.exact import from_python
from engine.types.decimals import ZERO, to_decimal
from engine.types.dotnet import LeanObject
from engine.types.enums import SecurityType

_MILLION = 1000000
_CRYPTO = SecurityType.CRYPTO


def adjust_by_lot_size(security: Any, quantity: Decimal) -> Decimal:
    """Cut a quantity to whole lots towards zero; a millionth of a lot short counts as whole."""
    lot: Decimal = security.symbol_properties._lot_size
    rest = quantity % lot  # has the sign of the quantity
    if rest and lot - abs(rest) < lot / _MILLION:
        rest -= lot.copy_sign(rest)
    return quantity - rest if quantity else ZERO


def unordered_quantity(
    algorithm: Any, target: Any, security: Any = None, account_for_fees: bool = False
) -> Decimal:
    """Return what is missing to a target when holdings and open orders are counted."""
    if security is None:
        security = algorithm.securities[target.symbol]
    held = algorithm.transactions._projected_quantity(security)
    wanted = getattr(target, "_quantity", None)
    quantity = (from_python(target.quantity) if wanted is None else wanted) - held
    if account_for_fees and security.type == _CRYPTO and quantity > 0:
        from engine.orders.kinds import MarketOrder
        from engine.securities.fees.base import OrderFeeParameters

        order = MarketOrder(security.symbol, quantity, algorithm._utc)
        fee = security.fee_model.get_order_fee(OrderFeeParameters(security, order)).value
        if security.base_currency.symbol == fee.currency:
            quantity += fee._amount
    return adjust_by_lot_size(security, quantity)


def _sign(value: Decimal) -> int:
    return 1 if value > 0 else -1 if value < 0 else 0


def size_for_percent_volume(security: Any, share: Decimal, wanted: Decimal) -> Decimal:
    """Return the wanted size, cut to a share of the last bar's volume."""
    size = min(share * security._volume, abs(wanted))
    return _sign(wanted) * adjust_by_lot_size(security, size)


def size_for_maximum_value(security: Any, maximum: Decimal, wanted: Decimal) -> Decimal:
    """Return the wanted size, cut to a value in the account currency."""
    price = (
        security._price
        * security.quote_currency._conversion_rate
        * security.symbol_properties._contract_multiplier
    )
    if not price:
        return ZERO
    return _sign(wanted) * adjust_by_lot_size(security, min(maximum / price, abs(wanted)))


class OrderSizing(LeanObject):
    """LEAN's ``OrderSizing``."""

    @staticmethod
    def get_order_size_for_percent_volume(
        security: Any, maximum_percent_current_volume: Any, desired_order_size: Any
    ) -> float:
        share, wanted = from_python(maximum_percent_current_volume), from_python(desired_order_size)
        return float(size_for_percent_volume(security, share, wanted))

    @staticmethod
    def get_order_size_for_maximum_value(
        security: Any, maximum_order_value_in_account_currency: Any, desired_order_size: Any
    ) -> float:
        maximum = from_python(maximum_order_value_in_account_currency)
        return float(size_for_maximum_value(security, maximum, from_python(desired_order_size)))

    @staticmethod
    def get_unordered_quantity(
        algorithm: Any, target: Any, security: Any = None, account_for_fees: bool = False
    ) -> float:
        return float(unordered_quantity(algorithm, target, security, account_for_fees))

    @staticmethod
    def adjust_by_lot_size(security: Any, quantity: Any) -> float:
        return float(adjust_by_lot_size(security, to_decimal(quantity)))

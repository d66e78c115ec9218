"""Rounding of quantities to lots and of prices to the security's price step, with LEAN's two
warnings.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.securities.native import exact
from engine.securities.price_variation import GetMinimumPriceVariationParameters
from engine.types.decimals import plain, round_half_even
from engine.types.enums import OrderType

_PRICES: dict[OrderType, tuple[tuple[str, str], ...]] = {
    OrderType.LIMIT: (("_limit_price", "LimitPrice"),),
    OrderType.STOP_MARKET: (("_stop_price", "StopPrice"),),
    OrderType.STOP_LIMIT: (("_limit_price", "LimitPrice"), ("_stop_price", "StopPrice")),
    OrderType.TRAILING_STOP: (("_stop_price", "StopPrice"), ("_trailing_amount", "TrailingAmount")),
    OrderType.LIMIT_IF_TOUCHED: (
        ("_limit_price", "LimitPrice"),
        ("_trigger_price", "TriggerPrice"),
    ),
    OrderType.COMBO_LEG_LIMIT: (("_limit_price", "LimitPrice"),),
}


class OrderRounder:
    """Rounds orders in place; each warning is sent once a run."""

    def __init__(self, algorithm: Any) -> None:
        self._algorithm = algorithm
        self._warned_lot = False
        self._warned_price = False

    def quantity(self, order: Any, security: Any) -> None:
        """Cut the quantity towards zero to whole lots."""
        lot: Decimal = security.symbol_properties._lot_size
        rest = order._quantity % lot
        if not rest:
            return
        order.quantity = order._quantity - rest
        if not self._warned_lot:
            self._warned_lot = True
            self._algorithm.error(
                "Warning: Due to brokerage limitations, orders will be rounded to the nearest lot "
                f"size of {plain(lot)}"
            )

    def prices(self, order: Any, security: Any) -> None:
        """Round every price of the order to the price step of its security."""
        for slot, title in _PRICES.get(order.type, ()):
            if slot == "_trailing_amount" and order.trailing_as_percentage:
                continue
            price: Decimal = getattr(order, slot)
            step = price_step(security, price)
            if step > 0:
                rounded = round_half_even(price / step, 0) * step
                setattr(order, slot, rounded)
                self.warn(title, rounded, price)

    def warn(self, title: str, rounded: Decimal, price: Decimal) -> None:
        """Say once that a price was not on the grid."""
        if rounded != price and not self._warned_price:
            self._warned_price = True
            self._algorithm.error(
                f"Warning: To meet brokerage precision requirements, order {title} was rounded to "
                f"{plain(rounded)} from {plain(price)}"
            )


def price_step(security: Any, price: Decimal) -> Decimal:
    """Return the smallest price step of a security at a price; zero for adjusted prices."""
    parameters = GetMinimumPriceVariationParameters(security, price)
    return exact(security.price_variation_model, "get_minimum_price_variation", parameters)

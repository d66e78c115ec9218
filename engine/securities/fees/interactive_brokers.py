"""Fees of Interactive Brokers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.orders.exact import from_python
from engine.securities.fees.base import FeeModel, OrderFee, OrderFeeParameters, fee
from engine.securities.order_values import order_value, value_at_market
from engine.types.decimals import ONE, normalize
from engine.types.enums import SecurityType
from engine.types.errors import ArgumentException, KeyNotFoundException

_EQUITY = SecurityType.EQUITY
# share fees by market: currency, fee per share, least fee, highest fraction of the value
_SHARES = {
    "usa": ("USD", Decimal("0.005"), ONE, Decimal("0.005")),
    "india": ("INR", Decimal("0.01"), Decimal(6), Decimal(20)),
}
_BILLION = 10**9
# pairs: monthly volume up to, rate, least fee
_PAIRS = (
    (1 * _BILLION, Decimal("0.000020"), Decimal("2.00")),
    (2 * _BILLION, Decimal("0.000015"), Decimal("1.50")),
    (5 * _BILLION, Decimal("0.000010"), Decimal("1.25")),
    (None, Decimal("0.000008"), Decimal("1.00")),
)
_CFD_RATE = Decimal("0.00002")
_CFD_LEAST = {"JPY": Decimal(40), "HKD": Decimal(10)}


class InteractiveBrokersFeeModel(FeeModel):
    """Half a cent a share, at least a dollar and at most half a per cent; pairs and contracts by
    value.

    Parameters
    ----------
    monthly_forex_trade_amount_in_us_dollars : sets the rate for pairs.
    monthly_options_trade_amount_in_contracts : kept for LEAN's signature; options are not in the
    engine.
    """

    _pair_rate = _PAIRS[0][1]
    _pair_least = _PAIRS[0][2]

    def __init__(
        self,
        monthly_forex_trade_amount_in_us_dollars: Any = 0,
        monthly_options_trade_amount_in_contracts: Any = 0,
    ) -> None:
        volume = from_python(monthly_forex_trade_amount_in_us_dollars)
        for limit, rate, least in _PAIRS:
            if limit is None or volume <= limit:
                self._pair_rate, self._pair_least = rate, least
                break

    def get_order_fee(self, parameters: OrderFeeParameters) -> OrderFee:
        order, security = parameters.order, parameters.security
        kind = security.type
        if kind == _EQUITY:
            return fee(*_share_fee(security, order._quantity, order_value(order, security)))
        value = abs(order_value(order, security))
        if kind == SecurityType.FOREX:
            return fee(max(self._pair_least, abs(self._pair_rate * value)))
        if kind == SecurityType.CFD:
            currency = security.quote_currency.symbol
            return fee(max(_CFD_RATE * value, _CFD_LEAST.get(currency, ONE)), currency)
        raise ArgumentException(f"Unsupported security type: {kind}")


def _share_fee(security: Any, quantity: Decimal, value: Decimal) -> tuple[Decimal, str]:
    """Return amount and currency of the fee of an order for shares."""
    market = security.symbol.id.market
    if market not in _SHARES:
        raise KeyNotFoundException(
            f"InteractiveBrokersFeeModel(): unexpected equity Market {market}"
        )
    currency, per_share, least, highest = _SHARES[market]
    amount = per_share * abs(quantity)
    most = highest * abs(value)
    if amount < least:
        amount = least
    elif amount > most:
        amount = most
    return abs(amount), currency


_OWN_FEE = InteractiveBrokersFeeModel.get_order_fee


def fee_at_market(security: Any, quantity: Decimal) -> tuple[Decimal, str] | None:
    """Return what the stock model asks for shares bought or sold at the market.

    Targets ask for the fees of orders that nobody sends: for them neither an order is made nor the
    records that users see. ``None`` when the security has another model, or is no share.
    """
    model = security.fee_model
    if (
        security.type != _EQUITY
        or getattr(type(model), "get_order_fee", None) is not _OWN_FEE
        or "get_order_fee" in model.__dict__
    ):
        return None
    amount, currency = _share_fee(security, quantity, value_at_market(security, quantity))
    return normalize(amount), currency

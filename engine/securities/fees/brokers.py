"""Fees of stock, currency and Indian brokers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from engine.orders.exact import from_python
from engine.securities.fees.base import (
    FeeModel,
    OrderFee,
    OrderFeeParameters,
    _PerShareFeeModel,
    fee,
)
from engine.securities.order_values import order_value
from engine.types.decimals import ZERO, round_half_even
from engine.types.enums import SecurityType

_FIRST_SCHEDULE = frozenset(["EURUSD", "GBPUSD", "USDJPY", "USDCHF", "AUDUSD", "EURJPY", "GBPJPY"])


class AxosFeeModel(_PerShareFeeModel):
    """0.0035 a share."""

    _per_share = Decimal("0.0035")


class _UnreachedPerShareFeeModel(FeeModel):
    """A model whose fee LEAN never charges.

    These classes of LEAN hide the method of their base class instead of overriding it, so the
    engine always gets the base's zero; the number below is only kept for a caller who looks at it.
    """

    _per_share = Decimal("0.005")

    def __init__(self, fees_per_share: Any = None) -> None:
        if fees_per_share is not None:
            self._per_share = from_python(fees_per_share)


class RBIFeeModel(_UnreachedPerShareFeeModel):
    """0.005 a share on paper, nothing in LEAN's runs."""


class WolverineFeeModel(_UnreachedPerShareFeeModel):
    """0.005 a share on paper, nothing in LEAN's runs."""


class TDAmeritradeFeeModel(FeeModel):
    """Nothing for shares."""


class EzeFeeModel(FeeModel):
    """Nothing."""


class CharlesSchwabFeeModel(FeeModel):
    """Nothing for shares."""

    def get_order_fee(self, parameters: OrderFeeParameters) -> OrderFee:
        return OrderFee.ZERO


class TastytradeFeeModel(FeeModel):
    """Nothing for shares."""


class TradeStationFeeModel(FeeModel):
    """Nothing for residents of the United States, 5 dollars a trade for others."""

    def __init__(self, us_resident: bool = True) -> None:
        self.us_resident = us_resident

    def get_order_fee(self, parameters: OrderFeeParameters) -> OrderFee:
        return fee(ZERO if self.us_resident else Decimal(5))


class FxcmFeeModel(FeeModel):
    """0.04 or 0.06 per 1000 of a pair; nothing for contracts."""

    _currency = "USD"

    def __init__(self, currency: str = "USD") -> None:
        self._currency = currency

    def get_order_fee(self, parameters: OrderFeeParameters) -> OrderFee:
        security = parameters.security
        if security.type != SecurityType.FOREX:
            return fee(ZERO, self._currency)
        first = security.symbol.value in _FIRST_SCHEDULE and security.symbol.id.market == "fxcm"
        rate = Decimal("0.04") if first else Decimal("0.06")
        return fee(abs(rate * parameters.order._absolute_quantity / 1000), self._currency)


class IndiaFeeModel(FeeModel):
    """Brokerage with a cap, transaction tax on sells, stamp duty on buys, charges and state tax,
    each to the paisa.
    """

    _brokerage = ZERO
    _max_brokerage = ZERO
    _transaction_tax = Decimal("0.00025")
    _exchange_charge = Decimal("0.0000345")
    _state_tax = Decimal("0.18")
    _sebi = Decimal("0.000001")
    _stamp = Decimal("0.00003")
    _stamp_from_value: ClassVar[bool] = False

    def get_order_fee(self, parameters: OrderFeeParameters) -> OrderFee:
        value = order_value(parameters.order, parameters.security)
        sells = value < 0
        value = abs(value)
        brokerage = value * self._brokerage
        brokerage = (
            self._max_brokerage
            if brokerage > self._max_brokerage
            else round_half_even(brokerage, 2)
        )
        turnover = round_half_even(value, 2)
        tax = round_half_even(value * self._transaction_tax, 2) if sells else ZERO
        exchange = round_half_even(turnover * self._exchange_charge, 2)
        state = round_half_even(self._state_tax * (brokerage + exchange), 2)
        sebi = round_half_even(turnover * self._sebi, 2)
        stamped = value if self._stamp_from_value else turnover
        stamp = ZERO if sells else round_half_even(stamped * self._stamp, 2)
        total = brokerage + tax + exchange + stamp + state + sebi
        return fee(round_half_even(total, 2), "INR")


class ZerodhaFeeModel(IndiaFeeModel):
    """0.03 per cent, at most 20 rupees."""

    _brokerage = Decimal("0.0003")
    _max_brokerage = Decimal(20)
    _stamp_from_value = True


class SamcoFeeModel(IndiaFeeModel):
    """0.02 per cent, at most 20 rupees."""

    _brokerage = Decimal("0.0002")
    _max_brokerage = Decimal(20)

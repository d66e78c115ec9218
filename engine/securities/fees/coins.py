"""Fees of the crypto exchanges: makers and takers, by the value or in the bought coin."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.orders.exact import from_python
from engine.securities.currencies import STABLE_PAIRS_COINBASE
from engine.securities.fees.base import FeeModel, OrderFee, OrderFeeParameters, fee
from engine.types.decimals import ZERO
from engine.types.enums import OrderDirection, OrderType, SecurityType
from engine.types.errors import EngineUnsupported


def _is_maker(order: Any) -> bool:
    """Tell whether an order waits in the book: a limit that is post-only or away from the
    market.
    """
    if order.type != OrderType.LIMIT:
        return False
    return bool(getattr(order.properties, "post_only", False)) or not order.is_marketable


def _unit_price(order: Any, security: Any, at_limit: bool = True) -> Decimal:
    buys = order.direction == OrderDirection.BUY
    price: Decimal = security._ask_price if buys else security._bid_price
    if at_limit and order.type == OrderType.LIMIT:
        price = order._limit_price
    return price * security.symbol_properties._contract_multiplier


class _CoinFeeModel(FeeModel):
    """Buys pay in the coin that is bought, sells in the quote currency."""

    _maker = Decimal("0.001")
    _taker = Decimal("0.001")

    def __init__(self, m_fee: Any = None, t_fee: Any = None) -> None:
        if m_fee is not None:
            self._maker = from_python(m_fee)
        if t_fee is not None:
            self._taker = from_python(t_fee)

    def _rate(self, order: Any) -> Decimal:
        return self._maker if _is_maker(order) else self._taker

    def get_order_fee(self, parameters: OrderFeeParameters) -> OrderFee:
        order, security = parameters.order, parameters.security
        if security.type == SecurityType.CRYPTO_FUTURE:
            raise EngineUnsupported("engine does not implement crypto futures; use lean backtest")
        rate = self._rate(order)
        size = order._absolute_quantity
        if order.direction == OrderDirection.BUY:
            return fee(size * rate, security.base_currency.symbol)
        price = _unit_price(order, security)
        return fee(price * size * rate, security.quote_currency.symbol)


class BinanceFeeModel(_CoinFeeModel):
    """A tenth of a per cent."""

    MAKER_TIER_1_FEE = 0.001
    TAKER_TIER_1_FEE = 0.001


class BybitFeeModel(_CoinFeeModel):
    """A tenth of a per cent."""

    MAKER_NON_VIP_FEE = 0.001
    TAKER_NON_VIP_FEE = 0.001


class BitfinexFeeModel(_CoinFeeModel):
    """A tenth of a per cent for makers, two tenths for takers; hidden orders pay as takers."""

    MAKER_FEE = 0.001
    TAKER_FEE = 0.002
    _taker = Decimal("0.002")

    def __init__(self) -> None:
        super().__init__()

    def _rate(self, order: Any) -> Decimal:
        hidden = bool(getattr(order.properties, "hidden", False))
        return self._maker if _is_maker(order) and not hidden else self._taker


class AlpacaFeeModel(FeeModel):
    """Nothing for shares; coins 0.15 (makers) or 0.25 per cent of what is received."""

    MAKER_CRYPTO_FEE = 0.0015
    TAKER_CRYPTO_FEE = 0.0025

    def get_order_fee(self, parameters: OrderFeeParameters) -> OrderFee:
        order, security = parameters.order, parameters.security
        if security.type != SecurityType.CRYPTO:
            return fee(ZERO)
        maker = order.type == OrderType.LIMIT and not order.is_marketable
        rate = Decimal("0.0015") if maker else Decimal("0.0025")
        size = order._absolute_quantity
        if order.direction == OrderDirection.BUY:
            return fee(size * rate, security.base_currency.symbol)
        return fee(size * security._price * rate, security.quote_currency.symbol)


# (until, maker, taker): what Coinbase took before its present schedule
_COINBASE_PAST = (
    (datetime(2019, 3, 23, 1, 30), ZERO, Decimal("0.003")),
    (datetime(2019, 10, 8, 0, 30), Decimal("0.0015"), Decimal("0.0025")),
)
_STABLE_SINCE = datetime(2022, 6, 1)


class CoinbaseFeeModel(FeeModel):
    """A share of the value in the quote currency; the rates follow Coinbase's history."""

    MAKER_ADVANCED_1 = 0.006
    TAKER_ADVANCED_1 = 0.008
    MAKER_STABLE_PAIRS = 0.0
    TAKER_STABLE_PARIS = 0.00001
    _maker = Decimal("0.006")
    _taker = Decimal("0.008")

    def __init__(self, maker_fee: Any = None, taker_fee: Any = None) -> None:
        if maker_fee is not None:
            self._maker = from_python(maker_fee)
        if taker_fee is not None:
            self._taker = from_python(taker_fee)

    def _rate(self, utc: datetime, maker: bool, stable: bool) -> Decimal:
        if stable:
            if maker:
                return ZERO
            return Decimal("0.001") if utc < _STABLE_SINCE else Decimal("0.00001")
        for until, makers, takers in _COINBASE_PAST:
            if utc < until:
                return makers if maker else takers
        return self._maker if maker else self._taker

    def get_order_fee(self, parameters: OrderFeeParameters) -> OrderFee:
        order, security = parameters.order, parameters.security
        stable = security.symbol.value in STABLE_PAIRS_COINBASE
        rate = self._rate(order._time, _is_maker(order), stable)
        price = _unit_price(order, security, at_limit=False)
        return fee(price * order._absolute_quantity * rate, security.quote_currency.symbol)


class GDAXFeeModel(CoinbaseFeeModel):
    """The old name of Coinbase's fees."""


_KRAKEN_CURRENCIES = ("CAD", "EUR", "GBP", "JPY", "USD", "USDT", "DAI", "USDC")


class KrakenFeeModel(FeeModel):
    """0.16 (makers) or 0.26 per cent, 0.2 for pairs of currencies.

    Buys pay in the quote currency and sells in the coin, unless the order's properties say
    otherwise.
    """

    MAKER_TIER_1_CRYPTO_FEE = 0.0016
    TAKER_TIER_1_CRYPTO_FEE = 0.0026
    TIER_1_FX_FEE = 0.002

    def get_order_fee(self, parameters: OrderFeeParameters) -> OrderFee:
        order, security = parameters.order, parameters.security
        in_quote = order.direction == OrderDirection.BUY
        price = _unit_price(order, security)
        rate = Decimal("0.0016") if _is_maker(order) else Decimal("0.0026")
        if in_quote and getattr(order.properties, "fee_in_base", False):
            in_quote = False
        if not in_quote and getattr(order.properties, "fee_in_quote", False):
            in_quote = True
        if security.symbol.value.startswith(_KRAKEN_CURRENCIES):
            rate = Decimal("0.002")
        size = order._absolute_quantity
        if in_quote:
            return fee(price * size * rate, security.quote_currency.symbol)
        return fee(size * rate, security.base_currency.symbol)


class FTXFeeModel(FeeModel):
    """0.02 (makers) or 0.07 per cent; a maker's buy pays in the coin, all else in the quote
    currency.
    """

    _maker = Decimal("0.0002")
    _taker = Decimal("0.0007")

    def get_order_fee(self, parameters: OrderFeeParameters) -> OrderFee:
        order, security = parameters.order, parameters.security
        size = order._absolute_quantity
        if not _is_maker(order):
            price = _unit_price(order, security, at_limit=False)
            return fee(price * size * self._taker, security.quote_currency.symbol)
        if order.direction == OrderDirection.BUY:
            return fee(size * self._maker, security.base_currency.symbol)
        price = _unit_price(order, security, at_limit=False)
        return fee(price * size * self._maker, security.quote_currency.symbol)


class FTXUSFeeModel(FTXFeeModel):
    """0.1 (makers) or 0.4 per cent."""

    _maker = Decimal("0.001")
    _taker = Decimal("0.004")

"""The crypto exchanges."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from engine.orders.exact import from_python
from engine.securities.brokerages.default import (
    ACCEPTED,
    Answer,
    DefaultBrokerageModel,
    _benchmark,
    is_valid_order_size,
    markets_with,
)
from engine.securities.brokerages.messages import (
    UPDATE_NOT_SUPPORTED,
    pascal,
    refuse,
    unsupported_order_type,
    unsupported_security,
)
from engine.securities.cash_buying_power import CashBuyingPowerModel
from engine.securities.fees.coins import (
    BinanceFeeModel,
    BitfinexFeeModel,
    BybitFeeModel,
    CoinbaseFeeModel,
    FTXFeeModel,
    FTXUSFeeModel,
    KrakenFeeModel,
)
from engine.types.decimals import ONE, plain
from engine.types.enums import AccountType, OrderDirection, OrderStatus, OrderType, SecurityType
from engine.types.errors import ArgumentException, EngineUnsupported

_OPEN = (
    OrderStatus.NEW,
    OrderStatus.PARTIALLY_FILLED,
    OrderStatus.SUBMITTED,
    OrderStatus.UPDATE_SUBMITTED,
)
_FOUR = (OrderType.STOP_MARKET, OrderType.STOP_LIMIT, OrderType.MARKET, OrderType.LIMIT)


def _large_enough(security: Any, quantity: Decimal) -> bool:
    least = security.symbol_properties._minimum_order_size
    return least is None or quantity >= least


def _refuse_quantity(security: Any, quantity: Decimal) -> Answer:
    least = security.symbol_properties._minimum_order_size
    return refuse(
        f"The minimum order size (in quote currency) for {security.symbol.value} is "
        f"{plain(least)}. "
        f"Order quantity was {plain(quantity)}."
    )


class _CoinBrokerageModel(DefaultBrokerageModel):
    """An exchange of coins: its market, kinds of orders, fees and leverage."""

    _account_type = AccountType.CASH
    _market: ClassVar[str] = ""
    _order_types: ClassVar[tuple[OrderType, ...]] = ()
    _benchmark_ticker: ClassVar[str] = "BTCUSD"
    _fee_type: ClassVar[Any] = None
    _margin_leverage: ClassVar[Decimal] = ONE

    def get_benchmark(self, securities: Any) -> Any:
        return _benchmark(securities, self._benchmark_ticker, SecurityType.CRYPTO, self._market)

    def get_fee_model(self, security: Any) -> Any:
        return self._fee_type()

    def _get_leverage(self, security: Any) -> Decimal:
        if (
            self.account_type == AccountType.CASH
            or security._is_internal_feed()
            or security.type == SecurityType.BASE
        ):
            return ONE
        return self._margin_leverage

    def _judge_coin(self, security: Any, order: Any) -> Answer:
        if security.type != SecurityType.CRYPTO:
            return unsupported_security(self, security)
        if order.type not in self._order_types:
            return unsupported_order_type(self, order, self._order_types)
        return ACCEPTED


class BinanceBrokerageModel(_CoinBrokerageModel):
    """Binance: no stop-market orders for coins, no updates, leverage 3 on margin."""

    _market = "binance"
    _markets = markets_with(crypto="binance")
    _benchmark_ticker = "BTCUSDC"
    _fee_type = BinanceFeeModel
    _margin_leverage = Decimal(3)
    _endpoint: ClassVar[str] = "https://api.binance.com/api/v3"

    def can_update_order(
        self, security: Any, order: Any, request: Any, message: Any = None
    ) -> Answer:
        return refuse(UPDATE_NOT_SUPPORTED, "0")

    def can_submit_order(self, security: Any, order: Any, message: Any = None) -> Answer:
        kind = order.type
        if kind == OrderType.LIMIT:
            prices = [order._limit_price]
        elif kind == OrderType.MARKET:
            if not security.has_data:
                return refuse(
                    "There is no data for this symbol yet, please check the security.HasData flag "
                    "to ensure there is "
                    "at least one data point."
                )
            buys = order.direction == OrderDirection.BUY
            prices = [security._ask_price if buys else security._bid_price]
        elif kind == OrderType.STOP_LIMIT:
            prices = [order._limit_price, order._stop_price]
        elif kind in (OrderType.STOP_MARKET, OrderType.TRAILING_STOP):
            ticker = security.symbol_properties.market_ticker
            return refuse(
                f"{pascal(kind)} orders are not supported for this symbol. Please check "
                f"'{self._endpoint}/exchangeInfo?symbol={ticker}' to see supported order types."
            )
        else:
            return unsupported_order_type(self, order, _FOUR)
        least = security.symbol_properties._minimum_order_size
        for price in prices:
            if least is not None and abs(order._quantity) * price <= least:
                return refuse(
                    f"The minimum order size (in quote currency) for {security.symbol.value} is "
                    f"{plain(least)}. "
                    f"Order size was {plain(order._quantity * price)}."
                )
        if security.type != SecurityType.CRYPTO:
            return unsupported_security(self, security)
        return ACCEPTED


class BinanceUSBrokerageModel(BinanceBrokerageModel):
    """Binance.US: cash accounts only."""

    _market = "binanceus"
    _markets = markets_with(crypto="binanceus")
    _endpoint = "https://api.binance.us/api/v3"

    def __init__(self, account_type: Any = None) -> None:
        super().__init__(account_type)
        if self._account_type == AccountType.MARGIN:
            raise ArgumentException(
                "The Binance.US brokerage does not currently support Margin trading."
            )

    def _get_leverage(self, security: Any) -> Decimal:
        return ONE


class _FuturesBrokerageModel(BinanceBrokerageModel):
    """Refused at construction: the engine has no crypto futures."""

    def __init__(self, account_type: Any = None) -> None:
        raise EngineUnsupported(
            f"engine does not implement {type(self).__name__}: it has no crypto futures; use lean "
            "backtest"
        )


class BinanceFuturesBrokerageModel(_FuturesBrokerageModel):
    """Binance futures (refused)."""


class BinanceCoinFuturesBrokerageModel(_FuturesBrokerageModel):
    """Binance coin-margined futures (refused)."""


class BitfinexBrokerageModel(_CoinBrokerageModel):
    """Bitfinex: leverage 3.3 on margin, which is its default account."""

    _account_type = AccountType.MARGIN
    _market = "bitfinex"
    _markets = markets_with(crypto="bitfinex")
    _fee_type = BitfinexFeeModel
    _margin_leverage = Decimal("3.3")
    _order_types = (
        OrderType.MARKET,
        OrderType.LIMIT,
        OrderType.STOP_MARKET,
        OrderType.STOP_LIMIT,
    )

    def _get_leverage(self, security: Any) -> Decimal:
        leverage = super()._get_leverage(security)
        if leverage != ONE and security.type != SecurityType.CRYPTO:
            raise ArgumentException(f"Invalid security type: {pascal(security.type)}")
        return leverage

    def can_update_order(
        self, security: Any, order: Any, request: Any, message: Any = None
    ) -> Answer:
        if request.quantity is None:
            return ACCEPTED
        return is_valid_order_size(security, from_python(request.quantity))

    def can_submit_order(self, security: Any, order: Any, message: Any = None) -> Answer:
        answer = is_valid_order_size(security, order._quantity)
        return self._judge_coin(security, order) if answer[0] else answer


class BybitBrokerageModel(_CoinBrokerageModel):
    """Bybit: leverage 10 on margin, no updates for coins."""

    _market = "bybit"
    _markets = markets_with(crypto="bybit", crypto_future="bybit")
    _benchmark_ticker = "BTCUSDC"
    _fee_type = BybitFeeModel
    _margin_leverage = Decimal(10)

    def get_fee_model(self, security: Any) -> Any:
        if security.type == SecurityType.BASE:
            return DefaultBrokerageModel.get_fee_model(self, security)
        if security.type != SecurityType.CRYPTO:
            raise ArgumentException(f"Not supported security type {pascal(security.type)}")
        return BybitFeeModel()

    def can_update_order(
        self, security: Any, order: Any, request: Any, message: Any = None
    ) -> Answer:
        return refuse(UPDATE_NOT_SUPPORTED)

    def can_submit_order(self, security: Any, order: Any, message: Any = None) -> Answer:
        if security.type not in (SecurityType.CRYPTO, SecurityType.BASE):
            return unsupported_security(self, security)
        # a trailing stop is a stop-market order to LEAN's check
        if order.type not in _FOUR and order.type != OrderType.TRAILING_STOP:
            return unsupported_order_type(self, order, _FOUR)
        if not _large_enough(security, abs(order._quantity)):
            return _refuse_quantity(security, order._quantity)
        return ACCEPTED


class CoinbaseBrokerageModel(_CoinBrokerageModel):
    """Coinbase: cash accounts only; stop-market orders until March 2019; only limit orders can be
    updated.
    """

    _market = "coinbase"
    _markets = markets_with(crypto="coinbase")
    _fee_type = CoinbaseFeeModel
    _order_types = (
        OrderType.LIMIT,
        OrderType.MARKET,
        OrderType.STOP_LIMIT,
        OrderType.STOP_MARKET,
    )
    _stop_market_until = datetime(2019, 3, 23, 1)

    def __init__(self, account_type: Any = None) -> None:
        super().__init__(account_type)
        if self._account_type == AccountType.MARGIN:
            raise ArgumentException(
                "The Coinbase brokerage does not currently support Margin trading."
            )

    def _get_leverage(self, security: Any) -> Decimal:
        return ONE

    def get_buying_power_model(self, security: Any, _account_type: Any = None) -> Any:
        return CashBuyingPowerModel()

    def can_update_order(
        self, security: Any, order: Any, request: Any, message: Any = None
    ) -> Answer:
        if order.type != OrderType.LIMIT:
            return refuse(f"Order with type {pascal(order.type)} can't be modified, only LIMIT.")
        if type(order.time_in_force).__name__ != "GoodTilCanceledTimeInForce":
            return refuse(
                "Order's parameter 'TimeInForce' is not instance of Good Til Cancelled class."
            )
        if order.status not in _OPEN:
            return refuse(f"Order with status {pascal(order.status)} can't be modified")
        if request.quantity is not None:
            quantity = from_python(request.quantity)
            if not _large_enough(security, abs(quantity)):
                return _refuse_quantity(security, quantity)
        return ACCEPTED

    def can_submit_order(self, security: Any, order: Any, message: Any = None) -> Answer:
        if order.broker_id:
            return refuse(UPDATE_NOT_SUPPORTED, "0")
        answer = is_valid_order_size(security, order._quantity)
        if not answer[0]:
            return answer
        answer = self._judge_coin(security, order)
        if not answer[0]:
            return answer
        if order.type == OrderType.STOP_MARKET and order._time >= self._stop_market_until:
            return refuse(
                "Stop Market orders are no longer supported since "
                f"{self._stop_market_until:%m/%d/%Y %H:%M:%S}."
            )
        return ACCEPTED


class GDAXBrokerageModel(CoinbaseBrokerageModel):
    """The old name of Coinbase."""


_ONLY_FIAT = ("BTC", "USDT", "USDC")
_ALSO_ETH = ("REP", "XTZ", "ADA", "EOS", "TRX", "LINK")
_FIAT = ("USD", "EUR")


class KrakenBrokerageModel(_CoinBrokerageModel):
    """Kraken: leverage by coin on margin, no updates."""

    _market = "kraken"
    _markets = markets_with(crypto="kraken")
    _fee_type = KrakenFeeModel
    _order_types = (
        OrderType.LIMIT,
        OrderType.MARKET,
        OrderType.STOP_MARKET,
        OrderType.STOP_LIMIT,
        OrderType.LIMIT_IF_TOUCHED,
    )
    _coin_leverage: ClassVar[dict[str, int]] = {
        "BTC": 5,
        "ETH": 5,
        "USDT": 2,
        "XMR": 2,
        "REP": 2,
        "XRP": 3,
        "BCH": 2,
        "XTZ": 2,
        "LTC": 3,
        "ADA": 3,
        "EOS": 3,
        "DASH": 3,
        "TRX": 3,
        "LINK": 3,
        "USDC": 3,
    }

    @property
    def coin_leverage(self) -> dict[str, float]:
        return {coin: float(value) for coin, value in self._coin_leverage.items()}

    def _get_leverage(self, security: Any) -> Decimal:
        if self.account_type == AccountType.CASH:
            return ONE
        ticker, quoted = security.symbol.id.symbol, security.symbol.value
        for coins, quotes in (
            (_ONLY_FIAT, _FIAT),
            (_ALSO_ETH, ("BTC", "ETH", *_FIAT)),
            (tuple(self._coin_leverage), ("BTC", *_FIAT)),
        ):
            for coin in coins:
                if ticker.startswith(coin) and quoted.endswith(quotes):
                    return Decimal(self._coin_leverage[coin])
        return ONE

    def can_update_order(
        self, security: Any, order: Any, request: Any, message: Any = None
    ) -> Answer:
        return refuse(UPDATE_NOT_SUPPORTED, "0")

    def can_submit_order(self, security: Any, order: Any, message: Any = None) -> Answer:
        answer = is_valid_order_size(security, order._quantity)
        return self._judge_coin(security, order) if answer[0] else answer


class FTXBrokerageModel(_CoinBrokerageModel):
    """FTX: leverage 3 on margin, stops must lie away from the market, no updates."""

    _account_type = AccountType.MARGIN
    _market = "ftx"
    _markets = markets_with(crypto="ftx")
    _fee_type = FTXFeeModel
    _order_types = (
        OrderType.MARKET,
        OrderType.LIMIT,
        OrderType.STOP_MARKET,
        OrderType.STOP_LIMIT,
    )

    def _get_leverage(self, security: Any) -> Decimal:
        return ONE if self.account_type == AccountType.CASH else Decimal(3)

    def can_update_order(
        self, security: Any, order: Any, request: Any, message: Any = None
    ) -> Answer:
        return refuse(UPDATE_NOT_SUPPORTED, "0")

    def can_submit_order(self, security: Any, order: Any, message: Any = None) -> Answer:
        answer = is_valid_order_size(security, order._quantity)
        if not answer[0]:
            return answer
        if order.type not in self._order_types:
            return unsupported_order_type(self, order, self._order_types)
        if order.type in (OrderType.STOP_MARKET, OrderType.STOP_LIMIT):
            if not security.has_data:
                return refuse(
                    "There is no data for this symbol yet, please check the security.HasData flag "
                    "to ensure there is "
                    "at least one data point."
                )
            stop, sells = order._stop_price, order.direction == OrderDirection.SELL
            if sells and stop > security._bid_price:
                return refuse("Trigger price too high: must be below current market price.")
            if not sells and stop < security._ask_price:
                return refuse("Trigger price too low: must be above current market price.")
        if security.type != SecurityType.CRYPTO:
            return unsupported_security(self, security)
        return ACCEPTED


class FTXUSBrokerageModel(FTXBrokerageModel):
    """FTX US."""

    _market = "ftxus"
    _markets = markets_with(crypto="ftxus")
    _fee_type = FTXUSFeeModel

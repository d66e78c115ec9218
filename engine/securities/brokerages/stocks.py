"""Stock brokers."""

from __future__ import annotations

from datetime import timedelta
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
    no_benchmark,
)
from engine.securities.brokerages.messages import (
    UPDATE_NOT_SUPPORTED,
    name_of,
    pascal,
    refuse,
    unsupported_order_type,
    unsupported_security,
    unsupported_time_in_force,
)
from engine.securities.brokerages.rules import (
    crosses_zero,
    refuse_across_zero,
    refuse_market_on_open,
)
from engine.securities.fees.base import ConstantFeeModel, FeeModel
from engine.securities.fees.brokers import (
    AxosFeeModel,
    CharlesSchwabFeeModel,
    EzeFeeModel,
    RBIFeeModel,
    SamcoFeeModel,
    TastytradeFeeModel,
    TDAmeritradeFeeModel,
    TradeStationFeeModel,
    WolverineFeeModel,
    ZerodhaFeeModel,
)
from engine.securities.fees.coins import AlpacaFeeModel
from engine.securities.settlement import ImmediateSettlementModel
from engine.securities.shortable import LocalDiskShortableProvider
from engine.securities.slippage import AlphaStreamsSlippageModel
from engine.types.decimals import ONE, plain
from engine.types.enums import AccountType, OrderType, SecurityType
from engine.types.errors import ArgumentException, EngineUnsupported

_BASIC = (OrderType.MARKET, OrderType.LIMIT, OrderType.STOP_MARKET, OrderType.STOP_LIMIT)
_LIMIT_FIRST = (OrderType.LIMIT, OrderType.MARKET, OrderType.STOP_MARKET, OrderType.STOP_LIMIT)
_SHARES_AND_OPTIONS = (SecurityType.EQUITY, SecurityType.OPTION, SecurityType.INDEX_OPTION)


def _tif(order: Any) -> str:
    return type(order.time_in_force).__name__


def _outside_hours(order: Any) -> bool:
    return bool(getattr(order.properties, "outside_regular_trading_hours", False))


class _BrokerModel(DefaultBrokerageModel):
    """A broker that takes some kinds of securities and orders."""

    _securities: ClassVar[tuple[SecurityType, ...]] = (SecurityType.EQUITY,)
    _order_types: ClassVar[tuple[OrderType, ...]] = _BASIC
    _fee_type: ClassVar[Any] = FeeModel
    _sized: ClassVar[bool] = False

    def get_fee_model(self, security: Any) -> Any:
        return self._fee_type()

    def _judge_kinds(self, security: Any, order: Any) -> Answer:
        if self._sized:
            answer = is_valid_order_size(security, order._quantity)
            if not answer[0]:
                return answer
        if security.type not in self._securities:
            return unsupported_security(self, security)
        if order.type not in self._order_types:
            return unsupported_order_type(self, order, self._order_types)
        return ACCEPTED

    def can_submit_order(self, security: Any, order: Any, message: Any = None) -> Answer:
        return self._judge_kinds(security, order)


class AlpacaBrokerageModel(_BrokerModel):
    """Alpaca: shares and coins, margin accounts."""

    _kinds: ClassVar[dict[SecurityType, tuple[OrderType, ...]]] = {
        SecurityType.EQUITY: (
            *_BASIC,
            OrderType.TRAILING_STOP,
            OrderType.MARKET_ON_OPEN,
            OrderType.MARKET_ON_CLOSE,
        ),
        SecurityType.OPTION: (OrderType.MARKET, OrderType.LIMIT),
        SecurityType.CRYPTO: (OrderType.MARKET, OrderType.LIMIT, OrderType.STOP_LIMIT),
    }
    _fee_type = AlpacaFeeModel

    def __init__(self) -> None:
        super().__init__(AccountType.MARGIN)

    def can_submit_order(self, security: Any, order: Any, message: Any = None) -> Answer:
        kinds = self._kinds.get(security.type)
        if kinds is None:
            return unsupported_security(self, security)
        if order.type not in kinds:
            return unsupported_order_type(self, order, kinds)
        if _outside_hours(order) and (
            order.type != OrderType.LIMIT or _tif(order) != "DayTimeInForce"
        ):
            return refuse(
                f"The {name_of(self)} does not support {pascal(order.type)} orders with "
                f"{_tif(order)} TIF outside "
                "regular hours. Only Limit orders with DayTimeInForce TIF are supported outside "
                "regular trading hours."
            )
        answer = refuse_across_zero(self, security, order)
        if not answer[0]:
            return answer
        return refuse_market_on_open(
            security,
            order,
            lambda session: (timedelta(hours=19), session.start - timedelta(minutes=2)),
            (SecurityType.EQUITY,),
        )


_PRE_MARKET = (timedelta(hours=4), timedelta(hours=9, minutes=24))
_POST_MARKET = (timedelta(hours=16), timedelta(hours=19, minutes=55))


class TradierBrokerageModel(_BrokerModel):
    """Tradier: shares; shorts only by day orders and over 5 dollars; quantities cannot be
    updated.
    """

    _fee_type = ConstantFeeModel
    _order_types = _LIMIT_FIRST

    def can_submit_order(self, security: Any, order: Any, message: Any = None) -> Answer:
        if order.type not in self._order_types:
            return unsupported_order_type(self, order, self._order_types)
        if order.security_type not in _SHARES_AND_OPTIONS:
            return refuse("This model only supports equities and options.")
        tif = _tif(order)
        if tif not in ("GoodTilCanceledTimeInForce", "DayTimeInForce"):
            return refuse(
                "This model only supports orders with the following time in force types: "
                "QuantConnect.Orders.TimeInForces.DayTimeInForce and "
                "QuantConnect.Orders.TimeInForces.GoodTilCanceledTimeInForce"
            )
        if security.holdings._quantity + order._quantity < 0:
            if tif == "GoodTilCanceledTimeInForce":
                return refuse(
                    "You cannot place short stock orders with GTC, only day orders are allowed",
                    "ShortOrderIsGtc",
                )
            if security._price < 5:
                return refuse(
                    "Sell Short order cannot be placed for stock priced below $5",
                    "SellShortOrderLastPriceBelow5",
                )
        if not 1 <= abs(order._quantity) <= 10_000_000:
            return refuse("Quantity should be between 1 and 10,000,000", "IncorrectOrderQuantity")
        executes, can_wait = self._can_execute(security, order)
        if not executes and not can_wait:
            return refuse(
                "Tradier does not support explicitly placing out-of-regular-hours orders if not "
                "currently during the "
                "pre or post market session. PreMarket: 04:00:00-09:24:00. PostMarket: "
                "16:00:00-19:55:00. "
                "Only equity limit orders are allowed during extended market hours.",
                "ExtendedMarket",
            )
        return refuse_across_zero(self, security, order)

    def can_update_order(
        self, security: Any, order: Any, request: Any, message: Any = None
    ) -> Answer:
        if request.quantity is not None and from_python(request.quantity) != order._quantity:
            return refuse("Tradier does not support updating order quantities.", "UpdateRejected")
        return ACCEPTED

    def can_execute_order(self, security: Any, order: Any) -> bool:
        return self._can_execute(security, order)[0]

    @staticmethod
    def _can_execute(security: Any, order: Any) -> tuple[bool, bool]:
        if security.exchange.exchange_open:
            return True, True
        outside = _outside_hours(order)
        local = security.local_time
        now = local - local.replace(hour=0, minute=0, second=0, microsecond=0)
        in_session = any(start <= now < end for start, end in (_PRE_MARKET, _POST_MARKET))
        if (
            outside
            and in_session
            and order.type == OrderType.LIMIT
            and order.symbol.security_type == SecurityType.EQUITY
        ):
            return True, True
        return False, not outside

    def apply_split(self, tickets: list[Any], split: Any) -> None:
        if split._split_factor > ONE:
            for ticket in tickets:
                ticket.cancel("Tradier Brokerage cancels open orders on reverse split symbols")
        else:
            super().apply_split(tickets, split)


class TradeStationBrokerageModel(_BrokerModel):
    """TradeStation: shares; no order at the open or close may turn a position."""

    _securities = (
        SecurityType.EQUITY,
        SecurityType.OPTION,
        SecurityType.FUTURE,
        SecurityType.INDEX_OPTION,
    )
    _order_types = (
        *_BASIC,
        OrderType.COMBO_MARKET,
        OrderType.COMBO_LIMIT,
        OrderType.MARKET_ON_OPEN,
        OrderType.MARKET_ON_CLOSE,
        OrderType.TRAILING_STOP,
    )
    _fee_type = TradeStationFeeModel

    def can_submit_order(self, security: Any, order: Any, message: Any = None) -> Answer:
        if _outside_hours(order) and (
            order.type != OrderType.LIMIT or order.security_type != SecurityType.EQUITY
        ):
            return refuse(
                "To place an order outside regular trading hours, please use a limit order and "
                "ensure the security is "
                "an equity.",
                "NotSupportedOutsideRegularMarketHours",
            )
        answer = self._judge_kinds(security, order)
        if not answer[0]:
            return answer
        answer = refuse_across_zero(self, security, order)
        if not answer[0]:
            return answer
        return refuse_market_on_open(
            security,
            order,
            lambda session: (timedelta(hours=6), session.start - timedelta(minutes=1)),
            _SHARES_AND_OPTIONS,
        )

    def can_update_order(
        self, security: Any, order: Any, request: Any, message: Any = None
    ) -> Answer:
        changed = request.quantity is not None and from_python(request.quantity) != order._quantity
        if changed and crosses_zero(security.holdings._quantity, order._quantity):
            return refuse(
                f"Unfortunately, the {name_of(self)} brokerage model does not support updating "
                "the quantity of Cross "
                "Zero Orders.",
                "UpdateRejected",
            )
        return ACCEPTED


class CharlesSchwabBrokerageModel(_BrokerModel):
    """Charles Schwab."""

    _securities = _SHARES_AND_OPTIONS
    _order_types = (
        OrderType.MARKET,
        OrderType.LIMIT,
        OrderType.STOP_MARKET,
        OrderType.COMBO_MARKET,
        OrderType.COMBO_LIMIT,
        OrderType.MARKET_ON_CLOSE,
        OrderType.MARKET_ON_OPEN,
        OrderType.STOP_LIMIT,
    )
    _fee_type = CharlesSchwabFeeModel


class TastytradeBrokerageModel(_BrokerModel):
    """Tastytrade."""

    _securities = (*_SHARES_AND_OPTIONS, SecurityType.FUTURE, SecurityType.FUTURE_OPTION)
    _order_types = (*_BASIC, OrderType.COMBO_LIMIT)
    _fee_type = TastytradeFeeModel


class RBIBrokerageModel(_BrokerModel):
    """RBI."""

    _fee_type = RBIFeeModel
    _sized = True

    def can_submit_order(self, security: Any, order: Any, message: Any = None) -> Answer:
        if security.type in self._securities and order.type not in self._order_types:
            return refuse(
                f"{pascal(order.type)} order is not supported by RBI. Currently, only Market "
                "Order, Limit Order, "
                "StopMarket Order and StopLimit Order are supported."
            )
        return super().can_submit_order(security, order)


class TDAmeritradeBrokerageModel(_BrokerModel):
    """TD Ameritrade."""

    _fee_type = TDAmeritradeFeeModel
    _sized = True


class WolverineBrokerageModel(_BrokerModel):
    """Wolverine: no updates."""

    _securities = (SecurityType.EQUITY, SecurityType.OPTION)
    _order_types = (
        OrderType.MARKET,
        OrderType.MARKET_ON_CLOSE,
        OrderType.LIMIT,
        OrderType.STOP_MARKET,
        OrderType.STOP_LIMIT,
    )
    _fee_type = WolverineFeeModel
    _sized = True

    def can_update_order(
        self, security: Any, order: Any, request: Any, message: Any = None
    ) -> Answer:
        return refuse(UPDATE_NOT_SUPPORTED, "0")


class EzeBrokerageModel(_BrokerModel):
    """Eze: whole shares, margin accounts."""

    _securities = (
        SecurityType.EQUITY,
        SecurityType.OPTION,
        SecurityType.FUTURE,
        SecurityType.FUTURE_OPTION,
        SecurityType.INDEX,
        SecurityType.INDEX_OPTION,
    )
    _order_types = (*_BASIC, OrderType.MARKET_ON_OPEN, OrderType.MARKET_ON_CLOSE)
    _fee_type = EzeFeeModel

    def __init__(self, account_type: Any = None) -> None:
        super().__init__(account_type)
        if self._account_type == AccountType.CASH:
            raise NotImplementedError("Eze brokerage can only be used with a Margin account type")

    def can_submit_order(self, security: Any, order: Any, message: Any = None) -> Answer:
        answer = self._judge_kinds(security, order)
        if answer[0] and order._quantity % 1:
            return refuse(
                f"Order Quantity must be Integer, but provided {plain(abs(order._quantity))}."
            )
        return answer


class AxosClearingBrokerageModel(_BrokerModel):
    """Axos Clearing: whole shares, its own list of shares to borrow, no benchmark."""

    _markets: ClassVar[dict[SecurityType, str]] = {SecurityType.EQUITY: "usa"}
    DEFAULT_MARKET_MAP = _markets
    _order_types = (OrderType.LIMIT, OrderType.MARKET, OrderType.MARKET_ON_CLOSE)
    _fee_type = AxosFeeModel

    def get_benchmark(self, securities: Any) -> Any:
        return no_benchmark()

    def get_shortable_provider(self, security: Any) -> Any:
        if security.type == SecurityType.EQUITY:
            return LocalDiskShortableProvider("axos")
        return super().get_shortable_provider(security)

    def can_submit_order(self, security: Any, order: Any, message: Any = None) -> Answer:
        answer = self._judge_kinds(security, order)
        if answer[0] and order._quantity % 1:
            return refuse(f"Order Quantity must be Integer, but provided {plain(order._quantity)}.")
        return answer


class AlphaStreamsBrokerageModel(DefaultBrokerageModel):
    """Alpha Streams: no leverage for shares, one basis point of slippage; margin accounts."""

    def __init__(self, account_type: Any = None) -> None:
        super().__init__(account_type)
        if self._account_type == AccountType.CASH:
            raise ArgumentException(
                "The Alpha Streams brokerage does not currently support Cash trading."
            )

    def _get_leverage(self, security: Any) -> Decimal:
        pair = security.type in (SecurityType.FOREX, SecurityType.CFD)
        return Decimal(10) if pair else ONE

    def get_slippage_model(self, security: Any) -> Any:
        return AlphaStreamsSlippageModel()

    def get_settlement_model(self, security: Any, _account_type: Any = None) -> Any:
        return ImmediateSettlementModel()


class _IndianBrokerageModel(_BrokerModel):
    """A broker of Indian shares: leverage 5 on margin."""

    _markets = markets_with(equity="india")
    _times_in_force: ClassVar[tuple[str, ...]] = (
        "GoodTilCanceledTimeInForce",
        "DayTimeInForce",
        "GoodTilDateTimeInForce",
    )

    def _get_leverage(self, security: Any) -> Decimal:
        if (
            self.account_type == AccountType.CASH
            or security._is_internal_feed()
            or security.type == SecurityType.BASE
        ):
            return ONE
        if security.type in (SecurityType.EQUITY, SecurityType.INDEX):
            return Decimal(5)
        raise ArgumentException(f"Invalid security type: {pascal(security.type)}")

    def can_execute_order(self, security: Any, order: Any) -> bool:
        return security.type in self._securities and _tif(order) in self._times_in_force

    def can_submit_order(self, security: Any, order: Any, message: Any = None) -> Answer:
        answer = self._judge_kinds(security, order)
        if answer[0] and _tif(order) not in self._times_in_force:
            return unsupported_time_in_force(self, order)
        return answer


class ZerodhaBrokerageModel(_IndianBrokerageModel):
    """Zerodha."""

    _order_types = _LIMIT_FIRST
    _fee_type = ZerodhaFeeModel


class SamcoBrokerageModel(_IndianBrokerageModel):
    """Samco."""

    _markets = markets_with(equity="india", future="india", option="india")
    _securities = (SecurityType.EQUITY, SecurityType.OPTION, SecurityType.FUTURE)
    _order_types = (OrderType.MARKET, OrderType.LIMIT, OrderType.STOP_MARKET)
    _fee_type = SamcoFeeModel

    def get_benchmark(self, securities: Any) -> Any:
        return _benchmark(securities, "NIFTYBEES", SecurityType.EQUITY, "india")


class TerminalLinkBrokerageModel(_BrokerModel):
    """Bloomberg's TerminalLink: no updates; fees as the default model's."""

    _securities = (
        SecurityType.EQUITY,
        SecurityType.OPTION,
        SecurityType.INDEX_OPTION,
        SecurityType.FUTURE,
    )
    _order_types: ClassVar[tuple[OrderType, ...]] = (
        OrderType.MARKET,
        OrderType.MARKET_ON_OPEN,
        OrderType.LIMIT,
        OrderType.STOP_MARKET,
        OrderType.STOP_LIMIT,
    )

    def get_fee_model(self, security: Any) -> Any:
        return DefaultBrokerageModel.get_fee_model(self, security)

    def can_update_order(
        self, security: Any, order: Any, request: Any, message: Any = None
    ) -> Answer:
        return refuse(UPDATE_NOT_SUPPORTED)


class BloombergFixBrokerageModel(TerminalLinkBrokerageModel):
    """Bloomberg over FIX: updates allowed, margin accounts."""

    _order_types = (
        OrderType.MARKET,
        OrderType.MARKET_ON_OPEN,
        OrderType.MARKET_ON_CLOSE,
        OrderType.LIMIT,
        OrderType.STOP_MARKET,
        OrderType.STOP_LIMIT,
    )

    def __init__(self, account_type: Any = None) -> None:
        super().__init__(account_type)
        if self._account_type == AccountType.CASH:
            raise NotImplementedError(
                "Bloomberg FIX brokerage can only be used with a Margin account type"
            )

    def can_update_order(
        self, security: Any, order: Any, request: Any, message: Any = None
    ) -> Answer:
        return ACCEPTED


class TradingTechnologiesBrokerageModel(DefaultBrokerageModel):
    """Refused at construction: it trades only futures, which the engine does not have."""

    def __init__(self, account_type: Any = None) -> None:
        raise EngineUnsupported(
            "engine does not implement TradingTechnologiesBrokerageModel: it has no futures; use "
            "lean backtest"
        )

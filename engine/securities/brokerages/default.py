"""The brokerage model that allows nearly everything, and the base of all others."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from engine.securities.benchmarks import FuncBenchmark, SecurityBenchmark
from engine.securities.brokerages.messages import BrokerageMessageEvent, refuse
from engine.securities.buying_power import SecurityMarginModel
from engine.securities.cash_buying_power import CashBuyingPowerModel
from engine.securities.fees.base import ConstantFeeModel
from engine.securities.fees.interactive_brokers import InteractiveBrokersFeeModel
from engine.securities.margin_interest import MarginInterestRateModel
from engine.securities.native import LeanModel
from engine.securities.security import Equity
from engine.securities.settlement import DelayedSettlementModel, ImmediateSettlementModel
from engine.securities.shortable import NullShortableProvider
from engine.securities.slippage import NullSlippageModel
from engine.types.decimals import ONE, ZERO, plain
from engine.types.enums import AccountType, OrderField, OrderType, SecurityType
from engine.types.symbol import Symbol

Answer = tuple[bool, "BrokerageMessageEvent | None"]
ACCEPTED: Answer = (True, None)

DEFAULT_MARKETS: dict[SecurityType, str] = {
    SecurityType.BASE: "usa",
    SecurityType.EQUITY: "usa",
    SecurityType.OPTION: "usa",
    SecurityType.FUTURE: "cme",
    SecurityType.FUTURE_OPTION: "cme",
    SecurityType.FOREX: "oanda",
    SecurityType.CFD: "oanda",
    SecurityType.CRYPTO: "coinbase",
    SecurityType.CRYPTO_FUTURE: "binance",
    SecurityType.INDEX: "usa",
    SecurityType.INDEX_OPTION: "usa",
}
_LEVERAGE = {
    SecurityType.EQUITY: Decimal(2),
    SecurityType.FOREX: Decimal(50),
    SecurityType.CFD: Decimal(50),
    SecurityType.CRYPTO_FUTURE: Decimal(25),
}
_CURRENCIES = (SecurityType.CRYPTO, SecurityType.FOREX)
_BROKER_FEES = (
    SecurityType.EQUITY,
    SecurityType.OPTION,
    SecurityType.FUTURE,
    SecurityType.FUTURE_OPTION,
)
_LIMITED = (OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.LIMIT_IF_TOUCHED)
_STOPPED = (OrderType.STOP_MARKET, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)


def default_fill_model(security: Any) -> Any:
    """Return the fill model of a kind of security: shares have their own."""
    from engine.orders.fills import EquityFillModel, ImmediateFillModel

    return EquityFillModel() if security.type == SecurityType.EQUITY else ImmediateFillModel()


def is_valid_order_size(security: Any, quantity: Decimal) -> Answer:
    """Refuse quantities under the least one of the symbol properties."""
    least = security.symbol_properties._minimum_order_size
    if least is not None and abs(quantity) < least:
        return refuse(
            f"The minimum order size (in quote currency) for {security.symbol.value} is "
            f"{plain(least)}. "
            f"Order quantity was {plain(quantity)}."
        )
    return ACCEPTED


class DefaultBrokerageModel(LeanModel):
    """LEAN's default: leverage 2 for shares and 50 for pairs, fees of Interactive Brokers for
    shares, none else.

    Parameters
    ----------
    account_type : margin (default) or cash; in a cash account shares settle after a day and coins
        need cash.
    """

    DEFAULT_MARKET_MAP: ClassVar[dict[SecurityType, str]] = DEFAULT_MARKETS
    _account_type = AccountType.MARGIN
    _markets: ClassVar[dict[SecurityType, str]] = DEFAULT_MARKETS

    def __init__(self, account_type: Any = None) -> None:
        if account_type is not None:
            self._account_type = AccountType(account_type)

    @property
    def account_type(self) -> AccountType:
        return self._account_type

    @property
    def required_free_buying_power_percent(self) -> float:
        return 0.0

    @property
    def default_markets(self) -> dict[SecurityType, str]:
        return self._markets

    # -- orders --------------------------------------------------------------------------------

    def can_submit_order(self, security: Any, order: Any, message: Any = None) -> Answer:
        """Return ``(accepted, None or the reason)``; asked after the buying power was found
        enough.
        """
        return ACCEPTED

    def can_update_order(
        self, security: Any, order: Any, request: Any, message: Any = None
    ) -> Answer:
        """Return ``(accepted, None or the reason)`` for an update request."""
        return ACCEPTED

    def can_execute_order(self, security: Any, order: Any) -> bool:
        """Whether the order may fill now."""
        return True

    def apply_split(self, tickets: list[Any], split: Any) -> None:
        """Adjust open orders to a split: quantities are cut towards zero, prices multiplied."""
        from engine.orders.requests import UpdateOrderFields

        factor: Decimal = split._split_factor
        for ticket in tickets:
            fields = UpdateOrderFields()
            fields.quantity = int(ticket._quantity / factor)
            kind = ticket.order_type
            if kind in _LIMITED:
                fields.limit_price = ticket._get(OrderField.LIMIT_PRICE) * factor
            if kind in _STOPPED:
                fields.stop_price = ticket._get(OrderField.STOP_PRICE) * factor
            if kind == OrderType.LIMIT_IF_TOUCHED:
                fields.trigger_price = ticket._get(OrderField.TRIGGER_PRICE) * factor
            if kind == OrderType.TRAILING_STOP and not ticket._get(
                OrderField.TRAILING_AS_PERCENTAGE
            ):
                fields.trailing_amount = ticket._get(OrderField.TRAILING_AMOUNT) * factor
            ticket.update(fields)

    # -- models --------------------------------------------------------------------------------

    def get_leverage(self, security: Any) -> float:
        return float(self._native._get_leverage(self, security))

    def _get_leverage(self, security: Any) -> Decimal:
        if self.account_type == AccountType.CASH:
            return ONE
        return _LEVERAGE.get(security.type, ONE)

    def get_benchmark(self, securities: Any) -> Any:
        return _benchmark(securities, "SPY", SecurityType.EQUITY, "usa")

    def get_fill_model(self, security: Any) -> Any:
        return default_fill_model(security)

    def get_fee_model(self, security: Any) -> Any:
        if security.type in _BROKER_FEES:
            return InteractiveBrokersFeeModel()
        return ConstantFeeModel(0)

    def get_slippage_model(self, security: Any) -> Any:
        return NullSlippageModel.INSTANCE

    def get_settlement_model(self, security: Any, _account_type: Any = None) -> Any:
        if self.account_type == AccountType.CASH and security.type == SecurityType.EQUITY:
            return DelayedSettlementModel(
                Equity.default_settlement_days, Equity.DEFAULT_SETTLEMENT_TIME
            )
        return ImmediateSettlementModel()

    def get_buying_power_model(self, security: Any, _account_type: Any = None) -> Any:
        if self.account_type == AccountType.CASH and security.type in _CURRENCIES:
            return CashBuyingPowerModel()
        return SecurityMarginModel(self._native._get_leverage(self, security), ZERO)

    def get_margin_interest_rate_model(self, security: Any) -> Any:
        return MarginInterestRateModel.NULL

    def get_shortable_provider(self, security: Any) -> Any:
        return NullShortableProvider.INSTANCE

    @staticmethod
    def is_valid_order_size(security: Any, order_quantity: Any, message: Any = None) -> Answer:
        from engine.orders.exact import from_python

        return is_valid_order_size(security, from_python(order_quantity))


def _benchmark(securities: Any, ticker: str, kind: SecurityType, market: str) -> Any:
    symbol = Symbol.create(ticker, kind, market)
    return SecurityBenchmark.create_instance(securities, symbol)


def no_benchmark() -> FuncBenchmark:
    """Return the benchmark that is always zero: nothing is subscribed for it."""
    return FuncBenchmark(lambda _: 0)


def markets_with(**changes: str) -> dict[SecurityType, str]:
    """Return the default markets with some changed."""
    return DEFAULT_MARKETS | {SecurityType[name.upper()]: m for name, m in changes.items()}

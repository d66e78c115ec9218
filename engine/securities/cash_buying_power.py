"""Cash accounts: one buys with the quote currency one has and sells the coins one has."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.orders.exact import from_python
from engine.securities.buying_power import (
    BuyingPowerModel,
    fee_in_account_currency,
    zero_price_message,
)
from engine.securities.fees.base import OrderFeeParameters
from engine.securities.native import method
from engine.securities.order_values import own_price
from engine.securities.parameters import (
    BuyingPower,
    BuyingPowerParameters,
    GetMaximumOrderQuantityForTargetBuyingPowerParameters,
    GetMaximumOrderQuantityResult,
    HasSufficientBuyingPowerForOrderParameters,
    HasSufficientBuyingPowerForOrderResult,
    InitialMargin,
    InitialMarginParameters,
    ReservedBuyingPowerForPosition,
    ReservedBuyingPowerForPositionParameters,
)
from engine.statistics.arithmetic import divide, fit
from engine.types.decimals import ONE, ZERO, normalize, plain
from engine.types.enums import OrderDirection, OrderType, SecurityType
from engine.types.errors import ArgumentException, InvalidOperationException


def _number(value: Decimal) -> str:
    return plain(normalize(fit(value)))


def _price_of(security: Any, order: Any) -> Decimal:
    """Return the price at which an order reserves money; orders at the open or close reserve
    none.
    """
    if order.type == OrderType.MARKET:
        price: Decimal = security._price
        return price
    return own_price(order) or ZERO


def _reserved(portfolio: Any, security: Any, order: Any) -> Decimal:
    """Return what other open limit and stop orders already claim of the currency that an order
    spends.
    """
    buys = order.direction == OrderDirection.BUY
    currency = security.quote_currency.symbol if buys else security.base_currency.symbol
    spends: dict[Any, OrderDirection] = {}
    for other in portfolio.securities.values():
        base = getattr(other, "base_currency", None) if _is_pair(other) else None
        if base is None:
            continue
        if base.symbol == currency:
            spends[other.symbol] = OrderDirection.SELL
        elif other.quote_currency.symbol == currency:
            spends[other.symbol] = OrderDirection.BUY
    total = ZERO
    for other_order in portfolio.transactions.get_open_orders():
        if (
            other_order.id == order.id
            or other_order.type not in (OrderType.LIMIT, OrderType.STOP_MARKET)
            or spends.get(other_order.symbol) != other_order.direction
        ):
            continue
        amount = abs(other_order._quantity)
        if portfolio.securities[other_order.symbol].quote_currency.symbol == currency:
            amount = amount * _price_of(security, other_order)
        total = total + amount
    return total


def _is_pair(security: Any) -> bool:
    return security.type in (SecurityType.CRYPTO, SecurityType.FOREX, SecurityType.CRYPTO_FUTURE)


class CashBuyingPowerModel(BuyingPowerModel):
    """No leverage, no shorts, open orders reserve what they will spend; for coins and currency
    pairs.
    """

    _initial = ONE
    _maintenance = ZERO

    def __init__(self) -> None:
        super().__init__(1, 0, 0)

    def _get_leverage(self, security: Any) -> Decimal:
        return ONE

    def set_leverage(self, security: Any, leverage: Any) -> None:
        if from_python(leverage) != ONE:
            raise InvalidOperationException(
                "CashBuyingPowerModel does not allow setting leverage. Cash accounts have no "
                "leverage."
            )

    def get_initial_margin_requirement(self, parameters: InitialMarginParameters) -> InitialMargin:
        security = parameters.security
        return InitialMargin(
            security.quote_currency._conversion_rate
            * security.symbol_properties._contract_multiplier
            * security._price
            * parameters._quantity
        )

    def get_reserved_buying_power_for_position(
        self, parameters: ReservedBuyingPowerForPositionParameters
    ) -> ReservedBuyingPowerForPosition:
        return ReservedBuyingPowerForPosition(ZERO)

    def get_buying_power(self, parameters: BuyingPowerParameters) -> BuyingPower:
        security = parameters.security
        rate = security.quote_currency._conversion_rate
        price = security._price * rate * security.symbol_properties._contract_multiplier
        price = price / rate if rate else ZERO
        if not _is_pair(security) or not price:
            return BuyingPower(ZERO)
        if parameters.direction == OrderDirection.BUY:
            book = parameters.portfolio.cash_book
            return BuyingPower(book[security.quote_currency.symbol]._amount / price)
        if parameters.direction == OrderDirection.SELL:
            return BuyingPower(security.base_currency._amount)
        return BuyingPower(ZERO)

    def has_sufficient_buying_power_for_order(
        self, parameters: HasSufficientBuyingPowerForOrderParameters
    ) -> HasSufficientBuyingPowerForOrderResult:
        security, order, portfolio = parameters.security, parameters.order, parameters.portfolio
        if not _is_pair(security):
            return parameters.insufficient(
                f"The '{security.symbol.value}' security is not supported by this cash model. "
                "Currently only Crypto and Forex are supported."
            )
        size = abs(order._quantity)
        reserved = _reserved(portfolio, security, order)
        coin, quote = security.base_currency, security.quote_currency
        if order.direction != OrderDirection.BUY:
            if size <= coin._amount - reserved:
                return parameters.sufficient()
            return parameters.insufficient(
                f"Your portfolio holds {_number(coin._amount)} {coin.symbol}, {_number(reserved)} "
                f"{coin.symbol} "
                "of which are reserved for open orders, but your Sell order is for "
                f"{_number(size)} {coin.symbol}. "
                "Cash Modeling trading does not permit short holdings so ensure you only sell what "
                "you have, including "
                "any additional open orders."
            )
        needed = size * _price_of(security, order)
        if order.type == OrderType.MARKET:
            available = abs(self._affordable(portfolio, security, quote._amount - reserved))
            available = available * _price_of(security, order)
        else:
            charge = ZERO
            if order.type == OrderType.LIMIT:
                fee = method(security.fee_model, "get_order_fee")(
                    OrderFeeParameters(security, order)
                ).value
                charge = portfolio.cash_book._convert(fee._amount, fee.currency, quote.symbol)
            available = quote._amount - reserved - charge
        if needed <= available:
            return parameters.sufficient()
        return parameters.insufficient(
            f"Your portfolio holds {_number(quote._amount)} {quote.symbol}, {_number(reserved)} "
            f"{quote.symbol} of "
            f"which are reserved for open orders, but your Buy order is for {_number(size)} "
            f"{coin.symbol}. Your order "
            f"requires a total value of {_number(needed)} {quote.symbol}, but only a total value "
            "of "
            f"{_number(abs(available))} {quote.symbol} is available."
        )

    def _affordable(self, portfolio: Any, security: Any, free: Decimal) -> Decimal:
        """Return the quantity that all of the free quote currency can buy at the market."""
        book = portfolio.cash_book
        coin, quote = security.base_currency, security.quote_currency
        held = book._convert(coin._amount, coin.symbol, quote.symbol)
        value = portfolio._total_portfolio_value
        worth = book._to_account(free + held, quote.symbol)
        target = divide(worth, value) if value else ZERO
        result = self._native.get_maximum_order_quantity_for_target_buying_power(
            self,
            GetMaximumOrderQuantityForTargetBuyingPowerParameters(
                portfolio, security, target, ZERO
            ),
        )
        quantity: Decimal = result._quantity
        return quantity

    def get_maximum_order_quantity_for_delta_buying_power(
        self, parameters: Any
    ) -> GetMaximumOrderQuantityResult:
        raise NotImplementedError(
            "The CashBuyingPowerModel does not require "
            "'GetMaximumOrderQuantityForDeltaBuyingPower'."
        )

    def get_maximum_order_quantity_for_target_buying_power(
        self, parameters: GetMaximumOrderQuantityForTargetBuyingPowerParameters
    ) -> GetMaximumOrderQuantityResult:
        """Return the order that brings the coin to a fraction of the portfolio value, fee
        included.
        """
        from engine.orders.kinds import MarketOrder

        portfolio, security = parameters.portfolio, parameters.security
        wanted = parameters._target_buying_power * portfolio._total_portfolio_value
        if wanted < 0:
            return GetMaximumOrderQuantityResult(ZERO, "The cash model does not allow shorting.")
        if not _is_pair(security):
            return GetMaximumOrderQuantityResult(ZERO, "The security type must be Cryptoor Forex.")
        coin = security.base_currency
        if not wanted:
            return GetMaximumOrderQuantityResult(-coin._amount)
        book = portfolio.cash_book
        held = book._to_account(coin._amount, coin.symbol)
        target = abs(wanted - held)
        buys = wanted > held
        properties = security.symbol_properties
        lot: Decimal = properties._lot_size
        unit = security._ask_price if buys else security._bid_price
        rate = security.quote_currency._conversion_rate
        unit = unit * (rate * properties._contract_multiplier)
        if not unit:
            return GetMaximumOrderQuantityResult(ZERO, self._no_price(security, portfolio, rate))
        quantity = divide(target, unit)
        quantity = quantity - quantity % lot
        too_small = (
            f"The order quantity is less than the lot size of {plain(lot)} "
            "and has been rounded to zero."
        )
        if not quantity:
            silent = parameters.silence_non_error_reasons
            return GetMaximumOrderQuantityResult(ZERO, None if silent else too_small, False)
        last = worth = fees = ZERO
        while True:
            if worth > target:
                per_unit = divide(worth, quantity)
                quantity = quantity - max(divide(worth - target, per_unit), lot)
            quantity = quantity - quantity % lot
            if quantity <= 0:
                return GetMaximumOrderQuantityResult(
                    ZERO,
                    f"{too_small}Target order value {plain(target)}. Order fees {plain(fees)}. "
                    f"Order quantity {plain(quantity)}.",
                )
            if last == quantity:
                raise ArgumentException(
                    "GetMaximumOrderQuantityForTargetBuyingPower failed to converge to target "
                    "order value "
                    f"{plain(target)}. Current order value is {plain(worth)}. Order quantity "
                    f"{plain(quantity)}. Lot "
                    f"size is {plain(lot)}. Order fees {plain(fees)}. Security symbol "
                    f"{security.symbol}"
                )
            last = quantity
            order = MarketOrder(security.symbol, quantity, security._utc_time)
            fees = fee_in_account_currency(book, security, order)
            worth = quantity * unit + fees
            if worth <= target:
                return GetMaximumOrderQuantityResult(quantity if buys else -quantity)

    @staticmethod
    def _no_price(security: Any, portfolio: Any, rate: Decimal) -> str:
        if not rate:
            return (
                f"The internal cash feed required for converting {security.quote_currency.symbol} "
                "to "
                f"{portfolio.cash_book.account_currency} does not have any data yet (or market may "
                "be closed)."
            )
        if not security.symbol_properties._contract_multiplier:
            return (
                f"The contract multiplier for the {security.symbol.value} security is zero. "
                "The symbol properties database may be out of date."
            )
        return zero_price_message(security.symbol)

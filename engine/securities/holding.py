"""What the account holds of one security."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.orders.exact import from_python
from engine.securities.cash import CashAmount, ConvertibleCashAmount
from engine.securities.native import exact, method
from engine.securities.touches import TOUCHES
from engine.types.decimals import (
    NOT_SEEN,
    ZERO,
    DecimalField,
    plain,
    round_half_even,
    seen,
    seen_once,
)
from engine.types.dotnet import Event, LeanObject
from engine.types.enums import SecurityType
from engine.types.symbol import Symbol


class SecurityHoldingQuantityChangedEventArgs(LeanObject):
    """What ``quantity_changed`` tells: the security and what was held before."""

    __slots__ = ("_previous_average_price", "_previous_quantity", "security")

    previous_average_price = DecimalField()
    previous_quantity = DecimalField()

    def __init__(self, security: Any, price: Decimal, quantity: Decimal) -> None:
        self.security = security
        self._previous_average_price = price
        self._previous_quantity = quantity


class SecurityHolding(LeanObject):
    """Quantity, average price and results of a position.

    Money is in the account currency, ``average_price`` and ``price`` in the quote currency.
    """

    _quantity: Decimal = ZERO
    _average_price: Decimal = ZERO
    _shown_average = NOT_SEEN
    _total_sale_volume: Decimal = ZERO
    _trade_profit: Decimal = ZERO
    _last_trade_profit: Decimal = ZERO
    _total_fees: Decimal = ZERO
    _total_dividends: Decimal = ZERO
    _set_price: Decimal | None = None
    # the quantity as it is shown: algorithms ask for it at every bar
    _shown_quantity: float = 0.0

    def __init__(self, security: Any, currency_converter: Any = None) -> None:
        if isinstance(security, SecurityHolding):
            self.__dict__.update(security.__dict__)
            return
        self._security = security
        self._converter = currency_converter
        self.quantity_changed = Event()
        self.target: Any = None
        self.invested = False

    @property
    def symbol(self) -> Symbol:
        return self._security.symbol

    @property
    def type(self) -> SecurityType:
        return self._security.type

    @property
    def hold_stock(self) -> bool:
        return self.invested

    @property
    def _leverage(self) -> Decimal:
        return exact(self._security.buying_power_model, "get_leverage", self._security)

    @property
    def _price(self) -> Decimal:
        price = self._set_price
        return self._security.cache._price if price is None else price

    @property
    def _holdings_cost(self) -> Decimal:
        if not self._quantity:
            return ZERO
        return self._value(self._quantity, self._average_price)._in_account_currency

    @property
    def _holdings_value(self) -> Decimal:
        quantity = self._quantity
        if not quantity:
            return ZERO
        security = self._security
        amount = self._price * quantity * security.symbol_properties._contract_multiplier
        return amount * security.quote_currency._conversion._conversion_rate

    @property
    def _unlevered_holdings_cost(self) -> Decimal:
        return self._holdings_cost / self._leverage

    _absolute_holdings_cost = property(lambda self: abs(self._holdings_cost))
    _absolute_holdings_value = property(lambda self: abs(self._holdings_value))
    _unlevered_absolute_holdings_cost = property(lambda self: abs(self._unlevered_holdings_cost))
    _absolute_quantity = property(lambda self: abs(self._quantity))
    _profit = property(lambda self: self._trade_profit + self._total_dividends)
    _net_profit = property(lambda self: self._profit - self._total_fees)

    @property
    def _unrealized_profit(self) -> Decimal:
        return self._close_profit()

    @property
    def _unrealized_profit_percent(self) -> Decimal:
        cost = self._absolute_holdings_cost
        return self._unrealized_profit / cost if cost else ZERO

    @property
    def quantity(self) -> float:
        return self._shown_quantity

    average_price = seen_once("_average_price", "_shown_average")
    price = seen("_price")
    leverage = seen("_leverage")
    holdings_cost = seen("_holdings_cost")
    unlevered_holdings_cost = seen("_unlevered_holdings_cost")
    absolute_holdings_cost = seen("_absolute_holdings_cost")
    unlevered_absolute_holdings_cost = seen("_unlevered_absolute_holdings_cost")
    holdings_value = seen("_holdings_value")
    absolute_holdings_value = seen("_absolute_holdings_value")
    absolute_quantity = seen("_absolute_quantity")
    total_sale_volume = seen("_total_sale_volume")
    total_fees = seen("_total_fees")
    total_dividends = seen("_total_dividends")
    last_trade_profit = seen("_last_trade_profit")
    profit = seen("_profit")
    net_profit = seen("_net_profit")
    unrealized_profit = seen("_unrealized_profit")
    unrealized_profit_percent = seen("_unrealized_profit_percent")

    @property
    def is_long(self) -> bool:
        return self._quantity > 0

    @property
    def is_short(self) -> bool:
        return self._quantity < 0

    def add_new_fee(self, new_fee: Any) -> None:
        self._total_fees = self._total_fees + from_python(new_fee)

    def add_new_profit(self, profit_loss: Any) -> None:
        self._trade_profit = self._trade_profit + from_python(profit_loss)

    def add_new_sale(self, sale_value: Any) -> None:
        self._total_sale_volume = self._total_sale_volume + from_python(sale_value)

    def add_new_dividend(self, dividend: Any) -> None:
        self._total_dividends = self._total_dividends + from_python(dividend)

    def set_last_trade_profit(self, last_trade_profit: Any) -> None:
        self._last_trade_profit = from_python(last_trade_profit)

    def set_holdings(self, average_price: Any, quantity: Any) -> None:
        """Put a position in place; nothing is paid for it."""
        before_price, before = self._average_price, self._quantity
        if type(quantity) is not Decimal or type(average_price) is not Decimal:
            quantity, average_price = from_python(quantity), from_python(average_price)
        self._quantity = quantity
        self._shown_quantity = float(quantity)
        self._average_price = average_price
        self.invested = abs(quantity) >= self._security.symbol_properties._lot_size
        event = self.quantity_changed
        if event:
            changed = SecurityHoldingQuantityChangedEventArgs(self._security, before_price, before)
            event(self, changed)

    def update_market_price(self, closing_price: Any) -> None:
        """Set the price by hand; it stays until the security's next data."""
        TOUCHES.count += 1
        self._set_price = from_python(closing_price)

    def _value(self, quantity: Decimal, price: Decimal) -> ConvertibleCashAmount:
        security = self._security
        amount = price * quantity * security.symbol_properties._contract_multiplier
        return ConvertibleCashAmount(amount, security.quote_currency)

    def get_quantity_value(self, quantity: Any, price: Any = None) -> ConvertibleCashAmount:
        """Return the value of a quantity at a price (the last one, when none is given)."""
        return self._value(
            from_python(quantity), self._price if price is None else from_python(price)
        )

    def _liquidation_fee(self, quantity: Decimal) -> CashAmount:
        from engine.orders.kinds import MarketOrder
        from engine.securities.fees.base import OrderFeeParameters

        security = self._security
        order = MarketOrder(security.symbol, -quantity, security._utc_time)
        fee = method(security.fee_model, "get_order_fee")(OrderFeeParameters(security, order))
        return fee.value

    def _close_profit(
        self,
        include_fees: bool = True,
        exit_price: Decimal | None = None,
        entry_price: Decimal | None = None,
        quantity: Decimal | None = None,
    ) -> Decimal:
        if quantity is None:
            if not self.invested:
                return ZERO
            quantity = self._quantity
        fees = ZERO
        if include_fees:
            fee = self._liquidation_fee(quantity)
            fees = self._converter._to_account(fee._amount, fee.currency)
        security = self._security
        price = security._bid_price if self._quantity > 0 else security._ask_price
        if not price:
            price = security._price
        entry = self._average_price if entry_price is None else entry_price
        paid = self._value(quantity, entry)._in_account_currency
        gets = self._value(quantity, price if exit_price is None else exit_price)
        return gets._in_account_currency - paid - fees

    def total_close_profit(
        self,
        include_fees: bool = True,
        exit_price: Any = None,
        entry_price: Any = None,
        quantity: Any = None,
    ) -> float:
        """Return what closing now at the market would bring, in the account currency."""
        numbers = [
            None if x is None else from_python(x) for x in (exit_price, entry_price, quantity)
        ]
        return float(self._close_profit(include_fees, *numbers))

    def __str__(self) -> str:
        return f"{self.symbol.value}: {plain(self._quantity)} @ {plain(self._average_price)}"


class EquityHolding(SecurityHolding):
    """A position in shares."""


class CryptoHolding(SecurityHolding):
    """A position in a coin pair."""


class CfdHolding(SecurityHolding):
    """A position in a contract for difference."""


class IndexHolding(SecurityHolding):
    """Nothing: an index cannot be held."""


class ForexHolding(SecurityHolding):
    """A position in a currency pair."""

    def total_close_profit_pips(self) -> float:
        """Return the profit of closing in pips of the pair."""
        security = self._security
        pip = security.symbol_properties._minimum_price_variation * 10
        worth = pip * abs(self._quantity) * security.quote_currency._conversion_rate
        return float(round_half_even(self._close_profit() / worth, 1))

"""What a fill does to cash and holdings."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.securities.cash import CashAmount, ConvertibleCashAmount
from engine.securities.native import LeanModel, method
from engine.securities.settlement import (
    ApplyFundsSettlementModelParameters,
    ImmediateSettlementModel,
)
from engine.statistics.arithmetic import divide
from engine.types.decimals import ZERO
from engine.types.enums import SecurityType
from engine.types.timezones import aware

_NO_CASH_FOR_VALUE = (SecurityType.FUTURE, SecurityType.CFD, SecurityType.CRYPTO_FUTURE)
_MOVES_BASE = (SecurityType.FOREX, SecurityType.CRYPTO)
_AT_ONCE = ImmediateSettlementModel.apply_funds


class SecurityPortfolioModel(LeanModel):
    """LEAN's accounting: first in, averaged, profit booked when the position shrinks."""

    def process_fill(self, portfolio: Any, security: Any, fill: Any) -> None:
        """Book a fill: sale volume, fee, cash, profit, then quantity and average price.

        Parameters
        ----------
        portfolio : the account.
        security : of the fill.
        fill : ``OrderEvent`` with ``_fill_quantity``, ``_fill_price``, ``order_fee``.
        """
        holdings = security.holdings
        quote = security.quote_currency
        quantity: Decimal = holdings._quantity
        average: Decimal = holdings._average_price
        filled: Decimal = fill._fill_quantity
        price: Decimal = fill._fill_price

        sale = holdings._value(abs(filled), price)
        holdings.add_new_sale(sale._in_account_currency)

        fee = ZERO
        order_fee = fill.order_fee
        if order_fee is not None and order_fee.value._amount:
            money = order_fee.value
            fee = portfolio.cash_book._to_account(money._amount, money.currency)
            holdings.add_new_fee(fee)
            order_fee.apply_to_portfolio(portfolio, fill)

        if security.type not in _NO_CASH_FOR_VALUE:
            paid = -filled * price * security.symbol_properties._contract_multiplier
            self._settle(portfolio, security, fill, CashAmount(paid, quote.symbol))
        if security.type in _MOVES_BASE:
            base = CashAmount(filled, security.base_currency.symbol)
            self._settle(portfolio, security, fill, base)

        if (quantity > 0 and filled < 0) or (quantity < 0 and filled > 0):
            profit = self._close(portfolio, security, fill)._in_account_currency
            holdings.add_new_profit(profit)
            holdings.set_last_trade_profit(profit)
            result = profit - 2 * fee
            portfolio._add_transaction_record(security._utc_time, result, result > 0)

        after = quantity + filled
        if not after:
            # .NET's sum of opposite numbers is a zero with the sign of the first
            after = after.copy_sign(quantity)
        if not quantity:
            average = price
        elif (quantity > 0) == (filled > 0):
            if filled:
                average = divide(average * quantity + filled * price, after)
        elif not after:
            average = ZERO
        elif (after > 0) != (quantity > 0):
            average = price
        holdings.set_holdings(average, after)

    @staticmethod
    def _settle(portfolio: Any, security: Any, fill: Any, money: Any) -> None:
        model = security.settlement_model
        if (
            getattr(type(model), "apply_funds", None) is _AT_ONCE
            and "apply_funds" not in model.__dict__
        ):
            # what the stock model does, without the record that users see
            portfolio.cash_book[money.currency].add_amount(money._amount)
            return
        method(model, "apply_funds")(
            ApplyFundsSettlementModelParameters(
                portfolio, security, aware(fill._utc_time), money, fill
            )
        )

    def _close(self, portfolio: Any, security: Any, fill: Any) -> ConvertibleCashAmount:
        """Return the profit of the part that a fill closes; contracts for difference settle it
        now.
        """
        holdings = security.holdings
        filled: Decimal = fill._fill_quantity
        closed = min(abs(filled), abs(holdings._quantity))
        if filled > 0:
            closed = -closed
        cost = holdings._value(closed, holdings._average_price)
        sale = holdings._value(closed, fill._fill_price)
        profit = ConvertibleCashAmount(sale._amount - cost._amount, sale.cash)
        if security.type in _NO_CASH_FOR_VALUE:
            settled = CashAmount(profit._amount, profit.cash.symbol)
            self._settle(portfolio, security, fill, settled)
        return profit

"""What a fill does to cash and holdings."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.securities.cash import CashAmount
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
        multiplier = security.symbol_properties._contract_multiplier

        sale = price * abs(filled) * multiplier
        holdings._total_sale_volume += sale * quote._conversion._conversion_rate

        fee = ZERO
        order_fee = fill.order_fee
        if order_fee is not None and order_fee.value._amount:
            money = order_fee.value
            fee = portfolio.cash_book._to_account(money._amount, money.currency)
            holdings._total_fees += fee
            order_fee.apply_to_portfolio(portfolio, fill)

        if security.type not in _NO_CASH_FOR_VALUE:
            paid = -filled * price * multiplier
            self._settle(portfolio, security, fill, paid, quote.symbol)
        if security.type in _MOVES_BASE:
            self._settle(portfolio, security, fill, filled, security.base_currency.symbol)

        if (quantity > 0 and filled < 0) or (quantity < 0 and filled > 0):
            profit = self._close(portfolio, security, fill) * quote._conversion._conversion_rate
            holdings._trade_profit += profit
            holdings._last_trade_profit = profit
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
    def _settle(portfolio: Any, security: Any, fill: Any, amount: Decimal, currency: str) -> None:
        model = security.settlement_model
        if (
            getattr(type(model), "apply_funds", None) is _AT_ONCE
            and "apply_funds" not in model.__dict__
        ):
            # what the stock model does, without the record that users see
            portfolio.cash_book[currency]._add(amount)
            return
        money = CashAmount(amount, currency)
        method(model, "apply_funds")(
            ApplyFundsSettlementModelParameters(
                portfolio, security, aware(fill._utc_time), money, fill
            )
        )

    def _close(self, portfolio: Any, security: Any, fill: Any) -> Decimal:
        """Return the profit, in quote currency, of the part that a fill closes; contracts for
        difference settle it now.
        """
        holdings = security.holdings
        filled: Decimal = fill._fill_quantity
        closed = min(abs(filled), abs(holdings._quantity))
        if filled > 0:
            closed = -closed
        multiplier = security.symbol_properties._contract_multiplier
        cost: Decimal = holdings._average_price * closed * multiplier
        sale: Decimal = fill._fill_price * closed * multiplier
        profit = sale - cost
        if security.type in _NO_CASH_FOR_VALUE:
            self._settle(portfolio, security, fill, profit, security.quote_currency.symbol)
        return profit

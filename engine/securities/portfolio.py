"""``self.portfolio``: the account."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.orders.exact import from_python
from engine.securities.cash import Cash, CashBook
from engine.securities.holding import SecurityHolding
from engine.securities.manager import SecurityManager
from engine.securities.margin_call import DefaultMarginCallModel, adopt_margin_call_model
from engine.securities.native import method
from engine.securities.parameters import (
    HasSufficientBuyingPowerForOrderParameters,
    HasSufficientBuyingPowerForOrderResult,
)
from engine.securities.positions import SecurityPositionGroupModel, maintenance_margin_of
from engine.securities.security import Security
from engine.types.bars import Dividend, Split
from engine.types.decimals import NOT_SEEN, ZERO, plain, seen, seen_once, to_decimal, truncate
from engine.types.dotnet import SymbolDict
from engine.types.enums import (
    CashBookUpdateType,
    DataNormalizationMode,
    OrderDirection,
    SecurityType,
)
from engine.types.errors import InvalidOperationException
from engine.types.symbol import Symbol

# the cash book has the value of pairs; of contracts only the open profit is the account's
_IN_CASH_BOOK = (SecurityType.FOREX, SecurityType.CRYPTO)
_BY_PROFIT = (SecurityType.CFD, SecurityType.CRYPTO_FUTURE, SecurityType.FUTURE)


_UNKNOWN: tuple[Any, Any, Any] = (None, None, None)


class _Part:
    """A holding in the value: the price it was counted at, its worth (and size) at that price."""

    __slots__ = (
        "holding", "made_of", "model", "price", "rate", "security", "size", "worth",
    )  # fmt: skip

    def __init__(self, security: Security, holding: SecurityHolding) -> None:
        self.security = security
        self.holding = holding
        self.price = self.worth = self.size = ZERO
        # quantity, multiplier and rate that the worth was made of
        self.made_of = _UNKNOWN
        # the margin model, once it was seen to be the engine's own, and its rate
        self.model: Any = None
        self.rate: Any = None

    def value(self, price: Decimal) -> Decimal:
        """Return the worth at a price, computed when one of the factors is another one."""
        security = self.security
        quantity = self.holding._quantity
        multiplier = security.symbol_properties._contract_multiplier
        rate = security.quote_currency._conversion._conversion_rate
        had, of, at = self.made_of
        if not (price is self.price and quantity is had and multiplier is of and rate is at):
            self.price = price
            self.made_of = quantity, multiplier, rate
            self.worth = price * quantity * multiplier * rate if quantity else ZERO
            self.size = abs(self.worth)
        return self.worth


class SecurityPortfolioManager(SymbolDict[SecurityHolding]):
    """Cash, holdings and margin. Amounts are in the account currency; by symbol it gives the
    holdings.
    """

    def __init__(
        self,
        security_manager: SecurityManager,
        transactions: Any,
        algorithm_settings: Any,
        default_order_properties: Any = None,
    ) -> None:
        super().__init__()
        # the interpreter reads attributes quicker out of a dictionary that shares no keys, which
        # classes derived from dict do not get by themselves
        self.__dict__ = {}
        self.securities = security_manager
        self.transactions = transactions
        self._settings = algorithm_settings
        self.cash_book = CashBook()
        self.unsettled_cash_book = CashBook()
        self._base_cash: Cash = self.cash_book["USD"]
        self._base_cash.set_amount(100000)
        self._asked: Any = self
        self._answered: Any = None
        self._set_cash_was_called = False
        self._base_set_explicitly = False
        self._set_account_currency_was_called = False
        self._value: Decimal | None = None
        # what the value was made of; None when more than prices counts, or has changed
        self._parts: list[_Part] | None = None
        self._known_parts: dict[Security, _Part] = {}
        self._in_cash = self._not_settled = ZERO
        # the settled cash in it, where there is one currency: a rate may change unseen
        self._settled: Decimal | None = None
        # value and cash as told last: exact, and as a float
        self._told_value = self._told_cash = NOT_SEEN
        self._invested_now: list[Security] | None = None
        self.positions = SecurityPositionGroupModel(self)
        self.margin_call_model: Any = DefaultMarginCallModel(self, default_order_properties)
        self.cash_book.updated += self._on_cash
        self.unsettled_cash_book.updated += lambda *_: self._invalidate()
        security_manager._listeners.append(self._on_security)

    # -- what changes the value ----------------------------------------------------------------

    def _on_cash(self, kind: CashBookUpdateType, cash: Cash) -> None:
        if kind is CashBookUpdateType.ADDED:
            twin = Cash(cash.symbol, ZERO, cash._conversion_rate)
            twin._currency_conversion = cash._currency_conversion
            cash.currency_conversion_updated += self._share_conversion
            self.unsettled_cash_book.add(cash.symbol, twin)
        self._value = self._parts = None

    def _share_conversion(self, cash: Cash) -> None:
        twin = self.unsettled_cash_book.get(cash.symbol)
        if twin is not None:
            twin._currency_conversion = cash._currency_conversion

    def _on_security(self, security: Security, added: bool) -> None:
        self._asked = self
        if added:
            security.holdings.quantity_changed += self._on_quantity
        else:
            security.holdings.quantity_changed -= self._on_quantity
            self._known_parts.pop(security, None)
        self._invested_now = None
        self._invalidate()

    def _on_quantity(self, *_: Any) -> None:
        self._value = self._parts = self._invested_now = None

    def _invalidate(self) -> None:
        self._value = self._parts = None

    def _follow_prices(self) -> None:
        """Forget the value unless it was made of the prices of now."""
        parts = self._parts
        if parts is None:
            self._value = None
            return
        for part in parts:
            cache = part.security.cache
            if cache._pending_trade is not None or cache._pending_quote is not None:
                cache._settle()
            if cache._p is not part.price or part.holding._set_price is not None:
                self._value = None
                return

    def invalidate_total_portfolio_value(self) -> None:
        """Have the value computed again at the next look: prices have changed."""
        self._invalidate()

    def _invested_securities(self) -> list[Security]:
        found = self._invested_now
        if found is None:
            found = self._invested_now = [
                security for security in self.securities.values() if security.holdings.invested
            ]
        return found

    # -- value ---------------------------------------------------------------------------------

    @property
    def _total_portfolio_value(self) -> Decimal:
        value = self._value
        if value is None:
            value = self._value = self._revalued() if self._parts is not None else self._valued()
        return value

    def _valued(self) -> Decimal:
        """Compute the value of everything."""
        held = profits = ZERO
        parts: list[_Part] | None = []
        known = self._known_parts
        for security in self._invested_securities():
            holding, part = security.holdings, known.get(security)
            if part is None or part.holding is not holding:
                kind = security.type
                if kind in _BY_PROFIT:
                    profits = profits + holding._unrealized_profit
                    parts = None
                    continue
                if kind in _IN_CASH_BOOK:
                    continue
                part = known[security] = _Part(security, holding)
            part.model = None
            price = holding._set_price
            held = held + part.value(security.cache._price if price is None else price)
            if parts is not None:
                parts.append(part)
        self._not_settled = self.unsettled_cash_book._total_value_in_account_currency
        settled = self.cash_book._total_value_in_account_currency
        self._settled = settled if len(self.cash_book) == 1 else None
        self._in_cash = settled + self._not_settled
        self._parts = parts
        return self._in_cash + held + profits

    def _parts_of_now(self) -> list[_Part] | None:
        """Return the parts, where they are all positions at the prices of this moment."""
        parts = self._parts
        if parts is None or self._value is None or len(parts) != len(self._invested_securities()):
            return None
        for part in parts:
            cache = part.security.cache
            if (
                cache._p is not part.price
                or cache._pending_trade is not None
                or cache._pending_quote is not None
                or part.holding._set_price is not None
            ):
                return None
        return parts

    def _revalued(self) -> Decimal:
        """Compute the value where only prices of holdings have changed."""
        held = ZERO
        for part in self._parts or ():
            holding, security = part.holding, part.security
            price = holding._set_price
            if price is None:
                price = security.cache._price
            if price is not part.price:
                # :meth:`_Part.value`, without a call at every price
                part.price = price
                part.made_of = _UNKNOWN
                quantity = holding._quantity
                amount = price * quantity * security.symbol_properties._contract_multiplier
                worth = amount * security.quote_currency._conversion._conversion_rate
                part.worth = worth if quantity else ZERO
                part.size = abs(part.worth)
            held = held + part.worth
        return self._in_cash + held

    @property
    def _total_portfolio_value_less_free_buffer(self) -> Decimal:
        value = self._total_portfolio_value
        free = self._settings._free_portfolio_value
        if free is None:
            free = value * self._settings._free_portfolio_value_percentage
        return value - free

    @property
    def _cash(self) -> Decimal:
        settled = self._settled
        if settled is not None and (self._value is not None or self._parts is not None):
            return settled  # any change of cash drops value and parts
        return self.cash_book._total_value_in_account_currency

    @property
    def _unsettled_cash(self) -> Decimal:
        return self.unsettled_cash_book._total_value_in_account_currency

    def _sum(self, name: str, securities: list[Security] | None = None) -> Decimal:
        total = ZERO
        for security in self.securities.total if securities is None else securities:
            total = total + getattr(security.holdings, name)
        return total

    _total_holdings_value = property(
        lambda self: self._sum("_absolute_holdings_value", list(self.securities.values()))
    )
    _total_absolute_holdings_cost = property(
        lambda self: self._sum("_absolute_holdings_cost", list(self.securities.values()))
    )
    _total_unlevered_absolute_holdings_cost = property(
        lambda self: self._sum("_unlevered_absolute_holdings_cost", list(self.securities.values()))
    )
    _total_unrealized_profit = property(
        lambda self: self._sum("_unrealized_profit", self._invested_securities())
    )
    _total_fees = property(lambda self: self._sum("_total_fees"))
    _total_profit = property(lambda self: self._sum("_profit"))
    _total_net_profit = property(lambda self: self._sum("_net_profit"))

    @property
    def _total_sale_volume(self) -> Decimal:
        total = ZERO
        for security in self.securities._all.values():
            total = total + security.holdings._total_sale_volume
        return total

    total_portfolio_value = seen_once("_total_portfolio_value", "_told_value")
    cash = seen_once("_cash", "_told_cash")

    total_portfolio_value_less_free_buffer = seen("_total_portfolio_value_less_free_buffer")
    unsettled_cash = seen("_unsettled_cash")
    total_holdings_value = seen("_total_holdings_value")
    total_absolute_holdings_cost = seen("_total_absolute_holdings_cost")
    total_unlevered_absolute_holdings_cost = seen("_total_unlevered_absolute_holdings_cost")
    total_unrealized_profit = seen("_total_unrealized_profit")
    total_unrealised_profit = seen("_total_unrealized_profit")
    total_fees = seen("_total_fees")
    total_profit = seen("_total_profit")
    total_net_profit = seen("_total_net_profit")
    total_sale_volume = seen("_total_sale_volume")
    total_margin_used = seen("_total_margin_used")
    margin_remaining = seen("_margin_remaining")

    @property
    def invested(self) -> bool:
        return bool(self._invested_securities())

    @property
    def hold_stock(self) -> bool:
        return bool(self._invested_securities())

    # -- margin --------------------------------------------------------------------------------

    @property
    def _total_margin_used(self) -> Decimal:
        return self.positions._margin_used()

    @property
    def _margin_remaining(self) -> Decimal:
        return self._get_margin_remaining(self._total_portfolio_value)

    def _get_margin_remaining(self, value: Decimal, used: Decimal | None = None) -> Decimal:
        if self._settled is not None and (self._value is not None or self._parts is not None):
            unsettled = self._not_settled  # any change of cash drops value and parts
        else:
            unsettled = self.unsettled_cash_book._total_value_in_account_currency
        return value - unsettled - (self.positions._margin_used() if used is None else used)

    def get_margin_remaining(self, symbol: Any, direction: Any = OrderDirection.BUY) -> float:
        """Return the margin left for a symbol and direction, or for a total portfolio value."""
        if isinstance(symbol, (int, float, Decimal)):
            return float(self._get_margin_remaining(from_python(symbol)))
        return float(self._buying_power(self.securities[symbol], OrderDirection(direction)))

    def get_buying_power(self, symbol: Any, direction: Any = OrderDirection.BUY) -> float:
        """Return the margin left for trading a symbol in a direction."""
        return float(self._buying_power(self.securities[symbol], OrderDirection(direction)))

    def _buying_power(self, security: Security, direction: OrderDirection) -> Decimal:
        from engine.securities.buying_power import initial_margin_requirement

        power = self._margin_remaining
        held = security.holdings._quantity
        closes = (held > 0 and direction == OrderDirection.SELL) or (
            held < 0 and direction == OrderDirection.BUY
        )
        if closes and security.holdings.invested:
            model = security.buying_power_model
            power = power + maintenance_margin_of(security, held)
            power = power + abs(initial_margin_requirement(model, security, held))
        return power

    def has_sufficient_buying_power_for_order(
        self, orders: list[Any]
    ) -> HasSufficientBuyingPowerForOrderResult:
        """Judge the orders of a group before they are accepted: each by the model of its
        security.
        """
        for order in orders:
            security = self.securities[order.symbol]
            result: HasSufficientBuyingPowerForOrderResult = method(
                security._buying_power_model, "has_sufficient_buying_power_for_order"
            )(HasSufficientBuyingPowerForOrderParameters(self, security, order))
            if not result.is_sufficient:
                return result
        return HasSufficientBuyingPowerForOrderResult(True)

    def set_margin_call_model(self, margin_call_model: Any) -> None:
        self.margin_call_model = adopt_margin_call_model(margin_call_model)

    def log_margin_information(self, order_request: Any = None) -> None:
        """LEAN writes margin into the engine's log here; the engine has none."""

    # -- cash ----------------------------------------------------------------------------------

    def set_cash(self, *args: Any) -> None:
        """``set_cash(amount)`` or ``set_cash(currency, amount, conversion_rate)``."""
        self._set_cash_was_called = True
        if len(args) == 1:
            self._base_set_explicitly = False
            self._base_cash.set_amount(args[0])
            return
        self._base_set_explicitly = True
        currency, amount = str(args[0]).upper(), args[1]
        rate = args[2] if len(args) > 2 else 0
        known = self.cash_book.get(currency)
        if known is None:
            self.cash_book.add(currency, amount, rate)
        else:
            known.set_amount(amount)
            known._conversion_rate = rate

    def set_account_currency(self, account_currency: str, starting_cash: Any = None) -> None:
        """Set the currency of the account, once and before any security."""
        code = account_currency.upper()
        if self._set_account_currency_was_called:
            return
        self._set_account_currency_was_called = True
        if len(self.securities):
            raise InvalidOperationException(
                "SecurityPortfolioManager.SetAccountCurrency(): Cannot change AccountCurrency "
                "after adding a Security. "
                "Please move set_account_currency() before add_security()."
            )
        before = self._base_cash if self._set_cash_was_called else None
        amount = None if before is None else before._amount
        self.unsettled_cash_book.account_currency = code
        self.cash_book.account_currency = code
        self._base_cash = self.cash_book[code]
        if self._base_set_explicitly and before is not None and before.symbol != code:
            self._base_cash.set_amount(0)
            self.cash_book.add(before.symbol, amount, before._conversion_rate)
        if starting_cash is not None:
            self.set_cash(starting_cash)
        self._invalidate()

    # -- fills and corporate actions -----------------------------------------------------------

    def process_fills(self, fills: list[Any]) -> None:
        """Book the fills of order events."""
        for fill in fills:
            security = self.securities[fill.symbol]
            method(security.portfolio_model, "process_fill")(self, security, fill)
        self._value = self._parts = None

    def apply_dividend(
        self, dividend: Dividend, live_mode: bool, mode: DataNormalizationMode
    ) -> None:
        """Pay a dividend in cash, where prices are not adjusted for it."""
        if live_mode or mode not in (
            DataNormalizationMode.RAW,
            DataNormalizationMode.SPLIT_ADJUSTED,
        ):
            return
        security = self.securities[dividend.symbol]
        per_share = _exact(dividend, "distribution")
        rate = security.quote_currency._conversion_rate
        total = security.holdings._quantity * per_share * rate
        self._base_cash.add_amount(total)
        security.holdings.add_new_dividend(total)

    def apply_split(
        self, split: Split, security: Security, live_mode: bool, mode: DataNormalizationMode
    ) -> None:
        """Change a raw position by a split; what is left of a share is paid out."""
        if security.type != SecurityType.EQUITY:
            return
        if not live_mode and mode != DataNormalizationMode.RAW:
            return
        factor = _exact(split, "split_factor")
        held = security.holdings
        quantity = held._quantity / factor
        whole = truncate(quantity) + ZERO  # a short that vanishes is no negative zero
        rest = quantity - whole
        held.set_holdings(held._average_price * factor, whole)
        if security.get_last_data() is None:
            self._base_cash.add_amount(rest * _exact(split, "reference_price") * factor)
            return
        security._apply_split(split)
        last = security.get_last_data()
        self._base_cash.add_amount(rest * last._exact_price())
        self._invalidate()

    def _add_transaction_record(self, time: datetime, profit_loss: Decimal, win: bool) -> None:
        self.transactions._add_transaction_record(time, profit_loss, win)

    def add_transaction_record(
        self, time: datetime, transaction_profit_loss: Any, is_win: bool
    ) -> None:
        self._add_transaction_record(time, from_python(transaction_profit_loss), bool(is_win))

    # -- a view of the securities --------------------------------------------------------------

    def _key(self, key: Any) -> Any:
        return self.securities._key(key)

    def __getitem__(self, key: Any) -> SecurityHolding:
        if key is self._asked:
            return self._answered.holdings
        security = self.securities[key]
        if type(key) is Symbol:
            # algorithms ask for the same one at every step
            self._asked, self._answered = key, security
        return security.holdings

    def get(self, key: Any, default_value: Any = None) -> Any:
        security = self.securities.get(key)
        return default_value if security is None else security.holdings

    def __contains__(self, key: Any) -> bool:
        return key in self.securities

    def __len__(self) -> int:
        return len(self.securities)

    def __bool__(self) -> bool:
        return True

    def keys(self) -> Any:
        return self.securities.keys()

    def values(self) -> Any:
        return [security.holdings for security in self.securities.values()]

    def items(self) -> Any:
        return [(symbol, s.holdings) for symbol, s in self.securities.items()]

    def __setitem__(self, key: Any, holding: SecurityHolding) -> None:
        self.securities[key].holdings = holding

    def add(self, *_: Any) -> None:
        raise NotImplementedError(
            "Portfolio object is an adaptor for Security Manager. To add a new asset add the "
            "required data during "
            "initialization."
        )

    def clear(self) -> None:
        raise NotImplementedError(
            "Portfolio object is an adaptor for Security Manager and cannot be cleared."
        )

    def remove(self, *_: Any) -> bool:
        raise NotImplementedError(
            "Portfolio object is an adaptor for Security Manager and objects cannot be removed."
        )

    def __str__(self) -> str:
        return f"Portfolio: {plain(self._total_portfolio_value)} {self.cash_book.account_currency}"


def _exact(event: Any, name: str) -> Decimal:
    """Read a number of a corporate event, exactly where the event has it so."""
    value = getattr(event, f"_{name}", None)
    return value if isinstance(value, Decimal) else to_decimal(getattr(event, name))

"""Amounts of money: cash of one currency, amounts that convert themselves, and the cash book."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from engine.orders.exact import from_python
from engine.securities.conversion import (
    ConstantCurrencyConversion,
    SecurityCurrencyConversion,
    compare_pair,
    linear_search,
    split_pair,
)
from engine.securities.currencies import currency_symbol, stable_coin
from engine.statistics.arithmetic import divide, multiply
from engine.types.decimals import (
    ONE,
    ZERO,
    DecimalField,
    plain,
    round_half_even,
    round_to_significant,
)
from engine.types.dotnet import Event, LeanDict, LeanObject
from engine.types.enums import CashBookUpdateType, SecurityType
from engine.types.errors import (
    ArgumentException,
    InvalidOperationException,
    KeyNotFoundException,
)
from engine.types.symbol import Symbol

NULL_CURRENCY = "QCC"
_UPDATED = CashBookUpdateType.UPDATED
_RATED = (SecurityType.FOREX, SecurityType.CRYPTO, SecurityType.CFD)


class CashAmount(LeanObject):
    """An amount and its currency."""

    __slots__ = ("_amount", "currency")

    amount = DecimalField()

    def __init__(self, amount: Any = ZERO, currency: str | None = None) -> None:
        self._amount: Decimal = amount if type(amount) is Decimal else from_python(amount)
        self.currency = currency

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, CashAmount)
            and self._amount == other._amount
            and self.currency == other.currency
        )

    def __hash__(self) -> int:
        return hash((self._amount, self.currency))

    def __str__(self) -> str:
        return f"{plain(self._amount)} {self.currency}"


class Cash(LeanObject):
    """The amount held in one currency and its rate to the account currency."""

    def __init__(self, symbol: str, amount: Any, conversion_rate: Any) -> None:
        if not symbol:
            raise ArgumentException("Cash symbols cannot be null or empty.")
        self.symbol = symbol.upper()
        self._amount: Decimal = from_python(amount)
        self.currency_symbol = currency_symbol(self.symbol)
        self.updated = Event()
        self.currency_conversion_updated = Event()
        self._conversion: Any = ConstantCurrencyConversion(
            self.symbol, None, from_python(conversion_rate)
        )
        self._conversion.conversion_rate_updated += self._on_rate

    amount = property(lambda self: float(self._amount))

    @property
    def currency_conversion(self) -> Any:
        return self._conversion

    @property
    def _currency_conversion(self) -> Any:
        return self._conversion

    @_currency_conversion.setter
    def _currency_conversion(self, conversion: Any) -> None:
        last = self._conversion._conversion_rate
        self._conversion.conversion_rate_updated -= self._on_rate
        self._conversion = conversion
        if last:
            conversion._conversion_rate = last
        conversion.conversion_rate_updated += self._on_rate
        self.currency_conversion_updated(self)

    def _on_rate(self, _sender: Any, _rate: Any) -> None:
        self.updated(self)

    @property
    def _conversion_rate(self) -> Decimal:
        return self._conversion._conversion_rate

    @_conversion_rate.setter
    def _conversion_rate(self, rate: Any) -> None:
        self._conversion._conversion_rate = from_python(rate)

    @property
    def conversion_rate(self) -> float:
        return float(self._conversion._conversion_rate)

    @property
    def _value_in_account_currency(self) -> Decimal:
        return self._amount * self._conversion._conversion_rate

    @property
    def value_in_account_currency(self) -> float:
        return float(self._value_in_account_currency)

    @property
    def security_symbols(self) -> list[Symbol]:
        return [security.symbol for security in self._conversion.conversion_rate_securities]

    def update(self) -> None:
        """Have the rate computed again at the next look."""
        self._conversion.update()

    def add_amount(self, amount: Any) -> float:
        self._add(from_python(amount))
        return float(self._amount)

    def _add(self, amount: Decimal) -> None:
        before = self._amount
        after = before + amount
        # .NET keeps the sign of a sum that is nothing
        self._amount = after if after else after.copy_sign(before)
        self.updated(self)

    def set_amount(self, amount: Any) -> None:
        amount = from_python(amount)
        if amount != self._amount:
            self._amount = amount
            self.updated(self)

    def to_string(self, account_currency: str = "USD") -> str:
        rate = self._conversion_rate
        rate = round_to_significant(rate, 5) if rate < 1000 else round_half_even(rate, 2)
        shown = f"{round_half_even(rate, 6):.6f}".rstrip("0")
        whole, _, fraction = shown.partition(".")
        value = plain(round_half_even(self._value_in_account_currency, 2))
        return (
            f"{self.symbol}: {self.currency_symbol}{f'{self._amount:.2f}':>15} @ "
            f"{f'{whole}.{fraction:0<2}':>10} = {currency_symbol(account_currency)}{value}"
        )

    def __str__(self) -> str:
        return self.to_string()


class ConvertibleCashAmount(LeanObject):
    """An amount of one :class:`Cash` that knows its value in the account currency."""

    __slots__ = ("_amount", "cash")

    def __init__(self, amount: Any, cash: Cash) -> None:
        self._amount: Decimal = from_python(amount)
        self.cash = cash

    amount = property(lambda self: float(self._amount))

    @property
    def _in_account_currency(self) -> Decimal:
        return self._amount * self.cash._conversion._conversion_rate

    @property
    def in_account_currency(self) -> float:
        return float(self._in_account_currency)

    def __float__(self) -> float:
        return self.in_account_currency


class CashBook(LeanDict[str, Cash]):
    """All currencies of the account; iterating gives pairs of code and :class:`Cash`."""

    def __init__(self) -> None:
        super().__init__()
        # quicker, as in the portfolio
        self.__dict__ = {}
        self.updated = Event()
        self._account_currency = ""
        self._account_cash: Cash
        self.account_currency = "USD"

    @property
    def account_currency(self) -> str:
        return self._account_currency

    @account_currency.setter
    def account_currency(self, code: str) -> None:
        amount = ZERO
        old = dict.get(self, self._account_currency)
        if old is not None:
            amount = old._amount
            dict.__delitem__(self, self._account_currency)
            old.updated -= self._on_cash
        self._account_currency = code.upper()
        self._account_cash = self._insert(
            self._account_currency, Cash(self._account_currency, amount, ONE)
        )

    @property
    def _total_value_in_account_currency(self) -> Decimal:
        total = ZERO
        for cash in self.values():
            total = total + cash._amount * cash._conversion._conversion_rate
        return total

    @property
    def total_value_in_account_currency(self) -> float:
        return float(self._total_value_in_account_currency)

    def add(self, symbol: str, *args: Any) -> Any:
        """``add(code, amount, rate)`` returns the cash; ``add(code, cash)`` stores one."""
        if len(args) == 1:
            self._insert(symbol, args[0])
            return None
        return self._insert(symbol, Cash(symbol, *args))

    def __setitem__(self, symbol: str, cash: Cash) -> None:
        self._insert(symbol, cash)

    # codes are asked for as they are
    __contains__ = dict.__contains__

    __getitem__ = dict.__getitem__

    def __missing__(self, key: Any) -> Cash:
        return self._missing(key)

    def _insert(self, symbol: str, cash: Cash) -> Cash:
        known = dict.get(self, symbol)
        if known is not None:
            known._conversion_rate = cash._conversion_rate
            known.set_amount(cash._amount)
            return known
        if symbol != NULL_CURRENCY:
            cash.updated += self._on_cash
            dict.__setitem__(self, symbol, cash)
            self.updated(CashBookUpdateType.ADDED, cash)
        return cash

    def remove(self, symbol: str) -> bool:
        cash = dict.pop(self, symbol, None)
        if cash is None:
            return False
        cash.updated -= self._on_cash
        self.updated(CashBookUpdateType.REMOVED, cash)
        return True

    def _on_cash(self, cash: Cash) -> None:
        self.updated(_UPDATED, cash)

    def _missing(self, key: Any) -> Cash:
        if key == NULL_CURRENCY:
            raise InvalidOperationException("Unexpected request for NullCurrency Cash instance")
        raise KeyNotFoundException(f"This cash symbol ({key}) was not found in your cash book.")

    def _convert(self, quantity: Decimal, source: str, destination: str) -> Decimal:
        if not quantity:
            return ZERO
        if source == destination and self[source]._conversion_rate == ONE:
            return quantity
        rates = []
        for code in (source, destination):
            rate = self[code]._conversion_rate
            if not rate:
                raise ArgumentException(f"The conversion rate for {code} is not available.")
            rates.append(rate)
        return multiply(quantity, divide(*rates))

    def convert(
        self, source_quantity: Any, source_currency: str, destination_currency: str
    ) -> float:
        return float(
            self._convert(from_python(source_quantity), source_currency, destination_currency)
        )

    def _to_account(self, quantity: Decimal, source: str | None) -> Decimal:
        if source == self._account_currency:
            return quantity
        return self._convert(quantity, source or "", self._account_currency) if quantity else ZERO

    def convert_to_account_currency(
        self, source_quantity: Any, source_currency: str | None = None
    ) -> Any:
        """Of a :class:`CashAmount` gives a :class:`CashAmount`, of a number and a code a float."""
        if source_currency is None:
            amount = source_quantity
            return CashAmount(
                self._to_account(amount._amount, amount.currency), self._account_currency
            )
        return float(self._to_account(from_python(source_quantity), source_currency))

    @property
    def _has_conversions(self) -> bool:
        """Whether there is any other currency than the account's."""
        return len(self) > 1

    def _update_conversions(self) -> None:
        """Have every rate computed again at the next look (once per time step)."""
        for cash in self.values():
            cash._conversion.update()

    def _ensure_currency_data_feeds(
        self,
        securities: Any,
        properties: Any,
        market_map: dict[Any, str],
        make_security: Callable[[Symbol], Any],
        added: tuple[Any, ...] = (),
    ) -> list[Any]:
        """Give every currency a conversion, and return the securities that had to be made for it.

        Parameters
        ----------
        properties : symbol properties database (``get_symbol_properties_list(market, type)``).
        market_map : default markets of the brokerage model.
        make_security : adds an internal feed of the lowest subscribed resolution (minute if there
        is none), adds the
            security to ``securities`` and returns it.
        added : securities of the step that are not in ``securities`` yet.

        Returns
        -------
        list of Security
            The new internal securities in the order in which they were made.
        """
        made: list[Any] = []
        for cash in list(self.values()):
            if cash._conversion.destination_currency is None:
                self._ensure(cash, securities, properties, market_map, make_security, added, made)
        return made

    def _ensure(
        self,
        cash: Cash,
        securities: Any,
        properties: Any,
        market_map: dict[Any, str],
        make_security: Callable[[Symbol], Any],
        added: tuple[Any, ...],
        made: list[Any],
    ) -> None:
        account = self._account_currency
        if cash.symbol == account:
            cash._currency_conversion = ConstantCurrencyConversion.identity(account)
            return
        everyone = [*securities.values(), *added]
        known = {s.symbol: s for s in reversed([s for s in everyone if s.type in _RATED])}
        candidates = [
            (s.symbol, split_pair(s.symbol.value, s.type, s.quote_currency.symbol))
            for s in everyone
            if s.type in _RATED
        ]
        crypto = market_map.get(SecurityType.CRYPTO)
        if crypto is not None and stable_coin(account, cash.symbol, crypto):
            cash._currency_conversion = ConstantCurrencyConversion.identity(account, cash.symbol)
            return
        wanted = cash.symbol
        for symbol, pair in candidates:
            match = 0 if pair is None else compare_pair(pair, wanted, account, symbol.id.market)
            if match:
                step = (known[symbol], match < 0)
                cash._currency_conversion = SecurityCurrencyConversion(wanted, account, [step])
                return
        potential = _potential(securities, properties, market_map)
        reachable = any(
            entry.quote_currency == wanted
            or ticker[: len(ticker) - len(entry.quote_currency)] == wanted
            for ticker, _, _, entry in potential
        )
        if not reachable:
            cash._currency_conversion = ConstantCurrencyConversion.null(account, wanted)
            return
        for ticker, kind, market, entry in potential:
            pair = split_pair(ticker, kind, entry.quote_currency)
            # only pairs that can be a leg of the way are worth a symbol
            if pair is not None and ticker != "[*]":
                candidates.append((_Potential(ticker, kind, market), pair))

        def security_of(symbol: Any) -> Any:
            if isinstance(symbol, _Potential):
                symbol = Symbol.create(symbol.ticker, symbol.kind, symbol.id.market)
            found = known.get(symbol)
            if found is None:
                found = securities.get(symbol)
            if found is None:
                found = known[symbol] = make_security(symbol)
                made.append(found)
            return found

        cash._currency_conversion = linear_search(
            wanted, account, [(s, p) for s, p in candidates if p is not None], security_of
        )

    def __str__(self) -> str:
        lines = [
            f"Symbol {'Quantity':>13}    {'Conversion':>10} = Value in {self._account_currency}"
        ]
        lines += [cash.to_string(self._account_currency) for cash in self.values()]
        total = plain(round_half_even(self._total_value_in_account_currency, 2))
        sign = currency_symbol(self._account_currency)
        lines += ["-" * 49, f"CashBook Total Value:                {sign}{total}"]
        return "\n".join(lines) + "\n"


def _potential(
    securities: Any, properties: Any, market_map: dict[Any, str]
) -> list[tuple[str, SecurityType, str, Any]]:
    """Return ticker, kind, market and properties of every pair that the markets in use know."""
    markets: dict[Any, list[str]] = {}
    for symbol in list(securities.keys()):
        markets.setdefault(symbol.security_type, []).append(symbol.id.market)
    for one, other in (
        (SecurityType.CFD, SecurityType.FOREX),
        (SecurityType.FOREX, SecurityType.CFD),
    ):
        if one in markets and other not in markets:
            markets[other] = markets[one]
    found = []
    for kind in (SecurityType.FOREX, SecurityType.CFD, SecurityType.CRYPTO):
        first = [market_map[kind]] if kind in market_map else []
        for market in dict.fromkeys([*first, *markets.get(kind, [])]):
            entries = dict(properties.get_symbol_properties_list(market, kind))
            # the first pair that fits is taken, so the order is that of the database's file
            ranked = [key for key in getattr(properties, "_rows", ()) if key in entries]
            keys = dict.fromkeys([*ranked, *sorted(entries)])
            found += [(key[1], kind, market, entries[key]) for key in keys]
    return found


class _Potential:
    """A pair of the symbol database of which no symbol was made yet."""

    __slots__ = ("id", "kind", "ticker")

    def __init__(self, ticker: str, kind: SecurityType, market: str) -> None:
        self.ticker, self.kind = ticker, kind
        self.id = _Market(market)


class _Market:
    __slots__ = ("market",)

    def __init__(self, market: str) -> None:
        self.market = market

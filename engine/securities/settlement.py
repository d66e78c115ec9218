"""Settlement: when the money of a fill arrives."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import Any

from engine.securities.cash import CashAmount
from engine.securities.native import LeanModel
from engine.types.decimals import ZERO
from engine.types.dotnet import LeanObject
from engine.types.timezones import from_utc, to_utc

_DAY = timedelta(days=1)


class ApplyFundsSettlementModelParameters(LeanObject):
    """A fill's money: whose, when and how much."""

    __slots__ = ("_utc", "cash_amount", "fill", "portfolio", "security", "utc_time")

    def __init__(
        self,
        portfolio: Any,
        security: Any,
        application_time_utc: datetime,
        cash_amount: Any,
        fill: Any,
    ) -> None:
        self.portfolio = portfolio
        self.security = security
        self.utc_time = application_time_utc
        self._utc = application_time_utc.replace(tzinfo=None)
        self.cash_amount = cash_amount
        self.fill = fill


class ScanSettlementModelParameters(LeanObject):
    """The moment at which unsettled money is looked through."""

    __slots__ = ("_utc", "portfolio", "security", "utc_time")

    def __init__(self, portfolio: Any, security: Any, time_utc: datetime) -> None:
        self.portfolio = portfolio
        self.security = security
        self.utc_time = time_utc
        self._utc = time_utc.replace(tzinfo=None)


class ImmediateSettlementModel(LeanModel):
    """Money moves with the fill."""

    _is_immediate = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # a user's model is scanned whatever it derives from
        cls._is_immediate = cls.__module__.startswith("engine.")

    def apply_funds(self, apply_funds_parameters: ApplyFundsSettlementModelParameters) -> None:
        money = apply_funds_parameters.cash_amount
        apply_funds_parameters.portfolio.cash_book[money.currency].add_amount(money._amount)

    def scan(self, settlement_parameters: ScanSettlementModelParameters) -> None:
        """Nothing waits."""

    def get_unsettled_cash(self) -> CashAmount | None:
        return None


class AccountCurrencyImmediateSettlementModel(ImmediateSettlementModel):
    """Money moves with the fill and is changed into the account currency at once."""

    def apply_funds(self, apply_funds_parameters: ApplyFundsSettlementModelParameters) -> None:
        money = apply_funds_parameters.cash_amount
        book = apply_funds_parameters.portfolio.cash_book
        book._account_cash.add_amount(book._to_account(money._amount, money.currency))


class DelayedSettlementModel(LeanModel):
    """Proceeds wait for some trading days and a time of day; what is paid is paid at once.

    Parameters
    ----------
    number_of_days : trading days of the security's exchange.
    time_of_day : local time of the exchange at which the money arrives.
    """

    def __init__(
        self, number_of_days: int = 1, time_of_day: timedelta = timedelta(hours=6)
    ) -> None:
        self._days = int(number_of_days)
        self._time_of_day = time_of_day
        self._waiting: deque[tuple[datetime, str, Any]] = deque()
        self._book: Any = None

    def apply_funds(self, apply_funds_parameters: ApplyFundsSettlementModelParameters) -> None:
        money = apply_funds_parameters.cash_amount
        portfolio = apply_funds_parameters.portfolio
        self._book = portfolio.unsettled_cash_book
        if money._amount <= ZERO:
            portfolio.cash_book[money.currency].add_amount(money._amount)
            return
        portfolio.unsettled_cash_book[money.currency].add_amount(money._amount)
        hours = apply_funds_parameters.security.exchange.hours
        day = from_utc(apply_funds_parameters._utc, hours.time_zone)
        day = day.replace(hour=0, minute=0, second=0, microsecond=0)
        for _ in range(self._days):
            day += _DAY
            while not hours.is_date_open(day):
                day += _DAY
        due = to_utc(day + self._time_of_day, hours.time_zone)
        self._waiting.append((due, money.currency, money._amount))

    def scan(self, settlement_parameters: ScanSettlementModelParameters) -> None:
        portfolio = settlement_parameters.portfolio
        waiting = self._waiting
        while waiting and settlement_parameters._utc >= waiting[0][0]:
            _, currency, amount = waiting.popleft()
            portfolio.unsettled_cash_book[currency].add_amount(-amount)
            portfolio.cash_book[currency].add_amount(amount)

    def get_unsettled_cash(self) -> CashAmount | None:
        """Return what waits, in the account currency; ``None`` when nothing does."""
        if not self._waiting:
            return None
        total = ZERO
        for _, currency, amount in self._waiting:
            total = total + self._book._to_account(amount, currency)
        return CashAmount(total, self._book.account_currency)

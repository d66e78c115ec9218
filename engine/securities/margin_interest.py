"""Interest on margin: what a position costs over night."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.securities.native import LeanModel, exact
from engine.types.decimals import ZERO
from engine.types.dotnet import LeanObject
from engine.types.timezones import aware

_DAYS_OF_A_YEAR = 360


class MarginInterestRateParameters(LeanObject):
    """A security and the moment of the charge."""

    __slots__ = ("_utc", "security")

    def __init__(self, security: Any, time: datetime) -> None:
        self.security = security
        self._utc = time.replace(tzinfo=None)

    @property
    def time(self) -> datetime:
        return aware(self._utc)


class NullMarginInterestRateModel(LeanModel):
    """Charges nothing."""

    _is_null = True

    def apply_margin_interest_rate(self, margin_interest_rate_parameters: Any) -> None:
        """Nothing to charge."""


class MarginInterestRateModel:
    """LEAN's access to the model that charges nothing."""

    NULL = NullMarginInterestRateModel()


class ShortMarginInterestRateModel(LeanModel):
    """Borrow fee of shorts and rebate of longs, from the shortable provider, once per day held.

    ``fee = rate / 360 * holdings value * days``; it moves the cash of the quote currency,
    ``amount`` adds it up.
    """

    _is_null = False
    _amount: Decimal = ZERO
    _is_short = False
    _previous: datetime | None = None

    @property
    def amount(self) -> float:
        return float(self._amount)

    def apply_margin_interest_rate(self, margin_interest_rate_parameters: Any) -> None:
        security = margin_interest_rate_parameters.security
        now = margin_interest_rate_parameters._utc
        holdings = security.holdings
        if not holdings.invested:
            self._previous = None
            return
        if self._previous is None or self._is_short != holdings.is_short:
            self._is_short = holdings.is_short
            self._previous = now
            return
        if now.date() == self._previous.date():
            return
        provider = security.shortable_provider
        local = security.local_time
        day = local.replace(hour=0, minute=0, second=0, microsecond=0)
        rate = ZERO
        if provider is not None:
            name = "fee_rate" if self._is_short else "rebate_rate"
            rate = exact(provider, name, security.symbol, day)
        if not rate:
            self._previous = None
            return
        days = (now.date() - self._previous.date()).days
        fee = (rate * holdings._holdings_value) / _DAYS_OF_A_YEAR * days
        self._amount = self._amount + fee
        security.quote_currency.add_amount(fee)
        self._previous = now

"""A small stand for models: a clock, prices, insights, and the real collections around them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from engine.algorithm.settings import AlgorithmSettings
from engine.data.hours import MarketHoursDatabase
from engine.framework.insight import Insight
from engine.framework.insight_collection import InsightManager
from engine.types.decimals import ZERO
from engine.types.enums import InsightDirection, SecurityType
from engine.types.symbol import Symbol
from engine.types.timezones import aware
from engine.universes.changes import SecurityChanges

UP, DOWN, FLAT = InsightDirection.UP, InsightDirection.DOWN, InsightDirection.FLAT


def share(ticker: str) -> Symbol:
    """Return the symbol of a share; no map file is asked."""
    return Symbol.create(ticker, SecurityType.EQUITY, "usa")


class Holdings(SimpleNamespace):
    """A position whose numbers a test sets."""


class Held(SimpleNamespace):
    """A security; two are the same only when they are one object."""

    __hash__ = object.__hash__
    __eq__ = object.__eq__


def security(ticker: str, **holdings: Any) -> Held:
    """Return a security with a position of given numbers."""
    numbers = {key: Decimal(str(value)) for key, value in holdings.items()}
    quantity = numbers.get("_quantity", ZERO)
    held = Holdings(is_long=quantity > 0, target=None, _quantity=quantity)
    for key, value in numbers.items():
        setattr(held, key, value)
    symbol = share(ticker)
    return Held(
        symbol=symbol, type=SecurityType.EQUITY, invested=bool(quantity), holdings=held,
        is_delisted=False, _price=Decimal(100),
    )  # fmt: skip


class Securities(dict[Symbol, Any]):
    """Securities by symbol."""


class Stand:
    """What models ask of an algorithm."""

    def __init__(self, utc: datetime, *securities: Any) -> None:
        self._utc = utc
        self.settings = AlgorithmSettings()
        self.insights = InsightManager(self)
        self.securities = Securities({s.symbol: s for s in securities})
        self.portfolio = SimpleNamespace(_total_portfolio_value=Decimal(100000))
        self.is_warming_up = False
        self.errors: list[str] = []

    @property
    def utc_time(self) -> datetime:
        return aware(self._utc)

    def error(self, text: str) -> None:
        self.errors.append(text)

    def emit(self, hours: MarketHoursDatabase, *insights: Insight) -> list[Insight]:
        """Give insights their times, as the algorithm does, and keep them."""
        for insight in insights:
            insight._generated = self._utc
            symbol = insight.symbol
            insight.set_period_and_close_time(
                hours.get_exchange_hours(symbol.id.market, symbol, symbol.security_type)
            )
        self.insights.add_range(insights)
        return list(insights)


def added(*securities: Any) -> SecurityChanges:
    return SecurityChanges(securities)._for_user()


def removed(*securities: Any) -> SecurityChanges:
    return SecurityChanges((), securities)._for_user()

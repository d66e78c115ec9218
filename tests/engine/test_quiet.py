"""What quiet steps do all at once is what they would do one after another."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.quiet import _values, next_hour
from engine.results.handler import ResultHandler
from engine.securities.portfolio import SecurityPortfolioManager
from engine.statistics.trade_builder import TradeBuilder

_PRICES = st.lists(st.decimals("90", "110", places=2), min_size=1, max_size=8)
_FILLS = st.lists(
    st.tuples(st.decimals("90", "110", places=2), st.integers(-5, 5).filter(bool)),
    min_size=1,
    max_size=6,
)


def _seen(builder: TradeBuilder) -> list[Any]:
    position = builder._positions["SPY"]
    trades = [
        (t._max_profit, t._max_drawdown, t._known_low, t._known_high) for t in position.trades
    ]
    return [position.low, position.high, position.last, trades]


def _filled(fills: list[tuple[Decimal, int]], seen: list[Decimal]) -> TradeBuilder:
    builder = TradeBuilder()
    for number, (price, quantity) in enumerate(fills):
        event = SimpleNamespace(
            order_id=number,
            symbol="SPY",
            _utc_time=datetime(2020, 1, 1) + timedelta(hours=number),
            _fill_price=price,
            _fill_quantity=Decimal(quantity),
        )
        builder.process_fill(event, 1, 0)
        for price in seen:
            builder.set_market_price("SPY", price)
    return builder


@given(_FILLS, _PRICES, _PRICES)
def test_trades_follow_many_prices_as_they_follow_one_after_another(
    fills: list[tuple[Decimal, int]], before: list[Decimal], prices: list[Decimal]
) -> None:
    one, many = _filled(fills, before), _filled(fills, before)
    if "SPY" not in one._positions:
        return
    for price in prices:
        one.set_market_price("SPY", price)
    many._positions["SPY"].follow_all(prices)
    assert _seen(many) == _seen(one)


@given(st.lists(st.sampled_from(["1", "1.0", "2", "2.00", "3", "4"]), min_size=1), st.booleans())
def test_the_equity_follows_many_values_as_one_after_another(texts: list[str], begun: bool) -> None:
    values = [Decimal(text) for text in texts]
    portfolio = SimpleNamespace(_value=values[0])
    start = [Decimal("2.0"), Decimal(3), Decimal("1.00"), Decimal(2)] if begun else None

    def handler() -> Any:
        made: Any = object.__new__(ResultHandler)
        made._algorithm = SimpleNamespace(portfolio=portfolio)
        made._capacity = SimpleNamespace(active=False)
        made._bar = start and list(start)
        made._next_sample = datetime.max
        return made

    one, many = handler(), handler()
    for portfolio._value in values:
        one.on_step(datetime(2020, 1, 1))
    many.on_values(values)
    assert list(map(str, many._bar)) == list(map(str, one._bar))
    assert many._value is one._value


@given(
    st.lists(st.tuples(_PRICES.map(lambda p: p[0]), st.integers(-9, 9)), min_size=1, max_size=4),
    st.integers(0, 3),
    _PRICES,
    st.decimals("0.5", 2, places=3),
)
def test_values_of_many_prices_are_those_of_the_portfolio(
    held: list[tuple[Decimal, int]], place: int, prices: list[Decimal], rate: Decimal
) -> None:
    def part(price: Decimal, quantity: int) -> Any:
        security = SimpleNamespace(
            cache=SimpleNamespace(_price=price),
            symbol_properties=SimpleNamespace(_contract_multiplier=Decimal("1.0")),
            quote_currency=SimpleNamespace(_conversion=SimpleNamespace(_conversion_rate=rate)),
        )
        holding = SimpleNamespace(_quantity=Decimal(quantity), _set_price=None)
        return SimpleNamespace(security=security, holding=holding, price=None, worth=None)

    parts = [part(price, quantity or 1) for price, quantity in held]
    place %= len(parts)
    portfolio: Any = SimpleNamespace(_parts=parts, _in_cash=Decimal("1000.50"))
    revalued = SecurityPortfolioManager._revalued
    revalued(portfolio)
    together = _values(portfolio, parts, place, prices)
    for price, value in zip(prices, together, strict=True):
        parts[place].security.cache._price = price
        assert str(revalued(portfolio)) == str(value)


def test_the_next_full_hour_is_always_a_later_one() -> None:
    assert next_hour(datetime(2020, 1, 1, 23)) == datetime(2020, 1, 2)
    assert next_hour(datetime(2020, 1, 1, 22, 0, 0, 1)) == datetime(2020, 1, 1, 23)

"""Invariants of the trade builder under any sequence of fills."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.statistics.trade_builder import TradeBuilder
from engine.types.enums import (
    DataNormalizationMode,
    FillGroupingMethod,
    FillMatchingMethod,
    SecurityType,
    TradeDirection,
)

START = datetime(2020, 1, 2, 15, tzinfo=timezone.utc)  # noqa: UP017 - as an order event shows it
FILLS = st.lists(
    st.tuples(
        st.integers(-50, 50).filter(bool), st.integers(1, 100_000).map(lambda c: Decimal(c) / 100)
    ),
    min_size=1,
    max_size=30,
)
WAYS = st.tuples(
    st.sampled_from(list(FillGroupingMethod)), st.sampled_from(list(FillMatchingMethod))
)


class Equity:
    """A symbol of a share."""

    security_type = SecurityType.EQUITY


def feed(builder: TradeBuilder, fills: list[tuple[int, Decimal]]) -> None:
    for number, (quantity, price) in enumerate(fills, start=1):
        fill = SimpleNamespace(
            order_id=number,
            symbol="SPY",
            utc_time=START + timedelta(minutes=number),
            _fill_price=price,
            _fill_quantity=Decimal(quantity),
        )
        builder.process_fill(fill, Decimal(1), Decimal(1))


@given(FILLS, WAYS)
def test_closed_and_open_quantities_add_up_to_the_fills(
    fills: list[tuple[int, Decimal]], way: tuple[FillGroupingMethod, FillMatchingMethod]
) -> None:
    builder = TradeBuilder(*way)
    flat = [*fills, (-sum(q for q, _ in fills), Decimal(100))]
    feed(builder, [fill for fill in flat if fill[0]])
    bought = sum(q for q, _ in flat if q > 0)
    assert sum(t._quantity for t in builder.closed_trades) == bought
    assert not builder.has_open_position("SPY")
    assert not builder._has_open


@given(FILLS, WAYS.filter(lambda way: way[0] is not FillGroupingMethod.FLAT_TO_FLAT))
def test_the_profits_of_a_flat_account_add_up_to_its_cash(
    fills: list[tuple[int, Decimal]], way: tuple[FillGroupingMethod, FillMatchingMethod]
) -> None:
    builder = TradeBuilder(*way)
    flat = [*fills, (-sum(q for q, _ in fills), Decimal(100))]
    feed(builder, [fill for fill in flat if fill[0]])
    cash = -sum(q * price for q, price in flat)
    profits = sum(t._profit_loss for t in builder.closed_trades)
    # every trade is rounded to cents
    assert abs(profits - cash) <= Decimal("0.005") * len(builder.closed_trades)


@given(FILLS)
def test_every_fee_is_counted_once_when_fills_are_matched_one_by_one(
    fills: list[tuple[int, Decimal]],
) -> None:
    builder = TradeBuilder()
    feed(builder, fills)
    closed = sum(t._total_fees for t in builder.closed_trades)
    still_open = sum(t._total_fees for p in builder._positions.values() for t in p.trades)
    assert closed + still_open == len(fills)


def test_mae_and_mfe_follow_the_prices_while_a_trade_is_open() -> None:
    builder = TradeBuilder()
    feed(builder, [(10, Decimal(100))])
    for price in (Decimal(104), Decimal(97), Decimal(101)):
        builder.set_market_price("SPY", price)
    feed(builder, [(-10, Decimal(101))])
    (trade,) = builder.closed_trades
    assert (trade.mae, trade.mfe, trade.end_trade_drawdown) == (-30.0, 40.0, 70.0)
    assert trade.direction is TradeDirection.LONG
    assert trade.is_win


@pytest.mark.parametrize(
    ("mode", "quantity"),
    [(DataNormalizationMode.RAW, 40.0), (DataNormalizationMode.ADJUSTED, 10.0)],
)
def test_a_split_changes_open_trades_on_raw_prices_only(
    mode: DataNormalizationMode, quantity: float
) -> None:
    symbol = Equity()
    builder = TradeBuilder()
    fill = SimpleNamespace(
        order_id=1,
        symbol=symbol,
        utc_time=START,
        _fill_price=Decimal(400),
        _fill_quantity=Decimal(10),
    )
    builder.process_fill(fill, 1, 1)
    symbol_split = SimpleNamespace(symbol=symbol, split_factor=0.25)
    builder.apply_split(symbol_split, False, mode)
    (trade,) = builder._positions[symbol].trades
    assert trade.quantity == quantity
    assert trade.quantity * trade.entry_price == 4000.0


PRICES = [Decimal(price) for price in ("10.00", "10.50", "9.25", "11.75")]
STEPS = st.lists(
    st.tuples(st.integers(-3, 3), st.integers(0, len(PRICES) - 1)), min_size=1, max_size=40
)


@given(STEPS, WAYS)
def test_a_price_that_comes_again_as_the_same_object_is_like_an_equal_one(
    steps: list[tuple[int, int]], way: tuple[FillGroupingMethod, FillMatchingMethod]
) -> None:
    seen = []
    for fresh in (False, True):
        builder = TradeBuilder(*way)
        for quantity, index in [*steps, (-sum(q for q, _ in steps), 0)]:
            price = Decimal(str(PRICES[index])) if fresh else PRICES[index]
            if quantity:
                feed(builder, [(quantity, price)])
            builder.set_market_price("SPY", price)
            builder.set_market_price("SPY", price)
        seen.append(
            [
                (t._mae, t._mfe, t._end_trade_drawdown, t._profit_loss, t._quantity)
                for t in builder.closed_trades
            ]
        )
    assert seen[0] == seen[1]


SEEN = st.lists(st.integers(1, 4000).map(lambda c: Decimal(c) / 40), min_size=1, max_size=30)


@given(st.sampled_from((10, -10)), SEEN, st.integers(0, 30))
def test_the_drawdown_of_an_open_trade_is_that_of_all_prices_with_its_scale(
    quantity: int, prices: list[Decimal], split_after: int
) -> None:
    symbol, entry, half = Equity(), Decimal("50.5"), Decimal("0.5")
    builder = TradeBuilder()
    fill = SimpleNamespace(
        order_id=1,
        symbol=symbol,
        utc_time=START,
        _fill_price=entry,
        _fill_quantity=Decimal(quantity),
    )
    builder.process_fill(fill, 1, 1)
    (trade,) = builder._positions[symbol].trades
    best = deepest = Decimal(0)
    for number, price in enumerate(prices):
        builder.set_market_price(symbol, price)
        profit = price - entry if quantity > 0 else entry - price
        if profit < best:
            deepest = max(deepest, best - profit)
        else:
            best = profit
        if number == split_after:
            split = SimpleNamespace(symbol=symbol, split_factor=0.5)
            builder.apply_split(split, False, DataNormalizationMode.RAW)
            best, deepest, entry = best * half, deepest * half, entry * half
        assert str(trade._max_drawdown) == str(deepest)
        assert str(trade._max_profit) == str(best)

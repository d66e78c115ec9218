"""Times around clock changes, decimals, middles of quotes, slices and tickers: LEAN's rules."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.algorithm.setup import SetupMixin
from engine.data.custom import PythonData, plain_point
from engine.orders.arguments import checked_options
from engine.statistics.trade_builder import TradeBuilder
from engine.types.bars import Bar, QuoteBar, TradeBar
from engine.types.decimals import plain, smart_rounding, to_decimal
from engine.types.enums import Resolution, SecurityType
from engine.types.errors import InvalidOperationException
from engine.types.slice import Slice
from engine.types.subscription import SubscriptionDataConfig
from engine.types.symbol import Symbol, SymbolCache
from engine.types.timezones import (
    TimeZones,
    from_micro,
    from_utc,
    to_micro,
    to_utc,
    to_utc_array,
)

NEW_YORK = TimeZones.NEW_YORK


@pytest.fixture
def tickers():
    SymbolCache.clear()
    yield SymbolCache
    SymbolCache.clear()


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        # comes twice: the second time counts (LEAN's Resolvers.ReturnLater)
        (datetime(2013, 11, 3, 1, 0), datetime(2013, 11, 3, 6, 0)),
        (datetime(2013, 11, 3, 0, 59), datetime(2013, 11, 3, 4, 59)),
        (datetime(2013, 11, 3, 2, 0), datetime(2013, 11, 3, 7, 0)),
        # never comes: the moment of the change (ReturnStartOfIntervalAfter)
        (datetime(2014, 3, 9, 2, 0), datetime(2014, 3, 9, 7, 0)),
        (datetime(2014, 3, 9, 2, 30), datetime(2014, 3, 9, 7, 0)),
        (datetime(2014, 3, 9, 3, 0), datetime(2014, 3, 9, 7, 0)),
        (datetime(2014, 3, 9, 1, 59), datetime(2014, 3, 9, 6, 59)),
    ],
)
def test_local_times_at_clock_changes_are_those_of_lean(local, utc):
    assert to_utc(local, NEW_YORK) == utc
    found = to_utc_array(np.array([to_micro(local)]), NEW_YORK)
    assert from_micro(int(found[0])) == utc


def test_a_zone_at_a_fixed_distance_has_the_name_that_net_gives_it():
    assert str(TimeZones.EASTERN_STANDARD) == "UTC-05"


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e-30, "0"), (-0.0, "0"), (1.23456789e-25, "0.0000000000000000000000001235"), (0.1, "0.1")],
)
def test_a_float_becomes_a_decimal_of_28_places_at_most(value, text):
    assert plain(to_decimal(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [("1234.567891", "1234.5679"), ("-1234.567891", "-1234.568"), ("71.428600000", "71.4286")],
)
def test_rounding_for_texts_knows_no_large_negative_numbers_and_no_trailing_zeros(value, text):
    assert plain(smart_rounding(Decimal(value))) == text


def test_the_middle_of_a_quote_has_no_noise_of_floats():
    price = 1.38689, 1.387
    bar = QuoteBar(
        datetime(2014, 5, 1), Symbol.EMPTY, Bar(*[price[0]] * 4), 0, Bar(*[price[1]] * 4)
    )
    assert repr(bar.close) == "1.386945"
    assert bar._d_close == Decimal("1.386945")


def bar_of(ticker: str, minutes: int) -> TradeBar:
    symbol = Symbol.create(ticker, SecurityType.CRYPTO, "coinbase")
    span = timedelta(minutes=minutes)
    return TradeBar(datetime(2020, 1, 1), symbol, 1, 1, 1, 1, minutes, span)


@pytest.mark.parametrize("order", [(1, 60, 1440), (1440, 60, 1)])
def test_of_several_resolutions_of_a_symbol_a_slice_shows_the_finest(order):
    slice_ = Slice(datetime(2020, 1, 1), [bar_of("BTCUSD", minutes) for minutes in order])
    assert [bar.volume for bar in slice_.bars.values()] == [1]


@given(st.lists(st.tuples(st.sampled_from(["A", "B", "C"]), st.integers(1, 3))))
def test_bars_of_one_kind_are_those_that_a_look_at_each_in_turn_keeps(
    made: list[tuple[str, int]],
) -> None:
    points = [bar_of(ticker, minutes) for ticker, minutes in made]
    kept: dict[Symbol, TradeBar] = {}
    for bar in points:
        if bar.symbol not in kept or kept[bar.symbol].period > bar.period:
            kept[bar.symbol] = bar
    found = Slice(datetime(2020, 1, 1), points).bars
    assert list(map(id, dict.values(found))) == list(map(id, kept.values()))


def test_the_data_of_a_slice_comes_in_order_of_the_tickers():
    slice_ = Slice(datetime(2020, 1, 1), [bar_of(t, 1) for t in ("LTCUSD", "ethusd", "BTCUSD")])
    expected = ["btcusd", "ethusd", "ltcusd"]
    assert [pair.key.value.lower() for pair in slice_.bars] == expected
    assert [symbol.value.lower() for symbol in slice_.bars.keys()] == expected  # noqa: SIM118
    assert [bar.symbol.value.lower() for bar in slice_.bars.values()] == expected
    assert [symbol.value.lower() for symbol, _ in slice_.bars.items()] == expected


_SYMBOLS = st.sampled_from(["zeta", "Alpha", "beta", "BTCUSD", "gamma"])


@given(st.lists(st.lists(_SYMBOLS, max_size=5, unique=True), min_size=1, max_size=6))
def test_every_moment_is_in_the_order_of_its_own_tickers(moments: list[list[str]]) -> None:
    for tickers in moments:
        bars = Slice(datetime(2020, 1, 1), [bar_of(ticker, 1) for ticker in tickers]).bars
        expected = sorted((bar.symbol for bar in dict.values(bars)), key=lambda s: s.value.lower())
        assert list(bars.keys()) == expected
        asked = bars.keys()
        if isinstance(asked, list):  # what a caller does with it is the caller's
            asked.reverse()
        assert list(bars.items()) == [(symbol, bars[symbol]) for symbol in expected]
        assert list(bars.values()) == [bars[symbol] for symbol in expected]
        for symbol in expected[:1]:  # taken out and put back it is another sequence
            bars[symbol] = bars.pop(symbol)
        assert list(bars.keys()) == expected


def test_a_renamed_symbol_goes_where_its_new_ticker_belongs() -> None:
    old, other = bar_of("AAA", 1), bar_of("MMM", 1)
    renamed = bar_of("AAA", 1)
    renamed.symbol = Symbol(old.symbol.id, "ZZZ")
    assert renamed.symbol == old.symbol
    for first, second in ((old, other), (renamed, other)):
        bars = Slice(datetime(2020, 1, 1), [first, second]).bars
        values = [symbol.value for symbol, _ in bars.items()]
        assert values == sorted(values)


def test_a_coin_with_trades_and_quotes_stands_for_its_quotes():
    trade = bar_of("BTCUSD", 1)
    quote = QuoteBar(trade.time, trade.symbol, Bar(1, 1, 1, 1), 0, Bar(2, 2, 2, 2))
    assert Slice(trade.time, [trade, quote])[trade.symbol] is quote


def test_a_ticker_finds_the_one_symbol_that_begins_with_it(tickers):
    found = Symbol.create("BTCUSD", SecurityType.CRYPTO, "coinbase")
    tickers.set("BTC.Bitcoin", found)
    assert tickers.get_symbol("btc") is found


def test_a_ticker_that_begins_several_is_refused_with_their_names(tickers):
    for name in ("BTC.Bitcoin", "BTC.Weather"):
        tickers.set(name, Symbol.create("BTCUSD", SecurityType.CRYPTO, "coinbase"))
    with pytest.raises(InvalidOperationException, match=r"BTC\.BITCOIN, BTC\.WEATHER"):
        tickers.get_symbol("BTC")


def test_the_type_of_a_subscription_prints_with_its_namespace_and_equals_its_class():
    symbol = Symbol.create("BTCUSD", SecurityType.CRYPTO, "coinbase")
    config = SubscriptionDataConfig(
        TradeBar, symbol, Resolution.MINUTE, TimeZones.UTC, TimeZones.UTC
    )
    assert str(config.type) == "QuantConnect.Data.Market.TradeBar"
    assert config.type == TradeBar
    assert config.type != QuoteBar
    assert config.type.name == "TradeBar"


def test_a_point_of_the_users_own_data_is_python_data_in_history():
    class Weather(PythonData):
        pass

    point = Weather()
    point["Warm"] = 3.0
    point.value = 7.0
    shown = plain_point(point)
    assert type(shown) is PythonData
    assert (shown["warm"], shown.value) == (3.0, 7.0)


def test_a_refused_call_names_the_types_that_were_given():
    symbol = Symbol.create("BTCUSD", SecurityType.CRYPTO, "coinbase")
    with pytest.raises(TypeError) as refused:
        checked_options("set_holdings", "only this", None, (symbol, 0.5, True, "only this"))
    assert str(refused.value).splitlines()[0] == (
        "No method matches given arguments for set_holdings: (<class 'QuantConnect.Symbol'>, "
        "<class 'float'>, <class 'bool'>, <class 'str'>). The following overloads are available:"
    )


def test_a_trade_builder_must_be_one():
    class Algorithm(SetupMixin):
        pass

    algorithm = object.__new__(Algorithm)
    builder = TradeBuilder()
    algorithm.set_trade_builder(builder)
    assert algorithm.trade_builder is builder
    with pytest.raises(TypeError, match="expected a TradeBuilder, was str"):
        algorithm.set_trade_builder("fifo")


@given(
    st.booleans(),
    st.integers(0, 10**24) | st.integers(0, 999),
    st.integers(-28, 4),
)
def test_a_number_is_printed_with_its_scale_and_without_an_exponent(
    negative: bool, digits: int, exponent: int
) -> None:
    value = Decimal((int(negative), tuple(map(int, str(digits))), exponent))
    text = plain(value)
    assert Decimal(text) == value
    assert "E" not in text
    assert len(text.partition(".")[2]) == max(0, -exponent)
    assert text.startswith("-") is (negative and digits > 0)


@given(
    st.sampled_from((TimeZones.NEW_YORK, TimeZones.SYDNEY, TimeZones.UTC)),
    st.lists(st.datetimes(datetime(1971, 1, 1), datetime(2037, 12, 31)), min_size=2, max_size=12),
)
def test_local_times_asked_for_in_any_order_are_those_of_the_zone(
    zone: ZoneInfo, moments: list[datetime]
) -> None:
    for moment in moments:
        there = moment.replace(tzinfo=TimeZones.UTC).astimezone(zone).replace(tzinfo=None)
        assert from_utc(moment, zone) == there


def test_the_offset_changes_with_the_very_moment_of_the_change() -> None:
    spring = datetime(2020, 3, 8, 7)
    for moment, hours in (
        (spring - timedelta(microseconds=1), -5),
        (spring, -4),
        (spring - timedelta(microseconds=1), -5),
        (datetime(2020, 11, 1, 6), -5),
        (datetime(2020, 11, 1, 6) - timedelta(microseconds=1), -4),
    ):
        assert from_utc(moment, TimeZones.NEW_YORK) == moment + timedelta(hours=hours)

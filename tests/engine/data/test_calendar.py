"""Market hours: sessions, special days, and the vectorised calendar beside the plain one."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from data_kit import DATA, hours

from engine.data.hours import MarketHoursDatabase, SecurityExchangeHours, _Entries
from engine.data.properties import SymbolProperties, SymbolPropertiesDatabase
from engine.data.times import start_for_bars
from engine.types.enums import SecurityType
from engine.types.errors import ArgumentException, DataError
from engine.types.timezones import TimeZones, from_micro, to_micro

D = datetime
STOCKS = ("usa", "SPY", SecurityType.EQUITY)
FOREX = ("oanda", "EURUSD", SecurityType.FOREX)
GOLD = ("oanda", "XAUUSD", SecurityType.CFD)
COINS = ("coinbase", "BTCUSD", SecurityType.CRYPTO)


def exchange(key) -> SecurityExchangeHours:
    return hours().get_exchange_hours(*key)


def test_a_half_day_closes_at_one_and_the_next_day_opens_as_ever():
    stocks = exchange(STOCKS)
    assert stocks.get_next_market_close(D(2013, 11, 29, 1)) == D(2013, 11, 29, 13)
    assert stocks.get_next_market_open(D(2013, 11, 29, 13)) == D(2013, 12, 2, 9, 30)
    assert not stocks.is_open(D(2013, 11, 29, 13), False)
    assert stocks.get_market_hours(D(2013, 11, 29)).market_duration == timedelta(hours=3.5)


def test_holidays_are_closed_and_neighbours_are_found():
    stocks = exchange(STOCKS)
    assert not stocks.is_date_open(D(2013, 12, 25))
    assert stocks.get_next_trading_day(D(2013, 12, 24)) == D(2013, 12, 26)
    assert stocks.get_previous_trading_day(D(2013, 12, 26)) == D(2013, 12, 24)
    assert stocks.regular_market_duration == timedelta(hours=6.5)


def test_the_session_is_open_from_its_start_and_closed_at_its_end():
    stocks = exchange(STOCKS)
    assert stocks.is_open(D(2013, 10, 7, 9, 30), False)
    assert not stocks.is_open(D(2013, 10, 7, 16), False)
    assert stocks.is_open(D(2013, 10, 7, 16), True)
    assert stocks.is_open(D(2013, 10, 7, 9), D(2013, 10, 7, 10), False)
    assert stocks.get_next_market_open(D(2013, 10, 7, 3), True) == D(2013, 10, 7, 4)


def test_the_daily_calendar_of_midnight_is_the_day_before():
    assert exchange(STOCKS)._daily_calendar(D(2013, 10, 8)) == (
        D(2013, 10, 7, 9, 30),
        D(2013, 10, 7, 16),
    )


def test_forex_opens_on_sunday_three_past_five_and_pauses():
    forex = exchange(FOREX)
    assert forex.get_next_market_open(D(2014, 5, 3, 12)) == D(2014, 5, 4, 17, 3)
    assert not forex.is_open(D(2014, 5, 3, 12), False)


def test_a_market_that_never_closes_has_no_next_opening():
    coins = exchange(COINS)
    assert coins.is_market_always_open
    with pytest.raises(ArgumentException, match="next market open within two weeks"):
        coins.get_next_market_open(D(2018, 4, 4))


def test_zones_written_as_offsets_are_read():
    entry = hours().get_entry("fxcm", "EURUSD", SecurityType.FOREX)
    assert entry.data_time_zone.utcoffset(D(2014, 7, 1)) == timedelta(hours=-5)


def test_hours_of_the_users_own_win():
    database = MarketHoursDatabase._from_data_folder(DATA)
    assert not database.get_exchange_hours(*STOCKS).is_market_always_open
    database.set_entry_always_open("usa", "SPY", SecurityType.EQUITY, TimeZones.UTC)
    assert database.get_exchange_hours(*STOCKS).is_market_always_open
    assert not database.get_exchange_hours("usa", "IBM", SecurityType.EQUITY).is_market_always_open


def test_an_unknown_market_is_refused():
    with pytest.raises(ArgumentException, match="exchange hours for Equity-mars-SPY"):
        hours().get_entry("mars", "SPY", SecurityType.EQUITY)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([STOCKS, FOREX, GOLD, COINS]),
    st.integers(0, 20 * 365 * 1440),
    st.sampled_from([1, 60, 3600, 86400, 200_000]),
    st.booleans(),
)
def test_the_vectorised_calendar_agrees_with_the_plain_one(key, minute, seconds, extended):
    calendar = exchange(key)
    start = to_micro(D(2000, 1, 1)) + minute * 60_000_000
    end = start + seconds * 1_000_000
    mask = calendar._open_mask(np.array([start]), np.array([end]), extended)
    assert bool(mask[0]) == calendar.is_open(from_micro(start), from_micro(end), extended)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([STOCKS, FOREX, GOLD, COINS]),
    st.datetimes(D(2000, 1, 1), D(2020, 1, 1)),
    st.booleans(),
)
def test_a_moment_is_open_when_the_hours_of_its_day_say_so(key, moment, extended):
    calendar = exchange(key)
    day = calendar.get_market_hours(moment)
    time = moment - moment.replace(hour=0, minute=0, second=0, microsecond=0)
    assert calendar.is_open(moment, extended) == day.is_open(time, extended)
    assert calendar.is_open(moment) == day.is_open(time)


def test_a_question_that_comes_again_gets_the_answer_it_would_get_first():
    asked = exchange(STOCKS)
    for minute in range(0, 4 * 24 * 60, 3):
        moment = D(2013, 11, 27) + timedelta(minutes=minute)
        later = moment + timedelta(hours=1)
        for rest in ((), (False,), (True,), (later, False), (later, True)):
            assert asked.is_open(moment, *rest) == asked._look_whether_open(moment, *rest)
            assert asked.is_open(moment, *rest) == asked._look_whether_open(moment, *rest)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 20 * 365 * 96), st.booleans())
def test_an_opening_is_the_first_open_moment_after_a_closed_one(quarter, extended):
    stocks = exchange(STOCKS)
    moment = D(2000, 1, 1) + timedelta(minutes=15 * quarter)
    opening = stocks.get_next_market_open(moment, extended)
    assert opening > moment
    assert stocks.is_open(opening, extended)
    assert not stocks.is_open(opening - timedelta(microseconds=1), extended)
    assert stocks.get_previous_market_open(opening, extended) == opening


def test_bars_are_counted_back_over_nights_and_weekends():
    stocks = exchange(STOCKS)
    zone = TimeZones.NEW_YORK
    day, hour, minute = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
    start = D(2013, 10, 8)
    assert start_for_bars(stocks, start, day, 4, False, zone, True) == D(2013, 10, 2)
    assert start_for_bars(stocks, start, hour, 9, False, zone) == D(2013, 10, 4, 14)
    assert start_for_bars(stocks, start, minute, 391, False, zone) == D(2013, 10, 4, 15, 59)
    # the bar of today counts only after the close
    noon, evening = D(2013, 10, 8, 12), D(2013, 10, 8, 16)
    assert start_for_bars(stocks, noon, day, 1, False, zone, True) == D(2013, 10, 7)
    assert start_for_bars(stocks, evening, day, 1, False, zone, True) == D(2013, 10, 7, 16)


def test_properties_of_a_ticker_of_its_market_and_by_default():
    database = SymbolPropertiesDatabase._from_data_folder(DATA)
    coin = database.get_symbol_properties("coinbase", "BTCUSD", SecurityType.CRYPTO, "USD")
    assert (str(coin._lot_size), coin.quote_currency, coin.market_ticker) == (
        "1E-8",
        "USD",
        "BTC-USD",
    )
    share = database.get_symbol_properties("usa", "SPY", SecurityType.EQUITY, "USD")
    assert (share.lot_size, share.minimum_price_variation) == (1.0, 0.01)
    unknown = database.get_symbol_properties("mars", "SPY", SecurityType.EQUITY, "EUR")
    assert (unknown.quote_currency, unknown.lot_size) == ("EUR", 1.0)
    assert database.try_get_market("BTCUSD", SecurityType.CRYPTO)[0]


def test_properties_refuse_a_lot_of_nothing():
    with pytest.raises(ArgumentException, match="LotSize"):
        SymbolProperties("", "USD", 1, 1, 0, "")


def test_an_absent_data_folder_is_named(tmp_path):
    with pytest.raises(DataError, match=r"market-hours-database\.json"):
        MarketHoursDatabase._from_data_folder(tmp_path)
    with pytest.raises(DataError, match=r"symbol-properties-database\.csv"):
        SymbolPropertiesDatabase._from_data_folder(tmp_path)


@settings(deadline=None, max_examples=60)
@given(
    keys=st.lists(
        st.sampled_from(
            ("Equity-usa-SPY", "Equity-usa-[*]", "Equity-us-SPY", "Forex-a-X", "Forex-a-XY", "x")
        ),
        max_size=8,
    ),
    ends=st.sampled_from(("\n", "\r\n", "")),
    asked=st.sampled_from(
        ("Equity-usa-SPY", "Equity-usa-[*]", "Equity-us-SPY", "Forex-a-X", "Forex-b-X", "x")
    ),
)
def test_an_entry_found_in_the_text_is_that_of_the_whole_file(tmp_path_factory, keys, ends, asked):
    # keys come twice, stand inside of entries and as values: the last entry counts
    entries = [
        f'"{key}": {{"number": {n}, "name": "{asked}", "like": ["{asked}"]}}'
        for n, key in enumerate(keys)
    ]
    text = '{"entries": {' + f",{ends}".join(entries) + "}}"
    path = tmp_path_factory.mktemp("hours") / "hours.json"
    path.write_bytes(text.encode())
    whole = json.loads(text)["entries"]
    one_by_one = _Entries(str(path))
    for key in (asked, *keys, asked):
        assert one_by_one.get(key) == whole.get(key)

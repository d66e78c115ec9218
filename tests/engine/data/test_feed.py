"""The merged feed gives the data points that LEAN counted, at LEAN's times, in LEAN's order.

The counts are ``data_points`` of runs of LEAN (commit 24863901) on its sample data; they hold every
bar, filled bar and
corporate event, one point for each universe selection, and the bars of the benchmark.
"""

from __future__ import annotations

import sys
from collections import Counter
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from data_kit import add_benchmark, add_equity, config, feed, points, slices

from engine.types.bars import Delisting, Dividend, QuoteBar, Split, SymbolChangedEvent, TradeBar
from engine.types.enums import (
    DataNormalizationMode,
    DelistingType,
    Resolution,
    SecurityType,
    SplitType,
)

MINUTE, HOUR, DAILY = Resolution.MINUTE, Resolution.HOUR, Resolution.DAILY
D = datetime


@pytest.mark.parametrize(
    ("start", "end", "tickers", "resolution", "warm", "universes", "expected"),
    [
        (D(2013, 10, 7), D(2013, 10, 11), "SPY", MINUTE, None, 1, 3943),
        (D(2013, 10, 7), D(2013, 10, 11), "SPY IBM", MINUTE, None, 1, 7843),
        (D(2013, 10, 7), D(2013, 10, 8), "SPY", MINUTE, D(2013, 10, 4, 15, 50), 1, 1987),
        (D(2013, 10, 8), D(2013, 10, 9), "SPY BAC", MINUTE, D(2013, 10, 7, 15, 15), 2, 4100),
        (D(2013, 10, 8), D(2013, 10, 10), "SPY BAC", HOUR, D(2013, 10, 4, 14), 2, 106),
        (D(2008, 9, 2), D(2008, 10, 31), "SPY AIG BAC", HOUR, None, 1, 1243),
        (D(2013, 1, 2), D(2013, 12, 31), "SPY AAPL", DAILY, None, 1, 2275),
        (D(2007, 1, 1), D(2009, 12, 31), "SPY IWM EEM", DAILY, None, 1, 7576),
        (D(2013, 10, 8), D(2013, 10, 22), "SPY BAC", DAILY, D(2013, 10, 2), 2, 114),
    ],
)
def test_data_points_equal_those_of_lean(
    start, end, tickers, resolution, warm, universes, expected
):
    made = feed(start, end, warm, resolution if warm else None)
    add_equity(made, tickers, resolution)
    add_benchmark(made)
    for number in range(universes):
        made.add_pulse(number, [made.start])
    slices(made)
    assert made.data_points == expected


def test_extended_and_regular_hours_side_by_side_count_as_in_lean():
    made = feed(D(2013, 10, 7), D(2013, 10, 11))
    add_equity(made, "SPY", MINUTE, extended_hours=True)
    add_equity(made, "IBM", MINUTE)
    add_benchmark(made)
    made.add_pulse("user", [made.start])
    slices(made)
    assert made.data_points == 13543


def test_one_symbol_at_two_resolutions_is_filled_forward_as_in_lean():
    made = feed(D(2013, 10, 7), D(2013, 10, 10))
    for ticker, resolution in (("SPY", MINUTE), ("SPY", DAILY), ("IBM", DAILY), ("IBM", HOUR)):
        add_equity(made, ticker, resolution)
    made.add_pulse("user", [made.start])
    slices(made)
    assert made.data_points == 6994


def test_extended_hours_of_four_resolutions_count_as_in_lean():
    made = feed(D(2013, 10, 8), D(2013, 10, 9))
    add_equity(made, "SPY", MINUTE, extended_hours=True)
    add_equity(made, "IBM", MINUTE, extended_hours=True, fill_forward=False)
    add_equity(made, "BAC", MINUTE)
    add_equity(made, "AAPL", HOUR, extended_hours=True)
    made.add_pulse("user", [made.start])
    slices(made)
    assert made.data_points == 8981


def test_seven_symbols_over_twenty_two_years_count_as_in_lean():
    # 77062 of the run less the 990 bars of its history call
    made = feed(D(1999, 6, 1), D(2021, 3, 31))
    add_equity(made, "SPY QQQ IWM EEM AAPL IBM BAC", DAILY)
    add_benchmark(made)
    made.add_pulse("user", [made.start])
    made.add_pulse("manual", [made.start])
    slices(made)
    assert made.data_points == 76072


def test_the_warm_up_of_seven_symbols_counts_as_in_lean():
    # BAC was NB until October 1998: of the file under its later name the last ten days before count
    made = feed(D(1999, 6, 1), D(1999, 6, 30), D(1998, 5, 29), DAILY)
    add_equity(made, "SPY QQQ IWM EEM AAPL IBM BAC", DAILY)
    warm = [point for utc, point in points(made) if utc < made.warmup_end]
    bars = Counter(bar.symbol.value for bar in warm if isinstance(bar, TradeBar))
    assert bars == {"SPY": 253, "QQQ": 57, "AAPL": 253, "IBM": 253, "BAC": 174}


def test_data_that_begins_later_than_asked_for_is_noted():
    made = feed(D(2014, 3, 20), D(2014, 4, 15))
    add_equity(made, "GOOG GOOAV", DAILY)
    slices(made)
    assert made.closing_notes() == [
        "Due to numerical precision issues in the factor file, data for the following symbols was "
        "adjust to a later starting date: [GOOG, 03/26/2014]",
        "The starting dates for the following symbols have been adjusted to match their map files "
        "first date: [GOOAV, 2014-03-27], [GOOG, 2014-03-27]",
    ]


def test_an_hour_bar_comes_again_every_minute_with_its_old_times():
    made = feed(D(2013, 10, 8), D(2013, 10, 8))
    made.add(config("SPY", MINUTE))
    made.add(config("IBM", HOUR))
    hour = [(utc, bar) for utc, bar in points(made) if bar.symbol.value == "IBM"]
    at = [bar for utc, bar in hour if utc == D(2013, 10, 8, 15, 30)]
    assert [(bar.time, bar.end_time, bar.is_fill_forward, bar.volume) for bar in at] == [
        (D(2013, 10, 8, 10), D(2013, 10, 8, 11), True, 0.0)
    ]
    real = [bar for utc, bar in hour if utc == D(2013, 10, 8, 15)]
    assert [(bar.end_time, bar.is_fill_forward) for bar in real] == [(D(2013, 10, 8, 11), False)]
    assert real[0].close == at[0].close
    assert real[0].volume > 0


def test_without_fill_forward_a_daily_bar_comes_once_at_the_close():
    made = feed(D(2013, 11, 27), D(2013, 12, 2))
    made.add(config("SPY", DAILY, fill_forward=False))
    times = [(bar.time, bar.end_time) for _, bar in points(made)]
    # Thanksgiving is left out, the day after closes at one
    assert times == [
        (D(2013, 11, 27, 9, 30), D(2013, 11, 27, 16)),
        (D(2013, 11, 29, 9, 30), D(2013, 11, 29, 13)),
        (D(2013, 12, 2, 9, 30), D(2013, 12, 2, 16)),
    ]


def test_daily_bars_end_at_midnight_when_precise_end_times_are_off():
    made = feed(D(2013, 10, 8), D(2013, 10, 9))
    made.add(config("SPY", DAILY, daily_precise_end_time=False))
    found = [(utc, bar.time, bar.end_time) for utc, bar in points(made)]
    # the bar of the day before ends exactly at the start, and the last one behind the end
    assert found[0] == (D(2013, 10, 8, 4), D(2013, 10, 7), D(2013, 10, 8))
    assert found[-1] == (D(2013, 10, 10, 4), D(2013, 10, 9), D(2013, 10, 10))


def test_a_bar_that_ends_behind_the_end_is_not_sent_when_filled_bars_came_first():
    # GBPUSD by day ends at 19:00, filled by the hour; in Tokyo the last day ends at ten in New York
    made = feed(D(2014, 11, 11), D(2014, 11, 12), zone=ZoneInfo("Asia/Tokyo"))
    made.add(config("EURUSD", HOUR, "oanda", SecurityType.FOREX, QuoteBar))
    made.add(config("GBPUSD", DAILY, "oanda", SecurityType.FOREX, QuoteBar))
    assert slices(made)[-1].utc == D(2014, 11, 12, 15)


def test_a_crypto_bar_that_ends_exactly_at_the_start_is_sent():
    made = feed(D(2018, 4, 4), D(2018, 4, 4))
    made.add(config("BTCUSD", MINUTE, "coinbase", SecurityType.CRYPTO))
    first = points(made)[0]
    assert first[0] == D(2018, 4, 4, 4)
    assert first[1].time == D(2018, 4, 4, 3, 59)


def test_exact_prices_keep_the_scale_of_file_and_factor():
    made = feed(D(2013, 10, 7), D(2013, 10, 7))
    made.add(config("SPY", MINUTE))
    bar = points(made)[0][1]
    # 167.43 times 0.8646266
    assert str(bar._d_open) == "144.76443163800"
    assert bar.open == float(bar._d_open)


def test_crypto_prices_keep_the_decimals_they_are_written_with():
    made = feed(D(2018, 4, 4), D(2018, 4, 4))
    made.add(config("BTCUSD", MINUTE, "coinbase", SecurityType.CRYPTO, QuoteBar))
    bar = points(made)[1][1]
    assert all(str(x._d_close) == repr(x.close).removesuffix(".0") for x in (bar.bid, bar.ask))


def test_a_rename_and_its_spin_off_come_at_midnight_rename_first_listed():
    made = feed(D(2013, 6, 26), D(2013, 7, 3))
    made.add(config("FOXA", MINUTE, data_normalization_mode=DataNormalizationMode.RAW))
    events = [
        (utc, type(point).__name__)
        for utc, point in points(made)
        if not isinstance(point, TradeBar)
    ]
    assert sorted(events) == [
        (D(2013, 7, 1, 4), "Dividend"),
        (D(2013, 7, 1, 4), "SymbolChangedEvent"),
    ]


def test_a_split_is_announced_the_day_before():
    made = feed(D(2014, 6, 5), D(2014, 6, 10))
    made.add(config("AAPL", DAILY, data_normalization_mode=DataNormalizationMode.RAW))
    found = [
        (utc, split.type, split._split_factor)
        for utc, split in points(made)
        if isinstance(split, Split)
    ]
    assert [(utc, kind) for utc, kind, _ in found] == [
        (D(2014, 6, 6, 4), SplitType.WARNING),
        (D(2014, 6, 9, 4), SplitType.SPLIT_OCCURRED),
    ]
    assert round(float(found[0][2]), 7) == 0.1428572


def test_a_delisting_is_announced_on_the_last_day_and_ends_the_data():
    made = feed(D(2014, 3, 20), D(2014, 4, 15))
    made.add(config("GOOAV", DAILY, data_normalization_mode=DataNormalizationMode.RAW))
    found = points(made)
    ends = [(utc, x.type, x._price) for utc, x in found if isinstance(x, Delisting)]
    assert ends == [
        (D(2014, 4, 2, 4), DelistingType.WARNING, Decimal("568.0000")),
        (D(2014, 4, 3, 4), DelistingType.DELISTED, Decimal("568.6700")),
    ]
    assert found[-1][0] == D(2014, 4, 3, 4)


def test_a_rename_reaches_a_symbol_that_has_no_bar_yet():
    made = feed(D(2014, 3, 20), D(2014, 4, 15))
    made.add(config("GOOG", DAILY))
    changes = [
        (utc, x.old_symbol, x.new_symbol)
        for utc, x in points(made)
        if isinstance(x, SymbolChangedEvent)
    ]
    assert changes == [
        (D(2014, 3, 27, 4), "GOOG", "GOOCV"),
        (D(2014, 4, 3, 4), "GOOCV", "GOOG"),
    ]


def test_internal_feeds_set_prices_but_are_not_shown():
    made = feed(D(2013, 12, 19), D(2013, 12, 23))
    add_benchmark(made)
    found = slices(made)
    assert sum(len(one.updates) for one in found) == 28
    assert not any(one.points or one.dividends for one in found)


def test_dividends_are_sent_in_every_mode():
    for mode in (DataNormalizationMode.RAW, DataNormalizationMode.TOTAL_RETURN):
        made = feed(D(2013, 12, 19), D(2013, 12, 23))
        made.add(config("SPY", DAILY, data_normalization_mode=mode))
        paid = [(utc, x._distribution) for utc, x in points(made) if isinstance(x, Dividend)]
        assert paid == [(D(2013, 12, 20, 5), Decimal("0.99"))]


def test_total_return_adds_the_dividends_paid_since_the_start():
    found = {}
    for mode in (DataNormalizationMode.SPLIT_ADJUSTED, DataNormalizationMode.TOTAL_RETURN):
        made = feed(D(2013, 12, 19), D(2013, 12, 23))
        made.add(config("SPY", DAILY, data_normalization_mode=mode))
        found[mode] = [bar._d_close for _, bar in points(made) if isinstance(bar, TradeBar)]
    split, total = found.values()
    assert [t - s for s, t in zip(split, total, strict=False)] == [
        0,
        Decimal("0.99"),
        Decimal("0.99"),
    ]


def test_trades_come_before_quotes_and_symbols_by_ticker():
    made = feed(D(2013, 10, 7), D(2013, 10, 7))
    add_equity(made, "SPY BAC", MINUTE)
    made.add(config("EURUSD", MINUTE, "oanda", SecurityType.FOREX, QuoteBar))
    one = next(s for s in slices(made) if len(s.updates) > 3)
    assert [(c.symbol.value, c.type.name) for c, _ in one.updates] == [
        ("BAC", "TradeBar"),
        ("SPY", "TradeBar"),
        ("BAC", "QuoteBar"),
        ("SPY", "QuoteBar"),
    ]


def test_universes_are_asked_between_the_clock_and_the_data_of_their_moment():
    made = feed(D(2013, 10, 7), D(2013, 10, 7))
    asked = []

    def select(utc, universes):
        asked.append((utc, list(universes)))
        made.add(config("SPY", HOUR))

    made.selector = select
    made.add_pulse("mine", [D(2013, 10, 7, 14)])
    first = made.next()
    assert first.is_time_pulse
    assert first.utc == D(2013, 10, 7, 14)
    assert not asked
    second = made.next()
    assert asked == [(D(2013, 10, 7, 14), ["mine"])]
    assert not second.is_time_pulse
    assert second.utc == D(2013, 10, 7, 14)
    assert [point.end_time for point in second.points] == [D(2013, 10, 7, 10)]


def test_the_warm_up_ends_with_a_pulse_when_no_data_ends_then():
    made = feed(D(2013, 10, 8), D(2013, 10, 8), D(2013, 10, 7), DAILY)
    made.add(config("SPY", DAILY))
    found = [(one.utc, one.is_time_pulse) for one in slices(made)]
    assert found == [
        (D(2013, 10, 7, 20), False),
        (D(2013, 10, 8, 4), True),
        (D(2013, 10, 8, 20), False),
    ]


def test_a_removed_subscription_sends_nothing_more():
    made = feed(D(2013, 10, 7), D(2013, 10, 7))
    spy, ibm = config("SPY", HOUR), config("IBM", HOUR)
    made.add(spy)
    made.add(ibm)
    made.next()
    assert made.remove(ibm)
    assert not made.remove(ibm)
    assert {point.symbol.value for _, point in points(made)} == {"SPY"}


def test_a_subscription_added_later_starts_with_the_next_step():
    made = feed(D(2013, 10, 7), D(2013, 10, 7))
    made.add(config("SPY", HOUR))
    made.next()
    made.next()
    made.add(config("IBM", HOUR))
    later = [utc for utc, point in points(made) if point.symbol.value == "IBM"]
    assert later[0] >= D(2013, 10, 7, 15)


def test_a_finer_subscription_starts_the_others_again_at_its_step():
    made = feed(D(2013, 10, 7), D(2013, 10, 7))
    made.add(config("SPY", HOUR))
    for _ in range(2):
        made.next()
    made.add(config("IBM", MINUTE))
    hours = [(utc, p.is_fill_forward) for utc, p in points(made) if p.symbol.value == "SPY"]
    assert hours[0] == (D(2013, 10, 7, 16), False)
    assert hours[1] == (D(2013, 10, 7, 16, 1), True)


def test_a_ticker_without_files_has_no_data():
    made = feed(D(2013, 10, 7), D(2013, 10, 7))
    made.add(config("NOPE", MINUTE))
    made.add(config("NOPE", DAILY))
    assert made.next() is None

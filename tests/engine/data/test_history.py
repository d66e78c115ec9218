"""``history()`` gives the frames that LEAN gave: shapes, numbers, order, at three times of day."""

from __future__ import annotations

import hashlib
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from data_kit import Historian

from engine.types.bars import QuoteBar, TradeBar
from engine.types.enums import DataNormalizationMode, Resolution, SecurityType
from engine.types.symbol import Symbol

MINUTE, HOUR, DAILY = Resolution.MINUTE, Resolution.HOUR, Resolution.DAILY
MIDNIGHT = datetime(2013, 10, 8)
HALF_PAST_TEN = datetime(2013, 10, 8, 10, 30)


@pytest.fixture
def at():
    """Return an algorithm with SPY and IBM by minute and AAPL by day, at a moment."""

    def make(now: datetime) -> Historian:
        made = Historian(now)
        made.spy = made.add_equity("SPY", MINUTE)
        made.ibm = made.add_equity("IBM", MINUTE)
        made.aapl = made.add_equity("AAPL", DAILY)
        return made

    return make


def fingerprint(frame) -> str:
    return hashlib.md5(frame.round(6).to_csv().encode()).hexdigest()


# md5 of the csv, rounded to six places, of LEAN's own frames
CALLS = {
    "bars": (
        lambda a: a.history(a.spy, 5),
        "b3088ccd2a80f11c113d8344c0d27dc8",
        "00cea6031ac3d89d3a8fefd689f817f9",
    ),
    "daily": (lambda a: a.history(a.spy, 5, DAILY), "c2fb4038f5c684b2ebc5c14e06c6f23e", None),
    "hours": (lambda a: a.history(a.spy, 5, HOUR), "e993c56a7fe4d4b37ca555223f2842f6", None),
    "span": (
        lambda a: a.history(a.spy, timedelta(hours=20)),
        "10f1d07b5c453ea6082c7d2ca100afdb",
        None,
    ),
    "span of days": (
        lambda a: a.history(a.spy, timedelta(days=10), DAILY),
        "dfe5971a27d88261328ede5401c7db71",
        None,
    ),
    "dates": (
        lambda a: a.history(a.spy, datetime(2013, 9, 20), datetime(2013, 10, 1), DAILY),
        "b90138970d08b0061c7142347f30ee23",
        None,
    ),
    "times": (
        lambda a: a.history(a.spy, datetime(2013, 10, 7, 9, 30), datetime(2013, 10, 7, 10)),
        "4fff17a6d44c20ea4a7507cea93856a4",
        None,
    ),
    "list by day": (
        lambda a: a.history([a.spy, a.ibm, a.aapl], 4, DAILY),
        "e8af426d9b9dc95c6c6af77440c83b11",
        None,
    ),
    "mixed list": (
        lambda a: a.history([a.spy, a.aapl], 4),
        "076497d15ebb8812e30977855489056c",
        None,
    ),
    "all securities": (
        lambda a: a.history(a.securities.keys(), 2, DAILY),
        "346012c5a034bb268210c84315732fab",
        None,
    ),
    "trade bars": (
        lambda a: a.history(TradeBar, a.spy, 3, DAILY),
        "dd2b21df89057a452330b3383ac9ab2e",
        None,
    ),
    "trade bars of a list": (
        lambda a: a.history(TradeBar, [a.spy, a.ibm], 3, DAILY),
        "7350acf3c7a18400d6c8850db9d297ee",
        None,
    ),
    "quote bars": (
        lambda a: a.history(QuoteBar, a.spy, 3, MINUTE),
        "ec961a251425dd84480872a518b9a2e7",
        None,
    ),
    "raw": (
        lambda a: a.history(a.aapl, 3, DAILY, data_normalization_mode=DataNormalizationMode.RAW),
        "97fd7912dd84d7da59f973dd82309143",
        None,
    ),
    "no fill forward": (
        lambda a: a.history(a.ibm, 6, MINUTE, fill_forward=False),
        "2a3e666d512eedaade0666af39544143",
        None,
    ),
    "extended hours": (
        lambda a: a.history(a.spy, 6, MINUTE, extended_market_hours=True),
        "1910ca63ef6cd248176e8facf48cc2ac",
        None,
    ),
    "flat": (
        lambda a: a.history([a.spy, a.ibm], 2, DAILY, flatten=True),
        "939c3c99aebd94596dac25750787a7fe",
        None,
    ),
    "not subscribed": (
        lambda a: a.history(Symbol.create("BAC", SecurityType.EQUITY, "usa"), 3, DAILY),
        "06051b91b7ad5e02a3441e66736340a4",
        None,
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_frames_equal_those_of_lean(at, name):
    call, midnight, later = CALLS[name]
    frame = call(at(MIDNIGHT))
    assert fingerprint(frame) == midnight
    assert list(frame.index.names) == ["symbol", "time"]
    assert list(frame.columns) == sorted(frame.columns)
    assert {str(kind) for kind in frame.dtypes} == {"float64"}
    if later is not None:
        assert fingerprint(call(at(HALF_PAST_TEN))) == later


@pytest.mark.parametrize(
    "call",
    [
        lambda a: a.history([a.spy, a.ibm], timedelta(minutes=5), MINUTE),
        lambda a: a.history(Symbol.create("NOPE", SecurityType.EQUITY, "usa"), 3, DAILY),
        lambda a: a.history(a.spy, 0, DAILY),
    ],
)
def test_nothing_found_is_an_empty_frame_without_names(at, call):
    frame = call(at(MIDNIGHT))
    assert frame.shape == (0, 0)
    assert list(frame.index.names) == [None]


def test_a_ticker_gives_bars_and_a_number_gives_slices(at):
    algorithm = at(MIDNIGHT)
    bars = algorithm.history("SPY", 3, DAILY)
    assert type(bars).__name__ == "MemoizingEnumerable[TradeBar]"
    assert [bar.end_time for bar in bars] == [
        datetime(2013, 10, 3, 16),
        datetime(2013, 10, 4, 16),
        datetime(2013, 10, 7, 16),
    ]
    assert str(next(iter(bars))._d_close) == "144.92871069200"
    slices = list(algorithm.history(3, DAILY))
    assert [one.time.day for one in slices] == [3, 4, 7]
    assert [len(one.bars) for one in slices] == [3, 3, 3]


def test_a_type_in_brackets_gives_bars_of_that_type(at):
    algorithm = at(HALF_PAST_TEN)
    quotes = algorithm.history[QuoteBar](algorithm.spy, 2, MINUTE)
    assert [bar.end_time.minute for bar in quotes] == [29, 30]
    assert all(isinstance(bar, QuoteBar) for bar in quotes)
    many = algorithm.history[TradeBar]([algorithm.spy, algorithm.ibm], 2, MINUTE)
    assert [len(found) for found in many] == [2, 2]


def test_the_future_is_never_given(at):
    algorithm = at(HALF_PAST_TEN)
    frame = algorithm.history(algorithm.spy, HALF_PAST_TEN, datetime(2013, 10, 10))
    assert frame.empty
    assert algorithm.messages == ["Request for future history modified to end now."]


def test_the_day_that_is_not_over_is_not_in_a_daily_history(at):
    algorithm = at(HALF_PAST_TEN)
    frame = algorithm.history(algorithm.spy, 2, DAILY)
    assert [time.day for _, time in frame.index] == [4, 7]


def test_frames_are_read_with_tickers_symbols_and_lists(at):
    algorithm = at(MIDNIGHT)
    frame = algorithm.history([algorithm.spy, algorithm.ibm], 3, DAILY)
    assert frame.loc["SPY"].shape == frame.loc[algorithm.spy].shape == (3, 5)
    wide = frame["close"].unstack(level=0)
    assert [str(name) for name in wide.columns] == ["IBM", "SPY"]
    assert list(wide["SPY"]) == list(frame.loc["SPY"]["close"])
    assert list(wide[["SPY", "IBM"]].columns) == [algorithm.spy, algorithm.ibm]
    assert "SPY" in frame.index
    assert "NOPE" not in frame.index


def test_columns_of_nothing_but_zeros_are_left_out():
    algorithm = Historian(datetime(2014, 5, 7))
    pair = Symbol.create("EURUSD", SecurityType.FOREX, "oanda")
    frame = algorithm.history(pair, 2, DAILY)
    assert "bidclose" in frame.columns
    assert "bidsize" not in frame.columns


def test_the_last_known_price_is_the_last_bar(at):
    algorithm = at(MIDNIGHT)
    assert algorithm.get_last_known_price(algorithm.aapl).end_time == datetime(2013, 10, 7, 16)
    both = algorithm.get_last_known_prices(algorithm.spy)
    assert [type(bar) for bar in both] == [TradeBar, QuoteBar]
    assert {bar.end_time for bar in both} == {datetime(2013, 10, 7, 16)}
    many = algorithm.get_last_known_prices([algorithm.spy, algorithm.aapl])
    assert [(s.value, len(found)) for s, found in many.items()] == [("AAPL", 1), ("SPY", 2)]


@pytest.mark.parametrize(
    ("count", "resolution", "expected"),
    [
        (4, DAILY, datetime(2013, 10, 2, 4)),
        (9, HOUR, datetime(2013, 10, 4, 18)),
        (45, MINUTE, datetime(2013, 10, 7, 19, 15)),
    ],
)
def test_the_warm_up_counts_bars_of_trading_back_from_the_start(at, count, resolution, expected):
    algorithm = at(MIDNIGHT)
    algorithm._warmup_bar_count, algorithm.settings.warmup_resolution = count, resolution
    assert algorithm._warmup_start_utc() == expected


def test_a_warm_up_of_a_timedelta_is_calendar_time(at):
    algorithm = at(MIDNIGHT)
    algorithm._warmup_time_span = timedelta(minutes=40)
    assert algorithm._warmup_start_utc() == datetime(2013, 10, 8, 3, 20)


def test_wrong_calls_say_what_was_expected(at):
    algorithm = at(MIDNIGHT)
    with pytest.raises(ValueError, match="a number of bars, a timedelta, or start and end"):
        algorithm.history(algorithm.spy)
    with pytest.raises(TypeError, match="unexpected keyword argument 'resolutions'"):
        algorithm.history(algorithm.spy, 3, resolutions=DAILY)
    with pytest.raises(ValueError, match="ticker 'QQQ'"):
        algorithm.history("QQQ", 3)

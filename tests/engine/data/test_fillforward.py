"""Fill-forward: whole runs equal the bars made one by one by the rules, whatever the gaps."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from data_kit import hours

from engine.data.fillforward import DAY, HOUR, FillForward, Point
from engine.types.enums import SecurityType
from engine.types.timezones import TimeZones, from_micro, to_micro

MINUTE = 60_000_000
D = datetime
EXCHANGES = {
    "shares": (("usa", "SPY", SecurityType.EQUITY), TimeZones.NEW_YORK),
    "forex": (("oanda", "EURUSD", SecurityType.FOREX), TimeZones.UTC),
    "gold": (("oanda", "XAUUSD", SecurityType.CFD), TimeZones.UTC),
    "coins": (("coinbase", "BTCUSD", SecurityType.CRYPTO), TimeZones.UTC),
}


class OneByOne(FillForward):
    """The same rules without runs."""

    def _more(self, bar: Point, following: Point) -> int:
        return 0


def bars(kind, name, resolution, fill, extended, strict, previous, following):
    key, zone = EXCHANGES[name]
    made = kind(hours().get_exchange_hours(*key), zone, resolution, fill, extended, strict, 2**61)
    out = []
    for run in made.between(Point(*previous), following):
        shifts = [k * run.step for k in range(run.count)]
        out += [(run.time + shift, run.end + shift) for shift in shifts]
    return out


def at(moment: datetime) -> int:
    return to_micro(moment)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(EXCHANGES)),
    st.sampled_from([(MINUTE, MINUTE), (HOUR, HOUR), (HOUR, MINUTE * 15), (MINUTE * 15, HOUR)]),
    st.integers(0, 3 * 365 * 24),
    st.integers(1, 60),
    st.booleans(),
    st.booleans(),
)
def test_runs_equal_single_bars(name, spans, hour, gap, extended, event):
    resolution, fill = spans
    end = at(D(2013, 1, 1)) + hour * HOUR
    step = max(resolution, fill) if resolution != MINUTE else MINUTE * 20
    time = end + gap * step
    time -= time % resolution
    following = (
        Point(time - time % DAY + DAY, time - time % DAY + DAY, event=True)
        if event
        else Point(time, time + resolution)
    )
    previous = (end - resolution, end)
    arguments = (name, resolution, fill, extended, False, previous, following)
    assert bars(FillForward, *arguments) == bars(OneByOne, *arguments)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 700), st.integers(1, 4), st.sampled_from([HOUR, MINUTE * 30, DAY]))
def test_runs_of_daily_bars_equal_single_bars(day, gap, fill):
    stocks = hours().get_exchange_hours("usa", "SPY", SecurityType.EQUITY)
    first = stocks.get_next_market_open(D(2013, 1, 1) + timedelta(days=day))
    second = first
    for _ in range(gap):
        second = stocks.get_next_market_open(second)
    one = (at(first), at(stocks.get_next_market_close(first)))
    two = Point(at(second), at(stocks.get_next_market_close(second)))
    arguments = ("shares", DAY, fill, False, True, one, two)
    assert bars(FillForward, *arguments) == bars(OneByOne, *arguments)


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 8000), st.integers(0, 400), st.sampled_from(["row", "event", "short"]),
    st.integers(-3, 500), st.booleans(),
)  # fmt: skip
def test_days_filled_at_once_equal_days_filled_one_by_one(day, gap, kind, room, filled):
    stocks = hours().get_exchange_hours("usa", "SPY", SecurityType.EQUITY)
    first = stocks.get_next_market_open(D(1999, 1, 1) + timedelta(days=day))
    later = first + timedelta(days=gap)
    second = stocks.get_next_market_open(later)
    following = Point(at(second), at(stocks.get_next_market_close(second)))
    if kind == "event":
        midnight = at(later) - at(later) % DAY
        following = Point(midnight, midnight, event=True)
    elif kind == "short":
        following.end = following.time + HOUR
    limit = at(first + timedelta(days=room))
    close = at(stocks.get_next_market_close(first))
    results = []
    for at_once in (True, False):
        rules = FillForward(stocks, TimeZones.NEW_YORK, DAY, DAY, False, True, limit)
        previous = Point(at(first), close, filled)
        made = rules.days(previous, following) if at_once else None
        if at_once:
            assert (made is None) == (kind == "short")
        if made is None:
            made = [(r.time, r.end) for r in rules.between(previous, following) if r.count == 1]
        else:
            made = list(zip(*(column.tolist() for column in made), strict=True))
        results.append((made, previous, rules.ended))
    assert results[0] == results[1]


def shown(found):
    return [(from_micro(time), from_micro(end)) for time, end in found]


def test_missing_minutes_are_filled_up_to_the_next_bar():
    found = bars(
        FillForward, "shares", MINUTE, MINUTE, False, False,
        (at(D(2013, 10, 7, 9, 59)), at(D(2013, 10, 7, 10))),
        Point(at(D(2013, 10, 7, 10, 3)), at(D(2013, 10, 7, 10, 4))),
    )  # fmt: skip
    assert shown(found) == [(D(2013, 10, 7, 10, k), D(2013, 10, 7, 10, k + 1)) for k in range(3)]


def test_nights_and_weekends_stay_empty():
    found = bars(
        FillForward, "shares", MINUTE, MINUTE, False, False,
        (at(D(2013, 10, 4, 15, 57)), at(D(2013, 10, 4, 15, 58))),
        Point(at(D(2013, 10, 7, 9, 32)), at(D(2013, 10, 7, 9, 33))),
    )  # fmt: skip
    assert [end for _, end in shown(found)] == [
        D(2013, 10, 4, 15, 59),
        D(2013, 10, 4, 16),
        D(2013, 10, 7, 9, 31),
        D(2013, 10, 7, 9, 32),
    ]


def test_a_missing_day_is_filled_from_open_to_close_also_when_it_is_short():
    found = bars(
        FillForward, "shares", DAY, DAY, False, True,
        (at(D(2013, 11, 27, 9, 30)), at(D(2013, 11, 27, 16))),
        Point(at(D(2013, 12, 2, 9, 30)), at(D(2013, 12, 2, 16))),
    )  # fmt: skip
    assert shown(found) == [(D(2013, 11, 29, 9, 30), D(2013, 11, 29, 13))]


def test_an_event_does_not_stop_the_bar_that_ends_with_it():
    midnight = at(D(2018, 4, 5))
    found = bars(
        FillForward, "coins", HOUR, HOUR, False, False,
        (midnight - 3 * HOUR, midnight - 2 * HOUR), Point(midnight, midnight, event=True),
    )  # fmt: skip
    assert [end for _, end in shown(found)] == [D(2018, 4, 4, 23), D(2018, 4, 5)]


@pytest.mark.parametrize("extended", [True, False])
def test_extended_hours_are_filled_only_when_asked_for(extended):
    found = bars(
        FillForward, "shares", HOUR, HOUR, extended, False,
        (at(D(2013, 10, 7, 15)), at(D(2013, 10, 7, 16))),
        Point(at(D(2013, 10, 7, 19)), at(D(2013, 10, 7, 20))),
    )  # fmt: skip
    assert len(found) == (3 if extended else 0)

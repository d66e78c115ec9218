"""Consolidators by time, count, calendar, price; the clock that closes bars; the manager."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.consolidators import (
    BaseDataConsolidator,
    Calendar,
    CalendarInfo,
    ClassicRenkoConsolidator,
    IdentityDataConsolidator,
    PythonConsolidator,
    QuoteBarConsolidator,
    RenkoConsolidator,
    SequentialConsolidator,
    SubscriptionManager,
    TradeBarConsolidator,
    VolumeRenkoConsolidator,
)
from engine.types.bars import Bar, QuoteBar, TradeBar
from engine.types.enums import Resolution, SecurityType, TickType
from engine.types.errors import ArgumentException, InvalidOperationException
from engine.types.subscription import SubscriptionDataConfig
from engine.types.symbol import Market, Symbol
from engine.types.timekeeper import TimeKeeper
from engine.types.timezones import TimeZones, to_utc

EURUSD = Symbol.create("EURUSD", SecurityType.FOREX, Market.OANDA)
GBPUSD = Symbol.create("GBPUSD", SecurityType.FOREX, Market.OANDA)
OPEN = datetime(2020, 1, 6, 9, 30)
MINUTE = timedelta(minutes=1)
ZONE = TimeZones.NEW_YORK


def bar(i: int, close: float = 1.0, volume: float = 10.0, symbol: Symbol = EURUSD) -> TradeBar:
    return TradeBar(
        OPEN + i * MINUTE, symbol, close, close + 0.5, close - 0.5, close, volume, MINUTE
    )


def collect(consolidator: Any) -> list[Any]:
    sent: list[Any] = []
    consolidator.data_consolidated += lambda _sender, made: sent.append(made)
    return sent


def test_bars_of_a_time_span_are_aligned_to_the_clock() -> None:
    consolidator = TradeBarConsolidator(timedelta(minutes=45))
    sent = collect(consolidator)
    for i in range(20):
        consolidator.update(bar(i, 1.0 + i))
    assert [(b.time, b.end_time) for b in sent] == [
        (datetime(2020, 1, 6, 9, 0), datetime(2020, 1, 6, 9, 45))
    ]
    assert (sent[0].open, sent[0].high, sent[0].low, sent[0].close) == (1.0, 15.5, 0.5, 15.0)
    assert (sent[0].volume, consolidator.consolidated) == (150.0, sent[0])


def test_a_scan_closes_a_bar_whose_time_has_come() -> None:
    consolidator = TradeBarConsolidator(timedelta(minutes=5))
    sent = collect(consolidator)
    for i in range(5):
        consolidator.update(bar(i))
    assert sent == []
    consolidator.scan(OPEN + 4 * MINUTE)
    assert sent == []
    consolidator.scan(OPEN + 5 * MINUTE)
    assert [b.end_time for b in sent] == [OPEN + 5 * MINUTE]
    assert consolidator.working_data is None


def test_a_count_begins_with_the_first_bar() -> None:
    consolidator = TradeBarConsolidator(3)
    sent = collect(consolidator)
    for i in range(7):
        consolidator.update(bar(i))
    assert [(b.time, b.end_time) for b in sent] == [
        (OPEN, OPEN + 3 * MINUTE),
        (OPEN + 3 * MINUTE, OPEN + 6 * MINUTE),
    ]


def test_spans_over_a_day_begin_with_the_first_data() -> None:
    consolidator = TradeBarConsolidator(timedelta(days=3))
    consolidator.update(bar(0))
    assert consolidator.working_data.time == OPEN


@pytest.mark.parametrize(
    ("rule", "moment", "start", "end"),
    [
        (Calendar.WEEKLY, datetime(2020, 1, 8, 12), datetime(2020, 1, 6), datetime(2020, 1, 13)),
        (Calendar.WEEKLY, datetime(2020, 1, 12, 12), datetime(2020, 1, 6), datetime(2020, 1, 13)),
        (Calendar.WEEKLY, datetime(2020, 1, 13), datetime(2020, 1, 13), datetime(2020, 1, 20)),
        (Calendar.MONTHLY, datetime(2020, 2, 29, 1), datetime(2020, 2, 1), datetime(2020, 3, 1)),
        (Calendar.QUARTERLY, datetime(2020, 12, 31), datetime(2020, 10, 1), datetime(2021, 1, 1)),
        (Calendar.YEARLY, datetime(2020, 7, 1), datetime(2020, 1, 1), datetime(2021, 1, 1)),
    ],
)
def test_calendar_periods(rule: Any, moment: datetime, start: datetime, end: datetime) -> None:
    info = rule(moment)
    assert (info.start, info.end) == (start, end)


def test_a_calendar_function_may_not_start_in_the_future() -> None:
    with pytest.raises(ArgumentException, match="Should never return a time later"):
        TradeBarConsolidator(lambda t: CalendarInfo(t + MINUTE, MINUTE))


def test_data_longer_than_the_span_is_refused() -> None:
    with pytest.raises(ArgumentException, match="can not consolidate bars of period"):
        TradeBarConsolidator(timedelta(seconds=30)).update(bar(0))


def test_a_consolidator_serves_one_symbol_and_one_type() -> None:
    consolidator = TradeBarConsolidator(timedelta(minutes=5))
    consolidator.update(bar(0))
    with pytest.raises(InvalidOperationException, match="single symbol"):
        consolidator.update(bar(1, symbol=GBPUSD))
    with pytest.raises(ArgumentException, match="Received type of TradeBar but expected QuoteBar"):
        QuoteBarConsolidator(timedelta(minutes=5)).update(bar(0))


def test_a_quote_bar_opens_at_the_close_before() -> None:
    consolidator = QuoteBarConsolidator(2)
    sent = collect(consolidator)
    for i, price in enumerate((1.0, 2.0, 5.0, 6.0)):
        bid, ask = Bar(price, price, price, price), Bar(price + 1, price + 1, price + 1, price + 1)
        consolidator.update(QuoteBar(OPEN + i * MINUTE, EURUSD, bid, 1, ask, 2, MINUTE))
    assert [(b.bid.open, b.bid.close, b.ask.open) for b in sent] == [
        (1.0, 2.0, 2.0),
        (2.0, 6.0, 3.0),
    ]


def test_identity_passes_each_moment_once() -> None:
    consolidator = IdentityDataConsolidator[TradeBar]()
    sent, one = collect(consolidator), bar(0)
    for item in (one, one, bar(1)):
        consolidator.update(item)
    assert [b.end_time for b in sent] == [OPEN + MINUTE, OPEN + 2 * MINUTE]
    assert consolidator[1] is one


def test_a_sequence_needs_fitting_types() -> None:
    sequence = SequentialConsolidator(TradeBarConsolidator(2), TradeBarConsolidator(2))
    sent = collect(sequence)
    for i in range(5):
        sequence.update(bar(i))
    assert [b.volume for b in sent] == [40.0]
    with pytest.raises(ArgumentException, match="must equal"):
        SequentialConsolidator(TradeBarConsolidator(2), QuoteBarConsolidator(2))


def test_values_of_any_data_become_bars() -> None:
    consolidator = BaseDataConsolidator(3)
    sent = collect(consolidator)
    for i, price in enumerate((2.0, 4.0, 3.0)):
        consolidator.update(bar(i, price))
    assert (sent[0].open, sent[0].high, sent[0].low, sent[0].close) == (2.0, 4.0, 2.0, 3.0)


ticks = st.lists(st.integers(-40, 40), min_size=1, max_size=120)


@given(moves=ticks, size=st.sampled_from(["0.1", "0.25", "1", "0.07"]))
@settings(max_examples=60, deadline=None)
def test_renko_bricks_join_and_have_one_size(moves: list[int], size: str) -> None:
    from decimal import Decimal

    consolidator, brick = RenkoConsolidator(float(size)), Decimal(size)
    sent, price = collect(consolidator), 10000
    for i, move in enumerate(moves):
        price += move
        consolidator.update(bar(i, price / 100))
    for made in sent:
        assert abs(made._d_close - made._d_open) == brick
        assert made._d_low <= min(made._d_open, made._d_close)
        assert made._d_high >= max(made._d_open, made._d_close)
        assert made._d_open % brick == 0
    for before, after in itertools.pairwise(sent):
        assert after._d_open in (before._d_close, before._d_open)


@given(volumes=st.lists(st.integers(1, 900), min_size=1, max_size=60))
@settings(max_examples=40, deadline=None)
def test_volume_bars_lose_no_volume(volumes: list[int]) -> None:
    consolidator = VolumeRenkoConsolidator(250)
    sent = collect(consolidator)
    for i, volume in enumerate(volumes):
        consolidator.update(bar(i, 1.0, float(volume)))
    kept = consolidator.working_data.volume
    assert all(b.volume == 250 for b in sent)
    assert sum(b.volume for b in sent) + kept == sum(volumes)


def test_classic_bricks_keep_the_volume() -> None:
    consolidator = ClassicRenkoConsolidator(1.0, False)
    sent = collect(consolidator)
    for i, price in enumerate((5.0, 5.5, 6.2)):
        consolidator.update(bar(i, price))
    assert [(b.open, b.close, b.volume, b.is_closed) for b in sent] == [(5.0, 6.0, 30.0, True)]


def algorithm() -> Any:
    clock = TimeKeeper(to_utc(OPEN, ZONE))

    def set_utc(utc: datetime) -> None:
        clock.utc = utc

    made = SimpleNamespace(_clock=clock, _set_utc=set_utc)
    made.manager = SubscriptionManager(made)
    made.config = SubscriptionDataConfig(
        TradeBar, EURUSD, Resolution.MINUTE, ZONE, ZONE, tick_type=TickType.TRADE
    )
    made.manager._add(made.config)
    return made


def test_the_scan_closes_bars_in_order_with_the_clock_at_their_ends() -> None:
    stage = algorithm()
    closed = []
    for minutes in (15, 10):
        consolidator = TradeBarConsolidator(timedelta(minutes=minutes))
        consolidator.data_consolidated += lambda _s, b: closed.append(
            (stage._clock.local(ZONE), b.end_time)
        )
        stage.manager.add_consolidator(EURUSD, consolidator)
    first = bar(0)
    stage.manager.scan_past_consolidators(to_utc(first.end_time, ZONE), stage)
    stage._set_utc(to_utc(first.end_time, ZONE))
    for consolidator in stage.config.consolidators:
        consolidator.update(first)
        consolidator.scan(first.end_time)
    late = to_utc(OPEN + timedelta(hours=2), ZONE)
    assert stage.manager._next_scan_utc <= late
    stage.manager.scan_past_consolidators(late, stage)
    ends = [OPEN + timedelta(minutes=m) for m in (10, 15)]
    assert closed == [(end, end) for end in ends]


def test_a_removed_consolidator_is_neither_fed_nor_scanned() -> None:
    stage = algorithm()
    consolidator = TradeBarConsolidator(timedelta(minutes=5))
    sent = collect(consolidator)
    stage.manager.add_consolidator(EURUSD, consolidator)
    consolidator.update(bar(0))
    stage.manager.remove_consolidator(None, consolidator)
    stage.manager.scan_past_consolidators(to_utc(OPEN + timedelta(hours=2), ZONE), stage)
    assert (stage.config.consolidators, sent) == ([], [])


def test_a_consolidator_needs_a_subscription_of_its_type() -> None:
    stage = algorithm()
    with pytest.raises(ArgumentException, match="Please subscribe to this symbol"):
        stage.manager.add_consolidator(GBPUSD, TradeBarConsolidator(2))
    with pytest.raises(ArgumentException, match="does not support input type: QuoteBar"):
        stage.manager.add_consolidator(EURUSD, QuoteBarConsolidator(2))


class Every(PythonConsolidator):
    """Sends every bar."""

    def __init__(self) -> None:
        self.input_type, self.output_type = TradeBar, TradeBar

    def update(self, data: Any) -> None:
        self.consolidated = data
        self.on_data_consolidated(self, data)


class Last(QuoteBarConsolidator):
    """A subclass that does not call the base's constructor and looks for its own bars."""

    def __init__(self) -> None:
        self.scans = 0

    def scan(self, current_local_time: datetime) -> None:
        self.scans += 1


def test_consolidators_of_the_user_are_fed_and_scanned() -> None:
    stage = algorithm()
    every = Every()
    sent = collect(every)
    stage.manager.add_consolidator(EURUSD, every)
    for consolidator in stage.config.consolidators:
        consolidator.update(bar(0))
    assert [b.close for b in sent] == [1.0]
    stage.config._type = QuoteBar
    last = Last()
    stage.manager.add_consolidator(EURUSD, last)
    stage.manager.scan_past_consolidators(to_utc(OPEN + timedelta(minutes=10), ZONE), stage)
    assert last.scans > 5

"""The records of one moment taken in together: the same as one by one, whatever they are."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protection.contracts import (
    Bar,
    ManualClock,
    Portfolio,
    Position,
    ProtectionSettings,
    Quote,
    Statistic,
    Trade,
)
from protection.contracts.stores import MemoryStateStore
from protection.system import ProtectionSystem

START = datetime(2020, 1, 6, 21, tzinfo=UTC)
QUICK = {"volatility.fast_sessions": "2", "volatility.slow_sessions": "3"}
SETTINGS = [
    QUICK,
    {**QUICK, "volatility.rate": "0.2"},
    {**QUICK, "volatility.ratio": "none", "flash.move": "none"},
    {**QUICK, "tail.watch": "true", "orders.observed": "true", "orders.luld_tier": "1"},
    {"admission.door.mode": "on"},
]
PRICES = st.sampled_from([100.0, 100.5, 101.0, 97.0, 103.0, 112.0, 260.0, math.nan, 0.0])
SPANS = st.sampled_from([timedelta(days=1), timedelta(minutes=1)])
LAGS = st.sampled_from([timedelta(0)] * 6 + [timedelta(days=-1), timedelta(days=3), None])
BARS = st.tuples(
    st.just("bar"), st.sampled_from("AB"), PRICES, st.floats(0.0, 0.1), LAGS, SPANS, st.booleans()
)
ODD = st.tuples(
    st.sampled_from(["quote", "trade", "statistic", "word", "late field"]),
    st.sampled_from("AB"),
    PRICES,
)
USUAL = st.tuples(
    st.just("bar"),
    st.sampled_from("ABC"),
    st.floats(99.0, 101.0),
    st.just(0.01),
    st.just(timedelta(0)),
    SPANS,
    st.just(False),
)
SLICES = st.lists(
    st.tuples(
        st.sampled_from([86_400, 86_400, 60, 30, 0]),
        st.lists(st.one_of(USUAL, USUAL, BARS, ODD), max_size=4),
        st.booleans(),
    ),
    min_size=4,
    max_size=30,
)


def record(now: datetime, told: tuple[Any, ...]) -> Any:
    what, symbol, price, *more = told
    if what == "bar":
        width, lag, period, copied = more
        time = now.replace(tzinfo=None) if lag is None else now + lag
        top, bottom = price * (1.0 + width), price * (1.0 - width)
        return Bar(symbol, time, price, top, bottom, price, 1e6, period, copied)
    if what == "quote":
        return Quote(symbol, now, price, price + 0.1)
    if what == "trade":
        return Trade(symbol, now, price)
    if what == "statistic":
        return Statistic(symbol, now, "vpin", price / 100.0)
    if what == "word":
        return symbol
    return Bar(symbol, now, price, price, price, None)  # type: ignore[arg-type]


def run(flat: dict[str, str], slices: list[Any], together: bool, kept: bool) -> tuple[Any, ...]:
    """Everything that can be seen of a system that was shown the slices."""
    clock, told = ManualClock(START), []
    store = MemoryStateStore() if kept else None
    system = ProtectionSystem(
        ProtectionSettings.from_flat(flat), clock=clock, store=store, sink=told.append
    )
    seen: list[Any] = []
    for seconds, lines, warm_up in slices:
        clock.advance(timedelta(seconds=seconds))
        now = clock.now()
        records = [record(now, line) for line in lines]
        if together:
            seen += system.observe_all(records, warm_up=warm_up)
        else:
            seen += [system.observe(each, warm_up=warm_up) for each in records]
        positions = {"A": Position("A", 10.0, 100.0, 100.0)}
        seen.append(system.evaluate(Portfolio(now, 100_000.0, positions)))
    again = None if store is None else ProtectionSystem(system.settings, clock=clock, store=store)
    stored = None if again is None else again.snapshot()
    prices = {symbol: system._last_price(symbol) for symbol in "ABC"}
    held = {symbol: guard.held for symbol, guard in system._guards.items()}
    counted = dict(system.counters)
    return seen, system.snapshot(), list(system.events), told, counted, stored, prices, held


@pytest.mark.parametrize("flat", SETTINGS, ids=lambda flat: " ".join(flat))
@pytest.mark.parametrize("kept", [False, True], ids=["in memory", "kept"])
@settings(max_examples=25, deadline=None)
@given(slices=SLICES)
def test_a_slice_taken_in_at_once_is_the_same_as_record_by_record(
    flat: dict[str, str], kept: bool, slices: list[Any]
) -> None:
    assert repr(run(flat, slices, True, kept)) == repr(run(flat, slices, False, kept))


def test_a_storm_in_a_usual_slice_trips_volatility_and_flash_breakers() -> None:
    clock = ManualClock(START)
    system = ProtectionSystem(ProtectionSettings.from_flat(QUICK), clock=clock)
    minute = timedelta(minutes=1)
    closes = [100.0, 100.5, 100.0, 100.5, 100.0, 100.5, 100.0, 88.0]
    for close in closes:
        clock.advance(timedelta(days=1))
        now = clock.now()
        bars = [Bar("A", now, close, close, close, close, 1e6, minute)]
        bars.append(Bar("B", now, 100.0, max(100.0, close), min(100.0, close), 100.0, 1e6, minute))
        assert all(answer.accepted for answer in system.observe_all(bars))

    tripped = {(event.breaker, event.scope) for event in system.events if event.after == "open"}
    assert ("volatility", "symbol:A") in tripped
    assert ("flash", "symbol:B") in tripped

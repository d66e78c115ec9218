"""The door: one outcome for every observation, never an exception."""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protection.admission import (
    Admission,
    AdmissionSettings,
    Admitted,
    Cause,
    Envelope,
    Quarantined,
    Rejected,
    Sample,
    Source,
    SourceRegistry,
    WeeklyHours,
)
from protection.contracts import Bar, ManualClock, Quote, Trade
from protection.contracts.errors import FixSettings, NameActor

NOW = datetime(2024, 3, 6, 15, 0, tzinfo=UTC)


def cause(outcome: Any) -> Cause | None:
    return None if isinstance(outcome, Admitted) else outcome.cause


def test_a_good_observation_is_admitted_with_the_trust_of_its_source(desk):
    outcome = desk.door.decide(desk.trade())

    assert isinstance(outcome, Admitted)
    assert outcome.weight == pytest.approx(8.1 / 10.1)
    assert desk.door.counters == {"admitted": 1}


def test_a_source_nobody_registered_is_rejected(desk):
    assert cause(desk.door.decide(desk.trade(source="stranger"))) is Cause.UNKNOWN_SOURCE


@pytest.mark.parametrize(
    "record",
    [
        Trade("SPY", NOW, math.nan),
        Trade("SPY", NOW, math.inf),
        Trade("SPY", NOW, 0.0),
        Trade("SPY", NOW, -1.0),
        Trade("SPY", NOW, 1.0, math.nan),
        Trade("SPY", NOW, 1.0, -1.0),
        Quote("SPY", NOW, math.nan, 1.0),
        Quote("SPY", NOW, 1.0, 2.0, -1.0, 1.0),
        Bar("SPY", NOW, 1.0, 0.9, 0.8, 0.85),
        Bar("SPY", NOW, 1.0, 1.2, 0.8, math.nan),
        Bar("SPY", NOW, 1.0, 1.2, 0.0, 1.0),
        Bar("SPY", NOW, 1.0, 1.2, 0.8, 1.0, -5.0),
        Sample("x", NOW, ()),
        Sample("x", NOW, (1.0, math.nan)),
        Sample("x", NOW, [1.0, 2.0]),
        Trade("SPY", NOW.replace(tzinfo=None), 1.0),
        Trade("SPY", "yesterday", 1.0),
        Trade(["SPY"], NOW, 1.0),
        Trade("SPY", NOW, "1.0"),
    ],
)
def test_a_record_no_market_could_have_sent_is_invalid(desk, record):
    outcome = desk.door.decide(Envelope("s0", record))

    assert isinstance(outcome, Rejected)
    assert outcome.cause is Cause.INVALID
    assert outcome.reason


def test_a_crossed_quote_is_rejected_and_a_locked_one_is_not(desk):
    crossed = desk.door.decide(Envelope("s0", Quote("SPY", NOW, 100.02, 100.01)))
    locked = desk.door.decide(Envelope("s0", Quote("SPY", NOW, 100.01, 100.01)))

    assert cause(crossed) is Cause.CROSSED
    assert cause(locked) is None


def test_events_and_receipts_from_the_future_are_rejected(desk):
    late = desk.clock.now() + timedelta(seconds=2.5)
    event = desk.door.decide(Envelope("s0", Trade("SPY", late, 100.0), desk.clock.now()))
    receipt = desk.door.decide(Envelope("s0", Trade("SPY", desk.clock.now(), 100.0), late))

    assert cause(event) is Cause.FUTURE
    assert cause(receipt) is Cause.FUTURE


def test_age_is_judged_by_event_and_by_receipt(desk):
    now = desk.clock.now()
    old = now - timedelta(seconds=3.5)
    delayed = desk.door.decide(Envelope("s0", Trade("SPY", old, 100.0), now))
    queued = desk.door.decide(Envelope("s0", Trade("SPY", old, 100.0), old))
    fresh = desk.door.decide(Envelope("s0", Trade("SPY", now - timedelta(seconds=3), 1.0), now))

    assert cause(delayed) is Cause.STALE_EVENT
    assert cause(queued) is Cause.STALE_RECEIPT
    assert cause(fresh) is None


def test_the_night_does_not_make_the_last_bar_of_the_session_stale():
    hours = WeeklyHours()
    registry = SourceRegistry(Source("feed", cadence_seconds=60.0, hours=hours))
    close = datetime(2024, 3, 6, 21, 0, tzinfo=UTC)
    bar = Bar("SPY", close, 1.0, 1.0, 1.0, 1.0, 10.0, timedelta(minutes=1))
    clock = ManualClock(close + timedelta(hours=17, minutes=32))  # 9:32 the next morning
    door = Admission(registry, clock=clock)

    assert isinstance(door.decide(Envelope("feed", bar, close)), Admitted)
    clock.advance(timedelta(minutes=2))
    assert cause(door.decide(Envelope("feed", bar, close))) is Cause.STALE_RECEIPT


def test_older_and_repeated_records_are_told_apart(desk):
    first = desk.trade(100.0)
    desk.tick()
    second = desk.trade(100.1)
    twin = desk.trade(100.2)
    outcomes = [desk.door.decide(entry) for entry in (second, twin, second, first)]

    assert [cause(o) for o in outcomes] == [None, None, Cause.DUPLICATE, Cause.OUT_OF_ORDER]


def test_a_filled_forward_bar_is_silence_flagged_or_not(desk):
    def bar(price: float, volume: float, filled: bool) -> Envelope:
        desk.tick()
        now = desk.clock.now()
        return Envelope(
            "s0", Bar("SPY", now, price, price, price, price, volume, filled_forward=filled)
        )

    shown = ((10.0, 5.0, False), (10.0, 5.0, True), (10.0, 0.0, False))
    outcomes = [desk.door.decide(bar(*figures)) for figures in shown]

    assert [cause(o) for o in outcomes] == [None, Cause.SILENCE, Cause.SILENCE]
    desk.tick(2)
    health = desk.door.health()[0]
    assert health.silent  # four seconds since the last real bar, copies or not
    assert health.receipt_age == 4.0


def test_a_feed_is_silent_after_three_cadences_and_not_before(desk):
    desk.door.decide(desk.trade())
    desk.tick(3.0)
    assert not desk.door.health()[0].silent
    desk.tick(0.1)
    assert desk.door.health()[0].silent


def test_the_bucket_limits_the_rate_and_fills_again(make_desk):
    desk = make_desk(settings={"rates": {"per_second": 2.0, "burst": 3.0}}, cadence=None)
    outcomes = [desk.door.decide(desk.trade(100.0 + n / 1000)) for n in range(5)]
    desk.tick(1.0)
    later = [desk.door.decide(desk.trade(100.0 + n / 1000)) for n in range(3)]

    assert [cause(o) for o in outcomes] == [None, None, None, Cause.RATE, Cause.RATE]
    assert [cause(o) for o in later] == [None, None, Cause.RATE]


def test_a_quota_counts_per_owner_not_per_name():
    clock = ManualClock(NOW)
    registry = SourceRegistry(Source("a", owner="one"), Source("b", owner="one"), Source("c"))
    chosen = AdmissionSettings.from_dict({"rates": {"quota": 3}})
    door = Admission(registry, chosen, clock=clock)
    outcomes = [
        cause(door.decide(Envelope(name, Trade("SPY", NOW, 100.0 + n))))
        for n, name in enumerate("aabbcc")
    ]

    assert outcomes == [None, None, None, Cause.QUOTA, None, None]


def test_banned_sources_are_refused_until_the_ban_runs_out(desk):
    until = desk.clock.now() + timedelta(seconds=10)
    desk.door.ban("s0", actor="anna", reason="odd prints", until=until)
    during = desk.door.decide(desk.trade())
    desk.tick(10)
    after = desk.door.decide(desk.trade())

    assert cause(during) is Cause.BANNED
    assert "anna" in during.reason
    assert cause(after) is None


def test_suspicious_sources_are_quarantined_and_released_by_name(desk):
    desk.registry.suspect("s0", actor="anna", reason="new", now=desk.clock.now())
    held = desk.door.decide(desk.trade())

    assert isinstance(held, Quarantined)
    assert held.cause is Cause.SUSPICIOUS
    with pytest.raises(NameActor):
        desk.door.release(held.ticket, actor=" ", reason="looked at it")
    released = desk.door.release(held.ticket, actor="anna", reason="looked at it")
    assert released is not None
    assert released.envelope == held.envelope
    assert desk.door.release(held.ticket, actor="anna", reason="again") is None


def test_quarantine_is_bounded_in_number_and_time(make_desk):
    desk = make_desk(settings={"quarantine": {"capacity": 2, "hold_seconds": 60.0}})
    desk.registry.suspect("s0", actor="anna", reason="new", now=desk.clock.now())
    tickets = [outcome.ticket for outcome in desk.feed([100.0, 100.1, 100.2])]

    assert [held.ticket for held in desk.door.quarantine.held] == tickets[1:]
    desk.door.quarantine.expire(desk.clock.now() + timedelta(seconds=60))
    assert len(desk.door.quarantine) == 0
    assert desk.door.quarantine.dropped == 3


def test_bad_behaviour_lowers_trust_until_a_ban_that_explains_itself(desk):
    before = desk.door.trust("s0")
    outcomes = []
    for _ in range(20):
        desk.tick()
        outcomes.append(cause(desk.door.decide(desk.trade(-1.0))))

    assert desk.door.trust("s0") < 0.2 < before
    assert outcomes[0] is Cause.INVALID
    assert outcomes[-1] is Cause.BANNED
    assert "invalid" in desk.registry.banned["s0"].reason
    desk.door.pardon("s0", actor="anna", reason="feed handler mended")
    desk.tick()
    assert isinstance(desk.door.decide(desk.trade()), Admitted)


def test_unknown_settings_and_impossible_ones_are_named():
    with pytest.raises(FixSettings, match=r"quality\.outlier_z"):
        AdmissionSettings.from_dict({"quality": {"outlier_zz": 3}})
    with pytest.raises(FixSettings, match=r"trust\.floor"):
        AdmissionSettings.from_dict({"trust": {"floor": 0.9, "cap": 0.5}})
    with pytest.raises(FixSettings, match="rates"):
        AdmissionSettings.from_dict({"rates": 5})
    assert AdmissionSettings.from_dict(AdmissionSettings().to_dict()) == AdmissionSettings()


anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.binary(max_size=5),
    st.datetimes(),
    st.just(NOW),
    st.just([1]),
    st.just({"a": 1}),
    st.just(object()),
    st.just(np.float64(3.0)),
    st.just(np.array([1.0, np.nan])),
)
records = st.one_of(
    anything,
    st.builds(Trade, anything, anything, anything, anything),
    st.builds(Quote, anything, anything, anything, anything),
    st.builds(Bar, anything, anything, anything, anything, anything, anything, anything),
    st.builds(Sample, anything, anything, anything),
    st.builds(Trade, st.just("SPY"), st.just(NOW), anything),
    st.builds(Sample, st.just("x"), st.just(NOW), st.tuples(anything, anything)),
)
envelopes = st.one_of(
    anything,
    st.builds(Envelope, anything, records, anything, anything, anything, anything, anything),
    st.builds(Envelope, st.sampled_from(["s0", "s1"]), records),
    st.builds(
        Envelope, st.sampled_from(["s0", "s1"]), records, anything, anything, anything, anything,
        st.just("k1"),
    ),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(envelopes, min_size=1, max_size=5), st.booleans())
def test_whatever_comes_gets_an_outcome_and_is_counted(make_desk, entries, signed):
    desk = make_desk(sources=2, signed=signed)
    outcomes = [desk.door.decide(entry) for entry in entries]

    assert sum(desk.door.counters.values()) == len(entries)
    for entry, outcome in zip(entries, outcomes, strict=True):
        if isinstance(outcome, Admitted):
            record = entry.record
            assert not signed
            assert isinstance(record, (Trade, Sample, Quote, Bar))
            assert isinstance(record.symbol, str)
        else:
            assert isinstance(outcome.cause, Cause)
            assert outcome.reason
    desk.door.save()  # nothing that came in can make the state unwritable


def test_the_same_messages_give_the_same_outcomes(make_desk):
    prices = 100 * np.exp(np.cumsum(np.random.default_rng(3).normal(0, 1e-3, 200)))
    prices[150] *= 1.05

    first, second = make_desk(), make_desk()
    assert first.feed(prices) == second.feed(prices)
    assert first.door.snapshot() == second.door.snapshot()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 59))
def test_an_outcome_depends_on_nothing_that_comes_later(make_desk, seed, cut):
    rng = np.random.default_rng(seed)
    prices = 100 * np.exp(np.cumsum(rng.standard_t(3, 60) * 1e-3))
    garbage = prices.copy()
    garbage[cut:] *= rng.choice([0.5, 2.0, np.nan, -1.0], 60 - cut)

    whole, other = make_desk(), make_desk()
    assert [cause(o) for o in whole.feed(prices)[:cut]] == [
        cause(o) for o in other.feed(garbage)[:cut]
    ]


def test_an_envelope_is_not_changed_by_the_door(desk):
    envelope = desk.trade()
    copy = replace(envelope)
    outcome = desk.door.decide(envelope)

    assert outcome.envelope == copy


def test_threads_may_knock_at_once(make_desk):
    desk = make_desk(sources=4, signed=True)
    queues = [[desk.trade(100.0 + n / 1e4, f"s{k}") for n in range(200)] for k in range(4)]
    outcomes: list[Any] = []

    def knock(queue: list[Envelope]) -> None:
        outcomes.extend([desk.door.decide(envelope) for envelope in queue])

    threads = [threading.Thread(target=knock, args=(queue,)) for queue in queues]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(outcomes) == 800
    assert desk.door.counters == {"admitted": 800}

"""The system behind the door: what is refused moves no meter, is counted, and is said once."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protection.admission import Envelope, HmacKey, Sample, Source, SourceRegistry, seal
from protection.admission.door import STATE_KEY as DOOR_KEY
from protection.blockchain.ledger import Ledger
from protection.blockchain.replay import replay
from protection.blockchain.stores import MemoryStore
from protection.contracts import (
    FixSettings,
    ManualClock,
    OrderRequest,
    Portfolio,
    Position,
    ProtectionSettings,
    Quote,
    RecoverState,
    Trade,
)
from protection.contracts.stores import FileStateStore, MemoryStateStore
from protection.system import ProtectionSystem

START = datetime(2024, 3, 6, 15, 0, tzinfo=UTC)
KEY = HmacKey(b"at least sixteen bytes, for the tests")
OTHER = HmacKey(b"at least sixteen bytes, of somebody else")
ON = {"admission.door.mode": "on"}


class Desk:
    """A system behind a door, a clock, and two senders that sign."""

    def __init__(self, flat: dict[str, str] | None = None, **parts: Any) -> None:
        self.clock = ManualClock(START)
        self.flat, self.parts = ON | (flat or {}), parts
        self.numbers = {"vendor": 0, "second": 0}
        self.system = self.restart()

    def registry(self) -> SourceRegistry:
        return SourceRegistry(
            Source("host"), Source("vendor", {"": KEY}), Source("second", {"": KEY})
        )

    def restart(self) -> ProtectionSystem:
        settings = ProtectionSettings.from_flat(self.flat)
        self.system = ProtectionSystem(
            settings, clock=self.clock, registry=self.registry(), **self.parts
        )
        return self.system

    def sent(self, record: Any, source: str = "vendor", key: HmacKey = KEY) -> Envelope:
        number = self.numbers[source]
        self.numbers[source] = number + 1
        return seal(
            Envelope(source, record, None, number, number.to_bytes(4, "big") + source.encode()), key
        )

    def trade(self, price: float, step: float = 1.0, source: str = "vendor") -> Any:
        self.clock.advance(timedelta(seconds=step))
        record = Trade("SPY", self.clock.now(), price, 1.0)
        return self.system.observe(record if source == "host" else self.sent(record, source))

    def calm(self, count: int = 40, source: str = "vendor") -> None:
        """Prices that nobody doubts, in a session that has begun."""
        self.system.evaluate(Portfolio(self.clock.now(), 100_000.0, {}))
        rng = random.Random(1)
        for _ in range(count):
            assert self.trade(100.0 * (1 + rng.gauss(0, 1e-4)), source=source).accepted

    def order(self, quantity: float, held: float = 0.0) -> Any:
        now = self.clock.now()
        position = {"SPY": Position("SPY", held, 100.0, 100.0)} if held else {}
        account = Portfolio(now, 100_000.0, position)
        number = int((now - START).total_seconds() * 1e6)
        return self.system.authorize(
            OrderRequest(number, "SPY", quantity, reference_price=100.0, reference_time=now),
            account,
        )

    def said(self, breaker: str) -> list[str]:
        return [event.reason for event in self.system.events if event.breaker == breaker]


def meters(system: ProtectionSystem) -> Any:
    state = system.snapshot()
    prices = {
        symbol: (watch.price, watch.time, watch.flash.value(START + timedelta(days=1)))
        for symbol, watch in system._watches.items()
        if watch.time is not None
    }
    return {**{s: state["watches"][s] for s in prices}, "prices": prices}


def test_without_the_setting_there_is_no_door_and_nothing_new_is_written() -> None:
    system = ProtectionSystem(clock=ManualClock(START))

    assert system.door is None
    assert not any(key.startswith("admission") for key in system.settings.to_flat())
    assert "admission" not in system.snapshot()
    with pytest.raises(FixSettings, match=r"admission\.door\.mode to be on with a registry"):
        ProtectionSystem(clock=ManualClock(START), registry=SourceRegistry())


def test_an_envelope_without_a_door_denies_adding_and_says_what_to_write() -> None:
    system = ProtectionSystem(clock=ManualClock(START))
    answer = system.observe(Envelope("vendor", Trade("SPY", START, 100.0)))

    assert not answer.accepted
    assert "write admission.door.mode = on" in answer.reason
    assert system.verdict.reasons[0].guard == "internal"


def test_a_good_observation_passes_with_the_weight_of_its_source() -> None:
    desk = Desk()
    first = desk.trade(100.0)
    desk.calm()
    later = desk.trade(100.0)

    assert first.accepted
    assert 0.05 <= first.weight < later.weight <= 1.0
    assert desk.system.counters["door.admitted"] == 42
    assert desk.order(10.0).allowed


def test_a_price_in_quarantine_moves_no_meter_and_denies_adding_until_a_good_one_comes() -> None:
    desk = Desk()
    desk.calm()
    before = meters(desk.system)
    held = desk.trade(140.0, step=60.0)

    assert not held.accepted
    assert held.reason.startswith("outlier: ")
    assert meters(desk.system) == before
    assert desk.system.counters["door.outlier"] == 1
    denied = desk.order(10.0)
    assert not denied.allowed
    assert "outlier" in denied.reason
    assert desk.order(-5.0, held=10.0).allowed
    desk.trade(139.0, step=60.0)
    assert len(desk.said("door")) == 1
    assert len(desk.said("data")) == 1
    assert desk.trade(100.0).accepted
    assert desk.order(10.0).allowed
    assert desk.said("data")[-1] == "data of SPY is good again"


def test_a_refused_price_is_no_fault_while_a_good_one_is_as_new() -> None:
    desk = Desk({"admission.door.patience_seconds": "5"})
    desk.calm()
    assert not desk.trade(140.0, step=4.0).accepted

    assert desk.order(10.0).allowed
    assert not desk.said("data")


def test_prices_that_waited_come_to_the_meters_in_their_order_once_they_are_confirmed() -> None:
    desk = Desk({"data.max_jump": "5"})
    desk.calm(source="host")
    for price in (90.0, 90.01):
        assert not desk.trade(price, source="host").accepted
    assert desk.trade(90.02, source="host").accepted

    assert desk.system.counters["door.released"] == 2
    watch = desk.system._watches["SPY"]
    assert watch.price == 90.02
    assert watch.flash.value(desk.clock.now()) == pytest.approx(0.1, abs=0.01)
    assert desk.system.verdict.for_symbol("SPY").reasons[0].guard == "flash"


def forged(desk: Desk) -> Any:
    return desk.sent(Trade("SPY", desk.clock.now(), 50.0), key=OTHER)


def unsigned(desk: Desk) -> Any:
    return Envelope("vendor", Trade("SPY", desk.clock.now(), 50.0))


def replayed(desk: Desk) -> Any:
    message = desk.sent(Trade("SPY", desk.clock.now(), 100.0))
    assert desk.system.observe(message).accepted
    return message


def unknown(desk: Desk) -> Any:
    return Envelope(f"name {desk.clock.now()}", Trade("SPY", desk.clock.now(), float("nan")))


@pytest.mark.parametrize("attack", [forged, unsigned, replayed, unknown])
def test_what_anybody_could_have_sent_changes_nothing_and_is_said_once(attack: Any) -> None:
    with Ledger(MemoryStore()) as ledger:
        desk = Desk({"admission.door.patience_seconds": "0"}, ledger=ledger)
        desk.calm()
        message = attack(desk)
        ledger.flush()
        before, entries = meters(desk.system), ledger.size
        for _ in range(20):
            desk.clock.advance(timedelta(seconds=30))
            assert not desk.system.observe(message).accepted
            message = message if attack is replayed else attack(desk)
        ledger.flush()

        assert meters(desk.system) == before
        assert desk.system.counters["door.refused"] == 20
        assert not desk.said("data")
        assert len(desk.said("door")) == 1
        assert ledger.size == entries + 2  # the first one, and the event
        assert desk.order(10.0).allowed


def test_impossible_records_of_the_host_are_judged_as_without_a_door() -> None:
    desk = Desk()
    desk.calm(source="host")
    desk.clock.advance(timedelta(seconds=0.5))
    now = desk.clock.now()
    for record in (
        Quote("SPY", now, 101.0, 99.0),
        Trade("SPY", now, float("nan")),
        Trade("SPY", now + timedelta(hours=1), 100.0),
        Trade("SPY", now - timedelta(hours=1), 100.0),
    ):
        assert not desk.system.observe(record).accepted
        assert not desk.order(10.0).allowed
        assert desk.trade(100.0, step=0.1, source="host").accepted
        assert desk.order(10.0).allowed
    assert not desk.system.observe("a bar").accepted  # type: ignore[arg-type]
    assert desk.system.verdict.reasons[0].guard == "internal"


def test_repetition_and_silence_are_no_faults() -> None:
    desk = Desk()
    desk.calm(source="host")
    same = Trade("SPY", desk.clock.now(), 100.0, 7.0)
    assert desk.system.observe(same).accepted
    assert desk.system.observe(same).reason.startswith("duplicate")

    assert desk.order(10.0).allowed
    assert not desk.said("data")
    assert not desk.said("door")


def test_a_refusal_is_said_again_in_the_next_session() -> None:
    desk = Desk()
    desk.calm()
    desk.system.observe(unsigned(desk))
    desk.system.evaluate(Portfolio(desk.clock.now(), 100_000.0, {}))
    desk.system.observe(unsigned(desk))
    desk.clock.advance(timedelta(days=1))
    desk.system.evaluate(Portfolio(desk.clock.now(), 100_000.0, {}))
    desk.system.observe(unsigned(desk))

    assert len(desk.said("door")) == 2


def test_several_figures_at_once_pass_and_move_nothing() -> None:
    desk = Desk()
    sample = Sample("returns", desk.clock.now(), (0.1, 0.2))

    assert desk.system.observe(desk.sent(sample)).accepted
    assert not meters(desk.system)["prices"]


def test_what_the_door_remembers_survives_a_restart(tmp_path: Any) -> None:
    desk = Desk({"admission.door.save_seconds": "1"}, store=FileStateStore(tmp_path))
    desk.calm()
    message = desk.sent(Trade("SPY", desk.clock.now(), 100.0))
    assert desk.system.observe(message).accepted
    desk.trade(100.0, step=2.0)
    before = desk.system.door.explain("vendor")  # type: ignore[union-attr]
    desk.restart()

    assert desk.system.door.explain("vendor") == before  # type: ignore[union-attr]
    assert desk.system.observe(message).reason.startswith("replay")
    assert desk.system.door.counters["admitted"] == 42  # type: ignore[union-attr]


def test_unreadable_memory_of_the_door_denies_adding_until_somebody_resumes(tmp_path: Any) -> None:
    store = FileStateStore(tmp_path)
    desk = Desk(store=store)
    desk.calm()
    store.write(DOOR_KEY, "scribble")
    desk.restart()

    assert desk.trade(100.0).reason.startswith("internal: stored state is unreadable")
    assert not desk.order(10.0).allowed
    desk.system.resume("Ann", "looked at it")
    assert desk.trade(100.0).accepted
    assert desk.order(10.0).allowed


def test_a_snapshot_carries_the_door() -> None:
    desk = Desk()
    desk.calm()
    message = desk.sent(Trade("SPY", desk.clock.now(), 100.0))
    assert desk.system.observe(message).accepted
    state = desk.system.snapshot()
    parts: dict[str, Any] = {"clock": desk.clock, "registry": desk.registry()}
    other = ProtectionSystem.restore(state, desk.system.settings, **parts)

    assert other.snapshot() == state
    assert other.observe(message).reason.startswith("replay")
    with pytest.raises(RecoverState):
        ProtectionSystem.restore(state | {"admission": {}}, desk.system.settings, **parts)


def test_the_door_and_its_sources_are_described() -> None:
    lines = Desk().system.describe()

    assert sum(line.startswith("door: 3 sources, 2 of them sign") for line in lines) == 1


CALLS = st.lists(
    st.tuples(
        st.sampled_from(["vendor", "second", "host"]),
        st.sampled_from(["good", "jump", "forged", "stranger", "crossed", "late", "junk", "twice"]),
        st.integers(1, 90),
    ),
    min_size=30,
    max_size=70,
)


def play(desk: Desk, calls: list[tuple[str, str, int]], admitted: list[Trade]) -> None:
    """Feed calls; note what the system let in, in its order."""
    rng, price = random.Random(5), 100.0
    take = desk.system._observe

    def noted(record: Any) -> Any:
        admitted.append(record)
        return take(record)

    desk.system._observe = noted  # type: ignore[method-assign]
    for source, kind, step in calls:
        desk.clock.advance(timedelta(seconds=step))
        now = desk.clock.now()
        price *= 1 + rng.gauss(0, 2e-4)
        record: Any = Trade("SPY", now, price * (1.5 if kind == "jump" else 1.0), 1.0)
        if kind == "crossed":
            record = Quote("SPY", now, price * 1.01, price)
        elif kind == "late":
            record = Trade("SPY", now - timedelta(hours=1), price)
        elif kind == "junk":
            record = object()
        if source == "host":
            message: Any = record
        elif kind == "stranger":
            message = Envelope("nobody", record)
        else:
            try:
                message = desk.sent(record, source, OTHER if kind == "forged" else KEY)
            except ValueError:
                message = Envelope(source, record)
        for _ in range(2 if kind == "twice" else 1):
            desk.system.observe(message)
        desk.system.evaluate(Portfolio(now, 100_000.0, {}))


@settings(max_examples=25, deadline=None)
@given(CALLS)
def test_the_meters_are_those_of_a_system_that_saw_only_what_was_admitted(
    calls: list[tuple[str, str, int]],
) -> None:
    desk, admitted = Desk(), []
    play(desk, calls, admitted)
    plain = ProtectionSystem(clock=desk.clock)
    for record in admitted:
        plain.observe(record)

    assert meters(plain) == meters(desk.system)
    assert not desk.system.counters["internal_errors"] - sum(
        1 for source, kind, _ in calls if kind == "junk" and source == "host"
    )


@settings(max_examples=15, deadline=None)
@given(CALLS)
def test_a_replay_needs_neither_keys_nor_the_doors_memory(
    calls: list[tuple[str, str, int]],
) -> None:
    with Ledger(MemoryStore()) as ledger:
        desk = Desk(ledger=ledger, store=MemoryStateStore())
        play(desk, calls, [])
        ledger.flush()
        result = replay(ledger.records(), ProtectionSystem)

        assert result.divergence is None
        assert result.same
        assert result.root == result.replayed_root == ledger.root()


def test_a_replay_without_the_door_shows_what_it_kept_out() -> None:
    with Ledger(MemoryStore()) as ledger:
        desk = Desk(ledger=ledger)
        desk.calm()
        desk.trade(140.0, step=60.0)
        ledger.flush()
        told = replay(ledger.records(), ProtectionSystem, change=lambda given: ProtectionSettings())

    last = [entry for entry in told.entries if entry["type"] == "observe"][-1]
    assert last["record"]["price"] == 140.0
    assert last["accepted"]
    assert told.divergence is not None
    assert told.divergence.reason == "start: settings differ"

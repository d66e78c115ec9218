"""The system as its users call it: rules, way back, restarts, bad input, bookkeeping."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from protection.contracts import (
    Action,
    Bar,
    BrokerEvent,
    BrokerStatus,
    CashFlow,
    ManualClock,
    NameActor,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    Portfolio,
    ProtectionSettings,
    RecoverState,
    Trade,
)
from protection.contracts.stores import FileStateStore, MemoryStateStore
from protection.system import STATE_KEY, ProtectionSystem

ROOT = Path(__file__).resolve().parents[2]
NO_CUSHION = {"cushion.promise": "off"}


def order(world, number, quantity, symbol="SPY"):
    request = OrderRequest(
        number, symbol, quantity, reference_price=100.0, reference_time=world.clock.now()
    )
    return world.system.authorize(request, world.portfolio())


def test_importing_is_quick_and_light() -> None:
    code = (
        "import sys, time; t = time.process_time(); import protection.system; "
        "print(time.process_time() - t, *sorted({'torch', 'pandas', 'statsmodels', 'scipy', "
        "'numba'} & set(sys.modules)))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(3)
    ]

    assert all(len(run) == 1 for run in runs), runs
    assert min(float(run[0]) for run in runs) < 0.5


def test_every_guard_says_in_one_line_what_it_will_do(world) -> None:
    lines = world.system.describe()

    names = "kill switch|cushion|drawdown_peak|drawdown_recent|daily_loss|leverage|position_stop"
    for name in f"{names}|volatility|flash|order gate|input".split("|"):
        assert sum(line.startswith(name) for line in lines) == 1, name
    assert not any("\n" in line for line in lines)


def test_with_everything_wide_open_nothing_is_touched(make_world) -> None:
    world = make_world(ProtectionSettings.wide_open())
    world.hold("SPY", 5000, 100)
    for equity in (100_000, 70_000, 20_000, 300):
        assert world.day(equity).state is Action.ALLOW
    assert order(world, 1, 1_000_000).allowed
    assert world.system.review({"SPY": 123.5}, world.portfolio()) == {"SPY": 123.5}
    assert not world.system.events


def test_a_daily_loss_halts_to_the_next_session_on_minute_bars(world) -> None:
    world.minute(100_000)
    world.day(100_500)
    assert world.day(100_500).state is Action.ALLOW

    assert world.minute(98_600).state is Action.ALLOW  # 1.9% of the last session's end
    assert world.minute(98_400).state is Action.HALT
    assert world.minute(100_400).state is Action.HALT  # recovered, yet not before tomorrow
    assert not order(world, 1, 1).allowed
    assert world.day().state is Action.ALLOW
    assert world.transitions("daily_loss") == [
        ("closed", "open"),
        ("open", "cooldown"),
        ("cooldown", "closed"),
    ]


def test_a_daily_loss_on_daily_bars_stops_the_orders_of_that_close(world) -> None:
    world.day(100_000)
    world.day(97_900)

    assert not order(world, 1, 1).allowed
    assert world.day(97_900).state is Action.ALLOW
    assert order(world, 2, 1).allowed


def test_fifteen_per_cent_in_24_hours_halts_then_trades_at_a_quarter(make_world) -> None:
    world = make_world(ProtectionSettings.from_flat({**NO_CUSHION, "daily.loss": "off"}))
    world.day(100_000)
    assert world.day(85_000).state is Action.HALT

    states = [world.day() for _ in range(30)]
    halted = [v for v in states if v.state is Action.HALT]
    probation = [v for v in states if v.state is Action.REDUCE]
    assert len(halted) == 4
    assert {v.multiplier for v in probation} == {0.25}
    assert len(probation) == 20
    assert states[-1].state is Action.ALLOW


def test_twenty_per_cent_from_the_peak_liquidates_until_flat_and_comes_back(make_world) -> None:
    world = make_world(ProtectionSettings.from_flat({**NO_CUSHION, "daily.loss": "off"}))
    world.hold("SPY", 1000, 100)
    world.day(100_000)
    for equity in (96_000, 92_000, 88_000, 84_000):
        assert world.day(equity).state is Action.ALLOW
    assert world.day(79_000).state is Action.LIQUIDATE
    assert world.day(79_000).state is Action.LIQUIDATE  # a state, repeated until flat
    world.held.clear()
    assert world.day().state is Action.HALT

    for _ in range(19):
        assert world.day().state is Action.HALT
    verdict = world.day()
    assert (verdict.state, verdict.multiplier) == (Action.REDUCE, 0.25)
    assert world.system.reading.window_peak == 100_000  # nothing was reset
    assert world.day(days=300).state is Action.ALLOW  # the old peak has left the window
    assert world.system.reading.lifetime == pytest.approx(0.21)  # and is still reported


def test_a_probation_that_loses_its_budget_closes_again(make_world) -> None:
    world = make_world(ProtectionSettings.from_flat({**NO_CUSHION, "daily.loss": "off"}))
    world.hold("SPY", 1000, 100)
    world.day(100_000)
    world.day(90_000)
    world.day(79_000)
    world.held.clear()
    world.day(days=22)
    assert world.system.verdict.multiplier == 0.25
    world.hold("SPY", 200, 80)

    assert world.day(77_500).state is Action.REDUCE
    assert world.day(77_400).state is Action.LIQUIDATE


def test_the_cushion_scales_before_any_breaker_and_locks_with_a_reason(world) -> None:
    world.day(100_000)
    sizes = [world.day(100_000 - 1_000 * n).multiplier for n in range(1, 20)]

    assert sizes[:11] == [1.0] * 11
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < 0.15
    verdict = world.day(80_000)
    assert verdict.multiplier == 0.0
    assert any("in cash until that changes" in r.text for r in verdict.reasons)


def test_leverage_beyond_the_limit_reduces_and_is_released_after_a_minute(world) -> None:
    world.hold("SPY", 2100, 100)
    verdict = world.minute()
    assert verdict.state is Action.REDUCE
    assert verdict.multiplier == pytest.approx(2.0 / 2.1)
    assert not order(world, 1, 1).allowed

    world.hold("SPY", 1900, 100)
    assert world.minute().state is Action.ALLOW
    assert len(world.transitions("leverage")) == 3


def test_a_position_that_loses_15_per_cent_is_closed_alone(world) -> None:
    world.hold("SPY", 100, 100, 85.0)
    world.hold("SHORT", -100, 100, 115.1)
    world.hold("FINE", 100, 100, 86.0)
    verdict = world.minute()

    assert verdict.state is Action.ALLOW
    for symbol in ("SPY", "SHORT"):
        assert verdict.for_symbol(symbol).state is Action.LIQUIDATE
    assert verdict.for_symbol("FINE").state is Action.ALLOW
    assert world.system.review({"SPY": 100, "FINE": 100}, world.portfolio()) == {
        "SPY": 0.0,
        "FINE": 100.0,
    }
    world.prices["SPY"] = 99.0  # a bounce does not call it off
    assert world.minute().for_symbol("SPY").state is Action.LIQUIDATE
    del world.held["SPY"]
    assert world.minute().for_symbol("SPY").state is Action.HALT
    assert world.day().for_symbol("SPY").state is Action.ALLOW


def test_a_flash_move_freezes_the_symbol_for_five_minutes(world) -> None:
    minute = timedelta(minutes=1)

    def see(close):
        return world.system.observe(
            Bar("SPY", world.clock.now(), close, close, close, close, period=minute)
        )

    world.minute()
    see(100.0)
    world.clock.advance(minute)
    see(94.0)

    assert not order(world, 1, 1).allowed
    assert order(world, 2, 1, "QQQ").allowed
    for _ in range(6):
        world.clock.advance(minute)
        see(94.0)
    world.system.evaluate(world.portfolio())
    assert order(world, 3, 1).allowed


def test_doubled_volatility_halves_the_size_of_the_symbol(world) -> None:
    price = 100.0
    for day in range(40):
        step = 0.01 if day < 30 else 0.04
        price *= 1 + step if day % 2 else 1 / (1 + step)
        world.clock.advance(timedelta(days=1))
        bar = Bar("SPY", world.clock.now(), price, price, price, price)
        world.system.observe(bar)
        verdict = world.system.evaluate(world.portfolio()).for_symbol("SPY")
        if verdict.state is not Action.ALLOW:
            break

    assert day < 35
    assert (verdict.state, verdict.multiplier) == (Action.REDUCE, 0.5)
    assert world.system.review({"SPY": 100, "QQQ": 10}, world.portfolio(), {"QQQ": 50.0}) == {
        "SPY": 50.0,
        "QQQ": 10.0,
    }


@pytest.mark.parametrize("price", [math.nan, math.inf, 0.0, -37.63])
def test_an_impossible_price_denies_adding_of_its_symbol_once_said(world, price) -> None:
    world.minute()
    for _ in range(3):
        assert not world.system.observe(Trade("SPY", world.clock.now(), price)).accepted

    assert len(world.transitions("data")) == 1
    assert not order(world, 1, 1).allowed
    assert order(world, 2, 1, "QQQ").allowed
    assert world.system.observe(Trade("SPY", world.clock.now(), 100.0)).accepted
    assert order(world, 3, 1).allowed


@pytest.mark.parametrize("equity", [math.nan, math.inf, 0.0, -5.0])
def test_an_impossible_account_denies_adding_and_is_said_once(world, equity) -> None:
    world.minute(100_000)
    for _ in range(3):
        assert world.minute(equity).state is Action.FREEZE
    assert len(world.transitions("input")) == 1

    assert world.minute(100_000).state is Action.ALLOW
    assert world.system.reading.lifetime_peak == 100_000


def test_a_clock_that_jumps_back_denies_adding_until_it_has_caught_up(world) -> None:
    world.minute()
    world.clock.advance(timedelta(hours=-2))
    assert world.system.evaluate(world.portfolio()).state is Action.FREEZE

    world.clock.advance(timedelta(hours=3))
    assert world.system.evaluate(world.portfolio()).state is Action.ALLOW


def test_a_clock_that_nobody_fed_is_named(world) -> None:
    ahead = Portfolio(world.clock.now() + timedelta(minutes=1), 1.0)

    verdict = world.system.evaluate(ahead)

    assert "feed the clock first" in verdict.reason


def test_nonsense_never_raises_and_denies_adding(world) -> None:
    world.system.observe(None)  # type: ignore[arg-type]
    world.system.evaluate(Portfolio(datetime(2020, 1, 6), 1.0))
    world.system.on_order_event(OrderEvent([], "SPY", OrderStatus.FILLED, None))  # type: ignore
    verdict = world.system.authorize(None, world.portfolio())  # type: ignore[arg-type]

    assert not verdict.allowed

    def unreadable() -> Portfolio:
        raise RuntimeError("the host is gone")

    request = OrderRequest(1, "SPY", 1, reference_price=1.0)
    assert not world.system.authorize(request, unreadable).allowed
    assert world.system.counters["internal_errors"] >= 3


def test_a_lost_broker_denies_adding_until_it_is_back(world) -> None:
    world.minute()
    world.system.on_broker(BrokerEvent(world.clock.now(), BrokerStatus.DISCONNECTED, "1100"))
    assert not order(world, 1, 1).allowed
    world.system.on_broker(BrokerEvent(world.clock.now(), BrokerStatus.CONNECTED))
    assert order(world, 2, 1).allowed


def test_a_withdrawal_is_no_loss_and_a_deposit_no_gain(world) -> None:
    world.day(100_000)
    world.day(90_000)
    world.system.on_cash_flow(CashFlow(world.clock.now(), -45_000))
    verdict = world.day(45_000)
    assert verdict.state is Action.ALLOW
    assert world.system.reading.window == pytest.approx(0.10)

    world.system.on_cash_flow(CashFlow(world.clock.now(), 45_000))
    world.day(90_000)
    assert world.system.reading.window == pytest.approx(0.10)
    assert world.system.reading.window_peak == pytest.approx(100_000)


def test_kill_closes_by_default_and_only_a_named_resume_clears_it(make_world, tmp_path) -> None:
    world = make_world(store=FileStateStore(tmp_path))
    world.minute()
    world.system.kill("Ada", "strange fills")
    assert world.system.verdict.state is Action.LIQUIDATE

    world.restart()
    assert world.system.killed
    assert not order(world, 1, 1).allowed
    with pytest.raises(NameActor):
        world.system.resume("", "")
    world.system.resume("Grace", "explained")
    assert order(world, 2, 1).allowed
    assert [r.killed for r in world.system.kill_history] == [True, False]


def test_a_kill_laid_as_a_file_stops_the_next_order(make_world, tmp_path) -> None:
    world = make_world(store=FileStateStore(tmp_path))
    world.minute()
    assert order(world, 1, 1).allowed

    (tmp_path / "trading.lock").touch()

    assert not order(world, 2, 1).allowed
    assert world.system.verdict.state is Action.HALT


def test_a_removed_lock_does_not_bring_a_killed_system_back(make_world, tmp_path) -> None:
    world = make_world(store=FileStateStore(tmp_path))
    world.minute()
    world.system.kill("Ada", "test")
    (tmp_path / "trading.lock").unlink()

    world.restart()

    assert world.system.killed


def test_a_restart_keeps_trips_peaks_day_start_and_pauses(make_world, tmp_path) -> None:
    settings = ProtectionSettings.from_flat({**NO_CUSHION, "daily.loss": "off"})
    world = make_world(settings, FileStateStore(tmp_path))
    world.hold("SPY", 10, 100, 80)
    world.day(100_000)
    world.day(103_000)
    world.day(82_000)
    before, kept = world.system.verdict, world.system.snapshot()

    world.restart()

    assert world.system.snapshot() == kept
    after = world.system.evaluate(world.portfolio())
    assert after.state is before.state is Action.LIQUIDATE
    assert after.by_symbol.keys() == before.by_symbol.keys() == {"SPY"}
    reading = world.system.reading
    assert (reading.window_peak, reading.day_start) == (103_000, 103_000)


def test_no_peak_is_lost_within_a_session(make_world, tmp_path) -> None:
    world = make_world(store=FileStateStore(tmp_path))
    world.minute(100_000)
    world.minute(104_000)
    world.minute(103_000)

    world.restart()
    world.minute(103_000)

    assert world.system.reading.lifetime_peak == 104_000


def test_broken_state_means_only_reduce_until_somebody_resumes(make_world, tmp_path) -> None:
    store = FileStateStore(tmp_path)
    world = make_world(store=store)
    world.hold("SPY", 100, 100)
    world.minute()
    text = store.read(STATE_KEY)
    store.write(STATE_KEY, text[:-20])

    world.restart()
    world.minute()
    assert world.system.verdict.state is Action.HALT
    assert not order(world, 1, 1).allowed
    assert order(world, 2, -50).allowed
    assert store.read(STATE_KEY) == text[:-20]  # the evidence is not overwritten

    world.system.resume("Ada", "looked at it")
    assert order(world, 3, 1).allowed
    assert store.read("protection.unreadable") == text[:-20]
    world.restart()
    assert order(world, 4, 1).allowed


def test_a_full_disk_denies_adding_until_the_state_is_stored(
    make_world, tmp_path, faulty_files
) -> None:
    world = make_world(store=FileStateStore(tmp_path, faulty_files))
    world.day(100_000)
    faulty_files.always.update(("write_new", "write_at"))
    world.day(100_100)
    assert not order(world, 1, 1).allowed
    assert len(world.transitions("store")) == 1

    faulty_files.always.clear()
    world.minute()
    assert order(world, 2, 1).allowed


def test_a_ledger_that_fails_stops_adding_and_a_good_one_has_every_decision(make_world) -> None:
    class Book(list):
        broken = False

        def append(self, entry) -> None:
            if self.broken:
                raise OSError("disk full")
            super().append(json.loads(json.dumps(entry)))

    book = Book()
    world = make_world(ledger=book)
    world.hold("SPY", 100, 100)
    world.minute()
    assert order(world, 1, 1).allowed
    assert not order(world, 2, 5000).allowed
    assert [(e["order_id"], e["allowed"]) for e in book if e["type"] == "order"] == [
        (1, True),
        (2, False),
    ]

    book.broken = True
    assert not order(world, 3, 1).allowed
    assert order(world, 4, -1).allowed
    assert world.system.in_flight == 2  # orders 1 and 4: what was refused is not counted
    book.broken = False
    order(world, 5, 1)
    assert order(world, 6, 1).allowed


def test_orders_that_never_asked_are_booked_apart(world) -> None:
    world.system.on_order_event(
        OrderEvent(99, "SPY", OrderStatus.FILLED, world.clock.now(), -10, event_id=1)
    )

    assert world.system.unseen_orders == {99}


def test_a_snapshot_moves_a_system_to_another_store(world) -> None:
    world.day(100_000)
    world.day(84_000)
    state = json.loads(json.dumps(world.system.snapshot()))

    moved = ProtectionSystem.restore(state, clock=world.clock, store=MemoryStateStore())

    assert moved.snapshot() == world.system.snapshot()
    assert moved.verdict.state is Action.HALT
    with pytest.raises(RecoverState):
        ProtectionSystem.restore({"account": {}}, clock=world.clock)


def test_a_latched_breaker_waits_for_a_name(make_world) -> None:
    flat = {**NO_CUSHION, "daily.loss": "off", "rearm.mode": "manual"}
    world = make_world(ProtectionSettings.from_flat(flat))
    world.day(100_000)
    world.day(79_000)
    assert world.day(days=100).state is Action.HALT
    with pytest.raises(NameActor):
        world.system.rearm("drawdown_peak", "", "x")
    assert world.system.rearm("drawdown_peak", "Ada", "strategy mended")
    assert world.system.rearm("*", "Ada", "strategy mended")
    assert not world.system.rearm("*", "Ada", "strategy mended")
    assert world.system.verdict.multiplier == 0.25


def test_the_same_events_give_the_same_decisions(make_world) -> None:
    def run() -> list[dict]:
        world = make_world()
        world.hold("SPY", 100, 100)
        for number, equity in enumerate([100e3, 99e3, 84e3, 83e3, 79e3, 79e3, 90e3]):
            world.day(equity)
            order(world, number, 10 * number - 20)
        return [event.as_dict() for event in world.system.events]

    first = run()
    assert first == run()
    assert len(first) > 5


def test_a_session_ends_at_midnight_of_the_set_zone(make_world) -> None:
    settings = ProtectionSettings.from_flat({"session.timezone": "America/New_York"})
    world = make_world(settings)
    clock = ManualClock(world.clock.now())
    system = ProtectionSystem(settings, clock=clock)
    for hours in (0, 2, 4, 6, 8):  # 21:00 to 05:00 UTC; midnight in New York is 05:00
        clock.set(world.clock.now() + timedelta(hours=hours))
        system.evaluate(Portfolio(clock.now(), 100_000.0 - hours))
        expected = 0 if hours < 8 else 1
        assert system.reading.session_index == expected


def test_a_failing_ledger_is_a_fault_of_its_own_beside_others(make_world) -> None:
    class Dead:
        def append(self, entry) -> None:
            raise OSError("disk full")

    world = make_world(ledger=Dead())
    world.minute()
    world.system.observe(Trade("QQQ", world.clock.now(), math.nan))

    assert [reason.guard for reason in world.system.verdict.reasons] == ["audit"]


def test_a_pause_says_how_many_sessions_are_left(make_world) -> None:
    world = make_world(ProtectionSettings.from_flat({**NO_CUSHION, "daily.loss": "off"}))
    world.day(100_000)
    world.day(85_000)

    assert world.day().reason == "drawdown_recent: cooling down, 4 more session(s)"
    assert world.day().reason == "drawdown_recent: cooling down, 3 more session(s)"


def test_the_gross_exposure_is_told_of_the_account_evaluated_last_and_of_a_sound_one(world) -> None:
    world.hold("SPY", 10.0, 90.0, 100.1)
    world.hold("QQQ", -20.0, 50.0, 49.3)
    account = world.portfolio()
    assert world.system.gross_of(account) is None
    world.system.evaluate(account)
    plain = sum(abs(p.quantity * p.price * p.multiplier) for p in account.positions.values())
    assert world.system.gross_of(account) == plain
    assert world.system.gross_of(world.portfolio()) is None

    world.hold("QQQ", -20.0, 50.0, math.nan)
    account = world.portfolio()
    world.system.evaluate(account)
    assert world.system.gross_of(account) is None

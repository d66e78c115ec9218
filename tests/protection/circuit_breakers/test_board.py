"""The board: what it remembers between two looks is what a fresh look would say."""

from __future__ import annotations

import dataclasses
import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protection.circuit_breakers.board import Board, Fault
from protection.contracts.actions import Action, Event, Reason
from protection.contracts.records import Statistic
from protection.contracts.settings import ProtectionSettings
from protection.risk.drawdown import DrawdownReading
from protection.risk.policy import NO_CUSHION, Cushion

NOW = datetime(2020, 1, 6, 15, tzinfo=UTC)
SPARSE = {"drawdown.liquidate": "off", "daily.loss": "off", "rearm.mode": "manual"}


def reading(loss: float, equity: float = 1000.0) -> DrawdownReading:
    """A reading with the same loss from every base."""
    return DrawdownReading(*[equity] * 6, *[loss] * 4, 0)


class Bench:
    """A board, its clock and what it said."""

    def __init__(self, flat: dict[str, str] | None = None) -> None:
        self.settings = ProtectionSettings.from_flat(flat or {})
        self.events: list[Event] = []
        self.board = Board(self.settings, self.events.append)
        self.now, self.session = NOW, 0
        self.board.enter(0)

    def resolve(self, cushion: Cushion = NO_CUSHION, kill: Reason | None = None):  # type: ignore[no-untyped-def]
        return self.board.resolve(cushion, "window", kill)

    def portfolio(self, loss: float = 0.0, gross: float = 0.0, flat: bool = True) -> bool:
        return self.board.step_portfolio(self.now, reading(loss), gross, flat)

    def symbol(
        self, rule: str, value: float, symbol: str = "SPY", level: float | None = None
    ) -> bool:
        return self.board.step_symbol(rule, symbol, self.now, value, 1000.0, True, level)

    def feed(self, name: str, value: float, scope: str) -> bool:
        return self.board.feed(Statistic(scope, self.now, name, value), self.now, 1000.0)


losses = st.sampled_from([0.0, 0.01, 0.021, 0.12, 0.151, 0.16, 0.21])
symbols = st.sampled_from(["SPY", "QQQ"])
guards = st.sampled_from(["input", "broker"])
names = st.sampled_from(["volatility", "flash", "kl", "daily_loss", "leverage", "no such"])
scopes = st.sampled_from(["portfolio", "SPY", "strategy:carry", "venue:one"])
steps = st.one_of(
    st.tuples(st.just("portfolio"), losses, st.sampled_from([0.0, 2500.0, 3000.0]), st.booleans()),
    st.tuples(st.just("volatility"), symbols, st.sampled_from([1.0, 2.0, 2.5, 3.0, math.nan])),
    st.tuples(st.just("flash"), symbols, st.sampled_from([0.0, 0.05, 0.06, 0.08])),
    st.tuples(st.just("stop"), symbols, st.sampled_from([0.0, 0.15, 0.2]), st.booleans()),
    st.tuples(
        st.just("feed"),
        st.sampled_from(["kl", "slippage", "news", "vpin", "repeated_execution"]),
        st.sampled_from([0.0, 0.21, 1.0, 25.0, 60.0]),
        scopes,
    ),
    st.tuples(st.just("fault"), guards, st.sampled_from([Action.FREEZE, Action.HALT]), symbols),
    st.tuples(st.just("account fault"), guards, st.sampled_from([Action.FREEZE, Action.HALT])),
    st.tuples(st.just("clear"), guards, symbols),
    st.tuples(st.just("clear account"), guards),
    st.tuples(st.just("disable"), names, st.integers(1, 400)),
    st.tuples(st.just("enable"), names),
    st.tuples(st.just("rearm"), st.sampled_from(["*", "kl", "repeated_execution"])),
    st.tuples(st.just("pass"), st.sampled_from([1, 60, 301, 86_400])),
    st.tuples(st.just("session")),
    st.tuples(
        st.just("cushion"), st.sampled_from([1.0, 0.5, 0.0]), st.sampled_from([900.0, 990.0])
    ),
    st.tuples(st.just("restart")),
)


def do(bench: Bench, step: tuple[Any, ...], cushion: Cushion) -> tuple[bool | None, Cushion]:
    """One step; whether it says that something changed, and the cushion from now on."""
    board, kind, *rest = bench.board, *step
    said: bool | None = None
    if kind == "portfolio":
        said = bench.portfolio(*rest)
    elif kind in ("volatility", "flash"):
        said = bench.symbol(kind, rest[1], rest[0])
    elif kind == "stop":
        said = board.step_symbol("position_stop", rest[0], bench.now, rest[1], 1000.0, rest[2])
    elif kind == "feed":
        said = bench.feed(*rest)
    elif kind == "fault":
        said = board.set_fault(rest[0], rest[1], "wrong", bench.now, f"symbol:{rest[2]}")
    elif kind == "account fault":
        said = board.set_fault(rest[0], rest[1], "wrong", bench.now)
    elif kind == "clear":
        said = board.clear_fault(rest[0], bench.now, "right", f"symbol:{rest[1]}")
    elif kind == "clear account":
        said = board.clear_fault(rest[0], bench.now, "right")
    elif kind == "disable":
        end = bench.now + timedelta(seconds=rest[1])
        said = board.disable(rest[0], bench.now, end, "Ada: why")
    elif kind == "enable":
        said = board.enable(rest[0], bench.now, "Ada: done")
    elif kind == "rearm":
        said = board.rearm(rest[0], bench.now, 1000.0, "Ada: seen")
    elif kind == "pass":
        bench.now += timedelta(seconds=rest[0])
        said = board.pass_time(bench.now, 1000.0)
    elif kind == "session":
        bench.session += 1
        board.enter(bench.session)
    elif kind == "cushion":
        cushion = Cushion(rest[0], 0.0 if rest[0] == 1.0 else rest[1], rest[0] == 0.0)
    elif kind == "restart":
        faults = dict(board._faults)  # faults are found anew after a restart, not stored
        state = json.loads(json.dumps(board.snapshot()))
        bench.board = Board(bench.settings, bench.events.append)
        bench.board._faults.update(faults)
        bench.board.restore(state, bench.session)
    return said, cushion


@given(st.lists(steps, min_size=1, max_size=40), st.booleans())
@settings(max_examples=250, deadline=None)
def test_the_verdict_kept_is_the_verdict_a_fresh_look_gives(
    sequence: list[tuple[Any, ...]], sparse: bool
) -> None:
    bench, cushion = Bench(SPARSE if sparse else None), NO_CUSHION
    for step in sequence:
        before = len(bench.events)
        said, cushion = do(bench, step, cushion)
        loud = any(event.after != "warn" for event in bench.events[before:])
        if said is not None:  # what must outlive a restart is what was said aloud, no more
            assert said == loud, step
        kept = bench.resolve(cushion)
        assert bench.resolve(cushion) is kept
        bench.board.touch()
        assert bench.resolve(cushion) == kept, step


def test_a_fresh_board_allows_everything_in_full_size() -> None:
    bench = Bench()
    board = Board(bench.settings, bench.events.append)  # no session was entered yet
    verdict = board.resolve(NO_CUSHION, "window", None)

    assert (verdict.state, verdict.multiplier, verdict.reasons) == (Action.ALLOW, 1.0, ())
    assert (verdict.by_symbol, verdict.evidence, verdict.until) == ({}, {}, None)
    assert not board.faulty
    assert not board.any_symbol


def test_a_rule_that_is_off_judges_nothing_and_the_others_do() -> None:
    off = Bench({"volatility.ratio": "off", "position.stop": "off", "leverage.limit": "off"})

    assert not off.symbol("volatility", 9.0)
    assert not off.board.step_symbol("position_stop", "SPY", NOW, 0.9, 1000.0, False)
    assert not off.portfolio(gross=9000.0)
    assert off.symbol("flash", 0.06)
    assert not off.symbol("volatility", 9.0)
    assert off.board.active_symbols("flash") == ["SPY"]
    assert off.board.active_symbols("volatility") == []


def test_symbols_are_told_apart_and_forgotten_when_they_are_quiet_again() -> None:
    bench = Bench()
    bench.symbol("volatility", 2.0)  # at the threshold of a strict rule
    assert not bench.board.any_symbol
    bench.symbol("volatility", 2.1, "SPY")
    bench.symbol("flash", 0.06, "QQQ")

    assert bench.board.is_active("volatility", "SPY")
    assert not bench.board.is_active("volatility", "QQQ")
    assert not bench.board.is_active("flash", "SPY")
    assert bench.board.active_symbols("flash") == ["QQQ"]
    verdict = bench.resolve()
    assert verdict.for_symbol("SPY").multiplier == 0.5
    assert verdict.for_symbol("QQQ").multiplier == 1.0
    assert verdict.for_symbol("QQQ").state is Action.FREEZE

    assert bench.symbol("volatility", 1.0)
    assert bench.board.is_active("volatility", "SPY")  # it pauses to the next session
    bench.board.enter(1)
    assert bench.symbol("volatility", 1.0)
    assert not bench.board.is_active("volatility", "SPY")
    assert bench.resolve().for_symbol("SPY").multiplier == 1.0


def test_a_symbol_can_have_a_threshold_of_its_own() -> None:
    bench = Bench()
    assert not bench.symbol("volatility", 2.4, level=2.5)
    assert bench.symbol("volatility", 2.6, level=2.5)
    assert bench.events[-1].evidence["threshold"] == 2.5
    assert "limit 2.50" in bench.resolve().for_symbol("SPY").reason

    bench.board.enter(1)
    assert not bench.symbol("volatility", 2.4, level=2.3)  # still beyond what holds today
    assert bench.symbol("volatility", 2.4, level=2.5)  # and now below it: cooling down
    assert bench.symbol("volatility", 1.2, "QQQ", level=1.1)


def test_a_strategys_gauges_hold_for_its_orders_alone_the_worst_of_them_first() -> None:
    bench = Bench()
    bench.feed("slippage", 60.0, "strategy:carry")  # both levels
    bench.feed("news", 1.0, "SPY")
    verdict = bench.resolve()

    carry = bench.board.for_order(verdict, "QQQ", "carry")
    assert (carry.scope, carry.multiplier) == ("strategy:carry", 0.5)
    assert {reason.guard for reason in carry.reasons} == {"slippage", "slippage_high"}
    both = bench.board.for_order(verdict, "SPY", "carry")
    assert {reason.guard for reason in both.reasons} == {"slippage", "slippage_high", "news"}
    assert bench.board.for_order(verdict, "QQQ", "trend").reasons == ()
    bench.feed("slippage", 25.0, "strategy:trend")  # the first level only
    assert bench.board.for_order(bench.resolve(), "QQQ", "trend").multiplier == 0.75
    bench.feed("news", 1.0, "strategy:pairs")  # half the size first, three quarters after it
    bench.feed("slippage", 25.0, "strategy:pairs")
    pairs = bench.board.for_order(bench.resolve(), "QQQ", "pairs")
    assert (pairs.multiplier, len(pairs.reasons)) == (0.5, 2)


def test_a_disabled_gauge_of_a_strategy_or_a_symbol_is_out_of_every_verdict() -> None:
    bench = Bench()
    bench.feed("news", 1.0, "strategy:carry")
    bench.feed("news", 1.0, "SPY")
    bench.symbol("flash", 0.06)
    end = bench.now + timedelta(minutes=2)
    for name in ("news", "flash"):
        assert bench.board.disable(name, bench.now, end, "Ada: known")
    assert not bench.board.disable("nonsense", bench.now, end, "Ada: known")

    verdict = bench.resolve()
    assert (verdict.state, verdict.multiplier) == (Action.ALLOW, 1.0)
    assert bench.board.for_order(verdict, "SPY", "carry").multiplier == 1.0
    assert [reason.action for reason in verdict.reasons] == [Action.ALLOW] * 2

    assert not bench.board.pass_time(end - timedelta(seconds=1), 1000.0)
    assert bench.board.pass_time(end, 1000.0)  # at its very end
    assert bench.resolve().for_symbol("SPY").state is Action.FREEZE


def test_leverage_reduces_to_its_limit_and_not_by_a_fixed_size() -> None:
    bench = Bench()
    bench.portfolio(gross=2500.0)
    assert bench.resolve().multiplier == pytest.approx(0.8)
    bench.portfolio(gross=4000.0)
    verdict = bench.resolve()
    assert verdict.multiplier == pytest.approx(0.5)
    assert verdict.evidence == {"leverage": 4.0}
    bench.portfolio(gross=1000.0)  # cooling down: below the limit already
    assert bench.resolve().multiplier == 1.0
    bench.portfolio(gross=math.nan)  # unknown
    assert bench.resolve().state is Action.REDUCE
    assert bench.resolve().multiplier == 1.0


def test_a_fault_is_said_once_and_again_when_it_is_another_action() -> None:
    bench = Bench()
    assert bench.board.set_fault("broker", Action.FREEZE, "lost", NOW)
    assert bench.resolve().reason == "lost"
    assert not bench.board.set_fault("broker", Action.FREEZE, "still lost", NOW)
    assert bench.resolve().reason == "still lost"
    assert bench.board.set_fault("broker", Action.HALT, "worse", NOW)
    assert bench.board.faulty
    assert bench.board.has_fault("broker")
    assert not bench.board.has_fault("input")
    assert not bench.board.has_fault("broker", "symbol:SPY")
    assert bench.resolve().state is Action.HALT
    assert len(bench.events) == 2

    assert bench.board.clear_fault("broker", NOW, "found")
    assert not bench.board.clear_fault("broker", NOW, "found")
    assert not bench.board.faulty
    assert bench.resolve().state is Action.ALLOW


def test_the_end_is_known_only_when_every_strongest_demand_has_one() -> None:
    bench = Bench()
    bench.symbol("flash", 0.06)
    bench.symbol("flash", 0.0)
    assert bench.resolve().for_symbol("SPY").until == NOW + timedelta(minutes=5)
    bench.board.set_fault("data", Action.FREEZE, "wrong", NOW, "symbol:SPY")
    assert bench.resolve().for_symbol("SPY").until is None


def test_a_kill_stands_first_and_a_fault_cannot_be_altered() -> None:
    bench = Bench()
    bench.board.set_fault("broker", Action.HALT, "lost", NOW)
    bench.board.touch()
    verdict = bench.resolve(kill=Reason("kill", Action.LIQUIDATE, "stop"))

    assert [reason.guard for reason in verdict.reasons] == ["kill", "broker"]
    assert (verdict.reason, verdict.until) == ("stop", None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        Fault("broker", Action.HALT, "lost").text = "found"  # type: ignore[misc]

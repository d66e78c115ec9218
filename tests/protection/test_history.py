"""The default settings over SPY held 1999-2021: what they promise, what they cost, that it ends.

Decision at the close, trade at the next open, 5 basis points per unit traded. No setting is
fitted to these years.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import pytest

from protection.contracts import (
    Action,
    ManualClock,
    OrderRequest,
    Portfolio,
    Position,
    ProtectionSettings,
)
from protection.system import ProtectionSystem

CASH = 100_000.0


@dataclass
class Run:
    curve: list[float] = field(default_factory=list)
    window: list[float] = field(default_factory=list)
    lifetime: list[float] = field(default_factory=list)
    sizes: list[float] = field(default_factory=list)
    gap: float = 0.0
    system: ProtectionSystem | None = None


def hold(bars: list[tuple[date, float, float]], flat: dict[str, str]) -> Run:
    clock = ManualClock(datetime(1998, 1, 1, tzinfo=UTC))
    system = ProtectionSystem(ProtectionSettings.from_flat(flat), clock=clock)
    run, cash, units, average, wanted, last = Run(system=system), CASH, 0.0, 0.0, 0.0, 0.0
    for number, (day, open_, close) in enumerate(bars):
        if number:
            run.gap = max(run.gap, units * (last - open_) / (cash + units * last))
        change = wanted - units
        if change:
            cash -= change * open_ + abs(change) * open_ * 5e-4
            if wanted == 0:
                average = 0.0
            elif change > 0:
                average = (units * average + change * open_) / wanted
            units = wanted
        equity, last = cash + units * close, close
        clock.set(datetime(day.year, day.month, day.day, 21, tzinfo=UTC))
        held = {"SPY": Position("SPY", units, average, close)} if units else {}
        portfolio = Portfolio(clock.now(), equity, held)
        verdict = system.evaluate(portfolio)
        target = system.review({"SPY": equity / close}, portfolio, {"SPY": close})["SPY"]
        if abs(target - units) * close < 0.02 * equity and target != 0.0:
            target = units  # no trades of less than 2%
        if target > units:
            order = OrderRequest(number, "SPY", target - units, reference_price=close)
            assert system.authorize(order, portfolio).allowed, "review and gate disagree"
            system._gate.book.withdraw(number)
        if not verdict.for_symbol("SPY").state.adding_allowed:
            assert target <= units
        wanted = target
        reading = system.reading
        assert reading is not None
        run.curve.append(equity)
        run.window.append(reading.window)
        run.lifetime.append(reading.lifetime)
        run.sizes.append(units * close / equity)
    return run


@pytest.fixture(scope="module")
def protected(spy: list[tuple[date, float, float]]) -> Run:
    return hold(spy, {})


@pytest.fixture(scope="module")
def bare(spy: list[tuple[date, float, float]]) -> Run:
    return hold(spy, ProtectionSettings.wide_open().to_flat())


def test_the_window_promise_is_kept_up_to_one_bars_gap(protected: Run, bare: Run) -> None:
    assert max(bare.window) > 0.50
    assert max(protected.window) <= 0.20 + protected.gap
    assert max(protected.window) < 0.21


def test_in_every_crisis_the_loss_from_the_years_peak_stays_within_the_promise(
    protected: Run, bare: Run, spy: list[tuple[date, float, float]]
) -> None:
    for first, last in ((2000, 2002), (2007, 2009), (2020, 2020)):
        inside = [n for n, (day, _, _) in enumerate(spy) if first <= day.year <= last]
        assert max(bare.window[n] for n in inside) > 0.30
        assert max(protected.window[n] for n in inside) < 0.21


def test_it_trades_again_after_each_crisis_and_earns_its_keep(
    protected: Run, spy: list[tuple[date, float, float]]
) -> None:
    for year in (2004, 2010, 2021):
        inside = [n for n, (day, _, _) in enumerate(spy) if day.year == year]
        assert max(protected.sizes[n] for n in inside) > 0.9, year
    years = len(spy) / 252
    assert (protected.curve[-1] / CASH) ** (1 / years) - 1 > 0.04


def test_every_trip_is_on_record_with_its_way_back(protected: Run) -> None:
    assert protected.system is not None
    events = list(protected.system.events)
    opened = [e for e in events if e.after == "open"]
    back = [e for e in events if e.after == "closed" and e.before != "warn"]

    assert len(opened) >= 5
    assert len(back) >= len(opened) - len(protected.system._board.breakers())
    assert all(e.reason and e.evidence["threshold"] > 0 for e in opened)
    assert protected.system.counters["internal_errors"] == 0


def test_without_the_cushion_the_last_line_still_gets_out_and_comes_back(
    spy: list[tuple[date, float, float]],
) -> None:
    run = hold(spy, {"cushion.promise": "off"})
    assert run.system is not None
    liquidations = [
        e for e in run.system.events if e.breaker == "drawdown_peak" and e.after == "open"
    ]

    assert liquidations
    assert max(run.lifetime) < 0.45  # 55% unprotected; hard stops alone jump over their level
    assert run.system.verdict.state in (Action.ALLOW, Action.REDUCE)
    assert run.sizes[-1] > 0.2

"""Parts of a profit against sums done by hand, and their sum under any prices."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protection.contracts.settings import ProtectionSettings
from protection.post_mortem.attribution import PARTS, Attribution, attribute
from protection.post_mortem.timeline import read_runs


class Log:
    """Entries as the trail writes them, from an account that is kept by hand."""

    def __init__(self, cash: float = 10_000.0) -> None:
        flat = ProtectionSettings().to_flat()
        self.entries: list[dict[str, Any]] = []
        self.day, self.hour = 4, 14
        self.cash, self.held, self.prices = cash, {"A": 0.0}, {"A": 100.0}
        self.number = 0
        self.put("start", settings=flat, version=1, state=None, lock=None, snapshot=None)

    @property
    def time(self) -> str:
        return f"2021-01-{self.day:02d}T{self.hour}:00:00.000000Z"

    def put(self, kind: str, /, **fields: Any) -> None:
        self.entries.append({"type": kind, "time": self.time, **fields})

    def next_day(self) -> None:
        self.day, self.hour = self.day + 1, 14

    def close(self) -> None:
        self.hour = 21

    def equity(self) -> float:
        return self.cash + sum(self.held[s] * self.prices[s] for s in self.held)

    def portfolio(self) -> dict[str, Any]:
        positions = {s: [q, 100.0, self.prices[s], 1.0] for s, q in self.held.items() if q}
        return {
            "time": self.time,
            "equity": self.equity(),
            "cash": self.cash,
            "positions": positions,
        }

    def bar(self, first: float, last: float) -> None:
        record = {"symbol": "A", "time": self.time, "open": first, "close": last}
        record |= {"high": max(first, last), "low": min(first, last)}
        self.put("observe", kind="bar", record=record, accepted=True)
        self.prices["A"] = last

    def evaluate(self) -> None:
        self.put(
            "evaluate", portfolio=self.portfolio(), verdict={"state": "ALLOW", "allowed": True}
        )

    def review(self, wanted: float, left: float) -> None:
        self.put(
            "review",
            targets={"A": wanted},
            result={"A": left},
            prices=None,
            portfolio=self.portfolio(),
        )

    def order(self, quantity: float, *, allowed: bool = True, tag: str = "") -> None:
        self.number += 1
        self.put(
            "order",
            order_id=self.number,
            symbol="A",
            quantity=quantity,
            kind="market",
            update=False,
            request={"reference_price": self.prices["A"], "tag": tag},
            portfolio=self.portfolio(),
            allowed=allowed,
            state="ALLOW" if allowed else "HALT",
            reason="",
            cancel=[],
            verdict={} if allowed else {"reasons": [["daily_loss", "HALT", "", None]]},
        )

    def fill(self, quantity: float, price: float, fee: float = 0.0) -> None:
        event = {"order_id": self.number, "symbol": "A", "status": "filled", "time": self.time}
        event |= {"fill_quantity": quantity, "fill_price": price, "fee": fee}
        self.put("order_event", event=event)
        self.held["A"] += quantity
        self.cash -= quantity * price + fee

    def books(self) -> Attribution:
        (run,) = read_runs(self.entries)
        return attribute(run, 0, run.last)


def parts(books: Attribution) -> dict[str, str]:
    return {name: f"{value:.2f}" for name, value in books.parts.items() if value}


def bought(quantity: float = 50.0) -> Log:
    """A log whose account holds the quantity at 100 since the first evening."""
    log = Log()
    log.held["A"], log.cash = quantity, 10_000 - quantity * 100
    log.close()
    log.bar(100, 100)
    log.evaluate()
    return log


def test_a_held_position_is_split_into_gap_and_signal() -> None:
    log = bought()
    log.next_day()
    log.close()
    log.bar(97, 99)
    log.evaluate()

    assert parts(log.books()) == {"signal": "100.00", "gap": "-150.00"}


def test_a_fill_of_the_same_session_slips_from_what_the_order_saw() -> None:
    log = bought()
    log.order(10)
    log.fill(10, 100.25, fee=1.5)
    log.evaluate()

    assert parts(log.books()) == {"slippage": "-2.50", "fees": "-1.50"}


def test_a_fill_of_the_next_session_slips_from_the_first_price_of_the_day() -> None:
    log = bought()
    log.order(10)
    log.next_day()
    log.fill(10, 98.5)
    log.close()
    log.bar(98, 99)
    log.evaluate()

    # 50 held: gap -100, then +50; 10 bought at 98.50 after an opening of 98: -5, then +10
    assert parts(log.books()) == {"signal": "60.00", "gap": "-100.00", "slippage": "-5.00"}


def test_an_exit_that_protection_forced_before_a_fall_avoids_a_loss() -> None:
    log = bought()
    log.order(-50, tag="Protection: drawdown_peak")
    log.next_day()
    log.fill(-50, 96)
    log.close()
    log.bar(97, 90)
    log.evaluate()

    # without it: gap -150, signal -350; the exit kept 350 of that and slipped by 50
    assert parts(log.books()) == {"signal": "-350.00", "gap": "-150.00", "avoided_loss": "300.00"}


def test_an_exit_that_protection_forced_before_a_rise_costs() -> None:
    log = bought()
    log.order(-50, tag="Protection: drawdown_peak")
    log.next_day()
    log.fill(-50, 97)
    log.close()
    log.bar(97, 103)
    log.evaluate()

    assert parts(log.books()) == {"signal": "300.00", "gap": "-150.00", "forced_exit": "-300.00"}


def test_a_refused_order_counts_as_what_the_strategy_would_have_held() -> None:
    log = bought()
    log.order(20, allowed=False)
    log.next_day()
    log.close()
    log.bar(100, 95)
    log.evaluate()

    # 70 would have been held: -350; 20 of them were refused
    assert parts(log.books()) == {"signal": "-350.00", "avoided_loss": "100.00"}


def test_a_cut_target_stays_cut_until_a_review_lets_it_pass() -> None:
    log = bought()
    log.review(100, 50)
    for price in (90, 95):
        log.next_day()
        log.close()
        log.bar(log.prices["A"], price)
        log.evaluate()
    log.review(50, 50)
    log.next_day()
    log.close()
    log.bar(95, 96)
    log.evaluate()

    # 100 wanted: -1000, +500; held 50: -500, +250; the last day is 50 for both
    assert parts(log.books()) == {"signal": "-450.00", "avoided_loss": "250.00"}


def test_money_paid_in_is_no_profit_and_a_dividend_is_other() -> None:
    log = bought()
    log.put("cash_flow", flow={"time": log.time, "amount": 500.0})
    log.cash += 500 + 12.34
    log.evaluate()
    books = log.books()

    assert books.flows == Decimal("500.00")
    assert books.pnl == Decimal("12.34")
    assert parts(books) == {"other": "12.34"}


prices = st.floats(1.0, 500.0, allow_nan=False)
days = st.lists(
    st.tuples(
        *(prices, prices, prices, st.integers(-80, 80)),
        *(st.booleans(), st.booleans(), st.floats(0, 9), st.integers(-90, 90)),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(days)
def test_the_parts_sum_to_the_change_of_equity_whatever_happens(steps: list[Any]) -> None:
    log = bought()
    for first, last, price, quantity, allowed, cut, fee, wanted in steps:
        if cut:
            log.review(float(wanted), float(wanted // 2))
        if quantity:
            tag = "Protection: x" if quantity * log.held["A"] < 0 and cut else ""
            log.order(float(quantity), allowed=allowed, tag=tag)
        log.next_day()
        if quantity and allowed:
            log.fill(float(quantity), price, fee)
        log.close()
        log.bar(first, last)
        log.evaluate()
    books = log.books()

    assert sum(books.parts.values()) == books.pnl == books.end_equity - books.start_equity
    assert tuple(books.parts) == PARTS
    assert abs(books.parts["other"]) <= Decimal("0.01")


def test_a_log_without_an_account_has_no_parts() -> None:
    (run,) = read_runs(Log().entries)

    with pytest.raises(ValueError, match="expected a snapshot"):
        attribute(run, 0, 5)

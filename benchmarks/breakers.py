"""Speed of the board, the order gate and the kill path beside the figures that were asked for.

Usage: ``make bench-breakers`` (``ARGS="--calls 50000"``)

Times a call are CPU time of the thread, so that other programs on the machine do not count; the
kill path is real time, because its disk is. Rates are of the best of the blocks.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from protection.circuit_breakers.board import Board
from protection.circuit_breakers.gauges import GAUGES
from protection.contracts import (
    ManualClock,
    OpenOrder,
    OrderEvent,
    OrderKind,
    OrderRequest,
    OrderStatus,
    Portfolio,
    Position,
    ProtectionSettings,
    Statistic,
)
from protection.contracts.stores import FileStateStore
from protection.risk.drawdown import DrawdownAccount
from protection.risk.policy import NO_CUSHION
from protection.system import ProtectionSystem

NOW = datetime(2020, 1, 6, 15, tzinfo=UTC)  # a Monday, 10:00 in New York
SYMBOLS = [f"S{number}" for number in range(20)]
BLOCKS = 10
ON = {
    "limits.max_position": "0.25",
    "exposure.max_net": "1.5",
    "exposure.max_sector": "0.5",
    "exposure.max_positions": "40",
    "exposure.max_concentration": "0.5",
    "orders.restricted": "GME; AMC",
    "orders.instruments": "; ".join(SYMBOLS),
    "orders.session": "09:30-16:00",
    "orders.max_messages": "1000000",
    "orders.max_orders": "1000000",
    "orders.per_day": "100000000",
    "orders.duplicate_seconds": "0.000001",
    "orders.repeats": "1000000",
    "orders.collar": "0.05",
    "orders.max_quantity": "10000",
    "orders.max_notional": "1000000",
    "orders.history_multiple": "100",
    "orders.self_trade": "true",
    "orders.stage_capital": "150000",
}
"""With input, state, combination, price, gross, audit and kill: 26 checks, each one evaluated."""
CHECKS = len(ON) + 7
USUAL = (
    *("limits.max_position", "exposure.max_net", "exposure.max_positions", "orders.restricted"),
    *("orders.max_messages", "orders.max_orders", "orders.collar", "orders.max_quantity"),
    *("orders.max_notional", "orders.self_trade"),
)
"""Settings of an account that asks 17 checks."""


def measure(call: Callable[[int], Any], calls: int, after: Callable[[int], Any]) -> list[int]:
    """Thread time of each call in nanoseconds; ``after`` tidies up and is not counted."""
    times = []
    for number in range(calls):
        begin = time.thread_time_ns()
        call(number)
        times.append(time.thread_time_ns() - begin)
        after(number)
    return times


def quantile(times: list[int], share: float) -> float:
    """Quantile in microseconds."""
    return sorted(times)[min(len(times) - 1, int(len(times) * share))] / 1e3


def row(name: str, ours: float, unit: str, target: float, higher: bool = False) -> None:
    """One line of the table."""
    good = ours >= target if higher else ours <= target
    sign = ">=" if higher else "<="
    word = "holds" if good else "MISSED"
    print(f"{name:<58} {ours:>12,.1f} {unit:<3} {sign} {target:>9,.0f}   {word}")


def board(calls: int) -> None:
    """One statistic in, one verdict out, over 20 gauges or rules in each of 20 symbols."""
    settings = ProtectionSettings()
    for name, tripped in (("quiet", 0), ("three tripped", 3)):
        made = Board(settings, lambda event: None)
        made.enter(1)
        account = DrawdownAccount(252, 24.0, 0.05)
        reading, _ = account.update(NOW, 100_000.0, NOW.date())
        for symbol in SYMBOLS:
            for gauge in GAUGES:
                value = 1.0 if gauge == "anchor" else 0.0
                made.feed(Statistic(symbol, NOW, gauge, value), NOW, 1e5)
        for symbol in SYMBOLS[:tripped]:
            made.feed(Statistic(symbol, NOW, "vpin", 0.9), NOW, 1e5)
        rules = len(GAUGES) + 7
        fed = Statistic("S9", NOW, "imbalance", 1.5)

        def step(number: int, made: Board = made, fed: Statistic = fed) -> None:
            made.feed(fed, NOW, 1e5)
            made.step_portfolio(NOW, reading, 50_000.0, False)  # noqa: B023
            made.pass_time(NOW, 1e5)
            made.resolve(NO_CUSHION, "off", None)

        measure(step, calls // 10, lambda number: None)
        blocks = [measure(step, calls // BLOCKS, lambda number: None) for _ in range(BLOCKS)]
        times = [each for block in blocks for each in block]
        best = min(quantile(block, 0.5) for block in blocks)
        print(f"board, {rules} rules x {len(SYMBOLS)} symbols, {name}")
        row("  median", best, "us", 10)
        row("  p99", quantile(times, 0.99), "us", 50)


def account(open_orders: int) -> Portfolio:
    """20 positions and some open orders."""
    return Portfolio(
        NOW,
        100_000.0,
        {symbol: Position(symbol, 10.0, 100.0, 100.0) for symbol in SYMBOLS},
        tuple(
            OpenOrder(f"o{number}", SYMBOLS[number % 20], 5.0, OrderKind.LIMIT, 99.0)
            for number in range(open_orders)
        ),
    )


def gate(calls: int, settings: dict[str, str], name: str, fresh: bool) -> None:
    """One order from request to verdict, the account evaluated before or anew for each."""
    clock = ManualClock(NOW)
    system = ProtectionSystem(ProtectionSettings.from_flat(settings), clock=clock)
    portfolio = account(5)
    system.evaluate(portfolio)
    serial = iter(range(10**9))
    orders: list[OrderRequest] = []
    step = timedelta(microseconds=10)

    def prepare() -> None:
        nonlocal portfolio
        number = next(serial)
        if fresh:
            clock.advance(step)
            portfolio = account(5)
            portfolio = Portfolio(
                clock.now(), 100_000.0, portfolio.positions, portfolio.open_orders
            )
        symbol, size = SYMBOLS[number % 20], 1.0 + number * 1e-5
        orders.append(OrderRequest(number, symbol, size, reference_price=100.0, reference_time=NOW))

    def call(number: int) -> None:
        answer = system.authorize(orders[-1], portfolio)
        if not answer.allowed:
            raise AssertionError(answer.reason)

    def after(number: int) -> None:
        done = orders.pop()
        system.on_order_event(
            OrderEvent(
                done.order_id, done.symbol, OrderStatus.CANCELED, clock.now(), filled_total=0.0
            )
        )
        prepare()

    prepare()
    measure(call, calls // 10, after)
    blocks = [measure(call, calls // BLOCKS, after) for _ in range(BLOCKS)]
    times = [each for block in blocks for each in block]
    best = min(statistics.fmean(block) for block in blocks)
    print(f"order gate, {name}")
    row("  median", min(quantile(block, 0.5) for block in blocks), "us", 50)
    row("  p99 of all blocks", quantile(times, 0.99), "us", 50)
    row("  p99 of the best block", min(quantile(block, 0.99) for block in blocks), "us", 50)
    row("  orders a second on one core, best block", 1e9 / best, "/s", 40_000, higher=True)


def control(calls: int) -> None:
    """A loop about as long as an order's checks: what the machine itself does to the slowest."""

    def spin(number: int) -> int:
        total = 0
        for each in range(700):
            total += each
        return total

    measure(spin, calls // 10, lambda number: None)
    blocks = [measure(spin, calls // BLOCKS, lambda number: None) for _ in range(BLOCKS)]
    times = [each for block in blocks for each in block]
    best = min(quantile(block, 0.99) for block in blocks)
    print("for comparison, a plain loop on the same machine")
    print(f"  median {min(quantile(block, 0.5) for block in blocks):.1f} us, p99 of all blocks")
    print(f"  {quantile(times, 0.99):.1f} us, p99 of the best block {best:.1f} us")


def kill(repeats: int) -> None:
    """Kill until it is durable, and until the last of 1,000 cancels has been asked for."""
    durable, cancels = [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            system = ProtectionSystem(clock=ManualClock(NOW), store=FileStateStore(folder))
            portfolio = account(1000)
            system.evaluate(portfolio)
            asked: list[Any] = []
            begin = time.perf_counter_ns()
            system.kill("bench", "measured")
            durable.append(time.perf_counter_ns() - begin)
            if system.evaluate(portfolio).state.name == "LIQUIDATE":
                for order in portfolio.open_orders:  # a broker that takes 20 us a request
                    end = time.perf_counter_ns() + 20_000
                    asked.append(order.order_id)
                    while time.perf_counter_ns() < end:
                        pass
            cancels.append(time.perf_counter_ns() - begin)
            if len(asked) != 1000:
                raise AssertionError("the kill did not ask for every cancel")
    print(f"kill, {repeats} times, with the state and its lock on disk")
    row("  durable, p99", quantile(durable, 0.99) / 1e3, "ms", 10)
    row("  last of 1,000 cancels requested, p99", quantile(cancels, 0.99) / 1e3, "ms", 1000)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=200)
    asked = parser.parse_args()
    board(asked.calls)
    gate(asked.calls, ON, f"{CHECKS} checks, account known", fresh=False)
    gate(asked.calls, ON, f"{CHECKS} checks, account new at every order", fresh=True)
    usual = {name: ON[name] for name in USUAL}
    gate(asked.calls, usual, f"{len(USUAL) + 7} checks, account known", fresh=False)
    gate(asked.calls, {}, "defaults, account known", fresh=False)
    control(asked.calls)
    kill(asked.kills)


if __name__ == "__main__":
    main()

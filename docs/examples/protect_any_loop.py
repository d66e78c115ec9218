"""Protection around any trading loop: no LEAN, no framework, one object.

Run it: ``python docs/examples/protect_any_loop.py [FOLDER]``. The state of the protection lives in
FOLDER (a temporary one by default). A made-up strategy buys more and more of a falling asset; the
protection shrinks it, stops it, and closes it. The last lines kill the account, start over as a
crashed program would, and find it killed.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta

from protection.contracts import (
    Action,
    Bar,
    ManualClock,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    Portfolio,
    Position,
    ProtectionSettings,
    Statistic,
)
from protection.contracts.stores import FileStateStore
from protection.system import ProtectionSystem

SETTINGS = ProtectionSettings.from_flat(
    {
        "limits.max_position": "0.5",  # of equity
        "orders.max_notional": "60000",
        "orders.max_orders": "5",
        "orders.collar": "0.05",
    }
)


class Account:
    """Stands for your broker: cash, one asset, fills at once."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock, self.cash, self.quantity, self.average, self.price = (
            clock,
            100_000.0,
            0,
            0.0,
            0.0,
        )

    @property
    def equity(self) -> float:
        return self.cash + self.quantity * self.price

    def portfolio(self) -> Portfolio:
        held = {"SPY": Position("SPY", self.quantity, self.average, self.price)}
        return Portfolio(self.clock.now(), self.equity, held if self.quantity else {})

    def fill(self, quantity: int) -> None:
        if quantity * self.quantity >= 0:
            cost = self.average * self.quantity + self.price * quantity
            self.average = cost / (self.quantity + quantity)
        self.quantity += quantity
        self.cash -= quantity * self.price


def main(folder: str) -> Counter[str]:
    """Run the loop; returns how often what happened."""
    clock = ManualClock(datetime(2024, 1, 2, 21, tzinfo=UTC))
    store = FileStateStore(folder)
    system = ProtectionSystem(
        SETTINGS, clock=clock, store=store, sink=lambda e: print(" ", e.reason)
    )
    for line in system.describe():
        print(line)
    account, seen, number = Account(clock), Counter[str](), 0

    def send(quantity: int) -> None:
        """Every order of yours goes through here."""
        nonlocal number
        number += 1
        order = OrderRequest(number, "SPY", quantity, reference_price=account.price)
        verdict = system.authorize(order, account.portfolio)  # counted when this returns
        if not verdict.allowed:
            seen["refused"] += 1
            print(f"  refused {quantity}: {verdict.reason}")
            return
        account.fill(quantity)  # holdings first, then the event
        seen["filled"] += 1
        filled = OrderStatus.FILLED
        system.on_order_event(
            OrderEvent(number, "SPY", filled, clock.now(), quantity, account.price)
        )

    for day in range(60):
        clock.advance(timedelta(days=1))
        if clock.now().weekday() > 4:
            continue
        account.price = 100.0 * 0.985**day
        p = account.price
        system.observe(Bar("SPY", clock.now(), p, p * 1.001, p * 0.999, p, 1e6))
        system.observe(Statistic("model:one", clock.now(), "kl", 0.01 * day))  # from your model
        verdict = system.evaluate(account.portfolio())
        seen[verdict.state.name] += 1
        standing = verdict.for_symbol("SPY")
        if standing.state is Action.LIQUIDATE:
            if account.quantity:
                send(-account.quantity)
            continue
        wanted = {"SPY": 400.0 + 20 * day}  # a strategy that never learns
        target = int(system.review(wanted, account.portfolio(), {"SPY": p})["SPY"])
        if target != account.quantity:
            send(target - account.quantity)

    system.kill("Ada", "end of the example")
    again = ProtectionSystem(SETTINGS, clock=clock, store=FileStateStore(folder))
    print(f"after a restart: {again.evaluate(account.portfolio()).reason}")
    seen["killed after restart"] = int(again.killed)
    again.resume("Ada", "it was an example")
    seen["equity"] = round(account.equity)
    print(dict(seen))
    return seen


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1])
    else:
        with tempfile.TemporaryDirectory() as place:
            main(place)

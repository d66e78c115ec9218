"""Many threads at one gate: the cap holds, nothing locks up, a kill stops them all."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

from protection.contracts import (
    ManualClock,
    OrderEvent,
    OrderKind,
    OrderRequest,
    OrderStatus,
    Portfolio,
    Position,
    ProtectionSettings,
)
from protection.system import ProtectionSystem

THREADS, ORDERS, CAP = 8, 150, 200
NOW = datetime(2020, 1, 6, 15, tzinfo=UTC)


class Host:
    """Fills orders on the thread that sent them; its list of open orders is always empty.

    So everything in flight is known to the gate alone, as when a host's list lags behind.
    """

    def __init__(self) -> None:
        settings = ProtectionSettings.from_flat({"limits.max_position": "0.2"})
        self.system = ProtectionSystem(settings, clock=ManualClock(NOW))
        self.lock = threading.Lock()
        self.held = 0
        self.worst = 0
        self.exposed = 0
        self.after_kill: list[int] = []
        self.killed = threading.Event()
        self.errors: list[BaseException] = []

    def portfolio(self) -> Portfolio:
        return Portfolio(NOW, 100_000.0, {"SPY": Position("SPY", self.held, 100.0, 100.0)})

    def send(self, number: int, quantity: int) -> None:
        killed_before = self.killed.is_set()
        request = OrderRequest(number, "SPY", quantity, OrderKind.MARKET, reference_price=100.0)
        verdict = self.system.authorize(request, self.portfolio)
        if not verdict.allowed:
            return
        if killed_before and quantity > 0:
            self.after_kill.append(number)
        with self.lock:
            self.exposed += max(0, quantity)
            self.worst = max(self.worst, self.exposed)
        self.system.on_order_event(OrderEvent(number, "SPY", OrderStatus.SUBMITTED, NOW))
        half = quantity // 2
        for serial, part in enumerate((half, quantity - half)):
            if part:
                with self.lock:
                    self.held += part
                    if quantity < 0:
                        self.exposed += part
                last = serial == 1
                status = OrderStatus.FILLED if last else OrderStatus.PARTIALLY_FILLED
                event = OrderEvent(number, "SPY", status, NOW, part, 100.0, event_id=serial)
                self.system.on_order_event(event)
                self.system.on_order_event(event)  # told twice

    def work(self, worker: int) -> None:
        try:
            for step in range(ORDERS):
                number = worker * ORDERS + step
                self.send(number, (7, 31, -13, 60, -40)[(worker + step) % 5])
                if worker == 0 and step == ORDERS // 2:
                    self.system.kill("Ada", "in the middle of it")
                    self.killed.set()
        except BaseException as error:  # told to the test, which lives on another thread
            self.errors.append(error)


def test_eight_threads_never_exceed_the_cap_and_stop_adding_at_the_kill() -> None:
    host = Host()
    threads = [threading.Thread(target=host.work, args=(n,), daemon=True) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert not any(thread.is_alive() for thread in threads)
    assert host.errors == []
    assert host.system.counters["orders"] == THREADS * ORDERS
    assert host.system.counters["allowed"] > THREADS
    assert 0 < host.worst <= CAP
    assert 0 <= host.held <= CAP
    assert host.after_kill == []
    assert host.system.in_flight == 0
    assert host.system.counters["internal_errors"] == 0


def test_a_kill_is_seen_while_another_thread_holds_the_gate() -> None:
    host = Host()
    inside, release = threading.Event(), threading.Event()

    def slow() -> Portfolio:
        inside.set()
        assert release.wait(10)
        return host.portfolio()

    answers = []
    request = OrderRequest(1, "SPY", 10, OrderKind.MARKET, reference_price=100.0)
    asker = threading.Thread(
        target=lambda: answers.append(host.system.authorize(request, slow)), daemon=True
    )
    asker.start()
    assert inside.wait(10)
    killer = threading.Thread(target=lambda: host.system.kill("Ada", "now"), daemon=True)
    killer.start()
    while not host.system.killed:
        pass
    release.set()
    asker.join(10)
    killer.join(10)

    assert [answer.allowed for answer in answers] == [False]

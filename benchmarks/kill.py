"""From a kill to the last of 1,000 cancels requested, in the engine's live-like mode.

Usage: ``make bench-kill`` (``ARGS="--orders 1000 --repeats 5"``)

The broker is the simulated one of the live-like mode; requests go to its threads one by one, and
LEAN's synchronous CANCEL_PENDING event of each cancel reaches the algorithm. Real time is measured
from the moment before the kill is written or called to the event of the last cancel; model time is
what the same takes on the clock of the run, where the loop turns and the heartbeat comes once a
second.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.livelike import Faults, run

ROOT = Path(__file__).resolve().parents[1]
ALGORITHM = """
from AlgorithmImports import *

import threading
import time

from algorithm.protect import protect
from protection.circuit_breakers.kill_switch import lock_text
from protection.contracts.settings import ProtectionSettings


class Killed(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, 10, 7); self.set_end_date(2013, 10, 7); self.set_cash(10**8)
        self.spy = self.add_equity("SPY", Resolution.MINUTE).symbol
        self.road = self.get_parameter("road")
        self.orders = int(self.get_parameter("orders"))
        # each road alone: the others are slowed down
        beat, watch = {"check": ("1", "3600"), "watch": ("50", "0.05")}.get(
            self.road, ("50", "3600")
        )
        settings = ProtectionSettings.from_flat(
            {"live.beat_seconds": beat, "live.watch_seconds": watch}
        )
        self.protection = protect(self, settings, audit="off", feeds="off")
        self.bars, self.began, self.model, self.asked = 0, None, None, []
        self.moments, self.used, self.cpu = [], [], None

    def on_data(self, data):
        self.bars += 1
        if self.bars == 2:
            self.market_order(self.spy, 1000, True)
        if self.bars == 3:
            for number in range(self.orders):
                self.limit_order(self.spy, 1, 50 + number % 50, True)
        if self.bars == 6 and self.road != "command":
            text = lock_text("bench", "measured", self.utc_time)
            self.began, self.model = time.perf_counter(), time.time()
            self.cpu = time.process_time()
            if self.road == "call":
                self.protection.kill("bench", "measured")
            else:
                with open(self.get_parameter("lock"), "w") as file:
                    file.write(text)
                if self.road == "order":
                    self.market_order(self.spy, 1, True)
                end = self.began + 30
                while len(self.asked) < self.orders and time.perf_counter() < end:
                    if self.road != "check" and not self.asked:
                        threading.Event().wait(0.0005)  # real time passes for the watcher
                    time.sleep(0.005 if self.road != "check" else 0.2)
        if self.bars > (33 if self.road == "command" else 8):
            self.quit()

    def on_order_event(self, event):
        if event.status == OrderStatus.CANCEL_PENDING:
            self.asked.append(time.perf_counter())
            self.used.append(time.process_time())
            self.moments.append(time.time())
"""
ROADS = {
    "watch": "kill file, seen by the watcher (50 ms)",
    "order": "kill file, seen by the gate on the next order",
    "check": "kill file, seen by the scheduled check (1 s)",
    "command": "typed command (loop of 1 s)",
    "call": "call of kill()",
}


def measure(road: str, orders: int, data: Path, seed: int) -> tuple[float, float, float]:
    """Real milliseconds, CPU milliseconds and model seconds of one kill.

    Of the command, the first two run from the first cancel: it waits for the loop in model time.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "main.py"
        path.write_text(ALGORITHM)
        moment = datetime(2013, 10, 7, 14, 0, 30, 100_000 * (seed % 10))
        command = {"$type": "KillCommand", "id": "k", "actor": "bench", "reason": "measured"}
        lock = folder / "store" / "protection" / "state-live" / "trading.lock"
        result = run(
            path,
            data,
            seed=seed,
            faults=Faults.none(),
            parameters={"road": road, "orders": orders, "lock": lock},
            object_store=folder / "store",
            commands=folder,
            script=[(moment, command)] if road == "command" else [],
        )
    algorithm: Any = result.algorithm
    if result.status != "Completed" or len(algorithm.asked) < orders:
        raise AssertionError(f"{road}: {len(algorithm.asked)} cancels of {orders}, {result.error}")
    last, used = algorithm.asked[orders - 1], algorithm.used[orders - 1]
    if road == "command":
        began = (moment - datetime(1970, 1, 1)).total_seconds()
        model = algorithm.moments[orders - 1] - began
        return (last - algorithm.asked[0]) * 1e3, (used - algorithm.used[0]) * 1e3, model
    model = algorithm.moments[orders - 1] - algorithm.model
    return (last - algorithm.began) * 1e3, (used - algorithm.cpu) * 1e3, model


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--data", type=Path, default=None)
    asked = parser.parse_args()
    data = asked.data or Path(os.environ.get("LEAN_DATA", ROOT / "../shared/lean-data"))
    print(f"kill to the last of {asked.orders:,} cancels requested, {asked.repeats} times each")
    print(f"{'road':<48} {'real: median':>12} {'longest':>8} {'CPU':>8} {'model':>8}   target")
    for road, words in ROADS.items():
        found = [measure(road, asked.orders, data, seed) for seed in range(asked.repeats)]
        real = [each for each, _, _ in found]
        cpu, model = (statistics.median(each[i] for each in found) for i in (1, 2))
        timed = road in ("check", "command")
        longest = max(each for _, _, each in found) if timed else max(real) / 1e3
        good = "holds" if longest <= (2.0 if timed else 1.0) else "MISSED"
        print(
            f"{words:<48} {statistics.median(real):>9.0f} ms {max(real):>5.0f} ms {cpu:>5.0f} ms "
            f"{model:>6.2f} s   {'<= 2 s model' if timed else '<= 1 s real'}: {good}",
            flush=True,
        )


if __name__ == "__main__":
    main()

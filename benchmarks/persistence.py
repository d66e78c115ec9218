"""What it costs to make a transition or a kill durable: journal beside whole snapshots and SQLite.

Usage: ``make bench-persistence`` (``ARGS="--saves 500"``)

The state is that of 20 symbols with 22 gauges each; one breaker changes between two saves. Ways
take turns, so that a busy disk hits all alike. Wall times, because the disk is what is waited for;
the CPU column is the thread's.
"""

from __future__ import annotations

import argparse
import copy
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from protection.circuit_breakers.gauges import GAUGES
from protection.contracts import Bar, ManualClock, Portfolio, Statistic
from protection.contracts.stores import FileStateStore, StateJournal, StateStore, StateVault
from protection.contracts.stores.sqlite import SqliteStateStore
from protection.system import ProtectionSystem

NOW = datetime(2020, 1, 6, 15, tzinfo=UTC)
SYMBOLS = [f"S{number}" for number in range(20)]


class WholeTexts:
    """A folder without logs: every write is a file, forced, renamed, and its folder forced."""

    def __init__(self, folder: Path) -> None:
        store = FileStateStore(folder)
        self.read, self.write, self.stamp = store.read, store.write, store.stamp


@dataclass
class Row:
    """Times of one way."""

    name: str
    call: Callable[[int], Any]
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def once(self, number: int) -> None:
        """Measure one call."""
        wall, cpu = time.perf_counter(), time.thread_time()
        self.call(number)
        self.cpu.append(time.thread_time() - cpu)
        self.wall.append(time.perf_counter() - wall)

    def line(self, first: Row) -> str:
        """The row, with its median against the first one's."""
        wall, cpu = sorted(self.wall), sorted(self.cpu)
        middle = wall[len(wall) // 2]
        ratio = sorted(first.wall)[len(first.wall) // 2] / middle
        late = wall[min(len(wall) - 1, int(len(wall) * 0.99))]
        return (
            f"{self.name:<46} {middle * 1e3:>9.2f} {late * 1e3:>9.2f} "
            f"{cpu[len(cpu) // 2] * 1e6:>9.0f} {ratio:>7.1f}"
        )


def state() -> dict[str, Any]:
    """State of a system that has seen 40 days of 20 symbols."""
    clock = ManualClock(NOW)
    system = ProtectionSystem(clock=clock)
    for day in range(40):
        clock.advance(timedelta(days=1))
        now = clock.now()
        for place, symbol in enumerate(SYMBOLS):
            price = 100.0 + day % 7 + place / 10
            system.observe(Bar(symbol, now, price, price, price, price))
            for gauge in GAUGES:
                value = 1.0 if gauge == "anchor" else 0.0
                system.observe(Statistic(symbol, now, gauge, value))
        system.evaluate(Portfolio(now, 100_000.0 - day))
    return system.snapshot()


def transitions(rows: list[Row], saves: int) -> None:
    """Measure every row in turns."""
    for number in range(saves):
        for row in rows:
            row.once(number)


def show(title: str, rows: list[Row], target: str) -> None:
    """Print a table; the first row is the way it was done before."""
    print(f"{title:<46} {'median ms':>9} {'p99 ms':>9} {'CPU us':>9} {'ratio':>7}   {target}")
    for row in rows:
        print("  " + row.line(rows[0]))


def savers(folder: Path, made: dict[str, Any]) -> list[Row]:
    """Ways to make one transition durable."""
    versions = []
    for number in range(2):
        changed = copy.deepcopy(made)
        changed["board"]["gauges"][7][3]["state"] = ("open", "cooldown")[number]
        changed["account"]["lifetime"] = 100_000.0 + number
        versions.append(changed)

    def journal(store: StateStore) -> Callable[[int], bool]:
        kept = StateJournal(store, "protection.state", "protection-state", 3)
        kept.save(made)
        events = [["2020-01-06T15:00:00+00:00", "vpin", "symbol:S3", "closed", "open", "vpin"]]
        return lambda number: kept.save(versions[number % 2], events, "2020-01-06T15:00:00+00:00")

    vault = StateVault(WholeTexts(folder / "whole"), "protection.state", "protection-state", 3)
    return [
        Row("whole snapshot, as before", lambda number: vault.save(versions[number % 2])),
        Row("journal in a folder", journal(FileStateStore(folder / "journal"))),
        Row("journal in SQLite, WAL, synchronous FULL", journal(SqliteStateStore(folder / "db"))),
    ]


def killers(folder: Path) -> list[Row]:
    """A kill of the whole system, each of a fresh one, as a live account has it."""
    systems: dict[str, ProtectionSystem] = {}

    def prepare(name: str, number: int, make: Callable[[Path], StateStore]) -> ProtectionSystem:
        system = ProtectionSystem(
            clock=ManualClock(NOW), store=make(folder / f"{name}-{number // 50}")
        )
        system.evaluate(Portfolio(NOW, 100_000.0))
        systems[name] = system
        return system

    def before(number: int) -> None:
        system = systems["whole"]
        system.kill("bench", "measured")
        vault = StateVault(system._store, "protection.state", "protection-state", 3)
        vault.save(system.snapshot())

    rows = [
        Row("lock and snapshot forced, as before", before),
        Row("journal forced, lock laid", lambda number: systems["log"].kill("bench", "measured")),
    ]
    for row, (name, make) in zip(
        rows, (("whole", WholeTexts), ("log", FileStateStore)), strict=True
    ):
        once = row.once

        def fresh(
            number: int,
            name: str = name,
            make: Callable[[Path], StateStore] = make,
            once: Callable[[int], None] = once,
        ) -> None:
            prepare(name, number, make)
            once(number)

        row.once = fresh  # type: ignore[method-assign]
    return rows


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--saves", type=int, default=300)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        rows = savers(folder, state())
        transitions(rows, asked.saves)
        show("one transition until it is durable", rows, "")
        sizes = [
            (folder / "whole" / "protection.state").stat().st_size,
            len((folder / "journal" / "protection.journal").read_bytes().rstrip(b"\0")) - 4096,
        ]
        logged = asked.saves % 200 or 200
        print(
            f"  bytes: whole {sizes[0]:,}, journal at most {sizes[1] // max(1, min(logged, 200)):,}"
        )
        rows = killers(folder)
        transitions(rows, asked.saves)
        show("kill until it is durable", rows, "target p99 10 ms")


if __name__ == "__main__":
    main()

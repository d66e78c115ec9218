"""Builders that the tests of protection share."""

from __future__ import annotations

import bisect
import zipfile
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from protection.contracts import ManualClock, OpenOrder, Portfolio, Position, ProtectionSettings
from protection.contracts.stores import DiskFileSystem, StateStore
from protection.system import Ledger, ProtectionSystem

START = datetime(2020, 1, 6, 21, 0, tzinfo=UTC)


class World:
    """A clock, an account and the system over it."""

    def __init__(
        self,
        settings: ProtectionSettings | None = None,
        store: StateStore | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self.clock = ManualClock(START)
        self.store = store
        self.settings = settings
        self.ledger = ledger
        self.equity = 100_000.0
        self.held: dict[str, tuple[float, float]] = {}  # quantity, average price
        self.prices: dict[str, float] = {}
        self.open: list[OpenOrder] = []
        self.system = self.restart()

    def restart(self) -> ProtectionSystem:
        """A fresh system over the same store."""
        self.system = ProtectionSystem(
            self.settings, clock=self.clock, store=self.store, ledger=self.ledger
        )
        return self.system

    def hold(
        self, symbol: str, quantity: float, average: float, price: float | None = None
    ) -> None:
        self.held[symbol] = (quantity, average)
        self.prices[symbol] = average if price is None else price

    def portfolio(self, orders: Iterable[OpenOrder] = ()) -> Portfolio:
        return Portfolio(
            self.clock.now(),
            self.equity,
            {
                symbol: Position(symbol, quantity, average, self.prices[symbol])
                for symbol, (quantity, average) in self.held.items()
            },
            (*self.open, *orders),
        )

    def day(self, equity: float | None = None, days: int = 1):  # type: ignore[no-untyped-def]
        """Close of the next weekday, evaluated."""
        for _ in range(days):
            self.clock.advance(timedelta(days=1))
            while self.clock.now().weekday() > 4:
                self.clock.advance(timedelta(days=1))
            if equity is not None:
                self.equity = equity
            verdict = self.system.evaluate(self.portfolio())
        return verdict

    def minute(self, equity: float | None = None):  # type: ignore[no-untyped-def]
        """One minute later, evaluated."""
        self.clock.advance(timedelta(minutes=1))
        if equity is not None:
            self.equity = equity
        return self.system.evaluate(self.portfolio())

    def transitions(self, breaker: str) -> list[tuple[str, str]]:
        return [(e.before, e.after) for e in self.system.events if e.breaker == breaker]


@pytest.fixture
def world() -> World:
    """The default settings over memory."""
    return World()


@pytest.fixture
def make_world() -> type[World]:
    """The class, for other settings and stores."""
    return World


class FaultyFileSystem(DiskFileSystem):
    """The real disk, until the nth call of a chosen operation, which fails or half-succeeds."""

    def __init__(self) -> None:
        self.fail_at: dict[str, int] = {}
        self.calls: dict[str, int] = {}
        self.always: set[str] = set()
        self.torn = False

    def _count(self, name: str) -> None:
        self.calls[name] = self.calls.get(name, 0) + 1
        if name in self.always or self.fail_at.get(name) == self.calls[name]:
            raise OSError(28, f"injected into {name}")

    def write_new(self, path: Path, data: bytes, forced: bool = True) -> None:
        try:
            self._count("write_new")
        except OSError:
            if self.torn:
                path.write_bytes(data[: len(data) // 2])
            raise
        super().write_new(path, data, forced)

    def replace(self, source: Path, target: Path) -> None:
        self._count("replace")
        super().replace(source, target)

    def sync_folder(self, folder: Path) -> None:
        self._count("sync_folder")
        super().sync_folder(folder)

    def read(self, path: Path) -> bytes | None:
        self._count("read")
        return super().read(path)

    def stamp(self, path: Path) -> tuple[int, int, int] | None:
        self._count("stamp")
        return super().stamp(path)

    def read_at(self, handle: int, offset: int, length: int) -> bytes:
        self._count("read_at")
        return super().read_at(handle, offset, length)

    def write_at(self, handle: int, data: bytes, offset: int) -> None:
        try:
            self._count("write_at")
        except OSError:
            if self.torn:
                super().write_at(handle, data[: len(data) // 2], offset)
            raise
        super().write_at(handle, data, offset)

    def sync(self, handle: int) -> None:
        self._count("sync")
        super().sync(handle)


@pytest.fixture
def faulty_files() -> FaultyFileSystem:
    """A disk that fails when told to."""
    return FaultyFileSystem()


@pytest.fixture(scope="session")
def spy(lean_data: Path) -> list[tuple[date, float, float]]:
    """SPY 1999-2021: day, open and close, adjusted for splits and dividends."""
    folder = lean_data / "equity" / "usa"
    factors = []
    for line in (folder / "factor_files" / "spy.csv").read_text().splitlines():
        day, price, split = line.split(",")[:3]
        factors.append((day, float(price) * float(split)))
    days = [day for day, _ in factors]
    bars: list[tuple[date, float, float]] = []
    with zipfile.ZipFile(folder / "daily" / "spy.zip") as archive:
        text = archive.read(archive.namelist()[0]).decode()
    for line in text.splitlines():
        stamp, open_, _, _, close = line.split(",")[:5]
        day = stamp[:8]
        if not "1999" <= day < "2022":
            continue
        factor = factors[bisect.bisect_left(days, day)][1] / 1e4
        when = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).date()
        bars.append((when, float(open_) * factor, float(close) * factor))
    return bars

"""A desk that trades real daily prices under a real ProtectionSystem with a real ledger."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from protection.blockchain.ledger import Ledger
from protection.contracts.actions import Action
from protection.contracts.clock import ManualClock
from protection.contracts.records import (
    Bar,
    OpenOrder,
    OrderEvent,
    OrderKind,
    OrderRequest,
    OrderStatus,
    Portfolio,
    Position,
    Trade,
)
from protection.contracts.settings import ProtectionSettings
from protection.system import ProtectionSystem

Prices = tuple[float, float, float, float]
SYMBOLS = ("SPY", "IWM", "EEM", "IBM", "BAC", "AAPL")
FEE = 0.005


def daily(folder: Path, ticker: str) -> dict[date, Prices]:
    """Unadjusted daily bars of LEAN's sample data."""
    path = folder / "equity" / "usa" / "daily" / f"{ticker.lower()}.zip"
    with zipfile.ZipFile(path) as archive:
        lines = archive.read(archive.namelist()[0]).decode().splitlines()
    out = {}
    for line in lines:
        stamp, *figures = line.split(",")
        day = date(int(stamp[:4]), int(stamp[4:6]), int(stamp[6:8]))
        first, high, low, last = (float(figure) / 10_000 for figure in figures[:4])
        out[day] = (first, high, low, last)
    return out


class Desk:
    """Fills at the next open, marks at the close; every step may be bent by a scenario.

    Attributes
    ----------
    weights : share of equity by symbol that the strategy wants; counted once into quantities
    bend : changes a symbol's prices of a day; None leaves the bar out
    slip : what a fill is worse than the open, as a fraction
    fill_times : how many times the asked quantity is filled
    reject : whether the broker refuses what the gate allowed
    """

    def __init__(self, data: Path, ledger: Ledger, symbols: tuple[str, ...] = SYMBOLS) -> None:
        self.bars = {symbol: daily(data, symbol) for symbol in symbols}
        self.ledger = ledger
        self.clock = ManualClock(datetime(2000, 1, 1, tzinfo=UTC))
        self.settings: dict[str, str] = {}
        self.store: Any = None
        self.system: ProtectionSystem | None = None
        self.cash = 1_000_000.0
        self.fees = 0.0
        self.held: dict[str, float] = {}
        self.average: dict[str, float] = {}
        self.seen: dict[str, float] = {}
        self.stamp: dict[str, datetime] = {}
        self.weights: dict[str, float] = dict.fromkeys(symbols, 0.9 / len(symbols))
        self.targets: dict[str, float] | None = None
        self.bend: Callable[[date, str, Prices], Prices | None] = lambda day, symbol, bar: bar
        self.slip = 0.0
        self.fill_times = 1.0
        self.reject = False
        self.bad_equity = False
        self.pending: list[tuple[int, str, float]] = []
        self.number = 0
        self.equities: list[float] = []

    # -- the account

    @property
    def equity(self) -> float:
        return self.cash + sum(q * self.seen[s] for s, q in self.held.items() if q)

    def portfolio(self, age: float = 0.0) -> Portfolio:
        positions = {
            s: Position(s, q, self.average[s], self.seen[s]) for s, q in self.held.items() if q
        }
        resting = tuple(
            OpenOrder(n, s, q, OrderKind.MARKET_ON_OPEN, self.seen[s]) for n, s, q in self.pending
        )
        equity = math.nan if self.bad_equity else self.equity
        time = self.clock.now() - timedelta(seconds=age)
        return Portfolio(time, equity, positions, resting, self.cash)

    def start(self) -> ProtectionSystem:
        settings = ProtectionSettings.from_flat(self.settings)
        self.system = ProtectionSystem(
            settings, clock=self.clock, store=self.store, ledger=self.ledger
        )
        return self.system

    def fill(self, order_id: int | str, symbol: str, quantity: float, price: float) -> None:
        fee = abs(quantity) * FEE
        before = self.held.get(symbol, 0.0)
        if before * quantity >= 0:
            total = before + quantity
            paid = before * self.average.get(symbol, 0.0) + quantity * price
            self.average[symbol] = paid / total if total else 0.0
        elif abs(quantity) > abs(before):
            self.average[symbol] = price
        self.held[symbol] = before + quantity
        self.cash -= quantity * price + fee
        self.fees += fee
        assert self.system is not None
        self.system.on_order_event(
            OrderEvent(
                order_id,
                symbol,
                OrderStatus.FILLED,
                self.clock.now(),
                fill_quantity=quantity,
                fill_price=price,
                fee=fee,
            )
        )

    # -- the days

    def days(self, first: str, last: str) -> list[date]:
        low, high = date.fromisoformat(first), date.fromisoformat(last)
        return [day for day in self.bars["SPY"] if low <= day <= high]

    def run(self, first: str, last: str, each: Callable[[date, int], None] | None = None) -> None:
        """Trade the days; ``each`` is called before a day with its number from the start."""
        for index, day in enumerate(self.days(first, last)):
            if each is not None:
                each(day, index)
            self.day(day)

    def day(self, day: date) -> None:
        if self.system is None:
            self.clock.set(datetime(day.year, day.month, day.day, 14, 0, tzinfo=UTC))
            self.start()
        system = self.system
        assert system is not None
        opening = datetime(day.year, day.month, day.day, 14, 30, tzinfo=UTC)
        self.clock.set(opening)
        for number, symbol, quantity in self.pending:
            if self.reject:
                event = OrderEvent(number, symbol, OrderStatus.INVALID, opening)
                system.on_order_event(event)
                continue
            price = self.bars[symbol][day][0] * (1 + math.copysign(self.slip, quantity))
            self.fill(number, symbol, quantity * self.fill_times, price)
        self.pending.clear()
        closing = datetime(day.year, day.month, day.day, 21, 0, tzinfo=UTC)
        self.clock.set(closing)
        for symbol, bars in self.bars.items():
            bar = self.bend(day, symbol, bars[day])
            if bar is None:
                continue
            if system.observe(Bar(symbol, closing, *bar)).accepted:
                self.seen[symbol], self.stamp[symbol] = bar[3], closing
        self.evaluate()
        self.trade()

    def tick(self, day: date, seconds: int, prices: Mapping[str, float]) -> None:
        """Prices within a session."""
        moment = datetime(day.year, day.month, day.day, 15, 0, tzinfo=UTC)
        self.clock.set(moment + timedelta(seconds=seconds))
        assert self.system is not None
        for symbol, price in prices.items():
            self.system.observe(Trade(symbol, self.clock.now(), price))
            self.seen[symbol] = price
        self.evaluate()

    def evaluate(self, age: float = 0.0) -> None:
        assert self.system is not None
        self.system.evaluate(self.portfolio(age))
        self.equities.append(self.equity)

    def trade(self) -> None:
        system = self.system
        assert system is not None
        if self.targets is None:
            equity = self.equity
            self.targets = {s: w * equity // self.seen[s] for s, w in self.weights.items()}
        cut = system.review(self.targets, self.portfolio(), dict(self.seen))
        for symbol, wanted in cut.items():
            quantity = float(int(wanted)) - self.held.get(symbol, 0.0)
            if quantity:
                self.send(symbol, quantity)

    def send(self, symbol: str, quantity: float) -> bool:
        """One order through the gate."""
        system = self.system
        assert system is not None
        self.number += 1
        standing = system.verdict.for_symbol(symbol)
        out = standing.state is Action.LIQUIDATE
        request = OrderRequest(
            self.number,
            symbol,
            quantity,
            OrderKind.MARKET_ON_OPEN,
            self.clock.now(),
            self.seen[symbol],
            self.stamp.get(symbol),
            tag=f"Protection: {standing.reason}" if out else "",
        )
        allowed = system.authorize(request, self.portfolio()).allowed
        if allowed:
            self.pending.append((self.number, symbol, quantity))
        return allowed


@pytest.fixture(scope="session")
def make_desk(lean_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Desk]:
    """Makes a desk with a ledger in a folder of its own."""

    def make() -> Desk:
        folder = tmp_path_factory.mktemp("desk") / "ledger"
        return Desk(lean_data, Ledger(folder, group=True, stall=600.0))

    return make


@pytest.fixture
def desk(make_desk: Callable[[], Desk]) -> Iterator[Desk]:
    """A desk for one test."""
    made = make_desk()
    yield made
    made.ledger.close()

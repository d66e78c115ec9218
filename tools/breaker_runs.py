"""Histories to run breakers over, and the runs: what tools/breaker_table.py counts."""

from __future__ import annotations

import bisect
import csv
import io
import math
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from protection.contracts import (
    Action,
    Bar,
    ManualClock,
    Portfolio,
    Position,
    ProtectionSettings,
)
from protection.system import ProtectionSystem

Floats = NDArray[np.float64]
NOT_STOCKS = {"sp500bars", "nasdaqbars", "sp500index"}
LEAN_SHARES = ("spy", "aapl", "aig", "bac", "ibm")
"""Those with every session of 1998 to 2021."""

OFF = {
    "drawdown.halt": "off",
    "drawdown.liquidate": "off",
    "daily.loss": "off",
    "position.stop": "off",
    "volatility.ratio": "off",
    "flash.move": "off",
    "leverage.limit": "off",
    "cushion.promise": "off",
}
RULES = {
    "volatility": "volatility.ratio",
    "position_stop": "position.stop",
    "daily_loss": "daily.loss",
    "drawdown_recent": "drawdown.halt",
    "drawdown_peak": "drawdown.liquidate",
}


@dataclass(frozen=True, slots=True)
class Prices:
    """Closes of some symbols on common sessions, shape (sessions, symbols)."""

    name: str
    symbols: tuple[str, ...]
    days: tuple[date, ...]
    closes: Floats
    year: int = 252

    @property
    def years(self) -> float:
        """Length in years of sessions."""
        return len(self.days) / self.year


@dataclass(slots=True)
class Trips:
    """Trips of one rule: session number and column of the symbol, -1 for the account."""

    years: float = 0.0
    at: list[tuple[int, int]] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Trips a year of one symbol or account."""
        return len(self.at) / self.years


# -- histories ---------------------------------------------------------------------------------


def _rows(path: Path) -> list[list[str]]:
    with zipfile.ZipFile(path) as archive:
        return list(csv.reader(io.StringIO(archive.read(archive.namelist()[0]).decode())))


def _day(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))


def _aligned(name: str, closes: dict[str, dict[str, float]], year: int = 252) -> Prices:
    days = sorted(set.intersection(*(set(series) for series in closes.values())))
    table = np.array([[closes[asset][day] for asset in closes] for day in days])
    return Prices(name, tuple(closes), tuple(_day(day) for day in days), table, year)


def prepared_stocks(folder: Path) -> Prices:
    """The stocks of ``protect data prepare``."""
    closes = {
        path.stem: {row[0][:8]: float(row[4]) for row in _rows(path)}
        for path in sorted((folder / "equity" / "usa" / "daily").glob("*.zip"))
        if path.stem not in NOT_STOCKS
    }
    made = _aligned("", closes)
    span = f"{made.days[0]:%Y}-{made.days[-1]:%Y}"
    return Prices(f"{len(closes)} stocks, daily {span}", made.symbols, made.days, made.closes)


def lean_shares(lean: Path, symbols: tuple[str, ...] = LEAN_SHARES) -> Prices:
    """Shares of LEAN's sample data, adjusted by their factor files."""
    folder = lean / "equity" / "usa"
    closes: dict[str, dict[str, float]] = {}
    for symbol in symbols:
        lines = (folder / "factor_files" / f"{symbol}.csv").read_text().splitlines()
        parts = [line.split(",") for line in lines]
        ends = [part[0] for part in parts]
        factors = [float(part[1]) * float(part[2]) for part in parts]
        closes[symbol] = {}
        for row in _rows(folder / "daily" / f"{symbol}.zip"):
            day = row[0][:8]
            at = min(bisect.bisect_left(ends, day), len(ends) - 1)
            closes[symbol][day] = float(row[4]) / 1e4 * factors[at]
    made = _aligned("", closes)
    names = ", ".join(symbol.upper() for symbol in symbols)
    span = f"{made.days[0]:%Y}-{made.days[-1]:%Y}"
    return Prices(f"{names}, daily {span}", made.symbols, made.days, made.closes)


def bitcoin(lean: Path) -> Prices:
    """Daily bitcoin closes; every day is a session."""
    rows = _rows(lean / "crypto" / "coinbase" / "daily" / "btcusd_trade.zip")[30:]
    made = _aligned("", {"btcusd": {row[0][:8]: float(row[4]) for row in rows}}, 365)
    span = f"{made.days[0]:%Y}-{made.days[-1]:%Y}"
    return Prices(f"BTCUSD, daily {span}", made.symbols, made.days, made.closes, 365)


def bootstrap(prices: Prices, block: float, seed: int) -> Prices:
    """The same returns drawn again in blocks of that mean length, all symbols together."""
    returns = np.diff(np.log(prices.closes), axis=0)
    rng = np.random.default_rng(seed)
    count = len(returns)
    fresh = rng.random(count) < 1.0 / block
    starts = rng.integers(0, count, count)
    drawn = np.empty(count, dtype=np.int64)
    at = int(starts[0])
    for number in range(count):
        at = int(starts[number]) if fresh[number] else (at + 1) % count
        drawn[number] = at
    steps = np.vstack([np.zeros(returns.shape[1]), returns[drawn]])
    return Prices(
        prices.name,
        prices.symbols,
        prices.days,
        100.0 * np.exp(np.cumsum(steps, axis=0)),
        prices.year,
    )


# -- runs --------------------------------------------------------------------------------------


def _settings(prices: Prices, changes: dict[str, str]) -> ProtectionSettings:
    days = {"session.days": "all"} if prices.year == 365 else {}
    return ProtectionSettings.from_flat({**days, **changes})


def run(prices: Prices, changes: dict[str, str]) -> dict[str, Trips]:
    """Hold all symbols in equal parts under the system; trips by rule.

    What is decided at a close is done at the next one. A symbol that was closed is bought again,
    for its part of the equity, as soon as adding is allowed.
    """
    clock = ManualClock(datetime(1980, 1, 1, tzinfo=UTC))
    system = ProtectionSystem(_settings(prices, changes), clock=clock)
    names, count = prices.symbols, len(prices.symbols)
    columns = {name: column for column, name in enumerate(names)}
    cash, units, entry = 1e6, [0.0] * count, [0.0] * count
    full: dict[str, float] = {}  # quantities at full size, kept until the symbol was closed
    wanted: dict[str, float] = {}
    closed: dict[str, bool] = {}
    seen = 0
    trips = {rule: Trips() for rule in RULES}
    for number, day in enumerate(prices.days):
        row = prices.closes[number].tolist()
        for name, target in wanted.items():
            column = columns[name]
            change = target - units[column]
            if change:
                cash -= change * row[column]
                if change > 0:
                    held = units[column] * entry[column]
                    entry[column] = (held + change * row[column]) / target
                units[column] = target
        equity = cash + math.fsum(u * p for u, p in zip(units, row, strict=True))
        clock.set(datetime(day.year, day.month, day.day, 21, tzinfo=UTC))
        now = clock.now()
        for name, price in zip(names, row, strict=True):
            system.observe(Bar(name, now, price, price, price, price))
        held_now = {
            name: Position(name, units[column], entry[column], row[column])
            for name, column in columns.items()
            if units[column]
        }
        portfolio = Portfolio(now, equity, held_now, cash=cash)
        verdict = system.evaluate(portfolio)
        for event in list(system.events)[seen:]:
            if event.after == "open" and event.breaker in trips:
                symbol = event.scope.removeprefix("symbol:")
                trips[event.breaker].at.append((number, columns.get(symbol, -1)))
        seen = len(system.events)
        for name, column in columns.items():
            if name not in full or (closed.get(name) and not units[column]):
                full[name] = equity / count / row[column]
            closed[name] = verdict.for_symbol(name).state is Action.LIQUIDATE
        wanted = system.review(full, portfolio, dict(zip(names, row, strict=True)))
    for rule, found in trips.items():
        symbols = count if rule in ("volatility", "position_stop") else 1
        found.years = prices.years * symbols
    return trips


def merged(parts: Iterable[tuple[int, dict[str, Trips]]]) -> dict[str, Trips]:
    """Trips of several accounts of one symbol each, with the symbol's column."""
    total = {rule: Trips() for rule in RULES}
    for column, trips in parts:
        for rule, found in trips.items():
            total[rule].years += found.years
            total[rule].at += [(number, column) for number, _ in found.at]
    return total


def single(prices: Prices) -> Iterator[tuple[int, Prices]]:
    """One history per symbol."""
    for column, symbol in enumerate(prices.symbols):
        yield (
            column,
            Prices(prices.name, (symbol,), prices.days, prices.closes[:, [column]], prices.year),
        )


# -- what came after ---------------------------------------------------------------------------


def _storm(returns: Floats) -> Floats:
    """Volatility of the five sessions after each over that of the 20 before its last five."""
    squares = returns**2
    sums = np.concatenate([np.zeros((1, returns.shape[1])), np.cumsum(squares, axis=0)])
    out = np.full(returns.shape, np.nan)
    for t in range(24, len(returns) - 5):
        normal = (sums[t - 4] - sums[t - 24]) / 20.0
        later = (sums[t + 6] - sums[t + 1]) / 5.0
        with np.errstate(divide="ignore", invalid="ignore"):
            out[t] = np.sqrt(later / normal)
    return out


def _fall(returns: Floats, horizon: int) -> Floats:
    """Worst loss from each session's close within the next sessions."""
    levels = np.concatenate([np.zeros((1, returns.shape[1])), np.cumsum(returns, axis=0)])[1:]
    out = np.full(returns.shape, np.nan)
    for t in range(len(returns) - horizon):
        out[t] = 1.0 - np.exp((levels[t + 1 : t + 1 + horizon] - levels[t]).min(axis=0))
    return out


FOLLOWED: dict[str, tuple[str, Callable[[Floats], Floats], float]] = {
    "volatility": (
        "volatility of the next 5 sessions at least 1.5 times the normal",
        _storm,
        1.5,
    ),
    "position_stop": ("5% lower within 20 sessions", lambda r: _fall(r, 20), 0.05),
    "daily_loss": ("1% lower at the next close", lambda r: _fall(r, 1), 0.01),
    "drawdown_recent": ("5% lower within 5 sessions", lambda r: _fall(r, 5), 0.05),
    "drawdown_peak": ("5% lower within 20 sessions", lambda r: _fall(r, 20), 0.05),
}


def followed(prices: Prices, rule: str, trips: Trips) -> tuple[float, float]:
    """Share of the trips that what the rule guards against came after, and of all sessions."""
    returns = np.diff(np.log(prices.closes), axis=0, prepend=np.log(prices.closes[:1]))
    whole = np.log(np.exp(returns).mean(axis=1, keepdims=True))
    table = np.concatenate([returns, whole], axis=1)  # column -1: all of them in equal parts
    _, measure, least = FOLLOWED[rule]
    value = measure(table)
    columns = sorted({column for _, column in trips.at}) or [-1]
    usual = value[:, columns]
    after = np.array([value[number, column] for number, column in trips.at])
    after = after[np.isfinite(after)]
    share = float((after >= least).mean()) if len(after) else math.nan
    return share, float((usual[np.isfinite(usual)] >= least).mean())


# -- minutes -----------------------------------------------------------------------------------


def minute_days(lean: Path) -> dict[str, list[list[tuple[int, float, float, float, float]]]]:
    """Bars of every day of minutes in the sample data: minute, open, high, low, close."""
    found: dict[str, list[list[tuple[int, float, float, float, float]]]] = {}
    for kind, folder, first, last, scale in (
        ("shares", lean / "equity" / "usa" / "minute", 570, 960, 1e4),
        ("coins", lean / "crypto" / "coinbase" / "minute", 0, 1440, 1.0),
    ):
        for path in sorted(folder.glob("*/*_trade.zip")):
            bars = []
            for row in _rows(path):
                minute = int(row[0]) // 60_000
                if first <= minute < last:
                    o, h, low, c = (float(text) / scale for text in row[1:5])
                    bars.append((minute, o, h, low, c))
            if len(bars) > 30:
                found.setdefault(kind, []).append(bars)
    return found


def flash(days: list[list[tuple[int, float, float, float, float]]]) -> tuple[int, int, int, int]:
    """Trips of the flash rule, those followed by 2% more, minutes so followed, and minutes."""
    trips = after = usual = minutes = 0
    start = datetime(2020, 1, 6, tzinfo=UTC)
    for bars in days:
        clock = ManualClock(start)
        system = ProtectionSystem(
            ProtectionSettings.from_flat({**OFF, "flash.move": "0.05", "session.days": "all"}),
            clock=clock,
        )
        closes = np.array([bar[4] for bar in bars])
        ahead = [
            float(np.abs(closes[i + 1 : i + 6] / closes[i] - 1.0).max())
            for i in range(len(bars) - 5)
        ]
        minutes += len(bars)
        usual += sum(move >= 0.02 for move in ahead)
        for number, (minute, o, h, low, c) in enumerate(bars):
            clock.set(start + timedelta(minutes=minute + 1))
            seen = len(system.events)
            system.observe(Bar("X", clock.now(), o, h, low, c, 1.0, timedelta(minutes=1)))
            system.evaluate(Portfolio(clock.now(), 1e6))
            for event in list(system.events)[seen:]:
                if event.breaker == "flash" and event.after == "open":
                    trips += 1
                    after += number < len(ahead) and ahead[number] >= 0.02
    return trips, after, usual, minutes


def bootstrap_minutes(
    days: list[list[tuple[int, float, float, float, float]]], block: float, seed: int
) -> list[list[tuple[int, float, float, float, float]]]:
    """Bars drawn again across all days: each keeps its shape against the close before it."""
    shapes = np.array(
        [
            [math.log(value / before[4]) for value in bar[1:]]
            for bars in days
            for before, bar in pairwise(bars)
        ]
    )
    rng = np.random.default_rng(seed)
    out = []
    for bars in days:
        price, at, made = 100.0, int(rng.integers(len(shapes))), []
        for number in range(len(bars)):
            at = int(rng.integers(len(shapes))) if rng.random() < 1 / block else at + 1
            o, h, low, c = (price * math.exp(step) for step in shapes[at % len(shapes)])
            made.append((number, o, max(h, o, c), min(low, o, c), c))
            price = c
        out.append(made)
    return out

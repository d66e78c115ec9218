"""A stage for golden run 22: the algorithm's own file on real bars, without the engine."""

from __future__ import annotations

import json
import math
import os
import re
import zipfile
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import engine.consolidators as consolidators
import engine.indicators as indicators
from engine.algorithm.indicators import IndicatorsMixin
from engine.consolidators import SubscriptionManager
from engine.indicators import Field, RollingWindow
from engine.run import Engine, _as_current
from engine.types import enums
from engine.types.bars import Bar, QuoteBar, TradeBar
from engine.types.enums import DataNormalizationMode, Resolution, SecurityType, TickType
from engine.types.slice import Slice
from engine.types.subscription import SubscriptionDataConfig
from engine.types.symbol import Market, Symbol, SymbolCache
from engine.types.timekeeper import TimeKeeper
from engine.types.timezones import TimeZones, to_utc

ROOT = Path(__file__).parents[3]
DATA = Path(os.environ.get("LEAN_DATA", ROOT.parent / "shared" / "lean-data"))
PLACES = (ROOT / "tests" / "golden" / "lean", ROOT.parent / "shared" / "reference" / "lean_golden")
FOLDERS = [Path(os.environ["LEAN_GOLDEN"])] if "LEAN_GOLDEN" in os.environ else list(PLACES)
GOLDEN = next((f for f in FOLDERS if f.is_dir() and any(f.iterdir())), PLACES[0])
ZONE = TimeZones.NEW_YORK


def golden_log(name: str) -> list[str]:
    """Return the log lines of a golden run without LEAN's own time in front."""
    lines: list[str] = json.loads((GOLDEN / f"{name}.json").read_text())["log"]
    return [line[20:] for line in lines]


def factor_of(ticker: str, day: datetime) -> Decimal:
    """Return the price factor of a day from the factor file."""
    path = DATA / "equity" / "usa" / "factor_files" / f"{ticker}.csv"
    for row in path.read_text().split():
        fields = row.split(",")
        if fields[0].isdigit() and day <= datetime.strptime(fields[0], "%Y%m%d"):
            return Decimal(fields[1]) * Decimal(fields[2])
    return Decimal(1)


def _trade(
    symbol: Symbol, time: datetime, end: datetime, fields: list[str], factor: Decimal
) -> TradeBar:
    prices = [int(x) * Decimal("0.0001") * factor for x in fields[:4]]
    volume = float(round(int(fields[4]) * (1 / factor)))
    return TradeBar(time, symbol, *map(float, prices), volume, end - time)


def minute_bars(symbol: Symbol, days: list[date]) -> list[TradeBar]:
    """Read the adjusted minute bars of the regular session."""
    ticker, bars = symbol.value.lower(), []
    for day in days:
        path = DATA / "equity" / "usa" / "minute" / ticker / f"{day:%Y%m%d}_trade.zip"
        with zipfile.ZipFile(path) as archive:
            rows = archive.read(archive.namelist()[0]).decode().split()
        midnight = datetime(day.year, day.month, day.day)
        factor = factor_of(ticker, midnight)
        for row in rows:
            ms, *fields = row.split(",")
            time = midnight + timedelta(milliseconds=int(ms))
            if timedelta(hours=9, minutes=30) <= time - midnight < timedelta(hours=16):
                bars.append(_trade(symbol, time, time + timedelta(minutes=1), fields, factor))
    return bars


class StagedAlgorithm(IndicatorsMixin):
    """What an algorithm needs to make indicators and consolidators."""

    history_bars: list[Any]

    def __init__(self) -> None:
        self._clock = TimeKeeper(datetime(1998, 1, 1))
        self.settings = SimpleNamespace(
            automatic_indicator_warm_up=False,
            daily_precise_end_time=True,
            daily_consolidation_use_extended_market_hours=False,
        )
        self.securities: dict[Any, Any] = {}
        self.subscription_manager = SubscriptionManager(self)
        self.lines: list[str] = []
        self.parameters: dict[str, str] = {}
        self.history_bars = []
        self._init_indicators()

    @property
    def time(self) -> datetime:
        return self._clock.local(ZONE)

    def _set_utc(self, utc: datetime) -> None:
        self._clock.utc = utc

    def set_cash(self, amount: float) -> None:
        """No account on this stage."""

    set_benchmark = set_cash

    def set_start_date(self, *day: int) -> None:
        self._set_utc(to_utc(datetime(*day), ZONE))

    def set_end_date(self, *day: int) -> None:
        self.end = datetime(*day)

    def get_parameter(self, name: str, default: str) -> str:
        return self.parameters.get(name, default)

    def log(self, text: str) -> None:
        self.lines.append(text)

    debug = log

    def add_equity(
        self,
        ticker: str,
        resolution: Resolution,
        fill_forward: bool = True,
        data_normalization_mode: DataNormalizationMode = DataNormalizationMode.ADJUSTED,
    ) -> Any:
        symbol = Symbol.create(ticker, SecurityType.EQUITY, Market.USA)
        SymbolCache.set(ticker, symbol)
        kinds = [(TradeBar, TickType.TRADE)]
        if resolution <= Resolution.MINUTE:
            kinds.append((QuoteBar, TickType.QUOTE))  # type: ignore[arg-type]
        for kind, tick_type in kinds:
            config = SubscriptionDataConfig(
                kind, symbol, resolution, ZONE, ZONE, fill_forward, tick_type=tick_type,
                data_normalization_mode=data_normalization_mode,
            )  # fmt: skip
            self.subscription_manager._add(config)
        security = _Security(self, symbol)
        self.securities[symbol] = security
        return security

    def _slices_for(
        self,
        symbols: list[Symbol],
        periods: int | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        resolution: Resolution | None = None,
        extra_bars: int = 0,
    ) -> list[Slice]:
        now = self.time
        bars = [b for b in self.history_bars if b.symbol in symbols and b.end_time <= now]
        if periods is None:
            assert start is not None
            first = next(i for i, b in enumerate(bars) if b.time >= start)
            bars = bars[max(0, first - extra_bars) :]
        else:
            bars = bars[-periods:]
        return [Slice(bar.end_time, [bar]) for bar in bars]


class _Security:
    def __init__(self, algorithm: StagedAlgorithm, symbol: Symbol) -> None:
        self._algorithm, self.symbol = algorithm, symbol
        self.exchange = SimpleNamespace(hours=None)

    @property
    def local_time(self) -> datetime:
        return self._algorithm.time


def namespace() -> dict[str, Any]:
    """Return what the golden algorithm's file imports."""
    found: dict[str, Any] = {"QCAlgorithm": StagedAlgorithm, "Field": Field}
    found.update({name: getattr(indicators, name) for name in indicators.__all__})
    found.update({name: getattr(consolidators, name) for name in consolidators.__all__})
    found.update({name: value for name, value in vars(enums).items() if name[:1].isupper()})
    found.update(
        datetime=datetime, timedelta=timedelta, TradeBar=TradeBar, QuoteBar=QuoteBar, Bar=Bar,
        RollingWindow=RollingWindow, Market=Market,
    )  # fmt: skip
    return found


def load(name: str) -> Any:
    """Return the algorithm class of a golden run's file."""
    source = (GOLDEN / f"{name}.py").read_text().replace("from AlgorithmImports import *", "")
    scope = namespace()
    exec(compile(source, name, "exec"), scope)
    return next(v for k, v in scope.items() if k.endswith("Algorithm") and k != "QCAlgorithm")


def play(algorithm: StagedAlgorithm, steps: dict[datetime, list[TradeBar]]) -> None:
    """Run the consolidators and ``on_data`` of every step in LEAN's order."""
    manager = algorithm.subscription_manager
    for utc in sorted(steps):
        if manager._next_scan_utc <= utc:
            manager.scan_past_consolidators(utc, algorithm)
        algorithm._set_utc(utc)
        bars = steps[utc]
        for bar in bars:
            service = manager.subscription_data_config_service
            config = service.get_subscription_data_configs(bar.symbol)[0]
            for consolidator in tuple(config.consolidators):
                consolidator.update(bar)
                consolidator.scan(algorithm.time)
        algorithm.on_data(Slice(algorithm.time, bars, utc))  # type: ignore[attr-defined]


def engine_context() -> Any:
    """Make market hours and symbol properties of the data folder the current ones."""
    return _as_current(Engine(DATA))


def same_line(ours: str, theirs: str) -> bool:
    """Compare two log lines word by word, numbers to 1e-9."""
    left, right = _WORD.findall(ours), _WORD.findall(theirs)
    return len(left) == len(right) and all(map(_same_word, left, right))


def _same_word(left: str, right: str) -> bool:
    if left == right:
        return True
    try:
        return math.isclose(float(left), float(right), rel_tol=1e-9, abs_tol=1e-9)
    except ValueError:
        return False


_WORD = re.compile(r"-?\d+\.\d+(?:[eE][-+]\d+)?|-?\d+|[^\s\d]+")

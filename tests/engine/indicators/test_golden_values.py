"""Forty indicators at every daily bar of 2013 against LEAN's own values (golden run 08)."""

from __future__ import annotations

import json
import math
import os
import re
import zipfile
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.indicators import (
    AroonOscillator,
    AverageDirectionalIndex,
    AverageTrueRange,
    BollingerBands,
    CommodityChannelIndex,
    DonchianChannel,
    DoubleExponentialMovingAverage,
    ExponentialMovingAverage,
    HullMovingAverage,
    IndicatorExtensions,
    KaufmanAdaptiveMovingAverage,
    KeltnerChannels,
    LinearWeightedMovingAverage,
    LogReturn,
    Maximum,
    Minimum,
    Momentum,
    MoneyFlowIndex,
    MovingAverageConvergenceDivergence,
    OnBalanceVolume,
    ParabolicStopAndReverse,
    RateOfChange,
    RateOfChangePercent,
    RelativeStrengthIndex,
    RollingWindow,
    SimpleMovingAverage,
    StandardDeviation,
    Stochastic,
    TripleExponentialMovingAverage,
    Trix,
    Variance,
    VolumeWeightedAveragePriceIndicator,
    WilderMovingAverage,
    WilliamsPercentR,
)
from engine.types.bars import TradeBar
from engine.types.enums import MovingAverageType
from engine.types.symbol import Symbol

ROOT = Path(__file__).parents[3]
PLACES = (ROOT / "tests" / "golden" / "lean", ROOT.parent / "shared" / "reference" / "lean_golden")
FOLDERS = [Path(os.environ["LEAN_GOLDEN"])] if "LEAN_GOLDEN" in os.environ else list(PLACES)
GOLDEN = (
    next((f for f in FOLDERS if f.is_dir() and any(f.iterdir())), PLACES[0]) / "08_indicators.json"
)
DATA = Path(os.environ.get("LEAN_DATA", ROOT.parent / "shared" / "lean-data"))
PART = re.compile(r"([\w]+)=([^ /,]+)(?:/([R\d]+))?((?:,[\w]+=[^ ,]+)*)")


def daily_bars(ticker: str) -> list[TradeBar]:
    """Read the adjusted daily bars of 2013 without the engine's own readers."""
    folder = DATA / "equity" / "usa"
    factors = []
    for row in (folder / "factor_files" / f"{ticker}.csv").read_text().split():
        fields = row.split(",")
        if fields[0].isdigit():
            day = datetime.strptime(fields[0], "%Y%m%d")
            factors.append((day, Decimal(fields[1]) * Decimal(fields[2])))
    bars = []
    with zipfile.ZipFile(folder / "daily" / f"{ticker}.zip") as archive:
        rows = archive.read(f"{ticker}.csv").decode().splitlines()
    for row in rows:
        fields = row.split(",")
        day = datetime.strptime(fields[0][:8], "%Y%m%d")
        if day.year != 2013:
            continue
        factor = next((f for last, f in factors if day <= last), Decimal(1))
        prices = [float(int(x) * Decimal("0.0001") * factor) for x in fields[1:5]]
        opening = day + timedelta(hours=9, minutes=30)
        bars.append(
            TradeBar(
                opening,
                Symbol.EMPTY,
                *prices,
                float(round(int(fields[5]) * (1 / factor))),
                timedelta(hours=6, minutes=30),
            )
        )
    return bars


def made() -> dict[str, Any]:
    simple, exponential = MovingAverageType.SIMPLE, MovingAverageType.EXPONENTIAL
    lines: dict[str, Any] = {
        "sma": SimpleMovingAverage(10),
        "ema": ExponentialMovingAverage(10),
        "ema_smooth": ExponentialMovingAverage(10, 0.5),
        "wilder": WilderMovingAverage(10),
        "rsi": RelativeStrengthIndex(14),
        "rsi_simple": RelativeStrengthIndex(14, simple),
        "macd": MovingAverageConvergenceDivergence(12, 26, 9),
        "macd_exp": MovingAverageConvergenceDivergence(12, 26, 9, exponential),
        "bb": BollingerBands(20, 2),
        "atr": AverageTrueRange(14, simple),
        "atr_simple": AverageTrueRange(14, simple),
        "std": StandardDeviation(15),
        "roc": RateOfChange(10),
        "rocp": RateOfChangePercent(10),
        "mom": Momentum(10),
        "min": Minimum(12),
        "max": Maximum(12),
        "kama": KaufmanAdaptiveMovingAverage(10),
        "adx": AverageDirectionalIndex(14),
        "cci": CommodityChannelIndex(20),
        "obv": OnBalanceVolume(),
        "sto": Stochastic(14, 3, 3),
        "vwap": VolumeWeightedAveragePriceIndicator(5),
        "willr": WilliamsPercentR(14),
        "mfi": MoneyFlowIndex(14),
        "dch": DonchianChannel(10, 10),
        "kch": KeltnerChannels(10, 1.5),
        "hma": HullMovingAverage(9),
        "dema": DoubleExponentialMovingAverage(8),
        "tema": TripleExponentialMovingAverage(8),
        "lwma": LinearWeightedMovingAverage(10),
        "aroon": AroonOscillator(14, 14),
        "psar": ParabolicStopAndReverse(),
        "trix": Trix(5),
        "high": SimpleMovingAverage(5),
        "volume": SimpleMovingAverage(5),
        "aapl_sma": SimpleMovingAverage(20),
        "logr": LogReturn(1),
        "var": Variance(10),
    }
    join = IndicatorExtensions
    lines["roc_of_sma"] = join.of(RateOfChange(5), lines["sma"])
    lines["sma_over_ema"] = join.over(lines["sma"], lines["ema"])
    lines["sma_minus_ema"] = join.minus(lines["sma"], lines["ema"])
    lines["manual"] = SimpleMovingAverage("manual", 4)
    lines["sma"].window.size = 4
    return lines


FIELDS = {"min": "low", "max": "high", "high": "high", "volume": "volume"}
COMPOSED = ("roc_of_sma", "sma_over_ema", "sma_minus_ema")


def feed(lines: dict[str, Any], bar: TradeBar, apple: TradeBar) -> None:
    for name, line in lines.items():
        if name in COMPOSED:
            continue
        if name == "aapl_sma":
            line.update(apple.end_time, apple.close)
        elif name in FIELDS:
            line.update(bar.end_time, getattr(bar, FIELDS[name]))
        else:
            line.update(bar)


def parts_of(line: str) -> dict[str, tuple[float, str, dict[str, float]]]:
    found = {}
    for name, value, ready, rest in PART.findall(line):
        parts = dict(item.split("=") for item in rest.split(",") if item)
        found[name] = (float(value), ready, {k: float(v) for k, v in parts.items()})
    return found


def close(ours: float, theirs: float) -> bool:
    return math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-9)


@pytest.fixture(scope="module")
def log() -> list[str]:
    lines: list[str] = json.loads(GOLDEN.read_text())["log"]
    return [line[20:] for line in lines]


def test_every_value_of_forty_indicators_is_leans(log: list[str]) -> None:
    lines = made()
    window: RollingWindow[TradeBar] = RollingWindow(3)
    days = iter([line for line in log if " c=" in line[:40]])
    windows = iter([line for line in log if line.startswith("window ")])
    wrong: list[str] = []
    for bar, apple in zip(daily_bars("spy"), daily_bars("aapl"), strict=False):
        feed(lines, bar, apple)
        window.add(bar)
        text = next(days)
        assert float(re.search(r"c=(\S+)", text)[1]) == pytest.approx(bar.close, rel=1e-12)  # type: ignore[index]
        golden = parts_of(text.split(" ", 3)[3])
        assert golden.keys() == lines.keys()
        for name, (value, ready, parts) in golden.items():
            line = lines[name]
            shown = "R" if line.is_ready else str(line.samples)
            if shown != ready or not close(line.current.value, value):
                wrong.append(
                    f"{bar.time:%m-%d} {name} {line.current.value}/{shown} {value}/{ready}"
                )
            for part, number in parts.items():
                if not close(getattr(line, part).current.value, number):
                    wrong.append(f"{bar.time:%m-%d} {name}.{part} {getattr(line, part)} {number}")
        if bar.time.month == 3:
            sma, text = lines["sma"], next(windows)
            ours = [*(x.value for x in sma.window), sma.previous.value, sma[1].value]
            ours += [float(sma.window.count), *(x.close for x in window)]
            theirs = [float(x) for x in re.findall(r"\d+\.?\d*", text.replace("[1]", ""))]
            assert ours == pytest.approx(theirs, rel=1e-9)
        if (bar.time.month, bar.time.day) == (6, 3):
            rsi = lines["rsi"]
            rsi.reset()
            assert (rsi.current.value, rsi.is_ready, rsi.samples) == (0.0, False, 0)
    assert wrong == []
    assert next(days, None) is None


def test_warm_up_periods_are_leans(log: list[str]) -> None:
    golden = eval(log[0].removeprefix("warm_up_period "))
    ours = {name: getattr(line, "warm_up_period", None) for name, line in made().items()}
    assert ours == golden

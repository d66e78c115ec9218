"""Indicators of breadth and sequences against the values of LEAN's own test data."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.indicators import (
    AdvanceDeclineDifference,
    AdvanceDeclineRatio,
    AdvanceDeclineVolumeRatio,
    ArmsIndex,
    HilbertTransform,
    McClellanOscillator,
    McClellanSummationIndex,
    NewHighsNewLows,
    NewHighsNewLowsVolume,
    RelativeDailyVolume,
    TomDemarkSequential,
    TomDemarkSequentialPhase,
)
from engine.types.bars import TradeBar
from engine.types.errors import ArgumentException
from engine.types.symbol import SecurityIdentifier, Symbol

GOLDEN = Path(__file__).parents[2] / "golden" / "breadth"
DAY = timedelta(days=1)


def rows(name: str) -> list[dict[str, str]]:
    with (GOLDEN / name).open() as file:
        return list(csv.DictReader(file))


def share(ticker: str) -> Symbol:
    return Symbol(SecurityIdentifier.generate_equity(ticker, "usa", False), ticker)


def bar(row: dict[str, str]) -> TradeBar:
    prices = (float(row[name]) / 10000 for name in ("Open", "High", "Low", "Close"))
    time = datetime.strptime(row["Date"], "%Y%m%d")
    return TradeBar(time, share(row["Symbol"]), *prices, float(row["Volume"]), DAY)


def by_day(name: str) -> list[list[dict[str, str]]]:
    days: dict[str, list[dict[str, str]]] = {}
    for row in rows(name):
        days.setdefault(row["Date"], []).append(row)
    return [day for day in days.values() if len(day) == 3]


@pytest.mark.parametrize(
    ("made", "column"),
    [
        (AdvanceDeclineDifference, "A/D Difference"),
        (AdvanceDeclineRatio, "A/D Ratio"),
        (AdvanceDeclineVolumeRatio, "A/D Volume Ratio"),
        (ArmsIndex, "TRIN"),
    ],
)
def test_advances_and_declines_are_those_of_lean_on_every_full_day(made: Any, column: str) -> None:
    indicator = made()
    for ticker in ("AAPL", "IBM", "GOOG"):
        indicator.add(share(ticker))
    compared = 0
    for number, day in enumerate(by_day("arms_data.csv")):
        for row in day:
            indicator.update(bar(row))
        if number:
            expected = float(day[-1][column])
            assert indicator.current.value == pytest.approx(expected, rel=1e-6, abs=1e-9)
            compared += 1
    assert compared > 50


@pytest.mark.parametrize(
    ("made", "part", "column"),
    [
        (NewHighsNewLows, "difference", "NH/NL Difference"),
        (NewHighsNewLows, "ratio", "NH/NL Ratio"),
        (NewHighsNewLowsVolume, "volume_ratio", "NH/NL Volume Ratio"),
    ],
)
def test_new_highs_and_lows_are_those_of_lean(made: Any, part: str, column: str) -> None:
    days = by_day("nhnl_data.csv")
    first = next(n for n, day in enumerate(days) if float(day[-1]["NH/NL Ratio"]))
    indicator = made("NHNL", 20) if first > 18 else made("NHNL", first)
    for ticker in ("AAPL", "IBM", "GOOG"):
        indicator.add(share(ticker))
    compared = 0
    for day in days:
        for row in day:
            indicator.update(bar(row))
        if indicator.is_ready and getattr(indicator, part).samples:
            expected = float(day[-1][column])
            assert getattr(indicator, part).current.value == pytest.approx(expected, abs=1e-3)
            compared += 1
    assert compared > 30


def test_mcclellan_is_that_of_lean_on_given_differences() -> None:
    oscillator, compared = McClellanOscillator(), 0
    first = rows("mcclellan_data.csv")[0]
    # what LEAN starts its own test with: the averages of the years before the file
    begin = datetime.strptime(first["Date"], "%Y%m%d")
    oscillator.ema_fast.update(begin, -209.85)
    oscillator.ema_slow.update(begin, -186.41)
    # the difference as it would come from the bars of thousands of shares
    oscillator.ad_difference._before = {None: None}
    for row in rows("mcclellan_data.csv")[1:]:
        time = datetime.strptime(row["Date"], "%Y%m%d")
        oscillator.ad_difference._set(Symbol.EMPTY, time, float(row["A/D Difference"]))
        if oscillator.is_ready:
            assert oscillator._delta == pytest.approx(float(row["MO"]), abs=0.02)
            compared += 1
    assert compared > 50


def test_the_summation_adds_up_the_oscillator() -> None:
    index, total = McClellanSummationIndex(2, 3), 0.0
    index.add(share("SPY"))
    for number, close in enumerate((1.0, 2.0, 3.0, 2.0, 1.0, 2.0)):
        time = datetime(2024, 1, 1) + number * DAY
        index.update(TradeBar(time, share("SPY"), close, close, close, close, 1, DAY))
        total += index.mc_clellan_oscillator.current.value
        assert index.current.value == pytest.approx(
            total + index.mc_clellan_oscillator.current.value
        )
    assert total


def test_a_fast_period_above_the_slow_one_is_refused() -> None:
    with pytest.raises(ArgumentException, match="fast_period <= slow_period, was 40 and 39"):
        McClellanOscillator(40, 39)


def test_relative_daily_volume_is_that_of_lean() -> None:
    indicator, compared = RelativeDailyVolume(2), 0
    for row in rows("spy_rdv.csv"):
        time = datetime.strptime(row["Date"], "%Y-%m-%dT%H:%M:%SZ")
        close = float(row["Close"])
        indicator.update(
            TradeBar(time, share("SPY"), close, close, close, close, float(row["Volume"]))
        )
        if indicator.is_ready and float(row["RDV"]):
            assert indicator.current.value == pytest.approx(float(row["RDV"]), abs=1e-3)
            compared += 1
    assert compared > 50


def test_hilbert_parts_are_those_of_lean() -> None:
    indicator, compared = HilbertTransform(), 0
    for row in rows("spy_with_hilbert.csv"):
        time = datetime.strptime(row["Date"], "%Y%m%d %H:%M")
        indicator.update(time, float(row["Close"]))
        assert indicator.in_phase.current.value == pytest.approx(float(row["InPhase"]), abs=1e-3)
        assert indicator.quadrature.current.value == pytest.approx(
            float(row["Quadrature"]), abs=1e-3
        )
        compared += bool(indicator.in_phase.current.value)
    assert compared > 50


def test_a_sequential_sets_up_in_nine_bars_and_then_counts_down() -> None:
    indicator = TomDemarkSequential()
    # six rising bars, then a fall: the flip is the first bar of the set-up
    closes = [10.0, 11, 12, 13, 14, 15] + [9.0 - 0.5 * n for n in range(12)]
    phases = []
    for number, close in enumerate(closes):
        time = datetime(2024, 1, 1) + number * DAY
        indicator.update(TradeBar(time, share("SPY"), close, close + 1, close - 1, close, 1, DAY))
        phases.append(TomDemarkSequentialPhase(int(indicator.current.value)))

    assert phases[:6] == [TomDemarkSequentialPhase.NONE] * 6
    assert phases[6:14] == [TomDemarkSequentialPhase.BUY_SETUP] * 8
    assert phases[14] is TomDemarkSequentialPhase.BUY_SETUP_PERFECT
    assert indicator.setup_phase_step_count == 9
    assert indicator.resistance_price == 16.0
    # LEAN counts a close at or below the low of two bars before
    assert phases[15:] == [TomDemarkSequentialPhase.BUY_COUNTDOWN] * 3

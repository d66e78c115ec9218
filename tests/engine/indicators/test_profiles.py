"""Market profiles against counting by hand."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from fractions import Fraction
from math import ceil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.indicators import TimeProfile, VolumeProfile
from engine.run import run_backtest
from engine.types.bars import TradeBar
from engine.types.errors import ArgumentException
from engine.types.symbol import Symbol

START = datetime(2020, 1, 1)


def bar(day: int, close: float, volume: int = 1) -> TradeBar:
    return TradeBar(START + timedelta(days=day), Symbol.EMPTY, 1, 200, 0.5, close, volume)


def test_the_point_of_control_and_the_area_around_it() -> None:
    made = VolumeProfile(6, 0.7, 1)
    for day, (close, volume) in enumerate(
        [(10, 5), (11, 30), (11.5, 50), (12, 20), (13, 10), (14, 5)]
    ):
        made.update(bar(day, close, volume))

    assert made.volume_per_price == {10: 5, 11: 30, 12: 70, 13: 10, 14: 5}
    assert (made.current.value, made.poc_price, made.poc_volume) == (12, 12, 70)
    assert (made.profile_low, made.profile_high) == (10, 14)
    # 70 of 120 are not 84: the bigger neighbour joins
    assert (made.value_area_low, made.value_area_high, made.value_area_volume) == (11, 12, 84)
    made.update(bar(6, 14, 100))
    assert made.volume_per_price == {11: 30, 12: 70, 13: 10, 14: 105}
    assert made.poc_price == 14


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(100, 130), st.integers(0, 9)), min_size=1, max_size=30),
    st.integers(1, 8),
)
def test_volumes_are_those_of_the_last_bars(bars: list[tuple[int, int]], period: int) -> None:
    volume_profile, time_profile = VolumeProfile(period), TimeProfile(period)
    for day, (cents, volume) in enumerate(bars):
        for made in (volume_profile, time_profile):
            made.update(bar(day, cents / 100, volume))
    counts: Counter[float] = Counter()
    closes: Counter[float] = Counter()
    for cents, volume in bars[-period:]:
        price = float(Fraction(ceil(Fraction(cents, 100) * 20), 20))
        counts[price] += volume
        closes[price] += 1

    found = {price: held for price, held in volume_profile.volume_per_price.items() if held}
    assert found == {price: held for price, held in counts.items() if held}
    assert time_profile.volume_per_price == closes
    assert time_profile.poc_volume == max(closes.values())
    assert time_profile.is_ready == (len(bars) >= period)
    low, high = time_profile.value_area_low, time_profile.value_area_high
    inside = sum(held for price, held in closes.items() if low <= price <= high)
    assert inside >= time_profile.value_area_volume
    assert time_profile.profile_low <= low <= time_profile.poc_price <= high


def test_a_step_of_nothing_is_refused_and_names_keep_the_zeros_of_defaults() -> None:
    with pytest.raises(ArgumentException, match="bigger than zero"):
        VolumeProfile(3, 0.7, 0)
    assert VolumeProfile(3).name == "VP(3,0.70,0.05)"
    assert TimeProfile(3, 0.5, 0.1).name == "TP(3,0.5,0.1)"


def test_all_volume_asked_for_ends_with_the_whole_range() -> None:
    made = VolumeProfile(3, 1.0, 1)
    for day, close in enumerate((10, 11, 12)):
        made.update(bar(day, close, 5))

    assert (made.value_area_low, made.value_area_high) == (10, 12)


def test_the_helpers_of_an_algorithm_take_days(tmp_path: Path, lean_data: Path) -> None:
    file = tmp_path / "profiles.py"
    file.write_text(
        "from AlgorithmImports import *\n"
        "class Profiles(QCAlgorithm):\n"
        "    def initialize(self):\n"
        "        self.set_start_date(2013, 10, 7)\n"
        "        self.set_end_date(2013, 10, 11)\n"
        "        self.spy = self.add_equity('SPY', Resolution.HOUR).symbol\n"
        "        self.made = [self.vp(self.spy, 3), self.tp(self.spy, 3, 0.6, 0.1)]\n"
        "    def on_end_of_algorithm(self):\n"
        "        for one in self.made:\n"
        "            self.log(f'{one.name} {one.samples} {one.is_ready} {one.poc_price > 100}')\n"
    )

    result = run_backtest(file, lean_data)

    assert [line[20:] for line in result.content["log"]] == [
        "VP(3,0.70,0.05,SPY_day) 5 True True",
        "TP(3,0.6,0.1,SPY_day) 5 True True",
    ]

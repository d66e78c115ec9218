"""Statistics from bars, quotes, fills and acknowledgements."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protection.circuit_breakers.flow_meters import (
    AckTimes,
    FillCost,
    Imbalance,
    Spike,
    Vpin,
    bought_share,
)

START = datetime(2020, 1, 6, 9, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def days_of(swing: float, days: int, first: int = 0, minutes: int = 60) -> list[tuple]:
    """Minutes that swing by a share that is doubled in the first half hour of each day."""
    out = []
    for day in range(first, first + days):
        for minute in range(minutes):
            time = START + timedelta(days=day, minutes=minute)
            size = swing * (2.0 if minute < 30 else 1.0)
            out.append((time, 100.0 * (1.0 + size * (minute % 2)), time.date()))
    return out


def fed(meter: Spike, rows: list[tuple]) -> list[float | None]:
    return [meter.update(time, price, day, time) for time, price, day in rows]


def test_a_lively_opening_is_no_spike_when_openings_are_always_lively() -> None:
    meter = Spike()
    assert set(fed(meter, days_of(0.001, 5))) == {None}  # five sessions are needed

    ratios = [x for x in fed(meter, days_of(0.001, 1, 5)) if x is not None]

    assert len(ratios) > 50
    # only the quarter of an hour across the half hour's border mixes the two
    assert np.mean(np.abs(np.array(ratios) - 1.0) < 0.05) > 0.7
    assert max(ratios) < 2.0


def test_three_times_the_usual_swing_is_seen_within_minutes_and_a_gap_over_night_is_not() -> None:
    meter = Spike()
    fed(meter, days_of(0.001, 6))
    rows = days_of(0.003, 1, 6)

    ratios = fed(meter, rows)

    assert ratios[0] is None  # the step from the last close is no step
    known = [ratio for ratio in ratios if ratio is not None]
    assert known[0] == pytest.approx(3.0, rel=0.02)
    assert ratios.index(known[0]) <= 5


def test_minutes_that_are_missing_do_not_make_the_rest_wild() -> None:
    meter, whole = Spike(), days_of(0.001, 6)
    rng = np.random.default_rng(1)
    steps = np.cumsum(rng.normal(0.0, 0.001, len(whole) + 60))
    rows = [(t, 100.0 * math.exp(s), d) for (t, _, d), s in zip(whole, steps, strict=False)]
    fed(meter, rows)
    last = [
        (t, 100.0 * math.exp(s), d)
        for (t, _, d), s in zip(days_of(0.0, 1, 6), steps[len(whole) :], strict=True)
    ]

    known = [x for x in fed(meter, last[::3]) if x is not None]

    assert known
    assert 0.3 < min(known) < max(known) < 2.0


def test_the_sign_of_a_bars_volume_is_that_of_the_paper() -> None:
    assert bought_share(0.5, 1.0) == pytest.approx(0.69146, abs=5e-6)
    assert bought_share(-0.5, 1.0) == pytest.approx(1.0 - 0.69146, abs=5e-6)
    assert bought_share(0.0, 1.0) == bought_share(0.0, 0.0) == 0.5
    assert (bought_share(1.0, 0.0), bought_share(-1.0, 0.0)) == (1.0, 0.0)


bars = st.lists(st.tuples(st.floats(90, 110), st.floats(0, 5000)), min_size=60, max_size=200)


@given(bars)
@settings(max_examples=40, deadline=None)
def test_the_share_of_one_sided_volume_is_a_share_whatever_comes(
    rows: list[tuple[float, float]],
) -> None:
    meter = Vpin(buckets=5)
    for number, (price, volume) in enumerate(rows):
        value = meter.update(price, volume, date(2020, 1, 6) + timedelta(days=number // 40))
        assert value is None or 0.0 <= value <= 1.0 + 1e-12


def test_large_bars_are_split_across_buckets_and_no_volume_is_lost() -> None:
    meter = Vpin(buckets=4, least=2)
    for number in range(40):
        meter.update(100.0 + number % 2, 10.0, date(2020, 1, 6))
    tomorrow = date(2020, 1, 7)
    meter.update(101.0, 0.0, tomorrow)  # 400 a day: a bucket holds 100

    assert meter.update(102.0, 399.0, tomorrow) is None
    value = meter.update(103.0, 1.0, tomorrow)

    assert value == pytest.approx(2.0 * bought_share(1.0, 1.0) - 1.0, abs=0.02)


def test_one_sided_and_balanced_flow_are_told_apart() -> None:
    def run(step: float) -> float:
        meter, price, value = Vpin(buckets=10), 100.0, None
        for number in range(780):
            day = date(2020, 1, 6) + timedelta(days=number // 390)
            if number < 390:
                price += 0.1 if number % 2 else -0.1
            else:
                price += step if step else (0.001 if number % 2 else -0.001)
            value = meter.update(price, 100.0, day)
        assert value is not None
        return value

    assert run(0.3) > 0.95
    assert run(0.0) < 0.1


def test_on_real_minutes_the_figures_stay_below_their_thresholds_nearly_always(
    lean_data: Path,
) -> None:
    folder = lean_data / "equity" / "usa" / "minute" / "ibm"
    spike, vpin, imbalance = Spike(), Vpin(), Imbalance()
    found: dict[str, list[float]] = {"spike": [], "vpin": [], "imbalance": []}

    def rows(path: Path) -> list[list[str]]:
        with ZipFile(path) as archive:
            text = archive.read(archive.namelist()[0]).decode()
        lines = [line.split(",") for line in text.splitlines()]
        return [line for line in lines if 570 <= int(line[0]) // 60_000 < 960]

    for path in sorted(folder.glob("*_trade.zip")):
        day = datetime.strptime(path.name[:8], "%Y%m%d").replace(tzinfo=UTC)
        for row in rows(path):
            time, price = day + timedelta(milliseconds=int(row[0])), float(row[4]) / 1e4
            ratio = spike.update(time, price, day.date(), time)
            share = vpin.update(price, float(row[5]), day.date())
            found["spike"] += [] if ratio is None else [ratio]
            found["vpin"] += [] if share is None else [share]
        for row in rows(folder / path.name.replace("trade", "quote")):
            sides = imbalance.update(float(row[5]), float(row[10]))
            found["imbalance"] += [] if sides is None else [sides]

    assert {name: len(values) > 300 for name, values in found.items()} == dict.fromkeys(found, True)
    assert np.mean(np.array(found["spike"]) > 2.0) == 0.0
    assert np.mean(np.array(found["vpin"]) > 0.75) == 0.0
    assert np.mean(np.array(found["imbalance"]) > 3.0) < 0.01


def test_one_side_that_stays_away_shows_and_one_wild_quote_does_not() -> None:
    meter = Imbalance(quotes=10)
    assert [meter.update(100, 100) for _ in range(9)] == [None] * 9
    assert meter.update(100_000, 100) == pytest.approx(1000 ** (1 / 10))
    for _ in range(10):
        value = meter.update(100, 500)
    assert value == pytest.approx(5.0)
    for _ in range(10):
        value = meter.update(0.0, 0.02)  # a side without a size, of a coin
    assert value == pytest.approx(1000.0)


@pytest.mark.parametrize("sizes", [(0.0, 0.0), (math.nan, 1.0), (-1.0, 1.0), (1.0, math.inf)])
def test_quotes_without_sizes_say_nothing(sizes: tuple[float, float]) -> None:
    meter = Imbalance(quotes=1)
    assert meter.update(*sizes) is None
    assert meter.update(3.0, 1.0) == pytest.approx(3.0)


def test_fills_cost_what_they_cost_beyond_the_arrival_price_by_size() -> None:
    meter = FillCost(fills=2)
    assert meter.value(START) == 0.0
    assert meter.fill(START, 100.0, 100.10, 100.0) == pytest.approx(10.0)
    assert meter.fill(START, -300.0, 99.50, 100.0) == pytest.approx((10.0 + 3 * 50.0) / 4)
    assert meter.fill(START, 100.0, 99.90, 100.0) == pytest.approx((3 * 50.0 - 10.0) / 4)

    assert meter.value(START + timedelta(hours=23)) == pytest.approx(35.0)
    assert meter.value(START + timedelta(days=1)) == 0.0


def test_a_slow_answer_counts_for_a_minute_and_a_missing_one_at_once() -> None:
    meter = AckTimes()
    assert meter.slowest(START) == 0.0
    meter.sent(1, START)
    assert meter.slowest(START + timedelta(seconds=2)) == pytest.approx(2000.0)
    meter.heard(1, START + timedelta(seconds=3))
    meter.heard(1, START + timedelta(seconds=9))  # a fill: no acknowledgement
    assert meter.slowest(START + timedelta(seconds=4)) == pytest.approx(3000.0)
    assert meter.slowest(START + timedelta(seconds=63)) == 0.0
    assert meter.spike(START) is None


def test_a_spike_is_the_time_above_the_usual() -> None:
    meter = AckTimes(usual=11)
    for number in range(11):
        sent = START + number * MINUTE
        meter.sent(number, sent)
        meter.heard(number, sent + timedelta(milliseconds=20 + number))
    later = START + timedelta(hours=1)
    assert meter.spike(later) == 0.0
    meter.sent(99, later)
    assert meter.spike(later + timedelta(milliseconds=100)) == pytest.approx(100.0 - 25.0)

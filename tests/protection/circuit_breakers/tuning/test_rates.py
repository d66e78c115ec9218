"""The learned threshold: from the past alone, inside its bounds, at about the wanted rate."""

from __future__ import annotations

import json
import math
from datetime import date, timedelta
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protection.circuit_breakers.tuning.rates import HIGHEST, LOWEST, RateThreshold
from protection.circuit_breakers.watch import VolatilityMeter
from protection.contracts.errors import FixInput, RecoverState
from protection.contracts.settings import VolatilitySettings

START = date(2000, 1, 3)
figures = st.lists(st.floats(0.0, 6.0), min_size=1, max_size=80)


def walk(rate: RateThreshold, values: list[float], first: int = 0) -> list[float]:
    """Threshold of each session, one value a session."""
    return [
        rate.update(value, START + timedelta(days=first + number))
        for number, value in enumerate(values)
    ]


def made(per_year: float = 60.0) -> RateThreshold:
    """One that knows enough after four sessions."""
    return RateThreshold(2.0, per_year, 1)


@given(figures, figures, figures)
@settings(max_examples=60, deadline=None)
def test_the_future_never_changes_a_threshold(
    past: list[float], one: list[float], other: list[float]
) -> None:
    here, there = walk(made(), past + one), walk(made(), past + other)

    # the first threshold after the past is known before the session it holds for
    assert here[: len(past) + 1] == there[: len(past) + 1]


@given(figures)
@settings(max_examples=60, deadline=None)
def test_the_threshold_never_leaves_its_bounds(values: list[float]) -> None:
    levels = walk(made(), values)

    assert all(LOWEST * 2.0 <= level <= HIGHEST * 2.0 for level in levels)


@given(figures, st.integers(0, 79))
@settings(max_examples=60, deadline=None)
def test_a_restart_at_any_session_changes_nothing(values: list[float], cut: int) -> None:
    cut = min(cut, len(values))
    straight, broken = made(), made()
    expected = walk(straight, values)

    begun = walk(broken, values[:cut])
    again = made()
    again.restore(json.loads(json.dumps(broken.snapshot())))

    assert begun + walk(again, values[cut:], cut) == expected
    assert again.snapshot() == straight.snapshot()


def test_until_enough_is_known_the_threshold_written_by_hand_holds() -> None:
    rate = RateThreshold(2.0, 1.0, 1)

    assert set(walk(rate, [1.0] * 251)) == {2.0}
    assert rate.update(1.0, START + timedelta(days=251)) == 1.0


def test_several_figures_of_a_session_count_as_their_largest() -> None:
    fine, coarse = made(), made()
    for day in range(40):
        session = START + timedelta(days=day)
        for part in (0.3, 1.0, 0.5):
            fine.update(part * (1 + day % 7), session)
        coarse.update(1 + day % 7, session)

    assert fine.snapshot() == coarse.snapshot()


def test_sessions_without_a_figure_teach_nothing() -> None:
    rate = made()
    walk(rate, [0.0] * 300)
    assert rate.level == 2.0
    assert rate.snapshot()["scores"]["steps"] == 0


def test_sessions_within_a_trip_are_no_trips_of_their_own() -> None:
    rate = made()
    walk(rate, [1.0] * 20)
    before = rate.snapshot()["scores"]["errors"]
    walk(rate, [9.0] * 6, 20)  # one storm of six sessions
    walk(rate, [1.0] * 3, 26)

    assert rate.snapshot()["scores"]["errors"] - before == 1


@pytest.mark.parametrize("per_year", [4.0, 12.0])
def test_of_unrelated_figures_about_the_wanted_share_trips(per_year: float) -> None:
    draws = np.random.default_rng(7).lognormal(0.0, 0.35, size=252 * 60)
    rate, trips, quiet = RateThreshold(2.0, per_year, 1), 0, True
    for number, value in enumerate(draws):
        beyond = value > rate.update(float(value), START + timedelta(days=number))
        trips += beyond and quiet and number >= 252 * 5
        quiet = not beyond

    assert trips / 55 == pytest.approx(per_year, rel=0.2)


def test_on_spy_a_lower_rate_gives_fewer_trips(lean_data: Path) -> None:
    with ZipFile(lean_data / "equity" / "usa" / "daily" / "spy.zip") as archive:
        lines = archive.read(archive.namelist()[0]).decode().splitlines()
    counted = []
    for per_year in (1.0, 6.0):
        meter, rate = VolatilityMeter(VolatilitySettings()), RateThreshold(2.0, per_year, 1)
        trips, quiet = 0, True
        for line in lines:
            stamp, *_, close, _ = line.split(",")
            day = date(int(stamp[:4]), int(stamp[4:6]), int(stamp[6:8]))
            ratio = meter.update(float(close) / 1e4, day)
            beyond = ratio > rate.update(ratio, day)
            trips, quiet = trips + (beyond and quiet), not beyond
        counted.append(trips * 252 / len(lines))

    assert 0.4 < counted[0] < 2.0 < 4.0 < counted[1] < 8.0


@pytest.mark.parametrize(
    ("static", "per_year"), [(0.0, 1.0), (math.inf, 1.0), (2.0, 0.0), (2.0, 252.0), (2.0, math.nan)]
)
def test_impossible_thresholds_and_rates_are_refused(static: float, per_year: float) -> None:
    with pytest.raises(FixInput):
        RateThreshold(static, per_year, 1)


def test_a_broken_snapshot_is_refused_and_one_for_another_rate_is_left_aside() -> None:
    rate = made()
    walk(rate, [1.0, 3.0] * 20)
    state = rate.snapshot()

    with pytest.raises(RecoverState, match="learned threshold"):
        made().restore(state | {"scores": {}})
    other = made(30.0)
    other.restore(state)
    assert other.level == 2.0
    assert other.snapshot()["scores"]["steps"] == 0

"""What the table of trips counts, on histories whose answer is known."""

from __future__ import annotations

import sys
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from tools import breaker_runs as runs  # noqa: E402
from tools import breaker_table  # noqa: E402


def prices(*columns: list[float]) -> runs.Prices:
    """Closes from returns, one column a symbol."""
    steps = np.array(columns).T
    closes = 100.0 * np.cumprod(np.vstack([np.ones(steps.shape[1]), 1.0 + steps]), axis=0)
    days = tuple(date(2000, 1, 3) + timedelta(days=n) for n in range(len(closes)))
    names = tuple(f"S{n}" for n in range(steps.shape[1]))
    return runs.Prices("made", names, days, closes)


def alone(rule: str, level: str) -> dict[str, str]:
    return {**runs.OFF, runs.RULES[rule]: level}


CALM = [0.001, -0.001] * 30


def test_one_storm_is_one_trip_of_its_symbol() -> None:
    storm = CALM[:40] + [0.05, -0.05] * 3 + CALM[46:]
    found = runs.run(prices(CALM, storm), alone("volatility", "2"))["volatility"]

    assert found.at == [(41, 1)]
    assert found.years == pytest.approx(2 * 61 / 252)
    assert found.rate == pytest.approx(1 / found.years)


def test_a_position_that_was_closed_is_bought_again_and_stopped_again() -> None:
    slide = [-0.03] * 30
    found = runs.run(prices(CALM[:30], slide), alone("position_stop", "0.15"))["position_stop"]

    # bought at the close after the first decision; stopped from a fall of 15% on, done a day later
    assert [column for _, column in found.at] == [1] * len(found.at)
    assert len(found.at) >= 3
    assert found.at[0][0] == 7


def test_losses_of_the_account_are_counted_for_the_account() -> None:
    one_day = [0.0] * 10 + [-0.03] + [0.0] * 10
    found = runs.run(prices(one_day, one_day), alone("daily_loss", "0.02"))["daily_loss"]

    assert found.at == [(11, -1)]
    assert found.years == pytest.approx(22 / 252)


def test_what_came_after_is_counted_against_what_usually_comes() -> None:
    fall = [0.0] * 10 + [-0.03, -0.02] + [0.0] * 28
    history = prices(fall)
    trips = runs.Trips(1.0, [(11, -1)])

    share, usual = runs.followed(history, "daily_loss", trips)

    assert share == 1.0  # 2% at the next close
    assert usual == pytest.approx(2 / 40)  # 2 of the 40 sessions that have a next one


def test_drawn_returns_are_the_same_returns_in_blocks_of_all_symbols() -> None:
    rng = np.random.default_rng(5)
    columns = rng.normal(0.0, 0.01, (2, 400)).tolist()
    history = prices(*columns)
    drawn = runs.bootstrap(history, 20.0, 3)
    again = np.diff(np.log(drawn.closes), axis=0)
    known = np.diff(np.log(history.closes), axis=0)

    places = [int(np.abs(known - row).sum(axis=1).argmin()) for row in again]
    assert np.abs(known[places] - again).max() < 1e-9
    breaks = sum((b - a) % 400 != 1 for a, b in pairwise(places))
    assert 10 < breaks < 35  # about one in twenty
    assert (runs.bootstrap(history, 20.0, 3).closes == drawn.closes).all()
    assert (runs.bootstrap(history, 20.0, 4).closes != drawn.closes).any()


def test_a_flash_move_in_a_day_of_minutes_is_one_trip() -> None:
    bars = [(570 + n, 100.0, 100.1, 99.9, 100.0) for n in range(60)]
    bars[30] = (600, 100.0, 100.0, 93.0, 94.0)
    bars[31:] = [(minute, 94.0, 94.1, 93.9, 94.0) for minute, *_ in bars[31:]]
    bars[33] = (603, 94.0, 97.1, 94.0, 97.0)

    trips, after, usual, minutes = runs.flash([bars])

    assert (trips, after, minutes) == (1, 1, 60)
    assert usual >= 5


def test_the_page_ends_with_what_the_tool_says_of_it() -> None:
    written = (ROOT / "docs" / "concepts" / "breakers_table.md").read_text()

    assert written.endswith(breaker_table.WORDS)
    assert written.startswith(breaker_table.HEAD.partition("\n\n")[0])
    for rule in runs.RULES:
        assert f"| `{rule}` |" in written

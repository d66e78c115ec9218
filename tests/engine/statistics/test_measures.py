"""Drawdown, recovery, risk-free rates and month ranges by hand."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.statistics import measures
from engine.statistics.builder import _period_ranges, benchmark_returns, daily_returns
from engine.statistics.interest_rate import (
    DEFAULT_RATE,
    FILE,
    ConstantRiskFreeRateInterestRateModel,
    FuncRiskFreeRateInterestRateModel,
    InterestRateProvider,
    average_rate,
)
from engine.types.errors import ArgumentException, DataError

DAY = timedelta(days=1)
START = datetime(2020, 1, 1)


def days(count: int) -> list[datetime]:
    return [START + i * DAY for i in range(count)]


def test_drawdown_is_the_deepest_and_recovery_the_longest_way_back() -> None:
    curve = [Decimal(v) for v in (100, 90, 100, 120, 110, 115, 120, 60)]
    assert measures.drawdown_metrics(days(8), curve) == measures.DrawdownMetrics(Decimal("0.5"), 3)


def test_an_equity_of_zero_gives_no_drawdown() -> None:
    assert measures.drawdown_metrics(days(2), [Decimal(0), Decimal(0)]).drawdown == 0


@given(st.lists(st.integers(1, 10_000), min_size=2, max_size=40))
def test_drawdown_equals_the_plain_definition(values: list[int]) -> None:
    curve = [Decimal(v) for v in values]
    expected = max(
        1 - float(min(values[i:])) / float(max(values[: i + 1])) for i in range(len(values))
    )
    got = measures.drawdown_metrics(days(len(values)), curve, 6).drawdown
    assert float(got) == pytest.approx(max(expected, 0.0), abs=1e-6)


def test_a_drawdown_from_nothing_is_refused() -> None:
    with pytest.raises(ArgumentException, match="must not be 0"):
        measures.drawdown_percent(Decimal(1), Decimal(0))


def test_annual_returns_that_overflow_are_refused() -> None:
    with pytest.raises(ArgumentException, match="can be compounded"):
        measures.annual_performance([1e6, 1e6], 252)


def test_a_run_of_no_time_has_no_annual_return() -> None:
    assert measures.compounding_annual_performance(Decimal(1), Decimal(2), Decimal(0)) == 0
    ruined = measures.compounding_annual_performance(Decimal(100), Decimal(-1), Decimal("0.3"))
    assert ruined == 0


def test_the_first_samples_are_left_out_of_the_returns() -> None:
    assert daily_returns([Decimal(v) for v in (0, 5, 1, -2)]) == [0.01, -0.02]
    assert benchmark_returns([Decimal(v) for v in (50, 100, 110, 99)]) == [0.1, -0.1]


def test_rolling_ranges_end_at_month_ends_and_do_not_begin_before_the_run() -> None:
    assert _period_ranges(3, date(2020, 1, 15), date(2020, 5, 10)) == [
        (date(2020, 1, 15), date(2020, 1, 31)),
        (date(2020, 1, 15), date(2020, 2, 29)),
        (date(2020, 1, 15), date(2020, 3, 31)),
        (date(2020, 2, 1), date(2020, 4, 30)),
        (date(2020, 3, 1), date(2020, 5, 10)),
    ]


def test_rates_of_leans_file_are_carried_forward(lean_data: Path) -> None:
    rates = InterestRateProvider(lean_data)
    assert rates.get_interest_rate(date(1999, 1, 4)) == 0.0225  # before the file: its first entry
    assert rates.get_interest_rate(date(2003, 6, 25)) == 0.0225
    assert rates.get_interest_rate(date(2003, 6, 26)) == 0.02
    assert rates.get_interest_rate(date(2003, 7, 20)) == 0.02


def test_a_missing_rate_file_is_told_once_and_gives_leans_default(tmp_path: Path) -> None:
    told: list[str] = []
    rates = InterestRateProvider(tmp_path, told.append)
    assert rates.get_interest_rate(date(2020, 1, 2)) == float(DEFAULT_RATE)
    assert rates.get_interest_rate(date(2021, 1, 2)) == float(DEFAULT_RATE)
    assert len(told) == 1
    assert "interest-rate.csv' is missing" in told[0]


def test_a_bad_line_of_rates_is_named(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.parent.mkdir(parents=True)
    path.write_text("DATE,RATE\n2020-01-02,1.5\n2020-02-30,1.0\n")
    with pytest.raises(DataError, match=r"2020-02-30,1\.0.* line 3"):
        InterestRateProvider(tmp_path).get_interest_rate(date(2020, 3, 1))


def test_the_mean_rate_weighs_every_sample() -> None:
    model = FuncRiskFreeRateInterestRateModel(lambda day: 0.01 if day.day == 1 else 0.04)
    times = [START, START + timedelta(hours=1), START + DAY]
    assert average_rate(model, times) == Decimal("0.02")
    assert average_rate(ConstantRiskFreeRateInterestRateModel(0.03), times) == Decimal("0.03")
    assert average_rate(None, times) == 0

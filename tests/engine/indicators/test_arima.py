"""ARIMA by its two least-squares fits, written out for one case each."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from engine.indicators import AutoRegressiveIntegratedMovingAverage
from engine.types.errors import ArgumentException, InvalidOperationException

START = datetime(2020, 1, 1)


def fed(values: list[float], *orders: int, **more: bool) -> AutoRegressiveIntegratedMovingAverage:
    made = AutoRegressiveIntegratedMovingAverage(*orders, len(values), **more)
    for day, value in enumerate(values):
        made.update(START + timedelta(days=day), value)
    return made


def walk(count: int, seed: int = 7) -> list[float]:
    steps = np.random.default_rng(seed).normal(0, 1, count)
    return np.round(100 + np.cumsum(steps), 2).tolist()


def test_an_autoregression_is_the_least_squares_fit_of_the_series_from_new_to_old() -> None:
    values = walk(40)
    made = fed(values, 2, 0, 0)
    back = np.array(values[::-1])
    rows = np.column_stack([back[1:-1], back[:-2]])
    expected = np.linalg.lstsq(rows, back[2:], rcond=None)[0]

    assert made.is_ready
    assert made.ar_parameters == pytest.approx(expected.tolist(), rel=1e-8)
    assert made.current.value == pytest.approx(float(expected @ back[:2]), rel=1e-8)
    residuals = back[2:] - rows @ expected
    assert made.ar_residual_error == pytest.approx(float(residuals @ residuals) / 37, rel=1e-8)


def test_residuals_of_the_first_fit_join_the_second() -> None:
    values = walk(50)
    made = fed(values, 1, 1, 1)
    back = np.array(values[::-1])
    steps = back[:-1] - back[1:]
    slope = float(steps[:-1] @ steps[1:] / (steps[:-1] @ steps[:-1]))
    errors = np.concatenate([[0.0], steps[1:] - slope * steps[:-1]])
    rows = np.column_stack([np.ones(len(steps) - 1), steps[:-1], errors[:-1]])
    constant, lag, shock = np.linalg.lstsq(rows, steps[1:], rcond=None)[0]

    assert made.intercept == pytest.approx(constant, rel=1e-8)
    assert made.ar_parameters == pytest.approx([lag], rel=1e-8)
    assert made.ma_parameters == pytest.approx([shock], rel=1e-8)
    step = constant + lag * steps[0] + shock * errors[2]
    assert made.current.value == pytest.approx(values[-1] + step, rel=1e-12)


def test_without_a_solution_the_parameters_are_zero_or_the_fit_is_an_error() -> None:
    made = AutoRegressiveIntegratedMovingAverage(1, 0, 0, 3, True)
    strict = AutoRegressiveIntegratedMovingAverage(1, 0, 0, 3, True)
    strict.handle_exceptions = False
    for day in range(2):
        made.update(START + timedelta(days=day), 0.0)
        strict.update(START + timedelta(days=day), 0.0)
    made.update(START + timedelta(days=2), 0.0)

    assert made.ar_parameters == [0.0]
    with pytest.raises(ArgumentException, match="cannot be fitted"):
        strict.update(START + timedelta(days=2), 0.0)


@pytest.mark.parametrize("orders", [(0, 0, 0), (-1, 0, 0), (1, 0, -1), (5, 0, 0)])
def test_orders_that_cannot_be_are_refused(orders: tuple[int, int, int]) -> None:
    with pytest.raises(ArgumentException):
        AutoRegressiveIntegratedMovingAverage(*orders, 4)


def test_a_shorter_moving_average_than_autoregression_stops_the_run() -> None:
    with pytest.raises(InvalidOperationException, match="ARIMA"):
        fed(walk(20), 2, 0, 1)


def test_names_and_warm_up_are_leans() -> None:
    made = AutoRegressiveIntegratedMovingAverage(1, 1, 0, 30, True)

    assert (made.name, made.warm_up_period, made.current.value) == (
        "ARIMA((1, 1, 0), 30, True)", 30, 0.0,
    )  # fmt: skip


def test_a_period_that_leaves_nothing_to_fit_is_refused_in_words() -> None:
    with pytest.raises(InvalidOperationException, match=r"expected a period above 7 .*, was 6"):
        fed([1.0, 2.0, 4.0, 3.0, 5.0, 6.0], 5, 2, 5)

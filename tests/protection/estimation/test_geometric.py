"""Geometric median: reference, optimality, symmetries, breakdown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

from protection.contracts import FixInput
from protection.estimation import geometric_median
from protection.estimation.inputs import Array

GOLDEN = json.loads(
    (Path(__file__).parents[2] / "golden" / "estimation" / "l1median.json").read_text()
)


def residual(X: Array, m: Array) -> float:
    """How far m is from satisfying the optimality condition; 0 at the minimiser."""
    away = X - m
    distances = np.linalg.norm(away, axis=1)
    on = distances < 1e-9 * np.median(distances)
    pull = (away[~on] / distances[~on, None]).sum(axis=0)
    return max(0.0, float(np.linalg.norm(pull)) - int(on.sum()))


@pytest.mark.parametrize("name", ["VaZh", "NLM"])
def test_it_is_the_references(name: str) -> None:
    np.testing.assert_allclose(geometric_median(GOLDEN["x"]), GOLDEN[name], rtol=0, atol=1e-7)


@pytest.mark.parametrize("shape", [(3, 2), (6, 2), (7, 3), (100, 5), (400, 20), (30, 60)])
@pytest.mark.parametrize("rounded", [False, True])
def test_it_minimises_the_sum_of_distances(shape: tuple[int, int], rounded: bool) -> None:
    for seed in range(8):
        X = np.random.default_rng(seed).standard_t(1.5, shape)
        X = np.round(X) if rounded else X
        if np.linalg.matrix_rank(X - X[0]) > 1:
            assert residual(X, geometric_median(X)) < 1e-6


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(1, 40),
    p=st.integers(1, 6),
    scale=st.sampled_from([1e-9, 1.0, 1e7]),
)
def test_it_turns_shifts_and_grows_with_the_data_in_any_order(
    seed: int, n: int, p: int, scale: float
) -> None:
    rng = np.random.default_rng(seed)
    X = rng.standard_t(2, (n, p))
    turn = ortho_group.rvs(p, random_state=seed) if p > 1 else np.array([[-1.0]])
    shift = rng.normal(0, 5, p)
    expected = scale * (geometric_median(X) @ turn.T + shift)
    found = geometric_median(scale * (X @ turn.T + shift)[rng.permutation(n)])
    np.testing.assert_allclose(found / scale, expected / scale, atol=2e-7 * np.abs(X).max())


def test_columns_of_any_scale_are_treated_alike_when_standardised() -> None:
    X = np.random.default_rng(1).standard_t(2, (80, 3))
    scale = np.array([1e-4, 1.0, 1e5])
    expected = geometric_median(X, standardize=True)
    np.testing.assert_allclose(geometric_median(X * scale, standardize=True) / scale, expected)
    X[:, 1] = 0.5
    assert geometric_median(X, standardize=True)[1] == 0.5


def test_less_than_half_of_the_rows_do_not_carry_it_away() -> None:
    X = np.random.default_rng(3).standard_normal((99, 4))
    for size in (1e3, 1e6, 1e12, 1e200):
        Y = X.copy()
        Y[:45] = size
        assert np.linalg.norm(geometric_median(Y)) < 12


def test_points_on_a_line_and_equal_points_have_the_documented_answers() -> None:
    np.testing.assert_allclose(geometric_median([[1.0, 2.0]]), [1, 2])
    np.testing.assert_allclose(geometric_median([[0.0, 0.0], [2.0, 4.0]]), [1, 2])
    line = np.array([[t, 2 * t] for t in (0.0, 1, 4, 9, 100)])
    np.testing.assert_allclose(geometric_median(line), [4, 8])
    np.testing.assert_allclose(geometric_median([[3.0], [1.0], [8.0], [2.0]]), [2.5])
    np.testing.assert_array_equal(geometric_median([[7.0, 7.0]] * 5), [7, 7])
    star = [[0.0, 0.0], [1, 0], [-1, 0], [0, 1], [0, -1], [5, 5]]
    np.testing.assert_array_equal(geometric_median([*star, [0.0, 0.0]]), [0, 0])


def test_it_does_not_stall_on_an_observation_it_comes_across() -> None:
    # The coordinatewise median, where it starts, is an observation and not the minimiser.
    X = np.array([[0.0, 0.0], [-1, 10], [-2, 11], [10, -1], [11, -2], [9, 9], [12, 12.0]])
    start = np.median(X, axis=0)
    X = np.vstack([X, start, start + np.array([0, 40]), start + np.array([40, 0])])
    assert residual(X, geometric_median(X)) < 1e-7


@pytest.mark.parametrize(
    ("X", "words"),
    [
        ([], "n, p >= 1"),
        ([1.0, 2.0], "one column"),
        ([[np.nan, 1.0]], "finite"),
        ([[1.7e308], [-1.7e308], [-1.7e308]], "differences"),
    ],
)
def test_impossible_input_is_named(X: Any, words: str) -> None:
    with pytest.raises(FixInput, match=words):
        geometric_median(X)

"""Qn and the order statistics of pairwise differences beneath it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.robust.scale import qn_scale as qn_of_statsmodels

from protection.contracts import FixInput
from protection.estimation import qn_scale
from protection.estimation.inputs import Array
from protection.estimation.pairwise import kth_difference, kth_difference_twin
from protection.estimation.qn import QN_FACTOR, qn_factor

PARTS = json.loads(
    (Path(__file__).parents[2] / "golden" / "estimation" / "mrcd_parts.json").read_text()
)


def rows_of(kind: str, m: int, n: int, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    normal = rng.standard_normal((m, n))
    made = {
        "normal": normal,
        "heavy": rng.standard_t(1.1, (m, n)),
        "ties": np.round(normal, 1),
        "few values": rng.integers(0, 3, (m, n)).astype(float),
        "mostly zero": np.where(rng.random((m, n)) < 0.25, normal, 0.0),
        "two clusters": normal + 50 * (rng.random((m, n)) < 0.4),
        "far away": 1e6 + 1e-6 * normal,
        "huge": 1e305 * normal,
        "tiny": 1e-305 * normal,
    }[kind]
    made.sort(axis=1)
    return made


KINDS = (
    "normal",
    "heavy",
    "ties",
    "few values",
    "mostly zero",
    "two clusters",
    "far away",
    "huge",
    "tiny",
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [2, 3, 7, 31, 32, 75, 200, 401])
def test_the_selected_difference_is_the_one_that_sorting_all_pairs_gives(kind: str, n: int) -> None:
    rows = rows_of(kind, 25, n, seed=n)
    half = n // 2 + 1
    for k in {1, half * (half - 1) // 2, n * (n - 1) // 2}:
        ours, twin = np.empty(25), np.empty(25)
        kth_difference(rows, k, ours)
        kth_difference_twin(rows, k, twin)
        np.testing.assert_array_equal(ours, twin)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=80), st.floats(0, 1))
def test_any_row_and_rank(values: list[float], part: float) -> None:
    rows = np.sort(np.array([values]), axis=1)
    pairs = len(values) * (len(values) - 1) // 2
    k = 1 + int(part * (pairs - 1))
    ours, twin = np.empty(1), np.empty(1)
    kth_difference(rows, k, ours)
    kth_difference_twin(rows, k, twin)
    assert ours == twin


def test_qn_is_the_references() -> None:
    # The reference computes the differences in single precision.
    x = np.array(json.loads((Path(__file__).parents[2] / "golden/estimation/mrcd_A.json")
                            .read_text())["x"])  # fmt: skip
    np.testing.assert_allclose(qn_scale(x), PARTS["Qn"]["Qn_all"], rtol=5e-8)


@pytest.mark.parametrize("n", [13, 50, 301])
def test_qn_is_that_of_statsmodels_but_for_the_small_sample_factor(n: int) -> None:
    X = np.random.default_rng(n).standard_t(2, (n, 3))
    expected = qn_of_statsmodels(X) * 2.219144465985076 / QN_FACTOR
    assert qn_scale(X) == pytest.approx(
        expected * qn_factor(n) / 2.219144465985076, rel=1e-5
    ) or qn_scale(X) == pytest.approx(expected * qn_factor(n) / QN_FACTOR, rel=1e-5)


@pytest.mark.parametrize("n", [5, 12, 13, 40])
def test_qn_is_unbiased_in_small_gaussian_samples(n: int) -> None:
    X = np.random.default_rng(0).standard_normal((n, 20_000))
    assert qn_scale(X).mean() == pytest.approx(1, abs=0.015)


def test_half_of_the_rows_do_not_carry_qn_away() -> None:
    x = np.random.default_rng(4).standard_normal((101, 1))
    x[:50] = 1e12
    assert qn_scale(x)[0] < 20
    assert qn_scale(np.ones((9, 1)))[0] == 0


def test_one_row_has_no_scale() -> None:
    with pytest.raises(FixInput, match="at least 2 rows"):
        qn_scale([[1.0, 2.0]])

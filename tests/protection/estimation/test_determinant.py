"""MRCD: the reference's answers, equivariance, breakdown, and odd input."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protection.contracts import FixInput
from protection.estimation import mahalanobis, mrcd
from protection.estimation.determinant import consistency_factor
from protection.estimation.determinant_steps import TallRows, WideRows, nearest
from protection.estimation.inputs import Array

FOLDER = Path(__file__).parents[2] / "golden" / "estimation"
CASES = [
    pytest.param(golden["x"], case, id=f"{name} {case['alpha']} {case['rho_in']} {case['target']}")
    for name in "ABC"
    for golden in [json.loads((FOLDER / f"mrcd_{name}.json").read_text())]
    for case in golden["cases"]
]
PARTS = json.loads((FOLDER / "mrcd_parts.json").read_text())


@pytest.mark.parametrize(("x", "case"), CASES)
def test_the_answer_is_the_references(x: list[list[float]], case: dict[str, Any]) -> None:
    found = mrcd(x, alpha=case["alpha"], rho=case["rho_in"], target=case["target"])

    assert (np.flatnonzero(found.support) + 1).tolist() == case["best"]
    assert found.h == case["h"]
    assert found.consistency == pytest.approx(case["calpha"], abs=1e-12)
    np.testing.assert_allclose(found.location, case["center"], rtol=0, atol=1e-10)
    # The reference finds rho by root finding with a tolerance of its own, where p > n needs one.
    searched = case["rho_in"] is None and len(x) < len(x[0])
    assert found.rho == pytest.approx(case["rho"], abs=1e-5 if searched else 1e-12)
    assert found.log_determinant == pytest.approx(case["logdet"], abs=2e-3 if searched else 1e-6)
    tolerance = 1e-4 if searched else 1e-6
    if "cov" in case:
        np.testing.assert_allclose(found.covariance, case["cov"], rtol=0, atol=tolerance)
    else:
        np.testing.assert_allclose(np.diag(found.covariance), case["cov_diag"], atol=tolerance)
        np.testing.assert_allclose(
            found.covariance[:5, :5], case["cov_block5"], rtol=0, atol=tolerance
        )
    squares = mahalanobis(x, found.location, found.covariance) ** 2
    np.testing.assert_allclose(squares, case["mah"], rtol=1e-4 if searched else 1e-6)


@pytest.mark.parametrize("row", PARTS["MCDcons"], ids=str)
def test_the_consistency_factor_is_the_references(row: dict[str, float]) -> None:
    assert consistency_factor(int(row["p"]), row["alpha"]) == pytest.approx(row["c"], abs=1e-12)


def test_without_regularisation_it_is_the_deterministic_mcd() -> None:
    x = json.loads((FOLDER / "mrcd_A.json").read_text())["x"]
    other = PARTS["detmcd_A"]
    found = mrcd(x)
    assert found.rho == 1e-6
    assert (np.flatnonzero(found.support) + 1).tolist() == other["best"]
    np.testing.assert_allclose(found.location, other["raw_center"], atol=1e-10)
    # robustbase has a further small-sample factor; the shapes are the same
    ratio = found.covariance / np.array(other["raw_cov"])
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-4)


def sample(n: int, p: int, seed: int = 0) -> Array:
    rng = np.random.default_rng(seed)
    mixing = np.eye(p) + 0.4 * rng.standard_normal((p, p))
    return rng.standard_normal((n, p)) @ mixing.T


def standardized(covariance: Array) -> Array:
    size = np.sqrt(np.diag(covariance))
    return covariance / np.outer(size, size)


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    shape=st.sampled_from([(40, 1), (60, 4), (45, 12)]),
    rho=st.sampled_from([None, 0.3]),
)
def test_columns_may_be_scaled_shifted_and_permuted_and_rows_reordered(
    seed: int, shape: tuple[int, int], rho: float | None
) -> None:
    n, p = shape
    X = sample(n, p, seed)
    rng = np.random.default_rng(seed)
    scale = rng.choice([-1, 1], p) * 10 ** rng.uniform(-5, 5, p)
    shift = scale * rng.normal(0, 10, p)
    rows, columns = rng.permutation(n), rng.permutation(p)

    plain = mrcd(X, rho=rho)
    # One unit for all columns keeps the floor of the scales out of play.
    moved = mrcd((X * scale + shift)[rows][:, columns], rho=rho, minscale=1e-9)

    np.testing.assert_array_equal(plain.support[rows], moved.support)
    unit = np.abs(scale[columns])
    np.testing.assert_allclose(
        (moved.location - (plain.location * scale + shift)[columns]) / unit, 0, atol=1e-8
    )
    expected = (plain.covariance * np.outer(scale, scale))[np.ix_(columns, columns)]
    np.testing.assert_allclose(
        moved.covariance / np.outer(unit, unit), expected / np.outer(unit, unit), atol=1e-8
    )


@pytest.mark.parametrize("shape", [(100, 5), (200, 2), (60, 80)])
@pytest.mark.parametrize("distance", [5.0, 1e3, 1e9])
@pytest.mark.parametrize("alpha", [0.5, 0.75])
def test_a_minority_below_the_breakdown_point_does_not_carry_it_away(
    shape: tuple[int, int], distance: float, alpha: float
) -> None:
    n, p = shape
    X = sample(n, p)
    clean = mrcd(X, alpha=alpha)
    # A dense cluster nearby may rightly count among the central half when it is nearly half.
    bad = int((0.45 if distance > 100 else 0.3) * n) if alpha == 0.5 else n - math.ceil(alpha * n)
    X[:bad] = X[:bad] * 0.1 + distance * np.sqrt(np.diag(clean.covariance))

    found = mrcd(X, alpha=alpha)

    far = mahalanobis(found.location[None], clean.location, clean.covariance)[0]
    assert far < 0.75 * math.sqrt(p)
    values = np.linalg.eigvals(np.linalg.solve(clean.covariance, found.covariance)).real
    assert values.min() > 0.02
    assert values.max() < (8 if p < n else 25)
    if distance > 100:
        assert not found.support[:bad].any()


def test_one_row_more_than_the_breakdown_point_does() -> None:
    X = sample(100, 3)
    X[:51] = X[:51] + 1e6
    assert mrcd(X, alpha=0.5).location.min() > 9e5


@pytest.mark.parametrize("unit", [1e-4, 1.0, 1e4])
def test_the_unit_of_the_data_does_not_matter(unit: float) -> None:
    X = sample(80, 4)
    plain, found = mrcd(X), mrcd(X * unit)
    np.testing.assert_allclose(found.covariance, plain.covariance * unit**2, rtol=1e-9)
    assert found.floored == ()


def test_the_references_absolute_floor_is_there_for_those_who_want_it() -> None:
    X = sample(80, 4) * 1e-5
    found = mrcd(X, minscale=1e-3)
    assert found.floored == (0, 1, 2, 3)
    assert np.diag(found.covariance).max() < 1e-9 * 1.01


def test_a_column_of_which_most_values_are_equal_is_told() -> None:
    X = sample(80, 3)
    X[:60, 1] = 0.25
    found = mrcd(X)
    assert found.floored == (1,)
    assert np.linalg.eigvalsh(found.covariance)[0] > 0
    assert found.location[1] == pytest.approx(0.25, abs=1e-6)


def test_duplicate_rows_and_columns_still_give_a_positive_definite_answer() -> None:
    X = sample(60, 3)
    rows = mrcd(np.vstack([X, X[:20], X[:20]]))
    columns = mrcd(np.hstack([X, X]))
    for found in (rows, columns):
        assert np.linalg.eigvalsh(found.covariance)[0] > 0
    assert columns.rho > 1e-6
    assert standardized(columns.covariance)[0, 3] > 0.8


def test_equal_distances_are_settled_by_the_order_of_the_rows() -> None:
    np.testing.assert_array_equal(nearest(np.array([2.0, 1, 2, 0, 2, 1]), 4), [0, 1, 3, 5])
    X = np.array([[1.0], [-1.0]] * 10)
    assert mrcd(X).support.tolist() == mrcd(X.copy()).support.tolist()


def test_the_step_over_inner_products_is_the_step_over_columns() -> None:
    Z = sample(30, 30)
    chosen = np.arange(5, 27)
    for rho in (1e-4, 0.3):
        tall, wide = TallRows(Z).step(chosen, rho, 1.3), WideRows(Z).step(chosen, rho, 1.3)
        np.testing.assert_allclose(wide[0], tall[0], rtol=1e-8)
        assert wide[1] == pytest.approx(tall[1], rel=1e-9)
    np.testing.assert_allclose(TallRows(Z).spectrum(chosen), WideRows(Z).spectrum(chosen))


def test_every_step_lowers_the_determinant() -> None:
    Z = sample(120, 4)
    Z[:25] += 6
    rows, chosen = TallRows(Z), np.arange(80)
    previous = math.inf
    for _ in range(20):
        squares, log_det = rows.step(chosen, 0.05, 1.0)
        assert log_det <= previous + 1e-12
        previous, chosen = log_det, nearest(squares, 80)


def test_clean_gaussian_rows_give_their_covariance_back() -> None:
    X = sample(4000, 4, 3)
    truth = mrcd(X, alpha=1.0).covariance
    np.testing.assert_allclose(truth, np.cov(X.T), atol=1e-4)
    values = np.linalg.eigvals(np.linalg.solve(truth, mrcd(X).covariance)).real
    np.testing.assert_allclose(values, 1, atol=0.12)


def test_the_arrays_of_a_result_cannot_be_changed() -> None:
    found = mrcd(sample(30, 2))
    for array in (found.location, found.covariance, found.support, found.scale):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@pytest.mark.parametrize(
    ("X", "options", "words"),
    [
        ([[1.0, 2.0]], {}, "at least 4 rows"),
        ([[1.0, math.nan]] * 9, {}, r"finite, was nan at \[0, 1\]"),
        ([[1.0], [math.inf], [2.0], [3.0]], {}, "finite"),
        ([[float(i), 5.0] for i in range(9)], {}, r"columns \[1\] are constant"),
        ([[1e200], [2.0], [3.0], [4.0]], {}, "within 1e100"),
        ([1.0, 2.0, 3.0], {}, "one column"),
        (sample(9, 2), {"alpha": 0.3}, "the regularisation is rho"),
        (sample(9, 2), {"rho": 1.0}, "rho"),
        (sample(9, 2), {"target": "zero"}, "target"),
        (sample(9, 2), {"minscale": 0.0}, "minscale"),
    ],
)
def test_impossible_input_is_named(X: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(FixInput, match=words):
        mrcd(X, **options)

"""Influence clipping: reference, equivariance, and the bound it is there for."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from protection.contracts import FixInput
from protection.estimation import (
    capped_shares,
    clip_influence,
    clip_radius,
    clipping_bound,
    clipping_factor,
    mahalanobis,
)
from protection.estimation.inputs import Array
from protection.estimation.whitening import _substitute, _substitute_twin, whiten, whiten_twin

GOLDEN = json.loads(
    (Path(__file__).parents[2] / "golden" / "estimation" / "robust_mean.json").read_text()
)


def frame(p: int, seed: int = 0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    mixing = np.eye(p) + 0.3 * rng.standard_normal((p, p))
    return rng.standard_normal(p), mixing @ mixing.T


@pytest.mark.parametrize("case", GOLDEN["clip"], ids=str)
def test_clipped_points_are_the_references(case: dict[str, Any]) -> None:
    found = clip_influence([case["x"]], [0, 0], np.eye(2), radius=case["radius"])
    np.testing.assert_allclose(found[0], case["y"], atol=1e-12)


@pytest.mark.parametrize(
    ("p", "radius", "share", "factor"),
    [
        (1, 2.24, 0.0027, 0.9950), (2, 2.72, 0.0111, 0.9889), (3, 3.06, 0.0293, 0.9788),
        (5, 3.58, 0.109, 0.9437), (10, 4.53, 0.532, 0.7760), (20, 5.85, 0.983, 0.4490),
    ],
)  # fmt: skip
def test_radius_tail_and_factor_are_the_tabulated_ones(
    p: int, radius: float, share: float, factor: float
) -> None:
    assert clip_radius(p) == pytest.approx(radius, abs=5e-3)
    assert clip_radius(p, tail=float(stats.chi2.sf(9, p))) == pytest.approx(3)
    assert stats.chi2.sf(9, p) == pytest.approx(share, rel=5e-3)
    assert clipping_factor(p, 3.0) == pytest.approx(factor, abs=1e-4)


def test_the_factor_is_what_clipping_leaves_of_a_gaussian_covariance() -> None:
    mu, sigma = frame(3)
    X = np.random.default_rng(1).multivariate_normal(mu, sigma, 100_000)
    for radius in (1.0, 2.5):
        Y = clip_influence(X, mu, sigma, radius)
        kept = np.linalg.eigvals(np.linalg.solve(sigma, np.cov(Y.T))).real
        np.testing.assert_allclose(kept, clipping_factor(3, radius), rtol=0.02)
    assert clipping_factor(3, math.inf) == 1


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 9999), p=st.integers(1, 6), n=st.integers(1, 30))
def test_rows_within_stay_and_rows_beyond_land_on_the_radius_in_their_direction(
    seed: int, p: int, n: int
) -> None:
    mu, sigma = frame(p, seed)
    X = mu + 3 * np.random.default_rng(seed).standard_t(1.5, (n, p))
    radius = clip_radius(p)
    Y = clip_influence(X, mu, sigma)
    before, after = mahalanobis(X, mu, sigma), mahalanobis(Y, mu, sigma)
    inside = before <= radius
    np.testing.assert_array_equal(Y[inside], X[inside])
    np.testing.assert_allclose(after[~inside], radius, rtol=1e-9)
    pulled = (X[~inside] - mu) * (radius / before[~inside])[:, None]
    np.testing.assert_allclose(Y[~inside] - mu, pulled, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(
        before**2,
        np.einsum("ij,ij->i", X - mu, np.linalg.solve(sigma, (X - mu).T).T),
        rtol=1e-7,
    )


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 9999), p=st.integers(1, 5))
def test_clipping_goes_along_with_any_invertible_linear_map(seed: int, p: int) -> None:
    mu, sigma = frame(p, seed)
    rng = np.random.default_rng(seed)
    A, b = np.eye(p) + 0.3 * rng.standard_normal((p, p)), rng.standard_normal(p)
    if abs(np.linalg.det(A)) < 0.05:
        A = np.eye(p)
    X = mu + 4 * rng.standard_normal((15, p))
    mapped = clip_influence(X @ A.T + b, A @ mu + b, A @ sigma @ A.T)
    np.testing.assert_allclose(mapped, clip_influence(X, mu, sigma) @ A.T + b, atol=1e-8)


@pytest.mark.parametrize("p", [1, 4, 32, 33])
def test_the_compiled_substitution_its_twin_and_lapack_agree(p: int) -> None:
    rng = np.random.default_rng(p)
    rows = rng.standard_normal((40, p))
    factor = np.linalg.cholesky(frame(p)[1] + np.eye(p))
    expected = np.linalg.solve(factor, rows.T).T
    np.testing.assert_allclose(whiten(rows, factor), expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(whiten_twin(rows, factor), expected, rtol=1e-9, atol=1e-12)
    ours, twin = rows.copy(), rows.copy()
    for function, where in ((_substitute, ours), (_substitute_twin, twin)):
        function(where, np.ascontiguousarray(factor.T))
    np.testing.assert_allclose(ours, twin, rtol=1e-11, atol=1e-13)


def test_rows_of_any_size_are_pulled_back() -> None:
    mu, sigma = frame(3)
    X = np.array([[1e308, -1e308, 1e308], [1e160, 0, 0], [-1.7e308, 1.7e308, 3.0]])
    Y = clip_influence(X, mu, sigma, radius=3.0)
    np.testing.assert_allclose(mahalanobis(Y, mu, sigma), 3, rtol=1e-9)


def moments(Z: Array, factor: float) -> tuple[Array, Array]:
    """Means (t, p) and covariances (t, p, p) of t whitened samples (t, n, p)."""
    mean = Z.mean(axis=1)
    centred = Z - mean[:, None]
    return mean, np.einsum("tni,tnj->tij", centred, centred) / Z.shape[1] / factor


@pytest.mark.parametrize(("p", "n", "m"), [(1, 20, 3), (2, 30, 8), (3, 24, 14), (5, 40, 4)])
@pytest.mark.parametrize("goal", [0, 1])
def test_an_adversary_who_searches_never_moves_an_estimate_beyond_the_bound(
    p: int, n: int, m: int, goal: int
) -> None:
    """Hill climbing over two places for m of n rows: 2,000 tries, the best close to the bound."""
    rng = np.random.default_rng(10 * p + goal)
    mu, sigma = frame(p, p)
    radius = 2.5
    factor = clipping_factor(p, radius)
    bound = clipping_bound(radius, m / n, factor)
    root = np.linalg.cholesky(sigma)
    inverse = np.linalg.inv(root)
    # The rest may lie where it makes the adversary strongest: at a pole, for the covariance.
    rest = (
        rng.standard_t(3, (n - m, p))
        if goal == 0
        else np.tile([-9.0] + [0.0] * (p - 1), (n - m, 1))
    )
    clean = clip_influence(mu + rest @ root.T, mu, sigma, radius)
    best, pair = -1.0, rng.standard_normal((2, m, p)) * 3
    for _ in range(20):
        steps = rng.standard_normal((100, 2, m, p)) * rng.choice([0.3, 3, 1e4], (100, 1, 1, 1))
        tried = pair + steps
        bad = clip_influence(mu + tried.reshape(-1, p) @ root.T, mu, sigma, radius)
        samples = np.concatenate(
            [bad.reshape(200, m, p), np.broadcast_to(clean, (200, n - m, p))], axis=1
        )
        mean, covariance = moments((samples - mu) @ inverse.T, factor)
        moved = np.linalg.norm(mean[::2] - mean[1::2], axis=1)
        changed = np.abs(np.linalg.eigvalsh(covariance[::2] - covariance[1::2])).max(axis=1)
        assert moved.max() <= bound.location * (1 + 1e-9)
        assert changed.max() <= bound.covariance * (1 + 1e-9)
        found = (moved, changed)[goal]
        if found.max() > best:
            best, pair = float(found.max()), tried[int(found.argmax())]
    assert best > 0.6 * (bound.location, bound.covariance)[goal]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.floats(-800, 800), min_size=1, max_size=12),
    st.floats(0.01, 1),
    st.floats(-800, 800),
)
def test_shares_are_capped_complete_and_never_gain_when_another_source_grows(
    logs: list[float], cap: float, more: float
) -> None:
    weights = np.array(logs)
    shares, rest = capped_shares(weights, cap)
    assert shares.sum() + rest == pytest.approx(1)
    assert (shares >= 0).all()
    assert shares.max() <= cap
    if cap * weights.size >= 1:
        assert rest == pytest.approx(0, abs=1e-9)
    grown = weights.copy()
    grown[0] = max(grown[0], more)
    after, _ = capped_shares(grown, cap)
    assert (after[1:] <= shares[1:] + 1e-12).all()
    assert after[0] >= shares[0] - 1e-12


def test_shares_below_the_cap_are_in_proportion() -> None:
    shares, rest = capped_shares(np.log([1.0, 2.0, 3.0, 14.0]), 0.4)
    np.testing.assert_allclose(shares, [0.1, 0.2, 0.3, 0.4])
    assert rest == 0
    shares, rest = capped_shares(np.array([0.0, -np.inf]), 0.4)
    np.testing.assert_allclose([*shares, rest], [0.4, 0, 0.6])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: clip_influence([[math.nan, 0.0]], [0, 0], np.eye(2)), "finite"),
        (lambda: clip_influence([[1.0]], [0, 0], np.eye(2)), "2 columns"),
        (lambda: clip_influence([[1.0, 1.0]], [0, 0], [[1, 2], [0, 1]]), "symmetric"),
        (lambda: clip_influence([[1.0, 1.0]], [0, 0], [[1, 1], [1, 1]]), "positive definite"),
        (lambda: clip_influence([[1.0, 1.0]], [0, 0], np.eye(3)), r"shape \(2, 2\)"),
        (lambda: clip_influence([[1.0]], [0], [[1]], radius=0), "radius"),
        (lambda: clip_radius(0), "p at least 1"),
        (lambda: clip_radius(2, tail=0), "tail"),
        (lambda: clipping_factor(1, -1.0), "radius"),
        (lambda: clipping_bound(0, 0.1), "radius"),
        (lambda: clipping_bound(3, 1.1), "share"),
        (lambda: clipping_bound(3, 0.1, 0), "factor"),
        (lambda: capped_shares(np.zeros(2), 0), "cap"),
    ],
)
def test_impossible_input_is_named(call: Any, words: str) -> None:
    with pytest.raises(FixInput, match=words):
        call()

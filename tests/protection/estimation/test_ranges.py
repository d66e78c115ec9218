"""Law 10 without a frame: where estimates stay whatever one source sends."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protection.contracts import FixInput
from protection.estimation import (
    catoni_location,
    catoni_range,
    geometric_median,
    geometric_median_ball,
    median_of_means,
    median_of_means_range,
)
from protection.estimation.inputs import Array


def attacks(rng: np.random.Generator, like: Array, tries: int) -> Array:
    """Values for the source's observations, from among the others to the end of the numbers."""
    sizes = 10.0 ** rng.uniform(-2, 12, (tries, *([1] * like.ndim)))
    made = rng.standard_normal((tries, *like.shape)) * sizes
    made[: tries // 4] = np.abs(made[: tries // 4])
    made[tries // 4 : tries // 3] = -np.abs(made[tries // 4 : tries // 3])
    return made


def case(seed: int, n: int, share: float, p: int | None = None) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    x = rng.standard_t(2, n if p is None else (n, p))
    mask = np.zeros(n, dtype=bool)
    mask[rng.choice(n, int(share * n), replace=False)] = True
    return x, mask


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 99_999),
    n=st.integers(3, 60),
    share=st.floats(0, 0.49),
    alpha=st.sampled_from([0.05, 0.5, 4.0]),
)
def test_catoni_stays_in_its_range_and_reaches_both_ends(
    seed: int, n: int, share: float, alpha: float
) -> None:
    x, mask = case(seed, n, share)
    low, high = catoni_range(x, mask, alpha)
    assert math.isfinite(low)
    assert low <= catoni_location(x, alpha) <= high
    for values in attacks(np.random.default_rng(seed), x[mask], 60):
        x[mask] = values
        assert low <= catoni_location(x, alpha) <= high
    for end, size in ((low, -1e12), (high, 1e12)):
        x[mask] = size
        found = catoni_location(x, alpha)
        gap = np.sort(x[~mask])
        if mask.any() and np.diff(gap).max(initial=0) < 2 / alpha:
            # Where the sum is flat the estimate is the middle of what the range spans.
            assert found == pytest.approx(end, abs=1e-5 / alpha)


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 99_999),
    n=st.integers(1, 60),
    share=st.floats(0, 0.4),
    blocks=st.integers(1, 30),
)
def test_median_of_means_stays_in_its_range(seed: int, n: int, share: float, blocks: int) -> None:
    x, mask = case(seed, n, share)
    low, high = median_of_means_range(x, mask, blocks)
    found = [median_of_means(x, blocks)]
    for values in attacks(np.random.default_rng(seed), x[mask], 60):
        x[mask] = values
        found.append(median_of_means(x, blocks))
    assert low <= min(found)
    assert max(found) <= high
    if math.isfinite(low) and mask.any():
        x[mask] = 1e15
        assert median_of_means(x, blocks) == pytest.approx(high)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 99_999),
    n=st.integers(3, 40),
    p=st.integers(2, 4),
    share=st.floats(0, 0.45),
)
def test_the_geometric_median_stays_in_its_ball(seed: int, n: int, p: int, share: float) -> None:
    x, mask = case(seed, n, share, p)
    centre, radius = geometric_median_ball(x, mask)
    assert math.isfinite(radius)
    for values in [x[mask], *attacks(np.random.default_rng(seed), x[mask], 25)]:
        x[mask] = values
        assert np.linalg.norm(geometric_median(x) - centre) <= radius * (1 + 1e-9) + 1e-9


def test_half_of_the_observations_are_not_bounded() -> None:
    x, mask = np.arange(6.0), np.array([True, False] * 3)
    assert catoni_range(x, mask, 1.0) == (-math.inf, math.inf)
    assert median_of_means_range(x, mask, 6) == (-math.inf, math.inf)
    assert geometric_median_ball(x[:, None], mask)[1] == math.inf


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: catoni_range([1.0, 2.0], [0, 1], 1.0), "boolean"),
        (lambda: catoni_range([1.0, 2.0], [True], 1.0), "boolean"),
        (lambda: catoni_range([1.0], [False], 0.0), "alpha"),
        (lambda: median_of_means_range([1.0], [False], 0), "blocks"),
        (lambda: geometric_median_ball([[1.0]], [True]), "other sources"),
    ],
)
def test_impossible_input_is_named(call: Any, words: str) -> None:
    with pytest.raises(FixInput, match=words):
        call()

"""Robust locations: reference answers, invariances, and what a minority can do."""

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
    block_plan,
    catoni_halfwidth,
    catoni_location,
    catoni_mean,
    median_of_means,
    trimmed_mean,
    winsorised_mean,
)
from protection.estimation.catoni_kernel import narrow_sums, narrow_sums_twin
from protection.estimation.inputs import Array
from protection.estimation.location import block_means
from protection.estimation.order import _between, _between_twin, mad, median

GOLDEN = json.loads(
    (Path(__file__).parents[2] / "golden" / "estimation" / "robust_mean.json").read_text()
)
SAMPLES = {name: case for name, case in GOLDEN.items() if isinstance(case, dict)}
NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


@pytest.mark.parametrize("name", SAMPLES)
def test_catoni_is_the_root_found_with_fifty_digits(name: str) -> None:
    case = SAMPLES[name]
    for answer in case["catoni"]:
        for psi in ("narrow", "wide"):
            found = catoni_location(case["x"], answer["alpha"], psi=psi)
            assert found == pytest.approx(answer[psi], abs=1e-9)
            assert abs(found - answer[psi]) < 1e-13 * max(1, abs(answer[psi]))


@pytest.mark.parametrize("name", SAMPLES)
def test_mode_scale_takes_alpha_from_the_mad(name: str) -> None:
    case = SAMPLES[name]
    answer = next(a for a in case["catoni"] if a["label"].startswith("alpha=1/(c"))
    assert mad(np.array(case["x"])) == pytest.approx(case["mad_normal"], abs=1e-12)
    assert catoni_mean(case["x"], mode="scale") == pytest.approx(answer["narrow"], abs=1e-9)


@pytest.mark.parametrize("name", ["normal30", "t3_100", "contam50"])
def test_mode_confidence_takes_alpha_from_proposition_2_4(name: str) -> None:
    case = SAMPLES[name]
    answer = next(a for a in case["catoni"] if "Prop2.4" in a["label"])
    scale = float(np.std(case["x"]))
    found = catoni_mean(case["x"], delta=0.05, scale=scale)
    assert found == pytest.approx(answer["narrow"], abs=1e-9)
    assert catoni_halfwidth(case["n"], scale) == pytest.approx(answer["halfwidth"], abs=1e-9)


@pytest.mark.parametrize("row", GOLDEN["influence_growth"])
def test_one_huge_value_has_its_full_say_and_no_more(row: dict[str, float]) -> None:
    x = np.zeros(100)
    x[50] = row["M"]
    assert catoni_location(x, 1.0) == pytest.approx(row["narrow"], abs=1e-9)
    assert catoni_location(x, 1.0, psi="wide") == pytest.approx(row["wide"], abs=1e-9)


@pytest.mark.parametrize("name", SAMPLES)
def test_trimmed_and_winsorised_means_and_median_of_means_are_the_reference(name: str) -> None:
    case = SAMPLES[name]
    for cut in (10, 20):
        found = trimmed_mean(case["x"], cut / 100), winsorised_mean(case["x"], cut / 100)
        assert found == pytest.approx((case[f"trim{cut}"], case[f"winsor{cut}"]), abs=1e-9)
    if "mom10_contiguous" in case:
        assert median_of_means(case["x"], 10) == pytest.approx(case["mom10_contiguous"], abs=1e-9)


@settings(deadline=None)
@given(NUMBERS, st.floats(0, 0.49))
def test_trimming_and_winsorising_agree_with_scipy(x: list[float], cut: float) -> None:
    size = max(map(abs, x)) * 1e-12 + 1e-300
    assert trimmed_mean(x, cut) == pytest.approx(stats.trim_mean(x, cut), abs=size)
    expected = stats.mstats.winsorize(np.array(x), limits=(cut, cut)).mean()
    assert winsorised_mean(x, cut) == pytest.approx(float(expected), abs=size)


@settings(deadline=None)
@given(NUMBERS, st.integers(1, 30))
def test_blocks_are_those_of_array_split(x: list[float], blocks: int) -> None:
    if len(x) < 2 * blocks:
        assert median_of_means(x, blocks) == pytest.approx(float(np.median(x)), rel=1e-15)
    else:
        means = [part.mean() for part in np.array_split(x, blocks)]
        np.testing.assert_allclose(block_means(np.array(x), blocks), means, rtol=1e-12, atol=1e-9)


ESTIMATORS: dict[str, Any] = {
    "confidence": catoni_mean,
    "scale": lambda x: catoni_mean(x, mode="scale"),
    "trimmed": trimmed_mean,
    "winsorised": winsorised_mean,
    "median of means": lambda x: median_of_means(x, 3),
}


#: psi' vanishes where psi reaches its bound: a root there is known to the root of the precision
FLAT = 3e-8


def grid(values: list[int]) -> Array:
    """Sample with ties, so that scales are zero now and then."""
    return np.array(values, dtype=float) / 8


@pytest.mark.parametrize("name", ESTIMATORS)
@settings(deadline=None, max_examples=60)
@given(
    values=st.lists(st.integers(-800, 800), min_size=1, max_size=50),
    scale=st.sampled_from([1e-6, 0.5, 3.0, -2.0, 1e9]),
    shift=st.floats(-100, 100),
)
def test_a_linear_change_of_the_data_changes_the_estimate_alike(
    name: str, values: list[int], scale: float, shift: float
) -> None:
    estimate, x = ESTIMATORS[name], grid(values)
    expected = scale * (estimate(x) + shift)
    assert estimate(scale * (x + shift)) == pytest.approx(
        expected, abs=FLAT * abs(scale) * (200 + abs(shift))
    )


@pytest.mark.parametrize("name", [n for n in ESTIMATORS if n != "median of means"])
@settings(deadline=None, max_examples=60)
@given(values=st.lists(st.integers(-800, 800), min_size=1, max_size=50), data=st.data())
def test_the_order_of_the_data_does_not_matter(name: str, values: list[int], data: Any) -> None:
    mixed = data.draw(st.permutations(values))
    estimate = ESTIMATORS[name]
    assert estimate(grid(mixed)) == pytest.approx(estimate(grid(values)), abs=100 * FLAT)


def test_a_shuffled_median_of_means_is_the_same_for_the_same_seed() -> None:
    x = np.random.default_rng(0).standard_t(2, 100)
    first, second = (median_of_means(x, 8, rng=np.random.default_rng(5)) for _ in range(2))
    assert first == second != median_of_means(x, 8)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.45])
def test_no_minority_carries_catoni_away(share: float) -> None:
    x = np.random.default_rng(2).standard_normal(400)
    m = int(share * 400)
    for size in (1e3, 1e9, 1e300):
        y = x.copy()
        y[:m] = size
        for mode in ("confidence", "scale"):
            assert abs(catoni_mean(y, mode=mode) - catoni_mean(x, mode=mode)) < 30
    assert abs(y.mean()) > 1e298


def test_the_bad_blocks_a_plan_tolerates_leave_the_estimate_among_the_good_ones() -> None:
    x = np.random.default_rng(1).standard_normal(240)
    plan = block_plan(240, delta=0.05)
    assert plan.blocks == 24
    size = 240 // 24
    for bad in (plan.tolerated, plan.tolerated + 1):
        y = x.copy()
        y[: bad * size : size] = 1e12
        inside = median_of_means(y, plan.blocks) < block_means(x, 24).max()
        assert inside == (bad == plan.tolerated)


def test_a_plan_states_the_true_confidence_of_the_specified_ten_blocks() -> None:
    plan = block_plan(1000, blocks=10)
    assert plan.delta == pytest.approx(0.287, abs=5e-4)
    assert (plan.tolerated, plan.is_median) == (4, False)
    assert block_plan(1000, delta=0.01).blocks == 37
    assert block_plan(1000, contaminated=30).blocks == 61
    assert block_plan(40, blocks=24).is_median
    halfwidth = math.sqrt(32 * math.log(1 / plan.delta) / 1000)
    assert plan.halfwidth == pytest.approx(halfwidth)


def test_the_promised_halfwidths_hold_on_heavy_tails() -> None:
    rng = np.random.default_rng(11)
    x = rng.standard_t(3, (400, 200))
    sigma = math.sqrt(3)
    catoni = np.array([abs(catoni_mean(row, scale=sigma)) for row in x])
    blocks = np.array([abs(median_of_means(row, 24)) for row in x])
    assert (catoni > catoni_halfwidth(200, sigma)).mean() <= 0.1
    assert (blocks > sigma * block_plan(200, blocks=24).halfwidth).mean() <= 0.05


def test_few_equal_and_tied_observations_have_the_documented_answers() -> None:
    for mode in ("confidence", "scale"):
        assert catoni_mean([3.5], mode=mode) == 3.5
        assert catoni_mean([2.0, 2.0, 2.0, 9.0, -1.0], mode=mode) == 2.0
        assert catoni_mean(np.full(50, -7.0), mode=mode) == -7.0
    assert catoni_mean([1.0, 2.0, 4.0, 1000.0]) == 3.0  # n <= 2 log(1 / 0.05): the median
    assert catoni_location([0.0, 100.0], 1.0) == 50.0  # the middle of [1, 99]
    assert trimmed_mean([3.5]) == winsorised_mean([3.5]) == median_of_means([3.5]) == 3.5


def test_numbers_near_the_largest_do_not_overflow() -> None:
    x = np.array([1.0, -1.0, 1.7, 0.2, -0.4, 0.3, 0.6, -1.1, 0.9]) * 1e308
    assert catoni_mean(x) == pytest.approx(catoni_mean(x / 1e308) * 1e308, rel=1e-12)
    assert catoni_location([1e308, -1e308, 0.0], 1.0, psi="wide") == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("n", [1, 2, 999, 20_000, 150_001])
def test_the_fast_median_is_the_median(n: int) -> None:
    rng = np.random.default_rng(n)
    for x in (rng.standard_normal(n), np.round(rng.standard_t(1, n)), np.arange(n) % 7 * 1.0):
        assert median(x) == np.median(x)
        about = float(x[0])
        assert median(x, about) == np.median(np.abs(x - about))
    # Every pivot is the same, and misleads.
    y = np.arange(n, dtype=float)
    if n >= 20_000:
        y[:: n // 4096] = -5
    assert median(y) == np.median(y)


@pytest.mark.parametrize("n", [1, 127, 128, 70_001])
def test_compiled_loops_and_their_numpy_twins_agree(n: int) -> None:
    x = np.random.default_rng(n).standard_t(1.5, n)
    for theta, alpha in ((0.0, 1.0), (0.4, 0.01), (-3.0, 50.0)):
        ours, twin = narrow_sums(x, theta, alpha), narrow_sums_twin(x, theta, alpha)
        assert ours == pytest.approx(twin, rel=1e-11, abs=1e-9)
    kept, other = np.zeros(n), np.zeros(n)
    found = _between(x, True, 0.1, 0.2, 0.9, kept)
    assert found == _between_twin(x, True, 0.1, 0.2, 0.9, other)
    np.testing.assert_array_equal(kept[: found[1]], other[: found[1]])


@pytest.mark.parametrize("n", [131_073, 400_000])
def test_a_long_sample_has_the_root_that_bisection_finds(n: int) -> None:
    x = np.random.default_rng(n).standard_t(2, n) + 0.3
    found = catoni_location(x, 0.02)
    low, high = found - 1e-9, found + 1e-9
    assert narrow_sums_twin(x, low, 0.02)[0] > 0 > narrow_sums_twin(x, high, 0.02)[0]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: catoni_mean([]), "n >= 1"),
        (lambda: catoni_mean([1.0, math.nan]), r"finite, was nan at \[1\]"),
        (lambda: catoni_mean([[1.0]]), "shape"),
        (lambda: catoni_mean(["a"]), "numbers"),
        (lambda: catoni_mean([1.0], mode="mean"), "mode"),
        (lambda: catoni_mean([1.0], delta=1.0), "delta"),
        (lambda: catoni_mean([1.0], c=0.0), "c above 0"),
        (lambda: catoni_mean([1.0], scale=-1.0), "scale"),
        (lambda: catoni_location([1.0], 0.0), "alpha"),
        (lambda: catoni_location([1.0], 1.0, psi="huber"), "psi"),
        (lambda: median_of_means([1.0], 0), "blocks"),
        (lambda: median_of_means([math.inf], 2), "finite"),
        (lambda: block_plan(0), "n >= 1"),
        (lambda: block_plan(9, blocks=0), "blocks"),
        (lambda: trimmed_mean([1.0], 0.5), "cut"),
        (lambda: winsorised_mean([math.nan]), "finite"),
    ],
)
def test_impossible_input_is_named(call: Any, words: str) -> None:
    with pytest.raises(FixInput, match=words):
        call()

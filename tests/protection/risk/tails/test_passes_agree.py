"""Compiled passes and their NumPy twins are the same functions."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from protection.risk import fit_garch
from protection.risk.tails import compiled
from protection.risk.tails.compiled import passes
from protection.risk.tails.garch import GarchSpec

NAMES = ("copula", "empirical", "garch", "gpd", "student")
seeds = st.integers(0, 2**32 - 1)


def both(name: str) -> tuple[object, object]:
    return passes(name), passes(name, twin=True)


@pytest.mark.parametrize("name", NAMES)
def test_every_twin_has_the_arguments_of_its_kernel(name: str) -> None:
    kernels, twins = both(name)
    functions = [
        key
        for key, value in vars(twins).items()
        if inspect.isfunction(value) and value.__module__ == twins.__name__ and key[0] != "_"
    ]
    assert functions
    for key in functions:
        compiled_one = getattr(kernels, key)
        expected = inspect.signature(getattr(twins, key)).parameters
        assert list(inspect.signature(compiled_one.py_func).parameters) == list(expected)


def test_without_numba_the_twins_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> object:
        if name.endswith("_kernels"):
            raise ImportError("no numba")
        return original(name)

    original = compiled.importlib.import_module
    compiled.passes.cache_clear()
    monkeypatch.setattr(compiled.importlib, "import_module", refuse)
    try:
        assert compiled.passes("gpd").__name__.endswith("gpd_twins")
    finally:
        compiled.passes.cache_clear()


@given(seed=seeds, shape=st.floats(-0.45, 3.0), log_scale=st.floats(-3.0, 3.0))
@example(seed=0, shape=0.0002, log_scale=0.0)
@settings(max_examples=60, deadline=None)
def test_pareto_pass(seed: int, shape: float, log_scale: float) -> None:
    kernels, twins = both("gpd")
    values = np.random.default_rng(seed).exponential(size=60)
    found = kernels.gpd_pass(values, shape, log_scale)
    known = twins.gpd_pass(values, shape, log_scale)
    if np.isinf(known[0]):
        assert found == known
        return
    # the logarithm of a number near one carries an error of that number's last digit, which value,
    # slope and curvature divide by the shape, its square and its cube
    lost = np.zeros(6)
    if abs(shape) > 1e-4:
        error = 4.0 * values.size * np.finfo(float).eps
        lost[[0, 1, 3]] = error / abs(shape) ** np.array([1, 2, 3])
    assert (np.abs(np.subtract(found, known)) <= 1e-8 * np.abs(known) + lost).all()


@given(seed=seeds, shape=st.floats(-0.3, 1.5))
@settings(max_examples=30, deadline=None)
def test_pareto_derivatives_are_those_of_the_likelihood(seed: int, shape: float) -> None:
    kernel = passes("gpd").gpd_pass
    values = np.random.default_rng(seed).exponential(size=40)
    log_scale, step = 1.5, 1e-5
    _, gx, gb, hxx, hxb, hbb = kernel(values, shape, log_scale)
    up, down = kernel(values, shape + step, log_scale), kernel(values, shape - step, log_scale)
    high, low = kernel(values, shape, log_scale + step), kernel(values, shape, log_scale - step)
    assert (up[0] - down[0]) / (2 * step) == pytest.approx(gx, rel=1e-4, abs=1e-3)
    assert (high[0] - low[0]) / (2 * step) == pytest.approx(gb, rel=1e-4, abs=1e-3)
    if abs(shape) > 1e-2:
        assert (up[1] - down[1]) / (2 * step) == pytest.approx(hxx, rel=1e-3, abs=1e-2)
    assert (high[1] - low[1]) / (2 * step) == pytest.approx(hxb, rel=1e-3, abs=1e-2)
    assert (high[2] - low[2]) / (2 * step) == pytest.approx(hbb, rel=1e-3, abs=1e-2)


@given(seed=seeds, df=st.floats(0.3, 200.0), scale=st.floats(0.1, 5.0))
@settings(max_examples=60, deadline=None)
def test_student_pass(seed: int, df: float, scale: float) -> None:
    kernels, twins = both("student")
    values = np.random.default_rng(seed).standard_cauchy(80)
    found = kernels.student_pass(values, 0.1, scale, df)
    expected = twins.student_pass(values, 0.1, scale, df)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-9)


def garch_arguments(seed: int, normal: bool) -> list[object]:
    rng = np.random.default_rng(seed)
    values = rng.standard_t(5, 150)
    lags = np.concatenate([[0.0], values[:-1]])
    theta = np.array([0.02, 0.05, 0.03, 0.05, 0.06, 0.85, 7.0])
    return [values, lags, theta, 1.1, normal]


@given(seed=seeds, normal=st.booleans())
@settings(max_examples=30, deadline=None)
def test_garch_passes(seed: int, normal: bool) -> None:
    answers = []
    for module in both("garch"):
        score, outer, last, slope = np.zeros(7), np.zeros((7, 7)), np.zeros(2), np.zeros(6)
        values, lags, theta, backcast, flag = garch_arguments(seed, normal)
        value = module.garch_pass(values, lags, theta, backcast, flag, score, outer, last, slope)
        path = np.empty(150)
        after = module.garch_path(values, lags, theta, backcast, path)
        answers.append(np.concatenate([[value, after], score, outer.ravel(), last, slope, path]))
    np.testing.assert_allclose(answers[0], answers[1], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("normal", [False, True])
def test_garch_scores_are_the_slopes_of_the_likelihood(normal: bool) -> None:
    kernel = passes("garch").garch_pass
    values, lags, theta, backcast, flag = garch_arguments(4, normal)
    arrays = np.zeros(7), np.zeros((7, 7)), np.zeros(2), np.zeros(6)
    kernel(values, lags, theta, backcast, flag, *arrays)
    score, slope = arrays[0].copy(), arrays[3].copy()
    for k in range(7 - normal):
        moved = []
        for sign in (1.0, -1.0):
            shifted = np.array(theta)
            shifted[k] += sign * 1e-6
            moved.append((kernel(values, lags, shifted, backcast, flag, *arrays), arrays[2][0]))
        assert (moved[0][0] - moved[1][0]) / 2e-6 == pytest.approx(score[k], rel=1e-4, abs=1e-4)
        if k < 6:
            rate = (moved[0][1] - moved[1][1]) / 2e-6
            assert rate == pytest.approx(slope[k], rel=1e-4, abs=1e-4)


def test_garch_fits_of_kernel_and_twin_are_one() -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_t(5, 700) * np.repeat([0.01, 0.02], 350)
    spec = GarchSpec("t", leverage=True)
    one, other = fit_garch(values, spec), fit_garch(values, spec, twin=True)
    assert one.converged
    assert one.variance == pytest.approx(other.variance, rel=1e-5)
    assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-6)


@given(seed=seeds, rows=st.integers(1, 80), level=st.floats(0.5, 0.995))
@settings(max_examples=60, deadline=None)
def test_empirical_passes(seed: int, rows: int, level: float) -> None:
    kernels, twins = both("empirical")
    rng = np.random.default_rng(seed)
    scenarios, scales, book = rng.normal(size=(rows, 4)), rng.random(4), rng.normal(size=4)
    position = (rows + 1) * (1.0 - level)
    count = min(rows, int(position) + 1)
    found = kernels.order_tail(scenarios, scales, book, 2, 0.7, position, count)
    expected = twins.order_tail(scenarios, scales, book, 2, 0.7, position, count)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@given(seed=seeds)
@settings(max_examples=30, deadline=None)
def test_ring_passes(seed: int) -> None:
    states = []
    for module in both("empirical"):
        source = np.random.default_rng(seed)
        variances, counts = np.full(3, 1e-4), np.zeros(3, dtype=np.int64)
        filled, valid = np.zeros((5, 3), dtype=np.int64), np.zeros(3, dtype=np.int64)
        rows = np.zeros((5, 3))
        for bar in range(12):
            values = source.normal(size=3) * 0.01
            values[source.random(3) < 0.3] = np.nan
            slot = bar % 5
            module.ring_step(
                values, variances, counts, rows[slot], filled[slot], valid, 0.06, 1e-8, 4
            )
        scales, alone = np.zeros(3), np.zeros(3)
        short = module.ring_scales(variances, valid, 5, 3, 1e-8, 0.03, scales, alone)
        states.append(
            np.concatenate([variances, counts, rows.ravel(), valid, scales, alone, [short]])
        )
    np.testing.assert_allclose(states[0], states[1], rtol=1e-12)


@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_copula_passes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    normals, mixing = rng.normal(size=(50, 3)), rng.random(50) * 30
    tables = np.sort(rng.normal(size=(3, 65)), axis=1)
    fars = rng.normal(size=(3, 18))
    book = rng.normal(size=3)
    answers = []
    for module in both("copula"):
        parts, losses = np.empty((50, 3)), np.empty(50)
        module.scenario_parts(normals, mixing, tables, fars, 12.0, 1e6, book, parts)
        module.scenario_losses(normals, mixing, tables, fars, 12.0, 1e6, book, losses)
        np.testing.assert_allclose(parts.sum(axis=1), losses, atol=1e-12)
        answers.append(losses)
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-9)

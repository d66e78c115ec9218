"""The corridor: alarms that noise does not explain, and only those."""

from __future__ import annotations

import numpy as np
import pytest

from protection.contracts.errors import FixInput, FixSettings
from protection.gating import Anchor, GateSettings, Model, Standing, corridor
from protection.gating.dynamics import fit
from protection.gating.dynamics_kernel import compiled, deviance, path, simulate, variances
from protection.gating.null import chances, figures_of, permuted


def rows(seed: int, n: int = 250, p: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, p))


def garch(seed: int, n: int, p: int) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal((n + 100, p))
    out, level = np.empty((n + 100, p)), np.ones(p)
    for t in range(n + 100):
        out[t] = np.sqrt(level) * noise[t]
        level = 0.05 + 0.10 * out[t] ** 2 + 0.85 * level
    return out[100:]


def test_clean_rows_pass_although_their_spectrum_is_over_the_limit():
    found = corridor(rows(1, 250, 6), rows(2, 250, 6))

    assert found.standing is Standing.PASS
    assert found.check("spectrum").beyond
    assert not found.check("spectrum").alarm
    assert "within noise" in found.reason


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda x: x + np.array([0.8, 0.0, 0.0]), "drift"),
        (lambda x: x * np.array([1.5, 1.0, 1.0]), "spectrum"),
        (lambda x: x * np.array([0.6, 1.0, 1.0]), "spectrum"),
        (lambda x: x * 1.4, "divergence"),
        (lambda x: x * 0.5, "anomaly"),
    ],
)
def test_a_change_that_matters_is_rejected_by_name(change, name):
    found = corridor(change(rows(3)), rows(4, 1000))

    assert found.standing is Standing.REJECT
    assert found.check(name).alarm, found.reason
    assert name in found.reason


def test_a_change_that_is_real_but_inside_the_limits_passes():
    found = corridor(rows(5, 4000, 2) + np.array([0.25, 0.0]), rows(6, 4000, 2))

    assert found.check("drift").significant
    assert not found.check("drift").beyond
    assert found.standing is Standing.PASS


def test_the_divergence_alone_warns_before_it_rejects():
    settings = GateSettings(drift=5.0, spectrum=0.99, divergence_warn=0.05, divergence=0.5)
    anchor = rows(7, 2000)
    warned = corridor(rows(8, 2000) + np.array([0.5, 0.0, 0.0]), anchor, settings)
    rejected = corridor(rows(8, 2000) + np.array([1.5, 0.0, 0.0]), anchor, settings)

    assert warned.standing is Standing.WARN
    assert warned.passed
    assert rejected.standing is Standing.REJECT


def test_too_few_rows_are_insufficient_not_good():
    assert corridor(rows(1, 59), rows(2)).standing is Standing.INSUFFICIENT
    assert corridor(rows(1), rows(2, 59)).standing is Standing.INSUFFICIENT
    assert corridor(rows(1, 99, 20), rows(2, 400, 20)).standing is Standing.INSUFFICIENT
    assert "100 needed for 20" in corridor(rows(1, 99, 20), rows(2, 400, 20)).reason
    assert not corridor(rows(1, 59), rows(2)).passed


def test_impossible_input_is_refused_in_words():
    bad = rows(1)
    bad[3, 1] = np.nan
    with pytest.raises(FixInput, match="finite"):
        corridor(bad, rows(2))
    with pytest.raises(FixInput, match="3 columns"):
        corridor(rows(1, 250, 4), rows(2))
    with pytest.raises(FixInput, match="3 columns"):
        corridor(Model.of(rows(1, 250, 4)), rows(2))
    flat = rows(2)
    flat[:, 1] = 5.0
    with pytest.raises(FixInput, match="constant"):
        corridor(rows(1), flat)
    with pytest.raises(FixSettings, match="draws"):
        GateSettings(draws=60, false_alarm=0.01)


def test_a_candidate_with_a_constant_column_is_rejected():
    flat = rows(1)
    flat[:, 1] = 0.0
    found = corridor(flat, rows(2))

    assert found.standing is Standing.REJECT
    assert found.check("divergence").value == np.inf


def test_one_column_and_many_are_judged_alike():
    assert corridor(rows(1, 250, 1), rows(2, 250, 1)).standing is Standing.PASS
    assert corridor(2 * rows(1, 250, 1), rows(2, 250, 1)).standing is Standing.REJECT
    assert corridor(rows(1, 400, 40), rows(2, 400, 40)).standing is Standing.PASS


def test_the_verdict_is_the_same_for_the_same_seed():
    assert repr(corridor(rows(1), rows(2), seed=5)) == repr(corridor(rows(1), rows(2), seed=5))


def test_another_estimator_is_judged_by_its_own_noise():
    def shrunk(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.median(table, axis=0), 0.5 * np.cov(table.T)

    anchor = Anchor(rows(2))
    clean = corridor(rows(1), anchor, estimator=shrunk)
    moved = corridor(rows(1) + 1.0, anchor, estimator=shrunk)

    assert clean.standing is Standing.PASS
    assert clean.eigenvalues[0] == pytest.approx(corridor(rows(1), anchor).eigenvalues[0])
    assert moved.check("drift").alarm


def test_a_model_without_rows_is_judged_by_simulation():
    anchor = Anchor(rows(2, 500))
    clean = corridor(Model.of(rows(1)), anchor)
    wide = corridor(Model.of(1.4 * rows(1)), anchor)

    assert clean.standing is Standing.PASS
    assert wide.standing is Standing.REJECT
    direct = corridor(rows(1), anchor)
    assert clean.check("drift").value == direct.check("drift").value
    assert clean.check("spectrum").quantile == pytest.approx(
        direct.check("spectrum").quantile, rel=0.2
    )


def test_dependence_is_found_where_there_is_some():
    rng = np.random.default_rng(1)
    noise = rng.standard_normal((2000, 2))
    series = np.zeros_like(noise)
    for t in range(1, len(noise)):
        series[t] = 0.5 * series[t - 1] + noise[t]

    assert np.abs(fit(noise, 1000).carry).max() < 0.1
    np.testing.assert_allclose(fit(series, 1000).carry, 0.5, atol=0.05)
    clustered = fit(garch(2, 2000, 3), 1000)
    assert clustered.own == pytest.approx(0.10, abs=0.04)
    assert clustered.persistence == pytest.approx(0.95, abs=0.03)
    assert not clustered.carry.any()


def test_a_doubled_variance_is_not_explained_away_as_clustering():
    caught = 0
    for seed in range(10):
        found = corridor(np.sqrt(2.0) * rows(seed, 500, 2), rows(100 + seed, 500, 2))
        caught += found.standing is Standing.REJECT
    assert caught == 10


def test_the_compiled_loops_agree_with_plain_python():
    plain = [getattr(function, "py_func", function) for function in (variances, deviance, path)]
    squares = rows(1, 60, 3) ** 2
    settings = 0.1, 0.05, 0.8
    np.testing.assert_allclose(
        variances(squares, 30, *settings), plain[0](squares, 30, *settings), rtol=1e-12
    )
    assert deviance(squares, 30, *settings) == pytest.approx(
        plain[1](squares, 30, *settings), rel=1e-12
    )
    levels = variances(squares, 30, *settings)
    assert deviance(squares, 30, *settings) == pytest.approx(
        (np.log(levels) + squares / levels).mean(), rel=1e-12
    )
    one, two = np.empty((40, 3)), np.empty((40, 3))
    order = np.random.default_rng(1).permutation(60)[:50]
    carry = np.array([0.3, 0.0, -0.2])
    path(rows(1, 60, 3), order, 10, carry, *settings, one)
    plain[2](rows(1, 60, 3), order, 10, carry, *settings, two)
    np.testing.assert_allclose(one, two, rtol=1e-12)
    level, value = np.ones(3), np.zeros(3)
    for step, row in enumerate(rows(1, 60, 3)[order]):
        shock = row * np.sqrt(level)
        value = carry * value + shock
        level = 0.05 + 0.1 * shock**2 + 0.05 * (shock**2).mean() + 0.8 * level
        if step >= 10:
            np.testing.assert_allclose(one[step - 10], value, rtol=1e-10)
    assert callable(compiled(lambda x: x))


def test_a_draw_of_the_null_is_the_corridor_of_its_rows():
    first, second = rows(1, 80, 3), rows(2, 70, 3)
    table = np.vstack([first, second])
    drift, anomaly, white = np.empty(1), np.empty(1), np.empty((1, 3, 3))
    order = np.arange(150)[None, :]
    simulate(
        table, order[:, :80].copy(), order[:, 80:].copy(), 0, np.zeros(3), 0.0, 0.0, 0.0,
        drift, white, anomaly,
    )  # fmt: skip
    expected = figures_of(first, Model.of(second), Model.of(first))
    values = np.linalg.eigvalsh(white[0])

    assert np.sqrt(drift[0]) == pytest.approx(expected[0], rel=1e-10)
    assert np.abs(values - 1).max() == pytest.approx(expected[1], rel=1e-10)
    assert anomaly[0] == pytest.approx(expected[3], rel=1e-10)


def test_independent_rows_only_change_places():
    independent = 0
    for seed in range(40):
        first, second = rows(2 * seed, 100, 2), rows(2 * seed + 1, 100, 2)
        found = permuted(first, second, 39, seed=1)
        independent += found.dynamics.independent
        if found.dynamics.independent:
            table = np.vstack([first, second])
            np.testing.assert_allclose(found.dynamics.shocks, table - table.mean(axis=0))
    assert independent >= 25  # four tests at 5% each
    again = permuted(first, second, 39, seed=1)
    np.testing.assert_array_equal(found.figures, again.figures)


def test_chances_are_ranks_among_the_draws():
    draws = np.arange(1, 100, dtype=float)[None, :].repeat(4, axis=0)
    top, overall = chances((1000.0, 1000.0, 1000.0, 1000.0), draws)
    middle, _ = chances((50.5, 50.5, 50.5, 50.5), draws)

    assert overall == pytest.approx(0.01)
    assert max(top) <= 0.0100001
    assert middle[0] == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(("law", "seed"), [("independent", 11), ("garch", 12)])
def test_clean_data_alarm_about_as_often_as_configured(law, seed):
    """160 gates at 5%: 2 to 16 alarms is where fair draws lie in all but 1 of 200 runs."""
    hits, settings = 0, GateSettings(draws=59)
    for gate in range(160):
        if law == "garch":
            first, second = garch(seed + 2 * gate, 100, 2), garch(seed + 2 * gate + 1, 100, 2)
        else:
            first, second = rows(seed + 2 * gate, 100, 2), rows(seed + 2 * gate + 1, 100, 2)
        hits += corridor(second, Anchor(first), settings, seed=gate).overall <= 0.05
    assert 2 <= hits <= 16

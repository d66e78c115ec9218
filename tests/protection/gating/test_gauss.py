"""Drift, spectrum and divergence against torch.distributions and scipy."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protection.contracts.errors import FixInput
from protection.gating import Anchor, Model, compare, noise_of
from protection.gating.anchor import radius_of

GOLDEN = json.loads(
    (Path(__file__).parents[2] / "golden" / "gating" / "gauss_gate.json").read_text("utf-8")
)


@pytest.mark.parametrize("pair", GOLDEN["pairs"], ids=lambda pair: f"p={pair['p']}")
def test_drift_spectrum_and_divergence_agree_with_the_golden_answers(pair):
    drift, values, divergence = compare(
        pair["mu_A"], pair["Sigma_A"], pair["mu_R"], pair["Sigma_R"]
    )
    _, _, back = compare(pair["mu_R"], pair["Sigma_R"], pair["mu_A"], pair["Sigma_A"])

    assert drift == pytest.approx(pair["mahal"], abs=1e-10)
    np.testing.assert_allclose(values, pair["gen_eigs"], rtol=0, atol=1e-10)
    assert divergence == pytest.approx(pair["KL_A_R"], abs=1e-10)
    assert back == pytest.approx(pair["KL_R_A"], abs=1e-10)


def test_the_limits_hang_together_as_the_settings_say():
    eye = np.eye(3)
    corridor = GOLDEN["corridor"]
    for drift, divergence in (
        (0.5, corridor["KL_of_drift_0p5"]),
        (corridor["drift_for_KL_0p1"], 0.1),
        (corridor["drift_for_KL_0p2"], 0.2),
    ):
        found = compare([drift, 0, 0], eye, [0, 0, 0], eye)
        assert found[0] == pytest.approx(drift, rel=1e-12)
        assert found[2] == pytest.approx(divergence, rel=1e-12)
    for value, divergence in (
        (1.15, corridor["KL_per_eig_1p15"]),
        (0.85, corridor["KL_per_eig_0p85"]),
    ):
        found = compare([0, 0, 0], np.diag([value, 1, 1]), [0, 0, 0], eye)
        assert found[2] == pytest.approx(divergence, rel=1e-10)


@pytest.mark.parametrize("row", GOLDEN["null_alarm_rates"], ids=lambda r: f"{r['p']}-{r['n']}")
def test_the_noise_of_the_divergence_is_that_of_the_simulation(row):
    expected = noise_of(row["p"], row["n"], math.inf)
    assert expected == pytest.approx(row["KL_asym"], rel=1e-12)
    assert expected == pytest.approx(row["mean_KL"], rel=0.25)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_nothing_depends_on_units_or_rotation(seed, p):
    rng = np.random.default_rng(seed)
    one, other = rng.standard_normal((2, 3 * p + 5, p))
    turn = rng.standard_normal((p, p)) + 3 * np.eye(p)
    plain = [Model.of(rows) for rows in (one, other)]
    turned = [Model.of(rows @ turn + 7.0) for rows in (one, other)]
    first = compare(plain[0].location, plain[0].covariance, plain[1].location, plain[1].covariance)
    second = compare(
        turned[0].location, turned[0].covariance, turned[1].location, turned[1].covariance
    )

    assert second[0] == pytest.approx(first[0], rel=1e-6, abs=1e-8)
    np.testing.assert_allclose(second[1], first[1], rtol=1e-5)
    assert second[2] == pytest.approx(first[2], rel=1e-5, abs=1e-8)
    assert first[2] >= 0.0


def test_a_singular_candidate_is_infinitely_far_and_a_singular_anchor_is_refused():
    assert compare([0, 0], np.diag([1.0, 0.0]), [0, 0], np.eye(2))[2] == math.inf
    with pytest.raises(FixInput, match="anchor"):
        compare([0, 0], np.eye(2), [0, 0], np.diag([1.0, 0.0]))


@pytest.mark.parametrize("row", GOLDEN["F_threshold"], ids=lambda r: f"{r['p']}-{r['n']}")
def test_the_radius_is_at_least_the_gaussian_one_of_an_estimated_anchor(row):
    squares = np.full(row["n"], 0.5)  # no tail to extrapolate
    radius, proven = radius_of(squares, row["p"], 1e-4)

    assert radius**2 == pytest.approx(row["thr"], rel=1e-9)
    assert not proven


def test_a_long_anchor_proves_its_radius_and_a_short_one_extrapolates_heavy_tails():
    rng = np.random.default_rng(1)
    rows = rng.standard_t(5, (20_000, 2))
    long, short = Anchor(rows), Anchor(rows[:500])
    beyond = (long.distances(rng.standard_t(5, (200_000, 2))) > long.radius).mean()

    assert long.proven
    assert not short.proven
    assert beyond < 3e-4  # promised 1e-4; one order statistic of 20,001 has a relative error of 0.7
    gauss = math.sqrt(18.42)
    assert short.radius > 1.3 * gauss

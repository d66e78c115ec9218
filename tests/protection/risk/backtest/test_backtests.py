"""Backtests give the published statistics and refuse what they cannot judge."""

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
from protection.risk import (
    accept_region,
    acerbi_szekely,
    binomial,
    calibration_line,
    christoffersen,
    conditional_coverage,
    diebold_mariano,
    dynamic_quantile,
    empirical_var_es,
    fissler_ziegel,
    independence,
    kupiec,
    quantile_regression,
    quantile_score,
    student_var_es,
    traffic_light,
)

GOLDEN = Path(__file__).resolve().parents[3] / "golden" / "risk"


def read(name: str) -> Any:
    return json.loads((GOLDEN / name).read_text(encoding="utf-8"))


RISK = read("risk.json")


@pytest.mark.parametrize("case", RISK["kupiec_published"], ids=lambda c: f"{c['x']}/{c['n']}")
def test_kupiecs_statistic_is_the_one_mathworks_prints(case: dict[str, float]) -> None:
    found = kupiec(int(case["n"]), int(case["x"]), case["p"])
    assert found.statistic == pytest.approx(case["mine"], rel=1e-9)
    assert found.statistic == pytest.approx(case["LR"], abs=5e-5)
    assert found.p_value == pytest.approx(case["pvalue"], abs=5e-6)


@pytest.mark.parametrize("case", RISK["kupiec_regions"], ids=lambda c: f"{c['n']}-{c['p']}")
def test_kupiecs_test_accepts_the_published_counts(case: dict[str, float]) -> None:
    expected = (case["accept_min"], case["accept_max"])
    assert accept_region(int(case["n"]), case["p"]) == expected


def test_no_exceedance_and_nothing_but_exceedances_have_a_kupiec_statistic() -> None:
    assert kupiec(250, 0, 0.01).statistic == pytest.approx(-500 * math.log(0.99))
    assert kupiec(10, 10, 0.01).statistic == pytest.approx(-20 * math.log(0.01))
    assert kupiec(1000, 10, 0.01).statistic == 0.0
    assert kupiec(1000, 10, 0.01).p_value == 1.0


def test_independence_is_the_one_mathworks_prints() -> None:
    case = RISK["cci_published"]
    found = independence(case["n00"], case["n01"], case["n10"], case["n11"])
    assert found.statistic == pytest.approx(case["LR"], abs=5e-5)
    assert found.p_value == pytest.approx(case["pvalue"], abs=5e-6)


def test_christoffersen_counts_the_transitions_itself() -> None:
    hits = np.array([0, 0, 1, 1, 0, 0, 0, 1, 0, 0])
    # 0->0: four, 0->1: two, 1->0: two, 1->1: one.
    assert christoffersen(hits) == independence(4, 2, 2, 1)
    together = conditional_coverage(hits, 0.05)
    parts = kupiec(10, 3, 0.05).statistic + christoffersen(hits).statistic
    assert together.statistic == pytest.approx(parts)
    assert together.freedom == 2


def test_clustered_hits_are_found_and_scattered_ones_are_not() -> None:
    rng = np.random.default_rng(2)
    scattered = rng.random(2000) < 0.05
    clustered = np.repeat(rng.random(400) < 0.05, 5)
    assert christoffersen(scattered).p_value > 0.05
    assert christoffersen(clustered).p_value < 1e-6
    assert dynamic_quantile(scattered, np.full(2000, 0.02), 0.05).p_value > 0.05
    assert dynamic_quantile(clustered, np.full(2000, 0.02), 0.05).p_value < 1e-6


def test_christoffersen_without_an_exceedance_has_no_evidence_and_says_so() -> None:
    found = christoffersen(np.zeros(100))
    assert (found.statistic, found.p_value) == (0.0, 1.0)
    assert "no evidence" in found.note


def test_a_constant_var_costs_the_dq_test_one_degree_of_freedom() -> None:
    hits = np.random.default_rng(1).random(1000) < 0.05
    assert dynamic_quantile(hits, np.full(1000, 0.02), 0.05).freedom == 5
    moving = 0.02 + 0.01 * np.random.default_rng(2).random(1000)
    assert dynamic_quantile(hits, moving, 0.05).freedom == 6


def test_the_dq_statistic_has_its_chi_square_size() -> None:
    rng = np.random.default_rng(7)
    rejected = sum(
        dynamic_quantile(rng.random(1500) < 0.05, 0.02 + 0.01 * rng.random(1500), 0.05).p_value
        < 0.05
        for _ in range(200)
    )
    assert 2 <= rejected <= 22


def test_the_exact_test_sums_the_probabilities_of_counts_no_likelier() -> None:
    from scipy import stats

    pmf = stats.binom.pmf(np.arange(251), 250, 0.01)
    for count in (0, 3, 7):
        expected = pmf[pmf <= pmf[count] * (1 + 1e-9)].sum()
        assert binomial(250, count, 0.01).p_value == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("case", RISK["traffic"], ids=lambda c: f"x={c['x']}")
def test_the_traffic_light_has_the_basel_zones(case: dict[str, float]) -> None:
    found = traffic_light(int(case["x"]))
    zone = "green" if case["x"] <= 4 else "yellow" if case["x"] <= 9 else "red"
    assert found.zone == zone
    assert found.cumulative == pytest.approx(case["cdf"], rel=1e-9)


@pytest.mark.parametrize("case", RISK["acerbi_szekely"], ids=lambda c: c["dist"])
def test_null_quantiles_of_the_shortfall_tests(case: dict[str, Any]) -> None:
    rng = np.random.default_rng(17)
    df = None if case["dist"] == "normal" else float(case["dist"][1:])
    found = []
    for _ in range(1500):
        pnl = rng.standard_normal(250) if df is None else rng.standard_t(df, 250)
        test = acerbi_szekely(pnl, case["VaR"], case["ES"], 0.975)
        found.append((test.z1, test.z2))
    z1, z2 = np.array(found).T
    assert np.quantile(z2, 0.05) == pytest.approx(case["Z2_q05"], abs=0.09)
    assert np.nanquantile(z1, 0.05) == pytest.approx(case["Z1_q05"], abs=0.06)
    assert z2.mean() == pytest.approx(0.0, abs=0.05)


def test_shortfall_statistics_by_hand() -> None:
    pnl = np.array([-3.0, 1.0, -0.5, -2.5])
    found = acerbi_szekely(pnl, 2.0, 2.5, 0.75)
    assert found.exceedances == 2
    assert found.z1 == pytest.approx(1.0 - (3.0 + 2.5) / 2.5 / 2)
    assert found.z2 == pytest.approx(1.0 - (3.0 + 2.5) / 2.5 / (4 * 0.25))
    quiet = acerbi_szekely(np.ones(10), 2.0, 2.5, 0.975)
    assert math.isnan(quiet.z1)
    assert quiet.z2 == 1.0
    assert quiet.zone == "green"


def test_an_es_that_is_too_small_is_red_and_improbable() -> None:
    rng = np.random.default_rng(3)
    pnl = rng.standard_t(3, 2000)
    var, es = student_var_es(math.inf, 0.975)
    wrong = acerbi_szekely(pnl, var, es, 0.975, simulations=500)
    assert wrong.zone in ("yellow", "red")
    assert wrong.p_value < 0.01
    var, es = student_var_es(3.0, 0.975)
    assert acerbi_szekely(pnl, var, es, 0.975, simulations=500).p_value > 0.05


def test_the_joint_score_is_least_at_the_true_var_and_es() -> None:
    losses = np.random.default_rng(4).standard_t(5, 200_000)
    var, es = student_var_es(5.0, 0.975)
    best = fissler_ziegel(losses, var, es, 0.975).mean()
    for a, b in ((1.1, 1.0), (0.9, 1.0), (1.0, 1.1), (1.0, 0.9), (0.8, 0.8), (1.2, 1.2)):
        assert fissler_ziegel(losses, var * a, es * b, 0.975).mean() > best


def test_score_differences_do_not_depend_on_the_unit() -> None:
    losses = np.random.default_rng(4).standard_t(5, 500)
    gap = fissler_ziegel(losses, 2.0, 3.0, 0.975) - fissler_ziegel(losses, 1.8, 2.9, 0.975)
    scaled = fissler_ziegel(100 * losses, 200.0, 300.0, 0.975) - fissler_ziegel(
        100 * losses, 180.0, 290.0, 0.975
    )
    np.testing.assert_allclose(gap, scaled, atol=1e-12)


def test_the_quantile_score_is_least_at_the_sample_quantile() -> None:
    losses = np.random.default_rng(6).standard_normal(999)
    best = empirical_var_es(losses, 0.95)[0]
    scores = [quantile_score(losses, np.full(999, best + d), 0.95).mean() for d in (-0.2, 0, 0.2)]
    assert scores[1] == min(scores)


def test_equal_scores_are_not_different_and_lower_ones_are_better() -> None:
    rng = np.random.default_rng(9)
    scores = rng.normal(size=400)
    same = diebold_mariano(scores, scores)
    assert (same.statistic, same.p_value) == (0.0, 1.0)
    better = diebold_mariano(scores - 0.5 + 0.1 * rng.normal(size=400), scores)
    assert better.difference < 0
    assert better.p_value < 1e-10
    assert better.p_better < better.p_value
    mirror = diebold_mariano(scores, scores - 0.5 + 0.1 * np.ones(400))
    assert mirror.difference > 0


def test_diebold_mariano_rejects_a_true_null_as_often_as_it_says() -> None:
    rng = np.random.default_rng(10)
    rejected = 0
    for _ in range(300):
        shock = rng.normal(size=401)
        rejected += diebold_mariano(shock[1:] + 0.5 * shock[:-1], np.zeros(400)).p_value < 0.05
    assert 4 <= rejected <= 34


def test_diebold_mariano_without_lags_is_the_t_test() -> None:
    from scipy import stats

    gap = np.random.default_rng(12).normal(0.1, 1.0, 200)
    found = diebold_mariano(gap, np.zeros(200), lags=0)
    assert found.p_value == pytest.approx(stats.ttest_1samp(gap, 0.0).pvalue, rel=1e-9)


def test_quantile_regression_is_rs() -> None:
    golden = read("quantreg.json")
    rows = golden["data"]
    x = np.array([[row["x1"], row["x2"]] for row in rows])
    y = np.array([row["y"] for row in rows])
    for level, coefficients, total in zip(
        golden["tau"], golden["coef"], golden["pinball_sum"], strict=True
    ):
        found = quantile_regression(y, x, level)
        np.testing.assert_allclose(found, coefficients, atol=1e-8)
        away = y - np.column_stack([np.ones(len(y)), x]) @ found
        assert np.where(away > 0, level * away, (level - 1) * away).sum() == pytest.approx(total)


def test_the_calibration_line_of_right_forecasts_is_the_diagonal() -> None:
    rng = np.random.default_rng(13)
    sigma = np.exp(rng.normal(size=4000) * 0.5)
    losses = sigma * rng.standard_normal(4000)
    intercept, slope = calibration_line(losses, 1.6449 * sigma, 0.95)
    assert intercept == pytest.approx(0.0, abs=0.15)
    assert slope == pytest.approx(1.0, abs=0.12)


@given(
    n=st.integers(1, 2000),
    share=st.floats(0, 1),
    chance=st.floats(0.001, 0.5),
)
@settings(max_examples=80, deadline=None)
def test_p_values_are_probabilities(n: int, share: float, chance: float) -> None:
    x = int(share * n)
    for found in (kupiec(n, x, chance), binomial(n, x, chance)):
        assert 0.0 <= found.p_value <= 1.0 + 1e-9
        assert found.statistic >= 0.0


@pytest.mark.parametrize(
    "call",
    [
        lambda: kupiec(0, 0, 0.01),
        lambda: kupiec(10, 11, 0.01),
        lambda: kupiec(10, 1, 1.0),
        lambda: christoffersen([0, 2, 1]),
        lambda: christoffersen([]),
        lambda: christoffersen(np.zeros((2, 2))),
        lambda: dynamic_quantile([0, 1], [0.1, 0.2], 0.05),
        lambda: acerbi_szekely([1.0], 0.1, -0.2, 0.975),
        lambda: acerbi_szekely([math.nan], 0.1, 0.2, 0.975),
        lambda: acerbi_szekely([1.0, 2.0], [0.1] * 3, 0.2, 0.975),
        lambda: fissler_ziegel([0.1], 0.1, 0.0, 0.975),
        lambda: diebold_mariano([1.0] * 5, [2.0] * 5),
        lambda: diebold_mariano([math.inf] * 20, [2.0] * 20),
        lambda: quantile_regression([1.0, 2.0], [1.0, 2.0], 0.5),
        lambda: traffic_light(-1),
    ],
)
def test_impossible_input_is_refused_with_what_was_expected(call: Any) -> None:
    with pytest.raises(FixInput, match="expected"):
        call()

"""Tail fits give the answers of R's packages and of the literature."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from protection.contracts import FixInput
from protection.risk import (
    GarchSpec,
    ShapePrior,
    cornish_fisher_quantile,
    cornish_fisher_var_es,
    fit_garch,
    fit_gpd,
    fit_student_t,
    pool_shapes,
    pot_interval,
    pot_var_es,
    student_var_es,
    t_tail_dependence,
)
from protection.risk.tails.cornish_fisher import in_domain, parameters_of, polynomial_moments

GOLDEN = Path(__file__).resolve().parents[3] / "golden" / "risk"


def read(name: str) -> Any:
    return json.loads((GOLDEN / name).read_text(encoding="utf-8"))


DANISH = np.loadtxt(GOLDEN / "danish.csv", skiprows=1)
EXCHANGE = np.loadtxt(GOLDEN / "dem2gbp.csv", skiprows=1)
RISK = read("risk.json")


@pytest.mark.parametrize("case", read("gpd_danish.json"), ids=lambda case: f"u={case['u']}")
@pytest.mark.parametrize("twin", [False, True], ids=["compiled", "numpy"])
def test_the_danish_fire_losses_have_evds_pareto_tail(case: dict[str, Any], twin: bool) -> None:
    excesses = DANISH[case["u"] < DANISH] - case["u"]
    fit = fit_gpd(excesses, twin=twin)
    assert fit.converged
    assert fit.count == case["nu"]
    assert fit.shape == pytest.approx(case["xi_evd"], abs=1e-4)
    assert fit.scale == pytest.approx(case["beta_evd"], rel=1e-4)
    assert fit.shape_error == pytest.approx(case["se"]["shape"], rel=1e-3)
    assert fit.scale_error == pytest.approx(case["se"]["scale"], rel=1e-3)
    assert -fit.log_likelihood == pytest.approx(case["nll"], abs=1e-6)
    for level, var, es in zip(case["q"], case["VaR"], case["ES"], strict=True):
        assert pot_var_es(DANISH, level, case["u"]) == pytest.approx((var, es), rel=1e-3)


def test_the_danish_fire_losses_give_mcneils_printed_figures() -> None:
    fit = fit_gpd(DANISH[DANISH > 10] - 10)
    var, es = pot_var_es(DANISH, 0.99, 10.0)
    assert (round(fit.shape, 2), round(fit.scale, 2)) == (0.50, 6.98)
    assert (round(var, 1), round(es, 1)) == (27.3, 58.2)


def test_the_interval_of_a_pareto_tail_holds_mcneils_estimate_and_leans_upwards() -> None:
    low, high, es_low, es_high = pot_interval(DANISH, 0.99, 10.0)
    var, es = pot_var_es(DANISH, 0.99, 10.0)
    assert low < var < high
    assert es_low < es < es_high
    assert es_high - es > es - es_low


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(11)
    truth = student_var_es(4.0, 0.99)
    covered = np.zeros(2)
    for _ in range(150):
        losses = rng.standard_t(4.0, 1000)
        low, high, es_low, es_high = pot_interval(
            losses, 0.99, float(np.quantile(losses, 0.9)), prior=ShapePrior()
        )
        covered += low <= truth[0] <= high, es_low <= truth[1] <= es_high
    # 90% asked; three standard errors of 150 draws are 7.3%.
    assert (covered / 150 > 0.82).all()
    assert (covered / 150 < 0.975).all()


def test_pooling_gives_a_prior_near_the_shape_the_series_share() -> None:
    rng = np.random.default_rng(5)
    fits = [fit_gpd((rng.random(80) ** -0.25 - 1.0) / 0.25) for _ in range(40)]
    prior = pool_shapes(fits)
    assert prior.mean == pytest.approx(0.25, abs=0.06)
    assert prior.deviation < 0.12
    with pytest.raises(FixInput, match="two converged fits"):
        pool_shapes(fits[:1])


def test_a_prior_pulls_the_shape_of_few_excesses_towards_its_mean() -> None:
    few = DANISH[DANISH > 20] - 20
    free, held = fit_gpd(few).shape, fit_gpd(few, prior=ShapePrior(0.2, 0.1)).shape
    assert 0.2 < held < free
    assert fit_gpd(few, prior=ShapePrior(0.2, 100.0)).shape == pytest.approx(free, abs=1e-4)


@pytest.mark.parametrize("twin", [False, True], ids=["compiled", "numpy"])
def test_garch_of_the_exchange_rate_gives_the_published_benchmark(twin: bool) -> None:
    golden = read("garch_dem2gbp.json")
    fit = fit_garch(EXCHANGE, GarchSpec("normal"), twin=twin)
    assert fit.converged
    found = (fit.mu, fit.omega, fit.alpha, fit.beta)
    assert found == pytest.approx(tuple(golden["norm"].values()), abs=1e-3)
    assert found == pytest.approx((-0.006174, 0.010761, 0.153139, 0.805978), abs=2e-5)
    assert -fit.log_likelihood == pytest.approx(golden["norm_llh"], abs=0.01)


def test_student_garch_of_the_exchange_rate_is_fgarchs_up_to_stationarity() -> None:
    golden = read("garch_dem2gbp.json")
    assert golden["std"]["alpha1"] + golden["std"]["beta1"] > 1.0
    fit = fit_garch(EXCHANGE, GarchSpec("t"))
    assert fit.persistence < 1.0
    assert -fit.log_likelihood == pytest.approx(golden["std_llh"], abs=0.5)
    assert fit.nu == pytest.approx(golden["std"]["shape"], rel=0.06)
    assert math.sqrt(fit.variance) == pytest.approx(0.3612, abs=2e-3)


@pytest.mark.parametrize("case", RISK["var_es"], ids=lambda c: f"{c.get('nu', 'normal')}-{c['q']}")
def test_student_var_and_es_are_the_closed_forms(case: dict[str, Any]) -> None:
    df = case.get("nu", math.inf)
    assert student_var_es(df, case["q"]) == pytest.approx((case["VaR"], case["ES"]), rel=1e-8)
    if "ES_quad" in case:
        assert student_var_es(df, case["q"])[1] == pytest.approx(case["ES_quad"], rel=1e-8)
        unit = student_var_es(df, case["q"], unit_variance=True)
        assert unit == pytest.approx((case["VaR_unit_var"], case["ES_unit_var"]), rel=1e-8)


def test_unit_variance_student_figures_of_the_literature() -> None:
    assert student_var_es(4, 0.99, unit_variance=True) == pytest.approx((2.649492, 3.691510))
    assert student_var_es(4, 0.95, unit_variance=True)[0] < student_var_es(math.inf, 0.95)[0]
    assert student_var_es(1.0, 0.99)[1] == math.inf
    with pytest.raises(FixInput, match="variance is infinite"):
        student_var_es(2.0, 0.99, unit_variance=True)


@pytest.mark.parametrize("case", RISK["cornish_fisher"], ids=lambda c: f"S={c['S']},K={c['K']}")
def test_cornish_fisher_is_refused_exactly_where_it_is_not_monotone(case: dict[str, Any]) -> None:
    assert in_domain(case["S"], case["K"]) == case["monotone"]
    if case["monotone"]:
        for chance, known in ((0.01, case["z99"]), (0.05, case["z95"])):
            found = cornish_fisher_quantile(chance, case["S"], case["K"])
            assert found == pytest.approx(known, rel=1e-9)
    else:
        with pytest.raises(FixInput, match="domain"):
            cornish_fisher_quantile(0.01, case["S"], case["K"])


@pytest.mark.parametrize("row", RISK["cf_domain"], ids=lambda row: f"S={row['S']}")
def test_the_domain_of_cornish_fisher_has_maillards_borders(row: dict[str, float]) -> None:
    assert in_domain(row["S"], row["Kmin"] + 2e-3)
    assert in_domain(row["S"], row["Kmax"] - 2e-3)
    assert not in_domain(row["S"], row["Kmin"] - 2e-3)
    assert not in_domain(row["S"], row["Kmax"] + 2e-3)


def test_cornish_fisher_shortfall_is_the_integral_of_its_quantiles() -> None:
    var, es = cornish_fisher_var_es(0.975, -0.5, 3.0)
    chances = (np.arange(4000) + 0.5) / 4000 * 0.025
    quantiles = [cornish_fisher_quantile(float(c), -0.5, 3.0) for c in chances]
    assert es == pytest.approx(-np.mean(quantiles), rel=2e-3)
    assert var == pytest.approx(-cornish_fisher_quantile(0.025, -0.5, 3.0))


def test_cornish_fisher_parameters_are_inverted_to_the_moments_asked_for() -> None:
    found = parameters_of(-0.4, 2.0)
    assert found is not None
    assert polynomial_moments(found[0], found[1])[1:] == pytest.approx((-0.4, 2.0), abs=1e-7)
    assert parameters_of(-0.4, 60.0) is None


@pytest.mark.parametrize("case", read("tcopula_tail.json")["tcopula_tail"], ids=str)
def test_tail_dependence_of_the_t_copula(case: dict[str, float]) -> None:
    assert t_tail_dependence(case["nu"], case["rho"]) == pytest.approx(case["lam"], abs=1e-9)


@pytest.mark.parametrize("df", [0.8, 2.0, 4.0, 12.0])
def test_student_fits_are_no_worse_than_scipys(df: float) -> None:
    from scipy import stats

    sample = stats.t.rvs(df, 5e-4, 0.01, size=800, random_state=np.random.default_rng(3))
    fit, twin = fit_student_t(sample), fit_student_t(sample, twin=True)
    theirs = stats.t.fit(sample)
    assert fit.log_likelihood >= stats.t.logpdf(sample, *theirs).sum() - 1e-6
    assert fit.log_likelihood == pytest.approx(
        stats.t.logpdf(sample, fit.df, fit.loc, fit.scale).sum(), rel=1e-10
    )
    assert fit.df == pytest.approx(theirs[0], rel=2e-3)
    assert (twin.df, twin.loc, twin.scale) == pytest.approx((fit.df, fit.loc, fit.scale), rel=1e-7)


@pytest.mark.parametrize("shape", [-0.4, 0.0, 0.3, 1.0, 2.5])
def test_pareto_fits_are_no_worse_than_scipys_even_without_a_mean(shape: float) -> None:
    from scipy import stats

    rng = np.random.default_rng(8)
    sample = stats.genpareto.rvs(shape, scale=2e-3, size=250, random_state=rng)
    fit = fit_gpd(sample)
    theirs = stats.genpareto.fit(sample, floc=0)
    assert fit.converged
    assert fit.log_likelihood >= stats.genpareto.logpdf(sample, *theirs).sum() - 1e-6
    assert fit.shape == pytest.approx(theirs[0], abs=2e-4)
    assert fit_gpd(sample, twin=True).shape == pytest.approx(fit.shape, abs=1e-8)

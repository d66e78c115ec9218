"""Every tail model keeps one contract on any data."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from protection.contracts import FixInput
from protection.risk import (
    ConservativeTail,
    CornishFisher,
    FilteredHistorical,
    GarchEvt,
    GarchT,
    Gaussian,
    Historical,
    PeaksOverThreshold,
    RiskMetrics,
    StudentT,
    TailModel,
    empirical_var_es,
    recommended,
    student_var_es,
)

LEVELS = (0.5, 0.9, 0.95, 0.975, 0.99, 0.995, 0.999)
MODELS: dict[str, Callable[[], TailModel]] = {
    "historical": Historical,
    "gaussian": Gaussian,
    "riskmetrics": RiskMetrics,
    "student": StudentT,
    "pot": PeaksOverThreshold,
    "cornish-fisher": CornishFisher,
    "garch-t": GarchT,
    "garch-t-leverage": lambda: GarchT(leverage=True),
    "fhs": FilteredHistorical,
    "garch-evt": GarchEvt,
    "mcneil-frey": GarchEvt.mcneil_frey,
}
every_model = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
translating = pytest.mark.parametrize(
    "make",
    [make for name, make in MODELS.items() if name != "riskmetrics"],
    ids=[name for name in MODELS if name != "riskmetrics"],
)
seeds = st.integers(0, 2**32 - 1)


def clustered(seed: int, size: int = 1100) -> NDArray[np.float64]:
    """Returns with volatility clusters and fat tails."""
    rng = np.random.default_rng(seed)
    shocks = rng.standard_t(6, size) / math.sqrt(1.5)
    values, variance = np.empty(size), 1e-4
    for t in range(size):
        values[t] = 3e-4 + math.sqrt(variance) * shocks[t]
        variance = 2e-6 + 0.09 * (values[t] - 3e-4) ** 2 + 0.89 * variance
    return values


@every_model
@given(seed=seeds)
@settings(max_examples=6, deadline=None)
def test_answers_rise_with_the_level_and_es_is_not_below_var(
    make: Callable[[], TailModel], seed: int
) -> None:
    model = make().fit(clustered(seed))
    var = [model.var(level) for level in LEVELS]
    es = [model.es(level) for level in LEVELS]
    assert var == sorted(var)
    assert es == sorted(es)
    assert all(e >= v for v, e in zip(var, es, strict=True))
    assert not model.diagnostics.fallback or make is MODELS["cornish-fisher"]


@every_model
@given(seed=seeds, factor=st.floats(1e-3, 1e3))
@settings(max_examples=5, deadline=None)
def test_answers_scale_with_the_returns(
    make: Callable[[], TailModel], seed: int, factor: float
) -> None:
    values = clustered(seed)
    one, other = make().fit(values), make().fit(factor * values)
    for level in (0.95, 0.99):
        assert other.var(level) == pytest.approx(factor * one.var(level), rel=1e-3)
        assert other.es(level) == pytest.approx(factor * one.es(level), rel=1e-3)


@translating
@given(seed=seeds, shift=st.floats(-0.02, 0.02))
@settings(max_examples=5, deadline=None)
def test_a_sure_gain_lowers_the_loss_by_itself(
    make: Callable[[], TailModel], seed: int, shift: float
) -> None:
    values = clustered(seed)
    one, other = make().fit(values), make().fit(values + shift)
    if one.diagnostics.fallback:
        return
    for level in (0.95, 0.99):
        assert other.var(level) == pytest.approx(one.var(level) - shift, abs=5e-5)
        assert other.es(level) == pytest.approx(one.es(level) - shift, abs=5e-5)


@every_model
def test_intervals_hold_the_estimate(make: Callable[[], TailModel]) -> None:
    model = make().fit(clustered(1, 2500))
    for level in (0.95, 0.99):
        found = model.interval(level)
        assert found.method
        if math.isnan(found.var_low):
            assert make is MODELS["cornish-fisher"]
            continue
        assert found.var_low <= model.var(level) <= found.var_high
        assert found.es_low <= model.es(level) <= found.es_high
        wide = model.interval(level, 0.99)
        assert wide.var_low <= found.var_low
        assert wide.var_high >= found.var_high


def test_garch_intervals_cover_the_true_var() -> None:
    covered = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        values, variance = np.empty(1500), 1e-4
        for t in range(1500):
            values[t] = math.sqrt(variance) * rng.standard_t(6) / math.sqrt(1.5)
            variance = 2e-6 + 0.09 * values[t] ** 2 + 0.89 * variance
        truth = math.sqrt(variance) * student_var_es(6.0, 0.99, unit_variance=True)[0]
        found = GarchEvt().fit(values).interval(0.99)
        covered += found.var_low <= truth <= found.var_high
    # 90% asked; two and a half standard errors of 40 draws are 12%.
    assert covered >= 31


PATHOLOGIES: dict[str, NDArray[np.float64]] = {
    "none": np.empty(0),
    "all missing": np.full(800, math.nan),
    "short": 0.01 * np.random.default_rng(0).standard_normal(30),
    "zero": np.zeros(800),
    "constant": np.full(800, 1e-3),
    "one move": np.concatenate([np.zeros(500), [0.1], np.zeros(500)]),
    "mostly still": np.where(
        np.random.default_rng(1).random(1200) < 0.05,
        0.01 * np.random.default_rng(2).standard_normal(1200),
        0.0,
    ),
    "alternating": np.tile([0.01, -0.01], 600),
    "outlier": np.append(0.01 * np.random.default_rng(3).standard_normal(1199), -1e6),
    "tiny": 1e-12 * np.random.default_rng(4).standard_normal(1200),
    "huge": 1e9 * np.random.default_rng(5).standard_normal(1200),
    "cauchy": 0.01 * np.random.default_rng(6).standard_cauchy(1200),
    "no mean": -0.01 * np.random.default_rng(7).pareto(0.7, 1200),
    "gaps": np.where(np.random.default_rng(8).random(1200) < 0.3, math.nan, clustered(8, 1200)),
    "trend": np.linspace(0.0, 1.0, 1200),
    "three values": np.random.default_rng(9).integers(-1, 2, 1200) * 0.01,
    "waking": np.concatenate([np.zeros(1100), clustered(9, 100)]),
}


@every_model
@pytest.mark.parametrize("values", PATHOLOGIES.values(), ids=PATHOLOGIES.keys())
@pytest.mark.filterwarnings("error")
def test_no_data_breaks_a_model(make: Callable[[], TailModel], values: NDArray[np.float64]) -> None:
    model = make().fit(values)
    var = [model.var(level) for level in LEVELS]
    es = [model.es(level) for level in LEVELS]
    assert np.isfinite(var).all()
    assert not np.isnan(es).any()
    assert (np.diff(var) >= -1e-12 * np.abs(var[1:])).all()
    assert all(e >= v for v, e in zip(var, es, strict=True))
    assert math.isfinite(model.var(0.99, 10))
    model.interval(0.99)
    model.update(0.01)
    model.update(math.nan)
    assert math.isfinite(model.var(0.99))
    assert model.diagnostics.model == model.name


@every_model
@pytest.mark.parametrize("name", ["none", "all missing", "short", "zero", "constant"])
def test_data_that_say_nothing_get_the_conservative_answer_and_say_so(
    make: Callable[[], TailModel], name: str
) -> None:
    model = make().fit(PATHOLOGIES[name])
    assert model.diagnostics.fallback
    assert not model.diagnostics.converged
    assert "expected" in model.diagnostics.warnings[0]
    assert model.estimate(0.99).basis.startswith("conservative")
    least = 0.01 if name == "short" else 0.03
    assert model.var(0.99) >= least * student_var_es(3.0, 0.99, unit_variance=True)[0]
    assert math.isnan(model.interval(0.99).var_high)


def test_a_tail_without_a_mean_has_an_infinite_shortfall() -> None:
    losses = PATHOLOGIES["no mean"]
    pareto = PeaksOverThreshold(prior=None).fit(losses)
    assert pareto.diagnostics.parameters["shape"] >= 1.0
    assert pareto.es(0.99) == math.inf
    assert math.isfinite(pareto.var(0.99))
    assert any("infinite" in warning for warning in pareto.diagnostics.warnings)
    student = StudentT().fit(0.01 * np.random.default_rng(6).standard_t(0.8, 3000))
    assert student.es(0.99) == math.inf


def test_cornish_fisher_falls_back_outside_its_domain() -> None:
    values = PATHOLOGIES["cauchy"]
    model = CornishFisher().fit(values)
    assert model.diagnostics.fallback
    assert "domain" in model.diagnostics.warnings[0]
    inside = CornishFisher().fit(0.01 * np.random.default_rng(2).standard_t(12, 2000))
    assert not inside.diagnostics.fallback


def test_historical_is_the_rank_rule_and_exceeded_as_often_as_it_says() -> None:
    losses = np.arange(1.0, 100.0)
    assert empirical_var_es(losses, 0.95)[0] == pytest.approx(
        np.quantile(losses, 0.95, method="weibull")
    )
    assert empirical_var_es([3.0, 1.0], 0.99) == (3.0, 3.0)
    rng = np.random.default_rng(5)
    samples = rng.standard_normal((20_000, 60))
    exceeded = [empirical_var_es(row[:-1], 0.95)[0] < row[-1] for row in samples]
    assert np.mean(exceeded) == pytest.approx(0.05, abs=0.005)


@given(seed=seeds, rows=st.integers(1, 60), level=st.floats(0.3, 0.999))
@settings(max_examples=80, deadline=None)
def test_the_empirical_shortfall_is_the_mean_of_the_quantiles_above(
    seed: int, rows: int, level: float
) -> None:
    losses = np.random.default_rng(seed).standard_normal(rows)
    chances = level + (1.0 - level) * (np.arange(4000) + 0.5) / 4000
    expected = np.quantile(losses, chances, method="weibull").mean()
    assert empirical_var_es(losses, level)[1] == pytest.approx(expected, abs=2e-3)


@given(seed=seeds, level=st.floats(0.6, 0.999))
@settings(max_examples=60, deadline=None)
def test_the_empirical_shortfall_rewards_diversification(seed: int, level: float) -> None:
    rng = np.random.default_rng(seed)
    one, other = rng.standard_t(3, 90), rng.standard_t(3, 90)
    apart = empirical_var_es(one, level)[1] + empirical_var_es(other, level)[1]
    assert empirical_var_es(one + other, level)[1] <= apart + 1e-9


def test_pareto_and_order_statistics_meet_at_the_threshold() -> None:
    values = clustered(3, 2000)
    model = PeaksOverThreshold(share=0.1).fit(values)
    assert model.var(0.9 - 1e-9) == pytest.approx(model.var(0.9 + 1e-9), rel=1e-6)
    assert model.es(0.9 - 1e-9) == pytest.approx(model.es(0.9 + 1e-9), rel=1e-6)
    assert model.var(0.8) == pytest.approx(empirical_var_es(-values, 0.8)[0])


def test_horizons_grow_by_the_stated_rule() -> None:
    values = clustered(4, 1500)
    historical = Historical().fit(values)
    assert historical.var(0.99, 9) == pytest.approx(3 * historical.var(0.99))
    student = StudentT().fit(0.01 * np.random.default_rng(1).standard_t(1.5, 2000))
    df = student.diagnostics.parameters["df"]
    assert student.var(0.99, 8) == pytest.approx(8 ** (1 / df) * student.var(0.99))
    garch = GarchT().fit(values)
    path = [garch.var(0.99, h) for h in (1, 2, 5, 20, 250)]
    assert path == sorted(path)
    known = garch.diagnostics.parameters
    long_run = known["omega"] / (1 - known["alpha"] - known["beta"])
    quantile = student_var_es(known["nu"], 0.99, unit_variance=True)[0]
    far = garch.var(0.99, 100_000) + 100_000 * known["mu"]
    assert far == pytest.approx(quantile * math.sqrt(100_000 * long_run), rel=0.02)


def test_simulated_horizons_agree_with_one_step_and_repeat() -> None:
    model = FilteredHistorical(paths=40_000).fit(clustered(5, 2000))
    one = model.var(0.95)
    simulated = model._many(0.95, 1)[0]
    assert simulated == pytest.approx(one, rel=0.03)
    assert model.var(0.99, 10) == model.var(0.99, 10)
    assert 2.0 * one < model.var(0.95, 10) < 5.0 * one


def test_a_step_is_the_recursion_and_not_a_new_fit() -> None:
    values = clustered(6, 1500)
    model = GarchT(leverage=True).fit(values[:-1])
    before = model.diagnostics.parameters
    model.update(float(values[-1]))
    after = model.diagnostics.parameters
    residual = values[-1] - before["mu"]
    react = before["alpha"] + before["gamma"] * (residual < 0)
    expected = before["omega"] + react * residual**2 + before["beta"] * before["volatility"] ** 2
    assert after["volatility"] == pytest.approx(math.sqrt(expected), rel=1e-12)
    assert after["alpha"] == before["alpha"]


def test_the_recommended_model_is_garch_with_leverage_and_a_pareto_tail() -> None:
    model = recommended()
    assert isinstance(model, GarchEvt)
    assert model.spec.leverage
    assert model.prior is not None


@every_model
def test_impossible_calls_are_refused(make: Callable[[], TailModel]) -> None:
    with pytest.raises(FixInput, match=r"call fit"):
        make().var(0.99)
    with pytest.raises(FixInput, match="infinite"):
        make().fit([0.1, math.inf])
    with pytest.raises(FixInput, match="one dimension"):
        make().fit(np.zeros((3, 3)))
    model = make().fit(clustered(1))
    with pytest.raises(FixInput, match=r"write 0.99 for 99%"):
        model.var(99)
    with pytest.raises(FixInput, match="horizon"):
        model.var(0.99, 0)
    with pytest.raises(FixInput, match="infinite"):
        model.update(math.inf)


def test_the_fallback_errs_upwards() -> None:
    rng = np.random.default_rng(1)
    above = 0
    for _ in range(200):
        tail = ConservativeTail(0.03)
        for value in (0.01 * rng.standard_t(4, 60) / math.sqrt(2.0)).tolist():
            tail.update(value)
        truth = 0.01 * student_var_es(4.0, 0.99, unit_variance=True)[0]
        above += tail.var_es(0.99)[0] >= truth
    assert above >= 180
    with pytest.raises(FixInput, match="prior_volatility"):
        ConservativeTail(0.0)

"""Optimizers against scipy's solvers and closed forms; models that use them on recorded prices."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from framework_kit import DOWN, UP, Stand, share
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.optimize import minimize as scipy_minimize

from engine.framework.construction.optimized import (
    BlackLittermanOptimizationPortfolioConstructionModel,
    MeanVarianceOptimizationPortfolioConstructionModel,
    RiskParityPortfolioConstructionModel,
    _Returns,
    returns_matrix,
)
from engine.framework.construction.optimizers import (
    MaximumSharpeRatioPortfolioOptimizer,
    MinimumVariancePortfolioOptimizer,
    RiskParityPortfolioOptimizer,
    UnconstrainedMeanVariancePortfolioOptimizer,
)
from engine.framework.insight import Insight
from engine.types.enums import PortfolioBias, Resolution
from engine.types.errors import ArgumentException

SEEDS = st.integers(0, 10_000)


def sample(seed: int, assets: int = 4, moments: int = 80) -> np.ndarray:
    """Return correlated returns of an ordinary size."""
    random = np.random.default_rng(seed)
    mixing = random.normal(size=(assets, assets))
    return random.normal(size=(moments, assets)) @ mixing * 0.01 + random.normal(size=assets) * 0.01


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.sampled_from([(-1.0, 1.0), (0.0, 1.0), (-0.3, 0.6)]))
def test_the_least_variance_is_that_of_scipy(seed: int, bounds: tuple[float, float]) -> None:
    returns = sample(seed)
    means, matrix = returns.mean(axis=0), np.cov(returns, rowvar=False)
    target = float(np.sort(means)[1:3].mean())
    found = MinimumVariancePortfolioOptimizer(*bounds, target).optimize(returns)
    oracle = scipy_minimize(
        lambda w: float(w @ matrix @ w) * 1e4,
        np.full(4, 0.25),
        jac=lambda w: 2e4 * matrix @ w,
        method="SLSQP",
        bounds=[bounds] * 4,
        constraints=[
            {"type": "eq", "fun": lambda w: w.sum() - 1},
            {"type": "eq", "fun": lambda w: (w @ means - target) * 100},
        ],
        options={"maxiter": 500, "ftol": 1e-14},
    )
    if oracle.success:
        expected = oracle.x / np.abs(oracle.x).sum()
        assert found == pytest.approx(expected, abs=2e-4)
        return
    feasible = linprog(
        np.zeros(4),
        A_eq=np.vstack((means * 100, np.ones(4))),
        b_eq=[target * 100, 1.0],
        bounds=[bounds] * 4,
    ).success
    assert feasible is not bool(np.allclose(found, 0.25))


def test_a_target_out_of_reach_gives_equal_weights() -> None:
    returns = sample(1)
    found = MinimumVariancePortfolioOptimizer(0, 1, 10.0).optimize(returns)
    assert found.tolist() == [0.25] * 4


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_no_portfolio_within_the_bounds_has_a_higher_sharpe_ratio(seed: int) -> None:
    returns = sample(seed)
    means, matrix = returns.mean(axis=0), np.cov(returns, rowvar=False)
    found = MaximumSharpeRatioPortfolioOptimizer(0, 1).optimize(returns)
    if not (means > 0).any():
        assert found.tolist() == [0.25] * 4
        return

    def sharpe(weights: np.ndarray) -> float:
        return float(weights @ means / np.sqrt(weights @ matrix @ weights))

    assert found.sum() == pytest.approx(1)
    assert found.min() > -1e-9
    others = np.random.default_rng(seed).dirichlet(np.ones(4), 400)
    assert sharpe(found) >= max(sharpe(w) for w in others) - 1e-9


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_risk_parity_gives_every_asset_the_same_share_of_the_variance(seed: int) -> None:
    returns = sample(seed)
    matrix = np.cov(returns, rowvar=False)
    found = RiskParityPortfolioOptimizer().optimize(returns)
    shares = found * (matrix @ found) / (found @ matrix @ found)
    assert shares == pytest.approx(np.full(4, 0.25), abs=1e-4)
    assert found.sum() == pytest.approx(1)


def test_risk_parity_of_unrelated_assets_is_by_inverse_deviation() -> None:
    found = RiskParityPortfolioOptimizer().optimize(sample(0, 2), None, np.diag([1.0, 4.0]))
    assert found == pytest.approx([2 / 3, 1 / 3])


def test_without_constraints_weights_are_returns_times_inverse_covariance() -> None:
    found = UnconstrainedMeanVariancePortfolioOptimizer().optimize(
        sample(0, 2), [0.1, 0.2], [[2.0, 0.0], [0.0, 4.0]]
    )
    assert found == pytest.approx([0.05, 0.05])


def _filled(moments: int = 60, tickers: str = "ABC") -> dict:
    data = {}
    for column, ticker in enumerate(tickers):
        held = data[share(ticker)] = _Returns(share(ticker), 1, moments)
        for row, value in enumerate(sample(7, len(tickers), moments)[:, column]):
            held.add(datetime(2014, 1, 1) + timedelta(days=row), float(value))
    return data


def test_returns_are_matched_by_time_and_incomplete_rows_dropped() -> None:
    data = _filled(5, "AB")
    late = data[share("B")]
    late._window.popleft()
    found = returns_matrix(data, [share("B"), share("A")])
    assert found.shape == (4, 2)
    assert found[0, 1] == data[share("A")].returns[datetime(2014, 1, 4)]


def _views(stand: Stand) -> list[Insight]:
    views = [
        Insight.price(share("A"), timedelta(hours=1), UP, 0.02, None, "first"),
        Insight.price(share("B"), timedelta(hours=1), DOWN, 0.01, None, "first"),
        Insight.price(share("C"), timedelta(hours=1), UP, 0.01, None, "first"),
    ]
    for insight in views:
        insight.generated_time_utc = stand._utc
        insight.close_time_utc = stand._utc + timedelta(hours=1)
        stand.insights.add(insight)
    return views


def test_black_litterman_moves_the_equilibrium_towards_the_views() -> None:
    stand = Stand(datetime(2014, 6, 2, 15))
    model = BlackLittermanOptimizationPortfolioConstructionModel()
    model.algorithm, model._data = stand, _filled()
    views = _views(stand)
    returns = returns_matrix(model._data, [i.symbol for i in views])
    prior, covariance = model.get_equilibrium_returns(returns)
    found = model._views(views)
    assert found is not None
    picks, strengths = found
    assert picks == pytest.approx(np.array([[2 / 3, -1 / 3, 1 / 3]]))
    assert strengths.tolist() == [0.03]
    moved, wider = model._posterior(prior, covariance, picks, strengths)
    before, after = float(picks[0] @ prior), float(picks[0] @ moved)
    # with doubt in proportion to the variance of the view, the posterior lies half way to it
    assert after == pytest.approx((before + 0.03) / 2)
    assert np.all(np.linalg.eigvalsh(wider) > 0)
    weights = model.determine_target_percent(views)
    assert sum(weights.values()) == pytest.approx(1)


def test_the_bias_of_a_mean_variance_model_binds_its_weights() -> None:
    stand = Stand(datetime(2014, 6, 2, 15))
    model = MeanVarianceOptimizationPortfolioConstructionModel(
        Resolution.DAILY, PortfolioBias.LONG, target_return=0.0
    )
    model.algorithm, model._data = stand, _filled()
    found = model.determine_target_percent(_views(stand))
    assert len(found) == 3
    assert min(found.values()) >= 0
    assert model.determine_target_percent([]) == {}


def test_risk_parity_cannot_be_short() -> None:
    with pytest.raises(ArgumentException, match="Long position must be allowed"):
        RiskParityPortfolioConstructionModel(Resolution.DAILY, PortfolioBias.SHORT)


ALGORITHM = """
from AlgorithmImports import *

class Optimized(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, 9, 3)
        self.set_end_date(2013, 10, 11)
        self.set_cash(100000)
        for ticker in ("SPY", "BAC", "IBM", "AIG"):
            self.add_equity(ticker, Resolution.DAILY)
        self.set_alpha(HistoricalReturnsAlphaModel(5, Resolution.DAILY))
        self.set_portfolio_construction({model}(timedelta(days=7)))
        self.set_execution(ImmediateExecutionModel())
"""


@pytest.mark.parametrize(
    "model",
    [
        "MeanVarianceOptimizationPortfolioConstructionModel",
        "RiskParityPortfolioConstructionModel",
        "BlackLittermanOptimizationPortfolioConstructionModel",
    ],
)
def test_optimizing_models_trade_on_recorded_prices(
    lean_data: Path, tmp_path: Path, model: str
) -> None:
    from engine.run import run_backtest

    main = tmp_path / "main.py"
    main.write_text(ALGORITHM.format(model=model))
    result = run_backtest(main, lean_data, object_store=tmp_path / "store")
    assert result.completed, result.error
    assert int(result.statistics["Total Orders"]) > 3

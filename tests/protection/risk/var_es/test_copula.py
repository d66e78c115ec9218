"""The simulated t copula has the answers known in closed form."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from protection.contracts import FixInput
from protection.risk import CopulaTail, TCopula, empirical_var_es, fit_t_copula, student_var_es
from protection.risk.tails.copula import t_tail_dependence
from protection.risk.var_es.copula import MarginQuantile

SIZE = 4
CORRELATION = np.full((SIZE, SIZE), 0.4) + 0.6 * np.eye(SIZE)
BOOK = np.array([1.0, 2.0, -0.5, 0.8])


def elliptical(df: float, **options: object) -> CopulaTail:
    """Copula and margins of one multivariate t with scale 1%."""
    margins = [MarginQuantile.student(df, 0.0, 0.01) for _ in range(SIZE)]
    tail = CopulaTail(**options)  # type: ignore[arg-type]
    return tail.use(TCopula(df, CORRELATION, 0, False), margins)


def multivariate(df: float, rows: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    normals = rng.standard_normal((rows, SIZE)) @ np.linalg.cholesky(CORRELATION).T
    return 0.01 * normals * np.sqrt(df / rng.chisquare(df, rows))[:, None]


@pytest.mark.parametrize("df", [3.0, 8.0])
def test_a_book_of_one_multivariate_t_has_its_exact_var_es_and_parts(df: float) -> None:
    tail = elliptical(df, scenarios=200_000)
    spread = 0.01 * math.sqrt(BOOK @ CORRELATION @ BOOK)
    for level in (0.95, 0.99):
        exact = student_var_es(df, level)
        found = tail.var_es(BOOK, level)
        assert found.var == pytest.approx(spread * exact[0], rel=0.015)
        assert found.es == pytest.approx(spread * exact[1], rel=0.04)
        shares = BOOK * (CORRELATION @ BOOK) / (BOOK @ CORRELATION @ BOOK)
        var, es = tail.components(BOOK, level)
        assert var.sum() == pytest.approx(found.var, rel=1e-9)
        assert es.sum() == pytest.approx(found.es, rel=1e-9)
        np.testing.assert_allclose(es / es.sum(), shares, atol=0.02)
        np.testing.assert_allclose(var / var.sum(), shares, atol=0.05)


def test_kernel_and_twin_give_one_answer_from_one_seed() -> None:
    one = elliptical(4.0, scenarios=20_000)
    other = elliptical(4.0, scenarios=20_000, twin=True)
    np.testing.assert_allclose(one.losses(BOOK), other.losses(BOOK), rtol=1e-9, atol=1e-14)
    again = elliptical(4.0, scenarios=20_000)
    np.testing.assert_array_equal(one.losses(BOOK), again.losses(BOOK))
    different = elliptical(4.0, scenarios=20_000, seed=1)
    assert one.var_es(BOOK).var != different.var_es(BOOK).var


def test_one_mixing_variable_makes_tails_fall_together() -> None:
    first, second = np.array([1.0, 0, 0, 0]), np.array([0, 1.0, 0, 0])
    tail = elliptical(4.0, scenarios=400_000)
    a, b = tail.losses(first), tail.losses(second)
    level = 0.999
    joint = ((a > np.quantile(a, level)) & (b > np.quantile(b, level))).mean() / (1 - level)
    limit = t_tail_dependence(4.0, 0.4)
    # The limit is approached from above; a Gaussian copula would be near 0.03 here.
    assert limit - 0.05 < joint < limit + 0.12
    assert joint > 0.15


def test_answers_scale_and_diversify() -> None:
    tail = elliptical(4.0, scenarios=20_000)
    one = tail.var_es(BOOK, 0.975)
    ten = tail.var_es(10.0 * BOOK, 0.975)
    assert ten.var == pytest.approx(10.0 * one.var, rel=1e-9)
    assert ten.es == pytest.approx(10.0 * one.es, rel=1e-9)
    apart = sum(tail.var_es(np.where(np.arange(SIZE) == i, BOOK, 0.0), 0.975).es for i in range(4))
    assert one.es <= apart
    assert tail.var_es(np.zeros(SIZE)).es == 0.0


def test_a_fit_finds_the_copula_it_was_drawn_from() -> None:
    returns = multivariate(5.0, 3000, 2)
    found = fit_t_copula(returns)
    np.testing.assert_allclose(found.correlation, CORRELATION, atol=0.06)
    assert 3.5 < found.df < 7.5
    assert not found.repaired
    stretched = np.sign(returns) * np.abs(returns) ** 3
    again = fit_t_copula(stretched)
    assert again.df == pytest.approx(found.df)
    np.testing.assert_allclose(again.correlation, found.correlation)


@pytest.mark.parametrize("rows", [300, 3000], ids=["student margins", "pareto margins"])
def test_a_fitted_book_is_near_the_sample_it_was_fitted_to(rows: int) -> None:
    returns = multivariate(5.0, rows, 3)
    found = CopulaTail(scenarios=50_000).fit(returns).var_es(BOOK, 0.975)
    sample = empirical_var_es(-returns @ BOOK, 0.975)
    assert (found.var, found.es) == pytest.approx(sample, rel=0.25 if rows < 500 else 0.12)
    assert found.es > found.var


def test_margins_are_monotone_quantiles_and_keep_the_sample() -> None:
    returns = multivariate(4.0, 1500, 4)[:, 0]
    margin = MarginQuantile(returns, None)
    tails = np.geomspace(1e-12, 0.5, 400)
    upper, lower = margin(tails, True), margin(tails, False)
    assert (np.diff(upper) <= 1e-15).all()
    assert (np.diff(lower) >= -1e-15).all()
    assert margin(np.array([0.3]), True)[0] == pytest.approx(
        np.quantile(-returns, 0.7, method="weibull")
    )


def test_a_matrix_of_pairs_that_fits_no_distribution_is_repaired_and_says_so() -> None:
    rng = np.random.default_rng(5)
    base = rng.standard_normal((150, 1))
    returns = base + 1e-9 * rng.standard_normal((150, 3))
    found = fit_t_copula(returns)
    assert found.repaired
    np.linalg.cholesky(found.correlation)
    np.testing.assert_allclose(np.diag(found.correlation), 1.0)


def test_one_symbol_is_its_margin() -> None:
    returns = multivariate(4.0, 800, 6)[:, :1]
    found = CopulaTail(scenarios=100_000).fit(returns).var_es([2.0], 0.95)
    expected = empirical_var_es(-2.0 * returns[:, 0], 0.95)
    assert (found.var, found.es) == pytest.approx(expected, rel=0.06)


@pytest.mark.parametrize(
    "call",
    [
        lambda: fit_t_copula(np.zeros(10)),
        lambda: fit_t_copula(np.random.default_rng(0).normal(size=(50, 2))),
        lambda: fit_t_copula(np.full((200, 2), 0.01)),
        lambda: fit_t_copula(np.full((200, 2), math.inf)),
        lambda: CopulaTail(scenarios=10),
        lambda: CopulaTail().var_es([1.0]),
        lambda: elliptical(4.0).var_es([1.0]),
        lambda: elliptical(4.0).var_es([math.nan] * 4),
        lambda: elliptical(4.0).var_es(BOOK, 99),
        lambda: t_tail_dependence(0.0, 0.5),
        lambda: t_tail_dependence(4.0, -1.0),
    ],
)
def test_impossible_input_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(FixInput, match="expected"):
        call()

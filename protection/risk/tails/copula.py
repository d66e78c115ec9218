"""Student-t copula: fit from ranks, tail dependence."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protection.contracts.errors import FixInput

FEWEST_ROWS = 100


@dataclass(frozen=True, slots=True)
class TCopula:
    """Copula of a multivariate t.

    Attributes
    ----------
    df : degrees of freedom, shared by all pairs
    correlation : shape (p, p), positive definite, ones on the diagonal
    rows : complete rows behind the fit
    repaired : whether the rank correlations had to be made positive definite
    """

    df: float
    correlation: NDArray[np.float64] = field(repr=False)
    rows: int
    repaired: bool


def t_tail_dependence(df: float, rho: float) -> float:
    """Probability that one falls beyond an extreme quantile given the other did, in the limit.

    lambda = 2 t_{df + 1}(-sqrt((df + 1)(1 - rho) / (1 + rho))).

    Raises
    ------
    FixInput
        For df <= 0 or rho outside (-1, 1].
    """
    from scipy import special

    if not df > 0.0:
        raise FixInput(f"expected df above 0, was {df}")
    if not -1.0 < rho <= 1.0:
        raise FixInput(f"expected rho in (-1, 1], was {rho}")
    return 2.0 * float(special.stdtr(df + 1.0, -math.sqrt((df + 1.0) * (1.0 - rho) / (1.0 + rho))))


def complete_rows(returns: ArrayLike) -> NDArray[np.float64]:
    """Rows without a missing entry, shape (rows, p).

    Raises
    ------
    FixInput
        For another shape, infinite returns, fewer than 100 complete rows, or a constant column.
    """
    table = np.asarray(returns, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] < 1:
        raise FixInput(f"expected returns of shape (n, p), was {table.shape}")
    table = table[~np.isnan(table).any(axis=1)]
    if not np.isfinite(table).all():
        raise FixInput("expected finite returns or NaN, was infinite; mend the feed")
    if table.shape[0] < FEWEST_ROWS:
        raise FixInput(
            f"expected {FEWEST_ROWS} complete rows or more, was {table.shape[0]}; use the "
            "scenario book, which takes symbols with gaps"
        )
    still = np.flatnonzero(np.ptp(table, axis=0) == 0.0)
    if still.size:
        raise FixInput(f"expected returns that vary, column {int(still[0])} was constant")
    return table


def fit_t_copula(returns: ArrayLike) -> TCopula:
    """Fit from ranks: rho = sin(pi/2 tau) for each pair, then df by likelihood on [1, 200].

    Kendall's tau is blind to the margins and to single outliers; a matrix of such pairs that is not
    positive definite has its eigenvalues raised to 1e-6 and its diagonal reset to 1.

    References
    ----------
    Demarta and McNeil 2005, International Statistical Review 73.
    """
    from scipy import optimize, special, stats

    table = complete_rows(returns)
    rows, columns = table.shape
    correlation = np.eye(columns)
    for i in range(columns):
        for j in range(i):
            tau = float(stats.kendalltau(table[:, i], table[:, j]).statistic)
            rho = math.sin(0.5 * math.pi * tau) if math.isfinite(tau) else 0.0
            correlation[i, j] = correlation[j, i] = rho
    values, vectors = np.linalg.eigh(correlation)
    repaired = bool(values.min() < 1e-6)
    if repaired:
        correlation = (vectors * np.maximum(values, 1e-6)) @ vectors.T
        spread = np.sqrt(np.diag(correlation))
        correlation = correlation / spread[:, None] / spread
        correlation = 0.5 * (correlation + correlation.T)
    if columns == 1:
        return TCopula(200.0, correlation, rows, repaired)
    ranks = stats.rankdata(table, axis=0) / (rows + 1.0)
    factor = np.linalg.cholesky(correlation)
    log_det = 2.0 * float(np.log(np.diag(factor)).sum())

    def negative(log_df: float) -> float:
        df = math.exp(log_df)
        y = special.stdtrit(df, ranks)
        solved = np.linalg.solve(factor, y.T)
        joint = (
            math.lgamma(0.5 * (df + columns))
            + (columns - 1) * math.lgamma(0.5 * df)
            - columns * math.lgamma(0.5 * (df + 1.0))
            - 0.5 * log_det
        )
        whole = -0.5 * (df + columns) * np.log1p((solved**2).sum(axis=0) / df)
        each = 0.5 * (df + 1.0) * np.log1p(y**2 / df).sum(axis=1)
        return -float((joint + whole + each).sum())

    best = optimize.minimize_scalar(
        negative, bounds=(0.0, math.log(200.0)), method="bounded", options={"xatol": 1e-3}
    )
    return TCopula(math.exp(float(best.x)), correlation, rows, repaired)

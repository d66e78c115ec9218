"""Forecasts made bar by bar and judged afterwards: nothing is read before it was known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protection.contracts.errors import FixInput
from protection.risk.backtest.coverage import (
    TestResult,
    binomial,
    christoffersen,
    conditional_coverage,
    dynamic_quantile,
    kupiec,
)
from protection.risk.backtest.scores import fissler_ziegel, quantile_score
from protection.risk.backtest.shortfall import ShortfallTest, acerbi_szekely
from protection.risk.tails.empirical import check_level
from protection.risk.var_es.model import TailModel
from protection.risk.var_es.online import OnlineTail


@dataclass(frozen=True, slots=True)
class RollingForecasts:
    """One-step-ahead forecasts beside what happened.

    Attributes
    ----------
    model : name
    levels : probabilities
    first : index of the first forecast in the returns that were handed in
    returns : shape (n,), what happened; rows without a return are left out
    var, es : shape (n, levels), made before the return of the same row was known
    fallback : shape (n,), whether the conservative fallback answered
    """

    model: str
    levels: tuple[float, ...]
    first: int
    returns: NDArray[np.float64] = field(repr=False)
    var: NDArray[np.float64] = field(repr=False)
    es: NDArray[np.float64] = field(repr=False)
    fallback: NDArray[np.bool_] = field(repr=False)

    def column(self, level: float) -> int:
        """Column of a level.

        Raises
        ------
        FixInput
            For a level that was not forecast.
        """
        for place, known in enumerate(self.levels):
            if math.isclose(known, level):
                return place
        raise FixInput(f"expected one of the levels {self.levels}, was {level}")

    def hits(self, level: float) -> NDArray[np.bool_]:
        """Whether each loss exceeded VaR, shape (n,)."""
        return -self.returns > self.var[:, self.column(level)]

    def scores(self, level: float) -> NDArray[np.float64]:
        """Fissler-Ziegel score of each day, shape (n,)."""
        place = self.column(level)
        return fissler_ziegel(-self.returns, self.var[:, place], self.es[:, place], level)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Tests of one model at one level.

    Attributes
    ----------
    model, level : what was judged
    count, exceedances, expected : forecasts, losses above VaR, and how many were to be expected
    coverage, exact : Kupiec and exact binomial test of their number
    independent, conditional, dynamic : Christoffersen's two tests and the DQ test
    shortfall : Acerbi-Szekely Z1 and Z2
    quantile_score, joint_score : mean pinball and Fissler-Ziegel score, lower is better
    """

    model: str
    level: float
    count: int
    exceedances: int
    expected: float
    coverage: TestResult
    exact: TestResult
    independent: TestResult
    conditional: TestResult
    dynamic: TestResult
    shortfall: ShortfallTest
    quantile_score: float
    joint_score: float


def rolling_forecasts(
    returns: ArrayLike,
    model: TailModel,
    *,
    levels: Sequence[float] = (0.95, 0.975, 0.99),
    window: int = 2000,
    refit_every: int = 5,
    first: int = 1000,
) -> RollingForecasts:
    """Run a model over a series as it would have run live.

    Each row's forecast is read off before the row's return is handed to the model, which is an
    :class:`OnlineTail`; so changing any return changes later forecasts only.

    Parameters
    ----------
    returns : shape (n,), oldest first; NaN rows are left out
    model : unfitted; it is used up
    levels : probabilities
    window, refit_every : of :class:`OnlineTail`
    first : returns before the first forecast that is kept

    Raises
    ------
    FixInput
        When fewer than ``first`` + 1 returns are there.
    """
    values = np.asarray(returns, dtype=np.float64)
    if values.ndim != 1:
        raise FixInput(f"expected returns with one dimension, was shape {values.shape}")
    levels = tuple(check_level(level) for level in levels)
    values = values[~np.isnan(values)]
    if values.size <= first:
        raise FixInput(f"expected more than {first} returns, was {values.size}")
    tail = OnlineTail(model, window=window, refit_every=refit_every)
    rows = values.size - first
    var, es = np.empty((rows, len(levels))), np.empty((rows, len(levels)))
    fallback = np.zeros(rows, dtype=bool)
    for place, value in enumerate(values.tolist()):
        row = place - first
        if row >= 0:
            for column, level in enumerate(levels):
                estimate = tail.estimate(level)
                var[row, column], es[row, column] = estimate.var, estimate.es
            fallback[row] = estimate.basis != model.name
        tail.update(value)
    return RollingForecasts(model.name, levels, first, values[first:], var, es, fallback)


def evaluate(forecasts: RollingForecasts, level: float) -> Evaluation:
    """Every test of one level."""
    place = forecasts.column(level)
    var, es = forecasts.var[:, place], forecasts.es[:, place]
    hits = forecasts.hits(level)
    count, exceedances = int(hits.size), int(hits.sum())
    chance = 1.0 - level
    losses = -forecasts.returns
    return Evaluation(
        forecasts.model,
        level,
        count,
        exceedances,
        count * chance,
        kupiec(count, exceedances, chance),
        binomial(count, exceedances, chance),
        christoffersen(hits),
        conditional_coverage(hits, chance),
        dynamic_quantile(hits, var, chance),
        acerbi_szekely(forecasts.returns, var, es, level),
        float(quantile_score(losses, var, level).mean()),
        float(fissler_ziegel(losses, var, es, level).mean()),
    )

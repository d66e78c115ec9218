"""VaR and ES of a linear book by simulation of a t copula with margins of their own."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protection.contracts.errors import FixInput
from protection.risk.tails.compiled import passes
from protection.risk.tails.copula import TCopula, complete_rows, fit_t_copula
from protection.risk.tails.empirical import (
    check_level,
    empirical_var_es,
    rank_weights,
    tail_rows,
)
from protection.risk.tails.gpd import DEFAULT_PRIOR, ShapePrior
from protection.risk.tails.pot import tail_var_es
from protection.risk.tails.student_fit import StudentFit, fit_student_t
from protection.risk.var_es.estimates import TailEstimate
from protection.risk.var_es.pareto import ParetoTail

CHUNK = 8192
CELLS = 4097
REACH = 12.0
FAR_CELLS = 513
FAR_REACH = 1e6
PARETO_ROWS = 500
SHARE = 0.1


class CopulaTail:
    """t copula with one mixing variable per scenario, so that all positions jump together.

    A scenario is Y = sqrt(df / chi2) L z with one chi-square draw for all symbols (without it there
    is no tail dependence), and the loss of symbol i is the quantile of its own margin at t_df(Y_i).
    Margins: order statistics with a generalised Pareto tail on both sides from 500 rows, a fitted
    Student-t below. Give returns divided by their volatility and exposures times today's to make
    the answer conditional.

    Parameters
    ----------
    scenarios : drawn per answer
    seed : the same answer every time
    prior : of the margins' Pareto shapes
    twin : use the NumPy passes even where numba is present
    """

    name = "t copula"

    def __init__(
        self,
        *,
        scenarios: int = 100_000,
        seed: int = 20_000_101,
        prior: ShapePrior | None = DEFAULT_PRIOR,
        twin: bool = False,
    ) -> None:
        if scenarios < 1000:
            raise FixInput(f"expected 1000 scenarios or more, was {scenarios}")
        self.scenarios = int(scenarios)
        self.seed = int(seed)
        self.prior = prior
        self._kernels: Any = passes("copula", twin=twin)
        self._copula: TCopula | None = None

    def fit(self, returns: ArrayLike) -> CopulaTail:
        """Fit copula and margins to returns, shape (n, p), gains positive.

        Raises
        ------
        FixInput
            For fewer than 100 complete rows, a constant column or infinite returns.
        """
        table = complete_rows(returns)
        copula = fit_t_copula(table)
        margins = [MarginQuantile(table[:, i], self.prior) for i in range(table.shape[1])]
        return self.use(copula, margins)

    def use(self, copula: TCopula, margins: list[MarginQuantile]) -> CopulaTail:
        """Take a copula and margins that were made elsewhere."""
        if len(margins) != copula.correlation.shape[0]:
            raise FixInput(f"expected {copula.correlation.shape[0]} margins, was {len(margins)}")
        self._copula = copula
        self._margins = margins
        self._factor = np.linalg.cholesky(copula.correlation)
        self._tables, self._fars = _tables(copula.df, margins)
        return self

    @property
    def copula(self) -> TCopula:
        """Fitted copula."""
        return self._fitted()

    def _fitted(self) -> TCopula:
        if self._copula is None:
            raise FixInput("expected a fitted CopulaTail; call fit(returns) first")
        return self._copula

    def _chunks(self) -> Iterator[tuple[int, NDArray[np.float64], NDArray[np.float64]]]:
        """Correlated normals and mixing variables, chunk by chunk, the same every time."""
        copula = self._fitted()
        rng = np.random.default_rng(self.seed)
        size = copula.correlation.shape[0]
        draws = np.empty((CHUNK, size))
        upper = np.ascontiguousarray(self._factor.T)
        for start in range(0, self.scenarios, CHUNK):
            rows = min(CHUNK, self.scenarios - start)
            normals = rng.standard_normal(out=draws[:rows])
            mixing = np.sqrt(copula.df / rng.chisquare(copula.df, rows))
            yield start, normals @ upper, mixing

    def losses(self, exposures: ArrayLike) -> NDArray[np.float64]:
        """Loss of the book in every scenario, shape (scenarios,), in the unit of the exposures."""
        book = self._book(exposures)
        found = np.empty(self.scenarios)
        for start, normals, mixing in self._chunks():
            self._kernels.scenario_losses(
                normals,
                mixing,
                self._tables,
                self._fars,
                REACH,
                FAR_REACH,
                book,
                found[start : start + mixing.size],
            )
        return found

    def _book(self, exposures: ArrayLike) -> NDArray[np.float64]:
        size = self._fitted().correlation.shape[0]
        book = np.array(exposures, dtype=np.float64)
        if book.shape != (size,):
            raise FixInput(f"expected exposures of shape ({size},), was {book.shape}")
        if not np.isfinite(book).all():
            raise FixInput("expected finite exposures; a position without price has no risk figure")
        return book

    def var_es(self, exposures: ArrayLike, level: float = 0.99) -> TailEstimate:
        """VaR and ES of a book; exposures are signed market values, shape (p,)."""
        level = check_level(level)
        var, es = empirical_var_es(self.losses(exposures), level)
        return TailEstimate(level, var, es, self.name)

    def components(
        self, exposures: ArrayLike, level: float = 0.99
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Euler parts of VaR and ES by symbol, shape (p,) each; they sum to VaR and to ES.

        ES: the symbol's mean loss over the tail's scenarios. VaR: its mean loss over the scenarios
        around the quantile (a twentieth of the tail to each side), scaled to sum to VaR.
        """
        level = check_level(level)
        book = self._book(exposures)
        losses = self.losses(book)
        position, count = tail_rows(losses.size, level)
        band = max(50, count // 20)
        deepest = min(losses.size, count + band)
        order = np.argpartition(-losses, deepest - 1)[:deepest]
        order = order[np.argsort(-losses[order], kind="stable")]
        parts = self._parts(book, order)
        var_weights, es_weights = rank_weights(position, count)
        es_parts = es_weights @ parts[:count]
        near = parts[max(0, count - 1 - band) : deepest].mean(axis=0)
        var = float(var_weights @ losses[order[:count]])
        total = float(near.sum())
        if abs(total) > 0.0:
            return near * (var / total), es_parts
        return var_weights @ parts[:count], es_parts

    def _parts(self, book: NDArray[np.float64], wanted: NDArray[np.int64]) -> NDArray[np.float64]:
        """Losses by position of some scenarios, which are drawn again from the same seed."""
        places = np.argsort(wanted)
        ordered = wanted[places]
        found = np.empty((wanted.size, book.size))
        for start, normals, mixing in self._chunks():
            low, high = np.searchsorted(ordered, (start, start + mixing.size))
            if low == high:
                continue
            rows = ordered[low:high] - start
            parts = np.empty((rows.size, book.size))
            self._kernels.scenario_parts(
                np.ascontiguousarray(normals[rows]),
                np.ascontiguousarray(mixing[rows]),
                self._tables,
                self._fars,
                REACH,
                FAR_REACH,
                book,
                parts,
            )
            found[places[low:high]] = parts
        return found


class MarginQuantile:
    """Quantile function of one symbol's loss, for both tails.

    Parameters
    ----------
    returns : shape (n,), finite; order statistics with Pareto tails from 500 on, Student-t below
    prior : of the Pareto shapes
    """

    def __init__(self, returns: NDArray[np.float64], prior: ShapePrior | None) -> None:
        self._student: StudentFit | None = None
        if returns.size >= PARETO_ROWS:
            self._losses = ParetoTail(-returns, SHARE, prior)
            self._gains = ParetoTail(returns, SHARE, prior)
            self._sample = np.sort(-returns)
        else:
            found = fit_student_t(returns)
            if not found.scale > 0.0:
                raise FixInput(f"expected returns with a scale, was {found.note}")
            self._student = found

    @classmethod
    def student(cls, df: float, loc: float = 0.0, scale: float = 1.0) -> MarginQuantile:
        """Margin with a known Student-t law of returns."""
        margin = cls.__new__(cls)
        covariance = np.full((3, 3), math.nan)
        margin._student = StudentFit(df, loc, scale, 0, math.nan, covariance, True)
        return margin

    def __call__(self, tail: NDArray[np.float64], upper: bool) -> NDArray[np.float64]:
        """Loss with probability ``tail`` above it, or below it where not ``upper``."""
        from scipy import special

        if self._student is not None:
            away = -special.stdtrit(self._student.df, tail) * self._student.scale
            return -self._student.loc + (away if upper else -away)
        side = self._losses if upper else self._gains
        found = np.empty(tail.size)
        beyond = tail <= SHARE
        fit = side.fit
        for place in np.flatnonzero(beyond):
            level = 1.0 - float(tail[place])
            if level < 1.0:
                value = tail_var_es(level, side.threshold, fit.shape, fit.scale, SHARE)[0]
            else:
                value = side.threshold + fit.scale * _power(SHARE / tail[place], fit.shape)
            found[place] = value if upper else -value
        inside = ~beyond
        n = self._sample.size
        chance = 1.0 - tail[inside] if upper else tail[inside]
        ranks = np.arange(1, n + 1) / (n + 1.0)
        found[inside] = np.interp(chance, ranks, self._sample)
        return found


def _power(ratio: float, shape: float) -> float:
    return math.log(ratio) if abs(shape) < 1e-9 else (ratio**shape - 1.0) / shape


def _tables(
    df: float, margins: list[MarginQuantile]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Margins tabulated at t variates: inner cells even in y, outer ones even in log |y|.

    A positive variate is a loss above the median.
    """
    from scipy import special

    inner = np.linspace(-REACH, REACH, CELLS)
    outer = REACH * (FAR_REACH / REACH) ** np.linspace(0.0, 1.0, FAR_CELLS)
    near_tail = special.stdtr(df, -np.abs(inner))
    far_tail = np.maximum(special.stdtr(df, -outer), 1e-300)
    tables = np.empty((len(margins), CELLS))
    fars = np.empty((len(margins), 2 * FAR_CELLS))
    for row, margin in enumerate(margins):
        above = inner >= 0.0
        tables[row, above] = margin(near_tail[above], True)
        tables[row, ~above] = margin(near_tail[~above], False)
        fars[row, :FAR_CELLS] = margin(far_tail, False)
        fars[row, FAR_CELLS:] = margin(far_tail, True)
    return tables, fars

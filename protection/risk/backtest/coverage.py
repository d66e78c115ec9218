"""Coverage of VaR: how often it was exceeded, and whether exceedances cluster."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protection.contracts.errors import FixInput
from protection.risk.tails.empirical import check_level


@dataclass(frozen=True, slots=True)
class TestResult:
    """Outcome of a test.

    Attributes
    ----------
    name : of the test
    statistic : its value; NaN where the test is not defined for the data
    p_value : probability of a statistic at least as extreme when the forecasts are right
    freedom : degrees of freedom of the chi-square reference; 0 for an exact test
    note : what the reader must know, or an empty string
    """

    name: str
    statistic: float
    p_value: float
    freedom: int
    note: str = ""

    # pytest would take the name for a test class.
    __test__ = False


def _counts(n: int, exceedances: int) -> tuple[int, int]:
    if n < 1 or int(n) != n:
        raise FixInput(f"expected n a whole number above 0, was {n}")
    if not 0 <= exceedances <= n or int(exceedances) != exceedances:
        raise FixInput(f"expected exceedances a whole number in [0, {n}], was {exceedances}")
    return int(n), int(exceedances)


def _xlogy(x: float, y: float) -> float:
    return 0.0 if x == 0.0 else (x * math.log(y) if y > 0.0 else -math.inf)


def _chi_square(statistic: float, freedom: int) -> float:
    from scipy import special

    return float(special.chdtrc(freedom, max(statistic, 0.0)))


def as_hits(hits: ArrayLike) -> NDArray[np.float64]:
    """Exceedance indicators as 0 and 1, NaN left out.

    Raises
    ------
    FixInput
        For another shape than (n,), other values, or no observation.
    """
    values = np.asarray(hits, dtype=np.float64)
    if values.ndim != 1:
        raise FixInput(f"expected hits with one dimension, was shape {values.shape}")
    values = values[~np.isnan(values)]
    if values.size == 0:
        raise FixInput("expected at least one observation, was none")
    if not np.isin(values, (0.0, 1.0)).all():
        raise FixInput("expected hits of 0 and 1 (loss above VaR); pass losses > var")
    return values


def kupiec(n: int, exceedances: int, probability: float) -> TestResult:
    """Proportion of failures: likelihood ratio against the stated probability, chi-square(1).

    LR = -2 log[(1 - p)^(n - x) p^x / ((1 - x/n)^(n - x) (x/n)^x)], with 0 log 0 = 0. It has little
    power over one year: at n = 250 and p = 1% anything from 1 to 6 exceedances passes at 5%.

    Parameters
    ----------
    n : forecasts
    exceedances : losses above VaR
    probability : 1 - level, such as 0.01

    Raises
    ------
    FixInput
        For impossible counts or a probability outside (0, 1).

    References
    ----------
    Kupiec 1995, Journal of Derivatives 3.
    """
    n, x = _counts(n, exceedances)
    p = check_level(probability, "probability")
    share = x / n
    null = _xlogy(n - x, 1.0 - p) + _xlogy(x, p)
    best = _xlogy(n - x, 1.0 - share) + _xlogy(x, share)
    statistic = max(0.0, 2.0 * (best - null))
    return TestResult("Kupiec proportion of failures", statistic, _chi_square(statistic, 1), 1)


def binomial(n: int, exceedances: int, probability: float) -> TestResult:
    """Exact two-sided test of the number of exceedances; preferred for few expected ones.

    The p-value is the probability of all counts that are no likelier than the one seen.
    """
    from scipy import stats

    n, x = _counts(n, exceedances)
    p = check_level(probability, "probability")
    result = stats.binomtest(x, n, p)
    return TestResult("exact binomial", float(x), float(result.pvalue), 0)


def accept_region(n: int, probability: float, size: float = 0.05) -> tuple[int, int]:
    """Fewest and most exceedances that Kupiec's test does not reject at ``size``."""
    passed = [x for x in range(n + 1) if kupiec(n, x, probability).p_value >= size]
    return passed[0], passed[-1]


def _transitions(values: NDArray[np.float64]) -> tuple[int, int, int, int]:
    before, after = values[:-1], values[1:]
    n01 = int(((before == 0) & (after == 1)).sum())
    n11 = int(((before == 1) & (after == 1)).sum())
    n10 = int(((before == 1) & (after == 0)).sum())
    return before.size - n01 - n11 - n10, n01, n10, n11


def independence(n00: int, n01: int, n10: int, n11: int) -> TestResult:
    """Christoffersen's independence test from counted transitions, chi-square(1).

    ``n01`` counts quiet days followed by an exceedance. Without any exceedance in the first n - 1
    observations there is nothing to compare: statistic 0, p-value 1, said in the note.
    """
    quiet, loud = n00 + n01, n10 + n11
    if loud == 0 or quiet == 0:
        return TestResult("Christoffersen independence", 0.0, 1.0, 1, "one state only: no evidence")
    first, second = n01 / quiet, n11 / loud
    share = (n01 + n11) / (quiet + loud)
    null = _xlogy(n00 + n10, 1.0 - share) + _xlogy(n01 + n11, share)
    best = (
        _xlogy(n00, 1.0 - first)
        + _xlogy(n01, first)
        + _xlogy(n10, 1.0 - second)
        + _xlogy(n11, second)
    )
    statistic = max(0.0, 2.0 * (best - null))
    return TestResult("Christoffersen independence", statistic, _chi_square(statistic, 1), 1)


def christoffersen(hits: ArrayLike) -> TestResult:
    """Are exceedances independent from one day to the next (first-order Markov alternative).

    Parameters
    ----------
    hits : shape (n,), 1 where the loss exceeded VaR, else 0, oldest first; n - 1 transitions are
        counted

    References
    ----------
    Christoffersen 1998, International Economic Review 39.
    """
    return independence(*_transitions(as_hits(hits)))


def conditional_coverage(hits: ArrayLike, probability: float) -> TestResult:
    """Kupiec's and Christoffersen's statistics together, chi-square(2).

    Kupiec's counts all n observations, the independence part n - 1 transitions.
    """
    values = as_hits(hits)
    coverage = kupiec(values.size, int(values.sum()), probability)
    apart = christoffersen(values)
    statistic = coverage.statistic + apart.statistic
    name = "Christoffersen conditional coverage"
    return TestResult(name, statistic, _chi_square(statistic, 2), 2, apart.note)


def dynamic_quantile(
    hits: ArrayLike, var: ArrayLike, probability: float, *, lags: int = 4
) -> TestResult:
    """Engle and Manganelli's out-of-sample DQ test: nothing known before predicts an exceedance.

    H = hit - p is regressed on a constant, ``lags`` of itself and the VaR forecast; the statistic
    H'X (X'X)^+ X'H / (p (1 - p)) is chi-square with the rank of X degrees of freedom, so constant
    or collinear columns cost nothing.

    Parameters
    ----------
    hits : shape (n,), 0 and 1
    var : shape (n,), forecast known before each observation
    probability : 1 - level
    lags : of the hits

    References
    ----------
    Engle and Manganelli 2004, Journal of Business and Economic Statistics 22.
    """
    p = check_level(probability, "probability")
    hit = np.asarray(hits, dtype=np.float64)
    forecast = np.asarray(var, dtype=np.float64)
    if hit.ndim != 1 or hit.shape != forecast.shape:
        raise FixInput(
            f"expected hits and var of one shape (n,), was {hit.shape} and {forecast.shape}"
        )
    keep = np.isfinite(hit) & np.isfinite(forecast)
    hit, forecast = as_hits(hit[keep]), forecast[keep]
    rows = hit.size - lags
    if rows <= lags + 2:
        raise FixInput(f"expected more than {2 * lags + 2} observations, was {hit.size}")
    away = hit - p
    scale = float(np.abs(forecast).max()) or 1.0
    columns = [np.ones(rows), forecast[lags:] / scale]
    columns += [away[lags - k : hit.size - k] for k in range(1, lags + 1)]
    design = np.column_stack(columns)
    target = away[lags:]
    rank = int(np.linalg.matrix_rank(design))
    fitted = design @ (np.linalg.pinv(design) @ target)
    statistic = float(fitted @ fitted) / (p * (1.0 - p))
    return TestResult("dynamic quantile", statistic, _chi_square(statistic, rank), rank)


@dataclass(frozen=True, slots=True)
class TrafficLight:
    """Zone of the Basel Committee's traffic light.

    Attributes
    ----------
    zone : "green", "yellow" or "red"
    cumulative : probability of at most this many exceedances when VaR is right
    """

    zone: str
    cumulative: float


def traffic_light(exceedances: int, n: int = 250, probability: float = 0.01) -> TrafficLight:
    """Zone by the cumulative binomial probability: green below 95%, red from 99.99%.

    For 250 days at 1% that is 0-4, 5-9, 10 and more exceedances (Basel Committee 1996).
    """
    from scipy import special

    n, x = _counts(n, exceedances)
    p = check_level(probability, "probability")
    cumulative = float(special.bdtr(x, n, p))
    zone = "green" if cumulative < 0.95 else "yellow" if cumulative < 0.9999 else "red"
    return TrafficLight(zone, cumulative)

"""Kelly weights whose chance of a deep fall is bounded.

Maximise ``E log(1 + r'f)`` subject to ``E (1 + r'f)^-L <= 1`` and ``f >= 0, sum f <= gross``. With
``L = log(beta) / log(alpha)`` the chance that wealth ever falls below alpha times its start is less
than beta, for independent draws of the scenarios (Busseti, Ryu and Boyd 2016, "Risk-constrained
Kelly gambling", arXiv 1603.06183). Solved by an interior-point method with exact derivatives.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protection.contracts.errors import FixInput

Array = NDArray[np.float64]

_GAP = 1e-11
_NEWTON = 60


@dataclass(frozen=True, slots=True)
class ConstrainedKelly:
    """Answer of :func:`risk_constrained_kelly`.

    Attributes
    ----------
    weights : (n,) shares of wealth in the bets; the rest is cash
    growth : expected log growth per period
    constraint : ``log E (1 + r'f)^-L``, at most 0; NaN without a bound
    aversion : L
    bounded : whether the bound costs growth
    """

    weights: Array
    growth: float
    constraint: float
    aversion: float
    bounded: bool


def drawdown_aversion(wealth: float, chance: float) -> float:
    """Exponent L for "wealth below ``wealth`` times the start with a chance below ``chance``".

    ``log(chance) / log(wealth)``; 0.7 and 0.1 give 6.4557.

    Raises
    ------
    FixInput
        When one of them is outside (0, 1).
    """
    if not (0.0 < wealth < 1.0 and 0.0 < chance < 1.0):
        raise FixInput(f"expected wealth and chance in (0, 1), was {wealth} and {chance}")
    return math.log(chance) / math.log(wealth)


def risk_constrained_kelly(
    outcomes: ArrayLike,
    probabilities: ArrayLike | None = None,
    *,
    wealth: float = 0.7,
    chance: float = 0.1,
    aversion: float | None = None,
    gross: float = 1.0,
) -> ConstrainedKelly:
    """Growth-optimal long weights with a bound on the chance of a drawdown.

    Parameters
    ----------
    outcomes : (s, n) simple returns of n bets in s scenarios, or (s,) for one bet; cash pays 0
    probabilities : (s,) weights of the scenarios, scaled to sum 1; equal when None
    wealth, chance : wealth may fall below ``wealth`` times its start with at most this chance
    aversion : L itself, instead of the two; 0 is the unbounded Kelly portfolio
    gross : largest sum of weights

    Returns
    -------
    ConstrainedKelly
        All weights 0 when no bet has a positive growth.

    Raises
    ------
    FixInput
        For outcomes that are not finite or below -100%, and settings out of range.
    """
    table = np.asarray(outcomes, dtype=float)
    if table.ndim == 1:
        table = table[:, None]
    if table.ndim != 2 or table.size == 0:
        raise FixInput(f"expected outcomes as (scenarios, bets), was shape {table.shape}")
    if not np.all(np.isfinite(table)) or table.min() < -1.0:
        raise FixInput("expected finite simple returns of at least -1, was less, NaN or infinity")
    if not (math.isfinite(gross) and gross > 0.0):
        raise FixInput(f"expected gross above 0, was {gross}")
    exponent = drawdown_aversion(wealth, chance) if aversion is None else aversion
    if not (math.isfinite(exponent) and exponent >= 0.0):
        raise FixInput(f"expected aversion a finite number of at least 0, was {exponent}")
    weights = _probabilities(probabilities, table.shape[0])
    nothing = np.zeros(table.shape[1])
    if float((weights @ table).max()) <= 0.0:  # log is concave: no mean, no growth
        return ConstrainedKelly(nothing, 0.0, 0.0, exponent, False)
    start = np.full(table.shape[1], 0.5 * gross / (table.shape[1] + 1))
    while np.min(1.0 + table @ start) < 0.25:
        start *= 0.5
    free = _interior(table, weights, gross, 0.0, start)
    growth = _growth(table, weights, free)
    if growth <= 1e-12:
        return ConstrainedKelly(nothing, 0.0, 0.0, exponent, False)
    if exponent == 0.0:
        return ConstrainedKelly(free, growth, math.nan, 0.0, False)
    if _constraint(table, weights, free, exponent) <= 0.0:
        solved = free
        bounded = False
    else:
        start = free.copy()
        while _constraint(table, weights, start, exponent) >= 0.0:
            start *= 0.5
            if float(start.max()) < 1e-14 * gross:
                return ConstrainedKelly(nothing, 0.0, 0.0, exponent, True)
        solved = _interior(table, weights, gross, exponent, start)
        bounded = True
    return ConstrainedKelly(
        solved,
        _growth(table, weights, solved),
        _constraint(table, weights, solved, exponent),
        exponent,
        bounded,
    )


def drawdown_fraction(
    returns: ArrayLike,
    probabilities: ArrayLike | None = None,
    *,
    wealth: float = 0.7,
    chance: float = 0.1,
    aversion: float | None = None,
    cap: float = 1.0,
) -> float:
    """Largest scale c of a given portfolio with ``E (1 + c r)^-L <= 1``, by bisection.

    The online form: the portfolio is given, only its size is asked. Never above the scale that
    maximises growth, which lies beyond it only where the bound does not bind.

    Parameters
    ----------
    returns : (s,) simple returns of the portfolio at scale 1
    probabilities, wealth, chance, aversion : see :func:`risk_constrained_kelly`
    cap : largest scale

    Returns
    -------
    Scale in [0, cap]; 0 when the mean is not positive

    Raises
    ------
    FixInput
        As :func:`risk_constrained_kelly`.
    """
    answer = risk_constrained_kelly(
        returns, probabilities, wealth=wealth, chance=chance, aversion=0.0, gross=cap
    )
    top = float(answer.weights[0])
    exponent = drawdown_aversion(wealth, chance) if aversion is None else aversion
    table = np.asarray(returns, dtype=float)[:, None]
    weights = _probabilities(probabilities, table.shape[0])

    def holds(scale: float) -> bool:
        return _constraint(table, weights, np.array([scale]), exponent) <= 0.0

    if top <= 0.0 or holds(top):
        return top
    low, high = 0.0, top
    for _ in range(100):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _probabilities(probabilities: ArrayLike | None, count: int) -> Array:
    if probabilities is None:
        return np.full(count, 1.0 / count)
    weights = np.asarray(probabilities, dtype=float)
    if weights.shape != (count,):
        raise FixInput(f"expected {count} probabilities, was shape {weights.shape}")
    if not np.all(np.isfinite(weights)) or np.any(weights < 0.0) or not weights.sum() > 0.0:
        raise FixInput("expected probabilities of at least 0 with a sum above 0")
    return weights / weights.sum()


def _growth(table: Array, weights: Array, f: Array) -> float:
    return float(weights @ np.log1p(table @ f))


def _constraint(table: Array, weights: Array, f: Array, exponent: float) -> float:
    path = 1.0 + table @ f
    if path.min() <= 0.0:
        return math.inf
    powers = -exponent * np.log(path)
    top = float(powers.max())  # log-sum-exp: (1 + r'f)^-L overflows near ruin
    return top + math.log(float(weights @ np.exp(powers - top)))


def _interior(table: Array, weights: Array, gross: float, exponent: float, start: Array) -> Array:
    """Barrier method from a strictly feasible start; the bound is left out at exponent 0."""
    f, n = start.copy(), start.size
    tight = 10.0
    while (n + 2) / tight > _GAP:
        tight *= 8.0
        for _ in range(_NEWTON):
            value, gradient, hessian = _barrier(table, weights, gross, exponent, tight, f)
            try:
                step = -np.linalg.solve(hessian, gradient)
            except np.linalg.LinAlgError:
                step = -np.linalg.lstsq(hessian, gradient, rcond=None)[0]
            decrement = -float(gradient @ step)
            # below the rounding of the value itself no line search can tell better from worse
            if not decrement > max(1e-10, 1e-14 * abs(value)):
                break
            size = 1.0
            while size > 1e-12:
                trial = f + size * step
                if (
                    _barrier_value(table, weights, gross, exponent, tight, trial)
                    <= value - 0.1 * size * decrement
                ):
                    break
                size *= 0.5
            else:
                break
            f = trial
    return f


def _barrier_value(
    table: Array, weights: Array, gross: float, exponent: float, tight: float, f: Array
) -> float:
    rest = gross - float(f.sum())
    if f.min() <= 0.0 or rest <= 0.0:
        return math.inf
    path = 1.0 + table @ f
    if path.min() <= 0.0:
        return math.inf
    value = -tight * float(weights @ np.log(path)) - float(np.log(f).sum()) - math.log(rest)
    if exponent > 0.0:
        bound = _constraint(table, weights, f, exponent)
        if bound >= 0.0:
            return math.inf
        value -= math.log(-bound)
    return value


def _barrier(
    table: Array, weights: Array, gross: float, exponent: float, tight: float, f: Array
) -> tuple[float, Array, Array]:
    path = 1.0 + table @ f
    rest = gross - float(f.sum())
    ratio = weights / path
    gradient = -tight * (table.T @ ratio) - 1.0 / f + 1.0 / rest
    hessian = tight * (table.T * (ratio / path)) @ table + np.diag(1.0 / f**2) + 1.0 / rest**2
    if exponent > 0.0:
        powers = -exponent * np.log(path)
        share = weights * np.exp(powers - powers.max())
        share /= share.sum()
        pull = table.T @ (share / path)
        slope = -exponent * pull
        curve = exponent * (exponent + 1.0) * (table.T * (share / path**2)) @ table
        curve -= np.outer(slope, slope)
        room = -_constraint(table, weights, f, exponent)
        gradient = gradient + slope / room
        hessian = hessian + curve / room + np.outer(slope, slope) / room**2
    value = _barrier_value(table, weights, gross, exponent, tight, f)
    return value, gradient, hessian

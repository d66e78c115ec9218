"""Generalised Pareto tail: maximum likelihood, or with a prior on the shape, by damped Newton."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protection.contracts.errors import FixInput
from protection.risk.tails.compiled import passes
from protection.risk.tails.empirical import clean_losses

LOWEST_SHAPE = -0.5
HIGHEST_SHAPE = 5.0
FEWEST_EXCESSES = 10
_TOLERANCE = 1e-11


@dataclass(frozen=True, slots=True)
class ShapePrior:
    """Normal prior on the shape, for tails with few excesses.

    The standard error of a shape is about (1 + shape) / sqrt(excesses), 0.25 for 25 of them: more
    than the whole range that daily returns show. The default covers that range, 0 to 0.5.

    Attributes
    ----------
    mean, deviation : of the normal distribution
    """

    mean: float = 0.2
    deviation: float = 0.15

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mean) and self.deviation > 0.0):
            raise FixInput(
                f"expected a finite mean and a deviation above 0, was {self.mean} "
                f"and {self.deviation}"
            )


DEFAULT_PRIOR = ShapePrior()


@dataclass(frozen=True, slots=True)
class GpdFit:
    """Generalised Pareto distribution of excesses over a threshold.

    Attributes
    ----------
    shape, scale : xi and beta; scale in the unit of the excesses
    count : positive excesses used
    log_likelihood : at the fit, without the prior
    covariance : of (shape, scale) from the observed information, NaN when there is none
    converged : whether the gradient vanished; False at a bound or for too few excesses
    note : why it did not converge, or an empty string
    """

    shape: float
    scale: float
    count: int
    log_likelihood: float
    covariance: tuple[tuple[float, float], tuple[float, float]]
    converged: bool
    note: str = ""

    @property
    def shape_error(self) -> float:
        """Standard error of the shape."""
        return math.sqrt(self.covariance[0][0]) if self.covariance[0][0] > 0.0 else math.nan

    @property
    def scale_error(self) -> float:
        """Standard error of the scale."""
        return math.sqrt(self.covariance[1][1]) if self.covariance[1][1] > 0.0 else math.nan


_UNKNOWN = ((math.nan, math.nan), (math.nan, math.nan))


def clean_excesses(excesses: ArrayLike) -> NDArray[np.float64]:
    """Positive excesses; NaN and zeros are left out, a negative one is refused."""
    values = clean_losses(excesses, "excesses")
    if (values < 0.0).any():
        raise FixInput(
            f"expected excesses of at least 0, was {values.min():g}; subtract the threshold from "
            "the losses above it"
        )
    return values[values > 0.0]


def fit_gpd(excesses: ArrayLike, *, prior: ShapePrior | None = None, twin: bool = False) -> GpdFit:
    """Fit a generalised Pareto distribution to excesses over a threshold.

    Maximum likelihood, or the posterior mode with a ``prior`` on the shape, in (shape, log scale)
    by Newton steps with Levenberg damping, for shapes in [-0.5, 5] where the estimate is regular.

    Parameters
    ----------
    excesses : losses minus the threshold, shape (n,), at least 0; NaN and 0 are left out
    prior : of the shape; None for plain maximum likelihood
    twin : use the NumPy pass even where numba is present

    Returns
    -------
    Fit with ``.shape`` and ``.scale``. With fewer than 10 excesses the shape is not estimated: the
    prior's mean (0.2 without a prior) with the scale that keeps the mean excess, not converged.
    Without any: scale NaN. A shape of 1 or more is returned as it is; its mean is infinite.

    Raises
    ------
    FixInput
        For negative or infinite excesses.

    References
    ----------
    Grimshaw 1993, Technometrics 35; Davison and Smith 1990, JRSS B 52.
    """
    values = clean_excesses(excesses)
    centre = (prior or DEFAULT_PRIOR).mean
    if values.size == 0:
        return GpdFit(centre, math.nan, 0, math.nan, _UNKNOWN, False, "no positive excess")
    if values.size < FEWEST_EXCESSES:
        shape = min(centre, 0.9)
        note = f"expected {FEWEST_EXCESSES} excesses or more, was {values.size}; shape not fitted"
        scale = float(values.mean()) * (1.0 - shape)
        return GpdFit(shape, scale, values.size, math.nan, _UNKNOWN, False, note)
    unit = float(np.median(values))
    evaluate = passes("gpd", twin=twin).gpd_pass
    found = _climb(evaluate, values / unit, prior, _start(values / unit))
    shape, log_scale, value, hessian, converged = found
    scale = math.exp(log_scale) * unit
    note = "" if converged else "no stationary point inside the allowed shapes"
    return GpdFit(
        shape,
        scale,
        int(values.size),
        value - values.size * math.log(unit),
        _covariance(hessian, scale) if converged else _UNKNOWN,
        converged,
        note,
    )


def _start(values: NDArray[np.float64]) -> tuple[float, float]:
    """Shape and log scale from the quartiles, which exist however heavy the tail is."""
    half = values.size // 2
    upper = (3 * values.size) // 4
    ordered = np.partition(values, (half, upper))
    middle, high = float(ordered[half]), float(ordered[upper])
    ratio = (high - middle) / middle
    shape = math.log(ratio) / math.log(2.0) if ratio > 0.0 else 0.0
    shape = min(max(shape, 0.05), 2.0)
    return shape, math.log(middle * shape / (2.0**shape - 1.0))


def _climb(
    evaluate: object,
    values: NDArray[np.float64],
    prior: ShapePrior | None,
    start: tuple[float, float],
) -> tuple[float, float, float, tuple[float, float, float], bool]:
    """Damped Newton ascent; shape, log scale, log-likelihood, Hessian and convergence."""
    call = evaluate
    precision = 0.0 if prior is None else prior.deviation**-2
    centre = 0.0 if prior is None else prior.mean

    def at(shape: float, log_scale: float) -> tuple[float, float, float, float, float, float]:
        value, gx, gb, hxx, hxb, hbb = call(values, shape, log_scale)  # type: ignore[operator]
        away = shape - centre
        return (
            value - 0.5 * precision * away * away,
            gx - precision * away,
            gb,
            hxx - precision,
            hxb,
            hbb,
        )

    shape, log_scale = start
    here = at(shape, log_scale)
    damping = 1e-3
    converged = False
    for _ in range(200):
        value, gx, gb, hxx, hxb, hbb = here
        # Levenberg: -H + damping * diag, raised until it is positive definite.
        a = -hxx + damping * (abs(hxx) + 1.0)
        c = -hbb + damping * (abs(hbb) + 1.0)
        b = -hxb
        determinant = a * c - b * b
        if not (a > 0.0 and determinant > 0.0):
            damping = damping * 8.0
            if damping > 1e12:
                break
            continue
        step_x = (c * gx - b * gb) / determinant
        step_b = (a * gb - b * gx) / determinant
        new_shape = min(max(shape + step_x, LOWEST_SHAPE), HIGHEST_SHAPE)
        new_scale = log_scale + max(-3.0, min(3.0, step_b))
        there = at(new_shape, new_scale)
        gain = there[0] - value
        if gain >= 0.0 and math.isfinite(there[0]):
            moved = abs(new_shape - shape) + abs(new_scale - log_scale)
            shape, log_scale, here = new_shape, new_scale, there
            damping = max(damping * 0.1, 1e-14)
            if moved < _TOLERANCE:
                converged = True
                break
        else:
            if abs(step_x) + abs(step_b) < 1e-9:
                converged = True
                break
            damping = damping * 8.0
            if damping > 1e12:
                break
    inside = LOWEST_SHAPE < shape < HIGHEST_SHAPE
    likelihood = here[0] + 0.5 * precision * (shape - centre) ** 2
    return shape, log_scale, likelihood, (here[3], here[4], here[5]), converged and inside


def _covariance(
    hessian: tuple[float, float, float], scale: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Covariance of (shape, scale) from the Hessian in (shape, log scale)."""
    hxx, hxb, hbb = hessian
    determinant = hxx * hbb - hxb * hxb
    if not (hxx < 0.0 and determinant > 0.0):
        return _UNKNOWN
    shape_part = -hbb / determinant
    mixed = hxb / determinant * scale
    return (shape_part, mixed), (mixed, -hxx / determinant * scale**2)


def pool_shapes(fits: Iterable[GpdFit], *, floor: float = 0.05) -> ShapePrior:
    """Prior of the shape from the tails of related series.

    Random-effects mean with the between-series variance of DerSimonian and Laird (1986); what a
    further series may have is as wide as that variance and the error of the mean together.

    Parameters
    ----------
    fits : of the series; those that did not converge are left out
    floor : smallest deviation returned

    Raises
    ------
    FixInput
        When fewer than two fits converged.
    """
    usable = [fit for fit in fits if fit.converged and fit.shape_error > 0.0]
    if len(usable) < 2:
        raise FixInput(f"expected two converged fits or more, was {len(usable)}")
    shapes = np.array([fit.shape for fit in usable])
    weights = np.array([fit.shape_error**-2 for fit in usable])
    mean = weights @ shapes / weights.sum()
    spread = weights @ (shapes - mean) ** 2
    between = max(
        0.0,
        (spread - (len(usable) - 1)) / (weights.sum() - (weights**2).sum() / weights.sum()),
    )
    random = 1.0 / (1.0 / weights + between)
    pooled = random @ shapes / random.sum()
    deviation = math.sqrt(between + 1.0 / random.sum())
    return ShapePrior(float(pooled), max(deviation, floor))

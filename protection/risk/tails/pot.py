"""Peaks over threshold: VaR and ES from a Pareto tail, with honest intervals."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protection.contracts.errors import FixInput
from protection.risk.tails.empirical import check_level, clean_losses
from protection.risk.tails.gpd import GpdFit, ShapePrior, clean_excesses, fit_gpd


def tail_var_es(
    level: float, threshold: float, shape: float, scale: float, share: float
) -> tuple[float, float]:
    """VaR and ES of a Pareto tail above ``threshold`` that holds a ``share`` of all losses.

    VaR = u + (b / xi)[((1 - q) / share)^-xi - 1], ES = (VaR + b - xi u) / (1 - xi) for xi < 1 and
    infinite otherwise.
    """
    ratio = math.log(share / (1.0 - level))
    if abs(shape) < 1e-9:
        var = threshold + scale * ratio
    else:
        var = threshold + scale * math.expm1(shape * ratio) / shape
    if shape >= 1.0:
        return var, math.inf
    return var, (var + scale - shape * threshold) / (1.0 - shape)


def pot_var_es(
    losses: ArrayLike, level: float, threshold: float, *, prior: ShapePrior | None = None
) -> tuple[float, float]:
    """VaR and ES from the losses above a threshold (McNeil and Frey 2000, section 2.2).

    Parameters
    ----------
    losses : shape (n,), losses positive, any unit; NaN is left out
    level : probability; meant for levels above 1 - N_u / n, below it the formula reads the Pareto
        tail where it was not fitted
    threshold : u, in the unit of the losses
    prior : of the shape; None for maximum likelihood

    Returns
    -------
    VaR and ES in the unit of the losses. ES is infinite for a shape of 1 or more. NaN when no loss
    exceeds the threshold. With fewer than 10 excesses the shape is the prior's mean.

    Raises
    ------
    FixInput
        For a level outside (0, 1), infinite losses or a threshold that is not finite.
    """
    level = check_level(level)
    sample = clean_losses(losses)
    if not math.isfinite(threshold):
        raise FixInput(f"expected a finite threshold, was {threshold}")
    excesses = sample[sample > threshold] - threshold
    if excesses.size == 0:
        return math.nan, math.nan
    fit = fit_gpd(excesses, prior=prior)
    return tail_var_es(level, threshold, fit.shape, fit.scale, excesses.size / sample.size)


def posterior_grid(
    excesses: ArrayLike, prior: ShapePrior | None, *, steps: int = 33
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Posterior of (shape, scale) on a grid around the mode; shapes, scales and weights, flat.

    The prior is flat in log scale, and in the shape that of ``prior`` or flat on [-0.5, 2].
    """
    values = clean_excesses(excesses)
    fit = fit_gpd(values, prior=prior)
    deviation = 1.2 / math.sqrt(max(values.size, 1))
    spread = deviation if not fit.converged else max(fit.shape_error, 0.3 * deviation)
    if prior is not None:
        spread = min(spread, 1.2 * prior.deviation)
    low, high = max(-0.5, fit.shape - 5.0 * spread), min(3.0, fit.shape + 6.0 * spread)
    shapes = np.linspace(low, high, steps)
    width = 5.0 * max(1.0 / math.sqrt(values.size), 0.3 * deviation) * 1.6
    scales = fit.scale * np.exp(np.linspace(-width, width, steps))
    weights = np.full((steps, steps), -np.inf)
    for row, shape in enumerate(shapes):
        w = 1.0 + shape * values / scales[:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            if abs(shape) < 1e-9:
                value = -values.size * np.log(scales) - (values / scales[:, None]).sum(axis=1)
            else:
                value = -values.size * np.log(scales) - (1 + 1 / shape) * np.log(w).sum(axis=1)
        value[(w <= 0.0).any(axis=1)] = -np.inf
        if prior is not None:
            value = value - 0.5 * ((shape - prior.mean) / prior.deviation) ** 2
        weights[row] = value
    weights = np.exp(weights - weights.max())
    weights /= weights.sum()
    return np.repeat(shapes, steps), np.tile(scales, steps), weights.ravel()


def pot_interval(
    losses: ArrayLike,
    level: float,
    threshold: float,
    *,
    confidence: float = 0.9,
    prior: ShapePrior | None = None,
) -> tuple[float, float, float, float]:
    """Credible interval of VaR and of ES for independent losses: low and high of each.

    Integrates the posterior of shape, scale and of the share above the threshold (Beta(1/2, 1/2)
    prior) on a grid, so it is as lopsided as the tail is. An end of ES is infinite when shapes of
    1 or more hold that much of the posterior. Volatility clusters make excesses dependent and the
    truth wider; use it on standardised residuals where they do.

    Returns
    -------
    Low and high end of VaR, low and high end of ES; NaN with fewer than 10 excesses.
    """
    from scipy import special

    level = check_level(level)
    confidence = check_level(confidence, "confidence")
    sample = clean_losses(losses)
    excesses = sample[sample > threshold] - threshold
    if excesses.size < 10:
        return math.nan, math.nan, math.nan, math.nan
    shapes, scales, weights = posterior_grid(excesses, prior)
    keep = weights > 1e-9
    shapes, scales, weights = shapes[keep], scales[keep], weights[keep]
    chances = (np.arange(9) + 0.5) / 9.0
    shares = special.betaincinv(excesses.size + 0.5, sample.size - excesses.size + 0.5, chances)
    ratio = np.log(shares / (1.0 - level))[:, None]
    near = np.abs(shapes) < 1e-9
    safe = np.where(near, 1.0, shapes)
    var = threshold + scales * np.where(near, ratio, np.expm1(safe * ratio) / safe)
    finite = shapes < 1.0
    shortfall = np.where(
        finite, (var + scales - shapes * threshold) / np.where(finite, 1.0 - shapes, 1.0), np.inf
    )
    tail = 0.5 * (1.0 - confidence)
    every = np.tile(weights / chances.size, (chances.size, 1)).ravel()
    ends = []
    for values in (var.ravel(), shortfall.ravel()):
        order = np.argsort(values)
        cumulative = np.cumsum(every[order])
        for chance in (tail, 1.0 - tail):
            place = min(int(np.searchsorted(cumulative, chance)), values.size - 1)
            ends.append(float(values[order[place]]))
    return ends[0], ends[1], ends[2], ends[3]


def describe_fit(fit: GpdFit) -> dict[str, float]:
    """Parameters of a fit by name, for diagnostics."""
    return {"shape": fit.shape, "scale": fit.scale, "excesses": float(fit.count)}

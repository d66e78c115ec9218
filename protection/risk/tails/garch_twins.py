"""Plain NumPy form of the passes in :mod:`garch_kernels`: every recursion is a linear filter."""

from __future__ import annotations

from typing import Any

import numpy as np

Floats = Any


def _filtered(inputs: Floats, beta: float, first: float) -> Floats:
    """Solve x[0] = first and x[t + 1] = inputs[t] + beta x[t]; one longer than inputs."""
    from scipy.signal import lfilter

    return lfilter([1.0], [1.0, -beta], np.concatenate([[first], inputs]))


def garch_pass(
    values: Floats,
    lags: Floats,
    theta: Floats,
    backcast: float,
    normal: bool,
    score: Floats,
    outer: Floats,
    last: Floats,
    slope: Floats,
) -> float:
    """Sum of log-density parts that depend on the data; fills score, outer product and next step.

    See the kernel for the arguments. The variance is h[t + 1] = omega + (alpha + gamma 1[e < 0])
    e[t]^2 + beta h[t], started at omega + (alpha + gamma / 2 + beta) backcast.
    """
    mu, phi, omega, alpha, gamma, beta, nu = (float(entry) for entry in theta)
    residual = values - mu - phi * lags
    square = residual**2
    down = (residual < 0.0).astype(float)
    react = alpha + gamma * down
    first = omega + (alpha + 0.5 * gamma + beta) * backcast
    variances = _filtered(omega + react * square, beta, first)
    h = variances[:-1]
    if not (variances > 0.0).all():
        return -np.inf
    slopes = [
        _filtered(-2.0 * react * residual, beta, 0.0),
        _filtered(-2.0 * react * residual * lags, beta, 0.0),
        _filtered(np.ones(values.size), beta, 1.0),
        _filtered(square, beta, backcast),
        _filtered(down * square, beta, 0.5 * backcast),
        _filtered(h, beta, backcast),
    ]
    parts = np.zeros((7, values.size))
    if normal:
        total = -0.5 * (square / h).sum()
        by_variance = 0.5 * (square / h - 1.0) / h
        by_residual = -residual / h
    else:
        reach = nu - 2.0
        ratio = square / h / reach
        log_one = np.log1p(ratio)
        total = -0.5 * (nu + 1.0) * log_one.sum()
        pull = (nu + 1.0) / (1.0 + ratio)
        by_variance = 0.5 * (pull * ratio - 1.0) / h
        by_residual = -pull * residual / h / reach
        parts[6] = 0.5 * (pull * ratio / reach - log_one)
    for k in range(6):
        parts[k] = by_variance * slopes[k][:-1]
        slope[k] = slopes[k][-1]
    parts[0] -= by_residual
    parts[1] -= by_residual * lags
    score[:] = parts.sum(axis=1)
    if outer[0, 0] == 0.0:
        outer += np.tril(parts @ parts.T)
    last[0] = variances[-1]
    last[1] = residual[-1]
    return float(total - 0.5 * np.log(h).sum())


def garch_path(
    values: Floats, lags: Floats, theta: Floats, backcast: float, variances: Floats
) -> float:
    """Conditional variance of every step into ``variances``; returns that of the next step."""
    mu, phi, omega, alpha, gamma, beta = (float(entry) for entry in theta[:6])
    residual = values - mu - phi * lags
    react = alpha + gamma * (residual < 0.0)
    first = omega + (alpha + 0.5 * gamma + beta) * backcast
    every = _filtered(omega + react * residual**2, beta, first)
    variances[:] = every[:-1]
    return float(every[-1])

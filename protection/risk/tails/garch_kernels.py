"""Compiled pass of the GARCH likelihood; see :mod:`garch_twins` for the plain form."""

from __future__ import annotations

from typing import Any

import numpy as np

from protection.contracts.compiled import jit

Floats = Any


@jit
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

    ``theta`` is (mu, phi, omega, alpha, gamma, beta, nu). ``score`` (7,) and ``outer`` (7, 7) are
    added up, ``outer`` only when its corner is 0 on entry; ``last`` gets the variance of the next
    step, the last residual; ``slope`` (6,) the derivative of that variance.
    """
    mu, phi, omega, alpha, gamma, beta, nu = theta
    wanted = outer[0, 0] == 0.0
    persistence = alpha + 0.5 * gamma + beta
    variance = omega + persistence * backcast
    d_omega = 1.0
    d_alpha = d_beta = backcast
    d_gamma = 0.5 * backcast
    d_mu = d_phi = 0.0
    total = 0.0
    logs = 0.0
    product = 1.0
    reach = nu - 2.0
    s = np.zeros(7)
    for k in range(7):
        score[k] = 0.0
    residual = 0.0
    for t in range(values.size):
        lag = lags[t]
        residual = values[t] - mu - phi * lag
        square = residual * residual
        inverse = 1.0 / variance
        if normal:
            product *= variance
            if product > 1e100 or product < 1e-100:
                logs += np.log(product)
                product = 1.0
            total -= 0.5 * square * inverse
            by_variance = 0.5 * (square * inverse - 1.0) * inverse
            by_residual = -residual * inverse
        else:
            ratio = square * inverse / reach
            bend = 1.0 / (1.0 + ratio)
            log_one = np.log(1.0 + ratio)
            product *= variance
            if product > 1e100 or product < 1e-100:
                logs += np.log(product)
                product = 1.0
            total -= 0.5 * (nu + 1.0) * log_one
            pull = (nu + 1.0) * bend
            by_variance = 0.5 * (pull * ratio - 1.0) * inverse
            by_residual = -pull * residual * inverse / reach
            s[6] = 0.5 * (pull * ratio / reach - log_one)
        s[0] = by_variance * d_mu - by_residual
        s[1] = by_variance * d_phi - by_residual * lag
        s[2] = by_variance * d_omega
        s[3] = by_variance * d_alpha
        s[4] = by_variance * d_gamma
        s[5] = by_variance * d_beta
        for k in range(7):
            score[k] += s[k]
        if wanted:
            for k in range(7):
                for m in range(k + 1):
                    outer[k, m] += s[k] * s[m]
        down = 1.0 if residual < 0.0 else 0.0
        react = alpha + gamma * down
        d_mu = -2.0 * react * residual + beta * d_mu
        d_phi = -2.0 * react * residual * lag + beta * d_phi
        d_omega = 1.0 + beta * d_omega
        d_alpha = square + beta * d_alpha
        d_gamma = down * square + beta * d_gamma
        d_beta = variance + beta * d_beta
        variance = omega + react * square + beta * variance
        if not variance > 0.0:
            return -np.inf
    logs += np.log(product)
    last[0] = variance
    last[1] = residual
    slope[0] = d_mu
    slope[1] = d_phi
    slope[2] = d_omega
    slope[3] = d_alpha
    slope[4] = d_gamma
    slope[5] = d_beta
    return total - 0.5 * logs


@jit
def garch_path(
    values: Floats, lags: Floats, theta: Floats, backcast: float, variances: Floats
) -> float:
    """Conditional variance of every step into ``variances``; returns that of the next step."""
    mu, phi, omega, alpha, gamma, beta, _ = theta
    variance = omega + (alpha + 0.5 * gamma + beta) * backcast
    for t in range(values.size):
        variances[t] = variance
        residual = values[t] - mu - phi * lags[t]
        react = alpha + gamma if residual < 0.0 else alpha
        variance = omega + react * residual * residual + beta * variance
    return variance

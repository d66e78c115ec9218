"""Plain NumPy form of the passes in :mod:`empirical_kernels`."""

from __future__ import annotations

from typing import Any

import numpy as np

Floats = Any


def largest(losses: Floats, count: int) -> Floats:
    """``count`` largest losses, largest first; -inf where there are fewer."""
    top = np.sort(losses)[::-1][:count]
    return np.concatenate([top, np.full(count - top.size, -np.inf)])


def tail_of(top: Floats, position: float) -> tuple[float, float]:
    """VaR and ES from the largest losses; ``position`` is (n + 1)(1 - level)."""
    if position <= 1.0:
        return float(top[0]), float(top[0])
    whole = min(int(position), top.size)
    total = top[0] + (0.5 * (top[: whole - 1] + top[1:whole])).sum()
    rest = position - whole
    last = top[whole - 1]
    value = last if whole >= top.size else last + rest * (top[whole] - last)
    total += rest * 0.5 * (last + value)
    return float(value), float(max(total / position, value))


def book_losses(scenarios: Floats, scales: Floats, exposures: Floats) -> Floats:
    """Loss of a book in each scenario, shape (n,)."""
    return -(scenarios @ (scales * exposures))


def book_tail(
    scenarios: Floats, scales: Floats, exposures: Floats, position: float, count: int
) -> tuple[float, float]:
    """VaR and ES of a book over equally likely scenarios."""
    return tail_of(largest(book_losses(scenarios, scales, exposures), count), position)


def order_tail(
    scenarios: Floats,
    scales: Floats,
    exposures: Floats,
    index: int,
    change: float,
    position: float,
    count: int,
) -> tuple[float, float, float, float]:
    """VaR and ES of a book before and after one exposure changes."""
    losses = book_losses(scenarios, scales, exposures)
    before = tail_of(largest(losses, count), position)
    after = tail_of(
        largest(losses - scenarios[:, index] * (scales[index] * change), count), position
    )
    return *before, *after


def ring_step(
    returns: Floats,
    variances: Floats,
    counts: Floats,
    row: Floats,
    filled: Floats,
    valid: Floats,
    forget: float,
    floor: float,
    warmup: int,
) -> int:
    """One bar: standardised returns replace the ring's ``row``, then the variances move on.

    Works in place; returns how many entries of the new row are scenarios. Without any, as in
    warm-up or on a day without bars, the old row stays.
    """
    seen = ~np.isnan(returns)
    ready = seen & (counts >= warmup)
    if ready.any():
        row[:] = 0.0
        row[ready] = returns[ready] / np.sqrt(np.maximum(variances[ready], floor))
        valid += ready.astype(valid.dtype) - filled
        filled[:] = ready
    counts[seen] += 1
    weight = np.maximum(forget, 1.0 / (counts[seen] + 1.0))
    variances[seen] += weight * (returns[seen] ** 2 - variances[seen])
    return int(ready.sum())


def ring_scales(
    variances: Floats,
    valid: Floats,
    depth: int,
    minimum: int,
    floor: float,
    prior: float,
    scales: Floats,
    alone: Floats,
) -> int:
    """Scale of each column's scenarios, or its stand-alone volatility; how many stand alone."""
    variance = np.maximum(variances, floor)
    simulated = (valid >= minimum) & (2 * valid >= depth) & (variances > floor)
    widen = np.where(simulated, depth / np.maximum(valid, 1), 0.0)
    scales[:] = np.sqrt(variance * widen)
    alone[:] = np.where(simulated, 0.0, np.maximum(np.sqrt(variance), prior))
    return int((~simulated).sum())

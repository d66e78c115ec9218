"""Compiled passes of the empirical tail; see :mod:`empirical_twins` for the plain form."""

from __future__ import annotations

from typing import Any

import numpy as np

from protection.contracts.compiled import jit

Floats = Any


@jit
def largest(losses: Floats, count: int) -> Floats:
    """``count`` largest losses, largest first."""
    top = np.full(count, -np.inf)
    for t in range(losses.size):
        value = losses[t]
        if value <= top[count - 1]:
            continue
        place = count - 1
        while place > 0 and top[place - 1] < value:
            top[place] = top[place - 1]
            place -= 1
        top[place] = value
    return top


@jit
def tail_of(top: Floats, position: float) -> tuple[float, float]:
    """VaR and ES from the largest losses; ``position`` is (n + 1)(1 - level)."""
    if position <= 1.0:
        return top[0], top[0]
    whole = min(int(position), top.size)
    total = top[0]
    for j in range(1, whole):
        total += 0.5 * (top[j - 1] + top[j])
    rest = position - whole
    last = top[whole - 1]
    value = last
    if whole < top.size:
        value = last + rest * (top[whole] - last)
    total += rest * 0.5 * (last + value)
    # The mean of numbers not below the VaR can fall below it by rounding only.
    return value, max(total / position, value)


@jit
def book_losses(scenarios: Floats, scales: Floats, exposures: Floats) -> Floats:
    """Loss of a book in each scenario, shape (n,)."""
    rows, columns = scenarios.shape
    weights = scales * exposures
    losses = np.empty(rows)
    for t in range(rows):
        total = 0.0
        for i in range(columns):
            total += scenarios[t, i] * weights[i]
        losses[t] = -total
    return losses


@jit
def book_tail(
    scenarios: Floats, scales: Floats, exposures: Floats, position: float, count: int
) -> tuple[float, float]:
    """VaR and ES of a book over equally likely scenarios."""
    return tail_of(largest(book_losses(scenarios, scales, exposures), count), position)


@jit
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
    step = scales[index] * change
    for t in range(losses.size):
        losses[t] -= scenarios[t, index] * step
    after = tail_of(largest(losses, count), position)
    return before[0], before[1], after[0], after[1]


@jit
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
    fresh = 0
    for i in range(returns.size):
        fresh += not np.isnan(returns[i]) and counts[i] >= warmup
    for i in range(returns.size):
        value = returns[i]
        missing = np.isnan(value)
        if fresh > 0:
            ready = not missing and counts[i] >= warmup
            row[i] = value / np.sqrt(max(variances[i], floor)) if ready else 0.0
            valid[i] += ready - filled[i]
            filled[i] = ready
        if missing:
            continue
        counts[i] += 1
        variances[i] += max(forget, 1.0 / (counts[i] + 1.0)) * (value * value - variances[i])
    return fresh


@jit
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
    short = 0
    for i in range(variances.size):
        variance = max(variances[i], floor)
        if valid[i] >= minimum and 2 * valid[i] >= depth and variances[i] > floor:
            scales[i] = np.sqrt(variance * depth / valid[i])
            alone[i] = 0.0
        else:
            scales[i] = 0.0
            alone[i] = max(np.sqrt(variance), prior)
            short += 1
    return short

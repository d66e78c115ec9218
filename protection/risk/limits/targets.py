"""Targets scaled down until the book they make keeps within the tail limits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from protection.contracts.records import Portfolio
from protection.risk.limits.tail import TailLimit
from protection.risk.targets import toward_holding

_HALVINGS = 20


def fit_targets(
    targets: Mapping[str, float],
    portfolio: Portfolio,
    limit: TailLimit,
    price_of: Callable[[str], float | None],
) -> dict[str, float]:
    """Scale the adding parts of all targets together until VaR and ES of the book fit.

    A refused order leaves nothing where a smaller one would have passed; a construction that
    hands in its targets gets the book it asked for, only smaller. What a target keeps of a holding
    is not touched. When what is kept already exceeds the limits, adding parts are scaled to the
    point at which they do not raise VaR or ES, which may be nothing.

    Parameters
    ----------
    targets : wanted signed quantity by symbol
    portfolio : the account; symbols held but not wanted stay
    limit : the tail limits
    price_of : account currency per unit, None when unknown: such a target is left as it is

    Returns
    -------
    Quantity by symbol
    """
    equity = portfolio.equity
    if not (math.isfinite(equity) and equity > 0.0):
        return dict(targets)
    kept: dict[str, float] = {}
    base: dict[str, float] = {name: p.value for name, p in portfolio.positions.items()}
    adds: dict[str, float] = {}
    for symbol, target in targets.items():
        position = portfolio.positions.get(symbol)
        price = price_of(symbol)
        if price is None or not (math.isfinite(price) and price > 0.0 and math.isfinite(target)):
            continue
        keep = toward_holding(target, 0.0 if position is None else position.quantity)
        kept[symbol] = keep
        base[symbol] = keep * price
        if target != keep:
            adds[symbol] = (target - keep) * price
    if not adds:
        return dict(targets)

    def fits(share: float) -> bool:
        return limit.allows(base, {name: share * value for name, value in adds.items()}, equity)

    if fits(1.0):
        return dict(targets)
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if fits(middle) else (low, middle)
    scaled = dict(targets)
    for symbol in adds:
        scaled[symbol] = kept[symbol] + (targets[symbol] - kept[symbol]) * low
    return scaled

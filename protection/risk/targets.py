"""Targets cut to a verdict: what a portfolio construction may ask for now."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from protection.contracts.actions import Action, Verdict
from protection.contracts.records import Portfolio
from protection.contracts.settings import LimitSettings

_LIQUIDATE = Action.LIQUIDATE  # asked of its class it costs 20 times as much in Python 3.11


def toward_holding(target: float, held: float) -> float:
    """The part of a target that adds nothing to a holding: between nothing and the holding."""
    if target * held <= 0.0:
        return 0.0
    return math.copysign(min(abs(target), abs(held)), held)


def cut_targets(
    targets: Mapping[str, float],
    portfolio: Portfolio,
    verdict: Verdict,
    limits: LimitSettings,
    price_of: Callable[[str], float | None],
) -> dict[str, float]:
    """Cut target quantities to what the verdict and the limits allow.

    Parameters
    ----------
    targets : wanted signed quantity by symbol
    portfolio : the account; symbols held but not wanted are left as they are
    verdict : the portfolio's, with its symbols
    limits : position and gross limits
    price_of : price by symbol in account currency per unit of quantity, None when unknown

    Returns
    -------
    dict
        For every symbol asked for: nothing while it is to be liquidated; else the target times the
        multiplier, but no more than the holding while adding is denied or no price is known (a
        halt does not stop the cushion from shrinking what is held), within the position limit.
        When all results together would exceed the gross limit, the parts that add are scaled down
        together. Quantities are not rounded to lots.
    """
    cut: dict[str, float] = {}
    prices: dict[str, float] = {}
    for symbol, target in targets.items():
        position = portfolio.positions.get(symbol)
        held = 0.0 if position is None else position.quantity
        price = price_of(symbol)
        standing = verdict.for_symbol(symbol)
        if standing.state is _LIQUIDATE:
            cut[symbol] = 0.0
            continue
        known = price is not None and math.isfinite(price) and price > 0.0
        if not math.isfinite(target):
            cut[symbol] = held
        elif not standing.state.adding_allowed or not known:
            cut[symbol] = toward_holding(target * standing.multiplier, held)
        else:
            assert price is not None
            prices[symbol] = price
            wanted = target * standing.multiplier
            if limits.max_position is not None:
                cap = limits.max_position * standing.multiplier * portfolio.equity / price
                wanted = math.copysign(min(abs(wanted), max(0.0, cap)), wanted)
            cut[symbol] = wanted
    if limits.max_leverage is not None:
        _fit_gross(cut, prices, portfolio, limits.max_leverage)
    return cut


def _fit_gross(
    cut: dict[str, float], prices: Mapping[str, float], portfolio: Portfolio, limit: float
) -> None:
    """Scale the adding parts down until the gross exposure fits."""
    keep: dict[str, float] = {}
    fixed = added = 0.0
    for symbol, quantity in cut.items():
        position = portfolio.positions.get(symbol)
        held = 0.0 if position is None else position.quantity
        price = prices.get(symbol)
        if price is None:
            fixed += (
                0.0 if position is None else abs(quantity * position.price * position.multiplier)
            )
            continue
        keep[symbol] = toward_holding(quantity, held)
        fixed += abs(keep[symbol]) * price
        added += abs(quantity - keep[symbol]) * price
    for symbol, position in portfolio.positions.items():
        if symbol not in cut:
            fixed += abs(position.value)
    cap = limit * portfolio.equity
    if added <= 0.0 or fixed + added <= cap:
        return
    share = max(0.0, cap - fixed) / added
    for symbol, kept in keep.items():
        cut[symbol] = kept + (cut[symbol] - kept) * share

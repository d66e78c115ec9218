"""Tests of expected shortfall (Acerbi and Szekely 2014)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protection.contracts.errors import FixInput
from protection.risk.tails.empirical import check_level

YELLOW = -0.7
RED = -1.8


@dataclass(frozen=True, slots=True)
class ShortfallTest:
    """Statistics Z1 and Z2; both are 0 on average when VaR and ES are right, negative when low.

    Attributes
    ----------
    z1 : mean of loss over ES on exceedance days, from 1: tests ES given VaR; NaN without exceedance
    z2 : tests VaR and ES together
    exceedances, count : days above VaR and days in all
    zone : of Z2 by the authors' fixed limits for 250 days at 97.5%: "green" above -0.7, "yellow"
        to -1.8, "red" below. The limits hold for one year; over longer spans Z2 varies less and
        the limits are lenient
    p_value : of Z2, see :func:`acerbi_szekely`; NaN when it was not simulated
    """

    z1: float
    z2: float
    exceedances: int
    count: int
    zone: str
    p_value: float

    @property
    def statistic(self) -> float:
        """Z2."""
        return self.z2


def acerbi_szekely(
    pnl: ArrayLike,
    var: ArrayLike,
    es: ArrayLike,
    level: float,
    *,
    simulations: int = 0,
    seed: int = 0,
) -> ShortfallTest:
    """Acerbi and Szekely's first and second statistic.

    With X the profit and loss, I = 1 where X + VaR < 0 and a = 1 - level:
    Z1 = sum(X I / ES) / N + 1 over the N exceedances, Z2 = sum(X I / ES) / (T a) + 1.

    Parameters
    ----------
    pnl : shape (n,), losses negative
    var, es : forecasts, positive, shape (n,) or scalar; rows with a NaN are left out
    level : probability of VaR and ES, such as 0.975
    simulations : null draws for ``p_value``; each day's excess over VaR is drawn as exponential
        with the day's ES - VaR, an assumption that fixes only the second moments of the tail
    seed : of those draws

    Raises
    ------
    FixInput
        For shapes that do not agree, no complete row, or an ES that is not positive.
    """
    level = check_level(level)
    profit, limit, shortfall = _aligned(pnl, var, es)
    alpha = 1.0 - level
    hit = profit + limit < 0.0
    ratio = np.where(hit, profit / shortfall, 0.0)
    count, exceedances = profit.size, int(hit.sum())
    z1 = float(ratio.sum() / exceedances + 1.0) if exceedances else math.nan
    z2 = float(ratio.sum() / (count * alpha) + 1.0)
    p_value = math.nan
    if simulations > 0:
        rng = np.random.default_rng(seed)
        below = 0
        for _ in range(simulations):
            drawn = np.flatnonzero(rng.random(count) < alpha)
            depth = limit[drawn] + (shortfall[drawn] - limit[drawn]) * rng.standard_exponential(
                drawn.size
            )
            below += 1.0 - float((depth / shortfall[drawn]).sum()) / (count * alpha) <= z2
        p_value = (below + 1.0) / (simulations + 1.0)
    zone = "green" if z2 > YELLOW else "yellow" if z2 > RED else "red"
    return ShortfallTest(z1, z2, exceedances, count, zone, p_value)


def _aligned(
    pnl: ArrayLike, var: ArrayLike, es: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    profit = np.asarray(pnl, dtype=np.float64)
    if profit.ndim != 1:
        raise FixInput(f"expected pnl with one dimension, was shape {profit.shape}")
    try:
        limit = np.broadcast_to(np.asarray(var, dtype=np.float64), profit.shape)
        shortfall = np.broadcast_to(np.asarray(es, dtype=np.float64), profit.shape)
    except ValueError:
        raise FixInput(
            f"expected var and es of shape {profit.shape} or scalars, was {np.shape(var)} and "
            f"{np.shape(es)}"
        ) from None
    keep = ~(np.isnan(profit) | np.isnan(limit) | np.isnan(shortfall))
    if not keep.any():
        raise FixInput("expected at least one day with pnl, var and es, was none")
    profit, limit, shortfall = profit[keep], limit[keep], shortfall[keep]
    if not (shortfall > 0.0).all():
        raise FixInput(
            f"expected es above 0 (losses positive), was {shortfall.min():g}; change its sign"
        )
    return profit, limit, shortfall

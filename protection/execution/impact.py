"""Market impact: by how much an order moves the price against itself."""

from __future__ import annotations

import math
from dataclasses import dataclass

from protection.contracts.errors import FixInput

GAMMA = 0.314
"""Permanent coefficient of Almgren et al. (2005); standard error 0.041."""

ETA = 0.142
"""Temporary coefficient of Almgren et al. (2005); standard error 0.0062."""

TOTH_Y = 1.0
"""Coefficient of the square-root law: published fits lie between 0.5 and 1."""


@dataclass(frozen=True, slots=True)
class ImpactEstimate:
    """Answer of :func:`almgren_2005`; every figure is a fraction of the price, at least 0.

    Attributes
    ----------
    permanent : move that stays when the order is done
    temporary : premium paid while trading
    cost : mean cost of the order against its arrival price, ``permanent / 2 + temporary``
    """

    permanent: float
    temporary: float
    cost: float


def square_root_impact(
    quantity: float,
    volume: float,
    volatility: float,
    *,
    coefficient: float = TOTH_Y,
    mean: bool = False,
    crossover: float = 0.0,
) -> float:
    """Impact ``Y sigma sqrt(|Q| / V)``, a fraction of the price.

    Parameters
    ----------
    quantity : size of the whole order in units; the sign does not matter
    volume, volatility : traded units and volatility over one span (a day); which span does not
        matter as long as both have the same, because the root of one cancels against the other
    coefficient : Y; between 0.5 and 1 in published fits
    mean : the mean cost of an order worked at a constant rate, two thirds of the peak
    crossover : share of volume below which the impact is linear (1e-4 in published data); 0 is
        the pure law

    Returns
    -------
    Fraction of the price, at least 0; infinite when the volume is 0 or a figure is not a number:
    what cannot be told is not free.

    Notes
    -----
    Source: Toth et al. (2011), Phys. Rev. X 1, 021006. Established for shares of the daily volume
    between about 1e-4 and 0.1; beyond, the exchange's capacity decides: cap the participation.
    """
    size = abs(quantity)
    if size == 0.0:
        return 0.0
    if not (volume > 0.0 and volatility >= 0.0 and math.isfinite(size)):
        return math.inf
    share = size / volume
    root = math.sqrt(share) if share >= crossover else share / math.sqrt(crossover)
    return coefficient * volatility * root * (2.0 / 3.0 if mean else 1.0)


def almgren_2005(
    quantity: float,
    volume: float,
    outstanding: float | None,
    volatility: float,
    duration: float,
    *,
    gamma: float = GAMMA,
    eta: float = ETA,
    liquidity_factor: float | None = None,
) -> ImpactEstimate:
    """Impact of an order worked at a constant rate, after Almgren, Thum, Hauptmann and Li (2005).

    ``I = gamma sigma (X / V) (Theta / V)^(1/4)`` and ``J = I / 2 + eta sigma |X / (V T)|^(3/5)``.
    LEAN's ``MarketImpactSlippageModel`` uses a fit of the same paper: put one or the other under
    an order, not both.

    Parameters
    ----------
    quantity : X, units; the sign does not matter
    volume : V, mean daily volume
    outstanding : Theta, shares outstanding; None where there are none (coins, futures): give
        ``liquidity_factor``
    volatility : sigma of one day, as 0.0157
    duration : T in days of volume time
    gamma, eta : coefficients
    liquidity_factor : (Theta / V)^(1/4) itself, for assets without Theta

    Raises
    ------
    FixInput
        When a figure is not finite and above 0, or both or neither of ``outstanding`` and
        ``liquidity_factor`` are given.
    """
    if (outstanding is None) == (liquidity_factor is None):
        raise FixInput("expected either outstanding or liquidity_factor, was both or neither")
    for name, value in (
        ("volume", volume),
        ("outstanding", 1.0 if outstanding is None else outstanding),
        ("liquidity_factor", 1.0 if liquidity_factor is None else liquidity_factor),
        ("duration", duration),
    ):
        if not (math.isfinite(value) and value > 0.0):
            raise FixInput(f"expected {name} above 0, was {value}")
    if not (math.isfinite(quantity) and math.isfinite(volatility) and volatility >= 0.0):
        raise FixInput(
            "expected a finite quantity and a volatility of at least 0, "
            f"was {quantity} and {volatility}"
        )
    share = abs(quantity) / volume
    if liquidity_factor is None:
        assert outstanding is not None
        factor = (outstanding / volume) ** 0.25
    else:
        factor = liquidity_factor
    permanent = gamma * volatility * share * factor
    temporary = eta * volatility * (share / duration) ** 0.6
    return ImpactEstimate(permanent, temporary, 0.5 * permanent + temporary)

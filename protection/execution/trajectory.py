"""Optimal schedules after Almgren and Chriss (2000): expected cost against its variance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protection.contracts.errors import FixInput


@dataclass(frozen=True, slots=True)
class Trajectory:
    """A schedule.

    Attributes
    ----------
    holdings : (n + 1,) units left after each step; the first is the whole, the last 0
    trades : (n,) units traded in each step, of the sign of the whole
    kappa : decay of the holdings per unit of time; 0 for a constant rate
    cost : expected cost in money
    deviation : standard deviation of the cost in money
    """

    holdings: NDArray[np.float64]
    trades: NDArray[np.float64]
    kappa: float
    cost: float
    deviation: float


def almgren_chriss(
    quantity: float,
    horizon: float,
    steps: int,
    volatility: float,
    temporary: float,
    *,
    permanent: float = 0.0,
    fixed: float = 0.0,
    risk_aversion: float = 0.0,
) -> Trajectory:
    """Schedule that minimises ``E + lambda V`` over a horizon.

    With ``eta~ = eta - gamma tau / 2`` and ``cosh(kappa tau) = 1 + lambda sigma^2 tau^2 /
    (2 eta~)`` the holdings are ``X sinh(kappa (T - t)) / sinh(kappa T)``: front-loaded for a risk
    averse trader, a constant rate at lambda 0, back-loaded (a sine) for a risk seeker.

    Parameters
    ----------
    quantity : X, units to trade; negative to sell short or cover alike, only its sign carries over
    horizon : T, days
    steps : n
    volatility : sigma in money per unit and square root of a day, as 0.95
    temporary : eta, money per unit for trading one unit a day
    permanent : gamma, money per unit for each unit traded
    fixed : epsilon, money per unit (half the spread and fees)
    risk_aversion : lambda, per unit of money

    Raises
    ------
    FixInput
        For figures that are not finite, a horizon or steps not above 0, ``eta - gamma tau / 2``
        not above 0, or a negative risk aversion so large that the schedule would turn round.

    Notes
    -----
    Source: Almgren and Chriss (2000), "Optimal execution of portfolio transactions", equations
    16 to 21. The hyperbolic sines are divided in logarithms, so that kappa T may be any size.
    """
    figures = (quantity, horizon, volatility, temporary, permanent, fixed, risk_aversion)
    if not all(math.isfinite(value) for value in figures):
        raise FixInput(f"expected finite figures, was {figures}")
    if not (horizon > 0.0 and steps >= 1):
        raise FixInput(f"expected horizon and steps above 0, was {horizon} and {steps}")
    tau = horizon / steps
    eta = temporary - 0.5 * permanent * tau
    if not eta > 0.0:
        raise FixInput(
            f"expected temporary above permanent * step / 2 = {0.5 * permanent * tau:g}, "
            f"was {temporary:g}; take more steps"
        )
    change = risk_aversion * (volatility * tau) ** 2 / (2.0 * eta)
    left = horizon - tau * np.arange(steps + 1)
    left[-1] = 0.0
    if change > 1e-14:
        # acosh(1 + c) without losing c against 1
        kappa = math.log1p(change + math.sqrt(change * (change + 2.0))) / tau
        ends = -np.expm1(-2.0 * kappa * left)
        holdings = np.exp(-kappa * (horizon - left)) * ends / -math.expm1(-2.0 * kappa * horizon)
    elif change < -1e-14:
        kappa = math.acos(1.0 + change) / tau if change > -2.0 else math.inf
        if not kappa * horizon < math.pi:
            raise FixInput(
                f"expected a risk aversion closer to 0, was {risk_aversion:g}: "
                "the schedule would turn round"
            )
        holdings = np.sin(kappa * left) / math.sin(kappa * horizon)
    else:
        kappa = 0.0
        holdings = left / horizon
    holdings = quantity * holdings
    holdings[0], holdings[-1] = quantity, 0.0
    trades = -np.diff(holdings)
    cost = (
        0.5 * permanent * quantity * quantity
        + fixed * float(np.abs(trades).sum())
        + eta / tau * float(trades @ trades)
    )
    variance = volatility * volatility * tau * float(holdings[1:] @ holdings[1:])
    return Trajectory(holdings, trades, kappa, cost, math.sqrt(variance))

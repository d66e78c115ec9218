"""What a tail model answers: immutable records."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TailEstimate:
    """VaR and ES at one level.

    Attributes
    ----------
    level : probability, such as 0.99
    var, es : positive losses, in the unit of what was measured; es >= var, es may be infinite
    basis : one phrase that names what answered, and says so when it was the conservative fallback
    """

    level: float
    var: float
    es: float
    basis: str


@dataclass(frozen=True, slots=True)
class OrderEffect:
    """VaR and ES of a book before and after one order.

    Attributes
    ----------
    before, after : estimates in the unit of the exposures
    """

    before: TailEstimate
    after: TailEstimate

    @property
    def var_change(self) -> float:
        """Incremental VaR: what the order adds; negative when it reduces risk."""
        return self.after.var - self.before.var

    @property
    def es_change(self) -> float:
        """Incremental ES: what the order adds; negative when it reduces risk."""
        return self.after.es - self.before.es


@dataclass(frozen=True, slots=True)
class TailInterval:
    """Range in which VaR and ES plausibly lie.

    Attributes
    ----------
    level, confidence : probabilities
    var_low, var_high, es_low, es_high : losses; an end may be infinite, or NaN when unknown
    method : how it was found and what it leaves out
    """

    level: float
    confidence: float
    var_low: float
    var_high: float
    es_low: float
    es_high: float
    method: str


@dataclass(frozen=True, slots=True)
class TailDiagnostics:
    """How a fit went.

    Attributes
    ----------
    model : name of the model that was asked
    basis : name of what answers; differs from ``model`` when the fallback does
    observations, missing : finite returns used and NaN returns left out
    converged : whether the optimiser ended at a stationary point
    parameters : fitted values by name
    horizon : how answers for more than one period are scaled
    warnings : sentences on anything a user should know
    """

    model: str
    basis: str
    observations: int
    missing: int
    converged: bool
    parameters: dict[str, float]
    horizon: str
    warnings: tuple[str, ...] = ()

    @property
    def fallback(self) -> bool:
        """Whether the conservative fallback answers."""
        return self.basis != self.model

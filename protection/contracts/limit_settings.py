"""Settings of the pre-trade limits on the book's shape and tail; all off unless asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from protection.contracts import checks
from protection.contracts.checks import Constraint
from protection.contracts.errors import FixSettings
from protection.contracts.schema import Section, setting


def read_pairs(text: str) -> dict[str, str]:
    """``"AAPL=tech; XOM=energy"`` as a mapping.

    Raises
    ------
    ValueError
        For a pair without a name or value, and a name that stands there twice.
    """
    found: dict[str, str] = {}
    for part in text.replace(",", ";").split(";"):
        if not part.strip():
            continue
        name, sign, value = (piece.strip() for piece in part.partition("="))
        if not (name and sign and value) or name in found:
            raise ValueError(part)
        found[name] = value
    return found


def _is_pairs(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return bool(read_pairs(value))
    except ValueError:
        return False


def _pairs() -> Constraint:
    return Constraint("as AAPL=tech; XOM=energy, each name once", _is_pairs, str, optional=True)


@dataclass(frozen=True, eq=False, repr=False)
class ExposureSettings(Section):
    """Limits of the order gate on the shape of the book."""

    NAME = "exposure"

    max_net: float | None = setting(
        None, checks.above(0, optional=True), "largest net exposure over equity, long or short"
    )
    max_sector: float | None = setting(
        None, checks.above(0, optional=True), "largest gross exposure of a sector over equity"
    )
    sectors: str | None = setting(
        None,
        _pairs(),
        "sector of each symbol, as AAPL=tech; XOM=energy; none: each symbol is its own sector",
    )
    max_positions: int | None = setting(
        None, checks.count(1, optional=True), "most symbols held or pending"
    )
    max_concentration: float | None = setting(
        None, checks.above(0, optional=True), "largest sum of squared shares of equity"
    )

    def sector_map(self) -> Mapping[str, str]:
        """Sector by symbol."""
        return {} if self.sectors is None else read_pairs(self.sectors)


@dataclass(frozen=True, eq=False, repr=False)
class TailSettings(Section):
    """VaR and ES of the book, one day at 95%, before an order is sent."""

    NAME = "tail"

    watch: bool = setting(False, checks.flag(), "whether tail risk is measured and limited at all")
    warn: float | None = setting(
        0.05, checks.share(optional=True), "VaR over equity that is told as a warning"
    )
    halt: float | None = setting(
        0.08, checks.share(optional=True), "VaR over equity above which no new positions are taken"
    )
    shortfall: float | None = setting(
        0.075, checks.share(optional=True), "ES over equity above which no new positions are taken"
    )
    window: int = setting(252, checks.count(60), "sessions behind the scenarios")
    minimum: int = setting(
        60, checks.count(20), "sessions a symbol needs; fewer: conservative fallback"
    )
    prior_volatility: float = setting(
        0.03, checks.share(), "daily volatility assumed of a symbol without history"
    )

    def __post_init__(self) -> None:
        Section.__post_init__(self)
        if self.minimum > self.window:
            raise FixSettings(
                f"expected tail.minimum not above tail.window ({self.window}), was {self.minimum}"
            )
        if (self.warn or 0.0) > (math.inf if self.halt is None else self.halt):
            raise FixSettings(
                f"expected tail.warn not above tail.halt ({self.halt:g}), was {self.warn:g}"
            )

"""Slippage before the trade: half-spread and impact from what the market shows now.

``cost = a h + Y sigma sqrt(|Q| / V)`` as a fraction of the price, with h the half-spread, sigma
the volatility and V the volume of one bar. All three follow the market, so the cost follows the
regime; where h cannot be quoted it is estimated from bars (EDGE) and raised with the ratio of
present to usual volatility. A constant cannot do either, and a share of volume alone knows
neither spread nor volatility.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from protection.contracts import checks
from protection.contracts.records import Bar, Observation, Quote, Trade
from protection.contracts.schema import Section, setting
from protection.execution.calibration import CalibrationFit, OwnFill, fit_coefficients
from protection.execution.market import MarketState


@dataclass(frozen=True)
class SlippageSettings(Section):
    """Coefficients of the cost and memory of the market's state."""

    NAME = "slippage"

    spread: float = setting(1.0, checks.at_least(0), "share of the half-spread that is paid")
    impact: float = setting(0.7, checks.at_least(0), "Y of the square-root law")
    regime: float = setting(
        0.5, checks.at_least(0), "power of present over usual volatility on a spread from bars"
    )
    memory: int = setting(30, checks.count(1), "bars in the present volatility and volume")
    usual: int = setting(600, checks.count(2), "bars in the usual volatility")
    quotes: int = setting(10, checks.count(1), "quotes in the present spread")
    window: int = setting(120, checks.count(20), "bars behind a spread estimated from bars")
    largest_share: float = setting(
        0.1, checks.share(), "share of a bar's volume above which the law is not established"
    )
    unknown: float = setting(0.0010, checks.share(), "cost while nothing is known of a symbol")
    cap: float = setting(0.05, checks.share(), "largest cost that is ever answered")


@dataclass(frozen=True, slots=True)
class SlippageEstimate:
    """Predicted cost of an order, fractions of the price, at least 0.

    Attributes
    ----------
    half_spread, impact : the two parts, coefficients applied
    total : their sum, capped
    share : quantity over a bar's volume; NaN when no volume is known
    raw_half_spread, pressure : the parts before their coefficients: the regressors of calibration
    regime : present over usual volatility, at least 1
    source : where the half-spread is from: ``quotes``, ``bars`` or ``unknown``
    established : whether the share lies where the square-root law was measured
    """

    half_spread: float
    impact: float
    total: float
    share: float
    raw_half_spread: float
    pressure: float
    regime: float
    source: str
    established: bool


class SlippageModel:
    """Follows the market of every symbol and predicts what an order costs.

    ::

        model = SlippageModel()
        model.observe(bar); model.observe(quote)          # as they come
        cost = model.predict("SPY", 5_000).total          # fraction of the price
        model = model.calibrated(own_fills)               # coefficients from own fills

    ``observe`` and ``predict`` never raise: impossible records are left out, and an unknown
    market costs ``slippage.unknown``. What is predicted after t records depends on those alone.

    Parameters
    ----------
    settings : coefficients and memory; the defaults when None
    """

    __slots__ = ("_states", "fit", "settings")

    def __init__(self, settings: SlippageSettings | None = None) -> None:
        self.settings = SlippageSettings() if settings is None else settings
        self.fit: CalibrationFit | None = None
        self._states: dict[str, MarketState] = {}

    def observe(self, record: Observation) -> None:
        """Take in a bar (volatility, volume, spread from bars) or a quote (spread)."""
        state = self._states.get(record.symbol)
        if state is None:
            s = self.settings
            state = MarketState(s.memory, s.usual, s.quotes, s.window)
            self._states[record.symbol] = state
        if isinstance(record, Bar):
            state.take_bar(record)
        elif isinstance(record, Quote):
            state.take_quote(record.bid, record.ask)
        elif isinstance(record, Trade):
            pass  # single prints carry neither side nor span; their bars are taken

    def known(self, symbol: str) -> bool:
        """Whether anything but the fallback can be said of a symbol."""
        state = self._states.get(symbol)
        return state is not None and state.half_spread is not None

    def volatility(self, symbol: str) -> float:
        """Present volatility of one bar of a symbol, a fraction; NaN while unknown."""
        state = self._states.get(symbol)
        return math.nan if state is None else state.volatility

    def predict(self, symbol: str, quantity: float) -> SlippageEstimate:
        """Cost of trading ``quantity`` at once, against the middle of the quote.

        Parameters
        ----------
        symbol : as in the records
        quantity : units; the sign does not matter. One that is not finite costs the cap.
        """
        settings = self.settings
        state = self._states.get(symbol)
        raw = None if state is None else state.half_spread
        if state is None or raw is None:
            half, source, regime = settings.unknown, "unknown", 1.0
            raw = half
        else:
            regime = state.regime
            source = state.source
            if source == "bars":
                raw *= regime**settings.regime
            half = settings.spread * raw
        pressure, share = (0.0, math.nan) if state is None else state.pressure(quantity)
        impact = settings.impact * pressure
        if not math.isfinite(quantity):
            impact = settings.cap
        total = min(settings.cap, half + impact)
        return SlippageEstimate(
            half,
            impact,
            total if math.isfinite(total) else settings.cap,
            share,
            raw,
            pressure,
            regime,
            source,
            share <= settings.largest_share,
        )

    def own_fill(
        self, symbol: str, quantity: float, side: int, price: float, arrival: float
    ) -> OwnFill:
        """Record of a fill for :meth:`calibrated`; ask before the fill's own bar is observed.

        Parameters
        ----------
        symbol, quantity : what was sent
        side : 1 for a buy, -1 for a sale
        price : mean fill price
        arrival : middle of the quote when the order was sent
        """
        estimate = self.predict(symbol, quantity)
        noise = self.volatility(symbol)
        cost = side * (price - arrival) / arrival if arrival > 0.0 else math.nan
        return OwnFill(cost, estimate.raw_half_spread, estimate.pressure, noise)

    def calibrated(self, fills: Iterable[OwnFill]) -> SlippageModel:
        """Same market, coefficients fitted to own fills around the present ones.

        See :func:`protection.execution.calibration.fit_coefficients`.
        """
        prior = (self.settings.spread, self.settings.impact)
        fit = fit_coefficients(fills, prior=prior)
        other = SlippageModel(replace(self.settings, spread=fit.spread, impact=fit.impact))
        other._states = self._states
        other.fit = fit
        return other

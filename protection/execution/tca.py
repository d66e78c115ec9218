"""Transaction cost analysis: what an order cost against the price at which it was decided."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from protection.contracts.errors import FixInput

OWN_SHARE = 0.10
"""Share of the market's volume above which own fills are taken out of the VWAP."""


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill of an order.

    Attributes
    ----------
    quantity : units, positive, of the order's side
    price : fill price
    fee : money paid; negative for a rebate
    mid : middle of the quote at that moment, where it is known
    """

    quantity: float
    price: float
    fee: float = 0.0
    mid: float | None = None


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Implementation shortfall of one order, in money; a cost is positive.

    ``total = delay + spread + drift + opportunity + fees`` holds exactly before rounding to
    floats: the parts are made in rational arithmetic.

    Attributes
    ----------
    delay : price move between decision and arrival, on what was filled
    spread : fills against the middle of the quote; 0 for fills without a middle
    drift : middle of the quote against the arrival price (impact and chance); for fills without a
        middle the fill against the arrival price
    opportunity : move of the price until the end, on what was not filled
    fees : fees paid
    total : gain of the paper order less gain of the real one
    notional : quantity times decision price
    filled : share of the quantity that was filled
    """

    delay: float
    spread: float
    drift: float
    opportunity: float
    fees: float
    total: float
    notional: float
    filled: float

    @property
    def trading(self) -> float:
        """Cost of the fills against the arrival price: spread and drift."""
        return self.spread + self.drift

    @property
    def bps(self) -> float:
        """Total in basis points of the notional."""
        return 1e4 * self.total / self.notional

    def parts(self) -> dict[str, float]:
        """Parts in basis points of the notional, by name."""
        names = ("delay", "spread", "drift", "opportunity", "fees")
        return {name: 1e4 * getattr(self, name) / self.notional for name in names}


def implementation_shortfall(
    side: int,
    quantity: float,
    decision_price: float,
    fills: Iterable[Execution | tuple[float, float] | tuple[float, float, float]],
    *,
    arrival_price: float | None = None,
    end_price: float | None = None,
    multiplier: float = 1.0,
) -> Shortfall:
    """Implementation shortfall after Perold (1988), in parts that add up exactly.

    ``side [sum q (p - p_0) + (X - sum q)(p_end - p_0)] + fees`` with p_0 the middle of the quote
    at the decision.

    Parameters
    ----------
    side : 1 for a buy, -1 for a sale
    quantity : X, units that were wanted, positive
    decision_price : p_0
    fills : executions, or tuples (quantity, price[, fee])
    arrival_price : middle of the quote when the order reached the market; p_0 when None (no delay)
    end_price : price at the end of the period, for the rest; needed unless all was filled
    multiplier : account currency per unit of quantity and price

    Raises
    ------
    FixInput
        For figures that are not finite or of the wrong sign, fills beyond the quantity, or a rest
        without an end price.
    """
    if side not in (1, -1):
        raise FixInput(f"expected side 1 or -1, was {side}")
    executions = [fill if isinstance(fill, Execution) else Execution(*fill) for fill in fills]
    arrival = decision_price if arrival_price is None else arrival_price
    _positive("quantity", quantity)
    _positive("multiplier", multiplier)
    _finite("decision_price", decision_price)
    _finite("arrival_price", arrival)
    wanted, first, came = Fraction(quantity), Fraction(decision_price), Fraction(arrival)
    done = spread = drift = fees = Fraction(0)
    for fill in executions:
        _positive("fill quantity", fill.quantity)
        _finite("fill price", fill.price)
        _finite("fee", fill.fee)
        amount, price = Fraction(fill.quantity), Fraction(fill.price)
        done += amount
        fees += Fraction(fill.fee)
        if fill.mid is None:
            drift += side * amount * (price - came)
        else:
            _finite("fill mid", fill.mid)
            middle = Fraction(fill.mid)
            spread += side * amount * (price - middle)
            drift += side * amount * (middle - came)
    rest = wanted - done
    # fills are often sums of decimals: a rest of rounding size is none
    if abs(rest) <= wanted * Fraction(1, 10**9):
        rest = Fraction(0)
    if rest < 0:
        raise FixInput(f"expected fills of at most {quantity}, was {float(done)}")
    opportunity = Fraction(0)
    if rest > 0:
        if end_price is None:
            raise FixInput(f"expected end_price for the {float(rest):g} not filled, was none")
        _finite("end_price", end_price)
        opportunity = side * rest * (Fraction(end_price) - first)
    delay = side * done * (came - first)
    scale = Fraction(multiplier)
    delay, spread, drift, opportunity = (
        part * scale for part in (delay, spread, drift, opportunity)
    )
    total = delay + spread + drift + opportunity + fees
    notional = abs(float(wanted * first * scale))
    if notional == 0.0:
        raise FixInput("expected a decision_price other than 0, was 0")
    return Shortfall(
        float(delay),
        float(spread),
        float(drift),
        float(opportunity),
        float(fees),
        float(total),
        notional,
        float(done / wanted),
    )


def vwap_slippage(
    side: int,
    fills: Sequence[Execution | tuple[float, float] | tuple[float, float, float]],
    market_vwap: float,
    market_volume: float,
) -> float:
    """Mean fill price against the market's VWAP, a fraction of it; a cost is positive.

    Above 10% of the volume the own fills are taken out of the VWAP first: an order that is the
    market compares with itself otherwise.

    Returns
    -------
    Fraction of the price; NaN without fills or when nothing of the market is left

    Raises
    ------
    FixInput
        For a side other than 1 and -1, and prices or volumes that are not above 0.
    """
    if side not in (1, -1):
        raise FixInput(f"expected side 1 or -1, was {side}")
    _positive("market_vwap", market_vwap)
    _positive("market_volume", market_volume)
    executions = [fill if isinstance(fill, Execution) else Execution(*fill) for fill in fills]
    own = math.fsum(fill.quantity for fill in executions)
    paid = math.fsum(fill.quantity * fill.price for fill in executions)
    if not own > 0.0:
        return math.nan
    bench = market_vwap
    if own > OWN_SHARE * market_volume:
        rest = market_volume - own
        if rest <= 1e-9 * market_volume:
            return math.nan
        bench = (market_vwap * market_volume - paid) / rest
    return side * (paid / own - bench) / bench


def _finite(name: str, value: float) -> None:
    if not math.isfinite(value):
        raise FixInput(f"expected a finite {name}, was {value}")


def _positive(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0.0):
        raise FixInput(f"expected {name} above 0, was {value}")

"""What a venue's thresholds are by hand, and how events tighten them.

The figures are settings, not measurements: the static thresholds that hold without data, torch or
calibration, and around which a learned threshold may move by half. ``normal_volatility`` and
``normal_latency_ms`` say what an ordinary day looks like there, so that the thresholds can be
written as multiples of it. Change them with :func:`dataclasses.replace`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from protection.contracts.errors import FixSettings

#: A learned threshold stays within these multiples of the static one.
LOWEST, HIGHEST = 0.5, 1.5


@dataclass(frozen=True, slots=True)
class ExchangeProfile:
    """Static thresholds of a venue.

    Attributes
    ----------
    name : short name
    normal_volatility : daily volatility of an ordinary day (fraction)
    volatility_multiple : times normal volatility at which the breaker trips
    latency_spike_ms : milliseconds at which latency counts as a spike
    order_imbalance_ratio : size on one side of the book over the other
    cooling_period : seconds a trip lasts
    period : observations in the period that is forecast
    """

    name: str
    normal_volatility: float
    volatility_multiple: float = 2.0
    latency_spike_ms: float = 50.0
    order_imbalance_ratio: float = 3.0
    cooling_period: float = 300.0
    period: int = 1

    def __post_init__(self) -> None:
        for key in (
            "normal_volatility",
            "volatility_multiple",
            "latency_spike_ms",
            "order_imbalance_ratio",
            "cooling_period",
            "period",
        ):
            value = getattr(self, key)
            if not 0.0 < value < float("inf"):
                raise FixSettings(f"expected {key} of profile {self.name!r} above 0, was {value}")

    @property
    def volatility_threshold(self) -> float:
        """Static volatility threshold (fraction per day)."""
        return self.normal_volatility * self.volatility_multiple


EXCHANGES: Mapping[str, ExchangeProfile] = MappingProxyType(
    {
        "binance": ExchangeProfile("binance", 0.035, latency_spike_ms=100.0),
        "coinbase": ExchangeProfile("coinbase", 0.035, latency_spike_ms=100.0),
        "nyse": ExchangeProfile("nyse", 0.015, period=5),
        "nasdaq": ExchangeProfile("nasdaq", 0.018, period=5),
        "cme": ExchangeProfile("cme", 0.012, latency_spike_ms=25.0, period=5),
        "fx": ExchangeProfile("fx", 0.006, period=5),
    }
)


@dataclass(frozen=True, slots=True)
class EventProfile:
    """How an announced event tightens what a venue's profile says.

    Attributes
    ----------
    name : short name
    volatility, latency, imbalance : factors on the thresholds, in (0, 1]
    cooling : factor on the cooling period, at least 1
    """

    name: str
    volatility: float = 1.0
    latency: float = 1.0
    imbalance: float = 1.0
    cooling: float = 1.0

    def __post_init__(self) -> None:
        for key in ("volatility", "latency", "imbalance"):
            value = getattr(self, key)
            if not 0.0 < value <= 1.0:
                raise FixSettings(
                    f"expected {key} of event {self.name!r} in (0, 1], was {value}; an event may "
                    "only tighten"
                )
        if not 1.0 <= self.cooling < float("inf"):
            raise FixSettings(
                f"expected cooling of event {self.name!r} of at least 1, was {self.cooling}; an "
                "event may only tighten"
            )


EVENTS: Mapping[str, EventProfile] = MappingProxyType(
    {
        "high_volume": EventProfile("high_volume", latency=0.8, imbalance=0.9),
        "news": EventProfile("news", volatility=0.8, imbalance=0.8, cooling=1.5),
        "earnings": EventProfile("earnings", volatility=0.8, cooling=1.5),
        "fomc": EventProfile("fomc", volatility=0.7, latency=0.8, imbalance=0.8, cooling=1.5),
    }
)


def exchange(name: str) -> ExchangeProfile:
    """Return the profile of a venue.

    Raises
    ------
    FixSettings
        For a venue without one.
    """
    found = EXCHANGES.get(name.lower())
    if found is None:
        raise FixSettings(
            f"expected exchange to be one of {', '.join(EXCHANGES)}, was {name!r}; pass an "
            "ExchangeProfile of your own for another venue"
        )
    return found


def event(name: str) -> EventProfile:
    """Return the profile of an event.

    Raises
    ------
    FixSettings
        For an event without one.
    """
    found = EVENTS.get(name.lower())
    if found is None:
        raise FixSettings(
            f"expected event to be one of {', '.join(EVENTS)}, was {name!r}; pass an EventProfile "
            "of your own for another event"
        )
    return found

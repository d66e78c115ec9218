"""Settings of the gauges: breakers over a statistic that somebody else computes.

A gauge is written as one line of text::

    > 0.75 skip_learn cooldown=120 stale=900

direction and threshold, the action while it lasts, and options: ``cooldown`` in seconds or
``sessions`` before it is released, ``stale`` seconds after which a statistic once fed counts as
missing (``0``: never), ``size`` of a reducing action, ``warn`` as a share of the threshold, and
``manual`` for one that stays latched until re-armed by name.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from protection.contracts.actions import Action
from protection.contracts.checks import Constraint
from protection.contracts.schema import Section, setting

_ACTIONS = {
    action.name.lower(): action
    for action in (Action.REDUCE, Action.SKIP_LEARN, Action.FREEZE, Action.HALT, Action.ROLLBACK)
}


@dataclass(frozen=True, slots=True)
class GaugeSpec:
    """A gauge's line, read.

    Attributes
    ----------
    below, strict : trips below instead of above; not at the threshold itself
    threshold, action : where it trips and what it demands
    cooldown, sessions : pause in seconds and in sessions
    stale : age in seconds beyond which a statistic is missing; 0 for never
    size : multiplier while it lasts
    warn : share of the threshold that warns, or None
    manual : latched until re-armed
    """

    below: bool
    strict: bool
    threshold: float
    action: Action
    cooldown: float = 0.0
    sessions: int = 0
    stale: float = 0.0
    size: float = 1.0
    warn: float | None = None
    manual: bool = False


def read_gauge(text: str) -> GaugeSpec:
    """A gauge's line as a specification.

    Raises
    ------
    ValueError
        When it is none.
    """
    sign, level, action, *options = text.split()
    below, strict = {">": (0, 1), ">=": (0, 0), "<": (1, 1), "<=": (1, 0)}.get(sign, (2, 2))
    given: dict[str, float] = {}
    manual = False
    for option in options:
        name, equals, value = option.partition("=")
        if option == "manual":
            manual = True
        elif not equals or name in given:
            raise ValueError(text)
        else:
            given[name] = float(value)
    limits = {"cooldown": math.inf, "sessions": 10_000.0, "stale": math.inf, "size": 1.0, "warn": 1}
    if any(not 0.0 <= value <= limits.get(name, -1.0) for name, value in given.items()):
        raise ValueError(text)
    if any(math.isinf(value) for value in given.values()) or given.get("sessions", 0.0) % 1.0:
        raise ValueError(text)
    threshold, known = float(level), _ACTIONS.get(action)
    if below == 2 or known is None or not math.isfinite(threshold) or (below and "warn" in given):
        raise ValueError(text)
    return GaugeSpec(
        bool(below),
        bool(strict),
        threshold,
        known,
        given.get("cooldown", 0.0),
        int(given.get("sessions", 0)),
        given.get("stale", 0.0),
        given.get("size", 1.0),
        given.get("warn"),
        manual,
    )


def _is_gauge(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        read_gauge(value)
    except ValueError:
        return False
    return True


def _gauge(default: str, meaning: str) -> Any:
    constraint = Constraint(
        "as '> 0.75 skip_learn cooldown=120 stale=900'", _is_gauge, str, optional=True
    )
    return setting(default, constraint, meaning)


@dataclass(frozen=True, eq=False, repr=False)
class GaugeSettings(Section):
    """Breakers over a statistic; each is idle until its statistic is fed for the first time."""

    NAME = "gauges"
    SPARSE = True

    volatility_spike: str | None = _gauge(
        "> 2 freeze cooldown=300 stale=900", "present over normal volatility"
    )
    anchor: str | None = _gauge(
        "< 0.0001 rollback cooldown=600 stale=86400",
        "probability of the model's behaviour on the anchor set",
    )
    vpin: str | None = _gauge(
        "> 0.75 skip_learn cooldown=120 stale=900", "probability of informed trading by volume"
    )
    kl: str | None = _gauge(
        "> 0.2 rollback cooldown=600 stale=86400",
        "Kullback-Leibler divergence of the model from its reference",
    )
    hhi: str | None = _gauge(
        "> 0.2 freeze cooldown=60 stale=86400", "Herfindahl index of the sources of the data"
    )
    news: str | None = _gauge(
        ">= 1 reduce size=0.5", "1 inside the window of a high-impact announcement, else 0"
    )
    api_latency: str | None = _gauge(
        "> 1000 freeze warn=0.5 cooldown=60 stale=60",
        "milliseconds of a call to the broker; at the trip the host changes the endpoint",
    )
    slippage: str | None = _gauge(
        "> 20 reduce size=0.75 cooldown=300", "basis points paid beyond the arrival price"
    )
    slippage_high: str | None = _gauge(
        "> 50 reduce size=0.5 cooldown=300", "the same statistic, second level"
    )
    imbalance: str | None = _gauge(
        "> 3 reduce size=0.5 cooldown=60 stale=60",
        "larger over smaller side of the order book",
    )
    latency_spike: str | None = _gauge(
        "> 50 reduce size=0.5 cooldown=60 stale=60", "milliseconds above the usual latency"
    )
    mute_feed: str | None = _gauge(
        "> 3 freeze stale=60", "silence of a feed over its expected cadence"
    )
    repeated_execution: str | None = _gauge(
        ">= 1 freeze manual", "orders of one signal over orders.repeats; fed by the order gate"
    )
    market_wide: str | None = _gauge(
        ">= 1 halt", "level of the market-wide circuit breaker in force: 0, 1, 2 or 3"
    )
    luld: str | None = _gauge(
        ">= 1 freeze cooldown=300",
        "1 while the price stands at a limit-up limit-down band for more than 15 seconds",
    )

    def specs(self) -> dict[str, GaugeSpec]:
        """The gauges that are on, by name."""
        texts = ((entry.name, getattr(self, entry.name)) for entry in dataclasses.fields(self))
        return {name: read_gauge(text) for name, text in texts if text is not None}

"""What a stress scenario is: a path of prices with what it did to volatility and liquidity."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from types import MappingProxyType

from protection.contracts.errors import FixInput

MARKET = "market"


@dataclass(frozen=True, slots=True)
class Step:
    """State of the market at one moment of a scenario.

    Attributes
    ----------
    label : day or time of day
    close : level at that moment
    low : lowest level since the step before; the close where only closes are known
    """

    label: str
    close: float
    low: float

    def __post_init__(self) -> None:
        if not (0.0 < self.low <= self.close < math.inf):
            raise FixInput(
                f"expected 0 < low <= close at {self.label}, was {self.low} and {self.close}"
            )


@dataclass(frozen=True, slots=True)
class StressScenario:
    """A path of the market and what came with it.

    Attributes
    ----------
    name : as ``2008``
    title : one line for people
    steps : path; the first is the last quiet level
    source : where the levels are from, and which are published
    exact : whether the closes are published figures of a tape; False: approximate, venues differ
    volatility, spread : peak multiples of the usual volatility and bid-ask spread (assumed)
    depth : share of the usual liquidity that is left at the worst (assumed)
    correlation : part of the way to one that correlations go (assumed)
    others : paths of further factors at the same steps, by name
    """

    name: str
    title: str
    steps: tuple[Step, ...]
    source: str
    exact: bool
    volatility: float = 3.0
    spread: float = 5.0
    depth: float = 0.2
    correlation: float = 0.7
    others: Mapping[str, tuple[float, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        if len(self.steps) < 2:
            raise FixInput(f"expected at least two steps in {self.name}, was {len(self.steps)}")
        for name, path in self.others.items():
            if len(path) != len(self.steps) or not all(0.0 < x < math.inf for x in path):
                raise FixInput(
                    f"expected {len(self.steps)} levels above 0 for {name}, was {len(path)}"
                )

    @property
    def closes(self) -> tuple[float, ...]:
        """Closing levels over the first."""
        start = self.steps[0].close
        return tuple(step.close / start for step in self.steps)

    @property
    def lows(self) -> tuple[float, ...]:
        """Lowest levels of the steps over the first close."""
        start = self.steps[0].close
        return tuple(step.low / start for step in self.steps)

    @property
    def worst_step(self) -> float:
        """Largest fall from one close to the next, positive."""
        closes = self.closes
        return max(1.0 - b / a for a, b in itertools.pairwise(closes))

    @property
    def drawdown(self) -> float:
        """Largest fall from a close to a later low, positive."""
        peak, worst = 0.0, 0.0
        for close, low in zip(self.closes, self.lows, strict=True):
            if peak:
                worst = max(worst, 1.0 - low / peak)
            peak = max(peak, close)
        return worst

    def filled(self) -> StressScenario:
        """The same path with every weekday between dated steps, on a straight line in logarithms.

        What happened between the published days is smoothed away, what happened on them stays: a
        strategy then has as many chances to react as it had. Steps without a date stay as they
        are.
        """
        kept, others = [self.steps[0]], {name: [path[0]] for name, path in self.others.items()}
        for place in range(1, len(self.steps)):
            before, after = self.steps[place - 1], self.steps[place]
            days = _weekdays_between(before.label, after.label)
            for i, day in enumerate(days, start=1):
                share = i / (len(days) + 1)
                level = before.close ** (1.0 - share) * after.close**share
                kept.append(Step(day, level, level))
                for name, path in self.others.items():
                    value = path[place - 1] ** (1.0 - share) * path[place] ** share
                    others[name].append(value)
            kept.append(after)
            for name, path in self.others.items():
                others[name].append(path[place])
        return replace(
            self,
            steps=tuple(kept),
            source=f"{self.source}; weekdays between filled in",
            others=MappingProxyType({name: tuple(path) for name, path in others.items()}),
        )

    def factor(self, name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Closes and lows of a factor over its first level.

        Raises
        ------
        FixInput
            For a factor that the scenario does not have.
        """
        if name == MARKET:
            return self.closes, self.lows
        path = self.others.get(name)
        if path is None:
            known = ", ".join([MARKET, *self.others])
            raise FixInput(f"expected a factor of {self.name} ({known}), was {name!r}")
        scaled = tuple(level / path[0] for level in path)
        return scaled, scaled


def _weekdays_between(first: str, last: str) -> list[str]:
    try:
        start, end = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:  # a time of day, not a date: there is nothing to fill
        return []
    days = (start + timedelta(days=i) for i in range(1, (end - start).days))
    return [day.isoformat() for day in days if day.weekday() < 5]


def path(*rows: tuple[str, float] | tuple[str, float, float]) -> tuple[Step, ...]:
    """Steps from (label, close) or (label, close, low)."""
    return tuple(Step(row[0], row[1], row[2] if len(row) == 3 else row[1]) for row in rows)

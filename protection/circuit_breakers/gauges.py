"""Gauges: breakers over statistics that are computed elsewhere and fed one by one.

A gauge is idle until its statistic is fed for the first time in a scope; from then on it trips
when the value is beyond the threshold, is no finite number, or does not come any more for longer
than ``stale`` seconds. The rules are :class:`protection.contracts.gauge_settings.GaugeSettings`.

Scopes: a symbol's own name; ``portfolio``; ``strategy:NAME`` for the orders of one strategy;
``venue:NAME`` and ``model:NAME``, which hold for the whole account because an order does not say
which venue or model it comes from.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from protection.circuit_breakers.machine import Breaker, BreakerRule, Change
from protection.contracts.actions import PORTFOLIO, Action, BreakerState
from protection.contracts.errors import RecoverState
from protection.contracts.gauge_settings import GaugeSettings, GaugeSpec
from protection.contracts.records import Statistic

_WIDE = ("strategy:", "venue:", "model:", "symbol:")
_UNITS = {
    "volatility_spike": "x",
    "api_latency": " ms",
    "latency_spike": " ms",
    "slippage": " bps",
    "slippage_high": " bps",
    "imbalance": "x",
    "mute_feed": "x",
}
_REST = timedelta(days=7)
_FEEDS = {"slippage_high": "slippage"}
"""Gauges that read another gauge's statistic."""

GAUGES: tuple[str, ...] = tuple(GaugeSettings.__dataclass_fields__)
"""Names of all gauges, on or off."""

Say = Callable[[Breaker, Change, datetime, float], None]


def scope_of(name: str) -> str:
    """Scope as the board names it: a bare name is a symbol."""
    return name if name == PORTFOLIO or name.startswith(_WIDE) else f"symbol:{name}"


def _expected(record: Statistic, now: datetime) -> datetime:
    """Moment from which the next figure is missing: now, or when its source is back."""
    until = record.until
    if until is None or until.tzinfo is None or not until > now:
        return now
    return min(until, now + _REST)


def gauge_rule(name: str, spec: GaugeSpec, meaning: str) -> BreakerRule:
    """Rule of a gauge."""
    return BreakerRule(
        name=name,
        label=meaning,
        action=spec.action,
        threshold=-spec.threshold if spec.below else spec.threshold,
        strict=spec.strict,
        size=spec.size,
        warn=spec.warn,
        cooldown=timedelta(seconds=spec.cooldown),
        cooldown_sessions=spec.sessions,
        manual=spec.manual,
        percent=False,
        below=spec.below,
        unit=_UNITS.get(name, ""),
    )


def gauge_meanings() -> dict[str, str]:
    """What each gauge measures."""
    return {
        name: str(field.metadata["meaning"])
        for name, field in GaugeSettings.__dataclass_fields__.items()
    }


class Gauges:
    """Breakers over fed statistics, one per gauge and scope.

    Parameters
    ----------
    settings : the rules
    say : receives every transition

    Attributes
    ----------
    breakers : by gauge and scope, those that were fed
    touched : whether what they demand, or why, may have changed since this was last reset
    """

    __slots__ = (
        "_awake",
        "_due",
        "_fed",
        "_readers",
        "_rules",
        "_say",
        "_stale",
        "breakers",
        "touched",
    )

    def __init__(self, settings: GaugeSettings, say: Say) -> None:
        meanings, specs = gauge_meanings(), settings.specs()
        self._say = say
        self._rules = {n: gauge_rule(n, spec, meanings[n]) for n, spec in specs.items()}
        self._stale = {n: timedelta(seconds=s.stale) for n, s in specs.items() if s.stale > 0.0}
        self._readers: dict[str, list[str]] = {}
        for name in specs:
            self._readers.setdefault(_FEEDS.get(name, name), []).append(name)
        self.breakers: dict[tuple[str, str], Breaker] = {}
        self._fed: dict[tuple[str, str], datetime] = {}
        self._due: datetime | None = None
        self._awake: dict[tuple[str, str], Breaker] = {}  # those that are not closed
        self.touched = False

    def names(self) -> set[str]:
        """Names of the gauges that are on."""
        return set(self._rules)

    def describe(self) -> list[str]:
        """One line per gauge."""
        return [f"gauge {rule.describe()}; idle until fed" for rule in self._rules.values()]

    def feed(self, record: Statistic, now: datetime, session: int, equity: float) -> bool:
        """Take in a statistic; whether a state changed that must outlive a restart."""
        changed, scope = False, scope_of(record.symbol)
        for name in self._readers.get(record.name, ()):
            key = (name, scope)
            breaker = self.breakers.get(key)
            if breaker is None:
                self.breakers[key] = breaker = Breaker(self._rules[name], scope)
            self._fed[key] = heard = _expected(record, now)
            age = self._stale.get(name)
            value = -record.value if breaker.rule.below else record.value
            if age is not None and now - record.time > age:
                value = math.nan  # it came now, but tells of long ago
            changed |= self._step(breaker, now, session, value, equity)
            if age is not None and (self._due is None or heard + age < self._due):
                self._due = heard + age
        return changed

    def last_time(self, name: str, scope: str) -> datetime | None:
        """When a statistic of that name and scope was fed last, or is expected again."""
        return self._fed.get((name, scope_of(scope)))

    def step(self, now: datetime, session: int, equity: float) -> bool:
        """Let time pass: pauses end, and statistics that do not come any more trip."""
        due = self._due
        overdue = due is not None and now > due
        if not overdue and not self._awake:
            return False
        changed = False
        if not overdue:
            for breaker in list(self._awake.values()):
                changed |= self._step(breaker, now, session, breaker.value, equity)
            return changed
        self._due = None
        for (name, scope), breaker in self.breakers.items():
            age = self._stale.get(name)
            value = breaker.value
            if age is not None:
                end = self._fed[name, scope] + age
                if now > end:
                    value = math.nan
                elif self._due is None or end < self._due:
                    self._due = end
            if breaker.state is not BreakerState.CLOSED or not math.isfinite(value):
                changed |= self._step(breaker, now, session, value, equity)
        return changed

    def _step(
        self, breaker: Breaker, now: datetime, session: int, value: float, equity: float
    ) -> bool:
        before = breaker.value
        changes = breaker.step(now, session, value, equity, True)
        if not changes:
            if value != before and breaker.state is not BreakerState.CLOSED:
                self.touched = True
            return False
        self.touched = True
        self._note(breaker)
        for change in changes:
            self._say(breaker, change, now, equity)
        return any(change.after is not BreakerState.WARN for change in changes)

    def _note(self, breaker: Breaker) -> None:
        """Keep count of the gauges that are not closed: the usual step looks at no other."""
        key = (breaker.rule.name, breaker.scope)
        if breaker.state is BreakerState.CLOSED:
            self._awake.pop(key, None)
        else:
            self._awake[key] = breaker

    @property
    def awake(self) -> bool:
        """Whether a gauge is not closed."""
        return bool(self._awake)

    def demanding(self) -> list[Breaker]:
        """Gauges that demand something."""
        return [b for b in self._awake.values() if b.demand is not Action.ALLOW]

    def snapshot(self) -> list[Any]:
        """Everything a restart needs, as plain data."""
        return [
            [name, scope, self._fed[name, scope].isoformat(), breaker.snapshot()]
            for (name, scope), breaker in self.breakers.items()
        ]

    def restore(self, state: list[Any]) -> None:
        """Take over a snapshot; gauges that are switched off now are dropped.

        Raises
        ------
        RecoverState
            When it is not one.
        """
        try:
            for name, scope, fed, kept in state:
                if name not in self._rules:
                    continue
                breaker = Breaker(self._rules[name], str(scope))
                breaker.restore(kept)
                key = (str(name), str(scope))
                self.breakers[key], self._fed[key] = breaker, datetime.fromisoformat(fed)
                self._note(breaker)
                age = self._stale.get(name)
                if age is not None:
                    end = self._fed[key] + age
                    self._due = end if self._due is None else min(self._due, end)
        except (KeyError, TypeError, ValueError) as error:
            raise RecoverState(f"expected a snapshot of gauges, was not: {error!r}") from error

"""The board: every breaker and fault, resolved to one verdict with all reasons.

The strongest action wins; the multiplier is the smallest of all (they answer the same risk, so
they are not multiplied); symbols that stand worse than the portfolio have a verdict of their own.
Reasons are listed strongest first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from protection.circuit_breakers import rules
from protection.circuit_breakers.gauges import Gauges
from protection.circuit_breakers.machine import Breaker, BreakerRule, Change
from protection.contracts.actions import (
    NOTHING,
    PORTFOLIO,
    Action,
    BreakerState,
    Event,
    Reason,
    Verdict,
    make_reason,
    make_verdict,
)
from protection.contracts.errors import RecoverState
from protection.contracts.records import Statistic
from protection.contracts.settings import ProtectionSettings
from protection.risk.drawdown import DrawdownReading
from protection.risk.policy import NO_CUSHION, Cushion

Emit = Callable[[Event], None]

# asked of their class these cost several times as much in Python 3.11, and every step asks
_ALLOW, _CLOSED, _WARN = Action.ALLOW, BreakerState.CLOSED, BreakerState.WARN
_OPEN, _REDUCE = BreakerState.OPEN, Action.REDUCE
_action_of = attrgetter("action")
_SILENT = frozenset({_CLOSED, _WARN})


def symbol_scope(symbol: str) -> str:
    """Scope of one symbol."""
    return f"symbol:{symbol}"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong with input, storage or connection, until it is put right."""

    guard: str
    action: Action
    text: str


class Board:
    """All breakers of one account.

    Parameters
    ----------
    settings : thresholds
    emit : receives every change of state
    """

    def __init__(self, settings: ProtectionSettings, emit: Emit) -> None:
        self._emit = emit
        self._base_lifetime = settings.drawdown.base == "lifetime"
        self._peak = self._portfolio_breaker(rules.peak_rule(settings))
        self._recent = self._portfolio_breaker(rules.recent_rule(settings))
        self._daily = self._portfolio_breaker(rules.daily_rule(settings))
        self._leverage = self._portfolio_breaker(rules.leverage_rule(settings))
        self._portfolio = [
            b for b in (self._peak, self._recent, self._daily, self._leverage) if b is not None
        ]
        self._symbol_rules: dict[str, BreakerRule] = {
            rule.name: rule
            for rule in (
                rules.position_rule(settings),
                rules.volatility_rule(settings),
                rules.flash_rule(settings),
            )
            if rule is not None
        }
        # only breakers that are not closed are kept per symbol
        self._symbols: dict[tuple[str, str], Breaker] = {}
        self._faults: dict[tuple[str, str], Fault] = {}
        self.gauges = Gauges(settings.gauges, self._say)
        self._strategies: dict[str, tuple[list[Reason], float]] = {}
        # name -> end of the pause and the sentence that names who ordered it
        self._disabled: dict[str, tuple[datetime, str]] = {}
        self._session = -1
        self._dirty = True
        self._verdict = Verdict(Action.ALLOW)
        self._cushion = NO_CUSHION

    @staticmethod
    def _portfolio_breaker(rule: BreakerRule | None) -> Breaker | None:
        return None if rule is None else Breaker(rule, PORTFOLIO)

    def describe(self) -> list[str]:
        """One line per breaker."""
        lines = [breaker.rule.describe() for breaker in self._portfolio]
        lines += [rule.describe() for rule in self._symbol_rules.values()]
        return lines + self.gauges.describe()

    def breakers(self) -> list[Breaker]:
        """Portfolio breakers, the symbol breakers that are not closed, and fed gauges."""
        return [*self._portfolio, *self._symbols.values(), *self.gauges.breakers.values()]

    def names(self) -> set[str]:
        """Names of all breakers that are on."""
        names = {b.rule.name for b in self._portfolio} | self._symbol_rules.keys()
        return names | self.gauges.names()

    def enter(self, session: int) -> None:
        """Tell the number of the present session, before anything is judged in it."""
        if session == self._session:
            return
        self._session = session
        # only what is not closed says how many sessions it still takes
        if self._symbols or self.gauges.awake or not all(map(_silent, self._portfolio)):
            self._dirty = True

    def step_portfolio(
        self, now: datetime, reading: DrawdownReading, gross: float, flat: bool
    ) -> bool:
        """Judge the account; returns whether a state changed that must outlive a restart."""
        session, equity = self._session, reading.equity
        changed = False
        peak, recent, daily, leverage = self._peak, self._recent, self._daily, self._leverage
        if peak is not None:
            value = reading.lifetime if self._base_lifetime else reading.window
            if not peak.quiet(value):
                changed |= self._step(peak, now, session, value, equity, flat)
        if recent is not None and not recent.quiet(reading.recent):
            changed |= self._step(recent, now, session, reading.recent, equity, flat)
        if daily is not None and not daily.quiet(reading.day):
            changed |= self._step(daily, now, session, reading.day, equity, flat)
        if leverage is not None:
            value = gross / equity
            if not leverage.quiet(value):
                changed |= self._step(leverage, now, session, value, equity, flat)
        return changed

    def step_symbol(
        self,
        name: str,
        symbol: str,
        now: datetime,
        value: float,
        equity: float,
        flat: bool,
        level: float | None = None,
    ) -> bool:
        """Judge one symbol by the rule of that name; returns whether a state changed.

        Parameters
        ----------
        level : the symbol's own threshold; the rule's when None
        """
        rule = self._symbol_rules.get(name)
        if rule is None:
            return False
        if level is None:
            level = rule.threshold
        breaker = self._symbols.get((name, symbol)) if self._symbols else None
        if breaker is None:
            if value < level:  # the usual case
                return False
            breaker = Breaker(rule, symbol_scope(symbol))
            breaker.move(level)
            if not breaker.trips(value):
                return False
            self._symbols[name, symbol] = breaker
        else:
            breaker.move(level)
        changed = self._step(breaker, now, self._session, value, equity, flat)
        if breaker.state is _CLOSED:
            del self._symbols[name, symbol]
        return changed

    def feed(self, record: Statistic, now: datetime, equity: float) -> bool:
        """Take in a statistic; whether a state changed that must outlive a restart."""
        changed = self.gauges.feed(record, now, self._session, equity)
        self._dirty |= self.gauges.touched
        return changed

    def pass_time(self, now: datetime, equity: float) -> bool:
        """Let pauses of gauges and of disabled breakers end, and silent statistics trip."""
        changed = self.gauges.step(now, self._session, equity)
        if self.gauges.touched:
            self._dirty = True
        if self._disabled:
            for name in [n for n, (end, _) in self._disabled.items() if now >= end]:
                self._enable(name, now, f"{name}: guards again, the time without it is over")
                changed = True
        return changed

    def disable(self, name: str, now: datetime, until: datetime, who: str) -> bool:
        """Take a breaker out of the verdict for a time; whether there is one of that name.

        Its state goes on, and its absence stands among the verdict's reasons.
        """
        if name not in self.names():
            return False
        text = f"{name}: disabled until {until.isoformat()} by {who}"
        self._disabled[name] = (until, text)
        self._dirty = True
        self._emit(Event(now, name, PORTFOLIO, "guarding", "disabled", text))
        return True

    def enable(self, name: str, now: datetime, who: str) -> bool:
        """End a breaker's absence; whether it was absent."""
        if name not in self._disabled:
            return False
        self._enable(name, now, f"{name}: guards again, enabled by {who}")
        return True

    def _enable(self, name: str, now: datetime, text: str) -> None:
        del self._disabled[name]
        self._dirty = True
        self._emit(Event(now, name, PORTFOLIO, "disabled", "guarding", text))

    def threshold(self, name: str) -> float:
        """Value that trips a symbol's breaker of that name; infinity where the rule is off.

        Below it :meth:`step_symbol` changes nothing, unless the symbol's breaker is among the
        :attr:`tripped`.
        """
        rule = self._symbol_rules.get(name)
        return math.inf if rule is None else rule.threshold

    @property
    def any_symbol(self) -> bool:
        """Whether the breaker of any symbol is not closed."""
        return bool(self._symbols)

    @property
    def tripped(self) -> Mapping[tuple[str, str], Breaker]:
        """Breakers of symbols that are not closed, by rule and symbol, as they are at any time."""
        return self._symbols

    def active_symbols(self, name: str) -> list[str]:
        """Symbols whose breaker of that name is not closed."""
        if not self._symbols:
            return []
        return [symbol for rule, symbol in self._symbols if rule == name]

    def is_active(self, name: str, symbol: str) -> bool:
        """Whether the symbol's breaker of that name is not closed."""
        return bool(self._symbols) and (name, symbol) in self._symbols

    def _step(
        self,
        breaker: Breaker,
        now: datetime,
        session: int,
        value: float,
        equity: float,
        flat: bool,
    ) -> bool:
        before = breaker.value
        changes = breaker.step(now, session, value, equity, flat)
        if changes or (value != before and breaker.state not in _SILENT):
            self._dirty = True
        for change in changes:
            self._say(breaker, change, now, equity)
        return any(change.after is not _WARN for change in changes)

    def _say(self, breaker: Breaker, change: Change, now: datetime, equity: float) -> None:
        self._emit(
            Event(
                now,
                breaker.rule.name,
                breaker.scope,
                change.before.value,
                change.after.value,
                change.reason,
                {
                    "value": breaker.value,
                    "threshold": breaker.level,
                    "equity": equity,
                    "session": self._session,
                },
            )
        )

    def rearm(self, name: str, now: datetime, equity: float, who: str) -> bool:
        """Release latched breakers of that name (``*`` for all); whether there was one."""
        found = False
        for breaker in self.breakers():
            if name in ("*", breaker.rule.name):
                change = breaker.rearm(now, self._session, equity, who)
                if change is not None:
                    found = True
                    self._say(breaker, change, now, equity)
        self._dirty |= found
        return found

    def set_fault(
        self, guard: str, action: Action, text: str, now: datetime, scope: str = PORTFOLIO
    ) -> bool:
        """Put a fault in force; said once, however often it is repeated."""
        key = (guard, scope)
        known = self._faults.get(key)
        if known is not None and known.action is action:
            if text != known.text:  # the reason of verdicts is the present one
                self._faults[key] = Fault(guard, action, text)
                self._dirty = True
            return False
        self._faults[key] = Fault(guard, action, text)
        self._dirty = True
        self._emit(Event(now, guard, scope, "ok", "fault", text, {"action": action.name}))
        return True

    def clear_fault(self, guard: str, now: datetime, text: str, scope: str = PORTFOLIO) -> bool:
        """End a fault; whether there was one."""
        if not self._faults or self._faults.pop((guard, scope), None) is None:
            return False
        self._dirty = True
        self._emit(Event(now, guard, scope, "fault", "ok", text))
        return True

    @property
    def faulty(self) -> bool:
        """Whether any fault is in force."""
        return bool(self._faults)

    def has_fault(self, guard: str, scope: str = PORTFOLIO) -> bool:
        """Whether a fault is in force."""
        return bool(self._faults) and (guard, scope) in self._faults

    def scale(self, factor: float) -> None:
        """Scale loss budgets by a cash flow's factor."""
        for breaker in self.breakers():
            breaker.scale(factor)

    def touch(self) -> None:
        """Make the next verdict be computed anew."""
        self._dirty = True

    def resolve(self, cushion: Cushion, promise: str, kill: Reason | None) -> Verdict:
        """The verdict in force."""
        known = self._cushion
        if not self._dirty and (
            cushion is known
            or (cushion.multiplier == known.multiplier and cushion.base == known.base)
        ):
            return self._verdict
        self._dirty = self.gauges.touched = False
        self._cushion = cushion
        reasons: list[Reason] = [] if kill is None else [kill]
        evidence: dict[str, Any] = {}
        multiplier = 1.0
        for breaker in self._portfolio:
            reason = self._reason(breaker)
            if reason is not None:
                reasons.append(reason)
                evidence[breaker.rule.name] = breaker.value
                multiplier = min(multiplier, self._breaker_multiplier(breaker))
        for (_, scope), fault in self._faults.items():
            if scope == PORTFOLIO:
                reasons.append(Reason(fault.guard, fault.action, fault.text))
        by_symbol_gauges: list[Breaker] = []
        self._strategies = {}
        for gauge in self.gauges.demanding():
            reason = self._reason(gauge)
            if reason is None:
                continue
            scope = gauge.scope
            if scope.startswith("symbol:"):
                by_symbol_gauges.append(gauge)
            elif scope.startswith("strategy:"):
                own, size = self._strategies.setdefault(scope[9:], ([], 1.0))
                own.append(reason)
                self._strategies[scope[9:]] = (own, min(size, gauge.multiplier))
            else:
                reasons.append(reason)
                if math.isfinite(gauge.value):
                    evidence[gauge.rule.name] = gauge.value
                multiplier = min(multiplier, gauge.multiplier)
        for name, (until, text) in self._disabled.items():
            reasons.append(Reason(name, Action.ALLOW, text, until))
        if cushion.multiplier < 1.0:
            multiplier = min(multiplier, cushion.multiplier)
            lock = "; in cash until that changes" if cushion.locked else ""
            reasons.append(
                make_reason(
                    "cushion",
                    _REDUCE,
                    f"cushion: {cushion.multiplier:.0%} of the size, {promise} promise, "
                    f"peak {cushion.base:,.2f}{lock}",
                )
            )
        portfolio = _verdict(PORTFOLIO, reasons, multiplier, evidence)
        by_symbol = self._resolve_symbols(portfolio, by_symbol_gauges)
        if by_symbol:
            portfolio = make_verdict(
                portfolio.state,
                PORTFOLIO,
                portfolio.reason,
                portfolio.until,
                portfolio.evidence,
                portfolio.reasons,
                portfolio.multiplier,
                by_symbol=by_symbol,
            )
        self._verdict = portfolio
        return portfolio

    def for_order(self, verdict: Verdict, symbol: str, strategy: str) -> Verdict:
        """What holds for an order of a strategy in a symbol, given the verdict in force."""
        standing = verdict.by_symbol.get(symbol, verdict)
        own = self._strategies.get(strategy) if self._strategies else None
        if own is None:
            return standing
        return _verdict(
            f"strategy:{strategy}",
            [*own[0], *standing.reasons],
            min(own[1], standing.multiplier),
            standing.evidence,
        )

    def _resolve_symbols(self, portfolio: Verdict, gauges: list[Breaker]) -> dict[str, Verdict]:
        grouped: dict[str, tuple[list[Reason], float]] = {}
        named = [(symbol, breaker) for (_, symbol), breaker in self._symbols.items()]
        named += [(gauge.scope.removeprefix("symbol:"), gauge) for gauge in gauges]
        for symbol, breaker in named:
            reason = self._reason(breaker)
            if reason is None:
                continue
            reasons, multiplier = grouped.get(symbol, ([], 1.0))
            reasons.append(reason)
            grouped[symbol] = (reasons, min(multiplier, breaker.multiplier))
        for (_, scope), fault in self._faults.items():
            if scope != PORTFOLIO:
                symbol = scope.removeprefix("symbol:")
                reasons, multiplier = grouped.get(symbol, ([], 1.0))
                reasons.append(Reason(fault.guard, fault.action, fault.text))
                grouped[symbol] = (reasons, multiplier)
        return {
            symbol: _verdict(
                symbol_scope(symbol),
                [*reasons, *portfolio.reasons],
                min(multiplier, portfolio.multiplier),
                portfolio.evidence,
            )
            for symbol, (reasons, multiplier) in grouped.items()
        }

    def _reason(self, breaker: Breaker) -> Reason | None:
        demand = breaker.demand
        if demand is _ALLOW or breaker.rule.name in self._disabled:
            return None
        text = breaker.sentence(self._session)
        return make_reason(breaker.rule.name, demand, text, breaker.until())

    def _breaker_multiplier(self, breaker: Breaker) -> float:
        if breaker is self._leverage and breaker.state is _OPEN and breaker.value > 0:
            return min(1.0, breaker.rule.threshold / breaker.value)
        return breaker.multiplier

    def snapshot(self) -> dict[str, Any]:
        """Everything a restart needs, as plain data."""
        return {
            "portfolio": {b.rule.name: b.snapshot() for b in self._portfolio},
            "symbols": [
                [rule, symbol, breaker.snapshot()]
                for (rule, symbol), breaker in self._symbols.items()
            ],
            "gauges": self.gauges.snapshot(),
            "disabled": [[n, end.isoformat(), text] for n, (end, text) in self._disabled.items()],
        }

    def restore(self, state: Mapping[str, Any], session: int) -> None:
        """Take over a snapshot; states of rules that are switched off now are dropped.

        Raises
        ------
        RecoverState
            When it is not one.
        """
        try:
            portfolio, symbols = state["portfolio"], state["symbols"]
            for breaker in self._portfolio:
                if breaker.rule.name in portfolio:
                    breaker.restore(portfolio[breaker.rule.name])
            for name, symbol, kept in symbols:
                rule = self._symbol_rules.get(name)
                if rule is not None:
                    breaker = Breaker(rule, symbol_scope(symbol))
                    breaker.restore(kept)
                    self._symbols[(name, symbol)] = breaker
            self.gauges.restore(state.get("gauges", []))
            self._disabled = {
                str(n): (datetime.fromisoformat(end), str(text))
                for n, end, text in state.get("disabled", [])
            }
        except (KeyError, TypeError, ValueError) as error:
            raise RecoverState(f"expected a snapshot of breakers, was not: {error!r}") from error
        self._session = session
        self._dirty = True


def _silent(breaker: Breaker) -> bool:
    return breaker.state in _SILENT


def _verdict(
    scope: str, reasons: list[Reason], multiplier: float, evidence: Mapping[str, Any]
) -> Verdict:
    if not reasons:
        return make_verdict(_ALLOW, scope)
    ordered = reasons
    if len(reasons) > 1:  # strongest first; equals stay as they came
        ordered = sorted(reasons, key=_action_of, reverse=True)
    first = ordered[0]
    state, until = first.action, first.until
    said = first.text if state is not _ALLOW else ""
    if until is not None and len(ordered) > 1:
        ends = [reason.until for reason in ordered if reason.action is state]
        known = [end for end in ends if end is not None]
        until = max(known) if len(known) == len(ends) else None
    return make_verdict(
        state,
        scope,
        said,
        until,
        evidence or NOTHING,
        tuple(ordered),
        multiplier,
    )

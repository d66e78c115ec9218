"""One circuit breaker: CLOSED, WARN, OPEN, COOLDOWN, PROBATION, LATCHED.

::

    CLOSED <-> WARN          value nears the threshold: said, nothing done
    CLOSED/WARN -> OPEN      value reaches the threshold: the action is in force
    OPEN -> COOLDOWN         the action is done (flat, or the value has fallen below the threshold)
    OPEN -> LATCHED          the same with manual re-arming: waits for a named person
    COOLDOWN -> PROBATION    the pause is over: reduced size, its own loss budget
    COOLDOWN -> CLOSED       the pause is over and the policy knows no probation
    PROBATION -> OPEN        the budget, counted from the probation's start, is spent
    PROBATION -> CLOSED      it lasted long enough and the release condition holds

A ``persistent`` value (drawdown from a peak that a trip never resets) stays beyond its threshold
long after the account is flat. It cannot trip again during cooldown and probation; there the
loss budget stands guard. Every other value trips again at once, in any state.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from protection.contracts.actions import Action, BreakerState
from protection.contracts.errors import RecoverState

# asked of their class these cost several times as much in Python 3.11, and every step asks
_ALLOW, _REDUCE, _HALT, _LIQUIDATE = Action.ALLOW, Action.REDUCE, Action.HALT, Action.LIQUIDATE
_CLOSED, _WARN, _OPEN = BreakerState.CLOSED, BreakerState.WARN, BreakerState.OPEN
_COOLDOWN, _PROBATION, _LATCHED = (
    BreakerState.COOLDOWN,
    BreakerState.PROBATION,
    BreakerState.LATCHED,
)
_SKIP_LEARN = Action.SKIP_LEARN
_MAX_STEPS = 6


@dataclass(frozen=True, slots=True)
class BreakerRule:
    """What a breaker measures and demands, and its way back.

    Attributes
    ----------
    name : short name, also the key of its stored state
    label : what is measured, as people say it: "loss from the rolling peak"
    action : demanded while OPEN
    threshold : value that trips
    strict : trips above the threshold only; else at it as well
    size : multiplier while OPEN and COOLDOWN of a REDUCE action
    warn : share of the threshold from which WARN is shown; None for never
    cooldown : pause by time, from the last moment the condition held
    cooldown_sessions : pause in sessions seen since then
    probation_sessions : least length of the probation; 0 for none
    probation_size, probation_loss : size and loss budget during it
    release : value below which a persistent rule's probation may end; None for no condition
    persistent : the value stays beyond the threshold after the action is done
    manual : LATCHED after the action is done
    percent : how to print values
    below : trips below the threshold: value and threshold are kept with their sign turned
    unit : printed behind a value that is no percentage
    """

    name: str
    label: str
    action: Action
    threshold: float
    strict: bool = False
    size: float = 1.0
    warn: float | None = None
    cooldown: timedelta = timedelta(0)
    cooldown_sessions: int = 0
    probation_sessions: int = 0
    probation_size: float = 1.0
    probation_loss: float = 1.0
    release: float | None = None
    persistent: bool = False
    manual: bool = False
    percent: bool = True
    below: bool = False
    unit: str | None = None

    def show(self, value: float) -> str:
        """A value of this rule as text."""
        if not math.isfinite(value):
            return "unknown (stale or invalid)"
        if self.unit is not None:
            return f"{-value if self.below else value:.4g}{self.unit}"
        return f"{value:.2%}" if self.percent else f"{value:.2f}"

    def describe(self) -> str:
        """One line on what the breaker will do."""
        words = {
            Action.REDUCE: f"size x{self.size:g}" if self.size < 1 else "reduces to the limit",
            Action.SKIP_LEARN: "keeps models from learning",
            Action.FREEZE: "denies adding",
            Action.HALT: "denies adding and cancels adding orders",
            Action.ROLLBACK: "halts and sends the model back to its last checkpoint",
            Action.LIQUIDATE: "closes until flat",
        }[self.action]
        side = "below" if self.below else "above"
        beyond = side if self.strict else f"at or {side}" if self.unit is not None else "at"
        pause = []
        if self.cooldown_sessions:
            pause.append(f"{self.cooldown_sessions} session(s)")
        if self.cooldown:
            pause.append(f"{self.cooldown.total_seconds():g} s")
        back = f"; pause {' and '.join(pause)}" if pause else "; released when it has passed"
        if self.manual:
            back = "; latched until re-armed by name"
        if self.probation_sessions:
            back += (
                f", then at least {self.probation_sessions} sessions at {self.probation_size:.0%} "
                f"size with a loss budget of {self.probation_loss:.1%}"
            )
        return f"{self.name}: {self.label} {beyond} {self.show(self.threshold)} {words}{back}"


@dataclass(frozen=True, slots=True)
class Change:
    """One transition of a breaker."""

    before: BreakerState
    after: BreakerState
    reason: str


class Breaker:
    """State machine of one rule in one scope."""

    __slots__ = (
        "_bad_session",
        "_bad_time",
        "_base",
        "_begun",
        "_level",
        "_warn_level",
        "rule",
        "scope",
        "since",
        "state",
        "value",
    )

    def __init__(self, rule: BreakerRule, scope: str) -> None:
        self.rule = rule
        self.scope = scope
        self.state = _CLOSED
        self.since: datetime | None = None
        self.value = 0.0
        self._bad_time: datetime | None = None
        self._bad_session = -1
        self._begun = -1
        self._base = 0.0
        self.move(rule.threshold)

    @property
    def level(self) -> float:
        """Value that trips now: the rule's threshold, unless :meth:`move` has moved it."""
        return self._level

    def move(self, level: float) -> None:
        """Trip at another value than the rule's; the warning moves along."""
        self._level = level
        warn = self.rule.warn
        self._warn_level = math.inf if warn is None else warn * level

    def quiet(self, value: float) -> bool:
        """Whether ``value`` changes nothing: closed and below every level (the usual case)."""
        return self.state is _CLOSED and value < self._warn_level and value < self._level

    def trips(self, value: float) -> bool:
        """Whether ``value`` is beyond the threshold; a value that is no number is."""
        return not (value <= self._level if self.rule.strict else value < self._level)

    def step(
        self, now: datetime, session: int, value: float, equity: float, flat: bool
    ) -> tuple[Change, ...]:
        """Take one value and make every transition that it and the time allow.

        Parameters
        ----------
        now : present time, aware UTC
        session : number of the present session
        value : the rule's measure; NaN counts as beyond the threshold
        equity : the account's value, base of the probation's loss budget
        flat : whether nothing is held in the breaker's scope
        """
        self.value = value
        if self.quiet(value):
            return ()
        changes: list[Change] = []
        while len(changes) < _MAX_STEPS:
            change = self._next(now, session, value, equity, flat)
            if change is None:
                break
            self.state, self.since = change.after, now
            changes.append(change)
            if change.after is _OPEN:  # an action is in force for one step at least
                break
        return tuple(changes)

    def _next(
        self, now: datetime, session: int, value: float, equity: float, flat: bool
    ) -> Change | None:
        rule, state = self.rule, self.state
        beyond = self.trips(value)
        if state is _OPEN:
            if rule.action is _LIQUIDATE:
                done = flat and (rule.persistent or not beyond)
            else:
                done = not beyond
            if not done or rule.action is _LIQUIDATE:
                self._bad_time, self._bad_session = now, session
            if not done:
                return None
            if rule.manual:
                return Change(state, _LATCHED, f"{rule.name}: done; waits to be re-armed by name")
            return Change(state, _COOLDOWN, f"{rule.name}: the action is done, cooling down")
        if beyond and not (rule.persistent and state in (_COOLDOWN, _PROBATION, _LATCHED)):
            if state is _LATCHED:
                return None
            return self._trip(now, session, self._sentence(value))
        if state is _COOLDOWN:
            if not self._cooled(now, session):
                return None
            if not rule.probation_sessions:
                return Change(state, _CLOSED, f"{rule.name}: the pause is over")
            self._begin_probation(session, equity)
            return Change(
                state,
                _PROBATION,
                f"{rule.name}: the pause is over; {rule.probation_size:.0%} size, loss budget "
                f"{rule.probation_loss:.1%} of {equity:,.2f}",
            )
        if state is _PROBATION:
            lost = self.probation_lost(equity)
            if lost >= rule.probation_loss:
                return self._trip(
                    now,
                    session,
                    f"{rule.name}: lost {lost:.2%} since the probation began, budget "
                    f"{rule.probation_loss:.2%}",
                )
            if session - self._begun < rule.probation_sessions:
                return None
            if rule.release is not None and not value < rule.release:
                return None
            return Change(state, _CLOSED, f"{rule.name}: probation passed, full size")
        if state is _CLOSED and value >= self._warn_level:
            return Change(state, _WARN, self._sentence(value))
        if state is _WARN and value < 0.8 * self._warn_level:
            return Change(
                state, _CLOSED, f"{rule.name}: {rule.label} is back at {rule.show(value)}"
            )
        return None

    def _sentence(self, value: float) -> str:
        rule = self.rule
        return f"{rule.name}: {rule.label} is {rule.show(value)}, limit {rule.show(self._level)}"

    def _trip(self, now: datetime, session: int, reason: str) -> Change:
        self._bad_time, self._bad_session = now, session
        return Change(self.state, _OPEN, reason)

    def _cooled(self, now: datetime, session: int) -> bool:
        rule = self.rule
        if session - self._bad_session < rule.cooldown_sessions:
            return False
        return self._bad_time is None or now - self._bad_time >= rule.cooldown

    def _begin_probation(self, session: int, equity: float) -> None:
        self._begun, self._base = session, equity

    def probation_lost(self, equity: float) -> float:
        """Loss since the probation's start, as a fraction of the equity then."""
        return 1.0 - equity / self._base if self._base > 0 else 1.0

    def rearm(self, now: datetime, session: int, equity: float, who: str) -> Change | None:
        """Leave LATCHED, into probation where the rule knows one; None in any other state."""
        if self.state is not _LATCHED:
            return None
        after = _CLOSED
        if self.rule.probation_sessions:
            after = _PROBATION
            self._begin_probation(session, equity)
        self.state, self.since = after, now
        return Change(_LATCHED, after, f"{self.rule.name}: re-armed by {who}")

    def scale(self, factor: float) -> None:
        """Scale the budget's base by a cash flow's factor."""
        self._base *= factor

    @property
    def demand(self) -> Action:
        """Action the breaker demands now."""
        state, rule = self.state, self.rule
        if state is _CLOSED or state is _WARN:
            return _ALLOW
        if state is _OPEN:
            return rule.action
        if state is _PROBATION:
            return _REDUCE
        return min(rule.action, _HALT)

    @property
    def multiplier(self) -> float:
        """Share of the size the breaker lets through; 1 where its action speaks for itself."""
        state = self.state
        if state is _PROBATION:
            return self.rule.probation_size
        if state in (_OPEN, _COOLDOWN, _LATCHED) and self.rule.action <= _SKIP_LEARN:
            return self.rule.size
        return 1.0

    def until(self) -> datetime | None:
        """Earliest end of a pause that runs by time alone, else None."""
        rule = self.rule
        if self.state is _COOLDOWN and self._bad_time is not None and not rule.cooldown_sessions:
            return self._bad_time + rule.cooldown
        return None

    def sentence(self, session: int) -> str:
        """One sentence on why it demands what it demands."""
        rule, state = self.rule, self.state
        if state is _OPEN:
            return self._sentence(self.value)
        if state is _COOLDOWN:
            left = rule.cooldown_sessions - (session - self._bad_session)
            wait = f", {left} more session(s)" if left > 0 else ""
            return f"{rule.name}: cooling down{wait}"
        if state is _PROBATION:
            return (
                f"{rule.name}: probation at {rule.probation_size:.0%} size, loss budget "
                f"{rule.probation_loss:.1%} from {self._base:,.2f}"
            )
        if state is _LATCHED:
            return f"{rule.name}: latched, waits to be re-armed by name"
        return ""

    def snapshot(self) -> dict[str, Any]:
        """Everything a restart needs, as plain data."""
        moved = {} if self._level == self.rule.threshold else {"level": self._level}
        return moved | {
            "state": self.state.value,
            "since": None if self.since is None else self.since.isoformat(),
            "bad_time": None if self._bad_time is None else self._bad_time.isoformat(),
            "bad_session": self._bad_session,
            "begun": self._begun,
            "base": self._base,
            "value": self.value if math.isfinite(self.value) else None,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over a snapshot.

        Raises
        ------
        RecoverState
            When it is not one.
        """
        try:
            since, bad_time, value = state["since"], state["bad_time"], state["value"]
            self.state = BreakerState(state["state"])
            self.since = None if since is None else datetime.fromisoformat(since)
            self._bad_time = None if bad_time is None else datetime.fromisoformat(bad_time)
            self._bad_session = int(state["bad_session"])
            self._begun = int(state["begun"])
            self._base = float(state["base"])
            self.value = math.nan if value is None else float(value)
            self.move(float(state.get("level", self.rule.threshold)))
        except (KeyError, TypeError, ValueError) as error:
            raise RecoverState(
                f"expected a snapshot of breaker {self.rule.name}, was not: {error!r}"
            ) from error

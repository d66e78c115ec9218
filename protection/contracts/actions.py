"""What a guard can demand, and the verdict in which it says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, IntEnum
from types import MappingProxyType
from typing import Any

from protection.contracts.quick import maker, quick

PORTFOLIO = "portfolio"
"""Scope of everything that concerns the whole account."""

NOTHING: Mapping[str, Any] = MappingProxyType({})
"""The empty, read-only mapping used as a default."""

WARM_UP = "warm_up"
"""Key in the evidence of an event that came of history, shown before anything was guarded."""


def nothing() -> Mapping[str, Any]:
    """Default of mapping fields: :data:`NOTHING`."""
    return NOTHING


class Action(IntEnum):
    """Grades of intervention; a larger number is a stronger one and includes the weaker ones.

    ======== ==========================================================================
    ALLOW     nothing is asked
    REDUCE    exposure is scaled by the verdict's ``multiplier``
    SKIP_LEARN the same, and models do not learn from this data
    FREEZE    no order may add exposure
    HALT      FREEZE, and open orders that would add are cancelled
    ROLLBACK  HALT, and the model returns to its last good checkpoint
    LIQUIDATE HALT, and positions are closed; repeated every step until flat
    ======== ==========================================================================
    """

    ALLOW = 0
    REDUCE = 1
    SKIP_LEARN = 2
    FREEZE = 3
    HALT = 4
    ROLLBACK = 5
    LIQUIDATE = 6

    @property
    def adding_allowed(self) -> bool:
        """Whether an order that raises exposure may pass at all."""
        return self < _FREEZE


# In Python 3.11 a member asked of its class costs 20 times a name of the module.
_FREEZE = Action.FREEZE


class BreakerState(Enum):
    """States of a circuit breaker; see ``protection.circuit_breakers.machine``."""

    __hash__ = object.__hash__  # each member is one object; Enum's own is a Python function

    CLOSED = "closed"
    WARN = "warn"
    OPEN = "open"
    COOLDOWN = "cooldown"
    PROBATION = "probation"
    LATCHED = "latched"


@quick
@dataclass(frozen=True, slots=True)
class Reason:
    """One guard's share in a verdict.

    Attributes
    ----------
    guard : name of the guard, for example ``drawdown_peak``
    action : what this guard alone demands
    text : one sentence for people
    until : earliest time at which it may end, or None when no time can be told
    """

    guard: str
    action: Action
    text: str
    until: datetime | None = None


@quick
@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of a guard, of the board, or of the order gate.

    Attributes
    ----------
    state : the strongest action in force for ``scope``
    scope : ``"portfolio"``, ``"symbol:SPY"`` or ``"order:17"``
    reason : one sentence; empty when nothing is asked
    until : earliest end of the strongest demand; None when no time can be told
    evidence : the figures behind it
    reasons : every guard that demands something, strongest first
    multiplier : share of the strategy's own exposure that may be held, in [0, 1]
    allowed : for an order: whether it may go; an order that reduces is allowed in every state
    max_quantity : for a refused order: the signed quantity that would have passed now
    cancel : ids of the user's own resting orders that must be cancelled along with an exit
    by_symbol : for the portfolio: verdicts of symbols that stand worse than the portfolio
    """

    state: Action
    scope: str = PORTFOLIO
    reason: str = ""
    until: datetime | None = None
    evidence: Mapping[str, Any] = field(default_factory=nothing)
    reasons: tuple[Reason, ...] = ()
    multiplier: float = 1.0
    allowed: bool = True
    max_quantity: float | None = None
    cancel: tuple[int | str, ...] = ()
    by_symbol: Mapping[str, Verdict] = field(default_factory=nothing)

    def for_symbol(self, symbol: str) -> Verdict:
        """Verdict that holds for one symbol: its own where it is worse, else this one."""
        return self.by_symbol.get(symbol, self)


# for those made at every step and order, see :func:`protection.contracts.quick.maker`
make_reason = maker(Reason)
make_verdict = maker(Verdict)


@quick
@dataclass(frozen=True, slots=True)
class Event:
    """A change of state, as it goes to the event list, the sink and the ledger.

    Attributes
    ----------
    time : when, UTC
    breaker : guard that changed
    scope : portfolio or symbol
    before, after : names of the states
    reason : one sentence
    evidence : the figures behind it
    """

    time: datetime
    breaker: str
    scope: str
    before: str
    after: str
    reason: str
    evidence: Mapping[str, Any] = field(default_factory=nothing)

    def as_dict(self) -> dict[str, Any]:
        """Plain dictionary for ledgers and reports; the time as ISO text."""
        return {
            "time": self.time.isoformat(),
            "breaker": self.breaker,
            "scope": self.scope,
            "before": self.before,
            "after": self.after,
            "reason": self.reason,
            "evidence": dict(self.evidence),
        }

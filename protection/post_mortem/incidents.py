"""Where an incident begins and where it ends.

An incident begins with a *trigger* and ends when every guard that was triggered has let go:

- a breaker opens (all but ``volatility``, which only halves the size of one symbol and does so in
  quiet years, too), a fault comes into force, or somebody kills;
- the gate refuses an order for its input or price (a missing price counts once until a new price
  comes), or three orders of a session for their size;
- the broker refuses three orders of a session that the gate had allowed;
- an order fills that never asked;
- the lock changes outside the system, entries could not be recorded, a torn tail was cut off.

Two incidents with no more than one quiet session between them are one. A probation counts as
released: it lasts for weeks and is the way back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from protection.contracts.actions import WARM_UP
from protection.contracts.errors import FixInput
from protection.post_mortem.timeline import (
    AnyStep,
    Asked,
    Filled,
    GuardChange,
    Person,
    Price,
    Snapshot,
    Step,
    Timeline,
    Trouble,
    Unfilled,
)

ROUTINE = frozenset({"volatility"})
TRIPPED = frozenset({"open", "fault", "killed"})
RELEASED = frozenset({"closed", "ok", "armed", "probation"})
SIZE_GUARDS = frozenset(
    {
        *("max_position", "max_leverage", "max_net", "max_sector", "max_positions"),
        *("max_concentration", "var", "es", "tail"),
    }
)
INPUT_GUARDS = frozenset({"price", "input", "internal", "audit"})
_MANY = 3


@dataclass(frozen=True, slots=True)
class Trigger:
    """What began an incident, or worsened it."""

    seq: int
    time: datetime
    guard: str
    scope: str
    text: str


@dataclass(frozen=True, slots=True)
class Incident:
    """A stretch of a run.

    Attributes
    ----------
    number : from 1, in order of time
    first, last : numbers of its first and last record
    begun, ended : times; ``ended`` is None while a guard still holds at the end of the ledger
    triggers : in order
    baseline : number of the last snapshot before the trading day of the first trigger: what
        profits and losses are counted from
    sessions : trading days from the first trigger to the end
    """

    number: int
    first: int
    last: int
    begun: datetime
    ended: datetime | None
    triggers: tuple[Trigger, ...]
    baseline: int
    sessions: int

    @property
    def name(self) -> str:
        """Short name: date and first guard."""
        return f"{self.begun:%Y-%m-%d}-{self.triggers[0].guard.replace('_', '-')}"

    @property
    def guards(self) -> tuple[str, ...]:
        """Guards concerned, in order, each once."""
        return tuple(dict.fromkeys(trigger.guard for trigger in self.triggers))


class _Watch:
    """Collects triggers and what is still in force."""

    def __init__(self) -> None:
        self.held: set[tuple[str, str]] = set()
        self._session: date | None = None
        self._sized: Counter[str] = Counter()
        self._priceless: set[str] = set()

    def take(self, step: AnyStep) -> Trigger | None:
        """The trigger that a step is, if any."""
        if isinstance(step, GuardChange):
            return self._changed(step)
        if step.session != self._session:
            self._session = step.session
            self._sized.clear()
        if isinstance(step, Asked) and not step.allowed:
            if step.guard == "price":
                if step.symbol in self._priceless:
                    return None  # the same missing price as before
                self._priceless.add(step.symbol)
            if step.guard in INPUT_GUARDS:
                return _trigger(step, step.guard, f"symbol:{step.symbol}", step.reason)
            if step.guard in SIZE_GUARDS and self._many("gate"):
                return _trigger(step, step.guard, f"symbol:{step.symbol}", step.reason)
        elif isinstance(step, Price):
            self._priceless.discard(step.symbol)
        elif isinstance(step, Unfilled) and self._many("broker"):
            text = f"the broker refused {_MANY} orders of one session"
            return _trigger(step, "rejections", "portfolio", text)
        elif isinstance(step, Filled) and not step.judged:
            text = f"{step.quantity:+g} filled by order {step.order_id}, which never asked"
            return _trigger(step, "unknown_order", f"symbol:{step.symbol}", text)
        elif isinstance(step, Person) and step.kind == "lock":
            return _trigger(step, "lock", "portfolio", step.reason)
        elif isinstance(step, Trouble):
            return _trigger(step, step.kind, "portfolio", step.reason)
        return None

    def _many(self, what: str) -> bool:
        self._sized[what] += 1
        return self._sized[what] >= _MANY

    def _changed(self, step: GuardChange) -> Trigger | None:
        if step.guard in ROUTINE or step.evidence.get(WARM_UP):
            return None
        key = (step.guard, step.scope)
        if step.after in TRIPPED:
            self.held.add(key)
            return _trigger(step, step.guard, step.scope, step.reason)
        if step.after in RELEASED:
            self.held.discard(key)
        return None


def _trigger(step: Step, guard: str, scope: str, text: str) -> Trigger:
    return Trigger(step.seq, step.time, guard, scope, text)


@dataclass(slots=True)
class _Open:
    """An incident that is being read."""

    triggers: list[Trigger]
    session: int  # of the last trigger or of the last session in which a guard held
    last: Step
    held: bool = True


def find_incidents(timeline: Timeline) -> list[Incident]:
    """Incidents of a run, in order; none for a quiet one."""
    watch = _Watch()
    sessions: dict[date, int] = {}
    found: list[Incident] = []
    current: _Open | None = None
    closing: Step | None = None
    for step in timeline.steps:
        if isinstance(step, (Snapshot, GuardChange, Asked)):
            sessions.setdefault(step.session, len(sessions))
        index = len(sessions)
        trigger = watch.take(step)
        if current is not None and trigger is None:
            if watch.held:
                current.session, current.last, current.held = index, step, True
            elif isinstance(step, Snapshot) and current.held:
                # the snapshot that belongs to the release closes the books
                current.last, current.held, current.session = step, False, index
            closing = None
            if index > current.session + 1:
                found.append(_close(timeline, current, len(found) + 1, True))
                current = None
        if trigger is not None:
            if current is None:
                current = _Open([trigger], index, step)
            else:
                current.triggers.append(trigger)
                current.session, current.last, current.held = index, step, True
            closing = step
    if current is not None:
        ended = not watch.held and closing is None
        found.append(_close(timeline, current, len(found) + 1, ended))
    return found


def stretch(timeline: Timeline, start: datetime, end: datetime) -> Incident:
    """A stretch chosen by hand as an incident without triggers of its own.

    Raises
    ------
    FixInput
        When no snapshot lies in it.
    """
    steps = [s for s in timeline.steps if start <= s.time <= end and isinstance(s, Snapshot)]
    if not steps:
        raise FixInput(f"expected snapshots between {start} and {end}, were none")
    trigger = Trigger(steps[0].seq, steps[0].time, "chosen", "portfolio", "chosen by hand")
    opened = _Open([trigger], 0, steps[-1], False)
    return _close(timeline, opened, 0, True)


def _close(timeline: Timeline, opened: _Open, number: int, ended: bool) -> Incident:
    first = opened.triggers[0]
    last = opened.last
    steps = timeline.steps
    day = next(step.session for step in steps if step.seq == first.seq)
    snapshots = timeline.snapshots
    before = [s for s in snapshots if s.session < day and s.seq < first.seq]
    here = [s for s in snapshots if s.seq >= first.seq] or snapshots
    baseline = before[-1].seq if before else (snapshots[0].seq if snapshots else first.seq)
    if not before and here and here[0].seq < baseline:
        baseline = here[0].seq
    days = {s.session for s in snapshots if first.seq <= s.seq <= last.seq}
    return Incident(
        number,
        first.seq,
        last.seq,
        first.time,
        last.time if ended else None,
        tuple(opened.triggers),
        baseline,
        max(1, len(days)),
    )


def order_of(incidents: Iterable[Incident], wanted: int | str) -> Incident:
    """One incident by its number or name.

    Raises
    ------
    FixInput
        When there is none.
    """
    known = list(incidents)
    for incident in known:
        if wanted in (incident.number, str(incident.number), incident.name):
            return incident
    names = ", ".join(incident.name for incident in known) or "no incidents at all"
    raise FixInput(f"expected an incident of {names}, was {wanted!r}")

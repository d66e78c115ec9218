"""The timeline for people: what matters of it, one sentence a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from protection.post_mortem.findings import scope_words, ticker
from protection.post_mortem.incidents import TRIPPED, Incident
from protection.post_mortem.timeline import (
    AnyStep,
    Asked,
    Filled,
    Flow,
    GuardChange,
    Person,
    Rejected,
    Review,
    Start,
    Timeline,
    Trouble,
    Unfilled,
)

MOST = 400


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the timeline.

    Attributes
    ----------
    seq : number of the record
    grave : whether it is a trip, a refusal, or an act of a person
    """

    seq: int
    time: datetime
    kind: str
    text: str
    grave: bool

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "record": self.seq,
            "time": self.time.isoformat(),
            "kind": self.kind,
            "text": self.text,
            "grave": self.grave,
        }


def moments(timeline: Timeline, incident: Incident) -> tuple[Moment, ...]:
    """Moments of an incident, from its baseline on; the grave ones when there are too many."""
    found = [
        moment
        for step in timeline.steps
        if incident.baseline <= step.seq <= incident.last and (moment := _moment(step)) is not None
    ]
    if len(found) > MOST:
        grave = [moment for moment in found if moment.grave]
        found = grave[: MOST // 2] + grave[max(MOST // 2, len(grave) - MOST // 2) :]
    return tuple(found)


def _moment(step: AnyStep) -> Moment | None:
    found = _words(step)
    return None if found is None else Moment(step.seq, step.time, *found)


def _words(step: AnyStep) -> tuple[str, str, bool] | None:
    if isinstance(step, GuardChange):
        where = "" if step.scope == "portfolio" else f" [{scope_words(step.scope)}]"
        text = f"{step.before} -> {step.after}{where}: {step.reason}"
        return step.guard, text, step.after in TRIPPED
    if isinstance(step, Asked):
        answer = "allowed" if step.allowed else f"refused ({step.guard}): {step.reason}"
        text = f"order {step.order_id}: {step.quantity:+g} {ticker(step.symbol)} {answer}"
        return "order", text, not step.allowed
    if isinstance(step, Filled):
        text = f"order {step.order_id}: {step.quantity:+g} {ticker(step.symbol)} at {step.price:g}"
        return "fill", text + ("" if step.judged else ", never asked"), not step.judged
    if isinstance(step, Unfilled):
        return "order", f"order {step.order_id} was refused by the broker", True
    if isinstance(step, Rejected):
        return "price", f"{ticker(step.symbol)} refused: {step.reason}", True
    if isinstance(step, Review):
        cut = [s for s, q in step.targets.items() if abs(step.result.get(s, q) - q) > 1e-9]
        names = ", ".join(ticker(symbol) for symbol in cut)
        return ("targets", f"cut: {names}", False) if cut else None
    if isinstance(step, Person):
        return step.kind, f"{step.actor or 'somebody'}: {step.reason}", True
    if isinstance(step, Flow):
        return "cash", f"{step.amount:+,.2f} paid {'in' if step.amount >= 0 else 'out'}", False
    if isinstance(step, Trouble):
        return step.kind, step.reason, True
    if isinstance(step, Start):
        return "start", "the system was made", False
    return None

"""Observations kept apart: bounded, with tickets, released by confirmation or by an operator."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from protection.admission.codec import plain_envelope, read_envelope
from protection.admission.envelope import Cause, Envelope
from protection.contracts.admission_settings import QuarantineSettings


@dataclass(frozen=True, slots=True)
class Held:
    """One observation in quarantine."""

    ticket: int
    envelope: Envelope
    cause: Cause
    reason: str
    since: datetime


class Quarantine:
    """Held observations by ticket, oldest first."""

    def __init__(self, settings: QuarantineSettings) -> None:
        self._capacity = settings.capacity
        self._hold = timedelta(seconds=settings.hold_seconds)
        self._held: OrderedDict[int, Held] = OrderedDict()
        self._next = 1
        self.dropped = 0
        """Observations that ran out or made room."""

    def __len__(self) -> int:
        return len(self._held)

    @property
    def held(self) -> tuple[Held, ...]:
        """What is held, oldest first."""
        return tuple(self._held.values())

    def hold(self, envelope: Envelope, cause: Cause, reason: str, now: datetime) -> int:
        """Keep an observation; returns its ticket."""
        self.expire(now)
        while len(self._held) >= self._capacity:
            self._held.popitem(last=False)
            self.dropped += 1
        ticket = self._next
        self._next += 1
        self._held[ticket] = Held(ticket, envelope, cause, reason, now)
        return ticket

    def expire(self, now: datetime) -> None:
        """Drop what was held too long."""
        while self._held:
            first = next(iter(self._held.values()))
            if now - first.since < self._hold:
                return
            self._held.popitem(last=False)
            self.dropped += 1

    def pop(self, ticket: int) -> Held | None:
        """Take one out; None when it is gone."""
        return self._held.pop(ticket, None)

    def snapshot(self) -> dict[str, Any]:
        """Plain data for :meth:`restore`."""
        return {
            "next": self._next,
            "dropped": self.dropped,
            "held": [
                {
                    "ticket": held.ticket,
                    "envelope": plain_envelope(held.envelope),
                    "cause": held.cause.value,
                    "reason": held.reason,
                    "since": held.since.isoformat(),
                }
                for held in self._held.values()
            ],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`snapshot` gave."""
        self._next, self.dropped = int(state["next"]), int(state["dropped"])
        self._held = OrderedDict(
            (
                int(entry["ticket"]),
                Held(
                    int(entry["ticket"]),
                    read_envelope(entry["envelope"]),
                    Cause(entry["cause"]),
                    str(entry["reason"]),
                    datetime.fromisoformat(entry["since"]),
                ),
            )
            for entry in state["held"]
        )

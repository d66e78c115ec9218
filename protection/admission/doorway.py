"""The door as a protection system asks it: one observation in, one :class:`Passage` out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from protection.admission.door import Admission
from protection.admission.envelope import Admitted, Cause, Envelope
from protection.admission.registry import Source, SourceRegistry
from protection.contracts.admission_settings import AdmissionSettings
from protection.contracts.clock import Clock
from protection.contracts.passage import Passage
from protection.contracts.records import Bar, Quote, Trade
from protection.contracts.stores import StateStore

PRICES = (Bar, Quote, Trade)

UNPROVEN = frozenset(
    cause.value
    for cause in (
        Cause.UNKNOWN_INPUT,
        Cause.UNKNOWN_SOURCE,
        Cause.BANNED,
        Cause.UNSIGNED,
        Cause.FORGED,
        Cause.REPLAY,
    )
)
"""Causes that anybody can bring about who writes a stranger's name on an envelope."""

REPEATED = frozenset({Cause.DUPLICATE.value, Cause.SILENCE.value})
"""Causes that say nothing new, and nothing bad."""

IMPOSSIBLE = frozenset(
    cause.value for cause in (Cause.INVALID, Cause.CROSSED, Cause.FUTURE, Cause.OUT_OF_ORDER)
)
"""Causes that stand for a record no market could have sent."""


class Doorway:
    """A door, and what a system has to remember beside it.

    Parameters
    ----------
    registry : who may send; when None there is one source, the host itself, under
        ``admission.door.source``

    Attributes
    ----------
    door : the :class:`~protection.admission.Admission` that decides
    patience : see ``admission.door.patience_seconds``
    due : when what the door remembers is to be stored again
    """

    def __init__(
        self,
        settings: AdmissionSettings,
        registry: SourceRegistry | None,
        *,
        clock: Clock,
        store: StateStore | None,
    ) -> None:
        asked = settings.door
        if registry is None:
            registry = SourceRegistry(Source(asked.source, cadence_seconds=asked.cadence_seconds))
        self.door = Admission(registry, settings, clock=clock, store=store)
        self.patience = timedelta(seconds=asked.patience_seconds)
        self.every = timedelta(seconds=asked.save_seconds)
        self.due: datetime | None = None
        self._host = asked.source
        self._said: set[tuple[str, str]] = set()

    def ask(self, observation: Any) -> tuple[Bar | Quote | Trade | None, Passage]:
        """Decide about a record of the host, or about an envelope.

        Returns
        -------
        the record, None when it is no price, and how it came through
        """
        if isinstance(observation, Envelope):
            envelope, bare = observation, False
        else:
            envelope, bare = Envelope(self._host, observation), True
        outcome = self.door.decide(envelope)
        record = envelope.record
        price = record if isinstance(record, PRICES) else None
        source = str(envelope.source)[:80]
        if isinstance(outcome, Admitted):
            released: tuple[Bar | Quote | Trade, ...] = ()
            if "confirmed" in outcome.notes:
                held = (entry.envelope.record for entry in self.door.drain())
                released = tuple(each for each in held if isinstance(each, PRICES))
            return price, Passage(source, "", "", True, outcome.weight, released)
        cause = outcome.cause.value
        genuine = bare or cause not in UNPROVEN
        return price, Passage(source, cause, outcome.reason[:300], genuine)

    def first(self, passage: Passage) -> bool:
        """Whether this source was not yet refused for this cause in the session.

        Names on envelopes that prove nothing count as one: anybody can make up new ones.
        """
        key = (passage.source if passage.genuine else "", passage.cause)
        if key in self._said:
            return False
        self._said.add(key)
        return True

    def enter(self) -> None:
        """A new session begins: refusals are said once more."""
        self._said.clear()

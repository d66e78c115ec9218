"""A door with a clock and a few sources, and messages to knock with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from protection.admission import (
    Admission,
    AdmissionSettings,
    Envelope,
    HmacKey,
    Source,
    SourceRegistry,
    seal,
)
from protection.contracts import ManualClock, Trade
from protection.contracts.stores import MemoryStateStore, StateStore

START = datetime(2024, 3, 6, 15, 0, tzinfo=UTC)  # a Wednesday, 10:00 in New York
SECRET = HmacKey(b"a secret of the feed handler")


class Desk:
    """One door, its clock and its store."""

    def __init__(
        self,
        sources: int = 1,
        signed: bool = False,
        cadence: float | None = 1.0,
        settings: Mapping[str, Any] | None = None,
        store: StateStore | None = None,
    ) -> None:
        self.clock = ManualClock(START)
        self.store = MemoryStateStore() if store is None else store
        self.settings = AdmissionSettings.from_dict(settings or {})
        self.signed, self.cadence, self.count = signed, cadence, sources
        self.sequence = 0
        self.door = self.open()

    def open(self) -> Admission:
        """A fresh door over the same store, as after a restart."""
        keys = {"k1": SECRET} if self.signed else {}
        self.registry = SourceRegistry(
            *(
                Source(f"s{number}", keys, cadence_seconds=self.cadence)
                for number in range(self.count)
            )
        )
        self.door = Admission(self.registry, self.settings, clock=self.clock, store=self.store)
        return self.door

    def trade(
        self, price: float = 100.0, source: str = "s0", size: float = 1.0, **fields: Any
    ) -> Envelope:
        """A trade of now, numbered and signed where the sources sign."""
        envelope = Envelope(
            source, Trade("SPY", self.clock.now(), price, size), self.clock.now(), **fields
        )
        if not self.signed:
            return envelope
        self.sequence += 1
        numbered = Envelope(
            source,
            envelope.record,
            envelope.received,
            fields.get("sequence", self.sequence),
            fields.get("nonce", self.sequence.to_bytes(8, "big")),
        )
        return seal(numbered, SECRET, "k1")

    def tick(self, seconds: float = 1.0) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    def feed(self, prices: Any, source: str = "s0") -> list[Any]:
        """One trade a second at these prices; the outcomes."""
        outcomes = []
        for price in prices:
            self.tick()
            outcomes.append(self.door.decide(self.trade(float(price), source)))
        return outcomes


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def signed() -> Desk:
    return Desk(signed=True)


@pytest.fixture(scope="session")
def make_desk() -> type[Desk]:
    return Desk

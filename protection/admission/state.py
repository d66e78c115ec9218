"""What the door remembers of each source, and how all of it is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from protection.admission.codec import plain_envelope, read_envelope
from protection.admission.concentration import Concentration
from protection.admission.crowd import Crowd
from protection.admission.envelope import Admitted, Cause
from protection.admission.feed import Feed
from protection.admission.quarantine import Quarantine
from protection.admission.rates import Quota, TokenBucket
from protection.admission.registry import Source, SourceRegistry
from protection.admission.sequence import ReplayWindow
from protection.admission.trust import Trust
from protection.contracts.admission_settings import AdmissionSettings
from protection.contracts.counters import Counters


@dataclass(frozen=True, slots=True)
class FeedHealth:
    """Age of one feed.

    Attributes
    ----------
    event_age, receipt_age : open seconds since the last real observation happened and arrived
    silent : whether either is beyond the limit; False where no cadence is expected
    """

    source: str
    symbol: str
    event_age: float
    receipt_age: float
    limit: float | None
    silent: bool


class SourceState:
    """Running state of one source."""

    __slots__ = (
        "banned",
        "bucket",
        "counters",
        "feeds",
        "fresh",
        "keys",
        "owner",
        "pace",
        "quota",
        "source",
        "stale",
        "suspicious",
        "trust",
        "window",
    )

    def __init__(
        self, source: Source, settings: AdmissionSettings, quota: Quota | None = None
    ) -> None:
        self.feeds: dict[str, Feed] = {}
        self.counters: Counter[Cause] = Counter()
        self.trust = Trust(settings.trust)
        self.window = ReplayWindow(settings.seals.window, settings.seals.nonces)
        rates = settings.rates
        if quota is None and rates.quota is not None:
            quota = Quota(rates.quota, rates.quota_seconds)
        self.quota = quota
        self.banned = self.suspicious = False
        self.bucket = TokenBucket(rates.per_second, rates.burst)
        self.adopt(source, settings)

    def adopt(self, source: Source, settings: AdmissionSettings) -> None:
        """Take over keys, cadence and rates of a (new) registration."""
        rates = settings.rates
        bucket = self.bucket.snapshot()
        self.bucket = TokenBucket(
            source.per_second or rates.per_second, source.burst or rates.burst
        )
        if bucket["at"] is not None:
            self.bucket.restore(bucket)
        self.source = source
        self.owner = source.owner or source.name
        self.keys = dict(source.keys)
        cadence = source.cadence_seconds
        self.pace = None if cadence is None else timedelta(seconds=cadence)
        self.fresh = None if cadence is None else cadence * settings.quality.stale_cadences
        self.stale = None if self.fresh is None else timedelta(seconds=self.fresh)

    def list(self, registry: SourceRegistry) -> None:
        """Look up whether it stands on a list."""
        self.banned = self.source.name in registry.banned
        self.suspicious = self.source.name in registry.suspicious

    def forgive(self, settings: AdmissionSettings) -> None:
        """Trust back to the prior."""
        self.trust = Trust(settings.trust)

    def health(self, symbol: str, feed: Feed, now: datetime) -> FeedHealth:
        """Age of one of its feeds."""
        hours = self.source.hours
        event = 0.0 if feed.event is None else hours.open_seconds(feed.event, now)
        receipt = 0.0 if feed.heard is None else hours.open_seconds(feed.heard, now)
        limit = self.fresh
        silent = limit is not None and (event > limit or receipt > limit)
        return FeedHealth(self.source.name, symbol, event, receipt, limit, silent)

    def snapshot(self) -> dict[str, Any]:
        """Plain data for :meth:`restore`."""
        return {
            "trust": self.trust.snapshot(),
            "window": self.window.snapshot(),
            "bucket": self.bucket.snapshot(),
            "quota": None if self.quota is None else self.quota.snapshot(),
            "counters": {cause.value: count for cause, count in self.counters.items()},
            "feeds": {symbol: feed.snapshot() for symbol, feed in self.feeds.items()},
        }

    def restore(self, stored: Mapping[str, Any], settings: AdmissionSettings) -> None:
        """Take over what :meth:`snapshot` gave."""
        self.trust.restore(stored["trust"])
        self.window.restore(stored["window"])
        self.bucket.restore(stored["bucket"])
        if self.quota is not None and stored["quota"] is not None:
            self.quota.restore(stored["quota"])
        self.counters = Counter(
            {Cause(name): int(count) for name, count in stored["counters"].items()}
        )
        for symbol, entry in stored["feeds"].items():
            feed = self.feeds[symbol] = Feed(settings)
            feed.restore(entry)


def snapshot_of(
    states: Mapping[str, SourceState],
    crowds: Mapping[str, Crowd],
    registry: SourceRegistry,
    quarantine: Quarantine,
    concentration: Concentration,
    counters: Counters,
    released: list[Admitted],
) -> dict[str, Any]:
    """The door's whole memory as plain data."""
    return {
        "sources": {name: state.snapshot() for name, state in states.items()},
        "symbols": {symbol: crowd.snapshot() for symbol, crowd in crowds.items()},
        "lists": registry.snapshot(),
        "quarantine": quarantine.snapshot(),
        "concentration": concentration.snapshot(),
        "counters": dict(counters),
        "released": [
            {
                "envelope": plain_envelope(entry.envelope),
                "weight": entry.weight,
                "notes": list(entry.notes),
            }
            for entry in released
        ],
    }


def load_into(
    stored: Mapping[str, Any],
    states: dict[str, SourceState],
    crowds: dict[str, Crowd],
    registry: SourceRegistry,
    quarantine: Quarantine,
    concentration: Concentration,
    counters: Counters,
    settings: AdmissionSettings,
) -> list[Admitted]:
    """Fill the door's memory; returns the observations waiting to be drained.

    A source that is not registered any more is kept under a bare registration of the same name,
    so that its trust and its nonces are there when it comes back; until then it stays unknown.
    """
    registry.restore(stored["lists"])
    quarantine.restore(stored["quarantine"])
    concentration.restore(stored["concentration"])
    counters.clear()
    counters.update({str(name): int(count) for name, count in stored["counters"].items()})
    states.clear()
    quotas: dict[str, Quota | None] = {}
    for name, entry in stored["sources"].items():
        source = registry.get(name) or Source(name)
        state = SourceState(source, settings, quotas.get(source.owner or name))
        state.restore(entry, settings)
        quotas[state.owner] = state.quota
        states[name] = state
    crowds.clear()
    for symbol, entry in stored["symbols"].items():
        crowd = crowds[symbol] = Crowd()
        crowd.restore(entry)
    return [
        Admitted(read_envelope(entry["envelope"]), float(entry["weight"]), tuple(entry["notes"]))
        for entry in stored["released"]
    ]

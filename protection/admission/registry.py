"""Who may send: sources, their owners and keys, the ban list and the suspicious list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from protection.admission.hours import AlwaysOpen, TradingHours
from protection.admission.seals import Verifier
from protection.contracts.clock import as_utc
from protection.contracts.errors import FixSettings
from protection.contracts.persons import named

_ALWAYS = AlwaysOpen()


@dataclass(frozen=True, slots=True)
class Source:
    """A sender of observations.

    Attributes
    ----------
    name : tag its envelopes carry
    keys : verifiers by key id; with any key, every envelope must be signed. Two keys at once
        are how a key is changed without a pause
    owner : who stands behind it; shares and quotas count per owner, because names are free.
        Its own name when empty
    cadence_seconds : expected time between two observations of a symbol while the market is
        open; None: age is not judged
    hours : when that market is open
    per_second, burst : its own token bucket; None: the common setting
    tags : further words for people and reports
    """

    name: str
    keys: Mapping[str, Verifier] = field(default_factory=dict)
    owner: str = ""
    cadence_seconds: float | None = None
    hours: TradingHours = _ALWAYS
    per_second: float | None = None
    burst: float | None = None
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise FixSettings(f"expected a source's name to be a non-empty text, was {self.name!r}")
        for key in ("cadence_seconds", "per_second", "burst"):
            value = getattr(self, key)
            if value is not None and not 0.0 < value < float("inf"):
                raise FixSettings(f"expected {key} of {self.name} above 0 or none, was {value!r}")


@dataclass(frozen=True, slots=True)
class Listing:
    """Entry of the ban or suspicious list: who put it there, why, and until when."""

    actor: str
    reason: str
    since: datetime
    until: datetime | None = None


class SourceRegistry:
    """Sources by name, with the two lists.

    Keys come from the host at every start and are never part of the stored state; the lists are.
    A ban may be set before the source is registered. Thread safety is the door's.
    """

    def __init__(self, *sources: Source) -> None:
        self._sources: dict[str, Source] = {}
        self.banned: dict[str, Listing] = {}
        self.suspicious: dict[str, Listing] = {}
        self.revision = 0
        """Rises with every change of sources or lists."""
        for source in sources:
            self.register(source)

    def register(self, source: Source) -> None:
        """Add a source, or replace the one of the same name (keys, cadence, hours).

        Raises
        ------
        FixSettings
            For something that is no :class:`Source`.
        """
        if not isinstance(source, Source):
            raise FixSettings(f"expected a Source to register, was {source!r}")
        self._sources[source.name] = source
        self.revision += 1

    def remove(self, name: str) -> None:
        """Take a source out; its bans and its trust stay."""
        self._sources.pop(name, None)
        self.revision += 1

    def get(self, name: str) -> Source | None:
        """The source of this name."""
        return self._sources.get(name)

    def __len__(self) -> int:
        return len(self._sources)

    def __iter__(self) -> Any:
        return iter(tuple(self._sources.values()))

    def owners(self) -> int:
        """Number of different owners that are not banned."""
        return len(
            {
                source.owner or source.name
                for source in self._sources.values()
                if source.name not in self.banned
            }
        )

    def ban(
        self,
        name: str,
        *,
        actor: str,
        reason: str,
        now: datetime,
        until: datetime | None = None,
    ) -> None:
        """Refuse a source from now on, for ever or until a time.

        Raises
        ------
        NameActor
            Without actor or reason.
        """
        self.banned[name] = _listing(actor, reason, now, until)
        self.revision += 1

    def unban(self, name: str, *, actor: str, reason: str) -> bool:
        """Lift a ban; whether there was one.

        Raises
        ------
        NameActor
            Without actor or reason.
        """
        named(actor, reason)
        self.revision += 1
        return self.banned.pop(name, None) is not None

    def suspect(
        self,
        name: str,
        *,
        actor: str,
        reason: str,
        now: datetime,
        until: datetime | None = None,
    ) -> None:
        """Put a source on the suspicious list: what it sends is quarantined.

        Raises
        ------
        NameActor
            Without actor or reason.
        """
        self.suspicious[name] = _listing(actor, reason, now, until)
        self.revision += 1

    def clear(self, name: str, *, actor: str, reason: str) -> bool:
        """Take a source off the suspicious list; whether it was on it.

        Raises
        ------
        NameActor
            Without actor or reason.
        """
        named(actor, reason)
        self.revision += 1
        return self.suspicious.pop(name, None) is not None

    def listed(self, entries: dict[str, Listing], name: str, now: datetime) -> Listing | None:
        """Entry of a list that is in force; one that has run out is taken away."""
        entry = entries.get(name)
        if entry is not None and entry.until is not None and now >= entry.until:
            del entries[name]
            self.revision += 1
            return None
        return entry

    def snapshot(self) -> dict[str, Any]:
        """Both lists as plain data."""
        return {
            "banned": {name: _plain(entry) for name, entry in self.banned.items()},
            "suspicious": {name: _plain(entry) for name, entry in self.suspicious.items()},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over the lists; entries already here win over stored ones of the same name."""
        for stored, present in (
            (state["banned"], self.banned),
            (state["suspicious"], self.suspicious),
        ):
            for name, entry in stored.items():
                present.setdefault(str(name), _entry(entry))
        self.revision += 1


def _listing(actor: str, reason: str, now: datetime, until: datetime | None) -> Listing:
    named(actor, reason)
    return Listing(actor, reason, as_utc(now), None if until is None else as_utc(until))


def _plain(entry: Listing) -> dict[str, Any]:
    return {
        "actor": entry.actor,
        "reason": entry.reason,
        "since": entry.since.isoformat(),
        "until": None if entry.until is None else entry.until.isoformat(),
    }


def _entry(state: Mapping[str, Any]) -> Listing:
    until = state["until"]
    return Listing(
        str(state["actor"]),
        str(state["reason"]),
        datetime.fromisoformat(state["since"]),
        None if until is None else datetime.fromisoformat(until),
    )

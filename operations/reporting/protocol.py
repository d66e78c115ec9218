"""What the protection wrote down about itself at the end of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from operations.errors import FolderError
from operations.reporting.curves import ZONE, Days, Floats
from protection.contracts.actions import WARM_UP

SUMMARY_KEY = "protection/summary"
PORTFOLIO = "portfolio"

#: States of a day in which no order may add exposure.
DENYING = frozenset({"FREEZE", "HALT", "ROLLBACK", "LIQUIDATE"})
#: States of a breaker that ask for nothing.
SILENT = frozenset({"closed", "warn", "ok", "armed"})


@dataclass(frozen=True, slots=True)
class Event:
    """A change of state of one guard."""

    time: datetime
    breaker: str
    scope: str
    before: str
    after: str
    reason: str
    evidence: Mapping[str, Any]

    @property
    def day(self) -> np.datetime64:
        """Day in the market's zone."""
        return np.datetime64(self.time.astimezone(ZONE).date(), "D")

    @property
    def symbol(self) -> str:
        """Ticker of the scope; empty for the whole account."""
        return self.scope.partition(":")[2].split(" ")[0]

    @property
    def trips(self) -> bool:
        """Whether an action begins here; history that only warms the guards up begins none."""
        begins = self.after in ("open", "fault", "killed") and self.before != self.after
        return begins and not self.evidence.get(WARM_UP)

    @property
    def beyond(self) -> float | None:
        """How far past its limit the value was when the guard first saw it: the gap of one bar."""
        value, limit = self.evidence.get("value"), self.evidence.get("threshold")
        if not isinstance(value, (int, float)) or not isinstance(limit, (int, float)):
            return None
        return max(0.0, float(value) - float(limit))


@dataclass(frozen=True, slots=True)
class Summary:
    """Events, daily states and counts of a protected run.

    Attributes
    ----------
    sessions : days with data, ascending
    multiplier : share of the strategy's own size that was let through at the end of the session
    states : strongest action in force at the end of the session
    gate : counts of orders: ``orders``, ``judged``, ``engine_orders``, ``refused_before_gate``,
        ``unaccounted``, ``refused``, ...
    """

    events: tuple[Event, ...]
    sessions: Days
    multiplier: Floats
    states: tuple[str, ...]
    counters: Mapping[str, int]
    gate: Mapping[str, int]
    settings: Mapping[str, Mapping[str, Any]]
    describe: tuple[str, ...]

    def setting(self, section: str, name: str) -> Any:
        """Return one setting, None when it is off or unknown."""
        return self.settings.get(section, {}).get(name)


def _event(row: Mapping[str, Any]) -> Event:
    moment = datetime.fromisoformat(row["time"])
    return Event(
        moment,
        str(row["breaker"]),
        str(row["scope"]),
        str(row["before"]),
        str(row["after"]),
        str(row["reason"]),
        dict(row.get("evidence") or {}),
    )


def read_summary(text: str) -> Summary:
    """Read the JSON text that the algorithm saved under ``protection/summary``.

    Raises
    ------
    FolderError
        When it is not such a text.
    """
    try:
        content = json.loads(text)
        daily: Sequence[Sequence[Any]] = content["daily"]
        return Summary(
            events=tuple(_event(row) for row in content["events"]),
            sessions=np.array([row[0] for row in daily], dtype="datetime64[D]"),
            multiplier=np.array([float(row[2]) for row in daily], dtype=float),
            states=tuple(str(row[3]) for row in daily),
            counters=dict(content["counters"]),
            gate=dict(content["gate"]),
            settings=dict(content["settings"]),
            describe=tuple(content["describe"]),
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise FolderError(
            f"expected the protection's summary under {SUMMARY_KEY}, was unreadable ({error!r}); "
            "run the backtest again"
        ) from error


@dataclass(frozen=True, slots=True)
class Episode:
    """One guard from its trip until it asks for nothing any more.

    Attributes
    ----------
    spans : (state, first day, last day) in order
    until : day it was silent again; None when it still stood at the end
    """

    breaker: str
    scope: str
    symbol: str
    trip: Event
    spans: tuple[tuple[str, np.datetime64, np.datetime64], ...]
    until: np.datetime64 | None
    trips: int


def episodes(events: Sequence[Event], last_day: np.datetime64) -> list[Episode]:
    """Join events to episodes per guard and scope, in order of their trips."""
    going: dict[tuple[str, str], list[Event]] = {}
    found: list[Episode] = []
    for event in events:
        key = (event.breaker, event.scope)
        run = going.get(key)
        if run is None:
            if event.trips:
                going[key] = [event]
            continue
        run.append(event)
        if event.after in SILENT:
            found.append(_episode(going.pop(key), last_day))
    found.extend(_episode(run, last_day) for run in going.values())
    found.sort(key=lambda episode: episode.trip.time)
    return found


def _episode(run: list[Event], last_day: np.datetime64) -> Episode:
    closed = run[-1].after in SILENT
    spans = []
    for index, event in enumerate(run[:-1] if closed else run):
        end = run[index + 1].day if index + 1 < len(run) else last_day
        spans.append((event.after, event.day, end))
    first = run[0]
    return Episode(
        first.breaker,
        first.scope,
        first.symbol,
        first,
        tuple(spans),
        run[-1].day if closed else None,
        sum(event.trips for event in run),
    )

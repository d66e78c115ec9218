"""What the protection would have decided with other settings, from the log alone.

Every recorded input is fed to a fresh system with changed settings ("without this breaker", "with
that threshold"), up to the end of the incident, and the answers are laid beside the recorded ones.
The inputs stay as they were: prices, fills and the account's own snapshots. The account therefore
does not live through what the other decisions would have made of it; the estimate of the profit
adds, at recorded prices and without costs, what the differing targets and orders would have held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from protection.blockchain.records import Record
from protection.blockchain.replay import BuildSystem, replay
from protection.blockchain.trail import CALLS
from protection.contracts.actions import WARM_UP
from protection.contracts.errors import FixInput
from protection.contracts.settings import ProtectionSettings
from protection.post_mortem.attribution import CENT, attribute
from protection.post_mortem.causes import THRESHOLDS
from protection.post_mortem.incidents import ROUTINE, TRIPPED, Incident
from protection.post_mortem.timeline import Price, Snapshot, Timeline

OFF = {
    **{guard: (key, "none") for guard, key in THRESHOLDS.items()},
    "cushion": (
        "cushion.promise",
        "off",
    ),
}
_TAG = "Protection:"


@dataclass(frozen=True, slots=True)
class Difference:
    """One decision that would have been another.

    Attributes
    ----------
    seq : record of the input
    kind : evaluate, review or order
    recorded, replayed : the two answers in words
    """

    seq: int
    time: str
    kind: str
    recorded: str
    replayed: str


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """Outcome of a replay with other settings.

    Attributes
    ----------
    changed : flat key -> (recorded, replayed) value
    faithful : whether the unchanged replay repeats every recorded entry; if not, differences may
        come from other software
    calls : inputs fed
    differences : decisions that differ inside the incident
    orders_freed, orders_stopped : orders that would have passed, or would have been refused
    trips, replayed_trips : guards that came into force in the incident, then and in the replay
    pnl, estimate : profit as recorded and as estimated
    """

    incident: str
    changed: Mapping[str, tuple[str, str]]
    faithful: bool
    calls: int
    differences: tuple[Difference, ...]
    orders_freed: int
    orders_stopped: int
    trips: tuple[str, ...]
    replayed_trips: tuple[str, ...]
    pnl: Decimal
    estimate: Decimal

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "incident": self.incident,
            "changed": {key: list(values) for key, values in self.changed.items()},
            "faithful": self.faithful,
            "calls": self.calls,
            "orders_freed": self.orders_freed,
            "orders_stopped": self.orders_stopped,
            "trips": list(self.trips),
            "replayed_trips": list(self.replayed_trips),
            "pnl": f"{self.pnl:.2f}",
            "estimate": f"{self.estimate:.2f}",
            "differences": [asdict(one) for one in self.differences],
        }


def changes(
    without: Iterable[str] = (), settings: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Flat settings of "without these guards, with those thresholds".

    Raises
    ------
    FixInput
        For a guard that no setting switches off.
    """
    made: dict[str, str] = {}
    for guard in without:
        if guard not in OFF:
            known = ", ".join(sorted(OFF))
            raise FixInput(f"expected a guard of {known}, was {guard!r}")
        key, value = OFF[guard]
        made[key] = value
    made.update(settings or {})
    if not made:
        raise FixInput("expected a guard to leave out or a setting to change, was neither")
    return made


def what_if(
    records: Sequence[Record],
    timeline: Timeline,
    incident: Incident,
    build: BuildSystem,
    changed: Mapping[str, str],
) -> Counterfactual:
    """Replay a run up to the end of an incident with changed settings.

    Parameters
    ----------
    records : of the run, from its first record on
    build : ``ProtectionSystem``
    changed : flat settings, see :func:`changes`

    Raises
    ------
    FixSettings
        For an unknown key or an impossible value.
    """
    ProtectionSettings.from_flat(changed)
    played = [record for record in records if timeline.first <= record.seq <= incident.last]
    change = _changer(changed)
    other = replay(played, build, change=change)
    same = replay(played, build, stop_at_first=True).same
    pairs = _pairs(played, other.entries)
    inside = [(record, entry) for record, entry in pairs if record.seq >= incident.baseline]
    found = [one for record, entry in inside for one in _differences(record, entry)]
    freed = sum(one.kind == "order" and one.replayed == "allowed" for one in found)
    stopped = sum(one.kind == "order" and one.recorded == "allowed" for one in found)
    books = attribute(timeline, incident.baseline, incident.last)
    extra = _extra(timeline, incident, pairs)
    before = timeline.settings.to_flat()
    return Counterfactual(
        incident.name,
        {key: (before[key], value) for key, value in changed.items()},
        same,
        other.calls,
        tuple(found),
        freed,
        stopped,
        _trips((record.entry for record in played), incident),
        _trips(other.entries, incident),
        books.pnl,
        books.pnl + Decimal(repr(extra)).quantize(CENT),
    )


def _changer(changed: Mapping[str, str]) -> Callable[[ProtectionSettings], ProtectionSettings]:
    def change(settings: ProtectionSettings) -> ProtectionSettings:
        return ProtectionSettings.from_flat({**settings.to_flat(), **changed})

    return change


def _is_call(entry: Mapping[str, Any]) -> bool:
    return entry.get("type") in CALLS and entry.get("type") != "lock" and not entry.get("again")


def _pairs(
    recorded: Iterable[Record], replayed: Iterable[Mapping[str, Any]]
) -> list[tuple[Record, Mapping[str, Any]]]:
    """Recorded inputs beside the entries that the replay wrote for them; one a call in both."""
    calls = [record for record in recorded if _is_call(record.entry)]
    answers = [entry for entry in replayed if _is_call(entry)]
    return list(zip(calls, answers, strict=False))


def _trips(entries: Iterable[Mapping[str, Any]], incident: Incident) -> tuple[str, ...]:
    day = f"{incident.begun:%Y-%m-%d}"
    return tuple(
        f"{entry['time'][:10]} {entry['breaker']}"
        for entry in entries
        if entry.get("type") == "protection"
        and entry["after"] in TRIPPED
        and entry["breaker"] not in ROUTINE
        and not (entry.get("evidence") or {}).get(WARM_UP)
        and entry["time"] >= day
    )


def _differences(record: Record, entry: Mapping[str, Any]) -> list[Difference]:
    known, kind = record.entry, record.type
    then, now = "", ""
    if kind == "evaluate":
        then, now = _verdict(known["verdict"]), _verdict(entry["verdict"])
    elif kind == "order":
        then, now = _answer(known), _answer(entry)
    elif kind == "review":
        symbols = [
            name
            for name, value in known["result"].items()
            if abs(float(entry["result"].get(name, value)) - float(value)) > 1e-9
        ]
        if not symbols:
            return []
        then = ", ".join(f"{name.split()[0]} {known['result'][name]:g}" for name in symbols)
        now = ", ".join(f"{name.split()[0]} {entry['result'][name]:g}" for name in symbols)
    if then == now:
        return []
    return [Difference(record.seq, str(known["time"]), kind, then, now)]


def _verdict(fields: Mapping[str, Any]) -> str:
    size = fields.get("multiplier", 1.0)
    worse = ", ".join(
        f"{s.split()[0]} {state}" for s, state in sorted(fields.get("by_symbol", {}).items())
    )
    return fields["state"] + (f" x{size:g}" if size != 1.0 else "") + (f" ({worse})" * bool(worse))


def _answer(entry: Mapping[str, Any]) -> str:
    return "allowed" if entry["allowed"] else "refused"


def _extra(
    timeline: Timeline,
    incident: Incident,
    pairs: Iterable[tuple[Record, Mapping[str, Any]]],
) -> float:
    """Profit of what would have been held in addition, at recorded prices."""
    shifts = {record.seq: (record.entry, entry) for record, entry in pairs}
    offset: dict[str, float] = {}
    price: dict[str, float] = {}
    unit: dict[str, float] = {}
    marked: dict[str, float] = {}
    reviewed: set[str] = set()
    total = 0.0
    for step in timeline.steps:
        if step.seq > incident.last:
            break
        if isinstance(step, Price):
            price[step.symbol] = step.close * unit.get(step.symbol, 1.0)
        elif isinstance(step, Snapshot):
            for name, position in step.portfolio.positions.items():
                unit[name] = position.multiplier
                price[name] = position.price * position.multiplier
            for name, quantity in offset.items():
                if name in price and step.seq > incident.baseline:
                    total += quantity * (price[name] - marked.get(name, price[name]))
            marked = dict(price)
        pair = shifts.pop(step.seq, None) if not isinstance(step, Snapshot) else None
        if pair is not None:
            _shift(offset, reviewed, *pair)
    return total


def _shift(
    offset: dict[str, float],
    reviewed: set[str],
    known: Mapping[str, Any],
    entry: Mapping[str, Any],
) -> None:
    if known["type"] == "review":
        for name, value in known["result"].items():
            offset[name] = float(entry["result"].get(name, value)) - float(value)
            reviewed.add(name)
    elif known["type"] == "order":
        name, quantity = known["symbol"], float(known["quantity"])
        forced = str(known["request"].get("tag", "")).startswith(_TAG)
        if forced and known["state"] == "LIQUIDATE" != entry["state"]:
            offset[name] = offset.get(name, 0.0) - quantity  # it would have been kept
        elif name not in reviewed and known["allowed"] != entry["allowed"]:
            offset[name] = offset.get(name, 0.0) + (quantity if entry["allowed"] else -quantity)

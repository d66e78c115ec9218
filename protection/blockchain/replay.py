"""The same inputs once more: the decisions must be the same, to the byte.

A ledger holds every input of a :class:`protection.system.ProtectionSystem` with the answer that
was given. Replaying feeds the inputs to a fresh system and compares what it writes with what was
written; the first difference is located. Other entries (of users, of the ledger itself) are passed
over and copied, so that the root can be compared, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from protection.blockchain.canonical import canonical
from protection.blockchain.codec import OBSERVATIONS, PortfolioReader, passage_of, plain, record_of
from protection.blockchain.merkle import CompactRange, leaf_hash
from protection.blockchain.records import Record, encode_entry, number
from protection.blockchain.trail import CALLS, OWN, LedgerLike
from protection.circuit_breakers.kill_switch import LOCK_KEY
from protection.contracts.actions import WARM_UP
from protection.contracts.clock import Clock, ManualClock
from protection.contracts.errors import FixInput, ProtectionError
from protection.contracts.records import (
    BrokerEvent,
    CashFlow,
    Fill,
    OrderEvent,
    OrderRequest,
)
from protection.contracts.settings import ProtectionSettings
from protection.contracts.stores import MemoryStateStore, StateStore

STATE_KEY = "protection.state"


class BuildSystem(Protocol):
    """How a system is made: ``ProtectionSystem`` itself, or something around it."""

    def __call__(
        self,
        settings: ProtectionSettings,
        *,
        clock: Clock,
        store: StateStore,
        ledger: LedgerLike,
    ) -> Any:
        """A system with stored state taken over."""
        ...


@dataclass(frozen=True, slots=True)
class Divergence:
    """First place where the replay differs.

    Attributes
    ----------
    seq : record that differs; the number of records when the replay wrote more
    recorded, replayed : the two entries; None where there is none
    reason : one sentence
    """

    seq: int
    recorded: dict[str, Any] | None
    replayed: dict[str, Any] | None
    reason: str


@dataclass(frozen=True, slots=True)
class Replay:
    """Outcome.

    Attributes
    ----------
    same : whether every entry was the same
    records : records compared
    calls : inputs fed
    root, replayed_root : roots over the records and over what the replay would have written
    divergence : the first difference, None when there is none
    entries : what the replay wrote, for counterfactual questions
    """

    same: bool
    records: int
    calls: int
    root: bytes
    replayed_root: bytes
    divergence: Divergence | None
    entries: tuple[dict[str, Any], ...]


class _Book:
    """Ledger that keeps entries in a list."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def append(self, entry: Mapping[str, Any], /) -> None:
        self.entries.append(dict(entry))


def replay(
    records: Iterable[Record],
    build: BuildSystem,
    *,
    change: Callable[[ProtectionSettings], ProtectionSettings] | None = None,
    stop_at_first: bool = False,
) -> Replay:
    """Feed the inputs of a ledger to a fresh system.

    Parameters
    ----------
    records : in order, from a ``start`` entry of a system on (what lies before is passed over)
    build : ``ProtectionSystem``
    change : settings to replay with instead of the recorded ones ("without this breaker"); the
        entries then differ where the decisions do
    stop_at_first : whether to end at the first difference

    Raises
    ------
    FixInput
        When an input entry cannot be read.
    """
    player = _Player(build, change)
    seen = _Comparison()
    for record in records:
        seen.read(record)
        kind = record.type
        if kind == "start":
            player.begin(record.entry)
        elif player.system is None or kind not in CALLS:
            continue
        elif seen.owed(record):
            seen.match([])
            continue
        else:
            player.feed(record.entry)
            seen.calls += 1
        seen.match(player.take(), kind not in ("start", "lock"))
        if seen.divergence is not None and stop_at_first:
            break
    seen.finish()
    return Replay(
        seen.divergence is None,
        seen.count,
        seen.calls,
        seen.known.root(),
        seen.other.root(),
        seen.divergence,
        tuple(seen.written),
    )


class _Comparison:
    """Entries as recorded beside the entries as replayed."""

    def __init__(self) -> None:
        self.count = self.calls = 0
        self.known, self.other = CompactRange(), CompactRange()
        self.divergence: Divergence | None = None
        self.written: list[dict[str, Any]] = []
        self._first = 0
        self._started = False
        self._waiting: list[Record] = []
        self._fresh: list[dict[str, Any]] = []

    def read(self, record: Record) -> None:
        """Take in the next record."""
        if not self.count:
            self._first = record.seq
        self.count += 1
        self.known.push(leaf_hash(record.payload))
        self._started |= record.type == "start"
        self._waiting.append(record)

    def owed(self, record: Record) -> bool:
        """Whether an entry that looks like a call was written by the call before it: the second
        answer to an order, or the lock that a system found when it started.
        """
        if record.entry.get("again"):
            return True
        return record.type == "lock" and any(entry["type"] == "lock" for entry in self._fresh)

    def match(self, fresh: list[dict[str, Any]], whole: bool = False) -> None:
        """Compare what waits with what the replay has written by now; ``whole`` when nothing of it
        may be left.
        """
        self.written += fresh
        self._fresh += fresh
        for record in self._waiting:
            if record.type not in OWN or not self._started:
                self._push(record.entry)
                continue
            entry = self._fresh.pop(0) if self._fresh else None
            if entry is not None:
                if entry["type"] == record.type == "start":
                    known = record.entry["settings"]  # newer software may have more of them
                    given = entry["settings"]
                    kept = {key: given[key] for key in known if key in given}
                    entry["settings"] = kept
                self._push(entry)
            self.divergence = self.divergence or _difference(record, entry)
        self._waiting = []
        if whole and not all(entry.get("again") for entry in self._fresh):
            self._more()

    def finish(self) -> None:
        """What no call followed, and what nothing recorded stands beside."""
        self.match([])
        if self._fresh:
            self._more()

    def _more(self) -> None:
        text = "the replay wrote an entry more than was recorded"
        if self.divergence is None:
            self.divergence = Divergence(self._first + self.count, None, self._fresh[0], text)
        for entry in self._fresh:
            self._push(entry)
        self._fresh = []

    def _push(self, entry: Mapping[str, Any]) -> None:
        seq = self._first + self.other.size
        self.other.push(leaf_hash(number(encode_entry(entry), seq)))


def _difference(record: Record, fresh: dict[str, Any] | None) -> Divergence | None:
    if fresh is None:
        return Divergence(record.seq, record.entry, None, "the replay wrote no such entry")
    if canonical(fresh) == canonical(record.entry):
        return None
    entry = record.entry
    if entry.get("type") != fresh.get("type"):
        reason = f"recorded {entry.get('type')!r}, replayed {fresh.get('type')!r}"
    else:
        names = sorted(
            name
            for name in {*entry, *fresh}
            if canonical(plain(entry.get(name))) != canonical(plain(fresh.get(name)))
        )
        reason = f"{entry.get('type')}: {', '.join(names)} differ"
    if entry.get("type") == "protection" and entry.get("breaker") in ("audit", "store"):
        reason += "; a disk failed then, which a replay cannot repeat"
    return Divergence(record.seq, entry, fresh, reason)


class _Player:
    """Feeds entries to a system and hands out what it writes."""

    def __init__(
        self,
        build: BuildSystem,
        change: Callable[[ProtectionSettings], ProtectionSettings] | None,
    ) -> None:
        self._build, self._change = build, change
        self._book = _Book()
        self._clock = ManualClock(datetime.fromisoformat("1970-01-01T00:00:00+00:00"))
        self._store = MemoryStateStore()
        self._portfolios = PortfolioReader()
        self.system: Any = None

    def take(self) -> list[dict[str, Any]]:
        """What was written since the last time."""
        entries = [dict(plain(entry)) for entry in self._book.entries]
        self._book.entries.clear()
        return entries

    def begin(self, entry: Mapping[str, Any]) -> None:
        """Make the system of a ``start`` entry."""
        self._clock.set(datetime.fromisoformat(entry["time"]))
        self._store = MemoryStateStore()
        self._portfolios = PortfolioReader()
        for key, name in ((STATE_KEY, "state"), (LOCK_KEY, "lock")):
            if entry.get(name) is not None:
                self._store.write(key, entry[name])
        settings = ProtectionSettings.from_flat(entry["settings"])
        if self._change is not None:
            settings = self._change(settings)
        parts: dict[str, Any] = {"clock": self._clock, "ledger": self._book}
        parts["store"] = None if entry.get("private") else self._store
        snapshot = entry.get("snapshot")
        if snapshot is not None:
            restore = getattr(self._build, "restore", None)
            if restore is None:
                raise FixInput("expected a build with restore, as ProtectionSystem has")
            self.system = restore(snapshot, settings, **parts)
        else:
            self.system = self._build(settings, **parts)

    def feed(self, entry: Mapping[str, Any]) -> None:
        """Make the call of an entry."""
        system, kind = self.system, entry["type"]
        self._clock.set(datetime.fromisoformat(entry["time"]))
        try:
            if kind == "observe":
                door = entry.get("door")
                nothing = door is not None and entry["kind"] == "unknown"
                if nothing and getattr(system, "door", None) is None:
                    return  # replayed without the door that it came through
                record = (
                    None if nothing else record_of(OBSERVATIONS[entry["kind"]], entry["record"])
                )
                told = {} if door is None else {"passage": passage_of(door)}
                system.observe(record, warm_up=bool(entry.get(WARM_UP, False)), **told)
            elif kind == "evaluate":
                system.evaluate(self._portfolios.read(entry["portfolio"]))
            elif kind == "review":
                portfolio = self._portfolios.read(entry["portfolio"])
                system.review(_floats(entry["targets"]), portfolio, _floats(entry["prices"]))
            elif kind == "order":
                asked = {name: entry[name] for name in ("order_id", "symbol", "quantity", "kind")}
                asked |= {"is_update": entry["update"], **entry["request"]}
                system.authorize(
                    record_of(OrderRequest, asked), self._portfolios.read(entry["portfolio"])
                )
            elif kind == "order_event":
                system.on_order_event(record_of(OrderEvent, entry["event"]))
            elif kind == "fill":
                system.on_fill(record_of(Fill, entry["fill"]))
            elif kind == "settle":
                system.settle(self._portfolios.read(entry["portfolio"]))
            elif kind == "broker":
                system.on_broker(record_of(BrokerEvent, entry["event"]))
            elif kind == "cash_flow":
                system.on_cash_flow(record_of(CashFlow, entry["flow"]))
            elif kind == "kill":
                system.kill(entry["actor"], entry["reason"], flatten=entry["flatten"])
            elif kind == "resume":
                system.resume(
                    *(entry["actor"], entry["reason"]),
                    role=entry.get("role", "operator"),
                    second=entry.get("second", ""),
                )
            elif kind == "rearm":
                system.rearm(entry["breaker"], entry["actor"], entry["reason"])
            elif kind == "disable":
                until = datetime.fromisoformat(entry["until"])
                system.disable(entry["breaker"], until, entry["actor"], entry["reason"])
            elif kind == "enable":
                system.enable(entry["breaker"], entry["actor"], entry["reason"])
            elif kind == "lock" and entry["text"] is not None:
                self._store.write(LOCK_KEY, entry["text"])
                system.look()
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, ProtectionError) and not isinstance(error, FixInput):
                return  # the call was refused then, as now: the entries tell
            raise FixInput(f"expected a readable {kind} entry, was {error!r}") from error


def _floats(values: Mapping[str, Any] | None) -> dict[str, float] | None:
    return None if values is None else {name: float(value) for name, value in values.items()}

"""The ledger's entries as typed steps, in order, with every reference resolved."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any, TypeAlias

from protection.blockchain.codec import PortfolioReader
from protection.blockchain.records import Record
from protection.contracts.actions import Action
from protection.contracts.clock import SessionCalendar
from protection.contracts.errors import FixInput
from protection.contracts.records import Portfolio
from protection.contracts.settings import ProtectionSettings


@dataclass(frozen=True, slots=True)
class Step:
    """What all steps share: number of the record, its time, its trading day."""

    seq: int
    time: datetime
    session: date


@dataclass(frozen=True, slots=True)
class Start(Step):
    """A system was made, with these flat settings."""

    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Price(Step):
    """A price that was taken in; quotes and trades have four equal prices."""

    symbol: str
    open: float
    high: float
    low: float
    close: float


@dataclass(frozen=True, slots=True)
class Rejected(Step):
    """A price that was refused."""

    symbol: str
    reason: str


@dataclass(frozen=True, slots=True)
class Snapshot(Step):
    """The account at one moment.

    ``state`` (the strongest of the portfolio's and the symbols' actions) and ``multiplier`` are
    told by evaluations only.
    """

    portfolio: Portfolio
    state: str
    multiplier: float


@dataclass(frozen=True, slots=True)
class Review(Step):
    """Wanted quantities and what was left of them."""

    targets: Mapping[str, float]
    result: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Asked(Step):
    """An order that was judged; ``guard`` refused it (empty when it was allowed)."""

    order_id: int | str
    symbol: str
    quantity: float
    allowed: bool
    guard: str
    reason: str
    reference: float
    update: bool
    tag: str


@dataclass(frozen=True, slots=True)
class Filled(Step):
    """An execution; ``judged`` is false when no order of that id ever asked."""

    order_id: int | str
    symbol: str
    quantity: float
    price: float
    fee: float
    judged: bool


@dataclass(frozen=True, slots=True)
class Unfilled(Step):
    """An order that the gate allowed and the broker refused."""

    order_id: int | str
    symbol: str


@dataclass(frozen=True, slots=True)
class GuardChange(Step):
    """A guard changed its state."""

    guard: str
    scope: str
    before: str
    after: str
    reason: str
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Flow(Step):
    """Money paid in or out."""

    amount: float


@dataclass(frozen=True, slots=True)
class Person(Step):
    """Somebody killed, resumed or re-armed, or changed the lock."""

    kind: str
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class Trouble(Step):
    """The ledger's own complaint: a gap or a recovery."""

    kind: str
    reason: str


At: TypeAlias = tuple[int, datetime, date]
AnyStep: TypeAlias = (
    Start
    | Price
    | Rejected
    | Snapshot
    | Review
    | Asked
    | Filled
    | Unfilled
    | GuardChange
    | Flow
    | Person
    | Trouble
)


@dataclass(frozen=True)
class Timeline:
    """One run: every step in the order of the ledger.

    Attributes
    ----------
    steps : in order
    first, last : numbers of the first and last record
    settings : those of the last start
    """

    steps: tuple[AnyStep, ...]
    first: int
    last: int
    settings: ProtectionSettings = field(default_factory=ProtectionSettings)

    @cached_property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """The account's snapshots."""
        return tuple(step for step in self.steps if isinstance(step, Snapshot))

    @cached_property
    def prices(self) -> dict[str, tuple[Price, ...]]:
        """Prices by symbol."""
        found: dict[str, list[Price]] = {}
        for step in self.steps:
            if isinstance(step, Price):
                found.setdefault(step.symbol, []).append(step)
        return {symbol: tuple(line) for symbol, line in found.items()}


def read_runs(records: Iterable[Record | Mapping[str, Any]]) -> list[Timeline]:
    """Timelines of the runs in a ledger.

    A ``start`` whose time lies before what was recorded already begins another run (a backtest
    that appends to the ledger of the one before); a restart goes on with the run.

    Parameters
    ----------
    records : in order; plain entries are numbered as they come

    Raises
    ------
    FixInput
        When an entry cannot be read.
    """
    runs: list[Timeline] = []
    reader = _Reader()
    latest: datetime | None = None
    seq = -1
    for item in records:
        seq = item.seq if isinstance(item, Record) else seq + 1
        entry = item.entry if isinstance(item, Record) else item
        time = _time(entry.get("time"))
        if entry.get("type") == "start" and latest is not None and time and time < latest:
            runs.append(reader.done(seq - 1))
            reader, latest = _Reader(), None
        if time is not None:
            latest = time if latest is None else max(latest, time)
        try:
            reader.read(seq, entry, time or latest)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise FixInput(
                f"expected a readable {entry.get('type')} entry as record {seq}, was {error!r}"
            ) from error
    if reader.steps:
        runs.append(reader.done(seq))
    return runs


def _time(text: Any) -> datetime | None:
    if isinstance(text, datetime):
        return text
    return datetime.fromisoformat(text) if isinstance(text, str) else None


class _Reader:
    """Turns entries of one run into steps."""

    def __init__(self) -> None:
        self.steps: list[AnyStep] = []
        self._portfolios = PortfolioReader()
        self._settings = ProtectionSettings()
        self._calendar = SessionCalendar("America/New_York", weekends=False)
        self._judged: set[int | str] = set()
        self._allowed: set[int | str] = set()
        self._seen: set[tuple[Any, ...]] = set()
        self._told: set[int | str] = set()

    def done(self, last: int) -> Timeline:
        """The run."""
        first = self.steps[0].seq if self.steps else 0
        return Timeline(tuple(self.steps), first, last, self._settings)

    def read(self, seq: int, entry: Mapping[str, Any], time: datetime | None) -> None:
        """Take the next entry."""
        method = getattr(self, f"_{entry.get('type')}", None)
        if method is None or time is None:
            return
        method((seq, time, self._calendar.session(time)), entry)

    def _start(self, at: At, entry: Mapping[str, Any]) -> None:
        settings = ProtectionSettings.from_flat(entry["settings"])
        self._settings = settings
        self._calendar = SessionCalendar(settings.session.timezone, settings.session.days == "all")
        self._portfolios = PortfolioReader()
        self.steps.append(Start(*at, entry["settings"]))

    def _observe(self, at: At, entry: Mapping[str, Any]) -> None:
        record = entry["record"]
        symbol = str(record.get("symbol", ""))
        time = _time(record.get("time"))
        if time is not None and time.tzinfo is not None:
            at = (at[0], time, self._calendar.session(time))
        if not entry["accepted"]:
            self.steps.append(Rejected(*at, symbol, str(entry.get("reason", ""))))
            return
        kind = entry["kind"]
        if kind == "bar":
            first, high, low, last = (float(record[n]) for n in ("open", "high", "low", "close"))
        elif kind == "quote":
            first = high = low = last = 0.5 * (float(record["bid"]) + float(record["ask"]))
        else:
            first = high = low = last = float(record["price"])
        self.steps.append(Price(*at, symbol, first, high, low, last))

    def _snapshot(
        self, at: At, entry: Mapping[str, Any], state: str = "", size: float = 1.0
    ) -> Portfolio:
        portfolio = self._portfolios.read(entry["portfolio"])
        self.steps.append(Snapshot(*at, portfolio, state, size))
        return portfolio

    def _evaluate(self, at: At, entry: Mapping[str, Any]) -> None:
        verdict = entry["verdict"]
        states = (verdict["state"], *verdict.get("by_symbol", {}).values())
        worst = max(states, key=lambda name: Action[name])
        self._snapshot(at, entry, worst, float(verdict.get("multiplier", 1.0)))

    def _review(self, at: At, entry: Mapping[str, Any]) -> None:
        self._snapshot(at, entry)
        self.steps.append(Review(*at, _floats(entry["targets"]), _floats(entry["result"])))

    def _order(self, at: At, entry: Mapping[str, Any]) -> None:
        portfolio = self._snapshot(at, entry)
        request = entry["request"]
        symbol, order_id = entry["symbol"], entry["order_id"]
        self._judged.add(order_id)
        if entry["allowed"]:
            self._allowed.add(order_id)
        reference = request.get("reference_price")
        position = portfolio.positions.get(symbol)
        if reference is None and position is not None:
            reference = position.price
        reasons = entry["verdict"].get("reasons") or [[""]]
        self.steps.append(
            Asked(
                *at,
                order_id,
                symbol,
                float(entry["quantity"]),
                bool(entry["allowed"]),
                "" if entry["allowed"] else str(reasons[0][0]),
                entry["reason"],
                math.nan if reference is None else float(reference),
                bool(entry["update"]),
                str(request.get("tag", "")),
            )
        )

    def _order_event(self, at: At, entry: Mapping[str, Any]) -> None:
        event = entry["event"]
        order_id, symbol = event["order_id"], event["symbol"]
        if event["status"] == "invalid" and order_id in self._allowed:
            self.steps.append(Unfilled(*at, order_id, symbol))
        quantity = float(event.get("fill_quantity", 0.0))
        if quantity == 0.0:
            return
        mark = event.get("event_id")
        key = (order_id, event["time"], quantity) if mark is None else (order_id, mark)
        if key in self._seen:
            return
        self._seen.add(key)
        self._told.add(order_id)
        price, fee = float(event.get("fill_price", 0.0)), float(event.get("fee", 0.0))
        judged = order_id in self._judged
        self.steps.append(Filled(*at, order_id, symbol, quantity, price, fee, judged))

    def _fill(self, at: At, entry: Mapping[str, Any]) -> None:
        fill = entry["fill"]
        order_id = fill["order_id"]
        if order_id in self._told:
            return  # its order event has told it already
        mark = fill.get("fill_id")
        key = (order_id, fill["time"], fill["quantity"]) if mark is None else (order_id, mark)
        if key in self._seen:
            return
        self._seen.add(key)
        self.steps.append(
            Filled(
                *at,
                order_id,
                fill["symbol"],
                float(fill["quantity"]),
                float(fill["price"]),
                float(fill.get("fee", 0.0)),
                order_id in self._judged,
            )
        )

    def _settle(self, at: At, entry: Mapping[str, Any]) -> None:
        self._snapshot(at, entry)

    def _protection(self, at: At, entry: Mapping[str, Any]) -> None:
        names = ("breaker", "scope", "before", "after", "reason")
        guard, scope, before, after, reason = (str(entry[name]) for name in names)
        evidence = entry.get("evidence") or {}
        self.steps.append(GuardChange(*at, guard, scope, before, after, reason, evidence))

    def _cash_flow(self, at: At, entry: Mapping[str, Any]) -> None:
        self.steps.append(Flow(*at, float(entry["flow"]["amount"])))

    def _kill(self, at: At, entry: Mapping[str, Any]) -> None:
        self.steps.append(Person(*at, entry["type"], str(entry["actor"]), str(entry["reason"])))

    _resume = _kill
    _rearm = _kill

    def _lock(self, at: At, entry: Mapping[str, Any]) -> None:
        self.steps.append(Person(*at, "lock", "", "the stored lock changed outside the system"))

    def _gap(self, at: At, entry: Mapping[str, Any]) -> None:
        self.steps.append(Trouble(*at, "gap", f"{entry['missed']} entries: {entry['reason']}"))

    def _recovery(self, at: At, entry: Mapping[str, Any]) -> None:
        text = f"{entry['bytes']} unacknowledged bytes were cut off at start"
        self.steps.append(Trouble(*at, "recovery", text))


def _floats(values: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items()}

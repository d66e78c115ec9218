"""The system's calls and answers as entries of a ledger, and the rules for a ledger that fails.

One entry a call, written after the answer was found and before it is given. Entries are queued in
the order of the calls; only an order that adds exposure waits until it is on the disk (unless the
ledger is in group mode), and never longer than the ledger's ``stall``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol

from protection.blockchain.canonical import utc_text
from protection.blockchain.codec import (
    OBSERVATIONS,
    PortfolioWriter,
    fields_of,
    passage_fields,
    plain,
    request_fields,
    verdict_fields,
)
from protection.blockchain.records import StalledWrite
from protection.contracts.actions import WARM_UP, Event, Verdict
from protection.contracts.clock import Clock
from protection.contracts.errors import FixInput
from protection.contracts.passage import Passage
from protection.contracts.records import (
    Admission,
    BrokerEvent,
    CashFlow,
    Fill,
    Observation,
    OrderEvent,
    OrderRequest,
    Portfolio,
)

VERSION = 1
"""Layout of the entries."""

CALLS = frozenset(
    {
        *("observe", "evaluate", "review", "order", "order_event", "fill", "settle", "broker"),
        *("cash_flow", "kill", "resume", "rearm", "disable", "enable", "lock"),
    }
)
"""Entries that are inputs of the system."""

OWN = CALLS | {"start", "protection"}
"""Entries that the system writes when all goes well."""

_KINDS = {kind: name for name, kind in OBSERVATIONS.items()}


class LedgerLike(Protocol):
    """Durable record of decisions: returns when the entry is safe, raises when it is not."""

    def append(self, entry: Mapping[str, Any], /) -> object:
        """Write one entry."""
        ...


class CallClock:
    """The host's clock, standing still while the system judges one call.

    What a call decides then depends on one time alone, the one in its entry.
    """

    __slots__ = ("_clock", "_held")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: datetime | None = None

    def now(self) -> datetime:
        """The call's time, or the host's between calls."""
        held = self._held
        return self._clock.now() if held is None else held

    def hold(self) -> None:
        """Stand still."""
        self._held = self._clock.now()

    def release(self) -> None:
        """Run again."""
        self._held = None


class Turn:
    """A re-entrant lock under which the clock stands still."""

    __slots__ = ("_clock", "_depth", "_lock")

    def __init__(self, lock: Any, clock: CallClock) -> None:
        self._lock = lock
        self._clock = clock
        self._depth = 0

    def __enter__(self) -> None:
        self._lock.acquire()
        if self._depth == 0:
            try:
                self._clock.hold()
            except BaseException:
                self._lock.release()
                raise
        self._depth += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._clock.release()
        self._lock.release()


class Trail:
    """Writes the entries of one system.

    Parameters
    ----------
    ledger : :class:`protection.blockchain.ledger.Ledger`, or anything with its ``append``
    clock : time of the entries
    """

    def __init__(self, ledger: LedgerLike, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._queue: Callable[..., Any] | None = getattr(ledger, "append_nowait", None)
        self._group = bool(getattr(ledger, "group", False))
        self._late: Callable[..., Any] | None = (
            getattr(ledger, "append_late", None) if self._group else None
        )
        self._stall = float(getattr(ledger, "stall", 0.25))
        self._portfolios = PortfolioWriter()
        self._missed = 0
        self._missed_why = ""
        self.answered = False  # whether the order being judged has an entry already

    def write(self, entry: dict[str, Any], durable: bool = False) -> None:
        """Hand an entry to the ledger.

        Raises
        ------
        Exception
            Whatever the ledger raises, and when it does not keep up. An entry that was queued is
            written later all the same; one that was not leaves a ``gap`` entry.
        """
        try:
            if self._missed:
                gap = {
                    "type": "gap",
                    "time": entry.get("time"),
                    "missed": self._missed,
                    "reason": self._missed_why,
                }
                self._put(gap, False)
                self._missed, self._missed_why = 0, ""
            self._put(entry, durable)
        except StalledWrite:
            raise
        except Exception as error:
            self._missed += 1
            self._missed_why = str(error)[:500]
            self._portfolios = PortfolioWriter()  # the next one is written in full
            raise

    def _put(self, entry: dict[str, Any], durable: bool) -> None:
        queue = self._queue
        if queue is None:
            self._ledger.append(entry)
            return
        ledger: Any = self._ledger
        if self._late is not None:
            self._late(entry)
            if ledger.failing:
                raise StalledWrite(ledger.health().reason)
            return
        try:
            ticket = queue(entry)
        except FixInput:
            ticket = queue(plain(entry))  # not finite, too large: written as text
        if ledger.failing:
            raise StalledWrite(ledger.health().reason)
        if durable:
            try:
                ticket.wait(self._stall, insist=False)
            except StalledWrite:
                raise
            except Exception as error:
                raise StalledWrite(f"{error}") from error

    # ------------------------------------------------------------------ entries

    def _now(self, kind: str) -> dict[str, Any]:
        return {"type": kind, "time": plain(self._clock.now())}

    def start(
        self,
        settings: Mapping[str, str],
        state: str | None,
        lock: str | None,
        private: bool,
        snapshot: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        """A system was made."""
        return {
            **self._now("start"),
            "version": VERSION,
            "settings": dict(settings),
            "state": state,
            "lock": lock,
            "private": private,
            "snapshot": plain(snapshot),
        }

    def observed(
        self,
        record: Observation | None,
        answer: Admission,
        warm_up: bool = False,
        passage: Passage | None = None,
    ) -> dict[str, Any]:
        """A bar, quote or trade came."""
        entry = self._now("observe")
        entry["kind"] = _KINDS.get(type(record), "unknown")
        entry["record"] = fields_of(record)
        entry["accepted"] = answer.accepted
        if answer.reason:
            entry["reason"] = answer.reason
        if warm_up:
            entry[WARM_UP] = True
        if passage is not None:
            entry["door"] = passage_fields(passage)
        return entry

    def evaluated(self, portfolio: Portfolio, answer: Verdict) -> dict[str, Any]:
        """The account was judged."""
        entry = self._now("evaluate")
        entry["portfolio"] = self._portfolios.write(portfolio)
        entry["verdict"] = verdict_fields(answer)
        return entry

    def reviewed(
        self,
        targets: Mapping[str, float],
        portfolio: Portfolio,
        prices: Mapping[str, float] | None,
        answer: Mapping[str, float],
    ) -> dict[str, Any]:
        """Targets were cut."""
        entry = self._now("review")
        entry["targets"] = plain(targets)
        entry["prices"] = plain(prices)
        entry["portfolio"] = self._portfolios.write(portfolio)
        entry["result"] = plain(answer)
        return entry

    def ordered(self, order: OrderRequest, portfolio: Portfolio, answer: Verdict) -> dict[str, Any]:
        """An order was judged."""
        kind = order.kind
        again, self.answered = self.answered, True
        entry = {
            "type": "order",
            "time": utc_text(self._clock.now()),
            "order_id": plain(order.order_id),
            "symbol": order.symbol,
            "quantity": plain(order.quantity),
            "kind": kind.value,
            "update": order.is_update,
            "request": request_fields(order),
            "portfolio": self._portfolios.write(portfolio),
            "allowed": answer.allowed,
            "state": answer.state.name,
            "reason": answer.reason,
            "cancel": plain(answer.cancel) if answer.cancel else [],
            "verdict": verdict_fields(answer, said=True),
        }
        if again:
            entry["again"] = True
        return entry

    def order_event(self, event: OrderEvent) -> dict[str, Any]:
        """News of an order came."""
        return {**self._now("order_event"), "event": fields_of(event)}

    def filled(self, fill: Fill) -> dict[str, Any]:
        """An execution came."""
        return {**self._now("fill"), "fill": fields_of(fill)}

    def settled(self, portfolio: Portfolio, gone: list[Any]) -> dict[str, Any]:
        """A reconciliation came."""
        entry = self._now("settle")
        entry["portfolio"] = self._portfolios.write(portfolio)
        entry["gone"] = plain(gone)
        return entry

    def broker(self, event: BrokerEvent) -> dict[str, Any]:
        """News of the link came."""
        return {**self._now("broker"), "event": fields_of(event)}

    def cash_flow(self, flow: CashFlow) -> dict[str, Any]:
        """Money came or went."""
        return {**self._now("cash_flow"), "flow": fields_of(flow)}

    def person(self, kind: str, time: str, actor: str, reason: str, **facts: Any) -> dict[str, Any]:
        """Somebody killed, resumed or re-armed."""
        return {
            "type": kind,
            "time": plain(datetime.fromisoformat(time)),
            "actor": actor,
            "reason": reason,
            **facts,
        }

    def lock_changed(self, text: str | None) -> dict[str, Any]:
        """The kill lock changed outside the system."""
        return {**self._now("lock"), "text": text}

    def event(self, event: Event) -> dict[str, Any]:
        """A guard changed."""
        return {"type": "protection", **event.as_dict(), "time": plain(event.time)}

"""The append-only ledger: what was acknowledged is on the disk, in order, and can be proven.

::

    with Ledger("audit") as ledger:
        receipt = ledger.append({"type": "note", "text": "deployed"})   # durable on return
        ledger.append_nowait({"type": "tick", "price": 101.25})         # durable soon
        ledger.prove(receipt.seq).holds()

Writers on many threads share flushes (group commit): whoever comes first writes for all that wait.
Records are numbered when they are written; the order is the order of the calls.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from hashlib import sha256
from typing import Any

from protection.blockchain.codec import plain
from protection.blockchain.reader import LedgerReader, open_reader, store_at
from protection.blockchain.records import (
    FullQueue,
    Health,
    Receipt,
    StalledWrite,
    encode_entry,
    number,
)
from protection.blockchain.stores.base import LedgerStore
from protection.contracts.clock import Clock
from protection.contracts.errors import FixInput, FixSettings, RetryWrite

__all__ = ["Ledger", "Ticket", "open_reader"]

_BATCH = 4096
_BATCH_BYTES = 4 << 20
_ENTRY_BYTES = 4 << 20
_LATE_BYTES = 1 << 10  # guess for an entry that is not encoded yet
_RETRY_SECONDS = 0.05
_GATHER_SECONDS = 0.002  # more entries a flush, fewer wake-ups beside the strategy's thread


class Ticket:
    """An entry on its way to the disk."""

    __slots__ = (
        *("_ledger", "at", "body", "entry", "error", "leaf", "root", "seq", "size", "waited"),
    )

    def __init__(
        self,
        ledger: Ledger,
        body: bytes,
        at: float,
        waited: bool,
        entry: Mapping[str, Any] | None = None,
    ) -> None:
        self._ledger = ledger
        self.body = body
        self.entry = entry  # set until a late one is encoded
        self.at = at
        self.waited = waited
        self.seq = -1
        self.leaf = b""
        self.size = 0
        self.root = b""
        self.error: BaseException | None = None

    @property
    def done(self) -> bool:
        """Whether the entry is durable."""
        return self.seq >= 0

    def wait(self, timeout: float | None = None, *, insist: bool = True) -> Receipt:
        """Receipt, once the entry is durable.

        Parameters
        ----------
        timeout : seconds; for ever when None
        insist : whether to go on waiting when a write fails, because it is tried again

        Raises
        ------
        StalledWrite
            When it is not durable after ``timeout`` seconds; it stays on its way.
        RetryWrite
            When a write failed and ``insist`` is false; it stays on its way.
        """
        return self._ledger._await(self, timeout, None if insist else 0)


class Ledger(LedgerReader):
    """A ledger that is written to by this process.

    Parameters
    ----------
    place : folder (made where missing), ``.sqlite`` file, or a store
    clock : stamps entries that carry no ``time``; without it they stay without
    queue : entries that :meth:`append_nowait` may leave waiting
    stall : seconds after which a waiting entry makes :meth:`health` bad
    group : whether the system's decisions may go on before they are durable (group mode): faster
        orders, at the price of the decisions of the last ``stall`` seconds in a crash
    ticks : monotonic seconds, for waiting times only; nothing recorded depends on it

    Raises
    ------
    BrokenLedger
        When acknowledged records are damaged or missing; nothing was changed.
    RetryWrite
        When another process writes here, or the place cannot be written.
    """

    def __init__(
        self,
        place: str | os.PathLike[str] | LedgerStore,
        *,
        clock: Clock | None = None,
        queue: int = 65_536,
        stall: float = 0.25,
        group: bool = False,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        if queue < 1:
            raise FixSettings(f"expected queue a whole number of at least 1, was {queue}")
        if not stall > 0:
            raise FixSettings(f"expected stall a number above 0 seconds, was {stall}")
        super().__init__(store_at(place) if isinstance(place, (str, os.PathLike)) else place)
        self.group = group
        self.stall = stall
        self._clock = clock
        self._queue = queue
        self._ticks = ticks
        self._mutex = threading.Lock()  # the queue; held for moments only
        self._wake = threading.Condition(self._mutex)  # the writer thread waits for work
        self._news = threading.Condition(self._mutex)  # everybody else waits for the disk
        self._baton = threading.Lock()  # whoever holds it writes
        self._pending: deque[Ticket] = deque()
        self._flying: list[Ticket] = []
        self._failure = ""
        self._failures = 0
        self._slow = 0.0
        self._idle = False
        self._hurried = False
        self._closing = False
        self._writer: threading.Thread | None = None
        self._at_exit = partial(_close_at_exit, weakref.ref(self))
        atexit.register(self._at_exit)
        if self._dropped is not None:
            self.append(
                {
                    "type": "recovery",
                    "bytes": self._dropped.count,
                    "sha256": self._dropped.digest,
                    "kept": self._dropped.kept,
                }
            )

    # ------------------------------------------------------------------ writing

    def append(self, entry: Mapping[str, Any], /, timeout: float | None = None) -> Receipt:
        """Write one entry; it is on the disk when this returns.

        Parameters
        ----------
        entry : mapping with a ``type``, see the vocabulary of the package
        timeout : seconds to wait for the disk; for ever when None

        Raises
        ------
        FixInput
            When the entry has no type or no canonical form.
        RetryWrite
            When the write failed: the entry was not recorded; free the disk and repeat.
        StalledWrite
            When the disk took longer than ``timeout``; the entry may still be written.
        """
        ticket = Ticket(self, self._encode(entry), self._ticks(), True)
        with self._mutex:
            self._refuse_closed()
            self._pending.append(ticket)
            if timeout is not None:
                self._start_writer()
        if timeout is not None:
            return self._await(ticket, timeout)
        with self._baton:
            while not ticket.done and ticket.error is None:
                self._drain()
        return self._receipt(ticket)

    def append_many(self, entries: Iterable[Mapping[str, Any]]) -> list[Receipt]:
        """Write several entries with as few flushes as possible; durable on return.

        Raises
        ------
        FixInput
            When one of them is impossible; then none was written.
        RetryWrite
            When the write failed; the error tells how many were recorded.
        """
        now = self._ticks()
        tickets = [Ticket(self, self._encode(entry), now, True) for entry in entries]
        if not tickets:
            return []
        with self._mutex:
            self._refuse_closed()
            self._pending.extend(tickets)
        last = tickets[-1]
        with self._baton:
            while not last.done and last.error is None:
                self._drain()
        done = sum(ticket.done for ticket in tickets)
        if done < len(tickets):
            raise RetryWrite(
                f"expected {len(tickets)} entries to be written, was {done}: "
                f"{next(ticket.error for ticket in tickets if ticket.error)}; repeat the others"
            )
        return [self._receipt(ticket) for ticket in tickets]

    def append_nowait(self, entry: Mapping[str, Any], /) -> Ticket:
        """Queue one entry for the writer thread; it is durable once :meth:`Ticket.wait` returns.

        A write that fails is repeated until the disk takes it; :meth:`health` tells meanwhile.

        Raises
        ------
        FixInput
            When the entry has no type or no canonical form.
        FullQueue
            When too many wait; the entry was not taken.
        """
        return self._enqueue(Ticket(self, self._encode(entry), self._ticks(), False))

    def append_late(self, entry: Mapping[str, Any], /) -> Ticket:
        """Queue one entry that the writer thread encodes: the cheapest call for a hot path.

        The entry and everything in it must not be changed afterwards. What has no canonical form
        is recorded as text, because nobody is there any more to be told.

        Raises
        ------
        FullQueue
            When too many wait; the entry was not taken.
        """
        return self._enqueue(Ticket(self, b"", self._ticks(), False, entry))

    def _enqueue(self, ticket: Ticket) -> Ticket:
        with self._mutex:
            self._refuse_closed()
            if len(self._pending) >= self._queue:
                raise FullQueue(
                    f"expected at most {self._queue} entries waiting for the disk, was "
                    f"{len(self._pending)}; wait until the disk answers, then repeat"
                )
            self._pending.append(ticket)
            if self._idle:
                self._idle = False
                self._wake.notify()
            elif self._writer is None:
                self._start_writer()
        return ticket

    def flush(self, timeout: float | None = None) -> int:
        """Wait until everything queued so far is durable; returns the number of records.

        Raises
        ------
        StalledWrite
            When it is not after ``timeout`` seconds.
        RetryWrite
            Without ``timeout``, when the disk refuses; the entries stay queued.
        """
        with self._mutex:
            waiting = [*self._flying, *self._pending]
            if waiting:
                self._start_writer()
        for ticket in waiting:
            if not ticket.done:
                self._await(ticket, timeout, 1 if timeout is None else None)
        return self.size

    def tombstone(
        self, seq: int, actor: str, reason: str, replacement: Mapping[str, Any] | None = None
    ) -> Receipt:
        """Correct a record: the original stays, a record after it says who withdrew it and why.

        Parameters
        ----------
        seq : the record that was wrong
        replacement : the entry that holds instead, written just before

        Raises
        ------
        FixInput
            Without actor or reason, or when there is no such record.
        """
        if not actor.strip() or not reason.strip():
            raise FixInput(f"expected an actor and a reason, was {actor!r}, {reason!r}")
        target = self.record(seq)
        other = None if replacement is None else self.append(replacement).seq
        return self.append(
            {
                "type": "tombstone",
                "target": seq,
                "target_hash": target.hash,
                "actor": actor.strip(),
                "reason": reason.strip(),
                "replacement": other,
            }
        )

    def health(self) -> Health:
        """Whether everything reaches the disk in time; reads no lock, costs a microsecond."""
        now = self._ticks()
        oldest = self._oldest()
        waiting = 0.0 if oldest is None else now - oldest
        queued = len(self._pending) + len(self._flying)
        reason = self._failure
        if not reason and waiting > self.stall:
            reason = f"the disk has not answered for {waiting:.2f} s (limit {self.stall:g} s)"
        if not reason and self._slow:
            reason = f"the last write took {self._slow:.2f} s (limit {self.stall:g} s)"
        if not reason and len(self._pending) >= self._queue:
            reason = f"{self._queue} entries wait for the disk"
        return Health(not reason, reason, queued, waiting, self.size)

    @property
    def failing(self) -> bool:
        """Whether :meth:`health` is bad, without the sentence."""
        if self._failure or self._slow:
            return True
        oldest = self._oldest()
        return oldest is not None and self._ticks() - oldest > self.stall

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._closing

    def close(self) -> None:
        """Write what is queued and let go of the place.

        Raises
        ------
        RetryWrite
            When queued entries could not be written; they are lost when the process ends.
        """
        with self._mutex:
            if self._closing:
                return
            self._closing = True
            self._idle = False
            self._wake.notify_all()
            writer = self._writer
        atexit.unregister(self._at_exit)
        if writer is not None and writer is not threading.current_thread():
            writer.join()
        lost = 0
        with self._baton:
            while self._pending and not self._failure:
                self._drain()
            if self._pending:
                self._drain()
            lost = len(self._pending)
        super().close()
        if lost:
            raise RetryWrite(
                f"expected the queue to be written, {lost} entries were not: {self._failure}"
            )

    def __del__(self) -> None:
        if not getattr(self, "_closing", True):  # forgotten without close: let go of the place
            self.close()

    # ------------------------------------------------------------------ inside

    def _encode(self, entry: Mapping[str, Any]) -> bytes:
        if self._clock is not None and "time" not in entry:
            entry = {**entry, "time": self._clock.now()}
        body = encode_entry(entry)
        if len(body) > _ENTRY_BYTES:
            raise FixInput(f"expected an entry of at most {_ENTRY_BYTES} bytes, was {len(body)}")
        return body

    def _encode_late(self, entry: Mapping[str, Any]) -> bytes:
        try:
            return self._encode(entry)
        except FixInput as error:
            known = {"type": str(entry.get("type") or "unreadable"), "time": entry.get("time")}
            try:
                return self._encode(plain(entry))
            except FixInput:
                return encode_entry(plain({**known, "unreadable": str(error)[:500]}))

    def _refuse_closed(self) -> None:
        if self._closing:
            raise RetryWrite("expected an open ledger, was closed; open it again")

    def _oldest(self) -> float | None:
        flying = self._flying
        if flying:
            return flying[0].at
        try:
            return self._pending[0].at
        except IndexError:
            return None

    def _receipt(self, ticket: Ticket) -> Receipt:
        if ticket.done:
            return Receipt(ticket.seq, ticket.leaf, ticket.size, ticket.root)
        raise RetryWrite(
            f"expected an entry to be written durably, was not: {ticket.error}; "
            "free the disk or mend its permissions, then repeat"
        ) from ticket.error

    def _await(
        self, ticket: Ticket, timeout: float | None, tolerance: int | None = None
    ) -> Receipt:
        """Wait for the disk; ``tolerance`` is the number of failed writes that are sat out."""
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._mutex:
            failures = self._failures
            if not ticket.done:
                self._hurried = True
                self._wake.notify()
                self._start_writer()
            while not ticket.done and ticket.error is None:
                if tolerance is not None and self._failures > failures + tolerance:
                    raise RetryWrite(f"expected the queue to be written: {self._failure}")
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    withdrawn = ticket.waited and self._withdraw(ticket)
                    fate = "it was taken back" if withdrawn else "it may still be written"
                    raise StalledWrite(
                        f"expected an entry to be durable within {timeout:g} s, was not; {fate}"
                    )
                self._news.wait(left)
        return self._receipt(ticket)

    def _withdraw(self, ticket: Ticket) -> bool:
        """Take an entry back that nobody writes yet."""
        try:
            self._pending.remove(ticket)
        except ValueError:
            return False
        return True

    def _start_writer(self) -> None:
        """Make sure that a thread drains the queue; called with the mutex."""
        if self._writer is None or not self._writer.is_alive():
            self._writer = threading.Thread(
                target=_write_on, args=(weakref.ref(self),), name="ledger", daemon=True
            )
            self._writer.start()
        elif self._idle:
            self._idle = False
            self._wake.notify()

    def _drain(self) -> bool:
        """Write one batch; called with the baton. Returns whether the disk took it."""
        with self._mutex:
            batch: list[Ticket] = []
            volume = 0
            pending = self._pending
            while pending and len(batch) < _BATCH and volume < _BATCH_BYTES:
                ticket = pending.popleft()
                volume += len(ticket.body) or _LATE_BYTES
                batch.append(ticket)
            self._flying = batch
        if not batch:
            return True
        began = self._ticks()
        previous = self._edge.size
        payloads, leaves = [], []
        for seq, ticket in enumerate(batch, previous):
            if ticket.entry is not None:
                ticket.body, ticket.entry = self._encode_late(ticket.entry), None
            payload = number(ticket.body, seq)
            payloads.append(payload)
            leaves.append(sha256(b"\x00" + payload).digest())
        edge = self._edge.copy()
        sink: list[bytearray] = []
        edge.extend(leaves, sink)
        root = edge.root()
        try:
            self._store.commit(payloads, previous, edge.size, root)
        except Exception as error:
            self._put_back(batch, error)
            return False
        self._nodes.absorb(sink)
        took = self._ticks() - began
        with self._mutex:
            self._edge = edge
            self._flying = []
            self._failure = ""
            self._slow = took if took > self.stall else 0.0
            size = edge.size
            for seq, ticket, leaf in zip(range(previous, size), batch, leaves, strict=True):
                ticket.leaf, ticket.size, ticket.root = leaf, size, root
                ticket.body = b""
                ticket.seq = seq
            self._news.notify_all()
        return True

    def _put_back(self, batch: list[Ticket], error: Exception) -> None:
        """After a failed write: those who wait are told, the others stay first in the queue."""
        with self._mutex:
            self._flying = []
            self._failure = f"the last write failed: {error}"
            self._failures += 1
            for ticket in reversed(batch):
                if ticket.waited:
                    ticket.error = error
                else:
                    self._pending.appendleft(ticket)
            self._news.notify_all()


def _write_on(reference: weakref.ref[Ledger]) -> None:
    """The writer thread: drains until the ledger is closed or forgotten."""
    while True:
        ledger = reference()
        if ledger is None:
            return
        with ledger._mutex:
            if not ledger._pending:
                if ledger._closing:
                    return
                ledger._idle = True
                ledger._wake.wait(1.0)
                ledger._idle = False
            if not (ledger._hurried or ledger._closing) and 0 < len(ledger._pending) < _BATCH:
                ledger._wake.wait(_GATHER_SECONDS)
            ledger._hurried = False
        with ledger._baton:
            written = ledger._drain()
        if not written:
            with ledger._mutex:
                if ledger._closing:
                    return
                ledger._wake.wait(_RETRY_SECONDS)
        del ledger


def _close_at_exit(reference: weakref.ref[Ledger]) -> None:
    ledger = reference()
    if ledger is not None:
        ledger.close()

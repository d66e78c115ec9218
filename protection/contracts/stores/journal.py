"""State as a snapshot and a write-ahead log of what has changed since.

The snapshot stands under ``<name>.<extension>``, the log under ``<name>.journal``. An entry is one
line: 32 hexadecimal digits that chain it to the entry before, and a JSON object with its number,
time, the events that led to it, and the change of the state (see ``patch``). Snapshot and entries
together are the durable state; an entry is on the disk before :meth:`StateJournal.save` returns.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from protection.contracts.errors import FixInput, RecoverState, RetryWrite
from protection.contracts.stores.base import (
    Migration,
    StateStore,
    migrated,
    opened,
    pack,
    pack_damaged,
)
from protection.contracts.stores.logs import ForeignWrite, FullLog, log_of
from protection.contracts.stores.patch import difference, patched
from protection.contracts.stores.vault import StateVault

_MARK = "journal"
_CALM_ROOM = 0.5
"""Free share of the log below which a calm moment is used for a snapshot."""


class StateJournal(StateVault):
    """Loads and saves one payload; unreadable state is kept until somebody says otherwise.

    Parameters
    ----------
    store : where it lives
    key, kind, version : its name, what it claims to be, and its present layout
    migrations : by version, the step from it to the next one

    Notes
    -----
    A snapshot says up to which entry it holds everything, so that a crash between the snapshot and
    the clearing of the log does no harm. Where no log can be made (no room on the disk), every
    :meth:`save` writes a snapshot.
    """

    def __init__(
        self,
        store: StateStore,
        key: str,
        kind: str,
        version: int,
        migrations: Mapping[int, Migration] | None = None,
    ) -> None:
        super().__init__(store, key, kind, version, migrations)
        self._log = log_of(store, key)
        self.number = 0
        """Number of the last change that is durable."""
        self.snapshots = 0
        """Snapshots written by this object."""
        self._chain = ""
        self._known = False  # whether number and chain are those of the store
        self._kept: Mapping[str, Any] | None = None  # what log entries are measured against
        self._writable = False  # whether the log continues the snapshot
        self._foreign = ""  # why somebody else's writing forbids ours

    # ------------------------------------------------------------------ reading

    def load(self) -> dict[str, Any] | None:
        """Durable payload, None when there is none.

        Raises
        ------
        RecoverState
            When it cannot be read as a whole.
        """
        self._kept, self._writable = None, False
        found = self._read()
        if found is None:
            return None
        version, payload = found
        return migrated(payload, self._kind, version, self._version, self._migrations)

    def _read(self) -> tuple[int, dict[str, Any]] | None:
        """Version and payload as they were written."""
        text = self._store.read(self._key)
        while True:
            try:
                return self._put_together(text)
            except RecoverState:
                again = self._store.read(self._key)
                if again == text:
                    raise
                text = again  # another process has just written a snapshot

    def _put_together(self, text: str | None) -> tuple[int, dict[str, Any]] | None:
        if text is None:
            if self._log.read(0):
                raise RecoverState(
                    f"expected {self._key} beside its journal, was missing; "
                    "put it back, or resume with actor and reason"
                )
            self._known = True
            return None
        version, payload = opened(text, self._kind, self._version)
        mark = payload.pop(_MARK, None) or {"number": 0, "chain": "", "log": False}
        try:
            number, chain, logged = int(mark["number"]), str(mark["chain"]), bool(mark["log"])
        except (KeyError, TypeError, ValueError) as error:
            raise RecoverState(f"expected {self._key} to name its journal, was {mark!r}") from error
        if logged and not self._log.exists():
            raise RecoverState(
                f"expected the journal of {self._key} beside it, was missing; "
                "put it back, or resume with actor and reason"
            )
        for entry in self._log.read(number):
            number += 1
            chain, body = self._entry(entry, number, chain)
            payload = patched(payload, body["change"])
        self.number, self._chain, self._known = number, chain, True
        return version, payload

    def _entry(self, text: str, number: int, chain: str) -> tuple[str, dict[str, Any]]:
        link, _, body = text.partition(" ")
        if link != _link(chain, body):
            raise RecoverState(
                f"expected entry {number} of the journal of {self._key} to continue the one "
                "before, was altered or of another state; put the right files back, or resume "
                "with actor and reason"
            )
        entry = json.loads(body)
        if not isinstance(entry, dict) or entry.get("number") != number or "change" not in entry:
            raise RecoverState(f"expected entry {number} of the journal of {self._key}")
        return link, entry

    def entries(self) -> list[dict[str, Any]]:
        """What the log holds behind the snapshot, oldest first: number, time, events, change.

        Raises
        ------
        RecoverState
            When it cannot be read.
        """
        text = self._store.read(self._key)
        if text is None:
            return []
        mark = opened(text, self._kind, self._version)[1].get(_MARK) or {}
        return [json.loads(entry[33:]) for entry in self._log.read(int(mark.get("number", 0)))]

    def evidence(self) -> str | None:
        """Text that :func:`unpack` reads, or refuses, as :meth:`load` does now; None for nothing.

        For records: one text stands for snapshot and log. Changes nothing.
        """
        twin = StateJournal(self._store, self._key, self._kind, self._version)
        try:
            raw = twin._store.read(self._key)
        except RecoverState:
            return None
        try:
            found = twin._read()
        except RecoverState as error:
            if raw is not None and _refused(raw, self._kind, self._version):
                return raw
            return pack_damaged(self._kind, self._version, str(error))
        if found is None or raw is None:
            return None
        return pack(self._kind, *found) if f'"{_MARK}"' in raw else raw

    # ------------------------------------------------------------------ unreadable state

    def release(self) -> None:
        """Move the sealed state to ``<name>.unreadable`` and allow saving again.

        Also after somebody else has written to the log: from now on this object writes.

        Raises
        ------
        RetryWrite
            When it could not be kept; it stays sealed.
        """
        if self._foreign:
            self._foreign, self._known, self._kept = "", False, None
        if not self.sealed:
            return
        self._set_aside()
        self._log.retire()
        self.number, self._chain, self._known = 0, "", True
        self._kept, self._writable = None, False
        self.sealed = False

    # ------------------------------------------------------------------ writing

    def save(
        self,
        payload: Mapping[str, Any],
        events: Iterable[Any] = (),
        time: str | None = None,
        *,
        calm: bool = False,
    ) -> bool:
        """Make the payload durable; returns False without writing while sealed.

        Parameters
        ----------
        payload : plain data; not to be changed afterwards
        events : what led to it, for whoever reads the log
        time : when
        calm : whether there is time for a snapshot, when the log is half full

        Raises
        ------
        RetryWrite
            When it could not be made durable.
        FixInput
            When the payload holds something that cannot be kept.
        """
        if self.sealed:
            return False
        if self._foreign:
            raise ForeignWrite(self._foreign)
        kept = self._kept
        if kept is None or not self._writable or (calm and self._log.room() < _CALM_ROOM):
            self._snapshot(payload, self.number)
            return True
        change = difference(kept, payload)
        if change is None:
            return True
        number = self.number + 1
        entry = {"number": number, "time": time, "events": list(events), "change": change}
        try:
            body = json.dumps(entry, allow_nan=False, separators=(",", ":"))
        except (TypeError, ValueError) as error:
            raise FixInput(
                f"expected {self._kind} to be plain finite data, was not: {error}"
            ) from error
        link = _link(self._chain, body)
        try:
            self._log.append(number, f"{link} {body}")
        except FullLog:
            self._snapshot(payload, self.number)
            return True
        except ForeignWrite as error:
            self._foreign = f"{error}; end the other one, then resume with actor and reason"
            raise ForeignWrite(self._foreign) from error
        except RetryWrite:
            # the entry may be there all the same: the snapshot takes its number
            self._snapshot(payload, number)
            return True
        self.number, self._chain, self._kept = number, link, payload
        return True

    def _snapshot(self, payload: Mapping[str, Any], number: int) -> None:
        if not self._known:
            self._learn()
            number = self.number
        self._writable = False
        logged = True
        try:
            self._log.create()
        except RetryWrite:
            logged = self._log.exists()
        chain = _link(self._chain, pack(self._kind, self._version, payload))
        mark = {"number": number, "chain": chain, "log": logged}
        self._store.write(self._key, pack(self._kind, self._version, {**payload, _MARK: mark}))
        self.number, self._chain, self._kept = number, chain, payload
        self.snapshots += 1
        if not logged:
            return
        try:
            self._log.clear()
        except RetryWrite:
            return  # what stands there is old and harmless; the next save is a snapshot again
        self._writable = True

    def _learn(self) -> None:
        """Find the last number, so that entries of the state that is replaced do not count."""
        try:
            self._read()
        except RecoverState:
            self._log.retire()
            self.number, self._chain = 0, ""
        self._known = True


def _link(chain: str, body: str) -> str:
    return sha256(f"{chain} {body}".encode()).hexdigest()[:32]


def _refused(text: str, kind: str, version: int) -> bool:
    try:
        opened(text, kind, version)
    except RecoverState:
        return True
    return False

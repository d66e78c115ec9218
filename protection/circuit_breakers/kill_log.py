"""Write-ahead log of the kill switch, for stores where one entry is faster than a whole lock."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from protection.contracts.errors import RecoverState, RetryWrite
from protection.contracts.stores import ForeignWrite, StateStore
from protection.contracts.stores.logs import log_key


class LockLog(Protocol):
    """What is needed of :class:`protection.contracts.stores.file_log.FileLog`."""

    def exists(self) -> bool: ...

    def create(self) -> None: ...

    def entries(self, after: int | None = None) -> list[tuple[int, str]]: ...

    def append(self, number: int, text: str) -> None: ...

    def clear(self) -> None: ...

    def retire(self) -> None: ...


class KillLog:
    """Kills and resumes, each durable after one flush.

    Only stores that can also ``lay`` a text (show it at once, force it later) have use for it: the
    lock is laid then, and the log is what outlives a power cut. Others force the lock itself.

    Parameters
    ----------
    store : where the lock is kept
    key : key of the lock
    """

    def __init__(self, store: StateStore, key: str) -> None:
        self._lay: Any = getattr(store, "lay", None)
        make: Any = getattr(store, "log", None)
        self._log: LockLog | None = None
        if make is not None and self._lay is not None:
            self._log = make(log_key(key))
        self._key = key
        self._number = 0
        self._usable = False

    @property
    def usable(self) -> bool:
        """Whether entries can be added; otherwise the lock itself must be forced."""
        return self._usable

    @property
    def unreadable(self) -> bool:
        """Whether there is a log that could not be read."""
        return self._log is not None and not self._usable and self._log.exists()

    def read(self) -> list[Mapping[str, Any]]:
        """Records, each with its ``index`` in the switch's history.

        Raises
        ------
        RecoverState
            When one that was acknowledged is damaged.
        """
        log = self._log
        if log is None:
            return []
        self._usable = False
        if not log.exists():
            try:
                log.create()
            except RetryWrite:
                return []  # no room for a log: the lock is forced instead
        found = log.entries()
        try:
            records = [json.loads(text) for _, text in found]
        except ValueError as error:
            raise RecoverState(f"expected the journal of {self._key} to be readable") from error
        self._number = found[-1][0] if found else 0
        self._usable = True
        return records

    def append(self, index: int, record: Mapping[str, Any]) -> None:
        """Make a record durable.

        Raises
        ------
        RetryWrite
            When that could not be done.
        """
        log = self._log
        if not self._usable:
            self._again()  # what could not be read a moment ago may be readable now
        if log is None or not self._usable:
            raise RetryWrite(f"expected a journal of {self._key}, was none")
        text = json.dumps({"index": index, **record})
        try:
            log.append(self._number + 1, text)
        except ForeignWrite:
            self._again()  # another process killed, too: go on behind its entry
            log.append(self._number + 1, text)
        self._number += 1

    def _again(self) -> None:
        try:
            self.read()
        except RecoverState as error:
            raise RetryWrite(f"expected a readable journal of {self._key}: {error}") from error

    def lay(self, text: str) -> None:
        """Show the lock to everybody, without waiting for the disk.

        Raises
        ------
        RetryWrite
            When it cannot be written.
        """
        self._lay(self._key, text)

    def clear(self) -> None:
        """Begin anew, because the lock holds the whole history and is on the disk.

        Raises
        ------
        RetryWrite
            When that cannot be made durable.
        """
        if self._log is not None:
            self._log.clear()
            self._number = 0

    def retire(self) -> None:
        """Put a log out of the way that is unreadable.

        Raises
        ------
        RetryWrite
            When it cannot be moved.
        """
        if self._log is None or self._usable:
            return
        try:
            self.read()
        except RecoverState:
            self._log.retire()
            self._again()


class Decision(Protocol):
    """A record that kills or resumes."""

    @property
    def killed(self) -> bool:
        """Whether it kills."""
        ...


Record = TypeVar("Record", bound=Decision)


def merged(lock: Sequence[Record], log: Iterable[tuple[int, Record]]) -> list[Record]:
    """History of lock and log together; its last record is the one in force.

    A kill is in force when either says so: the lock may lag behind the log, and may have been
    written by another program. A resume is in force when both say so.

    Parameters
    ----------
    lock : records of the lock, oldest first
    log : records of the log with their index; one with an index that was there before withdraws
        what followed
    """
    own: list[Record] = []
    for index, record in log:
        if not own:
            own = list(lock[:index])
        own[index:] = [record]
    if not own:
        return list(lock)
    others = [record for record in lock if record not in own]
    if own[-1].killed or not lock or not lock[-1].killed:
        return [*others, *own]
    return [*(record for record in others if record != lock[-1]), *own, lock[-1]]

"""Write-ahead logs: numbered texts behind a snapshot, each durable before its writer goes on."""

from __future__ import annotations

from typing import Protocol

from protection.contracts.errors import RecoverState, RetryWrite
from protection.contracts.stores.base import StateStore, check_key

JOURNAL = ".journal"
"""Extension of a log's key; the log of ``protection.state`` is ``protection.journal``."""


class FullLog(RetryWrite):
    """The log has no room: write a snapshot, then clear it."""


class ForeignWrite(RetryWrite):
    """Somebody else wrote to the log: end the other writer, or read the log anew."""


class StateLog(Protocol):
    """Entries with numbers that grow by one; cleared when a snapshot holds what they say."""

    def exists(self) -> bool:
        """Whether there is such a log."""
        ...

    def create(self) -> None:
        """Make an empty log where there is none.

        Raises
        ------
        RetryWrite
            When it cannot be made durable.
        """
        ...

    def read(self, after: int) -> list[str]:
        """Texts of the entries ``after + 1``, ``after + 2``, ... up to the last whole one.

        An entry that was being written when the process died was never acknowledged and is left
        out.

        Raises
        ------
        RecoverState
            When an entry that was acknowledged is damaged or missing.
        """
        ...

    def append(self, number: int, text: str) -> None:
        """Add the entry of that number; it outlives a crash when this returns.

        Raises
        ------
        FullLog
            When there is no room for it.
        ForeignWrite
            When somebody else has written in between.
        RetryWrite
            When it could not be made durable.
        """
        ...

    def room(self) -> float:
        """Share of the log that is free, from 0 to 1."""
        ...

    def clear(self) -> None:
        """Forget all entries, because a snapshot holds what they say.

        Raises
        ------
        RetryWrite
            When that could not be made durable; they stay, which does no harm.
        """
        ...

    def retire(self) -> None:
        """Put a log that cannot be read out of the way, as evidence where that is possible.

        Raises
        ------
        RetryWrite
            When it cannot be moved.
        """
        ...


def log_key(key: str) -> str:
    """Key of the log that belongs to a key."""
    return check_key(key.partition(".")[0] + JOURNAL)


def log_of(store: StateStore, key: str) -> StateLog:
    """The log of a store's key: the store's own kind, else :class:`RingLog`."""
    make = getattr(store, "log", None)
    name = log_key(key)
    log: StateLog = make(name) if make is not None else RingLog(store, name)
    return log


def contiguous(found: list[tuple[int, str]], after: int, place: str) -> list[str]:
    """Texts of the entries behind ``after``.

    Raises
    ------
    RecoverState
        When one is missing.
    """
    wanted = after + 1
    texts = []
    for number, text in found:
        if number <= after:
            continue
        if number != wanted:
            raise RecoverState(
                f"expected entry {wanted} of {place}, found {number}; the snapshot is older than "
                "its log: put the right one back, or resume with actor and reason"
            )
        texts.append(text)
        wanted += 1
    return texts


class MemoryLog:
    """Entries in a list; durable as long as the object lives."""

    def __init__(self, most: int = 1000) -> None:
        self._entries: list[tuple[int, str]] = []
        self._most = most

    def exists(self) -> bool:
        return True

    def create(self) -> None:
        return

    def read(self, after: int) -> list[str]:
        return contiguous(self._entries, after, "the log")

    def append(self, number: int, text: str) -> None:
        if len(self._entries) >= self._most:
            raise FullLog(f"expected at most {self._most} entries between two snapshots")
        if self._entries and self._entries[-1][0] != number - 1:
            raise ForeignWrite(f"expected to write entry {self._entries[-1][0] + 1}, was {number}")
        self._entries.append((number, text))

    def room(self) -> float:
        return 1.0 - len(self._entries) / self._most

    def clear(self) -> None:
        self._entries.clear()

    def retire(self) -> None:
        self._entries.clear()


class RingLog:
    """A log over a store that knows whole texts only: one key an entry, used in turn.

    ``protection.journal`` becomes ``protection_journal-00`` and so on; an entry goes to the slot
    of its number modulo ``slots``, so that no write touches another entry that is still needed.

    Parameters
    ----------
    store : keeps the slots
    key : key of the log
    slots : entries between two snapshots
    longest : most characters of an entry
    """

    def __init__(
        self, store: StateStore, key: str, slots: int = 64, longest: int = 1 << 20
    ) -> None:
        self._store, self._longest = store, longest
        self._stem = check_key(key).replace(".", "_")
        self._slots = slots
        self._last = self._cleared = 0

    def _slot(self, number: int) -> str:
        return f"{self._stem}-{number % self._slots:02d}"

    def exists(self) -> bool:
        return True

    def create(self) -> None:
        return

    def read(self, after: int) -> list[str]:
        found: list[tuple[int, str]] = []
        torn = 0
        for number in range(after + 1, after + 1 + self._slots):
            held = self._store.read(self._slot(number))
            if held is None:
                continue
            head, _, text = held.partition("\n")
            name, _, length = head.partition(" ")
            if not (name.isdigit() and length.isdigit()) or len(text) < int(length):
                torn += 1  # cut short: being written when the process died
            elif int(name) > after:
                found.append((int(name), text))
        if torn > 1:
            raise RecoverState(
                f"expected at most one unfinished entry in {self._stem}, found {torn}; "
                "inspect them, then resume with actor and reason"
            )
        texts = contiguous(sorted(found), after, self._stem)
        self._cleared, self._last = after, after + len(texts)
        return texts

    def append(self, number: int, text: str) -> None:
        if number - self._cleared > self._slots or len(text) > self._longest:
            raise FullLog(
                f"expected at most {self._slots} entries of {self._longest} characters between "
                "two snapshots"
            )
        self._store.write(self._slot(number), f"{number} {len(text)}\n{text}")
        self._last = number

    def room(self) -> float:
        return 1.0 - (self._last - self._cleared) / self._slots

    def clear(self) -> None:
        self._cleared = self._last

    def retire(self) -> None:
        for number in range(self._slots):
            self._store.write(self._slot(number), "0 0\n")
        self._last = self._cleared = 0

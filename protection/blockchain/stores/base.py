"""What a place for a ledger's records must do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from protection.blockchain.merkle import CompactRange
from protection.blockchain.nodes import Nodes


@dataclass(frozen=True, slots=True)
class Dropped:
    """An unacknowledged tail that was cut off, and the file that keeps it."""

    count: int
    digest: str
    kept: str


@dataclass(frozen=True, slots=True)
class Opened:
    """What was found: the tree of the durable records."""

    edge: CompactRange
    nodes: Nodes
    dropped: Dropped | None = None


class LedgerStore(Protocol):
    """Keeps numbered payloads; one process writes, others may read."""

    readonly: bool

    def open(self) -> Opened:
        """Recover and return the tree.

        Raises
        ------
        BrokenLedger
            When acknowledged records are damaged or missing; nothing was changed.
        RetryWrite
            When another process writes, or the place cannot be written.
        """
        ...

    def commit(self, payloads: Sequence[bytes], previous: int, size: int, root: bytes) -> None:
        """Make a batch durable before returning.

        Raises
        ------
        OSError
            When it is not durable; the next call writes over whatever is left of it.
        """
        ...

    def payloads(self, start: int, stop: int) -> Iterator[bytes]:
        """Durable payloads [start, stop).

        Raises
        ------
        BrokenLedger
            At the first damaged one.
        """
        ...

    def keep(self, name: str, text: str) -> None:
        """Store a small text beside the records (checkpoints, keys), durably.

        Raises
        ------
        OSError
            When it is not durable.
        """
        ...

    def kept(self) -> dict[str, str]:
        """Texts beside the records, by name."""
        ...

    def close(self) -> None:
        """Let go of the place."""
        ...

"""Reading side of a ledger: records, roots, proofs."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from protection.blockchain.merkle import CompactRange, growth, path, range_root
from protection.blockchain.records import BrokenLedger, Proof, Record
from protection.blockchain.stores.base import LedgerStore
from protection.blockchain.verifier import Report, verify, verify_payloads
from protection.contracts.errors import FixInput

ReaderType = TypeVar("ReaderType", bound="LedgerReader")


class LedgerReader:
    """Durable records of a ledger, as they were when it was opened; grows in a writing ledger.

    Parameters
    ----------
    store : place of the records

    Raises
    ------
    BrokenLedger
        When acknowledged records are damaged or missing.
    """

    def __init__(self, store: LedgerStore) -> None:
        self._store = store
        opened = store.open()
        self._nodes = opened.nodes
        self._edge: CompactRange = opened.edge
        self._dropped = opened.dropped

    def __enter__(self: ReaderType) -> ReaderType:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return self.size

    @property
    def store(self) -> LedgerStore:
        """Place of the records."""
        return self._store

    @property
    def size(self) -> int:
        """Number of durable records."""
        return self._edge.size

    def root(self, size: int | None = None) -> bytes:
        """Root over the first ``size`` durable records, all of them when None.

        Raises
        ------
        FixInput
            When there are fewer.
        """
        if size is None:
            return self._edge.root()
        if not 0 <= size <= self.size:
            raise FixInput(f"expected a size in [0, {self.size}], was {size}")
        return range_root(self._nodes, 0, size)

    def records(
        self,
        start: int = 0,
        stop: int | None = None,
        *,
        types: Collection[str] | None = None,
        where: Callable[[Record], bool] | None = None,
    ) -> Iterator[Record]:
        """Durable records [start, stop) in order.

        Parameters
        ----------
        start, stop : record numbers; a negative start counts from the end; all when None
        types : only entries of these types
        where : only records for which it holds

        Raises
        ------
        BrokenLedger
            At the first damaged one.
        """
        size = self.size
        first = max(0, size + start) if start < 0 else start
        last = size if stop is None else min(stop, size)
        seq = first
        for payload in self._store.payloads(first, last) if first < last else ():
            record = Record(seq, payload)
            seq += 1
            if types is not None and record.type not in types:
                continue
            if where is None or where(record):
                yield record
        if seq < last:
            raise BrokenLedger(f"expected record {seq} of {size}, was missing", seq)

    def record(self, seq: int) -> Record:
        """One record.

        Raises
        ------
        FixInput
            When there is none of that number.
        """
        if not 0 <= seq < self.size:
            raise FixInput(f"expected a record number in [0, {self.size}), was {seq}")
        return next(self.records(seq, seq + 1))

    def find(self, leaf: bytes | str) -> int | None:
        """Number of the durable record with that hash (bytes or hex), None when there is none."""
        wanted = bytes.fromhex(leaf) if isinstance(leaf, str) else bytes(leaf)
        found = self._nodes.find(wanted)
        return found if found is not None and found < self.size else None

    def prove(self, record: int | bytes | str, size: int | None = None) -> Proof:
        """Proof that a record (number or hash) stands in the tree over ``size`` records.

        Raises
        ------
        FixInput
            When there is no such record.
        BrokenLedger
            When the kept nodes are damaged, so that the proof would not hold.
        """
        if isinstance(record, int):
            seq = record
        else:
            found = self.find(record)
            if found is None:
                shown = record if isinstance(record, str) else bytes(record).hex()
                raise FixInput(f"expected the hash of a record, none has {shown}")
            seq = found
        total = self.size if size is None else size
        if not 0 <= seq < total <= self.size:
            raise FixInput(f"expected a record number in [0, {min(total, self.size)}), was {seq}")
        proof = Proof(
            seq,
            total,
            self._nodes.node(0, seq),
            tuple(path(self._nodes, seq, total)),
            self.root(size),
        )
        if not proof.holds():
            raise BrokenLedger(
                f"expected nodes that prove record {seq}, were damaged; delete the folder nodes, "
                "open the ledger again and repeat",
                seq,
            )
        return proof

    def consistency(self, old_size: int, size: int | None = None) -> list[bytes]:
        """Proof that the tree over ``old_size`` records is a prefix of the one over ``size``.

        Raises
        ------
        FixInput
            When a size is out of range.
        """
        total = self.size if size is None else size
        if total > self.size:
            raise FixInput(f"expected a size in [0, {self.size}], was {total}")
        return growth(self._nodes, old_size, total)

    def verify(self, *, against: Iterable[str] = (), keys: Iterable[str] = ()) -> Report:
        """Rebuild the tree from every durable record and compare it with all that speaks of it.

        Parameters
        ----------
        against : texts of signed heads that were kept elsewhere
        keys : verifier keys to trust

        Returns
        -------
        Report
            True when everything holds; see :mod:`protection.blockchain.verifier`.
        """
        place = getattr(self._store, "folder", None) or getattr(self._store, "path", None)
        if isinstance(place, Path):
            return verify(place, against=against, keys=keys)
        size, root = self.size, self.root()
        return verify_payloads(
            self._store.payloads(0, size), size, root, self._store.kept(), against, keys
        )

    def close(self) -> None:
        """Close files and locks."""
        self._nodes.close()
        self._store.close()


def open_reader(place: str | os.PathLike[str]) -> LedgerReader:
    """Reader of a ledger folder or a ``.sqlite`` file; takes no lock, so a writer may be at work.

    Raises
    ------
    BrokenLedger
        When acknowledged records are damaged or missing.
    """
    return LedgerReader(store_at(place, readonly=True))


def store_at(place: str | os.PathLike[str], *, readonly: bool = False) -> LedgerStore:
    """Store of a path: SQLite for ``.sqlite``, ``.sqlite3`` and ``.db``, else a folder."""
    from protection.blockchain.stores.file import FileStore

    if Path(place).suffix in (".sqlite", ".sqlite3", ".db"):
        from protection.blockchain.stores.sqlite import SqliteStore

        return SqliteStore(place, readonly=readonly)
    return FileStore(place, readonly=readonly)

"""Records in one SQLite file: WAL journal, synchronous FULL, so that a commit is on the disk."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from protection.blockchain.merkle import EMPTY_ROOT, CompactRange
from protection.blockchain.nodes import MemoryNodes, grow
from protection.blockchain.records import BrokenLedger
from protection.blockchain.stores.base import Opened
from protection.blockchain.stores.locking import FolderLock
from protection.contracts.errors import RetryWrite

_TABLES = """
CREATE TABLE IF NOT EXISTS records (seq INTEGER PRIMARY KEY, payload BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS head (one INTEGER PRIMARY KEY CHECK (one = 1),
                                 size INTEGER NOT NULL, root BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, text TEXT NOT NULL);
CREATE TRIGGER IF NOT EXISTS records_stay BEFORE DELETE ON records
    BEGIN SELECT RAISE(ABORT, 'records are never deleted'); END;
CREATE TRIGGER IF NOT EXISTS records_hold BEFORE UPDATE ON records
    BEGIN SELECT RAISE(ABORT, 'records are never changed'); END;
"""
_PART = 4096


class SqliteStore:
    """Table ``records`` of a file; the tree is built anew when it is opened (64 bytes a record).

    Parameters
    ----------
    path : the file, made where missing
    readonly : read only: takes no lock
    """

    origin = "qmp-overrider"

    def __init__(self, path: str | os.PathLike[str], *, readonly: bool = False) -> None:
        self.path = Path(path)
        self.readonly = readonly
        self._base: sqlite3.Connection | None = None
        self._lock: FolderLock | None = None
        self._turn = threading.Lock()

    def open(self) -> Opened:
        try:
            if self.readonly:
                uri = f"file:{self.path}?mode=ro"
                base = sqlite3.connect(uri, uri=True, check_same_thread=False)
            else:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._lock = FolderLock(self.path.with_name(self.path.name + ".lock"))
                base = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None)
                base.execute("PRAGMA journal_mode=WAL")
                base.execute("PRAGMA synchronous=FULL")
                base.executescript(_TABLES)
            self._base = base
            return self._load(base)
        except sqlite3.DatabaseError as error:
            self.close()
            raise BrokenLedger(
                f"expected {self.path} to hold a ledger, was not: {error}", 0
            ) from error
        except OSError as error:
            self.close()
            if isinstance(error, RetryWrite):
                raise
            raise RetryWrite(f"expected {self.path} to be writable, was not: {error}") from error
        except BrokenLedger:
            self.close()
            raise

    def _load(self, base: sqlite3.Connection) -> Opened:
        nodes, edge = MemoryNodes(), CompactRange()
        row = base.execute("SELECT size, root FROM head").fetchone()
        size, root = (0, EMPTY_ROOT) if row is None else row
        leaves: list[bytes] = []
        for payload in self.payloads(0, size):
            leaves.append(sha256(b"\x00" + payload).digest())
            if len(leaves) == _PART:
                grow(nodes, edge, leaves)
                leaves = []
        grow(nodes, edge, leaves)
        more = base.execute("SELECT count(*) FROM records").fetchone()[0]
        if edge.size != size or edge.root() != root or more != size:
            raise BrokenLedger(
                f"expected {size} records with the acknowledged root in {self.path}, was "
                f"{more} with another; verify the ledger",
                min(edge.size, size),
            )
        return Opened(edge, nodes)

    def _connection(self) -> sqlite3.Connection:
        if self._base is None:
            raise RetryWrite(f"expected {self.path} to be open, was closed")
        return self._base

    def commit(self, payloads: Sequence[bytes], previous: int, size: int, root: bytes) -> None:
        base = self._connection()
        with self._turn:
            try:
                base.execute("BEGIN IMMEDIATE")
                base.executemany(
                    "INSERT INTO records VALUES (?, ?)", list(enumerate(payloads, previous))
                )
                base.execute("INSERT OR REPLACE INTO head VALUES (1, ?, ?)", (size, root))
                base.execute("COMMIT")
            except sqlite3.Error as error:
                if base.in_transaction:
                    base.execute("ROLLBACK")
                raise OSError(f"SQLite: {error}") from error

    def payloads(self, start: int, stop: int) -> Iterator[bytes]:
        base, seq = self._connection(), start
        while seq < stop:
            with self._turn:
                rows = base.execute(
                    "SELECT seq, payload FROM records WHERE seq >= ? AND seq < ? ORDER BY seq",
                    (seq, min(stop, seq + _PART)),
                ).fetchall()
            for found, payload in rows:
                if found != seq:
                    break
                if not isinstance(payload, bytes):
                    raise BrokenLedger(f"expected bytes in row {seq} of {self.path}", seq)
                yield payload
                seq += 1
            if not rows or rows[-1][0] != seq - 1:
                raise BrokenLedger(f"expected record {seq} in {self.path}, was missing", seq)

    def keep(self, name: str, text: str) -> None:
        base = self._connection()
        with self._turn:
            try:
                base.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (name, text))
            except sqlite3.Error as error:
                raise OSError(f"SQLite: {error}") from error

    def kept(self) -> dict[str, str]:
        with self._turn:
            rows = self._connection().execute("SELECT name, text FROM kept ORDER BY name")
            return dict(rows.fetchall())

    def close(self) -> None:
        if self._base is not None:
            self._base.close()
            self._base = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None

"""State in one SQLite file: the same promises as the file store, for places with one file only."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

from protection.contracts.errors import RecoverState, RetryWrite
from protection.contracts.stores.base import check_key
from protection.contracts.stores.logs import ForeignWrite, FullLog, contiguous


class SqliteStateStore:
    """One row per key, with a number that grows at every write.

    The journal is a write-ahead log with ``synchronous=FULL``: a write that returned outlives a
    crash of the process and of the machine, as far as the disk keeps its promise on fsync. Other
    processes may read, and may write a kill.

    Parameters
    ----------
    path : the database; created where missing

    Raises
    ------
    RetryWrite
        When it cannot be created or opened.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(
                self._path, timeout=1.0, isolation_level=None, check_same_thread=False
            )
            with closing(self._database.cursor()) as cursor:
                cursor.execute("PRAGMA journal_mode=WAL")
                cursor.execute("PRAGMA synchronous=FULL")
                cursor.execute(
                    "CREATE TABLE IF NOT EXISTS state "
                    "(key TEXT PRIMARY KEY, text TEXT NOT NULL, serial INTEGER NOT NULL)"
                )
                cursor.execute(
                    "CREATE TABLE IF NOT EXISTS log "
                    "(key TEXT, number INTEGER, text TEXT NOT NULL, PRIMARY KEY (key, number))"
                )
        except (sqlite3.Error, OSError) as error:
            raise RetryWrite(
                f"expected {self._path} to be a database for protection's state, was not: {error}; "
                "free the disk, mend its permissions or move the file away, then start again"
            ) from error

    @property
    def path(self) -> Path:
        """File of the database."""
        return self._path

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._database.close()

    def log(self, key: str) -> SqliteLog:
        """Log in a table of the same database."""
        return SqliteLog(self, check_key(key))

    def execute(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of one statement in a transaction of its own."""
        with self._lock, closing(self._database.execute(statement, values)) as cursor:
            return cursor.fetchall()

    def _row(self, key: str) -> tuple[object, int] | None:
        query = "SELECT text, serial FROM state WHERE key = ?"
        with self._lock, closing(self._database.execute(query, (check_key(key),))) as cursor:
            found: tuple[object, int] | None = cursor.fetchone()
            return found

    def read(self, key: str) -> str | None:
        try:
            row = self._row(key)
        except sqlite3.Error as error:
            raise RecoverState(
                f"expected {key} in {self._path} to be readable, was not: {error}; "
                "inspect it, then resume with actor and reason"
            ) from error
        if row is None:
            return None
        if not isinstance(row[0], str):
            raise RecoverState(f"expected {key} in {self._path} to be text, was {type(row[0])}")
        return row[0]

    def write(self, key: str, text: str) -> None:
        statement = (
            "INSERT INTO state VALUES (?, ?, 1) "
            "ON CONFLICT (key) DO UPDATE SET text = excluded.text, serial = serial + 1"
        )
        try:
            with self._lock:
                self._database.execute(statement, (check_key(key), text)).close()
        except sqlite3.Error as error:
            raise RetryWrite(
                f"expected {key} to be written durably to {self._path}, was not: {error}; "
                "free the disk or mend its permissions, then repeat"
            ) from error

    def stamp(self, key: str) -> object | None:
        try:
            row = self._row(key)
        except sqlite3.Error as error:
            raise OSError(f"{self._path} cannot be looked at: {error}") from error
        return None if row is None else row[1]


class SqliteLog:
    """Entries as rows of table ``log``; one transaction each, which the database forces.

    Parameters
    ----------
    store : the database
    key : name of the log
    most : entries between two snapshots
    """

    def __init__(self, store: SqliteStateStore, key: str, most: int = 1000) -> None:
        self._store, self._key, self._most = store, key, most
        self._count = 0

    def exists(self) -> bool:
        return True

    def create(self) -> None:
        return

    def read(self, after: int) -> list[str]:
        query = "SELECT number, text FROM log WHERE key = ? ORDER BY number"
        try:
            rows = self._store.execute(query, self._key)
        except sqlite3.Error as error:
            raise RecoverState(
                f"expected {self._key} in {self._store.path} to be readable, was not: {error}; "
                "inspect it, then resume with actor and reason"
            ) from error
        self._count = len(rows)
        place = f"{self._key} in {self._store.path}"
        return contiguous([(int(number), str(text)) for number, text in rows], after, place)

    def append(self, number: int, text: str) -> None:
        if self._count >= self._most:
            raise FullLog(f"expected at most {self._most} entries between two snapshots")
        try:
            self._store.execute("INSERT INTO log VALUES (?, ?, ?)", self._key, number, text)
        except sqlite3.IntegrityError as error:
            raise ForeignWrite(
                f"expected to be the only writer of {self._key} in {self._store.path}: {error}"
            ) from error
        except sqlite3.Error as error:
            raise self._retry(error) from error
        self._count += 1

    def _retry(self, error: sqlite3.Error) -> RetryWrite:
        return RetryWrite(
            f"expected {self._key} to be written durably to {self._store.path}, was not: {error}; "
            "free the disk or mend its permissions, then repeat"
        )

    def room(self) -> float:
        return 1.0 - self._count / self._most

    def clear(self) -> None:
        try:
            self._store.execute("DELETE FROM log WHERE key = ?", self._key)
        except sqlite3.Error as error:
            raise self._retry(error) from error
        self._count = 0

    def retire(self) -> None:
        """Rename the rows, so that they are kept as evidence."""
        kept = f"{self._key.partition('.')[0]}.unreadable"
        try:
            self._store.execute("DELETE FROM log WHERE key = ?", kept)
            self._store.execute("UPDATE log SET key = ? WHERE key = ?", kept, self._key)
        except sqlite3.Error as error:
            raise self._retry(error) from error
        self._count = 0

"""State in one SQLite file: the same promises as the file store, for places with one file only."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from protection.contracts.errors import RecoverState, RetryWrite
from protection.contracts.stores.base import check_key


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

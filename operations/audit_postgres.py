"""A redundant copy of a ledger in PostgreSQL, believed only when its root is the same."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from types import TracebackType
from typing import Any

from operations.errors import Exit, OperationError
from protection.blockchain.merkle import CompactRange
from protection.blockchain.reader import LedgerReader

_TABLES = """
CREATE TABLE IF NOT EXISTS audit_records (
    ledger text NOT NULL, seq bigint NOT NULL, payload bytea NOT NULL, PRIMARY KEY (ledger, seq));
CREATE TABLE IF NOT EXISTS audit_kept (
    ledger text NOT NULL, name text NOT NULL, content text NOT NULL, PRIMARY KEY (ledger, name));
CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger AS $$
    BEGIN RAISE EXCEPTION 'audit records are never changed or deleted'; END $$ LANGUAGE plpgsql;
CREATE OR REPLACE TRIGGER audit_records_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_records
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
"""
_PART = 2000


class CopyError(OperationError):
    """The copy cannot be reached or written."""


class CopyDiffers(OperationError):
    """The copy is not the ledger's: find out which of the two was changed."""

    exit_code = Exit.CHECK_FAILED


class PostgresCopy:
    """Copy under a name in one database.

    Parameters
    ----------
    dsn : connection text of libpq; without a password, which belongs into the environment or a
        pgpass file
    name : name of the ledger there

    Raises
    ------
    CopyError
        Without the package psycopg (version 3), or when the database cannot be reached.
    """

    def __init__(self, dsn: str, name: str = "audit") -> None:
        try:
            import psycopg
        except ImportError as error:
            raise CopyError(
                "expected the package psycopg (version 3), was missing; install psycopg[binary]"
            ) from error
        self._name = name
        self._error: type[Exception] = psycopg.Error
        try:
            self._base: Any = psycopg.connect(dsn, autocommit=False)
            self._base.execute(_TABLES)
            self._base.commit()
        except psycopg.Error as error:
            raise CopyError(f"expected a PostgreSQL database, was not: {error}") from error

    def __enter__(self) -> PostgresCopy:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._base.close()

    def size(self) -> int:
        """Records in the copy."""
        row = self._base.execute(
            "SELECT count(*) FROM audit_records WHERE ledger = %s", (self._name,)
        ).fetchone()
        return int(row[0])

    def update(self, reader: LedgerReader) -> int:
        """Copy what is missing; returns how many records.

        Raises
        ------
        CopyDiffers
            When what is there already is not the ledger's past; nothing was written.
        CopyError
            When the database refused.
        """
        have = self.size()
        self._compare(reader, have)
        added = 0
        try:
            part: list[tuple[str, int, bytes]] = []
            for record in reader.records(have):
                part.append((self._name, record.seq, record.payload))
                if len(part) == _PART:
                    added += self._insert(part)
                    part = []
            added += self._insert(part)
            for name, text in reader.store.kept().items():
                self._base.execute(
                    "INSERT INTO audit_kept VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                    (self._name, name, text),
                )
            self._base.commit()
        except self._error as error:
            self._base.rollback()
            raise CopyError(f"expected the copy to be written, was not: {error}") from error
        return added

    def _insert(self, part: list[tuple[str, int, bytes]]) -> int:
        if part:
            with self._base.cursor() as cursor:
                cursor.executemany("INSERT INTO audit_records VALUES (%s, %s, %s)", part)
            self._base.commit()
        return len(part)

    def payloads(self) -> Iterator[bytes]:
        """Records of the copy in order."""
        seq = 0
        while True:
            rows = self._base.execute(
                "SELECT seq, payload FROM audit_records WHERE ledger = %s AND seq >= %s "
                "ORDER BY seq LIMIT %s",
                (self._name, seq, _PART),
            ).fetchall()
            if not rows:
                return
            for found, payload in rows:
                if found != seq:
                    raise CopyDiffers(f"expected record {seq} in the copy, was {found}")
                yield bytes(payload)
                seq += 1

    def root(self) -> tuple[int, bytes]:
        """Size and root of the copy, computed from its records."""
        edge = CompactRange()
        for payload in self.payloads():
            edge.push(sha256(b"\x00" + payload).digest())
        return edge.size, edge.root()

    def compare(self, reader: LedgerReader) -> None:
        """Compare the whole copy with the ledger.

        Raises
        ------
        CopyDiffers
            When size or root differ.
        """
        self._compare(reader, reader.size)

    def _compare(self, reader: LedgerReader, size: int) -> None:
        found, root = self.root()
        if found != size or size > reader.size:
            raise CopyDiffers(f"expected {min(size, reader.size)} records in the copy, was {found}")
        if root != reader.root(size):
            first = next(
                (
                    seq
                    for seq, (ours, theirs) in enumerate(
                        zip(reader.records(0, size), self.payloads(), strict=False)
                    )
                    if ours.payload != theirs
                ),
                size,
            )
            raise CopyDiffers(
                f"expected the same root over {size} records, was another; "
                f"first different record: {first}"
            )

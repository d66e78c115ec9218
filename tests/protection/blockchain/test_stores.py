"""Places of a ledger: SQLite, LEAN's Object Store, memory."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from protection.blockchain.ledger import Ledger, open_reader
from protection.blockchain.records import BrokenLedger
from protection.blockchain.stores import MemoryStore, ObjectLedgerStore, SqliteStore
from protection.blockchain.verifier import verify
from protection.contracts.errors import RetryWrite


class Objects:
    """LEAN's object store as far as it is used: texts under keys, a quota, files on demand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.full = False
        self.saved = 0

    def contains_key(self, path: str) -> bool:
        return (self.folder / path).is_file()

    def read(self, path: str) -> str:
        return (self.folder / path).read_text("utf-8")

    def save(self, path: str, text: str) -> bool:
        if self.full:
            return False
        self.saved += 1
        (self.folder / path).write_text(text, "utf-8")
        return True

    def get_file_path(self, path: str) -> str:
        return str(self.folder / path)


def entry(i: int, day: int = 1) -> dict[str, object]:
    return {"type": "note", "time": f"2020-01-{day:02d}T00:00:00.000000Z", "i": i, "text": "ü\n"}


def fill(ledger: Ledger, count: int) -> None:
    for i in range(count):
        ledger.append(entry(i, 2))


def make(kind: str, tmp_path: Path) -> Ledger:
    if kind == "sqlite":
        return Ledger(tmp_path / "a.sqlite")
    if kind == "memory":
        return Ledger(MemoryStore())
    if kind == "objects":
        folder = tmp_path / "objects"
        store = Objects(folder) if not folder.exists() else _again(folder)
        return Ledger(ObjectLedgerStore(store, chunk_bytes=1500))
    return Ledger(tmp_path / "a")


def _again(folder: Path) -> Objects:
    store = Objects.__new__(Objects)
    store.folder, store.full, store.saved = folder, False, 0
    return store


@pytest.mark.parametrize("kind", ["file", "sqlite", "objects", "memory"])
def test_every_place_gives_the_same_records_proofs_and_root(kind: str, tmp_path: Path) -> None:
    reference = Ledger(MemoryStore())
    with make(kind, tmp_path) as ledger:
        for i in range(60):
            ledger.append(entry(i, 1 + i // 20))
            reference.append(entry(i, 1 + i // 20))
        assert ledger.root() == reference.root()
        assert ledger.prove(33) == reference.prove(33)
        assert [r.payload for r in ledger.records(10, 50)] == [
            r.payload for r in reference.records(10, 50)
        ]
        ledger.store.keep("checkpoint-1.txt", "text")
        assert ledger.store.kept() == {"checkpoint-1.txt": "text"}
    if kind == "memory":
        return
    with make(kind, tmp_path) as ledger:
        assert ledger.root() == reference.root()
        assert ledger.append(entry(60)).seq == 60
        assert ledger.store.kept() == {"checkpoint-1.txt": "text"}


def test_rows_of_sqlite_can_be_neither_changed_nor_deleted(tmp_path: Path) -> None:
    with Ledger(tmp_path / "a.sqlite") as ledger:
        ledger.append(entry(1))
    base = sqlite3.connect(tmp_path / "a.sqlite")
    with pytest.raises(sqlite3.IntegrityError, match="never changed"):
        base.execute("UPDATE records SET payload = x'00'")
    with pytest.raises(sqlite3.IntegrityError, match="never deleted"):
        base.execute("DELETE FROM records")
    base.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE records SET payload = replace(payload, 'note', 'nope') WHERE seq = 3",
        "DELETE FROM records WHERE seq = 9",
        "DELETE FROM records WHERE seq = 3",
        "UPDATE records SET seq = -1 WHERE seq = 0",
        "UPDATE head SET size = 9",
        "UPDATE head SET root = zeroblob(32)",
    ],
)
def test_rows_changed_behind_the_triggers_are_found(tmp_path: Path, change: str) -> None:
    with Ledger(tmp_path / "a.sqlite") as ledger:
        ledger.append_many(entry(i) for i in range(10))
    base = sqlite3.connect(tmp_path / "a.sqlite")
    base.executescript("DROP TRIGGER records_stay; DROP TRIGGER records_hold;")
    base.execute(change)
    base.commit()
    base.close()

    assert not verify(tmp_path / "a.sqlite")
    with pytest.raises(BrokenLedger):
        Ledger(tmp_path / "a.sqlite")
    with pytest.raises(BrokenLedger):
        open_reader(tmp_path / "a.sqlite")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.sqlite").write_bytes(b"no database" * 200)

    with pytest.raises(BrokenLedger, match="hold a ledger"):
        Ledger(tmp_path / "a.sqlite")


def test_a_sqlite_write_that_fails_is_told_and_the_next_one_goes_on(tmp_path: Path) -> None:
    with Ledger(SqliteStore(tmp_path / "a.sqlite")) as ledger:
        ledger.append(entry(0))
        other = sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)
        ledger.store._base.execute("PRAGMA busy_timeout=10")  # type: ignore[attr-defined]
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(RetryWrite, match="locked"):
            ledger.append(entry(1))
        other.execute("ROLLBACK")
        other.close()
        assert ledger.append(entry(2)).seq == 1


def test_chunks_are_split_by_day_and_size_and_stay_within_the_quota(tmp_path: Path) -> None:
    objects = Objects(tmp_path / "objects")
    with Ledger(ObjectLedgerStore(objects, chunk_bytes=1000, most_bytes=8000)) as ledger:
        for i in range(30):
            ledger.append(entry(i, 1 + i // 15))
        names = sorted(path.name for path in objects.folder.iterdir())
        assert names[0] == "audit-20200101-000000000000"
        assert {name[6:14] for name in names if name[6].isdigit()} == {"20200101", "20200102"}
        with pytest.raises(RetryWrite, match="pass 8000 bytes"):
            fill(ledger, 200)
        assert not ledger.health().ok
        total = sum(path.stat().st_size for path in objects.folder.iterdir())
        assert total < 16_000
        kept = ledger.size
    with Ledger(ObjectLedgerStore(objects, chunk_bytes=1000)) as ledger:
        assert ledger.size == kept
        assert ledger.verify()


def test_a_thousand_files_are_never_passed(tmp_path: Path) -> None:
    objects = Objects(tmp_path / "objects")
    ledger = Ledger(ObjectLedgerStore(objects, chunk_bytes=10, most_files=12))
    with pytest.raises(RetryWrite, match="pass 12 files"):
        fill(ledger, 30)
    assert len(list(objects.folder.iterdir())) <= 12


def test_an_object_store_over_quota_makes_the_ledger_unhealthy(tmp_path: Path) -> None:
    objects = Objects(tmp_path / "objects")
    with Ledger(ObjectLedgerStore(objects)) as ledger:
        ledger.append(entry(0))
        objects.full = True
        with pytest.raises(RetryWrite):
            ledger.append(entry(1))
        assert not ledger.health().ok
        objects.full = False
        assert ledger.append(entry(1)).seq == 1


@pytest.mark.parametrize("victim", ["audit-20200101-000000000000", "newest", "audit-acked"])
@pytest.mark.parametrize("how", ["flip", "cut", "gone"])
def test_damaged_chunks_are_found(tmp_path: Path, victim: str, how: str) -> None:
    objects = Objects(tmp_path / "objects")
    with Ledger(ObjectLedgerStore(objects, chunk_bytes=1000)) as ledger:
        for i in range(30):
            ledger.append(entry(i))
    if victim == "newest":
        victim = max(
            ("audit-open-a", "audit-open-b"),
            key=lambda name: (objects.folder / name).stat().st_mtime_ns,
        )
    path = objects.folder / victim
    data = path.read_bytes()
    if how == "gone" and victim == "audit-acked":
        return  # a copy without the mark claims nothing
    if how == "gone":
        path.unlink()
    elif victim == "audit-acked":
        path.write_bytes(b"31" if how == "flip" else b"3O")
    elif how == "cut":
        path.write_bytes(data[:-1])
    else:
        path.write_bytes(data[:-3] + bytes([data[-3] ^ 1]) + data[-2:])
    with pytest.raises(BrokenLedger):
        Ledger(ObjectLedgerStore(objects, chunk_bytes=1000))

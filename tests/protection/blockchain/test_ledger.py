"""The ledger: order, durability, health, recovery."""

from __future__ import annotations

import errno
import gc
import math
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from protection.blockchain.disk import Disk
from protection.blockchain.ledger import Ledger, open_reader
from protection.blockchain.merkle import LeafHash, root
from protection.blockchain.records import BrokenLedger, FullQueue, Proof, StalledWrite
from protection.blockchain.stores import FileStore, MemoryStore
from protection.contracts import ManualClock
from protection.contracts.errors import FixInput, FixSettings, RetryWrite

ROOT = Path(__file__).resolve().parents[3]


def note(i: int) -> dict[str, object]:
    return {"type": "note", "i": i}


class BrokenDisk(Disk):
    """Refuses while ``code`` is set."""

    code = 0

    def sync(self, handle: int) -> None:
        if self.code:
            raise OSError(self.code, os.strerror(self.code))
        super().sync(handle)


class SlowDisk(Disk):
    """Does not answer until it is released."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()

    def sync(self, handle: int) -> None:
        self.entered.set()
        self.gate.wait()
        super().sync(handle)


def test_what_was_appended_is_there_in_order_after_reopening(tmp_path: Path) -> None:
    with Ledger(tmp_path / "a") as ledger:
        receipts = [ledger.append(note(i)) for i in range(10)]
        receipts += ledger.append_many(note(i) for i in range(10, 300))
        tickets = [ledger.append_nowait(note(i)) for i in range(300, 600)]
        receipts += [ticket.wait() for ticket in tickets]
        top = ledger.root()

    with open_reader(tmp_path / "a") as reader:
        records = list(reader.records())
        assert [record.entry["i"] for record in records] == list(range(600))
        assert [record.seq for record in records] == [receipt.seq for receipt in receipts]
        assert [record.leaf for record in records] == [receipt.leaf for receipt in receipts]
        assert reader.root() == top == root(LeafHash(record.leaf) for record in records)


def test_many_threads_share_flushes_and_none_loses_its_place(tmp_path: Path) -> None:
    class Counting(Disk):
        flushes = 0

        def sync(self, handle: int) -> None:
            Counting.flushes += 1
            super().sync(handle)

    with Ledger(FileStore(tmp_path / "a", disk=Counting())) as ledger:
        before = Counting.flushes
        told: dict[int, list[int]] = {}

        def work(thread: int) -> None:
            told[thread] = [
                ledger.append({"type": "t", "thread": thread, "i": i}).seq for i in range(50)
            ]

        threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert Counting.flushes - before <= 400
        assert sorted(seq for seqs in told.values() for seq in seqs) == list(range(400))
        for thread, seqs in told.items():
            assert seqs == sorted(seqs)
            assert [ledger.record(seq).entry["i"] for seq in seqs[:3]] == [0, 1, 2]
            assert ledger.record(seqs[0]).entry["thread"] == thread


def test_every_record_can_be_proven_by_number_and_by_hash(tmp_path: Path) -> None:
    with Ledger(FileStore(tmp_path / "a", segment_bytes=4000)) as ledger:
        receipts = ledger.append_many(note(i) for i in range(300))
        for receipt in receipts[::17]:
            proof = ledger.prove(receipt.hash)
            assert proof.seq == receipt.seq == ledger.find(receipt.hash)
            assert proof.holds(ledger.record(receipt.seq).payload)
            assert not proof.holds(b"another")
            assert Proof.from_dict(proof.as_dict()) == proof
        assert len(ledger.prove(0).path) <= 9
        assert ledger.find(bytes(32)) is None
        with pytest.raises(FixInput, match="none has"):
            ledger.prove("00" * 32)


def test_a_second_writer_is_refused_and_readers_are_not(tmp_path: Path) -> None:
    with Ledger(tmp_path / "a") as ledger:
        ledger.append(note(1))
        with pytest.raises(RetryWrite, match="only writer"):
            Ledger(tmp_path / "a")
        with open_reader(tmp_path / "a") as reader:
            assert reader.size == 1


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_write_that_fails_is_told_and_the_next_one_goes_on(tmp_path: Path, code: int) -> None:
    disk = BrokenDisk()
    ledger = Ledger(FileStore(tmp_path / "a", disk=disk))
    ledger.append(note(0))

    disk.code = code
    with pytest.raises(RetryWrite, match="written durably"):
        ledger.append(note(1))
    assert not ledger.health().ok
    assert ledger.failing
    assert ledger.size == 1
    disk.code = 0

    assert ledger.append(note(2)).seq == 1
    assert ledger.health().ok
    ledger.close()
    with open_reader(tmp_path / "a") as reader:
        assert [record.entry["i"] for record in reader.records()] == [0, 2]
        assert reader.verify()


def test_what_was_queued_while_the_disk_failed_is_written_in_order_when_it_recovers(
    tmp_path: Path,
) -> None:
    disk = BrokenDisk()
    with Ledger(FileStore(tmp_path / "a", disk=disk)) as ledger:
        disk.code = errno.EIO
        tickets = [ledger.append_nowait(note(i)) for i in range(5)]
        with pytest.raises(RetryWrite):
            ledger.flush()
        assert not ledger.health().ok
        disk.code = 0
        assert [ticket.wait(5.0).seq for ticket in tickets] == [0, 1, 2, 3, 4]
        assert ledger.health().ok


def test_a_disk_that_does_not_answer_makes_health_bad_and_lets_the_caller_go(
    tmp_path: Path,
) -> None:
    disk = SlowDisk()
    ledger = Ledger(FileStore(tmp_path / "a", disk=disk), stall=0.05)
    disk.gate.clear()
    disk.entered.clear()

    with pytest.raises(StalledWrite, match=r"within 0\.1 s"):
        ledger.append(note(0), timeout=0.1)

    assert disk.entered.is_set()
    assert not ledger.health().ok
    assert "not answered" in ledger.health().reason
    disk.gate.set()
    ledger.flush(5.0)
    assert ledger.append(note(1)).seq == 1  # the late one was written after all
    assert ledger.health().ok
    ledger.close()


def test_a_slow_write_is_told_until_the_next_one_is_quick(tmp_path: Path) -> None:
    now = [0.0]

    class Clocked(Disk):
        took = 0.0

        def sync(self, handle: int) -> None:
            now[0] += Clocked.took
            super().sync(handle)

    with Ledger(FileStore(tmp_path / "a", disk=Clocked()), ticks=lambda: now[0]) as ledger:
        Clocked.took = 0.3
        ledger.append(note(0))
        assert ledger.health().reason == "the last write took 0.30 s (limit 0.25 s)"
        Clocked.took = 0.1
        ledger.append(note(1))
        assert ledger.health().ok


def test_a_full_queue_refuses_and_keeps_what_it_has(tmp_path: Path) -> None:
    disk = SlowDisk()
    ledger = Ledger(FileStore(tmp_path / "a", disk=disk), queue=3)
    disk.gate.clear()
    disk.entered.clear()
    ledger.append_nowait(note(0))
    assert disk.entered.wait(5.0)  # the first one is being written, three more may wait
    for i in (1, 2, 3):
        ledger.append_nowait(note(i))
    with pytest.raises(FullQueue, match="at most 3"):
        ledger.append_nowait(note(4))
    disk.gate.set()
    ledger.flush(5.0)
    assert [record.entry["i"] for record in ledger.records()] == [0, 1, 2, 3]
    ledger.close()


def test_a_torn_tail_that_was_never_acknowledged_is_cut_off_kept_and_told(tmp_path: Path) -> None:
    with Ledger(tmp_path / "a") as ledger:
        ledger.append_many(note(i) for i in range(5))
    segment = tmp_path / "a" / f"{0:020d}.seg"
    whole = segment.read_bytes()
    with Ledger(tmp_path / "b") as ledger:
        ledger.append_many(note(i) for i in range(5))
        ledger.append(note(5))
    longer = (tmp_path / "b" / f"{0:020d}.seg").read_bytes()
    for cut in range(len(whole) + 1, len(longer), 3):
        segment.write_bytes(longer[:cut])
        (tmp_path / "a" / "torn-5.bin").unlink(missing_ok=True)
        with open_reader(tmp_path / "a") as reader:
            assert reader.size == 5
        with Ledger(tmp_path / "a") as ledger:
            told = ledger.record(5).entry
            torn = longer[len(whole) : cut].rstrip(b"\0")  # zeros are room reserved ahead
            assert (told["type"], told["bytes"]) == ("recovery", len(torn))
            assert (tmp_path / "a" / told["kept"]).read_bytes() == torn
        _restore(tmp_path / "a", whole)


def _restore(folder: Path, whole: bytes) -> None:
    """The folder as it was before the recovery: the mark is a copy's, the nodes are rebuilt."""
    (folder / f"{0:020d}.seg").write_bytes(whole)
    (folder / "acked").unlink()


@pytest.mark.parametrize("place", ["record", "commit", "header", "middle"])
def test_damage_to_acknowledged_records_is_refused_and_nothing_is_changed(
    tmp_path: Path, place: str
) -> None:
    with Ledger(tmp_path / "a") as ledger:
        for i in range(5):
            ledger.append(note(i))
    segment = tmp_path / "a" / f"{0:020d}.seg"
    data = bytearray(segment.read_bytes())
    at = {"record": -80, "commit": -10, "header": 30, "middle": len(data) // 2}[place]
    data[at] ^= 1
    segment.write_bytes(data)

    with pytest.raises(BrokenLedger, match="expected"):
        Ledger(tmp_path / "a")
    assert segment.read_bytes() == bytes(data)


def test_a_missing_segment_is_named(tmp_path: Path) -> None:
    with Ledger(FileStore(tmp_path / "a", segment_bytes=500)) as ledger:
        for i in range(40):
            ledger.append(note(i))
        segments = ledger.store.segments()  # type: ignore[attr-defined]
    assert len(segments) > 3
    segments[1][1].unlink()

    with open_reader(tmp_path / "a") as reader:
        with pytest.raises(BrokenLedger, match=f"expected record {segments[1][0]}"):
            list(reader.records())
        assert reader.verify().first_bad == segments[1][0]


def test_nodes_that_were_lost_or_changed_are_rebuilt_from_the_records(tmp_path: Path) -> None:
    with Ledger(FileStore(tmp_path / "a", segment_bytes=3000)) as ledger:
        ledger.append_many(note(i) for i in range(200))
        ledger.append(note(200))
        top = ledger.root()
    for path in (tmp_path / "a" / "nodes").iterdir():
        path.write_bytes(bytes(len(path.read_bytes()) // 2))

    with Ledger(FileStore(tmp_path / "a", segment_bytes=3000)) as ledger:
        assert ledger.root() == top
        assert all(ledger.prove(seq).holds() for seq in range(0, 201, 9))
    with open_reader(tmp_path / "a") as reader:
        assert reader.verify()


def test_a_correction_keeps_the_original_and_names_who_and_why(tmp_path: Path) -> None:
    with Ledger(tmp_path / "a") as ledger:
        wrong = ledger.append({"type": "trade", "price": 10})
        stone = ledger.tombstone(wrong.seq, "ann", "typing error", {"type": "trade", "price": 11})

        entry = ledger.record(stone.seq).entry
        assert entry["target_hash"] == wrong.hash
        assert (entry["actor"], entry["reason"]) == ("ann", "typing error")
        assert ledger.record(entry["replacement"]).entry["price"] == 11
        assert ledger.record(wrong.seq).entry["price"] == 10
        with pytest.raises(FixInput, match="actor"):
            ledger.tombstone(0, " ", "x")


def test_entries_take_the_clocks_time_and_keep_their_own(tmp_path: Path) -> None:
    clock = ManualClock(datetime(2020, 1, 6, 21, 0, tzinfo=UTC))
    with Ledger(tmp_path / "a", clock=clock) as ledger:
        ledger.append(note(0))
        ledger.append({"type": "x", "time": datetime(2019, 1, 1, tzinfo=UTC)})
        assert ledger.record(0).time == clock.now()
        assert ledger.record(1).entry["time"] == "2019-01-01T00:00:00.000000Z"


def test_reading_by_type_and_from_the_end(tmp_path: Path) -> None:
    with Ledger(MemoryStore()) as ledger:
        ledger.append_many({"type": "ab"[i % 2], "i": i} for i in range(10))
        assert [r.entry["i"] for r in ledger.records(-3)] == [7, 8, 9]
        assert [r.entry["i"] for r in ledger.records(2, 6, types={"b"})] == [3, 5]
        assert [r.seq for r in ledger.records(where=lambda r: r.entry["i"] > 7)] == [8, 9]
        with pytest.raises(FixInput, match="record number"):
            ledger.record(10)


@pytest.mark.parametrize("entry", [{}, {"type": ""}, {"type": 1}, "text", {"type": "x", "v": {1}}])
def test_an_impossible_entry_is_refused_and_nothing_is_written(entry: object) -> None:
    with Ledger(MemoryStore()) as ledger:
        with pytest.raises(FixInput):
            ledger.append(entry)  # type: ignore[arg-type]
        with pytest.raises(FixInput):
            ledger.append_many([note(1), entry])  # type: ignore[list-item]
        assert ledger.size == 0


def test_a_closed_ledger_takes_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "a")
    ledger.close()
    ledger.close()
    for call in (ledger.append, ledger.append_nowait):
        with pytest.raises(RetryWrite, match="open ledger"):
            call(note(1))


def test_late_entries_keep_their_place_and_what_has_no_form_becomes_text(tmp_path: Path) -> None:
    with Ledger(tmp_path / "a") as ledger:
        ledger.append_nowait(note(0))
        tickets = [
            ledger.append_late(note(1)),
            ledger.append_late({"type": "x", "value": math.nan, "what": {1, 2}}),
            ledger.append_late({"value": 1}),
            ledger.append_late({"type": "x", "text": "\ud800"}),
        ]
        ledger.append(note(5))
        assert [ticket.wait().seq for ticket in tickets] == [1, 2, 3, 4]
        assert ledger.record(2).entry == {"type": "x", "value": "NaN", "what": ["1", "2"]}
        assert ledger.record(3).type == "unreadable"
        assert "surrogates" in ledger.record(4).entry["unreadable"]
        assert ledger.record(5).entry == note(5)
        assert ledger.verify()


def test_a_forgotten_ledger_lets_go_of_its_place(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "a")
    ledger.append(note(1))
    del ledger
    gc.collect()
    with Ledger(tmp_path / "a") as again:
        assert again.size == 1


def test_what_was_queued_is_written_when_the_interpreter_ends(tmp_path: Path) -> None:
    code = (
        "import sys; from protection.blockchain.ledger import Ledger; "
        "ledger = Ledger(sys.argv[1]); "
        "[ledger.append_nowait({'type': 'x', 'i': i}) for i in range(500)]"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], check=True, cwd=ROOT)
    with open_reader(tmp_path / "a") as reader:
        assert reader.size == 500


def test_settings_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FixSettings, match="queue"):
        Ledger(tmp_path, queue=0)
    with pytest.raises(FixSettings, match="stall"):
        Ledger(tmp_path, stall=0)


def test_a_node_file_is_a_row_of_tiles(tmp_path: Path) -> None:
    """C2SP tlog-tiles: tile N of level 1 holds the roots of the tiles 256 N ... of level 0."""
    with Ledger(tmp_path / "a") as ledger:
        ledger.append_many(note(i) for i in range(600))
        leaves = [LeafHash(record.leaf) for record in ledger.records()]
    level_0 = (tmp_path / "a" / "nodes" / "00").read_bytes()
    level_1 = (tmp_path / "a" / "nodes" / "08").read_bytes()

    assert level_0[8192:16384] == b"".join(leaves[256:512])
    assert level_1 == root(leaves[:256]) + root(leaves[256:512])

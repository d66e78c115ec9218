"""The log in a file: what was acknowledged is read, what was not is left out, damage is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from protection.contracts.errors import RecoverState, RetryWrite
from protection.contracts.stores import ForeignWrite, FullLog
from protection.contracts.stores.file_log import FileLog
from protection.contracts.stores.filesystem import DiskFileSystem

START = 4096


def made(path: Path, entries: int = 3, files: DiskFileSystem | None = None) -> FileLog:
    log = FileLog(path, files or DiskFileSystem(), 16384)
    log.create()
    for number in range(1, entries + 1):
        log.append(number, f"entry {number}")
    return log


def reopened(path: Path) -> FileLog:
    return FileLog(path, DiskFileSystem(), 16384)


def length(number: int) -> int:
    return 20 + len(f"entry {number}") + 8


def test_entries_are_read_back_and_writing_goes_on_behind_them(tmp_path: Path) -> None:
    made(tmp_path / "log", 3)

    log = reopened(tmp_path / "log")
    assert log.read(0) == ["entry 1", "entry 2", "entry 3"]
    assert log.read(2) == ["entry 3"]
    assert log.read(7) == []
    log.append(4, "größer")

    assert reopened(tmp_path / "log").read(0)[3] == "größer"
    assert (tmp_path / "log").stat().st_size == 16384, "the file never grows"


def test_an_entry_cut_anywhere_is_left_out_and_written_over(tmp_path: Path) -> None:
    """Every length that a dying process can have written of the last entry."""
    path = tmp_path / "log"
    made(path, 2)
    before = path.read_bytes()
    log = reopened(path)
    log.read(0)
    log.append(3, "entry 3")
    whole = path.read_bytes()
    begin = START + length(1) + length(2)
    for cut in range(length(3) - 8):
        torn = before[:begin] + whole[begin : begin + cut] + bytes(16384 - begin - cut)
        path.write_bytes(torn)

        again = reopened(path)
        assert again.read(0) == ["entry 1", "entry 2"], cut
        assert again.torn == len(torn[begin:].rstrip(b"\0"))
        again.append(3, "new")
        assert reopened(path).read(0) == ["entry 1", "entry 2", "new"]


def test_an_entry_that_is_whole_but_not_sealed_counts(tmp_path: Path) -> None:
    path = tmp_path / "log"
    made(path, 2)
    data = bytearray(path.read_bytes())
    end = START + length(1) + length(2)
    data[end - 8 : end] = bytes(8)
    path.write_bytes(data)

    assert reopened(path).read(0) == ["entry 1", "entry 2"]


def test_every_bit_of_an_acknowledged_entry_is_guarded(tmp_path: Path) -> None:
    path = tmp_path / "log"
    made(path, 3)
    data = path.read_bytes()
    begin = START + length(1)
    for place in range(begin, begin + length(2) + length(3) - 8):
        if begin + length(2) - 8 <= place < begin + length(2):
            continue  # the seal of an entry that others follow says nothing any more
        for bit in (0, 7):
            changed = bytearray(data)
            changed[place] ^= 1 << bit
            path.write_bytes(changed)
            with pytest.raises(RecoverState, match="restore it, or inspect it and resume"):
                reopened(path).read(0)


@pytest.mark.parametrize("size", [0, 100, START, START + 30, 16000])
def test_a_file_cut_short_asks_for_recovery(size: int, tmp_path: Path) -> None:
    path = tmp_path / "log"
    made(path, 3)
    os.truncate(path, size)

    with pytest.raises(RecoverState):
        reopened(path).read(0)


def test_a_missing_entry_between_snapshot_and_log_is_told(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = FileLog(path, DiskFileSystem(), 16384)
    log.create()
    log.append(8, "eight")

    assert log.read(7) == ["eight"]
    with pytest.raises(RecoverState, match=r"expected entry 6 .* found 8; the snapshot is older"):
        log.read(5)


def test_a_full_log_says_so_until_it_is_cleared(tmp_path: Path) -> None:
    log = made(tmp_path / "log", 0)
    number = 1
    while log.room() > 0.1:
        log.append(number, "x" * 1000)
        number += 1
    with pytest.raises(FullLog):
        log.append(number, "x" * 2000)

    log.clear()

    assert log.room() == 1.0
    assert reopened(tmp_path / "log").read(number) == []
    log.append(number, "goes on")
    assert reopened(tmp_path / "log").read(number - 1) == ["goes on"]


@pytest.mark.parametrize("operation", ["write_at", "sync", "read_at"])
@pytest.mark.parametrize("torn", [False, True])
def test_an_entry_that_was_refused_is_gone_and_the_log_goes_on(
    operation: str, torn: bool, tmp_path: Path, faulty_files
) -> None:
    path = tmp_path / "log"
    log = made(path, 2, faulty_files)
    faulty_files.torn = torn
    faulty_files.fail_at[operation] = faulty_files.calls.get(operation, 0) + 1

    with pytest.raises(RetryWrite, match="free the disk"):
        log.append(3, "refused")

    assert reopened(path).read(0) == ["entry 1", "entry 2"]
    log.append(3, "repeated")
    assert reopened(path).read(0) == ["entry 1", "entry 2", "repeated"]


def test_an_entry_that_could_not_be_taken_back_is_mended_before_the_next(
    tmp_path: Path, faulty_files
) -> None:
    path = tmp_path / "log"
    log = made(path, 1, faulty_files)
    faulty_files.always.add("sync")
    for _ in range(3):
        with pytest.raises(RetryWrite):
            log.append(2, "a longer one that was refused")
    faulty_files.always.clear()

    log.append(2, "short")

    assert reopened(path).read(0) == ["entry 1", "short"]


def test_a_second_writer_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "log"
    one = made(path, 2)
    two = reopened(path)
    two.read(0)
    two.append(3, "from elsewhere")

    with pytest.raises(ForeignWrite, match="only writer"):
        one.append(3, "mine")
    assert one.read(2) == ["from elsewhere"]
    one.append(4, "mine")
    two.clear()
    with pytest.raises(ForeignWrite):
        one.append(5, "into a file without a name")
    two.append(5, "five")
    with pytest.raises(ForeignWrite, match="expected entry 6"):
        two.append(5, "five again")


def test_an_unreadable_log_is_moved_away_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "some.journal"
    log = made(path, 2)
    data = path.read_bytes()

    log.retire()

    assert not log.exists()
    assert (tmp_path / "some-journal.unreadable").read_bytes() == data
    log.create()
    assert log.read(0) == []

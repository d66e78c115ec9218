"""The kill switch: durable before acknowledged, believed killed when in doubt."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from protection.circuit_breakers.kill_switch import LOCK_KEY, KillSwitch, lock_text
from protection.contracts import ManualClock, NameActor, RetryWrite
from protection.contracts.stores import FileStateStore, MemoryStateStore, pack

CLOCK = ManualClock(datetime(2020, 1, 6, tzinfo=UTC))


def test_a_kill_is_on_the_disk_when_it_returns_and_a_restart_comes_up_killed(
    tmp_path: Path,
) -> None:
    switch = KillSwitch(FileStateStore(tmp_path), CLOCK)
    assert not switch.killed

    record = switch.kill("Ada", "strange fills")

    again = KillSwitch(FileStateStore(tmp_path), CLOCK)
    assert again.killed
    assert again.flatten
    assert again.history == (record,)
    assert again.reason == "killed by Ada at 2020-01-06T00:00:00+00:00: strange fills"


@pytest.mark.parametrize(("actor", "reason"), [("", "why"), ("who", ""), ("  ", "why")])
def test_nobody_and_for_no_reason_can_neither_kill_nor_resume(actor: str, reason: str) -> None:
    switch = KillSwitch(MemoryStateStore(), CLOCK)
    with pytest.raises(NameActor):
        switch.kill(actor, reason)
    assert not switch.killed

    switch.kill("Ada", "test")
    with pytest.raises(NameActor):
        switch.resume(actor, reason)
    assert switch.killed


def test_only_a_named_resume_clears_it_and_the_history_is_kept(tmp_path: Path) -> None:
    switch = KillSwitch(FileStateStore(tmp_path), CLOCK)
    switch.kill("Ada", "strange fills")
    switch.resume("Grace", "fills explained")
    switch.kill("Ada", "again", flatten=False)

    again = KillSwitch(FileStateStore(tmp_path), CLOCK)
    assert [(r.killed, r.actor) for r in again.history] == [
        (True, "Ada"),
        (False, "Grace"),
        (True, "Ada"),
    ]
    assert again.killed
    assert not again.flatten


@pytest.mark.parametrize("journal", ["write_at", "sync", "read_at"])
@pytest.mark.parametrize("lock", ["write_new", "replace", "sync_folder"])
def test_a_kill_that_cannot_be_stored_kills_all_the_same_and_says_so(
    lock: str, journal: str, tmp_path: Path, faulty_files
) -> None:
    switch = KillSwitch(FileStateStore(tmp_path, faulty_files), CLOCK)
    faulty_files.always.update((lock, journal))

    with pytest.raises(RetryWrite):
        switch.kill("Ada", "disk full")

    assert switch.killed
    assert not switch.durable
    faulty_files.always.clear()
    switch.kill("Ada", "disk full")
    assert switch.durable
    assert KillSwitch(FileStateStore(tmp_path), CLOCK).killed


@pytest.mark.parametrize(
    "operation", ["write_new", "replace", "sync_folder", "write_at", "sync", "read_at", "stamp"]
)
@pytest.mark.parametrize("torn", [False, True])
def test_a_kill_is_durable_in_journal_or_lock_whichever_fails(
    operation: str, torn: bool, tmp_path: Path, faulty_files
) -> None:
    switch = KillSwitch(FileStateStore(tmp_path, faulty_files), CLOCK)
    faulty_files.always.add(operation)
    faulty_files.torn = torn

    switch.kill("Ada", "one road is closed")

    assert switch.durable
    again = KillSwitch(FileStateStore(tmp_path), CLOCK)
    assert again.killed
    assert again.flatten


@pytest.mark.parametrize("operation", ["write_at", "sync", "read_at"])
@pytest.mark.parametrize("torn", [False, True])
def test_a_resume_that_the_journal_refuses_resumes_nothing(
    operation: str, torn: bool, tmp_path: Path, faulty_files
) -> None:
    switch = KillSwitch(FileStateStore(tmp_path, faulty_files), CLOCK)
    switch.kill("Ada", "test")
    faulty_files.always.add(operation)
    faulty_files.torn = torn

    with pytest.raises(RetryWrite):
        switch.resume("Grace", "fine")

    assert switch.killed
    assert KillSwitch(FileStateStore(tmp_path), CLOCK).killed
    faulty_files.always.clear()
    switch.resume("Grace", "fine")
    assert not KillSwitch(FileStateStore(tmp_path), CLOCK).killed


@pytest.mark.parametrize("operation", ["write_new", "replace"])
def test_a_resume_that_cannot_be_stored_resumes_nothing(
    operation: str, tmp_path: Path, faulty_files
) -> None:
    switch = KillSwitch(FileStateStore(tmp_path, faulty_files), CLOCK)
    switch.kill("Ada", "test")
    faulty_files.always.add(operation)

    with pytest.raises(RetryWrite):
        switch.resume("Grace", "fine")

    assert switch.killed
    assert KillSwitch(FileStateStore(tmp_path), CLOCK).killed


def test_a_resume_written_but_not_made_durable_is_taken_back(tmp_path: Path, faulty_files) -> None:
    switch = KillSwitch(FileStateStore(tmp_path, faulty_files), CLOCK)
    switch.kill("Ada", "test")
    faulty_files.fail_at["sync_folder"] = faulty_files.calls["sync_folder"] + 1

    with pytest.raises(RetryWrite):
        switch.resume("Grace", "fine")

    assert switch.killed
    assert KillSwitch(FileStateStore(tmp_path), CLOCK).killed


def test_the_journal_outlives_a_lock_that_a_power_cut_took_back(tmp_path: Path) -> None:
    switch = KillSwitch(FileStateStore(tmp_path), CLOCK)
    switch.kill("Ada", "first")
    switch.resume("Grace", "fine")
    before = (tmp_path / LOCK_KEY).read_bytes()
    record = switch.kill("Ada", "second")

    for lock in (before, None):
        (tmp_path / LOCK_KEY).unlink()
        if lock is not None:
            (tmp_path / LOCK_KEY).write_bytes(lock)
        again = KillSwitch(FileStateStore(tmp_path), CLOCK)
        assert again.killed
        assert again.history[-1] == record


def test_a_resume_holds_only_when_lock_and_journal_say_so(tmp_path: Path) -> None:
    switch = KillSwitch(FileStateStore(tmp_path), CLOCK)
    switch.kill("Ada", "test")
    killed = (tmp_path / LOCK_KEY).read_bytes()
    journal = (tmp_path / "trading.journal").read_bytes()
    switch.resume("Grace", "fine")
    resumed = (tmp_path / LOCK_KEY).read_bytes()

    (tmp_path / LOCK_KEY).write_bytes(killed)
    assert KillSwitch(FileStateStore(tmp_path), CLOCK).killed
    (tmp_path / LOCK_KEY).write_bytes(resumed)
    assert not KillSwitch(FileStateStore(tmp_path), CLOCK).killed
    (tmp_path / "trading.journal").write_bytes(journal)
    assert KillSwitch(FileStateStore(tmp_path), CLOCK).killed


def test_a_damaged_journal_counts_as_killed_until_somebody_resumes(tmp_path: Path) -> None:
    switch = KillSwitch(FileStateStore(tmp_path), CLOCK)
    switch.kill("Ada", "test")
    switch.resume("Grace", "fine")
    path = tmp_path / "trading.journal"
    data = bytearray(path.read_bytes())
    place = data.index(b"Grace")
    data[place] ^= 1
    path.write_bytes(data)

    again = KillSwitch(FileStateStore(tmp_path), CLOCK)
    assert again.killed
    assert "acknowledged, and is damaged" in again.reason

    again.resume("Grace", "the disk was replaced")
    assert not KillSwitch(FileStateStore(tmp_path), CLOCK).killed
    assert (tmp_path / "trading-journal.unreadable").read_bytes() == data


def test_a_journal_that_is_full_of_kills_begins_anew_and_forgets_none(tmp_path: Path) -> None:
    switch = KillSwitch(FileStateStore(tmp_path), CLOCK)
    for number in range(60):
        switch.kill("Ada", f"{number} " + "x" * 3000)
        if number % 3 == 2:
            switch.resume("Grace", "fine")
        again = KillSwitch(FileStateStore(tmp_path), CLOCK)
        assert again.killed == switch.killed
        assert again.history == switch.history
    assert len(switch.history) == 80


def test_two_processes_that_kill_lose_no_kill(tmp_path: Path) -> None:
    one = KillSwitch(FileStateStore(tmp_path), CLOCK)
    two = KillSwitch(FileStateStore(tmp_path), CLOCK)
    one.kill("Ada", "one")
    two.kill("Grace", "two")
    one.kill("Ada", "three")

    assert one.poll()
    again = KillSwitch(FileStateStore(tmp_path), CLOCK)
    assert again.killed
    again.resume("Ada", "over")
    assert not KillSwitch(FileStateStore(tmp_path), CLOCK).killed


def test_a_journal_that_could_not_be_read_for_a_moment_is_used_again(
    tmp_path: Path, faulty_files
) -> None:
    switch = KillSwitch(FileStateStore(tmp_path, faulty_files), CLOCK)
    switch.kill("Ada", "first")
    faulty_files.always.add("read_at")
    FileStateStore(tmp_path).write(LOCK_KEY, lock_text("watchdog", "no pulse", CLOCK.now()))
    assert switch.poll()
    with pytest.raises(RetryWrite, match="readable journal"):
        switch.resume("Grace", "fine")
    faulty_files.always = {"replace"}

    switch.kill("Ada", "with the journal alone")

    assert switch.durable
    assert "alone" in KillSwitch(FileStateStore(tmp_path), CLOCK).reason
    faulty_files.always.clear()
    switch.resume("Grace", "fine")
    assert not KillSwitch(FileStateStore(tmp_path), CLOCK).killed


def test_a_folder_without_room_for_a_journal_has_its_lock_forced(
    tmp_path: Path, faulty_files
) -> None:
    faulty_files.fail_at["write_new"] = 1
    switch = KillSwitch(FileStateStore(tmp_path, faulty_files), CLOCK)
    assert not (tmp_path / "trading.journal").exists()

    switch.kill("Ada", "test")
    assert faulty_files.calls["sync_folder"] == 1
    switch.resume("Grace", "fine")

    assert not KillSwitch(FileStateStore(tmp_path), CLOCK).killed


def test_the_evidence_comes_up_the_same_without_the_journal(tmp_path: Path) -> None:
    def agree() -> None:
        store = FileStateStore(tmp_path)
        switch = KillSwitch(store, CLOCK)
        alone = MemoryStateStore()
        text = switch.evidence()
        if text is not None:
            alone.write(LOCK_KEY, text)
        twin = KillSwitch(alone, CLOCK)
        assert (twin.killed, twin.reason, twin.flatten) == (
            switch.killed,
            switch.reason,
            switch.flatten,
        )

    agree()
    switch = KillSwitch(FileStateStore(tmp_path), CLOCK)
    switch.kill("Ada", "test")
    agree()
    switch.resume("Grace", "fine")
    agree()
    before = (tmp_path / LOCK_KEY).read_bytes()
    switch.kill("Ada", "again")
    (tmp_path / LOCK_KEY).write_bytes(before)
    agree()
    (tmp_path / LOCK_KEY).write_bytes(before[:50])
    agree()
    (tmp_path / LOCK_KEY).write_bytes(before)
    data = (tmp_path / "trading.journal").read_bytes()
    (tmp_path / "trading.journal").write_bytes(data.replace(b"Grace", b"Mally"))
    agree()


def test_a_lock_cut_at_any_place_counts_as_killed(tmp_path: Path) -> None:
    store = FileStateStore(tmp_path)
    switch = KillSwitch(store, CLOCK)
    switch.kill("Ada", "test")
    switch.resume("Ada", "over")
    text = store.read(LOCK_KEY)
    assert text is not None
    assert not KillSwitch(store, CLOCK).killed

    for length in range(len(text)):
        (tmp_path / LOCK_KEY).write_text(text[:length])
        cut = KillSwitch(store, CLOCK)
        assert cut.killed, length
        assert not cut.flatten  # a broken file closes no positions


@pytest.mark.parametrize("text", ["", "killed", "{}", pack("trading-lock", 2, {"history": []})])
def test_whatever_else_stands_in_the_lock_counts_as_killed(text: str, tmp_path: Path) -> None:
    (tmp_path / LOCK_KEY).write_text(text)

    assert KillSwitch(FileStateStore(tmp_path), CLOCK).killed


def test_a_kill_file_laid_by_somebody_else_is_seen(tmp_path: Path) -> None:
    switch = KillSwitch(FileStateStore(tmp_path), CLOCK)
    assert not switch.poll()

    (tmp_path / LOCK_KEY).touch()

    assert switch.poll()
    switch.resume("Ada", "the file was a test")
    assert not switch.poll()
    FileStateStore(tmp_path).write(LOCK_KEY, lock_text("watchdog", "no pulse", CLOCK.now()))
    assert switch.poll()
    assert switch.flatten
    assert "watchdog" in switch.reason


def test_a_lock_that_vanishes_or_is_forged_open_is_not_believed(tmp_path: Path) -> None:
    switch = KillSwitch(FileStateStore(tmp_path), CLOCK)
    switch.kill("Ada", "test")
    (tmp_path / LOCK_KEY).unlink()
    assert switch.poll()

    armed = KillSwitch(FileStateStore(tmp_path), CLOCK)
    armed.kill("Ada", "test")
    armed.resume("Ada", "over")
    (tmp_path / LOCK_KEY).unlink()
    assert armed.poll()


def test_a_whole_lock_written_by_somebody_else_can_kill_but_not_resume(tmp_path: Path) -> None:
    other = KillSwitch(FileStateStore(tmp_path / "other"), CLOCK)
    other.kill("Mallory", "test")
    other.resume("Mallory", "let it run")
    switch = KillSwitch(FileStateStore(tmp_path), CLOCK)
    switch.kill("Ada", "test")

    (tmp_path / LOCK_KEY).write_bytes((tmp_path / "other" / LOCK_KEY).read_bytes())

    assert switch.poll()
    assert "Ada" in switch.reason


def test_a_disk_that_cannot_be_looked_at_counts_as_killed(tmp_path: Path, faulty_files) -> None:
    switch = KillSwitch(FileStateStore(tmp_path, faulty_files), CLOCK)
    faulty_files.always.add("stamp")

    assert switch.poll()

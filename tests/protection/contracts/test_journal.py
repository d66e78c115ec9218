"""Snapshot and write-ahead log: the durable state is the one that was acknowledged, always."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from protection.contracts.errors import FixInput, RecoverState, RetryWrite, UpgradeSoftware
from protection.contracts.stores import (
    ChunkedStateStore,
    FileStateStore,
    ForeignWrite,
    MemoryStateStore,
    StateJournal,
    StateStore,
    pack,
    unpack,
)
from protection.contracts.stores.sqlite import SqliteStateStore
from tests.protection.conftest import FaultyFileSystem

KEY, KIND = "some.state", "some-state"


def journal(store: StateStore, version: int = 1, **more: Any) -> StateJournal:
    return StateJournal(store, KEY, KIND, version, **more)


def payloads(seed: int, count: int) -> list[dict[str, Any]]:
    """States as a system has them: a queue, a mapping that grows, scalars."""
    draw = random.Random(seed)
    state: dict[str, Any] = {"peak": 1.0, "recent": [], "board": {}}
    made = []
    for number in range(count):
        state = json.loads(json.dumps(state))
        state["peak"] += draw.random()
        state["recent"] = [*state["recent"][-20:], [f"t{number}", draw.random()]]
        state["board"][draw.choice("abcdef")] = {"state": draw.choice(("open", "closed"))}
        if draw.random() < 0.3:
            state["board"].pop(draw.choice("abcdef"), None)
        made.append(state)
    return made


class Dies(Exception):
    """The process is gone."""


class DyingFiles(FaultyFileSystem):
    """A disk under a process that is killed at the nth operation, before, within or after it."""

    def __init__(self, at: int, half: bool) -> None:
        super().__init__()
        self.left, self.half = at, half

    def _step(self) -> bool:
        self.left -= 1
        if self.left < 0:
            raise Dies
        return self.left == 0

    def write_new(self, path: Path, data: bytes, forced: bool = True) -> None:
        if self._step() and self.half:
            path.write_bytes(data[: len(data) // 2])
            raise Dies
        super().write_new(path, data, forced)

    def write_at(self, handle: int, data: bytes, offset: int) -> None:
        if self._step() and self.half:
            super().write_at(handle, data[: len(data) // 2], offset)
            raise Dies
        super().write_at(handle, data, offset)

    def replace(self, source: Path, target: Path) -> None:
        self._step()
        super().replace(source, target)

    def sync(self, handle: int) -> None:
        self._step()
        super().sync(handle)

    def sync_folder(self, folder: Path) -> None:
        self._step()
        super().sync_folder(folder)


class DyingStore(MemoryStateStore):
    """Entries like the Object Store's: truncated, then written; killed at the nth write."""

    def __init__(self, at: int = 10**9, half: bool = False) -> None:
        super().__init__()
        self.left, self.half = at, half

    def write(self, key: str, text: str) -> None:
        self.left -= 1
        if self.left == 0 and self.half:
            super().write(key, text[: len(text) // 2])
        if self.left <= 0:
            raise Dies
        super().write(key, text)

    log = None  # type: ignore[assignment]


def lived(store: StateStore, states: list[dict[str, Any]]) -> int:
    """Save until the process dies; how many were acknowledged."""
    done = 0
    try:
        written = journal(store)
        written.load()
        for number, state in enumerate(states):
            written.save(state, [["event", number]], f"t{number}", calm=number % 11 == 10)
            done += 1
    except Dies:
        pass
    return done


def check(store: StateStore, states: list[dict[str, Any]], done: int) -> None:
    try:
        found = journal(store).load()
    except RecoverState:
        assert done == 0, "only a very first snapshot has nothing to fall back on"
        assert isinstance(store, ChunkedStateStore)
        return
    allowed = [states[done - 1] if done else None, states[done] if done < len(states) else None]
    assert found in allowed


@pytest.mark.parametrize("half", [False, True])
def test_a_process_killed_at_any_file_operation_restarts_with_what_was_acknowledged(
    half: bool, tmp_path: Path
) -> None:
    states = payloads(1, 14)
    seen = set()
    for at in range(1, 200):
        folder = tmp_path / f"{at}"
        files = DyingFiles(at, half)
        done = lived(FileStateStore(folder, files), states)
        check(FileStateStore(folder), states, done)
        seen.add(done)
        if done == len(states):
            break
        # and the restart goes on from there, however the first life ended
        again = lived(FileStateStore(folder), states[done:])
        assert again == len(states) - done
        assert journal(FileStateStore(folder)).load() == states[-1]
    assert seen == set(range(len(states) + 1))


@pytest.mark.parametrize("half", [False, True])
def test_a_process_killed_at_any_write_to_the_object_store_restarts_with_what_was_acknowledged(
    half: bool,
) -> None:
    states = payloads(2, 90)  # beyond one turn of the ring of entries
    for at in [*range(1, 30), *range(60, 100)]:
        inner = DyingStore(at, half)
        done = lived(ChunkedStateStore(inner, chunk=400), states)
        inner.left = 10**9
        check(ChunkedStateStore(inner, chunk=400), states, done)
        if done == 0:
            continue
        assert lived(ChunkedStateStore(inner, chunk=400), states[done:]) == len(states) - done
        assert journal(ChunkedStateStore(inner, chunk=400)).load() == states[-1]


@pytest.mark.parametrize(
    "operation", ["write_new", "replace", "sync_folder", "write_at", "sync", "read_at"]
)
@pytest.mark.parametrize("torn", [False, True])
def test_a_fault_at_any_operation_loses_nothing_that_was_acknowledged(
    operation: str, torn: bool, tmp_path: Path
) -> None:
    states = payloads(3, 12)
    for at in range(1, 40):
        folder = tmp_path / f"{at}"
        files = FaultyFileSystem()
        files.torn = torn
        files.fail_at[operation] = at
        written = journal(FileStateStore(folder, files))
        written.load()
        durable: list[dict[str, Any] | None] = [None]
        refused = 0
        for number, state in enumerate(states):
            try:
                written.save(state, calm=number == 6)
                durable = [state]
            except RetryWrite:
                refused += 1
                durable.append(state)  # may be there all the same
            assert journal(FileStateStore(folder)).load() in durable
        assert refused <= 1
        assert journal(FileStateStore(folder)).load() == states[-1]
        if files.calls.get(operation, 0) < at:
            break
    assert at > 1


def test_a_disk_that_stays_full_keeps_taking_transitions_into_the_room_that_was_made(
    tmp_path: Path, faulty_files
) -> None:
    states = payloads(4, 30)
    written = journal(FileStateStore(tmp_path, faulty_files))
    written.save(states[0])
    faulty_files.always.add("write_new")

    for state in states[1:]:
        written.save(state)

    assert journal(FileStateStore(tmp_path)).load() == states[-1]
    assert written.snapshots == 1


def test_without_room_for_a_log_every_save_is_a_snapshot(tmp_path: Path, faulty_files) -> None:
    states = payloads(5, 4)
    written = journal(FileStateStore(tmp_path, faulty_files))
    for state in states:  # at each save the log is tried first
        faulty_files.fail_at["write_new"] = faulty_files.calls.get("write_new", 0) + 1
        written.save(state)

    assert written.snapshots == 4
    assert journal(FileStateStore(tmp_path)).load() == states[-1]


STORES: dict[str, Callable[[Path], StateStore]] = {
    "file": FileStateStore,
    "memory": lambda folder: MemoryStateStore(),
    "sqlite": lambda folder: SqliteStateStore(folder / "state.sqlite"),
    "chunked": lambda folder: ChunkedStateStore(MemoryStateStore(), chunk=1500),
}


@pytest.mark.parametrize("kind", STORES)
def test_every_store_gives_back_snapshot_and_log_and_starts_anew_when_the_log_is_full(
    kind: str, tmp_path: Path
) -> None:
    store = STORES[kind](tmp_path)
    states = payloads(6, 1100)
    written = journal(store)
    assert written.load() is None
    for number, state in enumerate(states):
        assert written.save(state, [["breaker", number]], "now")
        if number % 97 == 0:
            assert journal(store).load() == state
    assert journal(store).load() == states[-1]
    assert 1 < written.snapshots < 80

    entries = journal(store).entries()
    assert entries[-1]["events"] == [["breaker", 1099]]
    assert [entry["number"] for entry in entries] == list(
        range(written.number - len(entries) + 1, written.number + 1)
    )


def test_what_did_not_change_is_not_written(tmp_path: Path, faulty_files) -> None:
    written = journal(FileStateStore(tmp_path, faulty_files))
    written.save({"a": 1.0})
    written.save({"a": 2.0})
    before = dict(faulty_files.calls)

    assert written.save({"a": 2.0}, [["said", "again"]])

    assert faulty_files.calls == before


def test_the_log_of_another_state_is_refused(tmp_path: Path) -> None:
    written = journal(FileStateStore(tmp_path))
    written.save({"a": 1.0})
    snapshot = (tmp_path / KEY).read_bytes()
    written.save({"a": 2.0})
    log = (tmp_path / "some.journal").read_bytes()

    other = journal(FileStateStore(tmp_path / "other"))
    other.save({"b": 1.0})
    (tmp_path / "other" / "some.journal").write_bytes(log)
    with pytest.raises(RecoverState, match="altered or of another state"):
        journal(FileStateStore(tmp_path / "other")).load()

    # a snapshot put back from a copy, under a log that has gone on without it
    written = journal(FileStateStore(tmp_path))
    written.load()
    written.save({"a": 3.0})
    written.save({"a": 4.0})
    (tmp_path / KEY).write_bytes(snapshot)
    with pytest.raises(RecoverState, match="the snapshot is older than its log"):
        journal(FileStateStore(tmp_path)).load()


@pytest.mark.parametrize("lost", [KEY, "some.journal"])
def test_half_of_the_state_is_no_state(lost: str, tmp_path: Path) -> None:
    written = journal(FileStateStore(tmp_path))
    written.save({"a": 1.0})
    written.save({"a": 2.0})
    (tmp_path / lost).unlink()

    with pytest.raises(RecoverState, match="was missing; put it back, or resume"):
        journal(FileStateStore(tmp_path)).load()


def test_sealed_state_is_kept_as_evidence_and_the_log_begins_anew(tmp_path: Path) -> None:
    written = journal(FileStateStore(tmp_path))
    written.save({"a": 1.0})
    written.save({"a": 2.0})
    path = tmp_path / "some.journal"
    data = path.read_bytes().replace(b"2.0", b"9.0")
    path.write_bytes(data)
    again = journal(FileStateStore(tmp_path))
    with pytest.raises(RecoverState, match="acknowledged, and is damaged"):
        again.load()

    again.seal()
    assert not again.save({"a": 5.0})
    assert path.read_bytes() == data
    again.release()
    assert again.save({"a": 5.0})
    assert again.save({"a": 6.0})

    assert journal(FileStateStore(tmp_path)).load() == {"a": 6.0}
    assert (tmp_path / "some-journal.unreadable").read_bytes() == data
    assert unpack((tmp_path / "some.unreadable").read_text(), KIND, 1)["a"] == 1.0


def test_entries_of_an_older_version_are_put_together_before_they_are_migrated(
    tmp_path: Path,
) -> None:
    written = journal(FileStateStore(tmp_path))
    written.save({"old": 1.0})
    written.save({"old": 2.0})

    steps = {1: lambda state: {"new": state["old"] * 10}}
    newer = journal(FileStateStore(tmp_path), 2, migrations=steps)
    assert newer.load() == {"new": 20.0}
    newer.save({"new": 30.0})
    newer.save({"new": 40.0})

    again = journal(FileStateStore(tmp_path), 2, migrations=steps)
    assert again.load() == {"new": 40.0}
    with pytest.raises(UpgradeSoftware, match="run the newer version"):
        journal(FileStateStore(tmp_path)).load()


def test_state_of_a_version_without_a_log_is_taken_over(tmp_path: Path) -> None:
    store = FileStateStore(tmp_path)
    store.write(KEY, pack(KIND, 1, {"a": 1.0}))

    taken = journal(store)
    assert taken.load() == {"a": 1.0}
    taken.save({"a": 2.0})
    taken.save({"a": 3.0})

    assert journal(store).load() == {"a": 3.0}


def test_a_state_replaced_without_reading_it_leaves_no_old_entries_behind(tmp_path: Path) -> None:
    written = journal(FileStateStore(tmp_path))
    for state in payloads(7, 5):
        written.save(state)

    fresh = journal(FileStateStore(tmp_path))
    fresh.save({"a": 1.0})

    assert journal(FileStateStore(tmp_path)).load() == {"a": 1.0}


def test_a_second_writer_is_refused_until_somebody_resumes(tmp_path: Path) -> None:
    one = journal(FileStateStore(tmp_path))
    one.save({"a": 1.0})
    one.save({"a": 2.0})
    two = journal(FileStateStore(tmp_path))
    two.load()
    two.save({"a": 3.0})

    for _ in range(2):
        with pytest.raises(ForeignWrite, match="end the other one, then resume"):
            one.save({"a": 4.0})
    assert journal(FileStateStore(tmp_path)).load() == {"a": 3.0}

    one.release()
    one.save({"a": 5.0})
    assert journal(FileStateStore(tmp_path)).load() == {"a": 5.0}


def test_what_json_cannot_keep_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    written = journal(FileStateStore(tmp_path))
    written.save({"a": 1.0})
    with pytest.raises(FixInput):
        written.save({"a": float("nan")})
    with pytest.raises(FixInput):
        written.save({"a": object()})

    assert written.save({"a": 2.0})
    assert journal(FileStateStore(tmp_path)).load() == {"a": 2.0}


def test_the_evidence_reads_as_the_state_does(tmp_path: Path) -> None:
    def agree(expected: str) -> None:
        store = FileStateStore(tmp_path)
        alone = MemoryStateStore()
        text = journal(store).evidence()
        if text is not None:
            alone.write(KEY, text)
        results = []
        for source in (store, alone):
            try:
                results.append(repr(journal(source).load()))
            except RecoverState as error:
                results.append(str(error))
        assert results[0] == results[1]
        assert expected in results[0]

    agree("None")
    written = journal(FileStateStore(tmp_path))
    written.save({"a": 1.0})
    agree("1.0")
    written.save({"a": 2.0})
    agree("2.0")
    log = (tmp_path / "some.journal").read_bytes()
    (tmp_path / "some.journal").write_bytes(log.replace(b"2.0", b"3.0"))
    agree("damaged")
    (tmp_path / "some.journal").unlink()
    agree("missing")
    (tmp_path / KEY).write_text("half")
    agree("readable first line")

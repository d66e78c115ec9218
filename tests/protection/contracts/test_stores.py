"""Stores: old or new content, never a mix, and no promise that was not kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protection.contracts.errors import FixInput, RecoverState, RetryWrite, UpgradeSoftware
from protection.contracts.stores import (
    FileStateStore,
    MemoryStateStore,
    ObjectStateStore,
    StateVault,
    pack,
    unpack,
)

PAYLOAD = {"peak": 0.1 + 0.2, "name": "größer", "list": [1, None, True]}


class ObjectStore:
    """Answers like LEAN's Object Store: memory until a path is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.dirty: dict[str, str] = {}
        self.cache: dict[str, str] = {}
        self.full = False
        self.flush_fails = False

    def contains_key(self, path: str) -> bool:
        return path in self.cache or (self.folder / path).exists()

    def read(self, path: str) -> str:
        if path not in self.cache:
            self.cache[path] = (self.folder / path).read_text("utf-8")
        return self.cache[path]

    def save(self, path: str, text: str) -> bool:
        if self.full:
            return False
        self.cache[path] = self.dirty[path] = text
        return True

    def get_file_path(self, path: str) -> str:
        if not self.flush_fails:
            for key, text in self.dirty.items():
                (self.folder / key).write_text(text, "utf-8")
            self.dirty.clear()
        return str(self.folder / path)


def test_an_envelope_gives_back_exactly_what_went_in() -> None:
    assert unpack(pack("kind", 1, PAYLOAD), "kind", 1) == PAYLOAD


@given(st.data())
def test_an_envelope_cut_or_changed_anywhere_is_refused(data: st.DataObject) -> None:
    text = pack("kind", 1, {"peak": 1.25})
    place = data.draw(st.integers(0, len(text) - 1))
    cut = text[:place]
    changed = text[:place] + chr((ord(text[place]) + 1) % 128) + text[place + 1 :]

    for broken in (cut, changed):
        with pytest.raises(RecoverState):
            unpack(broken, "kind", 1)


def test_an_envelope_of_the_future_asks_for_the_newer_version() -> None:
    with pytest.raises(UpgradeSoftware, match="version 1 or older, was 2"):
        unpack(pack("kind", 2, {}), "kind", 1)


def test_an_old_envelope_is_migrated_step_by_step_or_refused() -> None:
    old = pack("kind", 1, {"a": 1})
    steps = {1: lambda p: p | {"b": 2}, 2: lambda p: p | {"c": p["b"] + 1}}

    assert unpack(old, "kind", 3, steps) == {"a": 1, "b": 2, "c": 3}
    with pytest.raises(RecoverState, match="version 3"):
        unpack(old, "kind", 3, {1: steps[1]})


def test_another_kind_and_what_json_cannot_keep_are_refused() -> None:
    with pytest.raises(RecoverState, match="kind"):
        unpack(pack("other", 1, {}), "kind", 1)
    with pytest.raises(FixInput):
        pack("kind", 1, {"peak": float("nan")})
    with pytest.raises(FixInput):
        pack("kind", 1, {"peak": object()})


@pytest.mark.parametrize("kind", ["file", "memory", "object"])
def test_every_store_reads_back_what_was_written(kind: str, tmp_path: Path) -> None:
    store = {
        "file": lambda: FileStateStore(tmp_path / "state"),
        "memory": MemoryStateStore,
        "object": lambda: ObjectStateStore(ObjectStore(tmp_path)),
    }[kind]()

    assert store.read("trading.lock") is None
    store.write("trading.lock", "one\n")
    first = store.stamp("trading.lock")
    store.write("trading.lock", "zwei ü\n")

    assert store.read("trading.lock") == "zwei ü\n"
    assert store.stamp("trading.lock") != first
    for key in ("../x", "a.b.c", "", "a b", ".hidden", "a:b"):
        with pytest.raises(FixInput):
            store.write(key, "x")


@pytest.mark.parametrize("operation", ["write_new", "replace", "sync_folder"])
@pytest.mark.parametrize("torn", [False, True])
def test_a_write_that_fails_says_so_and_leaves_a_whole_content(
    operation: str, torn: bool, tmp_path: Path, faulty_files
) -> None:
    store = FileStateStore(tmp_path, faulty_files)
    store.write("state", "old")
    faulty_files.torn = torn
    faulty_files.fail_at[operation] = 2

    with pytest.raises(RetryWrite, match="free the disk"):
        store.write("state", "new")

    assert store.read("state") in ("old", "new")
    assert [p.name for p in tmp_path.iterdir()] == ["state"]
    store.write("state", "newer")
    assert FileStateStore(tmp_path).read("state") == "newer"


def test_partial_files_of_a_dead_process_are_removed_and_never_read(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = tmp_path / f"state.{dead.pid}-0.partial"
    left.write_text("half")
    busy = tmp_path / f"state.{os.getppid()}-0.partial"
    busy.write_text("half")

    store = FileStateStore(tmp_path)
    assert store.read("state") is None
    assert left.exists(), "whoever only reads leaves others alone"
    store.write("state", "whole")

    assert not left.exists()
    assert busy.exists(), "its process may be writing it now"
    assert store.read("state") == "whole"


def test_a_file_that_is_no_text_asks_for_recovery(tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(RecoverState, match="readable text"):
        FileStateStore(tmp_path).read("state")


def test_a_folder_that_cannot_be_made_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(RetryWrite, match="writable folder"):
        FileStateStore(tmp_path / "file" / "below")


def test_the_object_store_is_believed_only_after_the_flush(tmp_path: Path) -> None:
    lean = ObjectStore(tmp_path)
    store = ObjectStateStore(lean)
    store.write("trading.lock", "killed")
    assert (tmp_path / "protection-trading.lock").read_text() == "killed"

    lean.flush_fails = True
    with pytest.raises(RetryWrite, match="after the flush"):
        store.write("trading.lock", "killed again")
    lean.flush_fails, lean.full = False, True
    with pytest.raises(RetryWrite):
        store.write("trading.lock", "and again")


def test_what_the_host_throws_becomes_our_error(tmp_path: Path) -> None:
    class Broken(ObjectStore):
        def contains_key(self, path: str) -> bool:
            raise RuntimeError("KeyNotFoundException")

        def save(self, path: str, text: str) -> bool:
            raise RuntimeError("ArgumentException")

    store = ObjectStateStore(Broken(tmp_path))
    with pytest.raises(RecoverState, match="KeyNotFound"):
        store.read("state")
    with pytest.raises(RetryWrite, match="ArgumentException"):
        store.write("state", "x")


def test_a_sealed_vault_keeps_the_evidence_until_it_is_released() -> None:
    store = MemoryStateStore()
    store.write("protection.state", "half a")
    vault = StateVault(store, "protection.state", "protection-state", 1)
    with pytest.raises(RecoverState):
        vault.load()

    vault.seal()
    assert vault.save({"a": 1}) is False
    assert store.read("protection.state") == "half a"

    vault.release()
    assert vault.save({"a": 1}) is True
    assert vault.load() == {"a": 1}
    assert store.read("protection.unreadable") == "half a"


def test_the_stored_text_is_plain_json_lines() -> None:
    head, body = pack("kind", 1, {"a": 1}).splitlines()

    assert json.loads(head)["kind"] == "kind"
    assert json.loads(body) == {"a": 1}

"""The SQLite store keeps the promises of the others: durable, whole, and honest when it cannot."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from protection.circuit_breakers.kill_switch import LOCK_KEY, lock_text
from protection.contracts import Action, FixInput, RecoverState, RetryWrite
from protection.contracts.stores.sqlite import SqliteStateStore

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def store(tmp_path: Path) -> SqliteStateStore:
    return SqliteStateStore(tmp_path / "folder" / "state.sqlite")


def test_what_was_written_is_read_by_another_connection(store) -> None:
    assert store.read("a") is None
    assert store.stamp("a") is None
    store.write("a", "one\n")
    store.write("b", "ü")
    other = SqliteStateStore(store.path)
    assert (other.read("a"), other.read("b")) == ("one\n", "ü")
    stamp = store.stamp("a")
    other.write("a", "one\n")
    assert store.stamp("a") != stamp
    with pytest.raises(FixInput):
        store.read("../a")


def test_a_file_that_is_no_database_is_named_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    path.write_bytes(b"no database" * 500)
    with pytest.raises(RetryWrite, match=r"state\.sqlite"):
        SqliteStateStore(path)
    assert path.read_bytes() == b"no database" * 500


def test_errors_of_the_database_are_those_of_a_store(store) -> None:
    store.write("a", "one")
    with sqlite3.connect(store.path) as other:
        other.execute("UPDATE state SET text = x'00ff'")
    other.close()
    with pytest.raises(RecoverState, match="to be text"):
        store.read("a")
    store.close()
    with pytest.raises(RecoverState):
        store.read("a")
    with pytest.raises(RetryWrite):
        store.write("a", "two")
    with pytest.raises(OSError, match="cannot be looked at"):
        store.stamp("a")


def test_a_system_over_it_comes_up_killed_and_sees_a_lock_from_outside(make_world, store) -> None:
    world = make_world(store=store)
    world.day(100_000)
    SqliteStateStore(store.path).write(LOCK_KEY, lock_text("Ada", "outside", world.clock.now()))
    assert world.minute(100_000).state is Action.LIQUIDATE
    world.store = SqliteStateStore(store.path)
    assert world.restart().killed
    world.system.resume("Ada", "looked into")
    world.store = SqliteStateStore(store.path)
    assert not world.restart().killed


def test_what_was_acknowledged_outlives_a_kill_of_the_process(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    code = (
        "import sys; from protection.contracts.stores.sqlite import SqliteStateStore\n"
        "store, number = SqliteStateStore(sys.argv[1]), 0\n"
        "while True:\n"
        "    number += 1; store.write('a', str(number)); print(number, flush=True)\n"
    )
    for stop in (1, 5, 20):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        told = 0
        for _ in range(stop):
            told = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
        told = max([told, *(int(line) for line in process.stdout.read().split()[:-1])])
        process.wait()
        process.stdout.close()
        assert int(SqliteStateStore(path).read("a") or 0) >= told

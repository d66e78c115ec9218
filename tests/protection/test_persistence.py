"""The system's state in snapshot and journal: durable, then told; damaged, it only reduces."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from protection.assembly import MIGRATIONS, STATE_KEY, STATE_KIND, STATE_VERSION
from protection.contracts import Action, Event, OrderRequest, Statistic
from protection.contracts.stores import (
    ChunkedStateStore,
    FileStateStore,
    MemoryStateStore,
    ObjectStateStore,
    StateJournal,
    StateStore,
)
from protection.contracts.stores.sqlite import SqliteStateStore
from protection.system import ProtectionSystem
from tests.protection.contracts.test_stores import ObjectStore


def durable(store: StateStore) -> dict[str, Any]:
    """What a restart would find."""
    found = StateJournal(store, STATE_KEY, STATE_KIND, STATE_VERSION, MIGRATIONS).load()
    assert found is not None
    return found


def states(found: dict[str, Any]) -> dict[str, str]:
    """States of the breakers in a stored state."""
    board = found["board"]
    named = {name: kept["state"] for name, kept in board["portfolio"].items()}
    fed = {
        f"{name} {scope.removeprefix('symbol:')}": kept["state"]
        for name, scope, _, kept in board["gauges"]
    }
    return named | fed


def order(world, number: int, quantity: float):  # type: ignore[no-untyped-def]
    request = OrderRequest(
        number, "SPY", quantity, reference_price=100.0, reference_time=world.clock.now()
    )
    return world.system.authorize(request, world.portfolio())


def test_the_sink_hears_of_a_transition_when_a_restart_would_know_it(
    make_world, tmp_path: Path
) -> None:
    world = make_world()
    heard: list[tuple[str, str]] = []

    def sink(event: Event) -> None:
        heard.append((event.breaker, event.after))
        if event.breaker in ("daily_loss", "kl SPY", "vpin"):
            name = "vpin SPY" if event.breaker == "vpin" else event.breaker
            assert states(durable(FileStateStore(tmp_path)))[name] == event.after
        if event.breaker == "kill":
            assert ProtectionSystem(clock=world.clock, store=FileStateStore(tmp_path)).killed is (
                event.after == "killed"
            )

    world.system = ProtectionSystem(clock=world.clock, store=FileStateStore(tmp_path), sink=sink)
    world.day(100_000)
    world.minute(97_000)
    world.system.observe(Statistic("SPY", world.clock.now(), "vpin", 0.9))
    world.system.kill("Ada", "test")
    world.system.resume("Grace", "fine", role="operator")

    assert heard == [
        ("daily_loss", "open"),
        ("vpin", "open"),
        ("kill", "killed"),
        ("kill", "armed"),
    ]


def test_an_event_is_told_even_when_it_could_not_be_stored(
    make_world, tmp_path: Path, faulty_files
) -> None:
    world = make_world()
    heard: list[str] = []
    world.system = ProtectionSystem(
        clock=world.clock,
        store=FileStateStore(tmp_path, faulty_files),
        sink=lambda event: heard.append(event.breaker),
    )
    world.day(100_000)
    faulty_files.always.update(("write_new", "write_at"))

    world.minute(97_000)

    assert heard == ["daily_loss", "store"]


def test_a_sink_that_calls_back_and_one_that_raises_do_no_harm(make_world, tmp_path: Path) -> None:
    world = make_world()
    seen: list[Action] = []

    def sink(event: Event) -> None:
        seen.append(world.system.verdict.state)
        if event.breaker == "daily_loss":
            world.system.kill("Ada", "from the sink")
        if event.breaker == "kill":
            raise RuntimeError("no more")

    world.system = ProtectionSystem(clock=world.clock, store=FileStateStore(tmp_path), sink=sink)
    world.day(100_000)
    world.minute(97_000)

    assert world.system.killed
    assert world.transitions("internal") == [("ok", "fault")]
    assert len(seen) == 2


@pytest.mark.parametrize("kind", ["file", "sqlite", "chunked", "object"])
def test_every_kind_of_transition_is_durable_when_the_call_returns(
    kind: str, make_world, tmp_path: Path
) -> None:
    stores: dict[str, StateStore] = {
        "file": FileStateStore(tmp_path),
        "sqlite": SqliteStateStore(tmp_path / "state.sqlite"),
        "chunked": ChunkedStateStore(MemoryStateStore(), chunk=2000),
        "object": ChunkedStateStore(ObjectStateStore(ObjectStore(tmp_path)), chunk=2000),
    }
    store = stores[kind]
    world = make_world(store=store)

    def agree() -> None:
        assert durable(store) == world.system.snapshot()

    world.day(100_000)  # day start
    agree()
    world.minute(101_000)  # peak
    agree()
    assert durable(store)["account"]["lifetime"] == 101_000
    world.minute(98_000)  # trip
    agree()
    assert states(durable(store))["daily_loss"] == "open"
    world.system.observe(Statistic("SPY", world.clock.now(), "repeated_execution", 1.0))
    world.system.observe(Statistic("SPY", world.clock.now(), "repeated_execution", 0.0))
    agree()
    assert states(durable(store))["repeated_execution SPY"] == "latched"
    assert world.system.rearm("repeated_execution", "Ada", "mended")
    agree()
    until = world.clock.now() + timedelta(hours=1)
    assert world.system.disable("kl", until, "Ada", "retraining")
    agree()
    assert world.system.enable("kl", "Ada", "done")
    agree()
    world.system.kill("Ada", "test")
    assert world.restart().killed
    world.system.resume("Grace", "fine", role="operator")
    agree()
    assert not world.restart().killed
    agree()


def test_a_damaged_journal_means_only_reduce_until_somebody_resumes(
    make_world, tmp_path: Path
) -> None:
    store = FileStateStore(tmp_path)
    world = make_world(store=store)
    world.hold("SPY", 100, 100)
    world.day(100_000)
    world.minute(100_500)
    path = tmp_path / "protection.journal"
    data = bytearray(path.read_bytes())
    data[len(bytes(data).rstrip(b"\0")) - 20] ^= 4
    path.write_bytes(data)

    world.restart()
    verdict = world.minute()

    assert verdict.state is Action.HALT
    assert "acknowledged, and is damaged" in verdict.reason
    assert "resume with actor and reason" in verdict.reason
    assert not order(world, 1, 1).allowed
    assert order(world, 2, -1).allowed
    assert path.read_bytes() == data, "evidence is kept"

    world.system.resume("Grace", "the disk was replaced", role="operator")
    world.minute()
    assert order(world, 3, 1).allowed
    assert (tmp_path / "protection-journal.unreadable").read_bytes() == data
    world.restart()
    assert world.minute().state is Action.ALLOW


def test_a_state_that_another_process_took_over_denies_adding_here(
    make_world, tmp_path: Path
) -> None:
    world = make_world(store=FileStateStore(tmp_path))
    world.hold("SPY", 100, 100)
    world.day(100_000)
    world.minute(100_100)
    other = ProtectionSystem(clock=world.clock, store=FileStateStore(tmp_path))
    other.evaluate(world.portfolio())
    world.clock.advance(timedelta(minutes=1))
    world.equity = 100_200
    other.evaluate(world.portfolio())

    world.minute(100_300)

    assert not order(world, 1, 1).allowed
    assert order(world, 2, -1).allowed
    assert "only writer" in world.system.verdict.reason


def test_the_journal_reads_as_a_list_of_what_happened(make_world, tmp_path: Path) -> None:
    store = FileStateStore(tmp_path)
    world = make_world(store=store)
    world.day(100_000)
    world.minute(97_000)
    world.day(97_000)

    journal = StateJournal(store, STATE_KEY, STATE_KIND, STATE_VERSION, MIGRATIONS)
    entries = journal.entries()

    told = [tuple(event[1:5]) for entry in entries for event in entry["events"]]
    assert ("daily_loss", "portfolio", "closed", "open") in told
    assert [entry["number"] for entry in entries] == list(range(1, len(entries) + 1))
    assert all(entry["time"] for entry in entries)


def test_the_example_of_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = Path(__file__).parents[2] / "docs" / "concepts" / "persistence.md"
    (block,) = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)

    exec(compile(block, page.name, "exec"), {})

    assert "daily_loss" in capsys.readouterr().out


def test_every_act_of_a_person_waits_for_the_ledger(make_world) -> None:
    class Ticket:
        def __init__(self, entry: dict[str, Any]) -> None:
            self.entry = entry

        def wait(self, timeout: float, *, insist: bool) -> None:
            waited.append(self.entry["type"])

    class Book:
        stall, failing = 0.25, False

        def append(self, entry: dict[str, Any]) -> None:
            raise AssertionError("the queue is there")

        def append_nowait(self, entry: dict[str, Any]) -> Ticket:
            return Ticket(entry)

    waited: list[str] = []
    world = make_world(ledger=Book())
    world.day(100_000)
    world.system.kill("Ada", "test")
    world.system.resume("Grace", "fine", role="operator")
    world.system.rearm("*", "Grace", "mended")
    world.system.disable("kl", world.clock.now() + timedelta(hours=1), "Ada", "retraining")
    world.system.enable("kl", "Ada", "done")

    assert waited == ["kill", "resume", "rearm", "disable", "enable"]

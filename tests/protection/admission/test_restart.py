"""What a restart must not forget."""

from __future__ import annotations

import numpy as np
import pytest

from protection.admission import Admitted, Cause, Source
from protection.contracts.errors import NameActor, RecoverState, RetryWrite
from protection.contracts.stores import FileStateStore, MemoryStateStore


def test_bans_outlive_a_restart_the_moment_they_are_made(desk):
    desk.door.ban("s0", actor="anna", reason="odd prints")
    desk.open()
    assert desk.door.decide(desk.trade()).cause is Cause.BANNED


def test_automatic_bans_outlive_a_crash_too(desk):
    while "s0" not in desk.registry.banned:
        desk.tick()
        desk.door.decide(desk.trade(-1.0))
    desk.open()  # nobody called save
    assert desk.door.decide(desk.trade()).cause is Cause.BANNED
    assert "invalid" in desk.door.explain("s0")


def test_replays_are_known_after_a_restart(signed):
    messages = [signed.trade() for _ in range(3)]
    for message in messages:
        signed.door.decide(message)
    signed.door.save()
    signed.open()

    assert {signed.door.decide(message).cause for message in messages} == {Cause.REPLAY}
    assert isinstance(signed.door.decide(signed.trade()), Admitted)


def test_quarantine_and_its_tickets_outlive_a_restart(desk):
    desk.registry.suspect("s0", actor="anna", reason="new", now=desk.clock.now())
    held = desk.door.decide(desk.trade())
    desk.door.save()
    desk.open()

    released = desk.door.release(held.ticket, actor="anna", reason="fine")
    assert released is not None
    assert released.envelope == held.envelope
    desk.open()
    assert len(desk.door.quarantine) == 0  # the release was durable


def test_a_door_goes_on_after_a_restart_as_if_nothing_had_happened(make_desk, tmp_path):
    rng = np.random.default_rng(4)
    prices = 100 * np.exp(np.cumsum(rng.standard_t(3, 300) * 1e-3))
    prices[[120, 205]] *= 1.04
    prices[[80, 81]] = np.nan
    steady = make_desk(sources=2, signed=True)
    broken = make_desk(sources=2, signed=True, store=FileStateStore(tmp_path))
    outcomes = []
    for start in range(0, 300, 50):
        outcomes += broken.feed(prices[start : start + 50], f"s{start // 50 % 2}")
        broken.door.save()
        broken.open()
    expected = []
    for start in range(0, 300, 50):
        expected += steady.feed(prices[start : start + 50], f"s{start // 50 % 2}")

    assert [repr(o) for o in outcomes] == [repr(o) for o in expected]
    assert broken.door.snapshot() == steady.door.snapshot()


def test_a_source_that_comes_back_finds_its_trust_and_its_nonces(signed):
    message = signed.trade()
    signed.door.decide(message)
    trust = signed.door.trust("s0")
    signed.registry.remove("s0")
    assert signed.door.decide(signed.trade()).cause is Cause.UNKNOWN_SOURCE
    signed.door.save()
    signed.open()

    assert signed.door.trust("s0") == trust
    assert signed.door.decide(message).cause is Cause.REPLAY


def test_secrets_are_no_part_of_the_stored_state(signed):
    signed.door.decide(signed.trade())
    signed.door.save()
    text = signed.store.read("admission.state")
    assert text is not None
    assert "secret" not in text


def test_unreadable_state_shuts_the_door_until_somebody_answers_for_it(desk):
    desk.door.save()
    desk.store.write("admission.state", "half a fi")
    desk.open()
    refused = desk.door.decide(desk.trade())

    assert refused.cause is Cause.INTERNAL
    assert not desk.door.save()
    with pytest.raises(NameActor):
        desk.door.recover(actor="", reason="")
    desk.door.recover(actor="anna", reason="disk was full")
    assert desk.store.read("admission.unreadable") == "half a fi"
    assert isinstance(desk.door.decide(desk.trade()), Admitted)


class FullStore(MemoryStateStore):
    def write(self, key: str, text: str) -> None:
        raise RetryWrite("expected room on the disk, was none")


def test_a_full_disk_does_not_keep_a_ban_from_being_in_force(make_desk):
    desk = make_desk(store=FullStore())
    with pytest.raises(RetryWrite):
        desk.door.ban("s0", actor="anna", reason="odd prints")
    assert desk.door.decide(desk.trade()).cause is Cause.BANNED

    other = make_desk(store=FullStore())
    for _ in range(20):
        other.tick()
        last = other.door.decide(other.trade(-1.0))
    assert last.cause is Cause.BANNED
    assert other.door.unsaved
    assert other.door.counters["store_failed"] == 1


def test_a_snapshot_of_something_else_is_refused(desk):
    with pytest.raises(RecoverState, match="admission"):
        desk.door.restore({"sources": 5})


def test_new_sources_may_be_registered_while_the_door_is_open(desk):
    assert desk.door.decide(desk.trade(source="late")).cause is Cause.UNKNOWN_SOURCE
    desk.registry.register(Source("late"))
    assert isinstance(desk.door.decide(desk.trade(source="late")), Admitted)

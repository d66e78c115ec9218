"""The gate: what becomes the live model, the way back, and how the anchor moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from protection.contracts import ManualClock
from protection.contracts.errors import FixInput, NameActor, RecoverState, RetryWrite
from protection.contracts.stores import FileStateStore, MemoryStateStore, StateStore
from protection.gating import Anchor, GateSettings, Model, ModelGate

START = datetime(2024, 3, 6, 21, 0, tzinfo=UTC)


def rows(seed: int, n: int = 200, p: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, p))


GOLDEN = Anchor(rows(1, 400), {"source": "vendor", "span": "2020 to 2023"})


class Desk:
    """A gate with its clock and store."""

    def __init__(self, store: StateStore | None = None, **settings: Any) -> None:
        self.clock = ManualClock(START)
        self.store = MemoryStateStore() if store is None else store
        self.settings = GateSettings(draws=59, **settings)
        self.gate = self.open()

    def open(self) -> ModelGate:
        self.gate = ModelGate(GOLDEN, self.settings, clock=self.clock, store=self.store)
        return self.gate


def test_at_first_the_anchor_is_the_model():
    gate = Desk().gate
    np.testing.assert_array_equal(gate.model.location, GOLDEN.model.location)
    assert [entry.action for entry in gate.history] == ["start"]


def test_a_clean_candidate_becomes_the_model_and_a_bad_one_does_not():
    gate = Desk().gate
    good = gate.judge(rows(2), label="monday")
    accepted = gate.model
    bad = gate.judge(rows(3) + 2.0, label="tuesday")

    assert good.accepted
    assert not bad.accepted
    assert bad.standing == "reject"
    assert gate.model is accepted
    np.testing.assert_allclose(accepted.location, rows(2).mean(axis=0))
    assert [entry.label for entry in gate.history] == ["", "monday", "tuesday"]
    assert bad.model == good.model


@pytest.mark.parametrize(
    "candidate",
    [
        rows(2, 20),
        rows(2, 200, 3),
        np.full((200, 2), np.nan),
        np.zeros((200, 2)),
        "nonsense",
        None,
        np.zeros((0, 2)),
        [[1.0, 2.0], [3.0]],
    ],
    ids=["few", "columns", "nan", "zeros", "text", "none", "empty", "ragged"],
)
def test_what_cannot_be_judged_is_not_accepted_and_does_not_raise(candidate):
    gate = Desk().gate
    decision = gate.judge(candidate)

    assert not decision.accepted
    assert decision.reason
    assert gate.model.rows == 400


def test_a_model_of_an_online_estimate_can_be_judged():
    gate = Desk().gate
    assert gate.judge(Model.of(rows(2))).accepted
    assert not gate.judge(Model(np.array([3.0, 0.0]), np.eye(2), 200.0)).accepted
    assert gate.judge(Model(np.zeros(2), np.eye(2), 10.0)).standing == "insufficient data"


def test_everything_outlives_a_restart(tmp_path):
    desk = Desk(FileStateStore(tmp_path))
    desk.gate.judge(rows(2), label="monday")
    desk.gate.judge(rows(3) + 2.0, label="tuesday")
    name = desk.gate.propose(rows(5, 400) + 1.0, {"source": "new"}, reason="the world moved")
    before = desk.gate
    after = desk.open()

    assert after.history == before.history
    assert after.digest == before.digest
    np.testing.assert_array_equal(after.model.covariance, before.model.covariance)
    assert after.proposals == {name: "the world moved"}


def test_a_restart_with_another_golden_set_starts_anew():
    desk = Desk()
    desk.gate.judge(rows(2))
    other = Anchor(rows(9, 400), {"source": "another"})
    gate = ModelGate(other, desk.settings, clock=desk.clock, store=desk.store)

    assert gate.anchor.digest == other.digest
    assert gate.model.rows == 400


def test_rollback_goes_back_one_accepted_model():
    desk = Desk()
    first = desk.gate.judge(rows(2))
    desk.gate.judge(rows(3))
    with pytest.raises(NameActor):
        desk.gate.rollback(actor="anna", reason="")
    model = desk.gate.rollback(actor="anna", reason="odd positions")

    np.testing.assert_allclose(model.location, rows(2).mean(axis=0))
    assert desk.gate.digest == first.model
    assert desk.open().digest == first.model


def test_a_damaged_checkpoint_leads_back_to_the_last_whole_one():
    desk = Desk()
    first = desk.gate.judge(rows(2))
    second = desk.gate.judge(rows(3))
    desk.store.write(f"model-{second.model[:40]}.json", "half a fi")
    gate = desk.open()

    assert gate.digest == first.model
    np.testing.assert_allclose(gate.model.location, rows(2).mean(axis=0))


def test_a_golden_set_that_was_tampered_with_is_found_out():
    desk = Desk()
    key = f"anchor-{GOLDEN.digest[:40]}.json"
    text = desk.store.read(key)
    assert text is not None
    desk.store.write(key, text.replace("vendor", "nobody"))
    with pytest.raises(RecoverState):
        desk.open()
    plain = GOLDEN.to_dict()
    with pytest.raises(RecoverState, match="hash"):
        Anchor.from_dict({**plain, "provenance": {"source": "nobody"}})
    assert Anchor.from_dict(plain).digest == GOLDEN.digest
    assert Anchor(GOLDEN.rows, {"source": "other"}).digest != GOLDEN.digest


class Failing(MemoryStateStore):
    broken = False

    def write(self, key: str, text: str) -> None:
        if self.broken and key == "gate.state":
            raise RetryWrite("expected room on the disk, was none")
        super().write(key, text)


def test_a_verdict_that_could_not_be_stored_changes_nothing():
    store = Failing()
    desk = Desk(store)
    before = desk.gate.model, desk.gate.digest, desk.gate.history
    store.broken = True
    for candidate in (rows(2), rows(3) + 2.0):
        with pytest.raises(RetryWrite):
            desk.gate.judge(candidate)
    assert (desk.gate.model, desk.gate.digest, desk.gate.history) == before


def test_no_number_of_candidates_moves_the_anchor():
    desk = Desk()
    for seed in range(30):
        desk.gate.judge(rows(seed))
    assert desk.gate.anchor.digest == GOLDEN.digest
    assert isinstance(desk.gate.step(), str)


def test_an_operator_moves_the_anchor_by_name():
    desk = Desk()
    moved = rows(5, 400) + 2.0
    name = desk.gate.propose(moved, {"source": "vendor", "span": "2024"}, reason="new regime")
    assert desk.gate.anchor.digest == GOLDEN.digest
    with pytest.raises(NameActor):
        desk.gate.approve(name, actor="", reason="looked at it")
    with pytest.raises(FixInput, match="proposal"):
        desk.gate.approve("unknown", actor="anna", reason="looked at it")
    decision = desk.gate.approve(name, actor="anna", reason="looked at it")

    assert decision.actor == "anna"
    assert desk.gate.proposals == {}
    assert desk.gate.judge(rows(6) + 2.0).accepted
    assert desk.open().anchor.digest == decision.anchor


def slow(**settings: Any) -> Desk:
    return Desk(
        slow_lane=True, slow_accepted=3, cooling_seconds=86_400.0, slow_step=0.9, **settings
    )


def test_the_slow_lane_waits_for_candidates_and_for_time():
    desk = slow()
    assert "0 of 3" in desk.gate.step()
    desk.gate.judge(rows(2))
    desk.gate.judge(rows(3) + 3.0)  # a rejection starts the count again
    desk.gate.judge(rows(4))
    desk.gate.judge(rows(5))
    assert "2 of 3" in desk.gate.step()
    desk.gate.judge(rows(6))
    decision = desk.gate.step()
    assert not isinstance(decision, str)
    assert decision.action == "step"
    for seed in (7, 8, 9):
        desk.gate.judge(rows(seed))
    assert "cooling" in desk.gate.step()
    desk.clock.advance(timedelta(days=1))
    assert not isinstance(desk.gate.step(), str)


def test_a_patient_drip_through_the_slow_lane_ends_inside_the_corridor():
    desk = slow(slow_share=0.3)
    drift, refused = 0.0, 0
    for step in range(25):
        drift += 0.12
        for seed in range(3):
            desk.gate.judge(rows(1000 + 3 * step + seed, 400) + np.array([drift, 0.0]))
        desk.clock.advance(timedelta(days=1))
        refused += isinstance(desk.gate.step(), str)
    moved = desk.gate.anchor.model.location - GOLDEN.model.location

    assert drift == pytest.approx(3.0)
    assert refused > 12
    assert float(np.linalg.norm(moved)) < 0.6


def test_single_observations_are_judged_by_the_radius():
    gate = Desk().gate
    assert not gate.anomalous([0.0, 0.0])
    assert gate.anomalous([9.0, 0.0])
    assert gate.anomalous([np.nan, 0.0])
    assert gate.anomalous([0.0])
    assert gate.anomalous("nonsense")
    assert gate.counters["anomalies"] == 4
    assert gate.distance([1.0, 1.0]) == pytest.approx(
        float(GOLDEN.distances([[1.0, 1.0], [0.0, 0.0]])[0])
    )


def test_rows_handed_in_cannot_be_changed_afterwards():
    table = rows(1, 400)
    anchor = Anchor(table)
    table[:] = 0.0
    assert anchor.rows.std() > 0.9
    with pytest.raises(ValueError, match="read-only"):
        anchor.rows[0, 0] = 1.0

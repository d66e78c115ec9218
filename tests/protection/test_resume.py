"""Who may clear a kill: a person in a role, with a reason, and where wanted a second person."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from protection.blockchain.ledger import Ledger
from protection.blockchain.replay import replay
from protection.contracts import ManualClock
from protection.contracts.errors import FixSettings, NameActor
from protection.contracts.settings import ProtectionSettings
from protection.contracts.stores import FileStateStore
from protection.system import ProtectionSystem

NOW = datetime(2020, 1, 6, 15, tzinfo=UTC)
FOUR_EYES = {"kill.four_eyes": "true", "kill.roles": "Risk; Head of desk"}


def made(folder: Path, ledger: Ledger | None = None, **flat: str) -> ProtectionSystem:
    settings = ProtectionSettings.from_flat({k.replace("__", "."): v for k, v in flat.items()})
    return ProtectionSystem(
        settings, clock=ManualClock(NOW), store=FileStateStore(folder), ledger=ledger
    )


def test_a_resume_keeps_role_and_reason_in_the_lock(tmp_path: Path) -> None:
    system = made(tmp_path)
    system.kill("Ada", "strange fills")
    system.resume("Grace", "explained", role="risk", second="Ada")

    last = made(tmp_path).kill_history[-1]
    assert (last.killed, last.actor, last.role, last.second) == (False, "Grace", "risk", "Ada")
    assert last.reason == "explained"


@pytest.mark.parametrize("role", ["", "intern", "operator"])
def test_a_role_that_may_not_resume_changes_nothing(tmp_path: Path, role: str) -> None:
    system = made(tmp_path, **FOUR_EYES)
    system.kill("Ada", "strange fills")

    with pytest.raises(NameActor, match="head of desk, risk"):
        system.resume("Grace", "explained", role=role, second="Ada")

    assert system.killed
    assert made(tmp_path, **FOUR_EYES).killed


@pytest.mark.parametrize("second", ["", "  ", "Grace", " grace "])
def test_four_eyes_are_two_people(tmp_path: Path, second: str) -> None:
    system = made(tmp_path, **FOUR_EYES)
    system.kill("Ada", "strange fills")

    with pytest.raises(NameActor, match="second person"):
        system.resume("Grace", "explained", role="risk", second=second)
    assert system.killed

    system.resume("Grace", "explained", role="HEAD OF DESK", second="Ada")
    assert not system.killed


def test_settings_of_a_system_cannot_be_exchanged(tmp_path: Path) -> None:
    system = made(tmp_path)

    with pytest.raises(AttributeError):
        system.settings = ProtectionSettings.wide_open()  # type: ignore[misc]


def test_no_role_at_all_is_refused_as_a_setting() -> None:
    with pytest.raises(FixSettings, match=r"kill\.roles"):
        ProtectionSettings.from_flat({"kill.roles": " "})


def test_a_recorded_resume_replays_with_role_and_second_person(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "audit")
    system = made(tmp_path / "state", ledger, **FOUR_EYES)
    system.kill("Ada", "strange fills")
    system.resume("Grace", "explained", role="risk", second="Ada")
    ledger.flush()

    found = replay(ledger.records(), ProtectionSystem)
    ledger.close()
    assert found.same, found.divergence

"""kill -9, power cuts and failing disks, a few of each; ``make audit-crash`` runs many."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools.audit_crash import faults, kills, power_cuts

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_no_acknowledged_record_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    outcome = kills(30, seed=100, work=tmp_path)

    assert outcome.acknowledged > 30
    assert (outcome.lost, outcome.refused, outcome.accepted_damage) == (0, 0, 0)


def test_no_acknowledged_record_is_lost_when_the_power_is_cut(tmp_path: Path) -> None:
    outcome = power_cuts(80, seed=200, work=tmp_path)

    assert outcome.acknowledged > 500
    assert outcome.torn > 3
    assert (outcome.lost, outcome.refused, outcome.accepted_damage) == (0, 0, 0)


def test_no_acknowledged_record_is_lost_when_the_disk_fails(tmp_path: Path) -> None:
    outcome = faults(30, seed=300, work=tmp_path)

    assert outcome.crashes > 30
    assert outcome.acknowledged > 200
    assert (outcome.lost, outcome.refused, outcome.accepted_damage) == (0, 0, 0)

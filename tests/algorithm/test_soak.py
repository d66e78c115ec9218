"""A dozen seeds of the long live-like run; ``make soak-live`` does two hundred."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.soak_live import PLANS, soak


@pytest.mark.parametrize("seed", range(12))
def test_on_a_bad_day_the_laws_hold_and_no_exception_leaves_a_callback(
    lean_data: Path, seed: int
) -> None:
    outcome = soak(seed, lean_data, beat=30.0)

    assert outcome.faults == []
    assert outcome.asked > 20
    assert outcome.passed > 5
    assert len(PLANS) <= 12

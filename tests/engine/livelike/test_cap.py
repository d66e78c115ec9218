"""Position, open and pending orders together never exceed the cap, whatever the threads do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.livelike import LiveResult

CAPPED = Path(__file__).parent / "algorithms" / "capped.py"
CAP = 0.20
#: the price may move between the judgement and the broker's look: one minute of SPY
MOVE = 0.003

FAULTS = (
    "none,preempt=0.01",
    "all,restarts=0",
    "none,partial=0.8,late=0.5,late_seconds=120,out_of_order=0.5,duplicate=0.5,lost_cancel=0.5",
    "all,restarts=2",
)


@pytest.mark.parametrize("seed", range(21))
def test_no_interleaving_breaks_the_cap(live: Callable[..., LiveResult], seed: int) -> None:
    result = live(CAPPED, FAULTS[seed % len(FAULTS)], seed=seed, gate_threads=2 + seed % 9)

    assert result.status == "Completed", result.error
    assert 0.15 < max(result.load.values()) <= CAP * (1 + MOVE)
    answers = [text for _, _, kind, text in result.trace if kind == "gate"]
    assert len(answers) > 100
    assert any("refused" in answer for answer in answers)
    counts = result.algorithm.protection.counts  # of the last life
    assert counts["gate_errors"] == counts["event_errors"] == counts["heartbeat_errors"] == 0


def test_the_gate_is_entered_by_several_threads_at_once(live: Callable[..., LiveResult]) -> None:
    result = live(CAPPED, "none,preempt=0.02", seed=1, gate_threads=10)

    assert result.most_inside_gate >= 3


def test_updates_pass_the_gate_by_and_are_judged_by_the_buying_power_model(
    live: Callable[..., LiveResult],
) -> None:
    result = live(CAPPED, seed=2)

    assert result.algorithm.protection.counts["updates"] > 10
    assert any(kind == "update" and "refused" in text for _, _, kind, text in result.trace)

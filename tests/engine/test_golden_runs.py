"""Whole runs against runs that LEAN itself recorded: statistics, data points, order events, equity,
the algorithm's own lines.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.run import run_backtest
from tools.recorded import differences, parameters, read

RUNS = Path(__file__).resolve().parents[1] / "golden" / "lean_runs"
#: twenty-two years of seven symbols: equal orders to the default run, kept for `make test-slow`
SLOW = {"04_seven_framework@warm=history.json.gz"}
NAMES = sorted(path.name for path in RUNS.glob("*.json.gz"))


def test_every_algorithm_has_its_recordings() -> None:
    algorithms = {path.stem for path in RUNS.glob("*.py")}
    assert algorithms == {name.partition(".json")[0].partition("@")[0] for name in NAMES}
    assert len(NAMES) == 8


@pytest.mark.golden
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in NAMES]
)
def test_a_run_equals_the_one_that_lean_recorded(
    name: str, lean_data: Path, tmp_path: Path
) -> None:
    recording = RUNS / name
    algorithm = RUNS / (name.partition(".json")[0].partition("@")[0] + ".py")
    result = run_backtest(
        algorithm, lean_data, parameters=parameters(recording), object_store=tmp_path
    )
    recorded = read(recording)
    assert differences(recorded, result.content) == []
    assert result.status == recorded["status"]
    assert recorded["order_events"], "a recording without orders would prove nothing"

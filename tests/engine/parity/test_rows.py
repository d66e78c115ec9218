"""LEAN's published regression results, reproduced by algorithms of our own.

``expectations.json`` holds the statistics and order list hashes that QuantConnect/Lean publishes in
its C# regression algorithms (commit 24863901).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.run import run_backtest

HERE = Path(__file__).parent
EXPECTED: dict[int, dict[str, Any]] = {
    row["row"]: row | {"name": name}
    for name, row in json.loads((HERE / "expectations.json").read_text()).items()
}
ROWS = sorted(int(p.stem.removeprefix("row_")) for p in (HERE / "algorithms").glob("row_*.py"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row}-{EXPECTED[row]['name']}")
def test_all_statistics_and_the_order_hash_are_those_that_lean_publishes(
    row: int, lean_data: Path
) -> None:
    result = run_backtest(HERE / "algorithms" / f"row_{row:02d}.py", lean_data)
    assert result.error == ""
    assert result.completed
    expected = EXPECTED[row]["statistics"]
    got = {key: result.statistics.get(key) for key in expected}
    assert got == expected
    # LEAN publishes the points of the feed; those of history are counted apart
    history = result.algorithm._history_provider.data_point_count
    assert result.data_points - history == EXPECTED[row]["data_points"]

"""A run's warm-up over the crash of 2008: guards know it, the summary counts none of its trips."""

from __future__ import annotations

import json
from pathlib import Path

from engine.run import run_backtest
from operations.reporting.protocol import read_summary

ALGORITHM = """from AlgorithmImports import *

from algorithm.protect import protect


class Late(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2008, 10, 10)
        self.set_end_date(2008, 12, 31)
        self.symbols = [self.add_equity(t, Resolution.DAILY).symbol for t in ("SPY", "AIG", "BAC")]
        self.set_warm_up(60, Resolution.DAILY)
        self.protection = protect(self)

    def on_data(self, data):
        if not self.is_warming_up and not self.portfolio.invested:
            self.set_holdings(self.symbols[0], 0.5)
"""


def test_trips_of_the_warm_up_are_marked_and_counted_by_nobody(
    lean_data: Path, tmp_path: Path
) -> None:
    (tmp_path / "main.py").write_text(ALGORITHM)
    result = run_backtest(tmp_path / "main.py", lean_data, object_store=tmp_path / "store")
    assert result.status == "Completed", result.error
    protection = result.algorithm.protection

    summary = read_summary(json.dumps(protection.summary(), default=str))

    opened = [event for event in summary.events if event.after == "open"]
    early = [event for event in opened if event.evidence.get("warm_up")]
    late = [event for event in opened if event not in early]
    assert {event.symbol for event in early} == {"SPY", "AIG", "NB"}  # the storm of September
    assert not any(event.trips for event in early)
    assert late
    assert all(event.trips for event in late)
    # what was shown last before the start is the last that is marked
    order = [bool(event.evidence.get("warm_up")) for event in opened]
    assert order == sorted(order, reverse=True)
    assert min(event.time for event in late).date().isoformat() >= "2008-10-10"
    states = [event.after for event in summary.events if event.breaker == "volatility"]
    assert "closed" in states  # what the warm-up opened is released by the run

"""When callbacks come, and what their errors do to the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.run import run_backtest

_BEGIN = """from AlgorithmImports import *
class Callbacks(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, 10, 7)
        self.set_end_date(2013, 10, 9)
        self.spy = self.add_equity("SPY", Resolution.HOUR).symbol
"""


def _run(body: str, folder: Path, data: Path) -> Any:
    path = folder / "main.py"
    path.write_text(_BEGIN + body)
    return run_backtest(path, data, object_store=folder / "store")


def test_the_old_end_of_day_comes_two_minutes_before_midnight(
    lean_data: Path, tmp_path: Path
) -> None:
    body = """
    def on_end_of_day(self):
        self.log("day")
"""
    result = _run(body, tmp_path, lean_data)
    lines = [line for line in result.content["log"] if line.endswith(" day")]
    assert lines == ["2013-10-07 23:58:00 day", "2013-10-08 23:58:00 day"]


def test_an_error_of_on_order_event_lets_the_next_step_begin(
    lean_data: Path, tmp_path: Path
) -> None:
    body = """
    def on_data(self, data):
        self.log("data")
        if self.time.day == 8 and self.time.hour == 11:
            self.market_order(self.spy, 10)

    def on_order_event(self, order_event):
        self.log(str(order_event.status))
        raise ValueError("asked for")
"""
    result = _run(body, tmp_path, lean_data)
    assert result.status == "RuntimeError"
    assert "asked for" in result.error
    # both events are told, the step goes to its end, and the clock moves to the next bar
    texts = [line[20:] for line in result.content["log"]]
    assert texts[-3:-1] == ["SUBMITTED", "FILLED"]
    assert texts.count("data") == 9
    assert result.content["equity"][-1][0] == 1381248000  # 2013-10-08 12:00 in New York


@pytest.mark.parametrize("callback", ["on_warmup_finished", "on_end_of_algorithm"])
def test_an_error_outside_of_a_step_ends_the_run_with_its_result(
    callback: str, lean_data: Path, tmp_path: Path
) -> None:
    body = f"""
    def {callback}(self):
        raise ValueError("asked for in {callback}")
"""
    result = _run(body, tmp_path, lean_data)
    assert result.status == "RuntimeError"
    assert f"asked for in {callback}" in result.error
    assert result.content["stack_trace"]


def test_statistics_can_be_asked_for_while_the_run_goes_on(lean_data: Path, tmp_path: Path) -> None:
    body = """
    def on_data(self, data):
        if not self.portfolio.invested:
            self.set_holdings(self.spy, 1)

    def on_end_of_algorithm(self):
        summary = self.statistics.summary
        self.log(summary[PerformanceMetrics.TOTAL_ORDERS])
        self.log(str({pair.key for pair in summary} >= {"Sharpe Ratio", "Total Fees"}))
"""
    result = _run(body, tmp_path, lean_data)
    assert [line[20:] for line in result.content["log"]][-2:] == ["1", "True"]

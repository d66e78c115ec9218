"""The result of a whole run against LEAN's (commit 24863901) and the files it leaves behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.run import RunResult, run_backtest

GOLDEN = Path(__file__).parents[2] / "golden" / "lean"
EXPECTED: dict[str, Any] = json.loads((GOLDEN / "errors_quit_on_data.json").read_text())


@pytest.fixture(scope="module")
def run(lean_data: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    folder = tmp_path_factory.mktemp("run")
    return run_backtest(
        GOLDEN / "algorithms" / "errors_quit.py",
        lean_data,
        output=folder / "result",
        object_store=folder / "store",
        parameters=EXPECTED["parameters"],
    )


def test_statistics_capacity_and_order_hash_are_those_of_lean(run: RunResult) -> None:
    assert run.content["statistics"] == EXPECTED["statistics"]
    assert run.content["runtime_statistics"] == EXPECTED["runtime_statistics"]
    assert list(run.content["runtime_statistics"]) == list(EXPECTED["runtime_statistics"])


@pytest.mark.parametrize("name", ["equity", "daily_return", "benchmark"])
def test_series_are_sampled_when_lean_samples_them(run: RunResult, name: str) -> None:
    assert run.content[name] == [pytest.approx(point, rel=1e-12) for point in EXPECTED[name]]


def test_standard_charts_have_the_points_of_lean(run: RunResult) -> None:
    charts = run.content["charts"]
    assert len(EXPECTED["charts"]) >= 5
    for chart, series in EXPECTED["charts"].items():
        assert set(charts[chart]) == set(series), chart
        for name, points in series.items():
            assert charts[chart][name] == [pytest.approx(p, rel=1e-12) for p in points], name


def test_performance_profits_orders_and_log_are_those_of_lean(run: RunResult) -> None:
    content = run.content
    for part in ("tradeStatistics", "portfolioStatistics"):
        assert content["total_performance"][part] == EXPECTED["total_performance"][part]
    assert content["profit_loss"] == EXPECTED["profit_loss"]
    assert content["order_events"] == EXPECTED["order_events"]
    assert content["orders"] == EXPECTED["orders"]
    assert content["log"] == EXPECTED["log"]
    assert content["messages"]["debug"] == EXPECTED["messages"]["debug"]


def test_the_result_file_holds_the_content(run: RunResult) -> None:
    assert run.directory is not None
    assert json.loads((run.directory / "result.json").read_text()) == run.content


def test_leans_own_file_has_what_a_report_reads(run: RunResult) -> None:
    assert run.directory is not None
    lean = json.loads((run.directory / f"{run.name}.json").read_text())
    equity = lean["charts"]["Strategy Equity"]["series"]["Equity"]
    assert equity["seriesType"] == 2
    assert equity["values"] == run.content["equity"]
    assert lean["charts"]["Benchmark"]["series"]["Benchmark"]["values"] == run.content["benchmark"]
    assert lean["orders"] == run.content["orders"]
    assert lean["algorithmConfiguration"]["tradingDaysPerYear"] == 252
    assert lean["statistics"]["Estimated Strategy Capacity"].startswith("$")
    assert lean["totalPerformance"] == run.content["total_performance"]
    assert lean["rollingWindow"] == {}
    events = json.loads((run.directory / f"{run.name}-order-events.json").read_text())
    assert events == run.content["order_events"]
    log = (run.directory / f"{run.name}-log.txt").read_text()
    assert log.splitlines() == "\n".join(run.content["log"]).splitlines()


def test_a_failed_initialize_still_gives_a_result(lean_data: Path, tmp_path: Path) -> None:
    run = run_backtest(
        GOLDEN / "algorithms" / "errors_quit.py",
        lean_data,
        output=tmp_path / "result",
        object_store=tmp_path / "store",
        parameters={"where": "initialize"},
    )
    content = json.loads((tmp_path / "result" / "result.json").read_text())
    assert content["status"] == "RuntimeError"
    assert "asked for in initialize" in content["runtime_error"]
    # of no orders
    assert content["statistics"] == {"OrderListHash": "d41d8cd98f00b204e9800998ecf8427e"}
    assert content["runtime_statistics"]["Equity"] == "$100,000.00"
    assert run.content["total_performance"]["closedTrades"] == []


def test_statistics_set_by_the_algorithm_and_a_missing_rate_file_show_in_the_result(
    lean_data: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for entry in lean_data.iterdir():
        if entry.name != "alternative":
            (data / entry.name).symlink_to(entry)
    algorithm = tmp_path / "main.py"
    algorithm.write_text(
        "from AlgorithmImports import *\n"
        "class OwnFigures(QCAlgorithm):\n"
        "    def initialize(self):\n"
        "        self.set_start_date(2013, 10, 7); self.set_end_date(2013, 10, 9)\n"
        "        self.spy = self.add_equity('SPY', Resolution.DAILY).symbol\n"
        "    def on_data(self, data):\n"
        "        if not self.portfolio.invested: self.market_order(self.spy, 10)\n"
        "        self.plot('own', 'price', self.securities[self.spy].price)\n"
        "        self.set_runtime_statistic('last', 7)\n"
        "    def on_end_of_algorithm(self):\n"
        "        self.set_summary_statistic('own number', 3.25)\n"
    )
    content = run_backtest(algorithm, data, object_store=tmp_path / "store").content
    assert content["statistics"]["own number"] == "3.25"
    assert content["runtime_statistics"]["last"] == "7"
    assert len(content["custom_charts"]["own"]["series"]["price"]["values"]) == 3
    told = [line for line in content["log"] if "interest-rate.csv' is missing" in line]
    assert len(told) == 1

"""Algorithms that name .NET's namespaces, LEAN's Python files, or write in .NET's style."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from engine.run import run_backtest

_HEAD = "from AlgorithmImports import *\n"


def _run(text: str, folder: Path, data: Path) -> Any:
    path = folder / "main.py"
    path.write_text(text)
    return run_backtest(path, data, object_store=folder / "store")


def _said(result: Any) -> list[str]:
    return [line[20:] for line in result.content["log"]]


_OLD_STYLE = """
import clr
clr.AddReference("System")
from System import *
from System.Collections.Generic import List
from QuantConnect import *
from QuantConnect.Algorithm import *

class Old(QCAlgorithm):
    def Initialize(self):
        self.SetStartDate(2013, 10, 7)
        self.SetEndDate(2013, 10, 8)
        self.AddEquity("SPY", Resolution.Hour)
        self.SetAlpha(Alpha())
        self.SetPortfolioConstruction(EqualWeightingPortfolioConstructionModel())
        spy = Symbol.Create("SPY", SecurityType.Equity, Market.USA)
        zone = MarketHoursDatabase.FromDataFolder().GetExchangeHours(
            Market.USA, spy, SecurityType.Equity
        ).TimeZone
        self.Log(f"{zone} {TimeZones.NewYork == zone} {List[int]().Count}")
        day = datetime(2013, 10, 7)
        self.Log(LeanData.GenerateZipFileName(spy, day, Resolution.Minute, TickType.Trade))

    def OnOrderEvent(self, order_event):
        self.Log(order_event.Status.ToString())

class Alpha(AlphaModel):
    def Update(self, algorithm, data):
        return [Insight.Price("SPY", TimeSpan.FromHours(9), InsightDirection.Up)]
"""


def test_an_algorithm_in_dotnets_style_runs(lean_data: Path, tmp_path: Path) -> None:
    result = _run(_HEAD + _OLD_STYLE, tmp_path, lean_data)
    assert result.error == ""
    assert _said(result)[:2] == ["America/New_York True 0", "20131007_trade.zip"]
    assert _said(result)[2:4] == ["Submitted", "Filled"]


_MODELS = """
from Portfolio.RiskParityPortfolioOptimizer import RiskParityPortfolioOptimizer
from Execution.ImmediateExecutionModel import ImmediateExecutionModel as Twin
from Alphas.RsiAlphaModel import RsiAlphaModel as RsiTwin

class Uses(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, 10, 7)
        self.set_end_date(2013, 10, 7)
        self.log(str(Twin is ImmediateExecutionModel))
        self.log(str(RsiTwin is RsiAlphaModel))
        for name in ("SessionConsolidator", "DollarVolumeRenkoConsolidator"):
            try:
                eval(name)
            except NameError as error:
                self.log(str(error))
        try:
            from Portfolio.NoSuchModel import NoSuchModel
        except ImportError as error:
            self.log(str(error))
"""


def test_models_come_by_the_name_of_their_python_file(lean_data: Path, tmp_path: Path) -> None:
    result = _run(_HEAD + _MODELS, tmp_path, lean_data)
    assert _said(result) == [
        "True",
        "False",
        "name 'SessionConsolidator' is not defined",
        "name 'DollarVolumeRenkoConsolidator' is not defined",
        "No module named 'Portfolio.NoSuchModel'",
    ]


def test_a_package_of_the_users_own_wins_over_leans(lean_data: Path, tmp_path: Path) -> None:
    (tmp_path / "Risk").mkdir()
    (tmp_path / "Risk" / "__init__.py").write_text("LIMIT = 7\n")
    text = """
import Risk

class Own(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, 10, 7)
        self.set_end_date(2013, 10, 7)
        self.log(str(Risk.LIMIT))
"""
    assert _said(_run(_HEAD + text, tmp_path, lean_data)) == ["7"]


def test_nothing_stays_importable_after_a_run(lean_data: Path, tmp_path: Path) -> None:
    before = list(sys.meta_path)
    _run(_HEAD + _MODELS, tmp_path, lean_data)
    roots = {name.partition(".")[0] for name in sys.modules}
    assert not roots & {"AlgorithmImports", "Alphas", "Portfolio", "Execution", "clr", "System"}
    assert sys.meta_path == before

"""Targets for signal services: said once in a backtest, sent to the user's own when live."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.algorithm.signal_export import SignalExportManager, VBaseSignalExport
from engine.framework.targets import PortfolioTarget
from engine.run import run_backtest
from engine.types.enums import SecurityType
from engine.types.errors import EngineUnsupported
from engine.types.symbol import Symbol

SOURCE = """
from AlgorithmImports import *

class Sending(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, 10, 7)
        self.set_end_date(2013, 10, 9)
        self.spy = self.add_equity("SPY", Resolution.DAILY).symbol
        self.bond = self.add_equity("BND", Resolution.DAILY).symbol
        self.signal_export.add_signal_export_providers(
            Collective2SignalExport("key", 1), NumeraiSignalExport("one", "two", "model")
        )

    def on_data(self, data):
        self.set_holdings(self.spy, -0.5)
        self.log(str(self.signal_export.set_target_portfolio(PortfolioTarget(self.spy, 0.25))))
        self.log(str(self.signal_export.set_target_portfolio_from_portfolio()))

    def on_end_of_algorithm(self):
        shares = {str(t.symbol): t.quantity for t in self.signal_export._held()}
        held = self.portfolio[self.spy].holdings_value / self.portfolio.total_portfolio_value
        free = float(self.settings.free_portfolio_value_percentage)
        self.log(f"{abs(shares['SPY'] - held / (1 - free)) < 1e-9} {shares['BND'] == 0}")
"""


def test_a_backtest_says_once_that_targets_are_sent_in_live_mode_only(
    tmp_path: Path, lean_data: Path
) -> None:
    file = tmp_path / "sending.py"
    file.write_text(SOURCE)

    result = run_backtest(file, lean_data)

    assert result.error == ""
    lines = [line.split(" ", 2)[2] for line in result.content["log"]]
    told = "Portfolio targets are only sent in live mode"
    assert [told in str(result.content["messages"]), lines.count("True")] == [True, 6]
    assert str(result.content["messages"]).count(told) == 1
    assert lines[-1] == "True True"


class Own:
    """A service of the user's own."""

    def __init__(self, answer: bool) -> None:
        self.answer, self.seen = answer, []

    def send(self, parameters: Any) -> bool:
        self.seen.append([t.quantity for t in parameters.targets])
        return self.answer


def live() -> tuple[SignalExportManager, list[str]]:
    said: list[str] = []
    return SignalExportManager(SimpleNamespace(live_mode=True, debug=said.append)), said


def test_a_live_run_sends_to_every_provider_and_tells_whether_all_took_it() -> None:
    manager, said = live()
    target = PortfolioTarget(Symbol.create("SPY", SecurityType.EQUITY, "usa"), 0.25)
    assert not manager.set_target_portfolio(target), "nobody to send to"
    first, second = Own(False), Own(True)
    manager.add_signal_export_providers([first, second])

    assert not manager.set_target_portfolio([target, target])
    assert first.seen == second.seen == [[0.25, 0.25]]
    assert not manager.set_target_portfolio()
    assert said == ["No portfolio target given"]


def test_leans_own_services_are_not_reached() -> None:
    manager, _ = live()
    manager.add_signal_export_provider(VBaseSignalExport("key", "name"))

    with pytest.raises(EngineUnsupported, match="vBase"):
        manager.set_target_portfolio(PortfolioTarget(Symbol.EMPTY, 1))

"""Scores and returns of all securities at once: to the last digit those of each by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.run import run_backtest

ALGORITHM = """from AlgorithmImports import *

import numpy as np

from algorithm.alpha import AVERAGE, LOOKBACKS, TrendEnsemble, trend_scores
from algorithm.construction import WINDOW, VolatilityTargetConstruction
from algorithm import construction
from algorithm.prices import Closes


def alone(closes):
    price = float(closes[-1])
    votes = int(price > np.add.reduce(closes[-AVERAGE:]) / AVERAGE)
    return (votes + sum(price > float(closes[-1 - days]) for days in LOOKBACKS)) / 4


class Sizing(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2012, 1, 3)
        self.set_end_date(2013, 12, 31)
        tickers = ("SPY", "IBM", "AAPL", "BAC", "EEM", "IWM", "GOOG", "FB", "AIG")
        self.symbols = [self.add_equity(t, Resolution.DAILY).symbol for t in tickers]
        self.closes, self.scores, self.returns = Closes(max(LOOKBACKS) + 1), set(), 0
        self.sizes = VolatilityTargetConstruction(self.closes, 0.1, 0.25, 1.0)
        self.own, construction.target_weights = construction.target_weights, self.looked_at

    def on_end_of_algorithm(self):
        construction.target_weights = self.own

    def looked_at(self, scores, returns, *limits):
        rows = [np.log(self.closes.last(s, WINDOW + 1)) for s in self.known]
        columns = np.column_stack([row[1:] - row[:-1] for row in rows])
        assert np.array_equal(returns, columns) and returns.flags.c_contiguous
        assert list(scores) == self.expected
        self.returns += returns.shape[1]
        return scores / len(scores)

    def on_data(self, data):
        self.closes.take(data)
        symbols = [s for s in self.symbols if self.closes.has(s, 253)]
        assert symbols == [s for s in self.symbols if self.closes.last(s, 253) is not None]
        together = trend_scores(self.closes.table(symbols, 253)).tolist()
        one_by_one = [alone(self.closes.last(s, 253)) for s in symbols]
        assert together == one_by_one, (self.time, together, one_by_one)
        self.scores |= set(together)
        self.known = [s for s in self.symbols if self.closes.last(s, WINDOW + 1) is not None]
        self.expected = [0.125 * number for number in range(len(self.known))]
        weights = {s: 0.125 * n for n, s in enumerate(self.known)}
        self.sizes.create_targets(self, [
            Insight.price(s, timedelta(1), InsightDirection.UP, None, None, None, weights.get(s))
            for s in self.symbols
        ])
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, lean_data: Path) -> Any:
    folder = tmp_path_factory.mktemp("sizes")
    (folder / "main.py").write_text(ALGORITHM)
    result = run_backtest(folder / "main.py", lean_data, object_store=folder / "store")
    assert result.status == "Completed", result.error
    return result.algorithm


def test_scores_of_all_securities_are_those_of_each(run: Any) -> None:
    assert len(run.scores) >= 4


def test_returns_of_all_securities_are_those_of_each_day_after_day(run: Any) -> None:
    assert run.returns > 2000

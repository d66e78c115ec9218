"""``QuantBook`` gives the histories and indicators that a run gives."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from engine.notebook import QuantBook, Resolution, SimpleMovingAverage
from engine.run import run_backtest

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("LEAN_DATA", ROOT / "../shared/lean-data"))

ALGORITHM = """from AlgorithmImports import *
class Asks(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2014, 1, 2); self.set_end_date(2014, 1, 2)
        self.spy = self.add_equity("SPY", Resolution.DAILY).symbol
        self.frame = self.history(self.spy, 30, Resolution.DAILY)
"""


@pytest.fixture(autouse=True)
def _data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAN_DATA", str(DATA))


def book() -> QuantBook:
    made = QuantBook()
    made.set_start_date(2014, 1, 2)
    return made


def test_history_is_the_one_of_an_algorithm_at_the_same_time(tmp_path: Path) -> None:
    file = tmp_path / "main.py"
    file.write_text(ALGORITHM)
    wanted = run_backtest(file, DATA, object_store=tmp_path / "store").algorithm.frame
    qb = book()
    spy = qb.add_equity("SPY", Resolution.DAILY).symbol

    found = qb.history(spy, 30, Resolution.DAILY)

    assert len(found) == 30
    assert (found.to_numpy() == wanted.to_numpy()).all()
    assert list(found.columns) == list(wanted.columns)


def test_an_indicator_is_warmed_up_before_its_first_value() -> None:
    qb = book()
    spy = qb.add_equity("SPY", Resolution.DAILY).symbol
    closes = qb.history(spy, 24, Resolution.DAILY).close.to_numpy()

    frame = qb.indicator(SimpleMovingAverage(5), spy, 20, Resolution.DAILY)

    means = np.convolve(closes, np.ones(5) / 5, "valid")
    assert len(frame) == 20
    np.testing.assert_allclose(frame["current"].to_numpy(), means, rtol=1e-9)


def test_a_book_stands_at_the_last_midnight_and_two_do_not_disturb_each_other() -> None:
    first, second = QuantBook(), book()
    first.add_equity("SPY", Resolution.DAILY)

    assert first.time.hour == first.time.minute == 0
    assert datetime.now() - first.time < timedelta(days=3)
    assert second.time == datetime(2014, 1, 2)
    assert len(list(second.securities.keys())) == 0

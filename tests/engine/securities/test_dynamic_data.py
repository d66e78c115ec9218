"""``security.data``, and the cache that a share and the data about it have in common."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from engine.run import run_backtest
from engine.securities.cache import SecurityCache
from engine.securities.dynamic_data import DynamicSecurityData
from engine.types.bars import TradeBar
from engine.types.errors import InvalidOperationException
from engine.types.symbol import Symbol

LINKED = """
from AlgorithmImports import *

class Note(PythonData):
    def get_source(self, config, date, is_live_mode):
        return SubscriptionDataSource(r"{path}", SubscriptionTransportMedium.LOCAL_FILE)

    def reader(self, config, line, date, is_live_mode):
        note = Note()
        note.symbol, note.value = config.symbol, float(line.split(",")[1])
        note.time = datetime.strptime(line.split(",")[0], "%Y-%m-%d")
        note.end_time = note.time + timedelta(days=1)
        return note

class Linked(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, 10, 7)
        self.set_end_date(2013, 10, 11)
        self.spy = self.add_equity("SPY", Resolution.DAILY)
        self.note = self.add_data(Note, self.spy.symbol, Resolution.DAILY)

    def on_end_of_algorithm(self):
        found = self.spy.data.get(Note)
        self.log(f"{{found.value}} {{found.symbol == self.note.symbol}} {{self.spy.price > 100}}")
        self.log(f"{{self.note.data.get(TradeBar).close == self.spy.close}} {{self.note.price}}")
"""


def test_points_of_linked_data_are_among_the_data_of_the_share(
    tmp_path: Path, lean_data: Path
) -> None:
    notes = tmp_path / "notes.csv"
    notes.write_text("2013-10-07,1\n2013-10-09,3\n")
    algorithm = tmp_path / "linked.py"
    algorithm.write_text(LINKED.format(path=notes))

    result = run_backtest(algorithm, lean_data)

    assert result.error == ""
    assert [line.split(" ", 2)[2] for line in result.content["log"]][-2:] == [
        "3.0 True True",
        "True 3.0",
    ]


def test_a_security_without_data_has_none_of_any_type_and_takes_none() -> None:
    data = DynamicSecurityData(SecurityCache())

    assert data.get(TradeBar) is None
    assert (data.get_all(TradeBar), data.TradeBar) == ([], [])
    with pytest.raises(InvalidOperationException, match="readonly"):
        data.TradeBar = [1]
    with pytest.raises(AttributeError):
        _ = data.nothing


def test_a_bar_is_found_by_type_and_by_name() -> None:
    cache = SecurityCache()
    bar = TradeBar(datetime(2020, 1, 2), Symbol.EMPTY, 1, 2, 0.5, 1.5, 10)
    cache.add_data(bar)
    data = DynamicSecurityData(cache)

    assert data.get(TradeBar) is bar
    assert data.get_property("TradeBar") == [bar]
    assert data.has_property("TradeBar")

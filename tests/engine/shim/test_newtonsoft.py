"""``Newtonsoft.Json`` inside an algorithm."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from engine.run import run_backtest
from engine.shim.newtonsoft import JsonConvert
from engine.types.enums import Resolution
from engine.types.errors import EngineUnsupported

SOURCE = """
from AlgorithmImports import *
import Newtonsoft.Json as net
from Newtonsoft.Json import JsonConvert

class Hours(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, 10, 7)
        self.set_end_date(2013, 10, 8)
        entry = self.market_hours_database.get_entry(Market.USA, Symbol.EMPTY, SecurityType.EQUITY)
        self.spy = self.add_equity("SPY", Resolution.HOUR)
        same = net.JsonConvert.serialize_object(entry.exchange_hours)
        self.log(str(same == JsonConvert.SerializeObject(self.spy.exchange.hours)))
        self.log(same)

    def on_data(self, data):
        if not self.portfolio.invested:
            self.market_order(self.spy.symbol, 10)
            order = self.transactions.get_order_by_id(1)
            self.log(JsonConvert.serialize_object([order, self.spy.symbol]))
"""


def test_market_hours_orders_and_symbols_have_their_json(tmp_path: Path, lean_data: Path) -> None:
    file = tmp_path / "hours.py"
    file.write_text(SOURCE)

    result = run_backtest(file, lean_data)

    assert result.error == ""
    same, hours, order = (line[20:] for line in result.content["log"])
    assert same == "True"
    held = json.loads(hours)
    assert held["RegularMarketDuration"] == "06:30:00"
    assert held["EarlyCloses"]["2013-11-29T00:00:00"] == "13:00:00"
    assert "2013-12-25T00:00:00" in held["Holidays"]
    assert held["MarketHours"]["Sunday"]["IsClosedAllDay"] is True
    first, symbol = json.loads(order)
    assert (first["type"], first["quantity"], symbol["value"]) == (0, 10.0, "SPY")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (3, "3"),
        (1.0, "1.0"),
        (float("nan"), '"NaN"'),
        (Decimal("2.50"), "2.50"),
        ("ä", '"ä"'),
        (datetime(2013, 10, 7, 9, 30), '"2013-10-07T09:30:00"'),
        (timedelta(days=1, seconds=5), '"1.00:00:05"'),
        ({"a": [1, (2, 3)]}, '{"a":[1,[2,3]]}'),
        (Resolution.DAILY, "4"),
    ],
)
def test_plain_values_are_written_as_dotnet_writes_them(value: object, text: str) -> None:
    assert JsonConvert.serialize_object(value) == text


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises(EngineUnsupported, match="JsonConvert of object"):
        JsonConvert.serialize_object(object())
    with pytest.raises(EngineUnsupported, match=r"json\.loads"):
        JsonConvert.deserialize_object("{}")

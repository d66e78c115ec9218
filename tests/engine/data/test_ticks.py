"""Ticks: what the file says, when the exchange is open; data filters; venues."""

from __future__ import annotations

import zipfile
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.run import run_backtest
from engine.types.exchanges import Exchange, share_exchange

TICKS = """from AlgorithmImports import *


class Ticks(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, 10, 7)
        self.set_end_date(2013, 10, 7)
        self.set_cash(100000)
        self.set_benchmark(lambda moment: 0)
        mode = DataNormalizationMode[self.get_parameter("mode", "RAW")]
        self.spy = self.add_equity("SPY", Resolution.TICK, data_normalization_mode=mode)
        if self.get_parameter("filter"):
            self.spy.set_data_filter(Filter())
        self.bars = []
        self.consolidate("SPY", timedelta(seconds=1), self.bars.append)
        self.seen, self.prices, self.lists = [], [], []

    def on_data(self, data):
        found = data.ticks.get(self.spy.symbol)
        if found is None:
            return
        assert data[self.spy.symbol] is not None
        self.seen += [
            (self.time, t.value, t.quantity, t.exchange, t.suspicious, t.sale_condition)
            for t in found
        ]
        self.prices.append((self.time, self.spy.price))
        self.lists.append(
            (len([t for t in found if not t.suspicious]), len(self.spy.cache.get_all(Tick)))
        )
        if len(self.prices) == 1 and self.get_parameter("trade"):
            self.market_order("SPY", 10)
        if self.time >= datetime(2013, 10, 7, 9, 30, 2):
            self.quit()


class Filter(SecurityDataFilter):
    def filter(self, vehicle, data):
        assert vehicle.symbol.value == "SPY"
        if data.exchange == "FINRA":
            raise ValueError("no such venue")
        return data.exchange == str(Exchange.ARCA)
"""
OPENING = timedelta(hours=9, minutes=30)


def lines(lean_data: Path) -> list[list[str]]:
    """Return the file's own rows from the opening on."""
    path = lean_data / "equity" / "usa" / "tick" / "spy" / "20131007_trade.zip"
    with zipfile.ZipFile(path) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    rows = [line.split(",") for line in text.splitlines()]
    return [row for row in rows if int(row[0]) >= OPENING // timedelta(milliseconds=1)]


def run(tmp_path: Path, lean_data: Path, **parameters: str) -> Any:
    file = tmp_path / "main.py"
    file.write_text(TICKS)
    result = run_backtest(file, lean_data, parameters=parameters, object_store=tmp_path / "store")
    assert result.error == ""
    return result


def test_ticks_are_those_of_the_file_from_the_opening_on(tmp_path: Path, lean_data: Path) -> None:
    seen = run(tmp_path, lean_data).algorithm.seen

    assert len(seen) > 400
    midnight = datetime(2013, 10, 7)
    for (time, value, quantity, exchange, suspicious, condition), row in zip(
        seen, lines(lean_data), strict=False
    ):
        assert time == midnight + timedelta(milliseconds=int(row[0]))
        assert value == int(row[1]) / 10000
        assert quantity == float(row[2])
        assert exchange == share_exchange(row[3]).name
        assert condition == row[4]
        assert suspicious == (row[5].strip() == "1")


def test_prices_follow_the_last_tick_of_a_moment_that_is_not_suspicious(
    tmp_path: Path, lean_data: Path
) -> None:
    algorithm = run(tmp_path, lean_data).algorithm
    good = {time: value for time, value, _, _, suspicious, _ in algorithm.seen if not suspicious}

    for time, price in algorithm.prices:
        if time in good:
            assert price == good[time]
    # the security keeps the whole list of the moment
    assert all(shown == kept for shown, kept in algorithm.lists if shown)
    assert any(shown > 1 for shown, _ in algorithm.lists)


def test_a_second_of_ticks_makes_the_bar_of_its_trades(tmp_path: Path, lean_data: Path) -> None:
    algorithm = run(tmp_path, lean_data).algorithm
    bar = algorithm.bars[0]
    inside = [
        (value, quantity)
        for time, value, quantity, _, suspicious, _ in algorithm.seen
        if bar.time <= time < bar.end_time and not suspicious
    ]

    assert bar.end_time - bar.time == timedelta(seconds=1)
    assert (bar.open, bar.close) == (inside[0][0], inside[-1][0])
    assert (bar.high, bar.low) == (max(inside)[0], min(inside)[0])
    assert bar.volume == sum(quantity for _, quantity in inside)


def test_adjusted_ticks_are_scaled_exactly_and_an_order_fills_at_one(
    tmp_path: Path, lean_data: Path
) -> None:
    raw = run(tmp_path, lean_data).algorithm.seen
    result = run(tmp_path, lean_data, mode="ADJUSTED", trade="1")
    adjusted = result.algorithm.seen

    factor = Decimal(str(adjusted[0][1])) / Decimal(str(raw[0][1]))
    assert 0.8 < factor < 1
    for one, other in zip(adjusted, raw, strict=False):
        assert one[1] == pytest.approx(float(Decimal(str(other[1])) * factor), rel=1e-12)
    (fill,) = [e for e in result.content["order_events"] if e["status"] == "filled"]
    assert fill["fillPrice"] == pytest.approx(result.algorithm.prices[0][1])


def test_a_data_filter_keeps_ticks_back_and_its_errors_leave_a_line(
    tmp_path: Path, lean_data: Path
) -> None:
    result = run(tmp_path, lean_data, filter="1")

    assert {exchange for _, _, _, exchange, _, _ in result.algorithm.seen} == {"ARCA"}
    assert any("Runtime error applying data filter" in line for line in result.content["log"])
    assert any("no such venue" in line for line in result.content["log"])


@pytest.mark.parametrize(
    ("code", "name"), [("P", "ARCA"), ("q", "NASDAQ"), ("Z", "BATS"), ("V", "IEX"), ("??", "")]
)
def test_letters_of_tick_files_are_venues(code: str, name: str) -> None:
    assert share_exchange(code).name == name


def test_venues_are_equal_by_code_market_and_kinds() -> None:
    assert share_exchange("NSE", "india") == Exchange.NSE  # type: ignore[attr-defined]
    assert share_exchange("NSE") != Exchange.NSE  # type: ignore[attr-defined]
    assert share_exchange("NSE") == Exchange.NSX  # type: ignore[attr-defined]
    assert str(Exchange.UNKNOWN) == ""

"""What is written without being made has the text of what would be made."""

from __future__ import annotations

import gc
import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.results.charts import BaseSeries, CandlestickSeries, Series
from engine.results.parts import Part, pieces_of, whole
from engine.results.points import Candlestick, ChartPoint, json_rows, rows_text
from engine.results.sampled import SampledSeries
from engine.run import run_backtest
from engine.types.enums import SeriesType
from engine.types.jsontext import json_text

OWN = """
from AlgorithmImports import *

class Ending(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, 10, 7); self.set_end_date(2013, 10, 11)
        self.set_name('Ending "€"')
        self.spy = self.add_equity("SPY", Resolution.HOUR).symbol
        self.ibm = self.add_equity("IBM", Resolution.HOUR).symbol
        chart = Chart("Prices €")
        chart.add_series(CandlestickSeries("bars"))
        chart.add_series(Series("parts", SeriesType.PIE))
        chart.add_series(Series("dots", SeriesType.SCATTER, "$", Color.RED))
        self.add_chart(chart)
        self.count = 0

    def on_data(self, data):
        self.count += 1
        bar = data.bars.get(self.spy)
        if bar is None: return
        self.plot("Prices €", "bars", bar.open, bar.high, bar.low, bar.close)
        self.plot("Prices €", "parts", self.count)
        self.plot("Prices €", "dots", bar.close)
        self.plot("Strategy Equity", "own", bar.close)
        self.emit_insights(Insight.price(
            self.ibm, timedelta(hours=3), InsightDirection.UP, 0.123456, 1, "a \\"model\\"",
            None if self.count % 2 else 0.5, "tag €"))
        if self.count == 1:
            self.market_order(self.spy, 10, tag='first "€"\\n')
            self.limit_order(self.spy, 5, bar.low * 0.5)
            self.stop_limit_order(self.spy, -5, bar.low * 0.9, bar.low * 0.8)
            self.default_order_properties.time_in_force = TimeInForce.DAY
            self.limit_order(self.ibm, -5, bar.high * 2)
        elif self.count % 5 == 0:
            self.market_order(self.spy, -3)
        elif self.count % 5 == 2:
            self.market_on_close_order(self.ibm, 7)
"""


def test_a_run_that_ends_the_process_writes_what_its_content_is(
    lean_data: Path, tmp_path: Path
) -> None:
    algorithm = tmp_path / "main.py"
    algorithm.write_text(OWN)
    try:
        run = run_backtest(
            algorithm,
            lean_data,
            output=tmp_path / "result",
            object_store=tmp_path / "store",
            last=True,
        )
    finally:
        gc.enable()
    texts = {file.name: file.read_text() for file in (tmp_path / "result").iterdir()}
    content = run.content
    assert run.completed
    assert texts["result.json"] == json_text(content)
    assert texts[f"{run.name}-order-events.json"] == json_text(content["order_events"])
    assert texts[f"{run.name}.json"] == json_text(whole(run.document._lean_shape()))
    assert len(content["orders"]) > 6
    assert len(content["insights"]) > 10
    assert len(content["total_performance"]["closedTrades"]) > 2
    assert content["custom_charts"]["Prices €"]["series"]["bars"]["values"]
    assert content["charts"]["Strategy Equity"]["own"]


def test_a_part_is_found_in_dictionaries_and_nowhere_else() -> None:
    made: list[str] = []

    def make() -> list[int]:
        made.append("value")
        return [1, 2]

    def write() -> str:
        made.append("text")
        return "[1, 2]"

    part = Part(make, write)
    content = {"a": {"b": part, "c": {}}, "d": ["x"], "e": part, "€": {1: part}}
    assert "".join(pieces_of({"a": {"b": part}, "e": part})) == '{"a": {"b": [1, 2]}, "e": [1, 2]}'
    assert made == ["text"]
    assert "".join(pieces_of(content)) == json_text(whole(content))
    assert whole(content) == {
        "a": {"b": [1, 2], "c": {}},
        "d": ["x"],
        "e": [1, 2],
        "€": {1: [1, 2]},
    }
    assert made == ["text", "value"]


def test_the_text_of_a_value_that_was_handed_out_is_made_of_it() -> None:
    held = [1]
    part = Part(lambda: list(held), lambda: json_text(held))
    assert part.value() == [1]
    held.append(2)
    assert part.text() == "[1]"


def test_a_number_that_json_does_not_know_is_refused_in_a_part_too() -> None:
    with pytest.raises(ValueError, match="JSON"):
        pieces_of({"a": Part(lambda: [float("inf")])})


NUMBERS = st.none() | st.decimals(allow_nan=False, allow_infinity=False)


@given(st.lists(st.tuples(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)), NUMBERS)))
def test_columns_are_written_as_rows(pairs: list[tuple[datetime, Decimal | None]]) -> None:
    # two of each, as a day without trading repeats the number of the day before
    times = [utc for utc, _ in pairs for _ in range(2)]
    numbers = [number for _, number in pairs for _ in range(2)]
    assert rows_text(times, numbers) == json_text(json_rows(times, numbers))


START = datetime(2020, 1, 1, 0, 0, 0, 600_000)


def _series() -> list[BaseSeries]:
    bars = CandlestickSeries("bars")
    for price in ("1.5", "-2", "1E+3"):
        bars.values.append(Candlestick(START, *[Decimal(price) + step for step in range(4)]))
        bars.values.append(Candlestick(START, *[Decimal(price)] * 4))
    bars.values += [Candlestick(START, None, None, None, None), ChartPoint(START, 2)]
    pie, dots = Series("parts", SeriesType.PIE), Series("dots", SeriesType.SCATTER)
    taken, asked = SampledSeries("taken"), SampledSeries("asked")
    for series in (pie, dots, taken, asked):
        series._take(START, Decimal("7.25"))
        series._put(START.replace(hour=3), None)
    assert len(asked.values) == 2
    asked._take(START.replace(hour=5), Decimal(4))
    return [bars, pie, dots, taken, asked, Series("empty"), SampledSeries("empty")]


@pytest.mark.parametrize("series", _series(), ids=lambda series: series.name)
def test_the_text_of_a_series_is_that_of_its_points(series: BaseSeries) -> None:
    expected: Any = series._json_values()
    assert series._json_text() == json_text(expected)
    assert json.loads(series._json_text()) == expected

"""Charts as an algorithm makes them and as LEAN writes them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from engine.results.charts import BaseSeries, CandlestickSeries, Chart, Series, make_series
from engine.results.colors import Color
from engine.results.points import Candlestick, ChartPoint
from engine.types.bars import TradeBar
from engine.types.enums import ScatterMarkerSymbol, SeriesType
from engine.types.errors import ArgumentException

NOON = datetime(2013, 10, 8, 14)
SECONDS = 1381240800


def test_a_line_is_written_with_the_members_of_lean() -> None:
    line = Series("line", SeriesType.LINE, 0)
    line.add_point(NOON, 144.8595)
    assert line._json() == {
        "name": "line",
        "unit": "$",
        "index": 0,
        "seriesType": 0,
        "values": [[SECONDS, 144.8595]],
        "color": "",
        "scatterMarkerSymbol": "none",
    }


def test_a_scatter_series_has_color_marker_and_points_with_names() -> None:
    scatter = Series("s", SeriesType.SCATTER, "$", Color.RED, ScatterMarkerSymbol.TRIANGLE_DOWN)
    scatter.add_point(NOON, 144.8682)
    written = scatter._json()
    assert written["values"] == [{"x": SECONDS, "y": 144.8682}]
    assert (written["color"], written["scatterMarkerSymbol"]) == ("#FF0000", "triangle-down")


def test_candles_are_made_of_numbers_and_of_bars() -> None:
    candles = CandlestickSeries("candle", 2, "$")
    candles.add_point(NOON, 1, 2, 0.5, 1.5)
    bar = TradeBar(NOON, None, 3, 4, 2, 3.5, 100, timedelta(minutes=1))
    candles.add_point(bar)
    assert candles._json()["values"] == [
        [SECONDS, 1.0, 2.0, 0.5, 1.5],
        [SECONDS + 60, 3.0, 4.0, 2.0, 3.5],
    ]
    assert candles.index == 2


def test_a_second_point_of_one_time_replaces_the_first() -> None:
    line = Series("a")
    line.add_point(NOON, 1)
    line.add_point(NOON.replace(tzinfo=timezone.utc), 2)  # noqa: UP017
    assert [point.y for point in line.values] == [2.0]


def test_values_are_rounded_as_leans_charts_are() -> None:
    assert ChartPoint(NOON, 1234.567891).y == 1234.5679
    assert ChartPoint(NOON, 0.123456789).y == 0.1234568
    assert ChartPoint(NOON, None).y is None


def test_a_candlestick_grows_with_its_updates() -> None:
    candle = Candlestick()
    for value in (5, 7, 3, 4):
        candle.update(value)
    assert (candle.open, candle.high, candle.low, candle.close) == (5.0, 7.0, 3.0, 4.0)


def test_updates_hold_only_what_is_new() -> None:
    chart = Chart("own")
    chart.add_series(make_series(SeriesType.BAR, "b", "%"))
    chart.series["b"].add_point(NOON, 1)
    assert len(chart.get_updates().series["b"].values) == 1
    assert chart.get_updates().series["b"].values == []
    copy = chart.clone()
    assert copy.series["b"].unit == "%"
    copy.series["b"].add_point(NOON + timedelta(1), 2)
    assert len(chart.series["b"].values) == 1


def test_a_pie_is_one_slice_with_the_sum() -> None:
    pie = BaseSeries.create(SeriesType.PIE, "p")
    pie.add_point(NOON, 2)
    pie.add_point(NOON + timedelta(1), 3)
    assert pie._json()["values"] == [[SECONDS + 86400, 5.0]]


def test_a_series_name_can_be_used_once() -> None:
    chart = Chart("own")
    chart.add_series(Series("a"))
    with pytest.raises(ArgumentException, match="'a' in chart 'own'"):
        chart.add_series(Series("a"))


def test_a_line_refuses_candles_and_candles_refuse_lines() -> None:
    with pytest.raises(ArgumentException, match="requires a ChartPoint"):
        Series("a").add_point(Candlestick(NOON, 1, 2, 0, 1))
    with pytest.raises(ArgumentException, match="requires a Candlestick"):
        CandlestickSeries("c").add_point(ChartPoint(NOON, 1))


def test_colors_have_names_and_channels() -> None:
    assert Color.DarkOrange._code == Color.DARK_ORANGE._code == "#FF8C00"
    assert Color.from_argb(255, 1, 2, 3)._code == "#010203"
    assert Color.EMPTY.is_empty
    with pytest.raises(ValueError, match=r"0\.\.255"):
        Color.from_argb(256, 0, 0)
    with pytest.raises(AttributeError, match="from_argb"):
        _ = Color.NO_SUCH_COLOR

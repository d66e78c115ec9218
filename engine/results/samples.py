"""The standard charts of a run and how LEAN samples them once a day."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.results.charts import BaseSeries, Chart, Series
from engine.results.colors import Color
from engine.results.points import ChartPoint, ISeriesPoint
from engine.statistics.arithmetic import HUNDRED, divide, round_to_significant
from engine.statistics.measures import drawdown_percent
from engine.types.decimals import ZERO, round_half_even
from engine.types.enums import SeriesType

EQUITY_CHART = "Strategy Equity"
EQUITY = "Equity"
RETURN = "Return"
BENCHMARK = "Benchmark"
DRAWDOWN = "Drawdown"
TURNOVER = "Portfolio Turnover"
MARGIN = "Portfolio Margin"
SALES = "Assets Sales Volume"
_MARGIN_SERIES = 40


class ChartBook:
    """The charts of a result by name; one value a time and series."""

    def __init__(self) -> None:
        self.charts: dict[str, Chart] = {}
        chart = self.chart(EQUITY_CHART)
        chart.add_series(BaseSeries.create(SeriesType.CANDLE, EQUITY))
        chart.add_series(Series(RETURN, SeriesType.BAR, 1, "%"))

    def chart(self, name: str) -> Chart:
        """Return a chart, made first if it is missing."""
        found = self.charts.get(name)
        if found is None:
            found = self.charts[name] = Chart(name)
        return found

    def values(self, chart: str, series: str) -> list[Any]:
        """Points of a series; none if it does not exist."""
        found = self.charts.get(chart)
        held = None if found is None else found.series.get(series)
        return [] if held is None else held.values

    def sample(
        self,
        chart: str,
        series: str,
        point: ISeriesPoint,
        kind: SeriesType = SeriesType.LINE,
        unit: str = "$",
        index: int = 0,
    ) -> None:
        """Add a point later than the last one; the turnover of the same time is replaced."""
        held = self.chart(chart)
        found = held.series.get(series)
        if found is None:
            found = BaseSeries.create(kind, series, index, unit)
            held.series[series] = found
        values = found.values
        if not values or point._utc > values[-1]._utc or chart == TURNOVER:
            found.add_point(point)


class Turnover:
    """Sale volume since the last sample over the portfolio value."""

    def __init__(self) -> None:
        self._volumes = [ZERO, ZERO]
        self._last: datetime | None = None

    def take(self, utc: datetime, volume: Decimal, value: Decimal) -> Decimal:
        """Return the turnover; a second sample of one time replaces the first."""
        latest, before = self._volumes
        base = before if self._last == utc else latest
        self._volumes = [volume, latest]
        self._last = utc
        return divide(volume - base, value)


def sample_drawdown(book: ChartBook, utc: datetime, value: Decimal, high: Decimal) -> None:
    """Per cent below the highest daily value."""
    if high:
        book.sample(
            DRAWDOWN, "Equity Drawdown", ChartPoint(utc, drawdown_percent(value, high)), unit="%"
        )


def sample_sales(book: ChartBook, utc: datetime, holdings: list[Any], currency: str) -> None:
    """Sale volumes of the 30 securities with the largest."""
    traded = [h for h in holdings if h._total_sale_volume]
    traded.sort(key=lambda holding: holding._total_sale_volume, reverse=True)
    for holding in traded[:30]:
        book.sample(
            SALES,
            holding.symbol.value,
            ChartPoint(utc, holding._total_sale_volume),
            SeriesType.TREEMAP,
            currency,
        )


def sample_exposure(book: ChartBook, utc: datetime, holdings: list[Any], value: Decimal) -> None:
    """Long and short holdings of every security type over the portfolio value."""
    if not value:
        return
    longs: dict[Any, Decimal] = {}
    shorts: dict[Any, Decimal] = {}
    for holding in holdings:
        kind = holding.symbol.security_type
        longs.setdefault(kind, ZERO)
        shorts.setdefault(kind, ZERO)
        held = holding._holdings_value
        if held > 0:
            longs[kind] += held
        elif held < 0:
            shorts[kind] += held
    for side, amounts in (("Long", longs), ("Short", shorts)):
        for kind, amount in amounts.items():
            ratio = round_half_even(divide(amount, value), 4)
            book.sample(
                "Exposure", f"{kind.to_string()} - {side} Ratio", ChartPoint(utc, ratio), unit=""
            )


def sample_margin(
    book: ChartBook, utc: datetime, groups: list[tuple[str, Decimal]], value: Decimal
) -> None:
    """Margin used by position in per cent of the value; a gap ends the line of a closed position.

    Parameters
    ----------
    groups : list of (name, margin)
        Open positions.
    """
    chart = book.chart(MARGIN)
    chart.legend_disabled = True
    if not groups:
        return
    shares = [
        (name, round_to_significant(divide(margin, value), 4) if value else ZERO)
        for name, margin in groups
    ]
    top: dict[str, None] = {}
    for name, _ in sorted(shares, key=lambda pair: pair[1], reverse=True):
        if len(top) < _MARGIN_SERIES:
            top[name] = None
    others = ZERO
    rest = False
    for name, share in shares:
        if name in top:
            _margin_series(chart, name).add_point(ChartPoint(utc, share * HUNDRED))
        else:
            others += share * HUNDRED
            rest = True
    if rest:
        series = _margin_series(chart, "OTHERS")
        series.color = Color.GRAY
        series.add_point(ChartPoint(utc, others))
    for series in chart.series.values():
        last = series.values[-1] if series.values else None
        if last is None or (last._utc != utc and last._y is not None):
            series.add_point(ChartPoint(utc, None))


def _margin_series(chart: Chart, name: str) -> Series:
    found = chart.series.get(name)
    if found is None:
        found = Series(name, SeriesType.BAR, 0, "%")
        found.tooltip = "{SERIES_NAME}: {VALUE}%"
        found.index_name = "Margin Used (%)"
        chart.series[name] = found
    assert isinstance(found, Series)
    return found

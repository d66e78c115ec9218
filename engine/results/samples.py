"""The standard charts of a run and how LEAN samples them once a day."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import Any

from engine.results.charts import BaseSeries, Chart, Series
from engine.results.colors import Color
from engine.results.points import ChartPoint
from engine.statistics.arithmetic import HUNDRED, chart_number, ratio, share_of
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
_LINE, _TREEMAP = SeriesType.LINE, SeriesType.TREEMAP
# looked up once: every step of a day's samples asks for them
_new: Any = object.__new__
_VOLUME = attrgetter("_total_sale_volume")
_rounded = ChartPoint._rounded


class ChartBook:
    """The charts of a result by name; one value a time and series."""

    def __init__(self) -> None:
        self.charts: dict[str, Chart] = {}
        chart = self.chart(EQUITY_CHART)
        chart.add_series(BaseSeries.create(SeriesType.CANDLE, EQUITY))
        chart.add_series(Series(RETURN, SeriesType.BAR, 1, "%"))
        # series that were sampled, by the names of their chart and their own
        self._known: dict[tuple[str, str], BaseSeries] = {}
        # value, amount and share of the last sample of every exposure
        self._exposures: dict[str, tuple[Decimal, Decimal, Decimal]] = {}
        # value, high and result of the last drawdown
        self._fallen: tuple[Any, Any, Decimal] = (None, None, ZERO)
        # holdings with their sale volumes at the last sample, and the largest of them
        self._sold: tuple[list[Any], list[Decimal], list[Any]] = ([], [], [])

    def chart(self, name: str) -> Chart:
        """Return a chart, made first if it is missing."""
        found = self.charts.get(name)
        if found is None:
            found = self.charts[name] = Chart(name)
        return found

    def find(self, chart: str, series: str) -> Any:
        """Return a series; ``None`` if it does not exist."""
        found = self.charts.get(chart)
        return None if found is None else found.series.get(series)

    def values(self, chart: str, series: str) -> list[Any]:
        """Points of a series; none if it does not exist."""
        held = self.find(chart, series)
        return [] if held is None else held.values

    def sample(
        self,
        chart: str,
        series: str,
        utc: datetime,
        value: Decimal,
        kind: SeriesType = _LINE,
        unit: str = "$",
        index: int = 0,
    ) -> None:
        """Add a point later than the last one; the turnover of the same time is replaced."""
        found = self._known.get((chart, series))
        if found is None:
            held = self.chart(chart)
            found = held.series.get(series)
            if found is None:
                found = BaseSeries.create(kind, series, index, unit)
                held.series[series] = found
            self._known[chart, series] = found
        values = found.values
        if not values or utc > values[-1]._utc:
            kept = found._kept
            if kept[0] is not value:
                kept = found._kept = value, chart_number(value)
            point = _new(ChartPoint)
            point._utc = utc
            point._y = kept[1]
            values.append(point)
        elif chart == TURNOVER:
            found.add_point(ChartPoint._at(utc, value))


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
        sold = volume - base
        return ratio(sold, value) if sold else ZERO


def sample_drawdown(book: ChartBook, utc: datetime, value: Decimal, high: Decimal) -> None:
    """Per cent below the highest daily value."""
    if high:
        known = book._fallen
        if known[0] is not value or known[1] is not high:
            fallen = ZERO if value is high else drawdown_percent(value, high)
            known = book._fallen = value, high, fallen
        book.sample(DRAWDOWN, "Equity Drawdown", utc, known[2], unit="%")


def sample_sales(book: ChartBook, utc: datetime, holdings: list[Any], currency: str) -> None:
    """Sale volumes of the 30 securities with the largest."""
    volumes = [holding._total_sale_volume for holding in holdings]
    known, before, largest = book._sold
    if volumes != before or holdings != known:
        traded = [holding for holding in holdings if holding._total_sale_volume]
        traded.sort(key=_VOLUME, reverse=True)
        largest = traded[:30]
        book._sold = holdings, volumes, largest
    found = book._known
    for holding in largest:
        name, volume = holding._security.symbol.value, holding._total_sale_volume
        series = found.get((SALES, name))
        if series is None or series._kept[0] is not volume:
            book.sample(SALES, name, utc, volume, _TREEMAP, currency)
        elif utc > series.values[-1]._utc:
            # of a day without a sale the number is known
            point = _new(ChartPoint)
            point._utc = utc
            point._y = series._kept[1]
            series.values.append(point)


def sample_exposure(
    book: ChartBook,
    utc: datetime,
    holdings: list[Any],
    value: Decimal,
    worth: dict[int, Decimal] | None = None,
) -> None:
    """Long and short holdings of every security type over the portfolio value.

    ``worth`` are the values of all that is held, by the identity of the holding, where known.
    """
    if not value:
        return
    longs: dict[Any, Decimal] = {}
    shorts: dict[Any, Decimal] = {}
    for holding in holdings:
        kind = holding._security.type
        if kind not in longs:
            longs[kind] = shorts[kind] = ZERO
        if worth is None:
            held = holding._holdings_value
        elif id(holding) in worth:
            held = worth[id(holding)]
        else:
            continue
        if held > 0:
            longs[kind] += held
        elif held < 0:
            shorts[kind] += held
    for side, amounts in (("Long", longs), ("Short", shorts)):
        for kind, amount in amounts.items():
            name = _exposure_name(kind, side)
            # days without trading change neither
            known = book._exposures.get(name)
            if known is None or known[0] is not value or known[1] != amount:
                share = round_half_even(ratio(amount, value), 4) if amount else ZERO
                known = book._exposures[name] = value, amount, share
            book.sample("Exposure", name, utc, known[2], unit="")


@cache
def _exposure_name(kind: Any, side: str) -> str:
    return f"{kind.to_string()} - {side} Ratio"


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
    if len(groups) > _MARGIN_SERIES and len({name for name, _ in groups}) > _MARGIN_SERIES:
        _sample_most_margins(chart, utc, groups, value)
    else:
        known = dict(chart.series)
        for name, margin in groups:
            series = known.get(name)
            if series is None:
                series = known[name] = _margin_series(chart, name)
            kept = series._kept
            # days without trading change neither
            if kept[0] is not value or kept[1] != margin:
                share = share_of(margin, value) * HUNDRED if value else ZERO
                kept = series._kept = value, margin, chart_number(share)
            values = series.values
            if values and values[-1]._utc == utc:
                values[-1] = _rounded(utc, kept[2])
            else:
                values.append(_rounded(utc, kept[2]))
    for series in chart.series.values():
        values = series.values
        if values:
            last = values[-1]
            if last._utc is utc or last._y is None or last._utc == utc:
                continue
        series.add_point(ChartPoint._at(utc, None))


def _sample_most_margins(
    chart: Chart, utc: datetime, groups: list[tuple[str, Decimal]], value: Decimal
) -> None:
    """Sample the largest positions by name and the others as one."""
    shares = [(name, share_of(margin, value) if value else ZERO) for name, margin in groups]
    ranked = sorted(shares, key=lambda pair: pair[1], reverse=True)
    top = list(dict.fromkeys(name for name, _ in ranked))[:_MARGIN_SERIES]
    others = ZERO
    rest = False
    for name, share in shares:
        if name in top:
            _margin_series(chart, name).add_point(ChartPoint._at(utc, share * HUNDRED))
        else:
            others += share * HUNDRED
            rest = True
    if rest:
        series = _margin_series(chart, "OTHERS")
        series.color = Color.GRAY
        series.add_point(ChartPoint._at(utc, others))


def _margin_series(chart: Chart, name: str) -> Series:
    found = chart.series.get(name)
    if found is None:
        found = Series(name, SeriesType.BAR, 0, "%")
        found.tooltip = "{SERIES_NAME}: {VALUE}%"
        found.index_name = "Margin Used (%)"
        chart.series[name] = found
    assert isinstance(found, Series)
    return found

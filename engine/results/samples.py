"""The standard charts of a run and how LEAN samples them once a day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

from engine.results.charts import BaseSeries, Chart, Series
from engine.results.colors import Color
from engine.results.sampled import SampledSeries
from engine.statistics.arithmetic import HUNDRED, ratio, rounded_ratio, sample_number, share_of
from engine.statistics.measures import drawdown_percent
from engine.types.decimals import ZERO
from engine.types.enums import SeriesType

EQUITY_CHART = "Strategy Equity"
EQUITY = "Equity"
RETURN = "Return"
BENCHMARK = "Benchmark"
DRAWDOWN = "Drawdown"
TURNOVER = "Portfolio Turnover"
MARGIN = "Portfolio Margin"
SALES = "Assets Sales Volume"
#: series by chart and name
RETURN_LINE = (EQUITY_CHART, RETURN)
BENCHMARK_LINE = (BENCHMARK, BENCHMARK)
DRAWDOWN_LINE = (DRAWDOWN, "Equity Drawdown")
TURNOVER_LINE = (TURNOVER, TURNOVER)
CAPACITY_LINE = ("Capacity", "Strategy Capacity")
_MARGIN_SERIES = 40
_LINE, _TREEMAP = SeriesType.LINE, SeriesType.TREEMAP
_VOLUME = attrgetter("_total_sale_volume")
_Made = tuple[Any, list[Any], list[tuple[BaseSeries, Decimal]]]


class ChartBook:
    """The charts of a result by name; one value a time and series."""

    def __init__(self) -> None:
        self.charts: dict[str, Chart] = {}
        chart = self.chart(EQUITY_CHART)
        self.equity = BaseSeries.create(SeriesType.CANDLE, EQUITY)
        chart.add_series(self.equity)
        chart.add_series(SampledSeries(RETURN, SeriesType.BAR, 1, "%"))
        # series that were sampled, by the names of their chart and their own
        self._known: dict[tuple[str, str], BaseSeries] = {}
        # value, high and result of the last drawdown
        self._fallen: tuple[Any, Any, Decimal] = (None, None, ZERO)
        # all holdings, and what follows from which they are
        self._holdings: list[Any] = []
        self._kinds: list[Any] = []
        # sale volumes of the holdings at the last sample, the largest of them, their names and
        # what is sampled of them
        self._volumes: list[Decimal] | None = None
        self._largest: list[Any] = []
        self._names: list[str] = []
        self._sold: list[tuple[BaseSeries, Decimal]] = []
        # what the last exposures and margins were made of, and the numbers of each series
        self._exposed: _Made = (None, [], [])
        self._marginal: _Made = (None, [], [])
        # series of the margin chart by security
        self._margins: dict[Any, BaseSeries] = {}
        # series of the long and of the short exposures
        self._exposed_lines: list[BaseSeries] = []

    def hold(self, holdings: list[Any]) -> None:
        """Note which securities there are."""
        if holdings != self._holdings:
            self._holdings = holdings
            self._kinds = list(dict.fromkeys([holding._security.type for holding in holdings]))
            self._volumes = None
            self._exposed = (None, [], [])
            self._exposed_lines = []

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

    def pairs(self, chart: str, series: str) -> list[tuple[datetime, Any]]:
        """Times and numbers of a series; none if it does not exist."""
        held = self.find(chart, series)
        return [] if held is None else list(held._pairs())

    def series(
        self, chart: str, series: str, kind: SeriesType = _LINE, unit: str = "$", index: int = 0
    ) -> BaseSeries:
        """Return a series to be sampled, made first if it is missing."""
        found = self._known.get((chart, series))
        if found is None:
            held = self.chart(chart)
            found = held.series.get(series)
            if found is None:
                found = held.series[series] = SampledSeries(series, kind, index, unit)
            self._known[chart, series] = found
        return found

    def sample(
        self,
        name: tuple[str, str],
        utc: datetime,
        value: Decimal,
        kind: SeriesType = _LINE,
        unit: str = "$",
        index: int = 0,
    ) -> None:
        """Add a point later than the last one; the turnover of the same time is replaced.

        ``name`` are the names of the chart and of the series.
        """
        found = self._known.get(name) or self.series(*name, kind, unit, index)
        kept = found._kept
        if kept[0] is not value:
            kept = found._kept = value, sample_number(value)
        times = found._times
        if times and utc > times[-1]:
            times.append(utc)
            found._numbers.append(kept[1])
        elif not found._take(utc, kept[1]) and name is TURNOVER_LINE:
            found._put(utc, kept[1])


def _take_all(rows: list[tuple[BaseSeries, Decimal]], utc: datetime, replace: bool = False) -> None:
    """Add numbers that are later than the last, or in place of those of the same time."""
    for series, number in rows:
        times = series._times
        if times and utc > times[-1]:  # dozens a day: without a call
            times.append(utc)
            series._numbers.append(number)
        elif replace:
            series._put(utc, number)
        else:
            series._take(utc, number)


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
        book.sample(DRAWDOWN_LINE, utc, known[2], _LINE, "%")


def sample_sales(book: ChartBook, utc: datetime, currency: str) -> None:
    """Sale volumes of the 30 securities with the largest."""
    volumes = [holding._total_sale_volume for holding in book._holdings]
    changed = volumes != book._volumes
    if changed:
        traded = [holding for holding in book._holdings if holding._total_sale_volume]
        traded.sort(key=_VOLUME, reverse=True)
        book._volumes, book._largest = volumes, traded[:30]
    names = [holding._security.symbol.value for holding in book._largest]
    if changed or names != book._names:
        book._names = names
        book._sold = [
            _number_of(book.series(SALES, name, _TREEMAP, currency), holding._total_sale_volume)
            for name, holding in zip(names, book._largest, strict=True)
        ]
    _take_all(book._sold, utc)


def _number_of(series: BaseSeries, value: Decimal) -> tuple[BaseSeries, Decimal]:
    """Return a series with a value as it is sampled: most values are those of the day before."""
    kept = series._kept
    if kept[0] is not value:
        kept = series._kept = value, sample_number(value)
    return series, kept[1]


def sample_exposure(
    book: ChartBook, utc: datetime, value: Decimal, parts: list[Any] | None = None
) -> None:
    """Long and short holdings of every security type over the portfolio value.

    ``parts`` are all positions with their ``worth``, where known.
    """
    if not value:
        return
    if parts is None:
        worths = [(h._security.type, h._holdings_value) for h in book._holdings]
    else:
        worths = [
            (part.security.type, part.worth)
            for part in parts
            if part.holding is part.security.holdings
        ]
    made = book._exposed
    # days without trading change neither
    if made[0] is not value or made[1] != worths:
        made = book._exposed = value, worths, _exposures(book, value, worths)
    _take_all(made[2], utc)


def _exposures(
    book: ChartBook, value: Decimal, worths: list[tuple[Any, Decimal]]
) -> list[tuple[BaseSeries, Decimal]]:
    kinds = book._kinds
    longs = dict.fromkeys(kinds, ZERO)
    shorts = dict.fromkeys(kinds, ZERO)
    for kind, held in worths:
        if held > ZERO:
            longs[kind] += held
        elif held < ZERO:
            shorts[kind] += held
    lines = book._exposed_lines
    if not lines:
        # long ones of all kinds before short ones
        lines = book._exposed_lines = [
            book.series("Exposure", f"{kind.to_string()} - {side} Ratio", unit="")
            for side in ("Long", "Short")
            for kind in kinds
        ]
    amounts = (*longs.values(), *shorts.values())
    return [
        (line, sample_number(rounded_ratio(amount, value, 4)) if amount else ZERO)
        for line, amount in zip(lines, amounts, strict=True)
    ]


def sample_margin(
    book: ChartBook,
    utc: datetime,
    groups: list[tuple[Any, Decimal]],
    value: Decimal,
    name_of: Callable[[Any], str],
) -> None:
    """Margin used by position in per cent of the value; a gap ends the line of a closed position.

    Parameters
    ----------
    groups : list of (security, margin)
        Open positions.
    name_of : callable
        Returns what a position is called, for its symbol.
    """
    chart = book.chart(MARGIN)
    chart.legend_disabled = True
    if not groups:
        return
    named = []
    if len(groups) > _MARGIN_SERIES:
        named = [(name_of(security.symbol), margin) for security, margin in groups]
    if len({name for name, _ in named}) > _MARGIN_SERIES:
        _sample_most_margins(chart, utc, named, value)
    else:
        made = book._marginal
        # days without trading change neither
        if made[0] is not value or made[1] != groups:
            made = book._marginal = value, groups, _margins(book, groups, value, name_of)
        _take_all(made[2], utc, replace=True)
        if len(made[2]) == len(chart.series):
            return
    for series in chart.series.values():
        last = series._last()
        if last is not None and (last[0] is utc or last[1] is None or last[0] == utc):
            continue
        series._put(utc, None)


def _margins(
    book: ChartBook,
    groups: list[tuple[Any, Decimal]],
    value: Decimal,
    name_of: Callable[[Any], str],
) -> list[tuple[BaseSeries, Decimal]]:
    """Return the series of positions with their numbers; of one name the last counts."""
    known = book._margins
    found: dict[BaseSeries, Decimal] = {}
    for security, margin in groups:
        series = known.get(security)
        if series is None:
            series = _margin_series(book.chart(MARGIN), name_of(security.symbol))
            known[security] = series
        # four digits are what charts show, whatever their scale
        found[series] = (share_of(margin, value) * HUNDRED or ZERO) if value else ZERO
    return list(found.items())


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
            _margin_series(chart, name)._put(utc, sample_number(share * HUNDRED))
        else:
            others += share * HUNDRED
            rest = True
    if rest:
        series = _margin_series(chart, "OTHERS")
        series.color = Color.GRAY
        series._put(utc, sample_number(others))


def _margin_series(chart: Chart, name: str) -> Series:
    found = chart.series.get(name)
    if found is None:
        found = SampledSeries(name, SeriesType.BAR, 0, "%")
        found.tooltip = "{SERIES_NAME}: {VALUE}%"
        found.index_name = "Margin Used (%)"
        chart.series[name] = found
    assert isinstance(found, Series)
    return found

"""``Chart``, ``Series`` and ``CandlestickSeries``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.results.colors import Color
from engine.results.points import (
    Candlestick,
    ChartPoint,
    ISeriesPoint,
    ScatterChartPoint,
    json_points,
)
from engine.types.bars import TradeBar
from engine.types.decimals import ZERO
from engine.types.dotnet import LeanDict, LeanObject
from engine.types.enums import ChartType, ScatterMarkerSymbol, SeriesType
from engine.types.errors import ArgumentException
from engine.types.jsontext import joined, json_text


class BaseSeries(LeanObject):
    """Name, unit, panel and points of a series."""

    def __init__(self, name: str = "", type: Any = SeriesType.LINE, *more: Any) -> None:
        self.name = name
        self.series_type = SeriesType(int(type))
        self.index = 0
        self.unit = "$"
        for value in more:
            if isinstance(value, str):
                self.unit = value
            else:
                self.index = int(value)
        self.index_name: str | None = None
        self.z_index: int | None = None
        self.tooltip: str | None = None
        # columns that were not made into points: a series of the engine's own alone has some
        self._times: list[datetime] = []
        self._numbers: list[Decimal | None] = []
        self.values: list[Any] = []
        self._update_position = 0
        # what the last sample was made of, and its rounded number
        self._kept: tuple[Any, ...] = (None,)

    def add_point(self, *args: Any) -> None:
        """Add a point; one at the time of the last replaces it."""
        self._append(self._make(*args))

    def _append(self, point: ISeriesPoint) -> None:
        values = self.values
        if values and values[-1]._utc == point._utc:
            values[-1] = point
        else:
            values.append(point)

    def _make(self, *args: Any) -> ISeriesPoint:
        raise NotImplementedError

    # -- what the engine samples, as times and rounded numbers ----------------------------------

    def _take(self, utc: datetime, number: Decimal | None) -> bool:
        """Add a number if it is later than all; tell whether it was."""
        values = self.values
        if values and utc <= values[-1]._utc:
            return False
        values.append(ChartPoint._rounded(utc, number))
        return True

    def _put(self, utc: datetime, number: Decimal | None) -> None:
        """Add a number; one at the time of the last replaces it."""
        self._append(ChartPoint._rounded(utc, number))

    def _last(self) -> tuple[datetime, Any] | None:
        """Return time and number of the last point."""
        if not self.values:
            return None
        point = self.values[-1]
        return point._utc, getattr(point, "_y", ZERO)

    def _count(self) -> int:
        """Return how many points there are."""
        return len(self.values)

    def _pairs(self) -> Iterable[tuple[datetime, Any]]:
        """Return times and numbers of all points; a candlestick has no number."""
        return [(point._utc, getattr(point, "_y", None)) for point in self.values]

    def get_updates(self) -> BaseSeries:
        """Return a copy with the points added since the last call."""
        copy = self.clone(True)
        copy.values = self.values[self._update_position :]
        self._update_position = len(self.values)
        return copy

    def purge(self) -> None:
        """Drop all points."""
        self.values.clear()
        self._update_position = 0

    def clone(self, empty: bool = False) -> BaseSeries:
        """Copy the series, or only what describes it."""
        copy = type(self)(self.name)
        for key in ("series_type", "index", "unit", "index_name", "z_index", "tooltip"):
            setattr(copy, key, getattr(self, key))
        self._describe(copy)
        if not empty:
            copy.values = [point.clone() for point in self.values]
        return copy

    def _describe(self, copy: BaseSeries) -> None:
        """Copy what only one kind of series has."""

    @staticmethod
    def create(series_type: Any, name: str, index: int = 0, unit: str = "$") -> BaseSeries:
        """Make a series of a kind."""
        kind = SeriesType(int(series_type))
        if kind is SeriesType.CANDLE:
            return CandlestickSeries(name, index, unit)
        return Series(name, kind, index, unit)

    def _json_values(self) -> list[Any]:
        return json_points(self.values)

    def _json_text(self) -> str:
        """Return the JSON of :meth:`_json_values`."""
        return json_text(self._json_values())

    def _json(self, values: Any = None) -> dict[str, Any]:
        """Members as LEAN writes them; ``values`` are the points when they were made already."""
        out: dict[str, Any] = {
            "name": self.name,
            "unit": self.unit,
            "index": self.index,
            "seriesType": int(self.series_type),
        }
        more = {"zIndex": self.z_index, "indexName": self.index_name, "tooltip": self.tooltip}
        out.update({key: value for key, value in more.items() if value is not None})
        out["values"] = self._json_values() if values is None else values
        return out


class Series(BaseSeries):
    """``Series(name, type, index, unit)`` or ``Series(name, type, unit, color, symbol)``."""

    def __init__(self, name: str = "", type: Any = SeriesType.LINE, *more: Any, **named: Any):
        self.color = named.pop("color", Color.EMPTY)
        self.scatter_marker_symbol = ScatterMarkerSymbol(int(named.pop("symbol", 0)))
        rest = []
        for value in more:
            if isinstance(value, Color):
                self.color = value
            elif isinstance(value, ScatterMarkerSymbol):
                self.scatter_marker_symbol = value
            else:
                rest.append(value)
        super().__init__(name, type, *rest, *named.values())

    def _make(self, *args: Any) -> ISeriesPoint:
        if len(args) == 1 and isinstance(args[0], ChartPoint):
            return args[0]
        if len(args) == 2 and isinstance(args[0], (datetime, int)):
            value = args[1]
            if isinstance(value, Sequence):
                if len(value) > 1:
                    raise ArgumentException("Series.AddPoint requires a single value")
                value = value[0] if value else 0
            kind = ScatterChartPoint if self.series_type is SeriesType.SCATTER else ChartPoint
            return kind(args[0], value)
        raise ArgumentException("Series.AddPoint requires a ChartPoint object")

    def _describe(self, copy: BaseSeries) -> None:
        assert isinstance(copy, Series)
        copy.color = self.color
        copy.scatter_marker_symbol = self.scatter_marker_symbol

    def consolidate_chart_points(self) -> ChartPoint | None:
        """Return one point with the sum, at the last time."""
        if not self.values:
            return None
        total = sum((p._y for p in self.values if p._y is not None), ZERO)
        return ChartPoint(self.values[-1].x, total)

    def _json_values(self) -> list[Any]:
        if self.series_type is SeriesType.PIE:
            point = self.consolidate_chart_points()
            return [] if point is None else [point._json()]
        return super()._json_values()

    def _json(self, values: Any = None) -> dict[str, Any]:
        marker = self.scatter_marker_symbol.name.lower().replace("_", "-")
        return {**super()._json(values), "color": self.color._code, "scatterMarkerSymbol": marker}


class CandlestickSeries(BaseSeries):
    """``CandlestickSeries(name, index, unit)``."""

    def __init__(self, name: str = "", *more: Any) -> None:
        super().__init__(name, SeriesType.CANDLE, *more)

    def _make(self, *args: Any) -> ISeriesPoint:
        if len(args) == 1:
            if isinstance(args[0], Candlestick):
                return args[0]
            if isinstance(args[0], TradeBar):
                return Candlestick(args[0])
        elif len(args) == 5:
            return Candlestick(*args)
        elif len(args) == 2 and isinstance(args[1], Sequence):
            if len(args[1]) != 4:
                raise ArgumentException(
                    "CandlestickSeries.AddPoint requires 4 values (open, high, low, close)"
                )
            return Candlestick(args[0], *args[1])
        raise ArgumentException("CandlestickSeries.AddPoint requires a Candlestick object")

    def _json_text(self) -> str:
        return joined(
            [
                point._json_text() if type(point) is Candlestick else json_text(point._json())
                for point in self.values
            ]
        )

    def consolidate_chart_points(self) -> Candlestick | None:
        """Return one candlestick with the sums, at the last time."""
        if not self.values:
            return None

        def total(name: str) -> Decimal | None:
            given = [v for v in (getattr(p, name) for p in self.values) if v is not None]
            return sum(given, ZERO) if given else None

        return Candlestick(
            self.values[-1]._utc, total("_open"), total("_high"), total("_low"), total("_close")
        )


class Chart(LeanObject):
    """``Chart(name)`` or ``Chart(name, symbol)``; series by name."""

    def __init__(self, name: str = "", symbol: Any = None) -> None:
        self.name = name
        self.chart_type = ChartType.OVERLAY
        self.symbol = None if isinstance(symbol, ChartType) else symbol
        self.legend_disabled = False
        self.series: LeanDict[str, Any] = LeanDict()

    def add_series(self, series: BaseSeries) -> None:
        """Add a series.

        Raises
        ------
        ArgumentException
            If a series of that name is there already.
        """
        if series.name in self.series:
            raise ArgumentException(
                f"Chart.AddSeries(): Chart series name already exists: '{series.name}' in "
                f"chart '{self.name}'"
            )
        self.series[series.name] = series

    def try_add_and_get_series(self, name: str, *args: Any, **named: Any) -> Any:
        """Return a series, made first if it is missing or if the last argument is True."""
        force = named.pop("force_add_new", False)
        rest = list(args) + list(named.values())
        if rest and isinstance(rest[-1], bool):
            force = rest.pop()
        found = self.series.get(name)
        if found is None or force:
            template = rest[0]
            found = (
                template.clone(True) if isinstance(template, BaseSeries) else Series(name, *rest)
            )
            self.series[name] = found
        return found

    def get_updates(self) -> Chart:
        """Return a copy with the points added since the last call."""
        copy = self.clone_empty()
        for series in self.series.values():
            copy.add_series(series.get_updates())
        return copy

    def clone(self) -> Chart:
        copy = self.clone_empty()
        for series in self.series.values():
            copy.add_series(series.clone())
        return copy

    def clone_empty(self) -> Chart:
        copy = Chart(self.name, self.symbol)
        copy.legend_disabled = self.legend_disabled
        return copy

    def _json(self, values_of: Callable[[BaseSeries], Any] | None = None) -> dict[str, Any]:
        """Members as LEAN writes them; ``values_of`` gives the points of a series."""
        alike = Counter((series.index, series._count()) for series in self.series.values())

        def order(series: BaseSeries) -> tuple[Any, ...]:
            place = series.index, series._count()
            if alike[place] == 1:
                return (*place, ZERO)
            return (*place, sum((number or ZERO for _, number in series._pairs()), ZERO))

        out: dict[str, Any] = {
            "name": self.name,
            "chartType": int(self.chart_type),
            "series": {
                s.name: s._json(None if values_of is None else values_of(s))
                for s in sorted(self.series.values(), key=order)
            },
        }
        if self.symbol is not None:
            symbol = self.symbol
            out["symbol"] = {
                "value": symbol.value,
                "id": str(symbol.id),
                "permtick": symbol.value,
            }
        if self.legend_disabled:
            out["legendDisabled"] = True
        return out


def make_series(series_type: Any, name: str, unit: str = "$") -> BaseSeries:
    """Make a series of a kind on the first panel."""
    return BaseSeries.create(series_type, name, 0, unit)

"""Series of the engine's own samples, kept as columns until somebody asks for points."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.results.charts import Series
from engine.results.points import ChartPoint, json_points, json_rows, rows_text
from engine.types.enums import SeriesType


class SampledSeries(Series):
    """A line of a standard chart.

    A run has one number a day for dozens of lines: they are two lists, and become points only
    where :attr:`values` is asked for (a chart of the user's under the name of a standard one).
    """

    def __init__(self, name: str = "", type: Any = SeriesType.LINE, *more: Any) -> None:
        # points that were made already: the columns are what comes behind them
        self._points: list[Any] = []
        super().__init__(name, type, *more)

    @property
    def values(self) -> list[Any]:
        if self._times:
            self._points += map(ChartPoint._rounded, self._times, self._numbers)
            self._times.clear()
            self._numbers.clear()
        return self._points

    @values.setter
    def values(self, points: list[Any]) -> None:
        self._points = points
        self._times.clear()
        self._numbers.clear()

    def _take(self, utc: datetime, number: Decimal | None) -> bool:
        times = self._times
        if times:
            if utc <= times[-1]:
                return False
        elif self._points and utc <= self._points[-1]._utc:
            return False
        times.append(utc)
        self._numbers.append(number)
        return True

    def _put(self, utc: datetime, number: Decimal | None) -> None:
        times = self._times
        if times:
            if times[-1] == utc:
                self._numbers[-1] = number
                return
        elif self._points and self._points[-1]._utc == utc:
            self._points[-1] = ChartPoint._rounded(utc, number)
            return
        times.append(utc)
        self._numbers.append(number)

    def _last(self) -> tuple[datetime, Any] | None:
        return (self._times[-1], self._numbers[-1]) if self._times else super()._last()

    def _count(self) -> int:
        return len(self._points) + len(self._times)

    def _pairs(self) -> Iterator[tuple[datetime, Any]]:
        for point in self._points:
            yield point._utc, getattr(point, "_y", None)
        yield from zip(self._times, self._numbers, strict=True)

    def _json_values(self) -> list[Any]:
        return json_points(self._points) + json_rows(self._times, self._numbers)

    def _json_text(self) -> str:
        return super()._json_text() if self._points else rows_text(self._times, self._numbers)

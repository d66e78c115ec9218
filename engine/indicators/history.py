"""The history of an indicator: its values and those of its parts at every bar."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from engine.indicators.base import IndicatorBase
from engine.types.bars import IndicatorDataPoint
from engine.types.dotnet import LeanObject, missing, snake_name
from engine.types.enums import LeanEnum

_IGNORED = frozenset(
    [
        "consolidators",
        "current",
        "previous",
        "name",
        "samples",
        "is_ready",
        "window",
        "item",
        "warm_up_period",
        "period",
        "updated",
        "value",
    ]
)


def _parts(indicator: Any) -> tuple[list[str], list[str]]:
    """Return the public members of an indicator: indicators and other values."""
    names = {name for name in vars(indicator) if name[:1].islower()}
    for cls in type(indicator).__mro__:
        if issubclass(cls, IndicatorBase):
            members = vars(cls).items()
            names |= {k for k, v in members if isinstance(v, property) and k[:1].islower()}
    made, other = [], []
    for name in sorted(names - _IGNORED):
        value = getattr(indicator, name)
        if isinstance(value, IndicatorBase):
            made.append(name)
        elif not callable(value):
            other.append(name)
    return made, other


class IndicatorDataPoints(LeanObject):
    """The values of an indicator and its parts at one time."""

    def __init__(self, time: datetime, points: dict[str, IndicatorDataPoint]) -> None:
        self.time = self.end_time = time
        self._points = points

    @property
    def current(self) -> IndicatorDataPoint:
        return self._points["current"]

    @property
    def value(self) -> float:
        return self.current.value

    def __getitem__(self, name: str) -> IndicatorDataPoint | None:
        return self._points.get(snake_name(name))

    def __getattr__(self, name: str) -> Any:
        points = self.__dict__.get("_points", {})
        if name in points:
            return points[name]
        return missing(self, name)

    def __float__(self) -> float:
        return self.value


class IndicatorHistory(LeanObject):
    """Rows of :class:`IndicatorDataPoints`; ``data_frame`` has one column for each part.

    ``history["upper_band"]`` is the list of that part's points.
    """

    def __init__(
        self,
        rows: list[IndicatorDataPoints],
        points: dict[str, list[IndicatorDataPoint]],
        others: dict[str, list[tuple[datetime, Any]]],
    ) -> None:
        self._rows, self._lists, self._others = rows, points, others
        self._frame: Any = None

    @property
    def count(self) -> int:
        return len(self._rows)

    @property
    def current(self) -> list[IndicatorDataPoint]:
        return self._lists["current"]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[IndicatorDataPoints]:
        return iter(self._rows)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return self._lists.get(snake_name(key))
        return self._rows[key]

    def __getattr__(self, name: str) -> Any:
        lists = self.__dict__.get("_lists", {})
        if name in lists:
            return lists[name]
        return missing(self, name)

    @property
    def data_frame(self) -> Any:
        """The values by end time, columns in small letters without underscores."""
        if self._frame is None:
            import pandas as pd

            columns: dict[str, Any] = {}
            for name, points in self._lists.items():
                index = [p.end_time for p in points]
                columns[name.replace("_", "")] = pd.Series([p.value for p in points], index)
            for name, values in self._others.items():
                index = [time for time, _ in values]
                columns[name.replace("_", "")] = pd.Series([v for _, v in values], index)
            self._frame = pd.DataFrame({name: columns[name] for name in sorted(columns)})
        return self._frame


def _plain(value: Any) -> Any:
    return value.to_string() if isinstance(value, LeanEnum) else value


def record(
    indicator: Any, data: Iterable[Any], feed: Callable[[Any, Any], None]
) -> IndicatorHistory:
    """Reset an indicator, feed it and keep what it shows from the time it is ready.

    Parameters
    ----------
    indicator : IndicatorBase
    data : iterable
        Bars or points in order of time.
    feed : callable
        ``feed(None, bar)`` updates the indicator.
    """
    indicator.reset()
    made, other = _parts(indicator)
    lists: dict[str, list[IndicatorDataPoint]] = {name: [] for name in (*made, "current")}
    others: dict[str, list[tuple[datetime, Any]]] = {name: [] for name in other}
    rows: list[IndicatorDataPoints] = []
    last: list[Any] = [None, None]

    def keep(point: IndicatorDataPoint | None) -> None:
        if point is None or last[0] == point.end_time:
            return
        last[0] = point.end_time
        row = {}
        for name, values in lists.items():
            part = indicator if name == "current" else getattr(indicator, name)
            now = row[name] = part.current
            if name != "current" and values and values[-1].end_time == now.end_time:
                values[-1] = now
            else:
                values.append(now)
        rows.append(IndicatorDataPoints(point.end_time, row))
        for name, kept in others.items():
            kept.append((point.end_time, _plain(getattr(indicator, name))))

    def on_update(_sender: Any, point: IndicatorDataPoint) -> None:
        if not indicator.is_ready:
            return
        if last[1] is None or last[1].time != point.time:
            keep(point)
        last[1] = point

    indicator.updated += on_update
    try:
        for item in data:
            feed(None, item)
    finally:
        indicator.updated -= on_update
    keep(last[1])
    return IndicatorHistory(rows, lists, others)

"""A feed that stops: with fill-forward copies of the last bar keep coming, else nothing does."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from engine.types.bars import QuoteBar, TradeBar

_COPIED = (TradeBar, QuoteBar)


class FailingFeed:
    """Wraps the data of a run; between two moments it is dead.

    Parameters
    ----------
    outages : list of (datetime, timedelta)
        When the data stops (naive UTC), and for how long; sorted. What happened is taken out.
    """

    def __init__(self, feed: Any, outages: list[tuple[datetime, timedelta]]) -> None:
        self._feed = feed
        self._outages = outages
        self._dead_until: datetime | None = None
        self._last: dict[int, Any] = {}

    def next(self) -> tuple[Any, bool]:
        """Return the next data, and whether the feed has died with it."""
        data = self._feed.next()
        if data is None:
            return None, False
        died = False
        if self._outages and 0 <= (data.utc - self._outages[0][0]).total_seconds() <= 1800:
            _, span = self._outages.pop(0)
            self._dead_until, died = data.utc + span, True
        if self._dead_until is not None:
            if data.utc < self._dead_until:
                self._replace(data)
            else:
                self._dead_until = None
        for config, point in data.updates:
            if isinstance(point, _COPIED) and not point.is_fill_forward:
                self._last[id(config)] = point
        return data, died

    def _replace(self, data: Any) -> None:
        """Put copies of the last bars where new ones would be."""
        changed: dict[int, Any] = {}
        updates = []
        for config, point in data.updates:
            copied = self._copy(config, point)
            changed[id(point)] = copied
            if copied is not None:
                updates.append((config, copied))
        data.updates = updates
        points = [changed.get(id(point), point) for point in data.points]
        data.points = [point for point in points if point is not None]

    def _copy(self, config: Any, point: Any) -> Any:
        last = self._last.get(id(config))
        if last is None or not isinstance(point, _COPIED) or not config.fill_data_forward:
            return None
        twin = last.clone(True)
        twin.time, twin.end_time = point.time, point.end_time
        return twin

"""Collections of insights: by symbol, of one emission, and the algorithm's own manager."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from engine.framework.insight import Insight
from engine.framework.slots import SlotDict
from engine.framework.support import NO_TIME, as_symbol, as_utc
from engine.securities.native import method
from engine.types.dotnet import LeanObject
from engine.types.errors import KeyNotFoundException
from engine.types.symbol import Symbol
from engine.types.timezones import aware


class GeneratedInsightsCollection(LeanObject):
    """The insights of one emission."""

    def __init__(self, date_time_utc: datetime, insights: Iterable[Insight]) -> None:
        self._utc = as_utc(date_time_utc)
        self.insights = list(insights)

    @property
    def date_time_utc(self) -> datetime:
        return aware(self._utc)


class InsightCollection(LeanObject):
    """Insights by symbol, in order of arrival; expired ones stay until they are removed."""

    def __init__(self) -> None:
        self._by_symbol: SlotDict[Symbol, list[Insight]] = SlotDict()
        self._complete: list[Insight] = []
        self._total = 0
        self._open = 0

    @property
    def count(self) -> int:
        """Insights that were not removed, expired ones included."""
        return self._open

    @property
    def total_count(self) -> int:
        """Insights ever added."""
        return self._total

    def __len__(self) -> int:
        return self._open

    def __iter__(self) -> Iterator[Insight]:
        return iter([i for found in self._by_symbol.entries() for i in found])

    def add(self, item: Insight) -> None:
        self._open += 1
        self._total += 1
        self._complete.append(item)
        found = self._by_symbol.get(item.symbol)
        if found is None:
            found = self._by_symbol[item.symbol] = []
        found.append(item)

    def add_range(self, insights: Iterable[Insight]) -> None:
        for insight in insights:
            self.add(insight)

    def contains(self, item: Insight) -> bool:
        return item in self._by_symbol.get(item.symbol, ())

    __contains__ = contains

    def contains_key(self, symbol: Any) -> bool:
        return bool(self._by_symbol.get(as_symbol(symbol)))

    def remove(self, item: Insight) -> bool:
        found = self._by_symbol.get(item.symbol)
        if found is None or item not in found:
            return False
        found.remove(item)
        self._open -= 1
        if not found:
            del self._by_symbol[item.symbol]
        return True

    def __getitem__(self, symbol: Any) -> list[Insight]:
        found = self._by_symbol.get(as_symbol(symbol))
        if found is None:
            raise KeyNotFoundException(
                f"The given key '{symbol}' was not present in the dictionary."
            )
        return list(found)

    def __setitem__(self, symbol: Any, insights: Iterable[Insight]) -> None:
        symbol = as_symbol(symbol)
        fresh = list(insights)
        self._open += len(fresh) - len(self._by_symbol.get(symbol, ()))
        self._total += len(fresh)
        self._by_symbol[symbol] = fresh

    def try_get_value(
        self, symbol: Any, _insights: Any = None
    ) -> tuple[bool, list[Insight] | None]:
        found = self._by_symbol.get(as_symbol(symbol))
        return found is not None, None if found is None else list(found)

    def clear(self, symbols: Iterable[Any]) -> None:
        """Forget the open insights of symbols."""
        for symbol in symbols:
            self._open -= len(self._by_symbol.pop(as_symbol(symbol), ()))

    def _next_expiry(self) -> datetime | None:
        if not self._open:
            return None
        return min((i._close or NO_TIME) for found in self._by_symbol.entries() for i in found)

    def get_next_expiry_time(self) -> datetime | None:
        """Return the earliest close of all insights that were not removed."""
        moment = self._next_expiry()
        return None if moment is None else aware(moment)

    def get_active_insights(self, utc_time: datetime) -> list[Insight]:
        """Return the insights active at a UTC time, symbol by symbol."""
        utc = as_utc(utc_time)
        return [
            i for found in self._by_symbol.entries() for i in found if not i._closed_before(utc)
        ]

    def has_active_insights(self, symbol: Any, utc_time: datetime) -> bool:
        utc = as_utc(utc_time)
        return any(not i._closed_before(utc) for i in self._by_symbol.get(as_symbol(symbol), ()))

    def remove_expired_insights(self, utc_time: datetime) -> list[Insight]:
        """Remove the insights that closed before a UTC time and return them."""
        utc = as_utc(utc_time)
        removed = [i for found in self._by_symbol.entries() for i in found if i._closed_before(utc)]
        for insight in removed:
            self.remove(insight)
        return removed

    def remove_insights(self, filter: Callable[[Insight], bool]) -> None:
        """Remove insights, open or not, for good."""
        self._complete = [i for i in self._complete if not filter(i)]
        for insight in [i for i in self if filter(i)]:
            self.remove(insight)

    def get_insights(self, filter: Callable[[Insight], bool] | None = None) -> list[Insight]:
        """Return all insights ever added and not taken out by :meth:`remove_insights`."""
        if filter is None:
            return list(self._complete)
        return [i for i in self._complete if filter(i)]


class InsightManager(InsightCollection):
    """``self.insights``."""

    def __init__(self, algorithm: Any) -> None:
        super().__init__()
        self._algorithm = algorithm
        self._score_function: Any = None

    def step(self, utc_now: datetime) -> None:
        """Let the score function look at the insights."""
        if self._score_function is not None:
            method(self._score_function, "score")(self, aware(as_utc(utc_now)))

    def set_insight_score_function(self, insight_score_function: Any) -> None:
        self._score_function = insight_score_function

    def expire(self, items: Iterable[Any] | None) -> None:
        """Close the active ones of some insights, or all insights of some symbols."""
        if items is None:
            return
        utc = self._algorithm._utc
        for item in items:
            if isinstance(item, Insight):
                item.expire(utc)
            else:
                for insight in self._by_symbol.get(as_symbol(item), ()):
                    insight.expire(utc)

    def cancel(self, items: Iterable[Any] | None) -> None:
        self.expire(items)

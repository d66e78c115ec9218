"""``FuncUniverse``: members chosen by a function of the user's own data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import groupby
from typing import Any

from engine.data.custom import CustomData
from engine.types.enums import SecurityType
from engine.types.subscription import SubscriptionDataConfig
from engine.types.symbol import Symbol
from engine.types.timezones import from_micro
from engine.universes.universe import Universe


class FuncUniverse(Universe):
    """Asks ``universe_selector(points)`` whenever there is data of its subscription.

    The selector returns symbols, tickers or :attr:`Universe.UNCHANGED`; without one the symbols of
    the points are the members.
    """

    def __init__(
        self,
        configuration: SubscriptionDataConfig,
        universe_settings: Any,
        universe_selector: Callable[[list[Any]], Any] | None = None,
    ) -> None:
        super().__init__(configuration, universe_settings)
        self._selector = universe_selector
        #: what tickers stand for
        self._kind = SecurityType.EQUITY
        self._due: dict[datetime, list[Any]] = {}

    def select_symbols(self, utc_time: datetime, data: Any) -> Any:
        points = self._due.pop(utc_time, [])
        if self._selector is None:
            return [point.symbol for point in points]
        found = self._selector(points)
        if found is Universe.UNCHANGED:
            return found
        return [self._symbol(item) for item in found]

    def _symbol(self, item: Any) -> Symbol:
        if isinstance(item, str):
            return Symbol.create(item, self._kind, self.market)
        symbol: Symbol = getattr(item, "symbol", item)
        return symbol

    def _configs_for(self, security: Any, service: Any) -> list[SubscriptionDataConfig]:
        settings = self.universe_settings
        if security.symbol != self.symbol:
            return super()._configs_for(security, service)
        # the universe itself as a member: its data, as the algorithm's other securities have it
        kind = self.configuration._type
        return [service.add_custom(kind, self.symbol, settings.resolution, settings.fill_forward)]

    def _points_at(self, utc: datetime) -> int:
        return len(self._due.get(utc, ()))

    def _trigger_times(self, start: datetime, end: datetime, hours: Any) -> Iterator[datetime]:
        stream = CustomData().stream(self.configuration, hours, start, end, None)
        for emit, pairs in groupby(_paired(stream), key=lambda pair: pair[0]):
            moment = from_micro(emit)
            self._due[moment] = [point for _, point in pairs]
            yield moment


def _paired(stream: tuple[list[int], list[Any]]) -> Iterable[tuple[int, Any]]:
    return zip(*stream, strict=True)

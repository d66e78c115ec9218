"""``ScheduledUniverse``: selected on the days of a date rule at the times of a time rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from engine.framework.support import as_symbol
from engine.types.bars import Tick
from engine.types.enums import Resolution, SecurityType
from engine.types.errors import ArgumentException
from engine.types.subscription import SubscriptionDataConfig
from engine.types.timezones import TimeZones, from_utc, to_utc
from engine.universes.universe import Universe
from engine.universes.user_defined import plain_symbol


def split_zone(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[ZoneInfo | None, list[Any]]:
    """Take the time zone that may stand first off the arguments."""
    values = list(args)
    zone = kwargs.pop("time_zone", None)
    if values and isinstance(values[0], ZoneInfo):
        zone = values.pop(0)
    elif len(values) > 3 and values[0] is None:
        values.pop(0)
    return zone, values


class ScheduledUniverse(Universe):
    """``ScheduledUniverse([zone,] date_rule, time_rule, selector[, settings])``.

    The selector gets the (naive) UTC time. Leave the zone out: the rules count in the algorithm's
    zone already, and another zone shifts their times by its offset.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        zone, values = split_zone(args, kwargs)
        names = ("date_rule", "time_rule", "selector", "settings")
        given = dict(zip(names, values, strict=False)) | kwargs
        self._date_rule, self._time_rule = given["date_rule"], given["time_rule"]
        selector: Callable[[datetime], Any] = given["selector"]
        if not callable(selector):
            raise ArgumentException(
                f"Unable to create a scheduled universe selector from {selector!r}: it is not a "
                f"function. "
                "Please provide a function that takes the firing date time and returns the "
                "selected symbols."
            )
        self._selector = selector
        ticker = f"{self._date_rule.name}_{self._time_rule.name}".replace(" ", "_").replace(
            "|", "_"
        )
        zone = zone or TimeZones.UTC
        config = SubscriptionDataConfig(
            Tick,
            plain_symbol(ticker, SecurityType.BASE, "usa"),
            Resolution.DAILY,
            zone,
            zone,
            fill_forward=False,
            is_internal_feed=True,
            is_filtered_subscription=False,
        )
        super().__init__(config, given.get("settings"))

    def select_symbols(self, utc_time: datetime, data: Any) -> Any:
        found = self._selector(utc_time)
        return found if found is Universe.UNCHANGED else [as_symbol(item) for item in found]

    def _trigger_times(self, start: datetime, end: datetime, hours: Any) -> Iterator[datetime]:
        zone = self.configuration.exchange_time_zone
        dates = self._date_rule.get_dates(from_utc(start, zone), from_utc(end, zone))
        for moment in self._time_rule.create_utc_event_times(dates):
            if moment > end:
                return
            if moment >= start:
                # LEAN takes the UTC time of the rules for a local one of the universe's zone
                yield to_utc(moment, zone)

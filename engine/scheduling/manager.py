"""``self.schedule``: registers events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from engine.scheduling.date_rules import END_OF_TIME, DateRules
from engine.scheduling.events import RealTimeHandler, ScheduledEvent
from engine.scheduling.time_rules import TimeRules
from engine.types.dotnet import LeanObject
from engine.types.overloads import by_name


class ScheduleManager(LeanObject):
    """Registers callbacks for days and times."""

    def __init__(self, algorithm: Any, time_zone: ZoneInfo) -> None:
        self._algorithm = algorithm
        self.date_rules = DateRules(algorithm, time_zone)
        self.time_rules = TimeRules(algorithm, time_zone)
        self._handler = RealTimeHandler(algorithm)

    @by_name("date_rule time_rule callback", "name date_rule time_rule callback")
    def on(self, *args: Any) -> ScheduledEvent:
        """``on([name,] date_rule, time_rule, callback)``."""
        name, date_rule, time_rule, callback = args if len(args) == 4 else (None, *args)
        if name is None:
            name = f"{date_rule.name}: {time_rule.name}"
        event = ScheduledEvent(
            name, time_rule.create_utc_event_times(self._dates(date_rule)), callback
        )
        self._handler.add(event)
        return event

    def _dates(self, date_rule: Any) -> Iterator[datetime]:
        # a day early, for zones ahead of UTC: what lies in the past is skipped
        now = self._algorithm._utc
        start = datetime(now.year, now.month, now.day) - timedelta(days=1)
        yield from date_rule.get_dates(start, END_OF_TIME)

    def add(self, scheduled_event: ScheduledEvent) -> None:
        self._handler.add(scheduled_event)

    def remove(self, scheduled_event: ScheduledEvent) -> None:
        self._handler.remove(scheduled_event)

    def training_now(self, training_code: Callable[[], Any]) -> ScheduledEvent:
        return self.on("Training: Now", self.date_rules.today, self.time_rules.now, training_code)

    def training(
        self, date_rule: Any, time_rule: Any, training_code: Callable[[], Any]
    ) -> ScheduledEvent:
        return self.on(date_rule, time_rule, training_code)

"""Scheduled events of an algorithm."""

from __future__ import annotations

from typing import Any

from engine.scheduling.date_rules import DateRules
from engine.scheduling.events import ScheduledEvent
from engine.scheduling.manager import ScheduleManager
from engine.scheduling.time_rules import TimeRules
from engine.types.overloads import by_name


class SchedulingMixin:
    """``schedule``, ``date_rules``, ``time_rules`` and ``train`` of ``QCAlgorithm``."""

    time_zone: Any

    def _init_scheduling(self) -> None:
        self.schedule = ScheduleManager(self, self.time_zone)

    @property
    def date_rules(self) -> DateRules:
        return self.schedule.date_rules

    @property
    def time_rules(self) -> TimeRules:
        return self.schedule.time_rules

    @by_name("training_code", "date_rule time_rule training_code")
    def train(self, *args: Any) -> ScheduledEvent:
        """Run training code now, or at given days and times; in a backtest it is one more scheduled
        event.
        """
        if len(args) == 1:
            return self.schedule.training_now(args[0])
        return self.schedule.training(*args)

"""``System.DayOfWeek``."""

from __future__ import annotations

from engine.types.enums import LeanEnum


class DayOfWeek(LeanEnum):
    """Days counted from Sunday."""

    SUNDAY = 0
    MONDAY = 1
    TUESDAY = 2
    WEDNESDAY = 3
    THURSDAY = 4
    FRIDAY = 5
    SATURDAY = 6

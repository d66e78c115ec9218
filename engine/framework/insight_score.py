"""``InsightScore``: how well an insight did, in [0, 1]."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from engine.framework.support import NO_TIME, as_utc
from engine.types.dotnet import LeanObject
from engine.types.enums import InsightScoreType
from engine.types.timezones import aware


class InsightScore(LeanObject):
    """Scores of direction and magnitude; final scores do not change any more."""

    def __init__(
        self,
        direction: float = 0.0,
        magnitude: float = 0.0,
        updated_time_utc: datetime | None = None,
    ) -> None:
        self.direction = direction
        self.magnitude = magnitude
        self.is_final_score = False
        self._updated = None if updated_time_utc is None else as_utc(updated_time_utc)

    @property
    def updated_time_utc(self) -> datetime:
        return NO_TIME if self._updated is None else aware(self._updated)

    def set_score(self, type: InsightScoreType, value: Any, algorithm_utc_time: datetime) -> None:
        """Set a score, cut to [0, 1]."""
        if self.is_final_score:
            return
        self._updated = as_utc(algorithm_utc_time)
        value = max(0.0, min(1.0, float(value)))
        if InsightScoreType(type) == InsightScoreType.DIRECTION:
            self.direction = value
        else:
            self.magnitude = value

    def finalize(self, algorithm_utc_time: datetime) -> None:
        self.is_final_score = True
        self._updated = as_utc(algorithm_utc_time)

    def get_score(self, type: InsightScoreType) -> float:
        if InsightScoreType(type) == InsightScoreType.DIRECTION:
            return self.direction
        return self.magnitude

    def __str__(self) -> str:
        return f"Direction: {100 * self.direction:.15g} Magnitude: {100 * self.magnitude:.15g}"

"""``UniverseSettings``: how securities of a universe are subscribed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from engine.orders.exact import Exact
from engine.types.dotnet import LeanObject
from engine.types.enums import DataMappingMode, DataNormalizationMode, Resolution


class Schedule(LeanObject):
    """The days on which a universe is selected."""

    def __init__(self) -> None:
        self._rule: Any = None

    @property
    def initialized(self) -> bool:
        return self._rule is not None

    def on(self, date_rule: Any) -> None:
        self._rule = date_rule

    def get(self, start_time: datetime, end_time: datetime) -> Iterable[datetime]:
        return () if self._rule is None else self._rule.get_dates(start_time, end_time)

    def clone(self) -> Schedule:
        copy = Schedule()
        copy._rule = self._rule
        return copy


class UniverseSettings(LeanObject):
    """Resolution, leverage (0: the default of the security type) and the like.

    ``UniverseSettings(resolution, leverage, fill_forward, extended_market_hours,
    minimum_time_in_universe[, ...])`` or ``UniverseSettings(other)``.
    """

    leverage = Exact()
    schedule: Schedule

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if len(args) == 1 and isinstance(args[0], UniverseSettings):
            other = args[0]
            for name, value in vars(other).items():
                setattr(self, name, value)
            self.schedule = Schedule()
            self.schedule._rule = other.schedule._rule
            return
        names = (
            "resolution", "leverage", "fill_forward", "extended_market_hours",
            "minimum_time_in_universe", "data_normalization_mode", "data_mapping_mode",
            "contract_depth_offset", "asynchronous", "selection_date_rule",
        )  # fmt: skip
        given = dict(zip(names, args, strict=False)) | kwargs
        self.resolution = Resolution(given["resolution"])
        self.leverage = given["leverage"]
        self.fill_forward = bool(given["fill_forward"])
        self.extended_market_hours = bool(given["extended_market_hours"])
        self.minimum_time_in_universe: timedelta = given["minimum_time_in_universe"]
        self.data_normalization_mode = DataNormalizationMode(
            given.get("data_normalization_mode", DataNormalizationMode.ADJUSTED)
        )
        self.data_mapping_mode = DataMappingMode(
            given.get("data_mapping_mode", DataMappingMode.OPEN_INTEREST)
        )
        self.contract_depth_offset: int = given.get("contract_depth_offset", 0)
        self.asynchronous: bool | None = given.get("asynchronous")
        self.subscription_data_types: Any = None
        self.schedule = Schedule()
        if given.get("selection_date_rule") is not None:
            self.schedule.on(given["selection_date_rule"])

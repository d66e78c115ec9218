"""Data types of LEAN that stand for all of their kind in examples."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from engine.data.custom import SubscriptionDataSource
from engine.types.bars import BaseData
from engine.types.enums import Resolution, SubscriptionTransportMedium
from engine.types.subscription import SubscriptionDataConfig


class LinkedData(BaseData):
    """A count by the day that belongs to a security, from a file that LEAN does not ship."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def get_source(
        self, config: SubscriptionDataConfig, date: datetime, is_live_mode: bool
    ) -> SubscriptionDataSource:
        underlying = config.symbol.underlying
        name = config.symbol.value if underlying is None else underlying.value
        path = Path("TestData", "linked", f"{name.lower()}.csv")
        return SubscriptionDataSource(str(path), SubscriptionTransportMedium.LOCAL_FILE)

    def reader(
        self, config: SubscriptionDataConfig, line: str, date: datetime, is_live_mode: bool
    ) -> Any:
        """Return a point for every line, whatever it says."""
        point = type(self)()
        point.count, point.symbol, point.time = 10, config.symbol, date
        return point

    def requires_mapping(self) -> bool:
        return True

    def default_resolution(self) -> Resolution:
        return Resolution.DAILY

    def supported_resolutions(self) -> list[Resolution]:
        return [Resolution.DAILY]

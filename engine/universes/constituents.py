"""``ConstituentsUniverse``: members that files of the data folder list for every day.

``SECURITY TYPE/MARKET/universes/daily/NAME/YYYYMMDD.csv`` has a line ``ticker,identifier`` for each
member; ``NONE,NONE 0`` stands for none.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from engine.data.custom import SubscriptionDataSource
from engine.data.hours import type_name
from engine.types.bars import BaseData
from engine.types.enums import Resolution, SubscriptionTransportMedium
from engine.types.errors import InvalidOperationException
from engine.types.subscription import SubscriptionDataConfig
from engine.types.symbol import SecurityIdentifier, Symbol
from engine.types.timezones import TimeZones
from engine.universes.custom import FuncUniverse


class ConstituentsUniverseData(BaseData):
    """One member of a day, known from the next midnight on."""

    def get_source(
        self, config: SubscriptionDataConfig, date: datetime, is_live_mode: bool
    ) -> SubscriptionDataSource:
        """Return the file of a date; the universe's name is the last part of its symbol."""
        from engine.run import current_engine

        name = config.symbol.id.symbol.rpartition("-")[2]
        folder = current_engine().data_folder / type_name(config.security_type).lower()
        file = folder / config.market / "universes" / Resolution(config.resolution).name.lower()
        return SubscriptionDataSource(
            str(file / name / f"{date:%Y%m%d}.csv"), SubscriptionTransportMedium.LOCAL_FILE
        )

    def reader(
        self, config: SubscriptionDataConfig, line: str, date: datetime, is_live_mode: bool
    ) -> Any:
        """Return the member of a line; None for a line that is none."""
        ticker, _, identifier = line.strip().partition(",")
        if not identifier:
            return None
        point = ConstituentsUniverseData()
        point.symbol = Symbol(SecurityIdentifier.parse(identifier), ticker)
        point.time = date
        point.end_time = date + timedelta(days=1)
        return point

    def default_resolution(self) -> Resolution:
        return Resolution.DAILY

    def supported_resolutions(self) -> list[Resolution]:
        return [Resolution.DAILY]


class ConstituentsUniverse(FuncUniverse):
    """``ConstituentsUniverse(symbol or subscription, settings[, filter of the members])``.

    Raises
    ------
    InvalidOperationException
        For a subscription that is none of user data.
    """

    def __init__(
        self,
        symbol: Any,
        universe_settings: Any,
        constituents_filter: Callable[[list[Any]], Any] | None = None,
    ) -> None:
        config = symbol
        if isinstance(symbol, Symbol):
            zone = TimeZones.NEW_YORK
            config = SubscriptionDataConfig(
                ConstituentsUniverseData, symbol, Resolution.DAILY, zone, zone, False, False, True,
                True,
            )  # fmt: skip
        if not config.is_custom_data:
            raise InvalidOperationException(
                f"{config._type.__name__} SubscriptionDataConfig only supports custom data "
                "property set to 'true'"
            )
        super().__init__(config, universe_settings, constituents_filter or _all)


def _all(points: list[Any]) -> list[Symbol]:
    return [point.symbol for point in points if point.symbol != Symbol.NONE]

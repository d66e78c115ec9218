"""What a subscription to data is."""

from __future__ import annotations

import builtins
from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from engine.types.decimals import ONE, ZERO
from engine.types.dotnet import LeanObject
from engine.types.enums import (
    DataMappingMode,
    DataNormalizationMode,
    Resolution,
    SecurityType,
    TickType,
)
from engine.types.generic import List
from engine.types.symbol import Symbol

INCREMENTS = {
    Resolution.TICK: timedelta(0),
    Resolution.SECOND: timedelta(seconds=1),
    Resolution.MINUTE: timedelta(minutes=1),
    Resolution.HOUR: timedelta(hours=1),
    Resolution.DAILY: timedelta(days=1),
}


class NetType(LeanObject):
    """The type of the data of a subscription: it prints with its namespace and equals its class."""

    __slots__ = ("_kind",)

    def __init__(self, kind: type) -> None:
        self._kind = kind

    @property
    def name(self) -> str:
        return self._kind.__name__

    @property
    def namespace(self) -> str:
        return "QuantConnect.Data.Market" if self._kind.__module__.startswith("engine.") else ""

    @property
    def full_name(self) -> str:
        return f"{self.namespace}.{self.name}".lstrip(".")

    def __str__(self) -> str:
        return self.full_name

    def __eq__(self, other: object) -> bool:
        return self._kind is (other._kind if isinstance(other, NetType) else other)

    def __hash__(self) -> int:
        return hash(self._kind)

    def __call__(self, *args: Any) -> Any:
        return self._kind(*args)


class SubscriptionDataConfig(LeanObject):
    """One stream of data of one security (LEAN's ``SubscriptionDataConfig``)."""

    __slots__ = (
        "_daily_precise_end_time",
        "_feed",
        "_removed",
        "_security",
        "_type",
        "consolidators",
        "data_mapping_mode",
        "data_normalization_mode",
        "data_time_zone",
        "exchange_time_zone",
        "extended_market_hours",
        "fill_data_forward",
        "increment",
        "is_custom_data",
        "is_filtered_subscription",
        "is_internal_feed",
        "mapped_symbol",
        "market",
        "price_scale_factor",
        "resolution",
        "security_type",
        "sum_of_dividends",
        "symbol",
        "tick_type",
    )

    def __init__(self, type: Any, *args: Any, **kwargs: Any) -> None:
        """Make a subscription; ``(config[, type[, symbol]])`` copies one."""
        if isinstance(type, SubscriptionDataConfig):
            self._copy(type, *args, **kwargs)
        else:
            self._begin(type, *args, **kwargs)

    def _copy(
        self, config: SubscriptionDataConfig, object_type: Any = None, symbol: Any = None
    ) -> None:
        changed: dict[str, Any] = {"consolidators": List(), "_removed": False, "_feed": None}
        if object_type is not None:
            changed["_type"] = getattr(object_type, "_kind", object_type)
        if symbol is not None:
            changed.update(
                symbol=symbol,
                security_type=symbol.security_type,
                market=symbol.id.market,
                mapped_symbol=symbol.value,
            )
        for name in SubscriptionDataConfig.__slots__:
            setattr(self, name, changed.get(name, getattr(config, name)))

    def _begin(
        self,
        type: builtins.type,
        symbol: Symbol,
        resolution: Resolution,
        data_time_zone: ZoneInfo,
        exchange_time_zone: ZoneInfo,
        fill_forward: bool = True,
        extended_hours: bool = False,
        is_internal_feed: bool = False,
        is_custom: bool = False,
        tick_type: TickType | None = None,
        is_filtered_subscription: bool = True,
        data_normalization_mode: DataNormalizationMode = DataNormalizationMode.ADJUSTED,
        data_mapping_mode: DataMappingMode = DataMappingMode.OPEN_INTEREST,
        daily_precise_end_time: bool = True,
    ) -> None:
        self._type = type
        self.symbol = symbol
        self.security_type: SecurityType = symbol.security_type
        self.market = symbol.id.market
        self.resolution = Resolution(resolution)
        self.increment = INCREMENTS[self.resolution]
        self.data_time_zone = data_time_zone
        self.exchange_time_zone = exchange_time_zone
        self.fill_data_forward = fill_forward and resolution != Resolution.TICK
        self.extended_market_hours = extended_hours
        self.is_internal_feed = is_internal_feed
        self.is_custom_data = is_custom
        self.tick_type = TickType.TRADE if tick_type is None else tick_type
        self.is_filtered_subscription = is_filtered_subscription
        self.data_normalization_mode = data_normalization_mode
        self.data_mapping_mode = data_mapping_mode
        self.price_scale_factor: Decimal = ONE
        self.sum_of_dividends: Decimal = ZERO
        self.mapped_symbol: str = symbol.value
        self.consolidators: List[Any] = List()
        self._daily_precise_end_time = daily_precise_end_time
        self._removed = False
        self._feed: Any = None
        self._security: Any = None

    @property
    def type(self) -> NetType:
        return NetType(self._type)

    def __str__(self) -> str:
        return (
            f"{self.symbol},{self.mapped_symbol},{self.resolution},{self._type.__name__},"
            f"{self.tick_type}"
        )

"""Which streams of data a symbol is subscribed with."""

from __future__ import annotations

from typing import Any

from engine.types.bars import QuoteBar, Tick, TradeBar
from engine.types.enums import (
    DataMappingMode,
    DataNormalizationMode,
    Resolution,
    SecurityType,
    TickType,
)
from engine.types.errors import ArgumentException, EngineUnsupported
from engine.types.subscription import SubscriptionDataConfig
from engine.types.symbol import Symbol
from engine.universes.settings import UniverseSettings

_TRADES, _QUOTES = (TickType.TRADE,), (TickType.QUOTE,)
_BOTH = (TickType.TRADE, TickType.QUOTE)
_TICKS: dict[SecurityType, tuple[TickType, ...]] = {
    SecurityType.BASE: _TRADES,
    SecurityType.EQUITY: _BOTH,
    SecurityType.INDEX: _TRADES,
    SecurityType.FOREX: _QUOTES,
    SecurityType.CFD: _QUOTES,
    SecurityType.CRYPTO: _BOTH,
}


def data_types(security_type: SecurityType, resolution: Resolution) -> list[tuple[type, TickType]]:
    """Return the bars of a kind of security; hour and daily shares have no quotes.

    Raises
    ------
    EngineUnsupported
        For kinds that the engine does not have.
    """
    ticks = _TICKS.get(security_type)
    if ticks is None:
        raise EngineUnsupported(
            f"engine does not implement data of {SecurityType(security_type).name.lower()} "
            f"securities; use lean backtest"
        )
    if security_type == SecurityType.EQUITY and resolution in (Resolution.HOUR, Resolution.DAILY):
        ticks = _TRADES
    if resolution == Resolution.TICK:
        return [(Tick, tick) for tick in ticks]
    return [(QuoteBar if tick == TickType.QUOTE else TradeBar, tick) for tick in ticks]


def _same(one: SubscriptionDataConfig, other: SubscriptionDataConfig) -> bool:
    return (
        one._type is other._type
        and one.symbol == other.symbol
        and one.resolution == other.resolution
        and one.tick_type == other.tick_type
        and one.fill_data_forward == other.fill_data_forward
        and one.extended_market_hours == other.extended_market_hours
        and one.is_internal_feed == other.is_internal_feed
        and one.is_custom_data == other.is_custom_data
        and one.is_filtered_subscription == other.is_filtered_subscription
    )


def _answer(kind: type, name: str, default: Any) -> Any:
    """Ask a data type of the user for one of its properties."""
    function = getattr(kind, name, None) or getattr(
        kind, "".join(part.capitalize() for part in name.split("_")), None
    )
    if function is None:
        return default
    answer = function(kind())
    return default if answer is None else answer


class SubscriptionService:
    """Makes subscriptions and finds the ones that are there."""

    def __init__(self, algorithm: Any) -> None:
        self._algorithm = algorithm

    def known(self, symbol: Symbol) -> list[SubscriptionDataConfig]:
        """Return the subscriptions of a symbol, without internal ones."""
        found: list[SubscriptionDataConfig] = self._algorithm.subscription_manager._of(symbol)
        return list(found)

    def of_settings(
        self, symbol: Symbol, settings: UniverseSettings
    ) -> list[SubscriptionDataConfig]:
        """Return the subscriptions of a symbol that a universe selected."""
        return self.add(
            symbol,
            settings.resolution,
            settings.fill_forward,
            settings.extended_market_hours,
            settings.data_normalization_mode,
            settings.data_mapping_mode,
        )

    def add(
        self,
        symbol: Symbol,
        resolution: Resolution | None = None,
        fill_forward: bool = True,
        extended: bool = False,
        mode: DataNormalizationMode = DataNormalizationMode.ADJUSTED,
        mapping: DataMappingMode = DataMappingMode.OPEN_INTEREST,
    ) -> list[SubscriptionDataConfig]:
        """Return the (new or known) subscriptions of a symbol.

        By default at the resolution of universes.
        """
        if resolution is None:
            resolution = self._algorithm.universe_settings.resolution
        resolution = Resolution(resolution)
        kinds = data_types(symbol.security_type, resolution)
        if symbol.security_type == SecurityType.INDEX:
            mode = DataNormalizationMode.RAW
        return [
            self._get_or_add(
                self._make(symbol, kind, tick, resolution, fill_forward, extended, mode, mapping)
            )
            for kind, tick in kinds
        ]

    def add_custom(
        self, kind: type, symbol: Symbol, resolution: Resolution | None, fill_forward: bool
    ) -> SubscriptionDataConfig:
        """Return the subscription of a data type of the user's own.

        Raises
        ------
        ArgumentException
            When the type does not support the resolution.
        """
        if resolution is None:
            resolution = _answer(kind, "default_resolution", Resolution.MINUTE)
        resolution = Resolution(resolution)
        supported = _answer(kind, "supported_resolutions", list(Resolution))
        if resolution not in supported:
            names = ",".join(Resolution(r).to_string() for r in supported)
            raise ArgumentException(
                f"Sorry {resolution.to_string()} is not a supported resolution for "
                f"{kind.__name__} and "
                f"SecurityType.{symbol.security_type.to_string()}. Please change your AddData to "
                f"use one of the "
                f"supported resolutions ({names})."
            )
        return self._get_or_add(
            self._make(
                symbol,
                kind,
                TickType.TRADE,
                resolution,
                fill_forward,
                True,
                DataNormalizationMode.ADJUSTED,
                DataMappingMode.OPEN_INTEREST,
                custom=True,
            )
        )

    def _make(
        self,
        symbol: Symbol,
        kind: type,
        tick: TickType,
        resolution: Resolution,
        fill_forward: bool,
        extended: bool,
        mode: DataNormalizationMode,
        mapping: DataMappingMode,
        custom: bool = False,
    ) -> SubscriptionDataConfig:
        algorithm = self._algorithm
        entry = algorithm._engine.hours._entry_of(symbol)
        return SubscriptionDataConfig(
            kind,
            symbol,
            resolution,
            entry.data_time_zone,
            entry.exchange_hours.time_zone,
            fill_forward,
            extended,
            is_custom=custom,
            tick_type=tick,
            data_normalization_mode=DataNormalizationMode(mode),
            data_mapping_mode=mapping,
            daily_precise_end_time=algorithm.settings.daily_precise_end_time,
        )

    def _get_or_add(self, config: SubscriptionDataConfig) -> SubscriptionDataConfig:
        manager = self._algorithm.subscription_manager
        for known in manager._of(config.symbol, True):
            if _same(known, config):
                return known
        added: SubscriptionDataConfig = manager._add(config)
        return added

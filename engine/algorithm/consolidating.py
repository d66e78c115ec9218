"""Consolidators of ``QCAlgorithm``: ``consolidate``, ``resolve_consolidator``,
``create_consolidator``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from engine.consolidators.base import listen
from engine.consolidators.identity import IdentityDataConsolidator
from engine.consolidators.market_hours import MarketHourAwareConsolidator
from engine.consolidators.period import (
    BaseDataConsolidator,
    DynamicDataConsolidator,
    QuoteBarConsolidator,
    TickConsolidator,
    TickQuoteBarConsolidator,
    TradeBarConsolidator,
)
from engine.consolidators.price_bars import RangeBar, RenkoBar, VolumeRenkoBar
from engine.consolidators.range_bars import RangeConsolidator
from engine.consolidators.renko import RenkoConsolidator, VolumeRenkoConsolidator
from engine.consolidators.subscriptions import as_symbol, common_tick_type, is_common_type
from engine.types.bars import BaseData, QuoteBar, Tick, TradeBar
from engine.types.enums import Resolution, SecurityType, TickType
from engine.types.errors import ArgumentException
from engine.types.subscription import INCREMENTS

_IDENTITIES: dict[type, type] = {
    kind: IdentityDataConsolidator.__class_getitem__(kind)
    for kind in (TradeBar, QuoteBar, Tick, BaseData)
}


def input_type_of(indicator: Any) -> type | None:
    """Return the type that names the tick type an indicator wants; ``None`` takes any."""
    return (
        None if indicator._input == "point" else {"trade": TradeBar}.get(indicator._input, BaseData)
    )


def point_pusher(indicator: Any, selector: Any) -> Callable[[Any, Any], None]:
    """Return the handler that puts the values of bars into an indicator of values."""
    push = indicator._push
    if selector is None:
        taken: Callable[[Any, Any], None] = indicator._on_bar
        return taken

    def feed_selected(_sender: Any, bar: Any) -> None:
        push(bar.symbol, bar.end_time, float(selector(bar)))

    return feed_selected


def _is_dynamic(kind: type) -> bool:
    return any(c.__name__ in ("DynamicData", "PythonData") for c in kind.__mro__)


class ConsolidatingMixin:
    """What of ``QCAlgorithm`` makes larger bars."""

    settings: Any
    securities: Any
    subscription_manager: Any
    time: Any
    debug: Callable[[str], None]
    _warned_extended_daily: bool
    _engine: Any
    _clock: Any
    risk_free_interest_rate_model: Any

    def _configs_of(self, symbol: Any) -> list[Any]:
        found: list[Any] = (
            self.subscription_manager.subscription_data_config_service.get_subscription_data_configs(
                symbol
            )
        )
        return found

    def _get_subscription(self, symbol: Any, tick_type: TickType | None = None) -> Any:
        symbol = as_symbol(symbol)
        configs = sorted(
            self._configs_of(symbol), key=lambda c: (not is_common_type(c._type), c.tick_type)
        )
        if not configs:
            raise ArgumentException(
                f"Please register to receive data for symbol '{symbol}' using the "
                "AddSecurity() function."
            )
        for config in configs:
            if tick_type is None or config.tick_type == tick_type:
                return config
        return configs[0]

    def _local_time_of(self, symbol: Any) -> datetime:
        security = self.securities.get(symbol)
        if security is not None:
            local: datetime = security.local_time
            return local
        hours = self._engine.hours.get_exchange_hours(
            symbol.id.market, symbol, symbol.security_type
        )
        moment: datetime = self._clock.local(hours.time_zone)
        return moment

    def _usual_type(self, symbol: Any) -> tuple[type, TickType]:
        if symbol.security_type in (SecurityType.FOREX, SecurityType.CFD):
            return QuoteBar, TickType.QUOTE
        return TradeBar, TickType.TRADE

    def resolve_consolidator(
        self, symbol: Any, resolution: Any = None, data_type: type | None = None
    ) -> Any:
        """Return a consolidator of a resolution or time span for what the symbol is subscribed
        with.
        """
        symbol = as_symbol(symbol)
        kind = None
        if data_type is not None:
            kind = common_tick_type(data_type, symbol.security_type)
        if isinstance(resolution, timedelta):
            return self._create_consolidator(symbol, None, kind, resolution, None)
        return self._create_consolidator(symbol, None, kind, None, resolution)

    @staticmethod
    def create_consolidator(
        period: timedelta, consolidator_input_type: type, tick_type: TickType | None = None
    ) -> Any:
        """Return a consolidator of a time span (none: identity) for a type of data."""
        kind = consolidator_input_type
        if not period:
            return _identity(kind)
        if issubclass(kind, TradeBar):
            return TradeBarConsolidator(period)
        if issubclass(kind, QuoteBar):
            return QuoteBarConsolidator(period)
        if issubclass(kind, Tick):
            if tick_type == TickType.QUOTE:
                return TickQuoteBarConsolidator(period)
            return TickConsolidator(period)
        return (
            DynamicDataConsolidator(period) if _is_dynamic(kind) else BaseDataConsolidator(period)
        )

    def _create_consolidator(
        self, symbol: Any, calendar: Any, tick_type: Any, period: Any, resolution: Any
    ) -> Any:
        config = self._get_subscription(symbol, tick_type)
        if (period is not None and period < config.increment) or (
            resolution is not None and resolution < config.resolution
        ):
            raise ArgumentException(
                f"Unable to create {symbol} consolidator because {symbol} is registered for "
                f"{config.resolution.to_string()} data. Consolidators require higher resolution "
                "data to produce lower resolution data."
            )
        if calendar is not None:
            return _by_calendar(calendar, config._type, config.tick_type)
        if period is None and resolution is None:
            period = config.increment
        if (period is not None and period == config.increment) or (
            resolution is not None and resolution == config.resolution
        ):
            return _identity(config._type)
        if resolution == Resolution.DAILY and issubclass(config._type, (TradeBar, QuoteBar, Tick)):
            return self._daily(symbol, config)
        if resolution is not None:
            period = INCREMENTS[Resolution(resolution)]
        return self.create_consolidator(period, config._type, config.tick_type)

    def _daily(self, symbol: Any, config: Any) -> Any:
        extended = config.extended_market_hours
        allowed = self.settings.daily_consolidation_use_extended_market_hours
        if extended and not allowed and not self._warned_extended_daily:
            self._warned_extended_daily = True
            self.debug(
                f"Warning: The subscription for {symbol} has ExtendedMarketHours=true, but "
                "Settings.DailyConsolidationUseExtendedMarketHours=false. Daily consolidations "
                "will exclude extended market hours. Enable "
                "algorithm.Settings.DailyConsolidationUseExtendedMarketHours to include them."
            )
        return MarketHourAwareConsolidator(
            self.settings.daily_precise_end_time, Resolution.DAILY, config._type, config.tick_type,
            extended and allowed,
        )  # fmt: skip

    def consolidate(self, *args: Any, **kwargs: Any) -> Any:
        """Send larger bars of a symbol to a handler and return the consolidator.

        ``(symbol, period, handler)`` or ``(symbol, period, tick_type, handler)`` with a Resolution,
        a timedelta or a calendar function as period; ``(type, symbol, size, tick_type, handler)``
        with ``RenkoBar``, ``VolumeRenkoBar``, ``RangeBar`` (size: a price step) or ``TradeBar``,
        ``QuoteBar`` (size: a count of bars).
        """
        if args and isinstance(args[0], type):
            return self._consolidate_by_size(*args, **kwargs)
        names = ("symbol", "period", "tick_type", "handler")
        values = dict(zip(names, args, strict=False))
        if len(args) == 3:
            third = values.pop("tick_type")
            values["tick_type" if isinstance(third, TickType) else "handler"] = third
        if "calendar" in kwargs:
            kwargs["period"] = kwargs.pop("calendar")
        values.update(kwargs)
        symbol, period = as_symbol(values["symbol"]), values["period"]
        tick_type, handler = values.get("tick_type"), values.get("handler")
        calendar = span = resolution = None
        if isinstance(period, timedelta):
            span = period
        elif callable(period):
            calendar = period
        else:
            resolution = Resolution(period)
        consolidator = self._create_consolidator(symbol, calendar, tick_type, span, resolution)
        return self._hand(symbol, consolidator, tick_type, handler)

    def _consolidate_by_size(
        self, type: type, symbol: Any, size: Any, tick_type: Any = None, handler: Any = None
    ) -> Any:
        symbol = as_symbol(symbol)
        if handler is None and callable(tick_type):
            tick_type, handler = None, tick_type
        consolidator = self._by_size(symbol, size, type, tick_type)
        return self._hand(symbol, consolidator, tick_type, handler)

    def _by_size(self, symbol: Any, size: Any, kind: type, tick_type: Any) -> Any:
        makers: dict[type, Callable[[Any], Any]] = {
            VolumeRenkoBar: VolumeRenkoConsolidator,
            RenkoBar: RenkoConsolidator,
            RangeBar: lambda height: RangeConsolidator(int(height)),
        }
        if kind in makers:
            return makers[kind](size)
        if self._get_subscription(symbol).resolution == Resolution.TICK:
            made: Any = (
                TickQuoteBarConsolidator if tick_type == TickType.QUOTE else TickConsolidator
            )
        else:
            counted: dict[type, Any] = {
                TradeBar: TradeBarConsolidator,
                QuoteBar: QuoteBarConsolidator,
            }
            made = counted.get(kind, BaseDataConsolidator)
        return made(int(size))

    def _hand(self, symbol: Any, consolidator: Any, tick_type: Any, handler: Any) -> Any:
        if handler is not None:
            listen(consolidator, lambda _sender, bar: handler(bar))
            self.subscription_manager.add_consolidator(symbol, consolidator, tick_type)
        return consolidator


def _identity(kind: type) -> Any:
    for known in (TradeBar, QuoteBar, Tick):
        if issubclass(kind, known):
            return _IDENTITIES[known]()
    return DynamicDataConsolidator(1) if _is_dynamic(kind) else _IDENTITIES[BaseData]()


def _by_calendar(calendar: Any, kind: type, tick_type: TickType) -> Any:
    if issubclass(kind, TradeBar):
        return TradeBarConsolidator(calendar)
    if issubclass(kind, QuoteBar):
        return QuoteBarConsolidator(calendar)
    if issubclass(kind, Tick):
        if tick_type == TickType.QUOTE:
            return TickQuoteBarConsolidator(calendar)
        return TickConsolidator(calendar)
    return (
        DynamicDataConsolidator(calendar) if _is_dynamic(kind) else BaseDataConsolidator(calendar)
    )

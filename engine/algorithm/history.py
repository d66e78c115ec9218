"""``QCAlgorithm.history`` in all its call shapes, last known prices, and where the
warm-up begins.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from engine.data.custom import PythonData, plain_point
from engine.data.events import EVENTS
from engine.data.history import (
    HistoryProvider,
    HistoryRequest,
    frame_of,
    memoized,
    until_now,
)
from engine.data.readers import FileReader
from engine.data.stream import use_strict_times
from engine.data.times import start_for_bars
from engine.types.bars import BaseData, QuoteBar, Tick, TradeBar
from engine.types.enums import DataNormalizationMode, Resolution, SecurityType, TickType
from engine.types.errors import (
    ArgumentException,
    InvalidOperationException,
)
from engine.types.slice import DataDictionary, Slice
from engine.types.subscription import INCREMENTS, SubscriptionDataConfig
from engine.types.symbol import Symbol, SymbolCache
from engine.types.timezones import from_utc, naive, to_utc

_SECOND = timedelta(seconds=1)
_NAMES = (
    "resolution",
    "fill_forward",
    "extended_market_hours",
    "data_mapping_mode",
    "data_normalization_mode",
    "contract_depth_offset",
    "flatten",
)
_SPAN_NAMES = ("periods", "span", "start", "end")
_TARGET_NAMES = ("tickers", "symbols", "symbol", "type", "ticker")
_COMMON = (TradeBar, QuoteBar, Tick)
_LOOKBACK = 5
_RETRY = {Resolution.DAILY: 10, Resolution.HOUR: 24}
_RETRY_MINUTES = 1440
_LAST_RETRY = 50


class _History:
    """What ``self.history`` is: a function, and one that can be given a type:
    ``history[TradeBar](...)``.
    """

    __slots__ = ("_algorithm", "_kind")

    def __init__(self, algorithm: Any, kind: type | None = None) -> None:
        self._algorithm = algorithm
        self._kind = kind

    def __getitem__(self, kind: type) -> _History:
        return _History(self._algorithm, kind)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        values = list(args)
        kind, generic = self._kind, self._kind is not None
        if values and isinstance(values[0], type) and not generic:
            kind = values.pop(0)
        elif isinstance(kwargs.get("type"), type):
            kind = kwargs.pop("type")
        target: Any = None
        if values and not _is_span(values[0]):
            target = values.pop(0)
        else:
            for name in _TARGET_NAMES:
                if name in kwargs:
                    target = kwargs.pop(name)
        if isinstance(target, HistoryRequest) or (
            isinstance(target, (list, tuple)) and target and isinstance(target[0], HistoryRequest)
        ):
            requests = [target] if isinstance(target, HistoryRequest) else list(target)
            return memoized(self._algorithm._history_slices(requests), Slice)
        span = _take_span(values, kwargs)
        options = _options(values, kwargs)
        return self._algorithm._history(kind, generic, target, span, options)


def _is_span(value: Any) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or isinstance(
        value, (timedelta, datetime, float)
    )


def _take_span(values: list[Any], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """Take ``periods``, ``span`` or ``start, end`` out of the arguments."""
    named = {name: kwargs.pop(name) for name in _SPAN_NAMES if name in kwargs}
    for name in ("periods", "span"):
        if name in named:
            return (named[name],)
    if values and isinstance(values[0], datetime):
        start = values.pop(0)
        end = named["end"] if "end" in named else (values.pop(0) if values else None)
    elif "start" in named:
        start, end = named["start"], named.get("end")
        if end is None and values:
            end = values.pop(0)
    else:
        if not values:
            raise ArgumentException(
                "expected a number of bars, a timedelta, or start and end in history(), was neither"
            )
        return (values.pop(0),)
    if end is None:
        raise ArgumentException("expected start and end in history(), was a start alone")
    return start, end


def _options(values: list[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    if len(values) > len(_NAMES):
        raise ArgumentException(
            f"expected at most {len(_NAMES)} options in history(), was {len(values)}"
        )
    options = dict(zip(_NAMES, values, strict=False))
    for name, value in kwargs.items():
        if name not in _NAMES:
            raise TypeError(f"history() got an unexpected keyword argument '{name}'")
        options[name] = value
    return options


class HistoryMixin:
    """History of ``QCAlgorithm``."""

    if TYPE_CHECKING:

        @property
        def _utc(self) -> datetime: ...

        @property
        def time(self) -> datetime: ...

    _engine: Any
    time_zone: Any
    securities: Any
    settings: Any
    universe_settings: Any
    subscription_manager: Any
    universe_manager: Any
    debug: Any
    error: Any

    def _init_history(self) -> None:
        engine = self._engine
        files = getattr(engine, "files", None)
        if files is None:
            files = engine.files = FileReader(engine.data_folder)
        self._history_provider = HistoryProvider(files, engine.maps)
        engine.history = self._history_provider
        self._future_history_told = False

    @property
    def history_provider(self) -> HistoryProvider:
        return self._history_provider

    @property
    def history(self) -> _History:
        """Bars of the past: ``history(symbols, periods | timedelta | start, end[,
        resolution])``.
        """
        return _History(self)

    # -- calls ---------------------------------------------------------------------------------

    def _history(
        self,
        kind: type | None,
        generic: bool,
        target: Any,
        span: tuple[Any, ...],
        options: dict[str, Any],
    ) -> Any:
        symbols = self._history_symbols(target)
        requests = self._history_requests(symbols, kind, span, options)
        slices = self._history_slices(requests)
        if generic:
            assert kind is not None
            if _is_one(target):
                # the points of a universe keep the class of the algorithm, others do not
                chosen = self.universe_manager.get(symbols[0]) is not None
                return memoized(_typed(slices, kind, symbols[0], not chosen), kind)
            found = [held for s in slices if len(held := s.get(kind))]
            return memoized(found, DataDictionary)
        if isinstance(target, str) and kind is None:
            if symbols[0].security_type in (SecurityType.FOREX, SecurityType.CFD):
                self.error(
                    "Calling History<TradeBar> method on a Forex or CFD security "
                    "will return an empty result. "
                    "Please use the generic version with QuoteBar type parameter."
                )
            return memoized(_typed(slices, TradeBar, symbols[0]), TradeBar)
        if target is None and kind is None:
            return memoized(slices, Slice)
        return frame_of(slices, kind)

    def _history_symbols(self, target: Any) -> list[Symbol]:
        if target is None:
            return [pair.symbol for pair in _values(self.securities)]
        if _is_one(target):
            return [_symbol(target)]
        if isinstance(target, dict):
            target = list(dict.keys(target))
        return [_symbol(item) for item in target]

    def _history_requests(
        self,
        symbols: Iterable[Symbol],
        kind: type | None,
        span: tuple[Any, ...],
        options: dict[str, Any],
    ) -> list[HistoryRequest]:
        resolution = options.get("resolution")
        resolution = None if resolution is None else Resolution(resolution)
        amount = span[0]
        periods = None
        if len(span) == 2:
            start, end = self._as_local(span[0]), self._as_local(span[1])
        elif isinstance(amount, timedelta):
            start, end = self.time - amount, self.time
        else:
            periods = int(amount)
            start = end = self.time
            if resolution == Resolution.TICK:
                raise _no_periods_of_ticks()
        found = []
        for symbol in symbols:
            if symbol.is_canonical():
                continue
            for config in self._matching_configs(symbol, kind, resolution):
                used = config.resolution if resolution is None else resolution
                if used == Resolution.TICK and periods is not None and not config.is_custom_data:
                    raise _no_periods_of_ticks()
                hours = self._exchange_hours(symbol)
                if periods is not None:
                    outside = options.get("extended_market_hours")
                    start = self._bars_back(config, hours, periods, used, outside)
                found.append(self._request(config, hours, start, end, resolution, options))
        return found

    def _as_local(self, moment: Any) -> datetime:
        if not isinstance(moment, datetime):
            moment = datetime(moment.year, moment.month, moment.day)
        if moment.tzinfo is not None:
            return from_utc(naive(moment), self.time_zone)
        return moment

    def _request(
        self,
        config: SubscriptionDataConfig,
        hours: Any,
        start: datetime,
        end: datetime,
        resolution: Resolution | None,
        options: dict[str, Any],
    ) -> HistoryRequest:
        used = config.resolution if resolution is None else resolution
        kind = config._type
        if used != config.resolution and kind in _COMMON:
            kind = QuoteBar if config.tick_type == TickType.QUOTE else TradeBar
        fill, extended = options.get("fill_forward"), options.get("extended_market_hours")
        mode = options.get("data_normalization_mode")
        return HistoryRequest(
            config,
            hours,
            to_utc(start, self.time_zone),
            to_utc(end, self.time_zone),
            kind,
            used,
            config.fill_data_forward if fill is None else bool(fill),
            config.extended_market_hours if extended is None else bool(extended),
            config.data_normalization_mode if mode is None else DataNormalizationMode(mode),
            self.settings.daily_precise_end_time,
        )

    def _history_slices(self, requests: list[HistoryRequest]) -> list[Slice]:
        utc = self._utc
        kept = []
        for request in requests:
            kept.append(until_now(request, utc))
            if request.end > utc and not self._future_history_told:
                self._future_history_told = True
                self.debug("Request for future history modified to end now.")
        self._future_history_told = False
        return self._history_provider.slices(kept, self.time_zone)

    # -- requests ------------------------------------------------------------------------------

    def _exchange_hours(self, symbol: Symbol) -> Any:
        for security in _values(self.securities):
            if security.symbol == symbol:
                return security.exchange.hours
        return self._engine.hours._entry_of(symbol).exchange_hours

    def _bars_back(
        self,
        config: SubscriptionDataConfig,
        hours: Any,
        periods: int,
        resolution: Resolution,
        extended: bool | None,
    ) -> datetime:
        """Return the algorithm's local time from which ``periods`` bars of a subscription are."""
        outside = False
        if resolution < Resolution.HOUR:
            configs = self.subscription_manager._of(config.symbol)
            outside = (
                any(c.extended_market_hours for c in configs) if extended is None else extended
            )
        size = max(INCREMENTS[resolution], _SECOND)
        start = start_for_bars(
            hours,
            from_utc(self._utc, hours.time_zone),
            size,
            periods,
            bool(outside),
            config.data_time_zone,
            use_strict_times(
                self.settings.daily_precise_end_time, config.symbol, resolution, hours
            ),
        )
        return from_utc(to_utc(start, hours.time_zone), self.time_zone)

    def _matching_configs(
        self, symbol: Symbol, kind: type | None, resolution: Resolution | None, every: bool = False
    ) -> list[SubscriptionDataConfig]:
        """Return the subscriptions that a history call reads: the user's, else internal ones, else
        made for it.
        """
        order = self.subscription_manager.available_data_types[symbol.security_type]

        def rank(config: SubscriptionDataConfig) -> tuple[int, int]:
            return -int(config.resolution), -order.index(config.tick_type)

        known = sorted(self.subscription_manager._of(symbol, True), key=rank)
        universe = None if known else self.universe_manager.get(symbol)
        if universe is not None and universe.configuration.is_custom_data:
            config = SubscriptionDataConfig(universe.configuration)
            config.fill_data_forward = self.universe_settings.fill_forward
            return [config]
        matching = [
            c for c in known if kind is None or kind is BaseData or issubclass(c._type, kind)
        ]
        own = [c for c in matching if not c.is_internal_feed]
        internal = [c for c in matching if c.is_internal_feed]
        configs = own + internal if own and every else own or internal
        if configs:
            if resolution is not None and symbol.security_type == SecurityType.EQUITY:
                if resolution in (Resolution.DAILY, Resolution.HOUR):
                    return [c for c in configs if c.tick_type != TickType.QUOTE]
                if kind is None and all(c.tick_type != TickType.QUOTE for c in configs):
                    first = configs[0]
                    quote = self._made_config(
                        symbol, QuoteBar, TickType.QUOTE, resolution, first.extended_market_hours,
                        first.data_normalization_mode, first.fill_data_forward,
                    )  # fmt: skip
                    configs = sorted([*configs, quote], key=lambda c: -order.index(c.tick_type))
            return configs
        base = next((c for c in known if c._type in _COMMON and not c.is_internal_feed), None)
        settings = self.universe_settings
        extended = settings.extended_market_hours if base is None else base.extended_market_hours
        mode = settings.data_normalization_mode if base is None else base.data_normalization_mode
        used = resolution
        if used is None:
            used = min((c.resolution for c in known), default=Resolution(settings.resolution))
        if kind is not None and kind is not BaseData and kind not in _COMMON:
            own_type = kind not in EVENTS
            return [
                self._made_config(
                    symbol, kind, TickType.TRADE, used, extended, mode, own_type, own_type
                )
            ]
        found = []
        for tick_type in reversed(order):
            made: type = QuoteBar if tick_type == TickType.QUOTE else TradeBar
            if used == Resolution.TICK:
                made = Tick
            daily = used in (Resolution.DAILY, Resolution.HOUR)
            if symbol.security_type == SecurityType.EQUITY and daily and made is QuoteBar:
                continue
            if kind is None or kind is BaseData or issubclass(made, kind):
                found.append(self._made_config(symbol, made, tick_type, used, extended, mode))
        return found

    def _made_config(
        self,
        symbol: Symbol,
        kind: type,
        tick_type: TickType,
        resolution: Resolution,
        extended: bool,
        mode: DataNormalizationMode,
        fill_forward: bool | None = None,
        custom: bool = False,
    ) -> SubscriptionDataConfig:
        entry = self._engine.hours._entry_of(symbol)
        fill = self.universe_settings.fill_forward if fill_forward is None else fill_forward
        return SubscriptionDataConfig(
            kind, symbol, resolution, entry.data_time_zone, entry.exchange_hours.time_zone, fill,
            extended, True, custom, tick_type, True, mode,
            daily_precise_end_time=self.settings.daily_precise_end_time,
        )  # fmt: skip

    # -- last prices ---------------------------------------------------------------------------

    def get_last_known_prices(self, symbol: Any) -> Any:
        """Return the last bar of each type: a list for one security, else symbol -> list."""
        one = _is_one(symbol)
        symbols = [_symbol(symbol)] if one else [_symbol(item) for item in _each(symbol)]
        found: dict[tuple[Symbol, type, TickType], Any] = {}
        wanted = self._seed_requests(symbols, _LOOKBACK)
        self._seed(wanted, found)
        failed = [r for r in wanted if _seed_key(r) not in found]
        if failed:
            retry = []
            for symbol in dict.fromkeys(r.symbol for r in failed):
                kinds = {r.type for r in failed if r.symbol == symbol}
                resolution = next(r.resolution for r in failed if r.symbol == symbol)
                periods = _RETRY.get(resolution, _RETRY_MINUTES)
                again = self._seed_requests([symbol], periods, resolution)
                retry += [r for r in again if r.type in kinds]
            self._seed(retry, found)
            failed = [r for r in retry if _seed_key(r) not in found]
        if failed:
            last = list(dict.fromkeys(r.symbol for r in failed))
            self._seed(self._seed_requests(last, _LAST_RETRY, Resolution.DAILY), found)
        order = self.subscription_manager.available_data_types
        result = DataDictionary()
        for symbol in symbols:
            held = [(key[2], bar) for key, bar in found.items() if key[0] == symbol]
            ranks = order[symbol.security_type]
            held.sort(key=lambda item: (item[1].time, ranks.index(item[0])))
            if held:
                dict.__setitem__(result, symbol, [bar for _, bar in held])
        return result.get(symbols[0], []) if one else result

    def get_last_known_price(self, symbol: Any) -> Any:
        """Return the last bar of a security; None when it has none."""
        symbol = _symbol(symbol)
        bars = self.get_last_known_prices(symbol)
        if not bars:
            return None
        quotes_first = symbol.security_type in (SecurityType.FOREX, SecurityType.CFD)
        ranked = [QuoteBar] if quotes_first else [TradeBar, QuoteBar]
        for kind in ranked:
            for bar in reversed(bars):
                if type(bar) is kind:
                    return bar
        return bars[-1]

    def _seed_requests(
        self, symbols: Iterable[Symbol], periods: int, resolution: Resolution | None = None
    ) -> list[HistoryRequest]:
        options: dict[str, Any] = {"fill_forward": False, "resolution": resolution}
        found = []
        for symbol in symbols:
            for config in self._matching_configs(symbol, None, resolution, True):
                used = config.resolution if resolution is None else resolution
                used = max(used, Resolution.MINUTE)
                hours = self._exchange_hours(symbol)
                start = self._bars_back(config, hours, periods, used, None)
                found.append(self._request(config, hours, start, self.time, used, options))
        return found

    def _seed(
        self,
        requests: list[HistoryRequest],
        found: dict[tuple[Symbol, type, TickType], Any],
    ) -> None:
        for request in requests:
            points = self._history_provider.points(until_now(request, self._utc))
            self._history_provider.data_point_count += len(points)
            if points:
                found[_seed_key(request)] = points[-1][1]

    # -- warm-up -------------------------------------------------------------------------------

    def _warmup_start_utc(self) -> datetime | None:
        """Return the naive UTC time at which the warm-up begins; None without a warm-up."""
        span: timedelta | None = getattr(self, "_warmup_time_span", None)
        count: int | None = getattr(self, "_warmup_bar_count", None)
        if span is not None:
            return to_utc(self.time - span, self.time_zone)
        if count is None:
            return None
        resolution = self.settings.warmup_resolution
        symbols = self._history_symbols(None)
        starts = [
            request.start
            for request in self._history_requests(
                symbols, None, (count,), {"resolution": resolution}
            )
        ]
        if starts:
            return min(starts)
        used = Resolution(self.universe_settings.resolution if resolution is None else resolution)
        found = self.time - count * INCREMENTS[used]
        for universe in _values(self.universe_manager):
            config = universe.configuration
            hours = self._engine.hours._entry_of(config.symbol).exchange_hours
            used = config.resolution if resolution is None else resolution
            found = min(found, self._bars_back(config, hours, count, used, None))
        return to_utc(found, self.time_zone)


def _seed_key(request: HistoryRequest) -> tuple[Symbol, type, TickType]:
    return request.symbol, request.type, request.config.tick_type


def _is_one(target: Any) -> bool:
    return isinstance(target, (str, Symbol)) or (
        hasattr(target, "symbol") and not isinstance(target, (list, tuple))
    )


def _symbol(item: Any) -> Symbol:
    if isinstance(item, Symbol):
        return item
    if isinstance(item, str):
        return SymbolCache.get_symbol(item)
    if hasattr(item, "symbol"):
        return item.symbol
    if hasattr(item, "key"):
        return _symbol(item.key)
    raise ArgumentException(f"expected a symbol or a ticker in history(), was {item!r}")


def _each(what: Any) -> Iterable[Any]:
    return _values(what) if hasattr(what, "values") else what


def _values(mapping: Any) -> list[Any]:
    values = mapping.values
    return list(values() if callable(values) else values)


def _no_periods_of_ticks() -> InvalidOperationException:
    return InvalidOperationException(
        "History functions that accept a 'periods' parameter can not be used with Resolution.Tick"
    )


def _typed(slices: list[Slice], kind: type[Any], symbol: Symbol, plain: bool = True) -> list[Any]:
    found = [
        point
        for slice_ in slices
        for point in slice_._points
        if isinstance(point, kind) and point.symbol == symbol
    ]
    if not issubclass(kind, PythonData):
        return found
    # a slice holds one point of a type and a symbol: the last
    last = {point.end_time: point for point in found}
    return [plain_point(point) if plain else point for point in last.values()]

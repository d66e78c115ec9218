"""Securities and universes of ``QCAlgorithm``: what is added, removed and selected."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from engine.data.custom import PythonData
from engine.framework.support import as_symbol, span_of
from engine.types.bars import BaseData
from engine.types.dotnet import SymbolDict
from engine.types.enums import DataNormalizationMode, Resolution, SecurityType
from engine.types.errors import ArgumentException, EngineUnsupported
from engine.types.subscription import SubscriptionDataConfig
from engine.types.symbol import SecurityIdentifier, Symbol, SymbolCache
from engine.types.timezones import TimeZones
from engine.universes.changes import SecurityChanges
from engine.universes.custom import FuncUniverse
from engine.universes.manager import UniverseManager
from engine.universes.selection import apply_changes, make_untradable
from engine.universes.settings import UniverseSettings
from engine.universes.subscriptions import SubscriptionService
from engine.universes.universe import UnchangedUniverse, Universe
from engine.universes.user_defined import ONCE, UserDefinedUniverse


class UniverseDefinitions:
    """``self.universe``: ready-made universes.

    They all need fundamental data, which the engine does not have.
    """

    @property
    def unchanged(self) -> UnchangedUniverse:
        return Universe.UNCHANGED

    def __getattr__(self, name: str) -> Any:
        raise EngineUnsupported(
            f"engine does not implement QCAlgorithm.universe.{name}; use lean backtest"
        )


class UniverseMixin:
    """``add_equity`` and the like, ``remove_security``, ``add_universe``, ``active_securities``."""

    _engine: Any
    _utc: Any
    _market: Callable[[str, SecurityType], str]
    is_warming_up: bool
    securities: Any
    subscription_manager: Any
    transactions: Any
    liquidate: Callable[..., Any]
    debug: Callable[[str], None]

    def _init_universe(self) -> None:
        self.universe_manager = UniverseManager()
        self.universe_settings = UniverseSettings(
            Resolution.MINUTE, 0, True, False, timedelta(days=1)
        )
        self._subscription_service = SubscriptionService(self)
        self._universe_definitions = UniverseDefinitions()
        #: (universe, security, its subscriptions or None for a removal), applied at the end of
        #: the step
        self._pending_members: list[tuple[UserDefinedUniverse, Any, Any]] = []
        self._pending_universes = False

    @property
    def universe(self) -> UniverseDefinitions:
        return self._universe_definitions

    @property
    def active_securities(self) -> SymbolDict[Any]:
        """The securities that are in a universe now."""
        return self.universe_manager.active_securities

    # -- adding --------------------------------------------------------------------------------

    def add_equity(
        self,
        ticker: str,
        resolution: Any = None,
        market: str | None = None,
        fill_forward: bool = True,
        leverage: Any = 0,
        extended_market_hours: bool = False,
        data_normalization_mode: Any = None,
    ) -> Any:
        """Add a share; without a resolution at that of ``universe_settings`` (minutes)."""
        return self._add(
            SecurityType.EQUITY, ticker, resolution, market, fill_forward, leverage,
            extended_market_hours, data_normalization_mode,
        )  # fmt: skip

    def add_forex(
        self,
        ticker: str,
        resolution: Any = None,
        market: str | None = None,
        fill_forward: bool = True,
        leverage: Any = 0,
    ) -> Any:
        """Add a pair of currencies."""
        return self._add(SecurityType.FOREX, ticker, resolution, market, fill_forward, leverage)

    def add_cfd(
        self,
        ticker: str,
        resolution: Any = None,
        market: str | None = None,
        fill_forward: bool = True,
        leverage: Any = 0,
    ) -> Any:
        """Add a contract for difference."""
        return self._add(SecurityType.CFD, ticker, resolution, market, fill_forward, leverage)

    def add_crypto(
        self,
        ticker: str,
        resolution: Any = None,
        market: str | None = None,
        fill_forward: bool = True,
        leverage: Any = 0,
    ) -> Any:
        """Add a coin."""
        return self._add(SecurityType.CRYPTO, ticker, resolution, market, fill_forward, leverage)

    def add_index(
        self,
        ticker: str,
        resolution: Any = None,
        market: str | None = None,
        fill_forward: bool = True,
    ) -> Any:
        """Add an index, which cannot be traded."""
        return self._add(SecurityType.INDEX, ticker, resolution, market, fill_forward, 1)

    def add_security(self, *args: Any, **kwargs: Any) -> Any:
        """Add a security by symbol, or by type and ticker.

        ``add_security(symbol[, resolution, fill_forward, leverage, extended_market_hours, ...])``,
        ``add_security(type, ticker[, resolution[, market], fill_forward, [leverage,]
        extended_market_hours, ...])``.
        """
        values = list(args)
        tail = ["data_mapping_mode", "data_normalization_mode", "contract_depth_offset"]
        if "security_type" in kwargs or (values and isinstance(values[0], SecurityType)):
            names = ["security_type", "ticker", "resolution"]
            rest = values[3:]
            if rest and isinstance(rest[0], str):
                names.append("market")
                rest = rest[1:]
            names.append("fill_forward")
            if len(rest) > 1 and not isinstance(rest[1], bool) and rest[1] is not None:
                names.append("leverage")
            names += ["extended_market_hours", *tail]
        else:
            names = [
                "symbol", "resolution", "fill_forward", "leverage", "extended_market_hours", *tail
            ]  # fmt: skip
        given = dict(zip(names, values, strict=False)) | kwargs
        settings = self.universe_settings
        fill = given.get("fill_forward")
        extended = given.get("extended_market_hours")
        fill = settings.fill_forward if fill is None else fill
        extended = settings.extended_market_hours if extended is None else extended
        mode = given.get("data_normalization_mode")
        if "symbol" in given:
            symbol = as_symbol(given["symbol"])
        else:
            symbol = self._symbol_for(
                SecurityType(given["security_type"]), given["ticker"], given.get("market")
            )
        return self._add_symbol(
            symbol,
            given.get("resolution"),
            fill,
            given.get("leverage", 0),
            extended,
            DataNormalizationMode.ADJUSTED if mode is None else mode,
        )

    def _symbol_for(self, security_type: SecurityType, ticker: Any, market: str | None) -> Symbol:
        if isinstance(ticker, Symbol):
            # LEAN takes a symbol for the text that names it
            return ticker
        market = market or self._market(ticker, security_type)
        known = SymbolCache._find(ticker)
        if known is not None and known.id.market == market and known.security_type == security_type:
            return known
        return Symbol.create(ticker, security_type, market)

    def _add(
        self,
        security_type: SecurityType,
        ticker: str,
        resolution: Any,
        market: str | None,
        fill_forward: bool,
        leverage: Any,
        extended: bool = False,
        mode: Any = None,
    ) -> Any:
        if mode is None:
            mode = self.universe_settings.data_normalization_mode
        symbol = self._symbol_for(security_type, ticker, market)
        return self._add_symbol(symbol, resolution, fill_forward, leverage, extended, mode)

    def _add_symbol(
        self,
        symbol: Symbol,
        resolution: Any,
        fill_forward: bool,
        leverage: Any,
        extended: bool,
        mode: Any,
    ) -> Any:
        configs = self._subscription_service.add(
            symbol,
            resolution,
            fill_forward,
            extended,
            mode,
            self.universe_settings.data_mapping_mode,
        )
        security = self.securities.create_security(symbol, configs, leverage)
        return self._into_user_defined(security, configs)

    def add_data(self, type: Any, *args: Any, **kwargs: Any) -> Any:
        """Add data of the user's own type.

        ``add_data(type, ticker or symbol[, resolution[, time_zone[, fill_forward[, leverage]]]])``
        or ``add_data(type, ticker, properties, exchange_hours[, resolution, ...])``.
        """
        if getattr(type, "__module__", "") == "engine.shim":
            type()  # one of LEAN's own types that the engine lacks: it refuses
        if not isinstance(type, _TYPE) or not issubclass(type, BaseData):
            raise ArgumentException(
                f"expected a class derived from PythonData, was {type!r}; give the class, not its "
                f"name"
            )
        names = ["ticker", "resolution", "time_zone", "fill_forward", "leverage"]
        if (len(args) > 1 and hasattr(args[1], "lot_size")) or "properties" in kwargs:
            names[1:3] = ["properties", "exchange_hours", "resolution"]
        elif len(args) > 2 and isinstance(args[2], bool):
            names.remove("time_zone")
        given = dict(zip(names, args, strict=False)) | kwargs
        for other in ("underlying", "symbol"):
            if other in given:
                given["ticker"] = given.pop(other)
        what = given["ticker"]
        if isinstance(what, str):
            symbol = Symbol(SecurityIdentifier.generate_base(type, what, "usa"), what.upper())
        else:
            underlying = as_symbol(what)
            symbol = Symbol.create_base(type, underlying, underlying.id.market)
        hours = self._engine.hours
        alias = symbol.id.symbol
        SymbolCache.set(alias, symbol)
        if given.get("properties") is not None:
            self._engine.properties.set_entry(
                symbol.id.market, alias, SecurityType.BASE, given["properties"]
            )
            hours.set_entry(symbol.id.market, alias, SecurityType.BASE, given["exchange_hours"])
        if given.get("time_zone") is not None:
            zone = given["time_zone"]
            zone = ZoneInfo(zone) if isinstance(zone, str) else zone
            hours.set_entry_always_open(symbol.id.market, alias, SecurityType.BASE, zone)
        config = self._subscription_service.add_custom(
            type, symbol, given.get("resolution"), bool(given.get("fill_forward", False))
        )
        security = self.securities.create_security(
            symbol, [config], given.get("leverage", 1), False
        )
        return self._into_user_defined(security, [config])

    def _into_user_defined(self, security: Any, configs: list[SubscriptionDataConfig]) -> Any:
        """Put a security into the universe of what is added by hand."""
        symbol = security.symbol
        first = configs[0]
        if not dict.__contains__(self.securities, symbol):
            self.securities.add(security)
        elif not first.is_internal_feed and all(
            c.is_internal_feed for c in security.subscriptions if c not in configs
        ):
            security._make_tradable()
        name = UserDefinedUniverse.create_symbol(security.type, symbol.id.market)
        universe = self.universe_manager.get(name)
        if universe is None:
            config = SubscriptionDataConfig(
                first._type, name, first.resolution, TimeZones.UTC, TimeZones.UTC,
                False, first.extended_market_hours, True,
            )  # fmt: skip
            self._engine.hours.set_entry_always_open(
                config.market, name, config.security_type, TimeZones.UTC
            )
            universe = UserDefinedUniverse(
                config,
                UniverseSettings(
                    first.resolution,
                    security.leverage,
                    first.fill_data_forward,
                    first.extended_market_hours,
                    timedelta(0),
                ),
                ONCE,
                [],
            )
            self.add_universe(universe)
        self._pending_members.append((universe, security, configs))
        return security

    # -- removing ------------------------------------------------------------------------------

    def remove_security(self, symbol: Any, tag: str | None = None) -> bool:
        """Close the position, cancel the orders and give up the data of a security.

        False when the algorithm does not have it. ``on_securities_changed`` comes at the end of
        the step.
        """
        symbol = as_symbol(symbol)
        security = self.securities.get(symbol)
        if security is None:
            return False
        tag = "Removed" if tag is None else tag
        if not self.is_warming_up:
            self.transactions.cancel_open_orders(symbol, tag)
        if security.invested:
            self.liquidate(symbol, tag=tag)
        make_untradable(security)
        self._pending_members = [p for p in self._pending_members if p[1].symbol != symbol]
        for universe in list(self.universe_manager.values()):
            if isinstance(universe, UserDefinedUniverse) and universe.contains_member(symbol):
                self._pending_members.append((universe, security, None))
        return True

    # -- universes -----------------------------------------------------------------------------

    def add_universe(self, *args: Any, **kwargs: Any) -> Universe:
        """Add a universe, or tickers by a function of local time.

        ``add_universe(universe)``, ``add_universe(name[, resolution], selector)``,
        ``add_universe(security_type, name, resolution, market, settings, selector)`` or, with a
        data type of the user's own, ``add_universe(type[, security_type][, name][, resolution]
        [, market][, settings], selector)``.

        Raises
        ------
        EngineUnsupported
            For universes that select on fundamental or other data.
        """
        values = list(args)
        kind = values[0] if values else kwargs.get("data_type")
        if isinstance(kind, type) and issubclass(kind, PythonData):
            return self._add_custom_universe(kind, values[1:], kwargs)
        if len(values) == 1 and isinstance(values[0], Universe) and not kwargs:
            return self._add_universe(values[0])
        if (values and isinstance(values[0], SecurityType)) or "security_type" in kwargs:
            names = [
                "security_type",
                "name",
                "resolution",
                "market",
                "universe_settings",
                "selector",
            ]
        else:
            names = ["name", "selector"] if len(values) < 3 else ["name", "resolution", "selector"]
        given = dict(zip(names, values, strict=False)) | kwargs
        name, selector = given.get("name"), given.get("selector")
        if not isinstance(name, str) or not callable(selector):
            raise EngineUnsupported(
                "engine does not implement QCAlgorithm.add_universe on fundamental or other "
                "data; use lean backtest"
            )
        security_type = SecurityType(given.get("security_type", SecurityType.EQUITY))
        resolution = Resolution(given.get("resolution", Resolution.DAILY))
        market = given.get("market") or "usa"
        entry = self._engine.hours.get_entry(market, name, security_type)
        config = SubscriptionDataConfig(
            BaseData,
            Symbol.create(name, security_type, market),
            resolution,
            entry.data_time_zone,
            entry.exchange_hours.time_zone,
            False,
            False,
            True,
            is_filtered_subscription=False,
        )
        return self._add_universe(
            UserDefinedUniverse(
                config,
                given.get("universe_settings") or self.universe_settings,
                span_of(resolution),
                selector,
            )
        )

    def _add_custom_universe(
        self, kind: type, values: list[Any], kwargs: dict[str, Any]
    ) -> Universe:
        """Add a universe that a function selects from points of the user's own type."""
        given = {k: v for k, v in kwargs.items() if k != "data_type"}
        for value in values:
            if isinstance(value, SecurityType):
                given["security_type"] = value
            elif isinstance(value, Resolution):
                given["resolution"] = value
            elif isinstance(value, str):
                given["market" if "name" in given else "name"] = value
            elif isinstance(value, UniverseSettings):
                given["universe_settings"] = value
            elif callable(value):
                given["selector"] = value
        market = given.get("market") or "usa"
        name = given.get("name") or f"{kind.__name__}-{market}-{len(self.universe_manager)}"
        symbol = Symbol(SecurityIdentifier.generate_base(kind, name, market), name.upper())
        entry = self._engine.hours._entry_of(symbol)
        config = SubscriptionDataConfig(
            kind,
            symbol,
            Resolution(given.get("resolution") or Resolution.DAILY),
            entry.data_time_zone,
            entry.exchange_hours.time_zone,
            False,
            False,
            True,
            True,
            is_filtered_subscription=False,
        )
        selector = given.get("selector", given.get("py_selector"))
        settings = given.get("universe_settings") or self.universe_settings
        universe = FuncUniverse(config, settings, selector)
        universe._kind = SecurityType(given.get("security_type", SecurityType.EQUITY))
        return self._add_universe(universe)

    def _add_universe(self, universe: Universe) -> Universe:
        if universe.universe_settings is None:
            universe.universe_settings = self.universe_settings
        self._pending_universes = True
        self.universe_manager.add(universe.configuration.symbol, universe)
        return universe

    # -- for the loop --------------------------------------------------------------------------

    @property
    def _utc_ticks(self) -> int:
        """Ticks (0.1 microseconds) of LEAN's clock beyond ours.

        1 in the slice of a universe that started late.
        """
        feed = self._engine.feed
        return int(feed is not None and feed.late_at == self._utc)

    def _apply_pending_universes(self) -> None:
        """Let what was added and removed in this step reach the feed.

        Called at the end of each step.
        """
        if not self._pending_universes and not self._pending_members:
            return
        for universe, security, configs in self._pending_members:
            if configs is None:
                changed, action = universe.remove(security.symbol), "Replace"
            else:
                changed, action = False, "Add"
                for config in configs:
                    changed = universe.add(config) or changed
            if changed:
                self.universe_manager.update(universe.symbol, universe, action)
        self._pending_members = []
        self.universe_manager.process_changes()
        self._pending_universes = False

    def _process_security_changes(self, changes: SecurityChanges) -> None:
        apply_changes(self, changes)

    def _seed_securities(self, securities: list[Any]) -> None:
        """Give securities that have no price yet their last known one."""
        for security in securities:
            if not security._price:
                for point in self.get_last_known_prices(security):  # type: ignore[attr-defined]
                    security.set_market_price(point)


_TYPE = type

"""Universe selection models: they make the universes of an algorithm."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from engine.framework.support import NEVER, as_list, as_symbol, as_utc
from engine.securities.native import LeanModel, method
from engine.types.bars import Tick, TradeBar
from engine.types.enums import Resolution, SecurityType
from engine.types.errors import ArgumentException, EngineUnsupported
from engine.types.subscription import SubscriptionDataConfig
from engine.types.symbol import Symbol, SymbolCache
from engine.types.timezones import TimeZones
from engine.universes.scheduled import ScheduledUniverse, split_zone
from engine.universes.settings import UniverseSettings
from engine.universes.universe import Universe
from engine.universes.user_defined import CustomUniverse, ManualUniverse, plain_symbol


class UniverseSelectionModel(LeanModel):
    """Base of all universe selection models."""

    def get_next_refresh_time_utc(self) -> datetime:
        """Return when :meth:`create_universes` shall be asked again; by default never."""
        return NEVER

    def create_universes(self, algorithm: Any) -> list[Universe]:
        """Return the universes of the algorithm."""
        raise NotImplementedError(
            "Types deriving from 'UniverseSelectionModel' must implement the "
            "'IEnumerable<Universe> "
            "CreateUniverses(QCAlgorithm) method."
        )


class NullUniverseSelectionModel(UniverseSelectionModel):
    """Makes no universe."""

    def create_universes(self, algorithm: Any) -> list[Universe]:
        return []


_NEVER_AGAIN = UniverseSelectionModel.get_next_refresh_time_utc


def never_refreshed(model: Any) -> bool:
    """Tell whether a model has no more than the engine's own answer, which is never."""
    inherited = getattr(type(model), "get_next_refresh_time_utc", None) is _NEVER_AGAIN
    return inherited and "get_next_refresh_time_utc" not in model.__dict__


def refresh_time(model: Any) -> datetime:
    """Ask any model, also one without the method, for its next refresh."""
    if never_refreshed(model):
        return NEVER
    if not hasattr(model, "get_next_refresh_time_utc") and not hasattr(
        model, "GetNextRefreshTimeUtc"
    ):
        return NEVER
    return as_utc(method(model, "get_next_refresh_time_utc")())


class CompositeUniverseSelectionModel(UniverseSelectionModel):
    """Several models; each is asked when its own refresh is due."""

    def __init__(self, *universe_selection_models: Any) -> None:
        models = list(universe_selection_models)
        if len(models) == 1 and isinstance(models[0], (list, tuple)):
            models = list(models[0])
        if not models:
            raise ArgumentException(
                "Must specify at least 1 universe selection model for the "
                "CompositeUniverseSelectionModel"
            )
        self._models = models
        self._asked = False

    def add_universe_selection(self, universe_selection_model: Any) -> None:
        self._models.append(universe_selection_model)

    def get_next_refresh_time_utc(self) -> datetime:
        return min(refresh_time(model) for model in self._models)

    def create_universes(self, algorithm: Any) -> list[Universe]:
        found: list[Universe] = []
        for model in self._models:
            due = refresh_time(model)
            if not self._asked or algorithm._utc >= due or due == NEVER:
                found.extend(as_list(method(model, "create_universes")(algorithm)))
        self._asked = True
        return found


class ManualUniverseSelectionModel(UniverseSelectionModel):
    """A fixed list of symbols: ``(symbols...)`` or ``(list of symbols[, settings])``."""

    def __init__(self, *symbols: Any, universe_settings: UniverseSettings | None = None) -> None:
        values = list(symbols)
        if values and (values[-1] is None or isinstance(values[-1], UniverseSettings)):
            universe_settings = values.pop()
        if len(values) == 1 and not isinstance(values[0], (Symbol, str)):
            listed = values[0]
            values = list(listed) if isinstance(listed, Iterable) else [listed]
        self._symbols = [as_symbol(getattr(v, "key", v)) for v in values]
        self._settings = universe_settings
        for symbol in self._symbols:
            SymbolCache.set(symbol.value, symbol)

    def create_universes(self, algorithm: Any) -> list[Universe]:
        settings = self._settings or algorithm.universe_settings
        kind = Tick if settings.resolution == Resolution.TICK else TradeBar
        groups: dict[tuple[str, SecurityType], list[Symbol]] = {}
        for symbol in self._symbols:
            groups.setdefault((symbol.id.market, symbol.security_type), []).append(symbol)
        made: list[Universe] = []
        for (market, security_type), members in groups.items():
            number = 1
            for symbol in members:
                number = (number * 31 + sum(map(ord, str(symbol.id)))) % 2**31
            name = f"manual-universe-selection-model-{security_type.to_string()}-{market}-{number}"
            universe_symbol = plain_symbol(name, security_type, market)
            if security_type == SecurityType.BASE:
                zone = data_zone = TimeZones.NEW_YORK
                algorithm._engine.hours.set_entry_always_open(
                    market, universe_symbol, security_type, zone
                )
            else:
                entry = algorithm._engine.hours.get_entry(market, None, security_type)
                zone, data_zone = entry.exchange_hours.time_zone, entry.data_time_zone
            config = SubscriptionDataConfig(
                kind, universe_symbol, settings.resolution, data_zone, zone, False, False, True
            )
            made.append(ManualUniverse(config, settings, members))
        return made


class CustomUniverseSelectionModel(UniverseSelectionModel):
    """A function of local time that returns tickers, asked every day (or ``interval``).

    ``(name, selector)`` or ``(security_type, name, market, selector[, settings[, interval]])``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        values = list(args)
        names = ["name", "selector"]
        if (values and isinstance(values[0], SecurityType)) or "security_type" in kwargs:
            names = ["security_type", "name", "market", "selector", "universe_settings", "interval"]
        given = dict(zip(names, values, strict=False)) | kwargs
        self._security_type = SecurityType(given.get("security_type", SecurityType.EQUITY))
        self._market: str = given.get("market") or "usa"
        self._selector: Callable[[datetime], Any] | None = given.get("selector")
        self._settings: UniverseSettings | None = given.get("universe_settings")
        self._interval: timedelta = given.get("interval") or timedelta(days=1)
        name = f"{given['name']}-{self._security_type.to_string()}-{self._market}"
        self._symbol = plain_symbol(name, self._security_type, self._market)

    def create_universes(self, algorithm: Any) -> list[Universe]:
        settings = self._settings or algorithm.universe_settings
        entry = algorithm._engine.hours.get_entry(self._market, None, self._security_type)
        config = SubscriptionDataConfig(
            Tick if settings.resolution == Resolution.TICK else TradeBar,
            self._symbol,
            settings.resolution,
            entry.data_time_zone,
            entry.exchange_hours.time_zone,
            settings.fill_forward,
            settings.extended_market_hours,
            True,
        )
        select = method(self, "select")
        return [
            CustomUniverse(config, settings, self._interval, lambda time: select(algorithm, time))
        ]

    def select(self, algorithm: Any, date: datetime) -> Any:
        """Return the tickers at a local time."""
        if self._selector is None:
            raise ArgumentException(
                f"expected a selector or an own select(algorithm, date) in {type(self).__name__}, "
                f"was neither"
            )
        return self._selector(date)

    def __str__(self) -> str:
        return self._symbol.value


class InceptionDateUniverseSelectionModel(CustomUniverseSelectionModel):
    """Tickers that join on their dates and stay: ``(name, {ticker: date})``, dates in order."""

    def __init__(self, name: str, tickers_by_date: dict[str, datetime]) -> None:
        super().__init__(name, None)
        self._waiting = deque(dict(tickers_by_date).items())
        self._joined: list[str] = []

    def select(self, algorithm: Any, date: datetime) -> Any:
        """Return the tickers whose date has come; unchanged while no other joins."""
        before = len(self._joined)
        while self._waiting and self._waiting[0][1] <= date:
            self._joined.append(self._waiting.popleft()[0])
        return Universe.UNCHANGED if len(self._joined) == before else list(self._joined)


class ScheduledUniverseSelectionModel(UniverseSelectionModel):
    """A function asked by date and time rules.

    ``([zone,] date_rule, time_rule, selector[, settings])``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._zone, values = split_zone(args, dict(kwargs))
        kwargs.pop("time_zone", None)
        self._given = (
            dict(zip(("date_rule", "time_rule", "selector", "settings"), values, strict=False))
            | kwargs
        )
        if not callable(self._given.get("selector")):
            raise ArgumentException(
                f"Unable to create a scheduled universe selector from "
                f"{self._given.get('selector')!r}: it is not a "
                "function. Please provide a function that takes the firing date time and returns "
                "the selected symbols."
            )

    def create_universes(self, algorithm: Any) -> list[Universe]:
        given = dict(self._given)
        given["settings"] = given.get("settings") or algorithm.universe_settings
        return [ScheduledUniverse(time_zone=self._zone, **given)]


def refuse(name: str, what: str) -> EngineUnsupported:
    """Return the refusal of a universe for which the engine has no data."""
    return EngineUnsupported(f"engine does not implement {name} ({what}); use lean backtest")


class FundamentalUniverseSelectionModel(UniverseSelectionModel):
    """Refused: the engine has no fundamental data."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise refuse(type(self).__name__, "fundamental data")


class CoarseFundamentalUniverseSelectionModel(FundamentalUniverseSelectionModel):
    """Refused: the engine has no fundamental data."""


class FineFundamentalUniverseSelectionModel(FundamentalUniverseSelectionModel):
    """Refused: the engine has no fundamental data."""


class QC500UniverseSelectionModel(FundamentalUniverseSelectionModel):
    """Refused: the engine has no fundamental data."""


class EmaCrossUniverseSelectionModel(FundamentalUniverseSelectionModel):
    """Refused: the engine has no fundamental data."""


class ETFConstituentsUniverseSelectionModel(UniverseSelectionModel):
    """Refused: the engine has no lists of constituents."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise refuse(type(self).__name__, "constituents of funds")


class OptionUniverseSelectionModel(UniverseSelectionModel):
    """Refused: the engine has no options."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise refuse(type(self).__name__, "options")


class FutureUniverseSelectionModel(UniverseSelectionModel):
    """Refused: the engine has no futures."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise refuse(type(self).__name__, "futures")

"""``Universe``: a set of securities that a function selects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from engine.framework.support import as_symbol, as_utc
from engine.securities.native import LeanModel
from engine.types.dotnet import Event, LeanObject, SymbolDict
from engine.types.enums import SecurityType
from engine.types.subscription import SubscriptionDataConfig
from engine.types.symbol import Symbol
from engine.types.timezones import aware
from engine.universes.settings import UniverseSettings

_STEPS = tuple(timedelta(seconds=seconds) for seconds in (86400, 3600, 60, 1))


class UnchangedUniverse(LeanObject):
    """What a selector returns to keep the list of the time before."""

    def __iter__(self) -> Iterator[Any]:
        return iter(())


class Member(LeanObject):
    """A security in a universe and since when."""

    __slots__ = ("_added", "is_internal", "security")

    def __init__(self, added: datetime, security: Any, is_internal: bool) -> None:
        self._added = as_utc(added)
        self.security = security
        self.is_internal = is_internal

    @property
    def added(self) -> datetime:
        return aware(self._added)


class SelectionEventArgs(LeanObject):
    """The symbols of a selection."""

    def __init__(self, current_selection: Iterable[Symbol]) -> None:
        self.current_selection = list(current_selection)


def _rounded(span: timedelta, step: timedelta | None) -> timedelta:
    """Round to the nearest multiple, halves away from zero."""
    return span if step is None else (2 * span + step) // (2 * step) * step


class Universe(LeanModel):
    """Base of all universes; a subclass defines ``select_symbols``."""

    UNCHANGED = UnchangedUniverse()
    Unchanged = UNCHANGED
    UnchangedUniverse = UnchangedUniverse
    Member = Member
    SelectionEventArgs = SelectionEventArgs

    #: whether LEAN starts the subscription of this universe one tick late when it is added in a
    #: running algorithm
    _starts_late = False

    def __init__(
        self, config: SubscriptionDataConfig, universe_settings: UniverseSettings | None = None
    ) -> None:
        self.configuration = config
        self.universe_settings: Any = universe_settings
        self.dispose_requested = False
        self.selected: Any = {}
        self.selection_changed = Event()
        self.securities: SymbolDict[Member] = SymbolDict()
        self._previous: dict[Symbol, None] = {}
        self._live = False

    @property
    def symbol(self) -> Symbol:
        return self.configuration.symbol

    @property
    def security_type(self) -> SecurityType:
        return self.configuration.security_type

    @property
    def market(self) -> str:
        return self.configuration.market

    @property
    def data_type(self) -> type:
        return self.configuration._type

    @property
    def asynchronous(self) -> bool:
        return bool(self.universe_settings.asynchronous)

    @property
    def members(self) -> SymbolDict[Any]:
        """Securities by symbol; iterating gives pairs."""
        found: SymbolDict[Any] = SymbolDict()
        for symbol, member in self.securities.items():
            dict.__setitem__(found, symbol, member.security)
        return found

    def contains_member(self, symbol: Any) -> bool:
        return dict.__contains__(self.securities, as_symbol(symbol))

    def dispose(self) -> None:
        """Ask for the universe to be emptied at its next (last) selection."""
        self.dispose_requested = True

    def select_symbols(self, utc_time: datetime, data: Any) -> Any:
        """Return the symbols of the universe, or :attr:`UNCHANGED`."""
        raise NotImplementedError(
            f"expected {type(self).__name__} to define select_symbols(utc_time, data), it does not"
        )

    def perform_selection(self, utc_time: datetime, data: Any) -> Any:
        """Return the selection, or :attr:`UNCHANGED` when it is that of the time before."""
        if self.dispose_requested:
            self.selection_changed(self, SelectionEventArgs(()))
            return {}
        found = self.select_symbols(as_utc(utc_time), data)
        if found is Universe.UNCHANGED:
            return found
        selection = dict.fromkeys(found)
        before, self._previous = self._previous, selection
        if before.keys() == selection.keys():
            return Universe.UNCHANGED
        self.selection_changed(self, SelectionEventArgs(selection))
        return selection

    def can_remove_member(self, utc_time: datetime, security: Any) -> bool:
        """Tell whether a security was here for the minimum time."""
        if self.dispose_requested or security.is_delisted:
            return True
        member = self.securities.get(security.symbol)
        if member is None:
            return False
        minimum: timedelta = self.universe_settings.minimum_time_in_universe
        step = next((s for s in _STEPS if minimum >= s), None)
        return _rounded(as_utc(utc_time) - member._added, step) >= minimum

    # -- for the selection of the engine -------------------------------------------------------

    def _add_member(self, utc: datetime, security: Any, internal: bool) -> bool:
        if self.dispose_requested or security.is_delisted or self.contains_member(security.symbol):
            return False
        dict.__setitem__(self.securities, security.symbol, Member(utc, security, internal))
        return True

    def _remove_member(self, utc: datetime, security: Any) -> bool:
        if not self.can_remove_member(utc, security):
            return False
        return dict.pop(self.securities, security.symbol, None) is not None

    def _configs_for(self, security: Any, service: Any) -> list[SubscriptionDataConfig]:
        """Return (and make) the subscriptions of a member."""
        found: list[SubscriptionDataConfig] = service.of_settings(
            security.symbol, self.universe_settings
        )
        return found

    def _points_at(self, utc: datetime) -> int:
        """Return how many data points a selection counts for."""
        return 1

    def _trigger_times(self, start: datetime, end: datetime, hours: Any) -> Iterable[datetime]:
        """Yield the UTC times of selection between two UTC times."""
        return ()

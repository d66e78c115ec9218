"""``self.universe_manager``."""

from __future__ import annotations

from collections import deque
from typing import Any

from engine.framework.support import as_symbol
from engine.types.dotnet import Event, LeanObject, SymbolDict
from engine.types.errors import ArgumentException, KeyNotFoundException
from engine.universes.universe import Universe


class UniverseManagerChanged(LeanObject):
    """What happened to a universe: ``Add``, ``Replace`` or ``Remove``."""

    __slots__ = ("action", "value")

    def __init__(self, action: str, value: Universe) -> None:
        self.action = action
        self.value = value


class UniverseManager(SymbolDict[Universe]):
    """Universes by symbol; iterating gives pairs. Additions take effect at the end of the step."""

    def __init__(self) -> None:
        super().__init__()
        # quicker, as in the portfolio
        self.__dict__ = {}
        self._pending: deque[UniverseManagerChanged] = deque()
        self.collection_changed = Event()

    @property
    def active_securities(self) -> SymbolDict[Any]:
        """The members of all universes."""
        found: SymbolDict[Any] = SymbolDict()
        for universe in self.values():
            for symbol, member in universe.securities.items():
                dict.setdefault(found, symbol, member.security)
        return found

    def _is_active(self, symbol: Any) -> bool:
        return any(universe.contains_member(symbol) for universe in self.values())

    def add(self, key: Any, value: Any = None) -> None:
        """Add a universe under its symbol, or a pair of both; one with the same symbol stays."""
        universe = value
        if universe is None:
            key, universe = key
        if not dict.__contains__(self, key):
            dict.__setitem__(self, key, universe)
            self._pending.append(UniverseManagerChanged("Add", universe))

    def update(self, key: Any, value: Universe, action: Any = "Update") -> None:  # type: ignore[override]
        """Note that the members of a universe were changed by hand."""
        if dict.__contains__(self, key) and all(c.value is not value for c in self._pending):
            self._pending.append(UniverseManagerChanged(action, value))

    def process_changes(self) -> None:
        """Tell the data feed what changed."""
        while self._pending:
            self.collection_changed(self, self._pending.popleft())

    def remove(self, key: Any) -> bool:
        """Remove a universe; it lets its members go at its last selection."""
        universe = dict.pop(self, as_symbol(key), None)
        if universe is None:
            return False
        universe.dispose()
        self.collection_changed(self, UniverseManagerChanged("Remove", universe))
        return True

    def __setitem__(self, key: Any, universe: Universe) -> None:
        existing = self.get(key)
        if existing is not None and existing is not universe:
            raise ArgumentException(f"Unable to over write existing Universe: {key}")
        self.add(self._key(key), universe)

    def _missing(self, key: Any) -> Universe:
        raise KeyNotFoundException(
            f"This universe symbol ({key}) was not found in your universe list. Please add this "
            f"security or check it "
            f"exists before using it with 'universe_manager.contains_key(\"{key}\")'"
        )

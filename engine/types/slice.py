"""The data of one moment as ``on_data`` sees it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from operator import is_, itemgetter
from typing import Any

from engine.types.bars import (
    Delisting,
    Dividend,
    QuoteBar,
    Split,
    SymbolChangedEvent,
    Tick,
    TradeBar,
)
from engine.types.dotnet import KeyValuePair, LeanObject, SymbolDict
from engine.types.enums import SecurityType
from engine.types.errors import KeyNotFoundException
from engine.types.symbol import Symbol, SymbolCache
from engine.types.timezones import aware


def _ticker(symbol: Any) -> str:
    return str(symbol.value).lower()


# the symbols that were put in order last, and what takes their things in order: most moments have
# those of the one before
_LAST: tuple[list[Any], Callable[[list[Any]], tuple[Any, ...]]] = ([], tuple)


def _in_order(symbols: Collection[Any], things: Iterable[Any]) -> list[Any]:
    """Return a new list of things, one for each of several symbols, in the order of the tickers,
    which a symbol keeps for good.
    """
    global _LAST
    asked, ordered = _LAST
    if len(symbols) != len(asked) or not all(map(is_, symbols, asked)):
        asked = list(symbols)
        ordered = itemgetter(*sorted(range(len(asked)), key=lambda place: _ticker(asked[place])))
        _LAST = asked, ordered
    return list(ordered(list(things)))


class DataDictionary(SymbolDict[Any]):
    """Symbol -> data of one moment."""

    __slots__ = ("time",)

    def items(self) -> Any:
        """Return pairs in the order of the tickers, as LEAN does."""
        if len(self) < 2:
            return dict.items(self)
        return _in_order(dict.keys(self), dict.items(self))

    def keys(self) -> Any:
        return dict.keys(self) if len(self) < 2 else _in_order(dict.keys(self), dict.keys(self))

    def values(self) -> Any:
        return dict.values(self) if len(self) < 2 else _in_order(dict.keys(self), dict.values(self))

    def _missing(self, key: Any) -> Any:
        raise KeyNotFoundException(
            f"'{key}' wasn't found in the {type(self).__name__} object, likely because there was "
            "no-data at this moment "
            "in time and it wasn't possible to fillforward historical data. "
            "Please check the data exists before accessing "
            f'it with data.contains_key("{key}")'
        )


class TradeBars(DataDictionary):
    """Trade bars by symbol."""


class QuoteBars(DataDictionary):
    """Quote bars by symbol."""


class Ticks(DataDictionary):
    """Lists of ticks by symbol."""


class Dividends(DataDictionary):
    """Dividends by symbol."""


class Splits(DataDictionary):
    """Splits by symbol."""


class Delistings(DataDictionary):
    """Delistings by symbol."""


class SymbolChangedEvents(DataDictionary):
    """Renames by symbol."""


def _finest(points: Iterable[Any], kind: type[Any], found: DataDictionary) -> Any:
    """Fill a dictionary with the bars of one kind: of several resolutions of a symbol the finest
    is shown.
    """
    take = found.setdefault
    for point in points:
        if type(point) is kind:
            known = take(point.symbol, point)
            if known is not point and known.period > point.period:
                dict.__setitem__(found, point.symbol, point)
    return found


_AUXILIARY = (Dividend, Split, Delisting, SymbolChangedEvent)


class Slice(LeanObject):
    """All data of one time step; its dictionaries are made when they are looked at.

    ``_points`` is the list of bars, ticks, custom points and corporate events of the step in LEAN's
    order.
    """

    __slots__ = (
        "_all", "_bars", "_made", "_points", "_quotes", "_special", "_ticks", "_utc", "time",
    )  # fmt: skip

    def __init__(self, time: datetime, data: Any = (), utc_time: datetime | None = None) -> None:
        self.time = time
        self._utc = utc_time if utc_time is not None else time
        self._points: Any = data
        self._bars: TradeBars | None = None
        self._quotes: QuoteBars | None = None
        self._ticks: Ticks | None = None
        self._all: DataDictionary | None = None
        self._special: dict[type, Any] | None = None
        # whether one of these is there
        self._made = False

    @property
    def utc_time(self) -> datetime:
        return aware(self._utc)

    @property
    def has_data(self) -> bool:
        return bool(self._points)

    @property
    def all_data(self) -> list[Any]:
        return list(self._points)

    @property
    def bars(self) -> TradeBars:
        found = self._bars
        if found is None:
            self._made = True
            found = self._bars = _finest(self._points, TradeBar, TradeBars())
        return found

    @property
    def quote_bars(self) -> QuoteBars:
        found = self._quotes
        if found is None:
            self._made = True
            found = self._quotes = _finest(self._points, QuoteBar, QuoteBars())
        return found

    @property
    def ticks(self) -> Ticks:
        found = self._ticks
        if found is None:
            self._made = True
            found = self._ticks = Ticks()
            for point in self._points:
                if type(point) is Tick:
                    found.setdefault(point.symbol, []).append(point)
        return found

    def _of(self, kind: type[Any], made: type[Any]) -> Any:
        special = self._special
        if special is None:
            self._made = True
            special = self._special = {}
        found = special.get(kind)
        if found is None:
            found = special[kind] = made()
            for point in self._points:
                if type(point) is kind:
                    dict.__setitem__(found, point.symbol, point)
        return found

    @property
    def dividends(self) -> Dividends:
        return self._of(Dividend, Dividends)

    @property
    def splits(self) -> Splits:
        return self._of(Split, Splits)

    @property
    def delistings(self) -> Delistings:
        return self._of(Delisting, Delistings)

    @property
    def symbol_changed_events(self) -> SymbolChangedEvents:
        return self._of(SymbolChangedEvent, SymbolChangedEvents)

    @property
    def option_chains(self) -> DataDictionary:
        return DataDictionary()

    @property
    def future_chains(self) -> DataDictionary:
        return DataDictionary()

    def _data(self) -> DataDictionary:
        found = self._all
        if found is None:
            self._made = True
            found = self._all = DataDictionary()
            for point in self._points:
                kind = type(point)
                symbol = point.symbol
                if kind is QuoteBar:
                    # quotes of shares are extra data; of anything else the quotes, which come
                    # behind the trades, are what the symbol stands for
                    if symbol.security_type != SecurityType.EQUITY:
                        dict.__setitem__(found, symbol, point)
                elif kind is Tick:
                    found.setdefault(symbol, []).append(point)
                elif kind in _AUXILIARY:
                    # a corporate event makes the symbol known without data
                    found.setdefault(symbol, None)
                else:
                    dict.__setitem__(found, symbol, point)
        return found

    def _symbol(self, key: Any) -> Any:
        if isinstance(key, str):
            return SymbolCache._find(key) or key
        return key

    def contains_key(self, symbol: Any) -> bool:
        return dict.__contains__(self._data(), self._symbol(symbol))

    __contains__ = contains_key

    def __getitem__(self, key: Any) -> Any:
        return self._data()[key]

    def get(self, *args: Any) -> Any:
        """``get(symbol)``, ``get(type)`` or ``get(type, symbol)``."""
        first: Any = args[0]
        if isinstance(first, type):
            kind: type[Any] = first
            found = DataDictionary()
            for point in self._points:
                if isinstance(point, kind):
                    if kind is Tick:
                        found.setdefault(point.symbol, []).append(point)
                    else:
                        dict.__setitem__(found, point.symbol, point)
            return found if len(args) == 1 else found.get(args[1])
        return self._data().get(first, args[1] if len(args) > 1 else None)

    def try_get_value(self, symbol: Any, _value: Any = None) -> tuple[bool, Any]:
        return self._data().try_get_value(symbol)

    @property
    def count(self) -> int:
        return len(self._data())

    def __len__(self) -> int:
        return len(self._data())

    def keys(self) -> list[Symbol]:
        return list(self._data().keys())

    def values(self) -> list[Any]:
        return list(self._data().values())

    def items(self) -> list[tuple[Symbol, Any]]:
        return list(self._data().items())

    def __iter__(self) -> Iterator[KeyValuePair[Symbol, Any]]:
        return iter(self._data())

    def __str__(self) -> str:
        return "QuantConnect.Data.Slice"  # LEAN's has no text of its own

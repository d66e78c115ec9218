"""History: bars of the past for a list of requests, as slices or as a frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from engine.data.custom import CustomData
from engine.data.events import EVENTS, corporate_events
from engine.data.maps import AuxiliaryFiles
from engine.data.readers import FileReader
from engine.data.stream import Request, Stream, use_strict_times
from engine.data.ticks import TickStream
from engine.data.times import start_for_bars
from engine.types.bars import QuoteBar, Tick, TradeBar
from engine.types.decimals import ZERO
from engine.types.enums import DataNormalizationMode, Resolution, SecurityType, TickType
from engine.types.slice import Slice
from engine.types.subscription import INCREMENTS, SubscriptionDataConfig
from engine.types.timezones import from_micro, from_utc, to_micro, to_utc

__all__ = [
    "HistoryProvider",
    "HistoryRequest",
    "frame_of",
    "memoized",
    "start_for_bars",
    "until_now",
]

_MICRO = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class HistoryRequest:
    """Bars of one subscription between two moments (naive UTC; the start itself is not
    included).
    """

    config: SubscriptionDataConfig
    hours: Any
    start: datetime
    end: datetime
    type: type
    resolution: Resolution
    fill_forward: bool
    extended: bool
    mode: DataNormalizationMode
    strict_times: bool = True

    @property
    def symbol(self) -> Any:
        return self.config.symbol


class HistoryProvider:
    """Reads history with the same rules as the feed.

    ``data_point_count`` counts what was given; LEAN adds it to the data points of the run.
    """

    def __init__(
        self, files: FileReader, auxiliary: AuxiliaryFiles, custom: CustomData | None = None
    ) -> None:
        self.files = files
        self.auxiliary = auxiliary
        self.custom = custom or CustomData()
        self.data_point_count = 0

    def points(self, request: HistoryRequest) -> list[tuple[int, Any]]:
        """Return ``(UTC microseconds, point)`` of one request."""
        config = request.config
        zone = request.hours.time_zone
        start, end = from_utc(request.start, zone), from_utc(request.end, zone)
        if start >= end:
            return []
        found: list[tuple[int, Any]] = []
        if request.type in EVENTS:
            found += self._events(request, start, end)
        elif config.is_custom_data:
            step = INCREMENTS[request.resolution] // _MICRO if request.fill_forward else None
            if config.resolution != request.resolution:
                config = SubscriptionDataConfig(config)
                config.resolution = request.resolution
                config.increment = INCREMENTS[request.resolution]
            emits, points = self.custom.stream(
                config, request.hours, request.start, request.end, step
            )
            found += zip(emits, points, strict=False)
        else:
            increment = INCREMENTS[request.resolution] // _MICRO
            kind = TickStream if request.resolution == Resolution.TICK else Stream
            stream = kind(
                Request(
                    symbol=config.symbol,
                    resolution=request.resolution,
                    tick_type=config.tick_type,
                    hours=request.hours,
                    data_zone=config.data_time_zone,
                    start=request.start,
                    end=request.end,
                    quote=request.type is QuoteBar,
                    fill=increment if request.fill_forward and increment else None,
                    extended=request.extended,
                    filtered=True,
                    strict=use_strict_times(
                        request.strict_times, config.symbol, request.resolution, request.hours
                    ),
                    mode=request.mode,
                    scale_end=end,
                    events=False,
                ),
                self.files,
                self.auxiliary,
            )
            for chunk in stream.chunks():
                found += zip(chunk.emit, chunk.points, strict=False)
        return [(emit, p) for emit, p in found if start < p.end_time <= end]

    def _events(
        self, request: HistoryRequest, start: datetime, end: datetime
    ) -> Iterator[tuple[int, Any]]:
        """Yield the corporate events of one kind; only shares have any, and no price is known."""
        symbol = request.symbol
        if symbol.security_type != SecurityType.EQUITY:
            return
        mapping, factors = self.auxiliary.map_file(symbol), self.auxiliary.factor_file(symbol)
        first = start
        if factors is not None and factors.minimum_date is not None:
            first = max(first, factors.minimum_date)
        if mapping.rows:
            first = max(first, mapping.first_date)
        zone = request.hours.time_zone
        for due in corporate_events(
            symbol, mapping, factors, request.hours, first, end, request.extended
        ):
            event = due.make(ZERO)
            if type(event) is request.type:
                yield to_micro(to_utc(due.time, zone)), event

    def slices(self, requests: Iterable[HistoryRequest], time_zone: Any) -> list[Slice]:
        """Return the points of all requests by moment; ``time`` of the slices is local to
        ``time_zone``.
        """
        by_time: dict[int, list[Any]] = {}
        for request in requests:
            for emit, point in self.points(request):
                by_time.setdefault(emit, []).append(point)
        found = []
        for emit in sorted(by_time):
            utc = from_micro(emit)
            points = by_time[emit]
            self.data_point_count += len(points)
            found.append(Slice(from_utc(utc, time_zone), points, utc))
        return found


class _Memoized:
    """What LEAN gives for several bars or slices: something to go through, as often as one
    likes.
    """

    __slots__ = ("_items",)

    def __init__(self, items: list[Any]) -> None:
        self._items = items

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: Any) -> Any:
        return self._items[index]


@cache
def _memoized_type(name: str) -> type[_Memoized]:
    return type(f"MemoizingEnumerable[{name}]", (_Memoized,), {"__slots__": ()})


def memoized(items: list[Any], kind: type) -> _Memoized:
    """Wrap the result of a history call that is no frame."""
    return _memoized_type(kind.__name__)(items)


def until_now(request: HistoryRequest, utc: datetime) -> HistoryRequest:
    """Return a request that does not reach into the future."""
    return request if request.end <= utc else replace(request, end=utc)


_OHLC = ("open", "high", "low", "close")


def frame_of(slices: Iterable[Slice], kind: type | None = None) -> Any:
    """Return a pandas frame as LEAN makes it: index (symbol, time), columns by alphabet, floats.

    ``time`` is the end of the bars. With quotes and trades of a symbol in one moment, the trades
    give open to close.
    """
    import numpy as np
    import pandas as pd

    from engine.data.pandas_mapper import install

    install()
    want_trades, want_quotes = kind in (None, TradeBar), kind in (None, QuoteBar)
    rows: dict[Any, dict[tuple[datetime, int], dict[str, Any]]] = {}
    for slice_ in slices:
        for point in slice_._points:
            cells = rows.setdefault(point.symbol, {})
            if type(point) is TradeBar and want_trades:
                cell = cells.setdefault((point.end_time, 0), {})
                cell.update((name, getattr(point, name)) for name in _OHLC)
                cell["volume"] = point.volume
            elif type(point) is QuoteBar and want_quotes:
                cell = cells.setdefault((point.end_time, 0), {})
                _quote_cells(cell, point)
            elif not isinstance(point, (TradeBar, QuoteBar)) and (
                kind is None or isinstance(point, kind)
            ):
                # two points of the user's own data at one time are two rows
                number = 0
                while (point.end_time, number) in cells:
                    number += 1
                is_tick = isinstance(point, Tick)
                cells[point.end_time, number] = (_tick_cells if is_tick else _custom_cells)(point)
    frames = []
    for symbol, cells in rows.items():
        if not cells:
            continue
        times = sorted(cells)
        names = sorted({name for cell in cells.values() for name in cell})
        index = pd.MultiIndex.from_tuples(
            [(symbol, pd.Timestamp(t)) for t, _ in times], names=["symbol", "time"]
        )
        columns = {}
        for name in names:
            values = [cells[t].get(name, np.nan) for t in times]
            if any(_says_something(value) for value in values):
                columns[name] = values
        frames.append(pd.DataFrame(columns, index=index))
    if not frames:
        return pd.DataFrame()
    result = pd.concat(frames, sort=True) if len(frames) > 1 else frames[0]
    result = result[sorted(result.columns)]
    return result.dropna(axis=1, how="all")


def _says_something(value: Any) -> bool:
    """Tell whether a value keeps its column: LEAN drops columns of nothing but zeros and blanks."""
    if isinstance(value, float):
        return value == value and value != 0.0
    return bool(value) if isinstance(value, (str, bool, list, dict)) else value is not None


def _quote_cells(cell: dict[str, Any], bar: QuoteBar) -> None:
    for name, side in (("bid", bar.bid), ("ask", bar.ask)):
        if side is not None:
            for part in _OHLC:
                cell[name + part] = getattr(side, part)
    cell["bidsize"], cell["asksize"] = bar.last_bid_size, bar.last_ask_size
    if "volume" not in cell:
        cell.update((name, getattr(bar, name)) for name in _OHLC)


def _tick_cells(tick: Tick) -> dict[str, Any]:
    """Return the columns of a tick: prices and sizes of its kind, exchange, suspicious."""
    cells: dict[str, Any] = {"exchange": tick.exchange, "suspicious": tick.suspicious}
    if tick.tick_type == TickType.TRADE:
        return cells | {"lastprice": tick.value, "quantity": tick.quantity}
    return cells | {
        "askprice": tick.ask_price,
        "asksize": tick.ask_size,
        "bidprice": tick.bid_price,
        "bidsize": tick.bid_size,
        "lastprice": tick.value,
    }


def _custom_cells(point: Any) -> dict[str, Any]:
    """Return the columns of a custom point: its value and what the reader stored on it.

    A corporate event has the columns of its kind.
    """
    columns = EVENTS.get(type(point))
    if columns is not None:
        return {name.replace("_", ""): getattr(point, name) for name in columns}
    stored = getattr(point, "_storage", {})
    cells = {name: value for name, value in stored.items() if not name.startswith("_")}
    return cells | {"value": float(point.value)}

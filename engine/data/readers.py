"""Readers of LEAN's zip files: one day of minute or second bars, or a whole history of hour or
daily bars.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from engine.data.columns import Rows
from engine.data.hours import type_name
from engine.data.parsing import Ints, parse_columns, read_zip
from engine.types.enums import Resolution, SecurityType, TickType
from engine.types.errors import DataError, EngineUnsupported
from engine.types.subscription import INCREMENTS
from engine.types.timezones import from_micro, from_utc_array, to_micro, to_utc_array

DAY = 86_400_000_000
_MICRO = timedelta(microseconds=1)
_TICKS = {TickType.TRADE: "trade", TickType.QUOTE: "quote"}
_TAGGED = (SecurityType.CRYPTO, SecurityType.CRYPTO_FUTURE)
_DECICENTS = (SecurityType.EQUITY,)
_SUPPORTED = (
    SecurityType.BASE,
    SecurityType.EQUITY,
    SecurityType.FOREX,
    SecurityType.CFD,
    SecurityType.CRYPTO,
    SecurityType.INDEX,
)


def file_path(
    root: Path,
    security_type: SecurityType,
    market: str,
    ticker: str,
    resolution: Resolution,
    tick_type: TickType,
    day: datetime | None,
) -> Path:
    """Return where LEAN keeps the bars of a ticker (of one day, for minutes and seconds)."""
    return root / _inside(security_type, market, ticker, resolution, tick_type, day)


def _inside(
    security_type: SecurityType,
    market: str,
    ticker: str,
    resolution: Resolution,
    tick_type: TickType,
    day: datetime | None,
) -> str:
    if security_type not in _SUPPORTED:
        raise EngineUnsupported(
            f"engine does not implement data of {type_name(security_type)}; use lean backtest"
        )
    name = ticker.lower()
    kind = _TICKS.get(tick_type, "trade")
    folder = f"{type_name(security_type).lower()}/{market}/{Resolution(resolution).name.lower()}"
    if resolution in (Resolution.DAILY, Resolution.HOUR):
        return f"{folder}/{name}_{kind}.zip" if security_type in _TAGGED else f"{folder}/{name}.zip"
    assert day is not None
    return f"{folder}/{name}/{day.year:04}{day.month:02}{day.day:02}_{kind}.zip"


def _moments(stamp: Ints, where: str) -> Ints:
    """Turn ``yyyymmddhhmm`` integers into microseconds since 1970."""
    day, clock = np.divmod(stamp, 10_000)
    month_start, date = np.divmod(day, 100)
    year, month = np.divmod(month_start, 100)
    wrong = (month < 1) | (month > 12) | (date < 1) | (date > 31) | (clock > 2359) | (year < 1900)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise DataError(
            f"expected a time 'yyyymmdd hh:mm' in {where}, row {row + 1}, was "
            f"{int(stamp[row])}; repair the row"
        )
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]").astype(np.int64) + date - 1
    return days * DAY + (clock // 100) * 3_600_000_000 + (clock % 100) * 60_000_000


_Held = OrderedDict[tuple[str, str, str, bool, tuple[int, int] | None], "Rows | None"]
#: files that the readers of this process share, when it makes many runs on the same data
_SHARED: _Held | None = None


def share_files() -> None:
    """Let all later runs of this process keep the files that they read, for one another.

    The data must not change while the process lives.
    """
    global _SHARED
    _SHARED = OrderedDict()


class FileReader:
    """Reads bar files of one data folder and keeps the last ones."""

    def __init__(self, root: Path, keep: int = 64) -> None:
        self.root = root
        self._folder = os.fspath(root)
        self._keep = keep if _SHARED is None else 4 * keep
        self._held: _Held = OrderedDict() if _SHARED is None else _SHARED

    def rows(
        self,
        security_type: SecurityType,
        market: str,
        ticker: str,
        resolution: Resolution,
        tick_type: TickType,
        quote: bool,
        data_zone: ZoneInfo,
        exchange_zone: ZoneInfo,
        day: datetime | None = None,
        session: tuple[int, int] | None = None,
    ) -> Rows | None:
        """Return the rows of one file in exchange time; None when there is no file.

        ``session`` (milliseconds of the day) leaves out rows outside of it that nobody would see.

        LEAN leaves out duplicate and older rows without a word; here they are an error.

        Raises
        ------
        DataError
            When the archive is broken, a cell cannot be read, rows are not in order of time, or
            prices cannot be.
        """
        inside = _inside(security_type, market, ticker, resolution, tick_type, day)
        path = os.path.join(self._folder, inside)
        key = (path, data_zone.key, exchange_zone.key, quote, session)
        if key in self._held:
            self._held.move_to_end(key)
            return self._held[key]
        data = read_zip(path)
        rows = None
        if data is not None and security_type == SecurityType.BASE:
            # LEAN has no format for these bars: it makes empty ones
            raise EngineUnsupported(
                f"engine does not implement data of Base ({path}); add it with add_data and a type "
                "of your own"
            )
        if data is not None:
            scale = 4 if security_type in _DECICENTS else 0
            volume = security_type not in (SecurityType.FOREX, SecurityType.CFD)
            shape = (path, resolution, quote, scale, volume, day)
            try:
                cut = data if session is None else cut_to_session(data, *session)
                rows = checked(parse_rows(cut, *shape), path, quote)
            except DataError:
                # the whole file again, for the number of the row
                checked(parse_rows(data, *shape), path, quote)
                raise
            rows = _to_exchange(rows, data_zone, exchange_zone, resolution)
        self._held[key] = rows
        if len(self._held) > self._keep:
            self._held.popitem(last=False)
        return rows


def first_at(data: bytes, value: int) -> int:
    """Return where the first row with a time (first cell) of at least ``value`` begins, in rows
    sorted by time.
    """
    low, high = 0, len(data)
    while low < high:
        middle = (low + high) // 2
        start = data.rfind(b"\n", low, middle) + 1 or low
        comma = data.find(b",", start)
        if comma < 0 or not data[start:comma].strip().isdigit():
            return low if start <= low else high
        if int(data[start:comma]) < value:
            after = data.find(b"\n", middle)
            low = high if after < 0 or after >= high else after + 1
        else:
            high = start
    return low


def cut_to_session(data: bytes, opens: int, closes: int) -> bytes:
    """Return the rows of a session with the row before it and the last row of the file.

    Other rows outside the session are never seen: these two are what is filled forward. Times are
    in milliseconds.
    """
    start = first_at(data, opens)
    stop = first_at(data, closes)
    end = len(data.rstrip(b"\r\n"))
    last = data.rfind(b"\n", 0, end) + 1
    before = data.rfind(b"\n", 0, max(start - 1, 0)) + 1 if start else 0
    if stop >= last:
        return data[before:]
    return data[before:stop] + data[last:]


def parse_rows(
    data: bytes,
    where: str,
    resolution: Resolution,
    quote: bool,
    scale: int,
    volume: bool = True,
    day: datetime | None = None,
) -> Rows:
    """Parse the text of a bar file; times stay in the zone of the data."""
    first = data[: data.find(b"\n")] if b"\n" in data else data
    cells = first.count(b",") + 1
    if quote:
        wanted = 11
    elif volume and cells < 11:
        wanted = 6
    else:
        # files of quotes read as trades have no volume
        wanted = 6 if volume and cells >= 6 else 5
    values, scales = parse_columns(data, wanted, where)
    if resolution in (Resolution.DAILY, Resolution.HOUR):
        time = _moments(values[:, 0], where)
    else:
        assert day is not None
        time = to_micro(day) + values[:, 0] * 1000
    columns = np.ascontiguousarray(values.T)
    price = [1, 2, 3, 4, 6, 7, 8, 9] if quote else [1, 2, 3, 4]
    size = [5, 10] if quote else ([5] if wanted == 6 else [])
    prices = columns[price]
    held = None
    if scales is not None:
        turned = scales.T
        held = turned[price] + np.int8(scale)
        if (held == held.flat[0]).all():
            scale, held = int(held.flat[0]), None
        sizes = columns[size] / _POWERS[turned[size]] if size else np.zeros((0, 0))
    else:
        sizes = columns[size].astype(np.float64)
    if not size:
        sizes = np.zeros((1, len(time)))
    increment = INCREMENTS[resolution] // _MICRO
    return Rows(time, time + increment, prices, held, scale, sizes)


_POWERS = np.array([10.0**k for k in range(40)])


def checked(rows: Rows, where: str, quote: bool) -> Rows:
    """Return the rows of a file when they can be true.

    Raises
    ------
    DataError
        For the first row that does not come after the one before it, has a price that is not
        above 0 (of a quote: below 0), or a high below its low.
    """
    late = rows.time[1:] <= rows.time[:-1]
    if late.any():
        row = int(np.flatnonzero(late)[0]) + 1
        twice = rows.time[row] == rows.time[row - 1]
        what = "the same time again" if twice else "an earlier time"
        raise DataError(
            f"expected rows in order of time in {where}, row {row + 1}, was {what} "
            f"({from_micro(int(rows.time[row]))}); sort the file and remove duplicates"
        )
    for side in range(0, len(rows.prices), 4):
        prices = rows.prices[side : side + 4]
        least = prices.min(axis=0) if len(prices.T) else prices[:1]
        wrong = (least < 0) if quote else (least <= 0)
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise DataError(
                f"expected prices above 0 in {where}, row {row + 1}, was {int(least[row])}; "
                "repair or remove the row"
            )
        # integers of one row can be compared when they have the same number of decimals
        if rows.scales is None and (prices[1] < prices[2]).any():
            row = int(np.flatnonzero(prices[1] < prices[2])[0])
            raise DataError(
                f"expected a high above the low in {where}, row {row + 1}, was "
                f"{int(prices[1][row])} below {int(prices[2][row])}; repair or remove the row"
            )
    return rows


def _to_exchange(
    rows: Rows, data_zone: ZoneInfo, exchange_zone: ZoneInfo, resolution: Resolution
) -> Rows:
    if not len(rows):
        return rows
    increment = INCREMENTS[resolution] // _MICRO
    time = rows.time
    if data_zone.key != exchange_zone.key:
        time = from_utc_array(to_utc_array(time, data_zone), exchange_zone)
        rows = rows.retimed(time, time + increment)
    end = rows.end
    before = np.maximum.accumulate(end)[:-1]
    fresh = np.concatenate(([True], end[1:] > before))
    return rows if fresh.all() else rows.take(fresh)

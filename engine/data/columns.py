"""Columns of a data file, and the bars made of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.data.parsing import Ints
from engine.types.bars import Bar, BarSource, QuoteBar, TradeBar
from engine.types.decimals import ONE, ZERO
from engine.types.symbol import Symbol
from engine.types.timezones import EPOCH

Floats = npt.NDArray[np.float64]
_NEW = object.__new__
_SPLITTER = 134217729.0  # 2**27 + 1, Dekker's constant for splitting doubles


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one stream in order of time.

    ``time`` and ``end`` are local microseconds since 1970 (exchange time), ``prices`` integers of shape (columns, n),
    ``scales`` their decimals (None: ``scale`` everywhere), ``sizes`` floats of shape (1 or 2, n).
    """

    time: Ints
    end: Ints
    prices: Ints
    scales: npt.NDArray[np.int8] | None
    scale: int
    sizes: Floats

    def __len__(self) -> int:
        return len(self.time)

    def take(self, which: Any) -> Rows:
        """Return some rows (a slice, a mask or an index array)."""
        return Rows(
            self.time[which],
            self.end[which],
            self.prices[:, which],
            None if self.scales is None else self.scales[:, which],
            self.scale,
            self.sizes[:, which],
        )

    def retimed(self, time: Ints, end: Ints) -> Rows:
        """Return the same rows at other times."""
        return Rows(time, end, self.prices, self.scales, self.scale, self.sizes)

    def close(self, row: int) -> Decimal:
        """Return the price of a row as LEAN has it before any adjustment: close, or the middle of bid and ask."""
        sides = []
        for column in range(3, len(self.prices), 4):
            if any(self.prices[column - 3 : column + 1, row]):
                held = self.scale if self.scales is None else int(self.scales[column, row])
                sides.append(Decimal(int(self.prices[column, row])) * Decimal(1).scaleb(-held))
        if len(sides) == 2 and all(sides):
            return (sides[0] + sides[1]) / 2
        return next((side for side in sides if side), ZERO)


class FileSource(BarSource):
    """A :class:`BarSource` whose cells may differ in scale, with dividends to add (total return)."""

    __slots__ = ("addends", "scales")

    scales: npt.NDArray[np.int8] | None
    addends: list[Decimal] | None

    def exact(self, column: int, row: int) -> Decimal:
        """Return one price with .NET's scale."""
        held = self.scale if self.scales is None else int(self.scales[column, row])
        value = Decimal(int(self.raw[column][row])).scaleb(-held)
        factor = self.factor if self.factors is None else self.factors[row]
        if factor is not None:
            value = value * factor
            if self.addends is not None:
                value += self.addends[row]
        return value


def scaled_floats(raw: Ints, factor: Decimal) -> Floats:
    """Multiply integers by an exact factor, each product rounded once.

    The factor is a sum of two doubles and the product's rounding error is added back (Dekker 1971), so that the result
    is the float of the exact decimal product.
    """
    high = float(factor)
    low = float(factor - Decimal(high))
    x = raw.astype(np.float64)
    product = x * high
    t = _SPLITTER * x
    xh = t - (t - x)
    xl = x - xh
    t = _SPLITTER * high
    yh = t - (t - high)
    yl = high - yh
    error = ((xh * yh - product) + xh * yl + xl * yh) + xl * yl
    return product + (error + x * low)


def plain_floats(raw: Ints, scales: npt.NDArray[np.int8] | None, scale: int) -> Floats:
    """Return integers as floats with their decimals; each division rounds once."""
    if scales is None:
        return raw / 10.0**scale if scale else raw.astype(np.float64)
    return raw / _POWERS[scales]


_POWERS = np.array([10.0**k for k in range(40)])


def round_sizes(sizes: Floats, factor: Decimal) -> Floats:
    """Return ``Math.Round(size * (1 / factor))``, halves to even."""
    inverse = ONE / factor
    product = sizes * float(inverse)
    rounded = np.rint(product)
    near = np.abs(np.abs(product - np.floor(product)) - 0.5) < 1e-6 * np.maximum(
        1.0, product * 1e-9
    )
    for row in np.flatnonzero(near):
        exact = Decimal(repr(float(sizes[row]))) * inverse
        rounded[row] = float(exact.to_integral_value())
    return rounded


def to_datetimes(micro: Ints) -> list[datetime]:
    """Turn microseconds since 1970 into naive datetimes."""
    return micro.view("datetime64[us]").astype(object).tolist() if len(micro) else []


def make_bars(
    symbol: Symbol,
    quote: bool,
    rows: Rows,
    which: Ints,
    time: Ints,
    end: Ints,
    filled: npt.NDArray[np.bool_],
    factors: list[Decimal] | None,
    addends: list[Decimal] | None = None,
) -> list[Any]:
    """Make the bars of a chunk.

    Parameters
    ----------
    symbol, quote
        Whose bars; quote bars or trade bars.
    rows
        The file's rows.
    which
        For each bar, its row.
    time, end
        Local start and end of each bar, microseconds.
    filled
        Which bars are filled forward: those have no volume.
    factors
        Price factor of each row of ``rows``; None when prices stay as they are.
    addends
        Dividends to add to each row's prices, for total return.

    Returns
    -------
    list
        Bars with all their slots set, sharing one :class:`FileSource`.
    """
    floats, sizes = _values(rows, factors, addends)
    unique = which if len(which) else np.zeros(0, np.int64)
    times, ends = to_datetimes(time), to_datetimes(end)
    source = FileSource(symbol, times, ends, [], list(rows.prices), [], rows.scale)
    source.scales = rows.scales
    source.factors, source.addends = factors, addends
    if factors is not None and addends is None and len(set(factors)) == 1:
        source.factor, source.factors = factors[0], None
    flags = filled.tolist()
    numbers = unique.tolist()
    columns = [column[unique].tolist() for column in floats]
    volumes = [column[unique] for column in sizes]
    for volume in volumes[:1]:
        if not quote:
            volume[filled] = 0.0
    volumes = [volume.tolist() for volume in volumes]
    bars: list[Any] = []
    add = bars.append
    if quote:
        for row, t, e, bo, bh, bl, bc, ao, ah, al, ac, bs, zs, f in zip(
            numbers, times, ends, *columns, *volumes, flags
        ):
            bar = _NEW(QuoteBar)
            bar._src, bar._row, bar.symbol, bar.time, bar.end_time = source, row, symbol, t, e
            if bc or bo or bh or bl:
                side = _NEW(Bar)
                side._src, side._row, side._first = source, row, 0
                side.open, side.high, side.low, side.close = bo, bh, bl, bc
                bar.bid = side
            else:
                bar.bid = None
            if ac or ao or ah or al:
                side = _NEW(Bar)
                side._src, side._row, side._first = source, row, 4
                side.open, side.high, side.low, side.close = ao, ah, al, ac
                bar.ask = side
            else:
                bar.ask = None
            bar.last_bid_size, bar.last_ask_size, bar.is_fill_forward = bs, zs, f
            add(bar)
    else:
        for row, t, e, o, h, l, c, v, f in zip(numbers, times, ends, *columns, *volumes, flags):  # noqa: E741
            bar = _NEW(TradeBar)
            bar._src, bar._row, bar.symbol, bar.time, bar.end_time = source, row, symbol, t, e
            bar.open, bar.high, bar.low, bar.close = o, h, l, c
            bar.volume, bar.is_fill_forward = v, f
            add(bar)
    return bars


def _values(
    rows: Rows, factors: list[Decimal] | None, addends: list[Decimal] | None
) -> tuple[list[Floats], list[Floats]]:
    """Return price columns and sizes as floats, adjusted."""
    if factors is None:
        scales = rows.scales
        floats = [
            plain_floats(column, None if scales is None else scales[k], rows.scale)
            for k, column in enumerate(rows.prices)
        ]
        return floats, [size.copy() for size in rows.sizes]
    floats = [np.empty(len(rows)) for _ in rows.prices]
    sizes = [np.empty(len(rows)) for _ in rows.sizes]
    unit = Decimal(1).scaleb(-rows.scale)
    start = 0
    while start < len(rows):
        stop = start + 1
        while stop < len(rows) and factors[stop] == factors[start]:
            stop += 1
        part = slice(start, stop)
        for k, column in enumerate(rows.prices):
            if rows.scales is None:
                floats[k][part] = scaled_floats(column[part], factors[start] * unit)
            else:
                for row in range(start, stop):
                    held = int(rows.scales[k, row])
                    floats[k][row] = float(Decimal(int(column[row])).scaleb(-held) * factors[start])
        for k, size in enumerate(rows.sizes):
            sizes[k][part] = round_sizes(size[part], factors[start])
        start = stop
    if addends is not None:
        extra = np.array([float(a) for a in addends])
        for column in floats:
            column += extra
    return floats, sizes


def from_datetime(moment: datetime) -> int:
    """Return microseconds since 1970 of a naive time."""
    return (moment - EPOCH) // timedelta(microseconds=1)

"""Columns of a data file, and the bars made of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.data.parsing import Ints
from engine.types.bars import Bar, BarSource, QuoteBar, TradeBar
from engine.types.decimals import ONE, ZERO
from engine.types.symbol import Symbol
from engine.types.timezones import EPOCH

Floats = npt.NDArray[np.float64]
_NEW: Any = object.__new__
_SPLITTER = 134217729.0  # 2**27 + 1, Dekker's constant for splitting doubles


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one stream in order of time.

    ``time`` and ``end`` are local microseconds since 1970 (exchange time), ``prices`` integers of
    shape (columns, n),
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
        """Return the price of a row as LEAN has it before any adjustment: close, or the middle of
        bid and ask.
        """
        sides = []
        for column in range(3, len(self.prices), 4):
            if any(self.prices[column - 3 : column + 1, row]):
                held = self.scale if self.scales is None else int(self.scales[column, row])
                sides.append(Decimal(int(self.prices[column, row])) * Decimal(1).scaleb(-held))
        if len(sides) == 2 and all(sides):
            return (sides[0] + sides[1]) / 2
        return next((side for side in sides if side), ZERO)


class FileSource(BarSource):
    """A :class:`BarSource` whose cells may differ in scale, with dividends to add (total
    return).
    """

    __slots__ = ("addends", "scales", "steps")

    scales: npt.NDArray[np.int8] | None
    addends: list[Decimal] | None
    #: unit times factor of each row, where that is all there is to a price
    steps: list[Decimal] | None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.steps = None

    def exact(self, column: int, row: int) -> Decimal:
        """Return one price with .NET's scale."""
        raw = self.raw[column].item(row)
        if self.steps is not None:
            return self.steps[row] * raw
        if self.scales is None:
            value = Decimal(raw) * _UNITS[self.scale]
        else:
            value = Decimal(raw) * _UNITS[int(self.scales[column, row])]
        factor = self.factor if self.factors is None else self.factors[row]
        if factor is not None:
            value = value * factor
        return value if self.addends is None else value + self.addends[row]


def steps_of(rows: Rows, factors: Factors | None) -> list[Decimal] | None:
    """Return for each row what one of its price's units is worth; None where they differ by cell.

    Units are powers of ten: a factor times one of them keeps its digits, and so the product with
    an integer is the one of LEAN, unit first.
    """
    if rows.scales is not None:
        return None
    unit = _UNITS[rows.scale]
    if factors is None:
        return [unit] * len(rows)
    if factors.addends is not None:
        return None
    worth = [factor * unit for factor in factors.values]
    for step, factor in zip(worth, factors.values, strict=True):
        if step.as_tuple().digits != factor.as_tuple().digits:
            # more digits than a product keeps
            return None
    return [worth[k] for k in factors.which.tolist()]


def split_factors(factors: list[Decimal]) -> tuple[Floats, Floats]:
    """Return factors as sums of two doubles."""
    high = [float(factor) for factor in factors]
    low = [float(factor - Decimal(h)) for factor, h in zip(factors, high, strict=False)]
    return np.array(high), np.array(low)


def scaled_floats(raw: Ints, high: Any, low: Any) -> Floats:
    """Multiply integers by exact factors ``high + low``, each product rounded once.

    The rounding error of the product with the leading part is added back (Dekker 1971), so that the
    result is the float
    of the exact decimal product.
    """
    x = raw.astype(np.float64)
    product = x * high
    t = _SPLITTER * x
    xh = t - (t - x)
    xl = x - xh
    t = _SPLITTER * high
    yh = t - (t - high)
    yl = high - yh
    error = ((xh * yh - product) + xh * yl + xl * yh) + xl * yl
    result: Floats = product + (error + x * low)
    return result


def plain_floats(raw: Ints, scales: npt.NDArray[np.int8] | None, scale: int) -> Floats:
    """Return integers as floats with their decimals; each division rounds once."""
    if scales is None:
        return raw / 10.0**scale if scale else raw.astype(np.float64)
    return raw / _POWERS[scales]


_POWERS = np.array([10.0**k for k in range(40)])
_UNITS = [Decimal(1).scaleb(-k) for k in range(40)]


def round_sizes(sizes: Floats, inverse: list[Decimal], which: Ints) -> Floats:
    """Return ``Math.Round(size * (1 / factor))``, halves to even; ``which`` says which inverse a
    row has.
    """
    product = sizes * np.array([float(i) for i in inverse])[which]
    rounded = np.rint(product)
    near = np.abs(np.abs(product - np.floor(product)) - 0.5) < 1e-6 * np.maximum(
        1.0, product * 1e-9
    )
    for row in np.flatnonzero(near):
        exact = Decimal(repr(float(sizes[row]))) * inverse[which[row]]
        rounded[row] = float(exact.to_integral_value())
    return rounded


@dataclass(frozen=True, slots=True)
class Factors:
    """The few factors of a block, and for each row which one it has (and what is added, for total
    return).
    """

    values: list[Decimal]
    which: Ints
    addends: list[Decimal] | None = None

    def of_rows(self) -> list[Decimal]:
        values = self.values
        return [values[i] for i in self.which.tolist()]


def to_datetimes(micro: Ints) -> list[datetime]:
    """Turn microseconds since 1970 into naive datetimes."""
    return np.ascontiguousarray(micro).view("M8[us]").tolist() if len(micro) else []


def make_bars(
    symbol: Symbol,
    quote: bool,
    rows: Rows,
    which: Ints,
    time: Ints,
    end: Ints,
    filled: npt.NDArray[np.bool_],
    factors: Factors | None,
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
        Price factors of ``rows``; None when prices stay as they are.

    Returns
    -------
    list
        Bars with all their slots set, sharing one :class:`FileSource`.
    """
    floats, sizes = _values(rows, factors)
    times = to_datetimes(time)
    breaks = np.append(np.flatnonzero(end[:-1] != time[1:]), len(end) - 1)
    if 4 * len(breaks) < len(end):
        # most begin where the one before ended
        ends = [*times[1:], times[0]]
        for at, moment in zip(breaks.tolist(), to_datetimes(end[breaks]), strict=True):
            ends[at] = moment
    else:
        ends = to_datetimes(end)
    source = FileSource(symbol, times, ends, [], list(rows.prices), [], rows.scale)
    source.scales = rows.scales
    source.addends = None
    source.steps = steps_of(rows, factors)
    if factors is not None:
        source.addends = factors.addends
        if len(factors.values) == 1:
            source.factor = factors.values[0]
        else:
            source.factors = factors.of_rows()
    copies = bool(filled.any())
    first = int(which[0])
    if not copies and which[-1] - first + 1 == len(which):
        # rows one by one, as in most chunks
        numbers: Any = range(first, first + len(which))
        columns = [column[first : numbers.stop].tolist() for column in floats]
        volumes = [size[first : numbers.stop].tolist() for size in sizes]
    else:
        numbers = which.tolist()
        columns = [column[which].tolist() for column in floats]
        counts = [size[which] for size in sizes]
        if not quote:
            counts[0][filled] = 0.0
        volumes = [count.tolist() for count in counts]
    if quote:
        bars = _quote_bars(source, numbers, columns, volumes)
    else:
        bars = list(map(_NEW, repeat(TradeBar, len(times))))
        for (
            bar, bar._row, bar.time, bar.end_time, bar.open, bar.high, bar.low, bar.close,
            bar.volume,
        ) in zip(bars, numbers, times, ends, *columns, *volumes, strict=False):  # fmt: skip
            bar._src, bar.symbol, bar.is_fill_forward = source, symbol, False
    if copies:
        for bar, copied in zip(bars, filled.tolist(), strict=False):
            bar.is_fill_forward = copied
    return bars


def _quote_bars(
    source: FileSource, numbers: Any, columns: list[list[float]], volumes: list[list[float]]
) -> list[Any]:
    symbol = source.symbol
    bars: list[Any] = list(map(_NEW, repeat(QuoteBar, len(source.time))))
    for bar, row, bar.time, bar.end_time, bo, bh, bl, bc, ao, ah, al, ac, bs, zs in zip(
        bars, numbers, source.time, source.end_time, *columns, *volumes, strict=False
    ):
        bar._src, bar._row, bar.symbol, bar.is_fill_forward = source, row, symbol, False
        if bc or bo or bh or bl:
            side = bar.bid = _NEW(Bar)
            side._src, side._row, side._first = source, row, 0
            side.open, side.high, side.low, side.close = bo, bh, bl, bc
        else:
            bar.bid = None
        if ac or ao or ah or al:
            side = bar.ask = _NEW(Bar)
            side._src, side._row, side._first = source, row, 4
            side.open, side.high, side.low, side.close = ao, ah, al, ac
        else:
            bar.ask = None
        bar.last_bid_size, bar.last_ask_size = bs, zs
    return bars


def _values(rows: Rows, factors: Factors | None) -> tuple[list[Floats], list[Floats]]:
    """Return price columns and sizes as floats, adjusted."""
    scales = rows.scales
    if factors is None:
        floats = [
            plain_floats(column, None if scales is None else scales[k], rows.scale)
            for k, column in enumerate(rows.prices)
        ]
        return floats, list(rows.sizes)
    which = factors.which
    if scales is None:
        unit = Decimal(1).scaleb(-rows.scale)
        high, low = split_factors([factor * unit for factor in factors.values])
        if len(factors.values) == 1:
            parts: tuple[Any, Any] = (high[0], low[0])
        else:
            parts = (high[which], low[which])
        floats = [scaled_floats(column, *parts) for column in rows.prices]
    else:
        every = factors.of_rows()
        floats = [
            np.array(
                [
                    float(Decimal(raw).scaleb(-held) * factor)
                    for raw, held, factor in zip(
                        column.tolist(), scale.tolist(), every, strict=False
                    )
                ]
            )
            for column, scale in zip(rows.prices, scales, strict=False)
        ]
    inverse = [ONE / factor for factor in factors.values]
    sizes = [round_sizes(size, inverse, which) for size in rows.sizes]
    if factors.addends is not None:
        extra = np.array([float(a) for a in factors.addends])
        floats = [column + extra for column in floats]
    return floats, sizes


def from_datetime(moment: datetime) -> int:
    """Return microseconds since 1970 of a naive time."""
    return (moment - EPOCH) // timedelta(microseconds=1)

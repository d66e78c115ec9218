"""Factor files: what splits and dividends do to prices before them.

A row ``date,price factor,split factor,reference price`` holds for the days up to and with its date;
the event that
made it happens on the next trading day.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.types.days import compact_day
from engine.types.decimals import ONE, ZERO
from engine.types.enums import DataNormalizationMode
from engine.types.errors import DataError

_EPOCH = date(1970, 1, 1).toordinal()
_SPLIT_ONLY = (DataNormalizationMode.SPLIT_ADJUSTED, DataNormalizationMode.TOTAL_RETURN)


@dataclass(frozen=True, slots=True)
class FactorRow:
    """One line of a factor file; ``scale`` is the product of both factors."""

    date: datetime
    price_factor: Decimal
    split_factor: Decimal
    reference_price: Decimal
    scale: Decimal


class FactorFile:
    """The factors of one security, oldest first."""

    __slots__ = ("_ordinals", "_since_epoch", "minimum_date", "rows")

    def __init__(self, rows: list[FactorRow]) -> None:
        self.rows = sorted({row.date: row for row in reversed(rows)}.values(), key=lambda r: r.date)
        self._ordinals = [row.date.toordinal() for row in self.rows]
        self._since_epoch = np.array(self._ordinals, dtype=np.int64) - _EPOCH
        self.minimum_date = self.rows[0].date - timedelta(days=1) if self.rows else None

    @staticmethod
    def read(path: Path) -> FactorFile:
        """Read a factor file; rows with ``inf`` or exponents and rows of factor 0 do not count, as
        in LEAN.

        Raises
        ------
        DataError
            When a row cannot be read.
        """
        rows = []
        for number, line in enumerate(dict.fromkeys(path.read_text("utf-8-sig").splitlines()), 1):
            if not line.strip() or "inf" in line or "e+" in line:
                continue
            cells = line.split(",")
            try:
                day = compact_day(cells[0].strip())
                price, split = Decimal(cells[1]), Decimal(cells[2])
                reference = Decimal(cells[3]) if len(cells) > 3 else ZERO
            except (ValueError, IndexError, ArithmeticError) as error:
                raise DataError(
                    f"expected 'yyyymmdd,price factor,split factor,reference "
                    f"price' in {path}, row {number}, was {line!r}; "
                    "repair the row"
                ) from error
            if price * split > 0:
                rows.append(FactorRow(day, price, split, reference, price * split))
        return FactorFile(rows)

    def factor(self, day: date, mode: DataNormalizationMode) -> Decimal:
        """Return the factor by which a price of ``day`` is multiplied."""
        if mode == DataNormalizationMode.RAW:
            return ONE
        index = bisect_left(self._ordinals, day.toordinal())
        if index == len(self.rows):
            return ONE
        row = self.rows[index]
        return row.split_factor if mode in _SPLIT_ONLY else row.scale

    def price_scale(
        self, day: date, mode: DataNormalizationMode, end: date | None = None
    ) -> Decimal:
        """Return :meth:`factor`, for ``SCALED_RAW`` relative to the factor of ``end``."""
        value = self.factor(day, mode)
        if mode == DataNormalizationMode.SCALED_RAW:
            if end is None:
                raise ValueError("expected an end date for SCALED_RAW prices, was None")
            return value / self.factor(end, mode)
        return value

    def index_of(self, days: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return which row holds on each of ``days`` (days since 1970)."""
        return np.searchsorted(self._since_epoch, days, side="left")

    def scale_at(self, index: int, mode: DataNormalizationMode, end: date) -> Decimal:
        """Return the factor of a row found by :meth:`index_of`."""
        if index == len(self.rows):
            value = ONE
        else:
            row = self.rows[index]
            value = row.split_factor if mode in _SPLIT_ONLY else row.scale
        return value / self.factor(end, mode) if mode == DataNormalizationMode.SCALED_RAW else value

    def _next(self, day: date) -> tuple[FactorRow, FactorRow] | None:
        index = bisect_left(self._ordinals, day.toordinal())
        if index >= len(self.rows) - 1 or self._ordinals[index] != day.toordinal():
            return None
        return self.rows[index], self.rows[index + 1]

    def dividend_after(self, day: date) -> tuple[Decimal, Decimal] | None:
        """Return ``(price factor ratio, reference price)`` when the day after ``day`` is an ex-
        date.
        """
        pair = self._next(day)
        if pair is None or pair[0].price_factor == pair[1].price_factor:
            return None
        return pair[0].price_factor / pair[1].price_factor, pair[0].reference_price

    def split_after(self, day: date) -> tuple[Decimal, Decimal] | None:
        """Return ``(split factor, reference price)`` when there is a split on the day after
        ``day``.
        """
        pair = self._next(day)
        if pair is None or pair[0].split_factor == pair[1].split_factor:
            return None
        return pair[0].split_factor / pair[1].split_factor, pair[0].reference_price


EMPTY = FactorFile([])

"""Daily closes of the universe, kept once for all models."""

from __future__ import annotations

from AlgorithmImports import *

from collections.abc import Sequence
from typing import Any

import numpy as np


class Closes:
    """The last closes of each symbol, oldest first; a bar that LEAN filled forward is not a new
    close.
    """

    def __init__(self, length: int) -> None:
        self.length = length
        # by symbol: an array with room for twice the length, and how much of it is filled
        self._rows: dict[Symbol, list[Any]] = {}

    def take(self, data: Slice) -> None:
        """Add the bars of one moment."""
        for symbol, bar in list(data.bars.items()):
            if bar.is_fill_forward:
                continue
            close = bar.close
            if not close > 0:
                continue
            row = self._rows.get(symbol)
            if row is None:
                row = self._rows[symbol] = [np.empty(2 * self.length), 0]
            values, filled = row
            if filled == 2 * self.length:
                values[: self.length] = values[-self.length :]
                filled = self.length
            values[filled] = close
            row[1] = filled + 1

    def last(self, symbol: Symbol, count: int) -> np.ndarray | None:
        """Return the last ``count`` closes, or None while there are fewer.

        It is a look at the row, good until the next :meth:`take`, and cannot be written to.
        """
        values, filled = self._rows.get(symbol, (None, 0))
        if values is None or filled < count:
            return None
        look: np.ndarray = values[filled - count : filled]
        look.flags.writeable = False
        return look

    def has(self, symbol: Symbol, count: int) -> bool:
        """Whether there are so many closes of a symbol."""
        row = self._rows.get(symbol)
        return row is not None and row[1] >= count

    def table(self, symbols: Sequence[Symbol], count: int) -> np.ndarray:
        """Return the last closes of symbols that have so many.

        Returns
        -------
        numpy.ndarray, shape (n, count)
            A row per symbol, oldest first; a copy.
        """
        rows: list[Any] = [self.last(symbol, count) for symbol in symbols]
        return np.stack(rows) if rows else np.empty((0, count))

"""Daily closes of the universe, kept once for all models."""

from __future__ import annotations

from AlgorithmImports import *

from array import array
from collections.abc import Sequence

import numpy as np


class Closes:
    """The last closes of each symbol, oldest first; a bar that LEAN filled forward is not a new
    close.
    """

    def __init__(self, length: int) -> None:
        self.length = length
        # by symbol, twice the length at most
        self._rows: dict[Symbol, array[float]] = {}

    def take(self, data: Slice) -> None:
        """Add the bars of one moment."""
        rows, most = self._rows, 2 * self.length
        for symbol, bar in list(data.bars.items()):
            if bar.is_fill_forward:
                continue
            close = bar.close
            if not close > 0:
                continue
            row = rows.get(symbol)
            if row is None:
                row = rows[symbol] = array("d")
            elif len(row) == most:
                del row[: -self.length]
            row.append(close)

    def last(self, symbol: Symbol, count: int) -> np.ndarray | None:
        """Return the last ``count`` closes, or None while there are fewer.

        It cannot be written to.
        """
        if not self.has(symbol, count):
            return None
        row = self._rows[symbol]
        closes = np.array(row[len(row) - count :])
        closes.flags.writeable = False
        return closes

    def has(self, symbol: Symbol, count: int) -> bool:
        """Whether there are so many closes of a symbol."""
        row = self._rows.get(symbol)
        return row is not None and len(row) >= count

    def table(self, symbols: Sequence[Symbol], count: int) -> np.ndarray:
        """Return the last closes of symbols that have so many.

        Returns
        -------
        numpy.ndarray, shape (n, count)
            A row per symbol, oldest first; a copy.
        """
        closes = array("d")
        for symbol in symbols:
            row = self._rows[symbol]
            closes += row[len(row) - count :]
        return (
            np.frombuffer(closes).reshape(len(symbols), count) if closes else np.empty((0, count))
        )

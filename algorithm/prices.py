"""Daily closes of the universe, kept once for all models."""

from __future__ import annotations

from AlgorithmImports import *

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
        bars = data.bars
        for symbol in list(bars.keys()):
            bar = bars[symbol]
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

    def returns(self, symbol: Symbol, count: int) -> np.ndarray | None:
        """Return the last ``count`` log returns, or None while there are fewer."""
        closes = self.last(symbol, count + 1)
        if closes is None:
            return None
        logs = np.log(closes)
        made: np.ndarray = logs[1:] - logs[:-1]
        return made

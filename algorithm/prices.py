"""Daily closes of the universe, kept once for all models."""

from __future__ import annotations

from AlgorithmImports import *

import numpy as np


class Closes:
    """The last closes of each symbol, oldest first; a bar that LEAN filled forward is not a new
    close.
    """

    def __init__(self, length: int) -> None:
        self.length = length
        self._rows: dict[Symbol, list[float]] = {}

    def take(self, data: Slice) -> None:
        """Add the bars of one moment."""
        bars = data.bars
        for symbol in list(bars.keys()):
            bar = bars[symbol]
            if bar.is_fill_forward or not bar.close > 0:
                continue
            row = self._rows.setdefault(symbol, [])
            row.append(float(bar.close))
            if len(row) > 2 * self.length:
                del row[: -self.length]

    def last(self, symbol: Symbol, count: int) -> np.ndarray | None:
        """Return the last ``count`` closes, or None while there are fewer."""
        row = self._rows.get(symbol)
        if row is None or len(row) < count:
            return None
        return np.asarray(row[-count:])

    def returns(self, symbol: Symbol, count: int) -> np.ndarray | None:
        """Return the last ``count`` log returns, or None while there are fewer."""
        closes = self.last(symbol, count + 1)
        return None if closes is None else np.diff(np.log(closes))

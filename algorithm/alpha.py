"""Trend ensemble: the share of slow rules that say a security goes up."""

from __future__ import annotations

from AlgorithmImports import *

from datetime import timedelta

import numpy as np

from algorithm.prices import Closes

#: trading days of the momentum rules and of the average (Moskowitz, Ooi, Pedersen 2012; Faber 2007)
LOOKBACKS = (63, 126, 252)
AVERAGE = 200
_LENGTH = max(LOOKBACKS) + 1
#: how long an insight lives
_LIFE = timedelta(days=10)
#: where the prices of the momentum rules stand, counted from the end, and room for the average
_BEFORE = np.array([-1 - days for days in LOOKBACKS] + [-1])


def trend_scores(closes: np.ndarray) -> np.ndarray:
    """Return the share of rules in [0, 1] that are long, for each security.

    Three rules hold when the price is above that of 3, 6 and 12 months ago, one when it is above
    its 200-day mean.

    Parameters
    ----------
    closes : numpy.ndarray, shape (n, 253)
        Daily closes, a row per security, oldest first.
    """
    marks = closes.take(_BEFORE, axis=1)
    marks[:, -1] = np.add.reduce(closes[:, -AVERAGE:], axis=1) / AVERAGE
    votes = np.add.reduce(closes[:, -1:] > marks, axis=1)
    scores: np.ndarray = votes / len(_BEFORE)
    return scores


class TrendEnsemble(AlphaModel):
    """Emits, once a week, an insight per security whose weight is its trend score."""

    def __init__(self, closes: Closes) -> None:
        self.name = "TrendEnsemble"
        self.closes = closes
        self.symbols: list[Symbol] = []
        self._week: tuple[int, int] | None = None

    def update(self, algorithm: QCAlgorithm, data: Slice) -> list[Insight]:
        if data.bars.count == 0:
            return []
        self.closes.take(data)
        year, week, _ = algorithm.time.isocalendar()
        if algorithm.is_warming_up or self._week == (year, week):
            return []
        self._week = (year, week)
        symbols = [s for s in self.symbols if self.closes.has(s, _LENGTH)]
        scores = trend_scores(self.closes.table(symbols, _LENGTH)).tolist()
        up, flat = InsightDirection.UP, InsightDirection.FLAT
        return [
            Insight.price(symbol, _LIFE, up if score > 0 else flat, None, score, self.name, score)
            for symbol, score in zip(symbols, scores, strict=True)
        ]

    def on_securities_changed(self, algorithm: QCAlgorithm, changes: SecurityChanges) -> None:
        gone = {x.symbol for x in changes.removed_securities}
        known = [s for s in self.symbols if s not in gone]
        known += [x.symbol for x in changes.added_securities if x.symbol not in known]
        self.symbols = known
